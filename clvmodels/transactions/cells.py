"""Single cells: a column of any type into customers, days and money; what cannot be read becomes null."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ibis.expr.types as ir

# A reading turns text into ISO, which every engine can cast. A time of day may follow; two-digit years are left to
# --date-format, since nobody can tell what 01/02/03 means.
_TIME = r"(?:[T ,]+\d{1,2}:\d{2}.*)?$"
_REWRITE = {
    "compact": (r"^(\d{4})(\d{2})(\d{2})(?:[T ]*(\d{2}:?\d{2}.*))?$", r"\1-\2-\3"),
    "day-first": (r"^(\d{1,2})[./-](\d{1,2})[./-](\d{4})" + _TIME, r"\3-\2-\1"),
    "month-first": (r"^(\d{1,2})[./-](\d{1,2})[./-](\d{4})" + _TIME, r"\3-\1-\2"),
}
READINGS = ("iso", *_REWRITE)
EARLIEST, LATEST = dt.date(1000, 1, 1), dt.date(9999, 12, 30)  # "97-01-02" is no year, "infinity" no day


def customer(column: ir.Value, *, whole: bool = True) -> ir.Value:
    """The customer's id: whole numbers as integers, text without surrounding blanks, null for empty text."""
    kind = column.type()
    if kind.is_integer():
        return column
    if kind.is_string():
        return column.strip().nullif("")
    if (kind.is_floating() or kind.is_decimal()) and whole:
        return column.cast("int64")
    return column.cast("string")


def words(column: ir.Value) -> ir.StringValue:
    """The column as text without surrounding blanks, null when empty."""
    return (column if column.type().is_string() else column.cast("string")).strip().nullif("")


def is_text(column: ir.Value) -> bool:
    """Whether days must be read out of this column rather than taken."""
    return not (column.type().is_date() or column.type().is_timestamp())


def day(column: ir.Value, reading: str) -> ir.DateValue:
    """The calendar day of each cell; an aware timestamp is taken in UTC.

    Parameters
    ----------
    column
        Dates, timestamps, or text (numbers are taken as their digits).
    reading
        One of ``READINGS`` or a ``strptime`` format; only for text.
    """
    import ibis

    kind = column.type()
    if kind.is_date():
        return column
    if kind.is_timestamp() and kind.timezone is None:
        return column.date()
    if kind.is_timestamp():
        # The seconds since 1970 are the same everywhere; a cast to date uses the session's own time zone.
        days = (column.epoch_seconds() // 86400).cast("int64").as_interval("D")
        return (ibis.date("1970-01-01") + days).cast("date")
    text = words(column)
    if reading not in READINGS:
        return _try_strptime()(text, reading).cast("date")
    if reading in _REWRITE:
        # What does not match stays as it is and must not pass as ISO.
        pattern, iso = _REWRITE[reading]
        text = ibis.ifelse(text.re_search(pattern), text.re_replace(pattern, iso), ibis.null("string"))
    moment = text.try_cast("timestamp('UTC')")
    found = moment.cast("date")
    return ibis.ifelse(found.between(EARLIEST, LATEST), found, ibis.null("date"))


def money(column: ir.Value, decimal: str) -> ir.FloatingValue:
    """Money as float64; text is read strictly, with ``decimal`` as its decimal sign."""
    import ibis

    if not column.type().is_string():
        return column.cast("float64")
    text = words(column)
    if decimal == ",":
        grouped = text.re_search(r"^[+-]?(\d+|\d{1,3}(\.\d{3})+)?(,\d*)?$")
        text = ibis.ifelse(grouped, text.replace(".", "").replace(",", "."), ibis.null("string"))
    return text.try_cast("float64")


@cache
def _try_strptime() -> Any:
    import ibis

    @ibis.udf.scalar.builtin(name="try_strptime")
    def try_strptime(text: str, form: str) -> dt.datetime:  # type: ignore[empty-body]
        ...

    return try_strptime
