"""Customers for other programs: CSV, Parquet, Excel, a database table; one schema, described in each of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from clvmodels.errors import InputError
from clvmodels.exports.databases import Place, check_place, is_database, write_database
from clvmodels.exports.excel import check_rows, write_workbook
from clvmodels.exports.files import beside, write_csv, write_description, write_parquet
from clvmodels.exports.schema import SCHEMA, CustomerTable, of_predictions, of_report, read_customers
from clvmodels.files import check_file, whole_file
from clvmodels.language import speaking

if TYPE_CHECKING:
    from clvmodels.prediction import Predictions
    from clvmodels.report.build import Report

__all__ = ["SCHEMA", "CustomerTable", "check_target", "export", "read_customers", "write_customers"]

FILES = (".csv", ".parquet", ".xlsx")


@dataclass(frozen=True)
class Target:
    """Where customers go: a file, or a table in a database."""

    place: Path | Place

    def __str__(self) -> str:
        return str(self.place)


def check_target(
    to: str | Path, *, table: str | None = None, replace: bool = False, never: str | Path | None = None
) -> Target:
    """Say before any work whether customers can be written to ``to``; ``never`` is an input that stays as it is."""
    if is_database(str(to)):
        return Target(check_place(str(to), table=table, replace=replace))
    if table is not None or replace:
        option = "--table" if table is not None else "--replace"
        raise InputError(
            f"{option} belongs to a database, and {to} is a file. Leave it out, or write for example "
            "--to duckdb://customers.duckdb."
        )
    return Target(check_file(to, suffixes=FILES, never=never, option="--to"))


def write_customers(table: CustomerTable, target: Target, *, description: bool = True) -> None:
    """Write a table of customers, whole or not at all, in the format that the target's name says.

    Parameters
    ----------
    table
        The customers.
    target
        From :func:`check_target`.
    description
        Whether a CSV gets a file beside it that describes its columns; the other formats carry that inside.
    """
    with speaking(table.about["language"]):
        _write(table, target.place, description)


def _write(table: CustomerTable, place: Path | Place, description: bool) -> None:
    if isinstance(place, Place):
        write_database(table, place)
        return
    suffix = place.suffix.lower()
    if suffix == ".xlsx":
        check_rows(len(table.frame))
    with whole_file(place) as new:
        {".csv": write_csv, ".parquet": write_parquet, ".xlsx": write_workbook}[suffix](table, new)
    if suffix == ".csv" and description:
        with whole_file(beside(place)) as new:
            write_description(table, new, of=place.name)


def export(
    customers: Report | Predictions | str | Path, to: str | Path, *, table: str | None = None, replace: bool = False
) -> None:
    """Write customers for another program: the same columns in every format, each with its unit and meaning.

    Parameters
    ----------
    customers
        A report, predictions, or a report or run folder.
    to
        A ``.csv``, ``.parquet`` or ``.xlsx`` file, or a database: ``duckdb://…`` or ``postgres://…``.
    table
        Name of the table in a database, by default ``customers``.
    replace
        Whether an earlier table of that name gives way; files are replaced in any case.

    Raises
    ------
    InputError
        When the customers are not there, do not fit, or cannot be written.

    Notes
    -----
    Parquet has the meanings in its fields' metadata and everything they rest on under the file's key ``clvmodels``; a
    CSV in a file beside it, ``NAME.csv-metadata.json`` (W3C, *CSV on the Web*); Excel on a sheet of definitions; a
    database in comments on the table and its columns.
    """
    from clvmodels.prediction import Predictions

    if isinstance(customers, (str, Path)):
        rows = read_customers(customers)
    elif isinstance(customers, Predictions):
        rows = of_predictions(customers)
    else:
        rows = of_report(customers)
    never = Path(customers) / "customers.parquet" if isinstance(customers, (str, Path)) else None
    write_customers(rows, check_target(to, table=table, replace=replace, never=never))
