"""Tables of customers in a database, through Ibis: whole or not at all, every column with a comment."""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clvmodels.errors import InputError
from clvmodels.exports.schema import CustomerTable
from clvmodels.transactions.databases import without_password

ENGINES = ("duckdb", "postgres", "postgresql")
"""Where writing has been tried."""

DEFAULT_TABLE = "customers"


@dataclass(frozen=True)
class Place:
    """A table in a database, named but not yet written."""

    url: str
    table: str
    replace: bool

    def __str__(self) -> str:
        return f"{without_password(self.url)} table {self.table}"


def is_database(to: str) -> bool:
    """Whether ``to`` names a database rather than a file."""
    return "://" in to or to.lower().endswith((".duckdb", ".ddb"))


def check_place(to: str, *, table: str | None, replace: bool, option: str = "--table") -> Place:
    """Say before any work whether the table can be written: the database answers, nothing is in the way.

    ``option`` is what the command calls the table's name.
    """
    url = to if "://" in to else f"duckdb://{to}"
    scheme = url.partition("://")[0]
    if scheme not in ENGINES:
        raise InputError(
            f"{without_password(to)}: tables are written to duckdb:// and postgres:// only. "
            "Export a .parquet file, and load it with the tools of that database."
        )
    place = Place(url, table or DEFAULT_TABLE, replace)
    if not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)?", place.table):
        raise InputError(
            f"{option} {place.table!r} is no name for a table. Use letters, digits and underscores, after a schema "
            "and a dot if need be: crm.customers."
        )
    path = file_of(url)
    if scheme == "duckdb" and (path is None or path.name == ":memory:"):
        raise InputError(f"{to} is a database in memory, gone when the command ends. Name a file: duckdb://crm.duckdb.")
    if path is not None and not path.exists():
        if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
            raise InputError(f"{to} cannot be made: there is no folder {path.parent} to write in. Make it first.")
        return place  # a new database holds no table
    with _connected(place) as con:
        _check_free(con, place, option)
    return place


def is_table(to: str, table: str, *, url: str, name: str) -> bool:
    """Whether ``table`` of the database ``to`` is the table ``name`` of ``url``, as far as their addresses say."""
    return _address(to) == _address(url) and _qualified(table) == _qualified(name)


def _address(url: str) -> tuple[str, str]:
    scheme, _, rest = url.rpartition("://")
    scheme = {"postgresql": "postgres", "pyspark": "spark", "": "duckdb"}.get(scheme.lower(), scheme.lower())
    rest = rest.partition("?")[0]
    if scheme == "spark":
        return scheme, ""  # one session serves them all
    return scheme, os.path.realpath(os.path.expanduser(rest)) if scheme == "duckdb" else rest.rpartition("@")[2]


def _qualified(table: str) -> str:
    schema, _, name = table.lower().rpartition(".")
    return name if schema in ("", "public", "main", "default") else f"{schema}.{name}"


def _check_free(con: Any, place: Place, option: str = "--table") -> None:
    schema, _, name = place.table.rpartition(".")
    try:
        there = name in con.list_tables(database=schema or None)
    except Exception as error:
        raise _refusal(place, error) from None
    if there and not place.replace:
        rows = int(con.table(name, database=schema or None).count().execute())
        raise InputError(
            f"there is already a table {place.table} in {without_password(place.url)}, with {rows:,} rows. "
            f"Nothing is overwritten. Choose another {option}, or add --replace."
        )


def write_database(table: CustomerTable, place: Place) -> None:
    """Fill a new table beside the old one, comment its columns, then put it in its place in one transaction."""
    path = file_of(place.url)
    new = path is not None and not path.exists()
    try:
        with _connected(place) as con:
            _check_free(con, place)
            _write(con, table, place)
    except BaseException:
        if new and path is not None:
            path.unlink(missing_ok=True)
        raise


def _write(con: Any, table: CustomerTable, place: Place) -> None:
    schema, _, name = place.table.rpartition(".")
    beside = f"{name}_new_{os.getpid()}"
    where = f'"{schema}".' if schema else ""
    try:
        con.create_table(beside, obj=_arrow(table), database=schema or None)
        about = json.dumps(table.about, ensure_ascii=False, allow_nan=False)
        comments = [f'COMMENT ON TABLE {where}"{beside}" IS {_quoted(about)}']
        comments += [
            f'COMMENT ON COLUMN {where}"{beside}"."{_name(column.name)}" IS {_quoted(_comment(column))}'
            for column in table.columns
        ]
        moved = [f'DROP TABLE IF EXISTS {where}"{name}"'] if place.replace else []
        moved += [f'ALTER TABLE {where}"{beside}" RENAME TO "{name}"']
        _run(con, [*comments, *moved])
    except Exception as error:
        with suppress(Exception):
            if con.name == "duckdb":
                con.con.execute("ROLLBACK")
        with suppress(Exception):
            con.drop_table(beside, database=schema or None, force=True)
        raise _refusal(place, error) from None


def _run(con: Any, statements: list[str]) -> None:
    """All of the statements or none."""
    if con.name == "duckdb":  # Ibis has no transactions for it
        statements = ["BEGIN TRANSACTION", *statements, "COMMIT"]
        for statement in statements:
            con.con.execute(statement)
        return
    with con.begin() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _comment(column: Any) -> str:
    return f"{column.meaning} [{column.unit}]" if column.unit else str(column.meaning)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _name(text: str) -> str:
    return text.replace('"', '""')


def _arrow(table: CustomerTable) -> Any:
    """The rows with days as dates and missing values as nulls."""
    import pyarrow as pa

    rows = pa.Table.from_pandas(table.frame, preserve_index=False)
    for at, column in enumerate(table.columns):
        if column.kind == "date":
            rows = rows.set_column(at, column.name, rows.column(at).cast(pa.date32()))
    return rows.replace_schema_metadata(None)


def file_of(url: str) -> Path | None:
    """The file of an embedded database."""
    scheme, _, rest = url.partition("://")
    return Path(rest.partition("?")[0]).expanduser() if scheme == "duckdb" and rest else None


@contextmanager
def _connected(place: Place) -> Iterator[Any]:
    import ibis

    try:
        con = ibis.connect(place.url)
    except Exception as error:  # each engine raises its own kinds
        raise _refusal(place, error) from None
    try:
        with warnings.catch_warnings():  # Ibis 12 asks DuckDB and pandas 3 by names that are going away
            warnings.simplefilter("ignore", DeprecationWarning)
            yield con
    finally:
        con.disconnect()


def _refusal(place: Place, error: Exception) -> InputError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    cure = "Check the address, and that the database runs and lets you write."
    if "missing dependencies" in reason or isinstance(error, ImportError):
        cure = "Install what it needs: pip install 'clvmodels[postgres]'."
    return InputError(f"{place} cannot be written ({without_password(reason)}). {cure}")
