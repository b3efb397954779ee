"""Does the evaluation say of CDNOW's sample what is known of it, and does it hang together?"""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from clvmodels import metrics
from clvmodels.errors import DiagnosticWarning
from clvmodels.evaluation import evaluate
from clvmodels.fitting import fit
from clvmodels.formula import FORMULAS
from clvmodels.metrics import METRICS
from clvmodels.models import BGNBD, GammaGamma
from clvmodels.prediction import predict
from clvmodels.summary import split

SPLIT = {"calibration_end": "1997-09-30", "holdout_end": "1998-06-30"}
DISTRIBUTION = {"log_score", "coverage_90", "pit_ks"}
POINT = [name for name in METRICS if name not in DISTRIBUTION]

MODEL = {
    "purchases": {
        "total_error": -0.1215,
        "mae": 0.6657,
        "rmse": 1.6080,
        "gini": 0.6624,
        "spearman": 0.4493,
        "auc_active": 0.7725,
        "decile_mape": 0.1930,
        "top_decile_capture": 0.4693,
        "log_score": -0.9845,
        "crps": 0.5104,
        "coverage_90": 0.8893,
        "pit_ks": 0.0198,
    },
    "value": {
        "total_error": -0.1556,
        "mae": 25.96,
        "rmse": 72.30,
        "gini": 0.6378,
        "spearman": 0.4263,
        "auc_active": 0.7583,
        "decile_mape": 0.2444,
        "top_decile_capture": 0.5020,
        "crps": 20.40,
        "coverage_90": 0.8810,
        "pit_ks": 0.0267,
    },
}
RIVALS = {
    ("formula_customer", "purchases", "gini"): 0.6803,
    ("formula_customer", "value", "gini"): 0.6844,
    ("hiatus", "purchases", "spearman"): 0.4182,
    ("formula_repeat", "purchases", "total_error"): 0.5569,
    ("persistence", "purchases", "mae"): 0.8973,
    ("zero", "purchases", "mae"): 0.7985,
    ("zero", "value", "decile_mape"): 1.0,
    ("formula", "value", "gini"): 0.0,
    ("formula", "value", "auc_active"): 0.5,
}


@pytest.fixture(scope="module")
def parts():
    calibration, holdout = split("cdnow-sample", **SPLIT)
    purchases, spend = fit(BGNBD, calibration), fit(GammaGamma, calibration)
    return purchases, spend, calibration, holdout


@pytest.fixture(scope="module")
def forecast(parts):
    purchases, spend, calibration, holdout = parts
    return predict(purchases, calibration, spend=spend, horizon=holdout.horizon)


@pytest.fixture(scope="module")
def evaluation(forecast, parts):
    return evaluate(forecast, parts[3])


@pytest.fixture(scope="module")
def with_others(forecast, parts, evaluation):
    """The truth itself, and the model's own means, as rivals."""
    actual = {quantity: evaluation.actual(quantity) for quantity in ("purchases", "value")}
    means = {quantity: evaluation.predicted(quantity) for quantity in ("purchases", "value")}
    others = {"truth": (actual["purchases"], actual["value"]), "means": (means["purchases"], means["value"])}
    others |= {"counts": (actual["purchases"], None)}
    with pytest.warns(DiagnosticWarning, match="seems to have seen the holdout: of customers with the same purchase"):
        return evaluate(forecast, parts[3], others=others, resamples=100)


def scores(evaluation):
    return evaluation.metrics.set_index(["predictor", "quantity", "metric"])["value"].sort_index()


def test_the_model_scores_what_it_is_known_to_score(evaluation):
    assert evaluation.models == {"purchases": "bgnbd", "value": "bgnbd+gamma_gamma"}
    for quantity, known in MODEL.items():
        got = scores(evaluation)[evaluation.models[quantity], quantity]
        assert set(got.index) == set(known)
        for name, value in known.items():
            assert got[name] == pytest.approx(value, rel=1e-3, abs=6e-5), (quantity, name)


def test_the_rivals_score_what_they_are_known_to_score(evaluation):
    for key, value in RIVALS.items():
        assert scores(evaluation)[key] == pytest.approx(value, abs=6e-5), key


