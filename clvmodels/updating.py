"""A summary that grows with its log: a new purchase changes one customer's (x, t_x, T, m), and nothing is read again.

What a customer's state is made of (days of the first and of the last purchase, their number, the value of the first and
of all, mean and spread of the values' logarithms) can be carried on: a purchase on a new day costs the same few
operations however long the log has become.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from clvmodels.calendar import as_date
from clvmodels.errors import InputError
from clvmodels.summary import Summary
from clvmodels.transactions import LedgerRow, read_transactions
from clvmodels.transactions.ledger import in_order

_AGAIN = "Summarise the whole log again: clvmodels summarize."


@dataclass(frozen=True, eq=False)
class Update:
    """A summary brought up to date; :func:`update` makes one.

    Attributes
    ----------
    summary
        The customers as they are now. Single purchases are not in it: what needs them asks for the log. Once they are
        gone, another row on the day of a repeat purchase leaves the mean logarithm of that customer's values unknown.
    touched
        ``customer_id`` of those who bought in the new rows, sorted: as long as ``until`` stays, the others' scores do.
    """

    summary: Summary
    touched: pd.Series


def update(
    summary: Summary,
    source: Any,
    *,
    until: str | dt.date | None = None,
    table: str | None = None,
    customer_id: str | None = None,
    date: str | None = None,
    value: str | bool | None = None,
    segment: str | Sequence[str] | None = None,
    cost: str | None = None,
    date_format: str | None = None,
    decimal: str = ".",
    returns: str = "net",
) -> Update:
    """Carry a summary on with new transactions, as if the whole log had been summarised again.

    Parameters
    ----------
    summary
        From :func:`clvmodels.summarize`, :func:`clvmodels.split` or an earlier update.
    source
        The new rows only, in any form that :func:`clvmodels.read_transactions` takes; the other parameters say how to
        read them. Segments and cost are read under the names they have in ``summary``.
    until
        End of observation: the last day of the new rows or of ``summary``, the later one, when absent.

    Returns
    -------
    Update
        The new summary and the customers who changed. Its ledger counts all rows; where it says how many customers had
        two rows on one day, it may count one of them twice.

    Raises
    ------
    InputError
        When a row is dated before its customer's last purchase (nobody remembers whether that day was one), when rows
        are refunds that ``returns="net"`` would have to find the purchases of, and when the log or its money is of
        another kind. Rows on the day of the last purchase are part of it.

    Examples
    --------
    >>> import clvmodels as clv
    >>> log = pd.DataFrame({"id": [1, 2, 1], "date": ["2024-01-01", "2024-01-05", "2024-02-01"], "value": [9, 5, 7]})
    >>> new = pd.DataFrame({"id": [1, 3], "date": ["2024-02-05", "2024-02-06"], "value": [8.0, 4.0]})
    >>> grown = update(clv.summarize(log, unit="day"), new)
    >>> grown.summary.frame[["customer_id", "frequency", "recency", "T", "monetary_value"]].values.tolist()[0]
    [1.0, 2.0, 35.0, 36.0, 7.5]
    >>> grown.touched.tolist()
    [1, 3]
    """
    if not isinstance(summary, Summary):
        raise InputError(
            f"what is to be carried on is a {type(summary).__name__}, not a Summary. Give what clv.summarize, or an "
            "earlier update's .summary, gave; the new rows come second."
        )
    log = read_transactions(
        source,
        table=table,
        customer_id=customer_id,
        date=date,
        value=(True if value is None else value) if summary.has_value else "none",
        segment=summary.segments if segment is None else segment,
        cost=summary.cost if cost is None else cost,
        date_format=date_format,
        decimal=decimal,
        returns=returns,
        currency=summary.currency,
    )
    end = max(log.last_date, summary.until) if until is None else as_date(until, "until")
    described = [*summary.segments, *([summary.cost] if summary.cost else [])]
    if end < summary.until:
        raise InputError(f"the summary goes on to {summary.until}, and cannot be taken back to {end}. {_AGAIN}")
    days = log.days.filter(log.days.date <= end).to_pandas()
    later = log.days.filter(log.days.date > end)
    known = summary.frame
    days["date"] = pd.to_datetime(days["date"]).astype("datetime64[us]")
    days = days.sort_values(["customer_id", "date"], ignore_index=True)
    place = _places(known["customer_id"], days["customer_id"])
    old = place >= 0
    last = known["last_purchase"].to_numpy()[np.where(old, place, 0)] if len(known) else days["date"].to_numpy()
    _check(days, old, last, summary, returns)

    same = old & (days["date"].to_numpy() == last)
    grown = _Grown(known, has_value=summary.has_value)
    if same.any() and summary.has_value:
        grown.merge(days[same], place[same], _day_values(summary, days[same], place[same]))
    fresh = days[~same]
    grown.extend(fresh, _places(grown.frame["customer_id"], fresh["customer_id"]), described)
    frame = grown.finished(end, summary)
    touched = pd.Series(days["customer_id"].unique(), name="customer_id")
    rows = int(days["_rows"].sum())
    ledger = {line.reason: line for line in (*summary.ledger, *_other(log.ledger, later, log.has_value))}
    for line in _other(log.ledger, later, log.has_value):
        before = next((one for one in summary.ledger if one.reason == line.reason), None)
        if before is not None:
            worth = None if line.value is None or before.value is None else line.value + before.value
            ledger[line.reason] = LedgerRow(
                line.reason, line.rows + before.rows, line.customers + before.customers, worth, line.detail
            )
    used, merged = ledger.get("used"), ledger.get("same_day")
    money = float(frame["value_past"].sum()) if summary.has_value else None
    ledger["used"] = LedgerRow("used", (used.rows if used else 0) + len(fresh), len(frame), money)
    ledger["same_day"] = LedgerRow(
        "same_day",
        (merged.rows if merged else 0) + rows - len(fresh),
        (merged.customers if merged else 0) + int(days[same | (days["_rows"] > 1)]["customer_id"].nunique()),
        0.0 if summary.has_value else None,
    )
    return Update(
        replace(
            summary,
            until=end,
            start=min(summary.start, frame["first_purchase"].min().date()),
            ledger=in_order(list(ledger.values())),
            purchase_days=None,
            by_customer=None,
            rfm=frame,
        ),
        touched,
    )


def _places(known: pd.Series, wanted: pd.Series) -> np.ndarray:
    """Where each of ``wanted`` stands in ``known``; −1 for those who do not."""
    return np.asarray(pd.Index(known).get_indexer(pd.Index(wanted)))


def _day_values(summary: Summary, days: pd.DataFrame, place: np.ndarray) -> np.ndarray:
    """What customers' last purchase days were worth before these rows; NaN where nobody knows it any more."""
    known = summary.frame
    first = known["value_first"].to_numpy(float)[place]
    worth = np.where(known["frequency"].to_numpy()[place] == 0, first, np.nan)
    if np.isnan(worth).any() and summary.purchase_days is not None:
        ids = days["customer_id"][np.isnan(worth)]
        history = summary.history(ids.tolist())
        last = history.drop_duplicates("customer_id", keep="last").set_index("customer_id")["value"]
        worth[np.isnan(worth)] = last.reindex(ids).to_numpy(float)
    return worth


