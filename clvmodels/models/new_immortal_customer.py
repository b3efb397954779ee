"""What a customer (r, α) who never leaves buys in t: a gamma mixture of Poisson counts, the negative binomial."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from clvmodels.models import new_customer
from clvmodels.models.arrays import Array
from clvmodels.models.new_customer import nbd_pmf, nbd_tail


def mean(t: ArrayLike, r: Any, alpha: Any) -> Array:
    """Expected purchases, r/α · t."""
    return np.asarray(r / alpha * np.asarray(t, float))


def some(t: Array, r: Any, alpha: Any) -> Array:
    """P(X(t) ≥ 1)."""
    return np.asarray(-np.expm1(-r * np.log1p(t / alpha)))


def none(t: Array, r: Any, alpha: Any) -> Array:
    """P(X(t) = 0)."""
    return np.asarray(np.exp(-r * np.log1p(t / alpha)))


def survival(n: Array, t: Array, r: Any, alpha: Any) -> Array:
    """P(X(t) ≥ n), n ≥ 1."""
    return nbd_tail(n, t, r, alpha)


def pmf(n: Array, t: Array, r: Any, alpha: Any) -> Array:
    """P(X(t) = n), n ≥ 1."""
    return nbd_pmf(n, t, r, alpha)


def survival_table(n_max: int, t: float, r: Any, alpha: Any) -> Array:
    """P(X(t) ≥ n) for n = 0 … n_max on a last axis: BG/NBD's for customers who stay after every purchase."""
    return new_customer.survival_table(n_max, t, r, alpha, 0.0, 1.0)


def discounted(t: ArrayLike, r: Any, alpha: Any, delta: ArrayLike) -> Array:
    """Expected discounted purchases, r/α · (1 − e^{−δt}) / δ."""
    t, delta = np.asarray(t, float), np.asarray(delta, float)
    return np.asarray(r / alpha * np.where(delta == 0, t, -np.expm1(-delta * t) / np.where(delta == 0, 1, delta)))


def story(t: Array, r: Any, alpha: Any, rng: np.random.Generator) -> tuple[Any, Any, Any]:
    """Purchases in t, after which of them the customer leaves (the last that is seen), and until when they fall."""
    shape = np.broadcast_shapes(*(np.shape(value) for value in (t, r, alpha)))
    bought = rng.poisson(rng.gamma(r, size=shape) / alpha * t)
    return bought, bought, t
