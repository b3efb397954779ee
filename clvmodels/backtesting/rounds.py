"""One cut-off: everything is fitted and predicted from its past alone, then judged by its future."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clvmodels.backtesting.scores import Lottery, Scores, score
from clvmodels.calendar import Horizon
from clvmodels.choice import CHOOSING, Choice
from clvmodels.choice.deciding import DEFAULT_SPEND
from clvmodels.errors import CLVError, DiagnosticWarning
from clvmodels.fitting import Fit, fit
from clvmodels.fitting.data import spend_known
from clvmodels.formula import FORMULAS, predict_by_formula
from clvmodels.judging import Bench, Predictor, Quantity
from clvmodels.outcomes import PurchaseOutcomes, ValueOutcomes
from clvmodels.outcomes.points import predictive
from clvmodels.summary import Holdout, Summary

Array = NDArray[np.float64]
Pair = tuple["Array | None", "Array | None"]
"""Predicted purchases and value, one number per customer; None for what is not predicted."""

AGES = 6
"""Equal steps at which a forecast's running total is compared with what had happened by then."""
CANNOT = (CLVError, ArithmeticError, np.linalg.LinAlgError, NotImplementedError)
"""What a family may answer to data that it cannot be fitted to."""


@dataclass(frozen=True, eq=False)
class Past:
    """All that predictors are told: nothing in it depends on a day after the cut-off."""

    calibration: Summary
    """As it was at the cut-off; a plain table, so that it can travel to another process."""
    horizon: Horizon
    points: Mapping[str, Pair]
    """Predictions without a distribution: the formula's variants, heuristics, and what was made elsewhere."""
    choice: Choice | None = None
    """What earlier cut-offs, inside the calibration, say of the families: where ``auto`` or ``stack`` are asked for."""


@dataclass(frozen=True)
class Ask:
    """What is fitted at every cut-off."""

    families: tuple[str, ...]
    spends: tuple[str, ...]
    method: str
    seed: int


@dataclass(frozen=True, eq=False)
class Task:
    """One cut-off as it is sent to a process."""

    past: Past
    running: Mapping[tuple[str, str], Array]
    """(quantity, predictor) → totals at each age, of the points that can be asked for shorter horizons."""
    holdout: Holdout
    ask: Ask
    lottery: Lottery


