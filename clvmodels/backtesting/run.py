"""The backtest: one log, several cut-offs, every predictor, one table."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from clvmodels.backtesting import leaks
from clvmodels.backtesting.cutoffs import Plan, plan
from clvmodels.backtesting.result import Backtest
from clvmodels.backtesting.rounds import Ask, Pair, Past, Round, Task, formula_running, past_of, play
from clvmodels.backtesting.scores import Lottery
from clvmodels.calendar import Horizon, Unit, as_date
from clvmodels.choice import AUTO, CHOOSING, choose
from clvmodels.elsewhere import Elsewhere, read_predictions
from clvmodels.errors import DiagnosticWarning, InputError
from clvmodels.evaluation import FEWEST_RESAMPLES
from clvmodels.fitting import METHODS
from clvmodels.formula import FORMULAS
from clvmodels.models import FAMILIES, usual_families
from clvmodels.summary import Split, Summary, split
from clvmodels.summary.clock import check_clock
from clvmodels.transactions import Transactions, read_transactions
from clvmodels.workers import each, processors

SMALL = 20_000
"""Customers of all cut-offs together below which other processes take longer to start than to help."""

Other = Callable[[Summary, Horizon], "tuple[ArrayLike | None, ArrayLike | None]"]
"""A predictor of one's own: what was known at a cut-off and the days to predict → purchases, value per customer."""


