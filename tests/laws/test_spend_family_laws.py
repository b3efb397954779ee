"""Does every spend family obey the laws of probability and of money's units?"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

import clvmodels as clv
from clvmodels.errors import InputError
from clvmodels.fitting.data import SPENDS
from clvmodels.models import GammaGamma, GammaGammaFirst, GammaGammaFrequency, LogNormalSpend, SpendFamily

LAW = settings(max_examples=25, deadline=None, derandomize=True, database=None)
Values = list[np.ndarray]
Known = tuple[np.ndarray, ...]

every_family = pytest.mark.parametrize("family", SPENDS.values(), ids=lambda family: family.name)


def summary_columns(values: Values) -> pd.DataFrame:
    """What `Summary.frame` says of customers who spent this, the first purchase first."""
    logs = [np.log(spent[spent > 0]) for spent in values]
    return pd.DataFrame(
        {
            "frequency": [spent.size - 1 for spent in values],
            "monetary_value": [spent[1:].mean() if spent.size > 1 else np.nan for spent in values],
            "value_first": [spent[0] for spent in values],
            "value_past": [spent.sum() for spent in values],
            "n_valued": [log.size for log in logs],
            "log_value_mean": [log.mean() if log.size else np.nan for log in logs],
            "log_value_ss": [log.size * log.var() if log.size else np.nan for log in logs],
        }
    )


def known(family: type[SpendFamily], values: Values) -> Known:
    """What the family knows of them; of the first two nothing at all."""
    x, m, *rest = (column.copy() for column in family.observed(summary_columns(values)))
    x[:2], m[:2] = 0, (np.nan, 0)
    for column in rest:
        column[:2] = 0
    return x, m, *rest


@st.composite
def models(draw: st.DrawFn, family: type[SpendFamily]) -> Any:
    high = 0.4 if family is LogNormalSpend else 3.0
    steep = {"g": 0.1}  # twice the spend for ten times the purchases
    return family.from_log([draw(st.floats(0.1, high)) * steep.get(name, 1.0) for name in family.parameter_names()])


@st.composite
def customers(draw: st.DrawFn) -> Values:
    """The purchases of six customers."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return [np.exp(rng.normal(3, 1.5) + rng.normal(0, 0.6, size)) for size in rng.integers(2, 30, 6)]


@cache
def on_cdnow(family: type[SpendFamily]) -> Any:
    return clv.fit(family, clv.split("cdnow-sample").calibration).model


@every_family
@LAW
@given(data=st.data(), values=customers())
def test_expectations(family: type[SpendFamily], data: Any, values: Values) -> None:
    model = data.draw(models(family))
    x, m, *_ = known(family, values)
    spend = model.expected_spend(x, m)
    assert np.all(np.isfinite(spend) & (spend > 0))
    assert spend[0] == spend[1]
    more = known(family, [spent * 1.1 for spent in values])
    assert np.all(model.expected_spend(*more[:2])[2:] > spend[2:])
    forever = np.full(6, 1e15), np.full(6, family.observed(summary_columns([np.full(3, 20.0)]))[1])
    many = model.expected_spend(*forever)
    np.testing.assert_allclose(model.rescale(3.0).expected_spend(*forever), many, rtol=1e-6)  # who buys for ever
    if issubclass(family, GammaGamma):
        np.testing.assert_allclose(many, 20, rtol=1e-6)  # shows what a purchase is worth
    np.testing.assert_allclose(model.mean_total(3, x, m), 3 * spend, rtol=1e-14)


@every_family
@LAW
@given(data=st.data(), values=customers())
def test_the_population_pulls(family: type[SpendFamily], data: Any, values: Values) -> None:
    """`leaning` is the slope of expected spend by the logarithm of the population's level; all of it for a stranger."""
    model = data.draw(models(family))
    x, m, *_ = known(family, values)
    step = 1e-5
    rise = model.rescale(np.exp(step)).expected_spend(x, m) - model.rescale(np.exp(-step)).expected_spend(x, m)
    leaning = model.leaning(x, m)
    np.testing.assert_allclose(leaning, rise / (2 * step), rtol=1e-6, atol=1e-8 * float(np.max(leaning)))
    np.testing.assert_allclose(leaning[:2], model.expected_spend(x, m)[:2], rtol=1e-12)


