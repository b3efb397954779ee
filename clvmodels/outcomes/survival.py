"""Survival tables P(N ≥ n) of distinct customers, mixed over parameter draws, in blocks that fit in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clvmodels.models.arrays import Array
from clvmodels.models.base import PurchaseFamily

Places = NDArray[np.intp]
Alive = Callable[[Array, Array], Any]

ELEMENTS = 1 << 20
"""Elements of (draws × customers × n) worked on at a time: some 8 MB an array, whatever the number of customers."""
NODES = 16
"""Discounting integrates over about so many moments: elements for each of them are worked on at a time."""
FIRST_SUPPORT = 16
EVERY_INTEGER = 8192
"""Counts up to here are kept one by one; beyond, in cells one 8,192nd of their size wide."""
TAIL = 1e-13
"""A table ends where the chance of getting there is below this, and nothing beyond can matter to a second moment."""


@dataclass(frozen=True, eq=False)
class Block:
    """The survival functions of some patterns that share x.

    ``n`` are nodes 0, 1, 2, …: every integer up to 8,192, then wider steps; ``survival`` has one row per pattern. The
    probability beyond the last node is below 1e-13.
    """

    x: float
    rows: Places
    n: Array
    survival: Array

    def level(self) -> Array:
        """Mean survival over the integers n_j + 1 … n_{j+1} of each step: the survival itself where steps are 1."""
        width = np.diff(self.n)
        before, after = self.survival[:, :-1], self.survival[:, 1:]
        return np.asarray(before + (after - before) * ((width + 1) / (2 * width)))

    def masses(self) -> tuple[Array, Array]:
        """Purchase counts ≥ 1 and the probability of each: shapes (j,) and (patterns, j)."""
        widths = np.diff(self.n[1:], append=self.n[-1] + 1)
        ends = np.concatenate([self.survival[:, 2:], np.zeros((len(self.survival), 1))], axis=1)
        return self.n[1:] + (widths - 1) / 2, self.survival[:, 1:] - ends


@dataclass(frozen=True, eq=False)
class Distinct:
    """Distinct (x, t_x, T), sorted by (x, T, t_x), and where each customer's is.

    What customers alive at T do next depends on (x, T) only; those pairs are ``alive_x``, ``alive_T``, and ``pair``
    says which one is each pattern's. CDNOW's 23,570 customers are 8,685 patterns and 979 pairs.
    """

    x: Array
    t_x: Array
    T: Array
    place: Places
    alive_x: Array
    alive_T: Array
    pair: Places

    @classmethod
    def of(cls, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Distinct:
        """The distinct customers among these."""
        x, t_x, T = (np.atleast_1d(np.asarray(value, float)) for value in np.broadcast_arrays(x, t_x, T))
        order = np.lexsort((t_x, T, x))
        x, t_x, T = x[order], t_x[order], T[order]
        new_pair = np.ones(x.size, bool)
        new_pair[1:] = (np.diff(x) != 0) | (np.diff(T) != 0)
        new = new_pair.copy()
        new[1:] |= np.diff(t_x) != 0
        place = np.empty(x.size, np.intp)
        place[order] = np.cumsum(new) - 1
        pair = (np.cumsum(new_pair) - 1)[new]
        return cls(x[new], t_x[new], T[new], place, x[new_pair], T[new_pair], pair)

    def future(self, model: PurchaseFamily, alive: Alive, *, power: int = 1) -> Array:
        """P(alive) × ``alive(x, T)`` of each pattern, to a power, averaged over draws: shape (patterns,)."""
        result = np.empty(self.x.size)
        for rows, (values,) in self.futures(model, alive):
            result[rows] = over_draws(values**power)
        return result

    def futures(self, model: PurchaseFamily, *alive: Alive) -> Iterator[tuple[slice, list[Array]]]:
        """P(alive) × each ``alive(x, T)`` at every draw, for some patterns at a time: shape (draws, patterns).

        ``alive`` gives, for customers with t_x = T, P(alive) times what they will do. Without draws shapes are
        (patterns,).
        """
        step = max(1, ELEMENTS // model.n_draws)
        few = max(1, step // NODES)
        bounds = np.searchsorted(self.pair, np.arange(0, self.alive_x.size + few, few))
        for start, (low, high) in enumerate(pairwise(bounds)):
            pairs = slice(start * few, (start + 1) * few)
            x, T = self.alive_x[pairs], self.alive_T[pairs]
            p_alive = model.p_alive(x, T, T)
            given_alive = [each(x, T) / p_alive for each in alive]
            for first in range(low, high, step):
                rows = slice(first, min(first + step, high))
                p_alive = model.p_alive(self.x[rows], self.t_x[rows], self.T[rows])
                yield rows, [p_alive * each[..., self.pair[rows] - start * few] for each in given_alive]


def over_draws(values: Array) -> Array:
    """The mean over draws: values of shape (n,) as they are, (draws, n) averaged."""
    return values if values.ndim == 1 else values.mean(axis=0)


def survival_blocks(model: PurchaseFamily, t: float, distinct: Distinct) -> Iterator[Block]:
    """The patterns' survival functions, a block at a time; every pattern is in exactly one block."""
    starts = np.flatnonzero(np.diff(distinct.alive_x, prepend=-1.0))
    ends = np.append(starts[1:], distinct.alive_x.size)
    size = FIRST_SUPPORT
    for start, end in zip(starts, ends, strict=True):
        pairs, smallest = np.arange(start, end), 0
        while pairs.size:
            step = max(1, ELEMENTS // (model.n_draws * size))
            longer = []
            for part in np.split(pairs, range(step, pairs.size, step)):
                n, table = _table(model, size, t, distinct.alive_x[part], distinct.alive_T[part])
                done = _reaches(n, table.mean(axis=0))
                longer.append(part[~done])
                if done.any():
                    smallest = smallest or size
                    yield from _mixed(model, distinct, part[done], n, table[:, done])
            pairs, size = np.concatenate(longer), size * 2
        size = max(FIRST_SUPPORT, smallest // 2)  # the next x buys a little more


def _table(model: PurchaseFamily, size: int, t: float, x: Array, T: Array) -> tuple[Array, Array]:
    """Nodes 0 … size and P(N ≥ n | alive): shape (draws, pairs, nodes)."""
    every = min(size, EVERY_INTEGER)
    n = np.arange(every + 1.0)
    table = model.survival_table(every, t, x, T).reshape(-1, x.size, n.size)
    if size > every:
        steps = int(np.ceil(np.log(size / every) * EVERY_INTEGER))
        far = np.unique(np.rint(every * (size / every) ** (np.arange(1, steps + 1) / steps)))
        many, since = np.repeat(x, far.size), np.repeat(T, far.size)
        p_alive = model.p_alive(many, since, since)
        seen = model.survival(np.tile(far, x.size), t, many, since, since) / p_alive
        n, table = np.append(n, far), np.concatenate([table, seen.reshape(-1, x.size, far.size)], axis=-1)
    return n, table


def _reaches(n: Array, survival: Array) -> NDArray[np.bool_]:
    """Whether what lies beyond the last node is negligible: its probability, and its part of the second moment.

    A tail that falls by a factor ρ or more per step holds Σ_{k>n} (2k − 1) P(N ≥ k) ≤ P(N ≥ n) (2n/(1−ρ) + 2/(1−ρ)²).
    The ratios of a negative binomial's tail approach z < 1 from above or below: 1 − ρ is taken as half the last gap.
    """
    last, before = survival[:, -1], survival[:, -2]
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(last > 0, last / before, 0.0) ** (1 / (n[-1] - n[-2]))
        gap = np.maximum((1 - ratio) / 2, 1e-12)
    second = np.sum(np.diff(n**2) * survival[:, 1:], axis=1)
    return np.asarray((last <= TAIL) & (last * (2 * n[-1] / gap + 2 / gap**2) <= 1e-10 * second))


def _mixed(model: PurchaseFamily, distinct: Distinct, pairs: Places, n: Array, table: Array) -> Iterator[Block]:
    """Blocks of the patterns of some pairs: P(alive) × table, averaged over draws."""
    used = int(np.count_nonzero((table.mean(axis=0) > TAIL).any(axis=0)))
    n, table = n[: used + 1], table[..., : used + 1]
    lows, highs = (np.searchsorted(distinct.pair, pairs, side=side) for side in ("left", "right"))
    rows = np.concatenate([np.arange(low, high) for low, high in zip(lows, highs, strict=True)])
    of = np.repeat(np.arange(pairs.size), highs - lows)
    step = max(1, ELEMENTS // max(n.size, model.n_draws))
    for start in range(0, rows.size, step):
        part, owner = rows[start : start + step], of[start : start + step]
        x, t_x, T = distinct.x[part], distinct.t_x[part], distinct.T[part]
        p_alive = np.broadcast_to(model.p_alive(x, t_x, T).reshape(-1, part.size), (len(table), part.size))
        if len(table) == 1:
            survival = p_alive[0][:, None] * table[0][owner]
        else:
            survival = np.empty((part.size, n.size))
            cuts = np.flatnonzero(np.diff(owner, prepend=-1, append=-1))
            for low, high in pairwise(cuts):
                survival[low:high] = p_alive[:, low:high].T @ table[:, owner[low]] / len(table)
        survival[:, 0] = 1.0
        yield Block(float(x[0]), part, n, survival)
