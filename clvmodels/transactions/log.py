"""The checked log: one row per customer and day, and a ledger of the rows that could not become one."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from clvmodels.calendar import as_date
from clvmodels.datasets import DATASETS
from clvmodels.errors import InputError
from clvmodels.language import _
from clvmodels.transactions import cells
from clvmodels.transactions.columns import Columns, find_columns
from clvmodels.transactions.dates import find_reading, first_guess
from clvmodels.transactions.engine import Source, content_hash, keep, read_errors
from clvmodels.transactions.ledger import LedgerRow, in_order
from clvmodels.transactions.parts import PART, parts_for
from clvmodels.transactions.problems import Rows, check_rows, check_types
from clvmodels.transactions.rows import CODES, Tally, group, judge, tally
from clvmodels.transactions.sources import open_source

if TYPE_CHECKING:
    import ibis.expr.types as ir

_DIRECTIVE = re.compile(r"%(-?[dmyHIMSj]|[aAbBcfgpUwWxXYzZ%])")  # of strptime, as the engine knows them


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
    parts
        In how many parts of customers a large log is worked on; ``days`` tells each row's in ``_part``.
    """

    days: ir.Table = field(repr=False)
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
    parts: int = 1

    @property
    def table(self) -> ir.Table:
        """One row per customer and day: ``customer_id``, ``date``, ``value`` (the day's sum), segments and cost."""
        return self.days.drop(*(name for name in ("_rows", "_gross", "_negative", PART) if name in self.days.columns))


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
    if dataset is not None and table is not None:
        raise InputError(
            _("'{source}' is a built-in log; --table names a table in a database. Leave --table out.").format(
                source=source
            )
        )
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
    return replace(
        log,
        currency=currency or dataset.currency,
        source=dataset.title,
        published_split=dataset.published_split,
    )


def _check_options(date_format: str | None, decimal: str, returns: str) -> None:
    problems = []
    if date_format is not None and (not _DIRECTIVE.search(date_format) or "%" in _DIRECTIVE.sub("", date_format)):
        problems.append(
            _("date format {date_format!r} is not understood. Write for example --date-format '%d/%m/%Y'.").format(
                date_format=date_format
            )
        )
    if decimal not in (".", ","):
        problems.append(
            _("decimal sign {decimal!r} is not known. Choose --decimal . or --decimal ,").format(decimal=decimal)
        )
    if returns not in ("net", "drop", "keep"):
        problems.append(
            _("returns {returns!r} is not known. Choose --returns net, drop or keep.").format(returns=returns)
        )
    if problems:
        raise InputError(
            _("the options are not clear") if len(problems) > 1 else problems[0], problems[1:] and problems
        )


def _read(opened: Source, columns: Columns, date_format: str | None, decimal: str, returns: str) -> Transactions:
    has_value = columns.value is not None

    def judged_by(reading: str) -> tuple[ir.Table, list[str], Tally]:
        judged = judge(raw, columns, reading=reading, decimal=decimal, returns=returns)
        judged = judged if opened.cheap else keep([judged])
        counted = tally(judged, has_value=has_value)
        return judged, opened.malformed(), counted  # malformed lines are known once the rows have been read

    with read_errors(opened.label):
        raw = opened.take([at for _, at in columns.positions])
        raw = raw.rename({role: f"c{i}" for i, (role, _) in enumerate(columns.positions)})
        names = {role: opened.names[at] for role, at in columns.positions}
        check_types(raw, names, can_try=opened.can_try, label=opened.label)
        if date_format and cells.is_text(raw.date) and not opened.embedded:
            raise InputError(
                _(
                    "--date-format is for files and tables in memory. Cast '{date}' to a date in a view of {label}."
                ).format(date=names["date"], label=opened.label)
            )
        problem = None
        reading = date_format or (first_guess(raw.date) if cells.is_text(raw.date) else "iso")
        judged, lines, counted = judged_by(reading)
        if "bad_date" in counted.left_out and not date_format:
            better, problem = find_reading(raw.date, names["date"])
            if better != reading:
                judged, lines, counted = judged_by(better)
        left_out = list(counted.left_out.values())
        if lines:
            detail = "lines " + ", ".join(lines[:20]) + (", …" if len(lines) > 20 else "")
            left_out.append(LedgerRow("malformed", len(lines), 0, None, detail))
        ledger = in_order(left_out)
        rows = counted.usable + sum(line.rows for line in ledger)
        check_rows(Rows(raw, judged, names, opened.embedded), ledger, rows, decimal=decimal, written=problem)
        parts = parts_for(counted.usable) if opened.embedded else 1
        days = group(judged, columns, counted, parts)
        first, last = days.agg(first=days.date.min(), last=days.date.max()).to_pandas().iloc[0]
        if returns == "drop" and "negative" in counted.left_out:
            # A refund that is dropped is no purchase, but it shows that the log was still being kept.
            dropped = judged.filter(judged["_reason"] == CODES.index("negative")).date.max().to_pandas()
            last = max(as_date(last), as_date(dropped))
        return Transactions(
            days=days,
            ledger=ledger,
            source=opened.label,
            sha256=opened.sha256 or _fingerprint(judged, opened, ledger, rows),
            rows=rows,
            has_value=has_value,
            segments=tuple(name for name, _ in columns.segments),
            cost=columns.cost[0] if columns.cost else None,
            currency="USD",
            returns=returns,
            first_date=as_date(first),
            last_date=as_date(last),
            parts=parts,
        )


def _fingerprint(judged: ir.Table, opened: Source, ledger: tuple[LedgerRow, ...], rows: int) -> str:
    # Rows in a distant engine stay there: only what was counted stands for them.
    content = content_hash(judged.drop("_reason"), rows) if opened.embedded else repr(ledger)
    return hashlib.sha256(f"{judged.columns}|{rows}|{content}".encode()).hexdigest()