@every_family
@LAW
@given(data=st.data(), values=customers())
def test_totals(family: type[SpendFamily], data: Any, values: Values) -> None:
    model = data.draw(models(family))
    x, m, *_ = known(family, values)
    s = np.exp(np.linspace(-3, 9, 40))[:, None]
    slack = 1e-15 if issubclass(family, GammaGamma) else 1e-3  # sums of log-normal values are approximate
    for n in (1, 7):
        cdf, sf = model.cdf_total(s, n, x, m), model.sf_total(s, n, x, m)
        np.testing.assert_allclose(cdf + sf, 1, rtol=1e-12)
        assert np.all(np.diff(cdf, axis=0) >= -1e-15)
        assert np.all(model.cdf_total(s, n + 1, x, m) <= cdf + slack)  # one more purchase, never less money
    np.testing.assert_array_equal(model.cdf_total(0, 0, x, m), 1)
    np.testing.assert_array_equal(model.sf_total(5.0, 0, x, m), 0)
    np.testing.assert_array_equal(model.cdf_total([-1.0] * 6, 2, x, m), 0)
    np.testing.assert_array_equal(model.sf_total([-1.0] * 6, 2, x, m), 1)
    np.testing.assert_array_equal(model.cdf_total(0.0, 2, x, m), 0)
    np.testing.assert_array_equal(model.variance_total(0, x, m), 0)


@every_family
@LAW
@given(data=st.data(), values=customers())
def test_squares_and_variances_agree(family: type[SpendFamily], data: Any, values: Values) -> None:
    model = data.draw(models(family))
    x, m, *_ = known(family, values)
    (square, single), mean = model.squares(x, m), model.expected_spend(x, m)
    for n in (1, 4, 30):
        variance = model.variance_total(n, x, m)
        there = np.isfinite(variance)
        expected = square * n**2 + single * n - (n * mean) ** 2
        np.testing.assert_allclose(variance[there], expected[there], rtol=1e-6)
        assert np.all(model.decay(x)[~there] <= 2)


@every_family
@LAW
@given(data=st.data(), values=customers(), factor=st.sampled_from([100.0, 0.01, 149.3]))
def test_units_of_money_change_no_prediction(
    family: type[SpendFamily], data: Any, values: Values, factor: float
) -> None:
    model = data.draw(models(family))
    here, there = known(family, values), known(family, [spent * factor for spent in values])
    (x, m, *_), finer, same = here, model.rescale(factor), there[:2]
    np.testing.assert_allclose(finer.expected_spend(*same), model.expected_spend(x, m) * factor, rtol=1e-12)
    np.testing.assert_allclose(finer.reference(*same), model.reference(x, m) * factor, rtol=1e-12)
    np.testing.assert_allclose(finer.typical(*same)[2:], model.typical(x, m)[2:] * factor, rtol=1e-12)
    np.testing.assert_allclose(finer.cdf_total(30 * factor, 2, *same), model.cdf_total(30, 2, x, m), rtol=1e-9)
    densities = x if family.single else np.minimum(x, 1)
    density = model.log_likelihood(*here) - densities * np.log(factor)
    np.testing.assert_allclose(finer.log_likelihood(*there), density, rtol=1e-9, atol=1e-9)


