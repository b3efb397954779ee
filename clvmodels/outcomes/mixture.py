"""The value of N future purchases, as a multiple of a customer's reference: a mixture over N, on one grid per x.

Given n purchases the total is a multiple W = e^y of the reference (for Gamma-Gamma v + x m, and W a beta prime), so
that everything but the weights P(N = n) depends on x alone. A grid in y that is uniform where the components are
equally wide carries their distribution functions to a few 1e-10, and the customers' are matrix products.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from clvmodels.models.arrays import Array
from clvmodels.models.multiples import FARTHEST, Multiples

STEPS = 8.0
"""Grid steps per standard deviation of the narrowest component: the rules below are of order six. Half with draws."""
OUTSIDE = 1e-10
"""Probability left out at each end of the grid, where the tails are powers of W."""
STRETCH, TOGETHER = 64, 16
"""Nodes of the grid that are worked on at a time, and components that are left out there together."""
NOTHING = 1e-12
"""Probability, to either side, of components that are left out."""
CLOSE = 1e-10
"""Part of a grid step that a quantile moves by in Newton's last step, whose square is what is left to go."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Nodes in y = log W for customers of whom equally many purchases are known."""

    y: Array
    multiples: Multiples

    @classmethod
    def of(cls, multiples: Multiples, reach: float) -> Grid:
        """A grid from the lower end for one purchase to the upper end for ``reach`` purchases.

        Steps are 1/8 of the spread of log W.
        """
        low, high = multiples.ends(1.0, reach, OUTSIDE)
        start = float(np.clip(low, -FARTHEST, FARTHEST - 1))
        fine = np.linspace(start, float(np.clip(high, start + 1, FARTHEST)), 1001)
        steps = (STEPS if multiples.shift.size == 1 else STEPS / 2) * np.diff(fine) / multiples.spread(fine)[1:]
        count = np.concatenate([[0.0], np.cumsum(steps)])
        return cls(np.interp(np.linspace(0, count[-1], int(np.ceil(count[-1])) + 2), count, fine), multiples)

    def upto(self, reaches: list[float]) -> list[int]:
        """How many nodes it takes to get to the upper end for so many purchases."""
        nodes = np.searchsorted(self.y, self.multiples.ends(1.0, reaches, OUTSIDE)[1]) + 1
        return [int(one) for one in np.clip(nodes, 2, self.y.size)]

    def components(self, n: Array) -> list[Components]:
        """The distributions of W given each n, on some nodes at a time: of the counts whose W may be there."""
        firsts = np.arange(0, n.size, TOGETHER)
        lasts = np.append(firsts[1:], n.size)
        begin, end = self.multiples.ends(n[firsts], n[lasts - 1], NOTHING)
        parts = []
        for start in range(0, self.y.size, STRETCH):
            stop = min(start + STRETCH, self.y.size)
            low, high = np.searchsorted(end, self.y[start]), np.searchsorted(begin, self.y[stop - 1])
            some = slice(int(firsts[min(low, firsts.size - 1)]), int(lasts[max(high - 1, 0)]))
            parts.append((some, slice(max(start - 1, 0), stop)))  # from the node before, to integrate from there
        tables = self.multiples.densities(self.y, n, parts)
        return [self._component(n, *part, table) for part, table in zip(parts, tables, strict=True)]

    def _component(self, n: Array, some: slice, nodes: slice, densities: Array) -> Components:
        growth = increments(self.y[nodes], *densities)
        if nodes.start > 0:
            return Components(some, slice(nodes.start + 1, nodes.stop), growth, *densities[:2, :, 1:])
        below = self.multiples.below(self.y[0], n[some])
        return Components(some, nodes, np.column_stack([below, growth]), *densities[:2])


@dataclass(frozen=True, eq=False)
class Components:
    """The distributions of W given each of some n on some nodes of a grid: tables of shape (n, nodes)."""

    n: slice
    nodes: slice
    growth: Array
    """P(W ≤ e^y), less that at the node before: the density's integral, of order six in the grid's steps."""
    pdf: Array
    """The density of log W."""
    slope: Array
    """Its derivative."""


