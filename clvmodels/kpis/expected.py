"""The indicators as the model sees them: of the horizon, of customers who may leave, with what the data leave open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from clvmodels import lifetime
from clvmodels.calendar import DAYS_PER_YEAR
from clvmodels.kpis.groups import Groups, grouped
from clvmodels.kpis.observed import LEVEL
from clvmodels.models.arrays import Array
from clvmodels.outcomes.points import parameter_draws
from clvmodels.outcomes.standing import Standing
from clvmodels.outcomes.survival import Quantity
from clvmodels.prediction import Predictions
from clvmodels.totals import MANY, limits, thinned

MOST_DRAWS, FEWEST_DRAWS, WORK = 400, 60, 400_000
"""Draws of the parameters, so many that draws × distinct customers is about the last number."""

INDICATORS = (
    "average_order_value", "purchase_frequency", "active_years", "value_per_customer", "clv_per_customer",
    "p_no_purchase", "alive_now", "alive_at_end",
)  # fmt: skip
"""What is expected, in the order of tables; those of money are left out without money."""


def expected_kpis(forecast: Predictions, by: str | Sequence[str] | Groups = (), *, seed: int = 0) -> pd.DataFrame:
    """What the model expects in the horizon, of each group of customers.

    The formula multiplies average order value, purchase frequency and duration. The model has the same three factors,
    and their product is exactly its value per customer (÷ margin):

    ==========================  ========================================================================================
    ``average_order_value``     expected revenue ÷ expected purchases in the horizon
    ``purchase_frequency``      expected purchases ÷ expected years alive: of customers while they stay, per year
    ``active_years``            expected time alive within the horizon, ∫ P(alive at T + s) ds, in years per customer
    ``value_per_customer``      expected value, undiscounted; ``clv_per_customer`` discounted: the residual value
    ``p_no_purchase``           probability of no purchase in the horizon: what churn means without a contract
    ``alive_now``               probability of not having dropped out before the horizon; ``alive_at_end``: by its end
    ==========================  ========================================================================================

    Parameters
    ----------
    forecast
        What :func:`clvmodels.predict` returned.
    by
        Columns of ``forecast.frame`` (segments, ``tier``), or groups; nothing for everyone together.
    seed
        The same seed gives the same limits.

    Returns
    -------
    DataFrame
        The group, then ``customers``, ``indicator``, ``value``, ``mean_lower``, ``mean_upper`` (90 % limits of the
        expected value: what the data leave open about the average) and, for what can be seen afterwards, ``lower``,
        ``upper`` (90 % limits of what will happen, chance included); a row per group and indicator.
    """
    groups = by if isinstance(by, Groups) else grouped(forecast.frame, by)
    return expected_with_whole(forecast, groups, seed=seed)[0]


def expected_with_whole(forecast: Predictions, groups: Groups, *, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What :func:`expected_kpis` says of each group, and of everyone together: their sums are those of the groups."""
    size = _with_whole(groups.sums(np.ones(len(groups.code))))
    here = _indicators({name: _with_whole(each) for name, each in _sums(forecast, groups).items()}, size, forecast)
    drawn = _drawn(forecast, groups, seed)
    totals = forecast.portfolio.totals(groups.code, groups.n) if groups.n > 1 else [forecast.totals]
    totals.append(forecast.totals)
    p = forecast.frame["p_active"].to_numpy(float)
    whole = pd.DataFrame(index=[0])
    parts: tuple[list[pd.DataFrame], list[pd.DataFrame]] = [], []
    for name, value in here.items():
        variance = np.mean((drawn[name] - drawn[name].mean(axis=0)) ** 2, axis=0)
        low, high = limits(value, variance)
        nothing = np.full(size.size, np.nan)
        lower, upper = nothing, nothing
        if name == "p_no_purchase":
            lower, upper = limits(value, variance + _with_whole(groups.sums(p * (1 - p))) / size**2)
        elif name in ("value_per_customer", "clv_per_customer"):
            quantity = name.removesuffix("_per_customer")
            lower, upper = (
                np.array([getattr(one, f"{quantity}_{side}") for one in totals]) / size for side in ("lower", "upper")
            )
        most = 1.0 if name.startswith(("p_", "alive")) else np.inf
        most = forecast.horizon.days / DAYS_PER_YEAR if name == "active_years" else most
        rows = {"customers": size.astype(int), "indicator": name, "value": value}
        rows |= {"mean_lower": low, "mean_upper": np.minimum(high, most), "lower": lower}
        table = pd.DataFrame(rows | {"upper": np.minimum(upper, most)})
        for part, labels, some in zip(parts, (groups.labels, whole), (table[:-1], table[-1:]), strict=True):
            part.append(pd.concat([labels, some.set_axis(labels.index)], axis=1))
    of_groups, of_everyone = (pd.concat(part, ignore_index=True) for part in parts)
    return of_groups, of_everyone


