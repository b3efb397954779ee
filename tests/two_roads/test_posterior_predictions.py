"""A few points stand for a posterior: do they predict what many of its draws predict?"""

from __future__ import annotations

import dataclasses
from importlib.util import find_spec

import numpy as np
import pytest

import clvmodels as clv
from clvmodels.fitting import Fit
from clvmodels.models import BGNBD, GammaGamma
from clvmodels.outcomes import PurchaseOutcomes, ValueOutcomes
from clvmodels.outcomes.points import DRAWS, predictive
from clvmodels.summary import Summary
from tests.conftest import need


@pytest.fixture(scope="module")
def fits() -> tuple[Fit, Fit, Summary]:
    need(find_spec("arviz_stats"), "arviz-stats")
    calibration = clv.split("cdnow-sample").calibration
    purchases, spend = (clv.fit(family, calibration, method="posterior") for family in (BGNBD, GammaGamma))
    return purchases, spend, calibration


def test_moments_of_the_points(fits: tuple[Fit, Fit, Summary]) -> None:
    for fit in fits[:2]:
        assert fit.posterior is not None
        points = predictive(fit, seed=0).log_vector
        assert len(points) == 2 * len(fit.parameters)
        mean = fit.posterior.weights @ fit.posterior.log_parameters
        assert points.mean(axis=0) == pytest.approx(mean, rel=1e-9)
        assert np.cov(points.T, bias=True) == pytest.approx(fit.posterior.covariance, rel=1e-9, abs=1e-12)


def test_eight_points_beside_six_hundred_draws(fits: tuple[Fit, Fit, Summary]) -> None:
    purchases, spend, summary = fits
    forecast = clv.predict(purchases, summary, spend=spend, horizon="39 weeks")
    f = forecast.frame
    history = [summary.frame[name] for name in ("frequency", "recency", "T")]
    many = PurchaseOutcomes(purchases.draws(600, seed=5), 39.0, *history)  # type: ignore[arg-type]
    assert forecast.totals.purchases == pytest.approx(many.mean.sum(), rel=0.003)
    assert f["expected_purchases"].to_numpy() == pytest.approx(many.mean, rel=0.04)
    assert f["p_active"].to_numpy() == pytest.approx(many.p_active, rel=0.04)
    lower, upper = many.quantile([0.05, 0.95])
    changed = (f["purchases_lower"] != lower) | (f["purchases_upper"] != upper)
    assert changed.mean() < 0.01
    assert (f["purchases_upper"] - upper).abs().max() <= 1
    some = np.arange(0, len(f), 40)
    money = ValueOutcomes(many.some(some), spend.draws(24, seed=6), summary.frame["monetary_value"].to_numpy()[some])  # type: ignore[arg-type]
    assert f["expected_spend"].to_numpy()[some] == pytest.approx(money.expected_spend, rel=0.03)
    assert f["value_upper"].to_numpy()[some] == pytest.approx(money.quantile(0.95), rel=0.06)


def test_no_seed_moves_them(fits: tuple[Fit, Fit, Summary]) -> None:
    purchases, spend, summary = fits
    one, other = (clv.predict(purchases, summary, spend=spend, seed=seed) for seed in (0, 1))
    assert one.frame.equals(other.frame)
    assert one.totals == other.totals


def test_uncertainty_widens(fits: tuple[Fit, Fit, Summary]) -> None:
    """Mixing over the posterior adds to every customer's variance; the estimate alone does not know itself."""
    purchases, spend, summary = fits
    mixed = clv.predict(purchases, summary, spend=spend)
    sure = [dataclasses.replace(fit, posterior=None) for fit in (purchases, spend)]
    plain = clv.predict(sure[0], summary, spend=sure[1])
    assert (mixed.purchase_outcomes.variance > 0.97 * plain.purchase_outcomes.variance).mean() > 0.95
    assert mixed.totals.purchases == pytest.approx(plain.totals.purchases, rel=0.02)


def test_a_skewed_posterior_gives_draws(fits: tuple[Fit, Fit, Summary]) -> None:
    posterior = fits[0].posterior
    assert posterior is not None
    tail = posterior.weights * np.where(np.arange(posterior.size) < 12, 1.0, 1e-6)
    far = posterior.log_parameters + 3.0 * (np.arange(posterior.size) < 2)[:, None]
    skewed = dataclasses.replace(posterior, weights=tail / tail.sum(), log_parameters=far)
    assert predictive(dataclasses.replace(fits[0], posterior=skewed), seed=1).n_draws == DRAWS
