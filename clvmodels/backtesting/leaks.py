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
    if not ours.equals(theirs):
        found["calibration"] = _difference(ours, theirs)
    for name, said in seeing.points.items():
        again = blind.points.get(name)
        if again is None or not same(said, again):
            found[name] = "its predictions change when the rows after the cut-off are taken away"
    return found


def same(ours: Pair, theirs: Pair) -> bool:
    """Whether two pairs of predictions are equal to the last bit."""
    return all(
        one is other if one is None or other is None else np.array_equal(one, other)
        for one, other in zip(ours, theirs, strict=True)
    )


def _difference(ours: pd.DataFrame, theirs: pd.DataFrame) -> str:
    if len(ours) != len(theirs) or not ours["customer_id"].equals(theirs["customer_id"]):
        return f"{len(ours):,} customers with the rows after the cut-off, {len(theirs):,} without"
    columns = [str(name) for name in ours if name not in theirs or not ours[name].equals(theirs[name])]
    rows = ~(ours[columns].eq(theirs[columns]) | (ours[columns].isna() & theirs[columns].isna())).all(axis=1)
    first = ours.loc[rows, "customer_id"].iloc[0]
    return f"{', '.join(columns)} of {int(rows.sum()):,} customers depend on rows after the cut-off (first: {first})"


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
