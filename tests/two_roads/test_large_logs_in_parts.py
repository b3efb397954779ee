"""Does a log that is worked on some customers at a time give what it gives as a whole?"""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pandas as pd
import pytest

import clvmodels as clv
from clvmodels import attention, prediction, totals
from clvmodels.kpis import expected_kpis
from clvmodels.kpis.groups import cohorts
from clvmodels.levers import value_levers
from clvmodels.outcomes import counts
from clvmodels.outcomes.standing import Standing
from clvmodels.summary import customers
from clvmodels.transactions import parts

PART = 300
MONEY = ("value", "clv")


@pytest.fixture(scope="module")
def log() -> clv.Transactions:
    return clv.read_transactions("cdnow-sample")


@pytest.fixture(scope="module", params=["mle", "posterior"])
def fits(request: pytest.FixtureRequest, log: clv.Transactions) -> tuple[Any, Any]:
    summary = clv.summarize(log)
    return clv.fit("bgnbd", summary, method=request.param), clv.fit("gamma_gamma", summary, method=request.param)


@pytest.fixture(scope="module")
def whole(log: clv.Transactions, fits: tuple[Any, Any]) -> clv.Predictions:
    return clv.predict(fits[0], clv.summarize(log), spend=fits[1], margin=0.3)


@pytest.fixture
def in_parts(log: clv.Transactions, fits: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> clv.Predictions:
    monkeypatch.setattr(counts, "PART", PART)
    monkeypatch.setattr(prediction, "PART", PART)
    monkeypatch.setattr(customers, "WHOLE", PART)
    forecast = clv.predict(fits[0], clv.summarize(log), spend=fits[1], margin=0.3)
    parts = forecast.purchase_outcomes.parts
    assert len(parts) > 4
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(len(forecast.frame)))
    return forecast


def test_rows_and_totals_are_the_same(whole: clv.Predictions, in_parts: clv.Predictions) -> None:
    ends = [name for name in whole.frame if name.startswith(MONEY) and name.endswith(("_lower", "_upper"))]
    pd.testing.assert_frame_equal(in_parts.frame[ends], whole.frame[ends], rtol=1e-5)  # so good are they, over draws
    pd.testing.assert_frame_equal(in_parts.frame.drop(columns=ends), whole.frame.drop(columns=ends), rtol=1e-9)
    pd.testing.assert_frame_equal(in_parts.summary.frame, whole.summary.frame)
    for name, total in vars(whole.totals).items():
        assert getattr(in_parts.totals, name) == pytest.approx(total, rel=1e-9), name
    pd.testing.assert_frame_equal(in_parts.by("tier"), whole.by("tier"), rtol=1e-9)


def test_customers_with_the_same_past_are_in_one_part(in_parts: clv.Predictions) -> None:
    frame = in_parts.frame
    part = np.empty(len(frame), int)
    for place, members in enumerate(in_parts.purchase_outcomes.parts):
        part[members] = place
    assert (frame.assign(part=part).groupby(["frequency", "T"])["part"].nunique() == 1).all()


def test_indicators_levers_and_lists_are_the_same(whole: clv.Predictions, in_parts: clv.Predictions) -> None:
    groups = cohorts(whole.summary.frame["first_purchase"])[1]
    for by in ((), groups):
        pd.testing.assert_frame_equal(expected_kpis(in_parts, by), expected_kpis(whole, by), rtol=1e-9)
        one, other = value_levers(whole, by), value_levers(in_parts, by)
        np.testing.assert_allclose(other.surface, one.surface, rtol=1e-12)
        np.testing.assert_allclose(other.one_percent["base"], one.one_percent["base"], rtol=1e-12)
    here, there = attention.attention_to(whole), attention.attention_to(in_parts)
    assert (there.tested, there.flagged) == (here.tested, here.flagged)
    for name, rows in here.lists.items():
        assert there.lists[name]["customer_id"].tolist() == rows["customer_id"].tolist(), name


