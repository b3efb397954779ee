"""The race of two clocks: which of two gamma-mixed exponential events comes first; Pareto/NBD needs no more.

The textbook writes it with 2F1, which overflows, cancels where α = β, and has no cheap derivative. Here it is an
integral of positive terms by Gauss's rule, to 1e-12.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from clvmodels.models.arrays import NUMPY, Array, Ops

DEPTH = 36.0
"""Logarithm of what is neglected beyond the end."""

ORDERS = (8, 12, 16, 24, 32, 96)
"""How many nodes, by how far the integrand falls and over how many factors of e it stretches."""

PART = 1 << 14
"""Numbers (customers × nodes) worked on at a time."""


@cache
def gauss(order: int) -> tuple[Array, Array]:
    """Gauss–Legendre nodes and weights on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(order)
    return (nodes + 1) / 2, weights / 2


class Course(NamedTuple):
    """∫ = lead · U ∫₀¹ exp(−A u − B ln(1 + (eᵘ − 1) c/C)) dy, u = U y: time counted in c, the smaller of the clocks."""

    lead: Any
    U: Any
    A: Any
    B: Any
    share: Any
    """c / C."""

    def terms(self, order: int, ops: Ops = NUMPY) -> tuple[Any, Any, Any, Any]:
        """eᵘ − 1, u, ln(1 + (eᵘ − 1) c/C) and the integrand, each with the nodes on a first axis."""
        u = gauss(order)[0][:, None] * self.U
        grown = ops.expm1(u)
        log = ops.log1p(self.share * grown)
        return grown, u, log, ops.exp(-self.A * u - self.B * log)

    def orders(self) -> NDArray[np.intp]:
        """The nodes each one needs for 1e-12, as a place in ORDERS."""
        falls = self.U * np.abs(self.A) + self.B * np.log1p(self.share * np.expm1(self.U))
        return np.select(
            [
                (self.U <= 1) & (falls <= 5),
                (self.U <= 4) & (falls <= 5),
                (self.U <= 4) & (falls <= 12),
                (self.U <= 12) & (falls <= 12),
                self.U <= 12,
            ],
            range(5),
            5,
        )

    def part(self, rows: Any) -> Course:
        """Some of them."""
        return Course(*(column[rows] for column in self))


def course(R: Any, a: Any, s: Any, b: Any, gap: Any, ops: Ops = NUMPY) -> Course:
    """That of `won`: ∫₀^gap s/(b + y) · (1 + y/a)^−R (1 + y/b)^−s dy, cut where nothing is left."""
    first = a <= b
    small, large = ops.where(first, a, b), ops.where(first, b, a)
    depth = DEPTH + ops.where(first, ops.log(large / small), 0.0)  # s/(b + y) · (a + y) grows until y = b
    fast, slow = ops.where(first, R, s), ops.where(first, s, R)
    end = ops.minimum(gap, large * ops.expm1(ops.minimum(depth / slow, 40.0)))
    return Course(
        lead=ops.where(first, s * (a / b), s + 0.0 * R),
        U=ops.minimum(ops.log1p(end / small), depth / fast),
        A=ops.where(first, R - 1, s),
        B=ops.where(first, s + 1, R),
        share=small / large,
    )


def won(R: Any, a: Any, s: Any, b: Any, gap: Any) -> Array:
    """Probability that the event of rate Gamma(s, b) comes before ``gap``, and before the event of rate Gamma(R, a).

    Examples
    --------
    >>> round(float(won(2.0, 3.0, 1.0, 3.0, np.inf)), 12)  # equal clocks: by their shapes
    0.333333333333
    """
    arrays = np.broadcast_arrays(*(np.asarray(value, float) for value in (R, a, s, b, gap)))
    R, a, s, b, gap = (np.ravel(array) for array in arrays)
    way = course(R, a, s, b, gap)
    result = np.empty(arrays[0].size)
    for rows, order in parts(way):
        result[rows] = (
            way.lead[rows] * way.U[rows] * np.einsum("i,ij->j", gauss(order)[1], way.part(rows).terms(order)[3])
        )
    return result.reshape(arrays[0].shape)


def parts(way: Course) -> Any:
    """Rows that share an order, a few thousand nodes at a time."""
    tier = way.orders()
    for place, order in enumerate(ORDERS):
        rows = np.flatnonzero(tier == place)
        step = max(1, PART // order)
        for start in range(0, rows.size, step):
            yield rows[start : start + step], order


def won_symbolic(R: Any, a: Any, s: Any, b: Any, gap: Any, ops: Ops) -> Any:
    """The same where parameters are symbols: every row with the nodes that serve nearly all."""
    way = course(R, a, s, b, gap, ops)
    return way.lead * way.U * (gauss(32)[1][:, None] * way.terms(32, ops)[3]).sum(axis=0)
