"""Is every variant of the formula what its words say? Five customers, worked out by hand, in days and in weeks."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from clvmodels.calendar import Horizon
from clvmodels.formula import FORMULAS, formula_customer_value, predict_by_formula
from clvmodels.summary import summarize

UNTIL = dt.date(2024, 12, 31)
HORIZON = Horizon.parse("100 days", after=UNTIL)


def day(before: int) -> pd.Timestamp:
    return pd.Timestamp(UNTIL) - pd.Timedelta(days=before)


# customer, days before the end, value
ROWS = [
    ("lost", 364, 30.0), ("lost", 183, 10.0),                              # silent for 26 weeks and a day
    ("quiet", 364, 30.0), ("quiet", 182, 10.0),                            # silent for 26 weeks exactly
    ("once", 200, 25.0),
    ("young", 3, 40.0), ("young", 1, 20.0),                                # observed for three days
    ("busy", 300, 8.0), ("busy", 100, 16.0), ("busy", 99, 0.0), ("busy", 99, 4.0), ("busy", 0, 2.0),
]  # fmt: skip

# Orders, observed days (91 at least), all value, repeat value; then repeats in the last 100 days and their money.
BY_HAND = {
    "lost": (2, 364, 40, 10, 0, 0),
    "quiet": (2, 364, 40, 10, 0, 0),
    "once": (1, 200, 25, 0, 0, 0),
    "young": (2, 91, 60, 20, 1, 20),
    "busy": (4, 300, 30, 22, 2, 6),  # two orders on one day are one; the window begins on the day after UNTIL − 100
}


@pytest.fixture(scope="module")
def log():
    return pd.DataFrame(
        [(who, day(before), value) for who, before, value in ROWS], columns=["customer_id", "date", "value"]
    )


@pytest.fixture(scope="module", params=["week", "day"])
def summary(request, log):
    return summarize(log, until=UNTIL, unit=request.param)


def table(summary, quantity):
    predictions = predict_by_formula(summary, HORIZON)
    return pd.DataFrame(
        {name: getattr(one, quantity) for name, one in predictions.items()}, index=summary.frame["customer_id"]
    )


def test_purchases(summary):
    got = table(summary, "purchases")
    orders, days = (sum(row[i] for row in BY_HAND.values()) for i in (0, 1))
    for who, (n, T, *_, recent, _) in BY_HAND.items():
        repeat = (n - 1) / T * 100
        expected = [orders / days * 100, n / T * 100, repeat, 0 if who == "lost" else repeat, recent, 0]
        np.testing.assert_allclose(got.loc[who, list(FORMULAS)], expected, rtol=1e-12)


def test_value(summary):
    got = table(summary, "value")
    orders, days, money = (sum(row[i] for row in BY_HAND.values()) for i in (0, 1, 2))
    for who, (n, T, total, repeats, _, recent) in BY_HAND.items():
        repeat = (n - 1) / T * 100 * (repeats / (n - 1) if n > 1 else 0)
        everyone = orders / days * 100 * money / orders
        expected = [everyone, n / T * 100 * total / n, repeat, 0 if who == "lost" else repeat, recent, 0]
        np.testing.assert_allclose(got.loc[who, list(FORMULAS)], expected, rtol=1e-12)
    np.testing.assert_array_equal(formula_customer_value(summary, HORIZON), got["formula_customer"])


def test_without_money(log):
    summary = summarize(log[["customer_id", "date"]], until=UNTIL, value=False)
    with_money = summarize(log, until=UNTIL)
    predictions = predict_by_formula(summary, HORIZON)
    for name, one in predict_by_formula(with_money, HORIZON).items():
        assert predictions[name].value is None
        np.testing.assert_array_equal(predictions[name].purchases, one.purchases)


def test_every_variant_says_what_it_is(summary):
    for name, one in predict_by_formula(summary, HORIZON).items():
        assert one.name == name
        assert one.definition == FORMULAS[name]
        assert (one.purchases >= 0).all()
        assert (one.value >= 0).all()


def test_nothing_after_the_end_of_observation_is_read(log, summary):
    later = pd.DataFrame({"customer_id": ["busy"] * 9, "date": [day(-k) for k in range(1, 10)], "value": 1e6})
    again = summarize(pd.concat([log, later]), until=UNTIL, unit=summary.unit)
    pd.testing.assert_frame_equal(table(again, "value"), table(summary, "value"))
