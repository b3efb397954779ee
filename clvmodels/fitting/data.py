"""From a summary to the sums a fit needs, or to the reason in words why nothing can be fitted."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from clvmodels.errors import DiagnosticWarning, InputError
from clvmodels.fitting.family_sums import OBJECTIVES
from clvmodels.fitting.objective import Objective
from clvmodels.fitting.purchase_sums import BGNBDObjective
from clvmodels.fitting.spend_sums import GammaGammaObjective
from clvmodels.models import BGNBD, Family, GammaGamma
from clvmodels.models.arrays import Array

if TYPE_CHECKING:
    from clvmodels.summary import Patterns, Summary

SAME = 1e-3
"""Relative differences in spend below this are no heterogeneity: one price, and some rounding."""


class Observed(Protocol):
    """What `repeat_spend` needs of a summary."""

    @property
    def frame(self) -> pd.DataFrame:
        """One row per customer."""

    @property
    def has_value(self) -> bool:
        """Whether there is money in it."""


def purchase_objective(summary: Summary, family: type[Family] = BGNBD) -> Objective:
    """A purchase family's likelihood of a summary's patterns.

    Raises
    ------
    InputError
        For impossible patterns, no customer or one, nobody observed after the first purchase, no repeat buyer.
    """
    cannot = f"{family.title} cannot be fitted"
    patterns, until = summary.patterns, summary.until
    _check_patterns(patterns, cannot)
    customers = int(patterns.n.sum())
    if customers < 2:
        raise InputError(
            cannot,
            [
                f"there {'is one customer' if customers else 'is no customer'} up to {until}. The model learns from "
                "how customers differ: bring the log of many customers (some hundreds for useful standard errors)."
            ],
        )
    if not (patterns.T > 0).any():
        raise InputError(
            cannot,
            [
                f"all {customers:,} customers first bought on {until}, the last day of observation, so nobody has had "
                "time to come back. Choose a later end (--until or --calibration-end)."
            ],
        )
    if not (patterns.x > 0).any():
        raise InputError(
            cannot,
            [
                f"none of the {customers:,} customers bought on a second day up to {until}. Without a repeat buyer "
                "nothing tells how often customers buy or when they leave. Choose a later end (--until or "
                "--calibration-end), or bring a longer log."
            ],
        )
    if not (patterns.x == 0).any():
        warnings.warn(
            f"{family.title}: all {customers:,} customers have bought again; were one-time buyers dropped? They are "
            "needed: without them rates come out too high. Summarise the whole log.",
            DiagnosticWarning,
            stacklevel=4,
        )
    objective = BGNBDObjective if family is BGNBD else OBJECTIVES[family.name]
    return objective(patterns.x, patterns.t_x, patterns.T, patterns.n)


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


def spend_objective(summary: Observed) -> tuple[GammaGammaObjective, int]:
    """The Gamma-Gamma likelihood of the repeat buyers' mean spend, and how many of value 0 it leaves out.

    Raises
    ------
    InputError
        Without money, with missing or negative means, with fewer than two repeat buyers who spent, or with no
        difference between them.
    """
    x, m, left_out = repeat_spend(summary)
    cannot = f"{GammaGamma.title} cannot be fitted"
    if x.size < 2:
        have = "no repeat buyer has" if x.size == 0 else "one repeat buyer has"
        zero = f" ({left_out:,} spent nothing)" if left_out else ""
        raise InputError(
            cannot,
            [
                f"{have} a positive spend{zero}. The model learns from how repeat buyers differ: choose a later end "
                "(--until or --calibration-end), bring a longer log, or leave money out (--spend none)."
            ],
        )
    if np.ptp(m) <= SAME * m.max():
        raise InputError(
            cannot,
            [
                f"all {x.size:,} repeat buyers spend the same, {m.mean():.4g} a purchase: there is no difference to "
                "model. Multiply expected purchases by that amount, and leave the model out (--spend none)."
            ],
        )
    return GammaGammaObjective(x, m), left_out


def repeat_spend(summary: Observed) -> tuple[Array, Array, int]:
    """x and mean spend m of repeat buyers with m > 0, and the number of those with m = 0."""
    cannot = f"{GammaGamma.title} cannot be fitted"
    if not summary.has_value:
        raise InputError(
            cannot, ["the log has no money. Name the column of order values (--value), or choose --spend none."]
        )
    again = summary.frame[summary.frame["frequency"] > 0]
    x, m = again["frequency"].to_numpy(float), again["monetary_value"].to_numpy(float)
    ids = again["customer_id"].to_numpy()
    problems = []
    missing, negative = ~np.isfinite(m), m < 0
    if missing.any():
        problems.append(
            f"monetary_value is missing or infinite for {int(missing.sum()):,} of {x.size:,} repeat buyers (first: "
            f"customer {ids[missing][0]}). Repair or drop their purchases without a value."
        )
    if negative.any():
        lowest = int(np.nanargmin(m))
        problems.append(
            f"monetary_value is negative for {int(negative.sum()):,} of {x.size:,} repeat buyers (lowest: "
            f"{m[lowest]:.2f}, customer {ids[lowest]}). A gamma distribution has no negative spend. Choose --returns "
            "net to subtract refunds from the purchase they belong to, or --returns drop."
        )
    if problems:
        raise InputError(cannot, problems)
    spent = m > 0
    return x[spent], m[spent], int((~spent).sum())
