"""Does a family refuse parameters that mean nothing, in words?"""

from __future__ import annotations

import math

import numpy as np
import pytest

from clvmodels.errors import InputError
from clvmodels.models import BGNBD, FAMILIES, Family, GammaGamma


@pytest.mark.parametrize("family", FAMILIES.values(), ids=str)
@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_parameters_are_positive_and_finite(family: type[Family], bad: float) -> None:
    names = family.parameter_names()
    for name in names:
        with pytest.raises(InputError, match=rf"parameter {name} must be positive and finite"):
            family(**{other: bad if other == name else 1.0 for other in names})


def test_one_bad_draw_is_enough() -> None:
    good = np.ones((3, 1))
    with pytest.raises(InputError, match="alpha"):
        BGNBD(good, np.array([[1.0], [-2.0], [1.0]]), good, good)


def test_a_family_cannot_be_changed() -> None:
    model = GammaGamma(6.25, 3.74, 15.44)
    with pytest.raises(AttributeError):
        model.p = 1.0  # type: ignore[misc]