@dataclass(frozen=True, eq=False)
class Round:
    """One cut-off when all is done.

    Attributes
    ----------
    cutoff, horizon
        Last day that predictors knew; the days they were judged by.
    calibration, holdout
        The two sides.
    purchases, spends
        Fits by the name of their family; those that could not be made are in ``skipped``.
    benches
        For each quantity what happened, and what every predictor said of each customer, in the order of
        ``calibration.frame``.
    skipped
        (family, reason).
    notes
        (family, what its fit warned of).
    """

    cutoff: dt.date
    horizon: Horizon
    calibration: Summary = field(repr=False)
    holdout: Holdout = field(repr=False)
    purchases: Mapping[str, Fit] = field(repr=False)
    spends: Mapping[str, Fit] = field(repr=False)
    benches: tuple[Bench, ...] = field(repr=False)
    skipped: tuple[tuple[str, str], ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    scores: Scores = field(repr=False, kw_only=True)
    running: pd.DataFrame = field(repr=False, kw_only=True)
    """quantity, predictor, days, predicted, actual: totals up to some days after the cut-off."""
    active: Mapping[str, Array] = field(repr=False, kw_only=True)
    """Family → P(at least one purchase) of each customer."""

    def bench(self, quantity: Quantity) -> Bench:
        """The bench of one quantity."""
        return next(bench for bench in self.benches if bench.quantity == quantity)


def past_of(calibration: Summary, horizon: Horizon, others: Mapping[str, Pair]) -> Past:
    """What predictors are told at a cut-off."""
    plain = replace(calibration, purchase_days=None, by_customer=None, rfm=calibration.frame)
    points: dict[str, Pair] = {
        name: (said.purchases, said.value) for name, said in predict_by_formula(calibration, horizon).items()
    }
    return Past(plain, horizon, points | dict(others))


def formula_running(calibration: Summary, past: Past) -> dict[tuple[str, str], Array]:
    """(quantity, formula) → what it says of the first days of the horizon, in total, at each age.

    All of them are a rate times the horizon, but for ``persistence``, which repeats the last days of the calibration.
    """
    days, frame = calibration.daily, calibration.frame
    steps, whole = np.array(ages(past.horizon), float), past.horizon.days
    repeats = {"purchases": (days["purchases"] - days["first_purchases"]).to_numpy(float)}
    if calibration.has_value:
        first = frame.groupby("first_purchase")["value_first"].sum()
        repeats["value"] = (days["value"] - days["date"].map(first).fillna(0.0)).to_numpy(float)
    back = (np.datetime64(calibration.until) - days["date"].to_numpy("datetime64[D]")).astype(int)
    running = {}
    for name in FORMULAS:
        for quantity, column in zip(("purchases", "value"), past.points[name], strict=True):
            if column is not None:
                lately = np.array([repeats[quantity][back < step].sum() for step in steps])
                running[quantity, name] = lately if name == "persistence" else column.sum() * steps / whole
    return running


def ages(horizon: Horizon) -> list[int]:
    """Days after the cut-off at which running totals are compared; the last is the whole horizon."""
    return sorted({max(1, round(horizon.days * (step + 1) / AGES)) for step in range(AGES)})


# ------------------------------------------------------------------------------------------------ fit, predict, judge


@dataclass(frozen=True, eq=False)
class _Forecast:
    """What the fits of one cut-off say, before anybody looks at what happened."""

    purchases: dict[str, Fit]
    spends: dict[str, Fit]
    counts: dict[str, PurchaseOutcomes]
    values: dict[str, ValueOutcomes]
    running: dict[tuple[str, str], Array]
    skipped: list[tuple[str, str]]
    notes: list[tuple[str, str]]


def play(task: Task) -> Round:
    """Fit, predict and judge one cut-off; runs in any process."""
    known = forecast(task.past, task.ask)
    benches, skipped = _judge(known, task.past, task.holdout, money=bool(task.ask.spends))
    calibration = task.past.calibration
    return Round(
        calibration.until,
        task.past.horizon,
        calibration,
        task.holdout,
        known.purchases,
        known.spends,
        benches,
        tuple(known.skipped + skipped),
        tuple(known.notes),
        scores=score(benches, task.lottery),
        running=_running({**known.running, **task.running}, task.past.horizon, task.holdout, benches),
        active={name: outcomes.p_active for name, outcomes in known.counts.items()},
    )


def forecast(past: Past, ask: Ask) -> _Forecast:
    """Fits and predictive distributions; the holdout is not among the arguments."""
    calibration = past.calibration
    frame, unit = calibration.frame, calibration.unit
    x, t_x, T = (frame[name].to_numpy(float) for name in ("frequency", "recency", "T"))
    known = _Forecast({}, {}, {}, {}, {}, [], [])

    for name in ask.families:
        _fitted(known.purchases, name, past, ask, known)
    for name in ask.spends if calibration.has_value else ():
        _fitted(known.spends, name, past, ask, known)
    steps = ages(past.horizon)
    moneys: dict[str, Any] = {name: predictive(one, seed=ask.seed) for name, one in known.spends.items()}
    for name, one in list(known.purchases.items()):
        model: Any = predictive(one, seed=ask.seed)
        at_ages = [PurchaseOutcomes(model, unit.from_days(days), x, t_x, T) for days in steps]
        try:
            totals = np.array([outcomes.mean.sum() for outcomes in at_ages])
        except CANNOT as error:
            known.skipped.append((name, f"it cannot predict: {_reason(error)}"))
            del known.purchases[name]
            continue
        known.counts[name] = at_ages[-1]
        known.running["purchases", name] = totals
        for spend, money in moneys.items():
            both = f"{name}+{spend}"
            try:
                seen = spend_known(calibration, type(money), cannot="cannot predict")
                values = [ValueOutcomes(outcomes, money, seen) for outcomes in at_ages]
                known.running["value", both] = np.array([value.mean.sum() for value in values])
            except CANNOT as error:
                known.skipped.append((both, f"it cannot predict: {_reason(error)}"))
                continue
            known.values[both] = values[-1]
    return known


def _fitted(fits: dict[str, Fit], name: str, past: Past, ask: Ask, known: _Forecast) -> None:
    """Fit one family, or the one that was chosen, or note why it cannot be."""
    calibration, choice = past.calibration, past.choice
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DiagnosticWarning)
        try:
            if choice is None or name not in CHOOSING:
                fits[name] = fit(name, calibration, method=ask.method, seed=ask.seed)
            elif fits is known.purchases:
                fits[name] = choice.fit(calibration, family=name, method=ask.method, seed=ask.seed)
            else:
                fits[name] = fit(choice.spend or DEFAULT_SPEND, calibration, method=ask.method, seed=ask.seed)
        except CANNOT as error:
            known.skipped.append((name, _reason(error)))
    for one in caught:
        if issubclass(one.category, DiagnosticWarning):
            known.notes.append((name, str(one.message)))
        else:
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)


