"""Gamma-Gamma: how much a purchase is worth, and what n future purchases add up to (Fader & Hardie 2013)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from clvmodels.errors import InputError
from clvmodels.models.arrays import NUMPY, Array, Ops, Parameter, digamma_rise, per_distinct
from clvmodels.models.base import Family


@dataclass(frozen=True)
class GammaGamma(Family):
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
    kind = "spend"

    p: Parameter
    q: Parameter
    v: Parameter

    def rescale(self, factor: float) -> GammaGamma:
        """The same model when money is counted in units ``factor`` times smaller: v · factor."""
        return GammaGamma(self.p, self.q, self.v * factor)

    def log_likelihood(self, x: ArrayLike, m: ArrayLike, *, ops: Ops = NUMPY) -> Any:
        """Log density of the mean m of x purchases (note 025, eq. 1a); 0 for x = 0, who says nothing about spend."""
        x, m = _spent(x, m)
        p, q, v = self.p, self.q, self.v
        seen = np.maximum(x, 1)
        counts = per_distinct(lambda k: -ops.betaln(p * k, q), seen)
        total = seen * m
        density = counts - np.log(m) - q * ops.log1p(total / v) - p * seen * ops.log1p(v / total)
        return ops.where(x > 0, density, 0.0)

    def score(self, x: ArrayLike, m: ArrayLike) -> Array:
        """Derivative of the log-likelihood by p, q, v: shape (3, n)."""
        x, m = _spent(x, m)
        p, q, v = self.p, self.q, self.v
        seen = np.maximum(x, 1)
        total = seen * m
        by_p = seen * (per_distinct(lambda k: digamma_rise(p * k, q), seen) - np.log1p(v / total))
        by_q = per_distinct(lambda k: digamma_rise(q, p * k), seen) - np.log1p(total / v)
        by_v = (q * total / v - p * seen) / (v + total)
        return np.stack([np.where(x > 0, part, 0.0) for part in np.broadcast_arrays(by_p, by_q, by_v)])

    def scale(self, x: ArrayLike, m: ArrayLike) -> Array:
        """v + x m: the total of future purchases is this times a beta-prime variable that depends on x alone."""
        x, m = _spent(x, m)
        return np.asarray(self.v + x * m)

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
            raise InputError(
                f"Gamma-Gamma: q is {np.min(self.q):.4g}; at q ≤ 1 the mean spend of customers without repeats "
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


def _spent(x: ArrayLike, m: ArrayLike) -> tuple[Array, Array]:
    """Counts and means, with a harmless mean where there is none."""
    x, m = np.asarray(x, float), np.asarray(m, float)
    return x, np.where(x > 0, m, 1.0)
