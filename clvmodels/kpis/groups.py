"""Customers in groups: by columns of a table, by acquisition cohort, or everyone together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clvmodels.errors import InputError

COHORTS = 16
"""Acquisition cohorts are months, quarters or years: the finest of which there are not more than so many."""
PERIODS = {"month": "M", "quarter": "Q", "year": "Y"}


class Groups(NamedTuple):
    """The groups' labels, a row each, and which of them each customer is in."""

    labels: pd.DataFrame
    code: NDArray[np.intp]

    @property
    def n(self) -> int:
        """Number of groups."""
        return len(self.labels)

    def sums(self, amount: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum of each group."""
        return np.bincount(self.code, amount, self.n).astype(float)


def grouped(frame: pd.DataFrame, by: str | Sequence[str] = ()) -> Groups:
    """The distinct values of some columns, sorted; missing ones are a group. No column: everyone together.

    Raises
    ------
    InputError
        When a column is not there.
    """
    names = [by] if isinstance(by, str) else list(by)
    if unknown := [name for name in names if name not in frame]:
        raise InputError(
            f"{unknown[0]!r} is not a column of the customers. Choose among {', '.join(map(str, frame.columns))}; "
            "segments are kept with --segment when the log is read."
        )
    if not names:
        return Groups(pd.DataFrame(index=[0]), np.zeros(len(frame), np.intp))
    code = np.asarray(frame.groupby(names, dropna=False, observed=True, sort=True).ngroup(), np.intp)
    first = pd.Series(code).drop_duplicates().sort_values().index
    return Groups(frame[names].iloc[first].reset_index(drop=True), code)


def cohorts(first_purchase: pd.Series) -> tuple[str, Groups]:
    """Acquisition cohorts, and of which length: ``cohort`` is the first day of each.

    Examples
    --------
    >>> length, found = cohorts(pd.Series(pd.to_datetime(["2024-01-05", "2024-03-01", "2024-01-31"])))
    >>> length, found.labels["cohort"].dt.date.astype(str).tolist(), found.code.tolist()
    ('month', ['2024-01-01', '2024-03-01'], [0, 1, 0])
    """
    seen, place = np.unique(pd.to_datetime(first_purchase).to_numpy("datetime64[D]"), return_inverse=True)
    days = pd.Series(seen.astype("datetime64[us]"))
    starts = {length: days.dt.to_period(letter).dt.start_time for length, letter in PERIODS.items()}
    length = next((name for name, start in starts.items() if start.nunique() <= COHORTS), "year")
    labels, code = np.unique(starts[length].to_numpy("datetime64[us]"), return_inverse=True)
    return length, Groups(pd.DataFrame({"cohort": labels}), code[place].astype(np.intp))
