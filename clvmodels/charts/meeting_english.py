"""The words of the figures of indicators and channels, in English."""

from __future__ import annotations

from collections.abc import Mapping

from clvmodels.language import SPOKEN

MEETING: Mapping[str, str] = SPOKEN | {
    "month": "month",
    "quarter": "quarter",
    "indicator_periods.title": "Do customers behave as before?",
    "indicator_periods.note": "{start} to {end}, {customers} customers; the fit behind the band saw days up to "
    "{fitted_until}",
    "indicator_periods.purchase_frequency": "Repeat purchases per customer-year",
    "indicator_periods.active_share": "Customers won before the {period} who bought in it",
    "indicator_periods.average_order_value": "Average order value, {currency}",
    "indicator_periods.band": "90% band of the model",
    "indicator_periods.caption": (
        "Each {period}'s indicators, and what the model would have shown for customers won on the same days: the line "
        "is its mean, the band holds 90% of simulated histories, chance and the uncertainty of the parameters "
        "included. Up to {fitted_until} the fit has seen the data; the shaded part is a prediction. What leaves the "
        "band has changed, or the model is wrong about it: season, promotions and prices are not in it. The formula "
        "knows no course over time: its frequency is one number."
    ),
    "indicator_periods.alt": "Line charts of indicators over time with the band that the model predicts: {panels}.",
    "indicator_periods.alt_panel": "{indicator} is outside in {outside} of {n} periods",
    "cell.purchase_frequency": "Purchase frequency",
    "cell.active_share": "Share of active customers",
    "cell.average_order_value": "Average order value",
    "column.indicator": "Indicator",
    "column.start": "From",
    "column.end": "To",
    "column.value.indicator_periods": "Observed",
    "column.expected": "Model",
    "column.orders": "Orders",
    "channel_values.title": "Which channel brings the most valuable customers in {months} months?",
    "channel_values.note": "{customers} customers by {segment}, observed {start} to {end}",
    "channel_values.note_some": (
        "{customers} customers by {segment}, observed {start} to {end}; the {n} of {every} groups with the most "
        "customers"
    ),
    "channel_values.row": "{channel} ({customers})",
    "channel_values.unnamed": "(none)",
    "channel_values.x": "Worth of the next customer, {currency}",
    "channel_values.pooled": "Pooled, with 90% interval",
    "channel_values.alone": "From its own customers alone",
    "channel_values.cost": "Cost of acquisition",
    "channel_values.caption": (
        "What {model} and the spend model expect the next customer of each channel to be worth in the first {months} "
        "months, first order included; in brackets the channel's customers so far. Small channels lean on the others: "
        "the fewer customers, the further the pooled value is from their own, and the wider the interval. What they "
        "will actually be worth is not known yet, and the formula has no word on customers still to be won."
    ),
    "channel_values.caption_cost": (
        "What {model} and the spend model expect the next customer of each channel to be worth in the first {months} "
        "months, first order included, beside the mean cost of winning one; in brackets the channel's customers so "
        "far. Small channels lean on the others: the fewer customers, the further the pooled value is from their own, "
        "and the wider the interval. What they will actually be worth is not known yet, and the formula has no word on "
        "customers still to be won."
    ),
    "channel_values.alt": "Interval plot of {n} channels; the highest is {channel} with {pooled}, from {lower} to "
    "{upper}.",
    "column.channel": "Channel",
    "column.alone": "By itself, {currency}",
    "column.pooled": "Pooled, {currency}",
    "column.cost": "Cost, {currency}",
}
