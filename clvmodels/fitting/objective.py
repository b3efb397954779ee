"""What a fit needs of a likelihood: its sum over customers, with gradient and curvature, in well-behaved coordinates.

The families hold the formulas; `purchase_sums` and `spend_sums` arrange them for sums, in a few vector passes over a
million patterns: what depends on x alone is a sum over counts, what depends on T alone one over its distinct values.
Tests hold the sums equal to the families' own `log_likelihood` and `score`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, TypeAlias

from clvmodels.models import Family
from clvmodels.models.arrays import Array

Value: TypeAlias = tuple[float, Array, Array]
"""A log-likelihood, its gradient (k,) and its matrix of second derivatives (k, k)."""

BLOCK = 1 << 14
"""Patterns worked on at a time, so that the temporary vectors stay in the processor's cache."""
SIDE_BY_SIDE = 1 << 16
"""The same on two threads: work on shorter vectors ends so soon that they wait for Python's lock."""


@dataclass(frozen=True)
class Limit:
    """A coordinate that may run away, because the data do not hold it back on this side."""

    coordinate: int
    sign: Literal[1, -1]
    far: float
    """Past this distance it has run away once the likelihood is flat."""
    mutes: tuple[int, ...] = ()
    """Coordinates that mean nothing there: without dropout, how dropout varies."""


class Objective(Protocol):
    """A log-likelihood in working coordinates η, a linear shift of which any change of unit is."""

    family: ClassVar[type[Family]]
    limits: ClassVar[tuple[Limit, ...]]
    scale: float
    n_customers: int
    n_patterns: int
    n_per_draw: int
    """Numbers that `values` works through for each draw."""

    def __call__(self, eta: Array) -> Value:
        """Log-likelihood, gradient and Hessian at η, in standardised units."""

    def values(self, etas: Array) -> Array:
        """Log-likelihood alone at many η, shape (draws, k), but for a number that is the same for all of them.

        It is what importance weights need.
        """

    def rows(self) -> tuple[tuple[Array, ...], Array]:
        """The family's data columns in the analyst's units, and the number of customers on each row."""

    def starts(self) -> tuple[Array, ...]:
        """Deterministic starting values."""

    def thinned(self, step: int) -> Objective:
        """The same on every ``step``-th pattern."""

    def log_parameters(self, eta: Array) -> Array:
        """Logarithms of the family's parameters in the analyst's units."""

    def log_jacobian(self, eta: Array) -> Array:
        """Derivative of the log parameters by η, shape (k, k)."""

    def shift(self) -> float:
        """What to add to the log-likelihood for the analyst's units."""
