"""What the sections on indicators, channels, levers and single customers say."""

from __future__ import annotations

from clvmodels.language import SPOKEN, Catalogue

HEADS: Catalogue[str] = SPOKEN | {
    "indicator": "Indicator",
    "value": "Value",
    "limits": "90% limits",
    "limits_mean": "Mean, 90%",
    "limits_seen": "Outcome, 90%",
    "definition": "Definition",
    "trap": "Trap",
    "factor": "Factor",
    "by_formula": "Formula: observed",
    "by_model": "Model: expected",
    "ratio": "Formula ÷ model",
    "cohort": "First purchase",
    "customers": "Customers",
    "repeats": "Repeats each so far",
    "band": "Model's band",
    "outside": "Against the band",
    "orders": "Average order",
    "frequency": "A year, observed",
    "silent": "Silent",
    "frequency_alive": "A year, while active",
    "active_months": "Active months",
    "no_purchase": "P(no purchase)",
    "clv_each": "CLV each",
    "value_each": "Value each",
    "past": "Past value",
    "clv": "CLV",
    "lifetime_each": "Past + CLV, each",
    "pooled": "CLV each, pooled",
    "next": "Next customer",
    "alone": "By itself",
    "best": "P(best)",
    "median": "Median customer",
    "p90": "Best tenth from",
    "cost": "Cost",
    "ratio_cost": "LTV ÷ cost",
    "above_1": "P(> 1)",
    "above_3": "P(> 3)",
    "highest": "Worth paying up to",
    "payback": "Paid back after",
    "payback_limits": "90% limits",
    "share_above": "Customers above cost",
    "lever": "One percent more",
    "gain": "Worth by the model",
    "formula_gain": "Worth by the formula",
    "elasticity": "Model: % of value",
    "formula_elasticity": "Formula: % of value",
    "prevented": "Leaving prevented",
    "break_even": "Break-even per customer, model",
    "formula_break_even": "Break-even per customer, formula",
    "reward": "Given back",
    "needed": "Rise needed, model",
    "formula_needed": "Rise needed, formula",
    "tier": "Tier predicted",
    "was_top": "In fact top tenth",
    "was_upper": "In fact top three tenths",
    "nothing": "Spent nothing",
    "mean_predicted": "Predicted each",
    "mean_actual": "Actual each",
    "then": "Tier then",
    "customer": "Customer",
    "last": "Last purchase",
    "expected_value": "Expected value",
    "p_none": "P(no purchase)",
    "at_risk": "Value at risk",
    "silence": "Silent for",
    "usual": "Usually every",
    "p_silence": "Chance of it",
    "alive": "P(alive)",
    "formula_value": "Formula",
    "model_value": "Model",
    "reason": "Why",
    "segment": "Group",
    "change": "Frequency",
}

CAPTIONS: Catalogue[str] = SPOKEN | {
    "kpis": "Indicators as observed, up to {until}",
    "factors": "The formula's factors, and the model's; their product is value per customer, {start} to {end}",
    "factors_counts": "The formula's factors, and the model's; their product is purchases per customer, {start} to "
    "{end}",
    "expected": "Indicators as the model sees them, {start} to {end}",
    "cohorts": "Acquisition cohorts, and what is expected of them from {start} to {end}",
    "segment": "Indicators by `{segment}`: observed up to {until}, expected from {start} to {end}",
    "channel_sums": "Sums over the customers of each `{segment}`, and what one of them is worth",
    "channel_next": "Worth of the next customer of each `{segment}` in {months} months, pooled",
    "channel_cost": "Against the cost of acquisition, by `{segment}`",
    "channel_levels": "How channels differ: each level over that of all customers together, pooled",
    "levers": "One percent more of each factor, {start} to {end}",
    "levers_segment": "One percent more of each factor, by `{segment}`, {start} to {end}",
    "sliders": "Value of the horizon, {start} to {end}, if rates changed on its first day",
    "surface": "Value by the model if frequency (rows) and retention (columns) changed",
    "offers": "What a retention offer may cost",
    "rewards": "What a reward has to bring",
    "tiers_actual": "Tiers predicted at the end of calibration, and what their customers spent from {start} to {end}",
    "tiers_now": "Tiers then and now: share of each predicted tier that is now in the tier of the column",
    "at_risk": "Value at risk: the highest value × P(no purchase)",
    "silence": "Unusual silence: the most valuable of those whose rhythm does not explain it",
    "over": "Where the formula says most too much",
    "under": "Where the formula says most too little",
}

