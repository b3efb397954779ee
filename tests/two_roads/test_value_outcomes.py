"""Distributions of future revenue: grids against sums of incomplete betas, fifty digits, quadrature, and chance."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import mpmath
import numpy as np
import pytest
from scipy import integrate, special

from clvmodels.models import BGNBD, GammaGamma
from clvmodels.models.blend import Blend
from clvmodels.outcomes import PurchaseOutcomes, ValueOutcomes
from clvmodels.outcomes.mixture import Grid

PURCHASES = BGNBD(0.243, 4.414, 0.793, 2.426)
SPENDS = {
    "cdnow": GammaGamma(6.25, 3.74, 15.44),
    "no variance": GammaGamma(0.6, 1.3, 80.0),
    "nearly a list price": GammaGamma(150.0, 30.0, 7.0),
    "rather even": GammaGamma(2.0, 2.5, 20.0),
}
X = np.array([0, 0, 1, 2, 2, 2, 11, 40])
T = np.array([38.86, 20.0, 30.0, 38.86, 38.86, 38.86, 33.0, 39.0])
T_X = np.array([0, 0, 8.0, 30.43, 30.43, 30.43, 31.0, 38.5])
M = np.array([np.nan, np.nan, 12.0, 22.35, 3.0, 600.0, 35.0, 18.0])
t = 52.0

Below = Callable[[int, float], float]


def digits(outcomes: ValueOutcomes) -> float:
    """What distribution functions are promised to hold: draws vary more from seed to seed than grids need resolve."""
    return 2e-10 if outcomes.spend.n_draws == 1 else 5e-6


def make(purchases: BGNBD, spend: GammaGamma) -> ValueOutcomes:
    return ValueOutcomes(PurchaseOutcomes(purchases, t, X, T_X, T), spend, (X, M))


def draws(model: BGNBD | GammaGamma, sd: float, n: int, seed: int) -> BGNBD | GammaGamma:
    normal = np.random.default_rng(seed).standard_normal((n, len(model.log_vector)))
    return type(model).from_log(model.log_vector + sd * normal)


def directly(purchases: BGNBD, spend: GammaGamma) -> Below:
    """P(S ≤ s) of customer i: the family's pmf times the incomplete beta, summed over n, averaged over all pairs."""
    n = np.arange(1, 900)
    each = [BGNBD.from_log(row) for row in np.atleast_2d(purchases.log_vector)]
    spends = [GammaGamma.from_log(row) for row in np.atleast_2d(spend.log_vector)]
    mass, none = [], []
    for i in range(len(X)):
        at = [np.full(n.size, column[i]) for column in (X, T_X, T)]
        mass.append(np.mean([model.pmf(n, t, *at) for model in each], axis=0))
        none.append(float(np.mean([model.pmf(0, t, X[i], T_X[i], T[i]) for model in each])))

    def below(i: int, s: float) -> float:
        seen = mass[i] > 1e-16
        given = np.mean([one.cdf_total(s, n[seen], X[i], M[i]) for one in spends], axis=0)
        return none[i] + float(mass[i][seen] @ given)

    return below


CASES = {name: (PURCHASES, spend) for name, spend in SPENDS.items()} | {
    "draws": (draws(PURCHASES, 0.2, 5, 1), draws(SPENDS["cdnow"], 0.15, 4, 2)),
    "draws of spend": (PURCHASES, draws(SPENDS["rather even"], 0.2, 3, 3)),
}


@pytest.fixture(scope="module", params=list(CASES))
def pair(request: pytest.FixtureRequest) -> tuple[ValueOutcomes, Below]:
    purchases, spend = CASES[request.param]
    return make(purchases, spend), directly(purchases, spend)


