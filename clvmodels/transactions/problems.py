"""What is wrong with a log, in words: with a count, a first example, why it matters and what to type; all at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clvmodels import written as spelt
from clvmodels.errors import InputError
from clvmodels.language import _, gettext, noted
from clvmodels.transactions import cells
from clvmodels.transactions.ledger import LedgerRow
from clvmodels.transactions.rows import CODES

if TYPE_CHECKING:
    import ibis.expr.types as ir

_NO_DATE = noted("A purchase without a date has no place on the time axis.")
REFUSED = noted("transactions cannot be summarised")
TOLERATED = 0.05
"""Share of the rows that may go to the ledger for one reason before it is a problem of the log."""


@dataclass(frozen=True)
class Rows:
    """The rows before they were grouped, to look up examples in."""

    raw: ir.Table  # roles: customer_id, date, value, …
    judged: ir.Table  # raw with _reason, in the same order
    names: Mapping[str, str]  # the source's own column names by role
    numbered: bool  # whether the source has an order of rows

    def first(self, reason: str, role: str) -> tuple[str, str]:
        """The first row with ``reason``: where it is, and what stands in the column ``role``."""
        import ibis

        if not self.numbered:
            return "", ""
        rows = self.judged
        # The engine keeps the order of a file or a frame; the raw cell is read again by its place.
        numbered = rows.select("customer_id", "_reason", row=ibis.row_number())
        hit = numbered.filter(numbered["_reason"] == CODES.index(reason)).order_by("row").limit(1).to_pandas()
        row = int(hit["row"].iloc[0])
        text = self.raw.select(cell=cells.words(self.raw[role])).limit(1, offset=row).to_pandas()["cell"].iloc[0]
        facts = {"row": spelt.count(row + 1), "customer": hit["customer_id"].iloc[0]}
        where = _("row {row}") if reason == "null_id" else _("customer {customer}, row {row}")
        return where.format(**facts), str(text)


def check_types(raw: ir.Table, names: Mapping[str, str], *, can_try: bool, label: str) -> None:
    """Refuse columns whose type cannot be what they are taken for, before any row is read."""
    problems = []
    for role, name in names.items():
        kind = raw[role].type()
        number = kind.is_numeric() and not kind.is_boolean()
        if role == "customer_id":
            right, what = number or kind.is_string() or kind.is_uuid(), _("the customer")
        elif role == "date":
            right, what = kind.is_date() or kind.is_timestamp() or number or kind.is_string(), _("a date")
        elif role in ("value", "cost"):
            right, what = number or kind.is_string(), _("money")
        else:
            right, what = not kind.is_nested() and not kind.is_binary(), _("a segment")
        if not right and not kind.is_null():
            problems.append(
                _("column '{name}' holds values of type {kind}, which cannot be {what}. Choose another column.").format(
                    name=name, kind=kind, what=what
                )
            )
        elif kind.is_string() and role in ("date", "value", "cost") and not can_try:
            problems.append(
                _(
                    "column '{name}' is text in {label}, which cannot be read there. Cast it to {what} in a view."
                ).format(name=name, label=label, what=what)
            )
    if problems:
        raise InputError(gettext(REFUSED), problems)


def check_rows(
    rows: Rows, ledger: Sequence[LedgerRow], total: int, *, decimal: str, written: str | None = None
) -> None:
    """Refuse a log too much of which cannot be used; ``written`` is what is wrong with the way dates are written."""
    if total == 0:
        raise InputError(_("there are no rows of purchases. Give a table with a row for each purchase."))
    problems = [written] if written else []
    for line in ledger:
        share = line.rows / total
        if line.reason == "negative" or (line.reason == "null_id" and share < 1) or share <= TOLERATED:
            continue
        if line.reason == "malformed":
            problems.append(
                _(
                    "{rows} of {total} lines cannot be cut into the columns of the header ({detail}). A "
                    "purchase cut in the wrong place is another purchase. Check delimiter and quotes, or "
                    "export again."
                ).format(rows=spelt.count(line.rows), total=spelt.count(total), detail=line.detail)
            )
        elif line.reason != "bad_date" or not written:
            problems.append(_describe(rows, line, total, decimal))
    problems += _check_cost(rows, decimal)
    if not problems and sum(line.rows for line in ledger) == total:
        reasons = ", ".join(f"{spelt.count(line.rows)} {line.reason}" for line in ledger)
        problems.append(
            _("none of its {total} rows can be used ({reasons}).").format(total=spelt.count(total), reasons=reasons)
        )
    if problems:
        raise InputError(gettext(REFUSED), problems)


def _check_cost(rows: Rows, decimal: str) -> list[str]:
    if "cost" not in rows.names or not rows.raw.cost.type().is_string():
        return []
    given, read = cells.words(rows.raw.cost), cells.money(rows.raw.cost, decimal)
    bad = given.notnull() & read.isnull()
    count, all_given, example = (
        rows.raw.agg(n=bad.sum(), of=given.count(), text=given.min(where=bad)).to_pandas().iloc[0]
    )
    if not count or count <= TOLERATED * all_given:
        return []
    return [
        _(
            "'{cost}' is no number in {bad} of {all} rows (for example '{example}'). A cost is an "
            "amount of money. Keep digits and a decimal sign only, or choose another --cost."
        ).format(cost=rows.names["cost"], bad=spelt.count(int(count)), all=spelt.count(int(all_given)), example=example)
    ]


def _describe(rows: Rows, line: LedgerRow, total: int, decimal: str) -> str:
    role = {"null_id": "customer_id", "null_date": "date", "bad_date": "date"}.get(line.reason, "value")
    where, cell = rows.first(line.reason, role)
    name, count = (
        rows.names[role],
        _("in {rows} of {total} rows").format(rows=spelt.count(line.rows), total=spelt.count(total)),
    )
    first = _(" (first: {where})").format(where=where) if where else ""
    example = _(" (first: '{cell}', {where})").format(cell=cell, where=where) if where else ""
    if line.reason == "null_id":
        return _(
            "'{name}' is null {count}{first}. A purchase without a customer tells about nobody. Choose --customer-id."
        ).format(name=name, count=count, first=first)
    if line.reason == "null_date":
        return _("'{name}' is null {count}{first}. {why} Drop or repair them.").format(
            name=name, count=count, first=first, why=gettext(_NO_DATE)
        )
    if line.reason == "bad_date":
        cure = _("Write YYYY-MM-DD, or say how dates are written, for example --date-format '%d %b %Y'.")
        if cell.isdigit():
            cure = _(
                "Numbers are read as YYYYMMDD: turn a spreadsheet's serial numbers or Unix times into dates first."
            )
        return _("'{name}' is no date {count}{example}. {why} {cure}").format(
            name=name, count=count, example=example, why=gettext(_NO_DATE), cure=cure
        )
    if line.reason == "null_value":
        return _(
            "'{name}' is null {count}{first}. A missing amount is not an amount of zero. Drop or "
            "repair them, or leave money out with --value none."
        ).format(name=name, count=count, first=first)
    hint = _("Keep digits and a decimal point only")
    if decimal == "." and "," in cell:
        hint = _("If numbers have a decimal comma, type --decimal ,")
    elif decimal == ",":
        hint = _("If numbers have a decimal point, leave --decimal out")
    return _(
        "'{name}' is no number {count}{example}. Spend cannot be estimated from text. "
        "{hint}; or leave money out with --value none."
    ).format(name=name, count=count, example=example, hint=hint)
