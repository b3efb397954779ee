"""What may be wrong with data, fit or forecast: each check passes, asks for review or fails, with evidence and advice.

Thresholds are about consequences, not significance: with 20,000 customers everything is significant, with 200 nothing.
Each is a named constant with its reason beside it, in the file of its kind: ``data``, ``fits``, ``spend`` and
``forecast``.
"""

from __future__ import annotations

from clvmodels.checks import data, fits, spend
from clvmodels.checks import forecast as holdouts
from clvmodels.checks.finding import Check, Status
from clvmodels.evaluation import Evaluation
from clvmodels.fitting.oracle import Opinion
from clvmodels.prediction import Predictions
from clvmodels.summary import Holdout, Summary

__all__ = ["Check", "Status", "run_checks"]


def run_checks(
    calibration: Summary,
    holdout: Holdout,
    *,
    forecast: Predictions,
    evaluation: Evaluation,
    opinion: Opinion | None,
    future: Predictions,
) -> tuple[Check, ...]:
    """All checks of one report, in the order of the analysis.

    Parameters
    ----------
    calibration, holdout
        The two sides of the split.
    forecast, evaluation
        The calibration fit's predictions of the holdout, and how they did.
    opinion
        The second opinion on the calibration fit, if it gave one.
    future
        The refit's predictions beyond the data.
    """
    quantities = ("purchases", "value") if forecast.spend else ("purchases",)
    pairs = [(forecast.purchases, future.purchases)]
    if forecast.spend and future.spend:
        pairs.append((forecast.spend, future.spend))
    found = [
        data.fitness(calibration),
        data.window(future),
        data.ledger(future.summary),
        data.left_truncation(future.summary),
        data.one_time_buyers(calibration, first=bool(forecast.spend and getattr(forecast.spend.model, "first", False))),
        *(fits.convergence(fit, refit) for fit, refit in pairs),
        *(fits.priors(fit, refit) for fit, refit in pairs),
        *(fits.identification(fit) for fit in (forecast.purchases, forecast.spend) if fit),
        fits.second_opinion(forecast.purchases, opinion),
        fits.spend_shape(future.spend) if future.spend else None,
        spend.spend_frequency(calibration, forecast) if forecast.spend else None,
        holdouts.returning(calibration, holdout, forecast),
        *(holdouts.holdout_total(holdout, forecast, quantity) for quantity in quantities),
        *(holdouts.coverage(evaluation, quantity) for quantity in quantities),
        *(holdouts.calibrated(evaluation, quantity) for quantity in quantities),
    ]
    return tuple(check for check in found if check)
