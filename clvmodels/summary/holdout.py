"""One log in two periods: what happens after the cut is taken away before anything else is done."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from clvmodels import written
from clvmodels.calendar import ONE_DAY, Horizon, Unit, as_date
from clvmodels.errors import InputError
from clvmodels.language import _
from clvmodels.summary.clock import check_clock
from clvmodels.summary.customers import Summary, daily, placed, summary_of
from clvmodels.transactions import LedgerRow, Transactions, read_transactions
from clvmodels.transactions.fates import after, outside_by
from clvmodels.transactions.ledger import in_order
from clvmodels.transactions.period import Period, period


@dataclass(frozen=True, eq=False)
class Holdout:
    """What happened in the days after the calibration.

    Attributes
    ----------
    frame
        One row per calibration customer, in the order of the calibration's frame: ``customer_id``, ``purchases`` (days)
        and, with money, ``value`` (sum), ``monetary_value`` (mean per purchase day; NaN when there is none).
    horizon
        First and last day, both included.
    new_customers, new_purchases, new_value
        Of customers whose first purchase falls in it; they are nowhere else.
    daily
        ``date``, ``purchases``[, ``value``] of calibration customers, one row per day with a purchase.
    ledger
        The fate of the holdout's own rows; refunds of purchases made in the calibration are ``unmatched_refund`` here.
    """

    frame: pd.DataFrame
    horizon: Horizon
    new_customers: int
    new_purchases: int
    new_value: float | None
    daily: pd.DataFrame
    unit: Unit
    ledger: tuple[LedgerRow, ...] = ()

    def of(self, customer_ids: pd.Series) -> pd.DataFrame:
        """Rows of ``frame`` for these customers, in their order."""
        if self.frame["customer_id"].equals(customer_ids):
            return self.frame
        place = pd.Index(self.frame["customer_id"]).get_indexer(pd.Index(customer_ids))
        if (place < 0).any():
            raise KeyError(customer_ids.iloc[int(np.argmin(place))])
        some: pd.DataFrame = self.frame.iloc[place].reset_index(drop=True)
        return some


class Split(NamedTuple):
    """One log in two periods: fit on the first, judge on the second."""

    calibration: Summary
    holdout: Holdout


def split(
    source: Any,
    *,
    calibration_end: str | dt.date | None = None,
    holdout_end: str | dt.date | None = None,
    unit: str | Unit = "week",
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
) -> Split:
    """Cut a log in two after the day ``calibration_end``; the calibration cannot see what follows.

    Parameters
    ----------
    calibration_end
        Last day of the calibration; the holdout starts the day after. Default: a built-in log's published split, else
        the last third of the observed span is the holdout.
    holdout_end
        Last day of the holdout; default: the last day of the log. It may lie after the last purchase: days on which
        nobody buys are observed too.

    The other parameters say how to read ``source``: see :func:`clvmodels.read_transactions`.

    Raises
    ------
    InputError
        When a date lies outside the log, the holdout ends before it starts, or nobody buys in it.

    Examples
    --------
    >>> calibration, holdout = split("cdnow-sample", calibration_end="1997-09-30", holdout_end="1998-06-30")
    >>> len(calibration.patterns.n), int(calibration.frame.frequency.sum()), int(holdout.frame.purchases.sum())
    (1016, 2457, 1882)
    """
    log = read_transactions(
        source,
        table=table,
        customer_id=customer_id,
        date=date,
        value=value,
        segment=segment,
        cost=cost,
        date_format=date_format,
        decimal=decimal,
        returns=returns,
        currency=currency,
    )
    unit = Unit(unit)
    if holdout_end is None:
        check_clock(log, "--holdout-end")
    if calibration_end is None and holdout_end is None and log.published_split is not None:
        calibration_end, holdout_end = log.published_split
    end = log.last_date if holdout_end is None else as_date(holdout_end, "holdout end")
    cut = default_calibration_end(log, end) if calibration_end is None else as_date(calibration_end, "calibration end")
    _check_split(log, cut, end, unit)

    calibration = summary_of(log, cut, unit)
    seen = period(log, log.days.filter(log.days.date > cut, log.days.date <= end), totals=True)
    # To the calibration's ledger the holdout is rows, of its customers and of those born later; nothing else is known.
    later = outside_by(seen.rows, calibration.customers, ("holdout", "born_in_holdout"), log.has_value)
    later.append(after(log.days, end, log.has_value))
    calibration = replace(calibration, ledger=in_order([*calibration.ledger, *later]))
    return Split(calibration, _holdout(log, calibration, seen, end))


def _holdout(log: Transactions, calibration: Summary, seen: Period, end: dt.date) -> Holdout:
    frame, born = placed(seen.customers, calibration.frame["customer_id"], log.has_value)
    horizon = Horizon(calibration.until + ONE_DAY, end)
    if not (frame["purchases"].any() or len(born)):
        raise InputError(
            _("no purchase falls in the holdout ({horizon}); the last transaction is on {last_date}.\n").format(
                horizon=horizon, last_date=log.last_date
            )
            + _advice(log, calibration.unit)
        )
    if log.has_value:
        frame["monetary_value"] = frame["value"] / frame["purchases"].where(frame["purchases"] > 0)
    return Holdout(
        frame=frame,
        horizon=horizon,
        new_customers=len(born),
        new_purchases=int(born["purchases"].sum()),
        new_value=math.fsum(born["value"]) if log.has_value else None,  # whatever the order they come in
        daily=daily(seen.purchases.semi_join(calibration.customers, "customer_id"), log.has_value),
        unit=calibration.unit,
        ledger=in_order(seen.fates),
    )


def default_calibration_end(log: Transactions, end: dt.date | None = None) -> dt.date:
    """The day after which the last third of the observed span begins.

    Raises
    ------
    InputError
        When the log covers less than three days.
    """
    end = end or log.last_date
    span = (end - log.first_date).days
    if span < 3:
        raise InputError(
            _(
                "the log runs from {first_date} to {end}: too short to hold a third of it out. Give "
                "a log of several months at least."
            ).format(first_date=log.first_date, end=end)
        )
    return end - dt.timedelta(days=span // 3)


def _check_split(log: Transactions, cut: dt.date, end: dt.date, unit: Unit) -> None:
    if cut < log.first_date:
        raise InputError(
            _(
                "no purchase falls in the calibration, which ends on {cut}; the first transaction is on {first_date}.\n"
            ).format(cut=cut, first_date=log.first_date)
            + _advice(log, unit, "a later")
        )
    if end <= cut and end == log.last_date:
        raise InputError(
            _(
                "no day is left for the holdout: the calibration ends on {cut}, the last transaction "
                "is on {last_date}.\n"
            ).format(cut=cut, last_date=log.last_date)
            + _advice(log, unit)
        )
    if end <= cut:
        raise InputError(
            _(
                "the holdout ends on {end}, before it starts on {start}. Choose a later --holdout-end "
                "or an earlier --calibration-end."
            ).format(end=end, start=cut + ONE_DAY)
        )


def _advice(log: Transactions, unit: Unit, another: str = "an earlier") -> str:
    try:
        better = default_calibration_end(log)
    except InputError:
        return _("  The log covers {days} days: give a longer one.").format(
            days=(log.last_date - log.first_date).days + 1
        )
    length = unit.from_days((log.last_date - better).days)
    said = {
        ("an earlier", "week"): _("  Choose an earlier --calibration-end: {better} would leave {length} weeks."),
        ("an earlier", "day"): _("  Choose an earlier --calibration-end: {better} would leave {length} days."),
        ("a later", "week"): _("  Choose a later --calibration-end: {better} would leave {length} weeks."),
        ("a later", "day"): _("  Choose a later --calibration-end: {better} would leave {length} days."),
    }[another, unit.value]
    return said.format(better=better, length=written.decimal(length, 1))
