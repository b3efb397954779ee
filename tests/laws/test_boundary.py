"""Where the likelihood has no top inside: the limit is reached, said in words, and fit for use."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, special

from clvmodels.errors import ConvergenceError, DiagnosticWarning
from clvmodels.fitting import Fit, fit, mle
from clvmodels.models import BGNBD, GammaGamma
from clvmodels.models.arrays import log_rising
from clvmodels.summary import Summary

N = 600
RNG = np.random.default_rng(35)
T = RNG.integers(70, 280, N) / 7


def one_rate() -> np.ndarray:
    return np.full(N, 0.15)


def many_rates() -> np.ndarray:
    return RNG.gamma(0.6, 0.25, N)


def summary(rate: np.ndarray, dropout: np.ndarray, *, days: int = 7) -> Summary:
    """Customers with these rates and dropout probabilities, watched for T weeks; seen in units of 7 or 1 days."""
    rng = np.random.default_rng(35)
    last = np.where(dropout > 0, rng.geometric(np.maximum(dropout, 1e-9)), 10**6)
    x, t_x = np.zeros(N), np.zeros(N)
    for i in range(N):
        times = np.sort(rng.random(rng.poisson(rate[i] * T[i])) * T[i])[: last[i]]
        days_bought = np.unique(np.ceil(7 * times))
        x[i], t_x[i] = days_bought.size, days_bought.max(initial=0) / 7
    k = 7 / days
    frame = pd.DataFrame({"customer_id": range(N), "frequency": x, "recency": k * t_x, "T": k * T})
    return Summary.from_frame(frame, unit="week" if days == 7 else "day", until="2024-12-31")


RATES = many_rates()
HALVES = np.where(RNG.random(N) < 0.4, 1.0, 0.0)
WORLDS = {
    "one dropout": (RATES, np.full(N, 0.25)),
    "all or none": (RATES, HALVES),
    "no dropout": (RATES, np.zeros(N)),
    "one rate": (one_rate(), RNG.beta(1, 2, N)),
    "one of both": (one_rate(), np.full(N, 0.25)),
}


def quiet(data: Summary, family: type = BGNBD) -> Fit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiagnosticWarning)
        return fit(family, data)


def supremum(limit: str, data: Summary) -> float:
    """The maximum of the limit model, written for itself."""
    frame = data.frame
    x, t_x, T = (frame[name].to_numpy(float) for name in ("frequency", "recency", "T"))

    def nbd(log_r: float, log_alpha: float, until: np.ndarray) -> np.ndarray:
        r, alpha = np.exp([log_r, log_alpha])
        return log_rising(r, x) + r * np.log(alpha / (alpha + until)) - x * np.log(alpha + until)

    def poisson(log_rate: float, until: np.ndarray) -> np.ndarray:
        return x * log_rate - np.exp(log_rate) * until

    def geometric(logit: float) -> tuple[np.ndarray, np.ndarray]:
        p = special.expit(logit)
        stay, leave = np.log1p(-p), np.where(x > 0, np.log(p), -np.inf)
        return x * stay, leave + np.maximum(x - 1, 0) * stay

    def density(z: np.ndarray) -> float:
        match limit:
            case "no dropout":
                return float(nbd(z[0], z[1], T).sum())
            case "one dropout":
                alive, gone = geometric(z[2])
                return float(np.logaddexp(alive + nbd(z[0], z[1], T), gone + nbd(z[0], z[1], t_x)).sum())
            case "all or none":
                stay, leave = np.log1p(-special.expit(z[2])), np.log(special.expit(z[2]))
                alive = np.where(x > 0, stay, 0.0)
                gone = np.where(x == 1, leave, -np.inf)
                return float(np.logaddexp(alive + nbd(z[0], z[1], T), gone + nbd(z[0], z[1], t_x)).sum())
            case "one of both":
                alive, gone = geometric(z[1])
                return float(np.logaddexp(alive + poisson(z[0], T), gone + poisson(z[0], t_x)).sum())
            case "one rate":
                a, b = np.exp(z[1:])
                alive = special.betaln(a, b + x)
                gone = np.where(x > 0, special.betaln(a + 1, b + np.maximum(x, 1) - 1), -np.inf)
                each = np.logaddexp(alive + poisson(z[0], T), gone + poisson(z[0], t_x)) - special.betaln(a, b)
                return float(each.sum())
        raise AssertionError(limit)

    size = {"no dropout": 2, "one of both": 2}.get(limit, 3)
    best = -np.inf
    for start in (-1.0, 0.5):
        found = optimize.minimize(
            lambda z: -density(z),
            np.full(size, start),
            method="Nelder-Mead",
            options={"maxiter": 4000, "maxfev": 4000, "xatol": 1e-7, "fatol": 1e-9},
        )
        best = max(best, -found.fun)
    return best


@pytest.mark.parametrize("world", WORLDS)
def test_the_limit_is_reached(world: str) -> None:
    data = summary(*WORLDS[world])
    one = quiet(data)
    assert one.converged
    behind = supremum(world, data) - one.log_likelihood
    assert abs(behind) < 2e-5  # the limit itself: nothing inside is higher


@pytest.mark.parametrize("world", WORLDS)
def test_days_or_weeks_on_the_boundary(world: str) -> None:
    rate, dropout = WORLDS[world]
    one, other = quiet(summary(rate, dropout)), quiet(summary(rate, dropout, days=1))
    assert one.standard_errors.keys() == other.standard_errors.keys()
    x, t_x = np.array([0, 1, 3, 40.0]), np.array([0, 5, 20, 38.0])
    by_week = one.model.expected_purchases(30, x, t_x, 40)
    by_day = other.model.expected_purchases(210, x, 7 * t_x, 280)
    np.testing.assert_allclose(by_day, by_week, rtol=1e-9)
    assert np.isfinite(by_week).all()


WORDS = {
    "one dropout": (
        r"BG/NBD: these data do not tell how customers differ in dropout \(a and b grow together; a=\d.*, b=\d.*\), "
        r"only that its mean a/\(a\+b\) is 0\.2\d+\. Forecasts no longer than the data are usable; standard errors of "
        r"a and b are not given\. Try"
    ),
    "all or none": (
        r"BG/NBD: these data do not tell how customers differ in dropout \(a and b vanish together; a=.*, b=.*\), "
        r"only that a share of 0\.[34]\d+ leaves at the first repeat purchase while the others stay\. "
    ),
    "no dropout": r"these data do not tell whether customers drop out at all \(a/\(a\+b\) vanishes; a=.*, b=1\)\. ",
    "one rate": (
        r"BG/NBD: these data do not tell how customers differ in their purchase rate \(r and alpha grow together; "
        r"r=.*, alpha=.*\), only that its mean r/alpha is 0\.1\d+ purchases a week\. .* standard errors of r and alpha "
        r"are not given"
    ),
}


@pytest.mark.parametrize("world", WORDS)
def test_the_limit_is_said(world: str) -> None:
    with pytest.warns(DiagnosticWarning, match=WORDS[world]):
        one = fit(BGNBD, summary(*WORLDS[world]))
    lost, known = ("r", "alpha"), ("a", "b")
    if world != "one rate":
        lost, known = known, lost
    assert [one.standard_errors[name] for name in lost] == [None, None]
    assert all(one.standard_errors[name] for name in known)
    assert one.verdict.startswith("converged on the boundary: gradient norm ")
    assert one.verdict.endswith(f"identified: {', '.join(known)}")
    table = one.table().set_index("parameter")
    assert table.loc[list(lost), ["standard_error", "lower", "upper"]].isna().all(axis=None)
    assert not table.loc[list(known)].isna().any(axis=None)
    draws = one.draws(500, seed=1)
    forecast = draws.expected_purchases(26, np.array([0.0, 2.0]), np.array([0.0, 12.0]), np.array([20.0, 20.0]))
    assert np.isfinite(forecast).all()
    assert (forecast.std(axis=0) > 0).all()


def test_both_at_once() -> None:
    one = quiet(summary(*WORLDS["one of both"]))
    assert len(one.diagnostics["warnings"]) == 2
    assert "identified" in one.verdict


def spend(m: np.ndarray, x: np.ndarray) -> Summary:
    frame = pd.DataFrame({"customer_id": range(x.size), "frequency": x, "recency": 1.0, "T": 2.0, "monetary_value": m})
    return Summary.from_frame(frame, until="2024-12-31")


def test_customers_who_always_spend_the_same() -> None:
    """m does not vary less when it is the mean of more purchases: p → ∞, and m is inverse gamma."""
    rng = np.random.default_rng(2)
    x, m = rng.integers(1, 6, 300), 30 / rng.gamma(3, size=300)
    with pytest.warns(
        DiagnosticWarning, match=r"how a customer's spend varies between purchases \(p grows and v vanishes"
    ):
        one = fit(GammaGamma, spend(m, x))
    assert (one.standard_errors["p"], one.standard_errors["v"]) == (None, None)

    def inverse_gamma(z: np.ndarray) -> float:
        q, c = np.exp(z)
        return -float(np.sum(q * np.log(c) - special.gammaln(q) - (q + 1) * np.log(m) - c / m))

    limit = optimize.minimize(inverse_gamma, [1.0, 3.0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10})
    assert one.log_likelihood == pytest.approx(-limit.fun, abs=1e-4)
    assert one.parameters["q"] == pytest.approx(np.exp(limit.x[0]), rel=1e-4)
    assert one.parameters["p"] * one.parameters["v"] == pytest.approx(np.exp(limit.x[1]), rel=1e-4)


def test_customers_who_are_all_alike() -> None:
    """m varies as one customer's mean would: q → ∞, and m is gamma."""
    x = np.tile([1, 2, 4, 8], 75)
    m = 20 * special.gammaincinv(3 * x, (np.arange(300) // 4 + 0.5) / 75) / x  # the quantiles of Gamma(3 x)
    m = 60 + (m - 60) / x**0.1  # and the means of many purchases a little closer together still
    with pytest.warns(
        DiagnosticWarning, match=r"how customers differ in spend \(q and v grow together; q=.*mean spend is 59.97"
    ):
        one = fit(GammaGamma, spend(m, x))

    def gamma(z: np.ndarray) -> float:
        p, rate = np.exp(z)
        k = p * x
        return -float(np.sum(k * np.log(rate * x) - special.gammaln(k) + (k - 1) * np.log(m) - rate * x * m))

    limit = optimize.minimize(gamma, [1.0, -3.0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10})
    assert one.log_likelihood == pytest.approx(-limit.fun, abs=1e-4)
    assert one.parameters["p"] == pytest.approx(np.exp(limit.x[0]), rel=1e-4)
    assert one.standard_errors["p"]
    assert (one.standard_errors["q"], one.standard_errors["v"]) == (None, None)


@pytest.mark.parametrize("apart", [2e-3, 1e-2, 0.3])
@pytest.mark.parametrize("who", ["one", "all"])
def test_customers_who_spend_nearly_the_same(apart: float, who: str) -> None:
    """A shop with one price and a few exceptions."""
    rng = np.random.default_rng(7)
    x = rng.integers(1, 6, 500)
    m = 9.99 * (1 + apart * (rng.random(500) if who == "all" else (np.arange(500) == 77)))
    one = quiet(spend(m, x), GammaGamma)
    assert one.converged
    assert one.model.expected_spend(3, 9.99) == pytest.approx(9.99, rel=apart)


def test_no_population_mean() -> None:
    """q ≤ 1: said, and means come from the fit restricted to q = 1.05."""
    rng = np.random.default_rng(1)
    x = rng.integers(1, 6, 800)
    m = 10 * rng.gamma(5 * x) / x / rng.gamma(0.7, size=800)
    with pytest.warns(
        DiagnosticWarning, match=r"q is 0\.\d+, and at q ≤ 1 the mean spend of the population does not exist"
    ):
        one = fit(GammaGamma, spend(m, x))
    assert one.converged
    assert one.parameters["q"] < 1
    restricted = one.finite_mean
    assert restricted is one.predictive_model
    assert isinstance(restricted, GammaGamma)
    assert restricted.q == pytest.approx(1.05)
    found = optimize.minimize(
        lambda z: -GammaGamma(np.exp(z[0]), 1.05, np.exp(z[1])).log_likelihood(x, m).sum(), [1.0, 2.0], tol=1e-10
    )
    assert restricted.log_likelihood(x, m).sum() == pytest.approx(-found.fun, abs=1e-6)
    assert np.isfinite(restricted.expected_spend(np.array([0, 3]), np.array([np.nan, 12.0]))).all()
    assert any("q = 1.05" in words for words in one.diagnostics["warnings"])


def test_hardly_told() -> None:
    """Inside, but so flat that the limit costs less than half a point: no standard errors, a finite covariance."""
    rng = np.random.default_rng(1)
    data = summary(RATES, rng.beta(9, 27, N))
    with pytest.warns(DiagnosticWarning, match="these data hardly tell how customers differ in dropout"):
        one = fit(BGNBD, data)
    assert one.verdict.startswith("converged: ")
    assert one.standard_errors["a"] is None
    assert np.linalg.eigvalsh(one.covariance).min() > 0
    assert np.diag(one.covariance).max() < 5


def test_no_convergence_is_an_error_that_carries_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    climb = mle.climb
    monkeypatch.setattr(mle, "climb", lambda *args, **options: climb(*args, **{**options, "most": 2}))
    with pytest.raises(ConvergenceError, match=r"BG/NBD did not converge: gradient norm .* after 4 starts\.") as caught:
        fit(BGNBD, summary(RATES, RNG.beta(1, 2, N)))
    assert caught.value.fit.converged is False
    assert caught.value.fit.verdict.startswith("not converged: gradient norm ")
