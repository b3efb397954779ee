"""What must hold for every log: nothing leaks back over the cut, every row has one fate, order does not matter."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.datasets import cdnow_sample
from clvmodels.summary import Summary, default_calibration_end
from clvmodels.transactions import REASONS, read_transactions

CUT, END = "2024-06-30", "2024-12-31"


def some_log(seed: int = 0, n: int = 600, refunds: float = 0.1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    value = rng.integers(0, 5000, n) / 100 * np.where(rng.random(n) < refunds, -1, 1)
    date = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 366 * 24, n), unit="h")
    return pd.DataFrame(
        {
            "customer_id": rng.integers(0, 90, n),
            "date": date,
            "value": value,
            "channel": rng.choice(["web", "shop", None], n),
            "cac": rng.integers(1, 30, n),
        }
    )


def total(rows: tuple) -> int:
    return sum(row.rows for row in rows)


@pytest.mark.parametrize("refunds", [0.0, 0.1])
def test_planted_holdout_rows_cannot_change_the_calibration(refunds: float) -> None:
    """Not even the first negative value of the log, a new customer, or another description of an old one."""
    log = some_log(refunds=refunds)
    planted = pd.DataFrame(
        {
            "customer_id": [0, 1, 2, 3, 10_001, 10_002],
            "date": pd.to_datetime(["2024-07-01"] * 5 + ["2024-12-31"]),
            "value": [1e9, -1e9, -0.01, 0.0, 5.0, -5.0],
            "channel": ["planted"] * 6,
            "cac": [0] * 6,
        }
    )
    options = {"calibration_end": CUT, "holdout_end": END, "segment": "channel", "cost": "cac"}
    before, _ = clv.split(log, **options)
    after, holdout = clv.split(pd.concat([planted, log]), **options)
    pd.testing.assert_frame_equal(before.frame, after.frame, check_exact=True)
    pd.testing.assert_frame_equal(before.patterns.frame, after.patterns.frame, check_exact=True)
    pd.testing.assert_frame_equal(before.daily, after.daily, check_exact=True)
    assert (before.start, before.until) == (after.start, after.until)
    assert holdout.new_customers == 1 + clv.split(log, **options).holdout.new_customers

    alone = clv.summarize(log[log.date < "2024-07-01"], until=CUT, segment="channel", cost="cac")
    pd.testing.assert_frame_equal(before.frame, alone.frame, check_exact=True)


@pytest.mark.parametrize("returns", ["net", "drop", "keep"])
@pytest.mark.parametrize("money", [True, False])
def test_every_row_has_one_fate(returns: str, money: bool) -> None:
    log = some_log()
    log["date"] = log.date.astype(str)
    log["customer_id"] = log.customer_id.astype("Int64")
    log.loc[3, "customer_id"] = None
    log.loc[[5, 6], "date"] = [None, "soon"]
    log["value"] = log.value.astype(object)
    log.loc[[8, 9, 10], "value"] = [None, "", "ten"]
    log["value"] = log.value.map(lambda v: v if v is None else str(v))
    options = {"value": "value" if money else "none", "returns": returns}
    calibration, holdout = clv.split(log, calibration_end=CUT, holdout_end="2024-10-31", **options)
    for ledger, rows in (
        (clv.summarize(log, **options).ledger, len(log)),
        (clv.summarize(log, until="2024-03-31", **options).ledger, len(log)),
        (calibration.ledger, len(log)),
    ):
        assert total(ledger) == rows
        assert {line.reason for line in ledger} <= set(REASONS)
        assert [line.reason for line in ledger] == sorted((line.reason for line in ledger), key=list(REASONS).index)
        assert all(line.rows > 0 and 0 <= line.customers <= line.rows for line in ledger)
        assert all((line.value is None) or money for line in ledger)
    found = {line.reason: line.rows for line in calibration.ledger}
    assert (found["null_id"], found["null_date"], found["bad_date"]) == (1, 1, 1)
    if money:
        assert (found["null_value"], found["bad_value"]) == (2, 1)
        readable = pd.to_numeric(log.value, errors="coerce").sum()
        values = [line.value for line in calibration.ledger if line.value is not None]
        assert sum(values) == pytest.approx(readable, abs=1e-6)
    in_holdout = found["holdout"] + found.get("born_in_holdout", 0)
    assert total(holdout.ledger) == in_holdout


def test_order_parts_cents_and_days_change_nothing() -> None:
    log = some_log(1)
    one = clv.summarize(log, until=END).frame
    permuted = clv.summarize(log.sample(frac=1.0, random_state=5), until=END).frame
    pd.testing.assert_frame_equal(one, permuted, rtol=1e-12, atol=1e-12)
    cents = clv.summarize(log.assign(value=(log.value * 100).round()), until=END).frame
    money = ["monetary_value", "value_first", "value_past"]
    pd.testing.assert_frame_equal(one[money], cents[money] / 100, rtol=1e-12, atol=1e-12)
    days = clv.summarize(log, until=END, unit="day").frame
    for name in ("recency", "T"):
        np.testing.assert_array_equal(days[name], (one[name] * 7).round())
    assert (days["T"] % 1 == 0).all()


def test_the_same_log_twice_is_the_same_to_the_last_digit() -> None:
    log = some_log(2, n=3000)
    one, two = (clv.summarize(log, until=END) for _ in range(2))
    pd.testing.assert_frame_equal(one.frame, two.frame, check_exact=True)
    assert one.ledger == two.ledger
    assert one.sha256 == two.sha256


def test_split_agrees_with_summaries_of_its_parts() -> None:
    log = some_log(3, refunds=0.0)
    calibration, holdout = clv.split(log, calibration_end=CUT, holdout_end=END)
    whole = clv.summarize(log, until=END).frame.set_index("customer_id")
    then = calibration.frame.set_index("customer_id")
    later = holdout.frame.set_index("customer_id")
    np.testing.assert_array_equal(whole.frequency[then.index], then.frequency + later.purchases)
    np.testing.assert_allclose(whole.value_past[then.index], then.value_past + later.value, rtol=1e-12)
    assert holdout.new_purchases == (whole.frequency + 1).sum() - (then.frequency + 1).sum() - later.purchases.sum()
    assert str(holdout.horizon) == "2024-07-01 to 2024-12-31"
    assert holdout.frame.customer_id.tolist() == calibration.frame.customer_id.tolist()
    bought = later.purchases > 0
    np.testing.assert_allclose(later.monetary_value[bought], (later.value / later.purchases)[bought])
    assert later.monetary_value[~bought].isna().all()


def test_description_is_that_of_the_first_purchase_day() -> None:
    """Null if it was null then; the day's smallest label and highest cost when rows of that day differ."""
    log = pd.DataFrame(
        {
            "customer_id": [1, 1, 1, 2, 2, 3],
            "date": ["2024-01-02", "2024-01-01", "2024-01-01", "2024-01-01", "2024-01-02", "2024-01-01"],
            "value": [1.0] * 6,
            "channel": ["c", "b", "a", None, "web", " shop "],
            "cac": [9.0, 1.0, 2.0, 0.0, 7.0, None],
        }
    )
    frame = clv.summarize(log, segment=["channel"], cost="cac").frame
    assert frame.columns[-2:].tolist() == ["channel", "cac"]
    assert frame.channel.isna().tolist() == [False, True, False]
    assert frame.channel.dropna().tolist() == ["a", "shop"]
    np.testing.assert_array_equal(frame.cac, [2.0, 0.0, np.nan])


