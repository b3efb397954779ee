"""Every word that a backtest's figures show, in English; see `clvmodels.charts.english`."""

from __future__ import annotations

from collections.abc import Mapping

from clvmodels.language import SPOKEN

ROLLING: Mapping[str, str] = SPOKEN | {
    "rolling.note": (
        "{cutoffs} cut-offs, {start} to {end}, and {days} days after each, up to {holdout_end}; {customers} customers"
    ),
    "rolling.note_one": "One cut-off; its holdout is {start} to {holdout_end}, {days} days; {customers} customers",
    "rolling.model": "Model of the lowest CRPS",
    "rolling.thousand": "{n}k",
    "rolling.error": "Predicted ÷ actual − 1",
    "rolling.title_purchases": "Who predicts purchases best, again and again?",
    "rolling.title_value": "Who predicts value best, again and again?",
    "rolling.mean": "Mean over cut-offs, 95% limits",
    "rolling.each": "Single cut-offs",
    "rolling.higher": "higher is better →",
    "rolling.lower": "← lower is better",
    "rolling.abs_log_total_ratio": "Total, |log ratio|",
    "rolling.rmse": "RMSE",
    "rolling.crps": "CRPS",
    "rolling.gini": "Gini",
    "rolling.top_decile_capture": "In the best tenth",
    "rolling.decile_mape": "Error by tenths",
    "rolling.caption": (
        "Models (blue), formulas (orange and green) and what else was predicted, on the same customers and days; the "
        "{shown} models of the lowest CRPS of {families}. |log ratio| is how far predicted ÷ actual total is from 1. "
        "Limits are those of {resamples} resamples of customers and cut-offs; what is off the scale is written at its "
        "edge."
    ),
    "rolling.alt": "Predictors by metric; the lowest CRPS has the model {best} with {crps}, formulas are higher.",
    "rolling_totals.title": "Is the total right at every cut-off?",
    "rolling_totals.y": "Predicted total ÷ actual total",
    "rolling_totals.caption": (
        "Predicted over actual total of each holdout, on a logarithmic scale: on the line at 1 a total is right, and "
        "twice too high is as far from it as half. The model's lie between {lowest} and {highest}, beside those of the "
        "formulas."
    ),
    "rolling_totals.alt": "Ratio of predicted to actual totals by cut-off: the model between {lowest} and {highest}.",
    "rolling_horizon.title": "Does the forecast get worse with time?",
    "rolling_horizon.x": "Time since the cut-off, {units}",
    "rolling_horizon.caption": (
        "Error of the total so far, predicted over actual minus 1, all cut-offs together (lines) and their range "
        "(bands). At the end of the holdout the model is off by {model}."
    ),
    "rolling_horizon.alt": "Error of running totals by time since the cut-off: the model ends at {model}.",
    "rolling_frequency.title": "For which customers is it right?",
    "rolling_frequency.x": "Repeat purchases; customers",
    "rolling_frequency.caption": (
        "Predicted over actual total in the holdout, all cut-offs together, by how often customers had bought again; a "
        "customer counts once at each cut-off, and a formula that says nothing has no point. One-time buyers: the "
        "model predicted {predicted} purchases each, actual {actual}."
    ),
    "rolling_frequency.alt": (
        "Predicted and actual means by frequency class; one-time buyers {predicted} predicted, {actual} actual "
        "purchases."
    ),
    "rolling_cohort.title": "Does it depend on when customers came?",
    "rolling_cohort.x": "First purchase",
    "rolling_cohort.caption": (
        "Error of the total by cohort, predicted over actual minus 1, all cut-offs together, model beside formulas. "
        "The model's error of purchases lies between {lowest} and {highest}."
    ),
    "rolling_cohort.alt": "Error of the total by cohort: the model between {lowest} and {highest}.",
    "rolling_one_time.title": "How many one-time buyers come back?",
    "rolling_one_time.y": "Share who buy again in the holdout",
    "rolling_one_time.caption": (
        "Share of customers with a single purchase who bought again in the holdout: actual (black), the model with the "
        "lowest CRPS (dark blue) and other models (light blue). On average {actual} came back; {title} said {model}. A "
        "formula states no such share."
    ),
    "rolling_one_time.alt": "Share of one-time buyers who come back by cut-off: actual {actual}, {title} {model}.",
    "rolling_parameters.title": "Are the estimates stable?",
    "rolling_parameters.estimate": "Estimate of the model",
    "rolling_parameters.limits": "90% limits",
    "rolling_parameters.caption": (
        "Parameters of the models with the lowest CRPS at every cut-off, time in {units}. Most moved {parameter} of "
        "{family}: the largest is {ratio} times the smallest. Parameters may move together and forecast the same; the "
        "formula has none, and nothing actual stands beside them."
    ),
    "rolling_parameters.alt": "Estimates by cut-off; {parameter} of {family} moves most, by a factor of {ratio}.",
    "column.value.rolling_purchases": "Value",
    "column.value.rolling_value": "Value",
    "column.lower.rolling_purchases": "Lower limit (95%)",
    "column.upper.rolling_purchases": "Upper limit (95%)",
    "column.lower.rolling_value": "Lower limit (95%)",
    "column.upper.rolling_value": "Upper limit (95%)",
    "column.cutoff": "Cut-off",
    "column.role": "Kind",
    "column.ratio": "Predicted ÷ actual",
    "column.total_error": "Predicted ÷ actual − 1",
    "column.lowest": "Lowest of the cut-offs",
    "column.highest": "Highest of the cut-offs",
    "column.cohort": "First purchase",
    "column.share": "Share who buy again",
    "column.family": "Model",
    "column.parameter": "Parameter",
    "column.estimate": "Estimate",
    "column.standard_error": "Standard error",
    "column.predicted_mean": "Predicted per customer",
    "column.actual_mean": "Actual per customer",
    "cell.abs_log_total_ratio": "Total off by: |log(predicted ÷ actual)|",
    "cell.mean_cutoff": "Mean",
    "cell.model_role": "Model",
    "cell.family_role": "Model",
    "cell.elsewhere_role": "Elsewhere",
}
"""By key, as `clvmodels.charts.words` looks them up."""
