"""Gamma-Gamma: how much a purchase is worth, and what n future purchases add up to (Fader & Hardie 2013)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from clvmodels.errors import InputError
from clvmodels.language import attribute
from clvmodels.models.arrays import (
    LOG_SQRT_2PI,
    NUMPY,
    Array,
    Ops,
    Parameter,
    digamma_rest,
    digamma_rise,
    per_distinct,
)
from clvmodels.models.multiples import BetaPrimes
from clvmodels.models.spend import SpendFamily

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class GammaGamma(SpendFamily):
    """The Gamma-Gamma model of spend.

    The value of one purchase is Gamma(p, ν) distributed; ν ~ Gamma(q, v) differs between customers. Every method speaks
    of a customer by x, the number of purchases whose values are known, and m, their mean (ignored where x is 0); arrays
    have shape (n,), results (n,), or (draws, n) when the parameters are draws.

    Parameters
    ----------
    p
        Shape of one customer's purchases: the larger, the more alike.
    q
        Shape of the customers' levels: the larger, the more alike; the population mean p v / (q − 1) needs q > 1.
    v
        Money: the level of spend.

    Raises
    ------
    InputError
        If a parameter is not positive and finite.

    References
    ----------
    Fader & Hardie (2013), "The Gamma-Gamma Model of Monetary Value", note 025.

    Examples
    --------
    >>> model = GammaGamma(p=6.25, q=3.74, v=15.44)  # CDNOW, dollars
    >>> round(float(model.expected_spend(0, float("nan"))), 2)  # a customer who never came back
    35.22
    """

    name = "gamma_gamma"
    title = "Gamma-Gamma"
    first = False
    columns: ClassVar[tuple[str, ...]] = ("frequency", "monetary_value")
    least = (1, 1.05)

    p: Parameter
    q: Parameter
    v: Parameter

    @classmethod
    def observed(cls, frame: pd.DataFrame) -> tuple[Array, ...]:
        """The repeat purchases and their mean value: the first purchase is left out, as published."""
        return frame["frequency"].to_numpy(float), frame["monetary_value"].to_numpy(float)

    @classmethod
    def to_line(cls, logs: ArrayLike) -> Array:
        """Log parameters, with log(q − 1) for log q: whatever these are, the population mean of spend exists."""
        values = np.array(logs, float)
        values[..., 1] = np.log(np.expm1(values[..., 1]))
        return values

    @classmethod
    def from_line(cls, values: ArrayLike) -> Array:
        """The inverse of `to_line`."""
        logs = np.array(values, float)
        logs[..., 1] = np.logaddexp(0.0, logs[..., 1])
        return logs

    def rescale(self, factor: float) -> Self:
        """The same model when money is counted in units ``factor`` times smaller: v · factor."""
        return replace(self, v=self.v * factor)

    def _v(self, x: Array, ops: Ops = NUMPY) -> Any:
        """v of customers with x known purchases."""
        return self.v

    def log_likelihood(self, x: ArrayLike, m: ArrayLike, *, ops: Ops = NUMPY) -> Any:
        """Log density of the mean m of x purchases (note 025, eq. 1a); 0 for x = 0, who says nothing about spend."""
        x, m = _spent(x, m)
        p, q, v = self.p, self.q, self._v(x, ops)
        seen = np.maximum(x, 1)
        counts = per_distinct(lambda k: -ops.betaln(p * k, q), seen)
        total = seen * m
        density = counts - np.log(m) - q * ops.log1p(total / v) - p * seen * ops.log1p(v / total)
        return ops.where(x > 0, density, 0.0)

    def score(self, x: ArrayLike, m: ArrayLike) -> Array:
        """Derivative of the log-likelihood by p, q, v: shape (3, n)."""
        x, m = _spent(x, m)
        p, q, v = self.p, self.q, self._v(x)
        seen = np.maximum(x, 1)
        total = seen * m
        by_p = seen * (per_distinct(lambda k: digamma_rise(p * k, q), seen) - np.log1p(v / total))
        by_q = per_distinct(lambda k: digamma_rise(q, p * k), seen) - np.log1p(total / v)
        by_v = (q * total / v - p * seen) / (v + total)
        return np.stack([np.where(x > 0, part, 0.0) for part in np.broadcast_arrays(by_p, by_q, by_v)])

    def scale(self, x: ArrayLike, m: ArrayLike) -> Array:
        """v + x m: the total of future purchases is this times a beta-prime variable that depends on x alone."""
        x, m = _spent(x, m)
        return np.asarray(self._v(x) + x * m)

    def expected_spend(self, x: ArrayLike, m: ArrayLike) -> Array:
        """Mean value of a future purchase, p (v + x m) / (p x + q − 1); the population mean for x = 0, m ignored.

        Raises
        ------
        InputError
            If p x + q ≤ 1 for a customer: then the mean does not exist.
        """
        x, _ = _spent(x, m)
        below = self.p * x + (self.q - 1)
        if np.any(below <= 0):
            known = "purchases" if self.first else "repeats"
            raise InputError(
                f"{self.title}: q is {np.min(self.q):.4g}; at q ≤ 1 the mean spend of customers without {known} "
                "does not exist. Take means from the fit restricted to q ≥ 1.05 (Fit.predictive_model)."
            )
        return np.asarray(self.p * self.scale(x, m) / below)

    def cdf_total(self, s: ArrayLike, n: ArrayLike, x: ArrayLike, m: ArrayLike) -> Array:
        """P(S ≤ s), S the total value of n future purchases: a scaled beta prime."""
        s, n, scale = np.asarray(s, float), np.asarray(n, float), self.scale(x, m)
        above = np.maximum(s, 0.0)
        cdf = special.betainc(
            self.p * np.maximum(n, 1), self.p * np.asarray(x, float) + self.q, above / (above + scale)
        )
        return np.where(s < 0, 0.0, np.where(n > 0, cdf, 1.0))

    def sf_total(self, s: ArrayLike, n: ArrayLike, x: ArrayLike, m: ArrayLike) -> Array:
        """P(S > s), S the total value of n future purchases, to the last digit also where it is tiny."""
        s, n, scale = np.asarray(s, float), np.asarray(n, float), self.scale(x, m)
        above = np.maximum(s, 0.0)
        sf = special.betainc(self.p * np.asarray(x, float) + self.q, self.p * np.maximum(n, 1), scale / (above + scale))
        return np.where(s < 0, 1.0, np.where(n > 0, sf, 0.0))

    def mean_total(self, n: ArrayLike, x: ArrayLike, m: ArrayLike) -> Array:
        """Mean of the total value of n future purchases."""
        return np.asarray(np.asarray(n, float) * self.expected_spend(x, m))

    def variance_total(self, n: ArrayLike, x: ArrayLike, m: ArrayLike) -> Array:
        """Variance of the total value of n future purchases; infinite where p x + q ≤ 2."""
        n, (x, _), scale = np.asarray(n, float), _spent(x, m), self.scale(x, m)
        first, second = self.p * n, self.p * x + self.q
        finite = second > 2
        safe = np.where(finite, second, 3.0)
        variance = scale**2 * first * (first + safe - 1) / ((safe - 2) * (safe - 1) ** 2)
        return np.where(finite, variance, np.where(n > 0, np.inf, 0.0))

    def sample(self, n: ArrayLike, x: ArrayLike, m: ArrayLike, *, seed: int | np.random.Generator) -> Array:
        """One simulated total value of n purchases per customer (and per draw)."""
        rng = np.random.default_rng(seed)
        n, (x, _), scale = np.asarray(n, float), _spent(x, m), self.scale(x, m)
        second = self.p * x + self.q
        shape = np.broadcast_shapes(n.shape, np.shape(self.p), np.shape(second), scale.shape)
        precision = rng.gamma(second, size=shape)
        return np.asarray(rng.gamma(self.p * n, size=shape) / precision * scale)

    def sample_values(self, x: ArrayLike, who: ArrayLike, *, seed: int | np.random.Generator) -> Array:
        """Each value is drawn by itself: Gamma(p, ν) with the customer's ν ~ Gamma(q, v)."""
        rng, x, who = np.random.default_rng(seed), np.asarray(x, float), np.asarray(who, np.intp)
        precision = rng.gamma(self.q, size=x.size) / self._v(x)
        return np.asarray(rng.gamma(self.p, size=who.size) / precision[who])

    def sample_typical(self, x: ArrayLike, *, seed: int | np.random.Generator) -> Array:
        """The mean value of x purchases of a new customer."""
        x = np.asarray(x, float)
        return np.asarray(self.sample(x, 0, 0, seed=seed) / x * self.level(x))

    def leaning(self, x: ArrayLike, m: ArrayLike) -> Array:
        """p v / (p x + q − 1), with v at x: the population's part in the weighted mean, times the population mean."""
        x, _ = _spent(x, m)
        return np.asarray((self.q - 1) / (self.p * x + self.q - 1) * self.p * self._v(x) / (self.q - 1))

    def squares(self, x: ArrayLike, m: ArrayLike) -> tuple[Array, Array]:
        """E[S²] = (v + x m)² p (p n² + n) / ((p x + q − 1)(p x + q − 2)), from the moments of the beta prime."""
        x, _ = _spent(x, m)
        below = self.p * x + self.q - 1
        safe = np.where(below > 1, below, 2.0)
        square = np.asarray(self.p * self.scale(x, m) ** 2 / (safe * (safe - 1)))
        return square * self.p, square

    def reference(self, x: ArrayLike, m: ArrayLike) -> Array:
        """v + x m, v averaged over draws."""
        x, m = np.asarray(x, float), np.asarray(m, float)
        return np.asarray(float(np.mean(self.v)) + x * np.where(x > 0, m, 0.0))

    @property
    def alike(self) -> bool:
        """W is distributed alike if draws agree on v."""
        return bool(np.ptp(self.v) == 0)

    def place(self, x: ArrayLike, m: ArrayLike) -> Array:
        """1 / (v + x m): how much draws of v matter."""
        return np.asarray(1 / self.reference(x, m))

    def multiples(self, x: float, place: float | None = None) -> BetaPrimes:
        """Beta primes, shifted by what each draw makes of v + x m."""
        p, q, v = (np.ravel(value) for value in np.broadcast_arrays(self.p, self.q, self._v(np.asarray(x, float))))
        shift = np.log1p((v - v.mean()) / (1 / place)) if place else np.zeros(p.size)
        return BetaPrimes.of(p, q, x, shift)

    def decay(self, x: ArrayLike) -> Array:
        """p x + q."""
        return np.asarray(np.min(self.p) * np.asarray(x, float) + np.min(self.q))


