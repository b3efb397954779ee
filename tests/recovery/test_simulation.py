"""Do simulated logs follow the model that made them?"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import clvmodels as clv
from clvmodels.errors import InputError
from clvmodels.models import BGNBD, GammaGamma
from clvmodels.simulation import simulate

MODEL, SPEND = BGNBD(0.243, 4.414, 0.793, 2.426), GammaGamma(6.25, 3.74, 15.44)
YEAR = {"start": "2024-01-01", "end": "2024-12-31"}


def test_shape() -> None:
    log = clv.simulate(MODEL, spend=SPEND, customers=500, seed=2, **YEAR)
    assert list(log.columns) == ["customer_id", "date", "value"]
    assert log["date"].between("2024-01-01", "2024-12-31").all()
    assert set(log["customer_id"]) == set(range(1, 501))
    assert not log.duplicated(["customer_id", "date"]).any()
    pd.testing.assert_frame_equal(log, log.sort_values(["customer_id", "date"], ignore_index=True))
    assert (log["value"] > 0).all()
    assert list(simulate(MODEL, customers=5, **YEAR).columns) == ["customer_id", "date"]


def test_same_seed_same_log() -> None:
    one, again, other = (simulate(MODEL, spend=SPEND, customers=300, seed=seed, **YEAR) for seed in (7, 7, 8))
    pd.testing.assert_frame_equal(one, again)
    assert len(one) != len(other) or (one["date"] != other["date"]).any()
    without = simulate(MODEL, customers=300, seed=7, **YEAR)
    pd.testing.assert_frame_equal(one[["customer_id", "date"]], without)  # money does not move the dates


def test_first_purchases_are_spread_evenly() -> None:
    log = simulate(MODEL, customers=36_000, start="2024-01-01", end="2024-12-31", acquisition_end="2024-03-30", seed=3)
    first = log.groupby("customer_id")["date"].min()
    assert first.max() == pd.Timestamp("2024-03-30")
    assert stats.chisquare(first.value_counts().reindex(pd.date_range("2024-01-01", "2024-03-30"))).pvalue > 1e-4


def test_numbers_of_purchases_follow_the_pmf() -> None:
    """Rates low enough for few purchases to meet on a day; watched for the same 52 weeks."""
    slow = BGNBD(r=0.8, alpha=40, a=0.8, b=2.4)
    customers = 40_000
    log = simulate(
        slow, customers=customers, start="2024-01-01", end="2024-12-30", acquisition_end="2024-01-01", seed=5
    )
    repeats = log.groupby("customer_id").size() - 1
    seen = np.bincount(np.minimum(repeats, 6), minlength=7)
    expected = slow.pmf(np.arange(6), 364 / 7, 0, 0, 0)
    expected = customers * np.append(expected, 1 - expected.sum())
    np.testing.assert_array_less(np.abs(seen - expected), 4 * np.sqrt(expected) + 0.006 * expected)  # + merged days


def test_days_and_weeks_are_the_same_time() -> None:
    weeks, days = (
        simulate(model, customers=2000, unit=unit, seed=1, **YEAR)
        for model, unit in ((MODEL, "week"), (MODEL.rescale(7), "day"))
    )
    pd.testing.assert_frame_equal(weeks, days)


def test_spend_follows_its_two_gammas() -> None:
    log = simulate(MODEL, spend=SPEND, customers=60_000, seed=6, **YEAR)
    first = log.drop_duplicates("customer_id")["value"]
    assert first.mean() == pytest.approx(6.25 * 15.44 / 2.74, abs=4 * first.std() / np.sqrt(60_000))
    uniform = SPEND.cdf_total(first, 1, 0, np.nan)
    assert stats.kstest(uniform, "uniform").pvalue > 1e-4
    pairs = log[log.groupby("customer_id")["value"].transform("size") == 2]["value"].to_numpy().reshape(-1, 2)
    second = SPEND.cdf_total(pairs[:, 1], 1, 1, pairs[:, 0])  # the second purchase given the first
    assert stats.kstest(second, "uniform").pvalue > 1e-4
    assert np.corrcoef(np.log(pairs.T))[0, 1] == pytest.approx(0.66, abs=0.04)


def test_summarised_and_fitted_it_gives_the_model_back() -> None:
    log = simulate(MODEL, spend=SPEND, customers=8000, acquisition_end="2024-06-30", seed=11, **YEAR)
    summary = clv.summarize(log, until="2024-12-31")
    for truth in (MODEL, SPEND):
        one = clv.fit(truth.name, summary)
        z = (one.model.log_vector - truth.log_vector) / np.sqrt(np.diag(one.covariance))
        assert np.abs(z).max() < 4


def test_acquisition_on_one_day_and_one_customer() -> None:
    log = simulate(MODEL, customers=1, start=dt.date(2024, 5, 5), end=dt.date(2024, 5, 5))
    assert len(log) == 1
    assert log["date"][0] == pd.Timestamp("2024-05-05")


def test_refusals() -> None:
    with pytest.raises(InputError) as caught:
        simulate(MODEL, customers=0, start="2024-02-01", end="2024-01-01", seed=-1)
    assert str(caught.value) == (
        "nothing can be simulated; 3 problems:\n"
        "  1. customers is 0. Give a whole number, at least 1.\n"
        "  2. seed is -1. Give a whole number, at least 0.\n"
        "  3. the log ends on 2024-01-01, before it starts on 2024-02-01. Choose a later end or an earlier start."
    )
    with pytest.raises(InputError, match=r"Customers are won from start to acquisition_end and watched to end\."):
        simulate(MODEL, customers=2, acquisition_end="2025-01-01", **YEAR)
    draws = BGNBD.from_log(np.tile(MODEL.log_vector, (5, 1)))
    with pytest.raises(InputError, match=r"model holds 5 draws of its parameters\. Give one set of parameters\."):
        simulate(draws, customers=2, **YEAR)
