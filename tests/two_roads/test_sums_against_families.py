"""Are the sums that are optimised the families' own likelihood, gradient and curvature?"""

from __future__ import annotations

import numpy as np
import pytest

from clvmodels.fitting.family_sums import MBGNBDObjective, NBDObjective, ParetoNBDObjective
from clvmodels.fitting.newton import climb
from clvmodels.fitting.objective import Objective
from clvmodels.fitting.purchase_sums import BGNBDObjective
from clvmodels.fitting.spend_sums import GammaGammaObjective

RNG = np.random.default_rng(11)
N = 400
X = RNG.geometric(0.3, N) - 1.0
X[:3] = 900, 37, 1
T = RNG.integers(1, 280, N) / 7
T_X = np.where(X > 0, np.ceil(7 * T * RNG.random(N)) / 7, 0.0)
T_X[0] = T[0] / 50  # odds beyond e⁷⁰⁰
WEIGHT = RNG.integers(1, 9, N)
PURCHASES = BGNBDObjective(X, T_X, T, WEIGHT)
COINS, CLOCKS = (kind(X, T_X, T, WEIGHT) for kind in (MBGNBDObjective, ParetoNBDObjective))
FOREVER = NBDObjective(X, T_X, T, WEIGHT)
SPENT_X, SPENT_M = X[X > 0], 30 * RNG.gamma(6, size=N)[X > 0] / RNG.gamma(3, size=N)[X > 0]
SPEND = GammaGammaObjective(SPENT_X, SPENT_M)

POINTS = [
    (PURCHASES, [-1.4, 0.6, 1.2, -1.1]),
    (PURCHASES, [0.0, 0.0, 0.0, 0.0]),
    (PURCHASES, [6.0, 0.3, 9.0, -2.0]),
    (PURCHASES, [-2.5, 1.0, -6.0, 1.0]),
    (PURCHASES, [1.0, -1.0, 2.0, -8.0]),
    (COINS, [-1.4, 0.6, 1.2, -1.1]),
    (COINS, [6.0, 0.3, 9.0, -2.0]),
    (CLOCKS, [-0.6, 0.3, -0.5, 0.7]),
    (CLOCKS, [6.0, 0.3, 5.0, -0.5]),
    (CLOCKS, [1.0, -1.0, -3.0, 4.0]),
    (CLOCKS, [-2.5, 1.0, 1.0, -8.0]),
    (FOREVER, [-0.7, 0.2]),
    (SPEND, [1.8, 1.3, -0.2]),
    (SPEND, [-1.5, -0.5, 0.4]),
    (SPEND, [7.0, 1.0, -0.3]),
    (SPEND, [0.5, 7.0, 0.1]),
]


def columns(objective: Objective) -> tuple[np.ndarray, ...]:
    return (SPENT_X, SPENT_M) if objective is SPEND else (X, T_X, T)


def weights(objective: Objective) -> np.ndarray:
    return np.ones(SPENT_X.size) if objective is SPEND else WEIGHT


@pytest.mark.parametrize(("objective", "eta"), POINTS)
def test_value(objective: Objective, eta: list[float]) -> None:
    model = objective.family.from_log(objective.log_parameters(np.array(eta)))
    direct = weights(objective) @ model.log_likelihood(*columns(objective))
    assert objective(np.array(eta))[0] + objective.shift() == pytest.approx(direct, rel=1e-11)


@pytest.mark.parametrize(("objective", "eta"), POINTS)
def test_gradient(objective: Objective, eta: list[float]) -> None:
    point = np.array(eta)
    model = objective.family.from_log(objective.log_parameters(point))
    by_parameter = model.score(*columns(objective)) @ weights(objective)
    by_log = by_parameter * np.array(list(model.parameters.values()))
    direct = objective.log_jacobian(point).T @ by_log
    np.testing.assert_allclose(objective(point)[1], direct, rtol=1e-8, atol=1e-10 * np.abs(by_log).max())


@pytest.mark.parametrize(("objective", "eta"), POINTS)
def test_hessian_is_the_gradients_slope(objective: Objective, eta: list[float]) -> None:
    point, step = np.array(eta), 1e-4
    hessian = objective(point)[2]
    sides = [objective(point + step * axis)[1] - objective(point - step * axis)[1] for axis in np.eye(point.size)]
    np.testing.assert_allclose(hessian, np.array(sides) / (2 * step), rtol=2e-6, atol=1e-7 * np.abs(hessian).max())
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-12)


@pytest.mark.parametrize("objective", [PURCHASES, COINS, CLOCKS, SPEND])
def test_log_jacobian(objective: Objective) -> None:
    point, step = np.array([0.4, -0.3, 0.7, -0.9][: 3 if objective is SPEND else 4]), 1e-6
    sides = [
        (objective.log_parameters(point + step * axis) - objective.log_parameters(point - step * axis)) / (2 * step)
        for axis in np.eye(point.size)
    ]
    np.testing.assert_allclose(objective.log_jacobian(point), np.array(sides).T, atol=1e-9)


def test_thinning_keeps_the_likelihood_nearly() -> None:
    eta = np.array([-1.0, 0.4, 1.0, -1.0])
    halves = PURCHASES.thinned(2)
    assert halves.n_patterns == N // 2
    model = halves.family.from_log(halves.log_parameters(eta))
    direct = WEIGHT[1::2] @ model.log_likelihood(X[1::2], T_X[1::2], T[1::2])
    assert halves(eta)[0] + halves.shift() == pytest.approx(direct, rel=1e-11)


def test_climb_reaches_the_top_of_a_curved_ridge() -> None:
    """Rosenbrock's valley, turned over: saddles and a bent ridge from a bad start."""

    def ridge(z: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        x, y = z
        value = -((1 - x) ** 2) - 100 * (y - x * x) ** 2
        slope = np.array([2 * (1 - x) + 400 * x * (y - x * x), -200 * (y - x * x)])
        bend = np.array([[-2 + 400 * y - 1200 * x * x, 400 * x], [400 * x, -200.0]])
        return value, slope, bend

    summit = climb(ridge, np.array([-1.5, 3.0]), free=np.array([True, True]))
    np.testing.assert_allclose(summit.eta, [1, 1], atol=1e-12)
    held = climb(ridge, np.array([-1.5, 3.0]), free=np.array([False, True]))
    np.testing.assert_allclose(held.eta, [-1.5, 2.25], atol=1e-12)
