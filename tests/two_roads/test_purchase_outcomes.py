"""Distributions of future purchases: tables against the family's own pmf, fifty digits, single draws, and chance."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from clvmodels.models import BGNBD
from clvmodels.models.base import PurchaseFamily
from clvmodels.outcomes import PurchaseOutcomes
from clvmodels.outcomes.survival import TAIL, Distinct

MODEL = BGNBD(0.243, 4.414, 0.793, 2.426)
RNG = np.random.default_rng(7)
X = np.array([0, 0, 0, 1, 1, 2, 2, 5, 29, 120])
T = np.array([38.86, 38.86, 27.0, 30.0, 38.0, 38.86, 30.0, 33.0, 38.86, 39.0])
T_X = np.array([0, 0, 0, 3.0, 33.0, 30.43, 30.0, 20.0, 38.0, 38.9])
DRAWS = BGNBD.from_log(MODEL.log_vector + 0.25 * RNG.standard_normal((7, 4)))


@pytest.fixture(scope="module", params=["estimate", "draws"])
def outcomes(request: pytest.FixtureRequest) -> PurchaseOutcomes:
    return PurchaseOutcomes(MODEL if request.param == "estimate" else DRAWS, 52.0, X, T_X, T)


def probabilities(model: PurchaseFamily, most: int = 1500) -> np.ndarray:
    """P(N = n) of each customer for n = 0 … most, from the family's pmf: shape (customers, n)."""
    n = np.arange(most + 1)
    rows = [
        model.pmf(n, 52.0, np.full(n.size, x), np.full(n.size, t_x), np.full(n.size, since))
        for x, t_x, since in zip(X, T_X, T, strict=True)
    ]
    return np.array([row if row.ndim == 1 else row.mean(axis=0) for row in rows])


def test_moments_are_sums_over_the_pmf(outcomes: PurchaseOutcomes) -> None:
    mass = probabilities(outcomes.model)
    n = np.arange(mass.shape[1])
    mean = mass @ n
    assert outcomes.mean == pytest.approx(mean, rel=1e-9)
    assert outcomes.variance == pytest.approx(mass @ n**2 - mean**2, rel=1e-9)
    assert outcomes.p_active == pytest.approx(1 - mass[:, 0], rel=1e-9)


def test_cdf_and_quantiles_are_sums_over_the_pmf(outcomes: PurchaseOutcomes) -> None:
    below = np.cumsum(probabilities(outcomes.model), axis=1)
    for p in (0.01, 0.05, 0.5, 0.9, 0.95, 0.999):
        assert outcomes.quantile(p).tolist() == np.argmax(below >= p, axis=1).tolist()
    for y in (0, 1, 7, 40):
        assert outcomes.cdf(y) == pytest.approx(below[:, y], abs=1e-12)
    assert outcomes.cdf(-1).tolist() == [0] * len(X)
    assert outcomes.cdf(10**6) == pytest.approx(1, abs=TAIL)
    assert outcomes.median.tolist() == outcomes.quantile([0.2, 0.5])[1].tolist()


def test_crps_is_its_definition(outcomes: PurchaseOutcomes) -> None:
    mass = probabilities(outcomes.model)
    k = np.arange(mass.shape[1])
    for y in (0, 1, 3, 60, 1200):
        square = (np.cumsum(mass, axis=1) - (y <= k)) ** 2
        assert outcomes.crps(y) == pytest.approx(square.sum(axis=1), rel=1e-9)
    seen = np.arange(len(X))
    assert outcomes.crps(seen) == pytest.approx([outcomes.crps(y)[i] for i, y in enumerate(seen)], rel=1e-12)


def test_pmf_is_the_mean_over_draws(outcomes: PurchaseOutcomes) -> None:
    seen = np.array([0, 1, 0, 2, 2, 3, 0, 300, 40, 2])
    expected = [row[y] for row, y in zip(probabilities(outcomes.model), seen, strict=True)]
    assert outcomes.pmf(seen) == pytest.approx(expected, rel=1e-9)
    assert outcomes.pmf(-1).tolist() == [0] * len(X)


def test_fifty_digits() -> None:
    """E[N²] and P(N ≥ n) of one customer from the closed survival function in mpmath."""
    x, t_x, since, t = 3, 20.0, 35.0, 78.0
    outcomes = PurchaseOutcomes(MODEL, t, [x], [t_x], [since])
    with mpmath.workdps(50):
        r, alpha, a, b = (mpmath.mpf(value) for value in MODEL.parameters.values())
        odds = a / (b + x - 1) * ((alpha + since) / (alpha + t_x)) ** (r + x)
        z = t / (alpha + since + t)

        def survival(n: int) -> mpmath.mpf:
            stays = mpmath.beta(a, b + x + n - 1) / mpmath.beta(a, b + x)
            return stays * mpmath.betainc(n, r + x, 0, z, regularized=True) / (1 + odds)

        tail = [survival(n) for n in range(1, 400)]
        mean = sum(tail)
        variance = sum((2 * n - 1) * one for n, one in enumerate(tail, 1)) - mean**2
        assert outcomes.mean[0] == pytest.approx(float(mean), rel=1e-12)
        assert outcomes.variance[0] == pytest.approx(float(variance), rel=1e-11)
        assert [1 - outcomes.cdf(n - 1)[0] for n in (1, 5, 20)] == pytest.approx(
            [float(tail[n - 1]) for n in (1, 5, 20)], rel=1e-11
        )


