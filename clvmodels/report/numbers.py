"""Numbers and dates as people read them: rounded, with their unit, and a dash where there is none."""

from __future__ import annotations

import datetime as dt
import math

MISSING = "–"
MINUS = "−"
_JOINER = "\u2060"  # no line may end between a minus sign and a currency
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "BRL": "R$\u00a0", "JPY": "¥"}
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def known(value: float | None) -> bool:
    """Whether there is a finite number to print."""
    return value is not None and math.isfinite(value)


def _signed(text: str, value: float, *, sign: bool) -> str:
    """A true minus sign, and a plus where the direction is the message; a rounded zero has no sign."""
    if not any(digit in text for digit in "123456789"):
        return text
    mark = MINUS if value < 0 else "+" if sign else ""
    return mark + (_JOINER if mark and not text[0].isdigit() else "") + text


def count(value: float | None) -> str:
    """A whole number.

    Examples
    --------
    >>> count(23569.6), count(None)
    ('23,570', '–')
    """
    return _signed(f"{abs(value):,.0f}", value, sign=False) if value is not None and known(value) else MISSING


def decimal(value: float | None, digits: int = 2, *, sign: bool = False) -> str:
    """A number with a fixed number of decimals.

    Examples
    --------
    >>> decimal(-0.1234), decimal(1.5, 1, sign=True), decimal(-0.001)
    ('−0.12', '+1.5', '0.00')
    """
    return _signed(f"{abs(value):,.{digits}f}", value, sign=sign) if value is not None and known(value) else MISSING


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
        return f"{value:.{digits - 1}e}".replace("-", MINUS)
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return decimal(value, decimals)


def percent(fraction: float | None, digits: int = 1, *, sign: bool = False) -> str:
    """A fraction as a percentage; a thousand and more without decimals.

    Examples
    --------
    >>> percent(0.418), percent(-0.192, sign=True), percent(1.656, sign=True), percent(25.0, sign=True)
    ('41.8%', '−19.2%', '+165.6%', '+2,500%')
    """
    if fraction is None or not known(fraction):
        return MISSING
    return decimal(100 * fraction, digits if abs(fraction) < 10 else 0, sign=sign) + "%"


def rate(fraction: float | None) -> str:
    """A percentage that somebody chose: as many decimals as it has, at most two.

    Examples
    --------
    >>> rate(0.1), rate(0.125), rate(1.0)
    ('10%', '12.5%', '100%')
    """
    text = percent(fraction, 2)
    return text[:-1].rstrip("0").rstrip(".") + "%" if "." in text else text


def points(fraction: float | None, *, sign: bool = True) -> str:
    """A difference of two percentages, in percentage points."""
    return MISSING if fraction is None or not known(fraction) else decimal(100 * fraction, 1, sign=sign) + "\u00a0pp"


def money(value: float | None, currency: str, *, sign: bool = False) -> str:
    """An amount with its currency: cents below a thousand, whole units above.

    Examples
    --------
    >>> money(35.174, "USD"), money(776961.2, "USD"), money(12.5, "SEK"), money(-8, "EUR")
    ('$35.17', '$776,961', 'SEK\\xa012.50', '−\\u2060€8.00')
    """
    if value is None or not known(value):
        return MISSING
    symbol = _SYMBOLS.get(currency, currency + "\u00a0" if currency else "")
    return _signed(symbol + f"{abs(value):,.{2 if abs(value) < 1000 else 0}f}", value, sign=sign)


def day(date: dt.date | str | None) -> str:
    """A calendar day.

    Examples
    --------
    >>> day(dt.date(1997, 9, 30)), day("1998-07-01")
    ('30 Sep 1997', '1 Jul 1998')
    """
    if date is None:
        return MISSING
    when = dt.date.fromisoformat(date[:10]) if isinstance(date, str) else date
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}"


def listing(items: list[str]) -> str:
    """Words in a row.

    Examples
    --------
    >>> listing(["a"]), listing(["a", "b"]), listing(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)