def _check(days: pd.DataFrame, old: np.ndarray, last: np.ndarray, summary: Summary, returns: str) -> None:
    problems = []
    late = old & (days["date"].to_numpy() < last)
    if late.any():
        first = days[late].iloc[0]
        problems.append(
            f"{int(days['_rows'][late].sum()):,} of {int(days['_rows'].sum()):,} rows lie before the last purchase of "
            f"their customer (first: customer {first['customer_id']}, {first['date'].date()}). Whether that day was a "
            f"purchase already, the summary does not remember. {_AGAIN}"
        )
    if summary.has_value and returns != "keep" and (refunds := days["_negative"] > 0).any():
        first = days[refunds].iloc[0]
        problems.append(
            f"{int(days['_negative'].sum()):,} of {int(days['_rows'].sum()):,} rows are negative (first: customer "
            f"{first['customer_id']}, {first['date'].date()}). The purchases that a refund belongs to are not in the "
            'summary. Leave refunds out with returns="drop". Or summarise the whole log again: clvmodels summarize.'
        )
    if problems:
        raise InputError("the summary cannot be carried on with these rows", problems)


def _other(ledger: Sequence[LedgerRow], later: Any, has_value: bool) -> list[LedgerRow]:
    """Lines of the new rows that are not purchases."""
    from clvmodels.transactions.fates import outside

    money = {"value": later.value.sum()} if has_value else {}
    after = outside(later.group_by("customer_id").agg(rows=later["_rows"].sum(), **money), "after_end", has_value)
    return [*ledger, *([after] if after.rows else [])]


