"""Checks of the forecast against the holdout: totals, one-time buyers, intervals, probabilities."""

from __future__ import annotations

import numpy as np

from clvmodels.checks.finding import Check, Status, percent
from clvmodels.evaluation import Evaluation
from clvmodels.prediction import Predictions
from clvmodels.summary import Holdout, Summary

RETURN_RATIO = 1.25
"""Predicted over actual return rate: a quarter off is visible in any campaign plan. Twice the distance (1.5) fails."""
TOTAL_FAIL = 0.25
"""Error of the holdout total. Published benchmarks of this model miss by up to 15 %; a quarter changes a budget."""
COVERAGE = (0.85, 0.95)
"""Five points around the nominal 90 %: closer, nobody would decide otherwise. Twice as far fails on the low side."""
COVERAGE_FAIL = 0.80
PIT = 0.05
"""No predicted probability is off by more than five points; twice as much fails."""


def returning(calibration: Summary, holdout: Holdout, forecast: Predictions) -> Check | None:
    """Do as many one-time buyers come back as predicted?"""
    once = (calibration.frame["frequency"] == 0).to_numpy()
    n = int(once.sum())
    if n == 0:
        return None
    predicted = float(forecast.frame["p_active"].to_numpy()[once].mean())
    actual = float((holdout.frame["purchases"].to_numpy()[once] > 0).mean())
    chance = 3 * np.sqrt(max(predicted * (1 - predicted), 1e-12) / n)
    low, high = sorted((max(predicted, 1e-12), max(actual, 1 / (2 * n))))
    ratio = high / low
    off = abs(predicted - actual) > chance and ratio > RETURN_RATIO
    status: Status = "pass" if not off else "review" if ratio <= 1 + 2 * (RETURN_RATIO - 1) else "fail"
    return Check(
        "returning_one_time_buyers",
        "Return of one-time buyers",
        status,
        f"Of {n:,} customers with a single purchase the model expected {predicted:.1%} to come back in the holdout; "
        f"{actual:.1%} did.",
        "The model may be used for one-time buyers as a group."
        if status == "pass"
        else "Do not plan win-back campaigns from these probabilities"
        + ("; BG/NBD cannot see a one-time buyer leave." if forecast.purchases.model.name == "bgnbd" else "."),
        {"customers": n, "predicted": predicted, "actual": actual},
    )


def holdout_total(holdout: Holdout, forecast: Predictions, quantity: str) -> Check:
    """Did the actual total fall inside its 90 % interval, and how far off was the prediction?

    Value is compared as the forecast states it, with its margin: the actual is multiplied by the same margin.
    """
    actual = float(holdout.frame[quantity].sum()) * (forecast.margin if quantity == "value" else 1.0)
    predicted, low, high = (float(getattr(forecast.totals, quantity + end)) for end in ("", "_lower", "_upper"))
    inside = low <= actual <= high
    error = predicted / actual - 1 if actual else float("inf")
    status: Status = "pass" if inside else "review" if abs(error) <= TOTAL_FAIL else "fail"
    return Check(
        f"holdout_total_{quantity}",
        f"Holdout total, {quantity}",
        status,
        f"Predicted {predicted:,.0f} [{low:,.0f}, {high:,.0f}], actual {actual:,.0f}: "
        f"{percent(error)}, {'inside' if inside else 'outside'} the 90% interval.",
        "Totals may be quoted with their interval."
        if inside
        else f"Quote totals with this error beside them ({percent(error, 0)}), not with the interval alone: something "
        f"outside the model moved "
        "(season, prices, a changed way of leaving). Try another calibration end and another family.",
        {"predicted": predicted, "lower": low, "upper": high, "actual": actual, "error": error if actual else None},
    )


def _model_metric(evaluation: Evaluation, quantity: str, metric: str) -> float:
    table = evaluation.metrics
    rows = table[
        (table["predictor"] == evaluation.models[quantity])
        & (table["quantity"] == quantity)
        & (table["metric"] == metric)
    ]
    return float(rows["value"].iloc[0])


def coverage(evaluation: Evaluation, quantity: str) -> Check:
    """Do the customers' 90 % intervals hold about 90 % of the outcomes?"""
    share = _model_metric(evaluation, quantity, "coverage_90")
    low, high = COVERAGE
    status: Status = "pass" if low <= share <= high else "review" if share >= COVERAGE_FAIL else "fail"
    return Check(
        f"coverage_{quantity}",
        f"Coverage of intervals, {quantity}",
        status,
        f"{share:.1%} of the customers' outcomes lie inside their 90% interval.",
        "Intervals of customers may be quoted as they are."
        if status == "pass"
        else "Intervals are too wide: outcomes are less uncertain than stated."
        if share > high
        else "Intervals are too narrow: widen them before promising anything to a single customer.",
        {"coverage": share},
    )


def calibrated(evaluation: Evaluation, quantity: str) -> Check:
    """Is the whole predicted distribution right, not only its middle?"""
    distance = _model_metric(evaluation, quantity, "pit_ks")
    status: Status = "pass" if distance <= PIT else "review" if distance <= 2 * PIT else "fail"
    return Check(
        f"calibration_{quantity}",
        f"Calibration of probabilities, {quantity}",
        status,
        f"Predicted probabilities are off by at most {distance:.1%} (PIT).",
        "Probabilities may be read as frequencies."
        if status == "pass"
        else "Read probabilities as a ranking; the figure of predicted probabilities shows where they are off.",
        {"pit_ks": distance},
    )
