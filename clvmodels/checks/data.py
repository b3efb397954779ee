"""Checks of the data: enough of them, over long enough, hardly any lost, and each customer from the first purchase."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from clvmodels import written as n
from clvmodels.checks.finding import Check, Status
from clvmodels.language import SPOKEN, _, ngettext
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
LOST: Mapping[str, str] = SPOKEN | {
    "unmatched_refund": "unmatched refund",
    "zero_value": "zero value",
    "negative": "negative",
    "null_id": "null id",
    "null_date": "null date",
    "bad_date": "bad date",
    "null_value": "null value",
    "bad_value": "bad value",
    "malformed": "malformed",
}
"""The reasons of what is lost, in two words."""
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
        _("Enough repeat buyers"),
        status,
        _("{repeaters} of {customers} customers bought again in the calibration.").format(
            repeaters=n.count(repeaters), customers=n.count(len(calibration.frame))
        ),
        _("Enough for totals known to 10% or better.")
        if status == "pass"
        else _("Treat totals as rough (at least ±{error}). Collect a longer log, or pool similar shops.").format(
            error=n.percent(1 / max(repeaters, 1) ** 0.5, 0)
        ),
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
        _("Observed long enough"),
        status,
        _("The log covers {weeks} weeks; the forecast {ahead} weeks, {ratio} times as long.").format(
            weeks=n.decimal(weeks, 1), ahead=n.decimal(ahead, 1), ratio=n.significant(ratio, 2)
        ),
        _("The horizon is within what these data can speak about.")
        if status == "pass"
        else _(
            "Choose a horizon of at most {times} times the observed span, or observe at least {weeks} weeks."
        ).format(times=n.count(FAR_HORIZON), weeks=SHORT_WEEKS),
        {"weeks_observed": weeks, "weeks_forecast": ahead},
    )


def ledger(summary: Summary) -> Check:
    """How much of the input is lost, as opposed to merged?"""
    total = sum(row.rows for row in summary.ledger)
    lost = [row for row in summary.ledger if row.reason not in MERGED and row.rows]
    share = sum(row.rows for row in lost) / max(total, 1)
    status: Status = "pass" if share <= LOST_ROWS else "review" if share <= LOST_ROWS_FAIL else "fail"
    facts = {
        "lost": n.count(sum(row.rows for row in lost)),
        "rows": n.count(total),
        "share": n.percent(share),
        "reasons": ", ".join(f"{n.count(row.rows)} {LOST.get(row.reason, row.reason)}" for row in lost),
    }
    return Check(
        "ledger",
        _("Rows left out"),
        status,
        (
            _("{lost} of {rows} rows ({share}) are left out: {reasons}.")
            if lost
            else _("{lost} of {rows} rows ({share}) are left out.")
        ).format(**facts),
        _("What is left out cannot move the results.")
        if status == "pass"
        else _(
            "Ask whether the rows left out belong to ordinary customers; if so, repair them at the source and run "
            "again."
        ),
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
    name, title = "left_truncation", _("Customers older than the log")
    if weeks < 8:
        evidence = ngettext(
            "95% of the customers came within {weeks} week: one cohort, too short to compare early with later weeks.",
            "95% of the customers came within {weeks} weeks: one cohort, too short to compare early with later weeks.",
            weeks + 1,
        ).format(weeks=weeks + 1)
        advice = _("Make sure that the log starts before the cohort's first purchase.")
        return Check(name, title, "pass", evidence, advice)
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
        _(
            "{early} first purchases a week in the first {first} weeks, {later} in the median week of the second half "
            "of the {weeks} weeks of acquisition ({ratio} times)."
        ).format(early=n.count(early), first=first, later=n.count(later), weeks=weeks, ratio=n.decimal(ratio)),
        _("No sign of customers who were there before the log began.")
        if status == "pass"
        else _(
            "Some first purchases are not first. Start from a log that holds each customer's first order, or leave out "
            "customers seen in the first {first} weeks; otherwise frequency is taken too high for new customers."
        ).format(first=first),
        {"early_per_week": early, "later_per_week": later, "ratio": ratio if later else None},
    )


def one_time_buyers(calibration: Summary, *, first: bool = False) -> Check:
    """Are there one-time buyers, and not too many? ``first``: the spend model uses the first purchase's value."""
    once = float((calibration.frame["frequency"] == 0).mean())
    status: Status = "fail" if once == 0 else "review" if once > MANY_ONCE else "pass"
    return Check(
        "one_time_buyers",
        _("Share of one-time buyers"),
        status,
        _("{share} of the customers have a single purchase day in the calibration.").format(share=n.percent(once)),
        {
            "pass": _("Keep them: they are how the model learns about customers who leave."),
            "review": (
                _(
                    "Above {limit} a single order is all that is known of nearly everybody: quote the value of groups, "
                    "not of customers."
                )
                if first
                else _(
                    "Above {limit} the spend of the few repeat buyers stands for everybody: compare the first order of "
                    "both groups before quoting values."
                )
            ).format(limit=n.percent(MANY_ONCE, 0)),
            "fail": _(
                "None at all: they were probably filtered out. Put them back; without them purchases are overstated."
            ),
        }[status],
        {"share": once},
    )
