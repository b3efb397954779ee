"""Are the metrics what their definitions say? Each is written again with loops, over every way of breaking the ties."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise, permutations
from statistics import fmean

import numpy as np
import pytest
from scipy import stats

from clvmodels import metrics
from clvmodels.metrics import METRICS

CASES = {
    "no ties": ([0.3, 2.0, 1.1, 0.7, 5.0, 0.2], [0, 3, 1, 0, 4, 2]),
    "ties in the prediction": ([1.0, 1.0, 0.5, 0.5, 0.5, 2.0], [3, 0, 1, 2, 0, 1]),
    "ties in both": ([0.0, 0.0, 0.0, 1.0, 1.0, 2.0], [0, 0, 1, 1, 0, 2]),
    "a constant": ([0.7] * 6, [0, 3, 1, 0, 4, 2]),
    "upside down": ([6.0, 5.0, 4.0, 3.0, 2.0, 1.0], [0, 0, 1, 2, 3, 9]),
}


def orders(prediction):
    """Every order of the customers, best prediction first, ties broken in every way."""
    everyone = range(len(prediction))
    return [p for p in permutations(everyone) if all(prediction[i] >= prediction[j] for i, j in pairwise(p))]


def area(order, actual):
    """Area between the gain curve of one order of customers and the diagonal, by trapezoids."""
    height, total = 0.0, 0.0
    for customer in order:
        total += (height + height + actual[customer]) / 2
        height += actual[customer]
    return total / len(order) / height - 0.5


def gini_by_hand(prediction, actual):
    perfect = sorted(range(len(actual)), key=lambda i: -actual[i])
    return fmean(area(order, actual) for order in orders(prediction)) / area(perfect, actual)


def spearman_by_hand(prediction, actual):
    """Mean over the orders of Pearson's correlation between the places in the order and the actual's mid-ranks."""
    middle = [sum(b < a for b in actual) + (sum(b == a for b in actual) + 1) / 2 for a in actual]
    answers = []
    for order in orders(prediction):
        place = [0] * len(order)
        for i, customer in enumerate(order):
            place[customer] = -i
        answers.append(np.corrcoef(place, middle)[0, 1])
    return fmean(answers)


def auc_by_hand(prediction, actual):
    pairs = [
        (p > q) + (p == q) / 2
        for p, a in zip(prediction, actual, strict=True)
        for q, b in zip(prediction, actual, strict=True)
        if a > 0 and b == 0
    ]
    return fmean(pairs)


def parts_by_hand(prediction, amount):
    """Sums in ten equal parts, every customer cut in ten slices, tie groups mixed evenly; exact fractions."""
    n = len(prediction)
    slices = []
    for level in sorted(set(prediction), reverse=True):
        group = [Fraction(amount[i]) for i in range(n) if prediction[i] == level]
        slices += [sum(group) / len(group) / 10] * (10 * len(group))
    return [sum(slices[k * n : (k + 1) * n]) for k in range(10)]


def decile_mape_by_hand(prediction, actual):
    both = zip(parts_by_hand(prediction, prediction), parts_by_hand(prediction, actual), strict=True)
    return fmean(float(abs(p - a) / a) for p, a in both if a > 0)


def capture_by_hand(prediction, actual):
    """Mean over the orders of what the first n/10 customers (a part of the first one here) bought."""
    return fmean(actual[order[0]] * len(actual) / 10 for order in orders(prediction)) / sum(actual)


BY_HAND = {
    "total_error": lambda p, a: sum(p) / sum(a) - 1,
    "mae": lambda p, a: fmean(abs(i - j) for i, j in zip(p, a, strict=True)),
    "rmse": lambda p, a: fmean((i - j) ** 2 for i, j in zip(p, a, strict=True)) ** 0.5,
    "gini": gini_by_hand,
    "spearman": spearman_by_hand,
    "auc_active": auc_by_hand,
    "decile_mape": decile_mape_by_hand,
    "top_decile_capture": capture_by_hand,
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", BY_HAND)
def test_each_metric_is_its_definition(name, case):
    prediction, actual = CASES[case]
    assert getattr(metrics, name)(prediction, actual) == pytest.approx(BY_HAND[name](prediction, actual), abs=1e-12)


@pytest.fixture(scope="module")
def many():
    """300 customers, four in ten of them tied at 0, three in ten active."""
    rng = np.random.default_rng(11)
    rate = rng.gamma(0.5, 1.0, 300)
    prediction = np.where(rng.random(300) < 0.4, 0.0, np.round(rate * rng.lognormal(0, 0.5, 300), 1))
    return prediction, rng.poisson(rate).astype(float)


def test_spearman_without_ties_is_scipy_s():
    rng = np.random.default_rng(5)
    prediction, actual = rng.normal(size=200), rng.poisson(1.0, 200)
    assert metrics.spearman(prediction, actual) == pytest.approx(
        stats.spearmanr(prediction, actual).statistic, abs=1e-12
    )


def test_spearman_with_ties_is_scipy_s_times_the_factor_of_the_contract(many):
    prediction, actual = many
    n, ties = len(prediction), np.unique(prediction, return_counts=True)[1].astype(float)
    factor = np.sqrt(1 - (ties**3 - ties).sum() / (n**3 - n))
    assert factor < 0.97
    expected = stats.spearmanr(prediction, actual).statistic * factor
    assert metrics.spearman(prediction, actual) == pytest.approx(expected, abs=1e-12)


def test_auc_is_mann_whitney_s_statistic(many):
    prediction, actual = many
    u = stats.mannwhitneyu(prediction[actual > 0], prediction[actual == 0]).statistic
    expected = u / ((actual > 0).sum() * (actual == 0).sum())
    assert metrics.auc_active(prediction, actual) == pytest.approx(expected, abs=1e-12)


def test_ties_broken_at_random_average_to_the_answer(many):
    prediction, actual = many
    rng = np.random.default_rng(3)
    smallest_gap = np.diff(np.unique(prediction)).min()
    for name in ("gini", "spearman", "auc_active", "top_decile_capture"):
        metric = getattr(metrics, name)
        broken = [metric(prediction + rng.random(len(prediction)) * smallest_gap / 2, actual) for _ in range(400)]
        error = np.std(broken) / np.sqrt(len(broken))
        assert error > 0
        assert abs(np.mean(broken) - metric(prediction, actual)) < 4 * error


@pytest.fixture(scope="module")
def chances():
    """[F(y−), F(y)] of 40 counts, of 20 zeros with a probability of .6, and of 15 amounts of money (points)."""
    rng = np.random.default_rng(8)
    below = np.concatenate([rng.random(40) * 0.8, np.zeros(20), rng.random(15)])
    upto = np.concatenate([below[:40] + rng.random(40) * 0.2, np.full(20, 0.6), below[60:]])
    return below, upto


def mean_pit(u, below, upto, *, before=False):
    """Mean over customers of P(PIT ≤ u), or P(PIT < u)."""
    shares = []
    for lo, hi in zip(below, upto, strict=True):
        if lo == hi:
            shares.append(float(lo < u if before else lo <= u))
        else:
            shares.append(min(max((u - lo) / (hi - lo), 0.0), 1.0))
    return fmean(shares)


def test_pit_ks_is_the_largest_gap_at_any_corner_and_nowhere_larger(chances):
    corners = np.unique(np.concatenate(chances))
    gaps = [abs(mean_pit(u, *chances, before=before) - u) for u in corners for before in (False, True)]
    assert metrics.pit_ks(*chances) == pytest.approx(max(gaps), abs=1e-12)
    grid = max(abs(mean_pit(u, *chances) - u) for u in np.linspace(0, 1, 2_001))
    assert max(gaps) - 0.02 < grid <= max(gaps) + 1e-12


def test_pit_ks_of_continuous_outcomes_is_scipy_s_kolmogorov_distance():
    u = np.random.default_rng(2).beta(1.3, 1.0, 250)
    assert metrics.pit_ks(u, u) == pytest.approx(stats.kstest(u, "uniform").statistic, abs=1e-12)


def test_coverage_is_the_chance_that_a_randomised_pit_is_central(chances):
    below, upto = chances
    rng = np.random.default_rng(4)
    pit = below + (upto - below) * rng.random((4_000, len(below)))
    inside = ((pit >= 0.05) & (pit <= 0.95)).mean(axis=1)
    expected, error = inside.mean(), inside.std() / np.sqrt(len(inside))
    assert abs(metrics.coverage_90(below, upto) - expected) < 4 * error


def test_log_score_and_crps_are_means():
    assert metrics.log_score([0.5, 0.25]) == pytest.approx(-1.5 * np.log(2), abs=1e-15)
    assert metrics.log_score([0.0]) == pytest.approx(-708.3964185322641)
    assert metrics.crps([1.0, 2.0, 6.0]) == 3.0


@pytest.mark.parametrize("name", METRICS)
def test_weights_are_repeated_rows(name, many, chances):
    rng = np.random.default_rng(17)
    first = chances if name in ("coverage_90", "pit_ks") else many
    columns = [(chances[1],)] if name in ("log_score", "crps") else [first]
    arrays = [np.asarray(array) for array in columns[0]]
    n = len(arrays[0])
    weights = rng.multinomial(n, np.full(n, 1 / n), size=7).T.astype(float)
    metric = getattr(metrics, name)
    together = metric(*arrays, weights=weights)
    assert together.shape == (7,)
    for column in range(7):
        rows = np.repeat(np.arange(n), weights[:, column].astype(int))
        literally = metric(*(array[rows] for array in arrays))
        assert together[column] == pytest.approx(literally, abs=1e-11)
        assert metric(*arrays, weights=weights[:, column]) == pytest.approx(literally, abs=1e-11)


def test_parts_without_actual_are_skipped_and_counted():
    prediction = np.arange(100.0)
    actual = np.where(prediction >= 70, prediction, 0.0)
    assert metrics.empty_parts(prediction, actual) == 7
    assert metrics.decile_mape(prediction, actual) == pytest.approx(0.0, abs=1e-12)
    assert metrics.decile_mape(2 * prediction, actual) == pytest.approx(1.0, abs=1e-12)


def test_what_does_not_exist_is_nan():
    for name in ("total_error", "gini", "spearman", "auc_active", "decile_mape", "top_decile_capture"):
        assert np.isnan(getattr(metrics, name)([1.0, 2.0], [0.0, 0.0]))
    assert np.isnan(metrics.auc_active([1.0, 2.0], [3.0, 4.0]))  # nobody stayed away
