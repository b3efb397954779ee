"""How sure the totals are: parameters by the delta method, chance from the outcomes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from clvmodels.fitting.result import Fit
from clvmodels.models import PurchaseFamily
from clvmodels.outcomes import PurchaseOutcomes
from clvmodels.prediction import Predictions
from clvmodels.tables.base import Array


def parameter_variance(fit: Fit, quantity: Callable[[Any], Array]) -> Array:
    """Variance of ``quantity(model)`` from the uncertainty of the parameters: delta method on log parameters.

    Parameters
    ----------
    fit
        Its covariance is of the log parameters.
    quantity
        Numbers computed from a model, shape (k,).
    """
    center, covariance = fit.model.log_vector, np.asarray(fit.covariance, float)
    values, vectors = np.linalg.eigh(covariance)
    total: Array | None = None
    for value, vector in zip(np.maximum(values, 0.0), vectors.T, strict=True):
        step = 0.1 * np.sqrt(value) * vector  # a tenth of a standard deviation along each axis of the ellipsoid
        up, down = (quantity(fit.model.from_log(center + sign * step)) for sign in (1, -1))
        square = ((up - down) / 0.2) ** 2
        total = square if total is None else total + square
    return np.asarray(total)


def path(forecast: Predictions, t: Array) -> tuple[Array, Array]:
    """Expected purchases of all customers in (0, t], and the standard deviation of their number, at the last t 1."""
    patterns = forecast.summary.patterns
    data, n = (patterns.x, patterns.t_x, patterns.T), patterns.n.astype(float)
    knots = np.unique(np.round(np.linspace(0, len(t) - 1, min(len(t), 7)))).astype(int)

    def total(model: PurchaseFamily, at: Array = t[knots]) -> Array:
        return np.array([model.expected_purchases(s, *data) @ n for s in at])

    model = forecast.purchases.model
    chance = np.array([PurchaseOutcomes(model, s, *data).variance @ n for s in t[knots]])
    sd = np.sqrt(chance + parameter_variance(forecast.purchases, total))
    return total(model, t), np.interp(t, np.append(0.0, t[knots]), np.append(0.0, sd / sd[-1]))
