"""Limits of means: blocks over patterns beside plain arrays over customers, and chances beside simulated portfolios."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

import clvmodels as clv
from clvmodels.fitting import Fit
from clvmodels.models import BGNBD, GammaGamma
from clvmodels.outcomes import survival
from clvmodels.outcomes.chances import top_threshold
from clvmodels.outcomes.points import parameter_draws
from clvmodels.prediction import Predictions
from clvmodels.summary import Summary
from tests.conftest import need

RFM = ["customer_id", "frequency", "recency", "T", "monetary_value"]


@pytest.fixture(scope="module", params=["mle", "posterior"])
def forecast(request: pytest.FixtureRequest) -> Predictions:
    if request.param == "posterior":
        need(find_spec("arviz_stats"), "arviz-stats")
    calibration = clv.split("cdnow-sample").calibration
    purchases, spend = (clv.fit(family, calibration, method=request.param) for family in (BGNBD, GammaGamma))
    some = Summary.from_frame(calibration.frame[RFM].iloc[::8], until="1997-09-30")
    return clv.predict(purchases, some, spend=spend, horizon="39 weeks", margin=0.4)


def drawn(forecast: Predictions, draws: int) -> list[np.ndarray]:
    """Means of every customer at every draw, without patterns and blocks."""
    x, t_x, T, m = (forecast.summary.frame[c].to_numpy() for c in ("frequency", "recency", "T", "monetary_value"))
    one, other = (int(state) for state in np.random.SeedSequence(4).generate_state(2))
    assert forecast.spend is not None
    model = parameter_draws(forecast.purchases, draws, seed=one)
    logs = parameter_draws(forecast.spend, draws, seed=other).log_vector
    money = GammaGamma.from_log(np.random.default_rng(other).permutation(logs))
    worth = 0.4 * money.expected_spend(x, m)
    bought = model.expected_purchases(39.0, x, t_x, T)  # type: ignore[attr-defined]
    later = model.discounted_purchases(39.0, x, t_x, T, delta=forecast.portfolio.delta)  # type: ignore[attr-defined]
    return [bought, bought * worth, later * worth]


def test_blocks_beside_plain_arrays(forecast: Predictions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survival, "ELEMENTS", 5000)
    monkeypatch.setattr("clvmodels.outcomes.means.ELEMENTS", 3000)
    limits = forecast.mean_intervals(level=0.8, draws=120, seed=4)
    totals = forecast.mean_intervals(level=0.8, draws=120, seed=4, by="frequency")
    frequency = forecast.frame["frequency"].to_numpy()
    assert limits["customer_id"].equals(forecast.frame["customer_id"])
    assert totals["customers"].sum() == len(forecast.frame)
    for name, values in zip(("purchases", "value", "clv"), drawn(forecast, 120), strict=True):
        ends = limits[[f"{name}_mean_lower", f"{name}_mean_upper"]].to_numpy().T
        assert ends == pytest.approx(np.quantile(values, [0.1, 0.9], axis=0), rel=1e-9)
        for row in totals.to_dict("records")[:3]:
            total = values[:, frequency == row["frequency"]].sum(axis=1)
            expected = np.quantile(total, [0.1, 0.9])
            assert [row[f"{name}_mean_lower"], row[f"{name}_mean_upper"]] == pytest.approx(expected, rel=1e-9)


def test_limits_contain_the_mean_and_are_narrower_than_chance(forecast: Predictions) -> None:
    f, limits = forecast.frame, forecast.mean_intervals(draws=400)
    for name, mean in (("purchases", "expected_purchases"), ("value", "value"), ("clv", "clv")):
        assert (limits[f"{name}_mean_lower"] < f[mean]).all()
        assert (limits[f"{name}_mean_upper"] > f[mean]).all()
    everyone = forecast.mean_intervals(draws=400, by=[]).iloc[0]
    for name in ("purchases", "value", "clv"):
        low, high = everyone[f"{name}_mean_lower"], everyone[f"{name}_mean_upper"]
        assert getattr(forecast.totals, name + "_lower") < low < high < getattr(forecast.totals, name + "_upper")
    wider = forecast.mean_intervals(draws=400, level=0.99)
    assert (wider["clv_mean_lower"] < limits["clv_mean_lower"]).all()
    assert (wider["clv_mean_upper"] > limits["clv_mean_upper"]).all()


def test_limits_of_the_mean_by_the_delta_method(forecast: Predictions) -> None:
    """For everyone together: ± 1.645 standard deviations of the log, from numerical derivatives at the estimate."""
    fit: Fit = forecast.purchases
    x, t_x, T = (forecast.summary.frame[c].to_numpy() for c in ("frequency", "recency", "T"))

    def total(step: np.ndarray) -> float:
        model = BGNBD.from_log(fit.model.log_vector + step)
        return float(np.log(model.expected_purchases(39.0, x, t_x, T).sum()))

    slope = np.array([(total(step) - total(-step)) / 2e-4 for step in 1e-4 * np.eye(4)])
    spread = 2 * 1.645 * np.sqrt(slope @ fit.covariance @ slope)
    everyone = forecast.mean_intervals(draws=2000, by=[]).iloc[0]
    width = np.log(everyone["purchases_mean_upper"] / everyone["purchases_mean_lower"])
    assert width == pytest.approx(spread, rel=0.08)


def test_same_seed_same_bytes(forecast: Predictions) -> None:
    one, again, other = (forecast.mean_intervals(draws=100, seed=seed) for seed in (1, 1, 2))
    assert one.equals(again)
    assert not one.equals(other)
    assert forecast.probabilities(values=[5.0]).equals(forecast.probabilities(values=[5.0]))


def test_probabilities_are_those_of_the_outcomes(forecast: Predictions) -> None:
    chances = forecast.probabilities(purchases=range(60), values=[0, 2.5, 100], top=0.25)
    assert list(chances)[:3] == ["customer_id", "p_purchases_0", "p_purchases_1"]
    assert list(chances)[-4:] == ["p_value_above_0", "p_value_above_2.5", "p_value_above_100", "p_top_25"]
    f = forecast.frame
    counts = chances[[f"p_purchases_{n}" for n in range(60)]].to_numpy()
    assert counts.sum(axis=1) == pytest.approx(1, abs=2e-4)
    assert 1 - counts[:, 0] == pytest.approx(f["p_active"].to_numpy(), rel=1e-7, abs=1e-12)
    assert counts @ np.arange(60) == pytest.approx(f["expected_purchases"].to_numpy(), rel=0.01)
    assert chances["p_value_above_0"].to_numpy() == pytest.approx(f["p_active"].to_numpy(), rel=1e-6, abs=1e-9)
    bought = f["value_upper"].to_numpy() > 0
    at_limit = [
        forecast.probabilities(purchases=[], values=[f["value_upper"].iloc[i]], top=None).iloc[i, 1]
        for i in np.flatnonzero(bought)[:3]
    ]
    assert at_limit == pytest.approx([0.05] * 3, abs=1e-6)
    assert chances["p_top_25"].sum() == pytest.approx(0.25 * len(f), rel=1e-5)


def test_place_among_the_best_beside_simulated_portfolios() -> None:
    """300 customers, 4,000 horizons of all of them: how often is each among the best 30?"""
    calibration = clv.split("cdnow-sample").calibration
    summary = Summary.from_frame(calibration.frame[RFM].iloc[::7][:300], until="1997-09-30")
    purchases, spend = clv.fit(BGNBD, calibration), clv.fit(GammaGamma, calibration)
    forecast = clv.predict(purchases, summary, spend=spend, horizon="39 weeks")
    chance = forecast.probabilities()["p_top_10"].to_numpy()
    x, t_x, T, m = (summary.frame[c].to_numpy() for c in ("frequency", "recency", "T", "monetary_value"))
    rng, hits, many = np.random.default_rng(0), np.zeros(300), 4000
    for _ in range(many):
        n = purchases.model.sample(39.0, x, t_x, T, seed=rng)  # type: ignore[attr-defined]
        value = np.where(n > 0, spend.model.sample(np.maximum(n, 1), x, m, seed=rng), 0.0)  # type: ignore[attr-defined]
        hits[np.argsort(-value)[:30]] += 1
    error = 4 * np.sqrt(chance * (1 - chance) / many)
    assert (np.abs(hits / many - chance) < 0.015 + error).all()
    assert np.sqrt(np.mean((hits / many - chance) ** 2)) < 0.006


def test_where_fewer_buy_than_the_share() -> None:
    calibration = clv.split("cdnow-sample").calibration
    forecast = clv.predict(
        clv.fit(BGNBD, calibration), calibration, spend=clv.fit(GammaGamma, calibration), horizon="4 weeks"
    )
    assert top_threshold(forecast.value_outcomes, 0.5) == 0
    chances = forecast.probabilities(purchases=[], top=0.5)
    assert chances["p_top_50"].to_numpy() == pytest.approx(forecast.frame["p_active"].to_numpy(), abs=1e-9)


def test_without_money() -> None:
    calibration = clv.split("cdnow-sample").calibration
    forecast = clv.predict(clv.fit(BGNBD, calibration), calibration)
    assert list(forecast.probabilities()) == ["customer_id", *(f"p_purchases_{n}" for n in (0, 1, 2, 5))]
    limits = forecast.mean_intervals(draws=100)
    assert list(limits) == ["customer_id", "purchases_mean_lower", "purchases_mean_upper"]
