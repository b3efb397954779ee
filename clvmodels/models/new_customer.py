"""What a new BG/NBD customer (r, α, a, b) buys in t: a customer alive at T is one with updated parameters."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from clvmodels.models.arrays import BLOCK, Array, in_blocks, log_rising, stirling_rest

TERMS = 256
"""Terms of the series before the integral is cheaper."""
LONG, ORDERS = (2.0, 3.5, 4.5, 5.5, 8.0), (12, 16, 20, 24, 32, 48)
"""Nodes of the discounting integral: so many up to the logarithms above, and the last number beyond."""


def survival(n: ArrayLike, t: ArrayLike, r: ArrayLike, alpha: ArrayLike, a: ArrayLike, b: ArrayLike) -> Array:
    """P(X(t) ≥ n), n ≥ 1: buy n times in the NBD, and stay after the first n − 1."""
    return in_blocks(_survival, n, t, r, alpha, a, b)


def _survival(n: Array, t: Array, r: Array, alpha: Array, a: Array, b: Array) -> Array:
    return np.exp(log_stayed(n - 1, a, b)) * nbd_tail(n, t, r, alpha)


def pmf(n: ArrayLike, t: ArrayLike, r: ArrayLike, alpha: ArrayLike, a: ArrayLike, b: ArrayLike) -> Array:
    """P(X(t) = n), n ≥ 1: stay after n − 1 purchases, then leave with the n-th or stay and buy no more.

    Both terms are positive (Fader, Hardie & Lee 2005, eq. 8, with its 1 − Σ as a tail): no digit is lost, as there
    would be in a difference of two survival probabilities.
    """
    return in_blocks(_pmf, n, t, r, alpha, a, b)


def _pmf(n: Array, t: Array, r: Array, alpha: Array, a: Array, b: Array) -> Array:
    here = a + b + n - 1
    last = a / here * nbd_tail(n, t, r, alpha) + (b + n - 1) / here * nbd_pmf(n, t, r, alpha)
    return np.asarray(np.exp(log_stayed(n - 1, a, b)) * last)


def log_stayed(n: Array, a: Any, b: Any) -> Array:
    """log of the probability of staying after each of the first n purchases, B(a, b + n) / B(a, b)."""
    few, many = np.minimum(n, a), np.maximum(n, a)  # symmetric in n and a: the short way loses fewer digits
    return log_rising(b, few) - log_rising(b + many, few)


def nbd_pmf(n: Array, t: Array, r: Any, alpha: Any) -> Array:
    """P(n purchases in t) of a Gamma-Poisson customer who never leaves, n ≥ 1.

    In Loader's saddle-point form (2000, Fast and Accurate Computation of Binomial Probabilities): the deviance from the
    mean is small where the probability is not, while the logarithms of its factors lose eight digits at n = 10⁶.
    """
    z, rest, total = t / (alpha + t), alpha / (alpha + t), r + n
    off = r * z - n * rest
    with np.errstate(divide="ignore"):  # t = 0
        deviance = r * _log_ratio(r, total * rest, off) + n * _log_ratio(n, total * z, -off)
    gamma = stirling_rest(total) - stirling_rest(r) - stirling_rest(n)
    return np.asarray(np.sqrt(r / (2 * np.pi * n * total)) * np.exp(gamma - deviance))


def _log_ratio(value: Array, mean: Array, difference: Array) -> Array:
    """log(value / mean), by their difference where they are close."""
    close = np.abs(difference) < 0.5 * mean
    return np.where(close, np.log1p(np.where(close, difference, 0) / np.where(close, mean, 1)), np.log(value / mean))


def nbd_tail(n: Array, t: Array, r: Any, alpha: Any) -> Array:
    """P(n or more purchases in t) of a Gamma-Poisson customer who never leaves; n ≥ 1."""
    z = t / (alpha + t)
    tail = np.asarray(special.betainc(n, r, z))
    tiny = (tail < 1e-250) & (np.asarray(z) > 0)  # there SciPy runs out of exponents and loses digits
    if tiny.any():
        n, t, r, alpha, z = (np.broadcast_to(value, tail.shape)[tiny] for value in (n, t, r, alpha, z))
        tail[tiny] = nbd_pmf(n, t, r, alpha) * _tail_over_pmf(n, r, z)
    return tail


def _tail_over_pmf(n: Array, r: Array, z: Array) -> Array:
    """Σ_{k ≥ n} P(k) / P(n), far above the mean, where the ratios z (r + k) / (k + 1) are below 1."""
    total, term, k = np.ones_like(z), np.ones_like(z), n.copy()
    while np.any(term > 1e-16 * total):
        term = term * z * (r + k) / (k + 1)
        total, k = total + term, k + 1
    return total


def none(t: Array, r: Any, alpha: Any, a: Any, b: Any) -> Array:
    """P(X(t) = 0): nobody leaves before a purchase."""
    return np.asarray(np.exp(-r * np.log1p(t / alpha)))


def some(t: Array, r: Any, alpha: Any, a: Any, b: Any) -> Array:
    """P(X(t) ≥ 1)."""
    return np.asarray(-np.expm1(-r * np.log1p(t / alpha)))


def survival_table(n_max: int, t: float, r: Any, alpha: Any, a: Any, b: Any) -> Array:
    """P(X(t) ≥ n) for n = 0 … n_max on a last axis; every entry is a sum of positive terms.

    What r and b alone say is worked out once for all, where they are alike.
    """
    r, alpha, a, b = (np.asarray(value, float)[..., None] for value in (r, alpha, a, b))
    n = np.arange(1.0, n_max)
    ways = np.cumsum(np.log((r + n - 1) / n), axis=-1)
    stays = np.cumprod((b + n - 1) / (a + b + n - 1), axis=-1)  # after the first 1 … n_max − 1 purchases
    beyond = nbd_tail(np.asarray(float(n_max)), np.asarray(t, float), r, alpha)
    result = np.ones((*beyond.shape[:-1], n_max + 1))
    backwards = result[..., :0:-1]  # P(NBD ≥ n_max), then P(NBD = n) from n_max − 1 to 1
    backwards[..., :1] = beyond
    exact = backwards[..., :0:-1]
    np.multiply(n, np.log(t / (alpha + t)), out=exact)
    exact += ways
    exact -= r * np.log1p(t / alpha)
    np.exp(exact, out=exact)
    np.cumsum(backwards, axis=-1, out=backwards)
    result[..., 2:] *= stays
    return result


def mean(t: ArrayLike, r: ArrayLike, alpha: ArrayLike, a: ArrayLike, b: ArrayLike) -> Array:
    """Expected purchases h(t) (Fader, Hardie & Lee 2005, eq. 9; updated it is their eq. 10).

    By series, and by an integral where the series would lose digits or be long.
    """
    return in_blocks(_mean, t, r, alpha, a, b)


def _mean(*arrays: Array) -> Array:
    t, r, alpha, a, b = (np.ravel(array) for array in arrays)
    h, safe = _mean_by_series(t, r, alpha, a, b)
    if not np.all(safe):
        h[~safe] = _mean_by_integral(t[~safe] / alpha[~safe], r[~safe], a[~safe], b[~safe])
    return h.reshape(arrays[0].shape)


def _mean_by_series(t: Array, r: Array, alpha: Array, a: Array, b: Array) -> tuple[Array, Any]:
    """h(t) by the textbook's 2F1 after Euler's transformation, and where it can be trusted.

    With z = t/(α+t), L = log1p(t/α), ε = a − 1, C = a + b − 1, B = C − r:

        h = C (1 − e^{−εL})/ε − e^{−εL} Σ_{n≥1} (B)_n (a)_{n−1} / ((C+1)_{n−1} n!) zⁿ

    a = 1 and a + b = 1 are nothing special here, and no power of x is left to overflow. The two parts cancel when r or
    a + b is large: digits are lost in proportion to their size.
    """
    z, L = t / (alpha + t), np.log1p(t / alpha)
    eps, C = a - 1, a + b - 1
    B = C - r
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        lead = C * np.where(eps == 0, L, -np.expm1(-eps * L) / np.where(eps == 0, 1, eps))
        fade = np.exp(-eps * L)
        sum_ = B * z
        largest = np.abs(sum_)
        active = np.arange(t.size)
        # What is still summed, compressed as it ends and changed in place; B, a and C are those of the next ratio. What
        # ends before a third has ended gets a term of 0, which adds nothing: compressing costs as much as six terms.
        rows = np.stack([B + 1, a, C + 1, z, lead, fade, sum_, largest, sum_])
        n = 1
        while active.size and n < TERMS:
            Bn, an, Cn, zk, leadk, fadek, sumk, largestk, term = rows
            ratio, size = np.empty((2, active.size))
            for _ in range(6):
                np.multiply(Bn, an, out=ratio)
                np.multiply(Cn, n + 1, out=size)
                ratio /= size
                ratio *= zk
                term *= ratio
                sumk += term
                np.maximum(largestk, np.abs(term, out=size), out=largestk)
                n += 1
                rows[:3] += 1
            rate = np.maximum(np.abs(ratio), zk)  # the ratios tend to z: what is left is below a geometric series
            ended = size * fadek <= 1e-14 * (1 - rate) * np.abs(leadk - fadek * sumk)
            ended |= ~np.isfinite(term) | (term == 0)
            term[ended] = 0
            if np.count_nonzero(ended) > active.size / 3 or n >= TERMS:
                sum_[active], largest[active] = sumk, largestk
                going = np.flatnonzero(~ended)
                active, rows = active[going], rows.take(going, axis=1)  # which keeps each row in one piece
        h = lead - fade * sum_
        safe = (np.abs(lead) + fade * largest) * 4e-16 <= 1e-11 * np.abs(h)
        safe &= np.isfinite(h) & (fade > 0)
    safe[active] = False
    return h, safe | (t == 0)


def _mean_by_integral(tau: Array, r: Array, a: Array, b: Array) -> Array:
    """h = E[(1 − (1 + pτ)^{−r}) / p] over the dropout probability p ~ Beta(a, b), τ = t/α: nothing negative."""

    def bought(p: Array, rows: Any) -> Array:
        return np.asarray(-np.expm1(-r[rows, None] * np.log1p(p * tau[rows, None])) / p)

    return over_dropout(bought, r * tau, np.maximum(r, 1) * tau, a, b)


def over_dropout(bought: Callable[[Array, Any], Array], most: Array, sharp: Array, a: Array, b: Array) -> Array:
    """E[bought(p)] over the dropout probability p ~ Beta(a, b), of something positive that falls in p.

    ``bought`` takes p of shape (rows, nodes) and the rows; ``most`` is its value at p = 0, or more, and ``sharp`` a
    number that 1/p has to be far above for it to be constant.

    The trapezoidal rule in the log odds of p, counted from those of the mean a/(a+b): the integrand is analytic in a
    strip of half-width π/2, so the error falls exponentially with the step. It is its own normalisation: the weights'
    sum stands below, so that a + b = 10⁷ costs no digit. In the far tails everything is a geometric series.
    """
    depth, fine = 40.0, 40.0  # logarithms of what is neglected: beyond the ends, and between the nodes
    p0, kappa, log_odds = a / (a + b), a * b / (a + b), np.log(a) - np.log(b)
    with np.errstate(under="ignore", over="ignore"):
        fall = np.log(most / bought(p0[:, None], slice(None))[:, 0])  # the integrand is larger at p = 0 than at p0
        flat = 36 + np.log(np.maximum(sharp, a + b))  # e^-flat: from here on the tail is geometric
        low = np.maximum(_edge(-1, depth + fall, a, b), -flat - log_odds)
        high = np.minimum(_edge(1, depth, a, b), 36 + np.log(a + b + 1) - log_odds)
        step = np.where(
            kappa < 0.8 * fine, np.pi**2 / (fine + kappa * np.pi**2 / 8), np.pi * np.sqrt(2 / (fine * kappa))
        )
        count = np.ceil((high - low) / step).astype(int) + 1
        h = np.empty_like(a)
        order = np.argsort(-count)
        start = 0
        while start < order.size:
            nodes = count[order[start]]
            part = order[start : start + max(1, BLOCK // nodes)]
            start += part.size
            step = ((high - low)[part] / (nodes - 1))[:, None]
            shift = low[part, None] + step * np.arange(nodes)
            at = p0[part, None] * np.expm1(shift)
            weight = np.exp(a[part, None] * shift - (a + b)[part, None] * np.log1p(at))
            weight[:, 0] /= -np.expm1(-a[part] * step[:, 0])
            weight[:, -1] /= -np.expm1(-b[part] * step[:, 0])
            p = p0[part, None] * np.exp(shift) / (1 + at)
            h[part] = (weight * bought(p, part)).sum(axis=1) / weight.sum(axis=1)
    return h


def _edge(sign: int, depth: Array | float, a: Array, b: Array) -> Array:
    """Shift of the log odds, to one side, at which the Beta(a, b) density has fallen by e^-depth.

    Newton on a concave function: every step after the first lands on the far side, so the edge is never too near.
    """
    log_odds = np.log(a) - np.log(b)
    log_p0, log_q0 = special.log_expit(log_odds), special.log_expit(-log_odds)
    shift = sign * np.sqrt(2 * depth * (1 / a + 1 / b))
    for _ in range(6):
        p = special.expit(log_odds + shift)
        density = a * (special.log_expit(log_odds + shift) - log_p0) + b * (
            special.log_expit(-log_odds - shift) - log_q0
        )
        shift = shift - (density + depth) / (a * special.expit(-log_odds - shift) - b * p)
    return shift


def discounted(t: ArrayLike, r: ArrayLike, alpha: ArrayLike, a: ArrayLike, b: ArrayLike, delta: ArrayLike) -> Array:
    """Expected discounted purchases d(t) = e^{−δt} h(t) + δ ∫₀ᵗ e^{−δs} h(s) ds.

    Gauss–Legendre in u, s = c (e^{uL} − 1) with c = α / max(1, r) and L = log1p(t/c): c is the time in which a purchase
    is due, and h changes its course once in a factor of c, so L says how many nodes are needed (to 1e-11 at δt = 5).
    """
    t, r, alpha, a, b, delta = np.broadcast_arrays(*(np.asarray(value, float) for value in (t, r, alpha, a, b, delta)))
    total = np.asarray(np.exp(-delta * t) * mean(t, r, alpha, a, b))
    due = alpha / np.maximum(1, r)
    L = np.log1p(t / due)
    tier = np.where(delta > 0, np.digitize(L, LONG), -1)
    for place in np.unique(tier[tier >= 0]):
        here = tier == place
        nodes, weights = _gauss(ORDERS[place])
        c, rate, length = due[here], delta[here], L[here]
        s = c * np.expm1(np.multiply.outer((nodes + 1) / 2, length))
        inside = np.exp(-rate * s) * (c + s) * mean(s, r[here], alpha[here], a[here], b[here])
        total[here] += rate * length * (weights / 2 @ inside)
    return total


@cache
def _gauss(order: int) -> tuple[Array, Array]:
    """Nodes and weights on [−1, 1]: an eigenvalue problem each time they are asked for."""
    return np.polynomial.legendre.leggauss(order)


def story(t: Array, r: Any, alpha: Any, a: Any, b: Any, rng: np.random.Generator) -> tuple[Any, Any, Any]:
    """Purchases an immortal customer would make in t, after which of them this one leaves, and until when they fall."""
    shape = np.broadcast_shapes(*(np.shape(value) for value in (t, r, alpha, a, b)))
    rate = rng.gamma(r, size=shape) / alpha
    dropout = np.maximum(rng.beta(a, b, size=shape), 1e-300)
    wanted = rng.poisson(rate * t)
    with np.errstate(divide="ignore"):  # dropout = 1: leaves after the first
        last = np.ceil(rng.standard_exponential(shape) / -np.log1p(-dropout))
    return wanted, np.clip(last, 1, 2.0**62).astype(np.int64), t