PROSE: Catalogue[str] = SPOKEN | {
    "indicators": "The formula multiplies three numbers: average order value, purchase frequency and duration. Below "
    "they are first as observed, each with its definition and its trap; then beside the model's own three, whose "
    "product is the forecast itself; then over time and by group. Nobody observes churn without a contract, and a "
    "duration that goes on has not been seen to its end.",
    "factors": "The formula takes the frequency of the past, first orders included, for the whole horizon. The model "
    "asks how often customers buy while they are active, and for how much of the horizon they will be. One number "
    "for all customers stands on the left; the formula per customer is in the forecast above.",
    "expected": "The limits of the mean say what the data leave open about the average; what will happen to a group "
    "also depends on chance, which the last column adds where the outcome can be seen afterwards.",
    "periods": "**Has anything changed?** The band is what the fit on data up to {end} predicts for customers won on "
    "these days, chance and the uncertainty of its parameters included. After that day it is a true prediction. Of "
    "{n} later periods, purchase frequency lies above the band in {above} and below it in {below}.",
    "periods_none": "**Has anything changed?** The band is what the fit on data up to {end} predicts for customers won "
    "on these days, chance and the uncertainty of its parameters included.",
    "cohorts": "Customers by the {length} of their first purchase. Repeat purchases are per customer, up to {until}; "
    "the band is that of the figure. Active months and P(no purchase) are those of the horizon.",
    "cohort_one": "All customers were won in one {length}.",
    "channels": "A small channel can lead a table by luck. Therefore each channel's purchase rate, dropout, spend and "
    "first order are estimated together with the other channels': the fewer customers it has, the more it leans on "
    "them. “Next customer” is the expected margin of a new customer in the first {months} months, the first order "
    "included, discounted; it is what acquisition money buys. “Past + CLV” describes the customers already there, of "
    "whatever age; the sum of its CLV is the forecast.",
    "channels_best": "**{best}** stands first: its next customer is worth {ltv} ({lower} to {upper}), and more than "
    "{highest} with a probability of {confidence}. The channels are in the order of that amount, “worth paying up "
    "to”, because the mean of a small channel is the least certain; **{best}** is the best of all with a probability "
    "of {p}.",
    "channels_cost": "Payback counts undiscounted margins from the first order on (“first order”: it pays by itself) "
    "against the channel's mean cost; “later” is beyond 24 months. A channel costs too much where its cost is above "
    "what is “worth paying up to”, the cost that the next customer's worth exceeds with a probability of {confidence}.",
    "cost_missing": "Costs are known for {known} of {customers} customers; means are over these.",
    "no_channels": "`{segment}` cannot be compared: {reason}",
    "levers": "**Arithmetic on assumptions, not effects.** If a factor were one percent higher from the first day of "
    "the horizon, for everybody, value would be higher by this much. Nothing here says that a measure would achieve "
    "it, or what it costs.",
    "levers_why": "**Why the two differ.** In the formula every factor multiplies: one percent of any of them is one "
    "percent of value. In the model some customers have already left, and a change reaches only those who are still "
    "there. A higher frequency {frequency}. Better retention matters only to those who would leave within the horizon: "
    "as it is, customers who are there at its start stay for {stay} of it. So here one percent of frequency is worth "
    "{elasticity_frequency}% of value, and one percent less leaving {elasticity_retention}%.",
    "frequency_coin": "also means more occasions to leave, for customers may drop out at every purchase",
    "frequency_clock": "does not change how long they stay",
    "sliders": "Move the sliders to see other changes. They recompute the totals from a grid in this page, between "
    "whose points the values are interpolated.",
    "offers": "If an offer to **every** customer prevented this share of the leaving (of the odds of leaving, where a "
    "purchase may be the last), it would pay for itself up to this cost per customer it is made to. In the formula "
    "duration is 1 ÷ churn, and every relationship grows longer, also those that are over.",
    "rewards": "A reward of this share of every order costs margin on all orders, also those that would have come "
    "anyway. Frequency would have to rise by this much for it to pay, with a margin of {margin}.",
    "attention": "Lists to look at, not to act on blindly: each says who, how much, and why. All customers with these "
    "columns: `clvmodels kpis`.",
    "tiers": "Of the customers predicted to be the best tenth, {top} were, and {upper} were among the best three "
    "tenths; {nothing} spent nothing. A tier is a forecast, and chance moves customers across its borders.",
    "silence": "Of {tested} customers with at least two repeat purchases {flagged} have been silent for longer than "
    "their own rhythm explains (a chance below 5% if they were still there). By chance alone 5% of those still there "
    "would be on such a list.",
    "silence_none": "No customer with at least two repeat purchases has been silent for unusually long.",
    "differences": "The difference between formula and model has three factors: how often, for how long, and how much. "
    "The largest is named.",
}

