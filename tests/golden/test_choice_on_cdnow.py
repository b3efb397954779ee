"""Does what is chosen on earlier cut-offs of CDNOW's sample lose to no formula in the holdout that nobody had seen?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clvmodels.choice import Choice, choose
from clvmodels.choice.taking import take
from clvmodels.evaluation import Evaluation, evaluate
from clvmodels.fitting import fit
from clvmodels.prediction import predict
from clvmodels.store import load, save
from clvmodels.summary import Split, split, summarize

SPLIT = {"calibration_end": "1997-09-30", "holdout_end": "1998-06-30"}
NOT_TO_LOSE = ["rmse", "crps", "gini", "auc_active", "spearman", "top_decile_capture"]
TEXTBOOK = ["formula", "formula_customer"]


@pytest.fixture(scope="module")
def parts() -> Split:
    return split("cdnow-sample", **SPLIT)


@pytest.fixture(scope="module")
def choice(parts: Split) -> Choice:
    return choose(parts.calibration)


@pytest.fixture(scope="module")
def judged(parts: Split, choice: Choice) -> Evaluation:
    purchases = choice.fit(parts.calibration)
    spend = fit(choice.spend, parts.calibration)
    forecast = predict(purchases, parts.calibration, spend=spend, horizon=parts.holdout.horizon)
    return evaluate(forecast, parts.holdout, resamples=2000)


def test_the_league_is_whole(choice: Choice) -> None:
    league = choice.league.set_index("predictor")
    assert {"bgnbd", "mbgnbd", "pareto_nbd", "nbd", "stack"} <= set(league.index)
    assert league["chosen"].sum() == 1
    assert league.index[league["chosen"]].tolist() == [choice.family]
    assert np.all(league["log_score_lower"] <= league["log_score_difference"])
    assert np.all(league["log_score_difference"] <= league["log_score_upper"])
    best = league.drop("stack")["log_score"].idxmax()
    assert league.loc[best, ["log_score_difference", "crps_difference"]].tolist() == [0.0, 0.0]
    assert choice.cutoffs["cutoff"].is_monotonic_increasing
    assert choice.cutoffs["end"].astype(str).eq("1997-09-30").all()


def test_the_stack_is_what_earlier_cut_offs_prefer(choice: Choice) -> None:
    assert choice.family == "stack"
    assert sum(choice.weights.values()) == pytest.approx(1)
    assert min(choice.weights.values()) >= 0.02
    assert choice.weights["nbd"] == pytest.approx(0.2, abs=0.05)  # some seem never to leave
    league = choice.league.set_index("predictor")
    assert league["log_score"].idxmax() == "stack"
    assert league["crps"].idxmin() == "stack"


def test_it_loses_to_no_formula_and_no_heuristic(judged: Evaluation) -> None:
    rows = judged.comparison[judged.comparison["metric"].isin(NOT_TO_LOSE)]
    assert len(rows) == 2 * 6 * 6
    assert rows.loc[rows["holm"] == "worse", ["quantity", "metric", "formula"]].empty


def test_it_beats_the_textbook(judged: Evaluation) -> None:
    rows = (
        judged.comparison[judged.comparison["formula"].isin(TEXTBOOK)]
        .set_index(["quantity", "metric", "formula"])
        .sort_index()
    )
    for quantity in ("purchases", "value"):
        for metric in ("crps", "total_error", "decile_mape"):
            assert (rows.loc[(quantity, metric), "holm"] == "better").all(), (quantity, metric)
    assert (rows.loc[("purchases", "rmse"), "holm"] == "better").all()
    assert rows.loc[("value", "rmse", "formula"), "holm"] == "better"
    # one customer decides the formula's error: a difference of −143 in an error of 219 is significant by itself only
    assert rows.loc[("value", "rmse", "formula_customer"), "p_value"] < 0.05


def test_numbers_of_the_holdout(judged: Evaluation) -> None:
    values = judged.metrics[judged.metrics["predictor"].isin(judged.models.values())]
    found = values.set_index(["quantity", "metric"])["value"]
    assert found["purchases", "total_error"] == pytest.approx(-0.02, abs=0.03)
    assert found["purchases", "rmse"] == pytest.approx(1.597, abs=0.003)
    assert found["purchases", "crps"] == pytest.approx(0.503, abs=0.002)
    assert found["purchases", "gini"] == pytest.approx(0.691, abs=0.002)
    assert found["purchases", "pit_ks"] < 0.02


def test_holm_is_what_it_says(judged: Evaluation) -> None:
    rows = judged.comparison
    for _quantity, some in rows.groupby("quantity"):
        tested = some.dropna(subset=["p_value"]).sort_values("p_value")
        factors = np.arange(len(tested), 0, -1)
        by_hand = np.minimum(np.maximum.accumulate(tested["p_value"].to_numpy() * factors), 1)
        np.testing.assert_allclose(tested["p_holm"], by_hand)
    assert set(rows.loc[rows["p_holm"] > 0.05, "holm"]) <= {"no evidence"}


def test_the_future_is_not_known(parts: Split) -> None:
    days = parts.calibration.purchases.to_pandas()
    blind = summarize(days, until="1997-09-30", customer_id="customer_id", date="date", value="value")
    some = {"families": ["bgnbd", "nbd"]}
    one, other = choose(parts.calibration, **some), choose(blind, **some)
    assert (one.family, one.weights, one.reason) == (other.family, other.weights, other.reason)
    pd.testing.assert_frame_equal(one.league, other.league)


def test_a_stack_is_saved_and_loaded(parts: Split, choice: Choice, tmp_path: object) -> None:
    stack = choice.fit(parts.calibration, family="stack")
    path = f"{tmp_path}/fit.json"
    save(stack, path)
    again = load(path)
    horizon = parts.holdout.horizon
    one, other = (predict(each, parts.calibration, horizon=horizon) for each in (stack, again))
    pd.testing.assert_frame_equal(one.frame, other.frame)
    assert one.totals == other.totals
    assert again.parameters == stack.parameters == pytest.approx(dict(choice.weights), rel=1e-12)


def test_totals_of_a_stack_hold_the_doubt_between_its_members(parts: Split, choice: Choice) -> None:
    stack = choice.fit(parts.calibration, family="stack")
    horizon = parts.holdout.horizon
    totals = predict(stack, parts.calibration, horizon=horizon).totals
    apart = [predict(one, parts.calibration, horizon=horizon).totals for one in stack.members]
    mean = sum(weight * one.purchases for weight, one in zip(stack.weights, apart, strict=True))
    assert totals.purchases == pytest.approx(mean, rel=1e-9)
    assert totals.purchases_upper - totals.purchases_lower > max(
        one.purchases_upper - one.purchases_lower for one in apart
    )
    assert totals.purchases_lower < 1882 < totals.purchases_upper


def test_a_named_family_is_taken_without_a_choice(parts: Split) -> None:
    taken = take("nbd", None, parts.calibration)
    assert (taken.purchases.model.name, taken.spend and taken.spend.model.name) == ("nbd", "gamma_gamma")
    assert taken.choice is None


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::clvmodels.errors.DiagnosticWarning")
def test_online_retail_is_not_lost_either(online_retail: Path) -> None:
    """A wholesaler whose customers hardly leave, with Christmas in the holdout: the formula is hard to beat there."""
    calibration, holdout = split(online_retail)
    chosen = choose(calibration)
    assert chosen.family == "stack"
    assert chosen.weights["formula_customer"] == pytest.approx(0.15, abs=0.03)
    spend = fit(chosen.spend, calibration)
    forecast = predict(chosen.fit(calibration), calibration, spend=spend, horizon=holdout.horizon)
    rows = evaluate(forecast, holdout, resamples=2000).comparison
    lost = rows[rows["metric"].isin(NOT_TO_LOSE) & (rows["holm"] == "worse")]
    assert lost.empty
    rows = rows.set_index(["quantity", "metric", "formula"]).sort_index()
    for key in (("purchases", "crps"), ("value", "crps")):
        assert (rows.loc[key].loc[TEXTBOOK, "holm"] == "better").all()
    for metric in ("total_error", "decile_mape"):
        assert (rows.loc[("purchases", metric)].loc[TEXTBOOK, "p_value"] < 0.01).all()
        assert (rows.loc[("purchases", metric)].loc[TEXTBOOK, "difference"] < 0).all()
