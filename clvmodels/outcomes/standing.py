"""Sums over customers of what they will do, worked out by (x, T): the past only says how many of them still stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from clvmodels.models.arrays import Array
from clvmodels.models.base import PurchaseFamily
from clvmodels.outcomes.counts import PurchaseOutcomes
from clvmodels.outcomes.survival import ELEMENTS, NODES, Distinct, Quantity


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
        if not outcomes.parts:
            d = outcomes.distinct
            pairs = Distinct.of(d.alive_x, d.alive_T, d.alive_T)
            return cls(outcomes.model, pairs, _amounts(outcomes, group, n_groups, amount))
        found, x, T = [], [], []  # parts share no pair, and come sorted by them
        for part in outcomes.parts:
            some = outcomes.some(part)
            found.append(_amounts(some, group[part], n_groups, amount[part]))
            x.append(some.distinct.alive_x)
            T.append(some.distinct.alive_T)
        ages = np.concatenate(T)
        amounts = [np.concatenate(each, axis=-1) for each in zip(*found, strict=True)]
        return cls(outcomes.model, Distinct.of(np.concatenate(x), ages, ages), amounts)

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


def _amounts(outcomes: PurchaseOutcomes, group: NDArray[np.intp], n_groups: int, amount: Array) -> list[Array]:
    """The amounts that stand of some customers."""
    d = outcomes.distinct
    size = d.alive_x.size
    cell = group * size + d.pair[d.place]
    each = sparse.csr_array((amount, (d.place, cell)), shape=(d.x.size, n_groups * size))
    parts = []
    for weight, member in outcomes.model.components:
        for p in member.p_stages(d.x, d.t_x, d.T):
            standing = np.asarray(weight * p.reshape(-1, d.x.size) @ each)
            parts.append(np.moveaxis(standing.reshape(-1, n_groups, size), 0, 1))
    return parts
