"""How figures turn numbers, dates and names into words: the only place where they do, in any language."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from clvmodels import written
from clvmodels.language import language, speaking


@dataclass(frozen=True)
class Words:
    """The texts of one language, and the only place where figures turn numbers and dates into words.

    Examples
    --------
    >>> from clvmodels.charts.english import ENGLISH
    >>> say = Words(ENGLISH)
    >>> say.number(23570), say.number(0.6375, 2), say.share(-0.121), say.money(776961, "USD"), say.date("1997-09-30")
    ('23,570', '0.64', '−12%', '$776,961', '30 Sep 1997')
    """

    texts: Mapping[str, str]
    language: str = field(default_factory=language)
    """What was spoken when the figure was drawn; its ticks and its table, made later, are written in the same."""

    def __call__(self, key: str, **facts: str) -> str:
        """The text under ``key`` with its gaps filled."""
        with speaking(self.language):
            return self.texts[key].format(**facts)

    def number(self, value: float | None, digits: int = 0) -> str:
        """Fixed decimals, thousands separated, a real minus sign."""
        with speaking(self.language):
            return written.decimal(value, digits)

    def share(self, value: float | None, digits: int = 0) -> str:
        """A fraction as per cent."""
        with speaking(self.language):
            return written.percent(value, digits)

    def money(self, value: float | None, currency: str, digits: int = 0) -> str:
        """An amount with its currency."""
        with speaking(self.language):
            return written.money(value, currency, digits)

    def amount(self, value: float | None, currency: str) -> str:
        """Money at the precision people speak of: no cents from 100 on."""
        return self.money(value, currency, 0 if abs(value or 0.0) >= 99.5 else 2)

    def tier(self, name: str) -> str:
        """A value tier's name; one we have no word for stands as it is."""
        with speaking(self.language):
            return self.texts.get(f"tier.{name}", name)

    def date(self, day: str | dt.date, *, year: bool = True) -> str:
        """A day in words, from a date or ISO text."""
        with speaking(self.language):
            return written.day(day, year=year)

    def month(self, day: dt.date) -> str:
        """The month's short name."""
        with speaking(self.language):
            return written.month(day)

    def span(self, value: float, unit: str) -> str:
        """A length of time in ``unit``: whole days, or weeks with one decimal."""
        return self.number(value, 0 if unit == "day" else 1)

    def units(self, unit: str) -> str:
        """The unit of time in the plural."""
        with speaking(self.language):
            return self.texts[unit + "s"]
