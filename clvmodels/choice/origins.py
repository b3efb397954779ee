"""Earlier cut-offs: the calibration period itself, cut again, so that what came after each cut is known."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clvmodels.calendar import ONE_DAY, Horizon
from clvmodels.models.arrays import Array
from clvmodels.summary import Summary, summarize

if TYPE_CHECKING:
    from collections.abc import Sequence

SHARES = (0.4, 0.5, 0.6, 0.7)
"""Shares of the calibration period after which it is cut; each time all that is left of it is the holdout."""
FEWEST_CUSTOMERS, FEWEST_REPEATERS, FEWEST_BUYERS = 50, 10, 10
"""A cut-off with fewer customers, repeat buyers before it or customers who buy after it teaches nothing."""
SHORTEST_DAYS = 28
"""Days that a calibration and a holdout need at least."""
MOST_CUSTOMERS = 10_000
"""Of more customers than these a systematic sample is taken: means over them are known well enough."""


@dataclass(frozen=True, eq=False)
class Origin:
    """One earlier cut-off: what was known then, and what each customer did until the end of the calibration."""

    cutoff: dt.date
    horizon: Horizon
    known: Summary
    """As it was at the cut-off; a plain table."""
    purchases: Array
    """Purchase days of each customer in the horizon, in the order of ``known.frame``."""
    value: Array | None
    """Their money."""
    customer: NDArray[np.intp]
    """The place of each customer among all customers of the calibration."""

    @property
    def t(self) -> float:
        """Length of the horizon, in units."""
        return self.horizon.length(self.known.unit)


def origins_of(summary: Summary, shares: Sequence[float] = SHARES) -> list[Origin]:
    """The calibration period cut at some shares of it; cut-offs that can teach nothing are left out.

    What is cut are the kept purchase days of the summary: nothing after ``summary.until`` can be in them.
    """
    days = _days(summary)
    span = (summary.until - summary.start).days
    found = []
    for share in shares:
        cutoff = summary.start + dt.timedelta(days=round(share * span))
        long_enough = min((cutoff - summary.start).days, (summary.until - cutoff).days) >= SHORTEST_DAYS
        if long_enough and (origin := _cut(days, summary, cutoff)) is not None:
            found.append(origin)
    return found


def _days(summary: Summary) -> pd.DataFrame:
    """Kept purchase days: place of the customer, date, value; of a sample where customers are many."""
    ids = pd.Index(summary.frame["customer_id"])
    step = -(-len(ids) // MOST_CUSTOMERS)
    table = summary.purchases
    if step > 1:
        table = table.filter(table.customer_id.isin(ids[step // 2 :: step].tolist()))
    rows: pd.DataFrame = table.select("customer_id", "date", *(["value"] if summary.has_value else [])).to_pandas()
    rows["customer_id"] = ids.get_indexer(rows["customer_id"])
    rows["date"] = rows["date"].astype("datetime64[us]")
    return rows.sort_values(["customer_id", "date"], ignore_index=True)


def _cut(days: pd.DataFrame, summary: Summary, cutoff: dt.date) -> Origin | None:
    past = days["date"] <= pd.Timestamp(cutoff)
    orders = days[past].groupby("customer_id").size()
    later = days[~past & days["customer_id"].isin(orders.index)].groupby("customer_id")
    bought = np.asarray(later.size().reindex(orders.index, fill_value=0), float)
    if len(orders) < FEWEST_CUSTOMERS or (orders > 1).sum() < FEWEST_REPEATERS or (bought > 0).sum() < FEWEST_BUYERS:
        return None
    known = summarize(
        days[past],
        until=cutoff,
        unit=summary.unit,
        customer_id="customer_id",
        date="date",
        value="value" if summary.has_value else "none",
        returns="keep",
        currency=summary.currency,
    )
    known = replace(known, start=summary.start, purchase_days=None, by_customer=None, rfm=known.frame)
    spent: Array | None = None
    if summary.has_value:
        spent = np.asarray(later["value"].sum().reindex(orders.index, fill_value=0.0), float)
    horizon = Horizon(cutoff + ONE_DAY, summary.until)
    return Origin(cutoff, horizon, known, bought, spent, orders.index.to_numpy(np.intp))


def chunks(customers: int, size: int) -> Iterator[slice]:
    """Some customers at a time."""
    for start in range(0, customers, size):
        yield slice(start, min(start + size, customers))
