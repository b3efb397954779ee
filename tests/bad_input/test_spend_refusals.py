"""What spend families say when the data cannot tell them what they need."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.cli import main
from clvmodels.errors import DiagnosticWarning, InputError
from clvmodels.summary import Summary

ALL = ("gamma_gamma_first", "gamma_gamma_frequency", "lognormal")
SINGLE = ALL[1:]
TITLES = {
    "gamma_gamma_first": "Gamma-Gamma with the first purchase",
    "gamma_gamma_frequency": "Gamma-Gamma with frequency",
    "lognormal": "Log-normal spend",
}


def log(values: list[list[float]]) -> Summary:
    """Customers who spent this, a purchase a week."""
    rows = [
        (f"c{customer}", pd.Timestamp("1997-01-01") + pd.Timedelta(weeks=week), value)
        for customer, spent in enumerate(values)
        for week, value in enumerate(spent)
    ]
    return clv.summarize(pd.DataFrame(rows, columns=["customer_id", "date", "value"]), until="1997-09-30")


@pytest.mark.parametrize("name", ALL)
def test_an_rfm_table_holds_repeat_purchases_only(name: str) -> None:
    rfm = clv.split("cdnow-sample").calibration.frame[["customer_id", "frequency", "recency", "T", "monetary_value"]]
    missing = {
        "gamma_gamma_first": "'value_past'",
        "gamma_gamma_frequency": "'value_past' and no 'n_valued' and no 'log_value_mean'",
        "lognormal": "'n_valued' and no 'log_value_mean' and no 'log_value_ss'",
    }[name]
    table = Summary.from_frame(rfm, until="1997-09-30")
    with pytest.raises(InputError) as caught:
        clv.fit(name, table)
    assert str(caught.value) == (
        f"{TITLES[name]} cannot be fitted: the RFM table has no {missing}, and the model needs more than the mean of "
        "the repeat purchases. Bring the transactions, add the columns, or choose --spend gamma_gamma."
    )
    whole = clv.split("cdnow-sample").calibration
    purchases, spend = clv.fit("bgnbd", whole), clv.fit(name, whole)
    with pytest.raises(InputError, match=f"{TITLES[name]} cannot predict: the RFM table has no"):
        clv.predict(purchases, table, spend=spend, horizon="39 weeks")


def test_an_rfm_table_with_the_columns_is_enough() -> None:
    frame = clv.split("cdnow-sample").calibration.frame
    table = Summary.from_frame(frame, until="1997-09-30")
    for name in ALL:
        whole = clv.fit(name, clv.split("cdnow-sample").calibration)
        assert clv.fit(name, table).parameters == pytest.approx(whole.parameters, rel=1e-9)
    total = frame.drop(columns=["value_first", "n_valued", "log_value_mean", "log_value_ss"])
    assert clv.fit("gamma_gamma_first", Summary.from_frame(total, until="1997-09-30")).converged


@pytest.mark.parametrize("name", ALL)
def test_no_money(name: str) -> None:
    with pytest.raises(InputError, match=f"^{TITLES[name]} cannot be fitted: the log has no money"):
        clv.fit(name, clv.summarize("cdnow-sample", value="none"))


@pytest.mark.parametrize("name", ALL)
def test_one_buyer(name: str) -> None:
    with pytest.raises(InputError, match=r"one buyer has a positive spend \(1 spent nothing\)\. The model learns from"):
        clv.fit(name, log([[5.0, 7.0], [0.0]]))


@pytest.mark.parametrize("name", ALL)
def test_one_price(name: str) -> None:
    with pytest.raises(InputError, match="all 3 buyers spend the same, 20 a purchase"):
        clv.fit(name, log([[20.0, 20.0], [20.0], [20.0, 20.0, 20.0]]))


@pytest.mark.parametrize("name", SINGLE)
def test_a_price_for_each(name: str) -> None:
    """Nothing tells how much one customer's purchases differ."""
    for values in ([[20.0, 20.0], [30.0], [25.0, 25.0, 25.0]], [[20.0], [30.0], [25.0]]):
        with pytest.raises(InputError, match=r"all 3 buyers (always spend the same|made the same number of purchases)"):
            clv.fit(name, log(values))


