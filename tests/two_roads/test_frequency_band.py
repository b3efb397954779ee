"""Is the posterior predictive band of the frequency histogram what its words say?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import clvmodels as clv
from clvmodels import tables
from clvmodels.models import BGNBD
from clvmodels.prediction import Predictions
from clvmodels.summary import Split
from clvmodels.tables.history import MOST, simultaneous_band


@pytest.fixture(scope="module")
def sample() -> Split:
    return clv.split("cdnow-sample")


@pytest.fixture(scope="module")
def forecast(sample: Split) -> Predictions:
    fit = clv.fit(BGNBD, sample.calibration, method="posterior")
    return clv.predict(fit, sample.calibration, horizon=sample.holdout.horizon)


def test_counts_simulated_purchase_by_purchase_lie_inside_in_nine_cases_of_ten(
    sample: Split, forecast: Predictions
) -> None:
    """A second road: each customer's purchases are drawn from the model's story at one draw of the posterior each."""
    rows = tables.frequency_histogram(sample, forecast).frame
    draws, n = forecast.purchases.draws(600, seed=7), 600
    T = sample.calibration.frame["T"].to_numpy(float)
    counts = np.minimum(draws.sample(T, 0, 0, 0, seed=3), MOST)  # type: ignore[attr-defined]
    classes = np.stack([(counts == k).sum(axis=1) for k in range(MOST + 1)], axis=1)
    inside = (classes >= rows["lower"].to_numpy()) & (classes <= rows["upper"].to_numpy())
    share = inside.all(axis=1).mean()
    assert share == pytest.approx(0.90, abs=4 * np.sqrt(0.9 * 0.1 / n))
    assert inside.mean(axis=0).min() > 0.93  # one class alone is inside more often
    error = classes.std(axis=0) / np.sqrt(n)
    np.testing.assert_array_less(np.abs(classes.mean(axis=0) - rows["model"].to_numpy()), 4 * error + 0.5)


def test_the_sample_lies_inside_and_a_wrong_log_does_not(sample: Split, forecast: Predictions) -> None:
    table = tables.frequency_histogram(sample, forecast)
    assert table.facts["outside"] == 0
    assert tables.frequency_histogram(sample, forecast).frame.equals(table.frame)
    halves = clv.simulate(BGNBD(5.0, 20.0, 1e-4, 1.0), customers=1200, start="2024-01-01", end="2024-12-31", seed=1)
    once = clv.simulate(BGNBD(5.0, 20000.0, 1.0, 1.0), customers=1200, start="2024-01-01", end="2024-12-31", seed=2)
    mixed = clv.split(pd.concat([halves, once.assign(customer_id=once["customer_id"] + 5000)], ignore_index=True))
    fit = clv.fit(BGNBD, mixed.calibration, method="posterior")
    wrong = clv.predict(fit, mixed.calibration, horizon=mixed.holdout.horizon)
    assert tables.frequency_histogram(mixed, wrong).facts["outside"] > 0


def test_maximum_likelihood_has_no_band(sample: Split) -> None:
    fit = clv.fit(BGNBD, sample.calibration)
    table = tables.frequency_histogram(sample, clv.predict(fit, sample.calibration, horizon=sample.holdout.horizon))
    assert not {"lower", "upper"} & set(table.frame)
    assert "outside" not in table.facts


def test_band_of_normal_columns_is_the_maximums_quantile() -> None:
    """Three independent columns: P(all |z| < c) = .90 at c = Φ⁻¹((1 + .9^(1/3))/2) = 2.114."""
    rows = np.rint(np.random.default_rng(5).normal([1e6, 2e6, 3e6], [1e4, 2e4, 5e3], (20_000, 3)))
    lower, upper = simultaneous_band(rows, 0.90)
    np.testing.assert_allclose((upper - lower) / 2 / [1e4, 2e4, 5e3], 2.114, rtol=0.03)


def test_figures_average_over_the_posterior_as_the_forecast_does(sample: Split, forecast: Predictions) -> None:
    facts = tables.tracking(sample, forecast).facts
    assert facts["total_model"] == pytest.approx(forecast.totals.purchases, rel=1e-9)
