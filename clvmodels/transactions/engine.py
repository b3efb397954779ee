"""The rows of a source inside an engine, before any of them has been judged; our own is DuckDB, embedded."""

from __future__ import annotations

import contextlib
import os
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clvmodels.errors import InputError
from clvmodels.language import _, noted

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

_EXACT_UP_TO = 1_000_000
MEMORY_LIMIT = "2GB"
"""What DuckDB may keep in memory; what is more goes to a folder for temporary files, which it takes away again."""
_ENGINES = count()
_STORE = "clvmodels_store"
_OURS: weakref.WeakSet[Any] = weakref.WeakSet()  # engines that have one
KINDS = noted(
    "a CSV or Parquet path or glob, a pandas, Polars, Arrow or Ibis table, a database URL with table=, "
    "'cdnow' or 'cdnow-sample'"
)


@dataclass(frozen=True)
class Source:
    """Where the rows come from, before any of them has been judged."""

    label: str
    names: tuple[str, ...]
    take: Callable[[Sequence[int]], ir.Table]  # the columns at these positions, called c0, c1, …
    sha256: str | None = None  # of the files; None when there are no files
    malformed: Callable[[], list[str]] = field(default=list)  # where they are, once the rows have been read
    embedded: bool = True  # in DuckDB, inside this process
    cheap: bool = False  # whether the rows can be scanned several times at little cost
    can_try: bool = True  # whether the engine can turn text into null where it is no number


def selector(rows: ir.Table) -> Callable[[Sequence[int]], ir.Table]:
    """What `Source.take` does, for a table that is there already."""

    def take(positions: Sequence[int]) -> ir.Table:
        return rows.select({f"c{i}": rows[rows.columns[at]] for i, at in enumerate(positions)})

    return take


def duckdb_engine() -> Any:
    """A DuckDB of our own, in memory, which asks nobody for anything."""
    import duckdb
    import ibis

    # Extensions would be fetched from the network; everything we need is built in.
    folder = Path(tempfile.gettempdir()) / f"clvmodels-{os.getpid()}-{next(_ENGINES)}"  # made when there is need of it
    con = ibis.duckdb.connect(
        autoinstall_known_extensions=False, memory_limit=MEMORY_LIMIT, temp_directory=folder.as_posix()
    )
    con.con.execute(f"ATTACH ':memory:' AS {_STORE} (COMPRESS)")
    _OURS.add(con)
    with contextlib.suppress(duckdb.InvalidInputException):  # a notebook without widgets: it refuses, and shows none
        con.con.execute("SET enable_progress_bar = false")  # progress is ours to show, on stderr
    return con


def keep(pieces: Iterable[ir.Table], *, compress: bool = True) -> ir.Table:
    """The rows of all pieces, worked out one piece after the other, in their engine as long as anybody asks for them.

    Our own engine can compress them to a quarter of the size; another has one piece, and its own ways.
    """
    import ibis

    con: Any = None
    name = ibis.util.gen_name("kept")
    for piece in pieces:
        if con is None:
            con = piece.get_backend()
            if con not in _OURS:
                return piece.cache()
            con.create_table(name, piece, database=(_STORE, "main"))
        else:
            con.insert(name, piece, database=(_STORE, "main"))
        if compress:
            con.con.execute(f"CHECKPOINT {_STORE}")  # compresses what was added since the last
    kept = con.table(name, database=(_STORE, "main"))
    weakref.finalize(kept.op(), _forget, con, name).atexit = False
    return kept


def _forget(con: Any, name: str) -> None:
    con.drop_table(name, database=(_STORE, "main"), force=True)


@contextmanager
def read_errors(label: str) -> Iterator[None]:
    """Rows that the engine cannot read are the input's fault, and are said so in one line."""
    import duckdb

    try:
        yield
    except (
        duckdb.IOException,
        duckdb.InvalidInputException,
        duckdb.ConversionException,
        duckdb.SerializationException,
    ) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            _("{label} cannot be read ({reason}). It may be damaged: export it again.").format(
                label=label, reason=reason
            )
        ) from None


def copy_to_csv(frame: pd.DataFrame, path: Path) -> bool:
    """Write a table as CSV with ISO dates and ten significant digits; whether its types are ones that DuckDB writes."""
    import duckdb
    import pandas as pd

    columns = []
    for name, kind in frame.dtypes.items():
        quoted = '"' + str(name).replace('"', '""') + '"'
        if pd.api.types.is_bool_dtype(kind) or not (
            kind.kind in "iufM" or (isinstance(kind, pd.StringDtype) and kind.kind == "O")
        ):
            return False
        told = quoted
        if kind.kind == "f":
            told = f"CASE WHEN isnan({quoted}) THEN NULL ELSE format('{{:.10g}}', {quoted}::DOUBLE) END AS {quoted}"
        elif kind.kind == "M":
            told = f"strftime({quoted}, '%Y-%m-%d') AS {quoted}"
        columns.append(told)
    con = duckdb_engine().con
    con.register("clvmodels_rows", frame)
    try:
        place = str(path).replace("'", "''")
        con.execute(
            f"COPY (SELECT {', '.join(columns)} FROM clvmodels_rows) TO '{place}' "
            "(HEADER, DELIMITER ',', QUOTE '\"', ESCAPE '\"', NULL '')"
        )
    except duckdb.Error:
        return False
    finally:
        con.unregister("clvmodels_rows")
    return True


@cache
def _md5_number() -> Any:
    import ibis

    @ibis.udf.scalar.builtin(name="md5_number_lower")  # type: ignore[untyped-decorator]
    def md5_number_lower(text: str) -> int:  # type: ignore[empty-body]
        """DuckDB's own: 64 bits of the MD5."""

    return md5_number_lower


def content_hash(rows: ir.Table, count: int) -> str:
    """A number that the rows determine whatever their order; only inside DuckDB.

    Up to a million rows it is a sum of MD5s and stays the same for ever; beyond, where that would take longer than
    reading the rows, a sum of DuckDB's own hash, which another version may compute differently.
    """
    import ibis

    cells = [rows[name].cast("string").fill_null("") for name in rows.columns]
    if count <= _EXACT_UP_TO:
        numbers = _md5_number()(ibis.literal("|").join(cells))
    else:
        numbers = rows[rows.columns[0]].hash()
        for name in rows.columns[1:]:
            numbers = numbers ^ rows[name].hash()
    return str(rows.agg(total=numbers.sum().cast("string")).to_pandas()["total"].iloc[0])
