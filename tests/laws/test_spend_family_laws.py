"""Does every spend family obey the laws of probability and of money's units?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from clvmodels.errors import InputError
from clvmodels.models import FAMILIES, Family, GammaGamma

SPEND = [family for family in FAMILIES.values() if family.kind == "spend"]
LAW = settings(max_examples=25, deadline=None, derandomize=True, database=None)
Known = tuple[np.ndarray, np.ndarray]

every_family = pytest.mark.parametrize("family", SPEND, ids=lambda family: family.name)


@st.composite
def models(draw: st.DrawFn, family: type[Family]) -> Any:
    k = len(family.parameter_names())
    return family.from_log(draw(st.lists(st.floats(0.1, 3), min_size=k, max_size=k)))


@st.composite
def customers(draw: st.DrawFn) -> Known:
    """Six customers; the first two never came back, and have no mean."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x, m = rng.integers(1, 30, 6).astype(float), np.exp(rng.normal(3, 1.5, 6))
    x[:2], m[:2] = 0, (np.nan, 0)
    return x, m


@every_family
@LAW
@given(data=st.data(), known=customers())
def test_expectations(family: type[Family], data: Any, known: Known) -> None:
    model = data.draw(models(family))
    x, m = known
    spend = model.expected_spend(*known)
    assert np.all(np.isfinite(spend) & (spend > 0))
    assert spend[0] == spend[1]
    assert np.all(model.expected_spend(x, m * 1.1)[2:] > spend[2:])
    many = model.expected_spend(np.full(6, 1e9), np.full(6, 20.0))
    np.testing.assert_allclose(many, 20, rtol=1e-6)  # who buys for ever shows what a purchase is worth
    np.testing.assert_allclose(model.mean_total(3, *known), 3 * spend, rtol=1e-14)


@every_family
@LAW
@given(data=st.data(), known=customers())
def test_totals(family: type[Family], data: Any, known: Known) -> None:
    model = data.draw(models(family))
    s = np.exp(np.linspace(-3, 9, 40))[:, None]
    for n in (1, 7):
        cdf, sf = model.cdf_total(s, n, *known), model.sf_total(s, n, *known)
        np.testing.assert_allclose(cdf + sf, 1, rtol=1e-12)
        assert np.all(np.diff(cdf, axis=0) >= -1e-15)
        assert np.all(model.cdf_total(s, n + 1, *known) <= cdf + 1e-15)  # one more purchase, never less money
    np.testing.assert_array_equal(model.cdf_total(0, 0, *known), 1)
    np.testing.assert_array_equal(model.sf_total(5.0, 0, *known), 0)
    np.testing.assert_array_equal(model.cdf_total([-1.0] * 6, 2, *known), 0)
    np.testing.assert_array_equal(model.sf_total([-1.0] * 6, 2, *known), 1)
    np.testing.assert_array_equal(model.cdf_total(0.0, 2, *known), 0)
    np.testing.assert_array_equal(model.variance_total(0, *known), 0)


@every_family
@LAW
@given(data=st.data(), known=customers(), factor=st.sampled_from([100.0, 0.01, 149.3]))
def test_units_of_money_change_no_prediction(family: type[Family], data: Any, known: Known, factor: float) -> None:
    model = data.draw(models(family))
    x, m = known
    finer, same = model.rescale(factor), (x, m * factor)
    np.testing.assert_allclose(finer.expected_spend(*same), model.expected_spend(*known) * factor, rtol=1e-12)
    np.testing.assert_allclose(finer.scale(*same), model.scale(*known) * factor, rtol=1e-12)
    np.testing.assert_allclose(finer.cdf_total(30 * factor, 2, *same), model.cdf_total(30, 2, *known), rtol=1e-9)
    density = model.log_likelihood(*known) - np.where(x > 0, np.log(factor), 0)
    np.testing.assert_allclose(finer.log_likelihood(*same), density, rtol=1e-9, atol=1e-9)


