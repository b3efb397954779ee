"""Weights of a mixture that would have had the best CRPS."""

from __future__ import annotations

import numpy as np
from scipy import optimize

from clvmodels.models.arrays import Array

LEAST = 0.02
"""Members with less weight than this are left out."""
ALIKE = 1e-5
"""Members whose distributions differ by less than this share of their CRPS are one, and the first of them stays."""


def best_weights(products: Array) -> Array:
    """Weights ≥ 0 with sum 1 that minimise wᵀ A w, those below 2 % left out: shape (members,).

    The mixture's CRPS is a quadratic form in its weights, so that the best ones are found at once and for certain: the
    non-negative w that minimises ½ wᵀ A w − 1ᵀ w, scaled to sum 1. Of members that say the same the first counts.

    Examples
    --------
    >>> best_weights(np.array([[1.0, 0.5], [0.5, 2.0]])).round(2).tolist()
    [0.75, 0.25]
    """
    own = np.diag(products)
    apart = own[:, None] + own - 2 * products > ALIKE * own.min()
    kept = np.array([apart[place, :place].all() for place in range(len(own))])
    weights = np.zeros(len(own))
    weights[kept] = _least(products[np.ix_(kept, kept)])
    kept = weights >= LEAST
    weights[:] = 0.0
    weights[kept] = _least(products[np.ix_(kept, kept)])
    return weights


def _least(products: Array) -> Array:
    scale = np.diag(products).min()
    ridged = products / scale + 1e-6 * np.eye(len(products))
    root = np.linalg.cholesky(ridged)
    weights, _ = optimize.nnls(root.T, np.linalg.solve(root, np.ones(len(products))))
    return np.asarray(weights / weights.sum())
