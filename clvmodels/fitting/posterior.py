"""The posterior in a second: mode, curvature, and importance draws from a Student-t around them, with a certificate.

Where the certificate is not good, because a small log's posterior is skewed, the mean and covariance of the weighted
draws make a better Student-t than mode and curvature, and the draws are made anew: population Monte Carlo (Cappé et al.
2004). It halves the k̂ of logs of a hundred customers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from clvmodels.fitting.draws import GOOD, Draws, smooth
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

GRAIN = 24
"""A proposal is rounded to this many binary digits of its spread. Any proposal gives the right weights; this one gives
the same draws to the last bit for data, and processors, that differ in their last digit only."""

ROUNDS = 2
"""Times that the proposal is made anew from its own draws, at most."""

EVEN = 0.7
"""Share of the draws that they are worth from which on no other centre or spread makes them worth more: a Student-t
that is wider than a normal posterior has .84."""


@dataclass(frozen=True)
class Proposal:
    """Where importance draws come from: a centre in the unconstrained coordinates, and the spread around it."""

    u: Array
    covariance: Array


def log_posterior(objective: Objective, parametrisation: Parametrisation, u: Array) -> tuple[float, Array, Array]:
    """Log posterior density in u up to a constant, its gradient and its Hessian."""
    value, slope, hessian = objective(parametrisation.to_eta(u))
    jacobian, bend = parametrisation.slopes(u)
    prior, (prior_slope, prior_bend) = float(parametrisation.log_prior(u)), parametrisation.log_prior_derivatives(u)
    curvature = jacobian.T @ hessian @ jacobian + np.tensordot(slope, bend, axes=1) + np.diag(prior_bend)
    return value + prior, jacobian.T @ slope + prior_slope, curvature


def find_mode(objective: Objective, parametrisation: Parametrisation) -> Proposal:
    """Mode and curvature: climbed to from several starts on a systematic sample of the patterns, then on all."""
    step = max(objective.n_patterns, objective.n_per_draw) // THIN
    small = objective.thinned(step) if step > 1 else objective
    summits = [_climb(small, parametrisation, start) for start in parametrisation.starts()]
    summit = max(summits, key=lambda found: round(found.value, 7))
    if small is not objective:
        summit = _climb(objective, parametrisation, summit.eta)
    curvature, axes = np.linalg.eigh(-summit.hessian)
    safe = np.maximum(curvature, 1e-3)  # a flat or bent-up direction: wide, and the certificate will tell
    return Proposal(summit.eta, np.asarray((axes / safe) @ axes.T))


def _climb(objective: Objective, parametrisation: Parametrisation, start: Array) -> Summit:
    free = np.ones(start.size, bool)
    return climb(lambda u: log_posterior(objective, parametrisation, u), start, free=free, most=100)


def sample_posterior(objective: Objective, parametrisation: Parametrisation, *, seed: int) -> Draws:
    """Weighted draws from the posterior, around its mode or, where they turn out better, around its mean."""
    draws = importance_draws(objective, parametrisation, find_mode(objective, parametrisation), seed=(seed,))
    for again in range(1, ROUNDS + 1):
        if draws.k_hat is None or draws.k_hat < GOOD or (draws.certified and draws.ess > EVEN * draws.size):
            break
        centre = draws.weights @ draws.u
        away = draws.u - centre
        proposal = Proposal(centre, np.asarray((away * draws.weights[:, None]).T @ away))
        better = importance_draws(objective, parametrisation, proposal, seed=(seed, again))
        if better.k_hat is None or better.k_hat >= draws.k_hat:
            break
        draws = better
    return draws


def importance_draws(
    objective: Objective, parametrisation: Parametrisation, proposal: Proposal, *, seed: tuple[int, ...]
) -> Draws:
    """Weighted draws from the posterior.

    The proposal is a multivariate Student-t on a scrambled Sobol sequence: the same seed gives the same bytes, another
    seed moves what is computed from the draws far less than independent draws would.
    """
    k = proposal.u.size
    size = draws_worth_waiting_for(objective.n_per_draw)
    points = stats.qmc.Sobol(k + 1, rng=np.random.default_rng(seed)).random_base2(int(np.log2(size)))
    points = np.clip(points, 1e-12, 1 - 1e-12)
    stretch = np.sqrt(FREEDOM / stats.chi2.ppf(points[:, k], FREEDOM))
    whitened = stats.norm.ppf(points[:, :k]) * stretch[:, None]
    root = np.linalg.cholesky(proposal.covariance) * INFLATION
    grid = 2.0 ** (np.ceil(np.log2(np.diag(proposal.covariance)) / 2) - GRAIN)
    root, centre = np.rint(root / grid[:, None]) * grid[:, None], np.rint(proposal.u / grid) * grid
    u = centre + whitened @ root.T
    log_proposal = -(FREEDOM + k) / 2 * np.log1p(np.sum(whitened**2, axis=1) / FREEDOM)
    log_ratio = parametrisation.log_prior(u) + objective.values(parametrisation.to_eta(u)) - log_proposal
    weights, k_hat = smooth(log_ratio - log_ratio.max())
    model = parametrisation.model(u, objective.scale)
    return Draws(parametrisation.family, u, model.log_vector, weights, k_hat=k_hat, constants=model.constants)


def draws_worth_waiting_for(n_per_draw: int) -> int:
    """A power of two between FEWEST and MOST."""
    return int(2 ** np.floor(np.log2(np.clip(BUDGET / max(n_per_draw, 1), FEWEST, MOST))))
