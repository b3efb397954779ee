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
from clvmodels.metrics import active
from clvmodels.summary import Summary, summarize
from clvmodels.transactions import Transactions

Array = NDArray[np.float64]

TWINS_TELL = 0.9
"""Twins told apart in more than this share of pairs: no history does that."""
FEWEST_BUYERS = 20
"""Buyers among twins below which chance could do it."""

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


def twin_auc(prediction: Array, actual: Array, twins: NDArray[np.intp]) -> tuple[float, int]:
    """How often a buyer is ranked above a non-buyer with the very same purchase dates; ties count one half.

    Twins bought on the same first and last day and as often in between, so that nothing in the dates of purchase tells
    them apart: one half is what any function of these says. Also returns the number of buyers who have such a twin;
    without any the answer is NaN.

    Examples
    --------
    >>> twin_auc(np.array([2.0, 1.0, 5.0, 5.0]), np.array([1.0, 0.0, 0.0, 3.0]), np.array([0, 0, 1, 1]))
    (0.75, 2)
    """
    table = pd.DataFrame({"twins": twins, "said": prediction, "bought": active(actual)})
    by = table.groupby("twins")
    rank, size, buyers = by["said"].rank(), by["bought"].transform("size"), by["bought"].transform("sum")
    told = table["bought"] > 0
    pairs = (size - buyers).where(told, 0.0)
    above = (rank.where(told, 0.0)).groupby(twins).sum() - (lambda b: b * (b + 1) / 2)(by["bought"].sum())
    mixed = int((told & (size > buyers)).sum())
    total = float(pairs.sum())
    return (float(above.sum()) / total if total else float("nan")), mixed


def twins_of(calibration: Summary) -> NDArray[np.intp]:
    """The same number for customers with the same first and last purchase and as many between."""
    frame = calibration.frame
    return np.asarray(frame.groupby(["first_purchase", "frequency", "recency"], sort=False).ngroup(), np.intp)


def suspicions(one: Round, names: Mapping[str, Any] | set[str]) -> list[dict[str, Any]]:
    """The twins' test of some predictors at one cut-off, a row per quantity."""
    twins = twins_of(one.calibration)
    rows = []
    for bench in one.benches:
        for predictor in bench.predictors:
            if predictor.name not in names:
                continue
            auc, buyers = twin_auc(predictor.mean, bench.actual, twins)
            caught = bool(auc > TWINS_TELL and buyers >= FEWEST_BUYERS)
            evidence = (
                ""
                if not buyers
                else (
                    f"of customers with the same purchase dates, those who bought later rank above the others in "
                    f"{100 * auc:.0f} % of pairs ({buyers:,} buyers); dates alone would say 50 %"
                )
            )
            cells = (one.cutoff, predictor.name, bench.quantity, "twins", auc, caught, evidence)
            rows.append(dict(zip(COLUMNS, cells, strict=True)))
    return rows
