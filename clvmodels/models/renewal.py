"""The idea that carries the families: a customer alive at T is a new customer with updated parameters."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from clvmodels.models.arrays import Array, Counts
from clvmodels.models.base import Alive, PurchaseFamily


@dataclass(frozen=True)
class AliveCustomers:
    """Customers alive in a stage: new customers of their family with updated parameters."""

    family: RenewalFamily
    stage: int

    def _updated(self, x: ArrayLike, T: ArrayLike) -> tuple[Any, ...]:
        return self.family.updated(x, T, self.stage)

    def expected_purchases(self, t: ArrayLike, x: ArrayLike, T: ArrayLike) -> Array:
        """Expected number of purchases in (T, T + t]."""
        return np.asarray(self.family.new.mean(np.asarray(t, float), *self._updated(x, T)))

    def discounted_purchases(self, t: ArrayLike, x: ArrayLike, T: ArrayLike, *, delta: ArrayLike) -> Array:
        """Expected discounted number of purchases in (T, T + t]."""
        t, delta = np.asarray(t, float), np.asarray(delta, float)
        return np.asarray(self.family.new.discounted(t, *self._updated(x, T), delta))

    def p_active(self, t: ArrayLike, x: ArrayLike, T: ArrayLike) -> Array:
        """Probability of at least one purchase in (T, T + t]."""
        return np.asarray(self.family.new.some(np.asarray(t, float), *self._updated(x, T)))

    def survival(self, n: ArrayLike, t: ArrayLike, x: ArrayLike, T: ArrayLike) -> Array:
        """Probability of n or more purchases in (T, T + t]; n ≥ 1."""
        return np.asarray(self.family.new.survival(np.asarray(n, float), np.asarray(t, float), *self._updated(x, T)))

    def survival_table(self, n_max: int, t: float, x: ArrayLike, T: ArrayLike) -> Array:
        """Probability of n or more purchases in (T, T + t], n = 0 … n_max, all at once."""
        return np.asarray(self.family.new.survival_table(n_max, t, *self._updated(x, T)))


@dataclass(frozen=True)
class RenewalFamily(PurchaseFamily):
    """A family whose forecasts are P(alive) times those of a new customer, each formula written once.

    With stages they are a sum over them: P(alive in stage j) times those of a new customer in stage j.
    """

    new: ClassVar[ModuleType]
    """The new customer's formulas: mean, some, none, survival, survival_table, pmf, discounted and story."""

    @abstractmethod
    def updated(self, x: ArrayLike, T: ArrayLike, stage: Any = 0) -> tuple[Any, ...]:
        """Parameters of the new customer that a customer alive at T is, in that stage."""

    @abstractmethod
    def p_dead(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """1 − P(alive), to the last digit also where it is tiny."""

    def alive(self, stage: int = 0) -> Alive:
        """What customers do next who are alive at T and in that stage."""
        return AliveCustomers(self, stage)

    def _over_stages(self, formula: Callable[..., Any], x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Any:
        """Σ over stages of P(alive in it) × a formula of the updated parameters."""
        return sum(p * formula(*self.updated(x, T, stage)) for stage, p in enumerate(self.p_stages(x, t_x, T)))

    def p_active(self, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Probability of at least one purchase in (T, T + t]."""
        return np.asarray(self._over_stages(partial(self.new.some, np.asarray(t, float)), x, t_x, T))

    def expected_purchases(self, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Expected number of purchases in (T, T + t]."""
        return np.asarray(self._over_stages(partial(self.new.mean, np.asarray(t, float)), x, t_x, T))

    def survival(self, n: ArrayLike, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Probability of n or more purchases in (T, T + t]."""
        n = np.asarray(n, float)
        tail = partial(self.new.survival, np.maximum(n, 1), np.asarray(t, float))
        return np.where(n > 0, self._over_stages(tail, x, t_x, T), 1.0)

    def survival_table(self, n_max: int, t: float, x: ArrayLike, T: ArrayLike) -> Array:
        """Probability of n or more purchases in (T, T + t] for customers alive at T in the first stage, all at once."""
        return self.alive().survival_table(n_max, t, x, T)

    def pmf(self, n: ArrayLike, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Probability of exactly n purchases in (T, T + t]."""
        x, t_x, T, n, t = (np.asarray(value, float) for value in (x, t_x, T, n, t))
        some = self._over_stages(partial(self.new.pmf, np.maximum(n, 1), t), x, t_x, T)
        none = self.p_dead(x, t_x, T) + self._over_stages(partial(self.new.none, t), x, t_x, T)
        return np.where(n > 0, some, np.where(n == 0, none, 0.0))

    def discounted_purchases(
        self, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, delta: ArrayLike
    ) -> Array:
        """Expected discounted number of purchases in (T, T + t], at the continuous rate ``delta`` per unit of time."""
        t, delta = np.asarray(t, float), np.asarray(delta, float)
        return np.asarray(self._over_stages(lambda *new: self.new.discounted(t, *new, delta), x, t_x, T))

    def sample(
        self, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, seed: int | np.random.Generator
    ) -> Counts:
        """One simulated number of purchases in (T, T + t] per customer (and per draw)."""
        rng = np.random.default_rng(seed)
        p_alive = self.p_alive(x, t_x, T)
        wanted, last, _ = self.new.story(np.asarray(t, float), *self.updated(x, T), rng)
        alive = rng.random(np.broadcast_shapes(wanted.shape, p_alive.shape)) < p_alive
        return np.where(alive, np.minimum(wanted, last), 0)

    def sample_times(self, t: ArrayLike, *, seed: int | np.random.Generator) -> tuple[Counts, Array]:
        """Repeat purchases of new customers, each observed for its own t: customer indices and times, in order."""
        rng = np.random.default_rng(seed)
        t = np.atleast_1d(np.asarray(t, float))
        wanted, last, until = self.new.story(t, *self.updated(0, 0), rng)
        if (stays := float(self.p_alive(0, 0, 0))) < 1:
            wanted = np.where(rng.random(wanted.shape) < stays, wanted, 0)
        customer = np.repeat(np.arange(t.size), wanted)
        times = rng.random(customer.size) * until[customer]
        order = np.lexsort((times, customer))  # a Poisson process given its count is sorted uniforms
        customer, times = customer[order], times[order]
        rank = np.arange(customer.size) - np.repeat(np.cumsum(wanted) - wanted, wanted)
        kept = rank < last[customer]
        return customer[kept], times[kept]
