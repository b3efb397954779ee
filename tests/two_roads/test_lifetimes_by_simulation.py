"""Is the time that customers stay that of simulated customers, of the integral, and of the family's own chances?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import integrate

from clvmodels import lifetime
from clvmodels.models import BGNBD, FAMILIES, MBGNBD, NBD, ParetoNBD, PurchaseFamily

CUSTOMERS = 200_000
MODELS: list[Any] = [
    BGNBD(0.243, 4.414, 0.793, 2.426),
    MBGNBD(0.525, 6.183, 0.891, 1.614),
    ParetoNBD(0.553, 10.578, 0.606, 11.669),
    NBD(0.385, 12.07),
]
PAST = [(0, 10.0), (2, 38.86), (40, 70.0)]


def lives(model: Any, x: float, T: float, rng: np.random.Generator, rate: float = 1.0, dropout: float = 1.0) -> Any:
    """Rates of purchases that end nothing, and remaining lifetimes, of customers alive at T, by the family's story."""
    later = model.updated(x, T)
    buys = rng.gamma(later[0], size=CUSTOMERS) / later[1] * rate
    if isinstance(model, (BGNBD, MBGNBD)):
        coin = rng.beta(later[2] * dropout, later[3], CUSTOMERS)
        return buys * (1 - coin), rng.standard_exponential(CUSTOMERS) / np.maximum(buys * coin, 1e-300)
    if isinstance(model, ParetoNBD):
        leaves = rng.gamma(later[2], size=CUSTOMERS) / later[3] * dropout
        return buys, rng.standard_exponential(CUSTOMERS) / np.maximum(leaves, 1e-300)
    return buys, np.full(CUSTOMERS, np.inf)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
@pytest.mark.parametrize(("x", "T"), PAST)
def test_survival_and_active_time_are_those_of_simulated_customers(model: Any, x: float, T: float) -> None:
    life = lives(model, x, T, np.random.default_rng(1))[1]
    for t in (5.0, 52.0, 300.0):
        stays = float(lifetime.survival(model.alive(), t, x, T))
        assert stays == pytest.approx(float((life > t).mean()), abs=5 * np.sqrt(0.25 / CUSTOMERS))
        active = np.minimum(life, t)
        error = max(float(active.std()) / np.sqrt(CUSTOMERS), 1e-9 * t)
        assert float(lifetime.active_time(model.alive(), t, x, T)) == pytest.approx(float(active.mean()), abs=5 * error)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
@pytest.mark.parametrize(("x", "T"), PAST)
def test_active_time_is_the_integral_of_survival(model: Any, x: float, T: float) -> None:
    def stays(s: float) -> float:
        return float(lifetime.survival(model.alive(), s, x, T))

    for t in (5.0, 300.0):
        exact = integrate.quad(stays, 0, t, epsabs=1e-12, epsrel=1e-10, limit=200)[0]
        assert float(lifetime.active_time(model.alive(), t, x, T)) == pytest.approx(exact, rel=1e-8)


@pytest.mark.parametrize("r", [1.0, 1 + 1e-12, 1 - 1e-10, 0.999999])
def test_a_shape_of_one_is_nothing_special(r: float) -> None:
    near, at = (lifetime.active_time(BGNBD(shape, 4.0, 1.0, 3.0).alive(), 52.0, 0, 10.0) for shape in (0.99999, r))
    assert float(at) == pytest.approx(float(near), rel=1e-4)


@pytest.mark.parametrize("name", [n for n, family in FAMILIES.items() if issubclass(family, PurchaseFamily)])
def test_every_family_has_lifetimes_that_fall_and_stay_between_nothing_and_the_horizon(name: str) -> None:
    family: Any = FAMILIES[name]
    names = family.parameter_names()
    values = {"r": 0.4, "alpha": 6.0, "a": 0.8, "b": 2.5, "s": 0.6, "beta": 11.0, "gamma": 0.7, "delta": 2.8}
    model = family(**{key: values[key] for key in names})
    s = np.arange(0.0, 400.0, 13.0)
    for stage in range(model.stages):
        stays = lifetime.survival(model.alive(stage), s, 3, 40.0)
        assert stays[0] == pytest.approx(1.0)
        assert (np.diff(stays) <= 1e-12).all()
        assert (stays >= 0).all()
        active = lifetime.active_time(model.alive(stage), s, 3, 40.0)
        assert (active <= s + 1e-9).all()
        assert (np.diff(active) >= -1e-9).all()
        if getattr(model, "discrete", False):
            lived = lifetime.survival(model.alive(stage), np.arange(1.0, 53.0), 3, 40.0).sum()
            assert float(lifetime.active_time(model.alive(stage), 52.0, 3, 40.0)) == pytest.approx(lived, rel=1e-9)
            continue
        rough = np.trapezoid(lifetime.survival(model.alive(stage), np.linspace(0, 52, 2001), 3, 40.0), dx=52 / 2000)
        assert float(lifetime.active_time(model.alive(stage), 52.0, 3, 40.0)) == pytest.approx(rough, rel=1e-5)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
@pytest.mark.parametrize(("rate", "dropout"), [(1.0, 1.0), (1.5, 1.0), (1.0, 0.5), (0.8, 1.2)])
def test_purchases_at_other_rates_are_those_of_simulated_customers(model: Any, rate: float, dropout: float) -> None:
    rng = np.random.default_rng(2)
    for x, T in PAST:
        buys, life = lives(model, x, T, rng, rate, dropout)
        until = np.minimum(life, 52.0)
        bought = rng.poisson(buys * until)
        if isinstance(model, (BGNBD, MBGNBD)):  # the purchase that ends it is one, too
            bought += life < 52.0
        expected = float(lifetime.purchases(model.alive(), 52.0, x, T, rate=rate, dropout=dropout))
        assert expected == pytest.approx(bought.mean(), abs=5 * bought.std() / np.sqrt(CUSTOMERS))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_nothing_changed_is_the_familys_own_expectation(model: Any) -> None:
    for x, T in PAST:
        own = model.alive().expected_purchases(39.0, x, T)
        assert float(lifetime.purchases(model.alive(), 39.0, x, T)) == pytest.approx(float(own), rel=1e-12)


def test_a_silence_that_was_seen_is_another_question() -> None:
    model = BGNBD(0.243, 4.414, 0.793, 2.426)
    seen = float(model.p_alive(2, 30.43, 38.86 + 39))
    unseen = float(model.p_alive(2, 30.43, 38.86) * lifetime.survival(model.alive(), 39, 2, 38.86))
    assert seen < 0.4 < 0.55 < unseen
