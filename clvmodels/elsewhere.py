"""Predictions made elsewhere, by another tool, a spreadsheet or a neural network: read, checked, matched."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clvmodels.errors import InputError

Array = NDArray[np.float64]
Missing = Literal["refuse", "zero"]

CUSTOMER = ("customer_id", "customer", "customerid", "client_id", "id")
COLUMNS: dict[str, tuple[str, ...]] = {
    "purchases": ("purchases", "expected_purchases", "predicted_purchases"),
    "value": ("value", "expected_value", "predicted_value", "revenue"),
}
"""Names under which a column of predictions is found, the first that is there."""
CUTOFF = ("cutoff", "cut_off", "calibration_end", "as_of")
PREDICTOR = ("predictor", "model")

_ASK = "Predictions need columns customer_id and purchases, value or both; predictor and cutoff if there are several."


@dataclass(frozen=True, eq=False)
class Elsewhere:
    """Predictions by customer, and where they come from; :func:`read_predictions` makes one.

    Attributes
    ----------
    frame
        ``predictor``, ``cutoff`` (the last day that the prediction's maker knew; None if the file does not say),
        ``customer_id`` as text, and ``purchases``, ``value`` (NaN where the predictor says nothing of one of them).
    source
        For messages.
    missing
        What becomes of customers it says nothing of: ``"refuse"``, or ``"zero"`` for a prediction of nothing.
    """

    frame: pd.DataFrame = field(repr=False)
    source: str
    missing: Missing

    @property
    def cutoffs(self) -> list[dt.date]:
        """The days it is dated, in order; none when it is not."""
        return sorted({day for day in self.frame["cutoff"] if day is not None})

    @property
    def predictors(self) -> list[str]:
        """The names of the predictors in it."""
        return list(dict.fromkeys(self.frame["predictor"]))

    def at(
        self, cutoff: dt.date, customers: pd.Series, *, has_value: bool = True
    ) -> dict[str, tuple[Array | None, Array | None]]:
        """Each predictor's purchases and value at a cut-off, in the order of ``customers``.

        Raises
        ------
        InputError
            When nothing in it was made at that cut-off, or customers are missing, unknown or twice in it.
        """
        frame = self.frame
        if days := self.cutoffs:
            frame = frame[frame["cutoff"].map(lambda day: day == cutoff)]
            if frame.empty:
                raise InputError(_other_days(self.source, days, cutoff))
        keys = [key_of(one) for one in customers]
        found: dict[str, tuple[Array | None, Array | None]] = {}
        problems: list[str] = []
        for name, rows in frame.groupby("predictor", sort=False):
            problems += _mismatches(str(name), rows["customer_id"], customers, keys, self.missing)
            if problems:
                continue
            placed = rows.set_index("customer_id").reindex(keys)
            columns = [
                placed[kind].fillna(0.0).to_numpy(float) if rows[kind].notna().any() else None
                for kind in ("purchases", "value")
            ]
            found[str(name)] = (columns[0], columns[1] if has_value else None)
        if problems:
            raise InputError(f"the predictions of {self.source} cannot be judged at {cutoff}", problems)
        return {name: pair for name, pair in found.items() if any(column is not None for column in pair)}


def read_predictions(source: Any, *, missing: str = "refuse") -> Elsewhere:
    """Read predictions made elsewhere, so that they enter the same league table as the families.

    Parameters
    ----------
    source
        A CSV or Parquet file, or a pandas table; where semicolons divide columns, decimals may have a comma. Columns:
        ``customer_id``; ``purchases`` (expected purchase days in the holdout) or ``value`` (expected revenue, margin 1,
        undiscounted) or both; ``predictor``, a name, where there are several (else the file's name); ``cutoff``, the
        last day that whoever made them knew, needed where there are several cut-offs. Other columns are ignored; our
        own ``customers.csv`` will do.
    missing
        ``"refuse"``: every customer needs a prediction; ``"zero"``: no row means that nothing is expected.

    Raises
    ------
    InputError
        With all problems of the table.

    Examples
    --------
    >>> table = pd.DataFrame({"customer_id": [7, 8], "purchases": [1.5, 0.0]})
    >>> read_predictions(table).at(dt.date(2024, 6, 30), pd.Series([8, 7]))
    {'elsewhere': (array([0. , 1.5]), None)}
    """
    if isinstance(source, Elsewhere):
        return source
    if missing not in ("refuse", "zero"):
        raise InputError(f"missing {missing!r} is not known. Choose --missing refuse or --missing zero.")
    table, label, name = _open(source)
    lower = {str(column).strip().lower(): column for column in table}

    def column(names: Sequence[str]) -> pd.Series | None:
        return next((table[lower[one]] for one in names if one in lower), None)

    ids, made, who = column(CUSTOMER), column(CUTOFF), column(PREDICTOR)
    said = {kind: one for kind, names in COLUMNS.items() if (one := column(names)) is not None}
    if ids is None or not said:
        absent = "customer_id" if ids is None else "purchases, nor value"
        listed = ", ".join(f"'{one}'" for one in table) or "none"
        raise InputError(f"{label} has no column {absent}. Its columns are {listed}. {_ASK}")
    if table.empty:
        raise InputError(f"{label} has no rows. {_ASK}")

    problems: list[str] = []
    frame = pd.DataFrame(
        {
            "predictor": [name] * len(table) if who is None else [str(one).strip() for one in who],
            "cutoff": [None] * len(table) if made is None else _dates(made, problems),
            "customer_id": [key_of(one) for one in ids],
        }
    )
    if nobody := int((frame["customer_id"] == "").sum()):
        problems.append(f"customer_id is empty in {nobody:,} of {len(frame):,} rows. Say whose prediction each row is.")
    for kind in COLUMNS:
        frame[kind] = _numbers(said[kind], kind, frame, problems) if kind in said else np.nan
    twice = frame.duplicated(["predictor", "cutoff", "customer_id"])
    if twice.any() and not nobody:
        first = frame.loc[twice, "customer_id"].iloc[0]
        problems.append(
            f"{int(twice.sum()):,} of {len(frame):,} rows predict a customer predicted before (first: {first}). "
            "One predictor says one thing of a customer. Keep one row each, or name the predictors in a column "
            "'predictor'."
        )
    if problems:
        raise InputError(f"the predictions of {label} cannot be used", problems)
    return Elsewhere(frame, label, missing)  # type: ignore[arg-type]


def key_of(customer: Any) -> str:
    """A customer's name as text: 7, 7.0 and "7" are one customer.

    Examples
    --------
    >>> key_of(7), key_of(7.0), key_of(" 7"), key_of("0007"), key_of(None)
    ('7', '7', '7', '0007', '')
    """
    if customer is None or customer is pd.NA or customer != customer:
        return ""
    if isinstance(customer, float | np.floating) and float(customer).is_integer():
        return str(int(customer))
    return str(customer).strip()


def _open(source: Any) -> tuple[pd.DataFrame, str, str]:
    """The table, what to call it, and the name of a predictor that has none."""
    if isinstance(source, pd.DataFrame):
        return source, "the table of predictions", "elsewhere"
    if not isinstance(source, str | Path):
        raise InputError(f"a {type(source).__name__} holds no predictions. Give a CSV or Parquet file or a table.")
    path = Path(source)
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            return pd.read_parquet(path), path.name, path.stem
        with path.open(encoding="utf-8-sig") as file:
            heading = file.readline()
        sign = max(",;\t|", key=heading.count)
        table = pd.read_csv(path, dtype=str, keep_default_na=False, sep=sign, encoding="utf-8-sig")
        if sign != ",":  # a spreadsheet's file where decimals have a comma
            for column in table:
                if str(column).strip().lower() in {name for names in COLUMNS.values() for name in names}:
                    table[column] = table[column].str.replace(r"^(\s*-?\d+),(\d+\s*)$", r"\1.\2", regex=True)
        return table, path.name, path.stem
    except OSError as error:
        raise InputError(f"{source} cannot be read: {error.strerror or error}. Check the path.") from None
    except (ValueError, UnicodeError) as error:  # no table: an empty file, broken lines, another encoding
        raise InputError(f"{source} is neither CSV in UTF-8 nor Parquet: {error}. {_ASK}") from None


def _dates(made: pd.Series, problems: list[str]) -> list[dt.date | None]:
    days = pd.to_datetime(
        made, errors="coerce", format="ISO8601" if made.dtype == object or made.dtype == "str" else None
    )
    if bad := int(days.isna().sum()):
        first = made[days.isna()].iloc[0]
        problems.append(
            f"cutoff is no date in {bad:,} of {len(made):,} rows (first: {first!r}). It says what the maker of a "
            "prediction could know. Write it as YYYY-MM-DD."
        )
    return [None if pd.isna(day) else day.date() for day in days]


def _numbers(column: pd.Series, kind: str, frame: pd.DataFrame, problems: list[str]) -> Array:
    """A column of predictions; a predictor that leaves it empty throughout says nothing of it."""
    numbers = pd.to_numeric(column.replace("", np.nan), errors="coerce").to_numpy(float)
    silent = pd.Series(column.isna() | (column.astype(str).str.strip() == "")).to_numpy()
    silent = silent & pd.Series(silent).groupby(frame["predictor"].to_numpy()).transform("all").to_numpy()
    for wrong, what, instead in (
        (~np.isfinite(numbers) & ~silent, "is missing or no finite number", "Predict 0 where nothing is expected."),
        (np.nan_to_num(numbers) < 0, "is negative", "Nobody buys less than nothing."),
    ):
        if wrong.any():
            at = int(np.flatnonzero(wrong)[0])
            problems.append(
                f"{kind} {what} in {int(wrong.sum()):,} of {len(frame):,} rows (first: customer "
                f"{frame['customer_id'].iloc[at]}, {str(column.iloc[at])!r}). {instead}"
            )
    return np.asarray(numbers)


def _mismatches(name: str, said: pd.Series, customers: pd.Series, keys: list[str], missing: Missing) -> list[str]:
    problems = []
    known = set(said)
    without = [key for key in keys if key not in known]
    if without and missing == "refuse":
        problems.append(
            f"{name!r} says nothing of {len(without):,} of {len(keys):,} customers (first: {without[0]}). Predictors "
            "are judged on the same customers. Add them, or let no row mean that nothing is expected: --missing zero."
        )
    elif len(without) == len(keys):
        problems.append(
            f"{name!r} names none of the {len(keys):,} customers (first of theirs: {said.iloc[0]}, of the log: "
            f"{keys[0]}). Write the customers as the log does."
        )
    strangers = said[~said.isin(set(keys))]
    if len(strangers):
        who = "1 customer who has" if len(strangers) == 1 else f"{len(strangers):,} customers who have"
        problems.append(
            f"{name!r} predicts {who} not bought by the cut-off (first: "
            f"{strangers.iloc[0]}). Who names customers that first buy later has seen the holdout. Leave them out, and "
            "check how customers are written."
        )
    return problems


def _other_days(source: str, days: Sequence[dt.date], cutoff: dt.date) -> str:
    later = [day for day in days if day > cutoff]
    listed = ", ".join(map(str, days[:6])) + (", …" if len(days) > 6 else "")
    why = (
        f"A prediction made on {later[0]} has seen {(later[0] - cutoff).days} days of what it is judged by."
        if later
        else "A prediction made earlier is for other days."
    )
    return (
        f"no prediction of {source} was made at the cut-off, {cutoff}; they are dated {listed}. {why} "
        "Predict from what was known at the cut-off, or choose another."
    )
