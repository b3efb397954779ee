"""The predictive distribution of each customer's revenue in the horizon."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import groupby
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from clvmodels.models.arrays import Array
from clvmodels.models.spend import SpendFamily
from clvmodels.outcomes.counts import PurchaseOutcomes, probabilities
from clvmodels.outcomes.mixture import Grid, Mixture
from clvmodels.outcomes.survival import ELEMENTS, Block, Places, over_draws

CELLS = 1 << 18
"""Table entries (patterns × grid) worked on at a time: 2 MB an array."""
NODES = 4
"""Chebyshev nodes between which draws that differ in the reference are interpolated: 1e-8 for a CV of v of 10 %."""
MATTERS = 1e-10
"""Purchase counts less likely than this do not extend the grid."""

Members: TypeAlias = tuple[Block, Places, Places]
"""A block, the customers in it and the row of each, in order."""


@dataclass(frozen=True, eq=False)
class ValueOutcomes:
    """How much each customer may spend in the horizon: margin 1, undiscounted.

    The total of N future purchases is an atom at 0 of size P(N = 0), and a mixture over N ≥ 1 of what the spend family
    says of n purchases (scaled beta primes for Gamma-Gamma: P(S ≤ s) = I(s/(s + v + x m); p n, p x + q)). It is
    computed, not simulated: distribution functions hold about 1e-10, quantiles and the CRPS 1e-9 of themselves;
    mixtures over draws, which vary more than that from seed to seed, 1e-5.

    Draws of the purchase model and of the spend model are mixed as two independent posteriors, which they are: the
    likelihood of when people buy and of what they spend share no parameter. The two may differ in number.

    Parameters
    ----------
    purchases
        The distribution of N.
    spend
        A spend family: one estimate, or draws of equal weight. Gamma-Gamma's means need p x + q > 1, its variances
        p x + q > 2.
    known
        What it knows of each customer (``spend.observed``): how many purchases, and their mean, ignored (may be NaN)
        where there is none.

    Examples
    --------
    >>> from clvmodels.models import BGNBD, GammaGamma
    >>> purchases = PurchaseOutcomes(BGNBD(0.243, 4.414, 0.793, 2.426), 39, [2], [30.43], [38.86])
    >>> outcomes = ValueOutcomes(purchases, GammaGamma(6.25, 3.74, 15.44), ([2], [22.35]))
    >>> outcomes.mean.round(2), outcomes.quantile([0.05, 0.5, 0.95]).round(2).ravel().tolist()
    (array([30.24]), [0.0, 15.46, 115.34])
    """

    purchases: PurchaseOutcomes
    spend: SpendFamily
    known: Any

    @cached_property
    def statistics(self) -> tuple[Array, Array]:
        """Number and mean of each customer's known purchases."""
        shape = self.purchases.distinct.place.shape
        x, m = (np.broadcast_to(np.asarray(column, float), shape) for column in self.known[:2])
        return x, m

    @cached_property
    def scale(self) -> Array:
        """What each customer's values are multiples of: v + x m for Gamma-Gamma (v averaged over draws)."""
        return self.spend.reference(*self.statistics)

    @cached_property
    def mean(self) -> Array:
        """Expected revenue: expected purchases × expected spend."""
        return np.asarray(self.purchases.mean * self.expected_spend)

    @cached_property
    def expected_spend(self) -> Array:
        """Mean value of one purchase of each customer."""
        return self._over_draws(self.spend.expected_spend)

    @cached_property
    def variance(self) -> Array:
        """Variance of revenue, from E[S²] = a E[N²] + b E[N]; infinite where ``decay`` ≤ 2 (for any draw)."""
        first, second = self.purchases.mean, self.purchases.variance + self.purchases.mean**2
        squares = second * self._over_draws(lambda x, m: self.spend.squares(x, m)[0])
        squares += first * self._over_draws(lambda x, m: self.spend.squares(x, m)[1])
        return np.where(self.decay <= 2, np.inf, np.maximum(squares - self.mean**2, 0.0))

    @cached_property
    def chance(self) -> Array:
        """The variance less that of the mean over draws: what is left when the parameters are known, on average."""
        shared = self.purchases.mean_square * self._over_draws(lambda x, m: self.spend.expected_spend(x, m) ** 2)
        return np.maximum(self.variance - np.maximum(shared - self.mean**2, 0.0), 0.0)

    def _over_draws(self, moment: Callable[[Array, Array], Array]) -> Array:
        """A function of (x, m) averaged over the draws of the spend model."""
        x, m = self.statistics
        step = max(1, ELEMENTS // self.spend.n_draws)
        parts = [slice(start, start + step) for start in range(0, x.size, step)]
        return np.concatenate([over_draws(moment(x[part], m[part])) for part in parts])

    def quantile(self, p: ArrayLike) -> Array:
        """Smallest s with P(S ≤ s) ≥ p: shape (n,), or (len(p), n) for several p."""
        levels = probabilities(p)
        quantiles = np.maximum(self._asked(levels.size, partial(_quantiles, levels=levels)), 0.0) * self.scale
        return quantiles[0] if np.ndim(p) == 0 else quantiles

    @cached_property
    def median(self) -> Array:
        """Smallest s with P(S ≤ s) ≥ ½: what the mean absolute error rewards."""
        return self.quantile(0.5)

    def cdf(self, s: ArrayLike) -> Array:
        """P(S ≤ s); at 0 it is P(N = 0)."""
        s, w = self._multiples(s)
        return _as_cdf(s, self._asked(1, partial(_below, w=w))[0])

    def cdf_left(self, s: ArrayLike) -> Array:
        """P(S < s): the same, but 0 at the atom s = 0."""
        return np.where(np.asarray(s, float) <= 0, 0.0, self.cdf(s))

    def crps(self, s: ArrayLike) -> Array:
        """Continuous ranked probability score of the value s, ∫ (F(z) − 1{z ≥ s})² dz: lower is better, in money."""
        s, w = self._multiples(s)
        return self._as_crps(s, self._asked(1, partial(_crps, w=w))[0])

    def judged(self, s: ArrayLike) -> tuple[Array, Array, Array]:
        """Median, P(S ≤ s) and CRPS of the value s: the distributions are worked out once for all three."""
        s, w = self._multiples(s)

        def judged(piece: _Piece) -> tuple[Array, ...]:
            return _quantiles(piece, levels=np.array([0.5]))[0], _below(piece, w=w), _crps(piece, w=w)

        median, below, crps = self._asked(3, judged)
        return np.maximum(median, 0.0) * self.scale, _as_cdf(s, below), self._as_crps(s, crps)

    def _multiples(self, s: ArrayLike) -> tuple[Array, Array]:
        """A value of each customer, and as a multiple of the reference."""
        s = np.broadcast_to(np.asarray(s, float), self.scale.shape)
        return s, np.maximum(s, 0.0) / self.scale

    def _as_crps(self, s: Array, multiples: Array) -> Array:
        return np.asarray(multiples * self.scale + np.maximum(-s, 0.0))

    @cached_property
    def decay(self) -> Array:
        """P(S > s) falls like s to minus this (the least of all draws), and moments below it exist."""
        return self.spend.decay(self.statistics[0])

    def tail(self, customers: Places) -> tuple[Array, Array]:
        """Expected number of these customers whose value exceeds s, Σ P(S > s), with s, increasing, until it is 0.01.

        Sums of heavy-tailed values are made of this function: see ``clvmodels.totals``.
        """
        some = self if customers.size == self.scale.size else self.some(customers)
        most = 1 - some.cdf(0.0)
        far = np.log(most.sum() * 1e4) / some.decay.min()
        s = np.exp(np.linspace(-8.0, far, 160)) * np.average(some.scale, weights=most)
        tail = some.expected_above(s)
        reached = max(2, int(np.count_nonzero(tail > 0.01)))
        return s[:reached], tail[:reached]

    def expected_above(self, s: Array) -> Array:
        """Expected number of customers whose value exceeds each s ≥ 0, Σ P(S > s)."""
        tail = np.zeros(s.size)
        for piece in self._pieces():
            pairs, where = np.unique(np.stack([piece.row, self.scale[piece.customers]]), axis=1, return_inverse=True)
            owner, scale = pairs[0].astype(np.intp), pairs[1]
            amount = np.bincount(where.ravel(), weights=piece.weight * piece.share)
            for place, one in enumerate(s):
                tail[place] += amount @ piece.mixture.above(owner, one / scale)
        return tail

    def some(self, customers: Places) -> ValueOutcomes:
        """The same for some of the customers."""
        known = [column[customers] for column in self.statistics]
        return ValueOutcomes(self.purchases.some(customers), self.spend, known)

    def _asked(self, size: int, question: Callable[[_Piece], Any]) -> Array:
        """So many answers for each customer, in multiples of the reference: shape (size, n)."""
        answers = np.zeros((size, self.scale.size))
        for piece in self._pieces():
            answers[:, piece.customers] += piece.weight * np.asarray(question(piece))
        return answers

    def _pieces(self) -> Iterator[_Piece]:
        """All customers, some at a time; beyond the atom at 0 a share of those who bought on the last day, if exact."""
        outcomes, shares = self, np.ones(self.scale.size)
        if self.purchases.latest is not None and self.spend.alike:
            latest, share = self.purchases.latest
            outcomes = ValueOutcomes(latest, self.spend, self.statistics)
            shares = share[self.purchases.distinct.place]
        for mixture, customers, row, weight in outcomes._mixtures():
            for start in range(0, row.size, CELLS):
                part = slice(start, start + CELLS)
                some = customers[part]
                yield _Piece(mixture, some, row[part], weight[part], shares[some], outcomes is not self)

    def _mixtures(self) -> Iterator[tuple[Mixture, Places, Places, Array]]:
        """Distributions of S/scale, the customers they belong to, the row of each, and a weight.

        One estimate: weight 1, each customer once. With draws that do not agree on the reference the distribution also
        depends on the customer's place (Gamma-Gamma's is 1/(v̄ + x m)), smoothly: it is computed at a few places, and
        each customer comes with each of them and the weights that interpolate (Lagrange's, which sum to 1).
        """
        known = self.statistics[0]
        for blocks in _sharing(self.purchases.by_block()):
            everybody = np.concatenate([customers for _, customers, _ in blocks])
            for x in np.unique(known[everybody]):  # one, but where purchases without a value are not known
                here = [known[customers] == x for _, customers, _ in blocks]
                some = [(one, who[these], row[these]) for (one, who, row), these in zip(blocks, here, strict=True)]
                yield from self._mixtures_of(float(x), some)

    def _mixtures_of(self, x: float, blocks: list[Members]) -> Iterator[tuple[Mixture, Places, Places, Array]]:
        """Those of customers of whom x purchases are known; what depends on x and n alone is worked out once."""
        n = max((block.counts for block, _, _ in blocks), key=len)
        reaches = [_reach(block) for block, _, _ in blocks]
        places, weights = self._interpolation(np.concatenate([customers for _, customers, _ in blocks]))
        cuts = np.cumsum([customers.size for _, customers, _ in blocks])[:-1]
        for place, weight in zip(places, weights, strict=True):
            grid = Grid.of(self.spend.multiples(x, place), max(reaches))
            components = grid.components(n)
            parts = zip(blocks, grid.upto(reaches), np.split(weight, cuts), strict=True)
            for (block, customers, row), nodes, each in parts:
                step = max(1, CELLS // nodes)
                for start in range(0, len(block.survival), step):
                    low, high = np.searchsorted(row, np.array([start, start + step]))
                    if low == high:
                        continue
                    rows = slice(start, start + step)
                    mixture = Mixture.of(block.survival[rows, 1], block.masses(rows), grid, components, nodes)
                    yield mixture, customers[low:high], row[low:high] - start, each[low:high]

    def _interpolation(self, customers: Places) -> tuple[list[float | None], Array]:
        """Places at which to compute, and the customers' weights: shape (places, customers)."""
        if self.spend.alike:
            return [None], np.ones((1, customers.size))
        places = self._place[customers]
        low, high = places.min(), places.max()
        if high - low <= 1e-9 * max(abs(low), abs(high)):
            return [float(high)], np.ones((1, customers.size))
        nodes = np.cos((np.arange(NODES) + 0.5) * np.pi / NODES)
        at = (2 * places - low - high) / (high - low)
        weights = np.ones((NODES, customers.size))
        for i, node in enumerate(nodes):
            for other in np.delete(nodes, i):
                weights[i] *= (at - other) / (node - other)
        return [float((low + high) / 2 + node * (high - low) / 2) for node in nodes], weights

    @cached_property
    def _place(self) -> Array:
        return self.spend.place(*self.statistics)


@dataclass(frozen=True, eq=False)
class _Piece:
    """Some customers, and distributions of multiples of which theirs are a share beyond the atom at 0."""

    mixture: Mixture
    customers: Places
    row: Places
    """Of each customer in the mixture."""
    weight: Array
    """Of each customer: what is asked is a sum over the pieces that a customer is in."""
    share: Array
    shared: bool
    """Whether any share is not 1."""


def _sharing(members: Iterator[Members]) -> Iterator[list[Members]]:
    """Blocks of the same x, and tables that begin with the same counts."""
    for _, group in groupby(members, lambda one: (one[0].x, one[0].steps)):
        yield list(group)


def _reach(block: Block) -> float:
    """The largest count that is likely enough to matter in one of the patterns."""
    likely = int(np.count_nonzero(block.survival.max(axis=0) > MATTERS))  # of the nodes 0, 1, …; counts leave out 0
    return float(block.counts[max(likely - 2, 0)])


def _quantiles(piece: _Piece, *, levels: Array) -> Array:
    levels = levels[:, None]
    if piece.shared:
        return piece.mixture.quantile(1 - (1 - levels) / piece.share, piece.row)
    return piece.mixture.quantile(levels)[:, piece.row]


def _below(piece: _Piece, *, w: Array) -> Array:
    return np.asarray(1 - piece.share * piece.mixture.above(piece.row, w[piece.customers]))


def _crps(piece: _Piece, *, w: Array) -> Array:
    return piece.mixture.crps(piece.row, w[piece.customers], piece.share)


def _as_cdf(s: Array, below: Array) -> Array:
    return np.where(s < 0, 0.0, np.clip(below, 0.0, 1.0))
