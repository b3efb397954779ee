"""Formulas as members of a blend: a customer's own rate goes on for ever, or nobody ever comes back."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from clvmodels.language import attribute
from clvmodels.models import new_immortal_customer
from clvmodels.models.arrays import NUMPY, Array, Ops, Parameter
from clvmodels.models.renewal import RenewalFamily

NEVER = 1e-9
"""The shape that stands for 0, of customers without an order that counts: they never buy."""


@dataclass(frozen=True)
class FormulaRate(RenewalFamily):
    """Orders / observed time × horizon, customer by customer, with the chance around it that a known history leaves.

    After n orders in T a customer's rate is Gamma(n, T): what Bayes' rule makes of a prior that knows nothing. Its mean
    is the formula's, n/T × horizon, and an observation below ``shortest`` counts as that long, as in the formula. It is
    fitted to nothing; what it is worth beside models is learned by a stack.

    Parameters
    ----------
    shortest
        Observations count as at least this long.
    first
        Whether the first order counts: 1, ``formula_customer``; or 0, ``formula_repeat``, which says that customers
        who have never come back never will.

    Examples
    --------
    >>> float(FormulaRate(shortest=13, first=1).expected_purchases(26, 2, 3, 30).round(3))  # (2 + 1) / 30 × 26
    2.6
    """

    name = "formula_rate"
    title = attribute("Formula")
    constant_names = ("first",)
    new: ClassVar[ModuleType] = new_immortal_customer

    shortest: Parameter
    first: int = 1

    @property
    def r(self) -> Any:
        """Shape of the rate of a customer of whom nothing is known but the first order."""
        return np.full(np.shape(self.shortest), max(float(self.first), NEVER))

    @property
    def alpha(self) -> Parameter:
        """Rate of that rate: the first order is taken to have been watched for the shortest time."""
        return self.shortest

    def log_likelihood(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, ops: Ops = NUMPY) -> Any:
        """0: a formula says nothing of the past."""
        return np.zeros(np.broadcast_shapes(*(np.shape(value) for value in (x, t_x, T))))

    def score(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """0: shape (1, n)."""
        return np.zeros((1, *np.broadcast_shapes(*(np.shape(value) for value in (x, t_x, T)))))

    def rescale(self, factor: float) -> FormulaRate:
        """The same formula when time is counted in units ``factor`` times smaller."""
        return FormulaRate(self.shortest * factor, self.first)

    def p_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """1: in a formula nobody ever leaves."""
        return np.ones(np.broadcast_shapes(*(np.shape(value) for value in (x, t_x, T, self.shortest))))

    def p_dead(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """0."""
        return np.zeros(np.broadcast_shapes(*(np.shape(value) for value in (x, t_x, T, self.shortest))))

    def updated(self, x: ArrayLike, T: ArrayLike, stage: Any = 0) -> tuple[Any, Any]:
        """Shape and rate of the customer's rate."""
        return np.maximum(np.asarray(x, float) + self.first, NEVER), np.maximum(np.asarray(T, float), self.shortest)


@dataclass(frozen=True)
class NobodyReturns(FormulaRate):
    """The heuristic ``zero`` as a member of a blend: everybody has bought for the last time, whatever they did before.

    With a weight it is the share of customers that is lost without a sign of it. Where customers come and go, a silence
    says little of who will be back, and the families that let customers leave read too much into it: they call the
    silent dead to get the total right. This member lowers the total and leaves the ranking to the others.

    Examples
    --------
    >>> float(NobodyReturns(shortest=13).expected_purchases(26, 2, 3, 30))
    0.0
    """

    name = "nobody_returns"
    title = attribute("Nobody buys again")

    @property
    def lost(self) -> float:
        """1."""
        return 1.0

    def rescale(self, factor: float) -> NobodyReturns:
        """The same when time is counted in units ``factor`` times smaller."""
        return NobodyReturns(self.shortest * factor, self.first)

    def p_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """0."""
        return super().p_dead(x, t_x, T)

    def p_dead(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """1."""
        return super().p_alive(x, t_x, T)