def test_cdf_is_the_sum(pair: tuple[ValueOutcomes, Below]) -> None:
    outcomes, below = pair
    for share in (1e-6, 0.01, 0.2, 1.0, 4.0, 30.0, 1e3, 1e6):
        s = share * outcomes.scale
        assert outcomes.cdf(s) == pytest.approx([below(i, one) for i, one in enumerate(s)], abs=digits(outcomes))


def test_the_atom_at_zero(pair: tuple[ValueOutcomes, Below]) -> None:
    outcomes, _ = pair
    assert outcomes.cdf(0.0) == pytest.approx(outcomes.purchases.pmf(0), abs=1e-13)
    assert outcomes.cdf_left(0.0).tolist() == [0] * len(X)
    assert outcomes.cdf(-1.0).tolist() == [0] * len(X)
    s = 0.7 * outcomes.scale
    assert outcomes.cdf_left(s).tolist() == outcomes.cdf(s).tolist()


def test_quantiles_invert_it(pair: tuple[ValueOutcomes, Below]) -> None:
    outcomes, below = pair
    levels = (0.05, 0.3, 0.5, 0.9, 0.95, 0.99)
    for p, quantile in zip(levels, outcomes.quantile(levels), strict=True):
        for i, s in enumerate(quantile):
            if s == 0:
                assert below(i, 0.0) >= p - 1e-12
            else:
                # within 1e-9 of itself, or where F is known no better: so in a flat stretch
                assert below(i, s * (1 + 1e-9)) >= p - digits(outcomes)
                assert below(i, s * (1 - 1e-9)) <= p + digits(outcomes)
    assert outcomes.median.tolist() == outcomes.quantile(0.5).tolist()


def test_moments_are_integrals_of_the_tail(pair: tuple[ValueOutcomes, Below]) -> None:
    outcomes, below = pair
    for i in (1, 6):
        top = outcomes.quantile(1 - 1e-9)[i]
        pieces = np.concatenate([[0.0], np.geomspace(1e-4 * outcomes.scale[i], top, 40)])

        def moment(weight: Callable[[float], float], i: int = i, pieces: np.ndarray = pieces) -> float:
            parts = pairwise(pieces)
            return sum(
                integrate.quad(lambda s: weight(s) * (1 - below(i, s)), low, high, epsrel=1e-8)[0]
                for low, high in parts
            )

        decay = outcomes.decay[i]
        if decay > 3:  # else the part beyond 1e-9 counts
            assert outcomes.mean[i] == pytest.approx(moment(lambda s: 1.0), rel=2e-4)
        if decay > 5:
            second = moment(lambda s: 2 * s)
            assert outcomes.variance[i] == pytest.approx(second - outcomes.mean[i] ** 2, rel=2e-3)
    assert np.isinf(outcomes.variance).tolist() == (outcomes.decay <= 2).tolist()


@pytest.mark.parametrize("name", ["cdnow", "no variance", "draws of spend"])
def test_crps_against_quadrature(name: str) -> None:
    purchases, spend = CASES[name]
    outcomes, below = make(purchases, spend), directly(purchases, spend)
    far = 1e9 if name == "no variance" else 1e5
    for i, share in ((0, 0.0), (3, 5.0), (6, 2.0)):
        y, scale = share * outcomes.scale[i], outcomes.scale[i]
        pieces = np.unique(np.concatenate([[0.0, y], np.geomspace(1e-5, far, 40) * scale]))

        def miss(s: float, i: int = i, y: float = y) -> float:
            return (below(i, s) - (s >= y)) ** 2

        expected = sum(integrate.quad(miss, low, high, epsrel=1e-7, epsabs=1e-10)[0] for low, high in pairwise(pieces))
        seen = np.full(len(X), y)
        assert outcomes.crps(seen)[i] == pytest.approx(expected, rel=1e-6 if outcomes.spend.n_draws == 1 else 1e-5)
        assert outcomes.crps(-seen - 3)[i] == pytest.approx(outcomes.crps(0)[i] + y + 3, rel=1e-12)


