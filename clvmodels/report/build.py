"""From a source of transactions to a Report: believe it (split, fit, evaluate), then use it (refit, forecast)."""

from __future__ import annotations

import datetime as dt
import functools
import inspect
import os
import shlex
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, TypeVar

import pandas as pd

from clvmodels import tables
from clvmodels.attention import tier_stability, tiers_now
from clvmodels.calendar import Horizon, Unit, as_date, check_rate
from clvmodels.checks import HoldoutChecks, check_holdout, run_checks
from clvmodels.choice import AUTO, CHOOSING, Choice, Taken, spend_name, take
from clvmodels.elsewhere import read_predictions
from clvmodels.errors import DiagnosticWarning, InputError
from clvmodels.evaluation import Evaluation, evaluate
from clvmodels.fitting import METHODS
from clvmodels.fitting.oracle import lifetimes_opinion
from clvmodels.fitting.result import Fit
from clvmodels.kpi_files import kpi_book
from clvmodels.kpis import kpi_history, observed_kpis
from clvmodels.language import LANGUAGES, _, gettext, speaking
from clvmodels.models import usual_families
from clvmodels.prediction import check_margin, predict
from clvmodels.report.contract import Analysis, past_data, report_data
from clvmodels.report.customers import handful
from clvmodels.sampling import judged_sample
from clvmodels.summary import Split, Summary, split, summarize
from clvmodels.summary.clock import check_clock
from clvmodels.transactions import Transactions, read_transactions
from clvmodels.transactions.databases import without_password
from clvmodels.written import choice, count

P = ParamSpec("P")
R = TypeVar("R")

SMALL = 500
"""Customers below which the posterior's certificate may fail, so that NUTS takes over."""


@dataclass(frozen=True)
class Report:
    """What was found, before it is laid out.

    Attributes
    ----------
    data
        The content of report.json.
    customers
        The customer table: section 3 of the contract, one row per customer.
    purchases, spend
        The refits behind the forecast; ``spend`` is None without money.
    figures
        The numbers behind each figure, in the order of the report.
    """

    data: Mapping[str, Any]
    customers: pd.DataFrame
    purchases: Fit
    spend: Fit | None
    figures: Mapping[str, tables.FigureTable]

    def __repr__(self) -> str:
        data = self.data["data"]
        return f"Report({data['source']}, {data['customers']:,} customers, {data['first_date']} to {data['last_date']})"


def _in_its_language(function: Callable[P, R]) -> Callable[P, R]:
    """Make every text in the language that is asked for; a wrong one is refused inside, with what else is wrong."""

    @functools.wraps(function)
    def spoken(*args: P.args, **options: P.kwargs) -> R:
        asked = str(options.get("language", LANGUAGES[0]))
        with speaking(asked if asked in LANGUAGES else LANGUAGES[0]):
            return function(*args, **options)

    return spoken


