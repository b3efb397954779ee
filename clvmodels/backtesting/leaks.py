"""Does anything know the future? The past is made again without it, and twins are asked who will buy."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clvmodels.backtesting.rounds import Pair, Past, Round
from clvmodels.summary import Summary, summarize
from clvmodels.transactions import Transactions
from clvmodels.twins import knows_too_much, twin_auc, twins_of

Array = NDArray[np.float64]

NOISE = 1e-9
"""Relative differences that summing in another order makes."""
COLUMNS = ["cutoff", "predictor", "quantity", "check", "statistic", "caught", "evidence"]


def blinded(log: Transactions, cutoff: dt.date, *, garbled: bool = False) -> Transactions:
    """The log as nobody could know it after the cut-off: without its later rows, or with nonsense in their place.

    Parameters
    ----------
    garbled
        Keep half of the later rows, with other amounts: what is known at the cut-off must be the same as without them.
    """
    days = log.days
    seen = days.filter(days.date <= cutoff)
    if not garbled:
        return replace(log, days=seen)
    later = days.filter(days.date > cutoff, days.date.day() % 2 == 0)
    if log.has_value:
        later = later.mutate(value=later.value * 3 + 7, _gross=later["_gross"] * 3 + 7)
    return replace(log, days=seen.union(later.select(*seen.columns)))


def blind_summary(log: Transactions, cutoff: dt.date, *, unit: Any, garbled: bool = False) -> Summary:
    """The customers at a cut-off, from a log that holds nothing later."""
    return summarize(blinded(log, cutoff, garbled=garbled), until=cutoff, unit=unit)


def changes(seeing: Past, blind: Past) -> dict[str, str]:
    """What of a past is not the same when the future is taken away: name → evidence; nothing when all is well."""
    found = {}
    ours, theirs = seeing.calibration.frame, blind.calibration.frame
    if evidence := _difference(ours, theirs):
        found["calibration"] = evidence
    for name, said in seeing.points.items():
        again = blind.points.get(name)
        if again is None or not same(said, again):
            found[name] = "its predictions change when the rows after the cut-off are taken away"
    return found


def same(ours: Pair, theirs: Pair) -> bool:
    """Whether two pairs of predictions are equal, but for the digits that an engine does not settle."""
    return all(
        one is other if one is None or other is None else one.shape == other.shape and bool(_alike(one, other).all())
        for one, other in zip(ours, theirs, strict=True)
    )


def _alike(one: Array, other: Array) -> NDArray[np.bool_]:
    """An engine that sums in parallel gives other last digits each time."""
    size = float(np.nanmax(np.abs(one), initial=1.0))
    return np.isclose(one, other, rtol=NOISE, atol=NOISE * size, equal_nan=True)


def _difference(ours: pd.DataFrame, theirs: pd.DataFrame) -> str:
    """What differs between two tables of customers, in words; empty when nothing does."""
    if len(ours) != len(theirs) or not ours["customer_id"].equals(theirs["customer_id"]):
        return f"{len(ours):,} customers with the rows after the cut-off, {len(theirs):,} without"
    differ, columns = np.zeros(len(ours), bool), []
    for name in map(str, ours):
        if name not in theirs:
            wrong = np.ones(len(ours), bool)
        elif pd.api.types.is_float_dtype(ours[name]):
            wrong = ~_alike(ours[name].to_numpy(float), theirs[name].to_numpy(float))
        else:
            wrong = ~(ours[name].eq(theirs[name]) | (ours[name].isna() & theirs[name].isna())).to_numpy(bool)
        differ |= wrong
        columns += [name] if wrong.any() else []
    if not columns:
        return ""
    first = ours.loc[differ, "customer_id"].iloc[0]
    return f"{', '.join(columns)} of {int(differ.sum()):,} customers depend on rows after the cut-off (first: {first})"


def suspicions(one: Round, names: Mapping[str, Any] | set[str]) -> list[dict[str, Any]]:
    """The twins' test of some predictors at one cut-off, a row per quantity."""
    twins = twins_of(one.calibration)
    rows = []
    for bench in one.benches:
        for predictor in bench.predictors:
            if predictor.name not in names:
                continue
            auc, buyers = twin_auc(predictor.mean, bench.actual, twins)
            caught, evidence = knows_too_much(auc, buyers)
            cells = (one.cutoff, predictor.name, bench.quantity, "twins", auc, caught, evidence)
            rows.append(dict(zip(COLUMNS, cells, strict=True)))
    return rows
