"""BG/NBD: Poisson purchases, and after each one a coin that may end the relationship (Fader, Hardie & Lee 2005)."""

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
class BGNBD(RenewalFamily):
    """The BG/NBD model.

    A customer's purchase rate is λ ~ Gamma(r, α) per unit of time; after every purchase the customer drops out with
    probability p ~ Beta(a, b). A customer alive at T is a new customer with parameters (r + x, α + T, a, b + x), so
    every forecast is P(alive) times a new customer's.

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
    Fader, Hardie & Lee (2005), "Counting Your Customers" the Easy Way, Marketing Science 24(2), 275–284.

    Examples
    --------
    >>> model = BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)  # CDNOW, weeks; table 2
    >>> round(float(model.expected_purchases(39, 2, 30.43, 38.86)), 3)
    1.226
    >>> round(float(model.p_alive(26, 30.857, 31)), 3)  # customer 1516 of BTYD's vignette
    0.969
    >>> round(float(model.pmf(0, 39, 0, 0, 0)), 7)  # BTYD's manual
    0.5737864
    """

    name = "bgnbd"
    title = "BG/NBD"
    new: ClassVar[ModuleType] = new_customer

    r: Parameter
    alpha: Parameter
    a: Parameter
    b: Parameter

    def log_likelihood(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, ops: Ops = NUMPY) -> Any:
        """Log-likelihood of each pattern (eq. 6), as the likelihood of being alive over P(alive)."""
        x, t_x, T = (np.asarray(value, float) for value in (x, t_x, T))
        r, alpha, a, b = self.r, self.alpha, self.a, self.b

        def counts(k: Array) -> Any:
            return ops.log_rising(r, k) + ops.log_rising(b, k) - ops.log_rising(a + b, k)

        alive = per_distinct(counts, x) - r * ops.log1p(T / alpha) - x * ops.log(alpha + T)
        return alive + ops.where(x > 0, ops.logaddexp(0.0, self._log_odds(x, t_x, T, ops)), 0.0)  # − log P(alive)

    def rescale(self, factor: float) -> BGNBD:
        """The same model when time is counted in units ``factor`` times smaller: alpha · factor."""
        return BGNBD(self.r, self.alpha * factor, self.a, self.b)

    def _log_odds(self, x: Array, t_x: Array, T: Array, ops: Ops = NUMPY) -> Any:
        """Log odds of having dropped out, for x > 0."""
        after = self.b + np.maximum(x - 1, 0)
        return ops.log(self.a) - ops.log(after) + (self.r + x) * ops.log1p((T - t_x) / (self.alpha + t_x))

    def score(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Derivative of the log-likelihood by r, alpha, a, b: shape (4, n)."""
        x, t_x, T = (np.asarray(value, float) for value in (x, t_x, T))
        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        dead = self.p_dead(x, t_x, T)
        rise_r = per_distinct(lambda k: digamma_rise(r, k), x)
        rise_b = per_distinct(lambda k: digamma_rise(b, k), x)
        rise_ab = per_distinct(lambda k: digamma_rise(a + b, k), x)
        by_r = rise_r - np.log1p(T / alpha) + dead * np.log1p((T - t_x) / (alpha + t_x))
        by_alpha = (r * T / alpha - x) / (alpha + T) - dead * (r + x) * (T - t_x) / ((alpha + T) * (alpha + t_x))
        by_a = dead / a - rise_ab
        by_b = rise_b - rise_ab - dead / (b + np.maximum(x - 1, 0))
        return np.stack(np.broadcast_arrays(by_r, by_alpha, by_a, by_b))

    def p_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Probability of not having dropped out by T: 1 for x = 0, who had no occasion to."""
        x, t_x, T = (np.asarray(value, float) for value in (x, t_x, T))
        return np.where(x > 0, special.expit(-self._log_odds(x, t_x, T)), 1.0)

    def p_dead(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """1 − P(alive)."""
        x, t_x, T = (np.asarray(value, float) for value in (x, t_x, T))
        return np.where(x > 0, special.expit(self._log_odds(x, t_x, T)), 0.0)

    def updated(self, x: ArrayLike, T: ArrayLike, stage: Any = 0) -> tuple[Any, Any, Any, Any]:
        """Parameters of the new customer that a customer alive at T is."""
        x, T = np.asarray(x, float), np.asarray(T, float)
        return self.r + x, self.alpha + T, self.a, self.b + x
