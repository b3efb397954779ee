"""How the days of a text column are written: ISO, YYYYMMDD, or the one order of day and month that reads them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clvmodels import written
from clvmodels.language import _
from clvmodels.transactions import cells

if TYPE_CHECKING:
    import ibis.expr.types as ir

_HEAD = 1000
_STRAYS = 0.05  # cells in another form that may be left to the ledger


def first_guess(column: ir.Value) -> str:
    """The reading that the head of the column suggests; whoever uses it must look at what it could not read."""
    head = [str(text).strip() for text in column.as_table().limit(_HEAD).to_pandas().iloc[:, 0].dropna()]
    return "compact" if head and all(text[:8].isdigit() for text in head) else "iso"


def find_reading(column: ir.Value, name: str) -> tuple[str, str | None]:
    """The one reading of every cell that any reading can read, or the problem in words.

    Day-first and month-first are taken only when exactly one of them reads every row: nobody else can know what
    03/04/1997 means.
    """
    import ibis

    text = cells.words(column)
    table = text.name("text").as_table()
    table = table.select("text", **{_name(reading): cells.day(table.text, reading) for reading in cells.READINGS})
    days = {reading: table[_name(reading)] for reading in cells.READINGS}
    differ = days["day-first"] != days["month-first"]
    facts = (
        table.agg(
            any=ibis.coalesce(*days.values()).count(),
            differ=differ.sum(),
            **{_name(reading): found.count() for reading, found in days.items()},
        )
        .to_pandas()
        .iloc[0]
    )
    counts = {reading: int(facts[_name(reading)]) for reading in cells.READINGS}
    readable = int(facts["any"])
    for reading in ("iso", "compact"):
        if counts[reading] >= (1 - _STRAYS) * readable:  # also when nothing can be read: then every cell is unreadable
            return reading, None
    complete = [reading for reading in cells.FORMATS if counts[reading] == readable]
    if len(complete) == 1 or (complete and not facts["differ"]):
        return complete[0], None
    if complete:
        example = table.filter(differ).limit(1).to_pandas().iloc[0]
        by_day, by_month = example["day_first"], example["month_first"]
        said = _(
            "'{name}' can be read day-first and month-first ('{text}' is {by_day} or {by_month}). Type --date-format "
            "'{day_first}' or --date-format '{month_first}'."
        )
        read = {"by_day": f"{by_day:%Y-%m-%d}", "by_month": f"{by_month:%Y-%m-%d}"}
        forms = {"day_first": cells.FORMATS["day-first"], "month_first": cells.FORMATS["month-first"]}
        return "iso", said.format(name=name, text=example["text"], **read, **forms)
    found = ", ".join(f"{written.count(count)} {reading}" for reading, count in counts.items() if count)
    return "iso", _(
        "'{name}' is written in more than one way ({found} of {readable} readable rows). Write all dates as "
        "YYYY-MM-DD, or say with --date-format how they are written."
    ).format(name=name, found=found, readable=written.count(readable))


def _name(reading: str) -> str:
    return reading.replace("-", "_")
