"""From a summary to the sums a fit needs, or to the reason in words why nothing can be fitted."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from clvmodels import written
from clvmodels.errors import DiagnosticWarning, InputError
from clvmodels.fitting.family_sums import OBJECTIVES
from clvmodels.fitting.objective import Objective
from clvmodels.fitting.purchase_sums import BGNBDObjective
from clvmodels.fitting.spend_sums import SPEND_OBJECTIVES, SpendObjective
from clvmodels.fitting.ticks import best_clock
from clvmodels.language import _
from clvmodels.models import BGNBD, FAMILIES, Family, GammaGamma, PurchaseFamily, SpendFamily
from clvmodels.models.arrays import Array

if TYPE_CHECKING:
    from clvmodels.summary import Patterns, Summary

SPENDS: dict[str, type[SpendFamily]] = {
    name: family for name, family in FAMILIES.items() if issubclass(family, SpendFamily)
}
MANY_WITHOUT = 0.01
"""Share of purchase days without a positive value above which a model of positive values needs a warning."""
SAME = 1e-3
"""Relative differences in spend below this are no heterogeneity: one price, and some rounding."""


class Observed(Protocol):
    """What `spend_known` needs of a summary."""

    @property
    def frame(self) -> pd.DataFrame:
        """One row per customer."""

    @property
    def has_value(self) -> bool:
        """Whether there is money in it."""

    @property
    def invented(self) -> tuple[str, ...]:
        """Columns that were filled in, because an RFM table did not hold them."""


def purchase_objective(summary: Summary, family: type[Family] = BGNBD) -> Objective:
    """A purchase family's likelihood of a summary's patterns.

    Raises
    ------
    InputError
        For impossible patterns, no customer or one, nobody observed after the first purchase, no repeat buyer.
    """
    cannot = _("{title} cannot be fitted").format(title=family.title)
    patterns, until = summary.patterns, summary.until
    _check_patterns(patterns, cannot)
    customers = int(patterns.n.sum())
    if customers < 2:
        raise InputError(
            cannot,
            [
                (
                    _(
                        "there is one customer up to {until}. The model learns from how customers differ: bring the "
                        "log of many customers (some hundreds for useful standard errors)."
                    )
                    if customers
                    else _(
                        "there is no customer up to {until}. The model learns from how customers differ: bring the "
                        "log of many customers (some hundreds for useful standard errors)."
                    )
                ).format(until=until)
            ],
        )
    if not (patterns.T > 0).any():
        raise InputError(
            cannot,
            [
                _(
                    "all {customers} customers first bought on {until}, the last day of observation, so nobody has "
                    "had time to come back. Choose a later end (--until or --calibration-end)."
                ).format(customers=written.count(customers), until=until)
            ],
        )
    if not (patterns.x > 0).any():
        raise InputError(
            cannot,
            [
                _(
                    "none of the {customers} customers bought on a second day up to {until}. Without a repeat buyer "
                    "nothing tells how often customers buy or when they leave. Choose a later end (--until or "
                    "--calibration-end), or bring a longer log."
                ).format(customers=written.count(customers), until=until)
            ],
        )
    if not (patterns.x == 0).any():
        warnings.warn(
            _(
                "{title}: all {customers} customers have bought again; were one-time buyers dropped? They are needed: "
                "without them rates come out too high. Summarise the whole log."
            ).format(title=family.title, customers=written.count(customers)),
            DiagnosticWarning,
            stacklevel=4,
        )
    columns = patterns.x, patterns.t_x, patterns.T, patterns.n
    if issubclass(family, PurchaseFamily) and family.discrete:
        _check_opportunities(patterns, summary.unit.value, cannot)
    if family.constant_names:
        return best_clock(family, columns, getattr(summary, "gaps", None))
    objective = BGNBDObjective if family is BGNBD else OBJECTIVES[family.name]
    return objective(*columns)


def _check_patterns(patterns: Patterns, cannot: str) -> None:
    x, t_x, T, n = patterns.x, patterns.t_x, patterns.T, patterns.n
    tests = [
        (~np.isfinite(x + t_x + T), "a missing or infinite frequency, recency or T"),
        ((x < 0) | (x != np.round(x)), "a frequency that is not a count of repeat purchases"),
        ((t_x < 0) | (t_x > T), "a recency outside 0 … T (both count from the customer's first purchase)"),
        ((x > 0) & (t_x == 0), "repeat purchases but recency 0 (repeats on the first day are part of the first)"),
        ((x == 0) & (t_x > 0), "no repeat purchase but a recency (it is the time from the first purchase to the last)"),
    ]
    problems = []
    for wrong, words in tests:
        if wrong.any():
            i = int(np.flatnonzero(wrong)[0])
            problems.append(
                f"{int(n[wrong].sum()):,} of {int(n.sum()):,} customers have {words}; "
                f"first: frequency {x[i]:g}, recency {t_x[i]:g}, T {T[i]:g}. Summarise the log with `summarize`."
            )
    if problems:
        raise InputError(cannot, problems)


def _check_opportunities(patterns: Patterns, unit: str, cannot: str) -> None:
    """Whether a unit of time is an opportunity to buy: whole numbers, and a purchase at most at each."""
    x, t_x, T, n = patterns.x, patterns.t_x, patterns.T, patterns.n
    broken, crowded = (np.round(T) != T) | (np.round(t_x) != t_x), x > t_x
    why = (
        "The model counts opportunities to buy (campaigns, events, years), each of them taken or not: "
        "bring an RFM table in which frequency, recency and T are counted in opportunities (Summary.from_frame), "
        'summarise a log by unit="day" (--unit day), or choose a family for continuous time (--family bgnbd).'
    )
    for wrong, words in (
        (broken, f"a recency or T that is no whole number of {unit}s"),
        (crowded, "more repeat purchases than opportunities up to the last of them"),
    ):
        if wrong.any():
            i = int(np.flatnonzero(wrong)[0])
            raise InputError(
                cannot,
                [
                    f"{int(n[wrong].sum()):,} of {int(n.sum()):,} customers have {words}; first: frequency {x[i]:g}, "
                    f"recency {t_x[i]:g}, T {T[i]:g}. {why}"
                ],
            )


def spend_objective(summary: Observed, family: type[Family] = GammaGamma) -> tuple[SpendObjective, dict[str, int]]:
    """A spend family's likelihood of what a summary knows of the customers' spend, and the counts it leaves out.

    Raises
    ------
    InputError
        Without money, with missing or negative means, with fewer than two customers who spent, or with no difference
        between them.
    """
    known, left_out = spend_data(summary, family)
    x, m = known[0], SPENDS[family.name].typical(*known[:2])
    cannot = f"{family.title} cannot be fitted"
    who = "buyer" if SPENDS[family.name].first else "repeat buyer"
    if x.size < 2:
        have = f"no {who} has" if x.size == 0 else f"one {who} has"
        zero = f" ({left_out['n_left_out']:,} spent nothing)" if left_out["n_left_out"] else ""
        raise InputError(
            cannot,
            [
                f"{have} a positive spend{zero}. The model learns from how {who}s differ: choose a later end "
                "(--until or --calibration-end), bring a longer log, or leave money out (--spend none)."
            ],
        )
    if np.ptp(m) <= SAME * m.max():
        raise InputError(
            cannot,
            [
                f"all {x.size:,} {who}s spend the same, {m.mean():.4g} a purchase: there is no difference to "
                "model. Multiply expected purchases by that amount, and leave the model out (--spend none)."
            ],
        )
    if SPENDS[family.name].single:
        _check_single_values(summary, known, left_out, family)
    return SPEND_OBJECTIVES[family.name](*known), left_out


def _check_single_values(
    summary: Observed, known: tuple[Array, ...], left_out: dict[str, int], family: type[Family]
) -> None:
    """Refuse values that do not differ within customers, and warn of days without a value."""
    x, _, spread = known
    cannot = f"{family.title} cannot be fitted"
    even = "g" in family.parameter_names() and np.ptp(x) == 0
    if even or not (np.abs(spread) > SAME**2 * (x - 1)).any():
        same = f"made the same number of purchases, {x[0]:g}" if even else "always spend the same"
        more = ", and from customers who buy more often than others" if even else ""
        raise InputError(
            cannot,
            [
                f"all {x.size:,} buyers {same}. The model learns from how the values of one customer's purchases "
                f"differ{more}. Choose --spend gamma_gamma_first, or --spend none."
            ],
        )
    days, without = int(summary.frame["frequency"].sum()) + len(summary.frame), left_out["n_days_left_out"]
    if without > MANY_WITHOUT * days:
        warnings.warn(
            f"{family.title}: {without:,} of {days:,} purchase days have no positive value, and the model leaves them "
            f"out. It forecasts the value of a day that has one: totals come out about {without / days:.0%} too high. "
            "Choose --spend gamma_gamma_first, which counts such days as purchases of value 0.",
            DiagnosticWarning,
            stacklevel=5,
        )


def spend_known(
    summary: Observed, family: type[Family] = GammaGamma, *, cannot: str = "cannot be fitted"
) -> tuple[Array, ...]:
    """What a spend family knows of each customer: `SpendFamily.observed`, checked.

    Raises
    ------
    InputError
        Without money, when an RFM table does not hold what the family needs, or with missing or negative means.
    """
    cannot = f"{family.title} {cannot}"
    if not summary.has_value:
        raise InputError(
            cannot, ["the log has no money. Name the column of order values (--value), or choose --spend none."]
        )
    spend, frame = SPENDS[family.name], summary.frame
    missing = [f"'{name}'" for name in spend.columns if name not in frame or name in summary.invented]
    if missing:
        raise InputError(
            cannot,
            [
                f"the RFM table has no {' and no '.join(missing)}, and the model needs more than the mean of the "
                "repeat purchases. Bring the transactions, add the columns, or choose --spend gamma_gamma."
            ],
        )
    known = spend.observed(frame)
    x, m, ids = known[0], known[1], frame["customer_id"].to_numpy()
    again = x > 0
    problems = []
    absent, negative = again & ~np.isfinite(m), again & (spend.typical(x, m) < 0)
    what, who = ("the mean value", "customers") if spend.first else ("monetary_value", "repeat buyers")
    if absent.any():
        problems.append(
            f"{what} is missing or infinite for {int(absent.sum()):,} of {int(again.sum()):,} {who} (first: "
            f"customer {ids[absent][0]}). Repair or drop their purchases without a value."
        )
    if negative.any():
        lowest = int(np.argmin(np.where(negative, m, 0.0)))
        problems.append(
            f"{what} is negative for {int(negative.sum()):,} of {int(again.sum()):,} {who} (lowest: "
            f"{m[lowest]:.2f}, customer {ids[lowest]}). A gamma distribution has no negative spend. Choose --returns "
            "net to subtract refunds from the purchase they belong to, or --returns drop."
        )
    if problems:
        raise InputError(cannot, problems)
    return known


def spend_data(summary: Observed, family: type[Family] = GammaGamma) -> tuple[tuple[Array, ...], dict[str, int]]:
    """What the family knows of the customers who spent, and how many it leaves out, by the name of the diagnostic."""
    known = spend_known(summary, family)
    spend, x = SPENDS[family.name], known[0]
    spent = (x > 0) & (spend.typical(*known[:2]) > 0)
    left_out = {"n_left_out": int((~spent & ((x > 0) | spend.first)).sum())}
    if spend.single:
        left_out["n_days_left_out"] = int((summary.frame["frequency"] + 1).sum() - x.sum())
    return tuple(column[spent] for column in known), left_out
