"""Who knows the future? Customers with the very same past are twins, and only their future tells them apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clvmodels.metrics import active
from clvmodels.summary import Summary

Array = NDArray[np.float64]

TELL = 0.9
"""Twins told apart in more than this share of pairs: no history does that."""
FEWEST_BUYERS = 20
"""Buyers among twins below which chance could do it."""


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


def knows_too_much(auc: float, buyers: int) -> tuple[bool, str]:
    """Whether a predictor tells twins apart as only the future can, and the evidence in words."""
    if not buyers:
        return False, ""
    return auc > TELL and buyers >= FEWEST_BUYERS, (
        "of customers with the same purchase dates, those who bought later rank above the others in "
        f"{100 * auc:.0f} % of pairs ({buyers:,} buyers); dates alone would say 50 %"
    )
