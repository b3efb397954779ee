"""Files, frames and databases behind one face: names, and the chosen columns as an Ibis table."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clvmodels.errors import InputError
from clvmodels.transactions.csv_files import CsvFile, TemporaryFolder, open_csv

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

_PARQUET = (".parquet", ".pq", ".parq")
_NETWORK = ("http://", "https://", "ftp://", "s3://", "gs://", "gcs://", "abfs://")
_KINDS = (
    "a CSV or Parquet path or glob, a pandas, Polars, Arrow or Ibis table, a database URL with table=, "
    "'cdnow' or 'cdnow-sample'"
)


_EXACT_UP_TO = 1_000_000


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


def open_source(source: Any, *, table: str | None = None) -> Source:
    """Recognise any kind of table without importing the library it comes from."""
    import ibis

    if isinstance(source, ibis.expr.types.Table):
        return _ibis(source, "Ibis table")
    if isinstance(source, Path) or (isinstance(source, str) and not _is_url(source)):
        if table is not None:
            return _database(str(source), table)
        return _files(str(source))
    if isinstance(source, str):
        if table is None:
            if source.lower().startswith(_NETWORK):
                where = _without_password(source)
                raise InputError(f"{where} is on the network. Download it, and give the file's path.")
            raise InputError(f"{_without_password(source)} is a database. Name the table in it with --table TABLE.")
        return _database(source, table)
    arrow = _arrow(source)
    if arrow is None:
        raise InputError(f"a {type(source).__name__} is no table of purchases. Give {_KINDS}.")
    names, take = arrow
    con = _duckdb()

    def chosen(positions: Sequence[int]) -> ir.Table:
        con.con.register("clvmodels_source", take(positions))
        return con.table("clvmodels_source")

    return Source(f"{type(source).__module__.split('.')[0]} {type(source).__name__}", names, chosen, cheap=True)


def _duckdb() -> Any:
    import duckdb
    import ibis

    # Extensions would be fetched from the network; everything we need is built in.
    con = ibis.duckdb.connect(autoinstall_known_extensions=False)
    with contextlib.suppress(duckdb.InvalidInputException):  # a notebook without widgets: it refuses, and shows none
        con.con.execute("SET enable_progress_bar = false")  # progress is ours to show, on stderr
    return con


def _files(text: str) -> Source:
    con = _duckdb()
    try:
        paths = _paths(text)
        kinds = {_kind(path) for path in paths}
        if kinds == {"Parquet"}:
            return _parquet(text, paths, con)
        if len(kinds) > 1:
            raise InputError(f"{text} holds files of several kinds. Give those of one kind, for example '*.csv'.")
        if kinds != {"CSV"}:
            raise InputError(f"{text} is {kinds.pop()}.")
        folder = TemporaryFolder()
        files = [open_csv(path, Path(folder.name)) for path in paths]
    except OSError as error:
        raise InputError(
            f"{text} cannot be read ({error.strerror or error}). Check the path and its permissions."
        ) from None
    first = files[0]
    for path, other in zip(paths, files, strict=True):
        if (other.names, other.delimiter) != (first.names, first.delimiter):
            raise InputError(
                f"{path.name} has other columns ({', '.join(other.names)}) than {paths[0].name} "
                f"({', '.join(first.names)}). Give files of one kind."
            )
    return _csv(text, paths, files, con, folder)


def _csv(label: str, paths: list[Path], files: list[CsvFile], con: Any, folder: TemporaryFolder) -> Source:
    first = files[0]
    rows = con.read_csv([str(f.path) for f in files], table_name="clvmodels_source", **first.options)

    def take(positions: Sequence[int], _keep: object = folder) -> ir.Table:
        return rows.select({f"c{i}": rows[f"c{at}"] for i, at in enumerate(positions)})

    def malformed() -> list[str]:
        # A record with an open quote swallows the lines after it: each of them is a row that was not read.
        found = con.con.execute(
            "select distinct file_path, line, csv_line from reject_errors join reject_scans using (scan_id, file_id) "
            "where scan_id = (select max(scan_id) from reject_scans) order by file_path, line"
        ).fetchall()
        return [
            f"{names[path]}{line + skipped[path] + k}"
            for path, line, text in found
            for k, part in enumerate((text or "x").splitlines())
            if part.strip()
        ]

    skipped = {str(f.path): f.skipped for f in files}
    names = {str(f.path): f"{given.name}:" if len(files) > 1 else "" for given, f in zip(paths, files, strict=True)}
    return Source(label, first.names, take, _digest([f.sha256 for f in files]), malformed)


def _parquet(label: str, paths: list[Path], con: Any) -> Source:
    import duckdb

    try:
        rows = con.read_parquet([str(p) for p in paths], table_name="clvmodels_source", union_by_name=True)
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{label} cannot be read as Parquet ({reason}). It may be truncated: export it again."
        ) from None
    return Source(label, tuple(rows.columns), _select(rows), _digest([_sha256(p) for p in paths]), cheap=True)


def _kind(path: Path) -> str:
    """What a file is by its first bytes, whatever its name says."""
    with path.open("rb") as raw:
        start = raw.read(16)
    if start.startswith(b"PAR1") or path.suffix.lower() in _PARQUET:
        return "Parquet"
    if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return "a workbook or archive: save the sheet as CSV"
    if start.startswith(b"SQLite format 3") or start[8:12] == b"DUCK":
        name = "SQLite" if start.startswith(b"SQLite") else "DuckDB"
        return f"a database ({name}): name the table in it with --table TABLE"
    return "CSV"


def _paths(text: str) -> list[Path]:
    path = Path(os.path.expanduser(text))
    if path.is_file():
        return [path]
    if not text.strip():
        raise InputError(f"the name of the file is empty. Give {_KINDS}.")
    if path.is_dir():
        inside = sorted(p for p in path.iterdir() if p.suffix.lower() in (*_PARQUET, ".csv"))
        if inside:
            return inside
        raise InputError(
            f"{text} is a folder without CSV or Parquet files. Give a file, or a glob such as '{text}/*.csv'."
        )
    found = sorted(Path(p) for p in glob.glob(str(path), recursive=True) if Path(p).is_file())
    if not found:
        what = "no file matches" if glob.has_magic(text) else "there is no file"
        raise InputError(f"{what} {text}. Give {_KINDS}.")
    return found


def _is_url(text: str) -> bool:
    return re.match(r"^[a-z][a-z0-9+_-]+://", text, re.I) is not None


def _without_password(url: str) -> str:
    return re.sub(r"(?<=://)[^/]*@", "", url)


def _database(url: str, table: str) -> Source:
    try:
        con = _connect(url)
        schema, _, name = table.rpartition(".")
        with warnings.catch_warnings():  # Ibis 12 asks DuckDB by a name that is going away
            warnings.simplefilter("ignore", DeprecationWarning)
            names = con.list_tables(database=schema or None)
        if name not in names:
            some = ", ".join(f"'{n}'" for n in sorted(names)[:20]) or "none"
            raise InputError(f"there is no table '{table}' in {_without_password(url)}. Its tables are {some}.")
        rows = con.table(name, database=schema or None)
    except InputError:
        raise
    except Exception as error:  # each engine raises its own kinds
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        cure = "Check the address, and that the database runs and lets you in."
        if "missing dependencies" in reason:
            cure = f"Install what it needs: pip install 'ibis-framework[{url.split('://')[0]}]'."
        raise InputError(f"{_without_password(url)} cannot be opened ({_without_password(reason)}). {cure}") from None
    if con.name == "sqlite":  # it has no dates of its own; it runs in this process anyway
        local = _duckdb()
        local.con.register("clvmodels_source", rows.to_pyarrow())
        rows = local.table("clvmodels_source")
    return _ibis(rows, f"{_without_password(url)} table {table}")


def _connect(url: str) -> Any:
    """Connect without changing anything: connecting to a file that is not there would make one."""
    import duckdb
    import ibis

    scheme, _, rest = url.rpartition("://")
    path = Path(rest.partition("?")[0]).expanduser()
    if not scheme:
        kind = _kind(path) if path.is_file() else ""
        scheme = "sqlite" if "SQLite" in kind else "duckdb"
        url = f"{scheme}://{url}"
    if scheme not in ("duckdb", "sqlite") or rest.startswith((":memory:", "md:")):
        return ibis.connect(url)
    if not path.is_file():
        raise InputError(f"there is no file {path}. Check the path.")
    if scheme == "sqlite" or "?" in url:
        return ibis.connect(url)
    try:
        return ibis.connect(f"{url}?read_only=True")
    except duckdb.ConnectionException:  # this process has it open for writing
        return ibis.connect(url)


def _ibis(rows: ir.Table, label: str) -> Source:
    import ibis.expr.operations as ops

    engine = rows.get_backend()
    can_try = bool(engine.has_operation(ops.TryCast))
    return Source(label, tuple(rows.columns), _select(rows), embedded=engine.name == "duckdb", can_try=can_try)


def _select(rows: ir.Table) -> Callable[[Sequence[int]], ir.Table]:
    def take(positions: Sequence[int]) -> ir.Table:
        return rows.select({f"c{i}": rows[rows.columns[at]] for i, at in enumerate(positions)})

    return take


def _arrow(source: Any) -> tuple[tuple[str, ...], Callable[[Sequence[int]], pa.Table]] | None:
    """Names and a function that gives the chosen columns as Arrow; None when it is no table."""
    import pyarrow as pa

    pandas, polars = sys.modules.get("pandas"), sys.modules.get("polars")
    if pandas is not None and isinstance(source, pandas.DataFrame):
        return _pandas(source)
    if polars is not None and isinstance(source, polars.LazyFrame):
        source = source.collect()
    if isinstance(source, pa.RecordBatchReader):
        source = source.read_all()
    if isinstance(source, pa.RecordBatch):
        source = pa.Table.from_batches([source])
    if polars is not None and isinstance(source, polars.DataFrame):
        frame = source
        return tuple(frame.columns), lambda at: _named([frame.to_series(i).to_arrow() for i in at])
    if not isinstance(source, pa.Table) and hasattr(source, "__arrow_c_stream__"):
        source = pa.table(source)
    if isinstance(source, pa.Table):
        rows = source
        return tuple(rows.column_names), lambda at: _named([rows.column(i) for i in at])
    return None


def _pandas(frame: Any) -> tuple[tuple[str, ...], Callable[[Sequence[int]], pa.Table]]:
    import pandas as pd
    import pyarrow as pa

    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()

    def column(at: int) -> pa.Array:
        values = frame.iloc[:, at]
        if isinstance(values.dtype, pd.PeriodDtype):
            values = values.dt.to_timestamp()
        try:
            return pa.Array.from_pandas(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError):  # a column of objects of several kinds: 17850 beside "C17850"
            return pa.Array.from_pandas(values.map(str, na_action="ignore"), type=pa.string())

    return tuple(str(name) for name in frame.columns), lambda at: _named([column(i) for i in at])


def _named(columns: Sequence[Any]) -> pa.Table:
    import pyarrow as pa

    def plain(values: Any) -> Any:
        return values.cast(values.type.value_type) if pa.types.is_dictionary(values.type) else values

    return pa.table({f"c{i}": plain(values) for i, values in enumerate(columns)})


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
        raise InputError(f"{label} cannot be read ({reason}). It may be damaged: export it again.") from None


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


def _sha256(path: Path) -> str:
    with path.open("rb") as raw:
        return hashlib.file_digest(raw, "sha256").hexdigest()


def _digest(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else hashlib.sha256("".join(sorted(parts)).encode()).hexdigest()
