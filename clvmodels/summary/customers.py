"""Each customer up to a day as (x, t_x, T, m): one Ibis expression for every engine, patterns counted in it."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from clvmodels.calendar import Unit, as_date
from clvmodels.errors import InputError
from clvmodels.language import _, gettext, noted
from clvmodels.summary.clock import check_clock
from clvmodels.summary.rfm import complete
from clvmodels.summary.steady import steady
from clvmodels.transactions import LedgerRow, Transactions, read_transactions
from clvmodels.transactions.fates import after
from clvmodels.transactions.ledger import in_order
from clvmodels.transactions.parts import PART
from clvmodels.transactions.period import period

if TYPE_CHECKING:
    import ibis.expr.types as ir


WHOLE = 100_000
"""Customers that leave the engine in one piece; more come in pieces of so many."""
_NO_PURCHASES = noted("this summary was made from an RFM table and holds no purchases. Give the transactions instead.")


@dataclass(frozen=True, eq=False)
class Patterns:
    """The distinct (x, t_x, T) and how many customers share each: all that a likelihood needs of the data.

    Attributes
    ----------
    x, t_x, T
        Repeat purchases; time of the last purchase and age at the end of observation, in units. Sorted.
    n
        Customers with each pattern.
    """

    x: np.ndarray
    t_x: np.ndarray
    T: np.ndarray
    n: np.ndarray

    @property
    def frame(self) -> pd.DataFrame:
        """Columns ``x``, ``t_x``, ``T``, ``n``."""
        return pd.DataFrame({"x": self.x, "t_x": self.t_x, "T": self.T, "n": self.n})


@dataclass(frozen=True, eq=False)
class Gaps:
    """The times between a customer's purchases, of all customers: what tells how regularly they buy.

    Attributes
    ----------
    length
        Time from one purchase to the same customer's next, in units. Sorted.
    n
        How many there are of each length.
    """

    length: np.ndarray
    n: np.ndarray

    @property
    def log_sum(self) -> float:
        """Sum of their logarithms."""
        return float(self.n @ np.log(self.length))


@dataclass(frozen=True, eq=False)
class Summary:
    """Customers as they were at the end of ``until``; :func:`summarize` and :func:`split` make one.

    Attributes
    ----------
    unit
        What 1.0 means in ``recency`` and ``T``.
    start, until
        Day of the first purchase in it; last day of observation, included.
    ledger
        The fate of every row of the input.
    purchase_days
        What ``purchases`` returns; None when the summary was made from an RFM table.
    by_customer, rfm
        What ``customers`` and ``frame`` are made of.
    invented
        Columns of ``frame`` that an RFM table did not hold, and that were filled in.
    pieces
        In how many parts of customers the engine works on a large log; :meth:`in_pieces` gives them.
    """

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
    purchase_days: ir.Table | None = field(default=None, repr=False)
    by_customer: ir.Table | None = field(default=None, repr=False)
    rfm: pd.DataFrame | None = field(default=None, repr=False)
    invented: tuple[str, ...] = ()
    pieces: int = 1

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        until: str | dt.date,
        unit: str | Unit = "week",
        start: str | dt.date | None = None,
        currency: str = "USD",
    ) -> Summary:
        """A summary from an RFM table alone, for those who bring one; what needs single purchases raises InputError.

        Parameters
        ----------
        frame
            Columns ``customer_id`` (or the index), ``frequency``, ``recency``, ``T`` and, if known, ``monetary_value``,
            ``value_first``, ``value_past``, ``n_valued``, ``log_value_mean``, ``log_value_ss``, ``first_purchase``,
            ``last_purchase``. Missing dates follow from ``until`` and ``T``; a missing first value is taken as the mean
            of the repeat purchases, and spend models that need more than that mean then refuse the table.

        Raises
        ------
        InputError
            With all problems of the table.

        Examples
        --------
        >>> rfm = pd.DataFrame({"customer_id": [4], "frequency": [2], "recency": [30.43], "T": [38.86]})
        >>> Summary.from_frame(rfm, until="1997-09-30").frame.first_purchase.dt.date[0].isoformat()
        '1997-01-01'
        """
        unit, until = Unit(unit), as_date(until, "until")
        rfm = complete(frame, unit, until)
        money = "monetary_value" in rfm
        invented = ("value_past",) if money and not {"value_first", "value_past"} & {*frame} else ()
        used = LedgerRow(
            "used", int(rfm.frequency.sum()) + len(rfm), len(rfm), float(rfm.value_past.sum()) if money else None
        )
        first = as_date(start, "start") if start else rfm["first_purchase"].min().date()
        return cls(unit, first, until, currency, money, (), None, "", "RFM table", (used,), rfm=rfm, invented=invented)

    @property
    def purchases(self) -> ir.Table:
        """One row per customer and purchase day: ``customer_id``, ``date``, ``value``, segments and cost."""
        if self.purchase_days is None:
            raise InputError(gettext(_NO_PURCHASES))
        return self.purchase_days.drop(*({PART} & {*self.purchase_days.columns}))

    @property
    def customers(self) -> ir.Table:
        """The customers as an Ibis table, their times in whole days: the unit is applied when they leave the engine."""
        import ibis

        if self.by_customer is None:
            raise InputError(gettext(_NO_PURCHASES))
        c = self.by_customer
        money = {}
        if self.has_value:
            money = {"value_first": c.value_first, "value_past": c.value}
            money |= {name: c[name] for name in ("n_valued", "log_value_mean", "log_value_variance")}
        return c.select(
            "customer_id",
            "first_purchase",
            "last_purchase",
            frequency=c.purchases - 1,
            recency=c.last_purchase.delta(c.first_purchase, unit="day"),
            T=ibis.date(self.until.isoformat()).delta(c.first_purchase, unit="day"),
            **money,
        )

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per customer, sorted by ``customer_id``.

        Columns: ``customer_id``, ``first_purchase``, ``last_purchase``, ``frequency`` (repeat purchase days),
        ``recency`` and ``T`` (first to last purchase, first purchase to ``until``; in units); with money
        ``monetary_value`` (mean of the repeat purchases; NaN iff there is none), ``value_first``, ``value_past`` (all,
        the first included), and of the purchase days of positive value ``n_valued``, ``log_value_mean`` and
        ``log_value_ss`` (number, mean logarithm, sum of the logarithms' squared deviations from it); then segments and
        cost.
        """
        if self.rfm is not None:
            return self.rfm
        rows = sum(row.customers for row in self.ledger if row.reason == "used")
        if rows <= WHOLE:
            return self._told(self._described.order_by("customer_id").to_pandas())
        return self._in_order(stacked(self.parts(WHOLE), rows))

    def parts(self, size: int) -> Iterator[pd.DataFrame]:
        """``frame``, at most ``size`` rows at a time, as they leave the engine: for more customers than fit."""
        if self.rfm is not None or "frame" in self.__dict__:
            yield from (self.frame[start : start + size] for start in range(0, len(self.frame), size))
            return
        import pyarrow as pa

        batches = self._described.order_by("customer_id").to_pyarrow_batches(chunk_size=size)
        waiting: list[Any] = []
        more = True
        while more:
            with warnings.catch_warnings():  # Ibis 12 asks DuckDB by a name that is going away
                warnings.simplefilter("ignore", DeprecationWarning)
                batch = next(batches, None)
            more = batch is not None
            waiting += [batch] if more else []
            if waiting and (not more or sum(one.num_rows for one in waiting) >= size):
                yield self._told(pa.Table.from_batches(waiting).to_pandas(split_blocks=True))
                waiting = []

    def of_frame(self, frame: pd.DataFrame) -> Summary:
        """The summary of some customers only, rows of ``frame``; purchases stay where they are."""
        return replace(self, rfm=frame)

    def in_pieces(self) -> Iterator[Summary]:
        """Summaries of some customers each, together of all: for what is asked of an engine customer by customer."""
        if self.purchase_days is None or self.by_customer is None or self.pieces == 1:
            yield self
            return
        days, customers = self.purchase_days, self.by_customer
        for part in range(self.pieces):
            yield replace(
                self,
                purchase_days=days.filter(days[PART] == part),
                by_customer=customers.filter(customers[PART] == part),
                pieces=1,
            )

    def bare(self) -> Summary:
        """The summary without its tables: what it means, small enough to be sent to a worker."""
        return replace(self, purchase_days=None, by_customer=None, rfm=None)

    @property
    def raw(self) -> ir.Table | None:
        """The customers with segments and cost, in their engine, as `rows_of` takes them; None for an RFM table."""
        return None if self.rfm is not None or self.by_customer is None else self._described

    def rows_of(self, raw: pd.DataFrame) -> pd.DataFrame:
        """Rows of ``raw`` as ``frame`` has them."""
        for name in ("first_purchase", "last_purchase"):
            if getattr(raw[name].dtype, "tz", None) is not None:  # Spark's workers are handed moments
                raw[name] = raw[name].dt.tz_convert("UTC").dt.tz_localize(None)
        return self._told(raw)

    @property
    def _described(self) -> ir.Table:
        """The customers with segments and cost, days as moments."""
        c = self.customers
        described = [*self.segments, *([self.cost] if self.cost else [])]
        if described:
            p = self.purchases
            first = p.select(*described, _id=p.customer_id, _day=p.date)
            c = c.inner_join(first, [c.customer_id == first["_id"], c.first_purchase == first["_day"]]).drop(
                "_id", "_day"
            )
        return c.mutate(**{name: c[name].cast("timestamp") for name in ("first_purchase", "last_purchase")})

    def _told(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Rows of ``_described`` as ``frame`` has them."""
        frame = self._in_order(frame)
        out = {
            "customer_id": frame["customer_id"],
            "first_purchase": frame["first_purchase"].astype("datetime64[us]"),
            "last_purchase": frame["last_purchase"].astype("datetime64[us]"),
            "frequency": frame["frequency"].astype("int64"),
            "recency": frame["recency"] / self.unit.days,
            "T": frame["T"] / self.unit.days,
        }
        if self.has_value:
            repeats = frame["frequency"].where(frame["frequency"] > 0)
            first, past = (pd.Series(steady(frame[name])) for name in ("value_first", "value_past"))
            out["monetary_value"] = pd.Series(steady(past - first)) / repeats
            out |= {"value_first": first, "value_past": past, "n_valued": frame["n_valued"].astype("int64")}
            logs, squares = frame["log_value_mean"], frame["n_valued"] * frame["log_value_variance"]
            out |= {"log_value_mean": pd.Series(steady(logs)), "log_value_ss": pd.Series(steady(squares))}
        described = [*self.segments, *([self.cost] if self.cost else [])]
        return pd.DataFrame(out | {name: frame[name] for name in described}, copy=False)

    def _in_order(self, frame: pd.DataFrame) -> pd.DataFrame:
        if frame["customer_id"].is_monotonic_increasing:
            return frame
        return frame.sort_values("customer_id", ignore_index=True)  # an engine may have its own order of letters

    @cached_property
    def patterns(self) -> Patterns:
        """The distinct (x, t_x, T) of the customers, counted in the engine."""
        by = ["frequency", "recency", "T"]
        if self.rfm is not None:
            found = self.rfm.groupby(by).size().rename("n").reset_index()
            days = 1
        else:
            found = self.customers.group_by(by).agg(n=lambda t: t.count()).to_pandas().sort_values(by)
            days = self.unit.days
        x, t_x, T = (found[name].to_numpy(dtype="float64") for name in by)
        return Patterns(x, t_x / days, T / days, found["n"].to_numpy(dtype="int64"))

    @cached_property
    def gaps(self) -> Gaps | None:
        """The times between purchases, counted in the engine; None for an RFM table, which does not hold them."""
        if self.purchase_days is None:
            return None
        import ibis

        def counted(p: ir.Table) -> pd.DataFrame:
            before = p.date.lag().over(ibis.window(group_by=p.customer_id, order_by=p.date))
            steps = p.select(days=p.date.delta(before, unit="day"))
            found: pd.DataFrame = (
                steps.filter(steps.days.notnull()).group_by("days").agg(n=lambda t: t.count()).to_pandas()
            )
            return found

        found = pd.concat([counted(some.purchases) for some in self.in_pieces()]).groupby("days")["n"].sum()
        return Gaps(found.index.to_numpy(dtype="float64") / self.unit.days, found.to_numpy(dtype="int64"))

    @cached_property
    def daily(self) -> pd.DataFrame:
        """Columns ``date``, ``purchases``, ``first_purchases``[, ``value``]: one row per day with a purchase."""
        days = daily(self.purchases, self.has_value)
        c = self.customers
        born = c.group_by(date=c.first_purchase).agg(first_purchases=c.count()).to_pandas()
        first = days["date"].map(
            born.assign(date=born["date"].astype("datetime64[us]")).set_index("date")["first_purchases"]
        )
        days.insert(2, "first_purchases", first.fillna(0).astype("int64"))
        return days

    def recent(self, days: int) -> pd.DataFrame:
        """Repeat purchases (the first is none) in the last ``days`` days up to ``until``.

        Returns
        -------
        DataFrame
            ``customer_id``, ``purchases``[, ``value``]: the customers of ``frame`` in its order, zeros included.
        """
        p, c = self.purchases, self.customers
        late = p.filter(p.date > self.until - dt.timedelta(days=days))
        late = late.anti_join(c, [late.customer_id == c.customer_id, late.date == c.first_purchase])
        money = {"value": late.value.sum()} if self.has_value else {}
        bought = late.group_by("customer_id").agg(purchases=late.count(), **money)
        return placed(bought, self.frame["customer_id"], self.has_value)[0]

    def history(self, customer_ids: Sequence[Any]) -> pd.DataFrame:
        """The purchase days of a few customers: ``customer_id``, ``date``[, ``value``], sorted."""
        p = self.purchases
        wanted = p.filter(
            p.customer_id.isin([name.item() if isinstance(name, np.generic) else name for name in customer_ids])
        )
        rows: pd.DataFrame = wanted.select("customer_id", "date", *(["value"] if self.has_value else [])).to_pandas()
        rows["date"] = rows["date"].astype("datetime64[us]")
        return rows.sort_values(["customer_id", "date"], ignore_index=True)


def summarize(
    source: Any,
    *,
    until: str | dt.date | None = None,
    unit: str | Unit = "week",
    table: str | None = None,
    customer_id: str | None = None,
    date: str | None = None,
    value: str | bool | None = None,
    segment: str | Sequence[str] = (),
    cost: str | None = None,
    date_format: str | None = None,
    decimal: str = ".",
    returns: str = "net",
    currency: str | None = None,
) -> Summary:
    """Summarise every customer up to and including the day ``until`` (default: the last day of the log).

    The other parameters say how to read ``source``: see :func:`clvmodels.read_transactions`.

    Raises
    ------
    InputError
        When the log cannot be read, no purchase falls on or before ``until``, or purchases lie in the future and no
        ``until`` says that they are meant to be left out.

    Examples
    --------
    >>> whole = summarize("cdnow-sample", unit="day")
    >>> len(whole.frame), int(whole.frame.frequency.sum()), whole.until.isoformat()  # 2,457 + 1,882 repeats
    (2357, 4339, '1998-06-30')
    """
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
    unit = Unit(unit)
    if until is None:
        check_clock(log, "--until")
    summary = summary_of(log, log.last_date if until is None else as_date(until, "until"), unit)
    later = after(log.days, summary.until, log.has_value)
    return replace(summary, ledger=in_order([*summary.ledger, later]))


def summary_of(log: Transactions, until: dt.date, unit: Unit) -> Summary:
    """The summary of a log that has been read; later rows are still missing from its ledger."""
    # Nothing below may look at later rows: they are the holdout.
    seen = period(log, log.days.filter(log.days.date <= until))
    start = seen.customers.first_purchase.min().to_pandas()
    if pd.isna(start) and log.first_date <= until:
        raise InputError(
            _(
                "no purchase is left up to {until} once refunds are subtracted: the values are "
                "negative. Check which column holds the value, or turn its sign round."
            ).format(until=until)
        )
    if pd.isna(start):
        raise InputError(
            _(
                "no purchase falls on or before {until}; the log runs from {first_date} to "
                "{last_date}. Choose a later end."
            ).format(until=until, first_date=log.first_date, last_date=log.last_date)
        )
    return Summary(
        unit=unit,
        start=pd.Timestamp(start).date(),
        until=until,
        currency=log.currency,
        has_value=log.has_value,
        segments=log.segments,
        cost=log.cost,
        sha256=log.sha256,
        source=log.source,
        ledger=in_order([*seen.fates, *log.ledger]),
        purchase_days=seen.purchases,
        by_customer=seen.customers,
        pieces=log.parts,
    )


def daily(days: ir.Table, has_value: bool) -> pd.DataFrame:
    """Columns ``date``, ``purchases``[, ``value``] of purchase days, sorted."""
    found: pd.DataFrame = (
        days.group_by("date")
        .agg(purchases=days.count(), **({"value": days.value.sum()} if has_value else {}))
        .to_pandas()
    )
    found["date"] = found["date"].astype("datetime64[us]")
    return found.sort_values("date", ignore_index=True)


def placed(bought: ir.Table, customer_ids: pd.Series, has_value: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """``customer_id``, ``purchases``[, ``value``] of these customers in this order, zeros included; and the others'."""
    found = bought.select("customer_id", "purchases", *(["value"] if has_value else [])).to_pandas()
    place = pd.Index(customer_ids).get_indexer(pd.Index(found["customer_id"]))
    known = place >= 0
    columns: dict[str, Any] = {"customer_id": customer_ids}
    for name, kind in (("purchases", "int64"), *((("value", "float64"),) if has_value else ())):
        columns[name] = np.zeros(len(customer_ids), kind)
        columns[name][place[known]] = steady(found[name].fillna(0)[known])
    return pd.DataFrame(columns, copy=False), found[~known]


def stacked(parts: Iterable[pd.DataFrame], rows: int) -> pd.DataFrame:
    """Tables below one another, ``rows`` in all: numbers are put where they belong at once, none is there twice.

    A column that begins with whole numbers and goes on with others becomes one of those.
    """
    columns: dict[Any, Any] = {}
    done = 0
    for part in parts:
        for name, column in part.items():
            if not (isinstance(column.dtype, np.dtype) and column.dtype.kind in "iufM"):
                columns.setdefault(name, []).append(column)
                continue
            whole = columns[name] if done else np.empty(rows, column.dtype)
            columns[name] = whole.astype(np.result_type(whole.dtype, column.dtype), copy=False)
            columns[name][done : done + len(part)] = column
        done += len(part)
    return pd.DataFrame(
        {
            name: pd.concat(column, ignore_index=True) if isinstance(column, list) else column
            for name, column in columns.items()
        },
        copy=False,
    )
