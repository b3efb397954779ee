"""Totals over customers, with intervals for chance and for what the fit does not know.

Given the parameters customers are independent: outcome variances add up. The parameters are shared by all: of an
estimate their part is a gradient times its covariance (delta method), of a posterior a mixture over its draws, which
keeps its skewness. Without it 90 % intervals of totals cover less than 80 %.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from clvmodels.fitting.result import Fit
from clvmodels.fitting.stack import StackFit
from clvmodels.models import PurchaseFamily
from clvmodels.models.arrays import Array
from clvmodels.outcomes import PurchaseOutcomes, ValueOutcomes
from clvmodels.outcomes.points import predictive
from clvmodels.outcomes.sums import Sums, factors, mixture_limits, propagated, purchase_sums, spend_sums

LEVEL = 0.90
HEAVY = 3.0
"""Where p x + q is not above this, a customer's value has no third moment and the sum's giants are simulated."""
GIANTS = 200.0
"""Expected number of customers whose value is drawn one by one; the others' sum is normal."""
MANY, ENOUGH = 400_000, 100_000
"""Customers from which on the parameters' part, which is a ratio that all of a group share, is worked out for some."""
SIMULATIONS = 8192
"""Another seed moves an interval by about 1 % of its width."""
FEWEST, MEMORY = 200, 1 << 20
"""Posterior draws for a very large number of groups, and draws × groups kept in memory (8 MB a quantity)."""


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

        outcomes, values = self.outcomes, self.values
        counts = np.bincount(group, minlength=n_groups).tolist()
        shared, mixed = self.of_parameters(group, n_groups)
        known = add(outcomes.mean)
        chance = add(outcomes.variance - np.maximum(outcomes.mean_square - outcomes.mean**2, 0.0))
        rows = [(known, *limits(known, chance + shared[0], mixed[0]))]
        if values is not None:
            worth = self.margin * values.mean
            present = self.margin * values.expected_spend * self.discounted
            value, clv = add(worth), add(present)
            discount = np.divide(present, worth, out=np.ones_like(worth), where=worth > 0)
            heavy = values.decay <= HEAVY
            spread = self.margin**2 * np.where(heavy, 0.0, values.chance)
            giants = {one: self._giants(np.flatnonzero(heavy & (group == one))) for one in np.unique(group[heavy])}
            parts = (value, add(spread)), (clv, add(spread * discount**2))
            for quantity, (total, chance) in enumerate(parts, start=1):
                lower, upper = limits(total, chance + shared[quantity], mixed[quantity])
                rest = add(np.where(heavy, 0.0, worth))
                for one, simulated in giants.items():
                    scale, relative = total[one] / value[one], shared[quantity, one] / total[one] ** 2
                    lower[one], upper[one] = self._simulated(
                        simulated * scale, rest[one] * scale, chance[one], relative, mixed[quantity][:, one]
                    )
                rows.append((total, lower, upper))
        columns = np.stack([column for row in rows for column in row], axis=1).tolist()
        return [Totals(count, *numbers) for count, numbers in zip(counts, columns, strict=True)]

    def of_parameters(self, group: NDArray[np.intp], n_groups: int) -> tuple[Array, Array]:
        """What the parameters do to the groups' expected purchases, value and clv, all customers at once.

        A variance (of estimates, by the delta method), shape (quantities, groups); and, of posteriors, what each total
        is multiplied by at some draws of both, paired at random: shape (quantities, draws, groups).
        """
        if group.size > MANY:
            counts = np.bincount(group, minlength=n_groups)
            some = _thinned(group, counts, self.seed)
            if some.size < group.size / 2:
                variance, mixed = self.some(some).of_parameters(group[some], n_groups)
                drawn = np.bincount(group[some], minlength=n_groups)
                return variance * (counts / np.maximum(drawn, 1)) ** 2, mixed
        o, values = self.outcomes, self.values
        worth = None if values is None else self.margin * values.expected_spend
        parts: list[tuple[Fit, Sums, slice]] = [
            (self.purchases, purchase_sums(o, self.delta, group, n_groups, worth), slice(0, 3))
        ]
        if values is not None and self.spend is not None:
            bought = [self.margin * o.mean, self.margin * self.discounted]
            parts.append((self.spend, spend_sums(*values.statistics, group, n_groups, bought), slice(1, 3)))
        quantities = 1 if values is None else 3
        mixtures = [fit for fit, _, _ in parts if fit.posterior is not None or isinstance(fit, StackFit)]
        draws = max(FEWEST, min(SIMULATIONS, MEMORY // n_groups)) if mixtures else 1
        variance, mixed = np.zeros((quantities, n_groups)), np.ones((quantities, draws, n_groups))
        for fit, sums, which in parts:
            if isinstance(fit, StackFit):
                mixed[which] *= np.moveaxis(_worlds(fit, draws, sums, seed=self.seed), 1, 0)
            elif fit.posterior is None:
                variance[which] += propagated(fit.predictive_model, fit.covariance, sums)
            else:
                factor = np.moveaxis(factors(fit.posterior, draws, sums, seed=self.seed), 1, 0)
                pair = np.random.default_rng([self.seed, 2]).permutation(draws)
                mixed[which] *= factor if fit is self.purchases else factor[:, pair]
        return variance, mixed

    def some(self, customers: NDArray[np.intp]) -> Portfolio:
        """The same for some of the customers."""
        return replace(
            self,
            outcomes=self.outcomes.some(customers),
            values=self.values and self.values.some(customers),
            discounted=self.discounted[customers],
        )

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

    def _simulated(self, giants: Array, rest: float, chance: float, shared: float, mixed: Array) -> tuple[float, float]:
        """Limits of giants + the others, all times a factor for the parameters: log-normal, squared CV ``shared``."""
        rng = np.random.default_rng([self.seed, 1])
        others = np.maximum(rng.normal(rest, np.sqrt(chance), SIMULATIONS), 0.0)
        spread = np.sqrt(np.log1p(shared))
        factor = np.exp(spread * rng.standard_normal(SIMULATIONS) - spread**2 / 2) * np.resize(mixed, SIMULATIONS)
        lower, upper = np.quantile((giants + others) * factor, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return float(lower), float(upper)


def _worlds(stack: StackFit, draws: int, sums: Sums, *, seed: int) -> Array:
    """What each total is multiplied by when one member of the stack is right, each as often as its weight says.

    The members' parameters vary too, as their posteriors do, or log-normally: shape (draws, quantities, groups). That
    nobody buys again is no world but a share of the customers, which lowers the totals of all worlds alike.
    """
    rng = np.random.default_rng([seed, 3])
    parts = [(weight, one, one.model) for weight, one in stack.components]
    worlds = [(weight, one) for weight, one, model in parts if isinstance(model, PurchaseFamily) and model.lost < 1]
    members = [one for _weight, one in worlds]
    weights = np.array([weight for weight, _one in worlds])
    weights /= weights.sum()
    models = [predictive(one, seed=seed) for one in members]
    means = [sums(model.at(np.atleast_2d(model.log_vector))).mean(axis=0) for model in models]
    whole = sum(weight * mean for weight, mean in zip(weights, means, strict=True))
    ends = np.rint(np.cumsum(weights) * draws).astype(int)
    result = np.ones((draws, *whole.shape))
    for start, end, one, mean in zip(np.append(0, ends[:-1]), ends, members, means, strict=True):
        if start == end:
            continue
        if one.posterior is not None:
            vary = factors(one.posterior, draws, sums, seed=seed)[: end - start]
        else:
            relative = np.divide(
                propagated(one.predictive_model, one.covariance, sums), mean**2, out=np.zeros_like(mean), where=mean > 0
            )
            spread = np.sqrt(np.log1p(relative))
            vary = np.exp(spread * rng.standard_normal(end - start)[:, None, None] - spread**2 / 2)
        result[start:end] = vary * np.divide(mean, whole, out=np.ones_like(mean), where=whole > 0)
    return rng.permutation(result)


def _thinned(group: NDArray[np.intp], counts: NDArray[np.intp], seed: int) -> NDArray[np.intp]:
    """Places of at most ``ENOUGH`` customers of each group, drawn at random, in order."""
    drawn = np.random.default_rng([seed, 4]).random(group.size)
    order = np.lexsort((drawn, group))
    rank = np.arange(group.size) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.sort(order[rank < ENOUGH])


def limits(mean: Array, variance: Array, mixed: Array | None = None) -> tuple[Array, Array]:
    """90 % limits of a log-normal with this mean and variance: positive, and skewed as sums of purchases are.

    With ``mixed``, shape (draws, groups), the log-normal is one of many: mean and variance are multiplied by each.

    Examples
    --------
    >>> [limit.round(2).tolist() for limit in limits(np.array([100.0]), np.array([400.0]))]
    [[70.8], [135.82]]
    """
    if mixed is not None and len(mixed) > 1:
        return mixture_limits(mean * mixed, variance * mixed, LEVEL)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(np.log1p(np.where(mean > 0, variance / mean**2, 0.0)))
    reach = spread * special.ndtri((1 + LEVEL) / 2)
    middle = mean * np.exp(-(spread**2) / 2)
    return middle * np.exp(-reach), middle * np.exp(reach)
