"""The four indicators everybody computes, as observed: each with its definition and the trap in using it to predict."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from clvmodels.calendar import DAYS_PER_YEAR
from clvmodels.summary import Summary

SILENCE_WEEKS = 26
"""Weeks without a purchase after which a customer counts as churned: the same half year as the `hiatus` predictor's."""

DEFINITIONS: dict[str, str] = {
    "average_order_value": "Value of all purchases ÷ number of purchases (a purchase is a day on which a customer "
    "bought).",
    "purchase_frequency": "Purchases ÷ customer-years observed, first purchases included: orders per customer and "
    "year.",
    "relationship_duration": "Average time from a customer's first to last purchase, in years; one-time buyers count "
    "as 0.",
    "churn_rate": f"Share of customers silent for more than {SILENCE_WEEKS} weeks, among those who first bought more "
    f"than "
    f"{SILENCE_WEEKS} weeks before the end.",
}

TRAPS: dict[str, str] = {
    "average_order_value": "Frequent buyers weigh more in it than in an average over customers; a few giant orders "
    "move it.",
    "purchase_frequency": "Everybody has made a first purchase, so young customers look frequent. It includes "
    "customers who "
    "have left; it is not the rate of those who stay.",
    "relationship_duration": "Censored: relationships that go on have not shown their length yet. It is neither an "
    "expected "
    "lifetime nor the duration for the formula.",
    "churn_rate": "Without a contract nobody says goodbye: silence is not churn, another number of weeks gives "
    "another rate, "
    "and 1 ÷ churn is not a lifetime.",
}


@dataclass(frozen=True)
class Kpis:
    """The indicators of one summary; ``None`` where the data cannot tell.

    Attributes
    ----------
    average_order_value
        Money per purchase, in the data's currency; None without money.
    purchase_frequency
        Purchases per customer and year of observation; None if nobody was observed for a day.
    relationship_duration
        Years from first to last purchase, mean over customers.
    churn_rate
        Fraction silent for :data:`SILENCE_WEEKS` weeks; None if no customer is old enough.
    """

    average_order_value: float | None
    purchase_frequency: float | None
    relationship_duration: float
    churn_rate: float | None

    def plain(self) -> dict[str, Any]:
        """The numbers with their definitions and traps, as report.json holds them."""
        words = {name: {"definition": DEFINITIONS[name], "trap": TRAPS[name]} for name in DEFINITIONS}
        return {**asdict(self), "definitions": words}


def observed_kpis(summary: Summary) -> Kpis:
    """Average order value, purchase frequency, relationship duration and churn of a summary, as observed.

    Examples
    --------
    Two customers, observed for half a year and a year: one bought once, one four times over half of the year.

    >>> import datetime as dt, pandas as pd
    >>> frame = pd.DataFrame({"customer_id": ["a", "b"], "frequency": [0, 3], "recency": [0.0, 182.625],
    ...                       "T": [182.625, 365.25], "monetary_value": [float("nan"), 20.0],
    ...                       "value_first": [10.0, 30.0], "value_past": [10.0, 90.0]})
    >>> k = observed_kpis(Summary.from_frame(frame, unit="day", until=dt.date(2024, 12, 31)))
    >>> k.average_order_value, round(k.purchase_frequency, 9), k.relationship_duration, k.churn_rate
    (20.0, 3.333333333, 0.25, 1.0)
    """
    frame = summary.frame
    years = summary.unit.days / DAYS_PER_YEAR
    orders = float((frame["frequency"] + 1).sum())
    observed = float(frame["T"].sum()) * years
    silence = SILENCE_WEEKS * 7 / summary.unit.days
    old = frame["T"] > silence
    silent = old & (frame["T"] - frame["recency"] > silence)
    return Kpis(
        average_order_value=float(frame["value_past"].sum()) / orders if summary.has_value else None,
        purchase_frequency=orders / observed if observed > 0 else None,
        relationship_duration=float(frame["recency"].mean()) * years,
        churn_rate=float(silent.sum() / old.sum()) if old.any() else None,
    )