def _reason(error: BaseException) -> str:
    return str(error) if isinstance(error, CLVError) else f"{type(error).__name__}: {error}"


def _judge(
    known: _Forecast, past: Past, holdout: Holdout, *, money: bool
) -> tuple[tuple[Bench, ...], list[tuple[str, str]]]:
    """Every prediction beside what happened."""
    actual = holdout.frame["purchases"].to_numpy(float)
    skipped: list[tuple[str, str]] = []
    counts = [one for name, said in known.counts.items() if (one := _judged(name, said, actual, skipped)) is not None]
    counts += [Predictor.point(name, count, actual) for name, (count, _) in past.points.items() if count is not None]
    benches = [Bench("purchases", actual, tuple(counts))]
    if money and past.calibration.has_value and "value" in holdout.frame:
        spent = holdout.frame["value"].to_numpy(float)
        values = [
            one for name, said in known.values.items() if (one := _judged(name, said, spent, skipped)) is not None
        ]
        values += [Predictor.point(name, value, spent) for name, (_, value) in past.points.items() if value is not None]
        benches.append(Bench("value", spent, tuple(values)))
    return tuple(benches), skipped


def _judged(
    name: str, said: PurchaseOutcomes | ValueOutcomes, actual: Array, skipped: list[tuple[str, str]]
) -> Predictor | None:
    try:
        if isinstance(said, PurchaseOutcomes):
            return Predictor.of_purchases(name, said, actual)
        return Predictor.of_value(name, said, actual)
    except CANNOT as error:
        skipped.append((name, f"it cannot be judged: {_reason(error)}"))
        return None


def _running(
    said: Mapping[tuple[str, str], Array], horizon: Horizon, holdout: Holdout, benches: Sequence[Bench]
) -> pd.DataFrame:
    """Totals predicted and seen up to each age."""
    steps, daily = ages(horizon), holdout.daily
    since = (daily["date"].to_numpy("datetime64[D]") - np.datetime64(horizon.start)).astype(int) + 1
    seen = {
        quantity: np.array([daily.loc[since <= days, quantity].sum() for days in steps], float)
        for quantity in (bench.quantity for bench in benches)
    }
    rows = [
        (quantity, name, days, float(predicted), float(actual))
        for quantity in seen
        for (kind, name), totals in said.items()
        if kind == quantity
        for days, predicted, actual in zip(steps, totals, seen[quantity], strict=True)
    ]
    return pd.DataFrame(rows, columns=["quantity", "predictor", "days", "predicted", "actual"])
