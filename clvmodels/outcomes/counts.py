"""The predictive distribution of each customer's number of purchases in the horizon."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from clvmodels.models.arrays import Array
from clvmodels.models.base import PurchaseFamily
from clvmodels.outcomes.survival import ELEMENTS, Block, Distinct, Places, Quantity, over_draws, survival_blocks

KEPT = 1 << 23
"""Table entries kept in memory (64 MB); larger tables are worked out again by each question."""
PART = 250_000
"""Customers of a larger log that are worked on at a time: a hundred megabytes or so of numbers."""


@dataclass(frozen=True, eq=False)
class PurchaseOutcomes:
    """How many purchases each customer may make in the next ``t`` units of time.

    Everything follows from the survival function P(N ≥ n) of the distinct (x, t_x, T), which is exact; parameters of
    shape (draws, 1) are mixed, so that parameter uncertainty is inside. Results have one entry per customer.

    Parameters
    ----------
    model
        A purchase family: one estimate, or draws of equal weight.
    t
        Length of the horizon, in the units of T.
    x, t_x, T
        Repeat purchases, time of the last, length of observation: shape (n,).

    Examples
    --------
    >>> from clvmodels.models import BGNBD
    >>> outcomes = PurchaseOutcomes(BGNBD(0.243, 4.414, 0.793, 2.426), 39, [2], [30.43], [38.86])
    >>> outcomes.mean.round(3), outcomes.quantile([0.05, 0.5, 0.95]).tolist()
    (array([1.226]), [[0], [1], [4]])
    """

    model: PurchaseFamily
    t: float
    x: Any
    t_x: Any
    T: Any

    @cached_property
    def distinct(self) -> Distinct:
        """The distinct customers and each customer's place among them."""
        return Distinct.of(self.x, self.t_x, self.T)

    @cached_property
    def parts(self) -> tuple[Places, ...]:
        """All customers, at most about ``PART`` at a time; none where there are no more than that.

        Customers with the same (x, T) are together, so that what they share is worked out once.
        """
        x, _, T = self.columns
        if x.size <= PART:
            return ()
        order = np.lexsort((T, x)).astype(np.int32 if x.size < 2**31 else np.intp)
        starts = np.flatnonzero((np.diff(x[order], prepend=-1) != 0) | (np.diff(T[order], prepend=-1) != 0))
        cuts = starts[np.searchsorted(starts, np.arange(PART, x.size, PART), side="right") - 1]
        return tuple(part for part in np.split(order, np.unique(cuts)) if part.size)

    @cached_property
    def columns(self) -> tuple[Array, Array, Array]:
        """x, t_x and T of each customer."""
        x, t_x, T = (np.atleast_1d(np.asarray(one, float)) for one in np.broadcast_arrays(self.x, self.t_x, self.T))
        return x, t_x, T

    @cached_property
    def _kept(self) -> list[Block] | None:
        blocks, entries = [], 0
        for block in survival_blocks(self.model, self.t, self.distinct):
            blocks.append(block)
            entries += block.survival.size
            if entries > KEPT:
                return None
        return blocks

    def blocks(self) -> Iterator[Block]:
        """Survival functions of the distinct customers, a block at a time."""
        return iter(self._kept if self._kept is not None else survival_blocks(self.model, self.t, self.distinct))

    @cached_property
    def mean(self) -> Array:
        """Expected purchases."""
        return self.distinct.future(self.model, self.expected_alive)[self.distinct.place]

    @cached_property
    def mean_square(self) -> Array:
        """Square of the expected purchases at a draw, averaged over draws: above ``mean`` ** 2 by their variance.

        Who is lost is chance, the same at every draw: with a share s lost the mean of an equal mixture of the others'
        (1 − s)² squares is 1 − s times what the weights give.
        """
        if self.model.n_draws == 1:
            return np.asarray(self.mean**2)
        squares = self.distinct.future(self.model, self.expected_alive, power=2)[self.distinct.place]
        return np.asarray((1 - self.model.lost) * squares)

    @property
    def expected_alive(self) -> Quantity:
        """Expected purchases of customers alive."""
        return lambda alive, x, T: alive.expected_purchases(self.t, x, T)

    def discounted_alive(self, delta: float) -> Quantity:
        """Expected discounted purchases of customers alive."""
        return lambda alive, x, T: alive.discounted_purchases(self.t, x, T, delta=delta)

    @cached_property
    def p_active(self) -> Array:
        """Probability of at least one purchase; never above the mean, nor above P(alive)."""
        active = self.distinct.future(self.model, lambda alive, x, T: alive.p_active(self.t, x, T))
        return np.minimum(active[self.distinct.place], self.mean)

    @cached_property
    def p_alive(self) -> Array:
        """Probability of not having dropped out before the horizon starts."""
        return self.distinct.future(self.model, lambda alive, x, T: np.ones(x.size))[self.distinct.place]

    def discounted(self, delta: float) -> Array:
        """Expected purchases, each multiplied by exp(−delta · its time after T); never above the mean."""
        later = self.distinct.future(self.model, self.discounted_alive(delta))
        return np.minimum(later[self.distinct.place], self.mean)

    @cached_property
    def latest(self) -> tuple[PurchaseOutcomes, Array] | None:
        """The same customers had they bought on the last day, and P(alive) of each as a share of theirs.

        Customers alive do the same whenever they bought last, so that P(N ≥ n) is this share of theirs for n ≥ 1: what
        is asked of all patterns can be asked of the far fewer (x, T). None where that is not exact (posterior draws, a
        blend, stages), or where nothing is saved.
        """
        (_, model), *others = self.model.components
        d = self.distinct
        if others or model.stages > 1 or model.n_draws > 1 or 2 * d.alive_x.size > d.x.size:
            return None
        share = model.p_alive(d.x, d.t_x, d.T) / model.p_alive(d.alive_x, d.alive_T, d.alive_T)[d.pair]
        pair = d.pair[d.place]
        return PurchaseOutcomes(self.model, self.t, d.alive_x[pair], d.alive_T[pair], d.alive_T[pair]), share

    @cached_property
    def variance(self) -> Array:
        """Variance of the number of purchases, from E[N²] = Σ (2n − 1) P(N ≥ n)."""
        if self.latest is not None:
            latest, share = self.latest
            share, mean = share[self.distinct.place], latest.mean
            return np.maximum(share * (latest.variance + mean**2) - (share * mean) ** 2, 0.0)
        variance = np.empty(self.distinct.x.size)
        for block in self.blocks():
            level = block.level()
            first = level @ np.diff(block.n)
            variance[block.rows] = np.maximum(level @ np.diff(block.n**2) - first**2, 0.0)
        return variance[self.distinct.place]

    def quantile(self, p: ArrayLike) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Smallest n with P(N ≤ n) ≥ p: shape (n,), or (len(p), n) for several p."""
        levels = probabilities(p)
        result = np.empty((levels.size, self.distinct.x.size), np.int64)
        for rows, n, survival in self._survivals():
            for row, level in zip(result, levels, strict=True):
                above = np.count_nonzero(survival > 1 - level, axis=1)  # the nodes 0 … n have P(N ≥ node) > 1 − p
                row[rows] = n[np.maximum(above - 1, 0)]
        quantiles = result[:, self.distinct.place]
        return quantiles[0] if np.ndim(p) == 0 else quantiles

    def _survivals(self) -> Iterator[tuple[Places, Array, Array]]:
        """Some patterns, nodes n, and P(N ≥ n) of each (where n ≥ 1): shape (patterns, nodes)."""
        if self.latest is None:
            yield from ((block.rows, block.n, block.survival) for block in self.blocks())
            return
        latest, share = self.latest
        firsts = np.searchsorted(self.distinct.pair, np.arange(self.distinct.alive_x.size + 1))
        for block in latest.blocks():
            rows, owner = _members(firsts, block.rows)
            step = max(1, ELEMENTS // block.n.size)
            for start in range(0, rows.size, step):
                part = slice(start, start + step)
                yield rows[part], block.n, block.survival[owner[part]] * share[rows[part], None]

    @cached_property
    def median(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Smallest n with P(N ≤ n) ≥ ½: what the mean absolute error rewards."""
        return self.quantile(0.5)

    def pmf(self, y: ArrayLike) -> Array:
        """P(N = y): exact to the last digits however unlikely, for the log score."""
        cells, place = _cells(self.distinct.place, y)
        owner, n = cells
        result = np.empty(owner.size)
        step = max(1, ELEMENTS // self.model.n_draws)
        d = self.distinct
        for start in range(0, owner.size, step):
            at, count = owner[start : start + step], n[start : start + step]
            known = np.maximum(count, 0), self.t, d.x[at], d.t_x[at], d.T[at]
            exact = sum(weight * over_draws(member.pmf(*known)) for weight, member in self.model.components)
            result[start : start + step] = np.where(count >= 0, exact, 0.0)
        return result[place]

    def cdf(self, y: ArrayLike) -> Array:
        """P(N ≤ y); ``cdf(y − 1)`` is the limit from the left."""
        count = np.floor(np.broadcast_to(np.asarray(y, float), self.distinct.place.shape))
        result = np.empty(count.size)
        for block, customers, row in self.by_block():
            result[customers] = 1 - _between(block.survival, block.n, row, count[customers] + 1)
        return np.where(count < 0, 0.0, result)

    def crps(self, y: ArrayLike) -> Array:
        """Continuous ranked probability score of the count y, Σ_k (F(k) − 1{y ≤ k})²: lower is better."""
        count = np.broadcast_to(np.asarray(y, float), self.distinct.place.shape)
        result = np.empty(count.size)
        for block, customers, row in self.by_block():
            level, width = block.level(), np.diff(block.n)
            below = np.cumsum((1 - level) ** 2 * width, axis=1)  # Σ_{k < n} F(k)²
            above = np.cumsum(level**2 * width, axis=1)
            start = np.zeros((len(level), 1))
            below, above = np.hstack([start, below]), np.hstack([start, above])
            seen = count[customers]
            beyond = np.maximum(seen - block.n[-1], 0.0)
            result[customers] = (
                _between(below, block.n, row, seen) + beyond + above[row, -1] - _between(above, block.n, row, seen)
            )
        return result

    def some(self, customers: Places) -> PurchaseOutcomes:
        """The same for some of the customers."""
        x, t_x, T = (column[customers] for column in self.columns)
        return PurchaseOutcomes(self.model, self.t, x, t_x, T)

    def by_block(self) -> Iterator[tuple[Block, Places, Places]]:
        """Each block with the customers in it and the row of each."""
        place = self.distinct.place
        order = np.argsort(place, kind="stable")
        firsts = np.searchsorted(place[order], np.arange(self.distinct.x.size + 1))
        for block in self.blocks():
            members, row = _members(firsts, block.rows)
            yield block, order[members], row


def _members(firsts: Places, groups: Places) -> tuple[Places, Places]:
    """The members of some groups, each numbered from its ``firsts``, and which of these groups is each one's."""
    counts = firsts[groups + 1] - firsts[groups]
    group = np.repeat(np.arange(groups.size), counts)
    return firsts[groups][group] + np.arange(group.size) - np.repeat(np.cumsum(counts) - counts, counts), group


def probabilities(p: ArrayLike) -> Array:
    """One or several levels of a quantile, as an array."""
    levels = np.atleast_1d(np.asarray(p, float))
    if not np.all((levels >= 0) & (levels < 1)):
        raise ValueError(f"p must be in [0, 1), it is {levels.tolist()}")
    return levels


def _cells(place: Places, y: ArrayLike) -> tuple[tuple[Places, Array], Places]:
    """Distinct (place, y) and where each customer's is."""
    values, code = np.unique(np.broadcast_to(np.asarray(y, float), place.shape), return_inverse=True)
    cells, where = np.unique(place * values.size + code, return_inverse=True)
    return (cells // values.size, values[cells % values.size]), where


def _between(table: Array, n: Array, row: Places, at: Array) -> Array:
    """Entries of a table at the counts ``at`` ≥ 0, linear between nodes, the last one beyond."""
    column = np.clip(np.searchsorted(n, at, side="right") - 1, 0, n.size - 2)
    share = np.clip((at - n[column]) / (n[column + 1] - n[column]), 0.0, 1.0)
    left = table[row, column]
    return left + share * (table[row, column + 1] - left)