def test_growth_needs_frequent_and_rare_buyers() -> None:
    even = log([[20.0, 31.0], [30.0, 28.0], [25.0, 40.0], [5.0, 9.0]])
    with pytest.raises(InputError) as caught:
        clv.fit("gamma_gamma_frequency", even)
    assert str(caught.value) == (
        "Gamma-Gamma with frequency cannot be fitted: all 4 buyers made the same number of purchases, 2. The model "
        "learns from how the values of one customer's purchases differ, and from customers who buy more often than "
        "others. Choose --spend gamma_gamma_first, or --spend none."
    )
    assert clv.fit("lognormal", even).converged  # which needs no such difference


@pytest.mark.parametrize("name", SINGLE)
def test_days_without_a_value(name: str) -> None:
    """Left out and counted; a share that matters is said; nobody's expected spend is missing."""
    rng = np.random.default_rng(3)
    values = [list(np.exp(rng.normal(3, 0.5) + rng.normal(0, 0.6, size))) for size in rng.geometric(0.5, 300)]
    for customer in range(0, 300, 10):
        values[customer] = [0.0, *values[customer]]
    values.append([0.0])
    summary = log(values)
    days = sum(map(len, values))
    with pytest.warns(DiagnosticWarning) as caught:
        one = clv.fit(name, summary)
    said = [warning for warning in caught if warning.category is DiagnosticWarning]
    assert one.diagnostics["n_left_out"] == 1
    assert one.diagnostics["n_days_left_out"] == 31
    assert str(said[0].message) == (
        f"{TITLES[name]}: 31 of {days:,} purchase days have no positive value, and the model leaves them out. It "
        f"forecasts the value of a day that has one: totals come out about {31 / days:.0%} too high. Choose --spend "
        "gamma_gamma_first, which counts such days as purchases of value 0."
    )
    assert said[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiagnosticWarning)
        purchases = clv.fit("bgnbd", summary)
    frame = clv.predict(purchases, summary, spend=one, horizon="39 weeks").frame
    spent_nothing = frame["customer_id"] == "c300"
    stranger = one.model.expected_spend(0, 0.0)  # type: ignore[attr-defined]
    assert frame.loc[spent_nothing, "expected_spend"].iloc[0] == pytest.approx(float(stranger), rel=1e-12)
    assert np.isfinite(frame[["expected_spend", "value", "value_lower", "value_upper", "clv"]]).all().all()


def test_a_first_purchase_of_nothing_counts() -> None:
    """A purchase of value 0 is a purchase: it lowers the customer's mean, and who spent nothing has the lowest."""
    rng = np.random.default_rng(5)
    values = [list(np.exp(rng.normal(3, 0.5, size))) for size in rng.geometric(0.5, 300)]
    values[0], values[1] = [0.0], [0.0, 0.0]
    summary = log(values)
    one = clv.fit("gamma_gamma_first", summary)
    assert one.diagnostics["n_left_out"] == 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiagnosticWarning)
        purchases = clv.fit("bgnbd", summary)
    spend = clv.predict(purchases, summary, spend=one).frame.set_index("customer_id")["expected_spend"]
    assert 0 < spend["c1"] < spend["c0"] < float(one.model.expected_spend(0, 0.0))  # type: ignore[attr-defined]


def test_the_command_names_the_families(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "cdnow-sample", "--spend", "pareto_nbd", "--out", "fit.json"]) == 2
    said = capsys.readouterr().err
    for name in ("gamma_gamma", *ALL):
        assert name in said
    assert main(["simulate", "--spend", "lognormal", "--q", "2", "--out", "log.csv"]) == 2
    assert "--q cannot be given with --spend lognormal: its parameters are --sigma, --tau, --v." in (
        capsys.readouterr().err
    )
