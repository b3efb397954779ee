"""Do limits and verdicts hold when the truth is known? All of CDNOW is the world, samples of its customers the data."""

from __future__ import annotations

import numpy as np
import pytest

from clvmodels.comparison import compare
from clvmodels.evaluation import benches_of, evaluate
from clvmodels.fitting import fit
from clvmodels.metrics import METRICS
from clvmodels.models import BGNBD, GammaGamma
from clvmodels.prediction import predict
from clvmodels.summary import split


@pytest.fixture(scope="module")
def world():
    calibration, holdout = split("cdnow", calibration_end="1997-09-30", holdout_end="1998-06-30")
    purchases, spend = fit(BGNBD, calibration), fit(GammaGamma, calibration)
    return predict(purchases, calibration, spend=spend, horizon=holdout.horizon), holdout


def test_the_formula_ranks_value_better_and_the_headline_says_so(world):
    evaluation = evaluate(*world)
    verdicts = evaluation.comparison.set_index(["quantity", "metric", "formula"])["verdict"].sort_index()
    for quantity in ("purchases", "value"):
        for metric in ("total_error", "mae", "rmse", "crps", "decile_mape"):
            assert verdicts[quantity, metric, "formula_customer"] == "better"
    assert verdicts["value", "spearman", "formula_customer"] == "better"
    assert list(verdicts[verdicts == "worse"].index) == [("value", "gini", "formula_customer")]
    (said,) = (one for one in evaluation.headline() if one.startswith("The model is beaten on"))
    assert said.startswith(
        "The model is beaten on value: on gini by formula_customer (0.672 against 0.698, difference −0.0"
    )


@pytest.mark.slow
def test_limits_of_samples_hold_the_world_s_truth_and_verdicts_are_rarely_wrong(world):
    benches = benches_of(*world)
    everyone = compare(benches, resamples=20, seed=0)[1]
    truth = everyone["difference"].to_numpy()
    sign = np.array([METRICS[metric].sign for metric in everyone["metric"]]) * np.sign(truth)
    # The RMSE rests on a few very large customers whom a sample of 1,000 misses: no bootstrap of it can know.
    usual = everyone["metric"].ne("rmse").to_numpy()
    rng = np.random.default_rng(1)
    held, wrong = [], []
    for sample in range(60):
        drawn = rng.integers(0, len(benches[0].actual), 1_000)
        table = compare([bench.at(drawn) for bench in benches], resamples=199, seed=sample)[1]
        inside = (table["lower"].to_numpy() <= truth) & (truth <= table["upper"].to_numpy())
        said = table["verdict"].map({"better": 1, "worse": -1, "no evidence": 0}).to_numpy()
        held.append(inside[usual].all())
        wrong.append((said * sign < 0).any())
    assert np.mean(held) > 0.95 - 3.5 * np.sqrt(0.05 * 0.95 / 60)
    assert np.mean(wrong) < 0.05 + 2 * np.sqrt(0.05 * 0.95 / 60)
