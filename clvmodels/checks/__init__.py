"""What may be wrong with data, fit or forecast: each check passes, asks for review or fails, with evidence and advice.

Thresholds are about consequences, not significance: with 20,000 customers everything is significant, with 200 nothing.
Each is a named constant with its reason beside it, in the file of its kind: ``data``, ``fits``, ``spend`` and
``forecast``.
"""

from __future__ import annotations

from dataclasses import dataclass

from clvmodels.checks import data, fits, spend
from clvmodels.checks import forecast as holdouts
from clvmodels.checks.finding import Check, Status
from clvmodels.evaluation import Evaluation
from clvmodels.fitting.oracle import Opinion
from clvmodels.fitting.result import Fit
from clvmodels.prediction import Predictions
from clvmodels.summary import Holdout, Summary

__all__ = ["Check", "HoldoutChecks", "Status", "check_holdout", "run_checks"]


@dataclass(frozen=True)
class HoldoutChecks:
    """Checks of the calibration and of its forecast, and the fits they are about; :func:`check_holdout` makes them."""

    fits: tuple[Fit, ...]
    enough: Check
    one_time: Check
    of_fits: tuple[Check, ...]
    of_forecast: tuple[Check, ...]


def check_holdout(
    calibration: Summary, holdout: Holdout, *, forecast: Predictions, evaluation: Evaluation, opinion: Opinion | None
) -> HoldoutChecks:
    """What can be checked before anything is fitted to all data.

    Parameters
    ----------
    calibration, holdout
        The two sides of the split.
    forecast, evaluation
        The calibration fit's predictions of the holdout, and how they did.
    opinion
        The second opinion on the calibration fit, if it gave one.
    """
    quantities = ("purchases", "value") if forecast.spend else ("purchases",)
    made = tuple(fit for fit in (forecast.purchases, forecast.spend) if fit)
    return HoldoutChecks(
        fits=made,
        enough=data.fitness(calibration),
        one_time=data.one_time_buyers(
            calibration, first=bool(forecast.spend and getattr(forecast.spend.model, "first", False))
        ),
        of_fits=(*map(fits.identification, made), fits.second_opinion(opinion)),
        of_forecast=(
            *([spend.spend_frequency(calibration, forecast)] if forecast.spend else []),
            *([found] if (found := holdouts.returning(calibration, holdout, forecast)) else []),
            *(holdouts.holdout_total(holdout, forecast, quantity) for quantity in quantities),
            *(holdouts.coverage(evaluation, quantity) for quantity in quantities),
            *(holdouts.calibrated(evaluation, quantity) for quantity in quantities),
        ),
    )


def run_checks(held: HoldoutChecks, future: Predictions) -> tuple[Check, ...]:
    """All checks of a report, in the order of the analysis; ``future`` are the predictions of the refit."""
    pairs = list(zip(held.fits, (future.purchases, future.spend), strict=False))
    return (
        held.enough,
        data.window(future),
        data.ledger(future.summary),
        data.left_truncation(future.summary),
        held.one_time,
        *(fits.convergence(fit, refit) for fit, refit in pairs if refit),
        *(found for fit, refit in pairs if refit and (found := fits.priors(fit, refit))),
        *held.of_fits,
        *([fits.spend_shape(future.spend)] if future.spend else []),
        *held.of_forecast,
    )
