"""Weak priors on quantities an analyst can picture, counted in units that neither weeks nor yen can change.

Time is counted in the customers' mean T, money in the buyers' mean spend; everything else is a ratio. A prior replaces
the default by the quantity's name: ``fit(BGNBD, summary, method="posterior", priors={"dropout": Beta(1, 9)})``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from clvmodels.errors import InputError
from clvmodels.fitting.distributions import DISTRIBUTIONS, Beta, Gamma, HalfNormal, LogNormal, Prior
from clvmodels.models import (
    BGBB,
    BGCNBD,
    BGNBD,
    MBGCNBD,
    MBGNBD,
    NBD,
    Family,
    GammaGamma,
    GammaGammaFirst,
    GammaGammaFrequency,
    LogNormalSpend,
    ParetoNBD,
)
from clvmodels.models.arrays import Array

__all__ = ["PARAMETRISATIONS", "Beta", "Gamma", "HalfNormal", "LogNormal", "Parametrisation", "Prior", "Quantity"]


FARTHEST = {"log": 200.0, "logit": 35.0}
"""Draws beyond these points of the real line count as these: their weights are 0, and parameters stay numbers."""


TINY = 1e-200


@dataclass(frozen=True)
class Quantity:
    """Something a prior is put on: its name, what it means, how it maps to the real line, and the default prior."""

    name: str
    meaning: str
    link: Literal["log", "logit"]
    prior: Prior
    heterogeneity: bool = False
    """Whether it says how much customers differ."""

    def value(self, u: Array) -> Array:
        """The quantity at a point of the real line."""
        far = FARTHEST[self.link]
        u = np.clip(u, -far, far)
        return np.asarray(np.exp(u) if self.link == "log" else special.expit(u))

    def unconstrained(self, value: ArrayLike) -> Array:
        """The inverse of `value`."""
        value = np.asarray(value, float)
        return np.asarray(np.log(value) if self.link == "log" else special.logit(value))


@dataclass(frozen=True)
class Parametrisation:
    """The quantities that stand for a family's parameters, in the order of the unconstrained vector u."""

    family: type[Family]
    quantities: tuple[Quantity, ...]
    build: Callable[..., Family]
    """(scale, *quantities) → the family; scale is the mean T or the mean spend. Plain arithmetic: also symbolic."""
    to_eta: Callable[[Array], Array]
    """u → the objective's coordinates η, both of shape (…, k)."""
    slopes: Callable[[Array], tuple[Array, Array]]
    """The Jacobian of η by u at one u, shape (k, k), and the second derivatives, shape (k, k, k)."""

    def model(self, u: Array, scale: float) -> Family:
        """The family at u, shape (k,) or (draws, k)."""
        columns = [np.asarray(u)[..., [i]] if np.ndim(u) > 1 else u[i] for i in range(len(self.quantities))]
        values = [quantity.value(column) for quantity, column in zip(self.quantities, columns, strict=True)]
        return self.build(scale, *(value if np.ndim(u) > 1 else float(value) for value in values))

    def starts(self) -> tuple[Array, ...]:
        """Where to begin to climb: the priors' medians, and points that differ in how alike customers are."""
        medians = np.array(
            [quantity.unconstrained(quantity.prior.distribution.median()) for quantity in self.quantities]
        )
        alike = np.array([1.0 if quantity.heterogeneity else 0.0 for quantity in self.quantities])
        return tuple(medians + step * alike for step in (0.0, -1.0, 1.5))

    def log_prior(self, u: Array) -> Array:
        """Log prior density at u, shape () or (draws,)."""
        columns = np.moveaxis(np.asarray(u, float), -1, 0)
        return np.asarray(sum(q.prior.log_density(column) for q, column in zip(self.quantities, columns, strict=True)))

    def log_prior_derivatives(self, u: Array) -> tuple[Array, Array]:
        """Gradient (k,) and diagonal second derivatives (k,) of the log prior."""
        both = [q.prior.derivatives(float(value)) for q, value in zip(self.quantities, u, strict=True)]
        return np.array([slope for slope, _ in both]), np.array([bend for _, bend in both])

    def with_priors(self, priors: Mapping[str, Prior]) -> Parametrisation:
        """The same with some priors replaced, by the quantity's name."""
        known = {quantity.name: quantity for quantity in self.quantities}
        if unknown := sorted(set(priors) - set(known)):
            listed = "; ".join(f"{name}: {quantity.meaning}" for name, quantity in known.items())
            raise InputError(f"{self.family.title} has no quantity {unknown[0]!r} to put a prior on. It has {listed}.")
        for name, prior in priors.items():
            support = "fraction" if known[name].link == "logit" else "positive"
            if not isinstance(prior, Prior) or prior.support != support:
                choices = " or ".join(word for word, kind in DISTRIBUTIONS.items() if kind.support == support)
                raise InputError(
                    f"{self.family.title}: the prior of {name!r} ({known[name].meaning}) is {prior!r}, and it must be "
                    f"{choices} from clvmodels.fitting.priors. The default is {known[name].prior!r}."
                )
        return replace(
            self,
            quantities=tuple(replace(q, prior=priors.get(q.name, q.prior)) for q in self.quantities),
        )

    def with_constants(self, constants: Mapping[str, int]) -> Parametrisation:
        """The same at these constants of the family."""
        return replace(self, build=partial(self.build, **constants)) if constants else self

    def wider(self, factor: float) -> Parametrisation:
        """Every prior ``factor`` times as wide, for the question how much the priors matter."""
        return self.with_priors({quantity.name: quantity.prior.wider(factor) for quantity in self.quantities})