class _Grown:
    """The state of all customers while it grows: days since 1970, sums, and moments of the logarithms."""

    def __init__(self, known: pd.DataFrame, *, has_value: bool) -> None:
        self.frame, self.has_value = known.copy(), has_value

    def _logs(self, place: np.ndarray, out: np.ndarray, into: np.ndarray) -> None:
        """Take values out of the moments of their logarithms, and others into them: NaN for none."""
        f = self.frame
        n, mean, ss = (f[c].to_numpy(float).copy() for c in ("n_valued", "log_value_mean", "log_value_ss"))
        mean, ss = np.where(n > 0, mean, 0.0), np.where(n > 0, ss, 0.0)
        for values, sign in ((out, -1), (into, 1)):
            there = np.isfinite(values) & (values > 0)
            at, log = place[there], np.log(values[there])
            before, m = n[at], mean[at]
            n[at] = before + sign
            with np.errstate(invalid="ignore", divide="ignore"):
                mean[at] = np.where(n[at] > 0, m + sign * (log - m) / n[at], 0.0)
            ss[at] = np.maximum(ss[at] + sign * (log - m) * (log - mean[at]), 0.0)
        f["n_valued"] = n.astype(np.int64)
        f["log_value_mean"], f["log_value_ss"] = np.where(n > 0, mean, np.nan), np.where(n > 0, ss, np.nan)

    def merge(self, days: pd.DataFrame, place: np.ndarray, before: np.ndarray) -> None:
        """Rows on the day of the last purchase, which was worth so much: part of it."""
        f, more = self.frame, days["value"].to_numpy(float)
        only = f["frequency"].to_numpy()[place] == 0
        if "n_valued" in f:
            self._logs(place, before, before + more)
            unknown = place[np.isnan(before)]
            f.loc[f.index[unknown], ["log_value_mean", "log_value_ss"]] = np.nan
        past, born = f["value_past"].to_numpy(float).copy(), f["value_first"].to_numpy(float).copy()
        past[place] += more
        born[place[only]] += more[only]
        f["value_past"], f["value_first"] = past, born

    def extend(self, days: pd.DataFrame, place: np.ndarray, described: list[str]) -> None:
        """Purchases on new days, of customers known and new: a day of each customer at a time."""
        new = days[place < 0]
        born = new[~new["customer_id"].duplicated()]
        if len(born):
            rows: dict[str, Any] = {
                "customer_id": born["customer_id"],
                "first_purchase": born["date"],
                "last_purchase": born["date"],
            }
            rows |= {"frequency": 0}
            if self.has_value:
                worth = born["value"].to_numpy(float)
                rows |= {"value_first": worth, "value_past": worth}
                if "n_valued" in self.frame:
                    some = worth > 0
                    with np.errstate(divide="ignore", invalid="ignore"):
                        logs = np.where(some, np.log(np.where(some, worth, 1.0)), np.nan)
                    rows |= {"n_valued": some.astype(np.int64), "log_value_mean": logs}
                    rows |= {"log_value_ss": np.where(some, 0.0, np.nan)}
            rows |= {name: born[name] for name in described}
            added = pd.DataFrame(rows).reindex(columns=self.frame.columns)
            self.frame = pd.concat([self.frame, added], ignore_index=True) if len(self.frame) else added
        rest = days.drop(born.index)
        place = _places(self.frame["customer_id"], rest["customer_id"])
        f = self.frame
        turn = rest.groupby("customer_id").cumcount().to_numpy()
        for nth in range(int(turn.max(initial=-1)) + 1):
            at, rows_of = place[turn == nth], rest[turn == nth]
            x, last = f["frequency"].to_numpy().copy(), f["last_purchase"].to_numpy().copy()
            x[at] += 1
            last[at] = rows_of["date"].to_numpy()
            f["frequency"], f["last_purchase"] = x, last
            if self.has_value:
                worth = rows_of["value"].to_numpy(float)
                past = f["value_past"].to_numpy(float).copy()
                past[at] += worth
                f["value_past"] = past
                if "n_valued" in f:
                    self._logs(at, np.full(at.size, np.nan), worth)

    def finished(self, until: dt.date, summary: Summary) -> pd.DataFrame:
        """``Summary.frame`` at the end of ``until``."""
        f, unit = self.frame, summary.unit
        f = f.sort_values("customer_id", ignore_index=True)
        whole = f["first_purchase"].astype("datetime64[us]")
        f["first_purchase"], f["last_purchase"] = whole, f["last_purchase"].astype("datetime64[us]")
        f["recency"] = (f["last_purchase"] - f["first_purchase"]).dt.days / unit.days
        f["T"] = (pd.Timestamp(until) - f["first_purchase"]).dt.days / unit.days
        if self.has_value:
            repeats = f["frequency"].where(f["frequency"] > 0)
            f["monetary_value"] = (f["value_past"] - f["value_first"]) / repeats
        return f
