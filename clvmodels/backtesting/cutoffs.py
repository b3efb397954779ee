"""Where a log is cut, and for how long each forecast runs: rolling origins with one horizon."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from clvmodels.calendar import ONE_DAY, Horizon, as_date
from clvmodels.errors import InputError
from clvmodels.transactions import Transactions

MOST = 6
"""Cut-offs taken by default, where the log allows as many."""
GAP_DAYS = 28
"""Days between default cut-offs: two that are nearer see nearly the same."""
LONGEST_DAYS = 365
"""The default horizon is a third of the log, at most so long."""
SHORTEST_DAYS = 3
"""A shorter log cannot be cut."""


@dataclass(frozen=True)
class Plan:
    """The cut-offs, earliest first, and the days that each forecast covers."""

    cutoffs: tuple[dt.date, ...]
    days: int

    def horizon(self, cutoff: dt.date) -> Horizon:
        """The holdout of one cut-off."""
        return Horizon(cutoff + ONE_DAY, cutoff + dt.timedelta(days=self.days))


def plan(
    log: Transactions,
    end: dt.date,
    *,
    cutoffs: int | Sequence[str | dt.date] | None = None,
    horizon: str | None = None,
    min_calibration: str | None = None,
) -> Plan:
    """The cut-offs and the horizon of a backtest.

    By default the horizon is a third of the log (at most a year), the first calibration at least another third, the
    last cut-off as late as the horizon allows, and the others at equal distances before it: as many as fit four weeks
    apart, six at most. Every forecast runs over the same number of days, so that cut-offs can be compared; holdouts
    may overlap, and the limits of what is pooled take that into account by drawing customers, not holdouts.

    Raises
    ------
    InputError
        When the log leaves no room, or a date given lies outside.
    """
    first = log.first_date
    span = (end - first).days
    if span < SHORTEST_DAYS:
        raise InputError(f"the log runs from {first} to {end}: too short to be cut. Give a log of several months.")
    dates = (
        None if cutoffs is None or isinstance(cutoffs, int) else sorted({as_date(one, "cut-off") for one in cutoffs})
    )
    if dates == []:
        raise InputError("no cut-off is given. Name at least one day, or leave cutoffs out for the default.")
    days = _days(horizon, first, end=end, latest=dates[-1] if dates else None)
    if dates:
        return Plan(_checked(dates, first, end=end, days=days), days)

    shortest = span // 3 if min_calibration is None else _length(min_calibration, first, "minimum calibration")
    latest, earliest = end - dt.timedelta(days=days), first + dt.timedelta(days=shortest)
    room = (latest - earliest).days
    if room < 0:
        raise InputError(
            f"the log runs from {first} to {end}, {span + 1} days: a calibration of {shortest} days and a holdout of "
            f"{days} do not fit into it. Choose a shorter --horizon or --min-calibration."
        )
    count = min(MOST, room // GAP_DAYS + 1) if cutoffs is None else _count(cutoffs, room)
    steps = [round(room * i / (count - 1)) if count > 1 else 0 for i in range(count)]
    return Plan(tuple(latest - dt.timedelta(days=step) for step in reversed(steps)), days)


def _count(cutoffs: object, room: int) -> int:
    if isinstance(cutoffs, bool) or not isinstance(cutoffs, int) or cutoffs < 1:
        raise InputError(f"cutoffs is {cutoffs!r}. Give how many, from 1, or a list of days.")
    if cutoffs > room + 1:
        raise InputError(
            f"{cutoffs} cut-offs do not fit: calibration and holdout leave {room + 1} days to choose from. "
            "Ask for fewer, or for a shorter --horizon."
        )
    return cutoffs


def _days(horizon: str | None, first: dt.date, *, end: dt.date, latest: dt.date | None) -> int:
    """Length of every holdout."""
    if horizon is not None:
        return _length(horizon, latest or first, "horizon")
    if latest is None:
        return max(1, min(LONGEST_DAYS, (end - first).days // 3))
    return max(1, (end - latest).days)


def _length(words: str, after: dt.date, name: str) -> int:
    """Days in "26 weeks" or "6 months"."""
    if not (isinstance(words, str) and words.strip()[-1:].isalpha()):
        raise InputError(
            f"{name} {words!r} is no length of time: every cut-off has the same. Write for example '26 weeks'."
        )
    return Horizon.parse(words, after=after).days


def _checked(dates: list[dt.date], first: dt.date, *, end: dt.date, days: int) -> tuple[dt.date, ...]:
    """The days given, if each leaves a calibration before it and a whole holdout after it."""
    last = end - dt.timedelta(days=days)
    early, late = [day for day in dates if day < first], [day for day in dates if day > last]
    problems = []
    if early:
        problems.append(
            f"{len(early)} of {len(dates)} cut-offs lie before the first transaction, on {first} (first: {early[0]}). "
            "There is nothing to learn from. Choose later days."
        )
    if late:
        problems.append(
            f"{len(late)} of {len(dates)} cut-offs leave less than the horizon of {days} days up to {end} (first: "
            f"{late[0]}). A holdout that is cut short cannot be compared. Choose days up to {last}, or a shorter "
            "--horizon."
        )
    if problems:
        raise InputError("the log cannot be cut there", problems)
    return tuple(dates)
