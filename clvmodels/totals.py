"""Totals over customers, with intervals for chance and for what the fit does not know.

Given the parameters customers are independent: outcome variances add up. The parameters are shared by all: of an
estimate their part is a gradient times its covariance (delta method), of a posterior a mixture over its draws, which
keeps its skewness. Without it 90 % intervals of totals cover less than 80 %.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

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
MANY, ENOUGH, LEAST = 400_000, 100_000, 5_000
"""Customers from which on the parameters' part, which is a ratio that all of a group share, is worked out for some: for
so many of all groups, or at least so many of each. Four times as many move the limits of totals by .1 % of their width.
"""
SIMULATIONS = 8192
"""Another seed moves an interval by about 1 % of its width."""
THREADS = 2
"""Parts of a large log that are worked on at the same time; most of the work is done without Python."""
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
class Moments:
    """What sums over customers are made of, one entry per customer; the money is None without a spend model."""

    purchases: Array
    """Expected purchases."""
    chance: Array
    """Variance of their number when the parameters are known, on average."""
    discounted: Array | None = None
    """Expected discounted purchases."""
    spend: Array | None = None
    """Mean value of one purchase."""
    spread: Array | None = None
    """Variance of revenue when the parameters are known; 0 for those whose giants are simulated."""
    heavy: NDArray[np.bool_] | None = None
    """Whether they are."""

    @classmethod
    def of(cls, outcomes: PurchaseOutcomes, values: ValueOutcomes | None, delta: float) -> Moments:
        """Those of some customers."""
        chance = outcomes.variance - np.maximum(outcomes.mean_square - outcomes.mean**2, 0.0)
        if values is None:
            return cls(outcomes.mean, chance)
        heavy = values.decay <= HEAVY
        spread = np.where(heavy, 0.0, values.chance)
        return cls(outcomes.mean, chance, outcomes.discounted(delta), values.expected_spend, spread, heavy)

    @property
    def columns(self) -> dict[str, Any]:
        """Those there are, by name."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: column for name, column in found.items() if column is not None}

    def some(self, customers: NDArray[np.intp]) -> Moments:
        """The same of some customers."""
        return Moments(**{name: column[customers] for name, column in self.columns.items()})


@dataclass(frozen=True, eq=False)
class Portfolio:
    """Everything that sums over customers need."""

    purchases: Fit
    spend: Fit | None
    outcomes: PurchaseOutcomes
    values: ValueOutcomes | None
    delta: float
    """Continuous discount rate per unit of time."""
    margin: float
    seed: int
    known: Moments | None = None
    """The customers' moments, where they have been worked out."""
    times: float = 1.0
    """How many customers each one stands for in totals."""

    @cached_property
    def moments(self) -> Moments:
        """The customers' moments, worked out some customers at a time."""
        if self.known is not None:
            return self.known
        if not self.outcomes.parts:
            return Moments.of(self.outcomes, self.values, self.delta)
        return worked_out(self, lambda some: {})[0].moments

    def totals(self, group: NDArray[np.intp], n_groups: int) -> list[Totals]:
        """Totals of each group of customers: ``group`` holds 0 … n_groups − 1."""

        def add(amount: Array) -> Array:
            return np.asarray(self.times * np.bincount(group, amount, n_groups), float)

        m = self.moments
        counts = np.rint(self.times * np.bincount(group, minlength=n_groups)).astype(int).tolist()
        shared, mixed = self.of_parameters(group, n_groups)
        shared = self.times**2 * shared
        known = add(m.purchases)
        rows = [(known, *limits(known, add(m.chance) + shared[0], mixed[0]))]
        if m.spend is not None and m.discounted is not None and m.spread is not None and m.heavy is not None:
            worth = self.margin * (m.purchases * m.spend)
            present = self.margin * m.spend * m.discounted
            value, clv = add(worth), add(present)
            discount = np.divide(present, worth, out=np.ones_like(worth), where=worth > 0)
            spread = self.margin**2 * m.spread
            heavy = m.heavy
            giants = {one: self._giants(np.flatnonzero(heavy & (group == one))) for one in np.unique(group[heavy])}
            parts = (value, add(spread)), (clv, add(spread * discount**2))
            rest = add(np.where(heavy, 0.0, worth))
            for quantity, (total, chance) in enumerate(parts, start=1):
                lower, upper = limits(total, chance + shared[quantity], mixed[quantity])
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
            some = thinned(group, counts, self.seed)
            if some.size < group.size / 2:
                variance, mixed = self.some(some).of_parameters(group[some], n_groups)
                drawn = np.bincount(group[some], minlength=n_groups)
                return variance * (counts / np.maximum(drawn, 1)) ** 2, mixed
        m, values = self.moments, self.values
        worth = None if m.spend is None else self.margin * m.spend
        parts: list[tuple[Fit, Sums, slice]] = [
            (self.purchases, purchase_sums(self.outcomes, self.delta, group, n_groups, worth), slice(0, 3))
        ]
        if values is not None and self.spend is not None and m.discounted is not None:
            bought = [self.margin * m.purchases, self.margin * m.discounted]
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
        outcomes, known = self.outcomes.some(customers), self.__dict__.get("moments", self.known)
        return replace(
            self,
            outcomes=outcomes,
            values=self.values and _some_values(self.values, outcomes, customers),
            known=known and known.some(customers),
        )

    def thinned(self) -> Portfolio:
        """Of very many customers some, who stand for all of them in totals; else all."""
        everyone = self.outcomes.columns[0].size
        if everyone <= MANY:
            return self
        at = thinned(np.zeros(everyone, np.intp), np.array([everyone]), self.seed)
        return replace(self.some(at), times=everyone / at.size)

    def of_purchases(self, outcomes: PurchaseOutcomes | None = None) -> Portfolio:
        """The customers without their money, or with ``outcomes`` of another length, so that totals cost a tenth."""
        known = Moments(self.moments.purchases, self.moments.chance) if outcomes is None else None
        return replace(self, outcomes=outcomes or self.outcomes, spend=None, values=None, known=known)

    def _giants(self, customers: NDArray[np.intp]) -> Array:
        """Simulated sums of value over customers whose values have heavy tails: shape (simulations,).

        The few largest values are drawn one by one from the customers' joint tail Σ P(S > s); the sum of the others is
        normal with the moments of what is left. Of very many the tail is that of some, drawn at random.
        """
        m, whole = self.moments, customers.size
        assert self.values is not None
        assert m.spend is not None
        if whole > MANY:
            customers = np.sort(np.random.default_rng([self.seed, 5]).choice(customers, ENOUGH, replace=False))
        values, times = self.values, self.times * whole / customers.size
        if customers.size < m.purchases.size:
            values = _some_values(values, self.outcomes.some(customers), customers)
        s, tail = values.tail(np.arange(customers.size))
        tail = tail * times
        rng = np.random.default_rng(self.seed)
        first = int(np.clip(np.searchsorted(-tail, -GIANTS), 0, s.size - 2))
        log_s, log_tail = np.log(s), np.log(tail)
        decay = float(values.decay.min())
        body = tail[: first + 1] - tail[first]
        below = s[: first + 1]
        beyond = s[first] * tail[first] + float(np.trapezoid(tail[first:] * s[first:], log_s[first:]))
        beyond += tail[-1] * s[-1] / (decay - 1)
        means = m.purchases[customers] * m.spend[customers]
        mean = max(times * float(means.sum()) - beyond, 0.0)
        square = 2 * float(np.trapezoid(body * below**2, np.log(below)))
        variance = max(square - float(np.sum((means * mean / means.sum()) ** 2)) / times, 0.0)
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


