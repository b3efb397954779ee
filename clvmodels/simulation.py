"""Transactions from a family's own story: for tests, for calibration studies, for teaching."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np
import pandas as pd

from clvmodels.calendar import Unit, as_date
from clvmodels.errors import InputError
from clvmodels.models import PurchaseFamily, SpendFamily

PART = 200_000
"""Customers simulated at a time."""


def simulate(
    model: PurchaseFamily,
    *,
    spend: SpendFamily | None = None,
    customers: int,
    start: str | dt.date,
    end: str | dt.date,
    acquisition_end: str | dt.date | None = None,
    unit: str | Unit = "week",
    seed: int = 0,
) -> pd.DataFrame:
    """A log of purchases by customers who behave exactly as the model says.

    Parameters
    ----------
    model
        When customers buy and leave; its time is counted in ``unit``.
    spend
        What a purchase is worth; without it the log has no money.
    customers
        Number of customers.
    start, end
        First and last day of the log, both included.
    acquisition_end
        Last day on which a customer may buy for the first time; first purchases are spread evenly over the days from
        ``start`` to here. Default: ``end``, a shop that keeps winning customers.
    unit
        Of the model's time: week or day.
    seed
        The same arguments and seed give the same log.

    Returns
    -------
    DataFrame
        customer_id (1 … customers), date, and with ``spend`` value: one row per customer and purchase day, sorted.

    Notes
    -----
    The models live in continuous time, a log in days. A repeat purchase is put on the nearest day counted from the
    first purchase, so that its time is wrong by at most half a day and right on average; purchases of one customer that
    meet on one day, or on the first, are one purchase with one value. A frequent buyer thus seems to buy a little less
    often: at one purchase a week some 7 % merge, at one a month 2 %. Each value is drawn by itself: by
    Gamma-Gamma from Gamma(p, ν) with the customer's ν ~ Gamma(q, v).

    Examples
    --------
    >>> from clvmodels.models import BGNBD
    >>> log = simulate(BGNBD(0.243, 4.414, 0.793, 2.426), customers=3, start="2024-01-01", end="2024-12-31", seed=1)
    >>> log.head(2)
       customer_id       date
    0            1 2024-01-06
    1            2 2024-09-12
    """
    return pd.concat(
        simulated_parts(
            model,
            spend=spend,
            customers=customers,
            start=start,
            end=end,
            acquisition_end=acquisition_end,
            unit=unit,
            seed=seed,
        ),
        ignore_index=True,
    )


def simulated_parts(
    model: PurchaseFamily,
    *,
    spend: SpendFamily | None = None,
    customers: int,
    start: str | dt.date,
    end: str | dt.date,
    acquisition_end: str | dt.date | None = None,
    unit: str | Unit = "week",
    seed: int = 0,
) -> Iterator[pd.DataFrame]:
    """The log of :func:`simulate`, 200,000 customers at a time, for those who need millions: no more is in memory.

    Parameters and errors are those of :func:`simulate`; the rows of all parts together are its rows.
    """
    unit, first, last = Unit(unit), as_date(start, "start"), as_date(end, "end")
    newest = last if acquisition_end is None else as_date(acquisition_end, "acquisition_end")
    _check(model, spend, customers, first, newest, last, seed)

    def part(done: int) -> pd.DataFrame:
        size = min(PART, customers - done)
        root = np.random.SeedSequence(seed) if done == 0 else np.random.SeedSequence([seed, done])
        streams = [np.random.default_rng(child) for child in root.spawn(3)]
        born = streams[0].integers(0, (newest - first).days + 1, size)
        observed = (last - first).days - born
        who, when = model.sample_times(observed / unit.days, seed=streams[1])
        after = np.floor(np.asarray(when) * unit.days + 0.5).astype(np.int64)
        kept = after > 0  # what rounds to the first day is part of the first purchase
        who, after = np.asarray(who)[kept], after[kept]
        new = np.ones(who.size, bool)
        new[1:] = (who[1:] != who[:-1]) | (after[1:] != after[:-1])
        who, after = who[new], after[new]
        # Everybody's first purchase goes before the others; a stable sort keeps each customer's days in order.
        who, after = np.concatenate([np.arange(size), who]), np.concatenate([np.zeros(size, np.int64), after])
        order = np.argsort(who, kind="stable")
        who, after = who[order], after[order]
        days = np.datetime64(first, "D") + (born[who] + after).astype("timedelta64[D]")
        log = pd.DataFrame({"customer_id": who + 1 + done, "date": days.astype("datetime64[s]")})
        if spend is not None:
            log["value"] = spend.sample_values(np.bincount(who, minlength=size), who, seed=streams[2])
        return log

    return (part(done) for done in range(0, customers, PART))


def _check(
    model: PurchaseFamily,
    spend: SpendFamily | None,
    customers: int,
    first: dt.date,
    newest: dt.date,
    last: dt.date,
    seed: int,
) -> None:
    problems = []
    for family, name in ((model, "model"), (spend, "spend")):
        if family is not None and family.n_draws != 1:
            problems.append(f"{name} holds {family.n_draws:,} draws of its parameters. Give one set of parameters.")
    if not isinstance(customers, (int, np.integer)) or customers < 1:
        problems.append(f"customers is {customers!r}. Give a whole number, at least 1.")
    if seed < 0:
        problems.append(f"seed is {seed}. Give a whole number, at least 0.")
    if last < first:
        problems.append(f"the log ends on {last}, before it starts on {first}. Choose a later end or an earlier start.")
    elif not first <= newest <= last:
        problems.append(
            f"the dates are out of order: start {first}, acquisition_end {newest}, end {last}. Customers are won from "
            "start to acquisition_end and watched to end."
        )
    if problems:
        raise InputError("nothing can be simulated", problems)
