"""Does lifetimes, written by others, compute the same from the same parameters?"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from clvmodels.models import BGBB, BGNBD, MBGNBD, GammaGamma, ParetoNBD

PARAMETERS = [
    {"r": 0.2426, "alpha": 4.4136, "a": 0.793, "b": 2.4262},
    {"r": 1.7, "alpha": 12.0, "a": 1.4, "b": 0.8},
    {"r": 6.0, "alpha": 30.0, "a": 0.2, "b": 5.0},
]


@pytest.fixture
def lifetimes() -> Iterator[ModuleType]:
    """The package; importing and running it changes pandas' options and the warning filters: put them back."""
    option = "mode.chained_assignment"
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        before = pd.get_option(option)
        import lifetimes

        yield lifetimes
        pd.set_option(option, before)


def customers() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    x, T = rng.integers(0, 12, 40).astype(float), rng.uniform(10, 39, 40)
    return x, np.where(x > 0, T * rng.uniform(0.05, 1, 40), 0), T


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_bgnbd(parameters: dict[str, float], lifetimes: ModuleType) -> None:
    ours, theirs = BGNBD(**parameters), lifetimes.BetaGeoFitter()
    theirs.params_ = pd.Series(parameters)
    known = customers()
    np.testing.assert_allclose(ours.p_alive(*known), theirs.conditional_probability_alive(*known), rtol=1e-9)
    for t in (2.0, 39.0):
        np.testing.assert_allclose(
            ours.expected_purchases(t, *known),
            theirs.conditional_expected_number_of_purchases_up_to_time(t, *known),
            rtol=1e-8,
        )
        assert float(ours.expected_purchases(t, 0, 0, 0)) == pytest.approx(
            float(theirs.expected_number_of_purchases_up_to_time(t)), rel=1e-8
        )
        for n in (0, 1, 4):
            assert float(ours.pmf(n, t, 0, 0, 0)) == pytest.approx(
                float(theirs.probability_of_n_purchases_up_to_time(t, n)), rel=1e-8
            )
    likelihood = -theirs._negative_log_likelihood(
        np.log(list(parameters.values())), *known, weights=np.ones(40), penalizer_coef=0
    )
    assert float(ours.log_likelihood(*known).mean()) == pytest.approx(float(likelihood), rel=1e-9)


@pytest.mark.parametrize("name", ["ModifiedBetaGeoFitter", "ParetoNBDFitter"])
def test_relatives(name: str, lifetimes: ModuleType) -> None:
    ours = MBGNBD(1.7, 12, 1.4, 0.8) if name.startswith("M") else ParetoNBD(1.7, 12, 1.4, 20)
    theirs = getattr(lifetimes, name)()
    theirs.params_ = pd.Series(ours.parameters)
    known = customers()
    np.testing.assert_allclose(ours.p_alive(*known), theirs.conditional_probability_alive(*known), rtol=1e-8)
    for t in (2.0, 39.0):
        expected = theirs.conditional_expected_number_of_purchases_up_to_time(t, *known)
        np.testing.assert_allclose(ours.expected_purchases(t, *known), expected, rtol=1e-8)


def test_gamma_gamma(lifetimes: ModuleType) -> None:
    parameters = {"p": 6.25, "q": 3.74, "v": 15.44}
    ours, theirs = GammaGamma(**parameters), lifetimes.GammaGammaFitter()
    theirs.params_ = pd.Series(parameters)
    x, _, _ = customers()
    m = np.random.default_rng(6).gamma(3, 12, 40)
    np.testing.assert_allclose(ours.expected_spend(x, m), theirs.conditional_expected_average_profit(x, m), rtol=1e-10)
    repeat = x > 0
    likelihood = -theirs._negative_log_likelihood(
        np.log([6.25, 3.74, 15.44]), x[repeat], m[repeat], weights=np.ones(repeat.sum()), penalizer_coef=0
    )
    assert float(ours.log_likelihood(x[repeat], m[repeat]).mean()) == pytest.approx(float(likelihood), rel=1e-9)


def test_bgbb(lifetimes: ModuleType) -> None:
    parameters = {"alpha": 1.204, "beta": 0.75, "gamma": 0.657, "delta": 2.783}
    ours, theirs = BGBB(**parameters), lifetimes.BetaGeoBetaBinomFitter()
    theirs.params_ = pd.Series(parameters)
    t_x = np.array([0, 1, 2, 3, 6, 6, 5, 4])
    x, T = np.array([0, 1, 2, 1, 6, 3, 5, 2]), np.full(8, 6)
    for later in (0, 1, 5):
        there = ours.p_alive(x, t_x, T)
        for i in range(later):
            there = there * (ours.delta + T + i) / (ours.gamma + ours.delta + T + i)
        np.testing.assert_allclose(there, theirs.conditional_probability_alive(later, x, t_x, T), rtol=1e-9)
        if later:
            expected = theirs.conditional_expected_number_of_purchases_up_to_time(later, x, t_x, T)
            np.testing.assert_allclose(ours.expected_purchases(later, x, t_x, T), expected, rtol=1e-9)
