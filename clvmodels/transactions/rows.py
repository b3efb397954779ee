"""Each row judged: read cell by cell, given the reason why it cannot be used, and grouped by customer and day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from clvmodels.transactions import cells
from clvmodels.transactions.columns import Columns
from clvmodels.transactions.engine import keep
from clvmodels.transactions.ledger import LedgerRow
from clvmodels.transactions.parts import PART, part_of

if TYPE_CHECKING:
    import ibis.expr.types as ir

CODES = ("", "null_id", "null_date", "bad_date", "null_value", "bad_value", "negative")
"""Why a row cannot be used, in the order in which the reasons are looked for; the engine knows them by their place."""

SMALL = 1_000_000
"""Rows up to which sorting costs next to nothing."""


def judge(raw: ir.Table, columns: Columns, *, reading: str, decimal: str, returns: str) -> ir.Table:
    """The rows as they were read, cell by cell, and ``_reason``: 0 when a row can be used, else a place in CODES."""
    import ibis

    whole = True
    if raw.customer_id.type().is_floating() or raw.customer_id.type().is_decimal():
        whole = not bool((raw.customer_id != raw.customer_id.floor()).any().to_pandas())
    read = {"customer_id": cells.customer(raw.customer_id, whole=whole), "date": cells.day(raw.date, reading)}
    blank = {"_blank": cells.words(raw.date).isnull() if cells.is_text(raw.date) else raw.date.isnull()}
    if columns.value is not None:
        read["value"] = cells.money(raw.value, decimal)
        blank["_empty"] = cells.is_empty(raw.value)
    read |= {name: cells.label(raw[f"segment_{i}"]) for i, (name, _) in enumerate(columns.segments)}
    if columns.cost:
        read[columns.cost[0]] = cells.money(raw.cost, decimal)
    rows = raw.select(**read, **blank)
    cases = [(rows.customer_id.isnull(), 1), (rows.date.isnull() & rows["_blank"], 2), (rows.date.isnull(), 3)]
    if columns.value is not None:
        cases += [(rows["_empty"], 4), (rows.value.isnull(), 5)]
        if returns == "drop":
            cases.append((rows.value < 0, 6))
    return rows.mutate(_reason=ibis.cases(*cases, else_=0).cast("int8")).drop(*blank)


@dataclass(frozen=True)
class Tally:
    """How many rows can be used, and which lines of the ledger the others fill."""

    usable: int
    left_out: dict[str, LedgerRow]
    any_negative: bool  # among the usable


def tally(judged: ir.Table, *, has_value: bool) -> Tally:
    """Count the rows by reason."""
    lowest = {"lowest": judged.value.min()} if has_value else {}
    found = judged.group_by("_reason").agg(rows=judged.count(), **lowest).to_pandas().set_index("_reason")
    usable = found.loc[[0]].to_dict("records") if 0 in found.index else [{"rows": 0}]
    lines: dict[str, LedgerRow] = {}
    if len(found) > 1 or 0 not in found.index:
        rest = judged.filter(judged["_reason"] > 0)
        money = {"value": rest.value.sum()} if has_value else {}
        counted = rest.group_by("_reason").agg(rows=rest.count(), customers=rest.customer_id.nunique(), **money)
        for line in counted.to_pandas().to_dict("records"):
            reason, value = CODES[line["_reason"]], line.get("value")
            known = value is not None and value == value
            lines[reason] = LedgerRow(
                reason, int(line["rows"]), int(line["customers"]), float(value) if known else None
            )
    return Tally(int(usable[0]["rows"]), lines, usable[0].get("lowest", 0) < 0)


def group(judged: ir.Table, columns: Columns, counted: Tally, parts: int) -> ir.Table:
    """The usable rows by customer and day, kept in the engine: everything else is asked of this table."""
    import ibis

    rows = judged.filter(judged["_reason"] == 0) if counted.left_out else judged
    if parts > 1:
        days = keep(
            _grouped(rows.filter(part_of(rows.customer_id, part, parts)), columns, counted).mutate(
                **{PART: ibis.literal(part, "int16")}
            )
            for part in range(parts)
        )
    else:
        days = _grouped(rows, columns, counted)
        # The same log read again gives the same sums to the last digit; beyond, sorting costs more than reading.
        days = keep([days.order_by("customer_id", "date") if counted.usable <= SMALL else days], compress=False)
    if columns.value is not None and not counted.any_negative:
        days = days.mutate(_gross=days.value, _negative=ibis.literal(0))
    return days


def _grouped(rows: ir.Table, columns: Columns, counted: Tally) -> ir.Table:
    measures = {"_rows": rows.count()}
    if columns.value is not None:
        measures["value"] = rows.value.sum()
        if counted.any_negative:
            measures |= {
                "_gross": rows.value.sum(where=rows.value > 0).fill_null(0.0),
                "_negative": (rows.value < 0).sum(),
            }
    measures |= {name: rows[name].min() for name, _ in columns.segments}
    if columns.cost:
        measures[columns.cost[0]] = rows[columns.cost[0]].max()
    return rows.group_by("customer_id", "date").agg(**measures)
