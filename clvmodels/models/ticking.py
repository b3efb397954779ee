"""Families whose purchases are every k-th tick of a clock, so that regular buyers buy regularly."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from clvmodels.errors import InputError
from clvmodels.models import new_ticking_customer
from clvmodels.models.arrays import NUMPY, Array, Counts, Ops, Parameter, digamma_rise, per_distinct
from clvmodels.models.new_ticking_customer import few_ticks
from clvmodels.models.renewal import RenewalFamily


@dataclass(frozen=True)
class TickingFamily(RenewalFamily):
    """Purchases every k-th tick, dropout by a coin at purchases; whether the first one has a coin, too, differs.

    Between two purchases lies an Erlang-k time, whose coefficient of variation is 1/√k. The likelihood is that of
    (x, t_x, T), as a density of the x times of purchase that counts every place of those before the last alike: what
    times in between say about k is the fit's business (`Fit.log_likelihood`), and k = 1 is BG/NBD.

    A silence since the last purchase is k − 1 ticks at most, so that a customer alive at T is in one of k stages: a new
    customer with parameters (r + k x + stage, α + T, a, b + coins) who has ``stage`` ticks behind her.
    """

    new: ClassVar[ModuleType] = new_ticking_customer
    constant_names: ClassVar[tuple[str, ...]] = ("k",)

    r: Parameter
    alpha: Parameter
    a: Parameter
    b: Parameter
    k: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.k, bool) or self.k != int(self.k) or self.k < 1:
            raise InputError(f"{self.title}: k, the ticks to a purchase, must be a whole number above 0, not {self.k}.")
        object.__setattr__(self, "k", int(self.k))

    @property
    def stages(self) -> int:
        """Ticks since the last purchase: 0 … k − 1."""
        return self.k

    @classmethod
    @abstractmethod
    def coins(cls, x: Array) -> Array:
        """How often a customer with x repeat purchases could have left."""

    def log_likelihood(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, ops: Ops = NUMPY) -> Any:
        """Log-likelihood of each pattern."""
        x, t_x, T = (np.asarray(value, float) for value in (x, t_x, T))
        r, alpha, a, b, k = self.r, self.alpha, self.a, self.b, self.k
        last = np.where(t_x > 0, t_x, 1e-300 + (x == 0))

        def counts(n: Array) -> Any:
            bought = np.maximum(n, 1)
            ticks = special.gammaln(bought) - ops.betaln(r + 0.0 * bought, k * bought)
            coins = ops.log_rising(b, self.coins(n)) - ops.log_rising(a + b, self.coins(n))
            return ops.where(n > 0, ticks, 0.0 * ticks) + coins

        times = -x * np.log(last) - k * x * ops.log((alpha + T) / last) - r * ops.log1p(T / alpha)
        ways, log_odds = self._silence(x, t_x, T, ops)
        alive = ops.log(sum(ways))
        silent = ops.where(self.coins(x) > 0, ops.logaddexp(alive, log_odds), alive)
        return per_distinct(counts, x) + times + silent

    def rescale(self, factor: float) -> Self:
        """The same model when time is counted in units ``factor`` times smaller: alpha · factor."""
        return type(self)(self.r, self.alpha * factor, self.a, self.b, self.k)

    def _silence(self, x: Array, t_x: Array, T: Array, ops: Ops = NUMPY) -> tuple[list[Any], Any]:
        """Chances of 0 … k − 1 ticks since t_x, and the log odds against the first of them of having dropped out."""
        ticks = self.r + self.k * x
        log_odds = ops.log(self.a) - ops.log(self.b + np.maximum(self.coins(x) - 1, 0))
        log_odds = log_odds + ticks * ops.log1p((T - t_x) / (self.alpha + t_x))
        return few_ticks(self.k, ticks, (T - t_x) / (self.alpha + T)), log_odds

    def score(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Derivative of the log-likelihood by r, alpha, a, b: shape (4, n)."""
        x, t_x, T = (np.asarray(value, float) for value in (x, t_x, T))
        r, alpha, a, b, k = self.r, self.alpha, self.a, self.b, self.k
        ticks, coins = r + k * x, self.coins(x)
        ways, log_odds = self._silence(x, t_x, T)
        alive = sum(ways)
        dead = np.where(coins > 0, special.expit(log_odds - np.log(alive)), 0.0)
        rises = np.cumsum([np.zeros_like(ticks), *(1 / (ticks + i) for i in range(k - 1))], axis=0)
        more_r = sum(way * rise for way, rise in zip(ways, rises, strict=True)) / alive
        stage = sum(way * j for j, way in enumerate(ways)) / alive
        rise_r = per_distinct(lambda n: digamma_rise(r, k * n), x)
        rise_b = per_distinct(lambda n: digamma_rise(b, self.coins(n)), x)
        rise_ab = per_distinct(lambda n: digamma_rise(a + b, self.coins(n)), x)
        by_r = rise_r - np.log1p(T / alpha) + dead * np.log1p((T - t_x) / (alpha + t_x)) + (1 - dead) * more_r
        by_alpha = (r * T / alpha - k * x) / (alpha + T) - (1 - dead) * stage / (alpha + T)
        by_alpha = by_alpha - dead * ticks * (T - t_x) / ((alpha + T) * (alpha + t_x))
        by_a = dead / a - rise_ab
        by_b = rise_b - rise_ab - dead / (b + np.maximum(coins - 1, 0))
        return np.stack(np.broadcast_arrays(by_r, by_alpha, by_a, by_b))

    def p_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Probability of not having dropped out by T."""
        x, t_x, T = (np.asarray(value, float) for value in (x, t_x, T))
        ways, log_odds = self._silence(x, t_x, T)
        return np.where(self.coins(x) > 0, special.expit(np.log(sum(ways)) - log_odds), 1.0)

    def p_dead(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """1 − P(alive)."""
        x, t_x, T = (np.asarray(value, float) for value in (x, t_x, T))
        ways, log_odds = self._silence(x, t_x, T)
        return np.where(self.coins(x) > 0, special.expit(log_odds - np.log(sum(ways))), 0.0)

    def p_stages(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Probability of being alive at T with 0 … k − 1 ticks since the last purchase: (k, n), or (k, draws, n)."""
        x, t_x, T = (np.asarray(value, float) for value in (x, t_x, T))
        ways, log_odds = self._silence(x, t_x, T)
        alive = sum(ways)
        share = np.where(self.coins(x) > 0, special.expit(np.log(alive) - log_odds), 1.0) / alive
        return np.stack([way * share for way in ways])

    def updated(self, x: ArrayLike, T: ArrayLike, stage: Any = 0) -> tuple[Any, ...]:
        """Parameters of the new customer that a customer alive at T is, with so many ticks since the last purchase."""
        x, T = np.asarray(x, float), np.asarray(T, float)
        return self.r + self.k * x + stage, self.alpha + T, self.a, self.b + self.coins(x), self.k, stage

    def sample(
        self, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, seed: int | np.random.Generator
    ) -> Counts:
        """One simulated number of purchases in (T, T + t] per customer (and per draw)."""
        rng = np.random.default_rng(seed)
        upto = np.cumsum(self.p_stages(x, t_x, T), axis=0)
        stage = np.sum(rng.random(np.broadcast_shapes(upto.shape[1:], np.shape(t))) >= upto, axis=0)
        ticks, last, _ = self.new.story(np.asarray(t, float), *self.updated(x, T, np.minimum(stage, self.k - 1)), rng)
        return np.where(stage < self.k, np.minimum((ticks + stage) // self.k, last), 0)

    def sample_times(self, t: ArrayLike, *, seed: int | np.random.Generator) -> tuple[Counts, Array]:
        """Repeat purchases of new customers, each observed for its own t: customer indices and times, in order."""
        rng = np.random.default_rng(seed)
        t = np.atleast_1d(np.asarray(t, float))
        ticks, last, until = self.new.story(t, *self.updated(0, 0), rng)
        ticks = np.where(rng.random(ticks.shape) < self.p_alive(0, 0, 0), ticks, 0)
        customer = np.repeat(np.arange(t.size), ticks)
        times = rng.random(customer.size) * until[customer]
        order = np.lexsort((times, customer))  # a Poisson process given its count is sorted uniforms
        customer, times = customer[order], times[order]
        tick = np.arange(1, customer.size + 1) - np.repeat(np.cumsum(ticks) - ticks, ticks)
        kept = (tick % self.k == 0) & (tick // self.k <= last[customer])
        return customer[kept], times[kept]
