"""The posterior in a second: mode, curvature, and importance draws from a Student-t around them, with a certificate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from clvmodels.fitting.draws import Draws, smooth
from clvmodels.fitting.mle import THIN
from clvmodels.fitting.newton import Summit, climb
from clvmodels.fitting.objective import Objective
from clvmodels.fitting.priors import Parametrisation
from clvmodels.models.arrays import Array

FREEDOM = 7.0
"""Degrees of freedom of the proposal: tails heavier than the posterior's."""

INFLATION = 1.1
"""The proposal is this much wider than the curvature says; a posterior is seldom narrower."""

MOST, FEWEST = 4096, 512
"""Draws for a small log, and for a huge one: the more customers, the less they differ, so that few say enough."""

BUDGET = 1.3e8
"""Numbers × draws that are worth waiting for: about a second."""


@dataclass(frozen=True)
class Mode:
    """The highest point of the posterior in the unconstrained coordinates, and the curvature there."""

    u: Array
    covariance: Array
    evaluations: int


def log_posterior(objective: Objective, parametrisation: Parametrisation, u: Array) -> tuple[float, Array, Array]:
    """Log posterior density in u up to a constant, its gradient and its Hessian."""
    value, slope, hessian = objective(parametrisation.to_eta(u))
    jacobian, bend = parametrisation.slopes(u)
    prior, (prior_slope, prior_bend) = float(parametrisation.log_prior(u)), parametrisation.log_prior_derivatives(u)
    curvature = jacobian.T @ hessian @ jacobian + np.tensordot(slope, bend, axes=1) + np.diag(prior_bend)
    return value + prior, jacobian.T @ slope + prior_slope, curvature


def find_mode(objective: Objective, parametrisation: Parametrisation) -> Mode:
    """The mode: climbed to from several starts on a systematic sample of the patterns, then on all of them."""
    step = objective.n_patterns // THIN
    small = objective.thinned(step) if step > 1 else objective
    summits = [_climb(small, parametrisation, start) for start in parametrisation.starts()]
    summit = max(summits, key=lambda found: round(found.value, 7))
    if small is not objective:
        summit = _climb(objective, parametrisation, summit.eta)
    curvature, axes = np.linalg.eigh(-summit.hessian)
    safe = np.maximum(curvature, 1e-3)  # a flat or bent-up direction: wide, and the certificate will tell
    return Mode(summit.eta, np.asarray((axes / safe) @ axes.T), sum(found.evaluations for found in summits))


def _climb(objective: Objective, parametrisation: Parametrisation, start: Array) -> Summit:
    free = np.ones(start.size, bool)
    return climb(lambda u: log_posterior(objective, parametrisation, u), start, free=free, most=100)


def importance_draws(
    objective: Objective, parametrisation: Parametrisation, mode: Mode, *, seed: int, size: int | None = None
) -> Draws:
    """Weighted draws from the posterior.

    The proposal is a multivariate Student-t on a scrambled Sobol sequence: the same seed gives the same bytes, another
    seed moves what is computed from the draws far less than independent draws would.
    """
    k = mode.u.size
    size = size or draws_worth_waiting_for(objective.n_per_draw)
    points = stats.qmc.Sobol(k + 1, rng=np.random.default_rng(seed)).random_base2(int(np.log2(size)))
    points = np.clip(points, 1e-12, 1 - 1e-12)
    stretch = np.sqrt(FREEDOM / stats.chi2.ppf(points[:, k], FREEDOM))
    whitened = stats.norm.ppf(points[:, :k]) * stretch[:, None]
    root = np.linalg.cholesky(mode.covariance) * INFLATION
    u = mode.u + whitened @ root.T
    log_proposal = -(FREEDOM + k) / 2 * np.log1p(np.sum(whitened**2, axis=1) / FREEDOM)
    log_ratio = parametrisation.log_prior(u) + objective.values(parametrisation.to_eta(u)) - log_proposal
    weights, k_hat = smooth(log_ratio - log_ratio.max())
    model = parametrisation.model(u, objective.scale)
    return Draws(parametrisation.family, u, model.log_vector, weights, k_hat=k_hat)


def draws_worth_waiting_for(n_per_draw: int) -> int:
    """A power of two between FEWEST and MOST."""
    return int(2 ** np.floor(np.log2(np.clip(BUDGET / max(n_per_draw, 1), FEWEST, MOST))))