def _spent(x: ArrayLike, m: ArrayLike) -> tuple[Array, Array]:
    """Counts and means, with a harmless mean where there is none."""
    x, m = np.asarray(x, float), np.asarray(m, float)
    return x, np.where(x > 0, m, 1.0)


@dataclass(frozen=True)
class GammaGammaFirst(GammaGamma):
    """Gamma-Gamma on all purchases: the same formulas, the value of the first purchase included.

    For one-time buyers, more than half of most logs, the first purchase is all there is to know about their spend.
    x counts all purchases, m is their mean.

    Examples
    --------
    >>> model = GammaGammaFirst(p=6.25, q=3.74, v=15.44)
    >>> model.expected_spend([1, 1], [10.0, 100.0]).round(2).tolist()  # after one purchase of 10, and of 100
    [17.69, 80.26]
    """

    name = "gamma_gamma_first"
    title = attribute("Gamma-Gamma with the first purchase")
    first = True
    columns: ClassVar[tuple[str, ...]] = ("frequency", "value_past")

    @classmethod
    def observed(cls, frame: pd.DataFrame) -> tuple[Array, ...]:
        """All purchases and their mean value."""
        x = frame["frequency"].to_numpy(float) + 1
        return x, frame["value_past"].to_numpy(float) / x


@dataclass(frozen=True)
class GammaGammaFrequency(GammaGamma):
    """Gamma-Gamma on every single value, in which spend may go with frequency: twice the purchases, g times the spend.

    A customer with x valued purchases (the first included) has a level of spend g^log₂x times that of one with a single
    purchase: v becomes v · g^log₂x, which is v · x^b with b = log₂ g. At g = 1 spend does not depend on frequency.

    The likelihood is that of all values, of which a customer's number x, mean m, and d, the mean of their logarithms
    less the logarithm of their mean, say everything. The published one knows of the means alone, and learns how much
    one customer's purchases differ from how fast the means of x purchases come together as x grows; where the level
    goes with frequency, that is the same movement twice. (On CDNOW the means alone give p = 37 when g is free, and
    p = 11 when it is 1; the single values 3.6.) Days without a positive value are left out, and counted.

    Parameters
    ----------
    p, q, v
        As in Gamma-Gamma, for who has bought once.
    g
        Growth of the level of spend with each doubling of the number of purchases.

    Examples
    --------
    >>> model = GammaGammaFrequency(p=3.7, q=4.6, v=29.3, g=1.1)
    >>> model.level([1, 2, 4]).round(2).tolist()
    [1.0, 1.1, 1.21]
    """

    name = "gamma_gamma_frequency"
    title = attribute("Gamma-Gamma with frequency")
    first = True
    single = True
    columns: ClassVar[tuple[str, ...]] = ("frequency", "value_past", "n_valued", "log_value_mean")

    g: Parameter

    @classmethod
    def observed(cls, frame: pd.DataFrame) -> tuple[Array, ...]:
        """The purchase days of positive value, their mean, and the mean of the logarithms less its logarithm."""
        x = frame["n_valued"].to_numpy(float)
        with np.errstate(invalid="ignore", divide="ignore"):
            m = frame["value_past"].to_numpy(float) / x
            d = np.where(x > 1, np.minimum(frame["log_value_mean"].to_numpy(float) - np.log(m), 0.0), 0.0)
        return x, m, d

    def log_likelihood(self, x: ArrayLike, m: ArrayLike, d: ArrayLike = 0.0, *, ops: Ops = NUMPY) -> Any:
        """Log density of x values with mean m and mean logarithm log m + d; 0 for x = 0.

        That of the mean, and that of how the values share the total, a Dirichlet's: with lnΓ by Stirling's formula the
        large terms of ln Γ(p x) − x ln Γ(p) − p x ln x cancel before they are computed.
        """
        seen, d = np.maximum(np.asarray(x, float), 1), np.asarray(d, float)
        _, m = _spent(x, m)
        more = seen - 1
        shared = per_distinct(lambda k: ops.stirling_rest(self.p * k) - k * ops.stirling_rest(self.p), seen)
        shared = shared + more / 2 * ops.log(self.p) + self.p * (seen * d)
        constant = more * (LOG_SQRT_2PI + np.log(m)) + np.log(seen) / 2 + seen * d
        return super().log_likelihood(x, m, ops=ops) + ops.where(np.asarray(x) > 0, shared - constant, 0.0)

    def score(self, x: ArrayLike, m: ArrayLike, d: ArrayLike = 0.0) -> Array:
        """Derivative of the log-likelihood by p, q, v, g: shape (4, n)."""
        by_p, by_q, by_v = super().score(x, m)
        seen, d = np.maximum(np.asarray(x, float), 1), np.asarray(d, float)
        shared = per_distinct(lambda k: k * (digamma_rest(self.p * k) - digamma_rest(self.p)), seen)
        shared = shared + (seen - 1) / (2 * self.p) + seen * d
        by_p = by_p + np.where(np.asarray(x) > 0, shared, 0.0)
        by_v = by_v * self.level(x)
        return np.stack(np.broadcast_arrays(by_p, by_q, by_v, by_v * self.v * _doublings(x) / self.g))

    def _v(self, x: Array, ops: Ops = NUMPY) -> Any:
        return self.v * ops.exp(_doublings(x) * ops.log(self.g))

    def level(self, x: ArrayLike) -> Array:
        """g^log₂x."""
        return np.asarray(np.exp(_doublings(x) * np.log(self.g)))

    def reference(self, x: ArrayLike, m: ArrayLike) -> Array:
        """v + x m, v at x averaged over draws."""
        x, m = np.asarray(x, float), np.asarray(m, float)
        v = np.asarray(per_distinct(self._v, x))
        return np.asarray((v.mean(axis=0) if v.ndim > x.ndim else v) + x * np.where(x > 0, m, 0.0))

    @property
    def alike(self) -> bool:
        """W is distributed alike if draws agree on v and g."""
        return bool(np.ptp(self.v) == 0 and np.ptp(self.g) == 0)


def _doublings(x: ArrayLike) -> Array:
    """log₂ of the number of purchases; none for who has not bought."""
    return np.asarray(np.log2(np.maximum(np.asarray(x, float), 1.0)))