def test_every_row_of_the_contract_is_there_once(evaluation):
    expected = {
        (predictor, quantity, name)
        for quantity, model in evaluation.models.items()
        for predictor in (model, *FORMULAS)
        for name in METRICS
        if name in POINT or (predictor == model and (name, quantity) != ("log_score", "value"))
    }
    rows = list(evaluation.metrics[["predictor", "quantity", "metric"]].itertuples(index=False, name=None))
    assert len(rows) == len(set(rows))
    assert set(rows) == expected
    compared = evaluation.comparison[["quantity", "metric", "formula"]]
    assert not compared.duplicated().any()
    assert len(compared) == 2 * len(FORMULAS) * len(POINT)
    assert evaluation.n_resamples == 500
    assert (evaluation.skipped["parts"] == 0).all()
    assert len(evaluation.skipped) == 14


def test_the_rivals_metrics_are_those_of_their_columns(evaluation):
    got = scores(evaluation)
    for quantity in evaluation.models:
        for name in FORMULAS:
            for metric in POINT:
                prediction, actual = evaluation.predicted(quantity, name), evaluation.actual(quantity)
                arguments = (np.abs(prediction - actual),) if metric == "crps" else (prediction, actual)
                assert got[name, quantity, metric] == pytest.approx(getattr(metrics, metric)(*arguments), rel=1e-9)


def test_limits_are_in_order_and_in_range(evaluation):
    table = evaluation.metrics
    assert np.isfinite(table[["value", "lower", "upper"]]).all(axis=None)
    assert (table["lower"] <= table["value"]).all()
    assert (table["value"] <= table["upper"]).all()
    for name, metric in METRICS.items():
        rows = table[table["metric"] == name]
        assert rows["lower"].min() >= metric.lowest
        assert rows["upper"].max() <= metric.highest
    differences = evaluation.comparison
    assert np.isfinite(differences[["difference", "lower", "upper"]]).all(axis=None)
    assert (differences["lower"] <= differences["difference"]).all()
    assert (differences["difference"] <= differences["upper"]).all()


def test_differences_and_verdicts_follow_from_the_table(evaluation):
    got = scores(evaluation)
    for row in evaluation.comparison.itertuples():
        ours, theirs = (got[name, row.quantity, row.metric] for name in (row.model, row.formula))
        if row.metric == "total_error":
            ours, theirs = abs(ours), abs(theirs)
        assert row.difference == pytest.approx(ours - theirs, abs=1e-9)
        gain = {"higher": (row.lower, row.upper)}.get(METRICS[row.metric].direction, (-row.upper, -row.lower))
        expected = "better" if gain[0] > 0 else "worse" if gain[1] < 0 else "no evidence"
        assert row.verdict == expected


def test_simultaneous_limits_are_wider_than_the_percentiles_of_one_difference(evaluation):
    width = evaluation.comparison["upper"] - evaluation.comparison["lower"]
    single = evaluation.metrics.assign(width=lambda t: t["upper"] - t["lower"])
    against_nothing = evaluation.comparison["formula"].eq("zero") & evaluation.comparison["metric"].eq("gini")
    model = single[single["predictor"].str.startswith("bgnbd") & single["metric"].eq("gini")]
    assert (width[against_nothing].to_numpy() > 1.3 * model["width"].to_numpy()).all()


def test_the_verdicts_that_matter(evaluation):
    verdicts = evaluation.comparison.set_index(["quantity", "metric", "formula"])["verdict"]
    for quantity in ("purchases", "value"):
        for name in ("total_error", "mae", "crps", "decile_mape"):
            assert verdicts[quantity, name, "formula_customer"] == "better"
        assert verdicts[quantity, "gini", "formula_customer"] == "no evidence"
        assert verdicts[quantity, "gini", "zero"] == "better"