@_in_its_language
def build_report(
    source: Any = None,
    *,
    table: str | None = None,
    customer_id: str | None = None,
    date: str | None = None,
    value: str | bool | None = None,
    segment: Sequence[str] = (),
    cost: str | None = None,
    date_format: str | None = None,
    decimal: str = ".",
    currency: str = "USD",
    calibration_end: str | dt.date | None = None,
    holdout_end: str | dt.date | None = None,
    until: str | dt.date | None = None,
    horizon: str | Horizon = "12 months",
    discount_rate: float = 0.10,
    margin: float = 1.0,
    unit: str | Unit = "week",
    family: str = "bgnbd",
    spend: str | None = None,
    method: str = "posterior",
    returns: str = "net",
    predictions: Any = None,
    missing: str = "refuse",
    language: str = "en",
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
    command: str | None = None,
) -> Report:
    """Judge the model on a holdout, then forecast with it: everything the report says, as values.

    Parameters
    ----------
    source
        What :func:`clvmodels.read_transactions` reads; None is CDNOW with its published split.
    table, customer_id, date, value, segment, cost, date_format, decimal, currency, returns
        How to read it, see :func:`clvmodels.read_transactions`.
    calibration_end, holdout_end
        Last days of the two periods. By default the holdout is the last third of the observed span.
    until
        End of observation for the forecast, by default the last date in the data.
    horizon
        What is forecast, from the day after ``until``: words ("12 months") or the last day.
    discount_rate, margin
        Annual effective rate; share of revenue that counts as value.
    unit
        What 1.0 means in frequency tables: "week" or "day".
    family, spend, method
        Names of the purchase and the spend family, and how they are fitted. Family "auto" is the one that earlier
        cut-offs of the calibration find best, "stack" their weighted mixture (:func:`clvmodels.choose`); spend is
        "gamma_gamma" by default, with these two "auto", the best on the same cut-offs; "none" leaves money out. Method:
        "posterior" (a second or two; where its certificate fails, as on small logs, NUTS takes over, which takes a
        minute and needs PyMC), "nuts" or "mle".
    predictions, missing
        Rivals that were predicted elsewhere: see :func:`clvmodels.evaluate`.
    language
        Of the report: "en" or "pt-BR".
    seed
        Of everything that draws.
    progress
        Called with a few words when a new step begins.
    command
        What to print as the command that reproduces the report; worked out from the arguments when absent.

    Returns
    -------
    Report
        To look at, or for :func:`write_report`.

    Raises
    ------
    InputError
        When the data or the options cannot give a report: what is wrong and what to type.
    """
    options = {
        "table": table, "customer_id": customer_id, "date": date, "value": value, "segment": tuple(segment),
        "cost": cost, "date_format": date_format, "decimal": decimal, "currency": currency,
        "calibration_end": calibration_end, "holdout_end": holdout_end, "until": until, "horizon": horizon,
        "discount_rate": discount_rate, "margin": margin, "unit": unit, "family": family, "spend": spend,
        "method": method, "returns": returns,
        "predictions": str(predictions) if isinstance(predictions, str | Path) else None, "missing": missing,
        "language": language, "seed": seed,
    }  # fmt: skip
    _check(family, spend, method, language, discount_rate, margin)
    if predictions is not None:
        predictions = read_predictions(predictions, missing=missing)
    say = progress or (lambda step: None)
    unit = Unit(unit)

    say(_("reading transactions"))
    log = read_transactions(
        "cdnow" if source is None else source, table=table, customer_id=customer_id, date=date,
        value="none" if spend == "none" else value, segment=segment, cost=cost, date_format=date_format,
        decimal=decimal, returns=returns, currency=currency,
    )  # fmt: skip
    end = _end_of_observation(log, until, calibration_end, holdout_end)
    horizon = Horizon.parse(horizon, after=end)  # what is wrong with it is said before the work, not after
    if holdout_end is None and end < log.last_date:
        holdout_end = end  # what lies after the end of observation has not been observed

    say(_("dividing it in time"))
    asked = _Asked(family, spend, method, discount_rate, margin, seed, predictions, missing)
    past = _believe(
        asked, log, split(log, calibration_end=calibration_end, holdout_end=holdout_end, unit=unit), end, say
    )
    summary = past.summary
    say(_("fitting everything{patience}").format(patience=_patience(method, summary)))
    refits, later_notes = _fit(asked, summary, say)
    say(_("predicting the horizon"))
    future = predict(
        refits[0], summary, spend=refits[1], horizon=horizon, discount_rate=discount_rate, margin=margin, seed=seed
    )
    say(_("checking"))
    checks = run_checks(past.checks, future)
    say(_("measuring indicators"))
    history = kpi_history(summary, past.fits[0], spend=past.fits[1], seed=seed)
    book = kpi_book(future, history=history, seed=seed)
    stability = None if past.tiers is None else {**past.tiers[0], "now": tiers_now(past.tiers[1], future)}
    cards, card_figures = handful(future)
    figures = {**past.figures, **tables.horizon_tables(future)}
    figures |= tables.meeting_tables(book, future, fitted_until=past.until.isoformat()) | card_figures
    found = Analysis(
        past=past.data, evaluation=past.evaluation, future=future, notes=later_notes,
        kpis=observed_kpis(summary), checks=checks, cards=cards, book=book, stability=stability,
        choices=(past.choice, refits.choice), fitted_until=past.until, examples=_examples(figures["timeline"].frame),
        options={
            **options, "spend": spend_name(spend, family),
            "calibration_end": past.until, "holdout_end": past.holdout_end,
            "until": end, "horizon": str(future.horizon), "unit": unit.value, "currency": log.currency,
        },
        source=_source_name(log), title=_title(source, log), command=command or _command(source, options), seed=seed,
        created=created_now(),
    )  # fmt: skip
    return Report(report_data(found), future.frame, future.purchases, future.spend, figures)