def _same(u: Array) -> Array:
    return u


def _same_slopes(u: Array) -> tuple[Array, Array]:
    return np.eye(u.size), np.zeros((u.size, u.size, u.size))


def _bgnbd(scale: float, shape: Any, rate: Any, concentration: Any, dropout: Any) -> BGNBD:
    return BGNBD(shape, scale * shape / rate, dropout * concentration, (1 - dropout) * concentration)


def _mbgnbd(scale: float, shape: Any, rate: Any, concentration: Any, dropout: Any) -> MBGNBD:
    return MBGNBD(shape, scale * shape / rate, dropout * concentration, (1 - dropout) * concentration)


def _bgcnbd(scale: float, shape: Any, rate: Any, concentration: Any, dropout: Any, *, k: int = 1) -> BGCNBD:
    return BGCNBD(shape, scale * shape / (k * rate), dropout * concentration, (1 - dropout) * concentration, k)


def _mbgcnbd(scale: float, shape: Any, rate: Any, concentration: Any, dropout: Any, *, k: int = 1) -> MBGCNBD:
    return MBGCNBD(shape, scale * shape / (k * rate), dropout * concentration, (1 - dropout) * concentration, k)


def _gamma_gamma(scale: float, p: Any, q_above_1: Any, mean: Any) -> GammaGamma:
    return GammaGamma(p, 1 + q_above_1, scale * mean * q_above_1 / p)


def _gamma_gamma_first(scale: float, p: Any, q_above_1: Any, mean: Any) -> GammaGammaFirst:
    return GammaGammaFirst(p, 1 + q_above_1, scale * mean * q_above_1 / p)


def _gamma_gamma_eta(u: Array) -> Array:
    """(log p, log(q − 1), log μ) → (log p, log q, log p v/q), with p v = μ (q − 1)."""
    log_q = np.logaddexp(0, u[..., 1])
    return np.stack([u[..., 0], log_q, u[..., 2] + u[..., 1] - log_q], axis=-1)


def _gamma_gamma_slopes(u: Array) -> tuple[Array, Array]:
    share, rest = special.expit(u[1]), special.expit(-u[1])
    bend = np.zeros((3, 3, 3))
    bend[1, 1, 1], bend[2, 1, 1] = share * rest, -share * rest
    return np.array([[1.0, 0, 0], [0, share, 0], [0, rest, 1]]), bend


RATE = (
    Quantity("shape", "r, small when customers differ much in how often they buy", "log", LogNormal(-0.7, 1.5), True),
    Quantity("rate", "purchases of an average customer, while alive, in the mean T", "log", LogNormal(0, 1.5)),
)
"""How often customers buy, the same in every purchase family."""

COIN = (
    Quantity("concentration", "a + b, small when customers differ much in dropout", "log", LogNormal(1.6, 1.5), True),
    Quantity("dropout", "a / (a + b), the share that leaves after a purchase", "logit", Beta(1, 1)),
)
"""How customers leave after a purchase."""


def _nbd(scale: float, shape: Any, rate: Any) -> NBD:
    return NBD(shape, scale * shape / rate)


CHANCE = (
    Quantity("evenness", "α + β, small when customers differ much in buying", "log", LogNormal(1.6, 1.5), True),
    Quantity("chance", "α / (α + β), the share of opportunities that are bought at, while alive", "logit", Beta(1, 1)),
)
"""How often customers buy at opportunities."""
BEFORE = (
    Quantity("concentration", "γ + δ, small when customers differ much in dropout", "log", LogNormal(1.6, 1.5), True),
    Quantity("dropout", "γ / (γ + δ), the share that leaves before an opportunity", "logit", Beta(1, 1)),
)
"""How customers leave before opportunities."""


def _bgbb(scale: float, evenness: Any, chance: Any, concentration: Any, dropout: Any) -> BGBB:
    return BGBB(chance * evenness, (1 - chance) * evenness, dropout * concentration, (1 - dropout) * concentration)


LEAVING = (
    Quantity("stay_shape", "s, small when customers differ much in how long they stay", "log", LogNormal(0, 1), True),
    Quantity("dropout", "1 − (1 + 1/β)^−s, the share that leaves within the mean T", "logit", Beta(1, 1)),
)
"""How customers leave by the clock."""


