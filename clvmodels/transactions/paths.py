"""Files by path, folder or glob: CSV or Parquet by their first bytes, whatever their names say."""

from __future__ import annotations

import difflib
import glob
import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clvmodels.datasets import DATASETS
from clvmodels.errors import InputError
from clvmodels.language import _, gettext
from clvmodels.transactions.csv_files import CsvFile, TemporaryFolder, open_csv
from clvmodels.transactions.engine import KINDS, Source, duckdb_engine, selector

if TYPE_CHECKING:
    import ibis.expr.types as ir

_PARQUET = (".parquet", ".pq", ".parq")


def open_files(text: str) -> Source:
    """The rows of one file, or of all files that a pattern names; InputError for what cannot be read."""
    con = duckdb_engine()
    try:
        paths = _paths(text)
        kinds = {kind_of(path) for path in paths}
        if kinds == {"Parquet"}:
            return _parquet(text, paths, con)
        if len(kinds) > 1:
            raise InputError(
                _("{text} holds files of several kinds. Give those of one kind, for example '*.csv'.").format(text=text)
            )
        if kinds != {"CSV"}:
            raise InputError(_("{text} is {kind}.").format(text=text, kind=kinds.pop()))
        folder = TemporaryFolder()
        files = [open_csv(path, Path(folder.name)) for path in paths]
    except OSError as error:
        raise InputError(
            _("{text} cannot be read ({reason}). Check the path and its permissions.").format(
                text=text, reason=error.strerror or error
            )
        ) from None
    first = files[0]
    for path, other in zip(paths, files, strict=True):
        if (other.names, other.delimiter) != (first.names, first.delimiter):
            raise InputError(
                _("{name} has other columns ({columns}) than {first} ({others}). Give files of one kind.").format(
                    name=path.name, columns=", ".join(other.names), first=paths[0].name, others=", ".join(first.names)
                )
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
            _("{label} cannot be read as Parquet ({reason}). It may be truncated: export it again.").format(
                label=label, reason=reason
            )
        ) from None
    return Source(label, tuple(rows.columns), selector(rows), _digest([_sha256(p) for p in paths]), cheap=True)


def kind_of(path: Path) -> str:
    """What a file is by its first bytes, whatever its name says."""
    with path.open("rb") as raw:
        start = raw.read(16)
    if start.startswith(b"PAR1") or path.suffix.lower() in _PARQUET:
        return "Parquet"
    if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return _("a workbook or archive: save the sheet as CSV")
    if start.startswith(b"SQLite format 3") or start[8:12] == b"DUCK":
        name = "SQLite" if start.startswith(b"SQLite") else "DuckDB"
        return _("a database ({name}): name the table in it with --table TABLE").format(name=name)
    return "CSV"


def _paths(text: str) -> list[Path]:
    path = Path(os.path.expanduser(text))
    if path.is_file():
        return [path]
    if not text.strip():
        raise InputError(_("the name of the file is empty. Give {kinds}.").format(kinds=gettext(KINDS)))
    if path.is_dir():
        inside = _tables(path.iterdir()) or _tables(path.rglob("*"))  # in folders: year=2024/month=01/part-0.parquet
        if inside:
            return inside
        raise InputError(
            _("{text} is a folder without CSV or Parquet files. Give a file, or a glob such as '{text}/*.csv'.").format(
                text=text
            )
        )
    found = sorted(Path(p) for p in glob.glob(str(path), recursive=True) if Path(p).is_file())
    if not found:
        if glob.has_magic(text):
            raise InputError(_("no file matches {text}. Give a CSV or Parquet path or glob.").format(text=text))
        meant = difflib.get_close_matches(text.lower().replace("_", "-").replace(" ", "-"), DATASETS, n=1)
        cure = (
            _("Did you mean '{meant}'?").format(meant=meant[0])
            if meant
            else _("Give a CSV or Parquet path or glob, or 'cdnow-sample'.")
        )
        raise InputError(_("there is no file {text}. {cure}").format(text=text, cure=cure))
    return found


def _tables(paths: Iterable[Path]) -> list[Path]:
    """The files that hold rows; what begins with a dot or a line is the writer's own (_SUCCESS, .part-0.crc)."""
    return sorted(p for p in paths if p.suffix.lower() in (*_PARQUET, ".csv") and p.name[0] not in "._" and p.is_file())


def _sha256(path: Path) -> str:
    with path.open("rb") as raw:
        return hashlib.file_digest(raw, "sha256").hexdigest()


def _digest(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else hashlib.sha256("".join(sorted(parts)).encode()).hexdigest()
