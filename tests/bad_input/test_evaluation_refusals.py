"""Does evaluate say what does not fit together, all of it at once, and what to type?"""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from clvmodels.errors import InputError
from clvmodels.evaluation import evaluate
from clvmodels.fitting import fit
from clvmodels.models import BGNBD
from clvmodels.prediction import predict
from clvmodels.summary import split


@pytest.fixture(scope="module")
def pair():
    calibration, holdout = split("cdnow-sample", calibration_end="1997-09-30", holdout_end="1998-06-30", value=False)
    return predict(fit(BGNBD, calibration), calibration, horizon=holdout.horizon), holdout


def message(forecast, holdout, **options):
    with pytest.raises(InputError) as caught:
        evaluate(forecast, holdout, **options)
    return str(caught.value)


def test_another_horizon(pair):
    forecast, holdout = pair
    longer = predict(forecast.purchases, forecast.summary, horizon="12 months")
    assert message(longer, holdout) == (
        "the forecast cannot be evaluated: the forecast is for 1997-10-01 to 1998-09-30, the holdout is 1997-10-01 to "
        "1998-06-30. Totals over different days cannot be compared. Predict with horizon=holdout.horizon."
    )


def test_other_customers_and_too_few_resamples_are_told_together(pair):
    forecast, holdout = pair
    frame = holdout.frame.assign(customer_id=holdout.frame["customer_id"].replace({4: -1}))
    assert message(forecast, dataclasses.replace(holdout, frame=frame), resamples=5) == (
        "the forecast cannot be evaluated; 3 problems:\n"
        "  1. 1 of 2,357 customers is in the forecast only (first: 4). Every customer is judged on both sides. "
        "Use the two sides of one split.\n"
        "  2. 1 of 2,357 customers is in the holdout only (first: -1). Every customer is judged on both sides. "
        "Use the two sides of one split.\n"
        "  3. resamples is 5. 95 % limits need at least 20 resamples; the default is 500."
    )


def test_a_customer_twice(pair):
    forecast, holdout = pair
    frame = pd.concat([holdout.frame, holdout.frame.iloc[[7]]])
    assert message(forecast, dataclasses.replace(holdout, frame=frame)) == (
        "the forecast cannot be evaluated: 1 of 2,358 customers is in the holdout more than once (first: "
        f"{holdout.frame['customer_id'].iloc[7]}). Use the two sides of one split."
    )


def test_other_predictors_that_do_not_fit(pair):
    forecast, holdout = pair
    n = len(holdout.frame)
    holes = np.where(np.arange(n) % 1000 == 3, np.nan, 1.0)
    others = {"zero": (np.zeros(n), None), "short": (np.zeros(3), None), "holes": (holes, None)}
    assert message(forecast, holdout, others=others) == (
        "other predictors cannot be evaluated; 3 problems:\n"
        "  1. 'zero' is a predictor already. Give it another name.\n"
        "  2. 'short' has purchases of shape (3,) for 2,357 customers. Give one number per customer, in the order of "
        "forecast.summary.frame.\n"
        "  3. 'holes' has 3 missing or infinite purchases (first: row 3). Predict 0 where nothing is expected."
    )