def test_fifty_digits() -> None:
    """F and its inverse for one customer: pmf by differences of the closed survival function, all in mpmath."""
    x, t_x, since, m = 3, 20.0, 35.0, 41.0
    spend = SPENDS["cdnow"]
    outcomes = ValueOutcomes(PurchaseOutcomes(PURCHASES, t, [x], [t_x], [since]), spend, ([x], [m]))
    with mpmath.workdps(50):
        r, alpha, a, b = (mpmath.mpf(value) for value in PURCHASES.parameters.values())
        p, q, v = (mpmath.mpf(value) for value in spend.parameters.values())
        odds = a / (b + x - 1) * ((alpha + since) / (alpha + t_x)) ** (r + x)
        z = t / (alpha + since + t)

        def survival(n: int) -> mpmath.mpf:
            stays = mpmath.beta(a, b + x + n - 1) / mpmath.beta(a, b + x)
            return stays * mpmath.betainc(n, r + x, 0, z, regularized=True) / (1 + odds)

        tail = [survival(n) for n in range(1, 120)]
        for level in (0.8, 0.95):
            s = mpmath.mpf(float(outcomes.quantile(level)[0]))
            u = s / (s + v + x * m)
            below = (
                1
                - tail[0]
                + sum(
                    (tail[n - 1] - tail[n]) * mpmath.betainc(p * n, p * x + q, 0, u, regularized=True)
                    for n in range(1, 119)
                )
            )
            assert float(below) == pytest.approx(level, abs=1e-10)
            assert outcomes.cdf([float(s)])[0] == pytest.approx(float(below), abs=1e-10)


def test_chance_agrees() -> None:
    """400,000 simulated futures of one customer: purchases from the story, money from the story."""
    many = 400_000
    spend = SPENDS["cdnow"]
    n = PURCHASES.sample(t, np.full(many, 5), np.full(many, 30.0), np.full(many, 35.0), seed=3)
    s = spend.sample(n, np.full(many, 5), np.full(many, 50.0), seed=4)
    one = ValueOutcomes(PurchaseOutcomes(PURCHASES, t, [5], [30.0], [35.0]), spend, ([5], [50.0]))
    assert abs(s.mean() - one.mean[0]) < 4 * s.std() / many**0.5
    fourth = np.mean((s - s.mean()) ** 4)
    assert abs(s.var() - one.variance[0]) < 4 * np.sqrt((fourth - s.var() ** 2) / many)
    for p in (0.5, 0.9, 0.95):
        assert abs(np.mean(s <= one.quantile(p)[0]) - p) < 4 * np.sqrt(p * (1 - p) / many)
    y = 200.0
    # CRPS = E|S − y| − ½ E|S − S'|
    score = np.abs(s - y) - np.abs(s - np.roll(s, 1)) / 2
    assert abs(score.mean() - one.crps(y)[0]) < 6 * score.std() / many**0.5


def test_many_counts_in_pieces() -> None:
    """Very many counts: each stretch of the grid has its own, and nothing is lost at the seams."""
    purchases, spend = BGNBD(3.0, 0.5, 0.4, 40.0), GammaGamma(4.0, 5.0, 30.0)
    x, since = 250, 52.0
    outcomes = ValueOutcomes(PurchaseOutcomes(purchases, 52.0, [x], [51.5], [since]), spend, ([x], [20.0]))
    n = np.arange(1, 2000)
    mass = purchases.pmf(n, 52.0, np.full(n.size, x), np.full(n.size, 51.5), np.full(n.size, since))
    none = purchases.pmf(0, 52.0, x, 51.5, since)
    for p in (0.05, 0.3, 0.5, 0.95):
        s = outcomes.quantile(p)[0]
        assert none + mass @ spend.cdf_total(s, n, x, 20.0) == pytest.approx(p, abs=1e-9)
    parts = Grid.of(spend.multiples(x), 600.0).components(n)
    assert len(parts) > 5
    assert max(part.n.stop - part.n.start for part in parts) < n.size


