"""What a new Pareto/NBD customer (r, α, s, β) buys in t: a customer alive at T is one with updated parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from clvmodels.models.arrays import Array, in_blocks, log_rising
from clvmodels.models.race import DEPTH, gauss, won


def mean(t: ArrayLike, r: Any, alpha: Any, s: Any, beta: Any) -> Array:
    """Expected purchases h(t) = r/α · β (1 − (1 + t/β)^{1−s}) / (s − 1)."""
    L, eps = np.log1p(np.asarray(t, float) / beta), np.asarray(s, float) - 1
    lived = np.where(eps * L == 0, L, -np.expm1(-eps * L) / np.where(eps == 0, 1, eps))
    return np.asarray(r / alpha * beta * lived)


def some(t: ArrayLike, r: Any, alpha: Any, s: Any, beta: Any) -> Array:
    """P(X(t) ≥ 1): a purchase comes before t and before the end."""
    return won(s, beta, r, alpha, t)


def none(t: ArrayLike, r: Any, alpha: Any, s: Any, beta: Any) -> Array:
    """P(X(t) = 0): alive without a purchase, or dead before one."""
    silent = np.exp(-r * np.log1p(np.asarray(t, float) / alpha) - s * np.log1p(np.asarray(t, float) / beta))
    return np.asarray(silent + won(r, alpha, s, beta, t))


def survival(n: ArrayLike, t: ArrayLike, r: Any, alpha: Any, s: Any, beta: Any) -> Array:
    """P(X(t) ≥ n), n ≥ 1: the n-th purchase of an immortal customer comes before t, and life is longer."""
    return in_blocks(_survival, n, t, r, alpha, s, beta)


def _survival(n: Array, t: Array, r: Array, alpha: Array, s: Array, beta: Array) -> Array:
    ways = log_rising(r, n) - special.gammaln(n)  # 1 / B(n, r)
    return bell(ways, n, r + n, s, alpha / beta, t / alpha)


def pmf(n: ArrayLike, t: ArrayLike, r: Any, alpha: Any, s: Any, beta: Any) -> Array:
    """P(X(t) = n), n ≥ 1: n purchases in t and alive, or n purchases up to the end of life; both are positive."""
    return in_blocks(_pmf, n, t, r, alpha, s, beta)


def _pmf(n: Array, t: Array, r: Array, alpha: Array, s: Array, beta: Array) -> Array:
    ways = log_rising(r, n) - special.gammaln(n + 1)
    with np.errstate(divide="ignore"):
        z = np.log(t / (alpha + t))
    alive = np.exp(ways + n * z - r * np.log1p(t / alpha) - s * np.log1p(t / beta))
    return alive + bell(ways + np.log(s * (alpha / beta)), n + 1, r + n, s + 1, alpha / beta, t / alpha)


def bell(constant: Array, A: Array, B: Array, S: Array, kappa: Array, tau: Array) -> Array:
    """∫ exp(constant + A v − B ln(1 + eᵛ) − S ln(1 + κeᵛ)) dv up to v = ln τ.

    The exponent is concave: from its top, a quadratic's root, the integral runs to both sides until e^-36 is left.
    """
    shape = np.shape(tau)
    constant, A, B, S, kappa, tau = (np.ravel(value) for value in (constant, A, B, S, kappa, tau))
    log_kappa = np.log(kappa)

    def height(v: Array) -> Array:
        return A * v - B * np.logaddexp(0, v) - S * np.logaddexp(0, v + log_kappa)

    def slope(v: Array) -> Array:
        return A - B * special.expit(v) - S * special.expit(v + log_kappa)

    half, both = (B + S * kappa - A * (1 + kappa)) / 2, kappa * (B + S - A)
    root = np.sqrt(half * half + both * A)
    with np.errstate(divide="ignore", invalid="ignore"):
        top = np.log(np.where(half > 0, A / (half + root), (root - half) / both))
        last = np.log(tau)
        inner = top < last
    top = np.where(tau > 0, np.minimum(top, last), 0.0)
    peak, rise = height(top), np.maximum(slope(top), 0.0)
    p, q = special.expit(top), special.expit(top + log_kappa)
    bend = B * p * (1 - p) + S * q * (1 - q)
    reach = 2 * DEPTH / (rise + np.sqrt(rise * rise + 2 * DEPTH * bend))
    low, high = top - reach, top + np.sqrt(2 * DEPTH / bend)
    for _ in range(6):  # Newton on a concave function: from the second step on beyond the edge, never too near
        low = low - (height(low) - peak + DEPTH) / slope(low)
        high = high - (height(high) - peak + DEPTH) / slope(high)
    high = np.where(inner, np.minimum(high, np.where(tau > 0, last, 0.0)), top)
    nodes, weights = gauss(40)
    total = np.zeros_like(top)
    for node, weight in zip(nodes, weights, strict=True):
        for end in (low, high):
            width = np.abs(end - top)
            total += weight * width * np.exp(height(top + (end - top) * node) - peak)
    return np.where(tau > 0, np.exp(constant + peak) * total, 0.0).reshape(shape)


def survival_table(n_max: int, t: float, r: Any, alpha: Any, s: Any, beta: Any) -> Array:
    """P(X(t) ≥ n) for n = 0 … n_max on a last axis: a mixture of immortal customers over the time they have.

    That time is t for those who live on, else the time of death. The surer a count is at a given time, the more nodes:
    ``soon`` for the n-th purchase near the start, where Gauss's nodes are dense, ``late`` for one far from it.
    """
    arrays = np.broadcast_arrays(*(np.asarray(value, float) for value in (r, alpha, s, beta)))
    r, alpha, s, beta = (np.ravel(array) for array in arrays)
    result = np.ones((r.size, n_max + 1))
    small = np.minimum(alpha, beta)
    U = np.minimum(np.log1p(t / small), np.log1p(beta / small * np.expm1(np.minimum(DEPTH / s, 40.0))))
    soon, late = np.sqrt(U * r * small / alpha), U * np.sqrt(np.minimum(r, n_max))
    nodes = 24 + 3 * np.maximum(soon, late) + 8 * np.maximum(0.0, U - 3)
    tiers = np.ceil(2 * np.log2(nodes))
    for tier in np.unique(tiers):
        rows = np.flatnonzero(tiers == tier)
        columns = (column[rows, None] for column in (r, alpha, s, beta, small, U))
        result[rows, 1:] = _tails(n_max, t, *columns, order=int(2 ** (tier / 2)) if t > 0 else 0)
    return result.reshape(*arrays[0].shape, n_max + 1)


def _tails(
    n_max: int, t: float, r: Array, alpha: Array, s: Array, beta: Array, small: Array, U: Array, *, order: int
) -> Array:
    """P(X(t) ≥ n), n = 1 … n_max, by so many nodes between 0 and t."""
    n = np.arange(1.0, n_max)
    ways = np.cumsum(np.log((r + n - 1) / n), axis=-1)
    tails = np.zeros((r.size, n_max))  # backwards: P(X ≥ n_max), then P(X = n) from n_max − 1 to 1

    def add(time: Any, weight: Array) -> None:
        tails[:, :1] += weight * special.betainc(float(n_max), r, time / (alpha + time))
        exact = np.exp(ways + n * np.log(time / (alpha + time)) - r * np.log1p(time / alpha))
        tails[:, :0:-1] += weight * exact

    if order:
        add(t, np.exp(-s * np.log1p(t / beta)))
        for node, weight in zip(*gauss(order), strict=True):
            time = small * np.expm1(U * node)
            dies = s * (small + time) / (beta + time) * np.exp(-s * np.log1p(time / beta))
            add(time, weight * U * dies)
    return np.cumsum(tails, axis=-1)[:, ::-1]


def discounted(t: ArrayLike, r: Any, alpha: Any, s: Any, beta: Any, delta: ArrayLike) -> Array:
    """Expected discounted purchases r/α ∫₀ᵗ e^{−δy} (1 + y/β)^−s dy (Fader, Hardie & Lee 2005, JMR, for t → ∞)."""
    return np.where(
        np.asarray(delta) == 0, mean(t, r, alpha, s, beta), in_blocks(_discounted, t, r, alpha, s, beta, delta)
    )


def _discounted(t: Array, r: Array, alpha: Array, s: Array, beta: Array, delta: Array) -> Array:
    with np.errstate(divide="ignore"):
        end = np.minimum(t, DEPTH / delta)
        U = np.minimum(np.log1p(end / beta), DEPTH / np.maximum(s - 1, 0))
    total = np.zeros_like(U)
    for order, rows in ((48, U < 12), (96, U >= 12)):
        length, shape, pull = U[rows], s[rows], (delta * beta)[rows]
        for node, weight in zip(*gauss(order), strict=True):
            total[rows] += weight * np.exp((1 - shape) * length * node - pull * np.expm1(length * node))
    return np.asarray(r / alpha * beta * U * total)


def story(t: Array, r: Any, alpha: Any, s: Any, beta: Any, rng: np.random.Generator) -> tuple[Any, Any, Any]:
    """Purchases of each customer up to t or the end of life, after which of them that is, and until when they fall."""
    shape = np.broadcast_shapes(*(np.shape(value) for value in (t, r, alpha, s, beta)))
    rate = rng.gamma(r, size=shape) / alpha
    death = np.maximum(rng.gamma(s, size=shape), 1e-300) / beta
    until = np.minimum(t, rng.standard_exponential(shape) / death)
    bought = rng.poisson(rate * until)
    return bought, bought, until
