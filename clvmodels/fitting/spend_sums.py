"""The spend families' log-likelihoods summed over customers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from clvmodels.fitting.objective import BLOCK, Limit, Value
from clvmodels.models import Family, GammaGamma, GammaGammaFirst, GammaGammaFrequency, LogNormalSpend
from clvmodels.models.arrays import LARGE, LOG_SQRT_2PI, Array

Places: TypeAlias = NDArray[np.intp]

STRETCH = 512
"""Numbers that are added one to the other before the sums of such stretches are added exactly."""


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
        """Log-likelihood alone at many η, shape (draws, k), but for a number that is the same for all of them."""
        log_p, log_q = etas[:, 0], etas[:, 1]
        alone = self._by_count_alone(log_p, log_q)
        return alone - np.median(alone) + _risen(self._total, self._x, etas[:, 2] + log_q - log_p, log_p, log_q)

    def _by_count_alone(self, log_p: Array, log_q: Array) -> Array:
        """The part of many log-likelihoods to which customers bring nothing but their number of purchases."""
        p, q = np.exp(log_p), np.exp(log_q)
        return np.asarray(-special.betaln(p[:, None] * self._counts, q[:, None]) @ self._n)

    def __call__(self, eta: Array) -> Value:
        """Log-likelihood (without the constant of `shift`), gradient and Hessian at η."""
        value, gradient, hessian = self._by_parameters(eta, self._customers(eta, self._m, self._total))
        jacobian = self.log_jacobian(eta)
        return value, jacobian.T @ gradient, jacobian.T @ hessian @ jacobian

    def _by_parameters(self, eta: Array, sums: Array) -> Value:
        """Log-likelihood, gradient and Hessian in log (p, q, v), from the customers' sums.

        With Stirling's leading terms taken out of ln B(px, q) and joined with the logarithms of spend, nothing cancels
        where p and q are huge: customers who all spend nearly the same are as safe as any others.
        """
        p, q = np.exp(eta[:2])
        same_p, same_q, by_v, x_share, rest, x_spread, spread = sums
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
        return value, np.array([by_p, by_q, by_v]), hessian

    def _customers(self, eta: Array, m: Array, all_total: Array) -> Array:
        """What depends on each customer's m, summed: seven sums in one pass."""
        p, q, s = np.exp(eta[:3])
        ratio, v = q / p, s * q / p
        sums = np.zeros(7)
        for start in range(0, self._x.size, BLOCK):
            block = slice(start, start + BLOCK)
            x = self._x[block]
            within, between, apart, share, rest, spread = _terms(ratio, s, v, x, m[block], all_total[block])
            sums += (
                *(x @ within, between.sum(), apart.sum()),
                *(x @ share, rest.sum(), x @ spread, spread.sum()),
            )
        return sums


def _terms(ratio: float, s: float, v: float, x: Array, m: Array, total: Array) -> tuple[Array, ...]:
    """What a customer's m gives to the log-likelihood and its derivatives."""
    part = 1 / (total + v)
    gap = (m - s) * part
    apart, share, rest = x * gap, v * part, total * part
    return np.log1p(ratio * gap), np.log1p(-apart), apart, share, rest, share * rest


class GammaGammaFirstObjective(GammaGammaObjective):
    """The same over all customers, whose first purchases count."""

    family: ClassVar[type[Family]] = GammaGammaFirst