def backtest(
    transactions: Any,
    *,
    families: Sequence[str] | None = None,
    spends: Sequence[str] | None = None,
    cutoffs: int | Sequence[str | dt.date] | None = None,
    horizon: str | None = None,
    min_calibration: str | None = None,
    until: str | dt.date | None = None,
    predictions: Any = None,
    missing: str = "refuse",
    others: Mapping[str, Other] | None = None,
    unit: str | Unit = "week",
    method: str = "mle",
    resamples: int = 500,
    seed: int = 0,
    workers: int | None = None,
    progress: Callable[[str], None] | None = None,
    table: str | None = None,
    customer_id: str | None = None,
    date: str | None = None,
    value: str | bool | None = None,
    segment: str | Sequence[str] = (),
    cost: str | None = None,
    date_format: str | None = None,
    decimal: str = ".",
    returns: str = "net",
    currency: str | None = None,
) -> Backtest:
    """Cut a log at several days, forecast from each with every predictor, and judge them all by what came after.

    One split can be luck. Here every family, with every spend family, every variant of the formula, every heuristic and
    whatever was predicted elsewhere stand in one table, at each cut-off and pooled. No cut-off knows what comes after
    it: each calibration is made by :func:`clvmodels.split`, made once more from a log without the later rows, and the
    two must be equal (``Backtest.leaks``).

    Parameters
    ----------
    transactions
        What :func:`clvmodels.read_transactions` reads; it is read once.
    families, spends
        Names of purchase and spend families; by default all, but those for discrete opportunities. ``spends=[]``
        leaves money out. ``"auto"`` and ``"stack"`` may be among them: at each cut-off that is what
        :func:`clvmodels.choose` decides inside the calibration, so that the choice itself is judged by the holdout.
    cutoffs
        The last days that predictors know: dates, or how many. By default as many as fit four weeks apart, six at most,
        between the minimum calibration and the last day that leaves a whole horizon.
    horizon
        Length of every holdout, e.g. ``"26 weeks"``; by default a third of the log, at most a year; when dates are
        given, up to the end of the log from the last of them.
    min_calibration
        Length of log before the first cut-off; a third of the log by default.
    until
        End of observation; the last date in the log by default.
    predictions
        A CSV or Parquet file, or a table, of predictions made elsewhere: see
        :func:`clvmodels.elsewhere.read_predictions`. When it is dated and no cut-offs are given, its dates are these.
    missing
        What becomes of customers of whom ``predictions`` says nothing: ``"refuse"`` or ``"zero"``.
    others
        Predictors of one's own by name: functions of (Summary at the cut-off, Horizon) that return purchases and value,
        one number per customer in the order of ``Summary.frame``, either of them None.
    unit
        What 1.0 means in frequency, recency and T: "week" or "day".
    method
        How families are fitted: "mle", "posterior" or "nuts".
    resamples, seed
        Bootstrap resamples of the customers, at least 20; seed of these and of methods that draw.
    workers
        Processes that share the cut-offs: as many as processors by default, 1 for small logs. The result is the same.
    progress
        Called with a few words when a new step begins.
    table, customer_id, date, value, segment, cost, date_format, decimal, returns, currency
        How to read the log: see :func:`clvmodels.read_transactions`.

    Raises
    ------
    InputError
        When the log cannot be read or cut, a name is unknown, or predictions do not match the customers.

    Warns
    -----
    DiagnosticWarning
        When a predictor is caught knowing the future.

    Examples
    --------
    >>> result = backtest("cdnow-sample", families=["bgnbd"], spends=[], cutoffs=["1997-09-30"], resamples=20)
    >>> row = result.league.query("predictor == 'bgnbd' and metric == 'total_error'").iloc[0]
    >>> str(row.cutoff), round(float(row.value), 3)
    ('1997-09-30', -0.121)
    """
    say = progress or (lambda step: None)
    ask = _asked(families, spends, method, seed, resamples=resamples, workers=workers)
    unit = Unit(unit)
    elsewhere = None if predictions is None else read_predictions(predictions, missing=missing)
    say("reading transactions")
    log = read_transactions(
        transactions, table=table, customer_id=customer_id, date=date,
        value="none" if spends is not None and not list(spends) else value, segment=segment, cost=cost,
        date_format=date_format, decimal=decimal, returns=returns, currency=currency,
    )  # fmt: skip
    end = _end(log, until)
    if elsewhere and elsewhere.cutoffs and cutoffs is None:
        cutoffs = elsewhere.cutoffs
    planned = plan(log, end, cutoffs=cutoffs, horizon=horizon, min_calibration=min_calibration)
    _check_elsewhere(elsewhere, planned)

    say(f"cutting the log at {len(planned.cutoffs)} days")
    pasts, splits, skipped, found = _cut(log, planned, unit, elsewhere=elsewhere, others=others or {}, ask=ask)
    tasks = _tasks(pasts, splits, ask, resamples)
    say(f"fitting and judging {len(tasks)} cut-offs")
    done: list[Round] = []

    def tell(one: Round) -> None:
        done.append(one)
        say(f"{len(done)} of {len(tasks)} cut-offs are judged")

    rounds = each(play, tasks, workers=_sensible(tasks) if workers is None else workers, done=tell)
    skipped += [(one.cutoff, *rest) for one in rounds for rest in one.skipped]
    brought = _names(elsewhere, others)
    found += [row for one in rounds for row in leaks.suspicions(one, set(brought))]
    result = Backtest(
        rounds=tuple(rounds),
        skipped=pd.DataFrame(skipped, columns=["cutoff", "family", "reason"]),
        leaks=pd.DataFrame(found, columns=leaks.COLUMNS),
        kinds=_kinds(rounds, brought),
        unit=unit.value,
        currency=log.currency,
        source=log.source,
        sha256=log.sha256,
        method=method,
        n_resamples=resamples,
        seed=seed,
    )
    _warn(result)
    return result


# ------------------------------------------------------------------------------------------------------------ input


def _asked(
    families: Sequence[str] | None,
    spends: Sequence[str] | None,
    method: str,
    seed: int,
    *,
    resamples: int,
    workers: int | None,
) -> Ask:
    """What to fit, or all that is wrong with it."""
    problems = []
    chosen = []
    for kind, names, word in (("purchases", families, "purchase"), ("spend", spends, "spend")):
        there = [name for name, family in FAMILIES.items() if family.kind == kind]
        there += CHOOSING if kind == "purchases" else [AUTO]
        if isinstance(names, str):
            names = [names]
        for name in names or ():
            if name not in there:
                problems.append(f"there is no {word} family {name!r}. Choose among {', '.join(there)}.")
        chosen.append(tuple(usual_families(kind)) if names is None else tuple(dict.fromkeys(names)))
    if not chosen[0]:
        problems.append("no purchase family is left. Name at least one, or leave families out for all.")
    if method not in METHODS:
        problems.append(f"method {method!r} is not known. Choose {', '.join(METHODS)}.")
    if isinstance(resamples, bool) or not isinstance(resamples, int) or resamples < FEWEST_RESAMPLES:
        problems.append(
            f"resamples is {resamples!r}. 95 % limits need at least {FEWEST_RESAMPLES}; the default is 500."
        )
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
        problems.append(
            f"workers is {workers!r}. It is a number of processes: 1 or more, or nothing for a good choice."
        )
    if problems:
        raise InputError("the backtest cannot start", problems)
    return Ask(chosen[0], chosen[1], method, seed)


