"""What a customer (r, α, a, b) of a clock with k ticks to a purchase buys in t, ``stage`` ticks after the last one.

Ticks are what purchases are in BG/NBD, a gamma mixture of Poisson counts; every k-th of them is a purchase, and after
each purchase there is the coin. The n-th purchase is tick k n − stage from here, so that P(N ≥ n) is closed.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from clvmodels.models import new_customer
from clvmodels.models.arrays import BLOCK, Array, in_blocks
from clvmodels.models.new_customer import log_stayed, nbd_pmf, nbd_tail, over_dropout
from clvmodels.models.race import gauss

LONGEST = 300
"""Purchases up to which their chances are added up one by one; beyond, an integral over the dropout probability."""

HALVES = 54
"""Powers of one half before they are below the last digit."""


def survival(n: ArrayLike, t: ArrayLike, r: Any, alpha: Any, a: Any, b: Any, k: int, stage: int) -> Array:
    """P(X(t) ≥ n), n ≥ 1: tick k n − stage comes before t, and the customer stays after the first n − 1 purchases."""
    return in_blocks(partial(_survival, k=k, stage=stage), n, t, r, alpha, a, b)


def _survival(n: Array, t: Array, r: Array, alpha: Array, a: Array, b: Array, *, k: int, stage: int) -> Array:
    return np.exp(log_stayed(n - 1, a, b)) * nbd_tail(k * n - stage, t, r, alpha)


def pmf(n: ArrayLike, t: ArrayLike, r: Any, alpha: Any, a: Any, b: Any, k: int, stage: int) -> Array:
    """P(X(t) = n), n ≥ 1: leave with the n-th purchase, or stay and see fewer than k ticks after it."""
    return in_blocks(partial(_pmf, k=k, stage=stage), n, t, r, alpha, a, b)


def _pmf(n: Array, t: Array, r: Array, alpha: Array, a: Array, b: Array, *, k: int, stage: int) -> Array:
    here, tick = a + b + n - 1, k * n - stage
    between = sum(nbd_pmf(tick + more, t, r, alpha) for more in range(k))
    last = a / here * nbd_tail(tick, t, r, alpha) + (b + n - 1) / here * between
    return np.asarray(np.exp(log_stayed(n - 1, a, b)) * last)


def none(t: Array, r: Any, alpha: Any, a: Any, b: Any, k: int, stage: int) -> Array:
    """P(X(t) = 0): fewer than k − stage ticks, Σ (r)_i / i! zⁱ (1 − z)ʳ."""
    ways = np.sum(few_ticks(k - stage, r, t / (alpha + t)), axis=0)
    return np.asarray(np.exp(np.log(ways) - r * np.log1p(t / alpha)))


def some(t: Array, r: Any, alpha: Any, a: Any, b: Any, k: int, stage: int) -> Array:
    """P(X(t) ≥ 1)."""
    return in_blocks(lambda *known: nbd_tail(np.full(known[0].shape, float(k - stage)), *known), t, r, alpha)


def few_ticks(most: int, r: Any, z: Any) -> list[Any]:
    """(r)_i / i! zⁱ for i = 0 … most − 1: how likely so few ticks are, but for a common factor. Also symbolic."""
    terms = [1.0 + 0.0 * (r * z)]
    for i in range(most - 1):
        terms.append(terms[-1] * ((r + i) / (i + 1.0) * z))
    return terms


def survival_table(n_max: int, t: ArrayLike, r: Any, alpha: Any, a: Any, b: Any, k: int, stage: int) -> Array:
    """P(X(t) ≥ n) for n = 0 … n_max on a last axis, by recurrence; every entry is a sum of positive terms."""
    t, r, alpha, a, b = (np.asarray(value, float)[..., None] for value in (t, r, alpha, a, b))
    end = k * n_max - stage
    tick, n = np.arange(1.0, end), np.arange(1.0, n_max)
    with np.errstate(divide="ignore"):  # t = 0
        log_ratio = np.log(t / (alpha + t) * (r + tick - 1) / tick)
    exact = np.exp(np.cumsum(log_ratio, axis=-1) - r * np.log1p(t / alpha))  # P(ticks = 1 … end − 1)
    beyond = nbd_tail(np.asarray(float(end)), t, r, alpha)
    beyond = np.broadcast_to(beyond, np.broadcast_shapes(beyond.shape, (*exact.shape[:-1], 1)))
    tail = np.cumsum(np.concatenate([beyond, exact[..., ::-1]], axis=-1), axis=-1)[..., ::-1]
    tail = tail[..., k - stage - 1 :: k]  # at least k n − stage ticks
    stays = np.cumprod((b + n - 1) / (a + b + n - 1), axis=-1)
    result = np.ones((*np.broadcast_shapes(tail.shape[:-1], stays.shape[:-1]), n_max + 1))
    result[..., 1:] = tail
    result[..., 2:] *= stays
    return result


def mean(t: ArrayLike, r: Any, alpha: Any, a: Any, b: Any, k: int, stage: int) -> Array:
    """Expected purchases Σ P(X(t) ≥ n): closed for one tick a purchase, else added up or by an integral."""
    if k == 1:
        return new_customer.mean(t, r, alpha, a, b)
    return in_blocks(partial(_mean, k=k, stage=stage), t, r, alpha, a, b)


def _mean(*arrays: Array, k: int, stage: int) -> Array:
    t, r, alpha, a, b = (np.ravel(array) for array in arrays)
    h = np.zeros(t.size)
    purchases = np.where(t > 0, (_last_tick(r, t / alpha, k - stage) + stage) / k, 0.0)
    tier = np.ceil(2 * np.log2(np.clip(purchases, 4, None)))
    direct = purchases <= LONGEST
    for size in np.unique(tier[direct & (t > 0)]):
        rows = np.flatnonzero(direct & (t > 0) & (tier == size))
        n_max = int(2 ** (size / 2)) + 1
        step = max(1, BLOCK // (k * n_max))
        for start in range(0, rows.size, step):
            part = rows[start : start + step]
            h[part] = _mean_by_ticks(n_max, t[part] / alpha[part], r[part], a[part], b[part], k, stage)
    far = np.flatnonzero(~direct)
    if far.size:
        h[far] = _mean_by_integral(t[far] / alpha[far], r[far], a[far], b[far], k, stage)
    return h.reshape(arrays[0].shape)


def _mean_by_ticks(n_max: int, tau: Array, r: Array, a: Array, b: Array, k: int, stage: int) -> Array:
    """Σ over ticks m of P(m) × the purchases expected of a customer who would make ⌊(m + stage)/k⌋ if she stayed."""
    tick, n = np.arange(1.0, k * (n_max + 1) - stage), np.arange(1.0, n_max)
    tau, r, a, b = (column[:, None] for column in (tau, r, a, b))
    chance = tau / (1 + tau) * (r + (tick - 1)) / tick  # over that of a tick less
    log_none = -r * np.log1p(tau)
    if log_none.min() > -600:
        chance[:, :1] *= np.exp(log_none)
        np.cumprod(chance, axis=-1, out=chance)
    else:  # none at all is too unlikely to be a number
        chance = np.exp(np.cumsum(np.log(chance), axis=-1) + log_none)
    bought = np.ones((tau.size, n_max))
    np.cumprod((b + (n - 1)) / (a + b + (n - 1)), axis=-1, out=bought[:, 1:])
    np.cumsum(bought, axis=-1, out=bought)
    return np.asarray(np.einsum("ijk,ij->i", chance[:, k - stage - 1 :].reshape(tau.size, n_max, k), bought))


def _last_tick(r: Array, tau: Array, first: int) -> Array:
    """A tick after which nothing matters: the chance to get there is e^-30 of that of being active, or less."""
    middle = r * tau
    far = np.maximum(first, middle + 6 * np.sqrt(middle * (1 + tau)))
    z = tau / (1 + tau)
    with np.errstate(divide="ignore"):
        ratio = np.maximum(z, z * (r + far) / (far + 1))
        return np.asarray(far + 30 / np.maximum(-np.log(ratio), 1e-12))


def _mean_by_integral(tau: Array, r: Array, a: Array, b: Array, k: int, stage: int) -> Array:
    """h = E[Σ q^{n−1} P(ticks ≥ k n − stage)] over the dropout probability p = 1 − q ~ Beta(a, b).

    The sum is (1 − E[q^⌊(ticks + stage)/k⌋]) / p, and q^⌊m/k⌋ a sum over the k-th roots ω of unity of c (q^{1/k} ω)^m:
    each of them gives a power of 1 + τ (1 − q^{1/k} ω). For q < ½ that would cancel, and few terms of the sum matter.
    """
    n = np.arange(1.0, HALVES + 1)
    tails = nbd_tail(k * n - stage, tau[:, None], r[:, None], 1.0)

    def bought(p: Array, rows: Any) -> Array:
        time, shape = tau[rows, None], r[rows, None]
        log_q = np.log1p(-np.minimum(p, 1 - 1e-16))
        each = log_q / k
        middle = -shape * np.log1p(-time * np.expm1(each))  # of ω = 1
        total = -np.expm1(stage * each + _log_growth(-log_q) - _log_growth(-each) + middle) / p
        scaled = np.exp(each)
        for root in np.exp(2j * np.pi * np.arange(1, k // 2 + 1) / k):
            z = scaled * root
            log_power = stage * np.log(z) - shape * np.log1p(time * (1 - z)) - log_q
            part = np.real(np.exp(log_power) / (1 - 1 / z)) / k
            total = total + (1 if np.isclose(root, -1) else 2) * part  # roots come in pairs
        few = np.zeros_like(total)
        for tail in tails[rows].T[::-1]:
            few = few * (1 - p) + tail[:, None]
        return np.asarray(np.where(p > 0.5, few, total))

    most = (r * tau + stage) / k
    return over_dropout(bought, most, np.maximum(r, 1) * tau, a, b)


def _log_growth(y: Array) -> Array:
    """log((eʸ − 1) / y)."""
    small = y < 1e-4
    safe = np.where(small, 1.0, y)
    return np.where(small, y / 2 + y * y / 24, np.log(np.expm1(safe) / safe))


def discounted(t: ArrayLike, r: Any, alpha: Any, a: Any, b: Any, k: int, stage: int, delta: ArrayLike) -> Array:
    """Expected discounted purchases d(t) = e^{−δt} h(t) + δ ∫₀ᵗ e^{−δs} h(s) ds, as in BG/NBD."""
    if k == 1:
        return new_customer.discounted(t, r, alpha, a, b, delta)
    t, r, alpha, a, b, delta = np.broadcast_arrays(*(np.asarray(value, float) for value in (t, r, alpha, a, b, delta)))
    total = np.asarray(np.exp(-delta * t) * mean(t, r, alpha, a, b, k, stage))
    due = alpha / np.maximum(1, r)
    L = np.log1p(t / due)
    order = np.where(delta * t > 0, _nodes(L, k), 0)
    for nodes in np.unique(order[order > 0]):
        here = order == nodes
        c, rate, length = due[here], delta[here], L[here]
        at, weight = gauss(int(nodes))
        s = c * np.expm1(np.multiply.outer(at, length))
        bought = mean(s, r[here], alpha[here], a[here], b[here], k, stage)
        total[here] += rate * length * (weight @ (np.exp(-rate * s) * (c + s) * bought))
    return total


def _nodes(L: Array, k: int) -> Array:
    """How many nodes the integral over time needs for 1e-10: h goes up in k steps for each purchase of the sure."""
    return np.select([L < 2, (L < 3.8) | (k < 3), (L < 5.3) | (k < 4), (L < 6.9) | (k < 6)], [12, 24, 48, 96], 192)


def story(
    t: Array, r: Any, alpha: Any, a: Any, b: Any, k: int, stage: Any, rng: np.random.Generator
) -> tuple[Any, Any, Any]:
    """Ticks in t, after which purchase the customer leaves, and until when ticks fall."""
    return new_customer.story(t, r, alpha, a, b, rng)
