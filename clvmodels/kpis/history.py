"""The indicators period by period and cohort by cohort, beside what a fit would have shown: drift is visible."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from clvmodels.calendar import DAYS_PER_YEAR
from clvmodels.errors import UnitError
from clvmodels.fitting.result import Fit
from clvmodels.kpis.groups import Groups, cohorts
from clvmodels.kpis.observed import LEVEL
from clvmodels.models.arrays import Array
from clvmodels.outcomes.points import one_by_one, parameter_draws
from clvmodels.summary import Summary
from clvmodels.summary.steady import steady
from clvmodels.totals import THREADS

REPLICATES = 40
"""Simulated histories of all customers behind a band: its half-width is then known to 11 %."""
MOST_CUSTOMERS = 50_000
"""Customers that are simulated; of a larger log these are drawn at random and stand for all."""
LETTERS = {"week": "W-SUN", "month": "M", "quarter": "Q"}
BY = ["_first", "_period"]
UNITS: dict[str, Any] = {"week": "W", "month": "M", "quarter": "Q"}
"""What engines call the periods; to both a week begins on a Monday."""
FEW, MANY = 120, 366 * 5
"""Days of a log up to which periods are weeks, and from which they are quarters."""


@dataclass(frozen=True, eq=False)
class KpiHistory:
    """What happened, and what the model would have shown.

    Attributes
    ----------
    period
        "week", "month" or "quarter".
    periods
        A row per period and indicator: ``start``, ``end`` (first and last day, cut at the ends of observation),
        ``after_fit`` (True where the fit had not seen the whole period), ``customers`` (those known before the end),
        ``orders``, ``indicator``, ``value``, ``expected``, ``lower``, ``upper`` (90 % limits of what the model would
        have shown: chance and the uncertainty of the parameters), ``outside`` ("above", "below" or "").

        The indicators: ``purchase_frequency`` (repeat purchases per customer-year), ``active_share`` (share of the
        customers won before the period who bought in it) and, with money, ``average_order_value``.
    cohort_length
        "month", "quarter" or "year".
    cohorts
        A row per acquisition cohort: ``cohort`` (its first day), ``customers``, ``repeats`` (repeat purchases per
        customer so far), ``expected``, ``lower``, ``upper``, ``outside``.
    """

    period: str
    periods: pd.DataFrame
    cohort_length: str
    cohorts: pd.DataFrame


def kpi_history(
    summary: Summary, purchases: Fit, *, spend: Fit | None = None, replicates: int = REPLICATES, seed: int = 0
) -> KpiHistory:
    """Every period's indicators with the band that a fit predicts for them, knowing only when customers were won.

    Each simulated history gives every customer a rate, a lifetime and a level of spend of the model's, from a draw of
    its parameters, and lets them buy from their first purchase on. With a fit that ends before the summary does, the
    later periods are a prediction, of new customers too: where the observed leaves the band, customers have changed
    (or the model is wrong).

    Parameters
    ----------
    summary
        What happened.
    purchases, spend
        The fits, in the unit of the summary; without spend there is no average order value.
    replicates, seed
        Simulated histories, and their seed.
    """
    if purchases.unit is not summary.unit:
        raise UnitError(
            f"the fit is in {purchases.unit.value}s, the customers are summarised in {summary.unit.value}s. "
            f'Summarise them with unit="{purchases.unit.value}".'
        )
    first = np.asarray(summary.frame["first_purchase"], "datetime64[D]").astype(np.int64)
    begin, last = int(first.min()), int(np.datetime64(summary.until, "D").astype(np.int64))
    span = last - begin + 1
    period = "week" if span <= FEW else "month" if span < MANY else "quarter"
    starts = _starts(begin, last, period)
    length, groups = cohorts(summary.frame["first_purchase"])
    seen = _observed(summary, period, starts, first, groups)

    def simulated(place: int, drawn: tuple[Any, Any]) -> _Table:
        return _simulated(seen, summary, starts, first, groups, drawn, seed=(seed, place))

    with ThreadPoolExecutor(THREADS) as threads:  # most of the work is sorting, which is done without Python
        tables = list(threads.map(simulated, range(replicates), _members(purchases, spend, replicates, seed)))
    drawn = [_indicators(table) for table in tables]
    ends = np.append(starts[1:], last + 1) - 1
    about = pd.DataFrame(
        {
            "start": np.maximum(starts, begin).astype("datetime64[D]").astype("datetime64[us]"),
            "end": ends.astype("datetime64[D]").astype("datetime64[us]"),
            "after_fit": ends > np.datetime64(purchases.until, "D").astype(np.int64),
            "customers": seen.won.sum(axis=0).astype(int),
            "orders": seen.orders.sum(axis=0).astype(int),
        }
    )
    parts = [
        about.assign(indicator=name, **_band(value, np.array([one[name] for one in drawn])))
        for name, value in _indicators(seen).items()
        if name != "average_order_value" or spend is not None
    ]
    size = np.bincount(groups.code, minlength=groups.n)
    repeats = np.array([table.repeats.sum(axis=1) for table in tables]) / size
    by_cohort = groups.labels.assign(customers=size, **_band(seen.repeats.sum(axis=1) / size, repeats))
    by_cohort = by_cohort.rename(columns={"value": "repeats"})
    return KpiHistory(period, pd.concat(parts, ignore_index=True), length, by_cohort)


@dataclass(frozen=True, eq=False)
class _Table:
    """Counts and sums by cohort and period, and who was watched for how long."""

    orders: Array
    repeats: Array
    returning: Array
    """Customers won before the period who bought in it."""
    value: Array | None
    won: Array
    """Customers won by the end of the period; ``before`` it: by its start."""
    before: Array
    years: Array


def _starts(begin: int, last: int, period: str) -> NDArray[np.int64]:
    """First day of every period, as day numbers."""
    days = pd.to_datetime(np.array([begin, last]).astype("datetime64[D]"))
    every = pd.period_range(days[0].to_period(LETTERS[period]), days[1].to_period(LETTERS[period]))
    return np.asarray(every.start_time, "datetime64[D]").astype(np.int64)


def _exposed(starts: NDArray[np.int64], first: NDArray[np.int64], last: int, groups: Groups) -> tuple[Array, ...]:
    """Customers won by the end of each period, those won before it, and years watched, by cohort."""
    ends = np.append(starts[1:], last + 1)
    days, customers = np.unique(first, return_counts=True)
    cohort = _cohort_of(days, first, groups)
    won, before, years = (np.zeros((groups.n, starts.size)) for _ in range(3))
    for place, (start, end) in enumerate(zip(starts, ends, strict=True)):
        won[:, place] = np.bincount(cohort, customers * (days < end), groups.n)
        before[:, place] = np.bincount(cohort, customers * (days < start), groups.n)
        # the day of the first purchase itself is no time in which a customer could come back
        watched = np.maximum(end - np.maximum(start, days + 1), 0) / DAYS_PER_YEAR
        years[:, place] = np.bincount(cohort, customers * watched, groups.n)
    return won, before, years


def _observed(
    summary: Summary, period: str, starts: NDArray[np.int64], first: NDArray[np.int64], groups: Groups
) -> _Table:
    """What happened: purchases are counted in the engine, by day of the first purchase and period."""
    last = int(np.datetime64(summary.until, "D").astype(np.int64))
    found = pd.concat([_counted(some, period) for some in summary.in_pieces()]).groupby(BY).sum().reset_index()
    days, begun = (np.asarray(found[name], "datetime64[D]").astype(np.int64) for name in BY)
    place, home = (np.searchsorted(starts, each, side="right") - 1 for each in (begun, days))
    cell = _cohort_of(days, first, groups) * starts.size + place
    shape = (groups.n, starts.size)

    def table(amount: Any) -> Array:
        sums = np.bincount(cell, np.asarray(amount, float), shape[0] * shape[1])
        return np.asarray(sums.reshape(shape), float)

    customers = found["customers"].to_numpy()
    value = table(steady(found["value"])) if summary.has_value else None
    return _Table(
        table(found["orders"]),
        table(found["orders"] - np.where(place == home, customers, 0)),  # a customer's first purchase is no repeat
        table(np.where(place > home, customers, 0)),
        value,
        *_exposed(starts, first, last, groups),
    )


def _counted(summary: Summary, period: str) -> pd.DataFrame:
    """Orders, their value and the customers who placed them, by day of the first purchase and period."""
    p, c = summary.purchases, summary.customers
    dated = p.mutate(_period=p.date.truncate(UNITS[period]))
    sums = {"orders": dated.count()} | ({"value": dated.value.sum()} if summary.has_value else {})
    # In two steps: engines count distinct customers in memory, and groups wherever there is room.
    each = dated.group_by(["customer_id", "_period"]).agg(**sums)
    born = c.select(_id=c.customer_id, _first=c.first_purchase)
    each = each.inner_join(born, [each.customer_id == born["_id"]])
    totals = {name: each[name].sum() for name in sums}
    found: pd.DataFrame = each.group_by(BY).agg(customers=each.count(), **totals).to_pandas()
    return found


def _cohort_of(days: NDArray[np.int64], first: NDArray[np.int64], groups: Groups) -> NDArray[np.intp]:
    """The cohort that customers won on these days are in."""
    distinct, where = np.unique(first, return_index=True)
    return np.asarray(groups.code[where[np.searchsorted(distinct, days)]], np.intp)


def _members(purchases: Fit, spend: Fit | None, n: int, seed: int) -> list[tuple[Any, Any]]:
    """Pairs of one draw of each fit's parameters."""
    one, other = (int(state) for state in np.random.SeedSequence(seed).generate_state(2))
    models = one_by_one(purchases, n, seed=one)
    if spend is None:
        return [(model, None) for model in models]
    money = parameter_draws(spend, n, seed=other)
    rows = np.random.default_rng(other).permutation(money.log_vector)
    return list(zip(models, (money.at(row) for row in rows), strict=True))


