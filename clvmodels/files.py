"""Files and folders appear whole or not at all: built beside their target, moved in by one rename."""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from clvmodels import written
from clvmodels.errors import InputError
from clvmodels.language import _

if TYPE_CHECKING:
    import pandas as pd

ENGINE_WRITES = 200_000
"""Rows from which on the engine, which has more than one thread, writes a CSV; the bytes are the same."""
_IGNORED = {".DS_Store", "Thumbs.db", "desktop.ini"}  # a file manager has looked at the folder


def check_folder(directory: str | Path, *, marker: str, ours: Collection[str], what: str = "report") -> Path:
    """Say before any work whether ``directory`` can become the folder we are about to write.

    It can when it does not exist, is empty, or is an earlier one of the same kind: it holds ``marker`` and nothing but
    names in ``ours``, so that replacing it never deletes a file that somebody else put there.

    Parameters
    ----------
    directory
        The folder to write.
    marker
        The file by which an earlier one is recognised, e.g. ``"report.json"``.
    ours
        All names, at its top level, that we may have written.
    what
        What the folder is, for the message.

    Raises
    ------
    InputError
        When it is a file, holds something else, is the current folder, or cannot be written.
    """
    target = Path(os.path.abspath(os.path.expanduser(directory)))  # resolves "." and "..", keeps links
    example = _("for example --out {name}-new").format(name=target.name or what)
    if target.is_dir():
        if os.path.ismount(target) or target == Path.cwd():
            kind = _("the current folder") if target == Path.cwd() else _("a mounted folder")
            raise InputError(
                _(
                    "--out {directory} is {kind}: it cannot be replaced in one move. Name a folder "
                    "inside it, for example --out {inside}."
                ).format(directory=directory, kind=kind, inside=Path(directory) / what)
            )
        try:
            there = {entry.name for entry in target.iterdir()} - _IGNORED
        except PermissionError:
            raise InputError(
                _("--out {directory} cannot be read: permission denied. Choose another folder.").format(
                    directory=directory
                )
            ) from None
        foreign = sorted(there - set(ours)) or ([] if marker in there or not there else sorted(there))
        if foreign:
            more = _(" and {n} more").format(n=written.count(len(foreign) - 1)) if len(foreign) > 1 else ""
            raise InputError(
                _(
                    "--out {directory} holds {file}{more}, which is no part of an earlier {what}. Nothing "
                    "is overwritten. Choose a new or empty folder, {example}."
                ).format(directory=directory, file=foreign[0], more=more, what=what, example=example)
            )
    elif target.exists() or target.is_symlink():
        raise InputError(
            _("--out {directory} is a file, and a {what} is a folder. Choose a folder name, {example}.").format(
                directory=directory, what=what, example=example
            )
        )
    _check_parent(target, directory)
    return target


def check_file(
    path: str | Path, *, suffixes: Collection[str], never: str | Path | None = None, option: str = "--out"
) -> Path:
    """Say before any work whether ``path`` can be written; ``never`` is an input, or a glob of them, to be kept."""
    target = Path(os.path.abspath(os.path.expanduser(path)))
    kinds = written.choice(sorted(suffixes))
    if target.is_dir():
        raise InputError(
            _(
                "{option} {path} is a folder. Write the name of a {kinds} file, e.g. {option} {inside}/out{suffix}."
            ).format(option=option, path=path, kinds=kinds, inside=Path(path), suffix=min(suffixes))
        )
    if target.suffix.lower() not in suffixes:
        raise InputError(
            _("{option} {path} does not say which kind of file to write: the name must end in {kinds}.").format(
                option=option, path=path, kinds=kinds
            )
        )
    if never is not None and target.exists() and _is_part(target, str(never)):
        raise InputError(
            _("{option} {path} is the input itself. Nothing is overwritten. Choose another name.").format(
                option=option, path=path
            )
        )
    _check_parent(target, path, option)
    return target


def _is_part(target: Path, source: str) -> bool:
    """Whether ``target``, which exists, is the source itself or one of the files that a glob names."""
    inputs = glob.glob(os.path.expanduser(source), recursive=True) if glob.has_magic(source) else []
    return any(os.path.exists(one) and target.samefile(one) for one in (os.path.expanduser(source), *inputs))


def _check_parent(target: Path, asked: str | Path, option: str = "--out") -> None:
    parent = target.parent
    while not parent.exists() and parent != parent.parent:
        parent = parent.parent
    if not parent.is_dir():
        raise InputError(
            _("{option} {asked} cannot be written: {parent} is a file. Choose another place.").format(
                option=option, asked=asked, parent=parent
            )
        )
    if not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(
            _("{option} {asked} cannot be written: no permission in {parent}. Choose another place.").format(
                option=option, asked=asked, parent=parent
            )
        )


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """A new folder to fill; it takes the place of ``target`` when the block ends without an error."""
    with _parents(target):
        beside, old = (target.with_name(f".{target.name}.{word}-{os.getpid()}") for word in ("new", "old"))
        beside.mkdir()
        try:
            yield beside
            if target.is_dir():
                target.rename(old)
            try:
                beside.rename(target)
            except BaseException:
                if old.exists():
                    old.rename(target)
                raise
        finally:
            for left in (beside, old):
                shutil.rmtree(left, ignore_errors=True)


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """A path to write to; it takes the place of ``target`` when the block ends without an error."""
    with _parents(target):
        beside = target.with_name(f".{target.stem}.{os.getpid()}{target.suffix}")
        try:
            yield beside
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as the name's ending says, whole.

    Parquet keeps types and all digits; CSV has ISO dates and ten significant digits.
    """
    with whole_file(path) as beside:
        if path.suffix.lower() == ".csv":
            _to_csv(frame, beside)
        else:
            frame.to_parquet(beside, index=False)


def _to_csv(frame: pd.DataFrame, path: Path, *, header: bool = True) -> None:
    from clvmodels.transactions.engine import copy_to_csv

    if len(frame) > ENGINE_WRITES and header and copy_to_csv(frame, path):
        return
    form = "%.10g"
    frame.to_csv(
        path, index=False, mode="a", header=header, float_format=form, date_format="%Y-%m-%d", lineterminator="\n"
    )


def write_parts(parts: Iterable[pd.DataFrame], path: Path) -> int:
    """Write tables one below the other as `write_table` writes one, never more than one in memory; their rows."""
    rows = 0
    with whole_file(path) as beside:
        if path.suffix.lower() == ".csv":
            for part in parts:
                _to_csv(part, beside, header=rows == 0)
                rows += len(part)
            return rows
        import pyarrow as pa
        import pyarrow.parquet as pq

        with ExitStack() as closing:
            writer = None
            for part in parts:
                table = pa.Table.from_pandas(part, preserve_index=False)
                if writer is None:
                    writer = closing.enter_context(pq.ParquetWriter(beside, table.schema))
                writer.write_table(table)
                rows += len(part)
    return rows


@contextmanager
def _parents(target: Path) -> Iterator[None]:
    """Make the folders above ``target``; take the new ones away again when nothing came to stand in them."""
    new = [folder for folder in target.parents if not folder.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        for folder in new:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
