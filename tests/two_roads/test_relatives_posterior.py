"""Do the priors' quantities of BG/NBD's relatives and the coordinates of their sums name the same model?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from clvmodels import fit, simulate, summarize
from clvmodels.fitting.family_sums import OBJECTIVES
from clvmodels.fitting.posterior import find_mode, importance_draws, log_posterior
from clvmodels.fitting.priors import PARAMETRISATIONS, Parametrisation
from clvmodels.models import BGNBD

RNG = np.random.default_rng(23)
N = 250
X = RNG.geometric(0.4, N) - 1.0
T = RNG.integers(60, 280, N) / 7
T_X = np.where(X > 0, np.ceil(7 * T * RNG.random(N) ** 0.5) / 7, 0.0)
COUNT = RNG.integers(1, 5, N)
POINTS = np.array([[0.3, -0.4, 0.8, -0.6], [-1.0, 0.5, -0.7, 1.5], [0.5, 0.1, 2.0, -3.0]])

every_family = pytest.mark.parametrize("name", OBJECTIVES)


def made(name: str) -> tuple[Any, Parametrisation]:
    """The sums and the quantities of a family: in opportunities for BG/BB, with three ticks a purchase for clocks."""
    kind, parametrisation = OBJECTIVES[name], PARAMETRISATIONS[name]
    if name == "bgbb":
        t_x = np.ceil(T_X)
        return kind(np.minimum(X, t_x), t_x, np.ceil(T), COUNT), parametrisation
    if kind.family.constant_names:
        return kind(X, T_X, T, COUNT, k=3), parametrisation.with_constants({"k": 3})
    return kind(X, T_X, T, COUNT), parametrisation


@every_family
def test_two_ways_to_the_same_model(name: str) -> None:
    objective, parametrisation = made(name)
    for u in POINTS[:, : len(parametrisation.quantities)]:
        model = parametrisation.model(u, objective.scale)
        there = objective.log_parameters(parametrisation.to_eta(u))
        np.testing.assert_allclose(model.log_vector, there, rtol=1e-12, atol=1e-12)


@every_family
def test_slope_and_curvature(name: str) -> None:
    objective, parametrisation = made(name)
    for u in POINTS[:, : len(parametrisation.quantities)]:
        _, slope, bend = log_posterior(objective, parametrisation, u)
        step = 1e-4
        sides = [(u + step * axis, u - step * axis) for axis in np.eye(u.size)]
        ends = [[log_posterior(objective, parametrisation, point) for point in pair] for pair in sides]
        np.testing.assert_allclose(slope, [(p[0] - m[0]) / (2 * step) for p, m in ends], rtol=1e-5, atol=1e-4)
        by_slopes = [(p[1] - m[1]) / (2 * step) for p, m in ends]
        np.testing.assert_allclose(bend, by_slopes, rtol=1e-5, atol=1e-6 * np.abs(bend).max())


def test_the_share_that_leaves_within_the_mean_t() -> None:
    model = PARAMETRISATIONS["pareto_nbd"].model(np.array([0.0, 0.0, -0.5, -1.0]), 40.0)
    s, beta = model.parameters["s"], model.parameters["beta"]
    assert 1 - (beta / (beta + 40)) ** s == pytest.approx(1 / (1 + np.e), rel=1e-12)


@every_family
def test_likelihoods_of_many_draws_are_those_of_each(name: str) -> None:
    objective, _ = made(name)
    etas = POINTS[0, : 2 if name == "nbd" else 4] + 0.3 * RNG.standard_normal((150, 2 if name == "nbd" else 4))
    np.testing.assert_allclose(objective.values(etas), [objective(eta)[0] for eta in etas], rtol=1e-11)


@every_family
def test_posterior_is_certified(name: str) -> None:
    objective, parametrisation = made(name)
    draws = importance_draws(objective, parametrisation, find_mode(objective, parametrisation), seed=(1,))
    assert draws.certified


def test_wild_draws_of_small_logs_stay_numbers() -> None:
    """Draws under priors twice as wide overflowed: β was infinite, and the whole fit was refused."""
    truth = BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)
    log = simulate(truth, customers=400, start="2024-01-01", end="2024-12-31", unit="week", seed=2)
    found = fit("pareto_nbd", summarize(log), method="posterior")
    assert np.all(np.isfinite(found.posterior.log_parameters))
    assert found.converged
