"""BG/BB: purchases at discrete opportunities, at each of which a customer leaves, buys or does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clvmodels.errors import InputError
from clvmodels.models import new_opportunity_customer
from clvmodels.models.arrays import NUMPY, Array, Counts, Ops, Parameter, digamma_rise
from clvmodels.models.renewal import RenewalFamily

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class BGBB(RenewalFamily):
    """The beta-geometric/beta-Bernoulli model.

    Time is counted in opportunities to buy: a campaign, an event, a year. Before each of them a customer leaves with
    probability θ ~ Beta(γ, δ); who is still there buys with probability p ~ Beta(α, β). x, t_x and T are whole numbers,
    and x ≤ t_x ≤ T. A customer alive at T is a new customer with parameters (α + x, β + T − x, γ, δ + T).

    It is fitted to a table counted in opportunities, ``Summary.from_frame(table, until=…, unit="day")``, in which a day
    stands for an opportunity (and "5 days" for a horizon of five), or to a log summarised by the day, each day of which
    is one.

    Contracts are its limit: where beta / alpha → 0 who is there always buys, a purchase is a renewal, and the model is
    the shifted-beta-geometric of Fader & Hardie (2007) with gamma and delta as its α and β.

    Parameters
    ----------
    alpha, beta
        Shapes of the chances to buy at an opportunity: on average alpha / (alpha + beta).
    gamma, delta
        Shapes of the chances to leave before one: on average gamma / (gamma + delta).

    Raises
    ------
    InputError
        If a parameter is not positive and finite; from the formulas, when opportunities are not whole numbers.

    References
    ----------
    Fader, Hardie & Shang (2010), Customer-Base Analysis in a Discrete-Time Noncontractual Setting, Marketing Science
    29(6), 1086–1108.

    Examples
    --------
    >>> model = BGBB(1.203528, 0.7497260, 0.6567808, 2.783796)  # donations, a year each; BTYD's vignette
    >>> round(float(model.expected_purchases(10, 0, 0, 0)), 5)
    3.17981
    >>> round(float(model.expected_purchases(10, 4, 5, 6)), 6)
    3.627858
    """

    name = "bgbb"
    title = "BG/BB"
    discrete = True
    new: ClassVar[ModuleType] = new_opportunity_customer

    alpha: Parameter
    beta: Parameter
    gamma: Parameter
    delta: Parameter

    def log_likelihood(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, ops: Ops = NUMPY) -> Any:
        """Log-likelihood of each pattern: of one order of x purchases in t_x opportunities, the last one bought at."""
        x, t_x, T = _opportunities(x, t_x, T)
        alpha, beta, gamma, delta = self.alpha, self.beta, self.gamma, self.delta
        known = ops.log_rising(alpha, x) + ops.log_rising(beta, t_x - x) - ops.log_rising(alpha + beta, t_x)
        known = known + ops.log(gamma) + ops.log_rising(delta, t_x) - ops.log_rising(gamma + delta, t_x + 1)
        dead, alive = self._silence(x, t_x, T, ops)
        return known + ops.log(dead + alive)

    def _steps(self, x: Array, t_x: Array, T: Array) -> Iterator[tuple[Mask, Mask, Any]]:
        """For i = 0, 1, …: where t_x + i ≤ T, where it is T, and the chance to be silent till there; in one unit."""
        chance: Any = 1.0
        for i in range(int(np.max(T - t_x, initial=0)) + 1):
            yield t_x + i <= T, t_x + i == T, chance
            chance = chance * ((self.beta + (np.maximum(t_x - x, 0) + i)) / (self.alpha + self.beta + (t_x + i)))
            chance = chance * ((self.delta + (t_x + i)) / (self.gamma + self.delta + (t_x + i + 1)))

    def _silence(self, x: Array, t_x: Array, T: Array, ops: Ops = NUMPY) -> tuple[Any, Any]:
        """Chances of a silence since t_x by having left before T, and without, as multiples of leaving at once."""
        dead: Any = 0.0
        alive: Any = 0.0
        for before, end, chance in self._steps(x, t_x, T):
            dead = dead + ops.where(before & ~end, chance, 0.0)
            alive = alive + ops.where(end, chance * ((self.gamma + self.delta + T) / self.gamma), 0.0)
        return dead, alive

    def rescale(self, factor: float) -> BGBB:
        """Nothing to count anew: opportunities have no unit."""
        raise InputError("BG/BB counts opportunities, which have no unit of time to change.")

    def score(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Derivative of the log-likelihood by alpha, beta, gamma, delta: shape (4, n)."""
        x, t_x, T = _opportunities(x, t_x, T)
        alpha, beta, gamma, delta = self.alpha, self.beta, self.gamma, self.delta
        total: Any = 0.0
        slopes: list[Any] = [0.0, 0.0, 0.0, 0.0]
        ab, cd = alpha + beta, gamma + delta
        by = [digamma_rise(alpha, x) - digamma_rise(ab, t_x), digamma_rise(beta, t_x - x) - digamma_rise(ab, t_x)]
        by += [1 / gamma - digamma_rise(cd, t_x + 1), digamma_rise(delta, t_x) - digamma_rise(cd, t_x + 1)]
        for i, (before, end, chance) in enumerate(self._steps(x, t_x, T)):
            weight = np.where(before, chance * np.where(end, (cd + T) / gamma, 1.0), 0.0)
            left = by[2] + np.where(end, 1 / (cd + T) - 1 / gamma, 0.0), by[3] + np.where(end, 1 / (cd + T), 0.0)
            total = total + weight
            slopes = [sum_ + weight * each for sum_, each in zip(slopes, (*by[:2], *left), strict=True)]
            still, tries = t_x + i, np.maximum(t_x - x, 0) + i
            by = [by[0] - 1 / (ab + still), by[1] + 1 / (beta + tries) - 1 / (ab + still), *by[2:]]
            by = [*by[:2], by[2] - 1 / (cd + still + 1), by[3] + 1 / (delta + still) - 1 / (cd + still + 1)]
        return np.stack(np.broadcast_arrays(*(each / total for each in slopes)))

    def p_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """Probability of not having left by opportunity T; the chance to leave before the next one is still to come."""
        dead, alive = self._silence(*_opportunities(x, t_x, T))
        return np.asarray(alive / (dead + alive))

    def p_dead(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Array:
        """1 − P(alive)."""
        dead, alive = self._silence(*_opportunities(x, t_x, T))
        return np.asarray(dead / (dead + alive))

    def updated(self, x: ArrayLike, T: ArrayLike, stage: Any = 0) -> tuple[Any, Any, Any, Any]:
        """Parameters of the new customer that a customer alive at T is."""
        x, T = np.asarray(x, float), np.asarray(T, float)
        return self.alpha + x, self.beta + T - x, self.gamma, self.delta + T

    def sample_times(self, t: ArrayLike, *, seed: int | np.random.Generator) -> tuple[Counts, Array]:
        """Repeat purchases of new customers, each seen for its own t opportunities: customer indices and times."""
        rng = np.random.default_rng(seed)
        t = np.atleast_1d(np.asarray(t, float))
        _, _, (chance, lived) = self.new.story(t, *self.updated(0, 0), rng)
        customer = np.repeat(np.arange(t.size), lived)
        opportunity = np.arange(1, customer.size + 1) - np.repeat(np.cumsum(lived) - lived, lived)
        bought = rng.random(customer.size) < chance[customer]
        return customer[bought], opportunity[bought].astype(float)


def _opportunities(*columns: ArrayLike) -> tuple[Array, Array, Array]:
    """x, t_x and T in the same shape, which must be whole numbers."""
    x, t_x, T = np.broadcast_arrays(*(np.asarray(column, float) for column in columns))
    for column in (x, t_x, T):
        new_opportunity_customer.whole(column)
    return x, t_x, T
