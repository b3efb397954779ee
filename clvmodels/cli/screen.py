"""What the commands print: answers on stdout, everything else on stderr."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from clvmodels.fitting.result import Fit
    from clvmodels.prediction import Predictions
    from clvmodels.runs import Run


def _console(*, stderr: bool = False) -> Console:
    from rich.console import Console

    return Console(stderr=stderr, soft_wrap=True, highlight=False, markup=False, emoji=False)


def say(*lines: str) -> None:
    """Print lines on stdout, unwrapped: a path in them can be copied."""
    for line in lines:
        _console().print(line)


def complain(text: str) -> None:
    """Print on stderr."""
    _console(stderr=True).print(text)


def headline(data: Mapping[str, Any]) -> None:
    """The verdict of a report, and what it forecasts."""
    from clvmodels.language import _
    from clvmodels.report import numbers as n
    from clvmodels.report import sentences, texts

    for note in sentences.fit_notes(data):
        complain(_("Note: {note}").format(note=note))
    ahead, currency = data["forecast"], data["data"]["currency"]
    facts = {"purchases": n.count(ahead["purchases"]), "range": _between(ahead, "purchases", n.count)}
    facts |= {"start": n.day(ahead["start"]), "end": n.day(ahead["end"]), "customers": n.count(ahead["customers"])}
    if ahead["value"] is None:
        said = _("Forecast, {start} to {end}, {customers} customers: {purchases} purchases ({range}).")
    else:
        said = _(
            "Forecast, {start} to {end}, {customers} customers: {purchases} purchases ({range}) worth {value} "
            "({value_range}); discounted at {rate} a year {clv}."
        )
        facts |= {
            "value": n.money(ahead["value"], currency),
            "value_range": _between(ahead, "value", lambda x: n.money(x, currency)),
            "rate": n.rate(ahead["discount_rate"]),
            "clv": n.money(ahead["clv"], currency),
        }
    say(
        sentences.headline(data).replace("**", ""),
        sentences.headline_note(data, f'"{texts.TITLES["checks"]}"').replace("**", ""),
        said.format(**facts),
    )


def describe(run: Run) -> None:
    """Who is in a run, and what was left out of it and why."""
    from clvmodels.report import numbers as n
    from clvmodels.report.sentences import reason

    summary, frame = run.calibration, run.calibration.frame
    back = int((frame["frequency"] > 0).sum())
    say(
        f"{len(frame):,} customers from {n.day(summary.start)} to {n.day(summary.until)}; {back:,} came back "
        f"({n.percent(back / len(frame))}). Time is in {summary.unit.value}s."
    )
    say(f"{sum(row.rows for row in summary.ledger):,} rows:")
    for row in summary.ledger:
        if row.rows:
            say(f"  {row.rows:>10,}  {reason(row.reason)}")
    if run.holdout:
        holdout = run.holdout
        say(
            f"Holdout {n.day(holdout.horizon.start)} to {n.day(holdout.horizon.end)}: they bought "
            f"{int(holdout.frame['purchases'].sum()):,} times; {holdout.new_customers:,} customers were new."
        )


def estimates(fits: Iterable[Fit | None]) -> None:
    """Parameters with standard errors and limits, and the verdict on the fit."""
    for fit in fits:
        if fit is not None:
            say(f"{fit.model.title}, log-likelihood {fit.log_likelihood:,.2f}. {fit.verdict}")
            table(fit.table())


def totals(forecast: Predictions) -> None:
    """What all customers together will do."""
    from clvmodels.report import numbers as n

    sums, horizon = forecast.totals, forecast.horizon
    say(
        f"{n.day(horizon.start)} to {n.day(horizon.end)}, {sums.customers:,} customers; totals with 90 % intervals:",
        f"  purchases  {n.count(sums.purchases)} ({n.count(sums.purchases_lower)} to {n.count(sums.purchases_upper)})",
    )
    if sums.value is not None:
        for name in ("value", "clv"):
            mean, low, high = (
                n.money(getattr(sums, name + end), forecast.currency) for end in ("", "_lower", "_upper")
            )
            say(f"  {name:<9}  {mean} ({low} to {high})")


def table(frame: pd.DataFrame) -> None:
    """Print a small table on stdout."""
    align = "".join("r" if kind.kind in "fiu" else "l" for kind in frame.dtypes)
    cells([str(name) for name in frame], [list(map(_cell, row)) for row in frame.itertuples(index=False)], align)


def cells(headings: Sequence[str], rows: Iterable[Sequence[str]], align: str) -> None:
    """Print rows of words under headings; ``align`` has one letter per column, l or r."""
    from rich.box import SIMPLE
    from rich.table import Table

    grid = Table(box=SIMPLE, pad_edge=False)
    for heading, side in zip(headings, align, strict=True):
        grid.add_column(heading, justify="right" if side == "r" else "left", no_wrap=True)
    for row in rows:
        grid.add_row(*row)
    console = _console()
    whole = console.measure(grid, options=console.options.update(width=1000)).maximum
    console.width = max(console.width, whole)  # rather a wrapped line than a number cut off
    console.print(grid)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}" if value == value else "–"
    return str(value)


def _between(data: Mapping[str, Any], name: str, show: Any) -> str:
    from clvmodels.written import between

    return between(show(data[name + "_lower"]), show(data[name + "_upper"]))
