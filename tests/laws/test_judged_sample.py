"""Is a sample of the customers judged as they would be by themselves?"""

from __future__ import annotations

import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.evaluation import evaluate
from clvmodels.sampling import judged_sample


def test_some_customers_are_judged_by_what_was_said_of_them() -> None:
    parts = clv.split("cdnow-sample")
    fits = [clv.fit(name, parts.calibration) for name in ("bgnbd", "gamma_gamma")]
    forecast = clv.predict(fits[0], parts.calibration, spend=fits[1], horizon=parts.holdout.horizon)
    assert judged_sample(forecast, parts.holdout) == (forecast, parts.holdout)

    some, later = judged_sample(forecast, parts.holdout, customers=500, seed=1)
    ids = set(some.frame["customer_id"])
    assert len(ids) == 500
    rows = forecast.frame[forecast.frame["customer_id"].isin(ids)].reset_index(drop=True)
    pd.testing.assert_frame_equal(some.frame, rows)
    assert later.frame["customer_id"].tolist() == some.summary.frame["customer_id"].tolist()
    assert some.totals.purchases < forecast.totals.purchases
    result = evaluate(some, later, resamples=20)
    asked = result.metrics.query("predictor == 'persistence' and quantity == 'purchases' and metric == 'total_error'")
    own = parts.calibration.recent(parts.holdout.horizon.days).set_index("customer_id").loc[some.frame["customer_id"]]
    expected = own["purchases"].sum() / later.frame["purchases"].sum() - 1
    assert asked["value"].item() == pytest.approx(expected)
