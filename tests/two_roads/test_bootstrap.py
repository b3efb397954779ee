"""Are weights on cells what literally resampling customers gives, and do the limits fail as rarely as they promise?"""

from __future__ import annotations

import numpy as np
import pytest

from clvmodels import bootstrap, metrics
from clvmodels.bootstrap import cell_codes, limits, resampled_weights, simultaneous_limits
from clvmodels.judging import Bench, Predictor
from clvmodels.metrics import METRICS

CUSTOMERS = 200


@pytest.fixture(scope="module")
def bench():
    """200 customers of 25 kinds: a predictor with a distribution, and two points."""
    rng = np.random.default_rng(1)
    kind = rng.integers(0, 25, CUSTOMERS)
    mean, actual = rng.gamma(0.7, 1.5, 25)[kind], rng.poisson(0.8, 25)[kind].astype(float)
    below, width, probability = rng.random(25)[kind] * 0.8, rng.random(25)[kind] * 0.2, rng.random(25)[kind]
    model = Predictor("model", mean, np.floor(mean), np.abs(mean - actual) / 2, probability, below, below + width)
    points = [
        Predictor.point(name, p, actual) for name, p in (("rounded", np.round(mean)), ("one", np.ones(CUSTOMERS)))
    ]
    return Bench("purchases", actual, (model, *points))


def drawn(codes, resamples, seed):
    return np.concatenate(
        [weights[0] for weights in resampled_weights([codes], resamples=resamples, seed=seed)], axis=1
    )


def literal(one, actual, rows):
    """The public metrics of one predictor on literally repeated rows."""
    arguments = {
        "mae": (one.median, actual),
        "log_score": (one.probability,),
        "crps": (one.crps,),
        "coverage_90": (one.below, one.upto),
        "pit_ks": (one.below, one.upto),
    }
    return [
        getattr(metrics, name)(*(array[rows] for array in arguments.get(name, (one.mean, actual))))
        for name in one.metrics
    ]


def test_cells_and_blocks_give_what_literally_resampled_customers_give(bench, monkeypatch):
    monkeypatch.setattr(bootstrap, "BLOCK_NUMBERS", 75)
    codes, first = cell_codes(bench.columns)
    assert len(first) == 25
    cells = bench.at(first)
    blocks = list(resampled_weights([codes], resamples=8, seed=9))
    assert [weights.shape for (weights,) in blocks] == [(25, 3), (25, 3), (25, 2)]
    measured = np.concatenate([cells.measure(weights) for (weights,) in blocks], axis=1)

    counts = drawn(np.arange(CUSTOMERS), 8, seed=9).astype(int)
    for column in range(8):
        rows = np.repeat(np.arange(CUSTOMERS), counts[:, column])
        expected = [value for one in bench.predictors for value in literal(one, bench.actual, rows)]
        np.testing.assert_allclose(measured[:, column], expected, rtol=1e-10, atol=1e-12)


def test_the_bench_names_its_rows(bench):
    assert [row[2] for row in bench.rows if row[0] == "model"] == list(METRICS)
    assert {row[2] for row in bench.rows if row[0] == "one"} == set(METRICS) - {"log_score", "coverage_90", "pit_ks"}


def test_weights_are_multinomial_and_paired_between_tables():
    customers, halves = np.arange(60), np.arange(60) // 30
    blocks = list(resampled_weights([customers, halves], resamples=4_000, seed=2))
    each = np.concatenate([one for one, _ in blocks], axis=1)
    half = np.concatenate([two for _, two in blocks], axis=1)
    assert (each.sum(axis=0) == 60).all()
    np.testing.assert_array_equal(half, [each[:30].sum(axis=0), each[30:].sum(axis=0)])
    assert each.mean(axis=1) == pytest.approx(1, abs=5 / np.sqrt(4_000))
    assert half[0].var() == pytest.approx(60 / 4, rel=5 * np.sqrt(2 / 4_000))
    np.testing.assert_array_equal(each, drawn(customers, 4_000, seed=2))
    assert not np.array_equal(each[:, :50], drawn(customers, 50, seed=3))


def test_one_row_has_the_same_limits_jointly_as_alone():
    rng = np.random.default_rng(0)
    estimate, resampled = np.array([1.3]), 1.3 + rng.normal(size=(1, 400))
    np.testing.assert_allclose(simultaneous_limits(estimate, resampled), limits(estimate, resampled), rtol=1e-12)


def test_joint_limits_are_wider_than_single_ones_and_follow_the_scale_of_each_row():
    rng = np.random.default_rng(0)
    estimate, scale = np.zeros(5), np.array([1.0, 1, 1, 10, 1e-6])
    resampled = rng.normal(size=(5, 2_000)) * scale[:, None]
    single, joint = limits(estimate, resampled)[1], simultaneous_limits(estimate, resampled)[1]
    assert (joint >= single).all()
    assert joint / scale == pytest.approx(2.57, abs=0.15)  # Sidak: the (1 + .95^(1/5))/2 quantile of the normal


def test_rows_that_do_not_exist_have_no_limits_and_constant_rows_have_their_value():
    estimate = np.array([np.nan, 2.0, 0.0, 1.0])
    noise = np.random.default_rng(0).normal(size=100)
    resampled = np.stack([noise, np.full(100, 2.0), np.where(np.arange(100) < 6, np.nan, noise), 1 + noise])
    for lower, upper in (limits(estimate, resampled), simultaneous_limits(estimate, resampled)):
        assert np.isnan(lower).tolist() == np.isnan(upper).tolist() == [True, False, True, False]
        assert lower[1] == upper[1] == 2.0
        assert lower[3] < 1 < upper[3]


def test_simultaneous_limits_are_all_right_in_95_of_100_data_sets():
    """400 data sets of 150 customers; 12 correlated, skewed differences whose true means are known to be 0."""
    rng = np.random.default_rng(20)
    wrong, wrong_alone = [], []
    for repetition in range(400):
        common = rng.exponential(size=(150, 1))
        differences = (rng.exponential(size=(150, 12)) + common - 2) * np.geomspace(0.01, 100, 12)
        weights = drawn(np.arange(150), 199, seed=repetition)
        estimate, resampled = differences.mean(axis=0), differences.T @ weights / 150
        for outcomes, (lower, upper) in (
            (wrong, simultaneous_limits(estimate, resampled)),
            (wrong_alone, limits(estimate, resampled)),
        ):
            outcomes.append(((lower > 0) | (upper < 0)).any())
    error = np.sqrt(0.05 * 0.95 / 400)
    assert abs(np.mean(wrong) - 0.05) < 3.5 * error
    assert np.mean(wrong_alone) > 0.2  # one at a time, twelve limits mislead in more than one data set of five
