"""What customers alive do next varies smoothly with T: worked out at a few T, and read between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev

from clvmodels.models.arrays import Array

AGES = 24
"""Chebyshev nodes in log(T + shift)."""
SHIFTS = (1 / 30, 1 / 6, 1 / 200)
"""Of the longest T, tried in turn: the purchase process's own scale of time (α, β) decides which one is right."""
WORTH = 4
"""Times as many pairs (x, T) as nodes from which on it saves something: years of daily data, 100,000 customers."""
EXACT = 1e-10
"""Relative error, measured between the nodes, up to which it is used."""
MOST = 1 << 25
"""Numbers kept at once (256 MB)."""


def by_age(quantity: Callable[[Array, Array], Any], x: Array, T: Array) -> Array | None:
    """``quantity(x, T)`` of many pairs from a few; None where that would save nothing or not hold ten digits.

    Parameters
    ----------
    quantity
        Positive: shape (n,), or (draws, n).
    x, T
        The pairs, shape (n,).

    Examples
    --------
    >>> x, T = np.repeat([1.0, 2.0], 500), np.tile(np.arange(500.0), 2)
    >>> found = by_age(lambda x, T: x / (T + 20), x, T)
    >>> bool(np.allclose(found, x / (T + 20), rtol=1e-9, atol=0))
    True
    """
    levels, level = np.unique(x, return_inverse=True)
    if x.size < WORTH * AGES * levels.size:
        return None
    ages, age = np.unique(T, return_inverse=True)
    if levels.size * ages.size > MOST:
        return None
    some = levels[[0, levels.size // 2, -1]]
    scales = (_Scale(float(ages[0]), float(ages[-1]), shift) for shift in SHIFTS)
    scale = next((one for one in scales if one.fitted(quantity, some)[1] <= EXACT), None)
    if scale is None:
        return None
    coefficients, error = scale.fitted(quantity, levels)
    if error > EXACT:
        return None
    if coefficients[..., 0].size * ages.size > MOST:
        return None
    table = np.exp(coefficients @ scale.basis(ages).T)
    return np.asarray(table[..., level, age])


class _Scale:
    """Chebyshev polynomials in log(T + shift), of the logarithm of a quantity."""

    def __init__(self, first: float, last: float, shift: float) -> None:
        self.shift = shift * last
        self.ends = np.log(first + self.shift), np.log(last + self.shift)
        self.nodes = chebyshev.chebpts1(AGES)
        self.inverse = np.linalg.inv(chebyshev.chebvander(self.nodes, AGES - 1))

    def _ages(self, place: Array) -> Array:
        low, high = self.ends
        return np.asarray(np.exp(low + (place + 1) / 2 * (high - low)) - self.shift)

    def basis(self, T: Array) -> Array:
        low, high = self.ends
        return chebyshev.chebvander(2 * (np.log(T + self.shift) - low) / (high - low) - 1, AGES - 1)

    def _logs(self, quantity: Callable[[Array, Array], Any], x: Array, place: Array) -> Array:
        T = np.maximum(self._ages(place), 0.0)
        values = np.asarray(quantity(np.repeat(x, T.size), np.tile(T, x.size)))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.log(values).reshape(*values.shape[:-1], x.size, T.size))

    def fitted(self, quantity: Callable[[Array, Array], Any], x: Array) -> tuple[Array, float]:
        """Coefficients for each x, and the largest relative error between the nodes; infinite without logarithms."""
        between = (self.nodes[1::5] + self.nodes[:-1:5]) / 2
        with np.errstate(invalid="ignore"):  # the logarithm of nothing
            coefficients = self._logs(quantity, x, self.nodes) @ self.inverse.T
            error = np.abs(coefficients @ chebyshev.chebvander(between, AGES - 1).T - self._logs(quantity, x, between))
        return coefficients, float(error.max()) if np.isfinite(error).all() else np.inf
