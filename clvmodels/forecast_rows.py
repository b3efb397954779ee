"""One row per customer: the contract's columns, worked out from the predictive distributions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clvmodels.calendar import Horizon
from clvmodels.formula import formula_customer_value
from clvmodels.models.arrays import Array
from clvmodels.summary import Summary
from clvmodels.totals import Portfolio

LEVELS = (0.05, 0.95)
"""Outcome intervals leave out 5 % on either side."""

OUTCOMES = (
    "p_alive", "p_active", "expected_purchases", "purchases_lower", "purchases_upper", "expected_spend", "value",
    "value_lower", "value_upper", "clv", "clv_lower", "clv_upper",
)  # fmt: skip
"""What a horizon may bring, in the contract's order."""

TIERS = {"top": 0.10, "high": 0.30, "middle": 0.60, "low": 1.0}
"""Tier → the share of customers, highest clv first, at which it ends: 10 %, the next 20 %, the next 30 %, the rest."""


def outcome_columns(portfolio: Portfolio, *, intervals: bool) -> dict[str, Array]:
    """What is expected of each customer and, with ``intervals``, the ends of outcome intervals; by column."""
    outcomes, values, margin = portfolio.outcomes, portfolio.values, portfolio.margin
    columns: dict[str, Any] = {"p_alive": outcomes.p_alive, "p_active": outcomes.p_active}
    columns["expected_purchases"] = outcomes.mean
    if intervals:
        columns["purchases_lower"], columns["purchases_upper"] = outcomes.quantile(LEVELS)
    later = portfolio.moments.discounted
    if values is None or later is None:
        return columns
    spend = values.expected_spend
    value = outcomes.mean * spend * margin
    share = _ratio(later, outcomes.mean)  # clv / value
    columns |= {"expected_spend": spend, "value": value, "clv": value * share}
    if intervals:
        lower, upper = values.quantile(LEVELS) * margin
        columns |= {"value_lower": lower, "value_upper": upper}
        columns |= {"clv_lower": lower * share, "clv_upper": upper * share}
    return columns


def customer_rows(summary: Summary, horizon: Horizon, margin: float, columns: Mapping[str, Array]) -> pd.DataFrame:
    """The contract's columns, in the contract's order; ``columns`` are those of `outcome_columns`."""
    known, money = summary.frame, "value" in columns
    past = ["first_purchase", "last_purchase", "frequency", "recency", "T"] + ["monetary_value", "value_past"] * money
    found: dict[str, Any] = {name: known[name] for name in ["customer_id", *past]}
    found |= {"horizon_start": pd.Timestamp(horizon.start), "horizon_end": pd.Timestamp(horizon.end)}
    found |= {name: columns[name] for name in OUTCOMES if name in columns}
    if money:
        found["formula_value"] = formula_customer_value(summary, horizon) * margin
        found["tier"] = tiers(columns["clv"])
    described = [*summary.segments, *([summary.cost] if summary.cost else [])]
    return pd.DataFrame(found | {name: known[name] for name in described}, copy=False)


def _ratio(part: Array, whole: Array) -> Array:
    """part / whole in [0, 1]; 1 where there is nothing."""
    return np.minimum(np.divide(part, whole, out=np.ones_like(whole), where=whole > 0), 1.0)


def tiers(clv: Array) -> NDArray[np.str_]:
    """Value tier of each customer, by the share of customers above it and half of those equal to it.

    The first 10 % are "top", up to 30 % "high", up to 60 % "middle", the rest "low". Equal customers (to ten digits)
    share a tier, so that no order of the rows decides; a crowd of equals is therefore not split at a border.

    Examples
    --------
    >>> tiers(np.array([5.0, 90, 30, 12, 11, 10, 10, 1, 1, 0])).tolist()
    ['low', 'top', 'high', 'high', 'middle', 'middle', 'middle', 'low', 'low', 'low']
    """
    mantissa, exponent = np.frexp(clv)
    rounded = np.ldexp(np.rint(mantissa * 2.0**33), exponent)
    _, place, count = np.unique(-rounded, return_inverse=True, return_counts=True)
    above = (np.cumsum(count) - count / 2)[place] / clv.size
    names = np.array(list(TIERS))
    return names[np.searchsorted(np.array(list(TIERS.values()))[:-1], above, side="left")]
