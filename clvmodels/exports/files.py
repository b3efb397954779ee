"""Tables of customers as files: Parquet with its columns described inside, CSV with a description beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from clvmodels.exports.schema import KEY, CustomerTable
from clvmodels.files import write_table
from clvmodels.language import language

ROWS = 1 << 20
"""Rows written at a time: a Parquet row group."""
_TYPES = {
    "text": "string",
    "plain": "number",
    "date": {"base": "date", "format": "yyyy-MM-dd"},
    "count": "integer",
    "number": "number",
    "duration": "number",
    "money": "number",
    "probability": "number",
}


def write_parquet(table: CustomerTable, path: Path) -> None:
    """Parquet: every field carries its description and unit, the file what they rest on, under the key ``clvmodels``.

    Read it with anything; pandas sees the same table as without.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    frame = table.frame
    known = pa.Schema.from_pandas(frame, preserve_index=False)
    fields = [
        known.field(column.name).with_metadata({"description": column.meaning, "unit": column.unit})
        for column in table.columns
    ]
    facts = {**(known.metadata or {}), KEY: json.dumps(table.about, ensure_ascii=False, allow_nan=False).encode()}
    described = pa.schema(fields, metadata=facts)
    with pq.ParquetWriter(path, described) as writer:
        for start in range(0, max(len(frame), 1), ROWS):
            rows = pa.Table.from_pandas(frame.iloc[start : start + ROWS], schema=known, preserve_index=False)
            writer.write_table(rows.cast(described))


def beside(path: Path) -> Path:
    """The file that describes a CSV, by the name that the W3C's *CSV on the Web* gives it."""
    return path.with_name(path.name + "-metadata.json")


def write_csv(table: CustomerTable, path: Path) -> None:
    """CSV: ISO dates, ten significant digits."""
    write_table(table.frame, path)


def write_description(table: CustomerTable, path: Path, *, of: str) -> None:
    """The description of the CSV called ``of``: columns with type, unit and meaning, as *CSV on the Web* metadata."""
    described: dict[str, Any] = {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": language()}],
        "url": of,
        "dialect": {"encoding": "utf-8", "header": True, "delimiter": ","},
        "tableSchema": {
            "columns": [
                {
                    "name": column.name,
                    "titles": column.name,
                    "dc:description": column.meaning,
                    "datatype": _TYPES[column.kind],
                    "clvmodels:unit": column.unit,
                }
                for column in table.columns
            ],
            "primaryKey": "customer_id",
        },
        "clvmodels:about": dict(table.about),
    }
    path.write_text(json.dumps(described, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