def test_headline_says_totals_errors_ranking_and_calibration_each(evaluation):
    sentences = evaluation.headline()
    assert sentences[0].startswith(
        "On total purchases the model was 12.1 % too low, formula_customer 206.5 % too high: "
        "the model is better by 194.4 ["
    )
    assert any(
        one.startswith(
            "On total value the model was 15.6 % too low, formula_customer 193.0 % too high: the model is better"
        )
        for one in sentences
    )
    for quantity in ("purchases", "value"):
        for topic in ("errors", "ranking", "calibration"):
            (said,) = (one for one in sentences if one.startswith(f"On {topic} of {quantity} the model, against"))
            assert ("is better on mae (" in said) == (topic == "errors")
            if topic == "ranking":
                assert "behind, but within noise, on gini (0.6" in said
        assert f"No variant of the formula beats the model on {quantity} in any of 54 comparisons." in sentences
    assert sentences[-1].startswith("Of 108 comparisons the model is better in ")


def test_a_rival_that_wins_is_named(with_others):
    verdicts = with_others.comparison.set_index(["quantity", "metric", "formula"])["verdict"]
    truth = verdicts.xs("truth", level="formula")
    assert len(truth) == 18
    assert (truth == "worse").all()
    beaten = [one for one in with_others.headline() if one.startswith("The model is beaten on ")]
    assert [one.split(":")[0] for one in beaten] == ["The model is beaten on purchases", "The model is beaten on value"]
    assert "on gini by truth (0.662 against 1.00, difference −0.338 [" in beaten[0]
    assert "counts" in beaten[0]
    assert "counts" not in beaten[1]


def test_the_model_does_not_beat_itself(with_others):
    rows = with_others.comparison
    itself = rows[rows["formula"].eq("means")].set_index(["quantity", "metric"])
    same = itself.drop(index=["mae", "crps"], level="metric")
    assert (same[["difference", "lower", "upper"]] == 0).all(axis=None)
    assert (same["verdict"] == "no evidence").all()
    # It says more than its means do: its medians err less, and its distribution scores better than a point.
    assert (itself.loc[pd.IndexSlice[:, ["mae", "crps"]], "verdict"] == "better").all()


def test_other_rivals_change_no_number_of_the_model_s(evaluation, with_others):
    got, again = scores(evaluation), scores(with_others)
    pd.testing.assert_series_equal(again[got.index], got)


def test_seed_decides_the_limits_and_nothing_else(forecast, parts):
    one, same, other = (evaluate(forecast, parts[3], resamples=60, seed=seed) for seed in (4, 4, 5))
    pd.testing.assert_frame_equal(one.metrics, same.metrics)
    pd.testing.assert_frame_equal(one.comparison, same.comparison)
    assert (one.metrics["value"] == other.metrics["value"]).all()
    assert (one.metrics["lower"] != other.metrics["lower"]).mean() > 0.5


def test_value_is_revenue_whatever_margin_and_discount(parts, evaluation):
    purchases, spend, calibration, holdout = parts
    other = predict(purchases, calibration, spend=spend, horizon=holdout.horizon, margin=0.3, discount_rate=0.5)
    again = evaluate(other, holdout, resamples=20)
    pd.testing.assert_series_equal(scores(again), scores(evaluation))


def test_the_order_of_the_holdout_s_rows_does_not_matter(forecast, parts, evaluation):
    holdout = parts[3]
    shuffled = dataclasses.replace(holdout, frame=holdout.frame.sample(frac=1, random_state=1))
    pd.testing.assert_series_equal(scores(evaluate(forecast, shuffled, resamples=20)), scores(evaluation))


def test_days_and_weeks_are_the_same_evaluation(parts, evaluation):
    calibration, holdout = split("cdnow-sample", **SPLIT, unit="day")
    forecast = predict(
        fit(BGNBD, calibration), calibration, spend=fit(GammaGamma, calibration), horizon=holdout.horizon
    )
    again = evaluate(forecast, holdout, resamples=20)
    np.testing.assert_allclose(scores(again), scores(evaluation), rtol=1e-5, atol=1e-9)


def test_without_money_purchases_alone_are_judged(parts, evaluation):
    purchases, _, calibration, holdout = parts
    alone = evaluate(predict(purchases, calibration, horizon=holdout.horizon), holdout, resamples=20)
    assert alone.models == {"purchases": "bgnbd"}
    assert set(alone.metrics["quantity"]) == {"purchases"}
    assert not any(column.endswith("value") for column in alone.customers)
    pd.testing.assert_series_equal(scores(alone), scores(evaluation)[scores(alone).index])
    assert not any("value" in one for one in alone.headline())
