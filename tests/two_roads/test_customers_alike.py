"""Is what is asked of the pairs (x, T) what is asked of every pattern?"""

from __future__ import annotations

import numpy as np
import pytest

from clvmodels.models import BGNBD, MBGNBD, GammaGamma, ParetoNBD
from clvmodels.models.base import PurchaseFamily
from clvmodels.outcomes import PurchaseOutcomes, ValueOutcomes

FAMILIES = (BGNBD(0.6, 3.0, 0.4, 6.0), MBGNBD(0.5, 6.2, 0.9, 1.6), ParetoNBD(0.55, 10.6, 0.61, 11.7))


@pytest.mark.parametrize("model", FAMILIES, ids=lambda model: model.name)
def test_quantiles_and_variances_by_pairs(model: PurchaseFamily) -> None:
    rng = np.random.default_rng(3)
    n = 3000
    T = rng.integers(10, 20, n).astype(float)
    x = rng.poisson(rng.gamma(0.8, 5.0, n)).astype(float)
    t_x = np.where(x > 0, np.ceil(70 * rng.beta(2, 1, n)) / 70 * T, 0.0)
    m = np.where(x > 0, rng.gamma(3.0, 10.0, n), np.nan)
    levels = [0.02, 0.05, 0.5, 0.9, 0.95, 0.999]
    spend = GammaGamma(6.25, 3.74, 15.44)

    by_pair = PurchaseOutcomes(model, 30.0, x, t_x, T)
    by_pattern = PurchaseOutcomes(model, 30.0, x, t_x, T)
    by_pattern.__dict__["latest"] = None
    assert by_pair.latest is not None
    assert by_pair.latest[0].distinct.x.size < by_pair.distinct.x.size / 2
    assert (by_pair.quantile(levels) == by_pattern.quantile(levels)).all()
    np.testing.assert_allclose(by_pair.variance, by_pattern.variance, rtol=1e-10, atol=1e-12)
    ours, theirs = (ValueOutcomes(purchases, spend, (x, m)) for purchases in (by_pair, by_pattern))
    np.testing.assert_allclose(ours.quantile(levels), theirs.quantile(levels), rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(ours.variance, theirs.variance, rtol=1e-10, atol=1e-9)


def test_draws_and_short_logs_go_the_other_way() -> None:
    draws = BGNBD(*(np.array([[value], [value * 1.1]]) for value in (0.6, 3.0, 0.4, 6.0)))
    x, t_x, T = [1.0] * 9, list(range(1, 10)), [10.0] * 9
    assert PurchaseOutcomes(draws, 5.0, x, t_x, T).latest is None
    assert PurchaseOutcomes(FAMILIES[0], 5.0, [1.0, 2.0], [1.0, 1.0], [9.0, 9.0]).latest is None
    assert PurchaseOutcomes(FAMILIES[0], 5.0, x, t_x, T).latest is not None
