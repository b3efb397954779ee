"""Do the special functions keep their digits where the usual forms cancel, against mpmath?"""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest

from clvmodels.models.arrays import (
    BLOCK,
    NUMPY,
    betaln,
    digamma_rise,
    in_blocks,
    log_rising,
    per_distinct,
    stirling_rest,
    trigamma_rise,
)

STARTS = [1e-3, 0.2, 1.0, 7.5, 19.999, 20.0, 20.001, 350.0, 1e4, 5e8, 1e12]
COUNTS = [0.0, 1.0, 2.0, 30.0, 4999.0, 0.37]

FUNCTIONS = {
    "log_rising": (log_rising, lambda a, k: mp.loggamma(a + k) - mp.loggamma(a), 1e-13),
    "digamma_rise": (digamma_rise, lambda a, k: mp.digamma(a + k) - mp.digamma(a), 1e-12),
    "trigamma_rise": (trigamma_rise, lambda a, k: mp.psi(1, a + k) - mp.psi(1, a), 1e-11),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_differences(name: str) -> None:
    ours, exact, tolerance = FUNCTIONS[name]
    start, count = np.meshgrid(STARTS, COUNTS)
    values = ours(start, count)
    with mp.workdps(60):
        right = [float(exact(mp.mpf(a), mp.mpf(k))) for a, k in zip(start.flat, count.flat, strict=True)]
    np.testing.assert_allclose(values.ravel(), right, rtol=tolerance, atol=1e-14 if name == "log_rising" else 0)


def test_stirling_rest() -> None:
    with mp.workdps(50):
        right = [
            float(mp.loggamma(z) - (z - mp.mpf(1) / 2) * mp.log(z) + z - mp.log(2 * mp.pi) / 2)
            for z in map(mp.mpf, STARTS)
        ]
    np.testing.assert_allclose(stirling_rest(STARTS), right, rtol=1e-12, atol=5e-14)


@pytest.mark.parametrize(
    ("first", "second"), [(1e-3, 2.0), (3.7, 6.2e4), (5e3, 4.1), (1e7, 0.3), (800.0, 900.0), (4e7, 5e7)]
)
def test_betaln(first: float, second: float) -> None:
    with mp.workdps(50):
        right = float(mp.log(mp.beta(first, second)))
    assert float(betaln(first, second)) == pytest.approx(right, rel=1e-14, abs=1e-13)
    assert NUMPY.betaln(second, first) == betaln(first, second)


@pytest.mark.parametrize(
    "x", [[3, 0, 3, 7], [[3, 0], [7, 3]], [2.5, 0.5, 2.5], [0, 10**7], [-1.0, 4.0], 5.0, []], ids=str
)
def test_per_distinct_is_the_formula(x: object) -> None:
    seen: list[np.ndarray] = []

    def formula(values: np.ndarray) -> np.ndarray:
        seen.append(values)
        return np.cos(values) * np.array([[1.0], [2.0]]) if np.ndim(values) == 1 else np.cos(values)

    plain = np.asarray(x, float)
    expected = np.cos(plain) if plain.ndim == 0 else np.stack([np.cos(plain), 2 * np.cos(plain)])
    np.testing.assert_array_equal(per_distinct(formula, x), expected)
    (values,) = seen
    assert values.size == np.unique(plain).size


@pytest.mark.parametrize("shape", [(), (5,), (3 * BLOCK + 7,), (40, 1000), (3, BLOCK + 5), (2, 3, BLOCK)])
def test_in_blocks_is_the_formula(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    first, second = rng.random(shape), rng.random(shape[-1:])
    sizes = []

    def formula(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        sizes.append(a.size)
        return a - 2 * b

    np.testing.assert_array_equal(in_blocks(formula, first, second), first - 2 * second)
    assert max(sizes) <= BLOCK
