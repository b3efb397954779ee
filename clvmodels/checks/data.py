"""Checks of the data: enough of them, over long enough, hardly any lost, and each customer from the first purchase."""

from __future__ import annotations

import numpy as np
import pandas as pd

from clvmodels.checks.finding import Check, Status
from clvmodels.prediction import Predictions
from clvmodels.summary import Summary

FEW_REPEATERS = 100
"""Repeat buyers for a total known to about 10 % (1/√100); the fit itself works with fewer."""
TOO_FEW_REPEATERS = 25
"""Below it the total's own chance error is above 20 % (1/√25): no forecast can be judged or trusted."""
SHORT_WEEKS = 26
"""Shorter logs cannot tell a dropout from a pause: the usual silence rule alone needs half a year."""
FAR_HORIZON = 2.0
"""Horizons of more than this many times the observed span are extrapolation that no holdout of these data can check."""
MANY_ONCE = 0.80
"""Above this share of one-time buyers the spend model rests on a small minority, and its estimates wander."""
LOST_ROWS = 0.01
"""One row in a hundred left out is ordinary dirt; above :data:`LOST_ROWS_FAIL` the data may be another population."""
LOST_ROWS_FAIL = 0.10
MERGED = frozenset({"used", "same_day", "refund", "refunded", "after_end", "holdout", "born_in_holdout"})
"""Ledger reasons of rows that are accounted for inside the analysis or lie outside its period: not lost."""
EARLY_SPIKE = 1.5
"""First purchases per week at the start of the log over later ones: half as many again is more than season explains."""
EARLY_SPIKE_FAIL = 3.0
"""Three times as many: most of these "new" customers were customers before the log began."""


def fitness(calibration: Summary) -> Check:
    """Enough repeat buyers to estimate from?"""
    repeaters = int((calibration.frame["frequency"] > 0).sum())
    status: Status = "pass" if repeaters >= FEW_REPEATERS else "review" if repeaters >= TOO_FEW_REPEATERS else "fail"
    return Check(
        "fitness",
        "Enough repeat buyers",
        status,
        f"{repeaters:,} of {len(calibration.frame):,} customers bought again in the calibration.",
        "Enough for totals known to 10% or better."
        if status == "pass"
        else f"Treat totals as rough (at least ±{1 / max(repeaters, 1) ** 0.5:.0%}). Collect a longer log, or pool "
        f"similar shops.",
        {"repeat_customers": repeaters, "customers": len(calibration.frame)},
    )


def window(future: Predictions) -> Check:
    """Is the log long enough for this horizon?"""
    weeks = ((future.summary.until - future.summary.start).days + 1) / 7
    ahead = future.horizon.days / 7
    ratio = ahead / weeks
    status: Status = "review" if weeks < SHORT_WEEKS or ratio > FAR_HORIZON else "pass"
    return Check(
        "window",
        "Observed long enough",
        status,
        f"The log covers {weeks:.1f} weeks; the forecast {ahead:.1f} weeks, {ratio:.2g} times as long.",
        "The horizon is within what these data can speak about."
        if status == "pass"
        else f"Choose a horizon of at most {FAR_HORIZON:g} times the observed span, or observe at least {SHORT_WEEKS} "
        f"weeks.",
        {"weeks_observed": weeks, "weeks_forecast": ahead},
    )


def ledger(summary: Summary) -> Check:
    """How much of the input is lost, as opposed to merged?"""
    total = sum(row.rows for row in summary.ledger)
    lost = [row for row in summary.ledger if row.reason not in MERGED and row.rows]
    share = sum(row.rows for row in lost) / max(total, 1)
    status: Status = "pass" if share <= LOST_ROWS else "review" if share <= LOST_ROWS_FAIL else "fail"
    reasons = ", ".join(f"{row.rows:,} {row.reason.replace('_', ' ')}" for row in lost)
    return Check(
        "ledger",
        "Rows left out",
        status,
        f"{sum(row.rows for row in lost):,} of {total:,} rows ({share:.1%}) are left out"
        + (f": {reasons}." if lost else "."),
        "What is left out cannot move the results."
        if status == "pass"
        else "Ask whether the rows left out belong to ordinary customers; if so, repair them at the source and run "
        "again.",
        {"rows_left_out": sum(row.rows for row in lost), "rows": total, "share": share},
    )


def left_truncation(summary: Summary) -> Check:
    """Are some customers older than the log?

    Customers who bought before the log began make their first purchase *in the log* soon after its start. The weekly
    rate of first purchases over the first weeks (a tenth of the acquisition period, at least 4 weeks) is compared with
    the median week of the second half. The acquisition period ends when 95 % of the customers have come, so that one
    cohort acquired in a quarter, like CDNOW's, is judged over its own quarter.
    """
    day = (pd.to_datetime(summary.frame["first_purchase"]) - pd.Timestamp(summary.start)).dt.days.to_numpy()
    weeks = int(np.quantile(day, 0.95) // 7)
    name, title = "left_truncation", "Customers older than the log"
    if weeks < 8:
        evidence = f"95% of the customers came within {weeks + 1} weeks: one cohort, too short to compare early with "
        "later weeks."
        return Check(name, title, "pass", evidence, "Make sure that the log starts before the cohort's first purchase.")
    by_week = np.bincount(day // 7, minlength=weeks)[:weeks]
    first = max(4, weeks // 10)
    early, later = by_week[:first].mean(), float(np.median(by_week[weeks // 2 :]))
    ratio = early / later if later else float("inf")
    chance = 3 * np.sqrt(early / first + later / (weeks - weeks // 2))  # three standard errors of the difference
    spike = ratio > EARLY_SPIKE and early - later > chance
    status: Status = "pass" if not spike else "review" if ratio <= EARLY_SPIKE_FAIL else "fail"
    return Check(
        name,
        title,
        status,
        f"{early:,.0f} first purchases a week in the first {first} weeks, {later:,.0f} in the median week of the "
        f"second half of "
        f"the {weeks} weeks of acquisition ({ratio:.2f} times).",
        "No sign of customers who were there before the log began."
        if status == "pass"
        else "Some first purchases are not first. Start from a log that holds each customer's first order, or leave "
        "out customers "
        f"seen in the first {first} weeks; otherwise frequency is taken too high for new customers.",
        {"early_per_week": early, "later_per_week": later, "ratio": ratio if later else None},
    )


def one_time_buyers(calibration: Summary) -> Check:
    """Are there one-time buyers, and not too many?"""
    once = float((calibration.frame["frequency"] == 0).mean())
    status: Status = "fail" if once == 0 else "review" if once > MANY_ONCE else "pass"
    return Check(
        "one_time_buyers",
        "Share of one-time buyers",
        status,
        f"{once:.1%} of the customers have a single purchase day in the calibration.",
        {
            "pass": "Keep them: they are how the model learns about customers who leave.",
            "review": f"Above {MANY_ONCE:.0%} the spend of the few repeat buyers stands for everybody: compare the "
            f"first order of "
            "both groups before quoting values.",
            "fail": "None at all: they were probably filtered out. Put them back; without them purchases are "
            "overstated.",
        }[status],
        {"share": once},
    )
