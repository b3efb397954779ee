"""Which day does a purchase belong to, and how long were customers watched?"""

from __future__ import annotations

import datetime as dt

import ibis
import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.errors import InputError
from clvmodels.summary import clock


def log(*dates: str, customer: int = 1) -> pd.DataFrame:
    return pd.DataFrame({"customer_id": customer, "date": list(dates)})


def test_a_minute_before_midnight_belongs_to_the_calibration() -> None:
    rows = log("2024-01-01 08:00", "2024-03-31 23:59:59.999", "2024-04-01 00:00", "2024-05-01 12:00")
    for frame in (rows, rows.assign(date=pd.to_datetime(rows.date, format="ISO8601"))):
        calibration, holdout = clv.split(frame, calibration_end="2024-03-31", holdout_end="2024-04-30", unit="day")
        assert calibration.frame[["frequency", "recency", "T"]].to_numpy().tolist() == [[1, 90, 90]]
        assert holdout.frame.purchases.tolist() == [1]
        assert holdout.horizon.start == dt.date(2024, 4, 1)


def test_aware_timestamps_are_taken_in_utc() -> None:
    """22:30 on 31 March in São Paulo is 1 April in UTC, in text, in pandas and in an engine with its own time zone."""
    rows = log("2024-01-01T00:00:00-03:00", "2024-03-31T22:30:00-03:00")
    aware = rows.assign(date=pd.to_datetime(rows.date))
    con = ibis.duckdb.connect()
    table = con.create_table("orders", aware)
    con.con.execute("SET TimeZone = 'America/Sao_Paulo'")
    utc = rows.assign(date=["2024-01-01T03:00:00Z", "2024-04-01 01:30:00+00"])
    for source in (rows, aware, table, utc):
        summary = clv.summarize(source, unit="day")
        assert summary.until == dt.date(2024, 4, 1)
        assert summary.history([1]).date.dt.strftime("%m-%d").tolist() == ["01-01", "04-01"]


def test_leap_years_have_their_day() -> None:
    frame = clv.summarize(log("2024-02-28", "2024-02-29", "2024-03-01"), unit="day").frame
    assert (frame.frequency[0], frame.recency[0]) == (2, 2)
    assert clv.summarize(log("2023-02-28", "2023-03-01"), unit="day").frame.recency[0] == 1
    assert clv.summarize(log("2023-03-01", "2024-03-01"), unit="day").frame.recency[0] == 366
    with pytest.raises(InputError, match="'2023-02-29'"):
        clv.summarize(log("2023-02-29"))


def test_observation_may_go_on_after_the_last_purchase() -> None:
    rows = log("2024-01-01", "2024-01-15")
    assert clv.summarize(rows).frame["T"][0] == 2
    later = clv.summarize(rows, until="2024-01-29")
    assert (later.frame["T"][0], later.frame.recency[0], later.until) == (4, 2, dt.date(2024, 1, 29))
    calibration, holdout = clv.split(rows, calibration_end="2024-01-08", holdout_end="2024-02-12")
    assert (calibration.frame["T"][0], holdout.horizon.length(calibration.unit)) == (1, 5)


def test_days_after_until_are_left_to_the_ledger() -> None:
    summary = clv.summarize(log("2024-01-01", "2024-01-15", "2024-02-01"), until="2024-01-31", unit="day")
    assert summary.frame[["frequency", "T"]].to_numpy().tolist() == [[1, 30]]
    assert {line.reason: line.rows for line in summary.ledger} == {"used": 2, "after_end": 1}


def test_the_future_has_not_been_observed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "latest_day", lambda: dt.date(2024, 1, 31))
    rows = log("2024-01-01", "2024-01-15", "2024-02-01", "2099-01-01")
    with pytest.raises(InputError) as caught:
        clv.summarize(rows)
    assert str(caught.value) == (
        "transactions cannot be summarised: 2 of 4 rows lie in the future (first: customer 1, 2024-02-01). "
        "What has not happened was not observed. Repair the dates, or leave them out with --until 2024-01-15."
    )
    with pytest.raises(InputError, match="--holdout-end 2024-01-15"):
        clv.split(rows, calibration_end="2024-01-10")
    assert clv.summarize(rows, until="2024-01-31").frame.frequency[0] == 1
    calibration, _ = clv.split(rows, calibration_end="2024-01-10", holdout_end="2024-01-31")
    assert {line.reason: line.rows for line in calibration.ledger} == {"used": 1, "holdout": 1, "after_end": 2}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2024-03-04", "2024-03-04"),
        ("2024/3/4", "2024-03-04"),
        ("20240304", "2024-03-04"),
        ("20240304T2359", "2024-03-04"),
        ("2024-03-04T23:59:59.123456789", "2024-03-04"),
        (" 2024-03-04 23:59 ", "2024-03-04"),
        ("31.12.2024", "2024-12-31"),
        ("31-12-2024 10:15", "2024-12-31"),
        ("12/31/2024 11:59 PM", "2024-12-31"),
        ("1/13/2024", "2024-01-13"),
        ("5/5/2024", "2024-05-05"),  # both orders read the same day
    ],
)
def test_dates_as_people_write_them(written: str, read: str) -> None:
    assert clv.summarize(log(written)).start.isoformat() == read


@pytest.mark.parametrize(
    "written", ["31/12/24", "45012", "1700000000", "Dec 31 2024", "0024-01-01", "infinity", "2024-13-01"]
)
def test_what_nobody_can_know_is_not_guessed(written: str) -> None:
    with pytest.raises(InputError, match=f"'date' is no date in 1 of 1 rows .first: '{written}'"):
        clv.summarize(log(written))


def test_day_first_or_month_first_only_if_one_reads_every_row() -> None:
    assert clv.summarize(log("01/02/2024", "13/02/2024")).start == dt.date(2024, 2, 1)
    assert clv.summarize(log("01/02/2024", "02/13/2024")).start == dt.date(2024, 1, 2)
    with pytest.raises(InputError) as caught:
        clv.summarize(log("05/05/2024", "01/02/2024"))
    assert str(caught.value) == (
        "transactions cannot be summarised: 'date' can be read day-first and month-first ('01/02/2024' is 2024-02-01 "
        "or 2024-01-02). Type --date-format '%d/%m/%Y' or --date-format '%m/%d/%Y'."
    )
    assert clv.summarize(log("05/05/2024", "01/02/2024"), date_format="%d/%m/%Y").start == dt.date(2024, 2, 1)
    with pytest.raises(InputError, match=r"more than one way \(1 day-first, 1 month-first of 2 readable rows\)"):
        clv.summarize(log("13/01/2024", "01/13/2024"))


def test_a_refund_that_is_dropped_still_shows_how_long_the_log_was_kept() -> None:
    rows = pd.DataFrame({"customer_id": 1, "date": ["2024-01-01", "2024-01-15"], "value": [5.0, -5.0]})
    for returns in ("drop", "keep"):
        assert clv.summarize(rows, returns=returns).until == dt.date(2024, 1, 15)
