"""``clvmodels score``: customers of today with a fit of yesterday, streamed to a file or into a database."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Annotated, Any, Literal

import typer

from clvmodels.cli import chain, screen
from clvmodels.cli.commands import app
from clvmodels.cli.options import Log, Money, Seed, Source, keywords, option, spread
from clvmodels.errors import InputError
from clvmodels.progress import progress


@app.command()
@spread
def score(
    source: Source,
    *,
    context: typer.Context,
    fit: Annotated[str, option("A fit saved by 'fit' or in a report: fit.json.", "--fit", metavar="FILE")],
    out: Annotated[str | None, option("A .parquet or .csv file.", metavar="FILE")] = None,
    to: Annotated[
        str | None, option("A database instead: duckdb://FILE, postgres://USER@HOST/NAME, spark://.", metavar="URL")
    ] = None,
    to_table: Annotated[str, option("Table in that database.", metavar="NAME")] = "scores",
    replace: Annotated[bool, option("Put the new table in the place of an earlier one.", "--replace")] = False,
    until: Annotated[
        str | None, option("End of observation.", metavar="DATE", show_default="last date in the log")
    ] = None,
    horizon: Annotated[
        str, option("How far to forecast: '12 months', '39 weeks', or the last day.", metavar="WORDS|DATE")
    ] = "12 months",
    intervals: Annotated[bool, option("Ends of 90 % outcome intervals too.", "--intervals")] = False,
    unit: Annotated[
        Literal["week", "day"] | None, option("What 1.0 means in recency and T.", show_default="as in the fit")
    ] = None,
    money: Money,
    seed: Seed = 0,
    log: Log,
) -> None:
    """Score customers with an earlier fit, without fitting: millions of rows, and says when to fit again.

    Example:  clvmodels score orders.parquet --fit report/fit.json --out scored.parquet

    Example:  clvmodels score postgres://crm@db.example/shop --table orders --fit fit.json --to postgres://crm@db.example/shop --to-table scores --replace
    """  # noqa: E501 – an example is typed in one line
    from clvmodels.scoring import score as scored
    from clvmodels.scoring import write_scores

    if (out is None) == (to is None):
        raise InputError("say where the scores go: --out FILE, or --to URL for a database.")
    given = keywords(log, money)
    typed = context.get_parameter_source("currency")
    if typed is None or typed.name == "DEFAULT":
        given["currency"] = None  # the fit's
    options: dict[str, Any] = {"until": until, "horizon": horizon, "intervals": intervals, "unit": unit, "seed": seed}
    target: Any
    kept: Any = nullcontext()
    if out is not None:
        target = chain.target(out, source, name=out)
    else:
        from clvmodels.exports.databases import is_table
        from clvmodels.exports.streams import check_stream, held

        assert to is not None
        if log.table is not None and is_table(to, to_table, url=source, name=log.table):
            raise InputError(
                f"--to-table {to_table} is the log itself. Nothing is overwritten. Choose another --to-table."
            )
        target = check_stream(to, table=to_table, replace=replace)
        kept = held(target)
    with progress("score"), kept:
        scores = scored(fit, source, **given, **options)
        rows = write_scores(scores, target)
    _tell(scores.drift)
    screen.say(f"Wrote {rows:,} customers to {target if out is None else out}.")


def _tell(drift: Any) -> None:
    if drift is None:
        return
    screen.say(
        f"Since the fit ({drift.start} to {drift.end}) its {drift.customers:,} customers bought {drift.purchases:,} "
        f"times; it expected {drift.expected:,.0f} ({drift.lower:,.0f} to {drift.upper:,.0f})."
    )
    if drift.verdict == "keep":
        screen.say("The fit can be kept.")
        return
    cure = "Fit again: clvmodels fit" if drift.verdict == "refit" else "Look at it, and fit again if it stays so"
    screen.complain(f"Note: {'; '.join(drift.reasons)}. {cure}.")
