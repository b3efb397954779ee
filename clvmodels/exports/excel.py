"""Tables of customers as a workbook: real dates and numbers, a frozen header with filters, totals, definitions."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path
from typing import Any

import pandas as pd

from clvmodels.errors import InputError
from clvmodels.exports import words
from clvmodels.exports.schema import QUANTITIES, CustomerTable

MOST = 1_048_576 - 1
"""Rows of a sheet below its header."""

_FORMATS = {
    "text": {},
    "plain": {},
    "date": {"num_format": "yyyy-mm-dd"},
    "count": {"num_format": "#,##0"},
    "number": {"num_format": "#,##0.00"},
    "duration": {"num_format": "#,##0.0"},
    "money": {"num_format": "#,##0.00"},
    "probability": {"num_format": "0.0%"},
}
_WIDTHS = {"text": 14, "plain": 12, "date": 12, "count": 11, "number": 12, "duration": 9, "money": 13, "probability": 9}


def check_rows(customers: int) -> None:
    """Refuse what does not fit on a sheet."""
    if customers > MOST:
        raise InputError(
            f"a sheet of Excel has room for {MOST:,} customers, and there are {customers:,}. "
            "Export to .parquet or .csv, or to a database."
        )


def write_workbook(table: CustomerTable, path: Path) -> None:
    """Write the workbook: the customers, their totals with where they come from, and what every column means."""
    import xlsxwriter

    check_rows(len(table.frame))
    # Row by row to the disk; text stays text, whatever it looks like: an id "=1+1" is no formula.
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(str(path), {**options, "strings_to_numbers": False}) as book:
        about = table.about
        made = dt.datetime.fromisoformat(about["created"] or f"{about['until']}T00:00:00+00:00").replace(tzinfo=None)
        title = words.TITLE["title"].format(source=about["source"], until=about["until"])
        book.set_properties({"title": title, "comments": about["made_by"], "created": made})
        styles = {kind: book.add_format({"valign": "top", **given}) for kind, given in _FORMATS.items()}
        styles["head"] = book.add_format(
            {"bold": True, "bg_color": "#0B5394", "font_color": "#FFFFFF", "valign": "vcenter"}
        )
        styles["name"] = book.add_format({"bold": True, "valign": "top"})
        styles["wrap"] = book.add_format({"text_wrap": True, "valign": "top"})
        styles["title"] = book.add_format({"bold": True, "font_size": 14})
        _customers(table, book.add_worksheet(words.SHEETS["customers"]), styles)
        _totals(table, book.add_worksheet(words.SHEETS["totals"]), styles)
        _definitions(table, book.add_worksheet(words.SHEETS["definitions"]), styles)


def _customers(table: CustomerTable, sheet: Any, styles: dict[str, Any]) -> None:
    """One row per customer; missing values are empty cells."""
    columns = table.columns
    for at, column in enumerate(columns):
        sheet.set_column(at, at, max(_WIDTHS[column.kind], len(column.name) + 3), styles[column.kind])
        sheet.write_string(0, at, column.name, styles["head"])
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, len(table.frame), len(columns) - 1)
    sheet.repeat_rows(0)
    _printable(sheet)
    writers = [_writer(sheet, at, column.kind, styles[column.kind]) for at, column in enumerate(columns)]
    values = [_plain(table.frame[column.name], column.kind) for column in columns]
    for row, cells in enumerate(zip(*values, strict=True), 1):
        for write, cell in zip(writers, cells, strict=True):
            if cell is not None:
                write(row, cell)


def _printable(sheet: Any) -> None:
    """As wide as a page, as long as it takes."""
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)


def _writer(sheet: Any, at: int, kind: str, style: Any) -> Any:
    if kind == "text":
        return lambda row, cell: sheet.write_string(row, at, cell, style)
    if kind == "date":
        return lambda row, cell: sheet.write_datetime(row, at, cell, style)
    return lambda row, cell: sheet.write_number(row, at, cell, style)


def _plain(values: pd.Series[Any], kind: str) -> list[Any]:
    """Cells as Python knows them; None where there is nothing."""
    missing = values.isna().tolist()
    if kind == "text":
        plain: list[Any] = values.astype(str).tolist()
    elif kind == "date":
        plain = [when.to_pydatetime() if when == when else None for when in pd.to_datetime(values)]
    else:
        plain = values.astype(object).tolist()
    return [None if gone or (isinstance(cell, float) and not math.isfinite(cell)) else cell
            for gone, cell in zip(missing, plain, strict=True)]  # fmt: skip


def _totals(table: CustomerTable, sheet: Any, styles: dict[str, Any]) -> None:
    """Totals with their intervals beside the sums of the sheet, which Excel works out itself; then the provenance."""
    about, names = table.about, [column.name for column in table.columns]
    _printable(sheet)
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 4, 18)
    sheet.write_string(0, 0, words.TITLE["title"].format(source=about["source"], until=about["until"]), styles["title"])
    for at, heading in enumerate(words.HEADINGS["totals"]):
        sheet.write_string(2, at, heading, styles["head"])
    row = 3
    for name, (mean, lower, upper) in about["totals"].items():
        style = styles["count" if name == "purchases" else "money"]
        sheet.write_string(row, 0, words.QUANTITIES[name].format(currency=about["currency"]), styles["name"])
        for at, number in enumerate((mean, lower, upper), 1):
            sheet.write_number(row, at, number, style)
        letters = _letters(names.index(QUANTITIES[name]))
        cells = f"'{words.SHEETS['customers']}'!{letters}2:{letters}{len(table.frame) + 1}"
        sheet.write_formula(row, 4, f"=SUM({cells})", style, float(table.frame[QUANTITIES[name]].sum()))
        row += 1
    row += 1
    for label, said in _provenance(table):
        sheet.write_string(row, 0, label, styles["name"])
        sheet.write_string(row, 1, said)
        row += 1


def _letters(at: int) -> str:
    from xlsxwriter.utility import xl_col_to_name

    return str(xl_col_to_name(at))


def _provenance(table: CustomerTable) -> list[tuple[str, str]]:
    about = table.about
    facts = {
        "customers": f"{len(table.frame)}",
        "source": about["source"],
        "sha256": about["sha256"] or "",
        "observed": f"{about['start']} – {about['until']}",
        "horizon": f"{about['horizon_start']} – {about['horizon_end']}",
        "models": ", ".join(about["models"]),
        "margin": f"{about['margin']:g}",
        "discount_rate": f"{about['discount_rate']:g}",
        "currency": about["currency"],
        "made_by": about["made_by"],
        "report": about["report"] or "",
        "created": about["created"] or "",
        "command": about["command"] or "",
        "seed": f"{about['seed']}",
        "schema": f"{about['schema']}",
    }
    return [(words.PROVENANCE[name], fact) for name, fact in facts.items() if fact]


def _definitions(table: CustomerTable, sheet: Any, styles: dict[str, Any]) -> None:
    """What every column means, in the order of the columns."""
    for at, (heading, width) in enumerate(zip(words.HEADINGS["definitions"], (24, 22, 90), strict=True)):
        sheet.set_column(at, at, width)
        sheet.write_string(0, at, heading, styles["head"])
    _printable(sheet)
    sheet.freeze_panes(1, 0)
    for row, column in enumerate(table.columns, 1):
        sheet.write_string(row, 0, column.name, styles["name"])
        sheet.write_string(row, 1, column.unit, styles["wrap"])
        sheet.write_string(row, 2, column.meaning, styles["wrap"])