INDICATORS: Catalogue[str] = SPOKEN | {
    "average_order_value": "Average order value",
    "purchase_frequency": "Purchases a year, while active",
    "active_years": "Active time in the horizon",
    "value_per_customer": "Value per customer",
    "clv_per_customer": "Residual value (CLV) per customer",
    "p_no_purchase": "No purchase in the horizon",
    "alive_now": "Still active at the start",
    "alive_at_end": "Still active at the end",
}

MEANINGS: Catalogue[str] = SPOKEN | {
    "average_order_value": "Expected revenue ÷ expected purchases: frequent buyers weigh more.",
    "purchase_frequency": "Expected purchases ÷ expected years active. Not the rate of those who have left.",
    "active_years": "Time until a customer drops out, or the horizon ends; those who have left count with 0. Nobody "
    "can observe it.",
    "value_per_customer": "Expected revenue × margin in the horizon, undiscounted.",
    "clv_per_customer": "The same, discounted: what is still to come, without the past.",
    "p_no_purchase": "The churn that can be checked: who buys nothing in the horizon, for whatever reason.",
    "alive_now": "P(alive), a quantity of the model.",
    "alive_at_end": "P(alive) at the end of the horizon, whatever happens until then.",
}

FACTORS: Catalogue[str] = SPOKEN | {
    "average_order_value": "Average order value",
    "purchase_frequency": "× purchases a year",
    "duration": "× years",
    "margin": "× margin",
    "product_value": "= value per customer",
    "product_counts": "= purchases per customer",
}

LEVERS: Catalogue[str] = SPOKEN | {
    "order_value": "Order value",
    "frequency": "Purchase frequency",
    "retention": "Retention (1% less leaving)",
}

LEVERS_SHORT: Catalogue[str] = SPOKEN | {
    "order_value": "order value",
    "frequency": "frequency",
    "retention": "retention",
}

SLIDERS: Catalogue[str] = SPOKEN | {
    "order_value": "Order value",
    "frequency": "Purchase frequency",
    "retention": "Leaving prevented",
    "model": "Model",
    "formula": "Formula",
    "base": "as it is",
    "group": "Customers",
    "everyone": "All customers",
    "reset": "Reset",
}

OUTSIDE: Catalogue[str] = SPOKEN | {"above": "above", "below": "below", "": "inside"}

LENGTHS: Catalogue[str] = SPOKEN | {"week": "week", "month": "month", "quarter": "quarter", "year": "year"}

LEVELS: Catalogue[str] = SPOKEN | {
    "purchase_rate": "Purchase rate",
    "dropout": "Dropout",
    "spend": "Spend",
    "first_order": "First order",
}

SHORT: Catalogue[str] = SPOKEN | {
    "everyone": "All customers",
    "later": "later",
    "unlikely": "< {limit}",
    "likely": "> {limit}",
    "lever_model": "Model: {lever}",
    "lever_formula": "Formula: {lever}",
    "first_order_pays": "first order",
    "none": "(none)",
    "years": "{value} years",
    "a_year": "{value} a year",
    "quarter": "Q{quarter} {year}",
    "month": "{month} {year}",
}
