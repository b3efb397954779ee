"""Sums to twelve digits: engines add in any order, and what differs beyond these is the same money."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

DIGITS = 12
_UP, _DOWN = (np.array([float(f"1e{place}") for place in range(last)]) for last in (23, 310 - DIGITS))
"""Powers of ten; up to the 22nd they are exact, so that a quotient by one is the decimal nearest to the amount."""


def steady(amounts: Any) -> NDArray[np.float64]:
    """Amounts rounded to 12 significant digits, so that equal money is equal to the last bit.

    Sums of cents differ in their sixteenth digit from engine to engine, and from one reading to the next on several
    threads; what is fitted to them would, too.

    Examples
    --------
    >>> steady([0.1 + 0.2, 0.3, 1 / 3e5, -19.98, float("nan"), 0.0]).tolist()
    [0.3, 0.3, 3.33333333333e-06, -19.98, nan, 0.0]
    """
    values = np.asarray(amounts, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        places = DIGITS - 1 - np.floor(np.log10(np.abs(values)))
    known = np.isfinite(places) & (places < _UP.size)
    place = np.where(known, places, 0).astype(np.intp)
    up = _UP.take(place, mode="clip")
    if place.size and place.min() < 0:
        down = _DOWN.take(-place, mode="clip")
        rounded = np.rint(values / down * up) / up * down
    else:
        rounded = np.rint(values * up) / up
    return np.where(known, rounded, values)
