"""Numbers, dates and lists as people read them in the language that is spoken: rounded, with unit, a dash for none.

The one road from a number to a text for readers. Separators, signs of currencies and the order of a date come from
Babel's data on the language (:mod:`clvmodels.language`); how many digits are worth reading is decided here.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from decimal import Decimal

from clvmodels.language import gettext, locale, pgettext

MISSING = "–"
MINUS = "−"
_JOINER = "\u2060"  # no line may end between a minus sign and a currency
_DAY, _DAY_MONTH = {"en": "d MMM y"}, {"en": "d MMM", "pt": "d 'de' MMM"}


def known(value: float | None) -> bool:
    """Whether there is a finite number to print."""
    return value is not None and math.isfinite(value)


def _signed(text: str, value: float, *, sign: bool) -> str:
    """A true minus sign, and a plus where the direction is the message; a rounded zero has no sign."""
    if not any(digit in text for digit in "123456789"):
        return text
    mark = MINUS if value < 0 else "+" if sign else ""
    return mark + (_JOINER if mark and not text[0].isdigit() else "") + text


def _size(value: float, digits: int) -> str:
    """The number without its sign, rounded as Python rounds, laid out as the language does."""
    from babel.numbers import format_decimal

    pattern = "#,##0." + "0" * digits if digits else "#,##0"
    return str(format_decimal(Decimal(f"{abs(value):.{digits}f}"), pattern, locale=locale()))


def count(value: float | None) -> str:
    """A whole number.

    Examples
    --------
    >>> count(23569.6), count(None)
    ('23,570', '–')
    """
    return decimal(value, 0)


def decimal(value: float | None, digits: int = 2, *, sign: bool = False) -> str:
    """A number with a fixed number of decimals.

    Examples
    --------
    >>> decimal(-0.1234), decimal(1.5, 1, sign=True), decimal(-0.001)
    ('−0.12', '+1.5', '0.00')
    >>> from clvmodels.language import speaking
    >>> with speaking("pt-BR"):
    ...     decimal(-1234.5)
    '−1.234,50'
    """
    return _signed(_size(value, digits), value, sign=sign) if value is not None and known(value) else MISSING


def significant(value: float | None, digits: int = 3) -> str:
    """A number with a fixed number of significant digits, never in exponent form short of a million million.

    Examples
    --------
    >>> significant(0.24259), significant(15.4434, 4), significant(1234.5), significant(0.0), significant(0.00001234)
    ('0.243', '15.44', '1,234', '0', '0.0000123')
    """
    if value is None or not known(value):
        return MISSING
    if value == 0:
        return "0"
    if not 1e-6 <= abs(value) < 1e12:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{decimal(float(mantissa), digits - 1)}e{exponent.replace('-', MINUS)}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return decimal(value, decimals)


def general(value: float, digits: int = 3) -> str:
    """At most so many significant digits, in exponent form where Python's ``g`` would use it: for diagnostics.

    Examples
    --------
    >>> general(0.2431), general(1200.0, 2), general(3.1e-8, 1), general(7.0)
    ('0.243', '1.2e+03', '3e−08', '7')
    """
    from babel.numbers import get_decimal_symbol

    return f"{value:.{digits}g}".replace(".", get_decimal_symbol(locale())).replace("-", MINUS)


def percent(fraction: float | None, digits: int = 1, *, sign: bool = False) -> str:
    """A fraction as a percentage; a thousand and more without decimals.

    Examples
    --------
    >>> percent(0.418), percent(-0.192, sign=True), percent(1.656, sign=True), percent(25.0, sign=True)
    ('41.8%', '−19.2%', '+165.6%', '+2,500%')
    """
    if fraction is None or not known(fraction):
        return MISSING
    text = _size(100 * fraction, digits if abs(fraction) < 10 else 0)
    return _signed(text, fraction, sign=sign) + "%"  # without a space in both languages


def rate(fraction: float | None) -> str:
    """A percentage that somebody chose: as many decimals as it has, at most two.

    Examples
    --------
    >>> rate(0.1), rate(0.125), rate(1.0)
    ('10%', '12.5%', '100%')
    """
    if fraction is None or not known(fraction):
        return MISSING
    digits = next((n for n in (0, 1) if abs(round(100 * fraction, n) - 100 * fraction) < 0.005), 2)
    return percent(fraction, digits)


def points(fraction: float | None, *, sign: bool = True) -> str:
    """A difference of two percentages, in percentage points."""
    if fraction is None or not known(fraction):
        return MISSING
    return decimal(100 * fraction, 1, sign=sign) + "\u00a0" + pgettext("percentage points", "pp")


def money(value: float | None, currency: str, digits: int | None = None, *, sign: bool = False) -> str:
    """An amount with its currency: cents below a thousand, whole units above, or as many ``digits`` as asked for.

    Examples
    --------
    >>> money(35.174, "USD"), money(776961.2, "USD"), money(12.5, "SEK"), money(-8, "EUR")
    ('$35.17', '$776,961', 'SEK\\xa012.50', '−\\u2060€8.00')
    >>> from clvmodels.language import speaking
    >>> with speaking("pt-BR"):
    ...     money(1234.56, "BRL", 2), money(35.174, "USD")
    ('R$\\xa01.234,56', 'US$\\xa035,17')
    """
    if value is None or not known(value):
        return MISSING
    digits = (2 if abs(value) < 1000 else 0) if digits is None else digits
    return _signed(_symbol(currency) + _size(value, digits), value, sign=sign)


def amounts(values: Sequence[float | None], currency: str) -> list[str]:
    """Amounts that stand together, a column or the ends of an interval: cents only where none reaches a thousand.

    Examples
    --------
    >>> amounts([972.92, 7334.1], "USD"), amounts([0.37, 1.93, None], "USD")
    (['$973', '$7,334'], ['$0.37', '$1.93', '–'])
    """
    large = any(value is not None and known(value) and abs(value) >= 1000 for value in values)
    return [money(value, currency, 0 if large else 2) for value in values]


def _symbol(currency: str) -> str:
    """What stands before an amount: in both languages the sign of the currency, apart from it if it has letters."""
    from babel.numbers import get_currency_symbol

    if not currency:
        return ""
    symbol = str(get_currency_symbol(currency, locale=locale()))
    spaced = "\u00a0" in locale().currency_formats["standard"].pattern
    return symbol + ("\u00a0" if spaced or any(letter.isalpha() for letter in symbol) else "")


def day(date: dt.date | str | None, *, year: bool = True) -> str:
    """A calendar day.

    Examples
    --------
    >>> day(dt.date(1997, 9, 30)), day("1998-07-01"), day("1998-07-01", year=False)
    ('30 Sep 1997', '1 Jul 1998', '1 Jul')
    >>> from clvmodels.language import speaking
    >>> with speaking("pt-BR"):
    ...     day("1997-09-30")
    '30 de set. de 1997'
    """
    from babel.dates import format_date

    if date is None:
        return MISSING
    when = dt.date.fromisoformat(date[:10]) if isinstance(date, str) else date
    patterns = _DAY if year else _DAY_MONTH
    return str(format_date(when, patterns.get(locale().language, "medium"), locale=locale()))


def month(date: dt.date) -> str:
    """A month's short name, standing alone: on an axis.

    Examples
    --------
    >>> month(dt.date(1997, 9, 30))
    'Sep'
    """
    from babel.dates import format_date

    return str(format_date(date, "LLL", locale=locale())).rstrip(".")


def choice(items: Sequence[str]) -> str:
    """What one may choose from.

    Examples
    --------
    >>> choice(["en", "pt-BR"])
    'en or pt-BR'
    """
    return pgettext("a choice of words", " or ").join(items)


def between(lower: str, upper: str) -> str:
    """An interval, from its ends as they are written."""
    return gettext("{lower} to {upper}").format(lower=lower, upper=upper)


def listing(items: Sequence[str]) -> str:
    """Words in a row.

    Examples
    --------
    >>> listing(["a"]), listing(["a", "b"]), listing(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    if len(items) < 2:
        return "".join(items)
    return pgettext("a list of words", "{words} and {last}").format(words=", ".join(items[:-1]), last=items[-1])