def test_no_second_moment_no_crps() -> None:
    """At p x + q ≤ ½ the CRPS is infinite: said, not made up."""
    one = ValueOutcomes(PurchaseOutcomes(PURCHASES, t, [0], [0.0], [30.0]), GammaGamma(2.0, 0.4, 10.0), ([0], [np.nan]))
    assert np.isinf(one.crps(3.0)).all()
    assert np.isfinite(one.quantile(0.95)).all()


def test_everybody_always_spends_the_same() -> None:
    """A boundary fit, p = 10⁸: one-time buyers' totals are n × an inverse gamma, repeat buyers' near multiples of m."""
    spend = GammaGamma(1e8, 3.2, 78e-8)
    x, m = np.array([0, 1, 20]), np.array([np.nan, 20.0, 35.0])
    purchases = PurchaseOutcomes(PURCHASES, t, x, [0.0, 20.0, 38.0], [38.0, 38.0, 38.5])
    outcomes = ValueOutcomes(purchases, spend, (x, m))
    n = np.arange(1, 400)
    mass = PURCHASES.pmf(n, t, 0, 0.0, 38.0)
    for s in (30.0, 100.0, 1000.0):
        expected = PURCHASES.pmf(0, t, 0, 0.0, 38.0) + mass @ special.gammaincc(3.2, 78 * n / s)
        assert outcomes.cdf(s)[0] == pytest.approx(expected, abs=1e-4)
    for p in (0.9, 0.95, 0.99):
        assert outcomes.quantile(p)[1:] == pytest.approx((purchases.quantile(p) * m)[1:], rel=0.03)


def test_everybody_spends_alike() -> None:
    """The other boundary, q = 10⁸: totals of n purchases are Gamma(p n), whatever was spent before."""
    spend = GammaGamma(4.0, 1e8, 5e8)
    outcomes = ValueOutcomes(PurchaseOutcomes(PURCHASES, t, [2], [30.0], [38.0]), spend, ([2], [70.0]))
    n = np.arange(1, 400)
    mass = PURCHASES.pmf(n, t, 2, 30.0, 38.0)
    for s in (10.0, 60.0, 200.0):
        expected = PURCHASES.pmf(0, t, 2, 30.0, 38.0) + mass @ special.gammainc(4 * n, s / 5)
        assert outcomes.cdf(s)[0] == pytest.approx(expected, abs=1e-5)


def test_a_share_of_those_who_bought_on_the_last_day_is_the_whole_mixture() -> None:
    """One estimate is worked out from (x, T) alone; two halves of the same model, from every pattern."""
    rng = np.random.default_rng(3)
    x = rng.integers(0, 6, 400).astype(float)
    T = rng.choice([20.0, 30.0, 38.0], 400)
    t_x = np.where(x > 0, np.round(rng.random(400) * T, 1) + 0.1, 0.0).clip(max=T)
    m = np.where(x > 0, rng.gamma(4.0, 8.0, 400), np.nan)
    actual = np.where(rng.random(400) < 0.4, rng.gamma(1.0, 60.0, 400), 0.0)
    model, spend = PURCHASES, SPENDS["cdnow"]
    short, long = (
        ValueOutcomes(PurchaseOutcomes(one, 39, x, t_x, T), spend, (x, m))
        for one in (model, Blend((0.5, 0.5), (model, model)))
    )
    assert short.purchases.latest is not None
    assert long.purchases.latest is None
    for mine, whole in zip(short.judged(actual), long.judged(actual), strict=True):
        np.testing.assert_allclose(mine, whole, rtol=1e-8, atol=1e-9)
    alone = short.median, short.cdf(actual), short.crps(actual)
    for mine, asked in zip(short.judged(actual), alone, strict=True):
        np.testing.assert_array_equal(mine, asked)
