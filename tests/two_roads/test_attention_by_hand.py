"""Are value at risk, silences, reasons and tiers those of a calculation by hand?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import clvmodels as clv
from clvmodels import attention
from clvmodels.attention import flag_customers, lists, reason_words, tier_stability
from clvmodels.models import BGNBD, FAMILIES, ParetoNBD
from clvmodels.prediction import Predictions


@pytest.fixture(scope="module")
def parts() -> Any:
    return clv.split("cdnow-sample")


def forecast(family: str, parts: Any) -> Predictions:
    calibration = parts.calibration
    fits = [clv.fit(name, calibration, method="mle") for name in (family, "gamma_gamma")]
    return clv.predict(fits[0], calibration, spend=fits[1], horizon=parts.holdout.horizon)


@pytest.fixture(scope="module")
def known(parts: Any) -> Predictions:
    return forecast("bgnbd", parts)


@pytest.fixture(scope="module")
def flags(known: Predictions) -> pd.DataFrame:
    return flag_customers(known)


def test_value_at_risk_is_value_times_the_chance_of_no_purchase(known: Predictions, flags: pd.DataFrame) -> None:
    by_hand = known.frame["value"] * (1 - known.frame["p_active"])
    assert flags["value_at_risk"].to_numpy() == pytest.approx(by_hand.to_numpy())
    top = lists(flags, most=5)["value_at_risk"]
    assert top["value_at_risk"].to_numpy() == pytest.approx(by_hand.nlargest(5).to_numpy())


@pytest.mark.parametrize("family", ["bgnbd", "pareto_nbd"])
def test_a_silence_is_as_likely_as_among_simulated_customers_who_stay(family: str, parts: Any) -> None:
    here = forecast(family, parts)
    model: Any = here.purchases.model
    frame, found = here.frame, flag_customers(here)
    rng = np.random.default_rng(1)
    for place in np.flatnonzero((frame["frequency"] >= 2) & (frame["T"] > frame["recency"]))[:5]:
        x, t_x, T = (float(frame[name].iloc[place]) for name in ("frequency", "recency", "T"))
        rate = rng.gamma(model.r + x, size=200_000) / (model.alpha + t_x)
        silent = np.exp(-rate * (T - t_x)).mean()
        assert found["p_silence"].iloc[place] == pytest.approx(silent, abs=0.005)
        assert found["usual_gap_days"].iloc[place] == pytest.approx(7 * (model.alpha + t_x) / (model.r + x))
        assert found["silence_days"].iloc[place] == round(7 * (T - t_x))
    assert found.loc[frame["frequency"] < 2, "p_silence"].isna().all()
    assert (found["unusual_silence"] == (found["p_silence"] < 0.05)).all()


def test_families_with_a_regular_clock_expect_shorter_silences() -> None:
    if "bgcnbd" not in FAMILIES:
        pytest.skip("no family with a clock")
    regular: Any = FAMILIES["bgcnbd"](1.0, 5.0, 0.8, 2.5, 2)
    irregular = BGNBD(1.0, 10.0, 0.8, 2.5)
    silent = [1 - float(model.alive(0).p_active(40.0, 10, 100.0)) for model in (regular, irregular)]
    assert silent[0] < silent[1]


def test_the_three_factors_add_up_and_the_reason_is_the_largest(flags: pd.DataFrame) -> None:
    some = flags[(flags["formula_value"] > 0) & (flags["value"] > 0)]
    ratio = np.log(some["formula_value"] / some["value"])
    assert some[list(attention.PARTS)].sum(axis=1).to_numpy() == pytest.approx(ratio.to_numpy(), abs=1e-9)
    for row in some.iloc[::97].to_dict("records"):
        sign = 1 if row["difference"] > 0 else -1
        assert row["reason"] == max(attention.PARTS, key=lambda part: sign * row[part])
        words = reason_words(row, currency="USD", horizon_days=273)
        assert words.endswith(".")
        assert "{" not in words


def test_reasons_say_what_is_meant() -> None:
    row = {
        "difference": 90.0, "reason": "leaving", "silence_days": 105, "usual_gap_days": 33.0, "active_days": 194.0,
        "observed_days": 467, "orders": 13, "formula_rate": 10.2, "expected_rate": 8.7, "own_average_order": 345.4,
        "expected_spend": 337.9,
    }  # fmt: skip
    assert reason_words(row, currency="USD", horizon_days=365) == (
        "Silent for 15 weeks after buying about every 5 weeks: the model expects 6 months of the next 12 months with "
        "us, the formula all of them."
    )
    row |= {"reason": "rhythm", "orders": 1, "observed_days": 20, "formula_rate": 4.0, "expected_rate": 1.2}
    assert reason_words(row, currency="USD", horizon_days=365) == (
        "One purchase, 20 days ago: the formula takes it for a rhythm of 4.0 a year, the model expects 1.2 a year "
        "while the customer stays."
    )
    row |= {"difference": -5.0, "reason": "spend", "orders": 4, "own_average_order": 5.0}
    assert "4 purchases of $5.00 on average: the model expects $337.90" in reason_words(
        row, currency="USD", horizon_days=365
    )


def test_tiers_are_those_of_the_forecast_and_of_what_happened(known: Predictions, parts: Any) -> None:
    found = tier_stability(known, parts.holdout, future=known)
    actual = found["actual"]
    assert actual["customers"].sum() == len(known.frame)
    sizes = actual.groupby("predicted")["customers"].sum()
    assert sizes.to_dict() == known.frame["tier"].value_counts().to_dict()
    assert actual["value"].sum() == pytest.approx(parts.holdout.frame["value"].sum())
    assert actual["nothing"].sum() == (parts.holdout.frame["value"] <= 0).sum()
    assert actual.groupby("predicted")["share"].sum().to_numpy() == pytest.approx(1.0)
    same = found["now"][found["now"]["then"] == found["now"]["now"]]
    assert same["customers"].sum() == len(known.frame)  # the same forecast: nobody moves


def test_leaving_by_the_clock_does_not_count_as_silence() -> None:
    model = ParetoNBD(0.553, 10.578, 0.606, 11.669)
    stays = (1 + 30 / (10.578 + 20)) ** -(0.553 + 5)
    with_leaving = 1 - float(model.alive().p_active(30.0, 5, 20.0))
    assert stays < with_leaving
