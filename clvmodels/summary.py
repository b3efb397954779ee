"""From a log to (x, t_x, T, m): one Ibis expression for every engine; the holdout is cut off before anything else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from clvmodels.calendar import ONE_DAY, Horizon, Unit, as_date
from clvmodels.errors import InputError
from clvmodels.transactions import LedgerRow, Transactions, read_transactions
from clvmodels.transactions.returns import net

if TYPE_CHECKING:
    import ibis.expr.types as ir


@dataclass(frozen=True)
class Patterns:
    """The distinct (x, t_x, T) and how many customers share each: all that a likelihood needs of the data."""

    x: np.ndarray
    t_x: np.ndarray
    T: np.ndarray
    n: np.ndarray

    @property
    def frame(self) -> pd.DataFrame:
        """Columns x, t_x, T, n."""
        return pd.DataFrame({"x": self.x, "t_x": self.t_x, "T": self.T, "n": self.n})


@dataclass(frozen=True)
class Summary:
    """Customers up to ``until``: x, t_x and T of each, and their money."""

    unit: Unit
    start: dt.date
    until: dt.date
    currency: str
    has_value: bool
    segments: tuple[str, ...]
    cost: str | None
    sha256: str
    source: str
    ledger: tuple[LedgerRow, ...]
    days: ir.Table | None = None
    given: pd.DataFrame | None = None

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        unit: str | Unit = "week",
        until: str | dt.date,
        start: str | dt.date | None = None,
        currency: str = "USD",
    ) -> Summary:
        """A summary from an RFM table alone."""
        unit, until = Unit(unit), as_date(until, "until")
        f = frame.copy()
        has_value = "monetary_value" in f
        f["frequency"] = f["frequency"].astype("int64")
        for name in ("recency", "T"):
            f[name] = f[name].astype("float64")
        if "first_purchase" not in f:
            f["first_purchase"] = pd.Timestamp(until) - pd.to_timedelta((f["T"] * unit.days).round(), unit="D")
        if "last_purchase" not in f:
            f["last_purchase"] = f["first_purchase"] + pd.to_timedelta((f["recency"] * unit.days).round(), unit="D")
        columns = ["customer_id", "first_purchase", "last_purchase", "frequency", "recency", "T"]
        if has_value:
            f["monetary_value"] = f["monetary_value"].astype("float64").where(f["frequency"] > 0)
            if "value_first" not in f:
                f["value_first"] = f["monetary_value"].fillna(f["monetary_value"].mean())
            if "value_past" not in f:
                f["value_past"] = f["value_first"] + f["frequency"] * f["monetary_value"].fillna(0.0)
            columns += ["monetary_value", "value_first", "value_past"]
        f = f[columns].sort_values("customer_id").reset_index(drop=True)
        first = as_date(start, "start") if start else f["first_purchase"].min().date()
        ledger = (LedgerRow("used", len(f), len(f), float(f["value_past"].sum()) if has_value else None),)
        return cls(unit, first, until, currency, has_value, (), None, "", "RFM table", ledger, None, f)

    @property
    def purchases(self) -> ir.Table:
        """The kept purchase days up to ``until``: customer_id, date[, value]."""
        if self.days is None:
            raise InputError("this summary was made from an RFM table; it holds no purchases. Give the transactions.")
        return self.days

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per customer, sorted by customer_id."""
        if self.given is not None:
            return self.given
        import ibis

        p = self.purchases
        money = {"total": p.value.sum(), "value_first": p.value.argmin(p.date)} if self.has_value else {}
        c = p.group_by("customer_id").agg(first=p.date.min(), last=p.date.max(), days=p.count(), **money)
        until = ibis.date(self.until.isoformat())
        x = c.days - 1
        columns = {
            "customer_id": c.customer_id,
            "first_purchase": c["first"].cast("timestamp"),
            "last_purchase": c["last"].cast("timestamp"),
            "frequency": x,
            "recency": c["last"].delta(c["first"], unit="day") / self.unit.days,
            "T": until.delta(c["first"], unit="day") / self.unit.days,
        }
        if self.has_value:
            columns |= {
                "monetary_value": (c.total - c.value_first) / x.nullif(0),
                "value_first": c.value_first,
                "value_past": c.total,
            }
        e = c.select(**columns)
        extra = [*self.segments, *([self.cost] if self.cost else [])]
        if extra:
            o = p.select(other=p.customer_id, day=p.date.cast("timestamp"), **{n: p[n] for n in extra})
            e = e.join(o, [e.customer_id == o.other, e.first_purchase == o.day]).drop("other", "day")
        return e.order_by("customer_id").to_pandas()

    @cached_property
    def patterns(self) -> Patterns:
        """The distinct (x, t_x, T) with counts."""
        f = self.frame
        g = f.groupby(["frequency", "recency", "T"]).size().reset_index(name="n")
        return Patterns(g["frequency"].to_numpy(float), g["recency"].to_numpy(), g["T"].to_numpy(), g["n"].to_numpy())

    @cached_property
    def daily(self) -> pd.DataFrame:
        """Columns date, purchases, first_purchases[, value]: one row per day with a purchase."""
        p = self.purchases
        d = p.group_by("date").agg(purchases=p.count(), **({"value": p.value.sum()} if self.has_value else {}))
        f = p.group_by("customer_id").agg(date=p.date.min()).group_by("date").agg(first_purchases=lambda t: t.count())
        d = d.to_pandas().merge(f.to_pandas(), on="date", how="left").fillna({"first_purchases": 0})
        d["date"] = pd.to_datetime(d["date"])
        d["first_purchases"] = d["first_purchases"].astype("int64")
        return d.sort_values("date", ignore_index=True)[
            ["date", "purchases", "first_purchases", *(["value"] if self.has_value else [])]
        ]

    def recent(self, days: int) -> pd.DataFrame:
        """Repeat purchases in the last ``days`` days, one row per customer of frame."""
        p = self.purchases
        firsts = p.group_by("customer_id").agg(first=p.date.min())
        q = p.filter(p.date > (self.until - dt.timedelta(days=days))).join(firsts, "customer_id")
        q = q.filter(q.date > q["first"])
        got = (
            q.group_by("customer_id")
            .agg(purchases=q.count(), **({"value": q.value.sum()} if self.has_value else {}))
            .to_pandas()
        )
        out = self.frame[["customer_id"]].merge(got, on="customer_id", how="left")
        out["purchases"] = out["purchases"].fillna(0).astype("int64")
        if self.has_value:
            out["value"] = out["value"].fillna(0.0)
        return out

    def history(self, customer_ids: Sequence[Any]) -> pd.DataFrame:
        """The purchase days of a few customers."""
        p = self.purchases
        h = (
            p.filter(p.customer_id.isin(list(customer_ids)))
            .select("customer_id", "date", *(["value"] if self.has_value else []))
            .to_pandas()
        )
        h["date"] = pd.to_datetime(h["date"])
        return h.sort_values(["customer_id", "date"], ignore_index=True)


