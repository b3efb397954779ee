"""Does every purchase family obey the laws of probability and of units? A new family is tested the day it is listed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special

from clvmodels.errors import InputError
from clvmodels.models import FAMILIES, PurchaseFamily

PURCHASES = [family for family in FAMILIES.values() if issubclass(family, PurchaseFamily)]
LAW = settings(max_examples=25, deadline=None, derandomize=True, database=None)
Known = tuple[np.ndarray, np.ndarray, np.ndarray]

every_family = pytest.mark.parametrize("family", PURCHASES, ids=lambda family: family.name)


@st.composite
def models(draw: st.DrawFn, family: type[PurchaseFamily]) -> PurchaseFamily:
    k = len(family.parameter_names())
    constants = {name: draw(st.sampled_from([1, 2, 3, 12])) for name in family.constant_names}
    return family.from_log(draw(st.lists(st.floats(-2.5, 3), min_size=k, max_size=k)), constants)


def model_at(family: type[PurchaseFamily], value: float) -> Any:
    """All log parameters the same; three ticks to a purchase, where there are ticks."""
    constants = dict.fromkeys(family.constant_names, 3)
    return family.from_log(np.full(len(family.parameter_names()), value), constants)


@st.composite
def customers(draw: st.DrawFn) -> Known:
    """Six customers, the first of them new, the second never seen again, the third seen at the very end."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x, T = rng.integers(0, 30, 6).astype(float), rng.uniform(0.5, 60, 6)
    x[:3] = 0, 0, 1 + x[2]
    T[0] = 0
    t_x = np.where(x > 0, T * rng.random(6), 0)
    t_x[2] = T[2]
    return x, t_x, T


times = st.floats(0.01, 100)
cases = {"data": st.data(), "known": customers(), "t": times}


def of(family: type[PurchaseFamily], known: Known) -> Known:
    """The same customers; where time is counted in opportunities, in whole numbers of them, each taken once."""
    if not family.discrete:
        return known
    x, t_x, T = known
    x = np.minimum(x, 20)
    t_x = np.ceil(np.maximum(t_x, x))
    return x, t_x, np.where(t_x == known[2], t_x, np.ceil(np.maximum(T, t_x)))


def ahead(family: type[PurchaseFamily], t: Any) -> Any:
    """The same future, in whole opportunities where time is counted in them."""
    return np.ceil(t) if family.discrete else t


def every_quantity(t: float) -> dict[str, Callable[[Any, Known], np.ndarray]]:
    """Each formula as a function of the model and the customers."""
    return {
        "log_likelihood": lambda model, known: model.log_likelihood(*known),
        "score": lambda model, known: model.score(*known),
        "p_alive": lambda model, known: model.p_alive(*known),
        "p_active": lambda model, known: model.p_active(t, *known),
        "expected_purchases": lambda model, known: model.expected_purchases(t, *known),
        "pmf 0": lambda model, known: model.pmf(0, t, *known),
        "pmf 3": lambda model, known: model.pmf(3, t, *known),
        "survival 2": lambda model, known: model.survival(2, t, *known),
        "discounted_purchases": lambda model, known: model.discounted_purchases(t, *known, delta=0.02),
    }


@every_family
@LAW
@given(**cases)
def test_probabilities_of_counts_sum_to_one(family: type[PurchaseFamily], data: Any, known: Known, t: float) -> None:
    model, known, t = data.draw(models(family)), of(family, known), ahead(family, t)
    n = np.arange(300)[:, None]
    pmf, survival = model.pmf(n, t, *known), model.survival(n, t, *known)
    assert np.all((pmf >= 0) & (pmf <= 1))
    beyond = model.survival(300, t, *known)
    np.testing.assert_allclose(pmf.sum(axis=0) + beyond, 1, rtol=1e-9)
    tails = np.cumsum(np.concatenate([beyond[None], pmf[::-1]]), axis=0)[:0:-1]  # P(N ≥ n) by adding up
    np.testing.assert_allclose(survival, tails, rtol=1e-9, atol=1e-290)
    np.testing.assert_allclose(model.p_active(t, *known), survival[1], rtol=1e-9)


