"""Sums to twelve digits: engines add in any order, and what differs beyond these is the same money."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

DIGITS = 12


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
        # A power of ten up to the 22nd is exact, so that the quotient is the decimal nearest to the amount.
        up = 10.0 ** np.clip(places, 0, 22)
        down = 10.0 ** np.clip(-places, 0, 300)
        rounded = np.rint(values / down * up) / up * down
    return np.where(np.isfinite(places) & (places <= 22), rounded, values)
