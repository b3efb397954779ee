"""BG/CNBD-k: BG/NBD for regular buyers, whose times between purchases are Erlang-k (Platzer & Reutterer)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clvmodels.models.arrays import Array
from clvmodels.models.ticking import TickingFamily


@dataclass(frozen=True)
class BGCNBD(TickingFamily):
    """The BG/CNBD-k model.

    A customer's clock ticks at a rate λ ~ Gamma(r, α) per unit of time, and every k-th tick is a purchase; after every
    repeat purchase the customer drops out with probability p ~ Beta(a, b). With k = 1 it is BG/NBD; the larger k, the
    more regularly customers buy, and the sooner a silence tells that they have left.

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
    Reutterer, Platzer & Schröder (2021), Leveraging purchase regularity for predicting customer behavior the easy way,
    International Journal of Research in Marketing 38(1), 194–215.

    Examples
    --------
    >>> model = BGCNBD(r=0.6, alpha=3, a=0.8, b=2.4, k=3)  # some four purchases, each a month after the last; silence
    >>> [round(float(model.p_alive(4, 16, T)), 2) for T in (20, 26, 32)]
    [0.78, 0.34, 0.07]
    """

    name = "bgcnbd"
    title = "BG/CNBD-k"

    @classmethod
    def coins(cls, x: Array) -> Array:
        """One at every repeat purchase."""
        return np.asarray(x, float)
