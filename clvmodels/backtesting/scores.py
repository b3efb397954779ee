"""Every metric at one cut-off, for the data and for resamples of the customers that all cut-offs share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clvmodels.bootstrap import cell_codes, resampled_weights
from clvmodels.judging import Bench
from clvmodels.metrics import METRICS, Metric

Array = NDArray[np.float64]

LOG_RATIO = "abs_log_total_ratio"
"""|log(predicted total / actual total)|: 10 % too high and 9 % too low are equally far off, and cannot cancel."""

JUDGED: dict[str, Metric] = {
    **METRICS,
    LOG_RATIO: Metric(LOG_RATIO, "lower", "mean", "totals", "|log(predicted total / actual total)|", lowest=0),
}
"""The metrics of a backtest: those of an evaluation, and one of totals that can be averaged over cut-offs."""

KEYS = ["quantity", "predictor", "metric"]


@dataclass(frozen=True, eq=False)
class Scores:
    """The rows of one cut-off: which they are, their values, and the same under each resample."""

    rows: pd.DataFrame
    """quantity, predictor, metric."""
    value: Array
    """(rows,)"""
    resampled: Array
    """(rows, resamples)"""


@dataclass(frozen=True, eq=False)
class Lottery:
    """Resamples of the customers of all cut-offs together: who is drawn twice counts twice wherever they appear."""

    customers: int
    """Of all cut-offs together."""
    place: NDArray[np.intp]
    """The place among them of each customer of this cut-off."""
    resamples: int
    seed: int


def score(benches: Sequence[Bench], lottery: Lottery) -> Scores:
    """All metrics of all predictors of one cut-off."""
    if not benches:
        return Scores(pd.DataFrame(columns=KEYS), np.empty(0), np.empty((0, lottery.resamples)))
    cells = [cell_codes(bench.columns) for bench in benches]
    reduced = [bench.at(first) for bench, (_, first) in zip(benches, cells, strict=True)]
    sizes = [len(first) for _, first in cells]

    def measure(weights: Sequence[Array]) -> Array:
        parts = zip(reduced, weights, sizes, strict=True)
        return np.concatenate([bench.measure(weight[:size]) for bench, weight, size in parts])

    estimate = measure([np.bincount(code)[:, None].astype(float) for code, _ in cells])
    elsewhere = []  # customers who are not at this cut-off are one more cell, which is not looked at
    for (code, _), size in zip(cells, sizes, strict=True):
        codes = np.full(lottery.customers, size, np.intp)
        codes[lottery.place] = code
        elsewhere.append(codes)
    blocks = resampled_weights(elsewhere, resamples=lottery.resamples, seed=lottery.seed)
    resampled = np.concatenate([estimate[:, :0], *(measure(weights) for weights in blocks)], axis=1)
    rows = pd.DataFrame([row for bench in benches for row in bench.rows], columns=["predictor", "quantity", "metric"])
    return _with_log_ratio(Scores(rows[KEYS], estimate[:, 0], resampled))


def _with_log_ratio(scores: Scores) -> Scores:
    """The same with a row of |log(1 + total_error)| below each predictor's total_error."""
    totals = np.flatnonzero(scores.rows["metric"] == "total_error")
    order = np.sort(np.concatenate([np.arange(len(scores.rows)), totals]), kind="stable")
    ours = np.flatnonzero(np.diff(order, prepend=-1) == 0)
    rows = scores.rows.iloc[order].reset_index(drop=True)
    rows.loc[ours, "metric"] = LOG_RATIO
    value, resampled = scores.value[order], scores.resampled[order]
    with np.errstate(divide="ignore", invalid="ignore"):
        value[ours], resampled[ours] = np.abs(np.log1p(value[ours])), np.abs(np.log1p(resampled[ours]))
    return Scores(rows, value, resampled)
