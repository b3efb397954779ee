"""Do the closed forms equal the story itself: the likelihood of one customer's λ and p, integrated over both?"""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from scipy import integrate, special, stats

from clvmodels.models import BGNBD, GammaGamma

MODEL = BGNBD(r=0.7, alpha=5.0, a=0.9, b=2.6)
SPEND = GammaGamma(p=3.2, q=2.9, v=14.0)
CUSTOMERS = [(0, 0.0, 0.0), (0, 0.0, 20.0), (1, 3.0, 30.0), (4, 25.0, 30.0), (9, 30.0, 30.0)]
T_AHEAD, DELTA = 18.0, 0.03


class Grid:
    """Nodes in λ and p that integrate a polynomial against any customer's posterior exactly, and others to 1e-11."""

    def __init__(self, x: int, t_x: float, T: float) -> None:
        log_rate, rate_weight = special.roots_legendre(400)  # in log λ: the integrand falls fast on both sides
        self.rate = np.exp(21.0 * log_rate - 18.0)[:, None]
        u, share_weight = special.roots_legendre(400)  # p = s³: smooth at 0 for a of about 1
        s = (u + 1) / 2
        p = s**3 * (10 - 15 * s + 6 * s * s)
        self.p = p[None, :]
        jacobian = 30 * s**2 * (1 - s) ** 2 / 2
        prior = stats.gamma(MODEL.r, scale=1 / MODEL.alpha).pdf(self.rate) * stats.beta(MODEL.a, MODEL.b).pdf(self.p)
        weight = prior * (rate_weight * 21.0)[:, None] * self.rate * (share_weight * jacobian)[None, :]
        self.alive = weight * (1 - self.p) ** x * self.rate**x * np.exp(-self.rate * T)
        self.dead = weight * (self.p * (1 - self.p) ** (x - 1) * self.rate**x * np.exp(-self.rate * t_x) if x else 0.0)
        self.likelihood = float(self.alive.sum() + np.sum(self.dead))

    def mean(self, future: np.ndarray) -> float:
        """Of something that only the living do."""
        return float((self.alive * future).sum() / self.likelihood)


@pytest.fixture(params=CUSTOMERS, ids=str)
def customer(request: pytest.FixtureRequest) -> tuple[int, float, float]:
    return request.param


@pytest.fixture
def grid(customer: tuple[int, float, float]) -> Grid:
    return Grid(*customer)


def test_log_likelihood(grid: Grid, customer: tuple[int, float, float]) -> None:
    assert float(MODEL.log_likelihood(*customer)) == pytest.approx(np.log(grid.likelihood), rel=1e-9, abs=1e-9)


def test_alive_and_active(grid: Grid, customer: tuple[int, float, float]) -> None:
    assert float(MODEL.p_alive(*customer)) == pytest.approx(grid.mean(np.ones((1, 1))), rel=1e-9)
    again = grid.mean(-np.expm1(-grid.rate * T_AHEAD))
    assert float(MODEL.p_active(T_AHEAD, *customer)) == pytest.approx(again, rel=1e-9)


def test_expected_purchases(grid: Grid, customer: tuple[int, float, float]) -> None:
    expected = grid.mean(-np.expm1(-grid.rate * grid.p * T_AHEAD) / grid.p)
    assert float(MODEL.expected_purchases(T_AHEAD, *customer)) == pytest.approx(expected, rel=1e-9)
    leaving = DELTA + grid.rate * grid.p
    discounted = grid.mean(grid.rate * -np.expm1(-leaving * T_AHEAD) / leaving)
    assert float(MODEL.discounted_purchases(T_AHEAD, *customer, delta=DELTA)) == pytest.approx(discounted, rel=1e-9)


def test_counts(grid: Grid, customer: tuple[int, float, float]) -> None:
    for n in (1, 2, 6):
        stays = (1 - grid.p) ** n * stats.poisson.pmf(n, grid.rate * T_AHEAD)
        leaves = grid.p * (1 - grid.p) ** (n - 1) * special.gammainc(n, grid.rate * T_AHEAD)
        assert float(MODEL.pmf(n, T_AHEAD, *customer)) == pytest.approx(grid.mean(stays + leaves), rel=1e-9)
        reached = (1 - grid.p) ** (n - 1) * special.gammainc(n, grid.rate * T_AHEAD)
        assert float(MODEL.survival(n, T_AHEAD, *customer)) == pytest.approx(grid.mean(reached), rel=1e-9)


