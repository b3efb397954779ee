"""Customers in order of a prediction, tied ones together, for many sets of weights at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

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
    members: sparse.csr_array
    """(groups, n) zeros and ones: its product with (n, B) amounts is their sums over each group."""

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
        groups = np.append(starts, len(score))
        codes = np.empty(len(score), np.intp)
        codes[order] = np.repeat(np.arange(len(starts)), np.diff(groups))
        members = sparse.csr_array((np.ones(len(score)), order, groups), shape=(len(starts), len(score)))
        return cls(score[order[starts]], codes, members)

    def under(self, weights: Array) -> Ranked:
        """The ranking when customers count ``weights``, shape (n, B)."""
        size = self.members @ weights
        return Ranked(self, weights, size, np.cumsum(size, axis=0))


@dataclass(frozen=True, eq=False)
class Ranked:
    """A ranking under B sets of weights."""

    ranking: Ranking
    weights: Array
    size: Array
    """(groups, B) weight of each tie group, ascending."""
    upto: Array
    """(groups, B) weight of each tie group and those below."""

    @property
    def n(self) -> Array:
        """(B,) all the weight."""
        return np.asarray(self.upto[-1])

    @cached_property
    def midranks(self) -> Array:
        """(n, B) mid-ranks less their mean: weight ranked below + half the weight tied − half of all."""
        return np.asarray((self.upto - self.size / 2 - self.n / 2)[self.ranking.codes])

    @cached_property
    def weighted(self) -> Array:
        """(n, B) weights × mid-ranks: the sum of amounts × these is a covariance with the ranks."""
        return self.weights * self.midranks

    @cached_property
    def variation(self) -> Array:
        """(B,) sum of squared mid-ranks: (n³ − n)/12 when nothing is tied, less Σ(t³ − t)/12 over tie groups t."""
        return np.asarray(np.einsum("nb,nb->b", self.weighted, self.midranks))

    def equal_parts(self, actual: Array) -> tuple[Array, Array]:
        """Predicted and actual sums in ten parts of equal weight, the highest predictions first; shapes (10, B).

        A customer, or a tie group, that straddles a boundary is split pro rata: the cumulated sums are read off, on
        straight lines, at tenths of the weight.
        """
        at = np.arange(1, PARTS)[:, None] * (self.n / PARTS)
        group = _first_not_below(self.upto, at)
        columns = np.arange(at.shape[1])
        size = self.size[group, columns]
        left_over = (self.upto[group, columns] - at) / np.where(size > 0, size, 1.0)

        def parts(sums: Array) -> Array:
            cumulated = np.cumsum(sums, axis=0)
            inner = cumulated[group, columns] - left_over * sums[group, columns]
            ends = np.concatenate([np.zeros((1, len(columns))), inner, cumulated[-1:]])
            return np.diff(ends, axis=0)[::-1]

        members = self.ranking.members
        realised = sparse.csr_array((actual[members.indices], members.indices, members.indptr), shape=members.shape)
        return parts(self.size * self.ranking.score[:, None]), parts(np.asarray(realised @ self.weights))


def _first_not_below(ascending: Array, at: Array) -> NDArray[np.intp]:
    """For each column, the first row not below each of ``at``: bisection in all columns at once."""
    columns = np.arange(ascending.shape[1])
    low, high = np.zeros(at.shape, np.intp), np.full(at.shape, len(ascending) - 1)
    while (low < high).any():
        middle = (low + high) // 2
        below = ascending[middle, columns] < at
        low, high = np.where(below, middle + 1, low), np.where(below, high, middle)
    return low
