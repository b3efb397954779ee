"""The four indicators everybody computes, as observed: each with its definition and the trap in using it to predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from clvmodels.calendar import DAYS_PER_YEAR
from clvmodels.kpis.groups import Groups, grouped
from clvmodels.language import SPOKEN
from clvmodels.summary import Summary

Array = NDArray[np.float64]

LEVEL = 0.90
"""Of all intervals of indicators."""

SILENCE_WEEKS = 26
"""Weeks without a purchase after which a customer counts as churned: the same half year as the `hiatus` predictor's."""

DEFINITIONS: Mapping[str, str] = SPOKEN | {
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

TRAPS: Mapping[str, str] = SPOKEN | {
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
    ratios = ratios_of(summary)
    money = ratios.get("average_order_value")
    return Kpis(
        average_order_value=money.value if money else None,
        purchase_frequency=ratios["purchase_frequency"].value,
        relationship_duration=ratios["relationship_duration"].value or 0.0,
        churn_rate=ratios["churn_rate"].value,
    )


class Ratio(NamedTuple):
    """An indicator as a sum over customers ÷ another one: what each customer adds to both."""

    part: Array
    whole: Array

    @property
    def value(self) -> float | None:
        """The indicator of all customers; None where there is nothing to divide by."""
        whole = float(self.whole.sum())
        return float(self.part.sum()) / whole if whole > 0 else None

    def by(self, groups: Groups) -> tuple[Array, Array]:
        """The indicator of each group and its standard error over customers drawn again (linearised); NaN: none."""
        whole, n = groups.sums(self.whole), groups.sums(np.ones_like(self.whole))
        with np.errstate(divide="ignore", invalid="ignore"):
            value = np.where(whole > 0, groups.sums(self.part) / whole, np.nan)
            square = groups.sums(self.influence(value[groups.code], whole[groups.code]) ** 2)
            return value, np.where(n > 1, np.sqrt(square * n / (n - 1)), np.nan)

    def influence(self, value: Any, whole: Any) -> Array:
        """By how much each customer moves the ratio."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((self.part - value * self.whole) / whole)


def ratios_of(summary: Summary) -> dict[str, Ratio]:
    """Each indicator as a ratio of two sums over customers; that of money only where there is money."""
    frame = summary.frame
    years = summary.unit.days / DAYS_PER_YEAR
    orders, T, recency = (frame[name].to_numpy(float) for name in ("frequency", "T", "recency"))
    orders = orders + 1
    silence = SILENCE_WEEKS * 7 / summary.unit.days
    old = silence < T
    ratios = {"average_order_value": Ratio(frame["value_past"].to_numpy(float), orders)} if summary.has_value else {}
    return ratios | {
        "purchase_frequency": Ratio(orders, T * years),
        "relationship_duration": Ratio(recency * years, np.ones_like(T)),
        "churn_rate": Ratio((old & (T - recency > silence)).astype(float), old.astype(float)),
    }


def observed_by(summary: Summary, by: str | Sequence[str] | Groups = ()) -> pd.DataFrame:
    """The indicators as observed, of each group of customers, with 90 % limits.

    The limits say what other customers of the same kind could have shown: standard errors over customers, linearised.

    Parameters
    ----------
    by
        Columns of ``summary.frame`` (segments, for example), or groups made otherwise; nothing for everyone together.

    Returns
    -------
    DataFrame
        The group, then ``customers``, ``indicator``, ``value``, ``standard_error``, ``lower``, ``upper``: a row per
        group and indicator.

    Raises
    ------
    InputError
        When a column is not there.
    """
    groups = by if isinstance(by, Groups) else grouped(summary.frame, by)
    size = groups.sums(np.ones(len(groups.code))).astype(int)
    reach = float(special.ndtri((1 + LEVEL) / 2))
    parts = []
    for name, ratio in ratios_of(summary).items():
        value, error = ratio.by(groups)
        most = 1.0 if name == "churn_rate" else np.inf
        rows = {"customers": size, "indicator": name, "value": value, "standard_error": error}
        rows |= {"lower": np.maximum(value - reach * error, 0.0), "upper": np.minimum(value + reach * error, most)}
        parts.append(pd.concat([groups.labels, pd.DataFrame(rows, index=groups.labels.index)], axis=1))
    return pd.concat(parts, ignore_index=True)