@dataclass(frozen=True)
class Holdout:
    """What the calibration customers did afterwards."""

    frame: pd.DataFrame
    horizon: Horizon
    new_customers: int
    new_purchases: int
    new_value: float | None
    daily: pd.DataFrame
    unit: Unit


class Split(NamedTuple):
    """Two periods of one log."""

    calibration: Summary
    holdout: Holdout


def summarize(
    source: Any,
    *,
    until: str | dt.date | None = None,
    unit: str | Unit = "week",
    table: str | None = None,
    customer_id: str | None = None,
    date: str | None = None,
    value: str | bool | None = None,
    segment: Sequence[str] = (),
    cost: str | None = None,
    date_format: str | None = None,
    decimal: str = ".",
    returns: str = "net",
    currency: str = "USD",
) -> Summary:
    """Summarise every customer up to ``until``."""
    log = read_transactions(
        source,
        table=table,
        customer_id=customer_id,
        date=date,
        value=value,
        segment=segment,
        cost=cost,
        date_format=date_format,
        decimal=decimal,
        returns=returns,
        currency=currency,
    )
    return _summary(log, as_date(until, "until") if until else log.last_date, Unit(unit))


def _kept(log: Transactions, days: ir.Table) -> ir.Table:
    if log.has_value and log.returns == "net" and days.n_negative.sum().execute():
        n = net(days).cache()
        return (
            n.filter(n.counts).mutate(value=n.kept).drop("kept", "counts", "unmatched", "n_rows", "gross", "n_negative")
        )
    return days.drop("n_rows", *(["gross", "n_negative"] if log.has_value else []))


