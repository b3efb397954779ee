"""The value that a share of the customers is expected to exceed."""

from __future__ import annotations

import numpy as np

from clvmodels.outcomes.values import ValueOutcomes

POINTS = 17
"""Values at which customers are counted in one pass."""
CLOSE = 4e-3
"""Width in log s at which the number above s is a straight line, to some 1e-6 of itself."""


def top_threshold(values: ValueOutcomes, share: float) -> float:
    """The revenue that a given share of the customers is expected to exceed, Σ P(S > s) = share × customers.

    0 when fewer than that are expected to buy at all.
    """
    wanted = share * values.scale.size
    if values.purchases.p_active.sum() <= wanted:
        return 0.0
    middle, reach = float(np.log(values.scale.mean())), 2.0
    while True:
        log_s = middle + reach * np.linspace(-1, 1, POINTS)
        above = values.expected_above(np.exp(log_s))
        if above[0] < wanted or above[-1] > wanted:
            middle += -2 * reach if above[0] < wanted else 2 * reach
            continue
        middle = float(np.interp(-wanted, -above, log_s))
        if 2 * reach / (POINTS - 1) < CLOSE:
            return float(np.exp(middle))
        reach = 2 * reach / (POINTS - 1)
