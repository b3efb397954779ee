"""What must hold for every fit, whatever the data: units, order, counting, and a covariance that is one."""

from __future__ import annotations

import dataclasses
import warnings
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from clvmodels.errors import DiagnosticWarning
from clvmodels.fitting import Fit, fit
from clvmodels.fitting.data import SPENDS, spend_data
from clvmodels.models import BGNBD, FAMILIES, GammaGamma
from clvmodels.simulation import simulate
from clvmodels.summary import Patterns, Summary

DISCRETE = {name for name, family in FAMILIES.items() if getattr(family, "discrete", False)}
IN_TIME = [name for name, family in FAMILIES.items() if family.kind == "purchases" and name not in DISCRETE]
TRUTH, SPEND = BGNBD(r=0.4, alpha=5, a=0.6, b=2), GammaGamma(p=5, q=4, v=20)


@cache
def rfm(customers: int = 900, seed: int = 4) -> pd.DataFrame:
    """A simulated log as x, t_x, T in days."""
    log = simulate(
        TRUTH,
        spend=SPEND,
        customers=customers,
        start="2024-01-01",
        end="2024-10-31",
        acquisition_end="2024-03-31",
        seed=seed,
    )
    first = log.groupby("customer_id")["date"].transform("min")
    days = log.groupby("customer_id")["date"].agg(["min", "max", "size"])
    frame = pd.DataFrame(
        {
            "customer_id": days.index,
            "frequency": days["size"].to_numpy() - 1,
            "recency": (days["max"] - days["min"]).dt.days.to_numpy() * 1.0,
            "T": (pd.Timestamp("2024-10-31") - days["min"]).dt.days.to_numpy() * 1.0,
        }
    )
    frame["monetary_value"] = frame["customer_id"].map(log[log["date"] > first].groupby("customer_id")["value"].mean())
    values = log.assign(log=np.log(log["value"])).groupby("customer_id")
    frame["value_past"] = values["value"].sum().to_numpy()
    frame["n_valued"], frame["log_value_mean"] = frame["frequency"] + 1, values["log"].mean().to_numpy()
    frame["log_value_ss"] = values["log"].var(ddof=0).to_numpy() * frame["n_valued"]
    return frame


def summary(frame: pd.DataFrame, *, unit: str = "week", money: float = 1.0) -> Summary:
    days = {"week": 7, "day": 1}[unit]
    scaled = frame.assign(
        recency=frame["recency"] / days,
        T=frame["T"] / days,
        monetary_value=frame["monetary_value"] * money,
        value_past=frame["value_past"] * money,
        log_value_mean=frame["log_value_mean"] + np.log(money),
    )
    return Summary.from_frame(scaled, unit=unit, until="2024-10-31")


@cache
def opportunities(customers: int = 900, seed: int = 9) -> pd.DataFrame:
    """x, t_x, T in opportunities: before each a customer leaves or stays, and who stays buys or does not."""
    rng, most = np.random.default_rng(seed), 12
    T = rng.integers(4, most + 1, customers)
    stays = rng.random((customers, most)) > rng.beta(0.7, 2.8, customers)[:, None]
    there = np.logical_and.accumulate(stays, axis=1) & (np.arange(most) < T[:, None])
    buys = there & (rng.random((customers, most)) < rng.beta(1.2, 0.8, customers)[:, None])
    last = np.where(buys.any(axis=1), most - np.argmax(buys[:, ::-1], axis=1), 0)
    return pd.DataFrame(
        {"customer_id": np.arange(1, customers + 1), "frequency": buys.sum(axis=1), "recency": last * 1.0, "T": T * 1.0}
    )


def table_for(name: str) -> pd.DataFrame:
    return opportunities() if name in DISCRETE else rfm()


def counted(name: str, frame: pd.DataFrame) -> Summary:
    """The table in weeks; for a family of discrete opportunities in days, each of them one."""
    return Summary.from_frame(frame, unit="day", until="2024-10-31") if name in DISCRETE else summary(frame)


@cache
def fitted(name: str) -> Fit:
    return fit(name, counted(name, table_for(name)))


