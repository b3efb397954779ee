"""What a new BG/BB customer (α, β, γ, δ) buys in t opportunities: a customer alive at T is one, updated."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clvmodels.errors import InputError
from clvmodels.models.arrays import Array


def whole(t: ArrayLike) -> NDArray[np.intp]:
    """Opportunities as whole numbers.

    Raises
    ------
    InputError
        When they are not.
    """
    t = np.asarray(t, float)
    wrong = (t < 0) | (t != np.floor(t))
    if np.any(wrong):
        raise InputError(
            f"BG/BB counts opportunities, which are whole numbers, and there are {np.ravel(t[wrong])[0]:g} of them. "
            "Count time in opportunities, or choose a family for continuous time."
        )
    return t.astype(np.intp)


def mean(t: ArrayLike, alpha: Any, beta: Any, gamma: Any, delta: Any) -> Array:
    """Expected purchases: α/(α+β) at every opportunity that is lived to see (Fader, Hardie & Shang 2010, eq. 8)."""
    return discounted(t, alpha, beta, gamma, delta, 0.0)


def discounted(t: ArrayLike, alpha: Any, beta: Any, gamma: Any, delta: Any, rate: ArrayLike) -> Array:
    """Expected purchases, the i-th opportunity counting e^{−rate i}."""
    t = whole(t)
    alpha, beta, gamma, delta, rate = (np.asarray(each, float) for each in (alpha, beta, gamma, delta, rate))
    lived = np.ones(np.broadcast_shapes(t.shape, gamma.shape, delta.shape, rate.shape))
    total = np.zeros(lived.shape)
    for i in range(int(t.max(initial=0))):
        lived = lived * ((delta + i) / (gamma + delta + i))
        total = total + np.where(i < t, lived * np.exp(-rate * (i + 1)), 0.0)
    return np.asarray(alpha / (alpha + beta) * total)


def some(t: Array, alpha: Any, beta: Any, gamma: Any, delta: Any) -> Array:
    """P(X(t) ≥ 1): the first purchase is at one of the opportunities."""
    return _first(t, alpha, beta, gamma, delta)[0]


def none(t: Array, alpha: Any, beta: Any, gamma: Any, delta: Any) -> Array:
    """P(X(t) = 0): no purchase until the customer leaves, or until t."""
    return _first(t, alpha, beta, gamma, delta)[1]


def _first(t: ArrayLike, alpha: Any, beta: Any, gamma: Any, delta: Any) -> tuple[Array, Array]:
    """Chances that a first purchase comes, and that none does; both sums of positive terms."""
    t = whole(t)
    alpha, beta, gamma, delta = (np.asarray(each, float) for each in (alpha, beta, gamma, delta))
    waiting = np.ones(np.broadcast_shapes(*(each.shape for each in (t, alpha, beta, gamma, delta))))
    bought, gone = np.zeros(waiting.shape), np.zeros(waiting.shape)
    for i in range(int(t.max(initial=0))):
        here = i < t
        gone = gone + np.where(here, waiting * (gamma / (gamma + delta + i)), 0.0)
        lived = waiting * ((delta + i) / (gamma + delta + i))
        bought = bought + np.where(here, lived * (alpha / (alpha + beta + i)), 0.0)
        waiting = np.where(here, lived * ((beta + i) / (alpha + beta + i)), waiting)
    return bought, gone + waiting


def survival(n: ArrayLike, t: ArrayLike, alpha: Any, beta: Any, gamma: Any, delta: Any) -> Array:
    """P(X(t) ≥ n), n ≥ 1."""
    return _picked(np.cumsum, n, t, alpha, beta, gamma, delta)


def pmf(n: ArrayLike, t: ArrayLike, alpha: Any, beta: Any, gamma: Any, delta: Any) -> Array:
    """P(X(t) = n), n ≥ 1."""
    return _picked(None, n, t, alpha, beta, gamma, delta)


def _picked(sums: Any, n: ArrayLike, t: ArrayLike, alpha: Any, beta: Any, gamma: Any, delta: Any) -> Array:
    """Entries of `counts`, or of its sums from above, for each distinct (t, α, β, γ, δ)."""
    n, t, *parameters = np.broadcast_arrays(*(np.asarray(each, float) for each in (n, t, alpha, beta, gamma, delta)))
    shape = n.shape
    rows = np.stack([np.ravel(each) for each in (t, *parameters)])
    distinct, place = np.unique(rows, axis=1, return_inverse=True)
    place, count = np.ravel(place), np.ravel(n)
    result = np.zeros(count.size)
    length = whole(distinct[0])
    for opportunities in np.unique(length):
        these = np.flatnonzero(length == opportunities)
        table = counts(int(opportunities), *distinct[1:, these])
        if sums is not None:
            table = sums(table[:, ::-1], axis=1)[:, ::-1]
        position = np.full(length.size, -1)
        position[these] = np.arange(these.size)
        wanted = np.flatnonzero((position[place] >= 0) & (count <= opportunities) & (count == np.floor(count)))
        result[wanted] = table[position[place[wanted]], count[wanted].astype(np.intp)]
    return result.reshape(shape)


def counts(t: int, alpha: Any, beta: Any, gamma: Any, delta: Any) -> Array:
    """P(X(t) = n) for n = 0 … t on a last axis: beta-binomial counts mixed over the opportunities that are lived.

    Pólya's urn draws the counts of one opportunity more from those of one less: every number is a sum of positive ones.
    """
    alpha, beta, gamma, delta = (np.asarray(each, float)[..., None] for each in (alpha, beta, gamma, delta))
    shape = np.broadcast_shapes(alpha.shape, beta.shape, gamma.shape, delta.shape)[:-1]
    n = np.arange(t + 1.0)
    urn = np.zeros((*shape, t + 1))
    urn[..., 0] = 1.0
    lived, total = np.ones((*shape, 1)), np.zeros((*shape, t + 1))
    for i in range(t):
        total += lived * (gamma / (gamma + delta + i)) * urn
        lived = lived * ((delta + i) / (gamma + delta + i))
        bought = urn * ((alpha + n) / (alpha + beta + i))
        urn = urn * (np.maximum(beta + i - n, 0.0) / (alpha + beta + i))
        urn[..., 1:] += bought[..., :-1]
    return np.asarray(total + lived * urn)


def survival_table(n_max: int, t: float, alpha: Any, beta: Any, gamma: Any, delta: Any) -> Array:
    """P(X(t) ≥ n) for n = 0 … n_max on a last axis."""
    exact = counts(int(whole(t)), alpha, beta, gamma, delta)
    tails = np.cumsum(exact[..., ::-1], axis=-1)[..., ::-1]
    result = np.zeros((*tails.shape[:-1], n_max + 1))
    most = min(n_max + 1, tails.shape[-1])
    result[..., :most] = tails[..., :most]
    result[..., 0] = 1.0
    return result


def story(t: Array, alpha: Any, beta: Any, gamma: Any, delta: Any, rng: np.random.Generator) -> tuple[Any, Any, Any]:
    """Purchases at the opportunities lived, the last that is seen; the chance to buy and the opportunities lived."""
    most = whole(t)
    shape = np.broadcast_shapes(*(np.shape(each) for each in (most, alpha, beta, gamma, delta)))
    chance, leaves = rng.beta(alpha, beta, size=shape), np.maximum(rng.beta(gamma, delta, size=shape), 1e-300)
    with np.errstate(divide="ignore"):  # leaves = 1: at once
        lived = np.floor(rng.standard_exponential(shape) / -np.log1p(-leaves))
    lived = np.minimum(lived, most).astype(np.int64)
    bought = rng.binomial(lived, chance)
    return bought, bought, (chance, lived)
