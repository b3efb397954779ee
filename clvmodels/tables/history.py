"""Tables of what was observed and what should have been: timelines, counts, tracking, expectation by frequency."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from clvmodels.calendar import ONE_DAY
from clvmodels.formula import own_purchases
from clvmodels.models import PurchaseFamily
from clvmodels.outcomes.standing import Standing
from clvmodels.outcomes.survival import Quantity
from clvmodels.prediction import Predictions
from clvmodels.summary import Split, Summary
from clvmodels.tables.base import FORMULAS, LEVEL, Array, FigureTable, averaged, facts_of, members

MOST = 7
"""Customers with this many repeat purchases or more are one group, as in the literature (0, 1, …, 7+)."""
DRAWS, REPLICATES = 200, 10
"""Draws of the parameters, and simulated calibrations from each, for the posterior predictive band."""


def timeline(split: Split, forecast: Predictions, *, everything: Summary | None = None) -> FigureTable:
    """The purchase days of three real customers, with their x, t_x, T, and predicted and actual holdout purchases.

    The three are the nearest to: bought once; a few purchases and then silence; frequent until the end. They are chosen
    by x, t_x and T alone, so that the picture cannot flatter a prediction.

    Parameters
    ----------
    everything
        A summary that reaches over the holdout, for its purchase days; without it those are not in the table.
    """
    frame = split.calibration.frame
    x, t_x, T = (frame[name].to_numpy(float) for name in ("frequency", "recency", "T"))
    stay = np.divide(t_x, T, out=np.zeros(len(frame)), where=T > 0)
    chosen: list[int] = []
    for purchases, share in ((0, 0.0), (3, 0.4), (6, 0.95)):
        far = np.abs(np.log((x + 1) / (purchases + 1))) + np.abs(stay - share) + 0.5 * (1 - T / max(T.max(), 1e-9))
        far[chosen] = np.inf
        if len(chosen) < len(frame):
            chosen.append(int(np.argmin(far)))
    ids = frame["customer_id"].iloc[chosen]
    formula = own_purchases(split.calibration, split.holdout.horizon)["formula_customer"]
    days = (everything or split.calibration).history(list(ids))[["customer_id", "date"]]
    days = days[pd.to_datetime(days["date"]) <= pd.Timestamp(split.holdout.horizon.end)]
    about = pd.DataFrame(
        {
            "customer_id": ids,
            "x": x[chosen].astype(int),
            "t_x": t_x[chosen],
            "T": T[chosen],
            "model": forecast.frame["expected_purchases"].to_numpy(float)[chosen],
            "formula_customer": formula[chosen],
            "actual": split.holdout.frame["purchases"].to_numpy(float)[chosen],
        }
    )
    rows = about.merge(days, on="customer_id", how="left")  # keeps the order of the three
    rows["date"] = pd.to_datetime(rows["date"])
    rows["order"] = rows["customer_id"].map({value: i for i, value in enumerate(ids)})
    rows = rows.sort_values(["order", "date"], ignore_index=True).drop(columns="order")
    rows["period"] = np.where(rows["date"] <= pd.Timestamp(split.calibration.until), "calibration", "holdout")
    return FigureTable("timeline", rows, facts_of(split, forecast))


def frequency_histogram(split: Split, forecast: Predictions) -> FigureTable:
    """Customers by number of repeat purchases in the calibration: actual, and Σ over customers of P(X(T) = n).

    ``formula`` takes "one average frequency" at its word: repeat purchases are Poisson with rate Σx/ΣT for everybody.
    With a posterior, ``lower`` and ``upper`` are the posterior predictive band: in 90 % of simulated calibrations, each
    from its own draw of the parameters, *all* classes lie inside it together.
    """
    frame = split.calibration.frame
    x, T = frame["frequency"].to_numpy(float), frame["T"].to_numpy(float)
    lengths, customers = np.unique(T, return_counts=True)
    n, zero = np.arange(MOST)[:, None], np.zeros(len(lengths))

    def classes(model: PurchaseFamily) -> Array:
        """The probability of each class, by length of observation."""
        more = model.survival(MOST, lengths, zero, zero, zero)[None]
        return np.concatenate([model.pmf(n, lengths, zero, zero, zero), more])

    mean = x.sum() / max(T.sum(), 1e-300) * lengths
    poisson = [stats.poisson.pmf(n, mean), stats.poisson.sf(MOST - 1, mean)[None]]
    rows = pd.DataFrame(
        {
            "frequency": _labels(),
            "actual": np.bincount(np.minimum(x, MOST).astype(int), minlength=MOST + 1).astype(float),
            "model": averaged(forecast, classes, born=True) @ customers,
            "formula": np.concatenate(poisson) @ customers,
        }
    )
    facts = facts_of(split, forecast)
    if forecast.purchases.posterior is not None:
        seed = forecast.portfolio.seed
        draws: Any = forecast.purchases.draws(DRAWS, seed=seed)
        rng, simulated = np.random.default_rng(seed), []
        for model in members(draws):
            p = np.maximum(classes(model).T, 0.0)
            p /= p.sum(axis=1, keepdims=True)
            simulated += [rng.multinomial(customers, p).sum(axis=0) for _ in range(REPLICATES)]
        rows["lower"], rows["upper"] = simultaneous_band(np.array(simulated, float), LEVEL)
        facts["outside"] = int(((rows["actual"] < rows["lower"]) | (rows["actual"] > rows["upper"])).sum())
    return FigureTable("frequency_histogram", rows, facts)


def simultaneous_band(simulated: Array, level: float) -> tuple[Array, Array]:
    """Limits, per column of counts, between which a share ``level`` of the rows lies with all its columns.

    The half-width is one number of standard deviations for all columns: the ``level`` quantile of the rows' largest
    standardised distance from the mean. A limit is a count that is still inside, never below 0.

    Examples
    --------
    >>> rows = np.random.default_rng(1).poisson([100.0, 25.0], (4000, 2))
    >>> lower, upper = simultaneous_band(rows.astype(float), 0.90)
    >>> lower.tolist(), upper.tolist(), round(float(((rows >= lower) & (rows <= upper)).all(axis=1).mean()), 2)
    ([81.0, 16.0], [119.0, 35.0], 0.9)
    """
    mean, sd = simulated.mean(axis=0), simulated.std(axis=0)
    far = np.abs(simulated - mean) / np.where(sd > 0, sd, 1.0)
    reach = np.quantile(far.max(axis=1), level, method="higher") * sd * (1 + 1e-9)
    return np.maximum(np.ceil(mean - reach), 0.0), np.floor(mean + reach)


def tracking(split: Split, forecast: Predictions, *, period_days: int | None = None) -> FigureTable:
    """Repeat purchases of the calibration customers, period by period and cumulated, through calibration and holdout.

    ``model`` is two things. In the calibration it is the unconditional expectation, Σ over customers of
    E[X(date − first purchase)]: it knows the first purchase dates and nothing else. In the holdout it is the
    conditional expectation given the calibration, so that it starts at the actual count and ends at it plus the
    forecast's total. The formulas speak of the future only; their totals accrue evenly.

    Periods are counted back and forth from the end of the calibration, so none straddles it; the first and the last may
    be shorter (``days`` tells). ``lower`` and ``upper`` are 90 % limits of the cumulative count, computed at a few
    dates and drawn through them; the last are the forecast's own.

    Parameters
    ----------
    period_days
        Length of a period; 7 by default, 1 when the data span less than eight weeks.
    """
    calibration, holdout = split.calibration, split.holdout
    unit, until, last = calibration.unit, calibration.until, holdout.horizon.end
    step = period_days or (7 if (last - calibration.start).days >= 56 else 1)
    back = [until - dt.timedelta(days=step * i) for i in range((until - calibration.start).days // step + 1)][::-1]
    forth = [until + dt.timedelta(days=step * i) for i in range(1, holdout.horizon.days // step + 1)]
    forth += [last] if not forth or forth[-1] < last else []
    ends = back + forth

    daily = calibration.daily
    before = _per_period(daily["date"], daily["purchases"] - daily["first_purchases"], ends)
    after = _per_period(holdout.daily["date"], holdout.daily["purchases"], ends)
    born = calibration.frame["first_purchase"].to_numpy("datetime64[D]")
    births, customers = np.unique(born.astype(np.int64), return_counts=True)
    age = np.maximum(_day_numbers(back)[:, None] - births, 0) / unit.days
    zero = np.zeros_like(age)
    mean = averaged(forecast, lambda model: model.expected_purchases(age, zero, zero, zero), born=True)
    expected = mean @ customers
    t = np.array([unit.from_days((d - until).days) for d in forth])
    future = _expected(forecast, t)
    below, above = _reach(forecast, t)

    bought = before.sum()
    model_cumulative = np.concatenate([expected, bought + future])
    share = np.array([(d - until).days for d in forth]) / holdout.horizon.days
    blank = np.full(len(back), np.nan)
    rows = pd.DataFrame(
        {
            "date": pd.to_datetime(ends),
            "period": ["calibration"] * len(back) + ["holdout"] * len(forth),
            "days": np.diff(_day_numbers([calibration.start - ONE_DAY, *ends])),
            "actual": before + after,
            "model": np.concatenate([np.diff(expected, prepend=0.0), np.diff(future, prepend=0.0)]),
            "cumulative_actual": np.cumsum(before + after),
            "cumulative_model": model_cumulative,
            "lower": np.concatenate([blank, bought + future - below]),
            "upper": np.concatenate([blank, bought + future + above]),
        }
    )
    for name, purchases in own_purchases(calibration, holdout.horizon).items():
        rows[name] = np.concatenate([blank, np.diff(purchases.sum() * share, prepend=0.0)])
        rows[f"cumulative_{name}"] = np.concatenate([blank, bought + purchases.sum() * share])
    facts = facts_of(split, forecast, period_days=step, total_actual=float(after.sum()))
    facts |= {f"total_{side}": float(rows[side].iloc[-1] - bought) for side in ("lower", "upper")}
    facts |= {f"total_{name}": float(rows[f"cumulative_{name}"].iloc[-1] - bought) for name in ("model", *FORMULAS)}
    return FigureTable("tracking", rows, facts)


def conditional_expectation(split: Split, forecast: Predictions) -> FigureTable:
    """Mean purchases in the holdout by number of repeat purchases in the calibration.

    ``lower`` and ``upper`` hold the group's actual mean in 90 % of cases if the model is right: chance and uncertainty
    of the parameters together.
    """
    calibration = split.calibration
    groups = np.minimum(calibration.frame["frequency"].to_numpy(int), MOST)
    size = np.bincount(groups, minlength=MOST + 1).astype(float)

    def mean(total: ArrayLike) -> Array:
        return np.asarray(np.divide(total, size, out=np.full(MOST + 1, np.nan), where=size > 0))

    totals = forecast.portfolio.of_purchases().totals(groups, MOST + 1)
    actual = split.holdout.frame["purchases"].to_numpy(float)
    rows = pd.DataFrame(
        {
            "frequency": _labels(),
            "customers": size.astype(int),
            "actual": mean(np.bincount(groups, actual, MOST + 1)),
            "model": mean([each.purchases for each in totals]),
            "lower": mean([each.purchases_lower for each in totals]),
            "upper": mean([each.purchases_upper for each in totals]),
        }
    )
    for name, purchases in own_purchases(calibration, split.holdout.horizon).items():
        rows[name] = mean(np.bincount(groups, purchases, MOST + 1))
    return FigureTable("conditional_expectation", rows, facts_of(split, forecast))


def _expected(forecast: Predictions, t: Array) -> Array:
    """Expected purchases of all customers in (0, t]."""

    def expected(length: float) -> Quantity:
        return lambda alive, x, T: alive.expected_purchases(length, x, T)

    everyone = Standing.of(forecast.purchase_outcomes, np.zeros(len(forecast.frame), np.intp), 1)
    return np.array([float(everyone.total(expected(float(length)))[0]) for length in t])


def _reach(forecast: Predictions, t: Array) -> tuple[Array, Array]:
    """How far the 90 % limits of the number of purchases in (0, t] are below and above its expectation."""
    some = forecast.portfolio.of_purchases().thinned()
    at = [0.0] + [some.outcomes.t * share for share in (1 / 8, 3 / 8)] + [some.outcomes.t]
    early = (some.of_purchases(replace(some.outcomes, t=each)) for each in at[1:-1])
    totals = [one.totals(np.zeros(one.outcomes.columns[0].size, np.intp), 1)[0] for one in early]
    rows = [(0.0, 0.0)]
    for total in [*totals, forecast.totals]:
        rows.append((total.purchases - total.purchases_lower, total.purchases_upper - total.purchases))
    root = np.sqrt(at)  # chance grows like a root
    below, above = (np.interp(np.sqrt(t), root, side) for side in zip(*rows, strict=True))
    return below, above


def _labels() -> list[str]:
    return [str(i) for i in range(MOST)] + [f"{MOST}+"]


def _day_numbers(dates: Any) -> NDArray[np.int64]:
    return np.asarray(pd.to_datetime(pd.Series(list(dates))), "datetime64[D]").astype(np.int64)


def _per_period(dates: Any, counts: Any, ends: Sequence[dt.date]) -> Array:
    """Sums of counts by the period that ends on or after their date."""
    place = np.searchsorted(_day_numbers(ends), _day_numbers(dates))
    return np.bincount(place, np.asarray(counts, float), minlength=len(ends))[: len(ends)].astype(float)
