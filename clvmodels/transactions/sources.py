"""Files, frames and databases behind one face: names, and the chosen columns as an Ibis table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clvmodels.errors import InputError
from clvmodels.language import _, gettext
from clvmodels.transactions.databases import check_is_database, open_database, open_ibis, without_password
from clvmodels.transactions.engine import KINDS, Source, duckdb_engine
from clvmodels.transactions.frames import as_arrow
from clvmodels.transactions.paths import open_files

if TYPE_CHECKING:
    import ibis.expr.types as ir

_NETWORK = ("http://", "https://", "ftp://", "s3://", "gs://", "gcs://", "abfs://")


def open_source(source: Any, *, table: str | None = None) -> Source:
    """Recognise any kind of table without importing the library it comes from."""
    import ibis

    if isinstance(source, ibis.expr.types.Table):
        return open_ibis(source, "Ibis table")
    if isinstance(source, Path) or (isinstance(source, str) and not _is_url(source)):
        if table is not None:
            check_is_database(str(source))
            return open_database(str(source), table)
        return open_files(str(source))
    if isinstance(source, str):
        if table is None:
            if source.lower().startswith(_NETWORK):
                where = without_password(source)
                raise InputError(
                    _("{where} is on the network. Download it, and give the file's path.").format(where=where)
                )
            raise InputError(
                _("{url} is a database. Name the table in it with --table TABLE.").format(url=without_password(source))
            )
        return open_database(source, table)
    arrow = as_arrow(source)
    if arrow is None:
        raise InputError(
            _("what was given, of type {name}, is no table of purchases. Give {kinds}.").format(
                name=type(source).__name__, kinds=gettext(KINDS)
            )
        )
    names, take = arrow
    con = duckdb_engine()

    def chosen(positions: Sequence[int]) -> ir.Table:
        con.con.register("clvmodels_source", take(positions))
        return con.table("clvmodels_source")

    return Source(f"{type(source).__module__.split('.')[0]} {type(source).__name__}", names, chosen, cheap=True)


def _is_url(text: str) -> bool:
    return re.match(r"^[a-z][a-z0-9+_-]+://", text, re.I) is not None
