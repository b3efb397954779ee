"""Spend families by two roads: grids against sums, skew-normal logarithms against convolutions, and chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

import clvmodels as clv
from clvmodels.fitting.data import SPENDS as SPENDS_BY_NAME
from clvmodels.models import BGNBD, GammaGammaFirst, GammaGammaFrequency, LogNormalSpend, SpendFamily
from clvmodels.models.log_sums import SkewNormal, log_sum_cumulants
from clvmodels.outcomes import PurchaseOutcomes, ValueOutcomes
from clvmodels.summary import Summary

PURCHASES = BGNBD(0.243, 4.414, 0.793, 2.426)
X = np.array([0, 0, 1, 2, 2, 2, 11, 40])
T = np.array([38.86, 20.0, 30.0, 38.86, 38.86, 38.86, 33.0, 39.0])
T_X = np.array([0, 0, 8.0, 30.43, 30.43, 30.43, 31.0, 38.5])
M = np.array([5.0, 300.0, 12.0, 22.35, 3.0, 600.0, 35.0, 18.0])
VALUED = X + np.array([1, 1, 1, 1, 0, -2, 1, 0])  # a day without a value, and a customer of whom nothing is known
t = 52.0


def draws(model: Any, sd: float, n: int, seed: int) -> Any:
    normal = np.random.default_rng(seed).standard_normal((n, len(model.log_vector)))
    return type(model).from_log(model.log_vector + sd * normal)


SPENDS: dict[str, Any] = {
    "first": GammaGammaFirst(9.9, 3.4, 7.9),
    "frequency": GammaGammaFrequency(3.71, 4.6, 29.3, 1.1),
    "log-normal": LogNormalSpend(0.565, 0.441, 25.2),
    "wild log-normal": LogNormalSpend(1.1, 0.9, 40.0),
    "even log-normal": LogNormalSpend(0.05, 0.3, 40.0),
}
SPENDS |= {
    "draws of frequency": draws(SPENDS["frequency"], 0.05, 4, 2),
    "draws of log-normal": draws(SPENDS["log-normal"], 0.03, 4, 3),
    "wild draws of log-normal": draws(SPENDS["wild log-normal"], 0.1, 3, 4),
}


def known(spend: SpendFamily) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(spend, LogNormalSpend):
        return VALUED.astype(float), np.where(VALUED > 0, np.log(M), np.nan)
    return X + 1.0, M


@pytest.mark.parametrize("name", SPENDS)
def test_grids_are_sums(name: str) -> None:
    """P(S ≤ s) from the grid, and from the family's own P(S ≤ s | n) added up over n, draw by draw."""
    spend = SPENDS[name]
    x, m = known(spend)
    outcomes = ValueOutcomes(PurchaseOutcomes(PURCHASES, t, X, T_X, T), spend, (x, m))
    n = np.arange(1, 900)
    digits = 2e-10 if spend.n_draws == 1 else 5e-6
    for share in (1e-4, 0.1, 1.0, 4.0, 30.0, 1e3):
        s = share * outcomes.scale
        for i, below in enumerate(outcomes.cdf(s)):
            mass = PURCHASES.pmf(n, t, *(np.full(n.size, column[i]) for column in (X, T_X, T)))
            seen = mass > 1e-16
            given = np.atleast_2d(spend.cdf_total(s[i], n[seen].astype(float), x[i], m[i])).mean(axis=0)
            direct = float(PURCHASES.pmf(0, t, X[i], T_X[i], T[i])) + float(mass[seen] @ given)
            assert below == pytest.approx(direct, abs=digits), (share, i)
    for p in (0.9, 0.95, 0.99):
        quantile = outcomes.quantile(p)
        assert outcomes.cdf(quantile)[quantile > 0] == pytest.approx(p, abs=1e-9 if spend.n_draws == 1 else 1e-5)


