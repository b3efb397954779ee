"""Sums over customers of what they will do, worked out by (x, T): the past only says how many of them still stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clvmodels.models.arrays import Array
from clvmodels.models.base import PurchaseFamily
from clvmodels.outcomes.counts import PurchaseOutcomes
from clvmodels.outcomes.survival import ELEMENTS, NODES, Distinct, Places, Quantity


@dataclass(frozen=True, eq=False)
class Standing:
    """Customers, or an amount of each, times the probability of being alive in a stage, by (x, T) and group.

    Customers alive do the same whenever they bought last: Σ over customers of amount × E[what they do] is Σ over the
    distinct (x, T) of what is kept here × what customers alive do, and of (x, T) there are few, however many customers.

    Attributes
    ----------
    model
        The family that predicts.
    pairs
        The distinct (x, T) of the customers.
    amounts
        Of each component's stages, one after another, the component's weight in it: shape (groups, draws, pairs).
    """

    model: PurchaseFamily
    pairs: Distinct
    amounts: list[Array]

    @classmethod
    def of(
        cls, outcomes: PurchaseOutcomes, group: NDArray[np.intp], n_groups: int, amount: Array | None = None
    ) -> Standing:
        """What stands of ``amount`` (by default: of the customers themselves) in each group."""
        amount = np.ones(group.size) if amount is None else amount
        x, t_x, T = outcomes.columns
        found, ages, counts = [], [], []
        for part in outcomes.parts or (np.lexsort((T, x)),):  # parts share no pair, and come sorted by them
            known = x[part], t_x[part], T[part]
            new = (np.diff(known[0], prepend=-1) != 0) | (np.diff(known[2], prepend=-1) != 0)
            shape = (n_groups, int(np.count_nonzero(new)))
            cell = group[part] * shape[1] + np.cumsum(new) - 1
            found.append(_amounts(outcomes.model, known, cell, shape, amount[part]))
            counts.append(known[0][new])
            ages.append(known[2][new])
        age = np.concatenate(ages)
        amounts = [np.concatenate(each, axis=-1) for each in zip(*found, strict=True)]
        return cls(outcomes.model, Distinct.of(np.concatenate(counts), age, age), amounts)

    def total(self, quantity: Quantity) -> Array:
        """Σ over customers of amount × what each is expected to do: shape (groups,)."""
        total, left, pairs = np.zeros(len(self.amounts[0])), iter(self.amounts), self.pairs
        for _, member in self.model.components:
            step = max(1, ELEMENTS // (NODES * member.n_draws))
            for stage in range(member.stages):
                amount, ready = next(left), pairs.ahead(quantity, member, stage)
                for start in range(0, pairs.alive_x.size, step):
                    part = slice(start, start + step)
                    x, T = pairs.alive_x[part], pairs.alive_T[part]
                    each = quantity(member.alive(stage), x, T) if ready is None else ready[..., part]
                    each = np.broadcast_to(each, (member.n_draws, x.size))
                    total += np.einsum("gdp,dp->g", amount[..., part], each) / member.n_draws
        return total


def _amounts(
    model: PurchaseFamily, known: tuple[Array, Array, Array], cell: Places, shape: tuple[int, int], amount: Array
) -> list[Array]:
    """The amounts that stand of some customers, by cell."""
    size = shape[0] * shape[1]
    found: list[Array] = []
    for weight, member in model.components:
        for p in member.p_stages(*known):
            draws = [np.bincount(cell, weight * amount * one, size) for one in p.reshape(-1, cell.size)]
            found.append(np.moveaxis(np.array(draws, float).reshape(-1, *shape), 0, 1))
    return found
