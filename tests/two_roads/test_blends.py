"""Is a blend of families the mixture of what they say apart, customer by customer?"""

from __future__ import annotations

import numpy as np
import pytest

from clvmodels.errors import InputError
from clvmodels.models import BGNBD, MBGNBD, ParetoNBD
from clvmodels.models.blend import Blend
from clvmodels.outcomes import PurchaseOutcomes

RNG = np.random.default_rng(5)
X = RNG.geometric(0.3, 60) - 1.0
T = RNG.integers(1, 280, 60) / 7
T_X = np.where(X > 0, np.maximum(T * RNG.random(60), 0.1), 0.0)
COIN = MBGNBD(0.525, 6.183, 0.891, 1.614)
CLOCK = ParetoNBD(0.553, 10.578, 0.606, 11.669)
DRAWS = COIN.at(COIN.log_vector + 0.2 * RNG.standard_normal((5, 4)))
MORE = CLOCK.at(CLOCK.log_vector + 0.2 * RNG.standard_normal((3, 4)))
WEIGHTS = 0.3, 0.7


@pytest.fixture(params=[(COIN, CLOCK), (DRAWS, MORE), (DRAWS, CLOCK)], ids=["estimates", "draws", "both"])
def blend(request: pytest.FixtureRequest) -> Blend:
    return Blend(WEIGHTS, request.param)


def test_outcomes_are_mixtures(blend: Blend) -> None:
    mixed = PurchaseOutcomes(blend, 39.0, X, T_X, T)
    one, other = (PurchaseOutcomes(member, 39.0, X, T_X, T) for member in blend.members)

    def mixture(of: object) -> np.ndarray:
        first, second = (of(part) for part in (one, other))  # type: ignore[operator]
        return np.asarray(0.3 * first + 0.7 * second)

    count = np.minimum(X, 6)
    for name, of in {
        "mean": lambda o: o.mean,
        "p_alive": lambda o: o.p_alive,
        "p_active": lambda o: o.p_active,
        "discounted": lambda o: o.discounted(0.002),
        "pmf": lambda o: o.pmf(count),
        "cdf": lambda o: o.cdf(count),
        "square": lambda o: o.variance + o.mean**2,
        "mean_square": lambda o: o.mean_square,
    }.items():
        np.testing.assert_allclose(of(mixed), mixture(of), rtol=1e-9, err_msg=name)
    quantile = mixed.quantile(0.9)
    assert np.all(mixed.cdf(quantile) >= 0.9)
    assert np.all(mixed.cdf(quantile - 1) < 0.9)


def test_formulas_are_mixtures_too(blend: Blend) -> None:
    mixed = PurchaseOutcomes(blend, 39.0, X, T_X, T)
    known = X, T_X, T
    np.testing.assert_allclose(blend.expected_purchases(39, *known), mixed.mean, rtol=1e-9)
    np.testing.assert_allclose(blend.p_active(39, *known), mixed.p_active, rtol=1e-9)
    np.testing.assert_allclose(blend.p_alive(*known), blend.p_stages(*known).sum(axis=0), rtol=1e-12)
    np.testing.assert_allclose(blend.discounted_purchases(39, *known, delta=0.002), mixed.discounted(0.002), rtol=1e-9)
    np.testing.assert_allclose(blend.pmf(2, 39, *known), mixed.pmf(2), rtol=1e-9)
    np.testing.assert_allclose(blend.survival(3, 39, *known), 1 - mixed.cdf(2), rtol=1e-9)


def test_samples_follow_the_mixture() -> None:
    blend = Blend(WEIGHTS, (DRAWS, CLOCK))
    known = np.full(60_000, 3.0), np.full(60_000, 12.0), np.full(60_000, 20.0)
    bought = blend.sample(15.0, *known, seed=2)
    expected = blend.pmf(np.arange(6), 15.0, 3.0, 12.0, 20.0)
    share = np.bincount(bought, minlength=6)[:6] / bought.size
    np.testing.assert_array_less(np.abs(share - expected), 4.5 * np.sqrt(expected / bought.size))
    who, when = Blend(WEIGHTS, (COIN, CLOCK)).sample_times(np.full(20_000, 30.0), seed=3)
    mean = 0.3 * COIN.expected_purchases(30, 0, 0, 0) + 0.7 * CLOCK.expected_purchases(30, 0, 0, 0)
    assert who.size / 20_000 == pytest.approx(mean, rel=0.05)
    assert np.all(np.diff(who) >= 0)
    assert np.all(np.diff(when)[np.diff(who) == 0] >= 0)


def test_units_and_blends_of_blends() -> None:
    inner = Blend(WEIGHTS, (COIN, CLOCK))
    outer = Blend((0.5, 0.5, 0.0), (inner, BGNBD(0.243, 4.414, 0.793, 2.426), CLOCK))
    assert [round(weight, 3) for weight, _ in outer.components] == [0.15, 0.35, 0.5]
    direct = outer.expected_purchases(39, X, T_X, T)
    np.testing.assert_allclose(PurchaseOutcomes(outer, 39.0, X, T_X, T).mean, direct, rtol=1e-9)
    np.testing.assert_allclose(outer.rescale(7).expected_purchases(273, X, 7 * T_X, 7 * T), direct, rtol=1e-9)


@pytest.mark.parametrize("weights", [(0.5, 0.6), (1.0,), (1.5, -0.5)])
def test_wrong_weights(weights: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="a blend of 2 families has weights"):
        Blend(weights, (COIN, CLOCK))
