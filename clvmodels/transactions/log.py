"""The checked log: one row per customer and day, and a ledger that gives every input row one reason."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clvmodels.errors import InputError
from clvmodels.transactions import cells
from clvmodels.transactions.columns import Columns, find_columns
from clvmodels.transactions.sources import Source, open_source

if TYPE_CHECKING:
    import ibis.expr.types as ir

RETURNS = ("net", "drop", "keep")
# Reasons at the level of rows, in the order in which they are looked for; their place is their code.
_REASONS = ("", "null_id", "null_date", "bad_date", "null_value", "bad_value", "negative_dropped")


@dataclass(frozen=True)
class LedgerRow:
    """How many input rows had one fate.

    ``rows`` over a ledger sum to the rows of the input, ``value`` to its money (null where it cannot be read).
    """

    reason: str
    rows: int
    customers: int
    value: float | None
    detail: str = ""


@dataclass(frozen=True)
class Transactions:
    """A checked log; :func:`read_transactions` makes one."""

    days: ir.Table  # customer_id, date, n_rows[, value, gross, n_negative], segments, cost
    ledger: tuple[LedgerRow, ...]
    source: str
    sha256: str
    rows: int
    has_value: bool
    segments: tuple[str, ...]
    cost: str | None
    currency: str
    returns: str
    first_date: dt.date
    last_date: dt.date
    published_split: tuple[dt.date, dt.date] | None = None

    @property
    def table(self) -> ir.Table:
        """One row per customer and day: ``customer_id``, ``date``, ``value`` (the day's sum), segments and cost."""
        return self.days.drop("n_rows", *(("gross", "n_negative") if self.has_value else ()))


def read_transactions(
    source: Any,
    *,
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
) -> Transactions:
    """Read and check a log."""
    from clvmodels.datasets import DATASETS

    if isinstance(source, Transactions):
        return source
    if isinstance(source, str) and source in DATASETS:
        dataset = DATASETS[source]
        log = read_transactions(dataset.load(), returns=returns, currency=dataset.currency)
        return Transactions(
            **{
                **log.__dict__,
                "source": dataset.title,
                "published_split": (dataset.calibration_end, dataset.holdout_end),
            }
        )
    opened = open_source(source, table=table)
    segment = (segment,) if isinstance(segment, str) else tuple(segment)
    columns = find_columns(opened.names, customer_id=customer_id, date=date, value=value, segment=segment, cost=cost)
    return _read(opened, columns, date_format, decimal, returns, currency)


def _read(
    opened: Source, columns: Columns, date_format: str | None, decimal: str, returns: str, currency: str
) -> Transactions:
    import ibis
    from ibis import _

    extra = [*columns.segments, *([columns.cost] if columns.cost else [])]
    positions = [columns.customer_id, columns.date, *([columns.value] if columns.value is not None else [])]
    raw = opened.take([*positions, *(at for _, at in extra)])
    has_value = columns.value is not None
    reading = date_format or _guess(raw.c1)
    one = {"customer_id": cells.customer(raw.c0), "date": cells.day(raw.c1, reading)}
    if has_value:
        one["value"] = cells.money(raw.c2, decimal)
    k = len(positions)
    names = [name for name, _ in extra]
    for i, name in enumerate(names):
        one[name] = raw[f"c{k + i}"]
    blank = cells.words(raw.c1).isnull() if cells.is_text(raw.c1) else raw.c1.isnull()
    one["blank_date"] = blank
    c = raw.select(**one)
    cases = [(c.customer_id.isnull(), 1), (c.date.isnull() & c.blank_date, 2), (c.date.isnull(), 3)]
    if has_value:
        cases += [(c.value.isnull() | c.value.isnan(), 4), (c.value.isinf(), 5)]
        if returns == "drop":
            cases += [(c.value < 0, 6)]
    c = c.mutate(reason=ibis.cases(*cases, else_=0).cast("int8"))
    aggs = {"n_rows": _.count()}
    if has_value:
        aggs |= {
            "value": _.value.sum(),
            "gross": _.value.sum(where=_.value > 0).fill_null(0.0),
            "n_negative": (_.value < 0).sum(),
        }
    for name in names:
        aggs[name] = c[name].min()
    everything = c.group_by("customer_id", "date", "reason").agg(**aggs).cache()
    left = (
        everything.filter(_.reason > 0)
        .group_by("reason")
        .agg(rows=_.n_rows.sum(), customers=_.customer_id.nunique(), **({"value": _.value.sum()} if has_value else {}))
        .execute()
    )
    ledger = tuple(
        LedgerRow(
            _REASONS[r.reason],
            int(r.rows),
            int(r.customers),
            float(r.value) if has_value and r.value == r.value else None,
        )
        for r in left.sort_values("reason").itertuples()
    )
    lines = opened.malformed()
    if lines:
        ledger = (LedgerRow("malformed", len(lines), 0, None, "lines " + ", ".join(map(str, lines[:20]))), *ledger)
    days = everything.filter(_.reason == 0).drop("reason")
    facts = days.agg(first=_.date.min(), last=_.date.max(), rows=_.n_rows.sum()).execute().iloc[0]
    rows = int(facts.rows or 0) + sum(r.rows for r in ledger)
    if not facts.rows:
        raise InputError("no row")
    return Transactions(
        days,
        ledger,
        opened.label,
        opened.sha256 or "",
        rows,
        has_value,
        tuple(n for n, _ in columns.segments),
        columns.cost[0] if columns.cost else None,
        currency,
        returns,
        _date(facts["first"]),
        _date(facts["last"]),
    )


def _date(value: Any) -> dt.date:
    import pandas as pd

    return pd.Timestamp(value).date()


def _guess(column: ir.Value) -> str:
    if not cells.is_text(column):
        return "iso"
    head = column.as_table().limit(100).execute().iloc[:, 0].dropna().astype(str).str.strip()
    return "compact" if head.str.fullmatch(r"\d{8}.*").all() else "iso"
