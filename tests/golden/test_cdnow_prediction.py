"""CDNOW's sample at published parameters: numbers that papers and peers print, and ours, so that none moves unseen."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import clvmodels as clv
from clvmodels.models import BGNBD, GammaGamma
from clvmodels.prediction import Predictions
from clvmodels.summary import Split

PUBLISHED = BGNBD(r=0.2425982, alpha=4.4136842, a=0.7929899, b=2.4261667)  # BTYD's vignette
SPEND = GammaGamma(p=6.25, q=3.74, v=15.44)  # note 025


@pytest.fixture(scope="module")
def sides() -> Split:
    return clv.split("cdnow-sample")


@pytest.fixture(scope="module")
def forecast(sides: Split) -> Predictions:
    purchases = dataclasses.replace(clv.fit(BGNBD, sides.calibration), model=PUBLISHED)
    spend = dataclasses.replace(clv.fit(GammaGamma, sides.calibration), model=SPEND)
    return clv.predict(purchases, sides.calibration, spend=spend, horizon=sides.holdout.horizon)


def test_the_holdout(sides: Split, forecast: Predictions) -> None:
    """Fader, Hardie & Lee 2005 table 3: correlation .626; 1,654 ± 2 purchases; 617 customers expected to buy."""
    actual = sides.holdout.frame["purchases"].to_numpy()
    expected = forecast.frame["expected_purchases"].to_numpy()
    assert actual.sum() == 1882
    assert forecast.totals.purchases == pytest.approx(1654, abs=2)
    assert np.corrcoef(expected, actual)[0, 1] == pytest.approx(0.626, abs=0.0006)
    assert forecast.frame["p_active"].sum() == pytest.approx(617, abs=0.5)
    assert np.mean((forecast.frame["p_active"] > 0.5) == (actual > 0)) == pytest.approx(0.779, abs=0.0015)
    # The truth lies above the interval: the model is wrong there, not the interval (mathematics: BG/NBD on CDNOW).
    assert forecast.totals.purchases_upper == pytest.approx(1826, abs=3)
    assert forecast.totals.purchases_lower == pytest.approx(1491, abs=3)


def test_by_frequency(forecast: Predictions) -> None:
    """BTYD's vignette: conditional expectations by calibration frequency 0 … 7+."""
    means = forecast.frame.groupby(forecast.frame["frequency"].clip(upper=7))["expected_purchases"].mean()
    assert means.tolist() == pytest.approx([0.225, 0.523, 1.044, 1.520, 2.164, 2.654, 3.504, 6.157], abs=0.0015)


def test_ten_customers(forecast: Predictions) -> None:
    """lifetimes' documentation: expected spend of the first ten; customer 4 buys 1.226 times (the paper)."""
    ids = [4, 21, 50, 71, 86, 111, 112, 113, 114, 131]  # the sample's customers 1 … 10 carry these in the master
    first = forecast.frame.set_index("customer_id").loc[ids]
    assert first["expected_spend"].tolist() == pytest.approx(
        [24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17], abs=0.06
    )
    assert first["expected_purchases"].iloc[0] == pytest.approx(1.226, abs=0.0005)


def test_distributions(sides: Split, forecast: Predictions) -> None:
    """Coverage of the mean PIT .8893 and its distance .0198 (design), log score, CRPS and median errors: ours."""
    outcomes, values = forecast.purchase_outcomes, forecast.value_outcomes
    actual, spent = (sides.holdout.frame[name].to_numpy(float) for name in ("purchases", "value"))
    below, upto = outcomes.cdf(actual - 1), outcomes.cdf(actual)
    inside = np.clip(np.minimum(upto, 0.95) - np.maximum(below, 0.05), 0, None) / (upto - below)
    assert inside.mean() == pytest.approx(0.8893, abs=0.0001)
    grid = np.linspace(0, 1, 4001)
    pit = np.clip((grid[:, None] - below) / (upto - below), 0, 1).mean(axis=1)
    assert np.max(np.abs(pit - grid)) == pytest.approx(0.0198, abs=0.0001)
    assert np.log(outcomes.pmf(actual)).mean() == pytest.approx(-0.98446, abs=2e-5)
    assert outcomes.crps(actual).mean() == pytest.approx(0.51037, abs=2e-5)
    assert np.abs(outcomes.median - actual).mean() == pytest.approx(0.66568, abs=2e-5)
    assert values.crps(spent).mean() == pytest.approx(20.3992, abs=2e-3)
    assert np.abs(values.median - spent).mean() == pytest.approx(25.9611, abs=2e-3)
    plain = (forecast.frame["purchases_lower"] <= actual) & (actual <= forecast.frame["purchases_upper"])
    assert plain.mean() == pytest.approx(0.9465, abs=0.0005)


def test_one_row(forecast: Predictions) -> None:
    """Customer 4 of the sample, as the README shows it."""
    row = forecast.frame.iloc[0]
    assert row["p_alive"] == pytest.approx(0.7266, abs=1e-4)
    assert row["p_active"] == pytest.approx(0.5546, abs=1e-4)
    assert (row["purchases_lower"], row["purchases_upper"]) == (0, 4)
    assert row["value"] == pytest.approx(30.24, abs=0.01)
    assert (row["value_lower"], row["value_upper"]) == pytest.approx((0.0, 115.31), abs=0.01)
    assert row["clv"] == pytest.approx(29.24, abs=0.01)
    assert row["formula_value"] == pytest.approx(74.29, abs=0.01)
