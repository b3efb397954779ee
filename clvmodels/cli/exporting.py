"""``clvmodels export``: the customers of a report or a run, for other programs."""

from __future__ import annotations

from typing import Annotated

import typer

from clvmodels.cli import screen
from clvmodels.cli.commands import app
from clvmodels.cli.options import option
from clvmodels.progress import progress


@app.command()
def export(
    source: Annotated[
        str,
        typer.Argument(help="A report, or a run with predictions: a folder.", metavar="REPORT|RUN"),
    ],
    *,
    to: Annotated[
        str,
        option(
            "A .xlsx, .parquet or .csv file, or a database: duckdb://FILE, postgres://USER@HOST/NAME.",
            metavar="FILE|URL",
        ),
    ],
    table: Annotated[str | None, option("Table in the database.", metavar="NAME", show_default="customers")] = None,
    replace: Annotated[bool, option("Put the new table in the place of an earlier one.", "--replace")] = False,
) -> None:
    """Write the customers for Excel, Parquet, CSV or a database: the same columns, each with its unit and meaning.

    Example:  clvmodels export report --to customers.xlsx

    Example:  clvmodels export report --to postgres://crm@db.example/crm --table clv_customers --replace
    """
    from clvmodels.exports import check_target, read_customers, write_customers

    rows = read_customers(source)
    target = check_target(to, table=table, replace=replace, never=f"{source}/customers.parquet")
    with progress("export"):
        write_customers(rows, target)
    screen.say(f"Wrote {len(rows.frame):,} customers to {target}.")