def close(one: Fit, other: Fit, rel: float = 1e-10) -> None:
    np.testing.assert_allclose(list(one.parameters.values()), list(other.parameters.values()), rtol=rel)


@pytest.mark.parametrize("family", IN_TIME)
@pytest.mark.parametrize("customers", [60, 900])
def test_days_or_weeks(customers: int, family: str) -> None:
    """No prediction moves by 1e-9, also where the likelihood is flat or runs to the boundary."""
    frame = rfm(customers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiagnosticWarning)
        weeks, days = (fit(family, summary(frame, unit=unit)).model for unit in ("week", "day"))
    columns = [frame[name].to_numpy(float) for name in ("frequency", "recency", "T")]
    by_day = days.expected_purchases(180, *columns)
    by_week = weeks.expected_purchases(180 / 7, columns[0], columns[1] / 7, columns[2] / 7)
    np.testing.assert_allclose(by_day, by_week, rtol=1e-9)
    np.testing.assert_allclose(
        days.p_alive(*columns), weeks.p_alive(columns[0], columns[1] / 7, columns[2] / 7), rtol=1e-9
    )
    np.testing.assert_allclose(days.alpha, 7 * weeks.alpha, rtol=1e-9)


def test_draws_do_not_know_the_unit() -> None:
    weeks, days = (fit(BGNBD, summary(rfm(), unit=unit)).draws(5, seed=8) for unit in ("week", "day"))
    np.testing.assert_allclose(days.alpha, 7 * weeks.alpha, rtol=1e-9)
    np.testing.assert_allclose(days.b, weeks.b, rtol=1e-9)


@pytest.mark.parametrize("money", [100.0, 157.3, 1e-6])
@pytest.mark.parametrize("customers", [60, 900])
@pytest.mark.parametrize("name", SPENDS)
def test_dollars_cents_or_yen(name: str, money: float, customers: int) -> None:
    here, there = summary(rfm(customers)), summary(rfm(customers), money=money)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiagnosticWarning)
        one, other = fit(name, here), fit(name, there)
    expected = [
        fitted.predictive_model.expected_spend(*SPENDS[name].observed(data.frame)[:2])  # type: ignore[attr-defined]
        for fitted, data in ((one, here), (other, there))
    ]
    np.testing.assert_allclose(expected[1], money * expected[0], rtol=1e-9)
    model: Any = one.model.rescale(money)
    assert other.log_likelihood == pytest.approx(
        model.log_likelihood(*spend_data(there, SPENDS[name])[0]).sum(), rel=1e-11
    )


@pytest.mark.parametrize("name", FAMILIES)
def test_order_of_rows(name: str) -> None:
    shuffled = table_for(name).sample(frac=1, random_state=2).reset_index(drop=True)
    close(fit(name, counted(name, shuffled)), fitted(name), rel=1e-12)
    renamed = shuffled.assign(customer_id=range(len(shuffled)))  # another order after sorting, too
    close(fit(name, counted(name, renamed)), fitted(name))


@pytest.mark.parametrize("name", FAMILIES)
def test_twice_the_data(name: str) -> None:
    """Everybody twice: the same estimate, twice the log-likelihood, half the covariance."""
    frame = table_for(name)
    twice = pd.concat([frame, frame.assign(customer_id=frame["customer_id"] + len(frame))])
    double = fit(name, counted(name, twice))
    close(double, fitted(name))
    assert double.log_likelihood == pytest.approx(2 * fitted(name).log_likelihood, rel=1e-12)
    np.testing.assert_allclose(2 * double.covariance, fitted(name).covariance, rtol=1e-8)


def test_counts_are_repeated_rows() -> None:
    """Patterns with counts against one row per customer."""
    full = summary(rfm())
    patterns = full.patterns
    rows = np.repeat(np.arange(patterns.n.size), patterns.n)
    apart = dataclasses.replace(full)
    apart.__dict__["patterns"] = Patterns(
        patterns.x[rows], patterns.t_x[rows], patterns.T[rows], np.ones(rows.size, int)
    )
    assert fit(BGNBD, apart).diagnostics["n_patterns"] == 900
    close(fit(BGNBD, apart), fitted("bgnbd"))


