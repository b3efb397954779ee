"""Every metric with its limits, and every difference between model and rival with a verdict: a paired bootstrap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clvmodels.bootstrap import cell_codes, holm, limits, resampled_weights, simultaneous_limits, two_sided
from clvmodels.judging import Bench
from clvmodels.metrics import METRICS
from clvmodels.totals import THREADS

Array = NDArray[np.float64]

ALPHA = 0.05
"""Level of the adjusted tests, for all metrics and rivals of a quantity together."""


def compare(benches: Sequence[Bench], *, resamples: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables ``metrics`` and ``comparison`` of an evaluation.

    Each resample of customers counts in all benches, so that rows are paired between predictors, metrics and
    quantities. Customers alike in everything are one cell, and a resample is how often each cell was drawn.

    Parameters
    ----------
    benches
        One per quantity, of the same customers in the same order.
    resamples, seed
        Of the bootstrap.

    Returns
    -------
    (predictor, quantity, metric, value, lower, upper) with limits for each row by itself, and
    (quantity, metric, model, formula, difference, lower, upper, verdict) with limits for all rows at once, then
    p_value, p_holm and holm: each difference tested by itself, adjusted for all rows of its quantity, and what that
    says at 5 %.
    """
    cells = [cell_codes(bench.columns) for bench in benches]
    codes = [code for code, _ in cells]
    reduced = [bench.at(first) for bench, (_, first) in zip(benches, cells, strict=True)]

    def measure(weights: Sequence[Array]) -> Array:
        return np.concatenate([bench.measure(w) for bench, w in zip(reduced, weights, strict=True)])

    estimate = measure([np.bincount(code)[:, None].astype(float) for code in codes])[:, 0]
    blocks = resampled_weights(codes, resamples=resamples, seed=seed)
    found: list[Array] = []
    with ThreadPoolExecutor(THREADS) as threads:  # most of the work is done without Python
        while some := list(islice(blocks, THREADS)):
            found += threads.map(measure, some)
    resampled = np.concatenate(found, axis=1)

    rows = pd.DataFrame([row for bench in benches for row in bench.rows], columns=["predictor", "quantity", "metric"])
    models: dict[str, str] = {bench.quantity: bench.model for bench in benches}
    return _metrics(rows, estimate, resampled), _differences(rows, estimate, resampled, models)


def _metrics(rows: pd.DataFrame, estimate: Array, resampled: Array) -> pd.DataFrame:
    lower, upper = limits(estimate, resampled)
    floor = rows["metric"].map({name: metric.lowest for name, metric in METRICS.items()}).to_numpy(float)
    ceiling = rows["metric"].map({name: metric.highest for name, metric in METRICS.items()}).to_numpy(float)
    return rows.assign(value=estimate, lower=np.maximum(lower, floor), upper=np.minimum(upper, ceiling))


def _differences(rows: pd.DataFrame, estimate: Array, resampled: Array, models: Mapping[str, str]) -> pd.DataFrame:
    """One row per quantity × metric × rival, for the metrics that both have."""
    index = {key: i for i, key in enumerate(rows.itertuples(index=False, name=None))}
    pairs = [
        (quantity, metric, models[quantity], predictor, index[models[quantity], quantity, metric], i)
        for (predictor, quantity, metric), i in index.items()
        if predictor != models[quantity]
    ]
    pairs.sort(key=lambda pair: (list(models).index(pair[0]), list(METRICS).index(pair[1])))  # rivals stay in order
    table = pd.DataFrame([pair[:4] for pair in pairs], columns=["quantity", "metric", "model", "formula"])

    compared = np.array([METRICS[metric].compared(row) for metric, row in zip(rows["metric"], resampled, strict=True)])
    centre = np.array([METRICS[metric].compared(one) for metric, one in zip(rows["metric"], estimate, strict=True)])
    ours, theirs = np.array([pair[4:] for pair in pairs]).T
    difference = centre[ours] - centre[theirs]
    lower, upper = simultaneous_limits(difference, compared[ours] - compared[theirs])
    sign = np.array([METRICS[metric].sign for metric in table["metric"]])
    direction = sign * (np.where(lower > 0, 1, 0) - np.where(upper < 0, 1, 0))
    verdict = np.select([direction > 0, direction < 0], ["better", "worse"], "no evidence")
    p_value = two_sided(difference, compared[ours] - compared[theirs])
    p_holm = np.concatenate([holm(p_value[rows]) for rows in table.groupby("quantity", sort=False).indices.values()])
    ahead = np.where(p_holm <= ALPHA, sign * np.sign(difference), 0.0)
    adjusted = np.select([ahead > 0, ahead < 0], ["better", "worse"], "no evidence")
    return table.assign(
        difference=difference, lower=lower, upper=upper, verdict=verdict, p_value=p_value, p_holm=p_holm, holm=adjusted
    )
