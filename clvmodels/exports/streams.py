"""Tables too large for memory into a database, batch by batch: whole or not at all."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clvmodels.errors import InputError
from clvmodels.exports.databases import check_place, file_of
from clvmodels.transactions.databases import without_password
from clvmodels.transactions.spark import SCHEMES, connect_spark

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Stream:
    """A table in a database, named but not yet written."""

    url: str
    table: str
    replace: bool

    @property
    def on_spark(self) -> bool:
        """Whether Spark keeps it."""
        return self.url.partition("://")[0].lower() in SCHEMES

    @property
    def file(self) -> Path | None:
        """Where an embedded database is."""
        return file_of(self.url)

    def __str__(self) -> str:
        return f"{without_password(self.url)} table {self.table}"


def check_stream(to: str, *, table: str, replace: bool) -> Stream:
    """Say before any work whether the table can be written."""
    stream = Stream(to, table, replace)
    if not stream.on_spark:
        place = check_place(to, table=table, replace=replace, option="--to-table")
        return Stream(place.url, place.table, replace)
    if not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*){0,2}", table):
        raise InputError(f"--to-table {table!r} is no name for a table. Use letters, digits and underscores.")
    session = connect_spark(to)._session
    if not replace and session.catalog.tableExists(table):
        raise InputError(
            f"there is already a table {table} in {to}. Nothing is overwritten. Choose another --to-table, or add "
            "--replace."
        )
    return stream


@contextmanager
def held(stream: Stream) -> Iterator[None]:
    """Keep a DuckDB file open for writing, so that a log read from the same file while this lasts shares the way in."""
    if stream.file is None or not stream.file.exists():  # nobody reads what is not there
        yield
        return
    import ibis

    con = ibis.connect(stream.url)
    try:
        yield
    finally:
        con.disconnect()


def write_stream(batches: Iterable[pa.Table], stream: Stream) -> int:
    """Fill a new table beside the old one, then put it in its place; how many rows it has.

    DuckDB and Postgres take the batches one by one, Postgres by COPY; Spark takes them as parts of one table.
    """
    if stream.on_spark:
        return _to_spark(batches, stream)
    import ibis

    new = stream.file is not None and not stream.file.exists()
    try:
        con = ibis.connect(stream.url)
    except Exception as error:  # each engine raises its own kinds
        raise InputError(
            f"{stream} cannot be written ({_reason(error)}). Where the log is read from the same file, begin with "
            "clvmodels.exports.streams.held before it is read, or write to another file."
        ) from None
    schema, _, name = stream.table.rpartition(".")
    where = f'"{schema}".' if schema else ""
    beside = f"{name}_new_{os.getpid()}"
    rows = 0
    try:
        with warnings.catch_warnings():  # Ibis 12 asks DuckDB and pandas 3 by names that are going away
            warnings.simplefilter("ignore", DeprecationWarning)
            for batch in batches:
                if rows == 0:
                    con.create_table(beside, schema=ibis.schema(batch.schema), database=schema or None)
                _append(con, batch, where, beside)
                rows += batch.num_rows
            moved = [f'DROP TABLE IF EXISTS {where}"{name}"'] if stream.replace else []
            moved += [f'ALTER TABLE {where}"{beside}" RENAME TO "{name}"']
            _run(con, moved)
    except BaseException as error:
        with suppress(Exception):
            con.drop_table(beside, database=schema or None, force=True)
        if new and stream.file is not None:
            con.disconnect()
            stream.file.unlink(missing_ok=True)
        if isinstance(error, InputError) or not isinstance(error, Exception):
            raise
        raise InputError(f"{stream} cannot be written ({_reason(error)}).") from None
    finally:
        con.disconnect()
    return rows


def _reason(error: BaseException) -> str:
    said = str(error).strip()
    return without_password(said.splitlines()[0]) if said else type(error).__name__


def _append(con: Any, batch: pa.Table, where: str, table: str) -> None:
    if con.name == "duckdb":
        con.con.register("clvmodels_batch", batch)
        con.con.execute(f'INSERT INTO {where}"{table}" SELECT * FROM clvmodels_batch')
        con.con.unregister("clvmodels_batch")
        return
    names = ", ".join('"' + name.replace('"', '""') + '"' for name in batch.column_names)
    with con.con.cursor() as cursor, cursor.copy(f'COPY {where}"{table}" ({names}) FROM STDIN') as copy:
        for part in batch.to_batches(max_chunksize=50_000):
            columns = [column.to_pylist() for column in part.columns]
            for row in zip(*columns, strict=True):
                copy.write_row(row)
    con.con.commit()


def _run(con: Any, statements: list[str]) -> None:
    """All of the statements or none."""
    if con.name == "duckdb":
        for statement in ["BEGIN TRANSACTION", *statements, "COMMIT"]:
            con.con.execute(statement)
        return
    with con.begin() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _to_spark(batches: Iterable[pa.Table], stream: Stream) -> int:
    session = connect_spark(stream.url)._session
    whole, rows = None, 0
    for batch in batches:
        part = session.createDataFrame(batch)
        whole = part if whole is None else whole.unionByName(part)
        rows += batch.num_rows
    assert whole is not None
    whole.write.mode("overwrite" if stream.replace else "errorifexists").saveAsTable(stream.table)
    return rows
