"""Does spend go with frequency, and what does ignoring it do to predicted revenue?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from clvmodels import written
from clvmodels.checks.finding import Check, Status, percent
from clvmodels.language import _
from clvmodels.prediction import Predictions
from clvmodels.summary import Summary

MATERIAL = 0.05
"""Effects on revenue below 5 % are within what auditors and budgets call immaterial; above twice that they fail."""
FREQUENCY_CLASSES = (0, 1, 2, 3, 4, 7)
"""Lower ends of the frequency classes: 0, 1, 2, 3, 4–6, 7 and more."""


@dataclass(frozen=True)
class Association:
    """How spend goes with frequency, and what ignoring it does to predicted revenue.

    Attributes
    ----------
    spearman, spearman_lower, spearman_upper
        Rank correlation of frequency and mean value over repeat buyers, with a 95 % interval (Fisher's z with
        the variance 1.06/(n − 3) of Fieller, Hartley & Pearson 1957, Biometrika 44).
    effect, effect_lower, effect_upper
        Relative change of predicted revenue if each frequency class were shrunk towards its own average spend instead
        of that of all repeat buyers (95 %, delta method).
    classes
        The classes behind it: frequency, customers, mean_spend, ratio, share of the effect.
    """

    spearman: float | None
    spearman_lower: float | None
    spearman_upper: float | None
    effect: float
    effect_lower: float
    effect_upper: float
    classes: pd.DataFrame


def association(calibration: Summary, forecast: Predictions) -> Association:
    """Measure the assumption that spend does not depend on frequency, by its effect on the forecast.

    A customer's expected spend is a weighted mean of the own average and that of the population; the population's
    weight is w = (q − 1)/(p x + q − 1). If class c spends ρ_c times what repeat buyers spend on average (over all
    orders, so that one-time buyers are in it), its forecast should use ρ_c times the population mean μ. The change of
    revenue is Σ E[purchases] w μ (ρ_c − 1), relative to the predicted revenue.
    """
    if forecast.spend is None:
        raise ValueError("association needs a spend fit")
    frame, model = calibration.frame, forecast.spend.predictive_model
    x = frame["frequency"].to_numpy(float)
    order = frame["value_past"].to_numpy(float) / (x + 1)
    repeat = x > 0
    p, q, v = (float(model.parameters[letter]) for letter in "pqv")
    weight = (q - 1) / (p * x + q - 1)
    purchases = forecast.frame["expected_purchases"].to_numpy(float)
    revenue = float(purchases @ forecast.frame["expected_spend"].to_numpy(float))
    exposed = purchases * weight * p * v / (q - 1)  # revenue that rests on the population mean
    which = np.searchsorted(FREQUENCY_CLASSES, x, side="right") - 1
    k = len(FREQUENCY_CLASSES)
    n = np.bincount(which, minlength=k).astype(float)
    mean = np.bincount(which, order, k) / np.maximum(n, 1)
    variance = np.bincount(which, order**2, k) / np.maximum(n, 1) - mean**2
    share = np.bincount(which, exposed, k) / revenue
    base = float(order[repeat].mean())
    of_repeaters = np.where(np.arange(k) > 0, n, 0) / max(repeat.sum(), 1)
    filled = n > 0
    effect = float(share[filled] @ (mean[filled] / base - 1))
    gradient = share / base - of_repeaters * float(share @ mean) / base**2
    sd = float(np.sqrt(np.sum(gradient**2 * np.maximum(variance, 0) / np.maximum(n, 1))))
    rho, low, high = _spearman(x[repeat], frame["monetary_value"].to_numpy(float)[repeat])
    tops = [*(str(lower) for lower in FREQUENCY_CLASSES[:4]), "4–6", "7+"]
    classes = pd.DataFrame(
        {
            "frequency": tops,
            "customers": n.astype(int),
            "mean_spend": np.where(filled, mean, np.nan),
            "ratio": np.where(filled, mean / base, np.nan),
            "effect": np.where(filled, share * (mean / base - 1), 0.0),
        }
    )
    return Association(rho, low, high, effect, effect - 1.96 * sd, effect + 1.96 * sd, classes)


def _spearman(x: np.ndarray, y: np.ndarray) -> tuple[float | None, float | None, float | None]:
    """Mid-rank Spearman with its 95 % interval; None where a side is constant or fewer than five customers are left."""
    if len(x) < 5 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None, None, None
    rho = float(stats.spearmanr(x, y).statistic)
    half = 1.96 * np.sqrt(1.06 / (len(x) - 3))
    z = np.arctanh(np.clip(rho, -1 + 1e-12, 1 - 1e-12))
    return rho, float(np.tanh(z - half)), float(np.tanh(z + half))


def spend_frequency(calibration: Summary, forecast: Predictions) -> Check:
    """Does spend depend on frequency, and does it matter for revenue?"""
    found = association(calibration, forecast)
    clear = (
        min(abs(found.effect_lower), abs(found.effect_upper)) > MATERIAL and found.effect_lower * found.effect_upper > 0
    )
    status: Status = (
        "pass"
        if abs(found.effect) <= MATERIAL
        else "review"
        if abs(found.effect) <= 2 * MATERIAL or not clear
        else "fail"
    )
    correlation = (found.spearman, found.spearman_lower, found.spearman_upper)
    facts = {
        "effect": percent(found.effect),
        "lower": percent(found.effect_lower),
        "upper": percent(found.effect_upper),
        **{f"rho{i}": written.decimal(value, sign=True) for i, value in enumerate(correlation)},
    }
    return Check(
        "spend_frequency",
        _("Spend and frequency"),
        status,
        (
            _(
                "Spearman's correlation of frequency and spend is {rho0} [{rho1}, {rho2}]; shrinking each frequency "
                "class towards its own average spend would change predicted revenue by {effect} [{lower}, {upper}]."
            )
            if found.spearman is not None
            else _(
                "Shrinking each frequency class towards its own average spend would change predicted revenue by "
                "{effect} [{lower}, {upper}]."
            )
        ).format(**facts),
        _("The assumption that spend does not depend on frequency costs less than 5% of revenue here.")
        if status == "pass"
        else _(
            "Correct revenue by about {effect}, or model spend per frequency class; do not compare values across "
            "classes."
        ).format(effect=percent(found.effect, 0)),
        {
            "spearman": found.spearman,
            "spearman_lower": found.spearman_lower,
            "spearman_upper": found.spearman_upper,
            "effect": found.effect,
            "effect_lower": found.effect_lower,
            "effect_upper": found.effect_upper,
            "classes": found.classes.to_dict("records"),
        },
    )