def _summary(log: Transactions, until: dt.date, unit: Unit) -> Summary:
    days = log.days.filter(log.days.date <= until)
    p = _kept(log, days)
    facts = (
        p.agg(
            start=p.date.min(),
            n=p.count(),
            c=p.customer_id.nunique(),
            **({"v": p.value.sum()} if log.has_value else {}),
        )
        .execute()
        .iloc[0]
    )
    if not facts.n:
        raise InputError(f"no purchase up to {until}")
    used = LedgerRow("used", int(facts.n), int(facts.c), float(facts.v) if log.has_value else None)
    rest = log.rows - used.rows - sum(r.rows for r in log.ledger)
    ledger = (used, LedgerRow("same_day", rest, 0, None), *log.ledger)
    return Summary(
        unit,
        pd.Timestamp(facts.start).date(),
        until,
        log.currency,
        log.has_value,
        log.segments,
        log.cost,
        log.sha256,
        log.source,
        ledger,
        p,
    )


def split(
    source: Any,
    *,
    calibration_end: str | dt.date,
    holdout_end: str | dt.date | None = None,
    unit: str | Unit = "week",
    table: str | None = None,
    customer_id: str | None = None,
    date: str | None = None,
    value: str | bool | None = None,
    segment: Sequence[str] = (),
    cost: str | None = None,
    date_format: str | None = None,
    decimal: str = ".",
    returns: str = "net",
    currency: str = "USD",
) -> Split:
    """Cut a log in two."""
    log = read_transactions(
        source,
        table=table,
        customer_id=customer_id,
        date=date,
        value=value,
        segment=segment,
        cost=cost,
        date_format=date_format,
        decimal=decimal,
        returns=returns,
        currency=currency,
    )
    cut = as_date(calibration_end, "calibration_end")
    end = as_date(holdout_end, "holdout_end") if holdout_end else log.last_date
    calibration = _summary(log, cut, Unit(unit))
    p = _kept(log, log.days.filter((log.days.date > cut) & (log.days.date <= end)))
    v = {"value": p.value.sum()} if log.has_value else {}
    got = p.group_by("customer_id").agg(purchases=p.count(), **v).to_pandas()
    out = calibration.frame[["customer_id"]].merge(got, on="customer_id", how="left")
    out["purchases"] = out["purchases"].fillna(0).astype("int64")
    if log.has_value:
        out["value"] = out["value"].fillna(0.0)
        out["monetary_value"] = out["value"] / out["purchases"].where(out["purchases"] > 0)
    new = got[~got["customer_id"].isin(calibration.frame["customer_id"])]
    known = calibration.purchases.select("customer_id").distinct()
    q = p.semi_join(known, "customer_id")
    daily = (
        q.group_by("date").agg(purchases=q.count(), **({"value": q.value.sum()} if log.has_value else {})).to_pandas()
    )
    daily["date"] = pd.to_datetime(daily["date"])
    holdout = Holdout(
        out,
        Horizon(cut + ONE_DAY, end),
        len(new),
        int(new["purchases"].sum()),
        float(new["value"].sum()) if log.has_value else None,
        daily.sort_values("date", ignore_index=True),
        Unit(unit),
    )
    return Split(calibration, holdout)