class GammaGammaFrequencyObjective(GammaGammaObjective):
    """Of every single value, with η = (log p, log q, log p v/q, log g): the last is the growth with frequency.

    Customers with the same x are Gamma-Gamma's, at a v of their own.
    """

    family: ClassVar[type[Family]] = GammaGammaFrequency

    def __init__(self, x: Array, m: Array, d: Array, *, scale: float | None = None) -> None:
        super().__init__(x, m, scale=scale)
        order = np.argsort(x, kind="stable")
        self._x, self._m, self._total = x[order], self._m[order], self._total[order]
        self._all, self._log_ratios = (x, m, d), float(x @ d)
        self._doublings = np.log2(self._counts)
        self._ends: Places = np.cumsum(self._n).astype(np.intp)
        self.n_per_draw = 16 * self._n.size

    @property
    def _starts(self) -> Places:
        return np.append(0, self._ends[:-1])

    def thinned(self, step: int) -> Self:
        """Every ``step``-th customer."""
        return type(self)(*(column[step // 2 :: step] for column in self._all), scale=self.scale)

    def shift(self) -> float:
        """The density of x values in the analyst's money, and what no parameter changes."""
        x, m, _ = self._all
        constant = (x - 1) @ np.log(m) + (x - 1).sum() * LOG_SQRT_2PI + np.log(x).sum() / 2
        return super().shift() - float(constant) - self._log_ratios

    def log_parameters(self, eta: Array) -> Array:
        """log (p, q, v, g)."""
        return np.append(super().log_parameters(eta), eta[3])

    def log_jacobian(self, eta: Array) -> Array:
        """Derivative of log (p, q, v, g) by η."""
        jacobian = np.eye(4)
        jacobian[:3, :3] = super().log_jacobian(eta)
        return jacobian

    def starts(self) -> tuple[Array, ...]:
        """Those of Gamma-Gamma, where spend does not go with frequency."""
        return tuple(np.append(start, 0.0) for start in super().starts())

    def rows(self) -> tuple[tuple[Array, ...], Array]:
        """x, m and d; every customer has a row."""
        return self._all, np.ones(self.n_patterns)

    def values(self, etas: Array) -> Array:
        """Log-likelihood alone at many η, shape (draws, k), but for a number that is the same for all of them."""
        log_p, log_q, log_g = etas[:, 0], etas[:, 1], etas[:, 3]
        alone = self._by_count_alone(log_p, log_q) + self._shared(log_p)[0]
        result = alone - np.median(alone) + _apart(log_p) * self._log_ratios
        log_v = etas[:, 2] + log_q - log_p
        for x, k, start, end in zip(self._counts, self._doublings, self._starts, self._ends, strict=True):
            result += _risen(self._total[start:end], x, log_v + k * log_g, log_p, log_q)
        return np.asarray(result)

    def _shared(self, log_p: Array) -> tuple[Array, Array, Array]:
        """How evenly any values share their totals, with two derivatives by log p; theirs is p × `_log_ratios` more."""
        p = np.exp(log_p)
        first = p[..., None] * self._counts
        (whole, slope, bend), (rest, slope_p, bend_p) = _past_stirling(first), _past_stirling(p)
        more = float((self._counts - 1) @ self._n)
        x = float(self._counts @ self._n)
        value = whole @ self._n - x * rest + more / 2 * log_p
        once = (first * slope) @ self._n - x * p * slope_p
        return value, once, once + (first**2 * bend) @ self._n - x * p**2 * bend_p

    def __call__(self, eta: Array) -> Value:
        """Log-likelihood (without the constant of `shift`), gradient and Hessian at η."""
        table = self._by_count(eta)
        parts = [table @ self._doublings**power for power in range(3)]
        value, by_three, hessian_of_three = self._by_parameters(eta, parts[0])
        p, q = np.exp(eta[:2])
        shared, once, twice = (part + p * self._log_ratios for part in self._shared(eta[0]))
        by_three[0] += once
        hessian_of_three[0, 0] += twice
        gradient, hessian = np.append(by_three, q * parts[1][2]), np.zeros((4, 4))
        hessian[:3, :3] = hessian_of_three
        cross = np.array([-p * parts[1][3], q * parts[1][4], -p * parts[1][5] - q * parts[1][6]])
        hessian[3, :3] = hessian[:3, 3] = cross
        hessian[3, 3] = -p * parts[2][5] - q * parts[2][6]
        jacobian = self.log_jacobian(eta)
        return value + float(shared), jacobian.T @ gradient, jacobian.T @ hessian @ jacobian

    def _by_count(self, eta: Array) -> Array:
        """The seven sums of Gamma-Gamma, of the customers with each x: shape (7, counts)."""
        p, q, s = np.exp(eta[:3])
        level = np.repeat(np.exp(-eta[3] * self._doublings), self._ends - self._starts)
        m, total = self._m * level, self._total * level
        within, between, apart, share, rest, spread = _terms(q / p, s, s * q / p, self._x, m, total)
        rows = (self._x * within, between, apart, self._x * share, rest, self._x * spread, spread)
        return np.stack([np.add.reduceat(row, self._starts) for row in rows])


class LogNormalObjective:
    """η = (log σ, log τ, log v): of customers with the same x a sum, a mean and a sum of squares say everything."""

    family: ClassVar[type[Family]] = LogNormalSpend
    limits: ClassVar[tuple[Limit, ...]] = (Limit(1, -1, np.log(1e3)),)  # all customers have the same level

    def __init__(self, x: Array, m: Array, ss: Array, *, scale: float | None = None) -> None:
        self.scale = scale if scale is not None else float(np.exp(x @ m / x.sum()))
        self._rows = (x, m, ss)
        self.n_customers = x.size
        away = m - np.log(self.scale)
        counts = x.astype(np.intp)
        n = np.bincount(counts)
        self._x = np.flatnonzero(n).astype(float)
        self._n = n[n > 0].astype(float)
        self._mean = np.bincount(counts, away)[n > 0] / self._n
        place = np.searchsorted(self._x, x)
        self._squares = np.bincount(place, (away - self._mean[place]) ** 2)
        self._within = float(ss.sum())
        self._more = float((x - 1).sum())
        self.n_patterns = self.n_per_draw = self._x.size

    def thinned(self, step: int) -> Self:
        """Every ``step``-th customer."""
        return type(self)(*(column[step // 2 :: step] for column in self._rows), scale=self.scale)

    def shift(self) -> float:
        """The density of the values in the analyst's money, and what no parameter changes."""
        x, m, _ = self._rows
        return float(-(x @ m) - x.sum() * LOG_SQRT_2PI - np.log(x).sum() / 2)

    def log_parameters(self, eta: Array) -> Array:
        """log (σ, τ, v)."""
        return np.asarray(eta + np.array([0.0, 0.0, np.log(self.scale)]))

    def log_jacobian(self, eta: Array) -> Array:
        """They are η itself, but for the unit of money."""
        return np.eye(3)

    def starts(self) -> tuple[Array, ...]:
        """Little or much difference within customers, and between them."""
        return tuple(np.append(np.log(pair), 0.0) for pair in ((0.5, 0.5), (1.0, 0.2), (0.2, 1.0)))

    def rows(self) -> tuple[tuple[Array, ...], Array]:
        """x, m, ss; every customer has a row."""
        return self._rows, np.ones(self.n_customers)

    def values(self, etas: Array) -> Array:
        """Log-likelihood alone at many η, shape (draws, k), but for a number that is the same for all of them."""
        at = np.median(etas, axis=0)
        log_sigma, log_tau, mu = etas.T[..., None]
        narrow, spread = np.exp(-2 * log_sigma), np.exp(2 * log_tau) + np.exp(2 * log_sigma) / self._x
        there = np.exp(2 * at[1]) + np.exp(2 * at[0]) / self._x
        away = (self._mean - mu) ** 2 / spread - (self._mean - at[2]) ** 2 / there
        between = np.log(spread / there) @ self._n + (1 / spread - 1 / there) @ self._squares + away @ self._n
        within = self._more * (log_sigma - at[0]) + self._within / 2 * (narrow - np.exp(-2 * at[0]))
        return np.asarray(-within[:, 0] - between / 2)

    def __call__(self, eta: Array) -> Value:
        """Log-likelihood (without the constant of `shift`), gradient and Hessian at η."""
        within, between, n = np.exp(2 * eta[0]), np.exp(2 * eta[1]), self._n
        spread = between + within / self._x
        away = n * (self._mean - eta[2])
        squares = self._squares + away**2 / n
        steps = np.array([2 * within / self._x, np.full(n.size, 2 * between)])  # of spread, by log σ and log τ
        slope, bend = (squares / spread - n) / (2 * spread), (n / 2 - squares / spread) / spread**2
        gradient = np.append(steps @ slope, (away / spread).sum())
        gradient[0] += self._within / within - self._more
        hessian = np.zeros((3, 3))
        hessian[:2, :2] = (steps * bend) @ steps.T + np.diag(2 * steps @ slope)
        hessian[0, 0] -= 2 * self._within / within
        hessian[2, :2] = hessian[:2, 2] = -steps @ (away / spread**2)
        hessian[2, 2] = -(n / spread).sum()
        value = -self._more * eta[0] - (self._within / within + np.log(spread) @ n + (squares / spread).sum()) / 2
        return float(value), gradient, hessian


def _apart(logs: Array) -> Array:
    """Many numbers less one among them, from their logarithms."""
    middle = np.median(logs)
    return np.asarray(np.exp(middle) * np.expm1(logs - middle))


def _risen(total: Array, x: Array | float, log_v: Array, log_p: Array, log_q: Array) -> Array:
    """−q Σ log1p(total/v) − p Σ x log1p(v/total) at many points, but for a number that is the same for all of them.

    The sums are smooth functions of log v alone: those are interpolated at Chebyshev points, exact to rounding over the
    range of a posterior. Importance weights come from differences of a few units between log-likelihoods of millions.
    So what is summed over customers is a difference itself, from the middle of the range, and in proportion to the
    distance from it: money that differs in its last digit would otherwise change the weights' eighth, and their tail's
    sixth.
    """
    low, high = float(log_v.min()), float(log_v.max())
    middle, half = (low + high) / 2, max((high - low) / 2, 1e-9)
    v, steps = np.exp(middle), log_v - middle
    rest, share = total / (total + v), v / (total + v)
    nodes = 8 + 2 * int(np.ceil(8 * half))  # an even number has none in the middle

    def sums(step: float) -> tuple[float, float]:
        near = abs(step) < 1  # beyond, the difference is no smaller than what it is made of
        logs = np.log1p(rest * np.expm1(-step)) if near else np.log(share + rest * np.exp(-step))
        return _sum(logs), _sum(x * (logs + step))

    if len(log_v) <= nodes:
        among, within = np.array([sums(step) for step in steps]).T
    else:
        points = np.polynomial.chebyshev.chebpts1(nodes)
        per_step = np.array([sums(step) for step in half * points]) / (half * points)[:, None]
        solved = np.linalg.solve(np.polynomial.chebyshev.chebvander(points, nodes - 1), per_step)
        among, within = steps * np.polynomial.chebyshev.chebval(steps / half, solved)
    at_middle = _sum(np.log1p(total / v)), _sum(x * np.log1p(v / total))
    result = -np.exp(log_q) * among - _apart(log_q) * at_middle[0]
    return np.asarray(result - np.exp(log_p) * within - _apart(log_p) * at_middle[1])


def _sum(values: Array) -> float:
    """Of many numbers, to the last digit but for rounding in short stretches: one of them hardly ever changes it."""
    whole = values.size - values.size % STRETCH
    return math.fsum([*values[:whole].reshape(-1, STRETCH).sum(axis=1).tolist(), float(values[whole:].sum())])


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


SpendObjective: TypeAlias = GammaGammaObjective | LogNormalObjective
"""A spend family's likelihood of some customers."""

SPEND_OBJECTIVES: dict[str, Callable[..., SpendObjective]] = {
    objective.family.name: objective
    for objective in (
        GammaGammaObjective,
        GammaGammaFirstObjective,
        GammaGammaFrequencyObjective,
        LogNormalObjective,
    )
}
"""By the family's name."""
