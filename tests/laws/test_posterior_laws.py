"""What must hold for every posterior: no unit matters, no order matters, the same seed is the same, another is near."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re

import numpy as np
import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.errors import DiagnosticWarning, InputError
from clvmodels.fitting import Fit, fit
from clvmodels.fitting.before_data import prior_predictive
from clvmodels.fitting.distributions import prior_from_text
from clvmodels.fitting.draws import Draws
from clvmodels.fitting.influence import prior_influence, reweighted, with_prior_scale
from clvmodels.fitting.priors import PARAMETRISATIONS, Beta, LogNormal
from clvmodels.models import BGNBD, GammaGamma
from clvmodels.summary import Summary

FAMILIES = ("bgnbd", "gamma_gamma")


def rfm(customers: int = 800, seed: int = 3) -> pd.DataFrame:
    """In weeks and dollars."""
    T = np.random.default_rng(seed).integers(60, 270, customers) / 7
    who, when = BGNBD(0.6, 8, 0.8, 2.5).sample_times(T, seed=seed)
    x, t_x = np.bincount(who, minlength=customers), np.zeros(customers)
    np.maximum.at(t_x, who, np.maximum(when, 1e-3))
    spent = GammaGamma(5, 4, 60).sample(np.maximum(x, 1), 0, 0, seed=seed) / np.maximum(x, 1)
    return pd.DataFrame(
        {"customer_id": np.arange(customers), "frequency": x, "recency": t_x, "T": T, "monetary_value": spent}
    )


def summary(table: pd.DataFrame, **how: str) -> Summary:
    return Summary.from_frame(table, until=dt.date(2024, 12, 31), **how)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return rfm()


@pytest.fixture(scope="module", params=FAMILIES)
def one(request: pytest.FixtureRequest, table: pd.DataFrame) -> Fit:
    return fit(request.param, summary(table, unit="week"), method="posterior", seed=5)


@pytest.mark.parametrize("factor", [100.0, 151.0])
def test_money_in_other_units(table: pd.DataFrame, factor: float) -> None:
    """Cents, yen: the same draws with the same weights, and v alone counts in the new unit."""
    dollars = fit(GammaGamma, summary(table), method="posterior", seed=5)
    other = fit(
        GammaGamma, summary(table.assign(monetary_value=table["monetary_value"] * factor)), method="posterior", seed=5
    )
    same_draws(dollars, other, factor)


def test_time_in_other_units(table: pd.DataFrame) -> None:
    """Days: the same draws with the same weights, and alpha alone counts in the new unit."""
    weeks = fit(BGNBD, summary(table, unit="week"), method="posterior", seed=5)
    days = table.assign(recency=table["recency"] * 7, T=table["T"] * 7)
    same_draws(weeks, fit(BGNBD, summary(days, unit="day"), method="posterior", seed=5), 7.0)


def same_draws(one: Fit, other: Fit, factor: float) -> None:
    assert one.posterior is not None
    assert other.posterior is not None
    np.testing.assert_allclose(other.posterior.u, one.posterior.u, rtol=0, atol=1e-6)
    np.testing.assert_allclose(other.posterior.weights, one.posterior.weights, rtol=1e-6)
    rescaled = one.posterior.family.from_log(one.posterior.log_parameters).rescale(factor)
    np.testing.assert_allclose(other.posterior.log_parameters, rescaled.log_vector, rtol=0, atol=1e-6)
    np.testing.assert_allclose(other.model.log_vector, one.model.rescale(factor).log_vector, rtol=0, atol=1e-6)
    np.testing.assert_allclose(other.draws(50, seed=2).log_vector, one.draws(50, seed=2).rescale(factor).log_vector)
    assert other.diagnostics["k_hat"] == pytest.approx(one.diagnostics["k_hat"], abs=1e-6)
    assert other.diagnostics["priors"] == one.diagnostics["priors"]


def test_order_of_customers_does_not_matter(one: Fit, table: pd.DataFrame) -> None:
    shuffled = table.sample(frac=1, random_state=4).assign(customer_id=range(len(table)))
    other = fit(one.model.name, summary(shuffled, unit="week"), method="posterior", seed=5)
    assert one.posterior is not None
    assert other.posterior is not None
    np.testing.assert_allclose(other.posterior.u, one.posterior.u, rtol=0, atol=1e-7)
    np.testing.assert_allclose(other.posterior.weights, one.posterior.weights, rtol=1e-6)


def test_same_seed_same_bytes(one: Fit, table: pd.DataFrame) -> None:
    again = fit(one.model.name, summary(table, unit="week"), method="posterior", seed=5)
    for name in ("u", "log_parameters", "weights"):
        assert getattr(again.posterior, name).tobytes() == getattr(one.posterior, name).tobytes()
    assert again.diagnostics == one.diagnostics
    assert again.draws(100, seed=1).log_vector.tobytes() == one.draws(100, seed=1).log_vector.tobytes()


def test_another_seed_moves_little(one: Fit, table: pd.DataFrame) -> None:
    """Means by less than a fortieth of a posterior standard deviation, limits by less than a tenth of it."""
    other = fit(one.model.name, summary(table, unit="week"), method="posterior", seed=6)
    assert one.posterior is not None
    assert other.posterior is not None
    assert not np.array_equal(one.posterior.u, other.posterior.u)
    spread = np.sqrt(np.diag(one.covariance))
    centre, moved = (draws.weights @ draws.log_parameters for draws in (one.posterior, other.posterior))
    np.testing.assert_allclose((moved - centre) / spread, 0, atol=0.025)
    for p in (0.05, 0.95):
        change = np.log(other.posterior.quantile(p) / one.posterior.quantile(p))
        np.testing.assert_allclose(change / spread, 0, atol=0.1)


def test_few_resampled_draws_stand_for_all(one: Fit) -> None:
    """200 draws along the curve: means of what is predicted within a tenth of their spread (independent ones: .2)."""
    assert one.posterior is not None
    everything = one.posterior.family.from_log(one.posterior.log_parameters)
    few = one.draws(200, seed=3)

    def mean_of(model: object) -> np.ndarray:
        if isinstance(model, BGNBD):
            return np.asarray(model.expected_purchases(52, [0, 2, 9], [0, 20, 35], [39, 30, 38]))
        assert isinstance(model, GammaGamma)
        return np.asarray(model.expected_spend([0, 2, 9], [0, 20, 35]))

    exact, sample = mean_of(everything), mean_of(few)
    centre = one.posterior.weights @ exact
    spread = np.sqrt(one.posterior.weights @ (exact - centre) ** 2)
    np.testing.assert_allclose((sample.mean(axis=0) - centre) / spread, 0, atol=0.1)
    np.testing.assert_allclose(sample.std(axis=0) / spread, 1, atol=0.15)


def test_every_draw_has_a_population_mean(table: pd.DataFrame) -> None:
    """q > 1 by construction, also where the estimate by maximum likelihood has q < 1."""
    rng = np.random.default_rng(9)
    wild = table.assign(monetary_value=20 * rng.gamma(2, size=len(table)) / rng.gamma(0.6, size=len(table)))
    with pytest.warns(
        DiagnosticWarning, match=r"q is below 1\.05 in \d+% of the posterior.* rest on the prior"
    ) as told:
        spend = fit(GammaGamma, summary(wild), method="posterior")
    assert spend.diagnostics["warnings"] == [str(told[0].message)]
    assert spend.posterior is not None
    assert np.exp(spend.posterior.log_parameters[:, 1]).min() > 1
    assert spend.finite_mean is None
    assert np.isfinite(spend.draws(500).expected_spend(0, np.nan)).all()  # type: ignore[attr-defined]


def test_more_customers_know_more() -> None:
    small, large = (
        fit(BGNBD, summary(rfm(customers, 4)), method="posterior").standard_errors for customers in (600, 9600)
    )
    for name in ("r", "alpha"):
        assert small[name] / large[name] == pytest.approx(4, rel=0.35)  # type: ignore[operator]


def test_an_informative_prior_pulls(table: pd.DataFrame) -> None:
    """A prior that all but fixes the share leaving is obeyed, and is what the diagnostics name."""
    told = fit(BGNBD, summary(table), method="posterior", priors={"dropout": Beta(1e5, 9e5)})
    a, b = told.parameters["a"], told.parameters["b"]
    assert a / (a + b) == pytest.approx(0.1, abs=2e-3)
    assert told.diagnostics["priors"]["dropout"] == "Beta(alpha=100000.0, beta=900000.0)"
    assert prior_from_text(told.diagnostics["priors"]["dropout"]) == Beta(1e5, 9e5)


def test_prior_influence_is_what_a_new_fit_finds(one: Fit, table: pd.DataFrame) -> None:
    """Reweighted draws against a fit under the halved and the doubled priors, where their certificate allows it."""
    priors = {name: prior_from_text(text) for name, text in one.diagnostics["priors"].items()}
    spread = np.sqrt(np.diag(one.covariance))
    assert one.posterior is not None
    at_u = one.posterior.weights @ one.posterior.u
    sd_u = np.sqrt(one.posterior.weights @ (one.posterior.u - at_u) ** 2)
    for factor, words in ((0.5, "half"), (2.0, "twice")):
        wider = {name: prior.wider(factor) for name, prior in priors.items()}
        anew = fit(one.model.name, summary(table, unit="week"), method="posterior", priors=wider)
        assert anew.posterior is not None
        shift = one.diagnostics["prior_influence"][f"{factor:g}"]
        refitted = np.abs(anew.posterior.weights @ anew.posterior.u - at_u) / sd_u
        assert shift == pytest.approx(refitted.max(), abs=0.05)
        assert f"with priors {words} as wide by at most {shift:.2f}" in one.diagnostics["prior_influence_words"]
        changed = with_prior_scale(one, factor)
        assert changed.diagnostics["priors"] == anew.diagnostics["priors"]
        assert changed.converged or factor == 2
        if changed.converged:
            np.testing.assert_allclose((changed.model.log_vector - anew.model.log_vector) / spread, 0, atol=0.08)
            ratio = np.sqrt(np.diag(changed.covariance) / np.diag(anew.covariance))
            np.testing.assert_allclose(ratio, 1, atol=0.05)


def test_prior_influence_says_when_draws_cannot_tell() -> None:
    """A posterior that hangs on its prior, reweighted far away."""
    little = fit(BGNBD, summary(rfm(1500, 8)), method="posterior", priors={"concentration": LogNormal(9, 0.02)})
    assert little.posterior is not None
    far = with_prior_scale(little, 20)
    assert not far.converged
    assert "not certified" in far.verdict
    none = reweighted(little.posterior, PARAMETRISATIONS["bgnbd"], 1.0)
    np.testing.assert_allclose(none.weights, little.posterior.weights, rtol=0.05, atol=1e-5)
    # Standard normal draws under a normal prior with sd .7: with twice the sd, the weights' second moment is infinite.
    narrow = PARAMETRISATIONS["gamma_gamma"].with_priors(dict.fromkeys(("p", "q_above_1", "mean"), LogNormal(0, 0.7)))
    u = np.random.default_rng(1).standard_normal((4000, 3))
    shifts, words = prior_influence(Draws(GammaGamma, u, u, np.full(4000, 1 / 4000), chains=4, r_hat=1.0), narrow)
    assert "half as wide by at most 0.0" in words
    assert re.search(r"with priors twice as wide by at least \(k̂ \d\.\d\d: these draws cannot tell\)", words)
    assert set(shifts) == {"0.5", "2"}


def test_what_has_no_priors_cannot_be_reweighted(table: pd.DataFrame, one: Fit) -> None:
    with pytest.raises(InputError, match="a fit by mle has no priors"):
        with_prior_scale(fit(BGNBD, summary(table)), 2)
    with pytest.raises(InputError, match=r"priors cannot be -1 times as wide. Give a positive factor"):
        with_prior_scale(one, -1)


def test_prior_predictive_surrounds_what_is_plausible(table: pd.DataFrame) -> None:
    """The default priors expect logs from nearly nobody to nearly everybody coming back; CDNOW is one of them."""
    cdnow = clv.split("cdnow-sample", calibration_end="1997-09-30", holdout_end="1998-06-30").calibration
    for source in (cdnow, summary(table)):
        for family in FAMILIES:
            drawn = prior_predictive(family, source, draws=300, seed=2)
            assert drawn.equals(prior_predictive(family, source, draws=300, seed=2))
            for name, rows in drawn.groupby("quantity"):
                low, high = rows["value"].quantile([0.05, 0.95])
                assert low < rows["observed"].iloc[0] < high, f"{family}: {name}"
    drawn = prior_predictive("bgnbd", cdnow, draws=300, seed=2).pivot(index="draw", columns="quantity", values="value")
    assert drawn["one_time_share"].quantile(0.1) < 0.2
    assert drawn["one_time_share"].quantile(0.9) > 0.9
    assert drawn["purchases_per_customer"].quantile(0.95) > 20 * drawn["purchases_per_customer"].quantile(0.05)
    told = prior_predictive("bgnbd", cdnow, priors={"rate": LogNormal(-4, 0.1)}, draws=50)
    assert told.loc[told["quantity"] == "one_time_share", "value"].min() > 0.9


def test_prior_predictive_does_not_know_the_unit(table: pd.DataFrame) -> None:
    yen = table.assign(monetary_value=table["monetary_value"] * 151)
    dollars = prior_predictive("gamma_gamma", summary(table), draws=40)
    drawn = prior_predictive("gamma_gamma", summary(yen), draws=40)
    mean = dollars["quantity"] == "mean_spend"
    np.testing.assert_allclose(drawn.loc[mean, "value"], 151 * dollars.loc[mean, "value"])
    np.testing.assert_allclose(drawn.loc[~mean, "value"], dollars.loc[~mean, "value"])


def test_draws_cannot_be_changed(one: Fit) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.posterior.weights = np.ones(3)  # type: ignore[misc, union-attr]
