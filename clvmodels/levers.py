"""Levers: what one more percent of order value, frequency or retention is worth, and what an offer may cost.

This is arithmetic on assumptions: *if* a rate changed, from the first day of the horizon on and for everybody, the
model and the formula would give other totals. Nothing here says that any measure would change the rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import interpolate

from clvmodels import lifetime
from clvmodels.errors import InputError
from clvmodels.kpis.groups import Groups, grouped
from clvmodels.models.arrays import Array
from clvmodels.outcomes.standing import Standing
from clvmodels.outcomes.survival import Quantity
from clvmodels.prediction import Predictions

GRID = (-0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
"""Changes of frequency and of retention for which totals are worked out; between them they are nearly straight."""
ONE = 0.01
OFFERS = (0.05, 0.10, 0.20, 0.50)
"""Shares of the leaving that a retention offer might prevent."""
REWARDS = (0.01, 0.02, 0.05, 0.10)
"""Shares of the order value that a loyalty programme might give back."""
CURVE = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
"""Rises of frequency among which the one is looked for that pays for a reward."""
LEVERS = ("order_value", "frequency", "retention")


@dataclass(frozen=True, eq=False)
class Levers:
    """What changes of the three factors would do to the horizon's value (undiscounted, × margin), if they happened.

    Attributes
    ----------
    one_percent
        A row per group and lever: ``lever``, ``customers``, ``base`` and ``gain`` (the model's value, and what one
        percent adds), ``formula_base``, ``formula_gain``, ``elasticity`` and ``formula_elasticity`` (percent of value
        per percent of the lever).
    offers
        A row per group and size of a retention offer: ``prevented`` (share of the leaving), ``gain`` and
        ``cost_per_customer``: what the offer may cost for each customer it is made to, all of the group, to break even;
        ``formula_gain`` and ``formula_cost_per_customer``: the same by the formula.
    rewards
        A row per group and reward: ``reward`` (share of order value given back), ``frequency_needed`` (rise that pays
        for it by the model; NaN: none up to three times as many purchases), ``formula_needed``.
    surface
        The model's value by group, frequency and retention: shape (groups, len(grid), len(grid)).
    grid, groups
        The changes behind the surface, and the groups' labels.
    """

    one_percent: pd.DataFrame
    offers: pd.DataFrame
    rewards: pd.DataFrame
    surface: Array
    grid: tuple[float, ...]
    groups: pd.DataFrame


def value_levers(forecast: Predictions, by: str | Sequence[str] | Groups = ()) -> Levers:
    """Levers of each group of customers and, with groups, of all of them.

    *Order value* multiplies every amount. *Frequency* multiplies every customer's purchase rate from now on; those who
    have left stay away, and where a coin is tossed at every purchase more purchases are more coins. *Retention*
    lowers the rate of leaving (where a coin is tossed, its mean odds) from now on; nobody comes back who has left.
    Under the formula each factor multiplies the value: order value and frequency by 1.01, duration, which is 1 ÷ churn
    there, by 1 ÷ 0.99.

    Parameters
    ----------
    forecast
        What :func:`clvmodels.predict` returned, with money.
    by
        Columns of ``forecast.frame``, or groups; nothing for everyone together.

    Raises
    ------
    InputError
        Without money, or for an unknown column.
    """
    if forecast.spend is None:
        raise InputError("levers are measured in value, and this forecast holds no money. Pass spend= to predict.")
    groups = by if isinstance(by, Groups) else grouped(forecast.frame, by)
    plans = [(1.0, 1.0), (1 + ONE, 1.0), (1.0, 1 - ONE)]
    plans += [(1.0, 1 - prevented) for prevented in OFFERS] + [(1 + rise, 1.0) for rise in CURVE]
    plans += [(1 + rise, 1 - kept) for rise in GRID for kept in GRID]
    found = iter(_values(forecast, groups, plans))
    base, more, longer = next(found), next(found), next(found)
    formula = groups.sums(forecast.frame["formula_value"].to_numpy(float))
    size = groups.sums(np.ones(len(groups.code)))
    one = {
        "order_value": (base * ONE, formula * ONE),
        "frequency": (more - base, formula * ONE),
        "retention": (longer - base, formula * (1 / (1 - ONE) - 1)),
    }
    parts = [
        _rows(
            groups, lever=name, customers=size.astype(int), base=base, gain=gain, formula_base=formula,
            formula_gain=by_formula, elasticity=_over(gain, base) / ONE,
            formula_elasticity=_over(by_formula, formula) / ONE,
        )
        for name, (gain, by_formula) in one.items()
    ]  # fmt: skip
    offers = []
    for prevented in OFFERS:
        gain, by_formula = next(found) - base, formula * (1 / (1 - prevented) - 1)
        offers.append(_rows(groups, prevented=prevented, customers=size.astype(int), gain=gain,
                            cost_per_customer=gain / size, formula_gain=by_formula,
                            formula_cost_per_customer=by_formula / size))  # fmt: skip
    curve = np.array([next(found) for _ in CURVE])
    rewards = [
        _rows(groups, reward=reward, frequency_needed=_needed(curve, reward, forecast.margin),
              formula_needed=reward / (forecast.margin - reward) if reward < forecast.margin else np.nan)
        for reward in REWARDS
    ]  # fmt: skip
    surface = np.array(list(found)).reshape(len(GRID), len(GRID), groups.n)
    return Levers(
        pd.concat(parts, ignore_index=True),
        pd.concat(offers, ignore_index=True),
        pd.concat(rewards, ignore_index=True),
        np.moveaxis(surface, -1, 0),
        GRID,
        groups.labels,
    )


def _values(forecast: Predictions, groups: Groups, plans: Sequence[tuple[float, float]]) -> Array:
    """Value of each group when rate and dropout are multiplied from now on, as each plan says: (plans, groups)."""
    t, amount = forecast.purchase_outcomes.t, forecast.margin * forecast.frame["expected_spend"].to_numpy(float)
    worth = Standing.of(forecast.purchase_outcomes, groups.code, groups.n, amount)

    def quantity(rate: float, dropout: float) -> Quantity:
        return lambda alive, x, T: lifetime.purchases(alive, t, x, T, rate=rate, dropout=dropout)

    return np.array([worth.total(quantity(*plan)) for plan in plans])


def _needed(curve: Array, reward: float, margin: float) -> Array:
    """Rise of frequency at which the value net of the reward is the value without either."""
    left = 1 - reward / margin
    if left <= 0:
        return np.full(curve.shape[1], np.nan)
    rises = np.log1p(CURVE)
    needed = np.full(curve.shape[1], np.nan)
    for group, worth in enumerate(curve.T):
        if worth[0] > 0 and worth[-1] * left >= worth[0]:  # the logarithms are nearly straight, without dropout quite
            found = interpolate.PchipInterpolator(np.log(worth / worth[0]), rises)(-np.log(left))
            needed[group] = np.expm1(float(found))
    return needed


def _rows(groups: Groups, **columns: Any) -> pd.DataFrame:
    return pd.concat([groups.labels, pd.DataFrame(columns, index=groups.labels.index)], axis=1)


def _over(part: Array, whole: Array) -> Array:
    return np.asarray(np.divide(part, whole, out=np.full_like(whole, np.nan), where=whole > 0))