def _end(log: Transactions, until: str | dt.date | None) -> dt.date:
    if until is None:
        check_clock(log, "--until")
        return log.last_date
    return as_date(until, "until")


def _check_elsewhere(elsewhere: Elsewhere | None, planned: Plan) -> None:
    """Predictions must say when they were made, unless there is one cut-off only."""
    if elsewhere is None:
        return
    days = elsewhere.cutoffs
    if not days and len(planned.cutoffs) > 1:
        raise InputError(
            f"{elsewhere.source} does not say at which cut-off its predictions were made, and there are "
            f"{len(planned.cutoffs)}: what was predicted at the last has seen the holdouts of the others. Add a column "
            f"'cutoff', or judge it at one: --cutoff {planned.cutoffs[-1]}."
        )
    strays = [day for day in days if day not in planned.cutoffs]
    if not strays:
        return
    before = [cut for cut in planned.cutoffs if cut < strays[0]]
    seen = (
        f" A prediction made then has seen {(strays[0] - before[-1]).days} days after {before[-1]}." if before else ""
    )
    rows = int(elsewhere.frame["cutoff"].isin(strays).sum())
    raise InputError(
        f"{rows:,} of {len(elsewhere.frame):,} predictions of {elsewhere.source} are dated at no cut-off (first: "
        f"{strays[0]}; the cut-offs are {', '.join(map(str, planned.cutoffs))}).{seen} "
        "Leave these rows out, or leave --cutoff out to judge the file at its own dates."
    )


def _names(elsewhere: Elsewhere | None, others: Mapping[str, Other] | None) -> list[str]:
    return [*(elsewhere.predictors if elsewhere else ()), *(others or {})]


# ----------------------------------------------------------------------------------------------------------- cutting


def _cut(
    log: Transactions,
    planned: Plan,
    unit: Unit,
    *,
    elsewhere: Elsewhere | None,
    others: Mapping[str, Other],
    ask: Ask,
) -> tuple[list[Past], list[Split], list[tuple[dt.date, str, str]], list[dict[str, Any]]]:
    """What is known at each cut-off, what came after, the cut-offs that cannot be, and what knew the future."""
    names = _names(elsewhere, others)
    _check_names(names, ask)
    pasts, splits, skipped, found = [], [], [], []
    for cutoff in planned.cutoffs:
        horizon = planned.horizon(cutoff)
        try:
            both = split(log, calibration_end=cutoff, holdout_end=horizon.end, unit=unit)
        except InputError as error:
            skipped.append((cutoff, "", str(error)))
            continue

        def known(calibration: Summary, cutoff: dt.date = cutoff, horizon: Horizon = horizon) -> Past:
            customers = calibration.frame["customer_id"]
            said: dict[str, Any] = {}
            if elsewhere is not None:
                said = dict(elsewhere.at(cutoff, customers, has_value=calibration.has_value))
            said |= {name: _call(name, other, calibration, horizon) for name, other in others.items()}
            return past_of(calibration, horizon, said)

        past = known(both.calibration)
        changed = leaks.changes(past, known(leaks.blind_summary(log, cutoff, unit=unit)))
        _check_calls(changed, past, others)
        for name in ("calibration", *names):
            cells = (cutoff, name, "", "blind", float("nan"), name in changed, changed.get(name, ""))
            found.append(dict(zip(leaks.COLUMNS, cells, strict=True)))
        if {*ask.families, *ask.spends} & {*CHOOSING}:
            past = replace(past, choice=choose(both.calibration))
        pasts.append(past)
        splits.append(both)
    if not pasts:
        raise InputError(f"no cut-off can be judged. At {skipped[0][0]}: {skipped[0][2]}")
    return pasts, splits, skipped, found


