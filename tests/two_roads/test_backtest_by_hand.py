"""Does a backtest say what a split and an evaluation say, in one process or two, and what a pencil says?"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.backtesting import Backtest
from clvmodels.backtesting.rounds import ages
from clvmodels.calendar import Horizon
from clvmodels.formula import FORMULAS, predict_by_formula
from clvmodels.transactions import read_transactions

FEW = {"families": ["bgnbd", "nbd"], "spends": ["gamma_gamma"], "resamples": 40}


@pytest.fixture(scope="module")
def rolled() -> Backtest:
    return clv.backtest("cdnow-sample", cutoffs=3, workers=1, **FEW)


@pytest.fixture(scope="module")
def tiny() -> pd.DataFrame:
    """Three customers over 30 weeks, too few for any family."""
    rows = [
        ("a", "2024-01-01", 10.0), ("a", "2024-02-05", 20.0), ("a", "2024-05-06", 30.0), ("a", "2024-07-08", 5.0),
        ("b", "2024-01-08", 40.0), ("b", "2024-06-10", 8.0),
        ("c", "2024-03-04", 7.0),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["customer_id", "date", "value"])


def value(table: pd.DataFrame, *, column: str = "value", **where: object) -> float:
    for name, wanted in where.items():
        table = table[table[name] == wanted]
    assert len(table) == 1, where
    return float(table[column].iloc[0])


def test_one_cutoff_is_an_evaluation_of_the_split() -> None:
    calibration, holdout = clv.split("cdnow-sample", calibration_end="1997-09-30", holdout_end="1998-06-30")
    fits = clv.fit("bgnbd", calibration), clv.fit("gamma_gamma", calibration)
    forecast = clv.predict(fits[0], calibration, spend=fits[1], horizon=holdout.horizon)
    evaluated = clv.evaluate(forecast, holdout, resamples=40, seed=3)
    result = clv.backtest("cdnow-sample", cutoffs=["1997-09-30"], seed=3, **FEW)
    both = evaluated.metrics.merge(result.league, on=["predictor", "quantity", "metric"])
    assert len(both) == len(evaluated.metrics)
    assert set(both["cutoff"]) == {dt.date(1997, 9, 30)}
    for name in ("value", "lower", "upper"):
        np.testing.assert_allclose(both[f"{name}_x"], both[f"{name}_y"], rtol=1e-9, atol=1e-12)
    assert result.rounds[0].purchases["bgnbd"].parameters == fits[0].parameters


def test_what_is_chosen_at_a_cutoff_is_chosen_in_its_calibration() -> None:
    calibration = clv.split("cdnow-sample", calibration_end="1997-12-31", holdout_end="1998-06-30").calibration
    choice = clv.choose(calibration)
    asked = {"families": ["auto", "stack"], "spends": ["auto"], "resamples": 20}
    one = clv.backtest("cdnow-sample", cutoffs=["1997-12-31"], **asked).rounds[0]
    assert one.purchases["auto"].parameters == choice.fit(calibration).parameters
    assert one.purchases["stack"].parameters == pytest.approx(choice.weights)
    assert one.spends["auto"].model.name == choice.spend
    assert [each.name for each in one.bench("value").predictors][:2] == ["auto+auto", "stack+auto"]


def test_the_parameters_are_those_of_the_fits(rolled: Backtest) -> None:
    cutoff = rolled.cutoffs[1]
    fit = clv.fit("bgnbd", clv.summarize("cdnow-sample", until=cutoff))
    mine = rolled.parameters[(rolled.parameters["cutoff"] == cutoff) & (rolled.parameters["family"] == "bgnbd")]
    pd.testing.assert_frame_equal(
        mine.drop(columns=["cutoff", "family"]).reset_index(drop=True), fit.table(), check_exact=True
    )


def test_two_processes_say_the_same_as_one(rolled: Backtest) -> None:
    again = clv.backtest("cdnow-sample", cutoffs=3, workers=2, **FEW)
    for name in ("league", "pooled", "parameters", "fits", "by_horizon", "by_frequency", "by_cohort", "one_time"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(rolled, name), check_exact=True)


def test_a_script_without_a_guard_is_not_run_again(tmp_path) -> None:
    """Where ``multiprocessing`` would import the caller's script, and run it, our workers do not."""
    import subprocess
    import sys

    script = tmp_path / "script.py"
    script.write_text(
        "import clvmodels as clv\nprint('once')\n"
        "r = clv.backtest('cdnow-sample', families=['nbd'], spends=[], cutoffs=2, resamples=20, workers=2)\n"
        "print(len(r.rounds))\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["once", "2"]


def test_pooled_is_the_mean_over_cutoffs(rolled: Backtest) -> None:
    by = rolled.league.groupby(["quantity", "predictor", "metric"])["value"]
    both = rolled.pooled.merge(by.mean().rename("mean").reset_index(), on=["quantity", "predictor", "metric"])
    np.testing.assert_allclose(both["value"], both["mean"])
    assert (rolled.pooled["cutoffs"] == 3).all()
    known = rolled.pooled[np.isfinite(rolled.pooled["value"])]
    assert (known["lowest"] <= known["value"] + 1e-12).all()
    assert (known["value"] <= known["highest"] + 1e-12).all()


def test_log_ratio_is_that_of_the_totals(rolled: Backtest) -> None:
    ratio = np.abs(np.log(rolled.totals["ratio"].where(rolled.totals["ratio"] > 0)))
    wanted = rolled.totals.assign(ratio=ratio).dropna(subset="ratio")
    found = rolled.league[rolled.league["metric"] == "abs_log_total_ratio"]
    both = wanted.merge(found, on=["cutoff", "quantity", "predictor"])
    assert len(both) == len(wanted)
    np.testing.assert_allclose(both["ratio"], both["value"], rtol=1e-9)


def test_a_difference_is_the_mean_of_the_differences(rolled: Backtest) -> None:
    table = rolled.compare("bgnbd", ["formula_customer"], metrics=["total_error", "gini"])
    assert list(table["metric"]) == ["total_error", "gini"]
    league = rolled.league.set_index(["cutoff", "quantity", "predictor", "metric"])["value"]
    for metric, distance in (("total_error", abs), ("gini", float)):
        each = [
            distance(league[cutoff, "purchases", "bgnbd", metric])
            - distance(league[cutoff, "purchases", "formula_customer", metric])
            for cutoff in rolled.cutoffs
        ]
        assert value(table, column="difference", metric=metric) == pytest.approx(np.mean(each))
    opposite = rolled.compare("formula_customer", ["bgnbd"], metrics=["total_error", "gini"])
    np.testing.assert_allclose(table["difference"], -opposite["difference"])
    assert list(table["ahead"] + opposite["ahead"]) == [3, 3]
    assert table["verdict"].iloc[0] == "better"


def test_breakdowns_add_up_to_the_totals(rolled: Backtest) -> None:
    keys = ["cutoff", "quantity", "predictor"]
    totals = rolled.totals.set_index(keys)[["predicted", "actual"]].sort_index()
    for name in ("by_frequency", "by_cohort"):
        sums = getattr(rolled, name).groupby(keys)[["predicted", "actual"]].sum()
        np.testing.assert_allclose(sums.sort_index(), totals, rtol=1e-9)
    last = rolled.by_horizon[rolled.by_horizon["days"] == rolled.days].set_index(keys)[["predicted", "actual"]]
    np.testing.assert_allclose(last.sort_index(), totals, rtol=1e-9)
    assert rolled.by_horizon.groupby(keys)["actual"].apply(lambda seen: seen.is_monotonic_increasing).all()


def test_running_totals_of_the_formulas_are_those_of_shorter_horizons(rolled: Backtest) -> None:
    one = rolled.rounds[1]
    calibration = clv.summarize("cdnow-sample", until=one.cutoff)
    for days in ages(one.horizon):
        horizon = Horizon(one.horizon.start, one.horizon.start + dt.timedelta(days=days - 1))
        for name, said in predict_by_formula(calibration, horizon).items():
            rows = rolled.by_horizon[(rolled.by_horizon["cutoff"] == one.cutoff) & (rolled.by_horizon["days"] == days)]
            for quantity, wanted in (("purchases", said.purchases), ("value", said.value)):
                assert value(rows, column="predicted", quantity=quantity, predictor=name) == pytest.approx(wanted.sum())


def test_running_totals_of_a_family_are_those_of_a_shorter_forecast(rolled: Backtest) -> None:
    one = rolled.rounds[0]
    days = ages(one.horizon)[2]
    calibration = clv.summarize("cdnow-sample", until=one.cutoff)
    forecast = clv.predict(
        clv.fit("bgnbd", calibration), calibration, spend=clv.fit("gamma_gamma", calibration), horizon=f"{days} days"
    )
    rows = rolled.by_horizon[(rolled.by_horizon["cutoff"] == one.cutoff) & (rolled.by_horizon["days"] == days)]
    assert value(rows, column="predicted", predictor="bgnbd") == pytest.approx(forecast.totals.purchases)
    assert value(rows, column="predicted", predictor="bgnbd+gamma_gamma") == pytest.approx(forecast.totals.value)


def test_one_time_buyers_are_judged_apart(rolled: Backtest) -> None:
    one = rolled.rounds[0]
    once = one.calibration.frame["frequency"].to_numpy() == 0
    share = (one.holdout.frame["purchases"].to_numpy()[once] > 0).mean()
    table = rolled.one_time[rolled.one_time["cutoff"] == one.cutoff]
    assert value(table, predictor="actual", metric="p_active") == pytest.approx(share)
    assert value(table, predictor="nbd", metric="p_active") == pytest.approx(one.active["nbd"][once].mean())
    actual = one.holdout.frame["purchases"].to_numpy(float)[once]
    assert value(table, quantity="purchases", predictor="zero", metric="mae") == pytest.approx(actual.mean())


def test_a_tiny_log_by_hand(tiny: pd.DataFrame) -> None:
    """Two cut-offs: at the first, a and b are known; customer c is known at both and never comes back."""
    result = clv.backtest(
        tiny, cutoffs=["2024-03-31", "2024-05-31"], horizon="60 days", until="2024-08-01", resamples=20, unit="day"
    )
    first, second = result.cutoffs
    early = result.skipped[result.skipped["cutoff"] == first].set_index("family")["reason"]
    assert "cannot be fitted" in early["gamma_gamma"]  # a single customer with a repeat purchase
    there = set(result.totals.loc[result.totals["cutoff"] == first, "predictor"])
    assert "bgnbd" in there
    assert "bgnbd+gamma_gamma" not in there
    assert set(FORMULAS) < there
    actual = {first: (1, 30.0), second: (2, 13.0)}
    for cutoff, (purchases, money) in actual.items():
        rows = result.totals[result.totals["cutoff"] == cutoff]
        assert value(rows, column="actual", quantity="purchases", predictor="zero") == purchases
        assert value(rows, column="actual", quantity="value", predictor="zero") == money
    # T of a, b, c at the first cut-off: 90, 83, 27 days; nobody counts as observed for less than 91.
    rows = result.totals[result.totals["cutoff"] == first]
    assert value(rows, column="predicted", quantity="purchases", predictor="formula_repeat") == pytest.approx(60 / 91)
    assert value(rows, column="predicted", quantity="value", predictor="formula_customer") == pytest.approx(
        77 * 60 / 91
    )
    # At the second a's T is 151, b's 144, c's 88: a bought twice again, and only a in the last 60 days.
    rows = result.totals[result.totals["cutoff"] == second]
    assert value(rows, column="predicted", quantity="purchases", predictor="formula_repeat") == pytest.approx(120 / 151)
    assert value(rows, column="predicted", quantity="value", predictor="persistence") == pytest.approx(30.0)
    mae = (abs(1 - 1) + abs(0 - 1) + 0) / 3
    league = result.league[result.league["cutoff"] == second]
    assert value(league, quantity="purchases", predictor="persistence", metric="mae") == pytest.approx(mae)
    classes = result.by_frequency[
        (result.by_frequency["cutoff"] == second) & (result.by_frequency["predictor"] == "zero")
    ]
    counts = classes[classes["quantity"] == "purchases"].set_index("frequency")[["customers", "actual"]]
    assert counts.to_dict("index") == {
        "0": {"customers": 2, "actual": 1.0}, "2": {"customers": 1, "actual": 1.0},
    }  # fmt: skip


def test_where_no_family_can_be_fitted_the_formulas_are_judged(tiny: pd.DataFrame) -> None:
    """By the first cut-off nobody has come back."""
    result = clv.backtest(
        tiny, cutoffs=["2024-01-31", "2024-05-31"], families=["bgnbd", "nbd"], spends=["gamma_gamma"],
        horizon="38 days", resamples=20,
    )  # fmt: skip
    early = result.skipped[result.skipped["cutoff"] == result.cutoffs[0]]
    assert list(early["family"]) == ["bgnbd", "nbd", "gamma_gamma"]
    assert early["reason"].str.contains("cannot be fitted").all()
    assert set(result.league.loc[result.league["cutoff"] == result.cutoffs[0], "predictor"]) == set(FORMULAS)
    assert result.leader("purchases") is None  # nobody was there at both
    assert result.pooled.set_index(["predictor", "metric"]).loc[("nbd", "crps"), "cutoffs"] == 1


def test_cutoffs_by_default_leave_room_on_both_sides() -> None:
    log = read_transactions("cdnow-sample")
    result = clv.backtest(log, families=["nbd"], spends=[], resamples=20)
    span = (log.last_date - log.first_date).days
    assert len(result.rounds) == 6
    assert result.days == span // 3
    assert result.cutoffs[-1] + dt.timedelta(days=result.days) == log.last_date
    assert (result.cutoffs[0] - log.first_date).days >= span // 3
    gaps = np.diff([cutoff.toordinal() for cutoff in result.cutoffs])
    assert gaps.max() - gaps.min() <= 1
    assert result.quantities == ("purchases",)


def test_online_retail(online_retail) -> None:
    result = clv.backtest(
        online_retail, cutoffs=2, families=["bgnbd", "pareto_nbd"], spends=["gamma_gamma"], resamples=20
    )
    assert len(result.rounds) == 2
    assert result.skipped.empty
    assert not result.suspects
    assert result.leader("value") is not None
    assert np.isfinite(result.pooled.loc[result.pooled["metric"] == "crps", "value"]).all()