class _Asked(NamedTuple):
    """How to fit, predict and judge."""

    family: str
    spend: str | None
    method: str
    discount_rate: float
    margin: float
    seed: int
    predictions: Any
    missing: str


@dataclass(frozen=True)
class _Past:
    """What the calibration and the holdout had to say; of their customers nothing is kept but tiers.

    Two periods of ten million customers are too much for one memory: the first is let go before the second is read.
    """

    fits: tuple[Fit, Fit | None]
    choice: Choice | None
    until: dt.date
    holdout_end: dt.date
    data: Mapping[str, Any]
    evaluation: Evaluation
    checks: HoldoutChecks
    tiers: tuple[Mapping[str, pd.DataFrame], pd.DataFrame] | None
    """How tiers did, and the tier of each customer."""
    figures: Mapping[str, tables.FigureTable]
    summary: Summary
    """Of everything, still in its engine."""


def _believe(asked: _Asked, log: Transactions, parts: Split, end: dt.date, say: Callable[[str], None]) -> _Past:
    """Fit the calibration, predict the holdout, and compare."""
    calibration, holdout = parts
    say(_("fitting the calibration period{patience}").format(patience=_patience(asked.method, calibration)))
    (purchases, money, choice_then), notes = _fit(asked, calibration, say)
    say(_("asking lifetimes for a second opinion"))
    opinion = lifetimes_opinion(calibration, purchases, money, seed=asked.seed)
    say(_("predicting the holdout"))
    forecast = predict(
        purchases, calibration, spend=money, horizon=holdout.horizon, discount_rate=asked.discount_rate,
        margin=asked.margin, intervals=False, seed=asked.seed,
    )  # fmt: skip
    say(_("comparing model and formula"))
    judged = (forecast, holdout) if asked.predictions else judged_sample(forecast, holdout, seed=asked.seed)
    evaluation = evaluate(*judged, predictions=asked.predictions, missing=asked.missing, seed=asked.seed)
    if judged[0] is not forecast:
        notes += (
            _("The comparison with the formula is made on {some} of {all} customers, drawn at random.").format(
                some=count(len(judged[0].frame)), all=count(len(forecast.frame))
            ),
        )
    say(_("summarising everything"))
    summary = summarize(log, until=end, unit=calibration.unit)
    return _Past(
        fits=(purchases, money),
        choice=choice_then,
        until=calibration.until,
        holdout_end=holdout.horizon.end,
        data=past_data(forecast, holdout, opinion, notes),
        evaluation=evaluation,
        checks=check_holdout(calibration, holdout, forecast=forecast, evaluation=evaluation, opinion=opinion),
        tiers=None if money is None else (tier_stability(forecast, holdout), forecast.frame[["customer_id", "tier"]]),
        figures=tables.figure_tables(parts, forecast, evaluation=evaluation, judged=judged[0], everything=summary),
        summary=summary,
    )


def _end_of_observation(
    log: Transactions,
    until: str | dt.date | None,
    calibration_end: str | dt.date | None,
    holdout_end: str | dt.date | None,
) -> dt.date:
    """The last day that anything may be learnt from; the periods of the split cannot reach beyond it."""
    if not until:
        check_clock(log, "--until")
        return log.last_date
    end = as_date(until, "until")
    if end < log.first_date:
        raise InputError(
            _("no purchase falls on or before {end}; the log begins on {first}. Choose a later --until.").format(
                end=end, first=log.first_date
            )
        )
    if calibration_end and (cut := as_date(calibration_end, "calibration end")) >= end:
        raise InputError(
            _(
                "--calibration-end {cut} leaves no holdout up to the end of observation, --until {end}. Choose an "
                "earlier --calibration-end or a later --until."
            ).format(cut=cut, end=end)
        )
    if holdout_end and (last := as_date(holdout_end, "holdout end")) > end:
        raise InputError(
            _(
                "--holdout-end {last} lies after the end of observation, --until {end}. Choose an earlier "
                "--holdout-end or a later --until."
            ).format(last=last, end=end)
        )
    return end


