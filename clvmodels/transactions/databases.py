"""Tables in a database, by URL and name, opened without changing anything; and tables of Ibis."""

from __future__ import annotations

import glob
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clvmodels.errors import InputError
from clvmodels.language import gettext
from clvmodels.transactions.engine import Source, duckdb_engine, selector
from clvmodels.transactions.paths import kind_of
from clvmodels.transactions.spark import SCHEMES, connect_spark

if TYPE_CHECKING:
    import ibis.expr.types as ir


def without_password(url: str, *, sign: str = "") -> str:
    """``url`` with ``sign`` in place of user and password, whatever characters the password has."""
    url = re.sub(r"(?i)(?<=[?&])(password|passwd|pwd|token|secret)=[^&\s]*", r"\1=…", url)
    return re.sub(r"(?<=://)(?!/)[^\s]*@", sign, url)


def check_is_database(text: str) -> None:
    """Refuse a table's name beside a file or glob that holds one table itself."""
    path = Path(text).expanduser()
    kind = kind_of(path) if path.is_file() else "CSV" if glob.has_magic(text) or path.is_dir() else "a database"
    if "database" not in kind:
        raise InputError(
            gettext("{text} is no database; --table names a table in a database. Leave --table out.").format(text=text)
        )


def open_database(url: str, table: str) -> Source:
    """The rows of ``table`` (or ``schema.table``) in the database at ``url``; InputError when it does not answer."""
    try:
        con = _connect(url)
        schema, _, name = table.rpartition(".")
        with warnings.catch_warnings():  # Ibis 12 asks DuckDB by a name that is going away
            warnings.simplefilter("ignore", DeprecationWarning)
            names = con.list_tables(database=schema or None)
        if name not in names:
            some = ", ".join(f"'{n}'" for n in sorted(names)[:20]) or "none"
            raise InputError(
                gettext("there is no table '{table}' in {url}. Its tables are {some}.").format(
                    table=table, url=without_password(url), some=some
                )
            )
        rows = con.table(name, database=schema or None)
    except InputError:
        raise
    except Exception as error:  # each engine raises its own kinds
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        cure = gettext("Check the address, and that the database runs and lets you in.")
        if "missing dependencies" in reason:
            kind = url.split("://")[0]
            ours = kind in ("postgres", "postgresql")
            cure = gettext("Install what it needs: pip install '{package}]'.").format(
                package="clvmodels[postgres" if ours else "ibis-framework[" + kind
            )
        raise InputError(
            gettext("{url} cannot be opened ({reason}). {cure}").format(
                url=without_password(url), reason=without_password(reason), cure=cure
            )
        ) from None
    if con.name == "sqlite":  # it has no dates of its own; it runs in this process anyway
        local = duckdb_engine()
        local.con.register("clvmodels_source", rows.to_pyarrow())
        rows = local.table("clvmodels_source")
    return open_ibis(rows, f"{without_password(url)} table {table}")


def _connect(url: str) -> Any:
    """Connect without changing anything: connecting to a file that is not there would make one."""
    import duckdb
    import ibis

    scheme, _, rest = url.rpartition("://")
    if scheme.lower() in SCHEMES:
        return connect_spark(url)
    path = Path(rest.partition("?")[0]).expanduser()
    if not scheme:
        kind = kind_of(path) if path.is_file() else ""
        scheme = "sqlite" if "SQLite" in kind else "duckdb"
        url = f"{scheme}://{url}"
    if scheme not in ("duckdb", "sqlite") or rest.startswith((":memory:", "md:")):
        return ibis.connect(url)
    if not path.is_file():
        raise InputError(gettext("there is no file {path}. Check the path.").format(path=path))
    if scheme == "sqlite" or "?" in url:
        return ibis.connect(url)
    try:
        return ibis.connect(f"{url}?read_only=True")
    except duckdb.ConnectionException:  # this process has it open for writing
        return ibis.connect(url)


def open_ibis(rows: ir.Table, label: str) -> Source:
    """The rows of an Ibis table, on whatever engine they are."""
    import ibis.expr.operations as ops

    engine = rows.get_backend()
    can_try = bool(engine.has_operation(ops.TryCast))
    return Source(label, tuple(rows.columns), selector(rows), embedded=engine.name == "duckdb", can_try=can_try)
