"""What every family is: a frozen value whose fields are its parameters and whose methods are its formulas."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike

from clvmodels.errors import InputError
from clvmodels.models.arrays import NUMPY, Array, Counts, Ops, Parameter

FARTHEST = 650.0
"""Log parameters beyond this, which only the wildest draws propose, count as this: e^±650 are still numbers."""


@dataclass(frozen=True)
class Family(ABC):
    """A distribution over customers; fields are positive parameters: floats, or arrays of shape (draws, 1).

    Data arrays have shape (n,); results have shape (n,), or (draws, n) when the parameters are draws.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    kind: ClassVar[Literal["purchases", "spend"]]
    least: ClassVar[tuple[int, float] | None] = None
    """A parameter (its place) that means need to be above 1, and what it is held at where an estimate is not."""
    discrete: ClassVar[bool] = False
    """Whether time is counted in opportunities to buy, so that x, t_x, T and t must be whole numbers."""
    constant_names: ClassVar[tuple[str, ...]] = ()
    """Fields that are whole numbers and no parameters: they choose the family, and no posterior varies them."""

    def __post_init__(self) -> None:
        for name, value in self.parameters.items():
            if not isinstance(value, (int, float, np.ndarray)):
                continue  # symbolic: nothing to look at yet
            if not np.all(np.isfinite(value)) or not np.all(np.asarray(value) > 0):
                raise InputError(f"{self.title}: parameter {name} must be positive and finite, it is {value}.")

    @classmethod
    def parameter_names(cls) -> tuple[str, ...]:
        """Names of the parameters, in the order of every vector."""
        return tuple(field.name for field in fields(cls) if field.name not in cls.constant_names)

    @property
    def parameters(self) -> dict[str, Parameter]:
        """Parameters by name."""
        return {name: getattr(self, name) for name in self.parameter_names()}

    @property
    def constants(self) -> dict[str, int]:
        """The whole numbers that choose the family, by name; none in most families."""
        return {name: getattr(self, name) for name in self.constant_names}

    @classmethod
    def from_log(cls, vector: ArrayLike, constants: Mapping[str, int] | None = None) -> Self:
        """The family at log parameters: a vector of k, or a (draws, k) matrix; ``constants`` not given are defaults."""
        values = np.exp(np.clip(np.asarray(vector, float), -FARTHEST, FARTHEST))
        columns = values if values.ndim == 1 else values.T[..., None]
        parameters = (float(value) if values.ndim == 1 else value for value in columns)
        return cls(**dict(zip(cls.parameter_names(), parameters, strict=True)), **(constants or {}))

    def at(self, vector: ArrayLike) -> Self:
        """This family, with its constants, at other log parameters."""
        return type(self).from_log(vector, self.constants)

    @property
    def log_vector(self) -> Array:
        """Log parameters: shape (k,), or (draws, k)."""
        columns = [np.log(np.asarray(value, float)) for value in self.parameters.values()]
        if all(column.ndim == 0 for column in columns):
            return np.array(columns)
        return np.concatenate([column.reshape(-1, 1) for column in np.broadcast_arrays(*columns)], axis=1)

    @property
    def n_draws(self) -> int:
        """Number of parameter draws this value holds; 1 for an estimate."""
        return max(np.size(value) for value in self.parameters.values())

    @classmethod
    def to_line(cls, logs: ArrayLike) -> Array:
        """Log parameters as coordinates that may take any value: all of them are models whose means exist."""
        return np.array(logs, float)

    @classmethod
    def from_line(cls, values: ArrayLike) -> Array:
        """The inverse of `to_line`."""
        return np.array(values, float)

    @abstractmethod
    def rescale(self, factor: float) -> Self:
        """The same model when time (purchases) or money (spend) is counted in units ``factor`` times smaller."""


class Alive(Protocol):
    """What customers do next who are alive at T and in one stage of their family: functions of x and T only."""

    def expected_purchases(self, t: ArrayLike, x: ArrayLike, T: ArrayLike) -> Array:
        """Expected number of purchases in (T, T + t]."""

    def discounted_purchases(self, t: ArrayLike, x: ArrayLike, T: ArrayLike, *, delta: ArrayLike) -> Array:
        """Expected number of purchases in (T, T + t], one at T + s counting e^{−delta s}."""

    def p_active(self, t: ArrayLike, x: ArrayLike, T: ArrayLike) -> Array:
        """Probability of at least one purchase in (T, T + t]."""

    def survival(self, n: ArrayLike, t: ArrayLike, x: ArrayLike, T: ArrayLike) -> Array:
        """Probability of n or more purchases in (T, T + t]; n ≥ 1."""

    def survival_table(self, n_max: int, t: float, x: ArrayLike, T: ArrayLike) -> Array:
        """Probability of n or more purchases in (T, T + t], n = 0 … n_max, on a last axis; 1-d T, and x or one x."""