@every_family
@LAW
@given(**cases)
def test_the_mean_is_the_sum_of_the_survival_function(
    family: type[PurchaseFamily], data: Any, known: Known, t: float
) -> None:
    model, known, t = data.draw(models(family)), of(family, known), ahead(family, t)
    expected = model.expected_purchases(t, *known)
    survival = model.survival(np.arange(1, 4000 // model.stages)[:, None], t, *known)
    assert np.all(survival.sum(axis=0) <= expected * (1 + 1e-9))
    complete = 1e6 * survival[-1] < 1e-10 * expected
    np.testing.assert_allclose(survival.sum(axis=0)[complete], expected[complete], rtol=1e-9)


@every_family
@LAW
@given(**cases)
def test_survival_table_is_the_survival_of_those_alive(
    family: type[PurchaseFamily], data: Any, known: Known, t: float
) -> None:
    model, known, t = data.draw(models(family)), of(family, known), ahead(family, t)
    x, _, T = known
    tables = [model.alive(stage).survival_table(40, t, x, T) for stage in range(model.stages)]
    n = np.arange(1, 41)[:, None]
    seen = sum(p * table[:, 1:].T for p, table in zip(model.p_stages(*known), tables, strict=True))
    np.testing.assert_allclose(seen, model.survival(n, t, *known), rtol=1e-8, atol=1e-12)
    in_general = PurchaseFamily.survival_table(model, 40, t, x, T)
    np.testing.assert_allclose(tables[0], in_general, rtol=1e-8, atol=1e-12)
    np.testing.assert_array_equal(model.survival_table(40, t, x, T), tables[0])
    for stage, table in enumerate(tables):
        alive = model.alive(stage)
        assert table.shape == (6, 41)
        np.testing.assert_array_equal(table[:, 0], 1)
        np.testing.assert_allclose(table[:, 1:].T, alive.survival(n, t, x, T), rtol=1e-8, atol=1e-12)
        np.testing.assert_allclose(table[:, 1], alive.p_active(t, x, T), rtol=1e-8)


@every_family
@LAW
@given(**cases)
def test_the_future_is_a_sum_over_stages(family: type[PurchaseFamily], data: Any, known: Known, t: float) -> None:
    model, known, t = data.draw(models(family)), of(family, known), ahead(family, t)
    p, (x, _, T) = model.p_stages(*known), known
    assert p.shape == (model.stages, 6)
    np.testing.assert_allclose(p.sum(axis=0), model.p_alive(*known), rtol=1e-12)
    at_once = model.p_stages(x, T, T)  # those who buy at T are in the first stage
    np.testing.assert_array_equal(at_once[1:], 0)
    alive = [model.alive(stage) for stage in range(model.stages)]
    for whole, parts in (
        (model.expected_purchases(t, *known), [each.expected_purchases(t, x, T) for each in alive]),
        (
            model.discounted_purchases(t, *known, delta=0.02),
            [each.discounted_purchases(t, x, T, delta=0.02) for each in alive],
        ),
        (model.p_active(t, *known), [each.p_active(t, x, T) for each in alive]),
    ):
        np.testing.assert_allclose(whole, sum(q * part for q, part in zip(p, parts, strict=True)), rtol=1e-12)
        assert np.all(np.diff(parts, axis=0) >= -1e-9 * np.abs(parts[0]))  # the more ticks behind, the sooner


@every_family
@LAW
@given(data=st.data(), known=customers())
def test_nothing_happens_in_no_time(family: type[PurchaseFamily], data: Any, known: Known) -> None:
    model, known = data.draw(models(family)), of(family, known)
    nothing = np.zeros(6)
    np.testing.assert_array_equal(model.expected_purchases(0, *known), nothing)
    np.testing.assert_array_equal(model.discounted_purchases(0, *known, delta=0.1), nothing)
    np.testing.assert_array_equal(model.p_active(0, *known), nothing)
    np.testing.assert_allclose(model.pmf(0, 0, *known), 1, rtol=1e-12)
    np.testing.assert_array_equal(model.pmf(2, 0, *known), nothing)
    np.testing.assert_array_equal(model.survival(1, 0, *known), nothing)


@every_family
@LAW
@given(**cases)
def test_more_time_means_more(family: type[PurchaseFamily], data: Any, known: Known, t: float) -> None:
    model, known = data.draw(models(family)), of(family, known)
    later = ahead(family, t * np.array([1.0, 1.01, 1.5, 4.0])[:, None])
    for values in (
        model.expected_purchases(later, *known),
        model.discounted_purchases(later, *known, delta=0.03),
        model.p_active(later, *known),
        model.survival(4, later, *known),
    ):
        assert np.all(np.diff(values, axis=0) >= -1e-9 * values[1:])


@every_family
@LAW
@given(**cases)
def test_discounting(family: type[PurchaseFamily], data: Any, known: Known, t: float) -> None:
    model, known, t = data.draw(models(family)), of(family, known), ahead(family, t)
    expected = model.expected_purchases(t, *known)
    np.testing.assert_allclose(model.discounted_purchases(t, *known, delta=0), expected, rtol=1e-12)
    rates = np.array([1e-4, 0.01, 0.1, 1.0])[:, None]
    discounted = model.discounted_purchases(t, *known, delta=rates / t)
    assert np.all(discounted <= expected * (1 + 1e-9))
    assert np.all(discounted >= expected * np.exp(-rates) * (1 - 1e-9))
    assert np.all(np.diff(discounted, axis=0) <= 0)


@every_family
@LAW
@given(data=st.data(), known=customers())
def test_being_alive(family: type[PurchaseFamily], data: Any, known: Known) -> None:
    model, known = data.draw(models(family)), of(family, known)
    x, t_x, T = known
    alive = model.p_alive(x, t_x, T)
    assert np.all((alive >= 0) & (alive <= 1))
    assert np.all(model.p_alive(x, t_x, T + 5) <= alive * (1 + 1e-12))  # silence does not reassure
    assert np.all(model.p_alive(x, np.minimum(ahead(family, 1.1 * t_x), T), T) >= alive * (1 - 1e-12))


@every_family
@LAW
@given(**cases, factor=st.sampled_from([7.0, 1 / 7, 365.25, 1e-3]))
def test_units_of_time_change_no_prediction(
    family: type[PurchaseFamily], data: Any, known: Known, t: float, factor: float
) -> None:
    model = data.draw(models(family))
    if family.discrete:  # opportunities have no unit
        with pytest.raises(InputError, match="opportunities"):
            model.rescale(factor)
        return
    x, t_x, T = known
    finer, same = model.rescale(factor), (x, t_x * factor, T * factor)
    for name in ("p_active", "expected_purchases"):
        np.testing.assert_allclose(getattr(finer, name)(t * factor, *same), getattr(model, name)(t, *known), rtol=1e-9)
    np.testing.assert_allclose(finer.p_alive(*same), model.p_alive(*known), rtol=1e-9)
    np.testing.assert_allclose(finer.pmf(3, t * factor, *same), model.pmf(3, t, *known), rtol=1e-9)
    np.testing.assert_allclose(
        finer.discounted_purchases(t * factor, *same, delta=0.02 / factor),
        model.discounted_purchases(t, *known, delta=0.02),
        rtol=1e-9,
    )
    density = model.log_likelihood(*known) - x * np.log(factor)  # of x purchase times
    np.testing.assert_allclose(finer.log_likelihood(*same), density, rtol=1e-9, atol=1e-9)


@every_family
@LAW
@given(**cases, order=st.permutations(range(6)))
def test_the_order_of_customers_does_not_matter(
    family: type[PurchaseFamily], data: Any, known: Known, t: float, order: list[int]
) -> None:
    model, known, t = data.draw(models(family)), of(family, known), ahead(family, t)
    shuffled = tuple(column[order] for column in known)
    for formula in every_quantity(t).values():
        np.testing.assert_allclose(formula(model, shuffled), formula(model, known)[..., order], rtol=1e-13)


@every_family
@LAW
@given(**cases)
def test_draws_are_answered_row_by_row(family: type[PurchaseFamily], data: Any, known: Known, t: float) -> None:
    one, known, t = data.draw(models(family)), of(family, known), ahead(family, t)
    other = one.at(data.draw(models(family)).log_vector)
    both = one.at(np.stack([one.log_vector, other.log_vector]))
    assert both.n_draws == 2
    assert both.log_vector.shape == (2, len(family.parameter_names()))
    for name, formula in every_quantity(t).items():
        rows = np.stack([formula(one, known), formula(other, known)], axis=-2)
        atol = 1e-13 if name in ("log_likelihood", "score") else 1e-300  # sums that may vanish, and probabilities
        np.testing.assert_allclose(formula(both, known), rows, rtol=1e-13, atol=atol, err_msg=name)
    table = np.stack([model.survival_table(9, t, known[0], known[2]) for model in (one, other)])
    np.testing.assert_allclose(both.survival_table(9, t, known[0], known[2]), table, rtol=1e-13)
    assert both.sample(t, *known, seed=1).shape == (2, 6)


@every_family
@LAW
@given(data=st.data(), known=customers())
def test_score_is_the_slope_of_the_log_likelihood(family: type[PurchaseFamily], data: Any, known: Known) -> None:
    model, known = data.draw(models(family)), of(family, known)
    values = np.array(list(model.parameters.values()))
    score = model.score(*known)
    assert score.shape == (values.size, 6)
    for k, value in enumerate(values):

        def rise(step: float, k: int = k) -> np.ndarray:
            up, down = values.copy(), values.copy()
            up[k], down[k] = up[k] + step, down[k] - step
            sides = [family(*side, **model.constants).log_likelihood(*known) for side in (up, down)]
            return (sides[0] - sides[1]) / (2 * step)

        slope = (4 * rise(5e-4 * value) - rise(1e-3 * value)) / 3  # Richardson: of fourth order
        np.testing.assert_allclose(score[k], slope, rtol=1e-6, atol=1e-7 / value)


@every_family
@LAW
@given(data=st.data(), T=st.floats(0.5, 40))
def test_likelihood_integrates_to_the_distribution_of_counts(family: type[PurchaseFamily], data: Any, T: float) -> None:
    """Given x and t_x, the x − 1 purchases before the last one lie anywhere before it: t_x^(x−1)/(x−1)! of volume."""
    model = data.draw(models(family))
    if family.discrete:  # there are (t_x − 1 over x − 1) orders of purchases of which the last is at t_x
        T = np.ceil(T)
        for x in range(int(min(T, 6)) + 1):
            t_x = np.arange(x, T + 1) if x else np.zeros(1)
            orders = special.comb(t_x - 1, x - 1) if x else 1.0
            count = np.sum(orders * np.exp(model.log_likelihood(np.full(t_x.size, x), t_x, np.full(t_x.size, T))))
            np.testing.assert_allclose(count, model.pmf(x, T, 0, 0, 0), rtol=1e-10)
        return
    nodes, weights = special.roots_legendre(400)
    t_x = T * (nodes + 1) / 2
    np.testing.assert_allclose(np.exp(model.log_likelihood(0, 0, T)), model.pmf(0, T, 0, 0, 0), rtol=1e-9)
    for x in (1, 2, 5):
        inside = model.log_likelihood(np.full(400, float(x)), t_x, np.full(400, T)) + special.xlogy(x - 1, t_x)
        count = np.exp(inside - special.gammaln(x)) @ weights * T / 2
        np.testing.assert_allclose(count, model.pmf(x, T, 0, 0, 0), rtol=1e-8)


@every_family
def test_likelihood_is_what_simulated_customers_do(family: type[PurchaseFamily]) -> None:
    """Customers observed for T, then for t more: forecasts given (x, t_x, T) come true, in every class of x."""
    model = model_at(family, 0.3)
    n, T, t = (80_000 if model.stages == 1 else 30_000), 6.0, 5.0
    who, when = model.sample_times(np.full(n, T + t), seed=11)
    assert np.all(np.diff(who) >= 0)
    assert np.all((when >= 0) & (when <= T + t))
    assert np.all(np.diff(when)[np.diff(who) == 0] >= 0)
    past = when <= T
    x = np.bincount(who[past], minlength=n).astype(float)
    t_x = np.zeros(n)
    np.maximum.at(t_x, who[past], when[past])
    future = np.bincount(who[~past], minlength=n)
    known = x, t_x, np.full(n, T)
    discount = np.bincount(who[~past], np.exp(-0.1 * (when[~past] - T)), minlength=n)
    pairs = {
        "expected": (model.expected_purchases(t, *known), future),
        "active": (model.p_active(t, *known), future > 0),
        "two": (model.pmf(2, t, *known), future == 2),
        "discounted": (model.discounted_purchases(t, *known, delta=0.1), discount),
        "sampled": (model.sample(t, *known, seed=12), future),
    }
    for name, (predicted, actual) in pairs.items():
        for group in [np.ones(n, bool), *(x == k for k in range(4)), x > 6, t_x > 0.8 * T, (x > 0) & (t_x < 0.3 * T)]:
            surplus = np.asarray(predicted, float)[group] - np.asarray(actual, float)[group]
            if surplus.size:  # seven purchases in six opportunities there are not
                assert abs(surplus.mean()) < 4.5 * surplus.std() / np.sqrt(surplus.size) + 1e-12, name
    first = np.array([model.pmf(k, T, 0, 0, 0) for k in range(8)])
    share = np.bincount(x.astype(int), minlength=8)[:8] / n
    np.testing.assert_array_less(np.abs(share - first), 4.5 * np.sqrt(first / n) + 1e-12)


@every_family
def test_sampling_repeats_itself_and_follows_the_pmf(family: type[PurchaseFamily]) -> None:
    model = model_at(family, 0.2)
    n = 100_000
    known = np.full(n, 4.0), np.full(n, 7.0), np.full(n, 9.0)
    bought = model.sample(8.0, *known, seed=3)
    np.testing.assert_array_equal(bought, model.sample(8.0, *known, seed=3))
    assert bought.dtype == np.int64
    probability = model.pmf(np.arange(12), 8.0, 4, 7, 9)
    share = np.bincount(bought, minlength=12)[:12] / n
    np.testing.assert_array_less(np.abs(share - probability), 4.5 * np.sqrt(probability / n) + 1e-12)


@every_family
def test_discounting_is_the_integral_of_the_expected_rate(family: type[PurchaseFamily]) -> None:
    model = model_at(family, 0.4)
    known, t, delta = (3.0, 5.0, 8.0), 20.0, 0.08
    if family.discrete:
        each = np.diff(model.expected_purchases(np.arange(t + 1), *known))
        found = float(model.discounted_purchases(t, *known, delta=delta))
        assert found == pytest.approx(each @ np.exp(-delta * np.arange(1, t + 1)), rel=1e-12)
        return
    rest, _ = integrate.quad(
        lambda s: np.exp(-delta * s) * float(model.expected_purchases(s, *known)), 0, t, epsabs=0, epsrel=1e-12
    )
    by_parts = np.exp(-delta * t) * float(model.expected_purchases(t, *known)) + delta * rest
    assert float(model.discounted_purchases(t, *known, delta=delta)) == pytest.approx(by_parts, rel=1e-10)


@every_family
def test_a_family_says_what_it_is(family: type[PurchaseFamily]) -> None:
    assert family.name == next(name for name, member in FAMILIES.items() if member is family)
    assert family.kind == "purchases"
    assert family.title
    model = family.from_log(np.linspace(-1, 1, len(family.parameter_names())))
    assert tuple(model.parameters) == family.parameter_names()
    np.testing.assert_allclose(model.log_vector, np.linspace(-1, 1, len(family.parameter_names())), rtol=1e-14)
    assert model == family(**model.parameters, **model.constants)
    assert model.at(model.log_vector + 1).constants == model.constants
    assert model.n_draws == 1
