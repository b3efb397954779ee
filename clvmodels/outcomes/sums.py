"""Sums of customers' means at many parameter values, and what the parameters' uncertainty makes of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, special

from clvmodels.fitting.draws import Draws
from clvmodels.models import Family
from clvmodels.models.arrays import Array
from clvmodels.models.base import PurchaseFamily
from clvmodels.models.spend import SpendFamily
from clvmodels.outcomes.counts import PurchaseOutcomes
from clvmodels.outcomes.survival import ELEMENTS

STEP = 1e-3
"""Of central differences in log parameters: an error of 1e-6, while formulas hold 1e-10 of noise / 1e-3."""
NODES, MANY_NODES, WIDE = 32, 96, 0.5
"""Draws at which sums are computed (more when a log parameter's standard deviation is above the last number); at all
others they follow from a quadratic in the log parameters."""
FARTHEST = 4.0
"""Standard deviations beyond which that quadratic is not asked."""

Sums = Callable[[Family], Array]
"""Sums by group at every draw of a family: shape (draws, quantities, groups)."""


def purchase_sums(
    outcomes: PurchaseOutcomes, delta: float, group: NDArray[np.intp], n_groups: int, worth: Array | None
) -> Sums:
    """Expected purchases and, where a purchase has a worth, value and discounted value, by group."""
    place, size = outcomes.distinct.place, (outcomes.distinct.x.size, n_groups)
    count = sparse.csr_array((np.ones(place.size), (place, group)), shape=size)
    money = None if worth is None else sparse.csr_array((worth, (place, group)), shape=size)

    def sums(model: Family) -> Array:
        assert isinstance(model, PurchaseFamily)
        total = np.zeros((1 if money is None else 3, n_groups, model.n_draws))
        alive = [outcomes.expected_alive]
        if money is not None:
            alive.append(outcomes.discounted_alive(delta))
        for rows, values in outcomes.distinct.futures(model, *alive):
            total[0] += count[rows].T @ values[0].T
            if money is not None:
                for quantity, value in zip((1, 2), values, strict=True):
                    total[quantity] += money[rows].T @ value.T
        return np.moveaxis(total, -1, 0)

    return sums


def spend_sums(x: Array, m: Array, group: NDArray[np.intp], n_groups: int, bought: list[Array]) -> Sums:
    """Expected spend times each of ``bought``, by group."""
    seen, place = np.unique(np.stack([x, np.where(x > 0, m, 0.0)]), axis=1, return_inverse=True)
    size = (seen.shape[1], n_groups)
    weights = [sparse.csr_array((amount, (place.ravel(), group)), shape=size) for amount in bought]

    def sums(model: Family) -> Array:
        assert isinstance(model, SpendFamily)
        total = np.zeros((len(bought), n_groups, model.n_draws))
        step = max(1, ELEMENTS // model.n_draws)
        for start in range(0, size[0], step):
            rows = slice(start, start + step)
            spend = model.expected_spend(*seen[:, rows])
            for one, weight in zip(total, weights, strict=True):
                one += np.asarray(weight[rows].T @ spend.T)
        return np.moveaxis(total, -1, 0)

    return sums


def propagated(model: Family, covariance: Array, sums: Sums) -> Array:
    """Variance of each sum, shape (quantities, groups), from the covariance of the log parameters (delta method)."""
    k = len(covariance)
    steps = STEP * np.concatenate([np.eye(k), -np.eye(k)])
    values = sums(model.at(model.log_vector + steps))
    gradient = (values[:k] - values[k:]) / (2 * STEP)
    return np.asarray(np.einsum("itg,ij,jtg->tg", gradient, covariance, gradient))


def factors(posterior: Draws, n: int, sums: Sums, *, seed: int) -> Array:
    """Each sum at ``n`` draws of a posterior, over its mean: shape (n, quantities, groups).

    The logarithm of a sum is close to a quadratic in the log parameters: it is fitted at a few draws. On logs of 100
    customers that is good to 0.5 % of a sum at the draws between the 2 % and 98 % quantile.
    """
    logs = posterior.resample(n, seed=seed).log_vector
    mean, covariance = posterior.weights @ posterior.log_parameters, posterior.covariance
    root = np.linalg.cholesky(covariance + 1e-12 * np.diag(np.diag(covariance)))

    def features(values: Array) -> Array:
        at = np.linalg.solve(root, (values - mean).T).T
        far = np.maximum(np.linalg.norm(at, axis=1, keepdims=True) / FARTHEST, 1.0)
        at = at / far
        squares = [at[:, i] * at[:, j] for i in range(at.shape[1]) for j in range(i + 1)]
        return np.column_stack([np.ones(len(at)), at, *squares])

    wide = np.max(np.diag(covariance)) > WIDE**2
    nodes = posterior.resample(MANY_NODES if wide else NODES, seed=seed)
    values = sums(nodes)
    logarithms = np.log(np.maximum(values, 1e-300)).reshape(len(values), -1)
    coefficients = np.linalg.lstsq(features(nodes.log_vector), logarithms, rcond=None)[0]
    result = np.exp(features(logs) @ coefficients - logarithms.mean(axis=0)).reshape(n, *values.shape[1:])
    return np.asarray(result / result.mean(axis=0))


def mixture_limits(mean: Array, variance: Array, level: float) -> tuple[Array, Array]:
    """Limits of an equal mixture of log-normals with these means and variances, shape (components, groups).

    Examples
    --------
    >>> [limit.round(1).tolist() for limit in mixture_limits(np.array([[90.0], [110.0]]), np.full((2, 1), 25.0), 0.90)]
    [[83.7], [116.5]]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(np.log1p(np.where(mean > 0, variance / mean**2, 0.0)))
        middle = np.log(np.maximum(mean, 1e-300)) - spread**2 / 2
    spread = np.maximum(spread, 1e-9)
    ends = []
    for p in ((1 - level) / 2, (1 + level) / 2):
        low, high = (middle - 9 * spread).min(axis=0), (middle + 9 * spread).max(axis=0)
        for _ in range(50):
            half = (low + high) / 2
            below = special.ndtr((half - middle) / spread).mean(axis=0) < p
            low, high = np.where(below, half, low), np.where(below, high, half)
        ends.append(np.where(mean.max(axis=0) > 0, np.exp((low + high) / 2), 0.0))
    return ends[0], ends[1]