def _with_whole(amounts: Array, times: Array | None = None) -> Array:
    """Amounts of groups, and on the last axis after them their sum, in which each group counts so many ``times``."""
    counted = amounts if times is None else amounts * times
    return np.concatenate([amounts, counted.sum(axis=-1, keepdims=True)], axis=-1)


def active_years(forecast: Predictions) -> Array:
    """Expected years alive within the horizon, of each customer of ``forecast.frame``."""
    outcomes = forecast.purchase_outcomes
    years = forecast.unit.days / DAYS_PER_YEAR
    return np.asarray(outcomes.distinct.future(outcomes.model, _time(outcomes.t))[outcomes.distinct.place] * years)


def _time(t: float) -> Quantity:
    return lambda alive, x, T: lifetime.active_time(alive, t, x, T)


def _stays(t: float) -> Quantity:
    return lambda alive, x, T: lifetime.survival(alive, t, x, T)


def _sums(forecast: Predictions, groups: Groups) -> dict[str, Array]:
    """Sums over the groups' customers, as the forecast has them."""
    outcomes, frame = forecast.purchase_outcomes, forecast.frame
    standing = Standing.of(outcomes, groups.code, groups.n)
    names = {"purchases": "expected_purchases", "active": "p_active", "alive": "p_alive"}
    names |= {name: name for name in ("value", "clv") if forecast.spend is not None}
    sums = {name: groups.sums(frame[column].to_numpy(float)) for name, column in names.items()}
    years = standing.total(_time(outcomes.t)) * (forecast.unit.days / DAYS_PER_YEAR)
    return sums | {"years": years, "stays": standing.total(_stays(outcomes.t))}


def _drawn(forecast: Predictions, groups: Groups, seed: int) -> dict[str, Array]:
    """The indicators at draws of the parameters, shape (draws, groups and everyone); of very many customers of some.

    Only their spread is asked for, and it is a property of the parameters, not of the number of customers.
    """
    counts = np.bincount(groups.code, minlength=groups.n)
    if groups.code.size > MANY:
        at = thinned(groups.code, counts, seed)
        forecast, groups = forecast.some(at), Groups(groups.labels, groups.code[at])
    size = groups.sums(np.ones(len(groups.code)))
    times = counts / size
    return _indicators(_drawn_sums(forecast, groups, times, seed), _with_whole(size, times), forecast)


