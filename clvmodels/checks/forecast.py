"""Checks of the forecast against the holdout: totals, one-time buyers, intervals, probabilities."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from clvmodels import written
from clvmodels.checks.finding import Check, Status, percent
from clvmodels.evaluation import Evaluation
from clvmodels.language import SPOKEN, _
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

TOTALS: Mapping[str, str] = SPOKEN | {"purchases": "Holdout total, purchases", "value": "Holdout total, value"}
COVERAGES: Mapping[str, str] = SPOKEN | {
    "purchases": "Coverage of intervals, purchases",
    "value": "Coverage of intervals, value",
}
PROBABILITIES: Mapping[str, str] = SPOKEN | {
    "purchases": "Calibration of probabilities, purchases",
    "value": "Calibration of probabilities, value",
}
"""Titles, by quantity."""


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
        _("Return of one-time buyers"),
        status,
        _(
            "Of {n} customers with a single purchase the model expected {predicted} to come back in the holdout; "
            "{actual} did."
        ).format(n=written.count(n), predicted=written.percent(predicted), actual=written.percent(actual)),
        _("The model may be used for one-time buyers as a group.")
        if status == "pass"
        else _("Do not plan win-back campaigns from these probabilities; BG/NBD cannot see a one-time buyer leave.")
        if forecast.purchases.model.name == "bgnbd"
        else _("Do not plan win-back campaigns from these probabilities."),
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

    def told(total: float) -> str:
        return written.money(total, forecast.currency) if quantity == "value" else written.count(total)

    return Check(
        f"holdout_total_{quantity}",
        TOTALS[quantity],
        status,
        (
            _("Predicted {predicted} [{lower}, {upper}], actual {actual}: {error}, inside the 90% interval.")
            if inside
            else _("Predicted {predicted} [{lower}, {upper}], actual {actual}: {error}, outside the 90% interval.")
        ).format(
            predicted=told(predicted),
            lower=told(low),
            upper=told(high),
            actual=told(actual),
            error=percent(error),
        ),
        _("Totals may be quoted with their interval.")
        if inside
        else _(
            "Quote totals with this error beside them ({error}), not with the interval alone: something outside the "
            "model moved (season, prices, a changed way of leaving). Try another calibration end and another family."
        ).format(error=percent(error, 0)),
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
        COVERAGES[quantity],
        status,
        _("{share} of the customers' outcomes lie inside their 90% interval.").format(share=written.percent(share)),
        _("Intervals of customers may be quoted as they are.")
        if status == "pass"
        else _("Intervals are too wide: outcomes are less uncertain than stated.")
        if share > high
        else _("Intervals are too narrow: widen them before promising anything to a single customer."),
        {"coverage": share},
    )


def calibrated(evaluation: Evaluation, quantity: str) -> Check:
    """Is the whole predicted distribution right, not only its middle?"""
    distance = _model_metric(evaluation, quantity, "pit_ks")
    status: Status = "pass" if distance <= PIT else "review" if distance <= 2 * PIT else "fail"
    return Check(
        f"calibration_{quantity}",
        PROBABILITIES[quantity],
        status,
        _("Predicted probabilities are off by at most {distance} (PIT).").format(distance=written.percent(distance)),
        _("Probabilities may be read as frequencies.")
        if status == "pass"
        else _("Read probabilities as a ranking; the figure of predicted probabilities shows where they are off."),
        {"pit_ks": distance},
    )
