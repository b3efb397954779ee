"""Pareto/NBD: Poisson purchases until an unobserved end that may come at any time (Schmittlein, Morrison & Colombo)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from clvmodels.models import new_pareto_customer
from clvmodels.models.arrays import NUMPY, Array, Ops, Parameter, digamma_rise, log_rising, per_distinct, trigamma_rise
from clvmodels.models.race import course, gauss, parts, won, won_symbolic
from clvmodels.models.renewal import RenewalFamily

RISES = (log_rising, digamma_rise, trigamma_rise)
"""What x alone adds to the log-likelihood, and its derivatives."""


@dataclass(frozen=True)
class ParetoNBD(RenewalFamily):
    """The Pareto/NBD model.

    A customer's purchase rate is λ ~ Gamma(r, α) and the rate of leaving, by the clock and not by the purchase, is
    μ ~ Gamma(s, β), both per unit of time. A customer alive at T is a new customer with parameters
    (r + x, α + T, s, β + T).

    Parameters
    ----------
    r, alpha
        Shape and rate of the purchase rates: on average r / alpha purchases per unit of time. alpha is a time.
    s, beta
        Shape and rate of the rates of leaving: on average s / beta per unit of time. beta is a time.

    Raises
    ------
    InputError
        If a parameter is not positive and finite.

    References
    ----------
    Schmittlein, Morrison & Colombo (1987), Counting Your Customers, Management Science 33(1), 1–24; Fader & Hardie
    (2005), A Note on Deriving the Pareto/NBD Model and Related Expressions.

    Examples
    --------
    >>> model = ParetoNBD(r=0.553, alpha=10.578, s=0.606, beta=11.669)  # CDNOW, weeks
    >>> round(float(model.p_alive(26, 216 / 7, 31)), 6)  # customer 1516 of BTYD's vignette
    0.997874
    >>> round(float(model.expected_purchases(52, 0, 0, 0)), 3)
    1.473
    """

    name = "pareto_nbd"
    title = "Pareto/NBD"
    new: ClassVar[ModuleType] = new_pareto_customer

    r: Parameter
    alpha: Parameter
    s: Parameter
    beta: Parameter

    def log_likelihood(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, ops: Ops = NUMPY) -> Any:
        """Log-likelihood of each pattern: of the purchases up to t_x, and of silence since then."""
        x, t_x, T = (np.asarray(value, float) for value in (x, t_x, T))
        r, alpha, s, beta = self.r, self.alpha, self.s, self.beta
        clocks = r + x, alpha + t_x, s, beta + t_x, T - t_x
        dead = won(*clocks) if ops is NUMPY else won_symbolic(*clocks, ops)
        alive = ops.exp(-self._exposure(x, t_x, T, ops))
        rise = per_distinct(lambda k: ops.log_rising(r, k), x)
        until = r * ops.log1p(t_x / alpha) + x * ops.log(alpha + t_x) + s * ops.log1p(t_x / beta)
        return rise - until + ops.log(alive + dead)

    def _exposure(self, x: Array, t_x: Array, T: Array, ops: Ops = NUMPY) -> Any:
        """−log of the probability that nothing at all happens between t_x and T."""
        gap, r = T - t_x, self.r + x
        return r * ops.log1p(gap / (self.alpha + t_x)) + self.s * ops.log1p(gap / (self.beta + t_x))

    def rescale(self, factor: float) -> ParetoNBD:
        """The same model when time is counted in units ``factor`` times smaller: alpha and beta · factor."""
        return ParetoNBD(self.r, self.alpha * factor, self.s, self.beta * factor)

    def score(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Derivative of the log-likelihood by r, alpha, s, beta: shape (4, n)."""
        slope = self.log_derivatives(x, t_x, T, bend=False)[1]
        parameters = np.broadcast_arrays(self.r, self.alpha, self.s, self.beta)
        return np.stack([part / parameter for part, parameter in zip(slope, parameters, strict=True)])

    def log_derivatives(
        self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, bend: bool = True
    ) -> tuple[Array, Array, Array]:
        """Log-likelihood (n,), its derivatives by the log parameters (4, n), and the second ones (4, 4, n).

        The time τ at which a customer left is what is missing (T for the living): given τ everything is elementary, so
        the slope is the mean over τ of the slopes, and the curvature the mean of the curvatures plus the covariance of
        the slopes. Without ``bend`` the curvature is left at 0.
        """
        x, t_x, T = (np.asarray(value, float) for value in (x, t_x, T))
        rises = [per_distinct(partial(rise, self.r), x) for rise in RISES]
        arrays = np.broadcast_arrays(self.r, self.alpha, self.s, self.beta, x, t_x, T, *rises)
        r, alpha, s, beta, x, t_x, T, value, once, twice = (np.ravel(value).astype(float) for value in arrays)
        a, b, R = alpha + t_x, beta + t_x, r + x
        exposure = np.exp(-R * np.log1p((T - t_x) / a) - s * np.log1p((T - t_x) / b))
        mass, dead, spread = _leaving(R, a, s, b, T - t_x, t_x, bend=bend)
        p_dead, p_alive = mass / (exposure + mass), exposure / (exposure + mass)
        living = np.stack([np.log1p((T - t_x) / a), T / (alpha + T), np.log1p((T - t_x) / b), T / (beta + T)])
        log_a, gone_a, log_b, gone_b = p_dead * dead + p_alive * living
        by_r = r * (once - np.log1p(t_x / alpha) - log_a)
        by_s = -s * (np.log1p(t_x / beta) + log_b)
        slope = np.stack([by_r, r * gone_a - x * (1 - gone_a), by_s + p_dead, s * gone_b - p_dead * (1 - dead[3])])
        until = r * np.log1p(t_x / alpha) + x * np.log(a) + s * np.log1p(t_x / beta)
        value = value - until + np.log(exposure + mass)
        curve = np.zeros((4, 4, x.size))
        if bend:
            ones = np.ones_like(x)
            by_time = np.stack([-r, R, -s, s + 1])  # of the slopes given τ, by the four functions of τ
            jump = by_time * dead - np.stack([-r, R, -s, s]) * living + np.stack([0 * ones, 0 * ones, ones, -ones])
            curve = p_dead * (spread * by_time[:, None] * by_time + p_alive * jump[:, None] * jump)
            turn_a, turn_b = (dead[i] * (1 - dead[i]) - spread[i, i] for i in (1, 3))  # E[j (1 − j)] of those who left
            stay_a, stay_b = living[1] * (1 - living[1]), living[3] * (1 - living[3])
            curve[0, 0] += by_r + r * r * twice
            curve[1, 1] -= R * (p_dead * turn_a + p_alive * stay_a)
            curve[2, 2] += by_s
            curve[3, 3] -= (s + 1) * p_dead * turn_b + s * p_alive * stay_b
            for i, j, both in ((0, 1, r * gone_a), (2, 3, s * gone_b)):
                curve[i, j] += both
                curve[j, i] += both
        shape = arrays[0].shape
        return value.reshape(shape), slope.reshape(4, *shape), curve.reshape(4, 4, *shape)

    def p_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Probability of not having left by T; of one-time buyers, too, less than 1."""
        dead, alive = self._silence(x, t_x, T)
        return np.asarray(alive / (dead + alive))

    def p_dead(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """1 − P(alive)."""
        dead, alive = self._silence(x, t_x, T)
        return np.asarray(dead / (dead + alive))

    def _silence(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> tuple[Array, Array]:
        """Given the purchases up to t_x: probabilities of a silence until T by having left, and without."""
        x, t_x, T = (np.asarray(value, float) for value in (x, t_x, T))
        dead = won(self.r + x, self.alpha + t_x, self.s, self.beta + t_x, T - t_x)
        return dead, np.exp(-self._exposure(x, t_x, T))

    def updated(self, x: ArrayLike, T: ArrayLike, stage: Any = 0) -> tuple[Any, Any, Any, Any]:
        """Parameters of the new customer that a customer alive at T is."""
        x, T = np.asarray(x, float), np.asarray(T, float)
        return self.r + x, self.alpha + T, self.s, self.beta + T


def _leaving(
    R: Array, a: Array, s: Array, b: Array, gap: Array, t_x: Array, *, bend: bool
) -> tuple[Array, Array, Array]:
    """`won`, and given that: mean (4, n) and covariance (4, 4, n) of four functions of the time τ of leaving.

    They are ln((α+τ)/(α+t_x)), τ/(α+τ), ln((β+τ)/(β+t_x)) and τ/(β+τ).
    """
    way = course(R, a, s, b, gap)
    first, small = a <= b, np.minimum(a, b)
    mass, mean, spread = np.zeros(R.size), np.zeros((4, R.size)), np.zeros((4, 4, R.size))
    for rows, order in parts(way):
        grown, u, log, f = way.part(rows).terms(order)
        f *= gauss(order)[1][:, None]
        total = f.sum(axis=0)
        mass[rows] = way.lead[rows] * way.U[rows] * total
        f /= total
        lived, swap = small[rows] * grown, first[rows]
        tau = t_x[rows] + lived
        values = [np.where(swap, u, log), tau / (a[rows] + lived), np.where(swap, log, u), tau / (b[rows] + lived)]
        for i, value in enumerate(values):
            mean[i, rows] = np.einsum("ij,ij->j", f, value)
            value -= mean[i, rows]
        for i in range(4) if bend else ():
            weighted = f * values[i]
            for j in range(i, 4):
                spread[i, j, rows] = spread[j, i, rows] = np.einsum("ij,ij->j", weighted, values[j])
    return mass, mean, spread
