"""``clvmodels backtest``: every predictor at several cut-offs of one log."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

from clvmodels.cli import screen
from clvmodels.cli.commands import app
from clvmodels.cli.options import Log, Missing, Period, PredictionsFile, Seed, Source, keywords, option, spread
from clvmodels.progress import progress

Families = Annotated[
    list[str] | None,
    option(
        "Purchase model, 'auto' or 'stack' too; repeatable.", metavar="NAME", show_default="all for continuous time"
    ),
]
Spends = Annotated[
    list[str] | None, option("Spend model, 'auto' or 'none'; repeatable.", metavar="NAME", show_default="all")
]


@app.command()
@spread
def backtest(
    source: Source,
    *,
    out: Annotated[str, option("Folder to write: new, empty, or an earlier backtest.", metavar="DIR")],
    family: Families = None,
    spend: Spends = None,
    cutoff: Annotated[
        list[str] | None,
        option(
            "Last day that predictors know; repeatable.", metavar="DATE", show_default="six or fewer, spread evenly"
        ),
    ] = None,
    cutoffs: Annotated[int | None, option("How many, instead of which.", metavar="N", min=1)] = None,
    horizon: Annotated[
        str | None,
        option("Length of every holdout: '26 weeks'.", metavar="WORDS", show_default="a third of the log, or a year"),
    ] = None,
    min_calibration: Annotated[
        str | None, option("Log before the first cut-off.", metavar="WORDS", show_default="a third of the log")
    ] = None,
    predictions: PredictionsFile = None,
    missing: Missing = "refuse",
    method: Annotated[str, option("How models are fitted.", metavar="mle|posterior|nuts")] = "mle",
    resamples: Annotated[int, option("Bootstrap resamples of customers.", metavar="N", min=1)] = 500,
    workers: Annotated[
        int | None, option("Processes that share the cut-offs.", metavar="N", min=1, show_default="one per processor")
    ] = None,
    language: Annotated[str, option("Language of the page.", metavar="en|pt-BR")] = "en",
    seed: Seed = 0,
    period: Period,
    log: Log,
) -> None:
    """Judge every model, the formula and other people's predictions at several cut-offs of one log.

    Writes league.csv, pooled.csv, parameters.csv and other tables, backtest.json, figures, and backtest.html, which
    reads them aloud.

    Example:  clvmodels backtest orders.csv --out backtest

    Example:  clvmodels backtest orders.csv --cutoff 2025-06-30 --predictions theirs.csv --out backtest
    """
    from clvmodels.backtesting import backtest as tested
    from clvmodels.errors import InputError
    from clvmodels.language import LANGUAGES, speaking
    from clvmodels.report.rolling import check_backtest, sentences, write_backtest

    check_backtest(out)
    if cutoff and cutoffs:
        raise InputError("--cutoff and --cutoffs cannot both be given. Name the days, or say how many.")
    if language not in LANGUAGES:
        raise InputError(f"language {language!r} is not available. Choose --language {' or '.join(LANGUAGES)}.")
    if spend and "none" in spend and len(spend) > 1:
        raise InputError("--spend none leaves money out. Leave it out, or the other spend models.")
    with speaking(language):
        with progress("backtest") as say:
            result = tested(
                source,
                families=family or None,
                spends=None if not spend else [name for name in spend if name != "none"],
                cutoffs=cutoff or cutoffs,
                horizon=horizon,
                min_calibration=min_calibration,
                predictions=predictions,
                missing=missing,
                method=method,
                resamples=resamples,
                seed=seed,
                workers=workers,
                progress=say,
                **keywords(log, period),
            )
            given = {
                "--family": family,
                "--spend": spend,
                "--cutoff": cutoff,
                "--predictions": predictions and [predictions],
            }
            words = ["clvmodels", "backtest", source, "--out", out]
            for name, values in given.items():
                words += [word for value in values or () for word in (name, value)]
            write_backtest(out, result, language=language, command=shlex.join(words), progress=say)
        screen.say(*(f"- {text.replace('**', '')}" for text in sentences(result)))
        screen.say(f"Wrote {out}. Look first at {Path(out) / 'backtest.html'}.")