def _fit(asked: _Asked, summary: Summary, say: Callable[[str], None]) -> tuple[Taken, tuple[str, ...]]:
    """The purchase fit, the spend fit if there is one, and what they warn of: the report says it, with which fit."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DiagnosticWarning)
        taken = take(asked.family, asked.spend, summary, method=asked.method, seed=asked.seed, progress=say)
    for other in caught:
        if not issubclass(other.category, DiagnosticWarning):
            warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
    notes = dict.fromkeys(str(one.message) for one in caught if issubclass(one.category, DiagnosticWarning))
    return taken, tuple(notes)


def _patience(method: str, summary: Summary) -> str:
    """What the progress line adds where sampling may take a minute."""
    if method == "nuts":
        return _(", sampling with NUTS (a minute or more)")
    small = method == "posterior" and len(summary.frame) < SMALL
    return _(" (a small log may need sampling: up to a minute)") if small else ""


def _check(family: str, spend: str | None, method: str, language: str, discount_rate: float, margin: float) -> None:
    """Refuse what this version cannot do, all of it at once."""
    problems = []
    have = {"purchases": [*usual_families("purchases"), *CHOOSING], "spend": [*usual_families("spend"), AUTO]}
    if family not in have["purchases"]:
        said = _("family {name!r} is not available. Choose --family {choice}.")
        problems.append(said.format(name=family, choice=choice(have["purchases"])))
    if spend not in (*have["spend"], "none", None):
        said = _("spend model {name!r} is not available. Choose --spend {choice}.")
        problems.append(said.format(name=spend, choice=choice([*have["spend"], "none"])))
    if method not in METHODS:
        said = _("method {name!r} is not available. Choose --method {choice}.")
        problems.append(said.format(name=method, choice=choice(METHODS)))
    if language not in LANGUAGES:
        said = _("language {name!r} is not available. Choose --language {choice}.")
        problems.append(said.format(name=language, choice=choice(LANGUAGES)))
    for check, given in ((check_margin, margin), (check_rate, discount_rate)):
        try:
            check(given)
        except InputError as error:
            problems.append(str(error))
    if problems:
        raise InputError(_("the report cannot be made"), problems)


def _examples(timeline: pd.DataFrame) -> tuple[dict[str, Any], ...]:
    """The three customers of the first figure, one row each."""
    rows = timeline.drop_duplicates("customer_id")
    return tuple(
        {"customer_id": who, "frequency": int(x), "recency": float(t_x), "T": float(T)}
        for who, x, t_x, T in zip(rows["customer_id"].astype(str), rows["x"], rows["t_x"], rows["T"], strict=True)
    )


def _source_name(log: Transactions) -> str:
    """The source without a password."""
    return without_password(log.source)


def _title(source: Any, log: Transactions) -> str:
    """What people call the data: a built-in log's title, a file's name."""
    is_file = isinstance(source, (str, Path)) and log.published_split is None
    name = _source_name(log)
    return Path(name).name if is_file else name if log.published_split is None else gettext(name)


def created_now() -> dt.datetime:
    """The time of writing; SOURCE_DATE_EPOCH, where set, makes it reproducible."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    return dt.datetime.fromtimestamp(int(epoch), dt.UTC) if epoch else dt.datetime.now(dt.UTC).replace(microsecond=0)


def _command(source: Any, options: Mapping[str, Any]) -> str:
    """The shell command for what a shell can name, else the Python call; options at their defaults are left out."""
    defaults = {name: p.default for name, p in inspect.signature(build_report).parameters.items()}
    given = {name: option for name, option in options.items() if option != defaults[name]}
    if source is None or isinstance(source, (str, Path)):
        given_source = [] if source is None else [without_password(str(source), sign="…@")]
        words = ["clvmodels", "report", *given_source, "--out", "report"]
        for name, option in given.items():
            flag = "--" + name.replace("_", "-")
            for one in option if isinstance(option, tuple) else [option]:
                words += [flag, "none" if one is False else one.value if isinstance(one, Unit) else str(one)]
        return shlex.join(words)
    arguments = ", ".join(["transactions", *(f"{name}={_literal(option)}" for name, option in given.items())])
    return f'clv.write_report("report", clv.build_report({arguments}))'


def _literal(option: Any) -> str:
    if isinstance(option, Horizon):
        option = option.end
    if isinstance(option, Unit):
        option = option.value
    return repr(option.isoformat() if isinstance(option, dt.date) else option)
