"""Is the log-likelihood that PyMC samples the one that SciPy maximises, with the same slope?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from clvmodels.models import FAMILIES, Family, PurchaseFamily, SpendFamily

X = np.array([0.0, 0.0, 1.0, 1.0, 4.0, 4.0, 120.0])
T_X = np.array([0.0, 0.0, 3.0, 30.0, 20.0, 38.0, 37.5])
T = np.array([0.0, 38.0, 30.0, 30.0, 38.0, 38.0, 38.0])
M = np.array([np.nan, 0.0, 12.5, 300.0, 41.0, 7.0, 33.0])


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
def test_log_likelihood_and_score(family: type[Family]) -> None:
    pytest.importorskip("pytensor")
    import pytensor
    import pytensor.tensor as pt

    from clvmodels.fitting import nuts

    data: tuple[np.ndarray, ...] = (X, T_X, T) if issubclass(family, PurchaseFamily) else (X, M)
    if issubclass(family, SpendFamily) and family.single:  # how the values differ: a sum of squares, or a mean below 0
        data = X, M, np.where(X > 1, 0.7 if family.name == "lognormal" else -0.2, 0.0)
    if issubclass(family, PurchaseFamily) and family.discrete:  # in whole opportunities, and few: each is a term
        t_x = np.minimum(np.ceil(T_X), 4)
        data = np.minimum(X, t_x), t_x, np.minimum(T, 6)
    constants = dict.fromkeys(family.constant_names, 3)
    size = len(family.parameter_names())
    points = np.linspace(0.9, 0.2, size), np.full(size, np.log(0.02)), np.linspace(-1.4, 2.7, size)
    parameters = [pt.dscalar(name) for name in family.parameter_names()]
    symbolic: Any = family(*parameters, **constants)
    value = symbolic.log_likelihood(*data, ops=nuts.symbolic())
    slopes = [pt.grad(value.sum(), parameter) for parameter in parameters]
    compiled = pytensor.function(
        parameters, [value, *slopes], mode=pytensor.compile.Mode(linker="py").excluding("fusion")
    )
    for point in points:
        plain: Any = family.from_log(point, constants)
        found, *gradient = compiled(*plain.parameters.values())
        np.testing.assert_allclose(found, plain.log_likelihood(*data), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(gradient, plain.score(*data).sum(axis=-1), rtol=1e-10)
