"""An RFM table that somebody brings: checked, and completed with what follows from it."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from clvmodels.calendar import Unit
from clvmodels.errors import InputError

_KNOWN = ("customer_id", "first_purchase", "last_purchase", "frequency", "recency", "T")
_MONEY = ("monetary_value", "value_first", "value_past")
_LOGARITHMS = ("n_valued", "log_value_mean", "log_value_ss")


def complete(table: pd.DataFrame, unit: Unit, until: dt.date) -> pd.DataFrame:
    """The table as ``Summary.frame`` holds it.

    Dates follow from ``until`` and ``T``. The value of the first purchase, which such tables leave out, is taken as the
    mean of the customer's repeat purchases, else of everybody's.
    """
    frame = table if "customer_id" in table else table.rename_axis("customer_id").reset_index()
    missing = [name for name in ("frequency", "recency", "T") if name not in frame]
    if missing:
        listed = ", ".join(f"'{name}'" for name in table.columns)
        raise InputError(f"the RFM table has no column '{missing[0]}'. Its columns are {listed}.")
    out = frame[["customer_id"]].copy()
    x, t_x, T = (pd.to_numeric(frame[name]).astype("float64") for name in ("frequency", "recency", "T"))
    problems = [
        f"{what} in {int(wrong.sum()):,} rows (first: customer {out['customer_id'][wrong].iloc[0]})."
        for what, wrong in {
            "a customer appears again": out["customer_id"].duplicated(),
            "'frequency' is no count": ~((x >= 0) & (x == np.floor(x))),
            "'recency' is not between 0 and 'T'": ~((t_x >= 0) & (t_x <= T + 1e-9)),
            "'recency' is above 0 without a repeat purchase, or 0 with one": (x > 0) != (t_x > 0),
        }.items()
        if wrong.any()
    ]
    if problems or frame.empty:
        raise InputError("the RFM table cannot be used", problems or ["it has no rows."])
    age, seen = (pd.to_timedelta((time * unit.days).round(), unit="D") for time in (T, t_x))
    out["first_purchase"] = _days(frame.get("first_purchase", pd.Timestamp(until) - age))
    out["last_purchase"] = _days(frame.get("last_purchase", out["first_purchase"] + seen))
    out["frequency"], out["recency"], out["T"] = x.astype("int64"), t_x, T
    if "monetary_value" in frame:
        mean = frame["monetary_value"].astype("float64").where(x > 0)
        overall = float((mean * x).sum() / x.sum()) if x.sum() else 0.0
        out["monetary_value"] = mean
        out["value_first"] = frame.get("value_first", mean.fillna(overall)).astype("float64")
        out["value_past"] = frame.get("value_past", out["value_first"] + x * mean.fillna(0.0)).astype("float64")
        for name in _LOGARITHMS:
            if name in frame:
                out[name] = pd.to_numeric(frame[name]).astype("int64" if name == "n_valued" else "float64")
    return out.sort_values("customer_id", ignore_index=True)[[n for n in (*_KNOWN, *_MONEY, *_LOGARITHMS) if n in out]]


def _days(dates: pd.Series) -> pd.Series:
    return pd.to_datetime(dates).astype("datetime64[us]")
