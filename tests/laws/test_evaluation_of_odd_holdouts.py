"""Does the evaluation stay in words and numbers where the holdout leaves little to judge?"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from clvmodels.evaluation import evaluate
from clvmodels.fitting import fit
from clvmodels.formula import FORMULAS
from clvmodels.metrics import METRICS
from clvmodels.models import BGNBD, GammaGamma
from clvmodels.prediction import predict
from clvmodels.summary import split


@pytest.fixture(scope="module")
def sides():
    calibration, holdout = split("cdnow-sample", calibration_end="1997-09-30", holdout_end="1998-06-30")
    purchases, spend = fit(BGNBD, calibration), fit(GammaGamma, calibration)
    return predict(purchases, calibration, spend=spend, horizon=holdout.horizon), holdout


def judged(sides, **columns):
    """The evaluation of the same forecast when the holdout brought something else."""
    forecast, holdout = sides
    return evaluate(forecast, dataclasses.replace(holdout, frame=holdout.frame.assign(**columns)), resamples=40)


def unknown(evaluation, quantity):
    rows = evaluation.metrics[evaluation.metrics["quantity"] == quantity]
    return set(rows.loc[rows["value"].isna(), "metric"])


def sane(evaluation):
    """Verdicts only where there are limits, sentences without holes."""
    table = evaluation.comparison
    assert (table["verdict"].eq("no evidence") | table["lower"].notna()).all()
    assert table["lower"].notna().equals(table["upper"].notna())
    for sentence in evaluation.headline():
        assert "nan" not in sentence
        assert "inf" not in sentence
        assert sentence.endswith(".")


def test_nobody_spent_anything(sides):
    evaluation = judged(sides, value=0.0)
    assert unknown(evaluation, "value") == {
        "total_error",
        "gini",
        "spearman",
        "auc_active",
        "decile_mape",
        "top_decile_capture",
    }
    assert not unknown(evaluation, "purchases")
    assert "On total value nothing can be compared: the holdout has none." in evaluation.headline()
    assert any(
        "not comparable on gini, spearman, auc_active and top_decile_capture." in s for s in evaluation.headline()
    )
    skipped = evaluation.skipped.set_index(["quantity", "predictor"])["parts"]
    assert (skipped["value"] == 10).all()
    assert (skipped["purchases"] == 0).all()
    sane(evaluation)


def test_everybody_came_back(sides):
    evaluation = judged(sides, purchases=lambda frame: frame["purchases"] + 1)
    assert unknown(evaluation, "purchases") == {"auc_active"}
    sane(evaluation)


def test_one_customer_bought(sides):
    evaluation = judged(
        sides,
        purchases=lambda frame: np.where(np.arange(len(frame)) == 100, 3, 0),
        value=lambda frame: np.where(np.arange(len(frame)) == 100, 60.0, 0.0),
    )
    assert not unknown(evaluation, "purchases")
    assert not unknown(evaluation, "value")
    # Whatever the estimates are, one customer says nothing of who ranks customers better.
    topics = evaluation.comparison["metric"].map(lambda name: METRICS[name].topic)
    assert (evaluation.comparison.loc[topics == "ranking", "verdict"] == "no evidence").all()
    assert len(evaluation.skipped) == 2 * (1 + len(FORMULAS))
    assert evaluation.skipped["parts"].max() == 9
    sane(evaluation)


def test_one_customer_bought_more_than_any_model_expects(sides):
    evaluation = judged(sides, purchases=lambda frame: np.where(np.arange(len(frame)) == 100, 100_000, 1))
    table = evaluation.metrics.set_index(["predictor", "metric"])
    assert np.isfinite(table.loc[("bgnbd", "log_score"), ["value", "lower", "upper"]].astype(float)).all()
    sane(evaluation)
