"""How many ticks of the clock make a purchase: k by the likelihood of the times between purchases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from clvmodels.fitting.family_sums import OBJECTIVES, MBGCNBDObjective
from clvmodels.fitting.mle import ascend, maximise
from clvmodels.models import Family
from clvmodels.models.arrays import Array

if TYPE_CHECKING:
    from clvmodels.summary.customers import Gaps

MOST = 12
"""The largest k that is tried: times between purchases that vary by 29 % of their mean."""

GAIN = 1.0
"""Log-likelihood that a larger k has to gain: it counts as a parameter, as in Akaike's criterion."""

LOST = 20.0
"""When the log-likelihood has fallen so far below its highest, larger k are not tried."""


def best_clock(family: type[Family], columns: tuple[Array, Array, Array, Array], gaps: Gaps | None) -> MBGCNBDObjective:
    """The sums of the family at the best k among 1 … 12; their ``profile`` has the log-likelihood of every k tried.

    Given x and the last time t_x, the times between purchases are t_x times a Dirichlet(k, …, k): what that adds to the
    likelihood of (x, t_x, T) depends on k and on the sum of the logarithms of those times, and on no parameter. Without
    ``gaps``, in an RFM table, the likelihood of (x, t_x, T) chooses alone, which knows much less of k.
    """
    kind = OBJECTIVES[family.name]
    assert issubclass(kind, MBGCNBDObjective)
    profile: dict[str, float] = {}
    start: Array | None = None
    for k in range(1, MOST + 1):
        objective = kind(*columns, k=k, spacing=spacing(k, columns, gaps))
        optimum = maximise(objective) if start is None else ascend(objective, start)
        start = np.clip(optimum.summit.eta, -np.log(1e3), np.log(1e3))
        profile[str(k)] = optimum.summit.value + objective.shift()
        if profile[str(k)] < max(profile.values()) - LOST:
            break
    best = max(profile.values())
    k = next(int(name) for name, value in profile.items() if value >= best - GAIN)
    return kind(*columns, k=k, spacing=spacing(k, columns, gaps), profile=profile)


def spacing(k: int, columns: tuple[Array, Array, Array, Array], gaps: Gaps | None) -> float:
    """Log density of the times of purchase before the last, given x and t_x, at this k less that at k = 1.

    Examples
    --------
    >>> from clvmodels.summary.customers import Gaps
    >>> two_even = np.array([2.0]), np.array([6.0]), np.array([9.0]), np.array([1])  # after 3 and 6
    >>> gaps = Gaps(np.array([3.0]), np.array([2]))
    >>> round(spacing(2, two_even, gaps), 4)  # of the Beta(2, 2) density in the middle, 1.5
    0.4055
    """
    x, t_x, _, n = columns
    if k == 1 or gaps is None:
        return 0.0
    again = x > 0
    x, t_x, n = x[again], t_x[again], np.asarray(n[again], float)
    ways = special.gammaln(k * x) - special.gammaln(x) - x * special.gammaln(k) - (k - 1) * x * np.log(t_x)
    return float(n @ ways) + (k - 1) * gaps.log_sum
