"""Totals over customers, with intervals for chance and for what the fit does not know.

Given the parameters customers are independent: outcome variances add up. The parameters are shared by all: their part
is a gradient times the fits' covariance (delta method). Without it 90 % intervals of totals cover less than 80 %.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from clvmodels.fitting.result import Fit
from clvmodels.models.arrays import Array
from clvmodels.models.base import Family
from clvmodels.outcomes import PurchaseOutcomes, ValueOutcomes

LEVEL = 0.90
STEP = 1e-3
"""Of central differences in log parameters: an error of 1e-6, while formulas hold 1e-10 of noise / 1e-3."""
HEAVY = 3.0
"""Where p x + q is not above this, a customer's value has no third moment and the sum's giants are simulated."""
GIANTS = 200.0
"""Expected number of customers whose value is drawn one by one; the others' sum is normal."""
SIMULATIONS = 4000
"""Another seed moves an interval by about 1 % of its width."""


@dataclass(frozen=True)
class Totals:
    """Sums over customers with 90 % limits; the money is None without a spend model."""

    customers: int
    purchases: float
    purchases_lower: float
    purchases_upper: float
    value: float | None = None
    value_lower: float | None = None
    value_upper: float | None = None
    clv: float | None = None
    clv_lower: float | None = None
    clv_upper: float | None = None