@pytest.mark.parametrize("name", ["frequency", "log-normal", "draws of log-normal"])
def test_scores_and_moments_are_integrals(name: str) -> None:
    spend = SPENDS[name]
    outcomes = ValueOutcomes(PurchaseOutcomes(PURCHASES, t, X, T_X, T), spend, known(spend))
    one = outcomes.some(np.array([6]))
    nodes, weights = np.polynomial.legendre.leggauss(16)
    pieces = np.concatenate([[0.0], np.geomspace(1e-4 * one.scale[0], one.quantile(1 - 1e-9)[0], 120), [one.mean[0]]])
    pieces = np.sort(pieces)
    half = np.diff(pieces) / 2
    s = ((pieces[:-1] + half)[:, None] + half[:, None] * nodes).ravel()
    weight = (half[:, None] * weights).ravel()
    above = 1 - outcomes.some(np.full(s.size, 6)).cdf(s)
    close = 5e-4 if isinstance(spend, LogNormalSpend) else 1e-4
    assert one.mean[0] == pytest.approx(weight @ above, rel=close)
    assert one.variance[0] == pytest.approx(weight @ (2 * s * above) - one.mean[0] ** 2, rel=5 * close)
    y = one.mean[0]
    score = weight @ np.where(s < y, (1 - above) ** 2, above**2)
    assert one.crps(y)[0] == pytest.approx(score, rel=1e-6)


@pytest.mark.parametrize("name", ["first", "frequency", "log-normal", "wild log-normal"])
def test_chance_agrees(name: str) -> None:
    """200,000 simulated futures of one customer: purchases from the story, money from the story, value by value."""
    many, spend = 200_000, SPENDS[name]
    x, m = 5.0, 3.6 if isinstance(spend, LogNormalSpend) else 40.0
    n = PURCHASES.sample(t, np.full(many, 4), np.full(many, 30.0), np.full(many, 35.0), seed=3)
    s = spend.sample(n, np.full(many, x), np.full(many, m), seed=4)
    one = ValueOutcomes(PurchaseOutcomes(PURCHASES, t, [4], [30.0], [35.0]), spend, ([x], [m]))
    assert abs(s.mean() - one.mean[0]) < 4 * s.std() / many**0.5
    fourth = np.mean((s - s.mean()) ** 4)
    assert abs(s.var() - one.variance[0]) < 4 * np.sqrt((fourth - s.var() ** 2) / many)
    for p in (0.5, 0.9, 0.95, 0.99):
        assert abs(np.mean(s <= one.quantile(p)[0]) - p) < 4 * np.sqrt(p * (1 - p) / many) + 5e-4
    y = 200.0
    score = np.abs(s - y) - np.abs(s - np.roll(s, 1)) / 2
    assert abs(score.mean() - one.crps(y)[0]) < 6 * score.std() / many**0.5


# --- Sums of log-normal values ---------------------------------------------------------------------------------------


