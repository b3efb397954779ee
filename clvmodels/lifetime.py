"""How long customers who are alive at T stay, and what they buy if rates change from then on, in every family.

P(alive at T) answers another question: it falls with silence that has been seen. Here the future is unseen, so that
purchases which have not happened yet count: P(alive at T + s) = P(alive at T) × the survival below. Everything here
speaks of customers alive at T in one stage of their family (`PurchaseFamily.alive`), and fits `Distinct.futures`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from clvmodels.models import PurchaseFamily
from clvmodels.models.arrays import Array, log_rising

NODES = 24
"""Of Gauss's rule over the horizon, for families without a closed form of the time alive."""


def survival(alive: Any, s: ArrayLike, x: ArrayLike, T: ArrayLike) -> Array:
    """Probability that a customer alive at T is alive at T + s, whatever happens in between.

    Where a coin is tossed at every purchase, of which p ~ Beta(a, b′) end the relationship, the probability of having
    dropped out by T + s is a/(a + b′) × the expected purchases of a customer with a + 1, for any clock between
    purchases. Where customers leave by the clock survival is (1 + s/(β + T))^−s, without dropout 1.

    Parameters
    ----------
    alive
        What ``family.alive(stage)`` returns.
    s
        Time after T, in the family's unit.
    x, T
        Repeat purchases and length of observation; x = T = 0 is a new customer who has passed the first coin, if any.

    Examples
    --------
    >>> from clvmodels.models import BGNBD
    >>> customer = BGNBD(0.243, 4.414, 0.793, 2.426).alive()
    >>> survival(customer, [0, 39, 1e9], 2, 38.86).round(3).tolist()
    [1.0, 0.781, 0.0]
    """
    s, x, T = (np.asarray(value, float) for value in (s, x, T))
    family: Any = alive.family
    names = family.parameter_names()
    if family.discrete:
        chances = family.gamma + family.delta + T
        return np.asarray(np.exp(log_rising(family.delta + T, np.floor(s)) - log_rising(chances, np.floor(s))))
    if "a" in names:
        more = replace(family, a=family.a + 1).alive(alive.stage).expected_purchases(s, x, T)
        return np.asarray(np.maximum(1 - family.a / (family.a + _stays(family, x)) * more, 0.0))
    if "beta" in names:
        return np.asarray(np.exp(-family.s * np.log1p(s / (family.beta + T))))
    return np.ones(np.broadcast_shapes(s.shape, x.shape, T.shape, np.shape(family.r)))


def active_time(alive: Any, t: ArrayLike, x: ArrayLike, T: ArrayLike) -> Array:
    """Expected time alive in (T, T + t] of a customer alive at T: the integral of `survival`, never above t.

    Examples
    --------
    >>> from clvmodels.models import ParetoNBD
    >>> float(active_time(ParetoNBD(0.553, 10.578, 0.606, 11.669).alive(), 52, 2, 38.86).round(2))
    41.24
    """
    t, x, T = (np.asarray(value, float) for value in (t, x, T))
    family: Any = alive.family
    names = family.parameter_names()
    if family.discrete:  # opportunities lived to see: a share α/(α + β) of them is bought at
        later = family.updated(x, T, alive.stage)
        return np.asarray(family.new.mean(t, *later) * (later[0] + later[1]) / later[0])
    if "a" not in names and "beta" not in names:
        return np.broadcast_to(t, np.broadcast_shapes(t.shape, x.shape, T.shape, np.shape(family.r))).copy()
    if "a" not in names:
        end, less = family.beta + T, family.s - 1
        log = np.log1p(t / end)
        grown = np.where(less * log == 0, log, -np.expm1(-less * log) / np.where(less == 0, 1.0, less))
        return np.asarray(np.minimum(end * grown, t))
    if len(names) == 4 and family.stages == 1 and not family.constants:
        # E[α/p · (1 − (1 + p t/α)^(1−r)) / (r − 1)]: the expected purchases of a customer with r − 1, whatever its sign
        r, alpha, a, b = family.updated(x, T)
        less = np.where(np.abs(r - 1) < 1e-9, 1e-9, r - 1)
        return np.asarray(np.clip(alpha / less * family.new.mean(t, less, alpha, a, b), 0.0, t))
    total: Any = 0.0
    for node, weight in zip(*_gauss(), strict=True):  # dense near T, where most leave
        total = total + 2 * weight * node * t * survival(alive, t * node**2, x, T)
    return np.asarray(np.minimum(total, t))


def purchases(
    alive: Any, t: ArrayLike, x: ArrayLike, T: ArrayLike, *, rate: float = 1.0, dropout: float = 1.0
) -> Array:
    """Expected purchases in (T, T + t] of a customer alive at T whose rates are multiplied from T on.

    The past stays as it was: what has been learnt of the customer, P(alive) included, does not change.

    Parameters
    ----------
    rate
        On every customer's purchase rate; of a family of opportunities, on the mean odds of buying at one.
    dropout
        On the rate of leaving; where a coin is tossed, on its mean odds (a ÷ b).
    """
    t, x, T = (np.asarray(value, float) for value in (t, x, T))
    family: Any = alive.family
    names = family.parameter_names()
    names = names if "alpha" in names else ("r", "alpha")  # the formula's rate, of customers who never leave
    factors = {"alpha": 1 / rate, **({"a": dropout} if "a" in names else {"beta": 1 / dropout})}
    if family.discrete:
        factors = {"alpha": rate, "gamma": dropout}
    later = family.updated(x, T, alive.stage)
    scaled = [value * factors.get(name, 1.0) for name, value in zip(names, later, strict=False)]
    return np.asarray(family.new.mean(t, *scaled, *later[len(names) :]))  # a clock's ticks stay as they are


def changed(model: PurchaseFamily, *, rate: Any = 1.0, dropout: Any = 1.0) -> PurchaseFamily:
    """The family of customers whose rates have always been multiplied: another channel's, for example.

    ``rate`` and ``dropout`` may be arrays of shape (draws, 1); a family without dropout ignores the latter.
    """
    here: Any = model
    new: dict[str, Any] = {"alpha": here.alpha / rate}
    names = model.parameter_names()
    if model.discrete:
        new = {"alpha": here.alpha * rate, "gamma": here.gamma * dropout}
    elif "a" in names:
        new["a"] = here.a * dropout
    elif "beta" in names:
        new["beta"] = here.beta / dropout
    after: PurchaseFamily = replace(here, **new)
    return after


def _stays(family: Any, x: Array) -> Array:
    """b of the Beta after x repeat purchases; where the first purchase has a coin, too, after that one more."""
    first = float(np.min(family.p_alive(0.0, 0.0, 0.0))) < 1
    return np.asarray(family.b + x + (1.0 if first else 0.0))


@cache
def _gauss() -> tuple[Array, Array]:
    """Nodes and weights on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    return (nodes + 1) / 2, weights / 2
