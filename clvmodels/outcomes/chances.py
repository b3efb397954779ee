"""The value that a share of the customers is expected to exceed."""

from __future__ import annotations

import numpy as np

from clvmodels.outcomes.values import ValueOutcomes

THINNED = 4000
"""Customers among whom the threshold is first looked for."""
CLOSE = 1e-3
"""Step in log s at which the logarithm of the number above s is a straight line, to a millionth."""


def top_threshold(values: ValueOutcomes, share: float) -> float:
    """The revenue that a given share of the customers is expected to exceed, Σ P(S > s) = share × customers.

    0 when fewer than that are expected to buy at all.
    """
    if values.purchases.p_active.mean() <= share:
        return 0.0
    step = values.scale.size // THINNED
    log_s, reach = float(np.log(values.scale.mean())), 2.0
    if step > 1:
        some = values.some(np.argsort(values.mean, kind="stable")[step // 2 :: step])
        if some.purchases.p_active.mean() > share:
            log_s, reach = _zoom(some, share, log_s, reach), 0.05
    return float(np.exp(_zoom(values, share, log_s, reach)))


def _zoom(values: ValueOutcomes, share: float, middle: float, reach: float) -> float:
    """log s by counting at five values at a time, ever closer together."""
    wanted = np.log(share * values.scale.size)
    while True:
        log_s = middle + reach * np.linspace(-1, 1, 5)
        above = np.log(np.maximum(values.expected_above(np.exp(log_s)), 1e-300))
        if above[0] < wanted or above[-1] > wanted:
            middle, reach = middle + (-2 if above[0] < wanted else 2) * reach, 2 * reach
            continue
        middle, step = float(np.interp(-wanted, -above, log_s)), reach / 2
        if step < CLOSE:
            return middle
        reach = step * min(step, 0.5)  # a straight line is off by the square of the step