def test_a_customer_alive_is_a_new_customer_with_updated_parameters() -> None:
    x, t_x, T = 5, 14.0, 21.0
    updated = BGNBD(MODEL.r + x, MODEL.alpha + T, MODEL.a, MODEL.b + x)
    alive = MODEL.p_alive(x, t_x, T)
    for ours, new in (
        (MODEL.expected_purchases(9, x, t_x, T), updated.expected_purchases(9, 0, 0, 0)),
        (MODEL.pmf(3, 9, x, t_x, T), updated.pmf(3, 9, 0, 0, 0)),
        (MODEL.p_active(9, x, t_x, T), updated.p_active(9, 0, 0, 0)),
        (MODEL.discounted_purchases(9, x, t_x, T, delta=0.1), updated.discounted_purchases(9, 0, 0, 0, delta=0.1)),
    ):
        np.testing.assert_allclose(ours, alive * new, rtol=1e-13)


@pytest.mark.parametrize(("x", "m"), [(1, 20.0), (6, 55.0)])
def test_spend(x: int, m: float) -> None:
    """ν | data ~ Gamma(q + p x, v + x m): the mean, and the chance that n purchases stay below s."""
    p, q, v = SPEND.p, SPEND.q, SPEND.v

    def over(formula: object) -> float:
        value, _ = integrate.quad(formula, 0, np.inf, epsabs=0, epsrel=1e-11, limit=400)  # type: ignore[call-overload]
        return float(value)

    prior, mean_of = stats.gamma(q, scale=1 / v), stats.gamma
    likelihood = over(lambda nu: prior.pdf(nu) * mean_of(p * x, scale=1 / (nu * x)).pdf(m))
    assert float(SPEND.log_likelihood(x, m)) == pytest.approx(np.log(likelihood), rel=1e-9)
    posterior = stats.gamma(q + p * x, scale=1 / (v + x * m))
    assert float(SPEND.expected_spend(x, m)) == pytest.approx(over(lambda nu: posterior.pdf(nu) * p / nu), rel=1e-8)
    for n, s in ((1, 10.0), (3, 120.0)):
        below = over(lambda nu, n=n, s=s: posterior.pdf(nu) * special.gammainc(p * n, nu * s))
        assert float(SPEND.cdf_total(s, n, x, m)) == pytest.approx(below, rel=1e-8)
        assert float(SPEND.sf_total(s, n, x, m)) == pytest.approx(1 - below, rel=1e-7)
    second = over(lambda nu: posterior.pdf(nu) * (3 * p) * (3 * p + 1) / nu**2)
    assert float(SPEND.variance_total(3, x, m)) == pytest.approx(
        second - float(SPEND.mean_total(3, x, m)) ** 2, rel=1e-8
    )


@pytest.mark.parametrize("size", [1e3, 1e5, 1e7, 1e9, 1e12])
@pytest.mark.parametrize("share", [1e-6, 0.07, 0.6])
def test_customers_who_hardly_differ(size: float, share: float) -> None:
    """Where a fit runs to its limit: the expectation as the sum of P(X ≥ n), eq. 8 added up with 60 digits."""
    model = BGNBD(r=size, alpha=4 * size, a=share * size, b=(1 - share) * size)
    t = 10.0
    with mp.workdps(60):
        r, alpha, a, b = (mp.mpf(float(value)) for value in model.parameters.values())
        nbd, z = (alpha / (alpha + t)) ** r, t / (alpha + t)
        tail, stayed, expected = 1 - nbd, mp.mpf(1), mp.mpf(0)
        for n in range(1, 80):
            expected += stayed * tail
            nbd *= (r + n - 1) / n * z
            tail, stayed = tail - nbd, stayed * (b + n - 1) / (a + b + n - 1)
    assert float(model.expected_purchases(t, 0, 0, 0)) == pytest.approx(float(expected), rel=1e-11)
    survival = model.survival(np.arange(1, 80), t, 0, 0, 0)  # SciPy rounds 1 − z to 1e-16 and takes its r-th power
    assert float(survival.sum()) == pytest.approx(float(expected), rel=1e-11 if size <= 1e5 else 2e-8)
