"""The spend families' log-likelihoods summed over customers."""

from __future__ import annotations

from typing import ClassVar, Self, TypeAlias

import numpy as np
from scipy import special

from clvmodels.fitting.objective import BLOCK, Limit, Value
from clvmodels.models import Family, GammaGamma, GammaGammaFirst
from clvmodels.models.arrays import LARGE, Array


class GammaGammaObjective:
    """η = (log p, log q, log p v/q): regularity within customers, homogeneity between them, and the level of spend."""

    family: ClassVar[type[Family]] = GammaGamma
    limits: ClassVar[tuple[Limit, ...]] = (
        Limit(0, 1, np.log(1e3)),  # a customer always spends the same
        Limit(1, 1, np.log(1e3)),  # all customers spend the same on average
    )

    def __init__(self, x: Array, m: Array, *, scale: float | None = None) -> None:
        self.scale = scale if scale is not None else float(m.mean())
        self._rows = (x, m)
        self.n_customers = self.n_patterns = x.size
        self._x, self._m = x, m / self.scale
        self._total = x * self._m
        self._logs = float(np.log(m).sum())
        self._x_log_total = float(x @ np.log(self._total))
        seen = np.bincount(x.astype(np.intp))
        self._counts = np.flatnonzero(seen).astype(float)
        self._n = seen[seen > 0].astype(float)
        self.n_per_draw = self._n.size

    def thinned(self, step: int) -> Self:
        """Every ``step``-th customer."""
        x, m = self._rows
        return type(self)(x[step // 2 :: step], m[step // 2 :: step], scale=self.scale)

    def shift(self) -> float:
        """The density of m in the analyst's money; the factor 1/m is the same in every unit."""
        return -self._logs

    def log_parameters(self, eta: Array) -> Array:
        """log (p, q, v)."""
        return np.array([eta[0], eta[1], eta[2] + eta[1] - eta[0] + np.log(self.scale)])

    def log_jacobian(self, eta: Array) -> Array:
        """Derivative of log (p, q, v) by η."""
        return np.array([[1.0, 0, 0], [0, 1, 0], [-1, 1, 1]])

    def starts(self) -> tuple[Array, ...]:
        """Mean spend 1; much or little regularity and heterogeneity."""
        return tuple(np.log([p, q, (q - 1) / q]) for p, q in ((4.0, 4.0), (1.0, 3.0), (30.0, 1.5)))

    def rows(self) -> tuple[tuple[Array, ...], Array]:
        """x, m; every customer has a row."""
        return self._rows, np.ones(self.n_patterns)

    def values(self, etas: Array) -> Array:
        """Log-likelihood alone at many η, shape (draws, k).

        Customers enter through sums that are smooth functions of log v alone: those are interpolated at Chebyshev
        points, exact to rounding over the range of a posterior.
        """
        log_p, log_q = etas[:, 0], etas[:, 1]
        log_v = etas[:, 2] + log_q - log_p
        low, high = float(log_v.min()), float(log_v.max())
        nodes = 8 + int(np.ceil(8 * (high - low)))
        few = len(etas) <= nodes
        grid = log_v if few else (low + high) / 2 + (high - low) / 2 * np.polynomial.chebyshev.chebpts1(nodes)
        sums = np.array([[(log1 := np.log1p(self._total / np.exp(g))).sum(), self._x @ log1] for g in grid])
        if few:
            among, within = sums.T
        else:
            place = 2 * (log_v - low) / (high - low) - 1
            basis = np.polynomial.chebyshev.chebvander(np.polynomial.chebyshev.chebpts1(nodes), nodes - 1)
            among, within = np.polynomial.chebyshev.chebval(place, np.linalg.solve(basis, sums))
        p, q = np.exp(log_p), np.exp(log_q)
        density = -special.betaln(p[:, None] * self._counts, q[:, None]) @ self._n
        return np.asarray(density - q * among + p * (self._x_log_total - self._x.sum() * log_v - within))

    def __call__(self, eta: Array) -> Value:
        """Log-likelihood (without the constant of `shift`), gradient and Hessian at η.

        With Stirling's leading terms taken out of ln B(px, q) and joined with the logarithms of spend, nothing cancels
        where p and q are huge: customers who all spend nearly the same are as safe as any others.
        """
        p, q, s = np.exp(eta)
        v = s * q / p
        same_p, same_q, by_v, x_share, rest, x_spread, spread = self._customers(q / p, s, v)
        same_p, same_q, by_v = p * same_p, q * same_q, q * by_v
        first, n = p * self._counts, self._n
        size = first + q
        (whole, slope, bend), (part_p, slope_p, bend_p), (part_q, slope_q, bend_q) = map(
            _past_stirling, (size, first, q)
        )
        joint = first * q / size
        value = same_p + same_q + float((np.log(joint / (2 * np.pi)) / 2 + whole - part_p - part_q) @ n)
        by_p = same_p + float((first * (slope - slope_p)) @ n)
        by_q = same_q + float((q * (slope - slope_q)) @ n)
        second_p = by_p + float((first * first * (bend - bend_p) - joint) @ n)
        second_q = by_q + float((q * q * (bend - bend_q) - joint) @ n)
        cross = float((joint + first * q * bend) @ n)
        hessian = np.array(
            [
                [second_p, cross, -p * x_share],
                [cross, second_q, q * rest],
                [-p * x_share, q * rest, -p * x_spread - q * spread],
            ]
        )
        J = self.log_jacobian(eta)
        return value, J.T @ np.array([by_p, by_q, by_v]), J.T @ hessian @ J

    def _customers(self, ratio: float, s: float, v: float) -> Array:
        """What depends on each customer's m, summed: seven sums in one pass."""
        sums = np.zeros(7)
        for start in range(0, self._x.size, BLOCK):
            block = slice(start, start + BLOCK)
            x, total = self._x[block], self._total[block]
            part = 1 / (total + v)
            gap = (self._m[block] - s) * part
            apart, share, rest = x * gap, v * part, total * part
            spread = share * rest
            within, between = np.log1p(ratio * gap), np.log1p(-apart)
            sums += (
                *(x @ within, between.sum(), apart.sum()),
                *(x @ share, rest.sum(), x @ spread, spread.sum()),
            )
        return sums


class GammaGammaFirstObjective(GammaGammaObjective):
    """The same over all customers, whose first purchases count."""

    family: ClassVar[type[Family]] = GammaGammaFirst


def _past_stirling(a: Array) -> tuple[Array, Array, Array]:
    """ln Γ, ψ, ψ′ at a less (a − ½) ln a − a + ½ ln 2π, ln a, 1/a (Abramowitz & Stegun 6.1.41, 6.3.18, 6.4.12)."""
    a = np.asarray(a, float)
    z = np.maximum(a, LARGE)
    w = 1 / (z * z)
    rest = (1 / 12 - w * (1 / 360 - w * (1 / 1260 - w / 1680))) / z
    slope = -1 / (2 * z) - w * (1 / 12 - w * (1 / 120 - w * (1 / 252 - w / 240)))
    bend = w / 2 + w / z * (1 / 6 - w * (1 / 30 - w * (1 / 42 - w / 30)))
    if np.all(a >= LARGE):
        return rest, slope, bend
    small = np.minimum(a, LARGE)
    log = np.log(small)
    return (
        np.where(a < LARGE, special.gammaln(small) - (small - 0.5) * log + small - np.log(2 * np.pi) / 2, rest),
        np.where(a < LARGE, special.digamma(small) - log, slope),
        np.where(a < LARGE, special.zeta(2, small) - 1 / small, bend),
    )


SpendObjective: TypeAlias = GammaGammaObjective
"""A spend family's likelihood of some customers."""

SPEND_OBJECTIVES: dict[str, type[SpendObjective]] = {
    objective.family.name: objective for objective in (GammaGammaObjective, GammaGammaFirstObjective)
}
"""By the family's name."""
