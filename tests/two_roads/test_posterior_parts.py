"""Is every part of a posterior what a second road says: likelihood, priors, curvature, a posterior by quadrature?"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from clvmodels.fitting import posterior
from clvmodels.fitting.draws import Draws, smooth
from clvmodels.fitting.objective import Objective
from clvmodels.fitting.posterior import Proposal, draws_worth_waiting_for, find_mode, importance_draws, log_posterior
from clvmodels.fitting.priors import PARAMETRISATIONS, Beta, Gamma, HalfNormal, LogNormal, Parametrisation, Prior
from clvmodels.fitting.purchase_sums import BGNBDObjective
from clvmodels.fitting.spend_sums import GammaGammaObjective

RNG = np.random.default_rng(17)
N = 300
X = RNG.geometric(0.35, N) - 1.0
X[0] = 700
T = RNG.integers(20, 280, N) / 7
T_X = np.where(X > 0, np.ceil(7 * T * RNG.random(N) ** 0.5) / 7, 0.0)
COUNT = RNG.integers(1, 5, N)
PURCHASES = BGNBDObjective(X, T_X, T, COUNT)
SPEND = GammaGammaObjective(X[X > 0], 30 * RNG.gamma(6, size=N)[X > 0] / RNG.gamma(3, size=N)[X > 0])
OBJECTIVES: dict[str, Any] = {"bgnbd": PURCHASES, "gamma_gamma": SPEND}

PRIORS: list[Prior] = [LogNormal(-0.4, 1.3), Gamma(2.5, 0.8), HalfNormal(1.7), Beta(0.6, 3.0), Beta(1, 1)]


def many(objective: Objective, draws: int, width: float) -> np.ndarray:
    centre = np.array([-0.9, 0.5, 0.9, -0.9] if objective is PURCHASES else [1.7, 1.2, -0.3])
    return np.asarray(centre + width * np.random.default_rng(3).standard_normal((draws, centre.size)))


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize(("draws", "width"), [(1, 1.0), (5, 0.01), (400, 0.02), (400, 1.0), (600, 3.0)])
def test_the_likelihood_at_many_points(name: str, draws: int, width: float) -> None:
    """Sums by blocks and by interpolation, against the families' own formula at every point."""
    objective = OBJECTIVES[name]
    data, counts = objective.rows()
    etas = many(objective, draws, width)
    models = [objective.family.from_log(objective.log_parameters(eta)) for eta in etas]
    direct = np.array([counts @ model.log_likelihood(*data) for model in models]) - objective.shift()
    # A draw as far out as e⁹ meets large terms that cancel, in either road.
    size = np.abs(direct).max() if width > 1 else np.abs(direct).min()
    risen = objective.values(etas) - objective.values(etas)[0]
    np.testing.assert_allclose(risen, direct - direct[0], rtol=1e-8 if width > 1 else 1e-11, atol=1e-11 * size)
    np.testing.assert_allclose([objective(eta)[0] for eta in etas[:5]], direct[:5], rtol=1e-11)


