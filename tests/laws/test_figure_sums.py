"""Do the figures' tables add up to the totals they belong to?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

import clvmodels as clv
from clvmodels import tables
from clvmodels.evaluation import Evaluation
from clvmodels.models import BGNBD, GammaGamma
from clvmodels.prediction import Predictions
from clvmodels.summary import Split
from clvmodels.tables import FigureTable


class Case(NamedTuple):
    split: Split
    forecast: Predictions
    evaluation: Evaluation
    future: Predictions
    tables: dict[str, FigureTable]


@pytest.fixture(scope="module", params=["cdnow-sample", "simulated days"])
def case(request: pytest.FixtureRequest) -> Case:
    """Real data in weeks, and simulated data in days whose periods do not divide the calibration."""
    source, unit, cut, end = "cdnow-sample", "week", "1997-09-30", "1998-06-30"
    if request.param != source:
        unit, cut, end = "day", "2024-07-17", "2024-12-24"
        source = clv.simulate(
            BGNBD(r=0.7, alpha=20.0, a=0.6, b=3.0), spend=GammaGamma(p=6.0, q=4.0, v=15.0),
            customers=400, start="2024-01-01", end=end, unit=unit, seed=5,
        )  # fmt: skip
    split = clv.split(source, calibration_end=cut, holdout_end=end, unit=unit)
    everything = clv.summarize(source, until=end, unit=unit)
    fits = [(clv.fit(BGNBD, summary), clv.fit(GammaGamma, summary)) for summary in (split.calibration, everything)]
    forecast = clv.predict(fits[0][0], split.calibration, spend=fits[0][1], horizon=split.holdout.horizon)
    future = clv.predict(fits[1][0], everything, spend=fits[1][1], margin=0.4)
    evaluation = clv.evaluate(forecast, split.holdout, resamples=20)
    drawn = tables.figure_tables(split, forecast, evaluation=evaluation, future=future)
    return Case(split, forecast, evaluation, future, drawn)


def test_histogram_counts_every_customer_once(case: Case) -> None:
    rows = case.tables["frequency_histogram"].frame
    for name in ("actual", "model", "formula"):
        assert rows[name].sum() == pytest.approx(len(case.split.calibration.frame), rel=1e-9)


def test_tracking_ends_at_the_totals(case: Case) -> None:
    rows, facts = case.tables["tracking"].frame, case.tables["tracking"].facts
    calibration, holdout = case.split
    bought = calibration.frame["frequency"].sum()
    last = rows.iloc[-1]
    assert rows.loc[rows["period"] == "calibration", "actual"].sum() == bought
    assert last["cumulative_actual"] == bought + holdout.frame["purchases"].sum()
    totals = case.forecast.totals
    for name, total in (("cumulative_model", totals.purchases), ("lower", totals.purchases_lower)):
        assert last[name] - bought == pytest.approx(total, rel=1e-9)
    assert facts["total_upper"] == pytest.approx(totals.purchases_upper, rel=1e-9)
    assert rows["days"].sum() == (holdout.horizon.end - calibration.start).days + 1
    for name in ("actual", "model"):
        assert rows[name].sum() == pytest.approx(
            last[f"cumulative_{name}"] + (rows[name][rows["period"] == "calibration"].sum() - bought), rel=1e-9
        )
    for name in tables.base.FORMULAS:
        assert rows[name].sum() == pytest.approx(case.evaluation.predicted("purchases", name).sum(), rel=1e-9)


def test_model_in_the_calibration_is_the_sum_over_customers(case: Case) -> None:
    rows, calibration = case.tables["tracking"].frame, case.split.calibration
    expected = case.forecast.purchases.model.expected_purchases(calibration.frame["T"].to_numpy(), 0, 0, 0).sum()
    assert rows.loc[rows["period"] == "calibration", "cumulative_model"].iloc[-1] == pytest.approx(expected, rel=1e-9)


def test_band_opens_with_time(case: Case) -> None:
    rows = case.tables["tracking"].frame
    later = rows[rows["period"] == "holdout"]
    assert (np.diff(later["upper"] - later["lower"]) > 0).all()
    assert later["cumulative_model"].between(later["lower"], later["upper"]).all()


def test_groups_by_frequency_add_up(case: Case) -> None:
    rows = case.tables["conditional_expectation"].frame
    total = {name: (rows["customers"] * rows[name]).sum() for name in ("actual", "model", *tables.base.FORMULAS)}
    assert rows["customers"].sum() == len(case.split.calibration.frame)
    assert total["actual"] == pytest.approx(case.split.holdout.frame["purchases"].sum(), rel=1e-9)
    assert total["model"] == pytest.approx(case.forecast.totals.purchases, rel=1e-9)
    for name in tables.base.FORMULAS:
        assert total[name] == pytest.approx(case.evaluation.predicted("purchases", name).sum(), rel=1e-9)


def test_tenths_and_gain_hold_all_value(case: Case) -> None:
    n = len(case.forecast.frame)
    for name, rows in case.tables["deciles"].frame.groupby("predictor"):
        predictor = None if name == "model" else name
        assert rows["predicted"].sum() * n / 10 == pytest.approx(case.evaluation.predicted("value", predictor).sum())
        assert rows["actual"].sum() * n / 10 == pytest.approx(case.evaluation.actual("value").sum())
    curves = case.tables["gain"].frame
    assert curves.iloc[0].tolist() == [0.0] * len(curves.columns)
    np.testing.assert_allclose(curves.iloc[-1], 1.0)
    best = curves.drop(columns="customers").le(curves["perfect"] + 1e-12, axis=0)
    assert best.to_numpy().all()
    assert (np.diff(curves["perfect"], 2) < 1e-12).all()


def test_gain_agrees_with_tenths_and_gini(case: Case) -> None:
    curves, facts = case.tables["gain"].frame, case.tables["gain"].facts
    metrics = case.evaluation.metrics.set_index(["predictor", "quantity", "metric"])["value"]
    for name in ("model", *tables.base.FORMULAS):
        predictor = case.evaluation.models["value"] if name == "model" else name
        assert facts[f"gini_{name}"] == pytest.approx(metrics[predictor, "value", "gini"], rel=1e-9)
        assert curves[name].iloc[10] == pytest.approx(metrics[predictor, "value", "top_decile_capture"], rel=1e-9)


def test_reliability_counts_every_customer_once(case: Case) -> None:
    table = case.tables["reliability"]
    for name, rows in table.frame.groupby("predictor"):
        assert rows["customers"].sum() == len(case.forecast.frame)
        assert (rows["customers"] * rows["observed"]).sum() == pytest.approx(table.facts["total_actual"])
        assert (rows["customers"] * rows["predicted"]).sum() == pytest.approx(table.facts[f"total_{name}"])
        assert rows["predicted"].between(rows["bin_lower"], rows["bin_upper"]).all()
        assert rows["observed"].between(rows["lower"], rows["upper"]).all()


def test_pit_is_a_distribution(case: Case) -> None:
    for _, rows in case.tables["pit"].frame.groupby("quantity"):
        assert rows["density"].mean() == pytest.approx(1.0, rel=1e-9)


def test_verdict_agrees_with_the_comparison(case: Case) -> None:
    rows, comparison = case.tables["verdict"].frame, case.evaluation.comparison
    assert rows["verdict"].tolist() == comparison["verdict"].tolist()
    known = rows.dropna(subset=["lower", "upper"])
    assert ((known["verdict"] == "better") <= (known["lower"] >= 0)).all()
    assert ((known["verdict"] == "worse") <= (known["upper"] <= 0)).all()
    assert known["advantage"].between(known["lower"], known["upper"]).all()


def test_maps_hold_the_model_at_their_cells(case: Case) -> None:
    table = case.tables["purchases_heatmap"]
    row = table.frame.iloc[len(table.frame) // 3]
    T, model = table.facts["T"], case.forecast.purchases.model
    t = case.split.holdout.horizon.length(case.split.calibration.unit)
    expected = model.expected_purchases(t, row["frequency"], T - row["silence"], T)
    assert row["model"] == pytest.approx(float(expected), rel=1e-12)
    shown = case.tables["alive_heatmap"].frame
    assert shown["p_alive"].between(0, 1).all()
    assert (shown["actual"].notna() == (shown["customers"] >= table.facts["fewest"])).all()
    assert shown["actual"].notna().any()


def test_value_distribution_holds_everybody_and_all_value(case: Case) -> None:
    table, frame = case.tables["value_distribution"], case.future.frame
    for name, column in (("model", "value"), ("formula_customer", "formula_value")):
        rows = table.frame[table.frame["predictor"] == name]
        assert rows["customers"].sum() == len(frame)
        assert rows["value"].sum() == pytest.approx(frame[column].sum(), rel=1e-9)
        mean = rows["value"] / rows["customers"]
        assert mean.between(rows["lower"] * (1 - 1e-9), rows["upper"] * (1 + 1e-9)).all()
        by_tier = rows.groupby("tier")["customers"].sum()
        assert by_tier.to_dict() == frame["tier"].astype(str).value_counts().to_dict()
    assert table.facts["tiers"] == ["top", "high", "middle", "low"]