def worked_out(
    portfolio: Portfolio, columns: Callable[[Portfolio], Mapping[str, Array]]
) -> tuple[Portfolio, dict[str, Array]]:
    """The portfolio with its moments, and columns of its customers, some customers at a time.

    Only what is asked for is kept of all of them: what it takes to work it out is a hundred numbers a customer.
    """
    if not portfolio.outcomes.parts:
        portfolio = replace(portfolio, known=portfolio.moments)
        return portfolio, dict(columns(portfolio))
    parts = portfolio.outcomes.parts
    moments: dict[str, Any] = {}
    found: dict[str, Any] = {}

    def of_part(part: NDArray[np.intp]) -> tuple[dict[str, Any], Mapping[str, Array]]:
        some = portfolio.some(part)
        moments = Moments.of(some.outcomes, some.values, some.delta)  # whatever their number: they are one part
        return moments.columns, columns(replace(some, known=moments))

    with ThreadPoolExecutor(THREADS) as threads:
        for part, new in zip(parts, threads.map(of_part, parts), strict=True):
            for whole, each in zip((moments, found), new, strict=True):
                for name, column in each.items():
                    if name not in whole:
                        whole[name] = np.empty(sum(map(len, parts)), column.dtype)
                    whole[name][part] = column
    return replace(portfolio, known=Moments(**moments)), found


def _some_values(values: ValueOutcomes, outcomes: PurchaseOutcomes, customers: NDArray[np.intp]) -> ValueOutcomes:
    """The values of some customers, whose purchases are ``outcomes``."""
    return ValueOutcomes(outcomes, values.spend, [column[customers] for column in values.known[:2]])


def thinned(group: NDArray[np.intp], counts: NDArray[np.intp], seed: int) -> NDArray[np.intp]:
    """Places of at most ``ENOUGH`` customers of each group (of many groups fewer), drawn at random, in order."""
    enough = max(ENOUGH // counts.size, LEAST)
    drawn = np.random.default_rng([seed, 4]).random(group.size)
    # Of a group's numbers the lowest are taken: nearly all of them lie below a little more than their share.
    share = (enough + 10 * np.sqrt(enough)) / np.maximum(counts, 1)
    while True:
        low = np.flatnonzero(drawn < share[group])
        found = np.bincount(group[low], minlength=counts.size)
        if (found >= np.minimum(counts, enough)).all():
            break
        share = 2 * share
    low = low[np.lexsort((drawn[low], group[low]))]
    rank = np.arange(low.size) - np.repeat(np.cumsum(found) - found, found)
    return np.sort(low[rank < enough])


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
