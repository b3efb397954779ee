"""Are the figures' tables what one counts on paper, on a log of four customers?"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import cache
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

import clvmodels as clv
from clvmodels import charts, tables
from clvmodels.calendar import Unit
from clvmodels.evaluation import Evaluation
from clvmodels.fitting.result import Fit
from clvmodels.models import BGNBD
from clvmodels.prediction import Predictions
from clvmodels.summary import Split

MODEL = BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)

# Calibration Monday 1 to Sunday 28 January 2024; anna comes twice on her first day, dora is born in the holdout.
LOG = pd.DataFrame(
    [
        ("anna", "2024-01-01"), ("anna", "2024-01-01"), ("anna", "2024-01-10"), ("anna", "2024-01-28"),
        ("anna", "2024-02-05"),
        ("ben", "2024-01-03"), ("ben", "2024-01-17"), ("ben", "2024-02-04"), ("ben", "2024-03-03"),
        ("carl", "2024-01-20"),
        ("dora", "2024-01-29"), ("dora", "2024-02-06"),
    ],
    columns=["customer_id", "date"],
)  # fmt: skip


@cache
def halves(holdout_end: str = "2024-03-03") -> tuple[Split, Predictions]:
    split = clv.split(LOG, calibration_end="2024-01-28", holdout_end=holdout_end, value=False)
    none = dict.fromkeys(MODEL.parameter_names())
    start, until = split.calibration.start, split.calibration.until
    fit = Fit(MODEL, "given", Unit.WEEK, 0.0, 3, True, "given", np.zeros((4, 4)), none, {}, start, until, "USD", "")
    return split, clv.predict(fit, split.calibration, horizon=split.holdout.horizon)


def judged(actual: list[float], **predicted: list[float]) -> Evaluation:
    """An evaluation of made-up predictions: model, formula_customer, formula_repeat."""
    columns = {name: np.array(values, float) for name, values in predicted.items()}
    return cast(
        Evaluation,
        SimpleNamespace(
            models={"purchases": "bgnbd"},
            customers=range(len(actual)),
            actual=lambda quantity: np.array(actual, float),
            predicted=lambda quantity, name=None: columns[name or "model"],
        ),
    )


def test_weeks_are_counted_from_the_end_of_the_calibration() -> None:
    rows = tables.tracking(*halves()).frame
    ends = ["01-07", "01-14", "01-21", "01-28", "02-04", "02-11", "02-18", "02-25", "03-03"]
    assert rows["date"].dt.strftime("%m-%d").tolist() == ends
    assert rows["actual"].tolist() == [0, 1, 1, 1, 1, 1, 0, 0, 1]
    assert rows["cumulative_actual"].tolist() == [0, 1, 2, 3, 4, 5, 5, 5, 6]
    assert rows["period"].tolist() == ["calibration"] * 4 + ["holdout"] * 5


def test_unconditional_expectation_counts_from_each_first_purchase() -> None:
    rows = tables.tracking(*halves()).frame
    births = [dt.date(2024, 1, day) for day in (1, 3, 20)]
    for date, cumulative in zip(rows["date"][:4].dt.date, rows["cumulative_model"][:4], strict=True):
        ages = [(date - birth).days / 7 for birth in births if birth <= date]
        assert cumulative == pytest.approx(
            sum(float(MODEL.expected_purchases(age, 0, 0, 0)) for age in ages), rel=1e-12
        )


def test_conditional_expectation_starts_from_what_was_bought() -> None:
    split, forecast = halves()
    rows = tables.tracking(split, forecast).frame
    known = [(2.0, 27 / 7, 27 / 7), (1.0, 2.0, 25 / 7), (0.0, 0.0, 8 / 7)]
    for weeks, cumulative in zip((1, 2, 3, 4, 5), rows["cumulative_model"][4:], strict=True):
        expected = sum(float(MODEL.expected_purchases(weeks, *customer)) for customer in known)
        assert cumulative == pytest.approx(3 + expected, rel=1e-12)


def test_a_short_last_week_says_how_long_it_is() -> None:
    rows = tables.tracking(*halves("2024-03-05")).frame
    assert rows["days"].tolist() == [7] * 9 + [2]
    assert rows["date"].iloc[-1] == pd.Timestamp("2024-03-05")
    assert rows["actual"].iloc[-1] == 0


def test_short_data_are_followed_day_by_day() -> None:
    rows = tables.tracking(*halves("2024-02-08")).frame
    assert set(rows["days"]) == {1}
    assert len(rows) == 28 + 11
    assert rows.loc[rows["actual"] > 0, "date"].dt.strftime("%m-%d").tolist() == [
        "01-10", "01-17", "01-28", "02-04", "02-05",
    ]  # fmt: skip


def test_formula_accrues_evenly_to_its_total() -> None:
    split, forecast = halves()
    rows = tables.tracking(split, forecast).frame
    total = (3 + 2 + 1) / 13 * 5  # everybody's T is under 13 weeks and counts as 13; H is 5 weeks
    assert rows["formula_customer"].iloc[4:].tolist() == pytest.approx([total / 5] * 5)
    assert rows["formula_repeat"].iloc[4:].tolist() == pytest.approx([(2 + 1) / 13] * 5)
    assert rows["formula_customer"].iloc[:4].isna().all()


def test_counts_and_means_by_frequency() -> None:
    split, forecast = halves()
    counts = tables.frequency_histogram(split, forecast).frame
    assert counts["actual"].tolist() == [1, 1, 1, 0, 0, 0, 0, 0]
    T = [27 / 7, 25 / 7, 8 / 7]
    for n in range(7):
        assert counts["model"][n] == pytest.approx(sum(float(MODEL.pmf(n, t, 0, 0, 0)) for t in T), rel=1e-9)
        rate = 3 / sum(T)
        poisson = sum(np.exp(-rate * t) * (rate * t) ** n / float(np.prod(np.arange(1.0, n + 1))) for t in T)
        assert counts["formula"][n] == pytest.approx(poisson, rel=1e-9)
    means = tables.conditional_expectation(split, forecast).frame
    assert means["customers"].tolist() == [1, 1, 1, 0, 0, 0, 0, 0]
    assert means["actual"].tolist()[:3] == [0, 2, 1]
    assert means["actual"][3:].isna().all()


def test_three_customers_without_a_choice() -> None:
    split, forecast = halves()
    everything = clv.summarize(LOG, until="2024-03-03", value=False)
    rows = tables.timeline(split, forecast, everything=everything).frame
    counts = rows.groupby(["customer_id", "period"]).size().to_dict()
    assert counts == {
        ("anna", "calibration"): 3, ("anna", "holdout"): 1,
        ("ben", "calibration"): 2, ("ben", "holdout"): 2,
        ("carl", "calibration"): 1,
    }  # fmt: skip
    assert rows["customer_id"].drop_duplicates().iloc[0] == "carl"  # the one-time buyer first
    assert (tables.timeline(split, forecast).frame["period"] == "calibration").all()


def test_tenths_split_ties_in_proportion() -> None:
    split, forecast = halves()
    actual, flat = [float(i) for i in range(20)], [3.0] * 20
    falling = [float(-i) for i in range(20)]
    evaluation = judged(actual, model=flat, formula_customer=falling, formula_repeat=actual)
    rows = tables.deciles(split, forecast, evaluation=evaluation).frame.set_index(["predictor", "decile"])
    assert rows.loc["model", "actual"].tolist() == pytest.approx([9.5] * 10)
    assert rows.loc["model", "predicted"].tolist() == pytest.approx([3.0] * 10)
    assert rows.loc["formula_customer", "actual"].tolist() == pytest.approx([2 * i + 0.5 for i in range(10)])
    assert rows.loc["formula_repeat", "actual"].tolist() == pytest.approx([2 * i + 0.5 for i in range(10)][::-1])


def test_gain_is_straight_over_ties() -> None:
    split, forecast = halves()
    evaluation = judged([4, 0, 2, 2], model=[3, 2, 1, 1], formula_customer=[1, 1, 1, 1], formula_repeat=[4, 0, 2, 2])
    table = tables.gain(split, forecast, evaluation=evaluation)
    rows = table.frame.set_index(table.frame["customers"].round(2))
    at = [0.25, 0.5, 0.75, 1.0]
    assert rows.loc[at, "model"].tolist() == pytest.approx([0.5, 0.5, 0.75, 1.0])
    assert rows.loc[at, "formula_customer"].tolist() == pytest.approx(at)
    assert rows.loc[at, "perfect"].tolist() == pytest.approx([0.5, 0.75, 1.0, 1.0])
    assert table.facts["gini_formula_customer"] == pytest.approx(0.0, abs=1e-12)
    assert table.facts["gini_formula_repeat"] == pytest.approx(1.0)


def test_reliability_bins() -> None:
    split, forecast = halves()
    forecast = replace(forecast, frame=forecast.frame.assign(p_active=[0.95, 0.05, 0.06]))
    evaluation = judged([2, 0, 1], model=[1, 1, 1], formula_customer=[0, 0, 9.0], formula_repeat=[0, 0, 0])
    rows = tables.reliability(split, forecast, evaluation=evaluation).frame.set_index(["predictor", "bin_lower"])
    low, high = rows.loc[("model", 0.0)], rows.loc[("model", 0.9)]
    assert (low["customers"], low["observed"], low["predicted"]) == (2, 0.5, pytest.approx(0.055))
    assert (high["customers"], high["observed"], high["upper"]) == (1, 1.0, 1.0)
    # One of one: the 90 % lower limit p solves p = 0.05; one of two: 1 − (1 − p)² = 0.05.
    assert high["lower"] == pytest.approx(0.05)
    assert low["lower"] == pytest.approx(1 - np.sqrt(0.95))
    assert rows.loc[("formula_customer", 0.9), "predicted"] == pytest.approx(1 - np.exp(-9))


def test_pit_spreads_each_customer_over_the_step() -> None:
    split, forecast = halves()
    evaluation = clv.evaluate(forecast, split.holdout, resamples=20)
    rows = tables.pit(split, forecast, evaluation=evaluation).frame
    outcomes, actual = forecast.purchase_outcomes, evaluation.actual("purchases")
    below, upto = outcomes.cdf(actual - 1), outcomes.cdf(actual)
    edges = np.linspace(0, 1, 11)
    for lower, upper, density in zip(edges, edges[1:], rows["density"], strict=False):
        share = [max(0.0, min(upper, u) - max(lower, b)) / (u - b) for b, u in zip(below, upto, strict=True)]
        assert density == pytest.approx(10 * np.mean(share), rel=1e-9)


def test_verdict_turns_every_metric_the_same_way() -> None:
    split, forecast = halves()
    comparison = pd.DataFrame(
        [
            ("purchases", "rmse", "bgnbd", "formula", -0.5, -0.7, -0.3, "better"),
            ("purchases", "gini", "bgnbd", "formula", -0.1, -0.2, -0.05, "worse"),
            ("purchases", "total_error", "bgnbd", "formula", 0.2, -0.1, 0.5, "no evidence"),
        ],
        columns=["quantity", "metric", "model", "formula", "difference", "lower", "upper", "verdict"],
    )
    evaluation = cast(Evaluation, SimpleNamespace(comparison=comparison, customers=range(3), n_resamples=20))
    rows = tables.verdict(split, forecast, evaluation=evaluation).frame
    assert rows["advantage"].tolist() == [0.5, -0.1, -0.2]
    assert rows["lower"].tolist() == [0.3, -0.2, -0.5]
    assert rows["upper"].tolist() == [0.7, -0.05, 0.1]
    assert rows["topic"].tolist() == ["errors", "ranking", "totals"]


def test_three_customers_without_money_still_make_every_figure() -> None:
    split, forecast = halves()
    evaluation = clv.evaluate(forecast, split.holdout, resamples=20)
    made = tables.figure_tables(split, forecast, evaluation=evaluation)
    assert "value_distribution" not in made
    assert made["deciles"].facts["quantity"] == made["gain"].facts["quantity"] == "purchases"
    drawn: dict[str, Any] = charts.figures(made)
    assert list(drawn) == list(made)
    assert "purchases" in drawn["deciles"].title
