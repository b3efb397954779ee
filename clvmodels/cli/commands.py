"""The sub-commands, in the order of the data flow: parse, call, write, say where to look."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clvmodels.cli import chain, screen
from clvmodels.cli.options import (
    CalibrationEnd,
    FitFile,
    HoldoutEnd,
    Log,
    Missing,
    Models,
    Money,
    OptionalSource,
    Period,
    PredictionsFile,
    Seed,
    Source,
    SourceOrRun,
    UnitName,
    keywords,
    option,
    spread,
)
from clvmodels.files import write_parts, write_table
from clvmodels.progress import progress

app = typer.Typer(
    name="clvmodels",
    help="Customer lifetime value from a transaction log, compared honestly with average value × frequency × duration.",
    epilog="Start with:  clvmodels report --out report  (real data: CDNOW), "
    "then:  clvmodels report orders.csv --out report",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        from clvmodels import __version__

        screen.say(f"clvmodels {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback when something breaks.")] = False,
) -> None: ...


@app.command()
@spread
def report(
    source: OptionalSource = None,
    *,
    out: Annotated[str, option("Folder to write: new, empty, or an earlier report.", metavar="DIR")],
    calibration_end: CalibrationEnd = None,
    holdout_end: HoldoutEnd = None,
    period: Period,
    horizon: Annotated[
        str, option("How far to forecast: '12 months', '39 weeks', or the last day.", metavar="WORDS|DATE")
    ] = "12 months",
    money: Money,
    models: Models,
    predictions: PredictionsFile = None,
    missing: Missing = "refuse",
    language: Annotated[str, option("Language of the report and of what is said.", metavar="en|pt-BR")] = "en",
    log: Log,
) -> None:
    """From a log to the whole report: can the model be believed, and what does it say?

    Fits on the calibration period, predicts the holdout and compares with the formula; then fits everything and
    forecasts the horizon. Writes report.html, report.pdf, report.json, customers.csv, customers.parquet, fit.json and
    figures.

    Example:  clvmodels report orders.csv --out report --horizon '12 months' --margin 0.3
    """
    from clvmodels.files import check_folder
    from clvmodels.language import LANGUAGES, _, speak
    from clvmodels.report import build_report, write_report
    from clvmodels.report.folder import NAMES

    if language in LANGUAGES:
        speak(language)
    check_folder(out, marker="report.json", ours=NAMES)
    with progress("report") as say:
        built = build_report(
            source,
            calibration_end=calibration_end,
            holdout_end=holdout_end,
            horizon=horizon,
            predictions=predictions,
            missing=missing,
            language=language,
            progress=say,
            **keywords(log, period, money, models),
        )
        write_report(out, built, progress=say)
    screen.headline(built.data)
    screen.say(
        "",
        _("Look first at {page} (or report.pdf); one row per customer is in customers.csv.").format(
            page=Path(out) / "report.html"
        ),
    )


@app.command()
@spread
def summarize(
    source: Source,
    *,
    out: Annotated[str, option("A .csv or .parquet file, or a run folder.", metavar="FILE|DIR")],
    period: Period,
    log: Log,
) -> None:
    """One row per customer: frequency, recency, T and mean value.

    With a folder as --out the summary becomes a run, which 'fit' and 'predict' take.

    Example:  clvmodels summarize orders.csv --until 2026-06-30 --out customers.csv
    """
    from clvmodels.runs import Run, check_run, write_run
    from clvmodels.summary import summarize as summarized

    to_table = Path(out).suffix.lower() in chain.TABLES
    target = chain.target(out, source, name="customers.csv") if to_table else check_run(out)
    with progress("summarize"):
        run = Run(summarized(source, **keywords(log, period)))
        if to_table:
            write_table(run.calibration.frame, target)
        else:
            write_run(target, run)
    screen.describe(run)
    screen.say(f"Wrote {out}." + ("" if to_table else f" Next: clvmodels fit {out}"))


@app.command()
@spread
def split(
    source: Source,
    *,
    out: Annotated[str, option("Run folder to write: new, empty, or an earlier run.", metavar="DIR")],
    calibration_end: CalibrationEnd = None,
    holdout_end: HoldoutEnd = None,
    unit: UnitName = "week",
    log: Log,
) -> None:
    """Divide a log in time, so that a forecast can be judged: a run with calibration and holdout.

    Example:  clvmodels split orders.csv --calibration-end 2025-12-31 --out run
    """
    from clvmodels.runs import Run, check_run, write_run
    from clvmodels.summary import split as divided

    target = check_run(out)
    with progress("split"):
        run = Run(
            *divided(source, calibration_end=calibration_end, holdout_end=holdout_end, unit=unit, **keywords(log))
        )
        write_run(target, run)
    screen.describe(run)
    screen.say(f"Wrote {out}. Next: clvmodels fit {out}")


@app.command()
@spread
def fit(
    source: SourceOrRun,
    *,
    out: Annotated[str | None, option("A .json file.", metavar="FILE", show_default="fit.json in the run")] = None,
    models: Models,
    period: Period,
    log: Log,
) -> None:
    """Estimate the purchase and the spend model: fit.json.

    Example:  clvmodels fit run

    Example:  clvmodels fit orders.csv --until 2026-06-30 --out fit.json
    """
    target = chain.target(out, source, name="fit.json", suffixes=(".json",))
    with progress("fit"):
        run = chain.open_run(source, log, period)
        fits = chain.fit_models(run.calibration, models)
        chain.save_fits(fits, target)
    screen.estimates(fits)
    after = ", ".join(f"clvmodels {step} {source}" for step in ("predict", *(["evaluate"] if run.holdout else [])))
    screen.say(f"Wrote {out or Path(source) / target.name}." + ("" if out else f" Next: {after}"))


@app.command()
@spread
def predict(
    source: SourceOrRun,
    *,
    out: Annotated[
        str | None,
        option("A .csv, .parquet or .xlsx file.", metavar="FILE", show_default="customers.csv and .parquet in the run"),
    ] = None,
    fit: FitFile = None,
    horizon: Annotated[
        str | None,
        option(
            "How far to forecast: '12 months', '39 weeks', or the last day.",
            metavar="WORDS|DATE",
            show_default="the holdout of a split, else 12 months",
        ),
    ] = None,
    money: Money,
    models: Models,
    period: Period,
    log: Log,
) -> None:
    """Forecast every customer: purchases, value and CLV, with intervals.

    Example:  clvmodels predict run --horizon '12 months' --margin 0.3

    Example:  clvmodels predict orders.csv --fit run/fit.json --out customers.csv
    """
    from clvmodels.exports import FILES, Target, write_customers
    from clvmodels.exports.schema import of_predictions

    names = [out] if out else ["customers.csv", "customers.parquet"]
    targets = [chain.target(out, source, name=name, suffixes=FILES) for name in names]
    with progress("predict"):
        run = chain.open_run(source, log, period)
        fits = chain.find_fits(run, source, fit, models)
        forecast = chain.forecast(run, fits, horizon=horizon, money=money, seed=models.seed)
        for target in targets:
            write_customers(of_predictions(forecast), Target(target), description=False)
    screen.totals(forecast)
    screen.say("Wrote " + " and ".join(out or str(Path(source) / name) for name in names) + ".")


@app.command()
@spread
def evaluate(
    source: SourceOrRun,
    *,
    out: Annotated[
        str | None, option("Folder for evaluation.csv and comparison.csv.", metavar="DIR", show_default="the run")
    ] = None,
    fit: FitFile = None,
    resamples: Annotated[int, option("Bootstrap resamples of customers.", metavar="N", min=1)] = 500,
    calibration_end: CalibrationEnd = None,
    holdout_end: HoldoutEnd = None,
    unit: UnitName = "week",
    predictions: PredictionsFile = None,
    missing: Missing = "refuse",
    models: Models,
    log: Log,
) -> None:
    """Judge the forecast of the holdout beside the formula: evaluation.csv and comparison.csv.

    Example:  clvmodels evaluate run

    Example:  clvmodels evaluate orders.csv --calibration-end 2025-12-31 --out judged
    """
    from clvmodels.evaluation import evaluate as judged
    from clvmodels.runs import Run

    targets = [chain.target(out and str(Path(out) / name), source, name=name) for name in chain.JUDGED]
    with progress("evaluate"):
        run = Run(*chain.open_split(source, log, calibration_end, holdout_end=holdout_end, unit=unit))
        fits = chain.find_fits(run, source, fit, models)
        forecast = chain.forecast(run, fits, horizon=None, money=Money(), seed=models.seed)
        assert run.holdout is not None
        result = judged(
            forecast,
            run.holdout,
            predictions=predictions,
            missing=missing,
            resamples=resamples,
            seed=models.seed,
        )
        for table, target in zip((result.metrics, result.comparison), targets, strict=True):
            write_table(table, target)
    screen.say(*(f"- {sentence}" for sentence in result.headline()))
    screen.say("Wrote " + " and ".join(str(Path(out or source) / name) for name in chain.JUDGED) + ".")


@app.command()
def simulate(
    *,
    out: Annotated[str, option("A .csv or .parquet file.", metavar="FILE")],
    customers: Annotated[int, option("How many customers.", metavar="N", min=1)] = 2357,
    start: Annotated[str, option("First day.", metavar="DATE")] = "1997-01-01",
    end: Annotated[str, option("Last day.", metavar="DATE")] = "1998-06-30",
    unit: UnitName = "week",
    r: Annotated[float, option("BG/NBD: shape of the purchase rates.", "--r")] = 0.243,
    alpha: Annotated[float, option("BG/NBD: their inverse scale, in units.")] = 4.414,
    a: Annotated[float, option("BG/NBD: dropout, first shape.", "--a")] = 0.793,
    b: Annotated[float, option("BG/NBD: dropout, second shape.", "--b")] = 2.426,
    spend: Annotated[
        str,
        option(
            "Spend model; 'none' for a log without money.",
            metavar="gamma_gamma|gamma_gamma_first|gamma_gamma_frequency|lognormal|none",
        ),
    ] = "gamma_gamma",
    p: Annotated[float | None, option("Gamma-Gamma: shape within a customer.", "--p", show_default="6.25")] = None,
    q: Annotated[float | None, option("Gamma-Gamma: shape between customers.", "--q", show_default="3.74")] = None,
    v: Annotated[float | None, option("Scale of spend, in money.", "--v", show_default="15.44")] = None,
    g: Annotated[
        float | None, option("With frequency: spend of who buys twice as often, relative.", "--g", show_default="1.1")
    ] = None,
    sigma: Annotated[
        float | None, option("Log-normal: spread within a customer.", "--sigma", show_default="0.565")
    ] = None,
    tau: Annotated[float | None, option("Log-normal: spread between customers.", "--tau", show_default="0.441")] = None,
    seed: Seed = 0,
) -> None:
    """Invent a log from the models' own story; the defaults are CDNOW's published parameters.

    Example:  clvmodels simulate --customers 10000 --end 1998-12-31 --out simulated.csv
    """
    from clvmodels.models import BGNBD
    from clvmodels.simulation import simulated_parts

    target = chain.target(out, "", name=out)
    parts = simulated_parts(
        BGNBD(r=r, alpha=alpha, a=a, b=b),
        spend=chain.spend_model(spend, {"p": p, "q": q, "v": v, "g": g, "sigma": sigma, "tau": tau}),
        customers=customers,
        start=start,
        end=end,
        unit=unit,
        seed=seed,
    )
    with progress("simulate"):
        rows = write_parts(parts, target)
    screen.say(f"Wrote {out}: {rows:,} purchases of {customers:,} customers. Next: clvmodels report {out} --out report")