@pytest.mark.parametrize("name", FAMILIES)
def test_covariance_is_one(name: str) -> None:
    one = fitted(name)
    np.testing.assert_array_equal(one.covariance, one.covariance.T)
    assert np.linalg.eigvalsh(one.covariance).min() > 0
    natural = np.sqrt(np.diag(one.covariance)) * np.array(list(one.parameters.values()))
    np.testing.assert_allclose(list(one.standard_errors.values()), natural, rtol=1e-12)


@pytest.mark.parametrize("name", FAMILIES)
def test_draws_have_the_covariance(name: str) -> None:
    one, draws = fitted(name), 40_000
    logs = one.draws(draws, seed=3).log_vector
    assert logs.shape == (draws, len(one.parameters))
    deviation = np.sqrt(np.diag(one.covariance))
    z = (logs.mean(axis=0) - one.model.log_vector) / deviation * np.sqrt(draws)
    assert np.abs(z).max() < 4
    spread = np.cov(logs.T) / np.outer(deviation, deviation)
    np.testing.assert_allclose(spread, one.covariance / np.outer(deviation, deviation), atol=0.03)
    np.testing.assert_array_equal(logs, one.draws(draws, seed=3).log_vector)
    assert not np.array_equal(logs, one.draws(draws, seed=4).log_vector)


@pytest.mark.parametrize("name", FAMILIES)
def test_nothing_beats_the_fit(name: str) -> None:
    """Not the truth, and no step of any size in any direction."""
    one, data = fitted(name), counted(name, table_for(name))
    columns = [data.frame[column].to_numpy(float) for column in ("frequency", "recency", "T")]
    if name in SPENDS:
        columns = list(spend_data(data, SPENDS[name])[0])
    truth = {"bgnbd": TRUTH, "gamma_gamma": SPEND}.get(name)
    assert truth is None or one.log_likelihood > truth.log_likelihood(*columns).sum()
    rng = np.random.default_rng(6)
    for size in (1e-4, 1e-2, 1.0):
        for _ in range(20):
            other = type(one.model).from_log(one.model.log_vector + size * rng.standard_normal(len(one.parameters)))
            assert other.log_likelihood(*columns).sum() <= one.log_likelihood + 1e-8


def test_many_patterns_are_fitted_through_a_sample() -> None:
    """Above 20,000 patterns the starts are tried on a systematic sample: the same optimum as from all."""
    rng = np.random.default_rng(12)
    T = rng.integers(1, 900, 60_000) / 7
    who, when = BGNBD(r=0.6, alpha=8, a=0.5, b=3).sample_times(T, seed=5)
    x = np.bincount(who, minlength=T.size)
    t_x = np.zeros(T.size)
    np.maximum.at(t_x, who, when)
    patterns = Patterns(x.astype(float), t_x, T, np.ones(T.size, int))
    data = Summary.from_frame(rfm(), until="2024-10-31", unit="week")
    data.__dict__["patterns"] = patterns
    one = fit(BGNBD, data)
    assert one.diagnostics["n_patterns"] == 60_000
    assert one.diagnostics["gradient_norm"] < 1e-6
    score = one.model.score(x, t_x, T).sum(axis=1) * np.array(list(one.parameters.values()))
    assert np.abs(score).max() < 1e-5
    z = (np.array([0.6, 8, 0.5, 3]) - list(one.parameters.values())) / np.array(list(one.standard_errors.values()))
    assert np.abs(z).max() < 4


def test_table() -> None:
    table = fitted("bgnbd").table()
    assert list(table.columns) == ["parameter", "estimate", "standard_error", "lower", "upper"]
    assert list(table["parameter"]) == ["r", "alpha", "a", "b"]
    half = np.log(table["upper"] / table["estimate"])
    np.testing.assert_allclose(half, np.log(table["estimate"] / table["lower"]), rtol=1e-12)
    np.testing.assert_allclose(half, 1.6448536 * table["standard_error"] / table["estimate"], rtol=1e-7)
