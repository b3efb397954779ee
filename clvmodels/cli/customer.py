"""``clvmodels customer``: one customer's history, P(alive) and outlook, from a log, a run or a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clvmodels.cli import chain, screen
from clvmodels.cli.commands import app
from clvmodels.cli.options import FitFile, Log, Models, Money, Period, changed, option, spread
from clvmodels.errors import InputError
from clvmodels.language import gettext
from clvmodels.progress import progress

if TYPE_CHECKING:
    from clvmodels.prediction import Predictions

KINDS = (".html", ".png", ".json")
_MADE = "a report has its own"


@app.command()
@spread
def customer(
    who: Annotated[str, typer.Argument(help="The customer, as in the log.", metavar="ID")],
    source: Annotated[
        str,
        typer.Argument(help="A report, a run with fits, or any log that 'report' reads.", metavar="REPORT|RUN|SOURCE"),
    ],
    *,
    out: Annotated[
        str | None,
        option("A .html, .png or .json file.", metavar="FILE", show_default="lines on the screen"),
    ] = None,
    fit: FitFile = None,
    horizon: Annotated[
        str | None,
        option(
            "How far to look ahead: '12 months', '39 weeks', or the last day.",
            metavar="WORDS|DATE",
            show_default="that of the report, the holdout of a split, else 12 months",
        ),
    ] = None,
    money: Money,
    models: Models,
    period: Period,
    log: Log,
) -> None:
    """Show one customer: purchases, P(alive) after every day, and what the horizon may bring, formula beside model.

    A report is read again from its data, which must still be there unchanged.

    Example:  clvmodels customer 111 report

    Example:  clvmodels customer 111 orders.csv --out 111.html
    """
    from clvmodels.cards import customer_card
    from clvmodels.files import check_file
    from clvmodels.report.card import facts, verdict, write_card

    target = check_file(out, suffixes=KINDS, never=source) if out else None
    with progress("customer"):
        if (Path(source) / "report.json").is_file():
            given = {"--fit": fit, "--horizon": horizon}
            options = [*(name for name, value in given.items() if value), *changed(log, period, models, money)]
            chain.refuse(options, _MADE)
            forecast = _of_report(Path(source))
        else:
            run = chain.open_run(source, log, period)
            fits = chain.find_fits(run, source, fit, models)
            forecast = chain.forecast(run, fits, horizon=horizon, money=money, seed=models.seed)
        card = customer_card(forecast, who)
        if target is not None:
            write_card(card, forecast, target)
    screen.say(*verdict(card, forecast))
    if target is not None:
        screen.say(gettext("Wrote {out}.").format(out=out))
        return
    told = facts(card, forecast)
    width = max(len(name) for name, _ in told)
    screen.say("", *(f"  {name:<{width}}  {said}" for name, said in told))
    screen.say("", *_path(card))


def _path(card: Any) -> list[str]:
    """P(alive) as a line of blocks: one for each of 60 equal parts of the time since the first purchase."""
    from clvmodels.report import numbers as n
    from clvmodels.report.card import WORDS

    path, blocks = card.path, " ▁▂▃▄▅▆▇█"
    days = (path["date"] - path["date"].iloc[0]).dt.days.to_numpy()
    places = [int((days <= days[-1] * k / 59).sum()) - 1 for k in range(60)]
    line = "".join(blocks[round(8 * float(path["p_alive"].iloc[place]))] for place in places)
    ends = n.day(path["date"].iloc[0].date()), n.day(path["date"].iloc[-1].date())
    return [f"  {WORDS['p_alive']}  {ends[0]} {line} {ends[1]}"]


def _of_report(folder: Path) -> Predictions:
    """The forecast behind a report, made again from its data and its fits."""
    from clvmodels.datasets import DATASETS
    from clvmodels.language import speak
    from clvmodels.prediction import predict
    from clvmodels.report.contract import read_data
    from clvmodels.summary import summarize

    data = read_data(folder)
    given, source = data["provenance"]["options"], data["data"]["source"]
    speak(given.get("language", "en"))
    names = {one.title: name for name, one in DATASETS.items()}
    if given.get("spend") == "none":
        given["value"] = "none"
    reading = ("customer_id", "date", "value", "cost", "date_format", "decimal", "returns", "currency")
    where, _, table = source.partition(" table ")
    again = gettext("Make the report again, or name the log: {command}").format(
        command=f"clvmodels customer ID LOG --fit {folder / 'fit.json'}"
    )
    try:
        summary = summarize(
            names.get(source, where if given.get("table") else source),
            until=given["until"],
            unit=given["unit"],
            segment=tuple(given["segment"]),
            table=given.get("table") or (table or None),
            **{name: given[name] for name in reading if given.get(name) is not None},
        )
    except InputError as error:
        raise InputError(
            gettext("{folder}: the data of the report cannot be read ({error}). {again}").format(
                folder=folder, error=error, again=again
            )
        ) from None
    if summary.sha256 != data["data"]["sha256"]:
        raise InputError(
            gettext("{folder}: the data in {source} are not those of the report any more. {again}").format(
                folder=folder, source=source, again=again
            )
        )
    fits = chain.load_fits(folder / "fit.json")
    ahead = data["forecast"]
    return predict(
        fits[0],
        summary,
        spend=fits[1],
        horizon=ahead["end"],
        discount_rate=ahead["discount_rate"],
        margin=ahead["margin"],
        seed=data["provenance"]["seed"],
    )
