"""Is the k of BG/CNBD-k what the times between purchases say, and does it travel with the fit?"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

import clvmodels as clv
from clvmodels.errors import DiagnosticWarning, InputError
from clvmodels.fitting.ticks import GAIN, spacing
from clvmodels.models import BGCNBD, BGNBD, MBGCNBD, MBGNBD
from clvmodels.outcomes import PurchaseOutcomes
from clvmodels.summary import Summary

TRUTH = MBGCNBD(2.0, 3.0, 0.8, 3.0, 3)


@pytest.fixture(scope="module")
def log() -> pd.DataFrame:
    return clv.simulate(TRUTH, customers=400, start="2024-01-01", end="2024-12-31", unit="week", seed=3)


@pytest.fixture(scope="module")
def summary(log: pd.DataFrame) -> Summary:
    return clv.summarize(log, until="2024-12-31", unit="week")


@pytest.fixture(scope="module")
def fit(summary: Summary) -> Any:
    return clv.fit("mbgcnbd", summary)


def test_gaps_by_hand(log: pd.DataFrame, summary: Summary) -> None:
    days = log.drop_duplicates(["customer_id", "date"]).sort_values(["customer_id", "date"])
    gaps = days.groupby("customer_id")["date"].diff().dropna().dt.days / 7
    counted = gaps.value_counts().sort_index()
    assert summary.gaps is not None
    np.testing.assert_allclose(summary.gaps.length, counted.index)
    np.testing.assert_array_equal(summary.gaps.n, counted)
    assert summary.gaps.log_sum == pytest.approx(np.log(gaps).sum(), rel=1e-12)


def test_likelihood_is_that_of_erlang_times(log: pd.DataFrame, summary: Summary, fit: Any) -> None:
    """Every customer's times one by one, λ and p integrated by simulation-free closed forms of a single customer."""
    r, alpha, a, b = fit.parameters.values()
    days = log.drop_duplicates(["customer_id", "date"]).sort_values(["customer_id", "date"])
    gaps = days.groupby("customer_id")["date"].diff().dt.days / 7
    end = pd.Timestamp("2024-12-31")
    total, nodes = 0.0, np.polynomial.legendre.leggauss(200)
    log_rate = np.log(r / alpha) + 9.0 * (nodes[0] - 0.55)
    weight = np.log(nodes[1] * 9.0) + stats.gamma.logpdf(np.exp(log_rate), r, scale=1 / alpha) + log_rate
    for _, rows in list(days.assign(gap=gaps).groupby("customer_id"))[::8]:
        each, silence = rows["gap"].dropna().to_numpy(), (end - rows["date"].max()).days / 7
        rate, x = np.exp(log_rate), len(rows) - 1
        bought = stats.gamma.logpdf(each[:, None], 3, scale=1 / rate).sum(axis=0)
        stays = np.exp(_beta(a, b + x + 1) - _beta(a, b)) * stats.poisson.cdf(2, rate * silence)
        leaves = np.exp(_beta(a + 1, b + x) - _beta(a, b))
        direct = np.logaddexp.reduce(weight + bought + np.log(stays + leaves))
        one = np.array([float(x)]), np.array([each.sum()]), np.array([(end - rows["date"].min()).days / 7])
        ours = float(fit.model.log_likelihood(*one)[0])
        if x:
            ours += spacing(3, (*one, np.ones(1)), _Gaps(each))
        total += abs(ours - direct)
        assert ours == pytest.approx(direct, abs=1e-7)
    assert total > 0


def _beta(first: float, second: float) -> float:
    from scipy import special

    return float(special.betaln(first, second))


class _Gaps:
    def __init__(self, gaps: np.ndarray) -> None:
        self.log_sum = float(np.log(gaps).sum())


def test_k_is_found_and_its_profile_kept(fit: Any, summary: Summary) -> None:
    assert fit.model.k == 3
    profile = {int(k): value for k, value in fit.diagnostics["profile"].items()}
    assert fit.diagnostics["constants"] == {"k": 3}
    assert profile[3] == pytest.approx(fit.log_likelihood, abs=1e-6)
    assert profile[3] > max(profile[1], profile[2], profile[4]) + GAIN
    assert profile[1] == pytest.approx(clv.fit(MBGNBD, summary).log_likelihood, abs=1e-6)  # one tick is MBG/NBD
    assert fit.verdict.endswith("; k = 3 by likelihood")


def test_the_top_is_the_top(fit: Any, summary: Summary) -> None:
    """A simplex search over the family's own likelihood goes nowhere higher."""
    frame = summary.frame
    known = tuple(frame[name].to_numpy(float) for name in ("frequency", "recency", "T"))

    def loss(logs: np.ndarray) -> float:
        return -float(fit.model.at(logs).log_likelihood(*known).sum())

    start = fit.model.log_vector
    found = optimize.minimize(loss, start + 0.1, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-8})
    assert loss(start) <= found.fun + 1e-6
    np.testing.assert_allclose(found.x, start, atol=2e-3)


