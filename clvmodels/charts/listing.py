"""A figure's table in words: headings without column names, cells rounded for reading."""

from __future__ import annotations

import numpy as np
import pandas as pd

from clvmodels.charts.words import Words
from clvmodels.tables import FigureTable

SHARES = {
    "gain": {"customers", "model", "formula_customer", "formula_repeat", "perfect"},
    "reliability": {"bin_lower", "bin_upper", "predicted", "observed", "lower", "upper"},
    "pit": {"lower", "upper"},
    "alive_heatmap": {"p_alive", "actual"},
    "customer_paths": {"p_alive"},
    "customer_outcomes": {"probability"},
}
"""Columns that are fractions, by figure; they are written as per cent."""
NAMES = {
    "predictor",
    "period",
    "quantity",
    "metric",
    "topic",
    "verdict",
    "formula",
    "tier",
    "role",
    "cutoff",
    "indicator",
}
"""Columns that hold names of ours, when they hold text."""


def listing(table: FigureTable, words: Words, limit: int | None = None) -> tuple[list[str], list[list[str]]]:
    """Headings and cells of a figure's table.

    Parameters
    ----------
    table
        The numbers.
    words
        The language.
    limit
        At most so many rows.
    """
    frame = table.frame if limit is None else table.frame.head(limit)
    units = words.units(table.facts["unit"]) if "unit" in table.facts else ""
    headings = [_heading(str(name), table, words, units) for name in frame]
    columns = [_cells(frame[name], str(name), table, words) for name in frame]
    return headings, [list(row) for row in zip(*columns, strict=True)]


def _heading(column: str, table: FigureTable, words: Words, units: str) -> str:
    key = f"column.{column}.{table.name}"
    text = words(
        key if key in words.texts else f"column.{column}", units=units, currency=table.facts.get("currency", "")
    )
    return text[:1].upper() + text[1:] if column == "silence" else text


def _cells(values: pd.Series, column: str, table: FigureTable, words: Words) -> list[str]:
    if pd.api.types.is_datetime64_any_dtype(values):
        return [words.date(value.date()) for value in values]
    if column == "customer_id" or not pd.api.types.is_numeric_dtype(values):
        return [_name(value, column, words) for value in values]
    numbers = values.to_numpy(float)
    if column in SHARES.get(table.name, ()):
        return [words.share(number, 1) for number in numbers]
    known = numbers[np.isfinite(numbers)]
    if np.array_equal(known, np.rint(known)):
        return [words.number(number) for number in numbers]
    size = np.abs(known).max()
    digits = 3 if size < 10 else 2 if size < 1000 else 1
    return [words.number(number, digits) for number in numbers]


def _name(value: object, column: str, words: Words) -> str:
    text = str(value)
    if column not in NAMES:
        return text
    if column == "tier":
        return words.tier(text)
    keys = (f"cell.{text}_{column}", f"cell.{text}", f"verdict.{text}", text)
    return next((words.texts[key] for key in keys if key in words.texts), text)