def _pareto_nbd(scale: float, shape: Any, rate: Any, stay_shape: Any, dropout: Any) -> ParetoNBD:
    hazard = -np.log1p(-dropout) / stay_shape
    beta = scale * (np.exp(-hazard) / -np.expm1(-hazard) + TINY)  # positive for the wildest draw
    return ParetoNBD(shape, scale * shape / rate, stay_shape, beta)


def _pareto_nbd_eta(u: Array) -> Array:
    """(log r, log r/α, log s, logit of the share) → (…, log s/β), β = 1 / (eᵏ − 1) with k = −log(1 − share) / s."""
    k = np.logaddexp(0, u[..., 3]) * np.exp(-u[..., 2])
    return np.concatenate([u[..., :3], (u[..., 2] + k + np.log(-np.expm1(-k)))[..., None]], axis=-1)


def _pareto_nbd_slopes(u: Array) -> tuple[Array, Array]:
    share, hazard = special.expit(u[3]), float(np.logaddexp(0, u[3]))
    k = hazard * float(np.exp(-u[2]))
    m = k / -np.expm1(-k)  # of log(eᵏ − 1) by log k
    turn, steep = m * (1 + k - m), share / hazard
    jacobian, bend = np.eye(4), np.zeros((4, 4, 4))
    jacobian[3] = 0, 0, 1 - m, m * steep
    bend[3, 2, 2] = turn
    bend[3, 2, 3] = bend[3, 3, 2] = -turn * steep
    bend[3, 3, 3] = turn * steep**2 + m * (share * (1 - share) / hazard - steep**2)
    return jacobian, bend


WORTH = (
    Quantity("p", "small when one customer's purchases differ much in value", "log", LogNormal(1.0, 1.5), True),
    Quantity("q_above_1", "q − 1, small when customers differ much in value", "log", LogNormal(0.7, 1.25), True),
    Quantity("mean", "the population's mean purchase ÷ the mean spend in the data", "log", LogNormal(0, 1)),
)
"""What a purchase is worth."""


def _gamma_gamma_frequency(scale: float, p: Any, q_above_1: Any, mean: Any, growth: Any) -> GammaGammaFrequency:
    return GammaGammaFrequency(p, 1 + q_above_1, scale * mean * q_above_1 / p, growth)


def _gamma_gamma_frequency_eta(u: Array) -> Array:
    return np.concatenate([_gamma_gamma_eta(u[..., :3]), u[..., 3:]], axis=-1)


def _gamma_gamma_frequency_slopes(u: Array) -> tuple[Array, Array]:
    jacobian, bend = np.eye(4), np.zeros((4, 4, 4))
    jacobian[:3, :3], bend[:3, :3, :3] = _gamma_gamma_slopes(u[:3])
    return jacobian, bend


def _lognormal(scale: float, within: Any, between: Any, median: Any) -> LogNormalSpend:
    return LogNormalSpend(within, between, scale * median)


PARAMETRISATIONS: dict[str, Parametrisation] = {
    "bgnbd": Parametrisation(BGNBD, (*RATE, *COIN), _bgnbd, _same, _same_slopes),
    "mbgnbd": Parametrisation(MBGNBD, (*RATE, *COIN), _mbgnbd, _same, _same_slopes),
    "bgbb": Parametrisation(BGBB, (*CHANCE, *BEFORE), _bgbb, _same, _same_slopes),
    "bgcnbd": Parametrisation(BGCNBD, (*RATE, *COIN), _bgcnbd, _same, _same_slopes),
    "mbgcnbd": Parametrisation(MBGCNBD, (*RATE, *COIN), _mbgcnbd, _same, _same_slopes),
    "pareto_nbd": Parametrisation(ParetoNBD, (*RATE, *LEAVING), _pareto_nbd, _pareto_nbd_eta, _pareto_nbd_slopes),
    "nbd": Parametrisation(NBD, RATE, _nbd, _same, _same_slopes),
    "gamma_gamma": Parametrisation(GammaGamma, WORTH, _gamma_gamma, _gamma_gamma_eta, _gamma_gamma_slopes),
    "gamma_gamma_first": Parametrisation(
        GammaGammaFirst, WORTH, _gamma_gamma_first, _gamma_gamma_eta, _gamma_gamma_slopes
    ),
    "gamma_gamma_frequency": Parametrisation(
        GammaGammaFrequency,
        (
            *WORTH,
            Quantity("growth", "g, the factor on spend when purchases double", "log", LogNormal(0, 0.5)),
        ),
        _gamma_gamma_frequency,
        _gamma_gamma_frequency_eta,
        _gamma_gamma_frequency_slopes,
    ),
    "lognormal": Parametrisation(
        LogNormalSpend,
        (
            Quantity("sigma", "σ, how much one customer's purchases differ in log value", "log", HalfNormal(0.9)),
            Quantity("tau", "τ, how much customers differ in log value", "log", HalfNormal(0.9), True),
            Quantity(
                "median", "the median customer's median purchase ÷ the data's geometric mean", "log", LogNormal(0, 1)
            ),
        ),
        _lognormal,
        _same,
        _same_slopes,
    ),
}
"""Each family's quantities with their weak default priors."""
