"""The total of n future purchases as a multiple W of a customer's reference: its distribution on a grid of log W."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from clvmodels.models.arrays import Array, log_rising

Part: TypeAlias = tuple[slice, slice]
"""Some counts, and a stretch of a grid."""

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
    def ends(self, first: ArrayLike, last: ArrayLike, outside: float) -> tuple[Array, Array]:
        """Where log W of ``first`` purchases begins and that of ``last`` ends, but for so much probability."""

    @abstractmethod
    def spread(self, y: Array) -> Array:
        """Standard deviation of log W for the number of purchases (of the narrowest draw) whose W is about e^y."""

    @abstractmethod
    def below(self, y: float, n: Array) -> Array:
        """P(W ≤ e^y | n), averaged over draws: shape (n,)."""

    def densities(self, y: Array, n: Array, parts: Sequence[Part]) -> list[Array]:
        """The density of log W given n with two derivatives by y, averaged over draws: shape (3, n, y) for each part.

        A part is a slice of n and a slice of y.
        """
        first, *others = self._draws(y, n)
        tables = []
        for part in parts:
            total = first(*part)
            for density in others:
                total += density(*part)
            tables.append(total / self.shift.size if others else total)
        return tables

    @abstractmethod
    def _draws(self, y: Array, n: Array) -> Iterator[Callable[[slice, slice], Array]]:
        """Of each draw, its density with two derivatives, shape (3, n, y), as a function of a slice of n and one of y.

        What depends on n alone, or on y alone, is worked out before it is asked for any part.
        """


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

    def ends(self, first: ArrayLike, last: ArrayLike, outside: float) -> tuple[Array, Array]:
        """Quantiles of the beta prime."""
        few, many = np.multiply.outer(np.asarray(first), self.p), np.multiply.outer(np.asarray(last), self.p)
        low = np.min(self.shift + _log_odds(few, self.second, outside), axis=-1)
        return np.asarray(low), np.asarray(np.max(self.shift - _log_odds(self.second, many, outside), axis=-1))

    def spread(self, y: Array) -> Array:
        """√((1 + 1/W)/(p x + q)), the spread of log W when its mean is W."""
        return np.asarray(np.sqrt((1 + np.minimum(np.exp(-y), self.second.max() / self.p.max())) / self.second.max()))

    def below(self, y: float, n: Array) -> Array:
        """Of the beta primes."""
        u = special.expit(y - self.shift)
        return np.asarray(special.betainc(np.multiply.outer(n, self.p), self.second, u).mean(axis=-1))

    def _draws(self, y: Array, n: Array) -> Iterator[Callable[[slice, slice], Array]]:
        for p, second, shift in zip(self.p, self.second, self.shift, strict=True):
            yield _beta_prime(y - shift, p * n, second)


def _log_odds(first: Array, second: Array, probability: float) -> Array:
    """log(u / (1 − u)) of a quantile u of beta(first, second); for the other tail swap the two and change the sign."""
    u = np.maximum(special.betaincinv(first, second, probability), np.exp(-FARTHEST))
    return np.asarray(np.log(u) - np.log1p(-u))


def _beta_prime(y: Array, first: Array, second: float) -> Callable[[slice, slice], Array]:
    """The density of the log of a beta prime with two derivatives, one row per ``first``: a part at a time."""
    u, rest = special.expit(y), special.expit(-y)
    log_u, log_rest = -np.logaddexp(0.0, -y), -second * np.logaddexp(0.0, y)
    log_beta = special.gammaln(first) - log_rising(second, first)  # special.betaln loses digits for large arguments

    def density(rows: slice, columns: slice) -> Array:
        count = first[rows, None]
        result = np.empty((3, count.size, y[columns].size))  # filled in place: the passes over it are most of the work
        pdf, slope, bend = result
        np.multiply(count, log_u[columns], out=pdf)
        pdf += log_rest[columns]
        pdf -= log_beta[rows, None]
        np.exp(pdf, out=pdf)
        lean = count * rest[columns]
        lean -= second * u[columns]
        np.multiply(pdf, lean, out=slope)
        np.multiply(count + second, u[columns] * rest[columns], out=bend)
        bend *= pdf
        lean *= slope
        np.subtract(lean, bend, out=bend)
        return result

    return density