def _check_calls(changed: Mapping[str, str], past: Past, others: Mapping[str, Other]) -> None:
    """A predictor that draws without a seed is not one that knows the future; nobody can judge it twice, though."""
    for name in changed:
        if name in others:
            again = _call(name, others[name], past.calibration, past.horizon)
            if not leaks.same(past.points[name], again):
                raise InputError(
                    f"predictor {name!r} does not say the same when it is asked again at {past.calibration.until}. "
                    "What draws at random needs a seed, or no result can be repeated."
                )


def _check_names(names: Sequence[str], ask: Ask) -> None:
    taken = {*FORMULAS, *ask.families, *(f"{one}+{other}" for one in ask.families for other in ask.spends), "actual"}
    problems = [f"{name!r} is a predictor already. Give it another name." for name in names if name in taken]
    problems += [
        f"{name!r} comes twice. Give one of them another name." for name in set(names) if names.count(name) > 1
    ]
    if problems:
        raise InputError("predictions made elsewhere cannot be told apart", problems)


def _call(name: str, other: Other, calibration: Summary, horizon: Horizon) -> tuple[Any, Any]:
    """One's own predictor, asked and checked."""
    try:
        purchases, value = other(calibration, horizon)
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"predictor {name!r} did not answer with (purchases, value): {error}. It is called with the Summary at the "
            "cut-off and the Horizon, and returns a number per customer for each, or None."
        ) from error
    arrays: list[Any] = []
    problems = []
    for kind, said in (("purchases", purchases), ("value", value if calibration.has_value else None)):
        if said is None:
            arrays.append(None)
            continue
        array = np.asarray(said, float)
        if array.shape != (len(calibration.frame),):
            problems.append(
                f"{kind} has shape {array.shape} for {len(calibration.frame):,} customers. Give one number each, in "
                "the order of calibration.frame."
            )
        elif wrong := int((~np.isfinite(array)).sum()):
            problems.append(
                f"{kind} is missing or infinite for {wrong:,} customers. Predict 0 where nothing is expected."
            )
        arrays.append(array)
    if problems:
        raise InputError(f"predictor {name!r} cannot be judged at {calibration.until}", problems)
    return arrays[0], arrays[1]


def _tasks(pasts: Sequence[Past], splits: Sequence[Split], ask: Ask, resamples: int) -> list[Task]:
    """Everything a process needs for each cut-off; customers have one place in all of them."""
    ids = [past.calibration.frame["customer_id"] for past in pasts]
    everyone = pd.Index(ids[0])
    for more in ids[1:]:
        everyone = everyone.union(pd.Index(more), sort=False)
    everyone = everyone.sort_values()
    return [
        Task(
            past=past,
            running=formula_running(both.calibration, past),
            holdout=both.holdout,
            ask=ask,
            lottery=Lottery(len(everyone), everyone.get_indexer(one), resamples, ask.seed),
        )
        for past, both, one in zip(pasts, splits, ids, strict=True)
    ]


def _sensible(tasks: Sequence[Task]) -> int:
    """How many processes to share the cut-offs, where nobody says."""
    return 1 if sum(len(task.past.calibration.frame) for task in tasks) < SMALL else processors()


# ------------------------------------------------------------------------------------------------------------ result


def _kinds(rounds: Sequence[Round], brought: Sequence[str]) -> dict[str, str]:
    """Families, then formulas, then what was brought along."""
    names = dict.fromkeys(each.name for one in rounds for bench in one.benches for each in bench.predictors)
    kind = {name: "formula" if name in FORMULAS else "elsewhere" if name in brought else "family" for name in names}
    return {name: kind[name] for wanted in ("family", "formula", "elsewhere") for name in names if kind[name] == wanted}


def _warn(result: Backtest) -> None:
    for name in result.suspects:
        row = result.leaks[result.leaks["caught"] & (result.leaks["predictor"] == name)].iloc[0]
        warnings.warn(
            f"{name} knows what no predictor can at {row['cutoff']}: {row['evidence']}. Its scores are no forecast's.",
            DiagnosticWarning,
            stacklevel=3,
        )


__all__ = ["Other", "Pair", "backtest"]