@every_family
@LAW
@given(data=st.data(), values=customers(), order=st.permutations(range(6)))
def test_order_and_draws(family: type[SpendFamily], data: Any, values: Values, order: list[int]) -> None:
    one, other = data.draw(models(family)), data.draw(models(family))
    both = family.from_log(np.stack([one.log_vector, other.log_vector]))
    formulas = {
        "log_likelihood": lambda model, all_known: model.log_likelihood(*all_known),
        "score": lambda model, all_known: model.score(*all_known),
        "expected_spend": lambda model, all_known: model.expected_spend(*all_known[:2]),
        "leaning": lambda model, all_known: model.leaning(*all_known[:2]),
        "squares": lambda model, all_known: model.squares(*all_known[:2])[1],
        "cdf_total": lambda model, all_known: model.cdf_total(44.0, 2, *all_known[:2]),
        "variance_total": lambda model, all_known: model.variance_total(2, *all_known[:2]),
    }
    here = known(family, values)
    shuffled = tuple(column[order] for column in here)
    for name, formula in formulas.items():
        np.testing.assert_allclose(formula(one, shuffled), formula(one, here)[..., order], rtol=1e-13, err_msg=name)
        rows = np.stack([formula(one, here), formula(other, here)], axis=-2)
        np.testing.assert_allclose(formula(both, here), rows, rtol=1e-12, atol=1e-300, err_msg=name)
    assert both.sample(3, *here[:2], seed=1).shape == (2, 6)
    assert both.sample_typical(np.maximum(here[0], 1), seed=1).shape == (2, 6)


@every_family
@LAW
@given(data=st.data(), values=customers())
def test_score_is_the_slope_of_the_log_likelihood(family: type[SpendFamily], data: Any, values: Values) -> None:
    model, here = data.draw(models(family)), known(family, values)
    parameters = np.array(list(model.parameters.values()))
    for k, value in enumerate(parameters):

        def rise(step: float, k: int = k) -> np.ndarray:
            up, down = parameters.copy(), parameters.copy()
            up[k], down[k] = up[k] + step, down[k] - step
            above: Any = family(*up)
            below: Any = family(*down)
            return np.asarray((above.log_likelihood(*here) - below.log_likelihood(*here)) / (2 * step))

        slope = (4 * rise(5e-4 * value) - rise(1e-3 * value)) / 3
        np.testing.assert_allclose(model.score(*here)[k], slope, rtol=1e-6, atol=1e-7 / value)


@every_family
@LAW
@given(data=st.data(), x=st.integers(1, 20))
def test_likelihood_is_a_density(family: type[SpendFamily], data: Any, x: int) -> None:
    """Of the mean of x values; of the one value where single values are known."""
    model = data.draw(models(family))
    x = 1 if family.single else x
    nodes, weights = special.roots_legendre(2000)
    log_m = 45 * nodes
    here = family.observed(summary_columns([np.full(x + (not family.first), np.exp(one)) for one in log_m]))
    inside = np.exp(model.log_likelihood(*here) + log_m)
    assert float(inside @ weights) * 45 == pytest.approx(1, rel=1e-8)


@every_family
def test_likelihood_is_a_density_of_two_values(family: type[SpendFamily]) -> None:
    if not family.single:
        return
    model = on_cdnow(family)
    log = np.linspace(np.log(30) - 9, np.log(30) + 9, 361)
    one, two = (value.ravel() for value in np.meshgrid(log, log))
    pairs = pd.DataFrame(
        {"n_valued": 2, "frequency": 1, "value_past": np.exp(one) + np.exp(two)}, index=range(one.size)
    )
    pairs["log_value_mean"], pairs["log_value_ss"] = (one + two) / 2, (one - two) ** 2 / 2
    inside = np.exp(model.log_likelihood(*family.observed(pairs)) + one + two)
    assert inside.sum() * (log[1] - log[0]) ** 2 == pytest.approx(1, abs=1e-6)


