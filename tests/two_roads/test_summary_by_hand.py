"""Do summary, refunds and holdout come out the same by a naive loop over rows as by the engine's expression?"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import clvmodels as clv
from clvmodels.datasets import cdnow_sample
from clvmodels.errors import InputError
from clvmodels.fitting.oracle import _left_as_it_was

START = dt.date(2024, 1, 1)
Row = tuple[int, int, float]  # customer, day after START, value

# Few customers and days, so that they collide; cents, so that refunds often match a purchase exactly.
ROWS = st.lists(
    st.tuples(
        st.integers(1, 5),
        st.integers(0, 20),
        st.integers(-1200, 2000).map(lambda cents: round(cents / 4) * 4 / 100)
        | st.sampled_from([0.0, 5.0, -5.0, 10.0]),
    ),
    min_size=1,
    max_size=40,
)


def frame_of(rows: list[Row]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": [row[0] for row in rows],
            "date": pd.to_datetime([START + dt.timedelta(days=row[1]) for row in rows]),
            "value": [row[2] for row in rows],
        }
    )


def by_hand(rows: list[Row], returns: str) -> dict[int, dict[int, float]]:
    """Customer → day → what is left of the purchase, with a stack of purchases from which refunds are taken."""
    if returns == "drop":
        rows = [row for row in rows if row[2] >= 0]
    sums: dict[int, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for customer, day, value in rows:
        sums[customer][day].append(value)
    if returns == "keep" or all(row[2] >= 0 for row in rows):
        return {c: {day: sum(values) for day, values in days.items()} for c, days in sums.items()}
    left: dict[int, dict[int, float]] = {}
    for customer, days in sums.items():
        stack: list[list[float]] = []  # day, what is left
        for day in sorted(days):
            total = round(sum(days[day]), 6)
            if total > 0:
                stack.append([day, total])
            elif all(value == 0 for value in days[day]):
                stack.append([day, 0.0])
            refund = max(-total, 0.0)
            for purchase in reversed(stack):
                taken = min(purchase[1], refund)
                purchase[1] = round(purchase[1] - taken, 6)
                refund = round(refund - taken, 6)
        zero = {day for day, values in days.items() if all(value == 0 for value in values)}
        kept = {int(day): amount for day, amount in stack if amount > 0 or day in zero}
        if sum(kept.values()) > 0:
            left[customer] = kept
    return left


def table_by_hand(left: dict[int, dict[int, float]], until: int, per: int) -> pd.DataFrame:
    rows = []
    for customer, days in sorted(left.items()):
        first, last = min(days), max(days)
        repeats = [days[day] for day in days if day > first]
        rows.append(
            {
                "customer_id": customer,
                "first_purchase": pd.Timestamp(START) + pd.Timedelta(days=first),
                "last_purchase": pd.Timestamp(START) + pd.Timedelta(days=last),
                "frequency": len(repeats),
                "recency": (last - first) / per,
                "T": (until - first) / per,
                "monetary_value": np.mean(repeats) if repeats else np.nan,
                "value_first": days[first],
                "value_past": sum(days.values()),
                **logarithms([value for value in days.values() if value > 0]),
            }
        )
    return pd.DataFrame(rows)


def logarithms(values: list[float]) -> dict[str, float]:
    logs = np.log(values)
    some = logs.size > 0
    return {
        "n_valued": logs.size,
        "log_value_mean": logs.mean() if some else np.nan,
        "log_value_ss": ((logs - logs.mean()) ** 2).sum() if some else np.nan,
    }


def same(ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(ours, theirs, check_dtype=False, rtol=1e-9, atol=1e-9)


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(rows=ROWS, returns=st.sampled_from(["net", "net", "drop", "keep"]), unit=st.sampled_from(["day", "week"]))
def test_summary(rows: list[Row], returns: str, unit: str) -> None:
    left = by_hand(rows, returns)
    if not left:
        with pytest.raises(InputError):
            clv.summarize(frame_of(rows), returns=returns)
        return
    ours = clv.summarize(frame_of(rows), until=START + dt.timedelta(days=25), returns=returns, unit=unit)
    same(ours.frame, table_by_hand(left, 25, 7 if unit == "week" else 1))
    assert sum(line.rows for line in ours.ledger) == len(rows)
    total = sum(line.value for line in ours.ledger if line.value is not None)
    assert total == pytest.approx(sum(row[2] for row in rows), abs=1e-6)
    used = ours.ledger[0]
    assert (used.reason, used.rows, used.customers) == ("used", sum(map(len, left.values())), len(left))

    patterns = ours.patterns.frame
    counted = ours.frame.groupby(["frequency", "recency", "T"]).size().reset_index(name="n")
    np.testing.assert_array_equal(patterns.to_numpy(), counted.to_numpy())


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(rows=ROWS, returns=st.sampled_from(["net", "drop"]))
def test_holdout(rows: list[Row], returns: str) -> None:
    cut, end = 9, 17
    before = by_hand([row for row in rows if row[1] <= cut], returns)
    after = by_hand([row for row in rows if cut < row[1] <= end], returns)
    dates = [START + dt.timedelta(days=day) for day in (cut, end)]
    if not before or not after:
        with pytest.raises(InputError):
            clv.split(frame_of(rows), calibration_end=dates[0], holdout_end=dates[1], returns=returns)
        return
    calibration, holdout = clv.split(frame_of(rows), calibration_end=dates[0], holdout_end=dates[1], returns=returns)
    same(calibration.frame, table_by_hand(before, cut, 7))
    expected = pd.DataFrame(
        {
            "customer_id": sorted(before),
            "purchases": [len(after.get(c, {})) for c in sorted(before)],
            "value": [sum(after.get(c, {}).values()) for c in sorted(before)],
            "monetary_value": [np.mean(list(after[c].values())) if c in after else np.nan for c in sorted(before)],
        }
    )
    same(holdout.frame, expected)
    new = {c: days for c, days in after.items() if c not in before}
    assert holdout.new_customers == len(new)
    assert holdout.new_purchases == sum(map(len, new.values()))
    assert holdout.new_value == pytest.approx(sum(sum(days.values()) for days in new.values()), abs=1e-9)
    assert holdout.daily.purchases.sum() == holdout.frame.purchases.sum()

    kept = [row for row in rows if returns != "drop" or row[2] >= 0]
    ledger = {line.reason: line.rows for line in calibration.ledger}
    assert sum(ledger.values()) == len(rows)
    assert ledger.get("after_end", 0) == sum(row[1] > end for row in kept)
    assert ledger.get("holdout", 0) == sum(cut < row[1] <= end and row[0] in before for row in kept)
    assert ledger.get("born_in_holdout", 0) == sum(cut < row[1] <= end and row[0] not in before for row in kept)
    assert sum(line.rows for line in holdout.ledger) == sum(cut < row[1] <= end for row in kept)


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(rows=ROWS, days=st.integers(0, 30))
def test_recent_daily_and_history(rows: list[Row], days: int) -> None:
    rows = [(customer, day, abs(value)) for customer, day, value in rows]
    left = by_hand(rows, "net")
    ours = clv.summarize(frame_of(rows), until=START + dt.timedelta(days=21))
    recent = ours.recent(days)
    for line in recent.itertuples():
        late = [v for day, v in left[line.customer_id].items() if day > 21 - days and day > min(left[line.customer_id])]
        assert (line.purchases, line.value) == (len(late), pytest.approx(sum(late)))
    assert list(recent.customer_id) == sorted(left)

    daily = ours.daily.set_index("date")
    for date, line in daily.iterrows():
        day = (date.date() - START).days
        assert line.purchases == sum(day in bought for bought in left.values())
        assert line.first_purchases == sum(day == min(bought) for bought in left.values())
        assert line.value == pytest.approx(sum(bought.get(day, 0.0) for bought in left.values()))
    assert daily.first_purchases.sum() == len(left)

    someone = sorted(left)[-1]
    history = ours.history(np.array([someone]))
    assert [(date.date() - START).days for date in history.date] == sorted(left[someone])


def test_a_refund_walks_back_through_several_purchases() -> None:
    """100, 50 and 30 were bought; 60 comes back: all of the 30 and 30 of the 50. A later purchase is not touched."""
    rows = [(1, 0, 100.0), (1, 2, 50.0), (1, 4, 30.0), (1, 6, -60.0), (1, 8, 10.0), (2, 0, 1.0), (2, 1, -5.0)]
    summary = clv.summarize(frame_of(rows), unit="day")
    assert summary.history([1]).value.tolist() == pytest.approx([100.0, 20.0, 10.0])
    assert summary.frame.frequency.tolist() == [2]
    ledger = {line.reason: (line.rows, line.customers, line.value) for line in summary.ledger}
    assert ledger == {
        "used": (3, 1, pytest.approx(130.0)),
        "refund": (1, 1, 0.0),
        "unmatched_refund": (1, 1, pytest.approx(-4.0)),
        "refunded": (2, 2, 0.0),
    }


def test_lifetimes_agrees() -> None:
    """The peer's own summary of the same log, in weeks by its multiplier; its money leaves the first out too."""
    with _left_as_it_was():  # importing it changes pandas and warnings
        from lifetimes.utils import summary_data_from_transaction_data

        peer = summary_data_from_transaction_data(
            cdnow_sample(),
            "customer_id",
            "date",
            monetary_value_col="value",
            observation_period_end="1997-09-30",
            freq="D",
            freq_multiplier=7,
        )
    ours = clv.summarize("cdnow-sample", until="1997-09-30").frame.set_index("customer_id")
    for column in ("frequency", "recency", "T"):
        np.testing.assert_allclose(ours[column], peer[column], rtol=1e-12)
    np.testing.assert_allclose(ours.monetary_value.fillna(0.0), peer.monetary_value, rtol=1e-9)


def test_online_retail_loses_its_cancelled_giants(online_retail) -> None:
    """The figures of the whole log; 16446 and 12346 ordered for 168,470 and 77,184 and cancelled the same day."""
    summary = clv.summarize(online_retail, currency="GBP")
    frame = summary.frame
    assert (int((frame.frequency + 1).sum()), len(frame)) == (16_518, 4_321)
    assert frame.value_past.sum() == pytest.approx(8_318_594.98)
    assert 12346 not in set(frame.customer_id)
    assert frame.set_index("customer_id").value_past[16446] == pytest.approx(2.90)
    assert sum(line.rows for line in summary.ledger) == 22_190
    rows = pd.read_parquet(online_retail)
    left = by_hand(
        [(c, (d.date() - START).days, v) for c, d, v in zip(rows.customer_id, rows.date, rows.value, strict=True)],
        "net",
    )
    same(frame, table_by_hand(left, (summary.until - START).days, 7))
