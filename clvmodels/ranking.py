"""Customers in order of a prediction, tied ones together, for many sets of weights at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PARTS = 10
"""Equal parts are tenths."""


@dataclass(frozen=True)
class Ranking:
    """Customers in ascending order of a score, tied ones in one group; made once, used for every column of weights."""

    order: NDArray[np.intp]
    starts: NDArray[np.intp]
    codes: NDArray[np.intp]

    @classmethod
    def of(cls, score: Array) -> Ranking:
        """Sort and find the ties.

        Scores equal to 40 binary digits (relative 1e-12) are tied: 1/20 and 2/40 orders a week are the same prediction,
        and whether floating point agrees would depend on the unit of time.
        """
        mantissa, exponent = np.frexp(score)
        score = np.ldexp(np.round(np.ldexp(mantissa, 40)), exponent - 40)
        order = np.argsort(score, kind="stable")
        new = np.diff(score[order], prepend=np.nan) != 0
        codes = np.empty(len(score), np.intp)
        codes[order] = np.cumsum(new) - 1
        return cls(order, np.flatnonzero(new), codes)

    def sums(self, amount: Array) -> Array:
        """(n, B) amounts → (groups, B) sums over each tie group, ascending."""
        amount = amount[self.order]
        return amount if len(self.starts) == len(self.order) else np.add.reduceat(amount, self.starts, axis=0)

    def midranks(self, weights: Array) -> Array:
        """(n, B) weights → (n, B) mid-ranks less their mean: weight below + half the weight tied − half of all."""
        groups = self.sums(weights)
        upto = np.cumsum(groups, axis=0)
        return np.asarray((upto - groups / 2 - upto[-1] / 2)[self.codes])


def equal_parts(
    prediction: Array, actual: Array, weights: Array, ranking: Ranking | None = None
) -> tuple[Array, Array]:
    """Predicted and actual sums in ten parts of equal weight, the highest predictions first; shapes (10, B).

    A customer, or a tie group, that straddles a boundary is split pro rata: the cumulated sums are read off by straight
    lines at tenths of the weight.
    """
    ranking = ranking or Ranking.of(prediction)
    groups = [
        ranking.sums(amount)[::-1] for amount in (weights, weights * prediction[:, None], weights * actual[:, None])
    ]
    size, predicted, realised = (np.concatenate([np.zeros((1, g.shape[1])), np.cumsum(g, axis=0)]) for g in groups)
    at = np.arange(1, PARTS)[:, None] * (size[-1] / PARTS)
    low = _last_not_above(size, at)
    columns = np.arange(size.shape[1])
    width = size[low + 1, columns] - size[low, columns]
    share = np.where(width > 0, (at - size[low, columns]) / np.where(width > 0, width, 1.0), 0.0)

    def parts(cumulated: Array) -> Array:
        inner = cumulated[low, columns] + share * (cumulated[low + 1, columns] - cumulated[low, columns])
        return np.diff(np.concatenate([cumulated[:1], inner, cumulated[-1:]]), axis=0)

    return parts(predicted), parts(realised)


def _last_not_above(ascending: Array, at: Array) -> NDArray[np.intp]:
    """For each column, the last row (but the final one) not above each of ``at``: bisection in all columns at once."""
    columns = np.arange(ascending.shape[1])
    low, high = np.zeros(at.shape, np.intp), np.full(at.shape, len(ascending) - 1)
    while (high - low).max() > 1:
        middle = (low + high) // 2
        above = ascending[middle, columns] > at
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return low
