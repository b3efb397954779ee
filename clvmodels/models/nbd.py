"""NBD: customers differ in how often they buy, and nobody ever leaves; the bar that a model with dropout must clear."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from clvmodels.models import new_immortal_customer
from clvmodels.models.arrays import NUMPY, Array, Ops, Parameter, digamma_rise, per_distinct
from clvmodels.models.renewal import RenewalFamily


@dataclass(frozen=True)
class NBD(RenewalFamily):
    """The negative binomial model, without dropout.

    A customer's purchase rate is λ ~ Gamma(r, α) per unit of time, for ever. After x purchases in T it is
    Gamma(r + x, α + T); when the last one was says nothing.

    Parameters
    ----------
    r, alpha
        Shape and rate of the purchase rates: on average r / alpha purchases per unit of time. alpha is a time.

    Raises
    ------
    InputError
        If a parameter is not positive and finite.

    References
    ----------
    Ehrenberg (1959), The Pattern of Consumer Purchases, Applied Statistics 8(1), 26–41.

    Examples
    --------
    >>> model = NBD(r=0.5, alpha=10)
    >>> float(model.expected_purchases(20, 2, 3, 30))  # (0.5 + 2) / (10 + 30) purchases a week
    1.25
    """

    name = "nbd"
    title = "NBD"
    new: ClassVar[ModuleType] = new_immortal_customer

    r: Parameter
    alpha: Parameter

    def log_likelihood(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, ops: Ops = NUMPY) -> Any:
        """Log-likelihood of each pattern's purchase times; it does not depend on t_x."""
        x, T = np.asarray(x, float), np.asarray(T, float)
        rise = per_distinct(lambda k: ops.log_rising(self.r, k), x)
        return rise - self.r * ops.log1p(T / self.alpha) - x * ops.log(self.alpha + T)

    def rescale(self, factor: float) -> NBD:
        """The same model when time is counted in units ``factor`` times smaller: alpha · factor."""
        return NBD(self.r, self.alpha * factor)

    def score(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Derivative of the log-likelihood by r and alpha: shape (2, n)."""
        x, T = np.asarray(x, float), np.asarray(T, float)
        by_r = per_distinct(lambda k: digamma_rise(self.r, k), x) - np.log1p(T / self.alpha)
        return np.stack(np.broadcast_arrays(by_r, (self.r * T / self.alpha - x) / (self.alpha + T)))

    def p_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """1: nobody ever leaves."""
        return np.ones(np.broadcast_shapes(*(np.shape(value) for value in (x, t_x, T, self.r))))

    def p_dead(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """0."""
        return np.zeros(np.broadcast_shapes(*(np.shape(value) for value in (x, t_x, T, self.r))))

    def updated(self, x: ArrayLike, T: ArrayLike, stage: Any = 0) -> tuple[Any, Any]:
        """Parameters of the new customer that a known one is."""
        return self.r + np.asarray(x, float), self.alpha + np.asarray(T, float)