@every_family
@LAW
@given(data=st.data(), known=customers(), order=st.permutations(range(6)))
def test_order_and_draws(family: type[Family], data: Any, known: Known, order: list[int]) -> None:
    one, other = data.draw(models(family)), data.draw(models(family))
    both = family.from_log(np.stack([one.log_vector, other.log_vector]))
    formulas = {
        "log_likelihood": lambda model, known: model.log_likelihood(*known),
        "score": lambda model, known: model.score(*known),
        "expected_spend": lambda model, known: model.expected_spend(*known),
        "cdf_total": lambda model, known: model.cdf_total(44.0, 2, *known),
        "variance_total": lambda model, known: model.variance_total(2, *known),
    }
    shuffled = tuple(column[order] for column in known)
    for name, formula in formulas.items():
        np.testing.assert_allclose(formula(one, shuffled), formula(one, known)[..., order], rtol=1e-13, err_msg=name)
        rows = np.stack([formula(one, known), formula(other, known)], axis=-2)
        np.testing.assert_allclose(formula(both, known), rows, rtol=1e-12, atol=1e-300, err_msg=name)
    assert both.sample(3, *known, seed=1).shape == (2, 6)


@every_family
@LAW
@given(data=st.data(), known=customers())
def test_score_is_the_slope_of_the_log_likelihood(family: type[Family], data: Any, known: Known) -> None:
    model = data.draw(models(family))
    values = np.array(list(model.parameters.values()))
    for k, value in enumerate(values):

        def rise(step: float, k: int = k) -> np.ndarray:
            up, down = values.copy(), values.copy()
            up[k], down[k] = up[k] + step, down[k] - step
            return (family(*up).log_likelihood(*known) - family(*down).log_likelihood(*known)) / (2 * step)

        slope = (4 * rise(5e-4 * value) - rise(1e-3 * value)) / 3
        np.testing.assert_allclose(model.score(*known)[k], slope, rtol=1e-6, atol=1e-7 / value)


@every_family
@LAW
@given(data=st.data(), x=st.integers(1, 20))
def test_likelihood_is_a_density_of_the_mean(family: type[Family], data: Any, x: int) -> None:
    model = data.draw(models(family))
    nodes, weights = special.roots_legendre(2000)
    log_m = 45 * nodes
    inside = np.exp(model.log_likelihood(np.full(2000, float(x)), np.exp(log_m)) + log_m)
    assert float(inside @ weights) * 45 == pytest.approx(1, rel=1e-8)


@every_family
def test_simulated_totals_follow_the_distribution(family: type[Family]) -> None:
    n = 200_000
    model: Any = family.from_log(np.array([1.2, 1.9, 2.5])[: len(family.parameter_names())])
    for x, m in ((0, np.nan), (3, 25.0)):
        total = model.sample(np.full(n, 4), np.full(n, x), np.full(n, m), seed=8)
        np.testing.assert_array_equal(total, model.sample(np.full(n, 4), np.full(n, x), np.full(n, m), seed=8))
        assert abs(total.mean() - model.mean_total(4, x, m)) < 4.5 * total.std() / np.sqrt(n)
        for s in np.quantile(total, [0.02, 0.3, 0.7, 0.99]):
            share = float(model.cdf_total(s, 4, x, m))
            assert abs((total <= s).mean() - share) < 4.5 * np.sqrt(share * (1 - share) / n)
        if x:  # the fourth moment of the other is infinite
            deviations = (total - total.mean()) ** 2
            assert abs(deviations.mean() - model.variance_total(4, x, m)) < 5 * deviations.std() / np.sqrt(n)
    assert np.all(model.sample(np.zeros(5), np.zeros(5), np.zeros(5), seed=1) == 0)


def test_a_mean_that_does_not_exist_is_refused_in_words() -> None:
    heavy = GammaGamma(p=2.0, q=0.9, v=10.0)
    with pytest.raises(InputError, match="does not exist"):
        heavy.expected_spend([0, 2], [np.nan, 20.0])
    assert float(heavy.expected_spend(2, 20.0)) == pytest.approx(2 * (10 + 40) / (4 + 0.9 - 1))  # it does for repeaters
    with pytest.raises(InputError, match="does not exist"):
        GammaGamma(p=np.array([[2.0], [2.0]]), q=np.array([[3.0], [1.0]]), v=np.array([[1.0], [1.0]])).expected_spend(
            [0], [0]
        )


def test_a_variance_that_does_not_exist_is_infinite() -> None:
    model = GammaGamma(p=2.0, q=1.9, v=10.0)
    variance = model.variance_total(2, [0, 1], [0, 20.0])
    assert np.isinf(variance[0])
    assert np.isfinite(variance[1])
