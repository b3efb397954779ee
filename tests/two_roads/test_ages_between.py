"""Is what is read between a few T what the formulas say there?"""

from __future__ import annotations

import numpy as np
import pytest

from clvmodels.models import BGNBD, MBGNBD, NBD, ParetoNBD
from clvmodels.models.base import PurchaseFamily
from clvmodels.outcomes.smooth import by_age

X, AGES = np.repeat(np.array([0.0, 1.0, 7.0, 120.0]), 1096), np.tile(np.arange(1096) / 7, 4)
FAMILIES = (
    BGNBD(0.6, 3.0, 0.4, 6.0),
    BGNBD(*(np.array([[value], [1.2 * value]]) for value in (0.243, 4.414, 0.793, 2.426))),
    MBGNBD(0.5, 6.2, 0.9, 1.6),
    ParetoNBD(0.55, 10.6, 0.61, 11.7),
    NBD(0.5, 10.0),
)


@pytest.mark.parametrize("model", FAMILIES, ids=lambda model: f"{model.name}-{model.n_draws}")
def test_between_the_nodes(model: PurchaseFamily) -> None:
    alive, some = model.alive(0), np.random.default_rng(1).integers(0, X.size, 400)
    for quantity in (
        lambda x, T: alive.expected_purchases(52.0, x, T),
        lambda x, T: alive.discounted_purchases(52.0, x, T, delta=0.002),
        lambda x, T: alive.p_active(52.0, x, T),
    ):
        found = by_age(quantity, X, AGES)
        assert found is not None
        np.testing.assert_allclose(found[..., some], quantity(X[some], AGES[some]), rtol=1e-10)


def test_where_it_would_not_hold_ten_digits_or_save_nothing() -> None:
    assert by_age(lambda x, T: 1 + np.sin(40 * T), X, AGES) is None
    assert by_age(lambda x, T: np.zeros(x.size), X, AGES) is None
    assert by_age(lambda x, T: 1 + T, X[:50], AGES[:50]) is None
