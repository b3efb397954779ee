"""MBG/CNBD-k: MBG/NBD for regular buyers; BG/CNBD-k with a coin at the first purchase as well."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clvmodels.models.arrays import Array
from clvmodels.models.ticking import TickingFamily


@dataclass(frozen=True)
class MBGCNBD(TickingFamily):
    """The MBG/CNBD-k model.

    A customer's clock ticks at a rate λ ~ Gamma(r, α) per unit of time, and every k-th tick is a purchase; after every
    purchase, the first one included, the customer drops out with probability p ~ Beta(a, b). With k = 1 it is MBG/NBD.

    Parameters
    ----------
    r, alpha
        Shape and rate of the rates of ticks: on average r / (k alpha) purchases per unit of time. alpha is a time.
    a, b
        Shapes of the dropout probabilities: on average a / (a + b).
    k
        Ticks to a purchase, a whole number: the coefficient of variation of times between purchases is 1 / √k.

    Raises
    ------
    InputError
        If a parameter is not positive and finite, or k no whole number.

    References
    ----------
    Platzer & Reutterer (2016), Ticking Away the Moments: Timing Regularity Helps to Better Predict Customer Activity,
    Marketing Science 35(5), 779–799; Reutterer, Platzer & Schröder (2021), Leveraging purchase regularity for
    predicting customer behavior the easy way, International Journal of Research in Marketing 38(1), 194–215.

    Examples
    --------
    >>> model = MBGCNBD(r=0.6, alpha=3, a=0.8, b=2.4, k=3)
    >>> [round(float(model.p_alive(0, 0, T)), 2) for T in (0, 20, 40)]  # a one-time buyer can be gone
    [0.75, 0.62, 0.55]
    """

    name = "mbgcnbd"
    title = "MBG/CNBD-k"

    @classmethod
    def coins(cls, x: Array) -> Array:
        """One at every purchase."""
        return np.asarray(x, float) + 1
