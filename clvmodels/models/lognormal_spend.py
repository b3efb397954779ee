"""Log-normal spend: orders vary around a customer's own level on the scale of percentages, and so do the levels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from clvmodels.language import attribute
from clvmodels.models.arrays import LOG_SQRT_2PI, NUMPY, Array, Ops, Parameter
from clvmodels.models.log_sums import SkewNormal, log_sum_cumulants
from clvmodels.models.multiples import Multiples
from clvmodels.models.spend import SpendFamily

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class LogNormalSpend(SpendFamily):
    """A hierarchical log-normal model of spend.

    A customer's level θ is Normal(log v, τ²); the logarithm of one purchase's value is Normal(θ, σ²). Every method
    speaks of a customer by x, the number of purchases of positive value (the first included), and m, the mean of their
    logarithms; the likelihood also takes ss, the sum of the logarithms' squared deviations from m. Days without a
    positive value say nothing here: they are left out, and counted.

    All moments exist, and those of totals are exact. The sum of n log-normal values has no closed distribution: its
    logarithm is taken as the skew-normal that has its exact mean, variance and skewness, and the customer's uncertain
    level is added exactly. Its distribution function is off by less than .001 for σ ≤ 0.7 (one purchase in three
    differs twofold from the customer's level), .004 for σ = 1.

    Parameters
    ----------
    sigma
        Spread of one customer's log values.
    tau
        Spread of the customers' levels.
    v
        Money: the median purchase of the median customer.

    Examples
    --------
    >>> model = LogNormalSpend(sigma=0.565, tau=0.441, v=25.22)  # CDNOW, dollars
    >>> model.expected_spend([0, 1, 8], np.log(100)).round(2).tolist()  # of whom 0, 1 or 8 purchases of 100 are known
    [32.61, 52.94, 94.33]
    """

    name = "lognormal"
    title = attribute("Log-normal spend")
    first = True
    single = True
    columns: ClassVar[tuple[str, ...]] = ("n_valued", "log_value_mean", "log_value_ss")

    sigma: Parameter
    tau: Parameter
    v: Parameter

    @classmethod
    def observed(cls, frame: pd.DataFrame) -> tuple[Array, ...]:
        """Days of positive value, the mean of their logarithms, and the sum of the squared deviations from it."""
        return (
            frame["n_valued"].to_numpy(float),
            frame["log_value_mean"].to_numpy(float),
            np.nan_to_num(frame["log_value_ss"].to_numpy(float)),
        )

    def rescale(self, factor: float) -> LogNormalSpend:
        """The same model when money is counted in units ``factor`` times smaller: v · factor."""
        return replace(self, v=self.v * factor)

    def log_likelihood(self, x: ArrayLike, m: ArrayLike, ss: ArrayLike = 0.0, *, ops: Ops = NUMPY) -> Any:
        """Log density of x values whose logarithms have mean m and squared deviations ss; 0 for x = 0."""
        (x, m, seen), ss = _known(x, m), np.asarray(ss, float)
        spread = self.tau * self.tau + self.sigma * self.sigma / seen
        away = m - ops.log(self.v)
        density = -(seen - 1) * (ops.log(self.sigma) + LOG_SQRT_2PI) - ss / (2 * self.sigma * self.sigma)
        density = density - ops.log(spread) / 2 - away * away / (2 * spread)
        return ops.where(x > 0, density - (np.log(seen) / 2 + LOG_SQRT_2PI + seen * m), 0.0)

    def score(self, x: ArrayLike, m: ArrayLike, ss: ArrayLike = 0.0) -> Array:
        """Derivative of the log-likelihood by sigma, tau, v: shape (3, n)."""
        (x, m, seen), ss = _known(x, m), np.asarray(ss, float)
        spread = self.tau**2 + self.sigma**2 / seen
        away = m - np.log(self.v)
        by_spread = (away**2 / spread - 1) / (2 * spread)
        by_sigma = (ss / self.sigma**2 - (seen - 1)) / self.sigma + by_spread * 2 * self.sigma / seen
        parts = np.broadcast_arrays(by_sigma, by_spread * 2 * self.tau, away / (spread * self.v))
        return np.stack([np.where(x > 0, part, 0.0) for part in parts])

    def _weights(self, x: Array) -> tuple[Array, Array]:
        """Of the customer's own mean, and of the population's."""
        own, within = x * self.tau**2, self.sigma**2
        return own / (own + within), within / (own + within)

    def _level(self, x: Array, m: Array) -> tuple[Array, Array]:
        """Mean and variance of a customer's θ."""
        (own, rest), log_v = self._weights(x), np.log(self.v)
        return log_v + own * (m - log_v), np.asarray(self.tau**2 * rest)

    def expected_spend(self, x: ArrayLike, m: ArrayLike) -> Array:
        """Mean value of a future purchase: exp(E[θ] + (var θ + σ²)/2)."""
        x, m, _ = _known(x, m)
        mean, variance = self._level(x, m)
        return np.asarray(np.exp(mean + (variance + self.sigma**2) / 2))

    def leaning(self, x: ArrayLike, m: ArrayLike) -> Array:
        """Mean value × the weight of the population's level in θ."""
        return np.asarray(self.expected_spend(x, m) * self._weights(np.asarray(x, float))[1])

    def squares(self, x: ArrayLike, m: ArrayLike) -> tuple[Array, Array]:
        """E[S²] = exp(2 E[θ] + 2 var θ + σ²) (n² + n (e^{σ²} − 1))."""
        x, m, _ = _known(x, m)
        mean, variance = self._level(x, m)
        product = np.asarray(np.exp(2 * (mean + variance) + self.sigma**2))
        return product, product * np.expm1(self.sigma**2)

    def _total(self, n: ArrayLike, x: ArrayLike, m: ArrayLike) -> SkewNormal:
        """The logarithm of the total of n ≥ 1 purchases."""
        x, m, _ = _known(x, m)
        mean, variance = self._level(x, m)
        own = self._cumulants(np.maximum(np.asarray(n, float), 1))
        return SkewNormal.of(mean + own[0], variance + own[1], own[2])

    def _cumulants(self, n: Array) -> Array:
        """Of the logarithm of a sum of n values around a customer's level, on a first axis."""
        if np.ndim(self.sigma) == 0:
            return log_sum_cumulants(n, float(self.sigma))
        n = np.atleast_1d(n)
        return np.stack([log_sum_cumulants(n, float(sigma)) for sigma in self.sigma[:, 0]], axis=1)

    def cdf_total(self, s: ArrayLike, n: ArrayLike, x: ArrayLike, m: ArrayLike) -> Array:
        """P(S ≤ s), S the total value of n future purchases: exact for n = 1."""
        s, n = np.asarray(s, float), np.asarray(n, float)
        with np.errstate(divide="ignore"):
            cdf = self._total(n, x, m).cdf(np.log(np.maximum(s, 0.0)))
        return np.where(s < 0, 0.0, np.where(n > 0, cdf, 1.0))

    def sf_total(self, s: ArrayLike, n: ArrayLike, x: ArrayLike, m: ArrayLike) -> Array:
        """P(S > s), S the total value of n future purchases, to the last digit also where it is tiny."""
        s, n = np.asarray(s, float), np.asarray(n, float)
        with np.errstate(divide="ignore"):
            sf = self._total(n, x, m).sf(np.log(np.maximum(s, 0.0)))
        return np.where(s < 0, 1.0, np.where(n > 0, sf, 0.0))

    def variance_total(self, n: ArrayLike, x: ArrayLike, m: ArrayLike) -> Array:
        """Variance of the total value of n future purchases."""
        n, (x, m, _) = np.asarray(n, float), _known(x, m)
        mean, variance = self._level(x, m)
        product = np.exp(2 * mean + variance + self.sigma**2)
        return np.asarray(product * (n**2 * np.expm1(variance) + n * np.exp(variance) * np.expm1(self.sigma**2)))

    def sample(self, n: ArrayLike, x: ArrayLike, m: ArrayLike, *, seed: int | np.random.Generator) -> Array:
        """One simulated total value of n purchases per customer (and per draw), purchase by purchase."""
        rng, (x, m, _) = np.random.default_rng(seed), _known(x, m)
        mean, variance = self._level(x, m)
        shape = np.broadcast_shapes(np.shape(n), mean.shape, np.shape(self.sigma))
        level = np.broadcast_to(mean + np.sqrt(variance) * rng.standard_normal(shape), shape).ravel()
        spread = np.broadcast_to(self.sigma, shape).ravel()
        count = np.broadcast_to(np.asarray(n), shape).ravel().astype(np.intp)
        who = np.repeat(np.arange(count.size), count)
        values = np.exp(level[who] + spread[who] * rng.standard_normal(who.size))
        return np.bincount(who, values, count.size).astype(float).reshape(shape)

    def sample_values(self, x: ArrayLike, who: ArrayLike, *, seed: int | np.random.Generator) -> Array:
        """Each value is drawn by itself around its customer's level."""
        rng, who = np.random.default_rng(seed), np.asarray(who, np.intp)
        level = np.log(self.v) + self.tau * rng.standard_normal(np.size(x))
        return np.asarray(np.exp(level[who] + self.sigma * rng.standard_normal(who.size)))

    @classmethod
    def typical(cls, x: ArrayLike, m: ArrayLike) -> Array:
        """The geometric mean of the values."""
        return np.asarray(np.exp(np.asarray(m, float)))

    def sample_typical(self, x: ArrayLike, *, seed: int | np.random.Generator) -> Array:
        """The geometric mean of x values of a new customer."""
        rng, x = np.random.default_rng(seed), np.asarray(x, float)
        spread = np.sqrt(self.tau**2 + self.sigma**2 / x)
        return np.asarray(self.v * np.exp(spread * rng.standard_normal(np.shape(spread))))

    def reference(self, x: ArrayLike, m: ArrayLike) -> Array:
        """exp(E[θ]), its logarithm averaged over draws."""
        x, m, _ = _known(x, m)
        mean = self._level(x, m)[0]
        return np.asarray(np.exp(mean.mean(axis=0) if mean.ndim > x.ndim else mean))

    @property
    def alike(self) -> bool:
        """One estimate: W is distributed alike."""
        return self.n_draws == 1

    def place(self, x: ArrayLike, m: ArrayLike) -> Array:
        """m: draws do not agree how far E[θ] follows it."""
        return _known(x, m)[1]

    def multiples(self, x: float, place: float | None = None) -> Multiples:
        """Skew-normal logarithms, shifted by what each draw makes of E[θ]."""
        at = np.array([0.0 if place is None else place])
        mean, variance = (np.ravel(value) for value in self._level(np.array([float(x)]), at))
        sigma = np.ravel(np.broadcast_to(self.sigma, (mean.size, 1)))
        return _LogNormals(mean - mean.mean(), sigma, variance)

    def decay(self, x: ArrayLike) -> Array:
        """Infinite: all moments exist."""
        return np.full(np.shape(x), np.inf)


@dataclass(frozen=True, eq=False)
class _LogNormals(Multiples):
    """e^shift times a sum of n log-normal values around an uncertain level."""

    sigma: Array
    variance: Array
    """Of the level."""

    @property
    def growth(self) -> float:
        """The slope of log P(W ≤ w) where that is 1e-10, as little as a grid leaves out: there is no last power."""
        return float(6.5 / np.sqrt(np.max(self.variance + self.sigma**2)))

    @property
    def decay(self) -> float:
        """The slope of −log P(W > w) where that is 1e-10."""
        return self.growth

    def _totals(self, n: Array) -> list[SkewNormal]:
        parts = zip(self.shift, self.sigma, self.variance, strict=True)
        own = ((shift, log_sum_cumulants(n, float(sigma)), variance) for shift, sigma, variance in parts)
        return [SkewNormal.of(shift + c[0], variance + c[1], c[2]) for shift, c, variance in own]

    def ends(self, first: ArrayLike, last: ArrayLike, outside: float) -> tuple[Array, Array]:
        """Far enough for the normal tail of the first and the skew tail of the last, whichever is farther."""
        far = -float(special.ndtri(outside / 2))
        ones = self._totals(np.stack(np.broadcast_arrays(np.asarray(first, float), np.asarray(last, float))))
        low = np.min([(one.place - far * one.scale).min(axis=0) for one in ones], axis=0)
        return np.asarray(low), np.max([(one.place + far * one.scale).max(axis=0) for one in ones], axis=0)

    def spread(self, y: Array) -> Array:
        """√(var θ + var log Σ), for the number of purchases whose total is about e^y."""
        ends = []
        for shift, sigma, variance in zip(self.shift, self.sigma, self.variance, strict=True):
            n = np.exp(np.clip(y - shift - sigma**2 / 2, 0.0, 30.0))
            ends.append(np.sqrt(variance + np.log1p(np.expm1(sigma**2) / n)))
        return np.asarray(np.min(ends, axis=0))

    def below(self, y: float, n: Array) -> Array:
        """Of the skew-normals."""
        return np.asarray(np.mean([total.cdf(np.asarray(y)) for total in self._totals(n)], axis=0))

    def _draws(self, y: Array, n: Array) -> Iterator[Callable[[slice, slice], Array]]:
        for total in self._totals(n):
            yield partial(_density, total, y)


def _density(total: SkewNormal, y: Array, rows: slice, columns: slice) -> Array:
    return total.each(rows).density(y[columns])


def _known(x: ArrayLike, m: ArrayLike) -> tuple[Array, Array, Array]:
    """Counts, means with a harmless one where there is none, and counts of at least 1."""
    x = np.asarray(x, float)
    return x, np.where(x > 0, np.asarray(m, float), 0.0), np.maximum(x, 1.0)
