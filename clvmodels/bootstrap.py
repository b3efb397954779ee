"""Resampling customers as weights, and the limits read from it: for one number, or for many at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]

LEVEL = 0.95
BLOCK_NUMBERS = 200_000
"""Cells × resamples held at once: a megabyte or two, which stay in the processor's cache."""


def cell_codes(columns: Sequence[Array]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Customers who are alike in every column are one cell: (cell of each customer, one customer of each cell).

    Exact for anything that depends on the columns alone, because the weights of identical customers add.

    Examples
    --------
    >>> codes, first = cell_codes([np.array([2.0, 1.0, 2.0])])
    >>> codes.tolist(), first.tolist()
    ([1, 0, 1], [1, 0])
    """
    order = np.lexsort([np.asarray(column) for column in columns])
    new = np.zeros(len(order), bool)
    new[:1] = True
    for column in columns:
        new[1:] |= np.diff(np.asarray(column)[order]) != 0
    codes = np.empty(len(order), np.intp)
    codes[order] = np.cumsum(new) - 1
    return codes, order[new]


def resampled_weights(codes: Sequence[NDArray[np.intp]], *, resamples: int, seed: int) -> Iterator[list[Array]]:
    """Multinomial resamples of the customers, counted by cell, in blocks.

    Parameters
    ----------
    codes
        For each table of cells, the cell of each customer. One draw of customers is counted in all of them, so that
        what is computed from different tables stays paired.
    resamples, seed
        How many, and from which seed.

    Yields
    ------
    For each table, counts of shape (cells, at most a block of resamples); each column sums to the number of customers,
    and lies together in memory.
    """
    rng = np.random.default_rng(seed)
    customers = len(codes[0])
    sizes = [int(code.max()) + 1 for code in codes]
    block = max(1, min(resamples, BLOCK_NUMBERS // max(sizes)))
    for first in range(0, resamples, block):
        width = min(block, resamples - first)
        weights = [np.empty((width, size)).T for size in sizes]
        for column in range(width):
            drawn = rng.integers(0, customers, customers)
            for weight, code, size in zip(weights, codes, sizes, strict=True):
                weight[:, column] = np.bincount(code[drawn], minlength=size)
        yield weights


def limits(estimate: Array, resampled: Array, *, level: float = LEVEL) -> tuple[Array, Array]:
    """Symmetric bootstrap limits of each row by itself: estimate ± the ``level`` quantile of |resampled − estimate|.

    Symmetric (Hall 1988) and not percentile limits, because metrics such as a Kolmogorov distance are larger in every
    resample than in the data: percentile limits would not contain the estimate.

    Parameters
    ----------
    estimate, resampled
        Shapes (rows,) and (rows, resamples).

    Returns
    -------
    Lower and upper limits, shape (rows,); NaN where the estimate, or more than 5 % of its resamples, do not exist.
    """
    error, usable = _errors(estimate, resampled)
    reach = np.full(len(estimate), np.nan)
    for row in np.flatnonzero(usable):
        reach[row] = _quantile(error[row][np.isfinite(error[row])], level)
    return estimate - reach, estimate + reach


def simultaneous_limits(estimate: Array, resampled: Array, *, level: float = LEVEL) -> tuple[Array, Array]:
    """Limits that hold for all rows at once with probability ``level``: the studentised maximum over the rows.

    Each row's error is divided by its root mean square over the resamples; one critical value, the ``level`` quantile
    of the largest of these, serves all rows. It adapts to how strongly the rows hang together; Bonferroni does not.

    Parameters and Returns as in ``limits``.
    """
    error, usable = _errors(estimate, resampled)
    scale = np.full(len(estimate), np.nan)
    for row in np.flatnonzero(usable):
        scale[row] = np.sqrt(np.nanmean(error[row] ** 2))
    varying = usable & (scale > 0)
    if not varying.any():
        return estimate - scale, estimate + scale
    largest = np.nan_to_num(error[varying] / scale[varying, None]).max(axis=0)
    reach = scale * _quantile(largest, level)
    return estimate - reach, estimate + reach


def two_sided(estimate: Array, resampled: Array) -> Array:
    """Two-sided p-value of each row against 0: the estimate in bootstrap standard errors, read off the normal curve.

    Counting resamples beyond the estimate could say nothing below 1 in their number, which an adjustment for a hundred
    comparisons multiplies away. NaN where there are no limits; 1 where nothing varies and nothing differs.
    """
    error, usable = _errors(estimate, resampled)
    result = np.full(len(estimate), np.nan)
    for row in np.flatnonzero(usable):
        spread = float(np.sqrt(np.nanmean(error[row] ** 2)))
        distance = abs(estimate[row])
        result[row] = special.erfc(distance / spread / np.sqrt(2)) if spread > 0 else float(distance == 0)
    return result


def holm(p_values: Array) -> Array:
    """Holm's adjusted p-values: those below 5 % are significant with all rows taken together; NaN is no test.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03, np.nan])).round(3).tolist()
    [0.03, 0.06, 0.06, nan]
    """
    tested = np.flatnonzero(np.isfinite(p_values))
    order = tested[np.argsort(p_values[tested], kind="stable")]
    factors = np.arange(tested.size, 0, -1)
    result = np.full(len(p_values), np.nan)
    result[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1.0)
    return result


def _errors(estimate: Array, resampled: Array) -> tuple[Array, NDArray[np.bool_]]:
    """|resampled − estimate|, and the rows that exist in all but 5 % of resamples.

    A ranking of customers of whom one or two bought does not exist where these are not drawn, and hardly varies where
    they are: it has no limits.
    """
    with np.errstate(invalid="ignore"):  # infinitely far off, in the data and in a resample
        error = np.abs(resampled - estimate[:, None])
    return error, np.isfinite(estimate) & (np.isfinite(error).mean(axis=1) >= LEVEL)


def _quantile(values: Array, level: float) -> float:
    """The (B + 1)·level-th of B ordered values, which makes a bootstrap of few resamples exact, not too narrow."""
    return float(np.quantile(values, level, method="weibull"))