def test_k_stands_in_tables_and_files(fit: Any, tmp_path: Path) -> None:
    table = fit.table().set_index("parameter")
    assert table.index.tolist() == ["r", "alpha", "a", "b", "k"]
    assert table.loc["k", "estimate"] == 3
    assert np.isnan(table.loc["k", "standard_error"])
    assert list(fit.parameters) == ["r", "alpha", "a", "b"]
    clv.save(fit, tmp_path / "fit.json")
    again = clv.load(tmp_path / "fit.json")
    assert again.model == fit.model
    assert again.draws(5, seed=1).constants == {"k": 3}


def test_posterior_keeps_k(summary: Summary, fit: Any, tmp_path: Path) -> None:
    posterior = clv.fit("mbgcnbd", summary, method="posterior")
    assert posterior.model.k == 3
    assert posterior.verdict.endswith("; k = 3 by likelihood")
    for name, value in fit.parameters.items():
        assert posterior.parameters[name] == pytest.approx(value, abs=0.6 * fit.standard_errors[name])
    clv.save(posterior, tmp_path / "fit.json")
    again = clv.load(tmp_path / "fit.json")
    assert again.posterior.resample(7, seed=2).constants == {"k": 3}
    predicted, reread = (clv.predict(one, summary, horizon="12 weeks") for one in (posterior, again))
    np.testing.assert_array_equal(predicted.frame["expected_purchases"], reread.frame["expected_purchases"])
    by_draws = posterior.draws(400, seed=3).expected_purchases(
        12, *(summary.frame[name].to_numpy(float) for name in ("frequency", "recency", "T"))
    )
    assert predicted.frame["expected_purchases"].sum() == pytest.approx(by_draws.mean(axis=0).sum(), rel=0.01)


def test_outcomes_are_the_familys_own(fit: Any, summary: Summary) -> None:
    """Tables by stage, mixed by t_x, against the formulas customer by customer."""
    frame = summary.frame.iloc[::7]
    known = tuple(frame[name].to_numpy(float) for name in ("frequency", "recency", "T"))
    outcomes = PurchaseOutcomes(fit.model, 20.0, *known)
    np.testing.assert_allclose(outcomes.mean, fit.model.expected_purchases(20, *known), rtol=1e-10)
    np.testing.assert_allclose(outcomes.p_active, fit.model.p_active(20, *known), rtol=1e-10)
    np.testing.assert_allclose(outcomes.p_alive, fit.model.p_alive(*known), rtol=1e-10)
    np.testing.assert_allclose(outcomes.discounted(0.01), fit.model.discounted_purchases(20, *known, delta=0.01))
    n = np.arange(200)[:, None]
    pmf = fit.model.pmf(n, 20, *known)
    for y in (0, 2, 5):
        np.testing.assert_allclose(outcomes.cdf(y), pmf[: y + 1].sum(axis=0), rtol=1e-9)
    variance = (n**2 * pmf).sum(axis=0) - (n * pmf).sum(axis=0) ** 2
    np.testing.assert_allclose(outcomes.variance, variance, rtol=1e-7, atol=1e-12)


def test_without_gaps_the_last_times_choose_alone(summary: Summary) -> None:
    table = Summary.from_frame(summary.frame[["customer_id", "frequency", "recency", "T"]], until="2024-12-31")
    assert table.gaps is None
    alone = clv.fit("mbgcnbd", table)
    assert alone.model.k > 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiagnosticWarning)
        assert clv.fit(BGCNBD, table).model.k >= 1


def test_small_gains_do_not_count() -> None:
    """Poisson buyers have k = 1, whatever noise says."""
    log = clv.simulate(
        BGNBD(0.8, 6.0, 0.9, 2.5), customers=300, start="2024-01-01", end="2024-12-31", unit="week", seed=8
    )
    one = clv.fit("bgcnbd", clv.summarize(log, until="2024-12-31"))
    assert one.model.k == 1
    same = clv.fit("bgnbd", clv.summarize(log, until="2024-12-31"))
    assert one.parameters == pytest.approx(same.parameters, rel=1e-4)
    assert one.log_likelihood == pytest.approx(same.log_likelihood, abs=1e-6)


@pytest.mark.parametrize("k", [0, 1.5, -2, True])
def test_k_is_a_whole_number(k: Any) -> None:
    with pytest.raises(InputError, match="k, the ticks to a purchase, must be a whole number"):
        BGCNBD(1, 1, 1, 1, k)