def test_what_stands_is_the_sum_over_customers(whole: clv.Predictions, in_parts: clv.Predictions) -> None:
    group = (whole.frame["frequency"].to_numpy() > 2).astype(np.intp)
    spend = whole.frame["expected_spend"].to_numpy()
    expected = np.bincount(group, whole.frame["expected_purchases"].to_numpy() * spend)
    for forecast in (whole, in_parts):
        outcomes = forecast.purchase_outcomes
        found = Standing.of(outcomes, group, 2, spend).total(outcomes.expected_alive)
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_limits_of_very_many_rest_on_some(whole: clv.Predictions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(totals, "MANY", 2000)
    monkeypatch.setattr(totals, "ENOUGH", 1000)
    rough = whole.portfolio.totals(np.zeros(len(whole.frame), np.intp), 1)[0]
    for name in ("purchases", *MONEY):
        assert getattr(rough, name) == getattr(whole.totals, name), name
        for side in ("_lower", "_upper"):
            exact = getattr(whole.totals, name + side)
            assert getattr(rough, name + side) == pytest.approx(exact, rel=0.01), name + side


@pytest.fixture(scope="module", params=["whole numbers", "text"])
def returned(request: pytest.FixtureRequest) -> pd.DataFrame:
    """A log with refunds, two rows a day, channels and costs."""
    rng = np.random.default_rng(8)
    size = 4000
    who = rng.integers(0, 300, size)
    return pd.DataFrame(
        {
            "customer": who if request.param == "whole numbers" else np.char.mod("Ção-%d", who),
            "date": np.datetime64("2023-01-01") + rng.integers(0, 400, size).astype("timedelta64[D]"),
            "value": rng.choice([1, 1, 1, 1, -1, 0], size) * rng.integers(1, 9_999, size) / 100,
            "channel": rng.choice(["Loja", "Site"], size),
            "spent": rng.integers(1, 20, size).astype(float),
        }
    )


@pytest.mark.parametrize("returns", ["net", "drop"])
def test_a_log_is_divided_the_same(returned: pd.DataFrame, returns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def divided() -> tuple[clv.Transactions, clv.Split]:
        log = clv.read_transactions(returned, segment="channel", cost="spent", returns=returns)
        return log, clv.split(log, calibration_end="2023-10-15", unit="day")

    log, one = divided()
    monkeypatch.setattr(parts, "WHOLE", 1000)
    large, other = divided()
    assert (log.parts, large.parts) == (1, parts.FEWEST)
    assert large.table.columns == log.table.columns
    assert other.calibration.purchases.columns == one.calibration.purchases.columns
    assert (other.calibration.ledger, other.holdout.ledger) == (one.calibration.ledger, one.holdout.ledger)
    assert vars(other.calibration) == vars(one.calibration) | {
        name: getattr(other.calibration, name) for name in ("purchase_days", "by_customer", "frame", "pieces")
    }
    pd.testing.assert_frame_equal(other.calibration.frame, one.calibration.frame, rtol=1e-11)
    pd.testing.assert_frame_equal(other.calibration.patterns.frame, one.calibration.patterns.frame)
    assert other.calibration.gaps is not None
    assert one.calibration.gaps is not None
    for name, column in vars(one.calibration.gaps).items():
        np.testing.assert_array_equal(getattr(other.calibration.gaps, name), column)
    pd.testing.assert_frame_equal(other.holdout.frame, one.holdout.frame, rtol=1e-11)
    pd.testing.assert_frame_equal(other.holdout.daily, one.holdout.daily, rtol=1e-11)
    found = [each.calibration.purchases.order_by("customer_id", "date").to_pandas() for each in (one, other)]
    pd.testing.assert_frame_equal(found[1], found[0], rtol=1e-11)


def test_what_nobody_asks_for_any_more_is_forgotten(log: clv.Transactions) -> None:
    engine = log.days.get_backend()

    def kept() -> int:
        return int(engine.con.execute("select count(*) from duckdb_tables()").fetchone()[0])

    before = kept()
    summary = clv.summarize(log, until="1997-12-31")
    assert kept() == before + 1
    del summary
    gc.collect()
    assert kept() == before
