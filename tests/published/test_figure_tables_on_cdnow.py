"""Do the figures' tables hold the numbers that the literature printed for the CDNOW sample?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import clvmodels as clv
from clvmodels import tables
from clvmodels.models import BGNBD
from clvmodels.prediction import Predictions
from clvmodels.summary import Split

# Customers by repeat purchases 0, 1, …, 7+ and their mean holdout purchases, actual and by BG/NBD (BTYD's vignette).
CUSTOMERS = [1411, 439, 214, 100, 62, 38, 29, 64]
ACTUAL = [0.237, 0.697, 1.393, 1.560, 2.532, 2.947, 3.862, 6.359]
EXPECTED = [0.225, 0.523, 1.044, 1.520, 2.164, 2.654, 3.504, 6.157]
# Weeks 20 to 25 of the calibration, actual and by BG/NBD (the same).
WEEKLY = [73, 55, 70, 33, 56, 99]
WEEKLY_EXPECTED = [76.9, 74.9, 73.0, 71.3, 69.7, 68.2]


@pytest.fixture(scope="module")
def split() -> Split:
    return clv.split("cdnow-sample", calibration_end="1997-09-30", holdout_end="1998-06-30")


@pytest.fixture(scope="module")
def forecast(split: Split) -> Predictions:
    return clv.predict(clv.fit(BGNBD, split.calibration), split.calibration, horizon=split.holdout.horizon)


@pytest.fixture(scope="module")
def tracked(split: Split, forecast: Predictions) -> pd.DataFrame:
    return tables.tracking(split, forecast).frame


def test_customers_by_frequency(split: Split, forecast: Predictions) -> None:
    rows = tables.frequency_histogram(split, forecast).frame
    assert rows["actual"].tolist() == CUSTOMERS
    # Fader, Hardie & Lee's chi-square of this histogram: 4.82.
    assert ((rows["actual"] - rows["model"]) ** 2 / rows["model"]).sum() == pytest.approx(4.82, abs=0.01)


def test_conditional_expectation_by_frequency(split: Split, forecast: Predictions) -> None:
    rows = tables.conditional_expectation(split, forecast).frame
    assert rows["customers"].tolist() == CUSTOMERS
    np.testing.assert_allclose(rows["actual"], ACTUAL, atol=5e-4)
    np.testing.assert_allclose(rows["model"], EXPECTED, atol=1.1e-3)
    assert ((rows["lower"] < rows["model"]) & (rows["model"] < rows["upper"])).all()


def test_weekly_repeat_purchases(tracked: pd.DataFrame) -> None:
    assert tracked["actual"].iloc[19:25].tolist() == WEEKLY
    # BTYD ends week k seven k days after the first day, we on the last of those days, as T does: a seventh of a week.
    week, following = (tracked["model"].iloc[start : start + 6].to_numpy() for start in (19, 20))
    np.testing.assert_allclose(week + (following - week) / 7, WEEKLY_EXPECTED, atol=0.06)


def test_cumulative_repeat_purchases(tracked: pd.DataFrame) -> None:
    ends = tracked.groupby("period")["date"].max()
    assert ends.dt.strftime("%Y-%m-%d").to_dict() == {"calibration": "1997-09-30", "holdout": "1998-06-30"}
    assert len(tracked) == 78
    assert set(tracked["days"]) == {7}
    last = tracked.iloc[-1]
    assert tracked["cumulative_actual"].iloc[38] == 2457
    assert last["cumulative_actual"] == 2457 + 1882
    assert last["cumulative_model"] == pytest.approx(2457 + 1654, abs=2)
    assert last["cumulative_formula_customer"] - 2457 == pytest.approx(1882 * 3.065, rel=1e-3)
    assert last["cumulative_formula_repeat"] - 2457 == pytest.approx(1882 * 1.557, rel=1e-3)


def test_three_customers_are_chosen_and_drawn_as_they_are(split: Split, forecast: Predictions) -> None:
    everything = clv.summarize("cdnow-sample", until="1998-06-30")
    rows = tables.timeline(split, forecast, everything=everything).frame
    people = rows.drop_duplicates("customer_id").set_index("customer_id")
    assert people["x"].tolist() == [0, 3, 6]
    for customer, days in rows.groupby("customer_id"):
        before = days.loc[days["period"] == "calibration", "date"]
        assert len(before) == people.loc[customer, "x"] + 1
        assert (before.max() - before.min()).days / 7 == pytest.approx(people.loc[customer, "t_x"], rel=1e-12)
        assert (pd.Timestamp("1997-09-30") - before.min()).days / 7 == pytest.approx(
            people.loc[customer, "T"], rel=1e-12
        )
        assert (days["period"] == "holdout").sum() == people.loc[customer, "actual"]