@dataclass(frozen=True, eq=False)
class Mixture:
    """The distribution of W for some customers: an atom at 0, and components with weights; one row per customer."""

    none: Array
    """P(N = 0)."""
    some: Array
    """P(N ≥ 1)."""
    y: Array
    cdf: Array
    """P(0 < W ≤ e^y)."""
    pdf: Array
    slope: Array
    growth: float
    """P(0 < W ≤ w) grows like w to this near 0."""
    decay: float
    """P(W > w) falls like w to minus this far out."""

    @classmethod
    def of(cls, some: Array, mass: Array, grid: Grid, components: list[Components], nodes: int) -> Mixture:
        """Components mixed with the probabilities ``mass`` of the counts n ≥ 1, on the first ``nodes`` of the grid.

        ``mass`` has shape (patterns, counts); the components may be of more counts.
        """
        growth, pdf, slope = tables = np.empty((3, len(mass), nodes))
        for part in components:
            weight, where = mass[:, part.n], slice(part.nodes.start, min(part.nodes.stop, nodes))
            if where.start >= nodes:
                break
            for table, component in zip(tables, (part.growth, part.pdf, part.slope), strict=True):
                known = component[: weight.shape[1], : where.stop - where.start]
                np.matmul(weight, known, out=table[:, where])
        cdf = np.cumsum(growth, axis=1, out=growth)
        return cls(1 - some, some, grid.y[:nodes], cdf, pdf, slope, grid.multiples.growth, grid.multiples.decay)

    def quantile(self, p: Array, rows: NDArray[np.intp] | None = None) -> Array:
        """Smallest w with P(W ≤ w) ≥ p: of every row, or of some, which may have levels p of their own.

        p has the shape of the result but for the last axis, which may be 1.
        """
        row = np.arange(self.none.size) if rows is None else rows
        wanted = p - self.none[row]
        result = np.zeros(wanted.shape)
        positive = np.nonzero(wanted > 0)
        if not positive[0].size:
            return result
        row, wanted = row[positive[-1]], wanted[positive]
        places = np.searchsorted(self._increasing, wanted + 2.0 * row, "right")
        cell = places - row * self.y.size - 1
        inside = np.clip(cell, 0, self.y.size - 2)
        h = self.y[inside + 1] - self.y[inside]
        y = self.y[inside] + h * _inverse(_quintic(self.cdf, self.pdf, self.slope, row, inside, h), wanted)
        with np.errstate(divide="ignore"):
            under = self.y[0] + (np.log(wanted) - np.log(self.cdf[row, 0])) / self.growth
            left = np.log(np.maximum(self.some[row] - self.cdf[row, -1], 0.0)) - np.log(self.some[row] - wanted)
            over = self.y[-1] + np.maximum(left, 0.0) / self.decay
        y = np.where(cell < 0, under, np.where(cell > inside, over, y))
        result[positive] = np.exp(y)
        return result

    @cached_property
    def _increasing(self) -> Array:
        """All rows one after another, 2 apart, which are one increasing sequence to search in."""
        return np.asarray((self.cdf + 2.0 * np.arange(len(self.cdf))[:, None]).ravel())

    def above(self, row: NDArray[np.intp], w: Array) -> Array:
        """P(W > w) in the given rows, w ≥ 0."""
        result = self.some[row]
        seen = np.flatnonzero(w > 0)
        row, y = row[seen], np.log(w[seen])
        cell, theta, h = self._find(y)
        inside = self.some[row] - _value(_quintic(self.cdf, self.pdf, self.slope, row, cell, h), theta)
        under = self.some[row] - self.cdf[row, 0] * np.exp(self.growth * np.minimum(y - self.y[0], 0.0))
        left = np.maximum(self.some[row] - self.cdf[row, -1], 0.0)
        over = left * np.exp(-self.decay * np.maximum(y - self.y[-1], 0.0))
        above = np.where(y < self.y[0], under, np.where(y > self.y[-1], over, inside))
        result[seen] = np.clip(above, 0.0, self.some[row])
        return result

    def crps(self, row: NDArray[np.intp], w: Array, share: float | Array = 1.0) -> Array:
        """∫ (1{z < w} − U(z))² dz in the given rows, for U(z) a ``share`` of P(W > z), each with its own.

        It is ∫ U² + w − 2 ∫ U up to w; infinite when the tail is heavier than 1/√z.
        """
        if self.decay <= 0.5:
            return np.full(w.size, np.inf)
        result = share**2 * self._squares[row]
        seen = np.flatnonzero(w > 0)
        rows, place = np.unique(row[seen], return_inverse=True)
        upto = self._upto(rows, place, w[seen])
        result[seen] += w[seen] - 2 * np.broadcast_to(share, w.shape)[seen] * upto
        return np.asarray(np.maximum(result, 0.0))

    @cached_property
    def _squares(self) -> Array:
        """∫ P(W > z)² dz of each row, by the rule of ``increments`` with the weights of its nodes collected."""
        z, h = np.exp(self.y), np.diff(self.y)
        before, after = np.append(0.0, h), np.append(h, 0.0)
        bend = z * (before**3 + after**3) / 120
        slope = z * (after**2 - before**2) / 10
        value = z * (before + after) / 2
        U = self.some[:, None] - self.cdf
        terms = U * (value + slope + bend)
        terms -= self.pdf * (2 * slope + 4 * bend)
        terms -= self.slope * (2 * bend)
        result = np.einsum("ry,ry->r", terms, U) + np.einsum("ry,y->r", self.pdf**2, 2 * bend)
        # Below the grid W is there with probability 1e-10.
        return np.asarray(result + U[:, 0] ** 2 * z[0] + U[:, -1] ** 2 * z[-1] / (2 * self.decay - 1))

    def _upto(self, rows: NDArray[np.intp], place: NDArray[np.intp], w: Array) -> Array:
        """∫ P(W > z) dz from 0 to each w > 0, ``place`` being its row's among ``rows``."""
        z = np.exp(self.y)
        U, f, s = self.some[rows, None] - self.cdf[rows], self.pdf[rows], self.slope[rows]
        value, slope, bend = U * z, (U - f) * z, (U - 2 * f - s) * z
        upto = np.cumsum(np.hstack([value[:, :1], increments(self.y, value, slope, bend)]), axis=1)
        cell, theta, h = self._find(np.log(w))
        inside = _value(_quintic(upto, value, slope, place, cell, h), theta)
        return np.where(w < z[0], U[place, 0] * w, np.where(w > z[-1], upto[place, -1], inside))

    def _find(self, y: Array) -> tuple[NDArray[np.intp], Array, Array]:
        """Cell of each y, place within it in [0, 1], and its width."""
        cell = np.clip(np.searchsorted(self.y, y, side="right") - 1, 0, self.y.size - 2)
        h = self.y[cell + 1] - self.y[cell]
        return cell, np.clip((y - self.y[cell]) / h, 0.0, 1.0), h


