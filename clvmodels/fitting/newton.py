"""Climb a smooth function of a few coordinates to its top, or to where it is flat, by trust-region Newton steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from clvmodels.models.arrays import Array

Function: TypeAlias = Callable[[Array], tuple[float, Array, Array]]
Mask: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]

SETTLED = 1e-10
"""A Newton step this short is the last one needed: the error left is its square."""

FARTHEST = 25.0
"""No coordinate (a logarithm or a logit) goes beyond this: special functions lose their digits soon after."""


@dataclass(frozen=True)
class Summit:
    """Where a climb ended: the function's value, gradient and Hessian there, and how many evaluations it took.

    ``rounding`` says that what is left of the gradient is rounding: the best step is too short to matter, or promises
    less than the value's last digits without making the gradient smaller.
    """

    eta: Array
    value: float
    gradient: Array
    hessian: Array
    evaluations: int
    rounding: bool = False


def climb(
    function: Function,
    start: Array,
    *,
    free: Mask,
    stop: Callable[[Array, Array, Array], bool] | None = None,
    most: int = 200,
) -> Summit:
    """Maximise over the ``free`` coordinates, the others staying at their start.

    Parameters
    ----------
    function
        Returns value, gradient and Hessian over all coordinates.
    start
        Where to begin, shape (k,).
    free
        Which coordinates may move.
    stop
        Asked with coordinates, gradient and Hessian after each accepted step; true ends the climb early.
    most
        Evaluations at most.

    Notes
    -----
    The trust region is exact (eigenvalues of a matrix of four), so that ridges and saddles need no special care. Near
    the top, where differences of values are rounding, a step is accepted if it shortens the gradient.
    """
    eta, radius, evaluations, rounding = np.array(start, float), 1.0, 1, False
    value, gradient, hessian = function(eta)
    move = np.flatnonzero(free)
    while evaluations < most and not (stop and stop(eta, gradient, hessian)) and move.size:
        step = np.zeros(eta.size)
        step[move], bounded = _step(gradient[move], hessian[np.ix_(move, move)], radius)
        step[move] = np.clip(eta + step, -FARTHEST, FARTHEST)[move] - eta[move]
        length = float(np.abs(step).max())
        if length < SETTLED:
            rounding = not bounded
            break
        promised = float(gradient @ step + step @ hessian @ step / 2)
        trial = function(eta + step)
        evaluations += 1
        gained = trial[0] - value
        if promised < 1e-11 * (1 + abs(value)):  # below the rounding of a sum
            good = bool(np.linalg.norm(trial[1][move]) < np.linalg.norm(gradient[move]))
            if not good:
                rounding = not bounded
                break
        else:
            good = bool(np.isfinite(gained)) and gained > 1e-3 * promised
            ratio = gained / promised if np.isfinite(gained) else -1.0
            if ratio < 0.25:
                radius = length / 4
            elif ratio > 0.75:
                radius = min(max(radius, 2 * length), 4.0)
        if good:
            eta, (value, gradient, hessian) = eta + step, trial
    return Summit(eta, value, gradient, hessian, evaluations, rounding)


def _step(gradient: Array, hessian: Array, radius: float) -> tuple[Array, bool]:
    """The best step within ``radius`` for the quadratic model, (μ − H) step = gradient, and whether that bounds it."""
    curvature, axes = np.linalg.eigh(-hessian)
    along = axes.T @ gradient
    if curvature[0] > 1e-15 * abs(curvature[-1]):
        step = along / curvature
        if np.linalg.norm(step) <= radius:
            return np.asarray(axes @ step), False
    if not along.any():
        return np.zeros_like(gradient), True
    low = max(0.0, -float(curvature[0]))
    high = low + float(np.linalg.norm(along)) / radius
    for _ in range(50):  # the length falls from infinity to the radius in between
        middle = (low + high) / 2
        if np.linalg.norm(along / (curvature + middle)) > radius:
            low = middle
        else:
            high = middle
    return np.asarray(axes @ (along / np.maximum(curvature + high, 1e-300))), True
