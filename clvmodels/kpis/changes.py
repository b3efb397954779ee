"""Two dates, or two runs: which indicators moved, by how much, and whether it is more than noise."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import special

from clvmodels.errors import InputError, UnitError
from clvmodels.kpis.expected import expected_kpis
from clvmodels.kpis.observed import LEVEL as MEAN_LEVEL
from clvmodels.kpis.observed import ratios_of
from clvmodels.language import _
from clvmodels.prediction import Predictions
from clvmodels.summary import Summary

LEVEL = 0.95
"""Of the limits of all differences together."""


def compare_kpis(before: Summary, after: Summary) -> pd.DataFrame:
    """What moved from one summary to another: two dates of one log, or two runs.

    Customers in both are paired: what one of them adds to an indicator then and now goes into the standard error of the
    difference together (linearised, over the union of both sets of customers), so that the same customers at two dates
    are not taken for two samples. Limits hold for all indicators at once (Bonferroni, 95 %).

    Indicators also move because customers grow older: frequency falls with the first orders' weight, duration and
    silence grow. A difference beyond noise is therefore a difference, not yet a change of behaviour; compare with the
    band of the months for that.

    Parameters
    ----------
    before, after
        In the same unit and currency.

    Returns
    -------
    DataFrame
        ``indicator``, ``before``, ``after``, ``difference``, ``standard_error``, ``lower``, ``upper``, ``verdict``
        ("up", "down", "no evidence"), and ``customers_before``, ``customers_after``, ``customers_both``.

    Raises
    ------
    UnitError, InputError
        When units or currencies differ.
    """
    if before.unit is not after.unit:
        raise UnitError(
            f"the first summary is in {before.unit.value}s, the second in {after.unit.value}s. "
            f'Summarise both with unit="{after.unit.value}".'
        )
    one, two = ratios_of(before), ratios_of(after)
    both_money = "average_order_value" in one and "average_order_value" in two
    if both_money and before.currency != after.currency:
        raise InputError(
            f"the first summary is in {before.currency}, the second in {after.currency}: a difference of the two is no "
            "amount of money. Convert one of them, and name its --currency."
        )
    ids = pd.Index(before.frame["customer_id"]).union(pd.Index(after.frame["customer_id"]))
    places = [ids.get_indexer(pd.Index(each.frame["customer_id"])) for each in (before, after)]
    names = [name for name in two if name in one]
    reach = float(special.ndtri(1 - (1 - LEVEL) / (2 * len(names))))
    rows = []
    for name in names:
        moved = np.zeros(len(ids))
        values = []
        for sign, ratio, place in ((-1, one[name], places[0]), (1, two[name], places[1])):
            value = ratio.value
            values.append(np.nan if value is None else value)
            moved[place] += sign * ratio.influence(values[-1], ratio.whole.sum())
        error = float(np.sqrt(np.sum(moved**2) * len(ids) / max(len(ids) - 1, 1)))
        difference = values[1] - values[0]
        lower, upper = difference - reach * error, difference + reach * error
        verdict = "up" if lower > 0 else "down" if upper < 0 else "no evidence"
        rows.append((name, *values, difference, error, lower, upper, verdict))
    columns = ["indicator", "before", "after", "difference", "standard_error", "lower", "upper", "verdict"]
    shared = len(before.frame) + len(after.frame) - len(ids)
    return pd.DataFrame(rows, columns=columns).assign(
        customers_before=len(before.frame), customers_after=len(after.frame), customers_both=shared
    )


def compare_expected_kpis(before: Predictions, after: Predictions, *, seed: int = 0) -> pd.DataFrame:
    """What moved in what is expected, from one forecast to another: the same columns as :func:`compare_kpis`.

    Standard errors are those of the means (what each fit leaves open), taken as independent: where both fits have seen
    the same customers the difference is better known than that, and "no evidence" is said too often, not too rarely.

    Parameters
    ----------
    before, after
        In the same currency; horizons of different lengths give different numbers, and no warning.
    seed
        See :func:`expected_kpis`.
    """
    if before.spend is not None and after.spend is not None and before.currency != after.currency:
        raise InputError(
            _(
                "the first forecast is in {before}, the second in {after}: a difference of the two is no amount of "
                "money. Convert one of them, and name its --currency."
            ).format(before=before.currency, after=after.currency)
        )
    width = 2 * float(special.ndtri((1 + MEAN_LEVEL) / 2))
    one, two = (
        {str(row["indicator"]): row for row in expected_kpis(each, seed=seed).to_dict("records")}
        for each in (before, after)
    )
    names = [name for name in two if name in one]
    reach = float(special.ndtri(1 - (1 - LEVEL) / (2 * len(names))))
    rows = []
    for name in names:
        values = [float(each[name]["value"]) for each in (one, two)]
        errors = [(each[name]["mean_upper"] - each[name]["mean_lower"]) / width for each in (one, two)]
        error, difference = float(np.hypot(*errors)), values[1] - values[0]
        lower, upper = difference - reach * error, difference + reach * error
        verdict = "up" if lower > 0 else "down" if upper < 0 else "no evidence"
        rows.append((name, *values, difference, error, lower, upper, verdict))
    columns = ["indicator", "before", "after", "difference", "standard_error", "lower", "upper", "verdict"]
    both = pd.Index(before.frame["customer_id"]).intersection(pd.Index(after.frame["customer_id"]))
    return pd.DataFrame(rows, columns=columns).assign(
        customers_before=len(before.frame), customers_after=len(after.frame), customers_both=len(both)
    )