def test_one_draw_does_not_depend_on_the_others() -> None:
    for objective in OBJECTIVES.values():
        etas = many(objective, 300, 0.7)
        many_together, few = objective.values(etas)[:7], objective.values(etas[:7])
        np.testing.assert_allclose(many_together - many_together[0], few - few[0], rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_slope_and_curvature_of_the_posterior(name: str) -> None:
    objective, parametrisation = OBJECTIVES[name], PARAMETRISATIONS[name]
    u, step = np.array([0.3, -0.4, 0.8, -0.6][: len(parametrisation.quantities)]), 1e-4
    _, slope, bend = log_posterior(objective, parametrisation, u)
    sides = [(u + step * axis, u - step * axis) for axis in np.eye(u.size)]
    values = [[log_posterior(objective, parametrisation, point) for point in pair] for pair in sides]
    np.testing.assert_allclose(slope, [(p[0] - m[0]) / (2 * step) for p, m in values], rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(bend, [(p[1] - m[1]) / (2 * step) for p, m in values], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("prior", PRIORS, ids=repr)
def test_prior_density_is_scipys(prior: Prior) -> None:
    """With the Jacobian of the logarithm or logit, and with derivatives by central differences."""
    u, step = np.linspace(-4, 2.5, 27), 1e-5
    value = 1 / (1 + np.exp(-u)) if prior.support == "fraction" else np.exp(u)
    jacobian = value * (1 - value) if prior.support == "fraction" else value
    np.testing.assert_allclose(prior.log_density(u), prior.distribution.logpdf(value) + np.log(jacobian), rtol=1e-9)
    for point in u:
        slope = (prior.log_density(point + step) - prior.log_density(point - step)) / (2 * step)
        sides = prior.derivatives(point + step)[0] - prior.derivatives(point - step)[0]
        np.testing.assert_allclose(prior.derivatives(point), [slope, sides / (2 * step)], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("prior", PRIORS[:4], ids=repr)
def test_a_wider_prior_keeps_its_centre_and_is_wider(prior: Prior) -> None:
    narrow, wide = prior.distribution, prior.wider(2).distribution
    np.testing.assert_allclose(list(asdict(prior.wider(2).wider(0.5)).values()), list(asdict(prior).values()))
    if isinstance(prior, LogNormal):
        assert wide.median() == pytest.approx(narrow.median())
        assert np.log(wide.ppf(0.9) / wide.median()) == pytest.approx(2 * np.log(narrow.ppf(0.9) / narrow.median()))
    elif isinstance(prior, HalfNormal):
        assert wide.std() == pytest.approx(2 * narrow.std())
    else:
        assert wide.mean() == pytest.approx(narrow.mean())
        assert wide.std() > 1.3 * narrow.std()


def with_all_but_the_first_known(parametrisation: Parametrisation, known: np.ndarray) -> Parametrisation:
    """Priors a ten-thousandth wide on every other quantity: what is left is a posterior in one dimension."""
    tight: dict[str, Prior] = {}
    for quantity, u in list(zip(parametrisation.quantities, known, strict=True))[1:]:
        share = 1 / (1 + np.exp(-u))
        tight[quantity.name] = LogNormal(u, 1e-4) if quantity.link == "log" else Beta(1e8 * share, 1e8 * (1 - share))
    return parametrisation.with_priors(tight)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_conditional_posterior_by_quadrature(name: str) -> None:
    """Mean, spread and tail of the first quantity, the others held: importance draws against a fine grid."""
    objective, parametrisation = OBJECTIVES[name], PARAMETRISATIONS[name]
    known = find_mode(objective, parametrisation).u
    parametrisation = with_all_but_the_first_known(parametrisation, known)
    mode = find_mode(objective, parametrisation)
    draws = importance_draws(objective, parametrisation, mode, seed=(1,))
    assert draws.certified
    spread = float(np.sqrt(mode.covariance[0, 0]))
    grid = mode.u[0] + spread * np.linspace(-9, 9, 2001)
    points = np.tile(known, (grid.size, 1))
    points[:, 0] = grid
    log_density = objective.values(parametrisation.to_eta(points)) + parametrisation.quantities[0].prior.log_density(
        grid
    )
    density = np.exp(log_density - log_density.max())
    density /= integrate.simpson(density, x=grid)
    mean = integrate.simpson(grid * density, x=grid)
    sd = np.sqrt(integrate.simpson((grid - mean) ** 2 * density, x=grid))
    below = integrate.simpson(np.where(grid <= mean - sd, density, 0), x=grid)
    error = 1 / np.sqrt(draws.ess)
    first = draws.u[:, 0]
    assert draws.weights @ first == pytest.approx(mean, abs=4 * error * sd)
    assert np.sqrt(draws.weights @ (first - mean) ** 2) == pytest.approx(sd, rel=4 * error)
    assert draws.weights @ (first <= mean - sd) == pytest.approx(below, abs=4 * error)


def test_a_gaussian_posterior_is_recovered() -> None:
    """Weights of a known target: its mean, its covariance, and a k̂ that allows them."""

    class Gaussian:
        family, scale = PARAMETRISATIONS["gamma_gamma"].family, 1.0
        n_patterns = n_per_draw = n_customers = 1
        precision = np.array([[4.0, 1.0, 0.0], [1.0, 3.0, 0.5], [0.0, 0.5, 2.0]])
        centre = np.array([0.3, 0.8, -0.2])

        def values(self, etas: np.ndarray) -> np.ndarray:
            away = etas - self.centre
            return np.asarray(-np.sum((away @ self.precision) * away, axis=1) / 2)

    target = Gaussian()
    flat = PARAMETRISATIONS["gamma_gamma"].with_priors(
        {"p": LogNormal(0, 1e4), "q_above_1": LogNormal(0, 1e4), "mean": LogNormal(0, 1e4)}
    )
    flat = replace(flat, to_eta=lambda u: u)
    proposal = Proposal(target.centre + 0.2, np.linalg.inv(target.precision) * 1.2)
    draws = importance_draws(target, flat, proposal, seed=(5,))  # type: ignore[arg-type]
    assert draws.k_hat is not None
    assert draws.k_hat < 0.5
    assert draws.ess > 2000
    np.testing.assert_allclose(draws.weights @ draws.u, target.centre, atol=0.02)
    away = draws.u - draws.weights @ draws.u
    np.testing.assert_allclose((away * draws.weights[:, None]).T @ away, np.linalg.inv(target.precision), atol=0.02)


def test_k_hat_tells_a_proposal_that_is_too_narrow() -> None:
    """Draws from the middle of a posterior only: the certificate refuses them."""
    objective, parametrisation = PURCHASES, PARAMETRISATIONS["bgnbd"]
    mode = find_mode(objective, parametrisation)
    narrow = importance_draws(objective, parametrisation, Proposal(mode.u, mode.covariance / 25), seed=(1,))
    assert not narrow.certified
    assert importance_draws(objective, parametrisation, mode, seed=(1,)).certified


def test_draws_of_known_weights() -> None:
    """Quantiles and moments of three draws, by hand; and what resampling gives each its share of."""
    logs = np.log(np.array([[1.0, 5.0, 2.0], [2.0, 3.0, 2.0], [4.0, 4.0, 2.0]]))
    draws = Draws(PARAMETRISATIONS["gamma_gamma"].family, logs, logs, np.array([0.5, 0.3, 0.2]), k_hat=0.1)
    np.testing.assert_allclose(draws.mean, [1.9, 4.2, 2.0])
    np.testing.assert_allclose(draws.sd, np.sqrt([0.5 * 0.81 + 0.3 * 0.01 + 0.2 * 4.41, 0.76, 0.0]), atol=1e-12)
    assert draws.quantile(0.5).tolist() == pytest.approx([1.0, 4.0, 2.0])
    assert draws.quantile(0.55).tolist() == pytest.approx([2.0, 5.0, 2.0])
    assert draws.ess == pytest.approx(1 / 0.38)
    sampled = draws.resample(1000, seed=1).p.ravel()
    values, shares = np.unique(sampled.round(9), return_counts=True)
    np.testing.assert_allclose(values, [1, 2, 4])
    np.testing.assert_allclose(shares, [500, 300, 200], atol=1)


def test_the_number_of_draws_does_not_grow_with_the_work() -> None:
    small, large, huge = (draws_worth_waiting_for(n) for n in (1_000, 100_000, 700_000))
    assert (small, large, huge) == (4096, 1024, 512)
    assert SPEND.n_per_draw < 50  # sums are interpolated: more draws cost nothing


def test_pareto_k_of_known_tails() -> None:
    """Ratios with a generalised Pareto tail of shape .3 and .9: k̂ near them, and weights that sum to 1."""
    for shape in (0.3, 0.9):
        ratios = stats.genpareto(shape).rvs(4000, random_state=np.random.default_rng(8))
        weights, k_hat = smooth(np.log(ratios))
        assert k_hat == pytest.approx(shape, abs=0.2)
        assert weights.sum() == pytest.approx(1)
        assert np.argmax(weights) == np.argmax(ratios)


@pytest.mark.parametrize(
    ("k_hats", "worth", "rounds"),
    [
        ((0.3,), 0.5, 1),  # good at once
        ((0.6,), 0.8, 1),  # usable, and worth nearly their number: no other proposal makes them better
        ((0.6, 0.4), 0.5, 2),  # usable, but uneven
        ((0.75, 0.6), 0.8, 2),  # not usable, however even
    ],
)
def test_when_the_proposal_is_made_anew(
    monkeypatch: pytest.MonkeyPatch, k_hats: tuple[float, ...], worth: float, rounds: int
) -> None:
    seen: list[tuple[int, ...]] = []

    def drawn(*_: Any, seed: tuple[int, ...]) -> Draws:
        seen.append(seed)
        weights = np.zeros(1000)
        weights[: round(1000 * worth)] = 1 / round(1000 * worth)  # an effective number of just so many
        u = np.random.default_rng(0).standard_normal((1000, 4))
        kind = PARAMETRISATIONS["bgnbd"].family
        return Draws(kind, u, u, weights, k_hat=k_hats[len(seen) - 1] if len(seen) <= len(k_hats) else 0.9)

    monkeypatch.setattr(posterior, "importance_draws", drawn)
    posterior.sample_posterior(PURCHASES, PARAMETRISATIONS["bgnbd"], seed=0)
    assert len(seen) == rounds
