"""Do 90 % intervals hold 90 %? Simulated logs, fitted and predicted as an analyst would."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.errors import DiagnosticWarning
from clvmodels.models import BGNBD, GammaGamma
from clvmodels.summary import Summary

LOGS, CUSTOMERS, WEEKS = 100, 800, 39
PURCHASES, SPEND = BGNBD(0.243, 4.414, 0.793, 2.426), GammaGamma(6.25, 3.74, 15.44)


def world(seed: int) -> tuple[Summary, np.ndarray, np.ndarray]:
    """Customers seen for up to 39 weeks, and what they then buy and spend in as many."""
    rng = np.random.default_rng(seed)
    T = WEEKS - rng.uniform(0, 12, CUSTOMERS)
    customer, time = PURCHASES.sample_times(T + WEEKS, seed=rng)
    past = time <= T[customer]
    x = np.bincount(customer[past], minlength=CUSTOMERS)
    y = np.bincount(customer[~past], minlength=CUSTOMERS)
    t_x = np.zeros(CUSTOMERS)
    np.maximum.at(t_x, customer[past], time[past])
    scale = 1 / rng.gamma(SPEND.q, 1 / SPEND.v, CUSTOMERS)
    m = np.where(x > 0, rng.gamma(SPEND.p * np.maximum(x, 1)) * scale / np.maximum(x, 1), np.nan)
    spent = np.where(y > 0, rng.gamma(SPEND.p * np.maximum(y, 1)) * scale, 0.0)
    ids = range(CUSTOMERS)
    frame = pd.DataFrame({"customer_id": ids, "frequency": x, "recency": t_x, "T": T, "monetary_value": m})
    return Summary.from_frame(frame, until="2024-12-31"), y, spent


@pytest.mark.slow
def test_intervals_of_totals_and_of_customers() -> None:
    """100 logs of 800 customers. Measured on 200 of 1,000: totals .905 (purchases) and .910 (value); plug-in .745."""
    inside = {"purchases": 0, "value": 0, "plug-in": 0}
    shares = []
    for seed in range(LOGS):
        summary, y, spent = world(seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DiagnosticWarning)
            forecast = clv.predict(
                clv.fit(BGNBD, summary), summary, spend=clv.fit(GammaGamma, summary), horizon=f"{WEEKS} weeks"
            )
        totals, outcomes = forecast.totals, forecast.purchase_outcomes
        assert totals.value_lower is not None
        assert totals.value_upper is not None
        inside["purchases"] += totals.purchases_lower <= y.sum() <= totals.purchases_upper
        inside["value"] += totals.value_lower <= spent.sum() <= totals.value_upper
        inside["plug-in"] += abs(y.sum() - totals.purchases) <= 1.645 * np.sqrt(outcomes.variance.sum())
        values = forecast.value_outcomes
        active = forecast.frame["value_upper"] > 0  # for the others 0 is the only likely value
        shares += [
            (y > forecast.frame["purchases_upper"]).mean(),
            (spent > forecast.frame["value_upper"])[active].mean(),
            _share_inside(outcomes.cdf(y - 1), outcomes.cdf(y)),
            _share_inside(values.cdf_left(spent), values.cdf(spent)),
        ]
    # 100 logs: a rate of .90 has a standard error of .03
    assert 85 <= inside["purchases"] <= 97
    assert 85 <= inside["value"] <= 97
    assert inside["plug-in"] < 84
    above_purchases, above_value, purchases, value = np.mean(np.reshape(shares, (LOGS, 4)), axis=0)
    assert above_purchases <= 0.05  # counts are discrete: at most 5 %
    assert above_value == pytest.approx(0.05, abs=0.005)
    assert purchases == pytest.approx(0.90, abs=0.006)
    assert value == pytest.approx(0.90, abs=0.006)


def _share_inside(below: np.ndarray, upto: np.ndarray) -> float:
    """Coverage of the central 90 %, fair to atoms: the mean share of [F(y−), F(y)] inside [.05, .95]."""
    width = np.maximum(upto - below, 1e-12)
    inside = np.clip(np.minimum(upto, 0.95) - np.maximum(below, 0.05), 0, None) / width
    return float(np.where(upto - below > 1e-12, inside, (upto >= 0.05) & (upto <= 0.95)).mean())
