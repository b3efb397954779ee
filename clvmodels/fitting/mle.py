"""Maximum likelihood: the highest point, on the boundary if it lies there, and what the data identify there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from clvmodels.fitting.newton import FARTHEST, Mask, Summit, climb
from clvmodels.fitting.objective import Limit, Objective
from clvmodels.models.arrays import Array

FLAT = 1e-6
"""A coordinate whose slope is below this, far out, has at most this much log-likelihood left to gain."""

THIN = 20_000
"""Numbers of the systematic sample on which starts are tried; the rest joins for the last few steps."""

WEAK = 0.5
"""A limit that costs less log-likelihood than this cannot be told from the estimate: one half is one standard error."""


WIDEST = 2.0
"""Standard deviation, in logarithms, at which the uncertainty of what the data hardly tell is cut."""


@dataclass(frozen=True)
class Optimum:
    """The best point found, which coordinates lie on the boundary there, and which the data do not tell."""

    summit: Summit
    boundary: tuple[Limit, ...]
    weak: tuple[Limit, ...]
    """Limits inside which the estimate lies, but which the data do not exclude."""
    starts: int
    evaluations: int

    @property
    def free(self) -> Mask:
        """Coordinates that the likelihood settles."""
        free = np.ones(self.summit.eta.size, bool)
        for limit in self.boundary:
            free[[limit.coordinate, *limit.mutes]] = False
        return free

    @property
    def identified(self) -> Mask:
        """Coordinates that have a standard error."""
        told = self.free
        for limit in self.weak:
            told[[limit.coordinate, *limit.mutes]] = False
        return told

    @property
    def gradient_norm(self) -> float:
        """Of the coordinates that the likelihood settles, each in units of the square root of its curvature (if > 1).

        It is then about the distance to the top in standard errors, and means the same for any number of customers.
        """
        scale = np.sqrt(np.maximum(np.abs(np.diag(self.summit.hessian)), 1.0))
        return float(np.linalg.norm((self.summit.gradient / scale)[self.free]))

    @property
    def settled(self) -> bool:
        """Whether the gradient vanishes, or what is left of it is rounding (of spends that are nearly all equal)."""
        return self.gradient_norm < FLAT or self.summit.rounding

    @property
    def condition(self) -> float:
        """Largest over smallest curvature of what is identified."""
        curvature = np.linalg.eigvalsh(-self._hessian(self.identified)) if self.identified.any() else np.ones(1)
        return float(curvature[-1] / curvature[0]) if curvature[0] > 0 else float("inf")

    def covariance(self) -> Array:
        """Of η: the inverse Hessian, zero for coordinates on the boundary; shape (k, k).

        A weak coordinate's standard deviation is cut to `WIDEST`: beyond that the likelihood is nothing like a
        parabola. Intervals of forecast totals cover better so than with no uncertainty in it (87 % against 80 of 90).
        """
        curvature, axes = np.linalg.eigh(-self._hessian(self.free))
        told = curvature > 1e-14 * curvature.max(initial=0.0)
        half = axes[:, told] / np.sqrt(curvature[told])
        result = np.zeros((self.free.size, self.free.size))
        result[np.ix_(self.free, self.free)] = half @ half.T
        for limit in self.weak:
            here = limit.coordinate
            shrink = min(1.0, WIDEST / float(np.sqrt(result[here, here])))
            result[here, :] *= shrink
            result[:, here] *= shrink
        return result

    def _hessian(self, mask: Mask) -> Array:
        return self.summit.hessian[np.ix_(mask, mask)]


def maximise(objective: Objective) -> Optimum:
    """The maximum over several deterministic starts, tried on a systematic sample when the patterns are many."""
    step = max(objective.n_patterns, objective.n_per_draw) // THIN
    small = objective.thinned(step) if step > 1 else objective
    tried = [ascend(small, start) for start in small.starts()]
    best = max(tried, key=lambda optimum: round(optimum.summit.value, 7))  # of equals the first, whatever the rounding
    if small is not objective:
        inside = np.clip(best.summit.eta, -np.log(1e3), np.log(1e3))  # a sample may run away where all do not
        best = ascend(objective, inside)
        tried.append(best)
    evaluations = sum(optimum.evaluations for optimum in tried)
    return replace(best, weak=_weak(objective, best), starts=len(small.starts()), evaluations=evaluations)


def ascend(objective: Objective, start: Array, *, held: tuple[int, ...] = ()) -> Optimum:
    """Climb from one start; a coordinate that runs away is put on the next power of ten and the others climb on.

    ``held`` coordinates stay at their start.
    """
    free = np.ones(start.size, bool)
    free[list(held)] = False
    inside: set[int] = set()  # coordinates that only seemed to run away
    boundary: tuple[Limit, ...] = ()

    def runaways(eta: Array, gradient: Array, hessian: Array) -> tuple[Limit, ...]:
        at = (limit for limit in objective.limits if free[limit.coordinate] and limit.coordinate not in inside)
        return tuple(limit for limit in at if _ran_away(limit, eta, gradient, hessian))

    def stop(eta: Array, gradient: Array, hessian: Array) -> bool:
        return float(np.abs(gradient[free]).max(initial=0.0)) < 1e-3 and bool(runaways(eta, gradient, hessian))

    summit = climb(objective, start, free=free, stop=stop)
    evaluations = summit.evaluations
    while away := runaways(summit.eta, summit.gradient, summit.hessian):
        eta, before = summit.eta.copy(), free.copy()
        for limit in away:
            eta[limit.coordinate] = limit.sign * _next_decade(limit.sign * eta[limit.coordinate])
            eta[list(limit.mutes)] = 0.0
            free[[limit.coordinate, *limit.mutes]] = False
        trial = climb(objective, eta, free=free, stop=stop)
        evaluations += trial.evaluations
        if trial.value >= summit.value - 10 * FLAT:
            boundary, summit = (*boundary, *away), trial
        else:
            inside |= {limit.coordinate for limit in away}
            free[:] = before
            summit = climb(objective, summit.eta, free=free, stop=stop)
            evaluations += summit.evaluations
    muted = {coordinate for limit in boundary for coordinate in limit.mutes}
    kept = tuple(limit for limit in boundary if limit.coordinate not in muted)
    return Optimum(summit, kept, (), 1, evaluations)


def _ran_away(limit: Limit, eta: Array, gradient: Array, hessian: Array) -> bool:
    """Far out and flat, slope and curvature dying away together; or pressed against the end of the climber's world."""
    here = limit.coordinate
    flat = abs(gradient[here]) < FLAT and abs(hessian[here, here]) < 10 * FLAT
    place = limit.sign * eta[here]
    return bool(place > limit.far and (flat or place >= FARTHEST))


def _next_decade(place: float) -> float:
    """The next power of ten, so that the last digits of a runaway do not depend on how it was reached."""
    return float(np.log(10) * np.ceil(place / np.log(10)))


def _weak(objective: Objective, optimum: Optimum) -> tuple[Limit, ...]:
    """Limits that cost next to nothing, though the optimum is inside; asked only where the curvature is small."""
    free, found = optimum.free, []
    if not free.any():
        return ()
    curvature = -optimum.summit.hessian[np.ix_(free, free)]
    spread = np.zeros(free.size)
    spread[free] = np.sqrt(np.abs(np.diag(np.linalg.pinv(curvature, hermitian=True))))
    for limit in objective.limits:
        here = limit.coordinate
        if not free[here] or spread[here] < 0.7:  # known to a factor of two
            continue
        start, others = optimum.summit.eta.copy(), free.copy()
        start[here], others[here] = limit.sign * 10 * np.log(10), False
        beyond = climb(objective, start, free=others, most=60)
        if optimum.summit.value - beyond.value < WEAK:
            found.append(limit)
    return tuple(found)
