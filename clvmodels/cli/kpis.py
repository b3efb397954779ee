"""``clvmodels kpis``: indicators, channels, levers and the customers to look at, as tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from clvmodels.cli import chain, screen
from clvmodels.cli.commands import app
from clvmodels.cli.options import FitFile, Log, Models, Money, Period, SourceOrRun, keywords, option, spread
from clvmodels.errors import InputError
from clvmodels.progress import progress

if TYPE_CHECKING:
    from clvmodels.fitting import Fit
    from clvmodels.kpi_files import KpiBook
    from clvmodels.prediction import Predictions
    from clvmodels.summary import Summary


@app.command()
@spread
def kpis(
    source: SourceOrRun,
    *,
    out: Annotated[str, option("Folder to write: new, empty, or earlier tables.", metavar="DIR")],
    fit: FitFile = None,
    horizon: Annotated[
        str, option("How far to look ahead: '12 months', '39 weeks', or the last day.", metavar="WORDS|DATE")
    ] = "12 months",
    against: Annotated[
        str | None, option("Another run, or an earlier day of this log, to compare with.", metavar="RUN|DATE")
    ] = None,
    months: Annotated[
        int, option("Months after the first order that count for a channel's customer.", metavar="N", min=1)
    ] = 12,
    confidence: Annotated[
        float, option("Of the highest cost worth paying for a customer.", metavar="SHARE", min=0.5, max=0.99)
    ] = 0.90,
    money: Money,
    models: Models,
    period: Period,
    log: Log,
) -> None:
    """Indicators seen and expected, by segment and over time; channels, levers, customers to look at: a folder of CSV.

    Example:  clvmodels kpis orders.csv --segment channel --cost cac --margin 0.3 --out kpis

    Example:  clvmodels kpis run --against 2025-06-30 --out kpis
    """
    from clvmodels.kpi_files import check_kpi_folder, write_kpis
    from clvmodels.prediction import predict

    target = check_kpi_folder(out)
    with progress("kpis") as say:
        say("summarising")
        run = chain.open_run(source, log, period)
        other = None if against is None else _other(against, run.calibration)
        given = dict(horizon=horizon, seed=models.seed, **keywords(money))
        fits = chain.find_fits(run, source, fit, models)
        say("predicting")
        forecast = predict(fits[0], run.calibration, spend=fits[1], **given)
        before: Predictions | Summary | None = other
        if against is not None and other is not None:
            theirs = _fits_of(against, other, fits, models.seed)
            before = predict(theirs[0], other, spend=theirs[1], **given) if theirs else other
        say("measuring")
        book, names = write_kpis(
            target, forecast, against=before, months=months, confidence=confidence, seed=models.seed
        )
    _tell(book, forecast)
    screen.say("", f"Wrote to {Path(out)}: {', '.join(names)} and kpis.json, which says what they hold.")


def _other(against: str, summary: Summary) -> Summary:
    """The other run, or the same log at an earlier day."""
    from clvmodels.calendar import as_date
    from clvmodels.kpi_files import at_another_date
    from clvmodels.runs import is_run, read_run

    if is_run(against):
        return read_run(against).calibration
    try:
        day = as_date(against)
    except InputError:
        raise InputError(
            f"--against {against} is neither a run folder nor a day. Write a day as YYYY-MM-DD, or name a folder made "
            "by 'clvmodels split' or 'clvmodels summarize'."
        ) from None
    if day >= summary.until:
        raise InputError(
            f"--against {day} is not before the end of observation, {summary.until}. Choose an earlier day."
        )
    return at_another_date(summary, day.isoformat())


def _fits_of(against: str, summary: Summary, fits: chain.Fits, seed: int) -> chain.Fits | None:
    """The fits in the other run; where there are none, and at another date, the same families and method; no stack."""
    from clvmodels.fitting import fit
    from clvmodels.models import FAMILIES
    from clvmodels.runs import FIT, is_run

    if is_run(against) and (Path(against) / FIT).is_file():
        return chain.load_fits(Path(against) / FIT)
    if fits[0].model.name not in FAMILIES:
        return None

    def again(one: Fit) -> Fit:
        method = "mle" if one.method == "mle" else "posterior"  # which goes to NUTS where it has to
        return fit(one.model.name, summary, method=method, seed=seed)

    one, two = (each and again(each) for each in fits)
    assert one is not None
    return one, two


def _tell(book: KpiBook, forecast: Predictions) -> None:
    """The indicators of everyone, the channels and what moved, in a few lines."""
    seen = book.observed[book.observed["segment"] == ""]
    screen.say(f"Observed up to {forecast.summary.until}, with 90 % limits:")
    screen.table(seen[["indicator", "value", "lower", "upper"]])
    known = book.expected[book.expected["segment"] == ""]
    screen.say(f"Expected, {forecast.horizon}, with 90 % limits of the mean:")
    screen.table(known[["indicator", "value", "mean_lower", "mean_upper"]])
    for name, found in book.channels.items():
        screen.say(
            f"Worth of the next customer of each {name} in {found.months} months, pooled, with 90 % limits; "
            f"highest_cost is exceeded with probability {found.confidence:g}:"
        )
        columns = [name, "customers", "highest_cost", "ltv", "ltv_lower", "ltv_upper", "p_best"]
        screen.table(found.table[columns])
        if found.has_cost:
            screen.say("Against its cost:")
            screen.table(found.table[[name, "cost", "ltv_to_cost", "p_above_1", "highest_cost", "payback_month"]])
    if book.changes is not None:
        screen.say("What moved, with 95 % limits of all differences together:")
        screen.table(book.changes[["kind", "indicator", "before", "after", "difference", "verdict"]])
    for note in book.notes:
        screen.complain(f"Note: {note}")
