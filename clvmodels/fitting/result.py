"""Fit: an estimate with everything a reader must know about it: how sure, in what unit, from which data."""

from __future__ import annotations

import datetime as dt
import html
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from clvmodels.calendar import Unit
from clvmodels.fitting.draws import Draws
from clvmodels.models import Family
from clvmodels.models.arrays import Array


@dataclass(frozen=True, eq=False)
class Fit:
    """One family fitted to one summary.

    Attributes
    ----------
    model
        The family at its estimate; time in ``unit``, money in ``currency``. With a posterior: at its mean, taken on the
        unconstrained scale of the priors' quantities.
    method
        How it was fitted: ``"mle"``, ``"posterior"`` or ``"nuts"``.
    unit
        What 1.0 of time means.
    log_likelihood
        At the estimate, for time in ``unit`` and money in ``currency``.
    n_customers
        Customers the estimate rests on (for spend: those with repeat purchases of positive value).
    converged, verdict
        Whether the estimate is usable, and why, in words.
    covariance
        Of the log parameters, shape (k, k): symmetric, positive semi-definite; zero along what is not identified.
    standard_errors
        Of the parameters; None for what is not identified.
    diagnostics
        Plain values: gradient_norm, condition, boundary (None or words), warnings, starts, evaluations, n_patterns,
        n_left_out and n_days_left_out (of spend: customers and days without a value). Of (M)BG/CNBD-k: constants, and
        their profile, the highest log-likelihood of each k. Of a posterior: asked (method), seed, draws, ess, k_hat
        with its k_hat_limit or r_hat, tail_ess and divergences, priors, prior_influence (shift of the estimates in
        posterior standard deviations, by prior scale) and prior_influence_words.
    start, until, currency, sha256
        The data: first purchase, end of observation, money, and the hash of the source.
    finite_mean
        Gamma-Gamma with q ≤ 1, whose population mean does not exist: the fit restricted to q ≥ 1.05. Else None.
    posterior
        The draws, when the method makes them.
    observed
        With a posterior, what it was drawn from: the data columns and the number of customers on each row.
    """

    model: Family
    method: str
    unit: Unit
    log_likelihood: float
    n_customers: int
    converged: bool
    verdict: str
    covariance: Array = field(repr=False)
    standard_errors: dict[str, float | None] = field(repr=False)
    diagnostics: dict[str, Any] = field(repr=False)
    start: dt.date
    until: dt.date
    currency: str
    sha256: str = field(repr=False)
    finite_mean: Family | None = None
    posterior: Draws | None = field(default=None, repr=False)
    observed: tuple[tuple[Array, ...], Array] | None = field(default=None, repr=False)

    @property
    def parameters(self) -> dict[str, float]:
        """The estimate by parameter name; whole numbers that the likelihood chose are ``model.constants``."""
        return {name: float(value) for name, value in self.model.parameters.items()}

    @property
    def predictive_model(self) -> Family:
        """The model to take means from: ``finite_mean`` where the estimate has no population mean."""
        return self.finite_mean or self.model

    def draws(self, n: int, *, seed: int = 0) -> Family:
        """The family at ``n`` draws of its parameters.

        From the posterior, if there is one; else log-normal, with the covariance of the estimate. They come in random
        order, another one for each family, so that the i-th draws of two fits make a pair.

        Parameters
        ----------
        n
            Number of draws.
        seed
            The same seed gives the same draws.

        Returns
        -------
        Family
            Fields of shape (n, 1), as every formula takes them.
        """
        rng = np.random.default_rng([seed, zlib.crc32(self.model.name.encode())])
        if self.posterior is not None:
            chosen = self.posterior.resample(n, seed=seed).log_vector
            return self.model.at(rng.permutation(chosen))
        normal = rng.standard_normal((n, len(self.covariance)))
        return self.model.at(self.model.log_vector + normal @ _root(self.covariance).T)

    def table(self, *, level: float = 0.90) -> pd.DataFrame:
        """One row per parameter: parameter, estimate, standard_error, lower, upper.

        ``lower`` and ``upper`` are the ``level`` confidence limits, computed for the logarithm, so that they are
        positive; like ``standard_error`` they are missing (NaN) for what the data do not identify. With a posterior
        they are its quantiles, and ``standard_error`` is its standard deviation. A whole number that the likelihood
        chose (the k of BG/CNBD-k) is a last row, without error or limits.
        """
        estimate = np.array(list(self.parameters.values()))
        error = np.array([np.nan if e is None else e for e in self.standard_errors.values()])
        if self.posterior is None:
            reach = np.exp(special.ndtri((1 + level) / 2) * error / estimate)
            lower, upper = estimate / reach, estimate * reach
        else:
            lower, upper = self.posterior.quantile((1 - level) / 2), self.posterior.quantile((1 + level) / 2)
        constants = self.model.constants
        nothing = np.full(len(constants), np.nan)
        return pd.DataFrame(
            {
                "parameter": [*self.parameters, *constants],
                "estimate": np.append(estimate, list(constants.values())),
                "standard_error": np.append(error, nothing),
                "lower": np.append(lower, nothing),
                "upper": np.append(upper, nothing),
            }
        )

    def to_arviz(self, *, draws: int = 1000, seed: int = 0) -> Any:
        """The posterior in ArviZ's own container, for ``az.summary``, ``az.plot_*``, ``az.loo`` and ``az.compare``.

        Groups: posterior (parameters), log_likelihood (per customer), posterior_predictive (a new data set per draw)
        and observed_data. InferenceData on ArviZ 0.x, DataTree on 1.x. Draws by importance sampling are resampled to
        equal weights and shown as four chains; NUTS keeps its chains, thinned.

        Raises
        ------
        InputError
            Without a posterior, after `load`, or when customers × draws would not fit into memory.
        MissingDependencyError
            Without ArviZ.
        """
        from clvmodels.fitting.inference_data import to_arviz

        return to_arviz(self.posterior, self.observed, draws=draws, seed=seed)

    def __repr__(self) -> str:
        return f"{self._headline()}\n{self.table().to_string(index=False, na_rep='', float_format='{:.6g}'.format)}"

    def _repr_html_(self) -> str:
        table = self.table().to_html(index=False, na_rep="", float_format="{:.6g}".format, border=0)
        return f"<p>{'<br>'.join(html.escape(line) for line in self._headline().splitlines())}</p>{table}"

    def _headline(self) -> str:
        return (
            f"{self.model.title} by {self.method}: {self.n_customers:,} customers, {self.start} to {self.until}, "
            f"time in {self.unit.value}s, log-likelihood {self.log_likelihood:.4f}\n{self.verdict}"
        )


def _root(covariance: Array) -> Array:
    """Lower triangular L with L Lᵀ = covariance, also where that is singular: zero columns for zero pivots."""
    rest, root = covariance.astype(float, copy=True), np.zeros_like(covariance, float)
    smallest = 1e-13 * float(np.max(np.diag(covariance), initial=0.0))
    for column in range(len(rest)):
        if rest[column, column] > smallest:
            root[:, column] = rest[:, column] / np.sqrt(rest[column, column])
            rest = rest - np.outer(root[:, column], root[:, column])
    return np.tril(root)
