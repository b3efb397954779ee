"""Do the formulas give the numbers in the literature, to the last printed digit?"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clvmodels.models import BGNBD, GammaGamma

PAPER = BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)  # Fader, Hardie & Lee (2005), table 2; the manual of BTYD
EXCEL = BGNBD(r=0.242594, alpha=4.413532, a=0.792886, b=2.425752)  # the note on BG/NBD in Excel
VIGNETTE = BGNBD(r=0.2425982, alpha=4.4136842, a=0.7929899, b=2.4261667)  # the vignette of BTYD
SPEND = GammaGamma(p=6.25, q=3.74, v=15.44)  # Fader & Hardie (2013), note 025


def printed(value: float | np.ndarray, text: str) -> bool:
    """Whether a value rounds to the printed text, give or take one in its last digit."""
    mantissa, _, exponent = text.partition("e")
    last = 10.0 ** (-len(mantissa.partition(".")[2]) + int(exponent or 0))
    return abs(float(value) - float(text)) <= 1.01 * last


@pytest.fixture(scope="module")
def cdnow() -> pd.DataFrame:
    """x, t_x, T, zbar of the 2,357 customers, as lifetimes ships them (read without importing it)."""
    spec = importlib.util.find_spec("lifetimes")
    assert spec is not None
    assert spec.origin is not None
    return pd.read_csv(Path(spec.origin).parent / "datasets" / "cdnow_customers_summary_with_transactions.csv")


def test_conditional_expectation() -> None:
    assert printed(PAPER.expected_purchases(39, 2, 30.43, 38.86), "1.226")  # the paper's example


@pytest.mark.parametrize(
    ("t", "text"), [(1 / 7, ".0078"), (1, ".0532"), (3, ".1506"), (223 / 7, "1.0405"), (32, "1.0437")]
)
def test_expected_repeats_of_a_new_customer(t: float, text: str) -> None:
    assert printed(EXCEL.expected_purchases(t, 0, 0, 0), text)


def test_the_excel_note_stops_after_151_terms() -> None:
    """It prints 1.8576 for 78 weeks; the sum it stops goes on to 1.8580."""
    r, alpha, a, b = EXCEL.parameters.values()
    j, z = np.arange(150), 78 / (alpha + 78)
    terms = np.cumprod(np.append(1, (r + j) * (b + j) / ((a + b - 1 + j) * (j + 1)) * z))
    stopped = (a + b - 1) / (a - 1) * (1 - (alpha / (alpha + 78)) ** r * terms.sum())
    assert printed(stopped, "1.8576")
    assert 1e-4 < EXCEL.expected_purchases(78, 0, 0, 0) - stopped < 5e-4


def test_btyd_on_new_customers() -> None:
    assert printed(VIGNETTE.expected_purchases(52, 0, 0, 0), "1.444004")
    assert printed(PAPER.pmf(10, 2, 0, 0, 0), "1.07869e-07")
    assert printed(PAPER.pmf(0, 39, 0, 0, 0), ".5737864")
    assert printed(PAPER.pmf(11, 30, 0, 0, 0), ".0019995214")
    assert printed(PAPER.pmf(20, 30, 0, 0, 0), ".0002222260")


def test_btyd_on_customer_1516() -> None:
    known = 26, 216 / 7, 31  # the vignette's estimate has more digits than it prints
    assert float(VIGNETTE.expected_purchases(52, *known)) == pytest.approx(25.75659, rel=5e-6)
    assert float(VIGNETTE.p_alive(*known)) == pytest.approx(0.9688523, rel=5e-7)


def test_increasing_frequency_paradox() -> None:
    """The more purchases before the same long silence, the surer the customer is gone."""
    expected = VIGNETTE.expected_purchases(52, np.array([10, 15, 20, 25]), 20, 39)
    np.testing.assert_allclose(expected, [0.3474606, 0.04283391, 0.004158973, 0.0003583685], rtol=1e-5)


def test_log_likelihood_of_pymc_marketing() -> None:
    model = BGNBD(a=0.8, b=2.5, r=0.25, alpha=4)
    value = model.log_likelihood([0, 200], [0, 38], [40, 40])
    assert printed(value[0], "-.59947382")
    assert printed(value[1], "100.7957")


def test_cdnow_log_likelihood(cdnow: pd.DataFrame) -> None:
    value = PAPER.log_likelihood(cdnow["x"], cdnow["t_x"], cdnow["T"]).sum()
    assert printed(value, "-9582.4")
    assert float(VIGNETTE.log_likelihood(cdnow["x"], cdnow["t_x"], cdnow["T"]).sum()) == pytest.approx(
        -9582.43, abs=0.01
    )


def test_cdnow_expectation_by_frequency(cdnow: pd.DataFrame) -> None:
    """BTYD's table of the holdout by calibration frequency, 0 … 6 and 7+."""
    expected = VIGNETTE.expected_purchases(39, cdnow["x"], cdnow["t_x"], cdnow["T"])
    by_x = pd.Series(expected).groupby(np.minimum(cdnow["x"], 7)).agg(["mean", "size"])
    np.testing.assert_allclose(by_x["mean"], [0.225, 0.523, 1.044, 1.520, 2.164, 2.654, 3.504, 6.157], atol=6e-4)
    assert by_x["size"].tolist() == [1411, 439, 214, 100, 62, 38, 29, 64]


def test_gamma_gamma(cdnow: pd.DataFrame) -> None:
    x, m = cdnow["x"].to_numpy(), cdnow["zbar"].to_numpy()
    # at these rounded parameters; the shipped means are rounded to the cent
    assert float(SPEND.log_likelihood(x, m).sum()) == pytest.approx(-4055.9192, abs=0.01)
    assert printed(SPEND.expected_spend(0, np.nan), "35.22")
    mean = SPEND.expected_spend(x, m)
    first_ten = [24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17]
    np.testing.assert_allclose(mean[:10], first_ten, rtol=2e-3)  # lifetimes' documentation, at its own estimates
    assert float(mean.mean()) == pytest.approx(35.25, abs=0.05)
