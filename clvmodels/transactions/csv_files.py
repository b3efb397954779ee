"""A CSV file as text, strictly: its names, delimiter and encoding from its head, never its types."""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import io
import itertools
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from clvmodels.errors import InputError
from clvmodels.language import _

_CHUNK = 1 << 22
_HEAD_LINES = 200


@dataclass(frozen=True)
class CsvFile:
    """What the engine must be told to read the file without guessing."""

    path: Path  # of UTF-8 text: the file itself, or a copy in a temporary folder
    names: tuple[str, ...]
    delimiter: str
    sha256: str  # of the file as it was given
    skipped: int  # lines above the names, absent from a copy

    @property
    def options(self) -> dict[str, object]:
        """Options of DuckDB's reader: every column as text, malformed lines set aside."""
        return {
            "auto_detect": False,
            "header": True,
            "delim": self.delimiter,
            "quote": '"',
            "escape": '"',
            "columns": {f"c{i}": "VARCHAR" for i in range(len(self.names))},
            "store_rejects": True,
            "rejects_limit": 0,
            "strict_mode": True,
            "encoding": "utf-8",
        }


def open_csv(path: Path, folder: Path) -> CsvFile:
    """Look at one file; copy it into ``folder`` unless it is UTF-8 from its line of names on, as the engine wants."""
    digest, encoding, zipped = _digest_and_encoding(path)
    with _opened(path, zipped) as raw, _no_table(path):
        text = io.TextIOWrapper(raw, encoding=encoding, newline="")
        head = list(itertools.islice(text, _HEAD_LINES))
        if any("\0" in line for line in head):
            raise UnicodeError
        skipped, given = _above_names(head)
        head = head[skipped:]
        if not head:
            raise InputError(
                _("{name} is empty. Give a file with a line of column names and a line for each purchase.").format(
                    name=path.name
                )
            )
        delimiter = given or _delimiter(head)
        names = next(csv.reader(head, delimiter=delimiter))
        names = [name.strip() or f"column {i}" for i, name in enumerate(names, 1)]
        if encoding == "utf-8-sig" and not zipped and not skipped:
            return CsvFile(path.absolute(), tuple(names), delimiter, digest, 0)
        copy = folder / f"{digest[:16]}.csv"
        with copy.open("w", encoding="utf-8", newline="") as target:
            target.writelines(head)
            while block := text.read(_CHUNK):
                target.write(block)
    return CsvFile(copy, tuple(names), delimiter, digest, skipped)


@contextmanager
def _no_table(path: Path) -> Iterator[None]:
    try:
        yield
    except (UnicodeError, csv.Error):
        raise InputError(
            _(
                "{name} is not a table of text. Give a CSV or Parquet file; from a spreadsheet program, save as CSV."
            ).format(name=path.name)
        ) from None


def _above_names(head: list[str]) -> tuple[int, str | None]:
    """Lines before the names: blank ones, and the "sep=;" by which a spreadsheet program names its delimiter."""
    delimiter = None
    for at, line in enumerate(head):
        if match := re.fullmatch(r"sep=(.)\s*", line):
            delimiter = match[1]
        elif line.strip():
            return at, delimiter
    return len(head), None


def _digest_and_encoding(path: Path) -> tuple[str, str, bool]:
    """One pass over the file: its SHA-256, and whether all of it is UTF-8."""
    digest = hashlib.sha256()
    with path.open("rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
    with path.open("rb") as raw:
        while block := raw.read(_CHUNK):
            digest.update(block)
    decoder = codecs.getincrementaldecoder("utf-8")()
    with _opened(path, zipped) as stream:
        try:
            first = stream.read(_CHUNK)
            if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                return digest.hexdigest(), "utf-16", zipped
            if (wide := _utf16_without_mark(first[:4096])) is not None:
                return digest.hexdigest(), wide, zipped
            block = first
            while block:
                decoder.decode(block)
                block = stream.read(_CHUNK)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return digest.hexdigest(), "latin-1", zipped
        except (EOFError, gzip.BadGzipFile) as error:
            raise InputError(
                _("{name} cannot be unpacked: {error}. Copy or export it again.").format(name=path.name, error=error)
            ) from None
    return digest.hexdigest(), "utf-8-sig", zipped  # with or without its mark


@contextmanager
def _opened(path: Path, zipped: bool) -> Iterator[BinaryIO]:
    with cast(BinaryIO, gzip.open(path, "rb")) if zipped else path.open("rb") as stream:
        yield stream


def _utf16_without_mark(head: bytes) -> str | None:
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) < len(head) / 8:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _delimiter(head: list[str]) -> str:
    """The character that cuts the names and most lines of the head into the same number of columns."""

    def score(delimiter: str) -> tuple[float, int]:
        rows = [row for row in csv.reader(head, delimiter=delimiter) if row]
        width = len(rows[0])
        return (sum(len(row) == width for row in rows) / len(rows) if width > 1 else 0.0, width)

    return max(",;\t|", key=score)


class TemporaryFolder:
    """Where transcoded copies live until the log has been read: it goes with the last who holds it.

    tempfile's own warns when it is left to go by itself.
    """

    def __init__(self) -> None:
        self.name = tempfile.mkdtemp(prefix="clvmodels-")
        weakref.finalize(self, shutil.rmtree, self.name, ignore_errors=True)
