"""Do BG/NBD's relatives give the numbers in the literature, and does their fit find the published estimates?"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

import clvmodels as clv
from clvmodels.models import MBGNBD, NBD, ParetoNBD
from clvmodels.summary import Split

PAPER = ParetoNBD(r=0.553, alpha=10.578, s=0.606, beta=11.669)  # Fader, Hardie & Lee (2005), table 2
MANUAL = ParetoNBD(r=0.55, alpha=10.56, s=0.61, beta=11.64)  # the manual of BTYD
WALKTHROUGH = ParetoNBD(r=0.55315, alpha=10.57633, s=0.60625, beta=11.67150)  # CLVTools; BTYD prints fewer digits


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


def test_pareto_nbd_on_cdnow(cdnow: Split) -> None:
    """Table 2 of the 2005 paper; log-likelihood and standard errors from CLVTools; the holdout from table 3."""
    fit, frame = clv.fit(ParetoNBD, cdnow.calibration), cdnow.calibration.frame
    assert fit.log_likelihood == pytest.approx(-9594.976, abs=0.001)
    assert fit.parameters == pytest.approx({"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}, rel=1e-3)
    errors = {"r": 0.0476264, "alpha": 0.8427222, "s": 0.1872594, "beta": 6.2105448}
    assert fit.standard_errors == pytest.approx(errors, rel=1e-3)
    columns = frame["frequency"], frame["recency"], frame["T"]
    assert float(PAPER.log_likelihood(*columns).sum()) == pytest.approx(-9594.9763, abs=1e-3)
    expected = fit.model.expected_purchases(39, *columns)
    assert expected.sum() == pytest.approx(1666, abs=2)
    assert np.corrcoef(expected, cdnow.holdout.frame["purchases"])[0, 1] == pytest.approx(0.630, abs=5e-4)
    by_x = expected_by_frequency(expected, frame["frequency"].to_numpy())
    np.testing.assert_allclose(by_x, [0.138, 0.600, 1.196, 1.714, 2.399, 2.907, 3.819, 6.403], atol=2e-3)


def test_nbd_forecasts_far_too_much(cdnow: Split) -> None:
    """Without dropout, the count of each customer is all there is: SciPy's negative binomial maximised anew."""
    fit, frame = clv.fit(NBD, cdnow.calibration), cdnow.calibration.frame
    x, T = frame["frequency"].to_numpy(), frame["T"].to_numpy()

    def loss(logs: np.ndarray) -> float:
        r, alpha = np.exp(logs)
        return -float(stats.nbinom.logpmf(x, r, alpha / (alpha + T)).sum())

    found = np.exp(optimize.minimize(loss, [0.0, 2.0], method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-9}).x)
    np.testing.assert_allclose([fit.parameters["r"], fit.parameters["alpha"]], found, rtol=1e-5)
    predicted = fit.model.expected_purchases(39, x, frame["recency"], T).sum()
    assert 1.5 < predicted / cdnow.holdout.frame["purchases"].sum() < 1.6  # BG/NBD: 0.88


def expected_by_frequency(expected: np.ndarray, x: np.ndarray) -> list[float]:
    return [float(expected[np.minimum(x, 7) == k].mean()) for k in range(8)]


def test_pareto_nbd_in_btyd() -> None:
    first_weeks = [0.0, 0.05077821, 0.09916088, 0.14542507, 0.18979930]
    first_weeks += [0.23247466, 0.27361274, 0.31335159, 0.35181024, 0.38909211]
    np.testing.assert_allclose(MANUAL.expected_purchases(np.arange(10), 0, 0, 0), first_weeks, atol=5.1e-9)
    # below, at its own estimate of the CDNOW sample, of which it prints three digits: hence the tolerances
    assert float(WALKTHROUGH.p_alive(0, 0, 39)) == pytest.approx(0.2941633, rel=1e-3)
    assert float(WALKTHROUGH.expected_purchases(52, 0, 0, 0)) == pytest.approx(1.473434, rel=1e-4)
    known = 26, 216 / 7, 31  # customer 1516
    assert float(WALKTHROUGH.expected_purchases(52, *known)) == pytest.approx(25.45647, rel=1e-4)
    assert float(WALKTHROUGH.p_alive(*known)) == pytest.approx(0.997874, rel=1e-6)
    paradox = WALKTHROUGH.expected_purchases(52, np.array([10, 15, 20, 25]), 20, 39)
    np.testing.assert_allclose(paradox, [0.7062289, 0.1442396, 0.02250658, 0.00309267], rtol=2e-3)


def test_pareto_nbd_discounted_without_end() -> None:
    """DERT at the parameters of BTYD's manual for 78 weeks: a horizon of a million weeks is endless."""
    model = ParetoNBD(r=0.5629966, alpha=12.5590370, s=0.4081095, beta=10.5148048)
    x, t_x, dert = np.array(
        [
            *[(0, 0, 0.3648), (1, 25, 1.9012), (1, 30, 2.199), (1, 77, 3.8087), (2, 50, 4.8929), (2, 70, 6.0083)],
            *[(3, 77, 8.6820), (6, 30, 1.2624), (6, 77, 15.9911), (7, 35, 1.8642), (7, 70, 17.5248), (14, 77, 35.4778)],
        ]
    ).T
    found = model.discounted_purchases(1e6, x, t_x, 77.86, delta=0.0027)
    np.testing.assert_allclose(found, dert, atol=1.6e-4)
    assert found[-3] < found[2]  # seven purchases that ended in week 35 are worth less than one in week 30
