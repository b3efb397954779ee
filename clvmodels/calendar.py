"""Units of time, horizons and discounting: the only file that knows a week has seven days."""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass
from enum import Enum

from dateutil.relativedelta import relativedelta

from clvmodels import written
from clvmodels.errors import InputError
from clvmodels.language import _

DAYS_PER_YEAR = 365.25
"""The average calendar year, for annual rates only; a horizon of a year is a calendar year."""

ONE_DAY = dt.timedelta(days=1)


class Unit(Enum):
    """What 1.0 means in a summary: a day or a week.

    Examples
    --------
    >>> Unit("week").days, Unit.DAY.from_days(14), Unit.WEEK.from_days(273)
    (7, 14.0, 39.0)
    """

    DAY = "day"
    WEEK = "week"

    @classmethod
    def _missing_(cls, value: object) -> Unit:
        raise InputError(_("unit {value!r} is not known. Choose --unit week or --unit day.").format(value=value))

    @property
    def days(self) -> int:
        """Whole days in one unit."""
        return 7 if self is Unit.WEEK else 1

    def from_days(self, days: float) -> float:
        """A length in days, in this unit."""
        return days / self.days

    def delta(self, annual_rate: float) -> float:
        """Continuous discount rate per unit, δ = ln(1 + annual effective rate) / units per year.

        Examples
        --------
        >>> round(Unit.WEEK.delta(0.15), 4)  # the JMR 2005 paper's .0027 a week
        0.0027
        """
        check_rate(annual_rate)
        return math.log1p(annual_rate) * self.days / DAYS_PER_YEAR


@dataclass(frozen=True)
class Horizon:
    """A stretch of whole days, both ends included.

    Examples
    --------
    >>> h = Horizon.parse("12 months", after=dt.date(1998, 6, 30))
    >>> Horizon.parse("6 months", after=dt.date(1998, 6, 30)).end.isoformat()
    '1998-12-31'
    >>> str(h), h.days, Horizon.parse("39 weeks", after=dt.date(1997, 9, 30)).end.isoformat()
    ('1998-07-01 to 1999-06-30', 365, '1998-06-30')
    """

    start: dt.date
    end: dt.date

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise InputError(
                _("the horizon ends on {end}, before it starts on {start}. Choose a later end.").format(
                    end=self.end, start=self.start
                )
            )

    @classmethod
    def parse(cls, words: str | dt.date | Horizon, *, after: dt.date) -> Horizon:
        """The horizon that starts the day after ``after``.

        Parameters
        ----------
        words
            ``"12 months"``, ``"39 weeks"``, ``"90 days"``, ``"1 year"``, or the last day as a date or ISO text.
            A month is a calendar month and a year a calendar year.

        Raises
        ------
        InputError
            For a bare number, an unknown word, or a date not after ``after``.
        """
        if isinstance(words, Horizon):
            return words
        start = after + ONE_DAY
        if isinstance(words, str) and (match := re.fullmatch(r"\s*(\d+)\s*(day|week|month|year)s?\s*", words, re.I)):
            count, word = int(match[1]), match[2].lower()
            if count == 0:
                raise InputError(
                    _("horizon {words!r} is empty. Choose for example --horizon '12 months'.").format(words=words)
                )
            try:
                # From the start: six months from 1 July end on 31 December, not on the 30th as June does.
                end = start + relativedelta(**{f"{word}s": count}) - ONE_DAY  # type: ignore[arg-type]
            except (OverflowError, ValueError):
                raise InputError(
                    _("horizon {words!r} ends after the year 9999. Choose a shorter one.").format(words=words)
                ) from None
            return cls(start, end)
        try:
            end = as_date(words)
        except InputError:
            raise InputError(
                _(
                    "horizon {words!r} is neither a length nor a date. A bare number would have no unit: "
                    "write for example '12 months', '39 weeks' or '2027-12-31'."
                ).format(words=words)
            ) from None
        if end < start:
            raise InputError(
                _("the horizon ends on {end}, but the data are observed to {after}. Choose a later end.").format(
                    end=end, after=after
                )
            )
        return cls(start, end)

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.end - self.start).days + 1

    def length(self, unit: Unit) -> float:
        """Length in ``unit``."""
        return unit.from_days(self.days)

    def __str__(self) -> str:
        return f"{self.start} to {self.end}"


def as_date(value: object, name: str = "date") -> dt.date:
    """A calendar day from a date, a timestamp (its day) or ISO / YYYYMMDD text.

    Examples
    --------
    >>> as_date("1997-09-30T23:59"), as_date("19970930")
    (datetime.date(1997, 9, 30), datetime.date(1997, 9, 30))
    """
    if isinstance(value, dt.datetime):  # pandas.Timestamp is one too
        return value.date()
    if isinstance(value, dt.date):
        return value
    try:
        if isinstance(value, str):
            return dt.datetime.fromisoformat(value.strip()).date()
    except ValueError:
        pass
    raise InputError(
        _("{name} {value!r} is not a date. Write it as YYYY-MM-DD, for example 1997-09-30.").format(
            name=name, value=value
        )
    )


def check_rate(annual_rate: float) -> None:
    """Refuse an annual discount rate that is not a fraction."""
    if not (math.isfinite(annual_rate) and annual_rate >= 0):
        raise InputError(
            _("discount rate {annual_rate!r} is not a rate. Give an annual fraction, for example 0.10.").format(
                annual_rate=annual_rate
            )
        )
    if annual_rate >= 1:
        raise InputError(
            _(
                "discount rate {annual_rate} means {percent} a year. Rates are annual fractions: for 10% write 0.10."
            ).format(annual_rate=written.general(annual_rate, 6), percent=written.percent(annual_rate, 0))
        )
