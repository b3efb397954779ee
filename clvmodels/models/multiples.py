"""The total of n future purchases as a multiple W of a customer's reference: its distribution on a grid of log W."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from scipy import special

from clvmodels.models.arrays import Array, log_rising

FARTHEST = 60.0
"""Grids never go beyond e^±60."""
SHARPEST = 1e4
"""The largest p x a grid is made for."""


@dataclass(frozen=True, eq=False)
class Multiples(ABC):
    """What customers of whom equally many purchases are known have in common, at one estimate or at several draws.

    Attributes
    ----------
    shift
        Of each draw: log of its own reference, less that of the reference that W counts in.
    """

    shift: Array

    @property
    @abstractmethod
    def growth(self) -> float:
        """P(0 < W ≤ w) grows like w to this near 0."""

    @property
    @abstractmethod
    def decay(self) -> float:
        """P(W > w) falls like w to minus this far out."""

    @abstractmethod
    def ends(self, first: float, last: float, outside: float) -> tuple[float, float]:
        """Where log W of ``first`` purchases begins and that of ``last`` ends, but for so much probability."""

    @abstractmethod
    def spread(self, y: Array) -> Array:
        """Standard deviation of log W for the number of purchases (of the narrowest draw) whose W is about e^y."""

    @abstractmethod
    def distribution(self, y: Array, n: Array) -> Array:
        """P(W ≤ e^y | n) with two derivatives by y, averaged over draws: shape (3, n, y)."""


@dataclass(frozen=True, eq=False)
class BetaPrimes(Multiples):
    """Gamma-Gamma's: W is e^shift times a beta prime variable with parameters p n and ``second`` = p x + q."""

    p: Array
    second: Array

    @classmethod
    def of(cls, p: Array, q: Array, x: float, shift: Array) -> BetaPrimes:
        """With p lowered to p x ≤ 10,000, where totals of x purchases are equal to 1 %, and the mean kept.

        A boundary fit may say p = 10⁸: everybody always spends the same. No grid resolves such steps, and nobody needs
        it.
        """
        capped = np.minimum(p, SHARPEST / max(x, 1.0))
        mean, lower = p / (p * x + np.maximum(q - 1, 0.05)), capped / (capped * x + np.maximum(q - 1, 0.05))
        return cls(shift + np.where(capped < p, np.log(mean / lower), 0.0), capped, capped * x + q)

    @property
    def growth(self) -> float:
        """P(0 < W ≤ w) grows like w to this, p, near 0."""
        return float(self.p.min())

    @property
    def decay(self) -> float:
        """P(W > w) falls like w to minus this, p x + q, far out."""
        return float(self.second.min())

    def ends(self, first: float, last: float, outside: float) -> tuple[float, float]:
        """Quantiles of the beta prime."""
        low = np.min(_log_odds(self.p * first, self.second, outside) + self.shift)
        return float(low), float(np.max(self.shift - _log_odds(self.second, self.p * last, outside)))

    def spread(self, y: Array) -> Array:
        """√((1 + 1/W)/(p x + q)), the spread of log W when its mean is W."""
        return np.asarray(np.sqrt((1 + np.minimum(np.exp(-y), self.second.max() / self.p.max())) / self.second.max()))

    def distribution(self, y: Array, n: Array) -> Array:
        """Integrated from the density: order six in the grid's steps."""
        totals = np.zeros((3, n.size, y.size))
        for p, second, shift in zip(self.p, self.second, self.shift, strict=True):
            for total, part in zip(totals, _beta_prime(y - shift, p * n, second), strict=True):
                total += part / self.p.size
        return totals


def _log_odds(first: Array, second: Array, probability: float) -> Array:
    """log(u / (1 − u)) of a quantile u of beta(first, second); for the other tail swap the two and change the sign."""
    u = np.maximum(special.betaincinv(first, second, probability), np.exp(-FARTHEST))
    return np.asarray(np.log(u) - np.log1p(-u))


def _beta_prime(y: Array, first: Array, second: float) -> tuple[Array, Array, Array]:
    """Distribution function, density and its derivative of the log of a beta prime, one row per ``first``."""
    first = first[:, None]
    both = first + second
    u = special.expit(y)
    log_beta = special.gammaln(first) - log_rising(second, first)  # special.betaln loses digits for large arguments
    pdf = np.exp(first * y - both * np.logaddexp(0.0, y) - log_beta)
    lean = first - both * u
    slope = pdf * lean
    bend = slope * lean - pdf * (both * (u * special.expit(-y)))
    start = special.betainc(first, second, u[:1])
    return start + cumulative(y, pdf, slope, bend), pdf, slope


def cumulative(y: Array, value: Array, slope: Array, bend: Array) -> Array:
    """∫ value dy from the first node to each, from values and two derivatives at the nodes (order six)."""
    h = np.diff(y)
    cells = (value[:, 1:] + value[:, :-1]) * (h / 2)
    cells += (slope[:, :-1] - slope[:, 1:]) * (h**2 / 10)
    cells += (bend[:, :-1] + bend[:, 1:]) * (h**3 / 120)
    result = np.zeros(value.shape)
    np.cumsum(cells, axis=1, out=result[:, 1:])
    return result