def _simulated(
    seen: _Table,
    summary: Summary,
    starts: NDArray[np.int64],
    first: NDArray[np.int64],
    groups: Groups,
    drawn: tuple[Any, Any],
    *,
    seed: tuple[int, int],
) -> _Table:
    """One history of customers won on the same days, in whole days, purchases of one day merged."""
    rng = np.random.default_rng(seed)
    last = int(np.datetime64(summary.until, "D").astype(np.int64))
    chosen = np.arange(first.size)
    if first.size > MOST_CUSTOMERS:
        chosen = np.sort(rng.choice(first.size, MOST_CUSTOMERS, replace=False))
    born, cohort = first[chosen], groups.code[chosen]
    days = summary.unit.days
    who, when = drawn[0].sample_times((last - born) / days, seed=rng)
    after = np.floor(np.asarray(when) * days + 0.5).astype(np.int64)
    kept = (after > 0) & (born[who] + after <= last)
    who, after = np.asarray(who)[kept], after[kept]
    new = np.ones(who.size, bool)
    new[1:] = (np.diff(who) != 0) | (np.diff(after) != 0)
    who, after = who[new], after[new]
    place = np.searchsorted(starts, born[who] + after, side="right") - 1
    home = np.searchsorted(starts, born, side="right") - 1
    cell, at_birth = cohort[who] * starts.size + place, cohort * starts.size + home
    shape, scale = (groups.n, starts.size), first.size / chosen.size

    def table(cells: NDArray[Any], amount: Array | None = None) -> Array:
        return np.asarray(scale * np.bincount(cells, amount, shape[0] * shape[1]).reshape(shape), float)

    once = np.ones(who.size, bool)
    once[1:] = (np.diff(who) != 0) | (np.diff(place) != 0)
    again = once & (place > home[who])
    repeats, value = table(cell), None
    if drawn[1] is not None:
        everyone = np.concatenate([np.arange(born.size), who])
        orders = np.bincount(everyone, minlength=born.size).astype(float)
        worth = drawn[1].sample_values(orders, everyone, seed=rng)
        value = table(np.concatenate([at_birth, cell]), worth)
    return replace(seen, orders=repeats + table(at_birth), repeats=repeats, returning=table(cell[again]), value=value)


def _indicators(table: _Table) -> dict[str, Array]:
    """The indicators of all cohorts together, by period."""

    def ratio(part: Array, whole: Array) -> Array:
        part, whole = part.sum(axis=0), whole.sum(axis=0)
        return np.asarray(np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), np.nan))

    found = {
        "purchase_frequency": ratio(table.repeats, table.years),
        "active_share": ratio(table.returning, table.before),
    }
    if table.value is not None:
        found["average_order_value"] = ratio(table.value, table.orders)
    return found


def _band(value: Array, drawn: Array) -> dict[str, Any]:
    """Value, mean of what was drawn, its 90 % limits (normal on the square root's scale), and which side is left."""
    reach = float(special.ndtri((1 + LEVEL) / 2)) * np.sqrt(1 + 1 / len(drawn))
    root = np.sqrt(np.maximum(drawn, 0.0))
    middle, spread = root.mean(axis=0), root.std(axis=0, ddof=1)
    lower, upper = np.maximum(middle - reach * spread, 0.0) ** 2, (middle + reach * spread) ** 2
    outside = np.where(value > upper, "above", np.where(value < lower, "below", ""))
    return {"value": value, "expected": drawn.mean(axis=0), "lower": lower, "upper": upper, "outside": outside}
