"""The checked log: one row per customer and day, and a ledger of the rows that could not become one."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from clvmodels.datasets import DATASETS
from clvmodels.errors import InputError
from clvmodels.transactions import cells
from clvmodels.transactions.columns import Columns, find_columns
from clvmodels.transactions.dates import find_reading, first_guess
from clvmodels.transactions.ledger import LedgerRow, in_order
from clvmodels.transactions.problems import REFUSED, Rows, check_rows, check_types
from clvmodels.transactions.sources import Source, content_hash, open_source, read_errors

if TYPE_CHECKING:
    import ibis.expr.types as ir

# Why a row cannot be used, in the order in which the reasons are looked for; the engine knows them by their place.
_CODES = ("", "null_id", "null_date", "bad_date", "null_value", "bad_value", "negative")


@dataclass(frozen=True, eq=False)
class Transactions:
    """A checked log; :func:`read_transactions` makes one.

    Attributes
    ----------
    days
        One row per customer and day, before refunds: ``customer_id``, ``date``, ``_rows`` (input rows) and, with money,
        ``value`` (sum), ``_gross`` (sum of the positive values), ``_negative`` (rows below zero); segments and cost.
    ledger
        The rows left out here, by reason.
    source, sha256
        Where the log comes from, without passwords; the hash of its file, or of its content whatever the order of rows.
    rows
        Input rows: the rows in ``days`` and the ledger's.
    returns
        What becomes of negative values: ``net``, ``drop`` or ``keep``.
    first_date, last_date
        Of the usable rows, refunds included.
    published_split
        Calibration end and holdout end under which a built-in log was published.
    """

    days: ir.Table
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
        return self.days.drop("_rows", *(("_gross", "_negative") if self.has_value else ()))


def read_transactions(
    source: Any,
    *,
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
) -> Transactions:
    """Read a log of purchases from any table, check it, and count what had to be left out.

    Parameters
    ----------
    source
        A CSV or Parquet path or glob; a pandas, Polars, Arrow or Ibis table; a database URL (with ``table``);
        ``"cdnow"`` or ``"cdnow-sample"``. A log that was read before is returned as it is.
    customer_id, date, value
        Column names, guessed from common ones (English, Portuguese) when absent. ``value=False`` or ``"none"`` for a
        log without money; a log of two columns, customers and dates, is one by itself.
    segment, cost
        Columns that describe the customer: the value on the day of the first purchase (of several on that day the
        smallest segment and the highest cost).
    date_format, decimal
        How text is written when dates are neither ISO nor YYYYMMDD (a ``strptime`` format) and when numbers have a
        decimal comma. An aware timestamp is taken in UTC.
    returns
        ``net``: refunds are subtracted from the purchases they belong to; ``drop``: negative rows are left out;
        ``keep``: a day may be worth less than nothing, which no spend model accepts.
    currency
        For display; USD, or a built-in log's own.

    Raises
    ------
    InputError
        With all problems at once. Rows without a customer go to the ledger (guests are normal) unless all are; rows
        with a missing or unreadable date or value and malformed lines go there up to 5 % of the rows each, and are a
        problem beyond.

    Examples
    --------
    >>> log = read_transactions("cdnow-sample")
    >>> log.rows, str(log.first_date), str(log.last_date), log.ledger
    (6919, '1997-01-01', '1998-06-30', ())
    """
    if isinstance(source, Transactions):
        return source
    _check_options(date_format, decimal, returns)
    dataset = DATASETS.get(source) if isinstance(source, str) else None
    opened = open_source(source if dataset is None else dataset.load(), table=table)
    columns = find_columns(
        opened.names,
        customer_id=customer_id,
        date=date,
        value=value,
        segment=(segment,) if isinstance(segment, str) else tuple(segment),
        cost=cost,
    )
    log = _read(opened, columns, date_format, decimal, returns)
    if dataset is None:
        return replace(log, currency=currency or "USD")
    published = (dataset.calibration_end, dataset.holdout_end)
    return replace(log, currency=currency or dataset.currency, source=dataset.title, published_split=published)


def _check_options(date_format: str | None, decimal: str, returns: str) -> None:
    problems = []
    if date_format is not None and "%" not in date_format:
        problems.append(f"date format {date_format!r} holds no directive. Write for example --date-format '%d/%m/%Y'.")
    if decimal not in (".", ","):
        problems.append(f"decimal sign {decimal!r} is not known. Choose --decimal . or --decimal ,")
    if returns not in ("net", "drop", "keep"):
        problems.append(f"returns {returns!r} is not known. Choose --returns net, drop or keep.")
    if problems:
        raise InputError("the options are not clear" if len(problems) > 1 else problems[0], problems[1:] and problems)


def _read(opened: Source, columns: Columns, date_format: str | None, decimal: str, returns: str) -> Transactions:
    with read_errors(opened.label):
        raw = opened.take([at for _, at in columns.positions])
        names = [opened.names[at] for _, at in columns.positions]
        raw = raw.rename({role: f"c{i}" for i, (role, _) in enumerate(columns.positions)})
        roles = dict(zip([role for role, _ in columns.positions], names, strict=True))
        check_types(raw, roles, can_try=opened.can_try, label=opened.label)
        reading = date_format or (first_guess(raw.date) if cells.is_text(raw.date) else "iso")
        judged, groups = _judged(raw, columns, reading, decimal, returns)
        unreadable = _left_out(groups, columns).get("bad_date")
        if unreadable is not None and not date_format:
            found, problem = find_reading(raw.date, roles["date"])
            if problem is not None:
                raise InputError(REFUSED, [problem])
            if found != reading:
                judged, groups = _judged(raw, columns, found, decimal, returns)
        lines = opened.malformed()  # known once the rows have been read
        left_out = list(_left_out(groups, columns).values())
        if lines:
            detail = "lines " + ", ".join(map(str, lines[:20])) + (", …" if len(lines) > 20 else "")
            left_out.append(LedgerRow("malformed", len(lines), 0, None, detail))
        days = groups.filter(groups["_reason"] == 0).drop("_reason")
        facts = days.agg(first=days.date.min(), last=days.date.max(), rows=days["_rows"].sum()).to_pandas().iloc[0]
        ledger = in_order(left_out)
        rows = sum(line.rows for line in ledger) + int(facts["rows"] if facts["rows"] == facts["rows"] else 0)
        check_rows(Rows(raw, judged, roles, _CODES, opened.embedded), ledger, rows, decimal=decimal)
        last = _as_date(facts["last"])
        if returns == "drop":  # a refund is no purchase, but it shows that the log was still being kept
            dropped = groups.filter(groups["_reason"] == _CODES.index("negative")).date.max().execute()
            last = max(last, _as_date(dropped)) if dropped == dropped and dropped is not None else last
        return Transactions(
            days=days,
            ledger=ledger,
            source=opened.label,
            sha256=opened.sha256 or _fingerprint(judged, opened, ledger, rows),
            rows=rows,
            has_value=columns.value is not None,
            segments=tuple(name for name, _ in columns.segments),
            cost=columns.cost[0] if columns.cost else None,
            currency="USD",
            returns=returns,
            first_date=_as_date(facts["first"]),
            last_date=last,
        )


def _judged(raw: ir.Table, columns: Columns, reading: str, decimal: str, returns: str) -> tuple[ir.Table, ir.Table]:
    """Each row with the reason why it cannot be used (0: it can); and their groups by customer, day and reason."""
    import ibis

    whole = True
    if raw.customer_id.type().is_floating() or raw.customer_id.type().is_decimal():
        whole = not bool((raw.customer_id != raw.customer_id.floor()).any().execute())
    read = {"customer_id": cells.customer(raw.customer_id, whole=whole), "date": cells.day(raw.date, reading)}
    read |= {name: cells.label(raw[f"segment_{i}"]) for i, (name, _) in enumerate(columns.segments)}
    if columns.cost:
        read[columns.cost[0]] = cells.money(raw.cost, decimal)
    blank = {"_blank": cells.words(raw.date).isnull() if cells.is_text(raw.date) else raw.date.isnull()}
    if columns.value is not None:
        read["value"] = cells.money(raw.value, decimal)
        blank["_empty"] = cells.is_empty(raw.value)
    rows = raw.select(**read, **blank)
    cases = [(rows.customer_id.isnull(), 1), (rows.date.isnull() & rows["_blank"], 2), (rows.date.isnull(), 3)]
    if columns.value is not None:
        cases += [(rows["_empty"], 4), (rows.value.isnull(), 5)]
        if returns == "drop":
            cases.append((rows.value < 0, 6))
    judged = rows.mutate(_reason=ibis.cases(*cases, else_=0).cast("int8")).drop(*blank)
    measures = {"_rows": judged.count()}
    if columns.value is not None:
        measures |= {
            "value": judged.value.sum(),
            "_gross": judged.value.sum(where=judged.value > 0).fill_null(0.0),
            "_negative": (judged.value < 0).sum(),
        }
    measures |= {name: judged[name].min() for name, _ in columns.segments}
    if columns.cost:
        measures[columns.cost[0]] = judged[columns.cost[0]].max()
    # Read the source once: everything else is asked of this table. In order, so that sums of money come out the same to
    # the last digit when the same log is read again.
    return judged, judged.group_by("customer_id", "date", "_reason").agg(**measures).order_by(
        "customer_id", "date"
    ).cache()


def _left_out(groups: ir.Table, columns: Columns) -> dict[str, LedgerRow]:
    rest = groups.filter(groups["_reason"] > 0)
    money = {"value": rest.value.sum()} if columns.value is not None else {}
    found = (
        rest.group_by("_reason")
        .agg(rows=rest["_rows"].sum(), customers=rest.customer_id.nunique(), **money)
        .to_pandas()
    )
    lines = {}
    for line in found.to_dict("records"):
        reason, value = _CODES[line["_reason"]], line.get("value")
        known = value is not None and value == value
        lines[reason] = LedgerRow(reason, int(line["rows"]), int(line["customers"]), float(value) if known else None)
    return lines


def _fingerprint(judged: ir.Table, opened: Source, ledger: tuple[LedgerRow, ...], rows: int) -> str:
    # Rows in a distant engine stay there: only what was counted stands for them.
    content = content_hash(judged.drop("_reason")) if opened.embedded else repr(ledger)
    return hashlib.sha256(f"{judged.columns}|{rows}|{content}".encode()).hexdigest()


def _as_date(value: Any) -> dt.date:
    return value.date() if isinstance(value, dt.datetime) else value
