"""Does the formula miss CDNOW's holdout by as much as it is known to? 39 weeks after 39 weeks."""

from __future__ import annotations

import pytest

from clvmodels.formula import FORMULAS, predict_by_formula
from clvmodels.metrics import mae, rmse, total_error
from clvmodels.summary import split

# Total errors of purchases and value.
TOTALS = {
    "cdnow-sample": {
        "formula": (2.049, 1.908),
        "formula_customer": (2.065, 1.930),
        "formula_repeat": (0.557, 0.612),
        "hiatus": (0.380, None),
        "persistence": (0.306, None),
        "zero": (-1.0, -1.0),
    },
    "cdnow": {"formula_customer": (1.916, 1.656), "formula_repeat": (0.474, None)},
}
# MAE and RMSE of purchases, sample.
ERRORS = {
    "formula_customer": (1.922, 2.723),
    "formula_repeat": (1.024, 2.212),
    "hiatus": (0.940, 2.187),
    "persistence": (0.897, 1.971),
    "zero": (0.798, None),
}


@pytest.fixture(scope="module", params=TOTALS)
def case(request):
    calibration, holdout = split(request.param, calibration_end="1997-09-30", holdout_end="1998-06-30")
    return request.param, predict_by_formula(calibration, holdout.horizon), holdout.frame


def test_totals(case):
    name, predictions, holdout = case
    assert list(predictions) == list(FORMULAS)
    for variant, (purchases, value) in TOTALS[name].items():
        assert total_error(predictions[variant].purchases, holdout["purchases"]) == pytest.approx(purchases, abs=6e-4)
        if value is not None:
            assert total_error(predictions[variant].value, holdout["value"]) == pytest.approx(value, abs=6e-4)


def test_errors(case):
    name, predictions, holdout = case
    if name != "cdnow-sample":
        return
    for variant, (absolute, squared) in ERRORS.items():
        assert mae(predictions[variant].purchases, holdout["purchases"]) == pytest.approx(absolute, abs=6e-4)
        if squared is not None:
            assert rmse(predictions[variant].purchases, holdout["purchases"]) == pytest.approx(squared, abs=6e-4)
