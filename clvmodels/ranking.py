"""Customers in order of a prediction, tied ones together, for many sets of weights at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PARTS = 10
"""Equal parts are tenths."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """Customers in ascending order of a score, tied ones in one group; made once, used for every set of weights."""

    score: Array
    """Of each tie group, ascending."""
    codes: NDArray[np.intp]
    """The group of each customer."""
    order: NDArray[np.intp]
    """The customers, group after group."""
    firsts: NDArray[np.intp]
    """(groups + 1,) where each group begins in ``order``; then their number."""

    @classmethod
    def of(cls, score: Array) -> Ranking:
        """Sort and find the ties.

        Scores equal to 40 binary digits (relative 1e-12) are tied: 1/20 and 2/40 orders a week are the same prediction,
        and whether floating point agrees would depend on the unit of time.
        """
        mantissa, exponent = np.frexp(score)
        rounded = np.ldexp(np.round(np.ldexp(mantissa, 40)), exponent - 40)
        order = np.argsort(rounded, kind="stable")
        starts = np.flatnonzero(np.diff(rounded[order], prepend=np.nan))  # a NaN differs from everything
        firsts = np.append(starts, len(score))
        codes = np.empty(len(score), np.intp)
        codes[order] = np.repeat(np.arange(len(starts)), np.diff(firsts))
        return cls(score[order[starts]], codes, order, firsts)

    def sums(self, amount: Array) -> Array:
        """The sum of an amount, one per customer, over each tie group."""
        return np.asarray(np.bincount(self.codes, weights=amount, minlength=len(self.score)), float)

    @cached_property
    def scores(self) -> Array:
        """The score of each customer, in order."""
        return np.repeat(self.score, np.diff(self.firsts))

    def places(self, customers: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Where the tie groups of some customers begin and end in the order."""
        codes = self.codes[customers]
        return self.firsts[codes], self.firsts[codes + 1]

    def under(self, weights: Array) -> Ranked:
        """The ranking when customers count ``weights``: shape (B, n), a set of weights in each row."""
        weights = columns(weights, self.order)
        upto = np.empty((len(weights), weights.shape[1] + 1))
        upto[:, 0] = 0.0
        np.cumsum(weights, axis=1, out=upto[:, 1:])
        return Ranked(self, weights, upto)


@dataclass(frozen=True, eq=False)
class Ranked:
    """A ranking under B sets of weights.

    The weights are in rows, one customer after another: sums along them are the work of a bootstrap, and take half the
    time when what is added lies together.
    """

    ranking: Ranking
    weights: Array
    """(B, n) in the order of the ranking."""
    upto: Array
    """(B, n + 1) weight of the customers before each place in that order."""

    @property
    def n(self) -> Array:
        """(B,) all the weight."""
        return np.asarray(self.upto[:, -1])

    def midranks(self, places: tuple[NDArray[np.intp], NDArray[np.intp]]) -> Array:
        """(B, places) mid-ranks less their mean: weight ranked below + half the weight tied − half of all."""
        ranks = columns(self.upto, places[0])
        ranks += columns(self.upto, places[1])
        ranks -= self.n[:, None]
        ranks /= 2
        return ranks

    def equal_parts(self, actual: Array) -> tuple[Array, Array]:
        """Predicted and actual sums in ten parts of equal weight, the highest predictions first; shapes (10, B).

        ``actual`` is in the order of the ranking. A customer, or a tie group, that straddles a boundary is split pro
        rata.
        """
        ranking, sets = self.ranking, np.arange(len(self.weights))[:, None]
        bounds = np.arange(1, PARTS) * (self.n / PARTS)[:, None]
        places = np.array([np.searchsorted(row[1:], at) for row, at in zip(self.upto, bounds, strict=True)])
        last = len(ranking.order) - 1
        group = ranking.codes[ranking.order[np.minimum(places, last)]]  # the group that straddles each boundary
        start, end = ranking.firsts[group], ranking.firsts[group + 1]
        size = self.upto[sets, end] - self.upto[sets, start]
        above = (self.upto[sets, end] - bounds) / np.where(size > 0, size, 1.0)
        begins = np.concatenate([np.zeros_like(sets), end], axis=1)  # of what lies between two straddling groups
        stops = np.concatenate([start, np.full_like(sets, last + 1)], axis=1)
        cuts = np.stack([begins[:, 1:], stops[:, :-1]], axis=2)[:, :, ::-1].reshape(len(sets), -1)
        cuts = np.concatenate([begins[:, :1], cuts], axis=1) + sets * (last + 2)

        amounts = np.empty((len(sets), last + 2))
        amounts[:, -1] = 0.0  # ends the sums of each row

        def parts(amount: Array) -> Array:
            np.multiply(self.weights, amount, out=amounts[:, :-1])
            sums = np.add.reduceat(amounts.ravel(), cuts.ravel()).reshape(cuts.shape)
            result, straddling = np.where(begins < stops, sums[:, ::2], 0.0), sums[:, 1::2]
            twice = begins[:, 1:] > stops[:, 1:]  # one group straddles two boundaries, and lies between them in part
            result[:, 1:] += straddling * (above - twice)
            result[:, :-1] += straddling * (1 - above)
            return np.asarray(result[:, ::-1].T)

        return parts(ranking.scores), parts(actual)


def columns(table: Array, places: NDArray[np.intp]) -> Array:
    """Some columns of a table: ``table[:, places]`` in half the time, because the places are known to exist."""
    return np.take(table, places, axis=1, mode="clip")
