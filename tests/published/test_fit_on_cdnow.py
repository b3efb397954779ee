"""Does maximum likelihood give the published estimates on the CDNOW sample?"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

import clvmodels as clv
from clvmodels.fitting import Fit
from clvmodels.models import BGNBD, GammaGamma
from clvmodels.summary import Split


@pytest.fixture(scope="module")
def cdnow() -> Split:
    return clv.split("cdnow-sample", calibration_end="1997-09-30", holdout_end="1998-06-30")


@pytest.fixture(scope="module")
def purchases(cdnow: Split) -> Fit:
    return clv.fit(BGNBD, cdnow.calibration)


def test_bgnbd(purchases: Fit) -> None:
    # Fader, Hardie & Lee (2005), table 2; more digits from CLVTools, standard errors from lifetimes' documentation
    assert purchases.log_likelihood == pytest.approx(-9582.43, abs=0.01)
    assert purchases.parameters == pytest.approx({"r": 0.24259, "alpha": 4.4136, "a": 0.79292, "b": 2.4259}, rel=0.001)
    errors = {"r": 0.012557, "alpha": 0.378221, "a": 0.185719, "b": 0.705345}
    assert purchases.standard_errors == pytest.approx(errors, rel=0.001)
    assert purchases.n_customers == 2357
    assert purchases.converged
    assert purchases.diagnostics["gradient_norm"] < 1e-9
    assert purchases.diagnostics["boundary"] is None
    assert purchases.diagnostics["n_patterns"] == 1016
    assert "all parameters are identified" in purchases.verdict


def test_forecast_of_the_holdout(purchases: Fit, cdnow: Split) -> None:
    frame = cdnow.calibration.frame
    predicted = purchases.model.expected_purchases(39, frame["frequency"], frame["recency"], frame["T"])
    assert predicted.sum() == pytest.approx(1654, abs=2)
    assert np.corrcoef(predicted, cdnow.holdout.frame["purchases"])[0, 1] == pytest.approx(0.626, abs=5e-4)


def test_gamma_gamma(cdnow: Split) -> None:
    # Fader & Hardie (2013), note 025; log-likelihood from CLVTools
    spend = clv.fit(GammaGamma, cdnow.calibration)
    assert spend.log_likelihood == pytest.approx(-4055.9177, abs=1e-3)
    assert spend.parameters == pytest.approx({"p": 6.25, "q": 3.74, "v": 15.44}, rel=0.002)
    assert spend.n_customers == 946
    assert spend.diagnostics["n_left_out"] == 0
    assert spend.finite_mean is None
    assert spend.predictive_model is spend.model


def test_a_name_is_as_good_as_a_class(purchases: Fit, cdnow: Split) -> None:
    assert clv.fit("bgnbd", cdnow.calibration).parameters == purchases.parameters


def test_a_fit_says_where_it_comes_from(purchases: Fit) -> None:
    assert (purchases.start, purchases.until) == (dt.date(1997, 1, 1), dt.date(1997, 9, 30))
    assert (purchases.unit.value, purchases.currency, purchases.method) == ("week", "USD", "mle")
    assert len(purchases.sha256) == 64
    lines = repr(purchases).splitlines()
    assert lines[0] == (
        "BG/NBD by mle: 2,357 customers, 1997-01-01 to 1997-09-30, time in weeks, log-likelihood -9582.4292"
    )
    assert lines[-1].split() == ["b", "2.42591", "0.705414", "1.50367", "3.91377"]
    assert "<td>0.705414</td>" in purchases._repr_html_()