@every_family
def test_simulated_totals_follow_the_distribution(family: type[SpendFamily]) -> None:
    n, model = 200_000, on_cdnow(family)
    m = float(family.observed(summary_columns([np.array([20.0, 31, 44, 10])]))[1][0])
    for x, mean in ((0, np.nan), (3, m)):
        some = np.full(n, x), np.full(n, mean)
        total = model.sample(np.full(n, 4), *some, seed=8)
        np.testing.assert_array_equal(total, model.sample(np.full(n, 4), *some, seed=8))
        assert abs(total.mean() - model.mean_total(4, x, mean)) < 4.5 * total.std() / np.sqrt(n)
        for s in np.quantile(total, [0.02, 0.3, 0.7, 0.99]):
            share = float(model.cdf_total(s, 4, x, mean))
            assert abs((total <= s).mean() - share) < 4.5 * np.sqrt(share * (1 - share) / n)
        if x:  # the fourth moment of the other may be infinite
            deviations = (total - total.mean()) ** 2
            assert abs(deviations.mean() - model.variance_total(4, x, mean)) < 5 * deviations.std() / np.sqrt(n)
    assert np.all(model.sample(np.zeros(5), np.zeros(5), np.zeros(5), seed=1) == 0)


@every_family
def test_simulated_purchases_are_the_populations(family: type[SpendFamily]) -> None:
    """New customers' values, one by one, have the mean and the distribution of a stranger's purchase at that level."""
    model, many = on_cdnow(family), 50_000
    for x in (1, 4):
        values = model.sample_values(np.full(many, x), np.repeat(np.arange(many), x), seed=3).reshape(many, x)
        levels = values / float(model.level(x))
        for s in np.quantile(levels[:, 0], [0.05, 0.5, 0.95]):
            share = float(model.cdf_total(s, 1, 0, np.nan))
            assert abs((levels[:, -1] <= s).mean() - share) < 4.5 * np.sqrt(share * (1 - share) / many)
        typical = model.sample_typical(np.full(many, x), seed=4)
        theirs = np.exp(np.log(values).mean(axis=1)) if family is LogNormalSpend else values.mean(axis=1)
        for p in (0.1, 0.5, 0.9):
            below = (typical <= np.quantile(theirs, p)).mean()
            assert abs(below - p) < 6 * np.sqrt(p * (1 - p) / many)


def test_a_mean_that_does_not_exist_is_refused_in_words() -> None:
    heavy = GammaGamma(p=2.0, q=0.9, v=10.0)
    with pytest.raises(InputError, match="does not exist"):
        heavy.expected_spend([0, 2], [np.nan, 20.0])
    assert float(heavy.expected_spend(2, 20.0)) == pytest.approx(2 * (10 + 40) / (4 + 0.9 - 1))  # it does for repeaters
    with pytest.raises(InputError, match="does not exist"):
        GammaGamma(p=np.array([[2.0], [2.0]]), q=np.array([[3.0], [1.0]]), v=np.array([[1.0], [1.0]])).expected_spend(
            [0], [0]
        )
    with pytest.raises(InputError, match="customers without purchases"):
        GammaGammaFirst(p=2.0, q=0.9, v=10.0).expected_spend([0], [np.nan])


def test_a_variance_that_does_not_exist_is_infinite() -> None:
    model = GammaGamma(p=2.0, q=1.9, v=10.0)
    variance = model.variance_total(2, [0, 1], [0, 20.0])
    assert np.isinf(variance[0])
    assert np.isfinite(variance[1])


def test_without_growth_frequency_says_nothing() -> None:
    """At g = 1 the family is Gamma-Gamma, and its likelihood is that of the means times that of how values share."""
    plain, growing = GammaGammaFirst(3.7, 4.6, 29.3), GammaGammaFrequency(3.7, 4.6, 29.3, 1.0)
    x, m = np.array([1.0, 4, 9]), np.array([12.0, 33, 70])
    np.testing.assert_array_equal(growing.expected_spend(x, m), plain.expected_spend(x, m))
    one = growing.log_likelihood(1, 12.0, 0.0)
    assert float(one) == pytest.approx(float(plain.log_likelihood(1, 12.0)), rel=1e-14)
    doubled = GammaGammaFrequency(3.7, 4.6, 29.3, 1.2)
    np.testing.assert_allclose(doubled.level(x), x ** np.log2(1.2), rtol=1e-14)
    np.testing.assert_allclose(
        doubled.expected_spend(x, m * doubled.level(x)), plain.expected_spend(x, m) * doubled.level(x), rtol=1e-13
    )
