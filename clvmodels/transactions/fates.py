"""What became of the usable rows of a period, counted in the engine: each row in one line of the ledger."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from clvmodels.transactions.ledger import LedgerRow

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd


def outside(rows: ir.Table, reason: str, has_value: bool) -> LedgerRow:
    """One line for customers' rows that are not looked into: ``rows`` by customer."""
    return _line(reason, rows.agg(**_sums(rows, has_value)).to_pandas(), has_value)


def outside_by(rows: ir.Table, known: ir.Table, reasons: tuple[str, str], has_value: bool) -> list[LedgerRow]:
    """The same in two lines: of the customers who are in ``known``, and of the others."""
    known = known.select(_id="customer_id")
    both = rows.left_join(known, rows.customer_id == known["_id"])
    found = both.group_by(_known=both["_id"].notnull()).agg(**_sums(both, has_value)).to_pandas()
    return [
        _line(reason, found[found["_known"] == there], has_value)
        for reason, there in zip(reasons, (True, False), strict=True)
    ]


def _sums(rows: ir.Table, has_value: bool) -> dict[str, ir.Value]:
    return {"rows": rows.rows.sum(), "customers": rows.count(), **({"value": rows.value.sum()} if has_value else {})}


def _line(reason: str, found: pd.DataFrame, has_value: bool) -> LedgerRow:
    """Of a table of one row or none."""
    sums = found.fillna(0).sum()
    return LedgerRow(reason, int(sums["rows"]), int(sums["customers"]), float(sums["value"]) if has_value else None)


def after(days: ir.Table, end: dt.date, has_value: bool) -> LedgerRow:
    """One line for the days after ``end``."""
    late = days.filter(days.date > end)
    money = {"value": late.value.sum()} if has_value else {}
    return outside(late.group_by("customer_id").agg(rows=late["_rows"].sum(), **money), "after_end", has_value)


def fates(customers: ir.Table, *, has_value: bool) -> list[LedgerRow]:
    """Of days that are taken as they are, by customer: one row of each is used, the others are merged into it."""
    counts = customers.agg(
        customers=customers.count(),
        days=customers.purchases.sum(),
        merged=customers["_merged"].sum(),
        mergers=(customers["_merged"] > 0).sum(),
        **({"value": customers.value.sum()} if has_value else {}),
    )
    found = counts.to_pandas().fillna(0).iloc[0]
    money, none = (float(found["value"]), 0.0) if has_value else (None, None)
    return [
        LedgerRow("used", int(found["days"]), int(found["customers"]), money),
        LedgerRow("same_day", int(found["merged"]), int(found["mergers"]), none),
    ]


def fates_netted(t: ir.Table) -> list[LedgerRow]:
    """Of days after :func:`~clvmodels.transactions.returns.net`."""
    import ibis

    counts, refunds, others = t["_counts"], t["_negative"], t["_rows"] - t["_negative"]
    nothing, zero = t["_gross"] == 0, ibis.literal(0)
    rows = {
        "used": ibis.ifelse(counts, ibis.literal(1), zero),  # Postgres casts no boolean to a long number
        "same_day": ibis.ifelse(counts, others - 1, zero),
        "refund": ibis.ifelse(t["_unmatched"] < 0, zero, refunds),
        "unmatched_refund": ibis.ifelse(t["_unmatched"] < 0, refunds, zero),
        "refunded": ibis.ifelse(counts | nothing, zero, others),
        "zero_value": ibis.ifelse(nothing & ~counts, others, zero),
    }
    measures = {f"{reason}_rows": number.sum() for reason, number in rows.items()}
    measures |= {f"{reason}_customers": t.customer_id.nunique(where=number > 0) for reason, number in rows.items()}
    facts = (
        t.agg(**measures, used_value=t["_kept"].sum(), unmatched_refund_value=t["_unmatched"].sum()).to_pandas().iloc[0]
    )
    return [
        LedgerRow(
            reason,
            int(facts[f"{reason}_rows"]),
            int(facts[f"{reason}_customers"]),
            float(facts.get(f"{reason}_value", 0.0)),
        )
        for reason in rows
    ]
