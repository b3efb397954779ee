"""A CSV file as text, strictly: its names, delimiter and encoding from its head, never its types."""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import io
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from clvmodels.errors import InputError

_CHUNK = 1 << 22
_HEAD_LINES = 200
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True)
class CsvFile:
    """What the engine must be told to read the file without guessing."""

    path: Path  # of UTF-8 text: the file itself, or a copy in a temporary folder
    names: tuple[str, ...]
    delimiter: str
    sha256: str  # of the file as it was given

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
    """Look at one file; transcode it into ``folder`` when it is not UTF-8, so that the engine has one way to read."""
    digest, encoding, zipped = _digest_and_encoding(path)
    if zipped or encoding not in ("utf-8", "utf-8-sig"):
        copy = folder / f"{digest[:16]}.csv"
        with _opened(path, zipped) as raw, copy.open("w", encoding="utf-8", newline="") as target:
            reader = io.TextIOWrapper(raw, encoding=encoding, newline="", errors="strict")
            while block := reader.read(_CHUNK):
                target.write(block)
        readable = copy
    else:
        readable = path
    with readable.open(encoding="utf-8-sig", newline="") as text:
        head = [line for _, line in zip(range(_HEAD_LINES), text, strict=False)]
    if any("\0" in line for line in head):
        raise InputError(
            f"{path.name} is not a table of text. Give a CSV or Parquet file; from a spreadsheet program, save as CSV."
        )
    if not any(line.strip() for line in head):
        raise InputError(f"{path.name} is empty. Give a file with a line of column names and a line for each purchase.")
    delimiter = _delimiter(head)
    names = next(row for row in csv.reader(head, delimiter=delimiter) if row)
    return CsvFile(readable, _filled(names), delimiter, digest)


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
            for mark, encoding in _MARKS.items():
                if first.startswith(mark) and encoding != "utf-8-sig":
                    return digest.hexdigest(), encoding, zipped
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
            raise InputError(f"{path.name} cannot be unpacked: {error}. Copy or export it again.") from None
    return digest.hexdigest(), "utf-8", zipped


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


def _filled(names: list[str]) -> tuple[str, ...]:
    return tuple(name.strip() or f"column {i}" for i, name in enumerate(names, 1))


class TemporaryFolder:
    """Where transcoded copies live until the log has been read: it goes with the last who holds it.

    tempfile's own warns when it is left to go by itself.
    """

    def __init__(self) -> None:
        self.name = tempfile.mkdtemp(prefix="clvmodels-")
        weakref.finalize(self, shutil.rmtree, self.name, ignore_errors=True)
