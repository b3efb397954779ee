"""Survival tables P(N ≥ n) of distinct customers, mixed over parameter draws, in blocks that fit in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clvmodels.models.arrays import Array
from clvmodels.models.base import Alive, PurchaseFamily
from clvmodels.outcomes.smooth import MOST, by_age

Places = NDArray[np.intp]
Quantity = Callable[[Alive, Array, Array], Any]
"""Something that customers alive at T will do, of the family's `alive` in one stage, x and T."""

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

    @cached_property
    def counts(self) -> Array:
        """Purchase counts ≥ 1, where steps are wider than 1 the middle ones: shape (j,)."""
        return self.n[1:] + (np.diff(self.n[1:], append=self.n[-1] + 1) - 1) / 2

    @property
    def steps(self) -> bytes:
        """The same for blocks of which the shorter one's counts are the first ones of the longer one."""
        return b"" if self.n[-1] == self.n.size - 1 else self.n.tobytes()

    def masses(self, rows: slice) -> Array:
        """The probability of each of the counts in some rows: shape (rows, j)."""
        masses = self.survival[rows, 1:].copy()
        masses[:, :-1] -= masses[:, 1:]
        return masses


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

    def future(self, model: PurchaseFamily, quantity: Quantity, *, power: int = 1) -> Array:
        """What each pattern is expected to do, to a power, averaged over draws and components: shape (patterns,)."""
        result = np.zeros(self.x.size)
        for weight, member in model.components:
            for rows, (values,) in self.futures(member, quantity):
                result[rows] += weight * over_draws(values**power)
        return result

    def futures(self, model: PurchaseFamily, *quantities: Quantity) -> Iterator[tuple[slice, list[Array]]]:
        """Σ over stages of P(alive in it) × each quantity there, at every draw: shape (draws, patterns).

        Some patterns at a time; without draws shapes are (patterns,). The draws of a blend's components, which must be
        equally many, are paired in their order.
        """
        parts = [(weight, member, stage) for weight, member in model.components for stage in range(member.stages)]
        step = max(1, ELEMENTS // (max(member.n_draws for _, member, _ in parts) * len(parts)))
        few = max(1, step // NODES)
        ahead = [[self.ahead(each, member, stage) for _, member, stage in parts] for each in quantities]
        bounds = np.searchsorted(self.pair, np.arange(0, self.alive_x.size + few, few))
        for start, (low, high) in enumerate(pairwise(bounds)):
            pairs = slice(start * few, (start + 1) * few)
            x, T = self.alive_x[pairs], self.alive_T[pairs]
            later: list[list[Any]] = [
                [
                    each(member.alive(stage), x, T) if ready is None else ready[..., pairs]
                    for ready, (_, member, stage) in zip(prepared, parts, strict=True)
                ]
                for each, prepared in zip(quantities, ahead, strict=True)
            ]
            for first in range(low, high, step):
                rows = slice(first, min(first + step, high))
                p, owner = self.p_stages(model, rows), self.pair[rows] - start * few
                yield rows, [sum(q * f[..., owner] for q, f in zip(p, each, strict=True)) for each in later]

    def ahead(self, quantity: Quantity, member: PurchaseFamily, stage: int) -> Array | None:
        """The quantity of all pairs at once, where it can be read between a few."""
        if self.alive_x.size * member.n_draws > MOST:
            return None
        return by_age(lambda x, T: quantity(member.alive(stage), x, T), self.alive_x, self.alive_T)

    def p_stages(self, model: PurchaseFamily, rows: slice | Places) -> list[Array]:
        """Weight × P(alive in it) of every component's stages, one after another."""
        known = self.x[rows], self.t_x[rows], self.T[rows]
        return [
            p if weight == 1 else weight * p for weight, member in model.components for p in member.p_stages(*known)
        ]


def over_draws(values: Array) -> Array:
    """The mean over draws: values of shape (n,) as they are, (draws, n) averaged."""
    return values if values.ndim == 1 else values.mean(axis=0)


def survival_blocks(model: PurchaseFamily, t: float, distinct: Distinct) -> Iterator[Block]:
    """The patterns' survival functions, a block at a time; every pattern is in exactly one block."""
    starts = np.flatnonzero(np.diff(distinct.alive_x, prepend=-1.0))
    ends = np.append(starts[1:], distinct.alive_x.size)
    tables = sum(member.n_draws * member.stages for _, member in model.components)
    size = FIRST_SUPPORT
    for start, end in zip(starts, ends, strict=True):
        pairs, smallest = np.arange(start, end), 0
        while pairs.size:
            step = max(1, ELEMENTS // (tables * size))
            longer = []
            for part in np.split(pairs, range(step, pairs.size, step)):
                n, parts = _tables(model, size, t, distinct.alive_x[start : start + 1], distinct.alive_T[part])
                done = np.all([_reaches(n, table) for table in parts], axis=0)
                longer.append(part[~done])
                if done.any():
                    smallest = smallest or size
                    parts = parts if done.all() else [table[:, done] for table in parts]
                    yield from _mixed(model, distinct, part[done], n, parts)
            pairs, size = np.concatenate(longer), size * 2
        size = max(FIRST_SUPPORT, smallest // 2)  # the next x buys a little more


def _tables(model: PurchaseFamily, size: int, t: float, x: Array, T: Array) -> tuple[Array, list[Array]]:
    """Nodes 0 … size, and P(N ≥ n | alive in it) of every component's stages: shape (draws, pairs, nodes) each.

    x is one number, that of all pairs.
    """
    every = min(size, EVERY_INTEGER)
    n = far = np.arange(every + 1.0)
    if size > every:
        steps = int(np.ceil(np.log(size / every) * EVERY_INTEGER))
        far = np.unique(np.rint(every * (size / every) ** (np.arange(1, steps + 1) / steps)))
        n = np.append(n, far)
    tables = []
    for alive in (member.alive(stage) for _, member in model.components for stage in range(member.stages)):
        table = alive.survival_table(every, t, x, T).reshape(-1, T.size, every + 1)
        if size > every:
            beyond = alive.survival(np.tile(far, T.size), t, x, np.repeat(T, far.size))
            table = np.concatenate([table, beyond.reshape(-1, T.size, far.size)], axis=-1)
        tables.append(table)
    return n, tables


def _reaches(n: Array, table: Array) -> NDArray[np.bool_]:
    """Whether what lies beyond the last node is negligible: its probability, and its part of the second moment.

    A tail that falls by a factor ρ or more per step holds Σ_{k>n} (2k − 1) P(N ≥ k) ≤ P(N ≥ n) (2n/(1−ρ) + 2/(1−ρ)²).
    The ratios of a negative binomial's tail approach z < 1 from above or below: 1 − ρ is taken as half the last gap.
    """
    before, last = table[..., -2:].mean(axis=0).T
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(last > 0, last / before, 0.0) ** (1 / (n[-1] - n[-2]))
        gap = np.maximum((1 - ratio) / 2, 1e-12)
    second = (table[..., 1:] @ np.diff(n**2)).mean(axis=0)
    return np.asarray((last <= TAIL) & (last * (2 * n[-1] / gap + 2 / gap**2) <= 1e-10 * second))


def _mixed(model: PurchaseFamily, distinct: Distinct, pairs: Places, n: Array, tables: list[Array]) -> Iterator[Block]:
    """Blocks of the patterns of some pairs: Σ P(alive in it) × table, averaged over draws."""
    used = max(int(np.count_nonzero(table.max(axis=1).mean(axis=0) > TAIL)) for table in tables)
    n, tables = n[: used + 1], [table[..., : used + 1] for table in tables]
    lows, highs = (np.searchsorted(distinct.pair, pairs, side=side) for side in ("left", "right"))
    counts = highs - lows
    of = np.repeat(np.arange(pairs.size), counts)
    rows = np.arange(of.size) + np.repeat(lows - np.cumsum(counts) + counts, counts)
    step = max(1, ELEMENTS // max(n.size, sum(len(table) for table in tables)))
    for start in range(0, rows.size, step):
        part, owner = rows[start : start + step], of[start : start + step]
        cuts = np.flatnonzero(np.diff(owner, prepend=-1, append=-1))
        mixed = (
            _averaged(np.broadcast_to(p.reshape(-1, part.size), (len(table), part.size)), table, owner, cuts)
            for p, table in zip(distinct.p_stages(model, part), tables, strict=True)
        )
        survival = next(mixed)
        for more in mixed:
            survival += more
        survival[:, 0] = 1.0
        yield Block(float(distinct.x[part[0]]), part, n, survival)


def _averaged(p: Array, table: Array, owner: Places, cuts: Places) -> Array:
    """p × the row of each pattern's pair, averaged over draws; ``cuts`` are where the owner changes."""
    if len(table) == 1:
        found = table[0][owner]
        found *= p[0][:, None]
        return np.asarray(found)
    averaged = np.empty((owner.size, table.shape[-1]))
    for low, high in pairwise(cuts):
        averaged[low:high] = p[:, low:high].T @ table[:, owner[low]] / len(table)
    return averaged
