"""What has not happened yet was not observed: a log that goes on after today is refused."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from clvmodels import written
from clvmodels.errors import InputError
from clvmodels.language import _, gettext
from clvmodels.transactions import Transactions
from clvmodels.transactions.problems import REFUSED


def check_clock(log: Transactions, option: str) -> None:
    """Refuse a log that goes on after today, unless the analyst says where it ends."""
    today = latest_day()
    if log.last_date <= today:
        return
    future = log.days.filter(log.days.date > today)
    first = future.order_by("date", "customer_id").limit(1).to_pandas().iloc[0]
    past = log.days.filter(log.days.date <= today).date.max().to_pandas()
    end = today if pd.isna(past) else pd.Timestamp(past).date()
    raise InputError(
        gettext(REFUSED),
        [
            _(
                "{future} of {rows} rows lie in the future (first: customer {customer}, {day}). What "
                "has not happened was not observed. Repair the dates, or leave them out with "
                "{option} {end}."
            ).format(
                future=written.count(int(future["_rows"].sum().to_pandas())),
                rows=written.count(log.rows),
                customer=first["customer_id"],
                day=pd.Timestamp(first["date"]).date(),
                option=option,
                end=end,
            )
        ],
    )


def latest_day() -> dt.date:
    """The day it is where today begins first."""
    return (dt.datetime.now(dt.UTC) + dt.timedelta(hours=14)).date()
