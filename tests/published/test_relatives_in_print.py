"""Do BG/NBD's relatives give the numbers in the literature, and does their fit find the published estimates?"""

from __future__ import annotations

import numpy as np
import pytest

import clvmodels as clv
from clvmodels.models import MBGNBD
from clvmodels.summary import Split


@pytest.fixture(scope="module")
def cdnow() -> Split:
    return clv.split("cdnow-sample", calibration_end="1997-09-30", holdout_end="1998-06-30")


def test_mbgnbd_log_likelihood_of_pymc_marketing() -> None:
    value = MBGNBD(a=0.8, b=2.5, r=0.25, alpha=4).log_likelihood([0, 200], [0, 38], [40, 40])
    assert value[0] == pytest.approx(-0.41792826, abs=5e-9)
    assert value[1] == pytest.approx(100.7869, abs=5e-5)


def test_mbgnbd_on_cdnow(cdnow: Split) -> None:
    """Batislam, Denizel & Filiztekin (2007), as BTYDplus, lifetimes and pymc-marketing reproduce it."""
    fit = clv.fit(MBGNBD, cdnow.calibration)
    assert fit.parameters == pytest.approx({"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614}, abs=5.1e-4)
    assert fit.diagnostics["boundary"] is None
    assert np.all(fit.model.p_alive(0, 0, np.array([5.0, 20, 39])) < 0.65)  # one-time buyers, too, can be gone