def increments(y: Array, value: Array, slope: Array, bend: Array) -> Array:
    """∫ value dy from each node to the next, from values and two derivatives at the nodes (order six)."""
    h = np.diff(y)
    cells = (value[:, 1:] + value[:, :-1]) * (h / 2)
    cells += (slope[:, :-1] - slope[:, 1:]) * (h**2 / 10)
    cells += (bend[:, :-1] + bend[:, 1:]) * (h**3 / 120)
    return np.asarray(cells)


def _quintic(value: Array, slope: Array, bend: Array, row: NDArray[np.intp], cell: NDArray[np.intp], h: Array) -> Array:
    """Coefficients in θ, 0 to 1 across one cell per row, of the quintic with the tables' derivatives at both ends."""
    f0, d0, s0 = value[row, cell], slope[row, cell] * h, bend[row, cell] * h**2
    f1, d1, s1 = value[row, cell + 1], slope[row, cell + 1] * h, bend[row, cell + 1] * h**2
    f, d, s = f1 - f0 - d0 - s0 / 2, d1 - d0 - s0, s1 - s0  # what the quadratic from the left end misses
    return np.array([f0, d0, s0 / 2, 10 * f - 4 * d + s / 2, -15 * f + 7 * d - s, 6 * f - 3 * d + s / 2])


def _value(quintic: Array, theta: Array) -> Array:
    result = quintic[5]
    for coefficient in quintic[4::-1]:
        result = coefficient + theta * result
    return np.asarray(result)


def _inverse(quintic: Array, wanted: Array) -> Array:
    """θ in [0, 1] where an increasing quintic is ``wanted``, by Newton's steps inside a shrinking bracket."""
    slope = quintic[1:] * np.arange(1, 6)[:, None]
    slope = np.concatenate([slope, np.zeros((1, wanted.size))])
    low, high = np.zeros(wanted.size), np.ones(wanted.size)
    with np.errstate(divide="ignore", invalid="ignore"):
        straight = (wanted - quintic[0]) / quintic[1:].sum(axis=0)
    theta = np.where((straight >= 0) & (straight <= 1), straight, 0.5)
    for _ in range(60):
        miss = _value(quintic, theta) - wanted
        low, high = np.where(miss < 0, theta, low), np.where(miss < 0, high, theta)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = theta - miss / _value(slope, theta)
        step = np.where((step >= low) & (step <= high), step, (low + high) / 2)
        moved, theta = np.max(np.abs(step - theta)), step
        if moved < CLOSE:
            break
    return np.asarray(theta)
