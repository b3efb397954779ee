"""What every spend family is: from what is known of a customer's purchases to what future ones are worth."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from clvmodels.models.arrays import NUMPY, Array, Ops
from clvmodels.models.base import Family
from clvmodels.models.multiples import Multiples

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class SpendFamily(Family):
    """How much a purchase is worth.

    Every method speaks of customers by the same letters, each a number or an array of shape (n,):

    x
        Purchases whose values are known, as the family counts them (`observed`); 0 is a customer of whom nothing is
        known.
    m
        Their mean, as the family takes it; ignored (may be NaN) where x is 0.
    n
        Number of future purchases; S is what they add up to.

    Results have shape (n,), or (draws, n) when the parameters are draws.
    """

    kind = "spend"

    first: ClassVar[bool]
    """Whether the value of the first purchase is used."""
    single: ClassVar[bool] = False
    """Whether single values are used, not their mean alone: then days without a positive value are left out."""
    columns: ClassVar[tuple[str, ...]]
    """The columns of ``Summary.frame`` that `observed` reads."""

    @classmethod
    @abstractmethod
    def observed(cls, frame: pd.DataFrame) -> tuple[Array, ...]:
        """What the family knows of each row of ``Summary.frame``: x, m, and what else the likelihood takes."""

    @abstractmethod
    def log_likelihood(self, x: ArrayLike, m: ArrayLike, *, ops: Ops = NUMPY) -> Any:
        """Logarithm of each customer's likelihood, in the given array library; 0 for x = 0."""

    @abstractmethod
    def score(self, x: ArrayLike, m: ArrayLike) -> Array:
        """Derivative of each customer's log-likelihood by each parameter: shape (parameters, n)."""

    @abstractmethod
    def expected_spend(self, x: ArrayLike, m: ArrayLike) -> Array:
        """Mean value of a future purchase; the population mean for x = 0."""

    @abstractmethod
    def leaning(self, x: ArrayLike, m: ArrayLike) -> Array:
        """By how much the mean value of a future purchase rises when the population's level of spend does.

        Its derivative by the logarithm of that level: all of it for x = 0, little for who has bought often.
        """

    def level(self, x: ArrayLike) -> Array:
        """The population's level of spend among those with x known purchases, relative to that at x = 1."""
        return np.ones(np.broadcast_shapes(np.shape(x), np.shape(next(iter(self.parameters.values())))))

    @abstractmethod
    def squares(self, x: ArrayLike, m: ArrayLike) -> tuple[Array, Array]:
        """a and b with E[S²] = a n² + b n; without meaning where the variance is infinite."""

    @abstractmethod
    def cdf_total(self, s: ArrayLike, n: ArrayLike, x: ArrayLike, m: ArrayLike) -> Array:
        """P(S ≤ s)."""

    @abstractmethod
    def sf_total(self, s: ArrayLike, n: ArrayLike, x: ArrayLike, m: ArrayLike) -> Array:
        """P(S > s)."""

    def mean_total(self, n: ArrayLike, x: ArrayLike, m: ArrayLike) -> Array:
        """Mean of the total value of n future purchases."""
        return np.asarray(np.asarray(n, float) * self.expected_spend(x, m))

    @abstractmethod
    def variance_total(self, n: ArrayLike, x: ArrayLike, m: ArrayLike) -> Array:
        """Variance of the total value of n future purchases; infinite where it does not exist."""

    @abstractmethod
    def sample(self, n: ArrayLike, x: ArrayLike, m: ArrayLike, *, seed: int | np.random.Generator) -> Array:
        """One simulated total value of n purchases per customer (and per draw)."""

    @abstractmethod
    def sample_values(self, x: ArrayLike, who: ArrayLike, *, seed: int | np.random.Generator) -> Array:
        """Simulated values of single purchases of new customers.

        Parameters
        ----------
        x
            Purchases of each customer, the first included.
        who
            For each purchase, the place of its customer in x.
        seed
            The same seed gives the same values.
        """

    @classmethod
    def typical(cls, x: ArrayLike, m: ArrayLike) -> Array:
        """In money, the mean that m is."""
        return np.asarray(m, float)

    @abstractmethod
    def sample_typical(self, x: ArrayLike, *, seed: int | np.random.Generator) -> Array:
        """`typical` of simulated new customers of whom x ≥ 1 purchases are known."""

    # What predictions of revenue are made of: S = reference × W, and W is distributed alike for all with the same x,
    # but for draws that do not agree on the reference. Where they do not, ``place`` says how.

    @abstractmethod
    def reference(self, x: ArrayLike, m: ArrayLike) -> Array:
        """Money of which future totals are multiples W, shape (n,): one for all draws."""

    @property
    @abstractmethod
    def alike(self) -> bool:
        """Whether W is distributed alike for all customers with the same x."""

    @abstractmethod
    def place(self, x: ArrayLike, m: ArrayLike) -> Array:
        """What W depends on besides x, smoothly, if not ``alike``: shape (n,)."""

    @abstractmethod
    def multiples(self, x: float, place: float | None = None) -> Multiples:
        """The distributions of W for x known purchases and n future ones."""

    @abstractmethod
    def decay(self, x: ArrayLike) -> Array:
        """P(S > s) falls like s to minus this (the least of all draws), and moments below it exist: shape (n,)."""
