"""MBG/NBD: BG/NBD with a coin at the first purchase as well, so that one-time buyers can be gone, too."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from clvmodels.models import new_customer
from clvmodels.models.arrays import NUMPY, Array, Ops, Parameter, digamma_rise, per_distinct
from clvmodels.models.renewal import RenewalFamily


@dataclass(frozen=True)
class MBGNBD(RenewalFamily):
    """The modified BG/NBD model.

    A customer's purchase rate is λ ~ Gamma(r, α) per unit of time; after every purchase, the first one included, the
    customer drops out with probability p ~ Beta(a, b). A customer alive at T is a new BG/NBD customer with parameters
    (r + x, α + T, a, b + x + 1): not a new MBG/NBD customer, who would toss the coin of the first purchase again.

    Parameters
    ----------
    r, alpha
        Shape and rate of the purchase rates: on average r / alpha purchases per unit of time. alpha is a time.
    a, b
        Shapes of the dropout probabilities: on average a / (a + b).

    Raises
    ------
    InputError
        If a parameter is not positive and finite.

    References
    ----------
    Batislam, Denizel & Filiztekin (2007), Empirical validation and comparison of models for customer base analysis,
    International Journal of Research in Marketing 24(3), 201–209.

    Examples
    --------
    >>> model = MBGNBD(r=0.525, alpha=6.183, a=0.891, b=1.614)  # CDNOW, weeks
    >>> round(float(model.p_alive(0, 0, 39)), 3)  # a one-time buyer of nine months ago; BG/NBD says 1
    0.389
    >>> model = MBGNBD(r=0.25, alpha=4, a=0.8, b=2.5)  # from the tests of pymc-marketing
    >>> round(float(model.log_likelihood(0, 0, 40)), 8)
    -0.41792826
    """

    name = "mbgnbd"
    title = "MBG/NBD"
    new: ClassVar[ModuleType] = new_customer

    r: Parameter
    alpha: Parameter
    a: Parameter
    b: Parameter

    def log_likelihood(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, ops: Ops = NUMPY) -> Any:
        """Log-likelihood of each pattern, as the likelihood of being alive over P(alive)."""
        x, t_x, T = (np.asarray(value, float) for value in (x, t_x, T))
        r, alpha, a, b = self.r, self.alpha, self.a, self.b

        def counts(k: Array) -> Any:
            return ops.log_rising(r, k) + ops.log_rising(b, k + 1) - ops.log_rising(a + b, k + 1)

        alive = per_distinct(counts, x) - r * ops.log1p(T / alpha) - x * ops.log(alpha + T)
        return alive + ops.logaddexp(0.0, self._log_odds(x, t_x, T, ops))  # − log P(alive)

    def rescale(self, factor: float) -> MBGNBD:
        """The same model when time is counted in units ``factor`` times smaller: alpha · factor."""
        return MBGNBD(self.r, self.alpha * factor, self.a, self.b)

    def _log_odds(self, x: Array, t_x: Array, T: Array, ops: Ops = NUMPY) -> Any:
        """Log odds of having dropped out."""
        return ops.log(self.a) - ops.log(self.b + x) + (self.r + x) * ops.log1p((T - t_x) / (self.alpha + t_x))

    def score(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Derivative of the log-likelihood by r, alpha, a, b: shape (4, n)."""
        x, t_x, T = (np.asarray(value, float) for value in (x, t_x, T))
        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        dead = self.p_dead(x, t_x, T)
        rise_r = per_distinct(lambda k: digamma_rise(r, k), x)
        rise_b = per_distinct(lambda k: digamma_rise(b, k + 1), x)
        rise_ab = per_distinct(lambda k: digamma_rise(a + b, k + 1), x)
        by_r = rise_r - np.log1p(T / alpha) + dead * np.log1p((T - t_x) / (alpha + t_x))
        by_alpha = (r * T / alpha - x) / (alpha + T) - dead * (r + x) * (T - t_x) / ((alpha + T) * (alpha + t_x))
        by_a = dead / a - rise_ab
        by_b = rise_b - rise_ab - dead / (b + x)
        return np.stack(np.broadcast_arrays(by_r, by_alpha, by_a, by_b))

    def p_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Probability of not having dropped out by T: less than 1 for everybody, one-time buyers included."""
        x, t_x, T = (np.asarray(value, float) for value in (x, t_x, T))
        return np.asarray(special.expit(-self._log_odds(x, t_x, T)))

    def p_dead(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """1 − P(alive)."""
        x, t_x, T = (np.asarray(value, float) for value in (x, t_x, T))
        return np.asarray(special.expit(self._log_odds(x, t_x, T)))

    def updated(self, x: ArrayLike, T: ArrayLike, stage: Any = 0) -> tuple[Any, Any, Any, Any]:
        """Parameters of the new BG/NBD customer that a customer alive at T is."""
        x, T = np.asarray(x, float), np.asarray(T, float)
        return self.r + x, self.alpha + T, self.a, self.b + x + 1