def exact_sum(n: int, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Density of Σ exp(σ z_i) by doubling and adding on a fine grid of the sum, with the fast Fourier transform."""
    top = n * np.exp(sigma**2 / 2) + 12 * np.sqrt(n * np.expm1(sigma**2) * np.exp(sigma**2)) + np.exp(7 * sigma)
    edges = np.linspace(0, top, 1 << 20)
    one = np.diff(stats.norm.cdf(np.log(np.maximum(edges, 1e-300)) / sigma))
    size = 2 * one.size
    mass = np.fft.irfft(np.fft.rfft(one, size) ** n, size)[: one.size]
    # each value stands at the middle of its cell, so that n of them are n/2 cells too low at the cells' starts
    return edges[:-1] + (edges[1] - edges[0]) * (n / 2), np.cumsum(mass)


@pytest.mark.parametrize(("sigma", "worst"), [(0.3, 2e-4), (0.565, 6e-4), (0.7, 1e-3), (1.0, 4e-3)])
@pytest.mark.parametrize("n", [2, 3, 7, 30])
def test_the_logarithm_of_a_sum_is_nearly_skew_normal(n: int, sigma: float, worst: float) -> None:
    s, below = exact_sum(n, sigma)
    inside = (below > 1e-4) & (below < 1 - 1e-4)
    ours = SkewNormal.of(*log_sum_cumulants(float(n), sigma)).cdf(np.log(s[inside]))
    assert np.abs(ours - below[inside]).max() < worst


@pytest.mark.parametrize("sigma", [0.05, 0.565, 1.5])
def test_its_cumulants_are_those_of_simulated_sums(sigma: float) -> None:
    rng, many = np.random.default_rng(2), 100_000
    for n in (1, 2, 5, 40):
        logs = np.log(np.exp(sigma * rng.standard_normal((many, n))).sum(axis=1))
        first, second, third = log_sum_cumulants(float(n), sigma)
        assert abs(logs.mean() - first) < 4.5 * np.sqrt(second / many)
        assert logs.var() == pytest.approx(second, rel=0.03)
        assert abs(stats.skew(logs) - third / second**1.5) < 0.05
    far = log_sum_cumulants([9_999.0, 10_001.0, 1e6], sigma)
    assert far[:, 1] == pytest.approx(far[:, 0], rel=3e-3, abs=1e-9)  # no seam
    spread = np.expm1(sigma**2)
    assert far[0, 2] == pytest.approx(np.log(1e6) + sigma**2 / 2, abs=spread / 1e6)
    assert far[1, 2] == pytest.approx(spread / 1e6, rel=0.01)


# --- Fits ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["gamma_gamma_frequency", "lognormal"])
def test_summaries_say_all_there_is(name: str) -> None:
    """The likelihood of customers' sums is the product of single values' densities, integrated over their levels."""
    values = [np.array([12.0, 30.0, 9.0]), np.array([40.0]), np.array([3.0, 4.0, 90.0, 14.0])]
    x = np.array([spent.size for spent in values], float)
    if name == "lognormal":
        model: Any = SPENDS["log-normal"]
        logs = [np.log(spent) for spent in values]
        ours = model.log_likelihood(x, [log.mean() for log in logs], [log.size * log.var() for log in logs])

        def inside(level: float, spent: np.ndarray) -> float:
            given = stats.lognorm.pdf(spent, model.sigma, scale=np.exp(level)).prod()
            return float(given * stats.norm.pdf(level, np.log(model.v), model.tau))

        ends = (np.log(model.v) - 9 * model.tau, np.log(model.v) + 9 * model.tau)
    else:
        model = SPENDS["frequency"]
        mean = np.array([spent.mean() for spent in values])
        ours = model.log_likelihood(x, mean, [np.log(spent).mean() - np.log(spent.mean()) for spent in values])

        def inside(level: float, spent: np.ndarray) -> float:
            given = stats.gamma.pdf(spent, model.p, scale=1 / level).prod()
            return float(given * stats.gamma.pdf(level, model.q, scale=1 / (model.v * spent.size ** np.log2(model.g))))

        ends = (0.0, 3.0)
    for spent, log_likelihood in zip(values, ours, strict=True):
        integral = integrate.quad(inside, *ends, args=(spent,), epsabs=0, epsrel=1e-10, limit=300)[0]
        assert log_likelihood == pytest.approx(np.log(integral), rel=1e-9)


@pytest.mark.parametrize("name", ["gamma_gamma_first", "gamma_gamma_frequency", "lognormal"])
def test_posterior_beside_likelihood(name: str) -> None:
    """Weak priors leave the estimate where the likelihood has it, and its spread as wide."""
    calibration = clv.split("cdnow-sample").calibration
    one, other = clv.fit(name, calibration), clv.fit(name, calibration, method="posterior")
    assert other.converged
    assert other.diagnostics["k_hat"] < 0.5
    away = np.array(list(other.parameters.values())) / list(one.parameters.values()) - 1
    assert np.abs(away).max() < 0.03
    errors = [list(fit.standard_errors.values()) for fit in (one, other)]
    assert errors[1] == pytest.approx(errors[0], rel=0.15)


def test_lifetimes_agrees_about_the_first_purchase() -> None:
    """Its Gamma-Gamma, given x + 1 purchases and the mean of all, finds the same likelihood."""
    from clvmodels.fitting.oracle import lifetimes_opinion

    calibration = clv.split("cdnow-sample").calibration
    purchases, spend = clv.fit("bgnbd", calibration), clv.fit("gamma_gamma_first", calibration)
    opinion = lifetimes_opinion(calibration, purchases, spend)
    assert "with the first purchase estimates have the same log-likelihood to .001" in opinion.note
    assert opinion.max_relative_difference is not None
    assert opinion.max_relative_difference < 1e-3
    other = lifetimes_opinion(calibration, purchases, clv.fit("lognormal", calibration))
    assert "lifetimes has no Log-normal spend." in other.note


# --- Predictions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["gamma_gamma_first", "gamma_gamma_frequency", "lognormal"])
def test_posteriors_do_not_know_the_unit_of_money(name: str) -> None:
    frame = clv.split("cdnow-sample").calibration.frame
    cents = frame.assign(value_past=frame["value_past"] * 100, monetary_value=frame["monetary_value"] * 100)
    cents = cents.assign(value_first=cents["value_first"] * 100, log_value_mean=cents["log_value_mean"] + np.log(100))
    fits = [
        clv.fit(name, Summary.from_frame(table, until="1997-09-30"), method="posterior", seed=2)
        for table in (frame, cents)
    ]
    finer = fits[0].model.rescale(100.0)
    assert fits[1].parameters == pytest.approx(finer.parameters, rel=1e-6)
    assert fits[1].diagnostics["k_hat"] == pytest.approx(fits[0].diagnostics["k_hat"], abs=1e-3)
    spends = [fit.draws(50, seed=1) for fit in fits]
    x, m = family_known(name, frame)[0], [family_known(name, table)[1] for table in (frame, cents)]
    expected = [spend.expected_spend(x, one) for spend, one in zip(spends, m, strict=True)]  # type: ignore[attr-defined]
    np.testing.assert_allclose(expected[1], 100 * expected[0], rtol=1e-6)


def family_known(name: str, frame: Any) -> tuple[np.ndarray, ...]:
    return SPENDS_BY_NAME[name].observed(frame)


@pytest.mark.parametrize("name", ["gamma_gamma_first", "gamma_gamma_frequency", "lognormal"])
def test_totals_hold_chance_and_parameters(name: str) -> None:
    """90 % limits of a total and of its mean, beside 4,000 worlds: parameters, purchases and values drawn anew."""
    calibration = clv.split("cdnow-sample").calibration
    some = calibration.frame.iloc[::10].reset_index(drop=True)
    table = Summary.from_frame(some, until="1997-09-30")
    purchases, spend = clv.fit("bgnbd", calibration), clv.fit(name, calibration)
    forecast = clv.predict(purchases, table, spend=spend, horizon="39 weeks")
    known, worlds = family_known(name, some)[:2], 4000
    model: Any = purchases.draws(worlds, seed=3)
    money: Any = spend.draws(worlds, seed=4)
    history = [some[column].to_numpy(float) for column in ("frequency", "recency", "T")]
    n = model.sample(39.0, *history, seed=5)
    total = money.sample(n, *known, seed=6).sum(axis=1)
    mean = (model.expected_purchases(39.0, *history) * money.expected_spend(*known)).sum(axis=1)
    assert forecast.totals.value == pytest.approx(mean.mean(), rel=0.01)
    width = np.diff(np.quantile(total, [0.05, 0.95]))[0]
    limits = forecast.totals.value_lower, forecast.totals.value_upper
    assert limits == pytest.approx(np.quantile(total, [0.05, 0.95]), abs=0.08 * width)
    found = forecast.mean_intervals(by=[], seed=7)
    width = np.diff(np.quantile(mean, [0.05, 0.95]))[0]
    ends = found[["value_mean_lower", "value_mean_upper"]].to_numpy()[0]
    assert ends == pytest.approx(np.quantile(mean, [0.05, 0.95]), abs=0.08 * width)
    each = forecast.mean_intervals(seed=7)
    inside = each["value_mean_lower"].le(forecast.frame["value"]) & each["value_mean_upper"].ge(forecast.frame["value"])
    assert inside.mean() > 0.99