@dataclass(frozen=True)
class PurchaseFamily(Family):
    """When customers buy, and for how long.

    Three words make one road for every family from a customer's past to the future:

    a future
        = Σ over components c of weight(c) × mean over c's draws of [ Σ over stages j of P(alive in stage j | x, t_x, T)
        × what `alive(j)` says of (x, T) ].

    **Stages** (`stages`, `p_stages`, `alive`): what a customer alive at T does next depends on x and T, and on the
    stage that she is in at T. Most families have one; the clock of BG/CNBD-k has k, the ticks since the last purchase.
    Tables over the distinct (x, T) are made per stage; t_x, which only says how likely each stage is, mixes them.

    **Components** (`components`): a family is its own only component. A `Blend` of families has one for each member:
    each with a weight, with stages, and with draws of its own, as many as it likes. Means, quantiles, scores and all
    else in `clvmodels.outcomes` go through components and stages, and ask a purchase model for nothing but these and
    `pmf`.

    Every method speaks of customers by the same letters, each a number or an array of shape (n,):

    x
        Repeat purchases so far.
    t_x, T
        Time of the last purchase, and of the end of observation, since the customer's first; in the fit's unit.
    t
        Length of the future (T, T + t] that is asked about, in the same unit.

    x = t_x = T = 0 is a new customer. Results have shape (n,), or (draws, n) when the parameters are draws; nothing is
    infinite or NaN, however extreme x, the parameters and t are.
    """

    kind = "purchases"

    @property
    def lost(self) -> float:
        """Share of customers who never come back, each by chance and whatever they did: a blend may hold one."""
        return 0.0

    @abstractmethod
    def log_likelihood(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, ops: Ops = NUMPY) -> Any:
        """Logarithm of each customer's likelihood, in the given array library."""

    @abstractmethod
    def score(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Derivative of each customer's log-likelihood by each parameter: shape (parameters, n)."""

    @abstractmethod
    def p_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Probability that the customer has not dropped out by T."""

    @abstractmethod
    def p_active(self, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Probability of at least one purchase in (T, T + t]."""

    @abstractmethod
    def expected_purchases(self, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Expected number of purchases in (T, T + t]."""

    @abstractmethod
    def discounted_purchases(
        self, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, delta: ArrayLike
    ) -> Array:
        """Expected number of purchases in (T, T + t], one at T + s counting e^{−delta s}; see `Unit.delta`."""

    @abstractmethod
    def pmf(self, n: ArrayLike, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Probability of exactly n purchases in (T, T + t]."""

    @abstractmethod
    def survival(self, n: ArrayLike, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Probability of n or more purchases in (T, T + t]."""

    @property
    def stages(self) -> int:
        """How many stages a customer alive may be in."""
        return 1

    def p_stages(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Probability of being alive at T and in each stage, on a first axis: (stages, n), or (stages, draws, n).

        Its sum is `p_alive`.
        """
        return self.p_alive(x, t_x, T)[None]

    @abstractmethod
    def alive(self, stage: int = 0) -> Alive:
        """What customers do next who are alive at T and in that stage; the first is that of a purchase at T."""

    @property
    def components(self) -> tuple[tuple[float, PurchaseFamily], ...]:
        """Weights, which sum to 1, and the families they belong to: the family itself, unless it is a blend."""
        return ((1.0, self),)

    def survival_table(self, n_max: int, t: float, x: ArrayLike, T: ArrayLike) -> Array:
        """Probability of n or more purchases in (T, T + t] for customers alive at T in the first stage, n = 0 … n_max.

        Shape (k, n_max + 1), or (draws, k, n_max + 1); 1-d x and T. A family with a recurrence overrides this.
        """
        x, T = np.broadcast_arrays(np.asarray(x, float), np.asarray(T, float))
        n = np.arange(n_max + 1.0)
        many, since = np.repeat(x, n.size), np.repeat(T, n.size)
        seen = self.survival(np.tile(n, x.size), t, many, since, since)  # t_x = T: as alive as one can be
        table = np.asarray(seen / np.where(np.tile(n, x.size) > 0, self.p_alive(many, since, since), 1.0))
        return table.reshape(*table.shape[:-1], x.size, n.size)

    @abstractmethod
    def sample(
        self, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, seed: int | np.random.Generator
    ) -> Counts:
        """One simulated number of purchases in (T, T + t] per customer, and per draw."""

    @abstractmethod
    def sample_times(self, t: ArrayLike, *, seed: int | np.random.Generator) -> tuple[Counts, Array]:
        """Simulated repeat purchases of new customers, each observed for its own t.

        Two arrays, a purchase per entry: the place of its customer in t, and its time since that customer's first
        purchase; sorted by both.
        """