def test_zero_is_a_purchase() -> None:
    log = pd.DataFrame(
        {"customer_id": [1, 1, 2], "date": ["2024-01-01", "2024-01-05", "2024-01-03"], "value": [4.0, 0, 0]}
    )
    frame = clv.summarize(log).frame
    assert frame.frequency.tolist() == [1, 0]
    np.testing.assert_array_equal(frame.monetary_value, [0.0, np.nan])


def test_logs_without_money() -> None:
    log = some_log()[["customer_id", "date"]]
    calibration, holdout = clv.split(log, calibration_end=CUT, holdout_end=END)
    assert not calibration.has_value
    assert list(calibration.frame) == [
        "customer_id", "first_purchase", "last_purchase", "frequency", "recency", "T",
    ]  # fmt: skip
    assert list(holdout.frame) == ["customer_id", "purchases"]
    assert holdout.new_value is None
    assert list(calibration.daily) == ["date", "purchases", "first_purchases"]
    assert list(calibration.recent(30)) == ["customer_id", "purchases"]
    assert all(line.value is None for line in calibration.ledger)


def test_an_rfm_table_is_a_summary() -> None:
    """CDNOW's own table, brought back: the same patterns, and dates that follow from T."""
    whole = clv.summarize("cdnow-sample", until="1997-09-30")
    brought = Summary.from_frame(whole.frame.sample(frac=1.0, random_state=1), until="1997-09-30")
    pd.testing.assert_frame_equal(brought.frame, whole.frame)
    pd.testing.assert_frame_equal(brought.patterns.frame, whole.patterns.frame)
    short = whole.frame.set_index("customer_id")[["frequency", "recency", "T"]]
    derived = Summary.from_frame(short, until=dt.date(1997, 9, 30))
    assert derived.frame.first_purchase.equals(whole.frame.first_purchase)
    assert derived.frame.last_purchase.equals(whole.frame.last_purchase)
    assert (derived.has_value, brought.has_value) == (False, True)
    assert derived.ledger[0].rows == brought.ledger[0].rows == whole.ledger[0].rows


def test_default_split_holds_the_last_third_out() -> None:
    log = read_transactions(some_log())
    cut = default_calibration_end(log)
    span = (log.last_date - log.first_date).days
    assert (log.last_date - cut).days == span // 3
    calibration, holdout = clv.split(log)
    assert (calibration.until, holdout.horizon.end) == (cut, log.last_date)
    published = clv.split(cdnow_sample(), calibration_end="1997-09-30").holdout.horizon
    assert clv.split("cdnow-sample").holdout.horizon == published