@dataclass(frozen=True, eq=False)
class Portfolio:
    """Everything that sums over customers need, one entry per customer."""

    purchases: Fit
    spend: Fit | None
    outcomes: PurchaseOutcomes
    values: ValueOutcomes | None
    discounted: Array
    """Expected discounted purchases."""
    delta: float
    """Continuous discount rate per unit of time."""
    margin: float
    seed: int

    def totals(self, group: NDArray[np.intp], n_groups: int) -> list[Totals]:
        """Totals of each group of customers: ``group`` holds 0 … n_groups − 1."""

        def add(amount: Array) -> Array:
            return np.bincount(group, amount, n_groups).astype(float)

        counts = np.bincount(group, minlength=n_groups).tolist()
        expected = self.outcomes.mean
        sensitivity = self._gradients(add)
        known = add(expected)
        rows = [(known, *limits(known, add(self.outcomes.variance) + sensitivity["purchases"]))]
        if self.values is not None:
            worth = self.margin * self.values.mean
            present = self.margin * self.values.expected_spend * self.discounted
            value, clv = add(worth), add(present)
            discount = np.divide(present, worth, out=np.ones_like(worth), where=worth > 0)
            heavy = self.values.decay <= HEAVY
            spread = self.margin**2 * np.where(heavy, 0.0, self.values.variance)
            parts = (value, add(spread), sensitivity["value"]), (clv, add(spread * discount**2), sensitivity["clv"])
            for total, chance, shared in parts:
                lower, upper = limits(total, chance + shared)
                for one in np.unique(group[heavy]):
                    some = np.flatnonzero(heavy & (group == one))
                    giants = self._giants(some) * (total[one] / value[one])
                    rest = total[one] - float(worth[some].sum()) * total[one] / value[one]
                    lower[one], upper[one] = self._simulated(giants, rest, chance[one], shared[one] / total[one] ** 2)
                rows.append((total, lower, upper))
        columns = np.stack([column for row in rows for column in row], axis=1).tolist()
        return [Totals(count, *numbers) for count, numbers in zip(counts, columns, strict=True)]

    def _gradients(self, add: Callable[[Array], Array]) -> dict[str, Array]:
        """Variance of each group's expected purchases, value and clv that is due to the parameters."""
        o, distinct = self.outcomes, self.outcomes.distinct

        def purchases(model: Any) -> list[Array]:
            expected = distinct.future(model, lambda x, T: model.expected_purchases(o.t, x, T, T))[distinct.place]
            if self.values is None:
                return [add(expected)]
            later = distinct.future(model, lambda x, T: model.discounted_purchases(o.t, x, T, T, delta=self.delta))[
                distinct.place
            ]
            return [add(expected), add(expected * worth), add(later * worth)]

        names = ["purchases"]
        if self.values is not None and self.spend is not None:
            names = ["purchases", "value", "clv"]
            x, m, spend = distinct.x[distinct.place], self.values.m, self.spend.predictive_model
            worth = self.margin * spend.expected_spend(x, m)  # type: ignore[attr-defined]
        variance = _propagated(self.purchases.predictive_model, self.purchases.covariance, purchases)
        if self.values is not None and self.spend is not None:

            def value(model: Any) -> list[Array]:
                worth = self.margin * model.expected_spend(x, m)
                return [add(o.mean * worth), add(self.discounted * worth)]

            variance[1:] += _propagated(spend, self.spend.covariance, value)
        return dict(zip(names, variance, strict=True))

    def _giants(self, customers: NDArray[np.intp]) -> Array:
        """Simulated sums of value over customers whose values have heavy tails: shape (simulations,).

        The few largest values are drawn one by one from the customers' joint tail Σ P(S > s); the sum of the others is
        normal with the moments of what is left.
        """
        assert self.values is not None
        s, tail = self.values.tail(customers)
        rng = np.random.default_rng(self.seed)
        first = int(np.clip(np.searchsorted(-tail, -GIANTS), 0, s.size - 2))
        log_s, log_tail = np.log(s), np.log(tail)
        decay = float(self.values.decay[customers].min())
        body = tail[: first + 1] - tail[first]
        below = s[: first + 1]
        beyond = s[first] * tail[first] + float(np.trapezoid(tail[first:] * s[first:], log_s[first:]))
        beyond += tail[-1] * s[-1] / (decay - 1)
        means = self.values.mean[customers]
        mean = max(float(means.sum()) - beyond, 0.0)
        square = 2 * float(np.trapezoid(body * below**2, np.log(below)))
        variance = max(square - float(np.sum((means * mean / means.sum()) ** 2)), 0.0)
        count = rng.poisson(tail[first], SIMULATIONS)
        drawn = np.log(rng.random(int(count.sum()))) + log_tail[first]
        sizes = np.interp(-drawn, -log_tail, log_s)
        sizes += np.maximum(log_tail[-1] - drawn, 0.0) / decay
        sums = np.bincount(np.repeat(np.arange(SIMULATIONS), count), np.exp(sizes), SIMULATIONS)
        return np.asarray(self.margin * (sums + np.maximum(rng.normal(mean, np.sqrt(variance), SIMULATIONS), 0.0)))

    def _simulated(self, giants: Array, rest: float, chance: float, shared: float) -> tuple[float, float]:
        """Limits of giants + the others, all times one factor for the parameters (``shared``: its squared CV)."""
        rng = np.random.default_rng([self.seed, 1])
        others = np.maximum(rng.normal(rest, np.sqrt(chance), SIMULATIONS), 0.0)
        spread = np.sqrt(np.log1p(shared))
        factor = np.exp(spread * rng.standard_normal(SIMULATIONS) - spread**2 / 2)
        lower, upper = np.quantile((giants + others) * factor, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return float(lower), float(upper)


def limits(mean: Array, variance: Array) -> tuple[Array, Array]:
    """90 % limits of a log-normal with this mean and variance: positive, and skewed as sums of purchases are.

    Examples
    --------
    >>> [limit.round(2).tolist() for limit in limits(np.array([100.0]), np.array([400.0]))]
    [[70.8], [135.82]]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(np.log1p(np.where(mean > 0, variance / mean**2, 0.0)))
    reach = spread * special.ndtri((1 + LEVEL) / 2)
    middle = mean * np.exp(-(spread**2) / 2)
    return middle * np.exp(-reach), middle * np.exp(reach)


def _propagated(model: Family, covariance: Array, totals: Callable[[Family], list[Array]]) -> Array:
    """Variance of each total, shape (totals, groups), from the covariance of the log parameters."""
    steps = np.eye(len(covariance)) * STEP
    centre = model.log_vector
    gradient = np.array(
        [
            (np.array(totals(type(model).from_log(centre + step))) - totals(type(model).from_log(centre - step)))
            for step in steps
        ]
    ) / (2 * STEP)
    return np.asarray(np.einsum("itg,ij,jtg->tg", gradient, covariance, gradient))
