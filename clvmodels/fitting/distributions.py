"""The distributions a prior may have, with the names and arguments of PyMC.

Their densities are those of the logarithm (of a positive quantity) or of the logit (of a fraction): the scale on which
a posterior is climbed and sampled. SciPy's frozen distributions take a millisecond to make, and a fit asks often.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from clvmodels.errors import InputError
from clvmodels.models.arrays import LOG_SQRT_2PI, Array


@dataclass(frozen=True)
class Prior:
    """A distribution with the name and the arguments it has in PyMC."""

    support: ClassVar[Literal["positive", "fraction"]] = "positive"
    centre: ClassVar[tuple[str, ...]] = ()  # the arguments that may be negative

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            number = isinstance(value, (int, float, np.floating, np.integer)) and np.isfinite(value)
            if not number or (value <= 0 and name not in self.centre):
                wanted = "a finite" if name in self.centre else "a positive, finite"
                raise InputError(f"{self} is no prior: {name} must be {wanted} number.")
            object.__setattr__(self, name, float(value))

    @property
    def distribution(self) -> Any:
        """The same in SciPy."""
        raise NotImplementedError

    def wider(self, factor: float) -> Prior:
        """The same centre, ``factor`` times as wide."""
        raise NotImplementedError

    def log_density(self, u: ArrayLike) -> Array:
        """Log density of u, the value's logarithm or logit."""
        raise NotImplementedError

    def derivatives(self, u: float) -> tuple[float, float]:
        """First and second derivative of `log_density`."""
        raise NotImplementedError


@dataclass(frozen=True)
class LogNormal(Prior):
    """log(value) ~ Normal(mu, sigma): median exp(mu); nine in ten within a factor of exp(1.645 sigma) of it.

    Examples
    --------
    >>> LogNormal(0, 1.5).distribution.ppf([0.05, 0.5, 0.95]).round(3).tolist()
    [0.085, 1.0, 11.79]
    """

    mu: float
    sigma: float
    centre = ("mu",)

    @property
    def distribution(self) -> Any:
        """The same in SciPy."""
        return stats.lognorm(s=self.sigma, scale=np.exp(self.mu))

    def wider(self, factor: float) -> LogNormal:
        """The same median, ``factor`` times as wide in logarithms."""
        return LogNormal(self.mu, self.sigma * factor)

    def log_density(self, u: ArrayLike) -> Array:
        """Log density of the value's logarithm."""
        return np.asarray(-(((np.asarray(u) - self.mu) / self.sigma) ** 2) / 2 - np.log(self.sigma) - LOG_SQRT_2PI)

    def derivatives(self, u: float) -> tuple[float, float]:
        """First and second derivative of `log_density`."""
        return (self.mu - u) / self.sigma**2, -1 / self.sigma**2


@dataclass(frozen=True)
class Gamma(Prior):
    """Shape alpha, rate beta: mean alpha / beta, standard deviation √alpha / beta.

    Examples
    --------
    >>> Gamma(4, 2).wider(2)  # mean 2, standard deviation 2 for 1
    Gamma(alpha=1.0, beta=0.5)
    """

    alpha: float
    beta: float

    @property
    def distribution(self) -> Any:
        """The same in SciPy."""
        return stats.gamma(a=self.alpha, scale=1 / self.beta)

    def wider(self, factor: float) -> Gamma:
        """The same mean, ``factor`` times the standard deviation."""
        return Gamma(self.alpha / factor**2, self.beta / factor**2)

    def log_density(self, u: ArrayLike) -> Array:
        """Log density of the value's logarithm."""
        u = np.asarray(u, float)
        constant = self.alpha * np.log(self.beta) - special.gammaln(self.alpha)
        return np.asarray(constant + self.alpha * u - self.beta * np.exp(u))

    def derivatives(self, u: float) -> tuple[float, float]:
        """First and second derivative of `log_density`."""
        pull = self.beta * float(np.exp(u))
        return self.alpha - pull, -pull


@dataclass(frozen=True)
class HalfNormal(Prior):
    """The absolute value of Normal(0, sigma): nineteen in twenty below 1.96 sigma.

    Examples
    --------
    >>> round(float(HalfNormal(2).distribution.ppf(0.95)), 2)
    3.92
    """

    sigma: float

    @property
    def distribution(self) -> Any:
        """The same in SciPy."""
        return stats.halfnorm(scale=self.sigma)

    def wider(self, factor: float) -> HalfNormal:
        """``factor`` times as wide."""
        return HalfNormal(self.sigma * factor)

    def log_density(self, u: ArrayLike) -> Array:
        """Log density of the value's logarithm."""
        u = np.asarray(u, float)
        return np.asarray(np.log(2 / self.sigma) - LOG_SQRT_2PI + u - np.exp(2 * u) / (2 * self.sigma**2))

    def derivatives(self, u: float) -> tuple[float, float]:
        """First and second derivative of `log_density`."""
        pull = float(np.exp(2 * u)) / self.sigma**2
        return 1 - pull, -2 * pull


@dataclass(frozen=True)
class Beta(Prior):
    """A fraction with mean alpha / (alpha + beta), as if from alpha + beta observations.

    Examples
    --------
    >>> Beta(1, 9).wider(0.5)  # mean .1, as if from 40 observations for 10
    Beta(alpha=4.0, beta=36.0)
    """

    alpha: float
    beta: float
    support = "fraction"

    @property
    def distribution(self) -> Any:
        """The same in SciPy."""
        return stats.beta(self.alpha, self.beta)

    def wider(self, factor: float) -> Beta:
        """The same mean, as if from 1 / ``factor``² as many observations."""
        return Beta(self.alpha / factor**2, self.beta / factor**2)

    def log_density(self, u: ArrayLike) -> Array:
        """Log density of the value's logit."""
        u = np.asarray(u, float)
        logs = self.alpha * np.logaddexp(0, -u) + self.beta * np.logaddexp(0, u)
        return np.asarray(-logs - special.betaln(self.alpha, self.beta))

    def derivatives(self, u: float) -> tuple[float, float]:
        """First and second derivative of `log_density`."""
        value, rest = float(special.expit(u)), float(special.expit(-u))
        return self.alpha * rest - self.beta * value, -(self.alpha + self.beta) * value * rest


DISTRIBUTIONS: dict[str, type[Prior]] = {kind.__name__: kind for kind in (LogNormal, Gamma, HalfNormal, Beta)}
"""What a prior may be: LogNormal, Gamma and HalfNormal for positive quantities, Beta for fractions."""


def prior_from_text(text: str) -> Prior:
    """The inverse of ``repr``, which is how a fit's diagnostics name its priors.

    Examples
    --------
    >>> prior_from_text("Beta(alpha=1.0, beta=9.0)")
    Beta(alpha=1.0, beta=9.0)
    """
    name, _, rest = text.partition("(")
    arguments = (part.split("=") for part in rest.rstrip(")").split(", "))
    return DISTRIBUTIONS[name](**{key: float(value) for key, value in arguments})
