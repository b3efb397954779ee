"""Units of time and money change no limit of a mean and no chance, whatever the method, at the same seed."""

from __future__ import annotations

import warnings
from functools import cache
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.errors import DiagnosticWarning
from clvmodels.models import BGNBD, GammaGamma
from clvmodels.prediction import Predictions
from clvmodels.summary import Summary
from tests.conftest import need

YEN = 150.0
MONEY = ("value", "clv")


@cache
def rfm(log: str) -> pd.DataFrame:
    if log == "cdnow":
        return clv.split("cdnow-sample").calibration.frame.iloc[::3]
    spend = GammaGamma(6.25, 3.74, 15.44)
    rows = clv.simulate(
        BGNBD(0.25, 4.4, 0.8, 2.4), spend=spend, customers=300, start="2024-01-01", end="2024-09-30", seed=3
    )
    return clv.summarize(rows, until="2024-09-30").frame


@cache
def forecast(log: str, method: str, unit: str = "week", price: float = 1.0) -> Predictions:
    frame = rfm(log)[["customer_id", "frequency", "recency", "T", "monetary_value"]].copy()
    frame[["recency", "T"]] *= 7.0 if unit == "day" else 1.0
    frame["monetary_value"] *= price
    summary = Summary.from_frame(frame, unit=unit, until="2024-09-30")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiagnosticWarning)
        purchases, spend = (clv.fit(family, summary, method=method) for family in (BGNBD, GammaGamma))
    return clv.predict(purchases, summary, spend=spend)


@pytest.mark.parametrize(
    ("log", "method", "unit", "price"),
    [
        ("cdnow", "mle", "day", 100.0),
        ("cdnow", "posterior", "day", 1.0),
        ("cdnow", "posterior", "week", YEN),
        ("small", "mle", "day", YEN),
        ("small", "posterior", "day", 100.0),
    ],
)
def test_units(log: str, method: str, unit: str, price: float) -> None:
    if method == "posterior":
        need(find_spec("arviz_stats"), "arviz-stats")
    base, other = forecast(log, method), forecast(log, method, unit, price)
    names = [
        name for name in map(str, base.frame.select_dtypes("number")) if name not in ("recency", "T", "customer_id")
    ]
    scale = np.array(
        [price if name.startswith((*MONEY, "expected_spend", "monetary", "formula")) else 1 for name in names]
    )
    assert other.frame[names].to_numpy() == pytest.approx(base.frame[names].to_numpy() * scale, rel=1e-6, nan_ok=True)
    for quantity in ("purchases", *MONEY):
        factor = price if quantity in MONEY else 1.0
        for end in ("", "_lower", "_upper"):
            mine, theirs = (getattr(each.totals, quantity + end) for each in (base, other))
            assert theirs == pytest.approx(factor * mine, rel=1e-6)
    for by in (None, "frequency"):
        mine, theirs = (each.mean_intervals(draws=100, seed=3, by=by) for each in (base, other))
        for column in mine.columns[2 if by else 1 :]:
            factor = price if column.startswith(MONEY) else 1.0
            assert theirs[column].to_numpy() == pytest.approx(factor * mine[column].to_numpy(), rel=1e-6), column
    chances = [
        each.probabilities(values=[25.0 * factor], top=None if log == "small" else 0.1).iloc[:, 1:].to_numpy()
        for each, factor in ((base, 1), (other, price))
    ]
    assert chances[1] == pytest.approx(chances[0], rel=1e-6, abs=1e-9)
