"""Tables too large for memory into a database, batch by batch: whole or not at all."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clvmodels.errors import InputError
from clvmodels.exports.databases import check_place
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

    def __str__(self) -> str:
        return f"{without_password(self.url)} table {self.table}"


def check_stream(to: str, *, table: str, replace: bool) -> Stream:
    """Say before any work whether the table can be written."""
    stream = Stream(to, table, replace)
    if not stream.on_spark:
        place = check_place(to, table=table, replace=replace)
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


def write_stream(batches: Iterable[pa.Table], stream: Stream) -> int:
    """Fill a new table beside the old one, then put it in its place; how many rows it has.

    DuckDB and Postgres take the batches one by one, Postgres by COPY; Spark takes them as parts of one table.
    """
    if stream.on_spark:
        return _to_spark(batches, stream)
    import ibis

    con = ibis.connect(stream.url)
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
    except InputError:
        raise
    except BaseException as error:
        with suppress(Exception):
            con.drop_table(beside, database=schema or None, force=True)
        if not isinstance(error, Exception):
            raise
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(f"{stream} cannot be written ({without_password(reason)}).") from None
    finally:
        con.disconnect()
    return rows


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