def _drawn_sums(forecast: Predictions, groups: Groups, times: Array, seed: int) -> dict[str, Array]:
    """The sums at draws of the parameters, shape (draws, groups and everyone); a customer stands for ``times``."""
    outcomes, d = forecast.purchase_outcomes, forecast.purchase_outcomes.distinct
    slow = any(member.constants for _, member in outcomes.model.components)  # no closed form of the time alive
    n = FEWEST_DRAWS if slow else int(np.clip(WORK / d.alive_x.size, FEWEST_DRAWS, MOST_DRAWS))
    one, other = (int(state) for state in np.random.SeedSequence(seed).generate_state(2))
    model: Any = parameter_draws(forecast.purchases, n, seed=one)
    names = ["purchases", "years", "active", "alive", "stays"]
    alive = [
        outcomes.expected_alive, _time(outcomes.t), lambda alive, x, T: alive.p_active(outcomes.t, x, T),
        lambda alive, x, T: np.ones(x.size), _stays(outcomes.t),
    ]  # fmt: skip
    shape = (d.x.size, groups.n)
    count = sparse.csr_array((np.ones(d.place.size), (d.place, groups.code)), shape=shape)
    sums = {name: np.zeros((n, groups.n)) for name in names}
    money = forecast.spend is not None
    if money:
        assert forecast.spend is not None
        worth = forecast.margin * forecast.frame["expected_spend"].to_numpy(float)
        whole, present = (forecast.frame[name].to_numpy(float) for name in ("value", "clv"))
        rest = np.divide(present, whole, where=whole > 0, out=np.ones(whole.size))
        value = sparse.csr_array((worth, (d.place, groups.code)), shape=shape)
        clv = sparse.csr_array((worth * rest, (d.place, groups.code)), shape=shape)
        sums |= {name: np.zeros((n, groups.n)) for name in ("value", "clv")}
    for rows, values in d.futures(model, *alive):
        for name, each in zip(names, values, strict=True):
            sums[name] += np.asarray(each @ count[rows])
        if money:
            sums["value"] += np.asarray(values[0] @ value[rows])
            sums["clv"] += np.asarray(values[0] @ clv[rows])
    sums = {name: _with_whole(each, times) for name, each in sums.items()}
    if money:
        factor = _spend_factors(forecast, groups, times, n, other)
        sums |= {name: sums[name] * factor for name in ("value", "clv")}
    sums["years"] *= forecast.unit.days / DAYS_PER_YEAR
    return sums


def _spend_factors(forecast: Predictions, groups: Groups, times: Array, n: int, seed: int) -> Array:
    """What each group's value, and everyone's, is multiplied by at draws of the spend model."""
    assert forecast.spend is not None
    drawn = parameter_draws(forecast.spend, n, seed=seed)
    model: Any = drawn.at(np.random.default_rng(seed).permutation(drawn.log_vector))  # paired at random
    known, weight = model.observed(forecast.summary.frame), forecast.frame["expected_purchases"].to_numpy(float)
    total = np.zeros((n, groups.n))
    step = max(1, (1 << 20) // n)
    for start in range(0, weight.size, step):
        part = slice(start, start + step)
        spend = model.expected_spend(*(column[part] for column in known[:2])) * weight[part]
        here = np.arange(spend.shape[1])
        members = sparse.csr_array((np.ones(here.size), (here, groups.code[part])), shape=(here.size, groups.n))
        total += np.asarray(spend @ members)
    total = _with_whole(total, times)
    mean = total.mean(axis=0)
    return np.asarray(np.divide(total, mean, out=np.ones_like(total), where=mean > 0))


def _indicators(sums: dict[str, Array], size: Array, forecast: Predictions) -> dict[str, Array]:
    """The indicators of sums of shape (groups,) or (draws, groups); everyone is one more."""

    def ratio(part: Array, whole: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(whole > 0, part / whole, np.nan))

    found = {
        "purchase_frequency": ratio(sums["purchases"], sums["years"]),
        "active_years": sums["years"] / size,
        "p_no_purchase": 1 - sums["active"] / size,
        "alive_now": sums["alive"] / size,
        "alive_at_end": sums["stays"] / size,
    }
    if "value" in sums:
        found |= {
            "average_order_value": ratio(sums["value"], sums["purchases"]) / forecast.margin,
            "value_per_customer": sums["value"] / size,
            "clv_per_customer": sums["clv"] / size,
        }
    return {name: found[name] for name in INDICATORS if name in found}


__all__ = ["INDICATORS", "LEVEL", "active_years", "expected_kpis"]
