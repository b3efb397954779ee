"""What must hold of every metric, whatever the numbers?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clvmodels import metrics
from clvmodels.metrics import METRICS

POINT = ("total_error", "mae", "rmse", "gini", "spearman", "auc_active", "decile_mape", "top_decile_capture")
RANKING = ("gini", "spearman", "auc_active", "top_decile_capture")
CHANCES = ("coverage_90", "pit_ks")


@st.composite
def customers(draw):
    """(prediction, actual) of 2 to 40 customers, of whom some buy and some do not; many ties."""
    n = draw(st.integers(2, 40))
    prediction = draw(st.lists(st.integers(0, 8).map(lambda k: k / 3), min_size=n, max_size=n))
    actual = draw(st.lists(st.sampled_from([0, 0, 0, 1, 2, 7.5]), min_size=n - 2, max_size=n - 2))
    return np.array(prediction), np.array([0.0, 3.0, *actual])


@st.composite
def intervals(draw):
    """[F(y−), F(y)] of 1 to 30 customers."""
    ends = draw(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30))
    return tuple(np.array([sorted(pair) for pair in ends]).T)


@given(customers(), st.floats(0, 100))
def test_a_constant_knows_nothing_of_the_ranking(data, constant):
    prediction, actual = np.full(len(data[0]), constant), data[1]
    assert metrics.gini(prediction, actual) == 0
    assert metrics.spearman(prediction, actual) == 0
    assert metrics.auc_active(prediction, actual) == 0.5
    assert metrics.top_decile_capture(prediction, actual) == pytest.approx(0.1, abs=1e-12)


@given(customers())
def test_the_truth_is_perfect(data):
    _, actual = data
    perfect = {"gini": 1.0, "auc_active": 1.0, "total_error": 0.0, "mae": 0.0, "rmse": 0.0, "decile_mape": 0.0}
    for name, best in perfect.items():
        assert getattr(metrics, name)(actual, actual) == pytest.approx(best, abs=1e-12)


@given(customers(), st.randoms(use_true_random=False))
def test_the_order_of_the_file_does_not_matter(data, random):
    prediction, actual = data
    order = list(range(len(actual)))
    random.shuffle(order)
    for name in POINT:
        metric = getattr(metrics, name)
        assert metric(prediction[order], actual[order]) == pytest.approx(metric(prediction, actual), abs=1e-12)


@given(customers(), st.sampled_from([1 / 7, 0.01, 3.0, 365.25]))
def test_a_change_of_unit_changes_errors_by_its_factor_and_nothing_else(data, factor):
    prediction, actual = data
    for name in POINT:
        metric = getattr(metrics, name)
        scale = factor if name in ("mae", "rmse") else 1.0
        assert metric(prediction * factor, actual * factor) == pytest.approx(
            metric(prediction, actual) * scale, abs=1e-9
        )


@given(customers())
def test_rankings_see_the_order_alone(data):
    prediction, actual = data
    for name in RANKING:
        metric = getattr(metrics, name)
        assert metric(np.exp(prediction) - 5, actual) == pytest.approx(metric(prediction, actual), abs=1e-12)


@given(customers())
def test_the_opposite_ranking_scores_the_opposite(data):
    prediction, actual = data
    assert metrics.gini(-prediction, actual) == pytest.approx(-metrics.gini(prediction, actual), abs=1e-12)
    assert metrics.spearman(-prediction, actual) == pytest.approx(-metrics.spearman(prediction, actual), abs=1e-12)
    assert metrics.auc_active(-prediction, actual) == pytest.approx(
        1 - metrics.auc_active(prediction, actual), abs=1e-12
    )


@given(customers(), st.integers(2, 5))
def test_everybody_twice_changes_all_but_spearman_nothing(data, times):
    # Spearman's breaks ties between copies too, so it moves by O(1/n).
    prediction, actual = data
    for name in sorted(set(POINT) - {"spearman"}):
        metric = getattr(metrics, name)
        again = metric(np.tile(prediction, times), np.tile(actual, times))
        assert again == pytest.approx(metric(prediction, actual), abs=1e-11)


@given(customers(), intervals())
def test_every_metric_stays_in_its_range(data, chances):
    for name, metric in METRICS.items():
        if name in ("crps", "log_score"):
            continue
        value = getattr(metrics, name)(*(chances if name in CHANCES else data))
        assert metric.lowest - 1e-12 <= value <= metric.highest + 1e-12


@given(intervals(), st.randoms(use_true_random=False))
def test_calibration_does_not_depend_on_the_order_of_the_file(chances, random):
    order = list(range(len(chances[0])))
    random.shuffle(order)
    for name in CHANCES:
        metric = getattr(metrics, name)
        assert metric(*(end[order] for end in chances)) == pytest.approx(metric(*chances), abs=1e-9)


@given(st.integers(1, 50))
def test_a_calibrated_forecast_has_no_gap(n):
    steps = np.linspace(0, 1, n + 1)
    assert metrics.pit_ks(steps[:-1], steps[1:]) == pytest.approx(0.0, abs=1e-12)
    assert metrics.coverage_90(steps[:-1], steps[1:], weights=np.diff(steps)) == pytest.approx(0.9, abs=1e-12)


@pytest.mark.parametrize("tick", [1.0, 1 / 7, 1 / 3])
def test_equal_rates_are_tied_in_every_unit_of_time(tick):
    x, T = np.array([1, 2, 3, 1, 2, 3]), np.array([70, 140, 210, 63, 126, 189]) * tick
    rate = x / T * (273 * tick)
    assert metrics.gini(rate[:3], [0, 1, 5]) == 0
    assert metrics.auc_active(rate, [0, 0, 0, 1, 1, 1]) == 1
