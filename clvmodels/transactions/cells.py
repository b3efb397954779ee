"""Single cells: a column of any type into customers, days and money; what cannot be read becomes null."""

from __future__ import annotations

import datetime as dt
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ibis.expr.types as ir

# A reading turns text into ISO, which every engine can cast. A time of day may follow; two-digit years are left to
# --date-format, since nobody can tell what 01/02/03 means.
_DAY_MONTH = r"^(\d{1,2})[./-](\d{1,2})[./-](\d{4})(?:[T ,]+\d{1,2}:\d{2}.*)?$"
_REWRITE = {
    "compact": (r"^(\d{4})(\d{2})(\d{2})(?:[T ]*(\d{2}:?\d{2}.*))?$", r"\1-\2-\3"),
    "day-first": (_DAY_MONTH, r"\3-\2-\1"),
    "month-first": (_DAY_MONTH, r"\3-\1-\2"),
}
_LARGEST = sys.float_info.max
_DAY_ONLY = len("1997-09-30")
_ZONE = r"^.{10}.*[A-SU-Za-su-z+-]"  # a letter other than T, or an offset, after the day
READINGS = ("iso", *_REWRITE)
FORMATS = {"day-first": "%d/%m/%Y", "month-first": "%m/%d/%Y"}
# Engines differ in what they take for a date or a number ("1997", "2d"), and Postgres has no cast that gives null:
# elsewhere than in DuckDB only what is surely one is cast. A day that exists, 29 February included:
_REAL_DAY = (
    r"(?:[1-9]\d{3}-(?:(?:0?[13578]|1[02])-(?:0?[1-9]|[12]\d|3[01])|(?:0?[469]|11)-(?:0?[1-9]|[12]\d|30)"
    r"|0?2-(?:0?[1-9]|1\d|2[0-8]))"
    r"|(?:[1-9]\d(?:0[48]|[2468][048]|[13579][26])|(?:[2468][048]|[13579][26])00)-0?2-29)"
)
_CLOCK = r"[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?"
_SURE = {
    "date": rf"^{_REAL_DAY}$",
    "timestamp": rf"^{_REAL_DAY}(?:{_CLOCK})?$",
    "timestamp('UTC')": rf"^{_REAL_DAY}{_CLOCK} ?(?:Z|UTC|[+-](?:0\d|1[0-5])(?::?[0-5]\d)?)$",
    "float64": r"^[+-]?(?:\d{1,200}(?:\.\d{0,200})?|\.\d{1,200})(?:[eE][+-]?\d{1,2})?$",
}
_EARLIEST, _LATEST = dt.date(1000, 1, 1), dt.date(9999, 12, 30)  # "97-01-02" is no year, "infinity" no day
# With a decimal comma, a point can only group thousands; anything else is not read rather than misread.
_DECIMAL_COMMA = r"^[+-]?(\d+|\d{1,3}(\.\d{3})+)?(,\d*)?$"


def words(column: ir.Value) -> ir.StringValue:
    """The column as text without surrounding blanks, null when empty."""
    kind = column.type()
    if kind.is_floating():  # 19970101.0, as pandas keeps whole numbers beside a missing one
        column = column.cast("int64")
    return (column if kind.is_string() else column.cast("string")).strip().nullif("")


def customer(column: ir.Value, *, whole: bool = True) -> ir.Value:
    """The customer's id: whole numbers as integers, text without surrounding blanks, null for empty text."""
    kind = column.type()
    if kind.is_integer():
        return column
    if kind.is_floating() or kind.is_decimal():
        return column.cast("int64" if whole else "string")
    return words(column)


def label(column: ir.Value) -> ir.Value:
    """A segment: its own type, text without surrounding blanks."""
    return words(column) if column.type().is_string() or column.type().is_null() else column


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
        One of ``READINGS`` or a ``strptime`` format; only used for text.
    """
    import ibis

    kind = column.type()
    if kind.is_date():
        return column
    if kind.is_timestamp() and kind.timezone is None:
        return column.date()
    if kind.is_timestamp():
        return _day_in_utc(column)
    text = words(column)
    if reading in _REWRITE:
        pattern, iso = _REWRITE[reading]
        if column.get_backend().name == "pyspark":  # Java's regular expressions write groups their own way
            iso = iso.replace("\\", "$")
        # What does not match must not pass as ISO.
        text = ibis.ifelse(text.re_search(pattern), text.re_replace(pattern, iso), ibis.null("string"))
    if reading not in READINGS:
        found = _try_strptime()(text, reading).cast("date")
    else:
        # Reading a zone of time costs four times as much as not reading one.
        zoned = text.re_search(_ZONE)
        found = ibis.cases(
            (text.length() <= _DAY_ONLY, _try(text, "date")),
            (zoned, _day_in_utc(_try(text, "timestamp('UTC')"))),
            else_=_try(text, "timestamp").cast("date"),
        )
    return ibis.ifelse(found.between(_EARLIEST, _LATEST), found, ibis.null("date"))


def _try(text: ir.StringValue, kind: str) -> ir.Value:
    """The text as a date, a timestamp or a number, null where it is none."""
    import ibis

    if text.get_backend().name == "duckdb":
        return text.try_cast(kind)
    sure = ibis.ifelse(text.re_search(_SURE[kind]), text, ibis.null("string"))
    return sure.try_cast(kind)


def _day_in_utc(moment: ir.TimestampValue) -> ir.DateValue:
    # The time since 1970 is the same everywhere; a cast to date would use the session's own time zone, and so does, in
    # DuckDB, Ibis's epoch_seconds.
    import ibis

    seconds = _epoch_us()(moment) // 1_000_000 if moment.get_backend().name == "duckdb" else moment.epoch_seconds()
    days = (seconds // 86_400).cast("int64").as_interval("D")
    return (ibis.date("1970-01-01") + days).cast("date")


def money(column: ir.Value, decimal: str) -> ir.FloatingValue:
    """Money as float64, null where it is no finite number; text is read strictly, with ``decimal`` as decimal sign."""
    import ibis

    if column.type().is_string():
        text = words(column)
        if decimal == ",":
            plain = text.replace(".", "").replace(",", ".")
            text = ibis.ifelse(text.re_search(_DECIMAL_COMMA), plain, ibis.null("string"))
        amount = _try(text, "float64")
    elif column.type().is_floating():
        amount = column.cast("float64")
    else:
        return column.cast("float64")
    # Engines hold that NaN lies above every number, and compare faster than they ask what is one.
    return ibis.ifelse(amount.between(-_LARGEST, _LARGEST), amount, ibis.null("float64"))


def is_empty(column: ir.Value) -> ir.BooleanValue:
    """Whether no amount is given, as opposed to one that is no number."""
    if column.type().is_string():
        return words(column).isnull()
    return (column.isnull() | column.isnan()) if column.type().is_floating() else column.isnull()


@cache
def _epoch_us() -> Any:
    import ibis
    import ibis.expr.datatypes as types

    @ibis.udf.scalar.builtin(name="epoch_us", signature=((types.Timestamp(timezone="UTC"),), types.int64))
    def epoch_us(moment):  # type: ignore[no-untyped-def]
        """DuckDB's own."""

    return epoch_us


@cache
def _try_strptime() -> Any:
    import ibis

    @ibis.udf.scalar.builtin(name="try_strptime")  # type: ignore[untyped-decorator]
    def try_strptime(text: str, form: str) -> dt.datetime:  # type: ignore[empty-body]
        """DuckDB's own."""

    return try_strptime
