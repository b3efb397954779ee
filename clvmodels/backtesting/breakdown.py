"""Where the errors are: by time since the cut-off, frequency class, cohort, and for one-time buyers apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clvmodels.backtesting.rounds import Round
from clvmodels.judging import Bench

Array = NDArray[np.float64]

CLASSES = ((0, 0), (1, 1), (2, 2), (3, 3), (4, 6), (7, 12), (13, None))
"""Repeat purchases up to the cut-off, from – to."""
MOST_COHORTS = 12
"""Cohorts are months of the first purchase, or quarters, or years, so that there are no more than these."""


def by_horizon(rounds: Sequence[Round]) -> pd.DataFrame:
    """Running totals: predicted and actual up to several days after each cut-off."""
    tables = [one.running.assign(cutoff=one.cutoff) for one in rounds]
    table = pd.concat(tables, ignore_index=True)
    table["total_error"] = _error(table["predicted"], table["actual"])
    return table[["cutoff", "quantity", "predictor", "days", "predicted", "actual", "total_error"]]


def by_frequency(rounds: Sequence[Round]) -> pd.DataFrame:
    """Totals and errors by the number of repeat purchases up to the cut-off."""

    def classes(one: Round) -> pd.Series:
        x = one.calibration.frame["frequency"].to_numpy()
        code = np.searchsorted([low for low, _ in CLASSES], x, side="right") - 1
        names = np.array([_class(low, high) for low, high in CLASSES])
        return pd.Series(pd.Categorical(names[code], categories=names, ordered=True))

    return _grouped(rounds, "frequency", [classes(one) for one in rounds])


def by_cohort(rounds: Sequence[Round]) -> pd.DataFrame:
    """Totals and errors by the month, quarter or year of the first purchase."""
    firsts = [one.calibration.frame["first_purchase"] for one in rounds]
    every = pd.concat(firsts, ignore_index=True)
    kind = next((k for k in ("M", "Q") if every.dt.to_period(k).nunique() <= MOST_COHORTS), "Y")
    return _grouped(rounds, "cohort", [first.dt.to_period(kind).astype(str) for first in firsts])


def one_time(rounds: Sequence[Round]) -> pd.DataFrame:
    """Every metric among those who had bought once; and, where the predictor says so, the share that comes back."""
    rows = []
    for one in rounds:
        once = np.flatnonzero(one.calibration.frame["frequency"].to_numpy() == 0)
        if not once.size:
            continue
        for bench in one.benches:
            some = bench.at(once)
            value = some.measure(np.ones((once.size, 1)))[:, 0]
            rows += [
                (one.cutoff, quantity, predictor, metric, number)
                for (predictor, quantity, metric), number in zip(some.rows, value, strict=True)
            ]
            if bench.quantity == "purchases":
                back = float((some.actual > 0).mean())
                for name, chance in one.active.items():
                    rows.append((one.cutoff, "purchases", name, "p_active", float(chance[once].mean())))
                rows.append((one.cutoff, "purchases", "actual", "p_active", back))
    return pd.DataFrame(rows, columns=["cutoff", "quantity", "predictor", "metric", "value"])


def _class(low: int, high: int | None) -> str:
    return f"{low}+" if high is None else str(low) if low == high else f"{low}–{high}"


def _grouped(rounds: Sequence[Round], name: str, labels: Sequence[pd.Series]) -> pd.DataFrame:
    tables = []
    for one, label in zip(rounds, labels, strict=True):
        codes, groups = pd.factorize(label, sort=True)
        tables += [_sums(bench, codes, list(groups), name).assign(cutoff=one.cutoff) for bench in one.benches]
    table = pd.concat(tables, ignore_index=True)
    table["total_error"] = _error(table["predicted"], table["actual"])
    front = ["cutoff", "quantity", "predictor", name, "customers", "predicted", "actual", "total_error"]
    return table[[*front, "mae", "rmse", "crps"]]


def _sums(bench: Bench, codes: NDArray[np.intp], groups: list[object], name: str) -> pd.DataFrame:
    """One quantity's predictors by group."""
    size = np.bincount(codes, minlength=len(groups)).astype(float)

    def total(amount: Array) -> Array:
        return np.bincount(codes, amount, minlength=len(groups)).astype(float)

    actual = total(bench.actual)
    parts = [
        pd.DataFrame(
            {
                "quantity": bench.quantity,
                "predictor": one.name,
                name: [str(group) for group in groups],
                "customers": size.astype(int),
                "predicted": total(one.mean),
                "actual": actual,
                "mae": total(np.abs(one.median - bench.actual)) / size,
                "rmse": np.sqrt(total((one.mean - bench.actual) ** 2) / size),
                "crps": total(one.crps) / size,
            }
        )
        for one in bench.predictors
    ]
    return pd.concat(parts, ignore_index=True)


def _error(predicted: pd.Series, actual: pd.Series) -> pd.Series:
    """Predicted / actual − 1; missing where nothing happened."""
    return predicted / actual.where(actual > 0) - 1
