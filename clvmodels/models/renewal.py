"""The idea that carries the families: a customer alive at T is a new customer with updated parameters."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from clvmodels.models.arrays import Array, Counts
from clvmodels.models.base import PurchaseFamily


@dataclass(frozen=True)
class RenewalFamily(PurchaseFamily):
    """A family whose forecasts are P(alive) times those of a new customer, each formula written once."""

    new: ClassVar[ModuleType]
    """The new customer's formulas: mean, some, none, survival, survival_table, pmf, discounted and story."""

    @abstractmethod
    def updated(self, x: ArrayLike, T: ArrayLike) -> tuple[Any, ...]:
        """Parameters of the new customer that a customer alive at T is."""

    @abstractmethod
    def p_dead(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """1 − P(alive), to the last digit also where it is tiny."""

    def p_active(self, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Probability of at least one purchase in (T, T + t]."""
        some = self.new.some(np.asarray(t, float), *self.updated(x, T))
        return np.asarray(self.p_alive(x, t_x, T) * some)

    def expected_purchases(self, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Expected number of purchases in (T, T + t]."""
        return np.asarray(self.p_alive(x, t_x, T) * self.new.mean(np.asarray(t, float), *self.updated(x, T)))

    def survival(self, n: ArrayLike, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Probability of n or more purchases in (T, T + t]."""
        n = np.asarray(n, float)
        tail = self.new.survival(np.maximum(n, 1), np.asarray(t, float), *self.updated(x, T))
        return np.where(n > 0, self.p_alive(x, t_x, T) * tail, 1.0)

    def survival_table(self, n_max: int, t: float, x: ArrayLike, T: ArrayLike) -> Array:
        """Probability of n or more purchases in (T, T + t] for customers alive at T, n = 0 … n_max, all at once."""
        return np.asarray(self.new.survival_table(n_max, t, *self.updated(x, T)))

    def pmf(self, n: ArrayLike, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Probability of exactly n purchases in (T, T + t]."""
        x, t_x, T, n, t = (np.asarray(value, float) for value in (x, t_x, T, n, t))
        parameters = self.updated(x, T)
        p_alive = self.p_alive(x, t_x, T)
        some = p_alive * self.new.pmf(np.maximum(n, 1), t, *parameters)
        none = self.p_dead(x, t_x, T) + p_alive * self.new.none(t, *parameters)
        return np.where(n > 0, some, np.where(n == 0, none, 0.0))

    def discounted_purchases(
        self, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, delta: ArrayLike
    ) -> Array:
        """Expected discounted number of purchases in (T, T + t], at the continuous rate ``delta`` per unit of time."""
        t, delta = np.asarray(t, float), np.asarray(delta, float)
        return np.asarray(self.p_alive(x, t_x, T) * self.new.discounted(t, *self.updated(x, T), delta))

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
