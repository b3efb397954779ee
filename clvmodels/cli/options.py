"""The options that several commands share, each named, explained and given its default once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from typing import Annotated, Any, Literal, get_type_hints

import typer

READING, MODEL, FORECAST = "How to read the log", "Model", "Forecast"


def fraction(text: str) -> float:
    """A number such as 0.10; says what to write for ``10%`` or ``0,10``.

    Examples
    --------
    >>> fraction("0.10")
    0.1
    """
    try:
        return float(text)
    except ValueError:
        pass
    try:
        meant = float(text.replace(",", ".").replace("%", ""))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a number. Write it as a fraction, for example 0.10.") from None
    meant = meant / 100 if "%" in text else meant
    raise typer.BadParameter(f"{text!r} is not written as a fraction with a decimal point. Write {meant:g}.")


def option(help: str, *names: str, panel: str | None = None, metavar: str | None = None, **more: Any) -> Any:
    """One option: what it is for, its names, the heading it stands under in ``--help``."""
    return typer.Option(*names, help=help, rich_help_panel=panel, metavar=metavar, **more)


Source = Annotated[
    str,
    typer.Argument(
        help="A CSV or Parquet path or glob, a database URL (with --table), 'cdnow' or 'cdnow-sample'.",
        metavar="SOURCE",
    ),
]
SourceOrRun = Annotated[
    str,
    typer.Argument(
        help="A run folder of 'split' or 'summarize', or any transaction log that those read.", metavar="RUN|SOURCE"
    ),
]
OptionalSource = Annotated[
    str | None,
    typer.Argument(
        help="A CSV or Parquet path or glob, a database URL (with --table), or 'cdnow-sample'.",
        show_default="CDNOW, with its published split",
        metavar="[SOURCE]",
    ),
]
Seed = Annotated[int, option("Seed of everything that is drawn at random.", metavar="N")]
CalibrationEnd = Annotated[
    str | None,
    option(
        "Last day the model may see; the holdout starts the day after.",
        metavar="DATE",
        show_default="two thirds of the log",
    ),
]
HoldoutEnd = Annotated[
    str | None, option("Last day of the holdout.", metavar="DATE", show_default="last date in the log")
]
UnitName = Annotated[Literal["week", "day"], option("What 1.0 means in frequency, recency and T.")]
FitFile = Annotated[
    str | None, option("A fit saved earlier by 'fit', used instead of fitting.", "--fit", metavar="FILE")
]
PredictionsFile = Annotated[
    str | None,
    option(
        "Predictions made elsewhere, to be judged too: a CSV or Parquet file with customer_id, purchases or value, and "
        "predictor and cutoff where there are several.",
        "--predictions",
        metavar="FILE",
    ),
]
Missing = Annotated[
    Literal["refuse", "zero"],
    option("Customers of whom --predictions says nothing: refused, or nothing is expected of them."),
]


@dataclass(frozen=True)
class Log:
    """How to read a transaction log; the same on every command, and keywords of the Python functions."""

    table: Annotated[str | None, option("Table in the database.", panel=READING, metavar="NAME")] = None
    customer_id: Annotated[
        str | None, option("Column that names the customer.", panel=READING, metavar="COL", show_default="guessed")
    ] = None
    date: Annotated[
        str | None, option("Column with the purchase date.", panel=READING, metavar="COL", show_default="guessed")
    ] = None
    value: Annotated[
        str | None,
        option(
            "Column with the amount; 'none' for a log without money.",
            panel=READING,
            metavar="COL|none",
            show_default="guessed",
        ),
    ] = None
    segment: Annotated[
        list[str] | None,
        option("Column to keep per customer (channel, country); repeatable.", panel=READING, metavar="COL"),
    ] = None
    cost: Annotated[str | None, option("Column with the acquisition cost.", panel=READING, metavar="COL")] = None
    date_format: Annotated[
        str | None,
        option("How dates are written, e.g. %d/%m/%Y.", panel=READING, metavar="FMT", show_default="ISO or YYYYMMDD"),
    ] = None
    decimal: Annotated[str, option("Decimal mark of the amounts: . or ,", panel=READING, metavar="MARK")] = "."
    currency: Annotated[str, option("Currency of the amounts, for labels.", panel=READING, metavar="CODE")] = "USD"
    returns: Annotated[
        Literal["net", "drop", "keep"],
        option("Negative amounts: subtracted from the purchase they belong to, left out, or kept.", panel=READING),
    ] = "net"


@dataclass(frozen=True)
class Period:
    """What is observed, and in which unit of time."""

    until: Annotated[
        str | None,
        option(
            "End of observation: later purchases are not seen.", metavar="DATE", show_default="last date in the log"
        ),
    ] = None
    unit: UnitName = "week"


@dataclass(frozen=True)
class Models:
    """Which families are fitted, and how."""

    family: Annotated[
        str,
        option(
            "Purchase model; 'auto' takes what earlier cut-offs found best, 'stack' their weighted mixture.",
            panel=MODEL,
            metavar="bgnbd|auto|stack|mbgnbd|pareto_nbd|nbd|bgcnbd|mbgcnbd",
        ),
    ] = "bgnbd"
    spend: Annotated[
        str | None,
        option(
            "Spend model; 'auto' takes what earlier cut-offs found best, 'none' is for purchases only.",
            panel=MODEL,
            metavar="gamma_gamma|auto|gamma_gamma_first|…|none",
            show_default="gamma_gamma; auto with --family auto or stack",
        ),
    ] = None
    method: Annotated[
        str,
        option(
            "How the parameters are estimated: posterior (a second; small logs go to NUTS), NUTS, maximum likelihood.",
            panel=MODEL,
            metavar="posterior|nuts|mle",
        ),
    ] = "posterior"
    seed: Seed = 0


@dataclass(frozen=True)
class Money:
    """What turns future revenue into customer lifetime value."""

    discount_rate: Annotated[
        float, option("Annual effective rate, as a fraction.", panel=FORECAST, metavar="RATE", parser=fraction)
    ] = 0.10
    margin: Annotated[
        float,
        option("Share of revenue that is profit, as a fraction.", panel=FORECAST, metavar="SHARE", parser=fraction),
    ] = 1.0


def keywords(*groups: Log | Period | Models | Money) -> dict[str, Any]:
    """The options of these groups as keywords: the Python functions call them by the same names.

    Examples
    --------
    >>> keywords(Period(until="2026-06-30"), Money(margin=0.3))
    {'until': '2026-06-30', 'unit': 'week', 'discount_rate': 0.1, 'margin': 0.3}
    """
    given = {field.name: getattr(group, field.name) for group in groups for field in fields(group)}
    if "segment" in given:
        given["segment"] = tuple(given["segment"] or ())
    return given


def changed(*groups: Log | Period | Models | Money) -> list[str]:
    """The options of these groups that are not at their defaults, as they are typed.

    Examples
    --------
    >>> changed(Period(unit="day"), Money())
    ['--unit']
    """
    return [
        "--" + field.name.replace("_", "-")
        for group in groups
        for field in fields(group)
        if getattr(group, field.name) not in (field.default, [])
    ]


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """Turn each parameter that is one of the groups above into that group's options: no command repeats them."""
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: kind for name, kind in hints.items() if is_dataclass(kind)}
    parameters = []
    for parameter in inspect.signature(command).parameters.values():
        if group := groups.get(parameter.name):
            inner = get_type_hints(group, include_extras=True)
            parameters += [(field.name, field.default, inner[field.name]) for field in fields(group)]
        else:
            parameters.append((parameter.name, parameter.default, hints[parameter.name]))

    @functools.wraps(command)
    def called(**given: Any) -> None:
        built = {name: kind(**{f.name: given.pop(f.name) for f in fields(kind)}) for name, kind in groups.items()}
        command(**built, **given)

    called.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            for name, default, annotation in parameters
        ]
    )
    return called
