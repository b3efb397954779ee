"""Does spend go with frequency, and what does ignoring it do to predicted revenue?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from clvmodels import written
from clvmodels.checks.finding import Check, Status, percent
from clvmodels.fitting.data import spend_known, spend_objective
from clvmodels.fitting.mle import ascend
from clvmodels.language import _
from clvmodels.models import SpendFamily
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
    growth
        What the family's own growth with frequency is and does, if it has one.
    """

    spearman: float | None
    spearman_lower: float | None
    spearman_upper: float | None
    effect: float
    effect_lower: float
    effect_upper: float
    classes: pd.DataFrame
    growth: Growth | None = None


@dataclass(frozen=True)
class Growth:
    """What a spend family whose level goes with frequency finds: the factor for twice the purchases, and what it does.

    Attributes
    ----------
    g, lower, upper
        The factor, with 90 % limits.
    effect, effect_lower, effect_upper
        Relative difference of predicted revenue from that of the same family without growth, fitted to the same
        customers; the limits are those at the limits of g.
    """

    g: float
    lower: float
    upper: float
    effect: float
    effect_lower: float
    effect_upper: float


def association(calibration: Summary, forecast: Predictions) -> Association:
    """Measure the assumption that spend does not depend on frequency, by its effect on the forecast.

    A customer's expected spend leans on the own average and on the population's level: for Gamma-Gamma it is a weighted
    mean, in which the population's weight is w = (q − 1)/(p x + q − 1). If class c spends ρ_c times what the customers
    that the level was learned from spend on average (over all orders, so that one-time buyers are in it), its forecast
    should use ρ_c times that level μ. The change of revenue is Σ E[purchases] w μ (ρ_c − 1), relative to the predicted
    revenue. Where the family's level goes with frequency itself, ρ_c is what is left beside it.
    """
    if forecast.spend is None:
        raise ValueError("association needs a spend fit")
    frame, model = calibration.frame, forecast.spend.predictive_model
    assert isinstance(model, SpendFamily)
    known = spend_known(calibration, type(model))
    x = frame["frequency"].to_numpy(float)
    spent = frame["value_past"].to_numpy(float) / (x + 1)
    order = spent / model.level(known[0])
    repeat = x > 0
    learned = known[0] > 0
    purchases = forecast.frame["expected_purchases"].to_numpy(float)
    revenue = float(purchases @ forecast.frame["expected_spend"].to_numpy(float))
    exposed = purchases * model.leaning(*known[:2])  # revenue that rests on the population's level
    which = np.searchsorted(FREQUENCY_CLASSES, x, side="right") - 1
    k = len(FREQUENCY_CLASSES)
    n = np.bincount(which, minlength=k).astype(float)
    mean = np.bincount(which, order, k) / np.maximum(n, 1)
    variance = np.bincount(which, order**2, k) / np.maximum(n, 1) - mean**2
    share = np.bincount(which, exposed, k) / revenue
    base = float(order[learned].mean())
    of_learned = np.bincount(which, learned, k) / max(learned.sum(), 1)
    filled = n > 0
    effect = float(share[filled] @ (mean[filled] / base - 1))
    gradient = share / base - of_learned * float(share @ mean) / base**2
    sd = float(np.sqrt(np.sum(gradient**2 * np.maximum(variance, 0) / np.maximum(n, 1))))
    rho, low, high = _spearman(x[repeat], frame["monetary_value"].to_numpy(float)[repeat])
    tops = [*(str(lower) for lower in FREQUENCY_CLASSES[:4]), "4–6", "7+"]
    classes = pd.DataFrame(
        {
            "frequency": tops,
            "customers": n.astype(int),
            "mean_spend": np.where(filled, np.bincount(which, spent, k) / np.maximum(n, 1), np.nan),
            "ratio": np.where(filled, mean / base, np.nan),
            "effect": np.where(filled, share * (mean / base - 1), 0.0),
        }
    )
    growth = _growth(calibration, forecast) if "g" in model.parameters else None
    return Association(rho, low, high, effect, effect - 1.96 * sd, effect + 1.96 * sd, classes, growth)


def _growth(calibration: Summary, forecast: Predictions) -> Growth:
    """Refit with g held at 1, and at its limits: the last of the family's coordinates is its logarithm."""
    assert forecast.spend is not None
    family, table = type(forecast.spend.model), forecast.spend.table().set_index("parameter")
    limits = np.asarray(table.loc["g", ["estimate", "lower", "upper"]], float)
    g, lower, upper = (float(value) for value in limits)
    objective, _left_out = spend_objective(calibration, family)
    x, m = spend_known(calibration, family)[:2]
    purchases = forecast.frame["expected_purchases"].to_numpy(float)
    start = objective.starts()[0]
    place = start.size - 1

    def revenue(growth: float) -> float:
        start[place] = np.log(growth)
        held = ascend(objective, start, held=(place,)).summit.eta
        model: Any = family.from_log(objective.log_parameters(held))
        return float(purchases @ model.expected_spend(x, m))

    without, low, high = (revenue(growth) for growth in (1.0, lower, upper))
    found = float(purchases @ forecast.frame["expected_spend"].to_numpy(float))
    effects = sorted((low / without - 1, high / without - 1))
    return Growth(g, lower, upper, found / without - 1, *effects)


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
        ).format(**facts)
        + (_growing(found.growth) if found.growth else ""),
        (
            _("The assumption that spend does not depend on frequency costs less than 5% of revenue here.")
            if found.growth is None
            else _("What the model's growth with frequency leaves over costs less than 5% of revenue here.")
        )
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
        }
        | ({"growth": asdict(found.growth)} if found.growth else {}),
    )


def _growing(found: Growth) -> str:
    """What the model's own growth with frequency is, and does."""
    return " " + _(
        "The model lets spend go with frequency: twice the purchases, {g} times the spend [{lower}, {upper}] (90%), "
        "which changes predicted revenue by {effect} [{effect_lower}, {effect_upper}] against the same model without; "
        "the classes above show what that leaves over."
    ).format(
        g=written.decimal(found.g, 3),
        lower=written.decimal(found.lower, 3),
        upper=written.decimal(found.upper, 3),
        effect=percent(found.effect),
        effect_lower=percent(found.effect_lower),
        effect_upper=percent(found.effect_upper),
    )