def test_chance_agrees() -> None:
    """200,000 simulated futures of one customer."""
    many = 200_000
    y = MODEL.sample(52.0, np.full(many, 5), np.full(many, 30.0), np.full(many, 35.0), seed=3)
    one = PurchaseOutcomes(MODEL, 52.0, [5], [30.0], [35.0])
    assert abs(y.mean() - one.mean[0]) < 4 * y.std() / many**0.5
    fourth = np.mean((y - y.mean()) ** 4)
    assert abs(y.var() - one.variance[0]) < 4 * np.sqrt((fourth - y.var() ** 2) / many)
    for p in (0.5, 0.9, 0.95):
        q = one.quantile(p)[0]
        assert np.mean(y <= q) > p - 4 * np.sqrt(p * (1 - p) / many)
        assert np.mean(y < q) < p + 4 * np.sqrt(p * (1 - p) / many)


def test_quantiles_of_hard_customers() -> None:
    """x to 2,000, horizons to 100 (α + T), any parameters: F(q − 1) < p ≤ F(q) by the closed survival function."""
    rng = np.random.default_rng(11)
    for _ in range(60):
        model = BGNBD(*(10 ** rng.uniform([-2, -1, -2, -2], [1.5, 2, 2, 2])))
        x = np.floor(10 ** rng.uniform(0, 3.3, 4)) * (rng.random(4) < 0.8)
        since = rng.uniform(1, 200, 4)
        t_x = np.where(x > 0, since * rng.uniform(0.9, 1, 4), 0)
        t = float(10 ** rng.uniform(-1, 2) * (model.alpha + since.min()))
        outcomes = PurchaseOutcomes(model, t, x, t_x, since)
        assert np.isfinite(outcomes.variance).all()
        assert (outcomes.variance >= 0).all()
        for p in (0.05, 0.5, 0.95):
            q = outcomes.quantile(p)
            exact = q <= 8192
            assert (model.survival(q + 1, t, x, t_x, since)[exact] <= 1 - p + 1e-10).all()
            assert (model.survival(q, t, x, t_x, since)[exact & (q > 0)] > 1 - p - 1e-10).all()


def test_wide_cells_beyond_eight_thousand_purchases() -> None:
    """A customer who buys 20,000 times: cells are a part in 8,192 wide, and moments hold accordingly."""
    model, x = BGNBD(2.0, 1.0, 0.4, 30.0), 3000
    outcomes = PurchaseOutcomes(model, 2000.0, [x], [299.9], [300.0])
    n = np.arange(1.0, 60_000)
    tail = model.survival(n, 2000.0, np.full(n.size, x), np.full(n.size, 299.9), np.full(n.size, 300.0))
    assert outcomes.mean[0] == pytest.approx(tail.sum(), rel=1e-9)
    assert outcomes.variance[0] == pytest.approx(tail @ (2 * n - 1) - tail.sum() ** 2, rel=1e-5)
    exact = np.count_nonzero(tail > 0.05)
    assert outcomes.quantile(0.95)[0] == pytest.approx(exact, rel=2 / 8192)


def test_table_beside_the_closed_form() -> None:
    """The family's recurrence and the generic table agree, also for draws and large counts."""
    for model in (MODEL, DRAWS):
        for n_max in (1, 2, 50, 400):
            table = model.survival_table(n_max, 52.0, X, T)
            generic = PurchaseFamily.survival_table(model, n_max, 52.0, X, T)
            seen = generic > 1e-250
            assert table[seen] == pytest.approx(generic[seen], rel=1e-11)


def test_distinct_customers_find_their_way_back() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 4, 500)
    since = rng.integers(3, 8, 500) / 7
    t_x = np.where(x > 0, rng.integers(1, 4, 500) / 7, 0)
    distinct = Distinct.of(x, t_x, since)
    assert distinct.x[distinct.place].tolist() == x.tolist()
    assert distinct.t_x[distinct.place].tolist() == t_x.tolist()
    assert distinct.alive_T[distinct.pair[distinct.place]].tolist() == since.tolist()
    assert distinct.x.size == len(set(zip(x, t_x, since, strict=True)))
    assert distinct.alive_x.size == len(set(zip(x, since, strict=True)))
