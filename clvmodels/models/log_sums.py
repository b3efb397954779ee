"""The logarithm of a sum of n log-normal values: its first three cumulants, and the skew-normal that has them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy import interpolate, special

from clvmodels.models.arrays import Array

EVERY, LAST = 64, 10_000
"""Cumulants are computed for every n up to the first number and at steps of a tenth up to the second; from there on the
first two terms of their expansion in 1/n hold to 1e-4 of a standard deviation."""
STEP = 0.05
"""Of the trapezoidal rule, which is exact to rounding for integrands that vanish like these at both ends."""
GUMBEL = (-np.euler_gamma, np.pi**2 / 6, -2 * float(special.zeta(3)))
"""Cumulants of the logarithm of an exponential variable."""
MOST_SKEWED = 0.99
"""A skew-normal's skewness is below .9953."""


def log_sum_cumulants(n: ArrayLike, sigma: float) -> Array:
    """Cumulants 1 to 3 of log Σ exp(σ z_i) over n independent standard normal z_i: shape (3, n).

    With E an exponential variable, P(E > t S) = E[exp(−t S)] = φ(t)ⁿ: the logarithm of E less that of the sum has a
    survival function that is a power of a function of one variable, and its cumulants are those of log E plus those of
    the sum's logarithm with alternating signs. φ and the integrals over log t by the trapezoidal rule.

    Examples
    --------
    >>> log_sum_cumulants([1, 2], 0.5).round(6).tolist()[:2]
    [[0.0, 0.752263], [0.25, 0.131325]]
    """
    n = np.asarray(n, float)
    one = n == 1  # exact, to the last bit
    if np.all(one):
        return np.stack([np.zeros(n.shape), np.full(n.shape, sigma**2), np.zeros(n.shape)])
    mean, log_variance, skewness = _tables(float(sigma))
    log_n = np.log(np.minimum(n, LAST))
    first, variance, skew = mean(log_n) + log_n, np.exp(log_variance(log_n)), skewness(log_n)
    far = np.maximum(n / LAST, 1.0)
    spread = float(np.expm1(sigma**2))
    first = np.where(far > 1, np.log(n) + sigma**2 / 2 - spread / (2 * n), first)
    variance = np.where(one, sigma**2, variance / far)
    return np.stack([np.where(one, 0.0, first), variance, np.where(one, 0.0, skew / np.sqrt(far) * variance**1.5)])


@lru_cache(maxsize=512)
def _tables(sigma: float) -> tuple[interpolate.CubicSpline, interpolate.CubicSpline, interpolate.CubicSpline]:
    """Mean less log n, log variance and skewness by log n."""
    n = np.concatenate([np.arange(1.0, EVERY), np.geomspace(EVERY, LAST, 54)])
    z = np.arange(-9.0, 9.0 + STEP, 2 * STEP)
    weight = 2 * STEP * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    u = np.arange(-38 - 9 * sigma - np.log(LAST) - sigma**2 / 2, 5 + 9 * sigma, STEP)
    power = np.exp(np.minimum(u[:, None] + sigma * z, 700.0))
    missed = -np.expm1(-power) @ weight  # 1 − φ(e^u), exact where it is small
    slope = (power * np.exp(-power)) @ weight
    with np.errstate(divide="ignore"):
        log_phi = np.log1p(-np.minimum(missed, 1.0))
    density = STEP * n[:, None] * np.exp((n[:, None] - 1) * np.maximum(log_phi, -1e300)) * slope
    density /= density.sum(axis=1, keepdims=True)
    mean = density @ u
    away = u - mean[:, None]
    second, third = np.sum(density * away**2, axis=1), np.sum(density * away**3, axis=1)
    variance = np.maximum(second - GUMBEL[1], 1e-12)
    skewness = (GUMBEL[2] - third) / variance**1.5
    exact = n == 1  # log-normal: no rounding
    log_n = np.log(n)
    return (
        interpolate.CubicSpline(log_n, np.where(exact, 0.0, GUMBEL[0] - mean - log_n)),
        interpolate.CubicSpline(log_n, np.log(np.where(exact, sigma**2, variance))),
        interpolate.CubicSpline(log_n, np.where(exact, 0.0, skewness)),
    )


@dataclass(frozen=True, eq=False)
class SkewNormal:
    """Location, scale and shape of a skew-normal distribution (Azzalini 1985); shape 0 is the normal."""

    place: Array
    scale: Array
    shape: Array

    @classmethod
    def of(cls, mean: ArrayLike, variance: ArrayLike, third: ArrayLike) -> SkewNormal:
        """With these cumulants; a skewness that no skew-normal has becomes the nearest it may have."""
        skewness = np.clip(np.asarray(third) / np.asarray(variance) ** 1.5, -MOST_SKEWED, MOST_SKEWED)
        power = np.cbrt(skewness**2)
        lean = np.sign(skewness) * np.sqrt(np.pi / 2 * power / (power + ((4 - np.pi) / 2) ** (2 / 3)))
        scale = np.sqrt(variance / (1 - 2 * lean**2 / np.pi))
        place = mean - scale * lean * np.sqrt(2 / np.pi)
        return cls(*np.broadcast_arrays(place, scale, lean / np.sqrt(1 - lean**2)))

    def each(self, rows: slice) -> SkewNormal:
        """Some of a list of them, each in a row of its own."""
        return SkewNormal(self.place[rows, None], self.scale[rows, None], self.shape[rows, None])

    def cdf(self, y: Array) -> Array:
        """P(Y ≤ y)."""
        h = (y - self.place) / self.scale
        return np.asarray(np.clip(special.ndtr(h) - 2 * special.owens_t(h, self.shape), 0.0, 1.0))

    def sf(self, y: Array) -> Array:
        """P(Y > y)."""
        h = (y - self.place) / self.scale
        return np.asarray(np.clip(special.ndtr(-h) + 2 * special.owens_t(h, self.shape), 0.0, 1.0))

    def density(self, y: Array) -> Array:
        """Density, and its first two derivatives, on a first axis."""
        h = (y - self.place) / self.scale
        log_tail = special.log_ndtr(self.shape * h)
        pdf = np.exp(-(h**2) / 2 + log_tail) / self.scale * np.sqrt(2 / np.pi)
        ratio = np.exp(-((self.shape * h) ** 2) / 2 - log_tail) / np.sqrt(2 * np.pi)  # φ/Φ of shape · h
        lean = self.shape * ratio - h
        bend = -self.shape * ratio * (self.shape**2 * h + self.shape * ratio) - 1
        return np.stack([pdf, pdf * lean / self.scale, pdf * (lean**2 + bend) / self.scale**2])
