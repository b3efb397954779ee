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
from clvmodels.models.multiples import FARTHEST, Multiples, Part, cumulative

STEPS = 8.0
"""Grid steps per standard deviation of the narrowest component: the rules below are of order six. Half with draws."""
OUTSIDE = 1e-10
"""Probability left out at each end of the grid, where the tails are powers of W."""
TOGETHER = 32
"""Components worked out at a time: each piece covers its own stretch of the grid only."""
NOTHING = 1e-15
"""Probability outside of such a stretch."""
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

    def upto(self, reach: float) -> int:
        """How many nodes it takes to get to the upper end for ``reach`` purchases."""
        return int(np.clip(np.searchsorted(self.y, self.multiples.ends(1.0, reach, OUTSIDE)[1]) + 1, 2, self.y.size))

    def components(self, n: Array) -> Components:
        """What W may be given each n, some counts at a time, where they have a density."""
        counts = [slice(start, min(start + TOGETHER, n.size)) for start in range(0, n.size, TOGETHER)]
        ends = self.multiples.ends(n[::TOGETHER], [n[part.stop - 1] for part in counts], NOTHING)
        low, high = np.searchsorted(self.y, np.stack(ends)) + np.array([[-1], [2]])
        stretches = [slice(max(start, 0), end) for start, end in zip(low.tolist(), high.tolist(), strict=True)]
        parts = list(zip(counts, stretches, strict=True))
        return Components(self.multiples.below(self.y[0], n), parts, self.multiples.densities(self.y, n, parts))


@dataclass(frozen=True, eq=False)
class Components:
    """The distributions of W given each n on a grid."""

    below: Array
    """P(W ≤ w | n) at the first node: shape (n,)."""
    parts: list[Part]
    """Some n, and the stretch of the grid where they have a density."""
    densities: list[Array]
    """Of each part, that of log W with two derivatives: shape (3, n, stretch)."""


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
    def of(cls, some: Array, mass: Array, grid: Grid, components: Components, nodes: int) -> Mixture:
        """Components mixed with the probabilities ``mass`` of the counts n ≥ 1, on the first ``nodes`` of the grid.

        ``mass`` has shape (patterns, counts); the components may be of more counts. The distribution function is the
        density's integral: order six in the grid's steps.
        """
        y, counts = grid.y[:nodes], mass.shape[1]
        tables = np.zeros((3, len(mass), nodes))
        for (n, stretch), densities in zip(components.parts, components.densities, strict=True):
            width = min(stretch.stop, nodes) - stretch.start
            if n.start >= counts or width <= 0:
                continue
            weight, within = mass[:, n], slice(stretch.start, stretch.start + width)
            for table, density in zip(tables, densities[:, : weight.shape[1], :width], strict=True):
                table[:, within] += weight @ density
        cdf = cumulative(y, *tables)
        cdf += (mass @ components.below[:counts])[:, None]
        return cls(1 - some, some, y, cdf, tables[0], tables[1], grid.multiples.growth, grid.multiples.decay)

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
        """∫ P(W > z)² dz of each row, by the rule of ``cumulative`` with the weights of its nodes collected."""
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
        upto = value[:, :1] + cumulative(self.y, value, slope, bend)
        cell, theta, h = self._find(np.log(w))
        inside = _value(_quintic(upto, value, slope, place, cell, h), theta)
        return np.where(w < z[0], U[place, 0] * w, np.where(w > z[-1], upto[place, -1], inside))

    def _find(self, y: Array) -> tuple[NDArray[np.intp], Array, Array]:
        """Cell of each y, place within it in [0, 1], and its width."""
        cell = np.clip(np.searchsorted(self.y, y, side="right") - 1, 0, self.y.size - 2)
        h = self.y[cell + 1] - self.y[cell]
        return cell, np.clip((y - self.y[cell]) / h, 0.0, 1.0), h


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
        theta = (wanted - quintic[0]) / quintic[1:].sum(axis=0)
    theta: Array = np.where((theta >= 0) & (theta <= 1), theta, 0.5)
    for _ in range(60):
        miss = _value(quintic, theta) - wanted
        low, high = np.where(miss < 0, theta, low), np.where(miss < 0, high, theta)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = theta - miss / _value(slope, theta)
        step = np.where((step >= low) & (step <= high), step, (low + high) / 2)
        moved, theta = np.max(np.abs(step - theta)), step
        if moved < CLOSE:
            break
    return theta
