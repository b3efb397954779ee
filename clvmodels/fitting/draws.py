"""Posterior draws with their weights and their certificate; the only file that imports ArviZ."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np

from clvmodels.errors import MissingDependencyError
from clvmodels.models import Family
from clvmodels.models.arrays import Array

GOOD = 0.5
"""Pareto k̂ below this: the weighted draws are as good as their effective number says."""

MIXED, ENOUGH = 1.01, 100
"""Chains have mixed at an R̂ below this, and say enough when each is worth so many draws (Vehtari et al. 2021)."""


@dataclass(frozen=True)
class Draws:
    """Draws from a posterior: weighted ones by importance sampling, or chains by NUTS.

    ``log_parameters`` has shape (draws, k), in the analyst's units; ``weights`` sum to 1; ``u`` are the same draws in
    the unconstrained coordinates that the priors are stated in. ``chains`` is 1 for importance sampling, else the draws
    are chains one after another. ``constants`` are those of the family, where it has any.
    """

    family: type[Family]
    u: Array
    log_parameters: Array
    weights: Array
    chains: int = 1
    k_hat: float | None = None
    r_hat: float | None = None
    bulk_ess: float | None = None
    tail_ess: float | None = None
    divergences: int = 0
    constants: dict[str, int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Number of draws."""
        return len(self.weights)

    @property
    def ess(self) -> float:
        """Effective number of draws: 1 / Σ w², or that of the worst-mixed quantity of the chains."""
        return self.bulk_ess if self.bulk_ess is not None else float(1 / np.sum(self.weights**2))

    @property
    def limit(self) -> float:
        """The k̂ above which weighted draws of this number cannot be trusted (Vehtari et al. 2024)."""
        return min(1 - 1 / float(np.log10(self.size)), 0.7)

    @property
    def certified(self) -> bool:
        """Whether these draws may be used: k̂ within its limit; for chains R̂, effective numbers and divergences."""
        if self.k_hat is not None:
            return self.k_hat <= self.limit
        if self.r_hat is None or self.bulk_ess is None or self.tail_ess is None:
            return False
        enough = min(self.bulk_ess, self.tail_ess) >= ENOUGH * self.chains
        return self.r_hat < MIXED and enough and self.divergences < 0.01 * self.size

    @cached_property
    def mean(self) -> Array:
        """Posterior mean of each parameter, shape (k,)."""
        return np.asarray(self.weights @ np.exp(self.log_parameters))

    @cached_property
    def sd(self) -> Array:
        """Posterior standard deviation of each parameter, shape (k,)."""
        return np.asarray(np.sqrt(self.weights @ (np.exp(self.log_parameters) - self.mean) ** 2))

    @cached_property
    def covariance(self) -> Array:
        """Posterior covariance of the log parameters, shape (k, k)."""
        centred = self.log_parameters - self.weights @ self.log_parameters
        return np.asarray((centred * self.weights[:, None]).T @ centred)

    def quantile(self, p: float) -> Array:
        """Quantile of each parameter, shape (k,)."""
        values = np.exp(self.log_parameters)
        order = np.argsort(values, axis=0)
        mass = np.cumsum(self.weights[order], axis=0)
        first = np.argmax(mass >= p * mass[-1], axis=0)
        every = np.arange(values.shape[1])
        return np.asarray(values[order[first, every], every])

    def resample(self, n: int, *, seed: int) -> Family:
        """``n`` equally weighted draws as one family with parameters of shape (n, 1).

        Systematic resampling along a curve through the parameter space, so that few draws stand for many: neighbours
        on the curve predict nearly the same, and each stretch of it gets its share. They come in the curve's order:
        shuffle them before pairing them with anything.
        """
        offset = np.random.default_rng(seed).random()
        order = self._curve
        mass = np.cumsum(self.weights[order])
        chosen = np.searchsorted(mass, (np.arange(n) + offset) / n * mass[-1], side="right")
        return self.at(self.log_parameters[order[np.minimum(chosen, self.size - 1)]])

    def at(self, log_parameters: Array) -> Family:
        """The family, with its constants, at log parameters."""
        return self.family.from_log(log_parameters, self.constants)

    @cached_property
    def _curve(self) -> np.ndarray[Any, np.dtype[np.intp]]:
        """Draws in the order of a Morton curve through their whitened coordinates (Gerber & Chopin 2015)."""
        axes = np.linalg.eigh(np.cov(self.u.T, aweights=self.weights) + 1e-300 * np.eye(self.u.shape[1]))[1]
        along = (self.u - self.weights @ self.u) @ axes[:, ::-1]  # the widest direction first
        bits = 10
        ranks = np.argsort(np.argsort(along, axis=0), axis=0) * (1 << bits) // self.size
        code = np.zeros(self.size, np.int64)
        for bit in range(bits - 1, -1, -1):
            for column in range(along.shape[1]):
                code = (code << 1) | ((ranks[:, column] >> bit) & 1)
        return np.lexsort((np.arange(self.size), code))


def smooth(log_ratios: Array) -> tuple[Array, float]:
    """Pareto-smoothed importance weights (they sum to 1) and k̂, from log posterior − log proposal.

    k̂ is an estimate from some two hundred weights, known to a few hundredths, and it hangs on their small differences:
    it is told to six places, so that rounding in the likelihood, which shows in the ninth, does not change it.
    Equal ratios have no tail: k̂ = −∞. Equal ratios in the tail only, as stuck chains have, cannot be judged: k̂ = ∞.
    """
    log_ratios = np.asarray(log_ratios, float)
    if np.ptp(log_ratios) == 0:
        return np.full(log_ratios.size, 1 / log_ratios.size), -np.inf
    try:
        log_weights, k_hat = _array_stats().psislw(-log_ratios)  # ArviZ takes minus the log ratios
    except ValueError:
        log_weights, k_hat = log_ratios, np.inf
    weights = np.exp(log_weights - np.max(log_weights))
    return weights / weights.sum(), round(float(k_hat), 6)


def chain_diagnostics(values: Array) -> tuple[float, float, float]:
    """Worst R̂, smallest bulk and tail effective sample size; ``values`` has shape (chains, draws, k)."""
    array_stats = _array_stats()
    columns = [np.ascontiguousarray(values[:, :, i]) for i in range(values.shape[2])]
    r_hat = max(float(array_stats.rhat(column)) for column in columns)
    bulk = min(float(array_stats.ess(column, method="bulk")) for column in columns)
    tail = min(float(array_stats.ess(column, method="tail", prob=(0.05, 0.95))) for column in columns)
    return r_hat, bulk, tail


def arviz_data(groups: dict[str, dict[str, Array]], dims: dict[str, list[str]]) -> Any:
    """ArviZ's own container: InferenceData on 0.x, DataTree on 1.x. Arrays have shape (chain, draw, ...)."""
    try:
        with warnings.catch_warnings():  # ArviZ 0.x announces 1.x
            warnings.simplefilter("ignore")
            import arviz
    except ImportError as error:
        raise MissingDependencyError("ArviZ is not installed. Type: pip install 'clvmodels[bayes]'") from error
    if arviz.__version__.startswith("0."):
        return arviz.from_dict(**groups, dims=dims)  # type: ignore[arg-type]
    return arviz.from_dict(groups, dims=dims)


def _array_stats() -> Any:
    """ArviZ's functions on plain arrays, in the place that both generations have them."""
    try:
        return import_module("arviz_stats.base").array_stats
    except ImportError as error:
        raise MissingDependencyError(
            "posterior draws are certified by ArviZ, which is not installed. Type: pip install 'clvmodels[bayes]', or "
            "choose --method mle."
        ) from error
