"""What must not change a prediction (rows' order, units, currency) and what must change it by a known factor."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.errors import DiagnosticWarning, InputError
from clvmodels.fitting import Fit
from clvmodels.forecast_rows import TIERS, tiers
from clvmodels.models import BGNBD, GammaGamma
from clvmodels.prediction import Predictions
from clvmodels.summary import Summary

PURCHASES = ["p_alive", "p_active", "expected_purchases", "purchases_lower", "purchases_upper"]
VALUES = ["value", "value_lower", "value_upper", "clv", "clv_lower", "clv_upper"]
MONEY = ["expected_spend", *VALUES, "formula_value"]
NUMBERS = [*PURCHASES, *MONEY]
TOTALS = ["purchases", "purchases_lower", "purchases_upper", *VALUES]
KNOWN = ["customer_id", "first_purchase", "last_purchase", "frequency", "recency", "T", "monetary_value", "value_past"]


def rfm() -> pd.DataFrame:
    calibration = clv.split("cdnow-sample").calibration
    return calibration.frame[["customer_id", "frequency", "recency", "T", "monetary_value", "value_past"]]


def forecast(frame: pd.DataFrame, unit: str = "week", **options: object) -> Predictions:
    summary = Summary.from_frame(frame, unit=unit, until="1997-09-30")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiagnosticWarning)
        purchases, spend = clv.fit(BGNBD, summary), clv.fit(GammaGamma, summary)
    return clv.predict(purchases, summary, spend=spend, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def base() -> Predictions:
    return forecast(rfm())


def test_the_contract(base: Predictions) -> None:
    frame = base.frame
    assert list(frame) == [*KNOWN, "horizon_start", "horizon_end", *NUMBERS, "tier"]
    once = frame["frequency"] == 0
    assert (frame["monetary_value"].isna() == once).all()
    assert frame.drop(columns="monetary_value").notna().all().all()
    assert (frame[NUMBERS] >= 0).all().all()
    assert (frame[["p_alive", "p_active"]] <= 1).all().all()
    assert (frame["p_active"] <= frame["p_alive"]).all()
    assert (frame["p_active"] <= frame["expected_purchases"]).all()
    assert (frame["clv"] < frame["value"]).all()
    assert frame["value"].to_numpy() == pytest.approx(frame["expected_purchases"] * frame["expected_spend"], rel=1e-12)
    for quantity in ("purchases", "value", "clv"):
        assert (frame[quantity + "_lower"] <= frame[quantity + "_upper"]).all()
    assert (frame["horizon_start"] == pd.Timestamp("1997-10-01")).all()
    assert (frame["horizon_end"] == pd.Timestamp("1998-09-30")).all()
    value = base.value_outcomes
    assert frame["value_upper"].to_numpy() == pytest.approx(value.quantile(0.95), rel=1e-12)
    assert frame["purchases_lower"].tolist() == base.purchase_outcomes.quantile(0.05).tolist()


def test_order_of_rows(base: Predictions) -> None:
    shuffled = rfm().sample(frac=1, random_state=3)
    again = forecast(shuffled).frame.sort_values("customer_id", ignore_index=True)
    assert again[NUMBERS].to_numpy() == pytest.approx(base.frame[NUMBERS].to_numpy(), rel=1e-9, abs=1e-300)
    assert again["tier"].tolist() == base.frame["tier"].tolist()


def test_days_or_weeks(base: Predictions) -> None:
    days = rfm().assign(recency=lambda f: f["recency"] * 7, T=lambda f: f["T"] * 7)
    again = forecast(days, unit="day")
    assert again.frame[NUMBERS].to_numpy() == pytest.approx(base.frame[NUMBERS].to_numpy(), rel=1e-9, abs=1e-300)
    assert _totals(again) == pytest.approx(_totals(base), rel=1e-6)
    assert again.frame["tier"].tolist() == base.frame["tier"].tolist()


def test_cents_or_dollars(base: Predictions) -> None:
    cents = rfm().assign(monetary_value=lambda f: f["monetary_value"] * 100, value_past=lambda f: f["value_past"] * 100)
    again = forecast(cents)
    assert again.frame[MONEY].to_numpy() == pytest.approx(100 * base.frame[MONEY].to_numpy(), rel=1e-9)
    assert again.frame["tier"].tolist() == base.frame["tier"].tolist()
    assert again.frame["expected_purchases"].to_numpy() == pytest.approx(base.frame["expected_purchases"], rel=1e-12)
    assert again.totals.value_upper == pytest.approx(100 * np.array(base.totals.value_upper), rel=1e-6)


def test_margin_multiplies_money_only(base: Predictions) -> None:
    third = forecast(rfm(), margin=1 / 3)
    scaled = [name for name in MONEY if name != "expected_spend"]
    assert third.frame[scaled].to_numpy() == pytest.approx(base.frame[scaled].to_numpy() / 3, rel=1e-12)
    same = ["expected_spend", *(name for name in NUMBERS if name not in MONEY)]
    assert third.frame[same].equals(base.frame[same])
    assert third.totals.value_lower == pytest.approx(np.array(base.totals.value_lower) / 3, rel=1e-9)
    assert third.value_outcomes.mean == pytest.approx(base.value_outcomes.mean, rel=1e-15)  # revenue: no margin


def test_no_discount_no_difference(base: Predictions) -> None:
    free = forecast(rfm(), discount_rate=0.0)
    assert free.frame["clv"].to_numpy() == pytest.approx(free.frame["value"].to_numpy(), rel=1e-12)
    assert free.frame[["value_lower", "value_upper"]].equals(base.frame[["value_lower", "value_upper"]])
    steep = forecast(rfm(), discount_rate=0.5)
    assert (steep.frame["clv"] < base.frame["clv"]).all()
    # A year's purchases are discounted by less than a year, and by more than nothing.
    assert (steep.frame["clv"] > free.frame["clv"] / 1.5).all()


def test_horizons_add_up(base: Predictions) -> None:
    """A longer horizon brings more, less of it each time, and what it adds is discounted for the wait."""
    short, long = (forecast(rfm(), horizon=words).frame for words in ("6 months", "18 months"))
    for column in ("p_active", "expected_purchases", "value", "clv", "purchases_upper", "value_upper"):
        assert (short[column] <= base.frame[column]).all()
        assert (base.frame[column] <= long[column]).all()
    # purchases slow down: the next six months never bring more than the first
    first, second = short["expected_purchases"], base.frame["expected_purchases"] - short["expected_purchases"]
    assert (second < first).all()
    later = base.frame["clv"] - short["clv"]
    assert (later < base.frame["value"] - short["value"]).all()
    assert (later > (base.frame["value"] - short["value"]) / 1.1).all()


def test_customers_do_not_know_one_another(base: Predictions) -> None:
    """Half of the customers, the same fits: the same predictions, save for the tiers."""
    some = rfm().iloc[::2].reset_index(drop=True)
    half = clv.predict(base.purchases, Summary.from_frame(some, until="1997-09-30"), spend=base.spend).frame
    assert half[NUMBERS].to_numpy() == pytest.approx(base.frame.iloc[::2][NUMBERS].to_numpy(), rel=1e-9)


def test_without_money(base: Predictions) -> None:
    plain = clv.predict(base.purchases, base.summary)
    assert list(plain.frame) == [
        name for name in base.frame if name not in {"monetary_value", "value_past", "tier", *MONEY}
    ]
    assert plain.totals.purchases_upper == pytest.approx(base.totals.purchases_upper, rel=1e-12)
    assert plain.totals.value is None
    assert list(plain.by("frequency")) == ["frequency", "customers", "purchases", "purchases_lower", "purchases_upper"]
    with pytest.raises(InputError, match="spend="):
        _ = plain.value_outcomes


def test_segments_and_cost_come_last() -> None:
    calibration = clv.split(_log(), calibration_end="2024-06-30", segment=["channel"], cost="paid").calibration
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiagnosticWarning)
        result = clv.predict(clv.fit(BGNBD, calibration), calibration, spend=clv.fit(GammaGamma, calibration))
    assert list(result.frame)[-3:] == ["tier", "channel", "paid"]
    by = result.by(["channel", "tier"])
    assert list(by)[:3] == ["channel", "tier", "customers"]
    assert by["customers"].sum() == len(result.frame)
    assert by["channel"].isna().any()  # a missing channel is a segment of its own
    with pytest.raises(InputError, match="'chanel' is not a column"):
        result.by("chanel")


def _log() -> pd.DataFrame:
    model, spend = BGNBD(0.6, 5.0, 0.8, 3.0), GammaGamma(5.0, 4.0, 20.0)
    rng = np.random.default_rng(2)
    born = rng.integers(0, 90, 400)
    customer, week = model.sample_times((365 - born) / 7, seed=rng)
    rows = pd.DataFrame(
        {
            "customer_id": np.concatenate([np.arange(400), customer]),
            "day": np.concatenate([born, born[customer] + np.ceil(7 * week).astype(int)]),
        }
    )
    scale = 1 / rng.gamma(spend.q, 1 / spend.v, 400)
    rows["value"] = rng.gamma(spend.p, size=len(rows)) * scale[rows["customer_id"]]
    rows["date"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rows.pop("day"), unit="D")
    channel = np.array(["web", "shop", None], object)[rows["customer_id"] % 3]
    return rows.assign(channel=channel, paid=5.0)


def test_tiers_are_shares_of_customers(base: Predictions) -> None:
    clv_ = base.frame["clv"]
    shares = base.frame["tier"].value_counts(normalize=True)
    assert {name: shares[name] for name in TIERS} == pytest.approx(
        {"top": 0.1, "high": 0.2, "middle": 0.3, "low": 0.4}, abs=0.01
    )
    floor = clv_.groupby(base.frame["tier"]).min()
    ceiling = clv_.groupby(base.frame["tier"]).max()
    for above, below in (("top", "high"), ("high", "middle"), ("middle", "low")):
        assert floor[above] > ceiling[below]


def test_equal_customers_share_a_tier() -> None:
    assert set(tiers(np.full(7, 3.0))) == {"middle"}
    assert tiers(np.array([1.0])).tolist() == ["middle"]
    assert tiers(np.array([0.0, 0.0, 0.0, 0.0, 5.0])).tolist() == ["middle"] * 4 + ["top"]
    values = np.random.default_rng(0).integers(0, 30, 1000) / 7.0
    given = tiers(values)
    for value in np.unique(values):
        assert len(set(given[values == value])) == 1
    noisy = values * (1 + 1e-15 * np.random.default_rng(1).standard_normal(1000))
    assert (tiers(noisy) == given).all()


def _totals(predictions: Predictions) -> list[float]:
    return [getattr(predictions.totals, name) for name in TOTALS]


def test_same_seed_same_bytes() -> None:
    frame = rfm()
    once, again = forecast(frame, seed=3), forecast(frame, seed=3)
    assert once.frame.equals(again.frame)
    assert once.totals == again.totals
    assert isinstance(once.purchases, Fit)
