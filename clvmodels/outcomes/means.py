"""Limits of customers' means: how well the parameters are known, and nothing about chance."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from clvmodels.fitting.result import Fit
from clvmodels.models.arrays import Array
from clvmodels.outcomes.counts import PurchaseOutcomes
from clvmodels.outcomes.points import parameter_draws
from clvmodels.outcomes.survival import ELEMENTS


def mean_limits(
    purchases: Fit,
    spend: Fit | None,
    outcomes: PurchaseOutcomes,
    *,
    known: tuple[Array, Array] | None,
    delta: float,
    margin: float,
    level: float,
    draws: int,
    seed: int,
    group: NDArray[np.intp] | None = None,
    n_groups: int = 0,
) -> list[tuple[Array, Array]]:
    """Lower and upper limits of expected purchases and, with ``spend``, of value and clv: of customers, or of sums.

    ``known`` are the number and the mean of each customer's purchases, as the spend family counts them.

    Draws of the two fits are paired at random: when people buy and what they spend share no parameter, so that both
    posteriors are independent. Means are those of distinct customers, a block of (draws × customers) at a time; with
    ``group`` they are summed, draw by draw, over the customers of each group.
    """
    one, other = (int(state) for state in np.random.SeedSequence(seed).generate_state(2))
    model: Any = parameter_draws(purchases, draws, seed=one)
    d, money, alive = outcomes.distinct, None, [outcomes.expected_alive]
    if spend is not None:
        logs = parameter_draws(spend, draws, seed=other).log_vector
        money = spend.model.at(np.random.default_rng(other).permutation(logs))
        alive.append(outcomes.discounted_alive(delta))
    x, m = known if known is not None else np.zeros((2, d.place.size))
    m = np.where(x > 0, m, 0.0)
    order = np.lexsort((m, x, d.place))
    new = np.append(True, (np.diff(d.place[order]) != 0) | (np.diff(x[order]) != 0) | (np.diff(m[order]) != 0))
    cell = np.empty(order.size, np.intp)
    cell[order] = np.cumsum(new) - 1
    place, x, m = d.place[order][new], x[order][new], m[order][new]  # of each distinct customer, now with the spend
    members = None
    if group is not None:
        members = sparse.csr_array((np.ones(cell.size), (cell, group)), shape=(place.size, n_groups))
    quantities = 3 if money else 1
    ends = np.empty((quantities, 2, place.size if members is None else n_groups))
    sums = np.zeros((quantities, draws, n_groups))
    step = max(1, ELEMENTS // draws)
    for rows, means in d.futures(model, *alive):
        first, last = np.searchsorted(place, (rows.start, rows.stop))
        for start in range(first, last, step):
            cells = slice(start, min(start + step, last))
            some = [each[:, place[cells] - rows.start] for each in means]
            if money is not None:
                worth = margin * money.expected_spend(x[cells], m[cells])  # type: ignore[attr-defined]
                some = [some[0], some[0] * worth, some[1] * worth]
            for quantity, values in enumerate(some):
                if members is None:
                    ends[quantity, :, cells] = _limits(values, level)
                else:
                    sums[quantity] += np.asarray(values @ members[cells])
    if members is None:
        return [(low[cell], high[cell]) for low, high in ends]
    return [(low, high) for low, high in (_limits(each, level) for each in sums)]


def _limits(values: Array, level: float) -> Array:
    """Quantiles over draws, the first axis, at both ends of the level: shape (2, n)."""
    rows = np.ascontiguousarray(values.T)  # a customer's draws side by side: three times as fast
    return np.asarray(np.quantile(rows, [(1 - level) / 2, (1 + level) / 2], axis=1, overwrite_input=True))
