"""Does BG/BB give the numbers of Fader, Hardie & Shang (2010) on their 11,104 donors, and of BTYD's vignette?

A year is an opportunity to give: the cohort of 1995, observed in 1996–2001, forecast to 2006.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.fitting import Fit
from clvmodels.models import BGBB
from clvmodels.summary import Summary

VIGNETTE = BGBB(1.203528, 0.7497260, 0.6567808, 2.783796)


@pytest.fixture(scope="module")
def donors() -> pd.DataFrame:
    """frequency, recency, periods, weights: the 22 patterns, as lifetimes ships them (read without importing it)."""
    spec = importlib.util.find_spec("lifetimes")
    assert spec is not None
    assert spec.origin is not None
    return pd.read_csv(Path(spec.origin).parent / "datasets" / "donations.csv")


@pytest.fixture(scope="module")
def summary(donors: pd.DataFrame) -> Summary:
    one_by_one = donors.loc[donors.index.repeat(donors["weights"])].reset_index(drop=True)
    table = one_by_one.rename(columns={"periods": "T"}).rename_axis("customer_id")
    return Summary.from_frame(table[["frequency", "recency", "T"]], until="2001-12-31", unit="day")


@pytest.fixture(scope="module")
def fit(summary: Summary) -> Fit:
    return clv.fit("bgbb", summary)


def test_estimates(fit: Fit, summary: Summary) -> None:
    """Table 4; more digits in BTYD."""
    assert len(summary.frame) == 11_104
    assert fit.log_likelihood == pytest.approx(-33_225.58, abs=0.01)
    assert fit.parameters == pytest.approx({"alpha": 1.204, "beta": 0.750, "gamma": 0.657, "delta": 2.783}, abs=1e-3)
    assert fit.diagnostics["boundary"] is None


def test_without_death_the_likelihood_is_much_lower(donors: pd.DataFrame) -> None:
    """The beta-binomial of table 4: BG/BB of customers who hardly ever leave."""
    nobody_leaves = BGBB(0.487, 0.826, 1e-9, 1e3)
    each = nobody_leaves.log_likelihood(donors["frequency"], donors["recency"], donors["periods"])
    assert float(each @ donors["weights"]) == pytest.approx(-35_516.1, abs=0.1)


def test_expectations_of_single_donors() -> None:
    assert float(VIGNETTE.expected_purchases(10, 0, 0, 0)) == pytest.approx(3.179805, abs=2e-6)
    assert float(VIGNETTE.expected_purchases(10, 0, 0, 6)) == pytest.approx(0.1302169, abs=2e-7)
    assert float(VIGNETTE.expected_purchases(10, 4, 5, 6)) == pytest.approx(3.627858, abs=1e-6)


def test_expected_gifts_by_frequency_and_recency(donors: pd.DataFrame, fit: Fit) -> None:
    """Table 5: gifts expected in 2002–06, by repeat gifts and the year of the last one."""
    expected = fit.model.expected_purchases(5, donors["frequency"], donors["recency"], donors["periods"])
    found = pd.Series(expected).groupby(donors["frequency"]).apply(lambda rows: rows.round(2).tolist())
    assert found[0] == [0.07]
    assert found[1] == [0.09, 0.31, 0.59, 0.84, 1.02, 1.15]
    assert found[2] == [0.12, 0.54, 1.06, 1.44, 1.67]
    assert found[3] == [0.22, 1.03, 1.80, 2.19]
    assert found[4] == [0.58, 2.03, 2.71]
    assert found[5] == [1.81, 3.23]
    assert found[6] == [3.75]


def test_expected_gifts_by_frequency(donors: pd.DataFrame, fit: Fit) -> None:
    """The vignette's holdout by calibration frequency."""
    expected = fit.model.expected_purchases(5, donors["frequency"], donors["recency"], donors["periods"])
    weights = donors["weights"].to_numpy()
    each = pd.Series(expected * weights).groupby(donors["frequency"]).sum()
    mean = each / pd.Series(weights).groupby(donors["frequency"]).sum()
    np.testing.assert_allclose(mean, [0.073, 0.325, 0.709, 1.334, 2.031, 2.784, 3.753], atol=1e-3)


def test_totals(donors: pd.DataFrame, fit: Fit, summary: Summary) -> None:
    assert 11_104 * float(fit.model.expected_purchases(11, 0, 0, 0)) == pytest.approx(37_627, abs=1)
    five_years = clv.predict(fit, summary, horizon="5 days")  # a day of this summary is a year
    assert five_years.totals.purchases == pytest.approx(12_884.2, abs=0.1)
    assert five_years.totals.purchases_lower < 12_884.2 < five_years.totals.purchases_upper
    assert five_years.frame["purchases_upper"].max() == 5


def test_alive_in_2002(donors: pd.DataFrame, fit: Fit) -> None:
    """The paper asks whether donors are there in the next year; `p_alive` whether they are after the last one."""
    m, known = fit.model, (donors["frequency"], donors["recency"], donors["periods"])
    next_year = m.p_alive(*known) * (m.delta + 6) / (m.gamma + m.delta + 6)
    by_history = {(x, t_x): p for x, t_x, p in zip(*known[:2], next_year, strict=True)}
    assert [round(by_history[history], 2) for history in ((0, 0), (2, 4), (6, 6))] == [0.11, 0.59, 0.93]


def test_posterior_agrees(fit: Fit, summary: Summary) -> None:
    posterior = clv.fit("bgbb", summary, method="posterior")
    for name, value in fit.parameters.items():
        assert posterior.parameters[name] == pytest.approx(value, abs=0.3 * fit.standard_errors[name])
    assert posterior.diagnostics["k_hat"] < 0.5
