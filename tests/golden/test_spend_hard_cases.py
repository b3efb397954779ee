"""Do the spend families of single values keep eight digits? 2,000 hard cases against fifty-digit arithmetic.

The right answers in spend_hard_cases.npz come from the textbook's forms of the likelihoods, every gamma function and
every determinant as it stands, in mpmath with 80 digits. Written, in a minute, by

    python tests/golden/test_spend_hard_cases.py
"""

from __future__ import annotations

from pathlib import Path

import mpmath as mp
import numpy as np
import pytest

from clvmodels.models import GammaGammaFrequency, LogNormalSpend

HERE = Path(__file__).parent
N_CASES = 2000
INPUTS = ("x", "p", "q", "v", "g", "m", "d", "sigma", "tau", "log_m", "ss", "n", "s")


def hard_cases(size: int = N_CASES, seed: int = 2013) -> dict[str, np.ndarray]:
    """Up to 5,000 purchases, of a cent to a million, by customers all alike to one in millions."""
    rng = np.random.default_rng(seed)

    def spread(low: float, high: float) -> np.ndarray:
        return np.exp(rng.uniform(np.log(low), np.log(high), size))

    x = np.where(rng.random(size) < 0.2, 1, np.floor(spread(1, 5001)))
    p, v, m, g = spread(0.05, 1e4), spread(0.01, 1e6), spread(0.01, 1e6), spread(0.2, 5)
    q = np.where(p * x > 1.01, spread(0.05, 1e4), 1 + spread(0.01, 1e4))
    d = np.where(x > 1, -spread(1e-12, 5), 0.0)
    sigma, tau = spread(1e-4, 5), spread(1e-4, 5)
    log_m = np.log(v) + rng.standard_normal(size) * np.where(rng.random(size) < 0.5, np.hypot(sigma, tau), 5)
    ss = np.where(x > 1, (x - 1) * sigma**2 * spread(1e-6, 100), 0.0)
    n = np.floor(spread(1, 500))
    s = np.exp(log_m + rng.standard_normal(size) * 3 * sigma)
    return {name: np.asarray(value, float) for name, value in locals().items() if name in INPUTS}


Case = dict[str, mp.mpf]


def frequency(c: Case) -> dict[str, mp.mpf]:
    """∫ ∏ Gamma(z_i | p, ν) Gamma(ν | q, V) dν in closed form, V = v g^log₂x, and moments by the weighted mean's."""
    x, p, q, total = c["x"], c["p"], c["q"], c["x"] * c["m"]
    big_v = c["v"] * c["g"] ** (mp.log(x) / mp.log(2))
    logs = x * (mp.log(c["m"]) + c["d"])
    density = (mp.loggamma(p * x + q) - x * mp.loggamma(p) - mp.loggamma(q) + q * mp.log(big_v) + (p - 1) * logs) - (
        p * x + q
    ) * mp.log(big_v + total)
    second = p * x + q
    mean = (q - 1) / (second - 1) * (p * big_v / (q - 1)) + p * x / (second - 1) * c["m"]
    first, scale = p * c["n"], big_v + total
    variance = scale**2 * first * (first + second - 1) / ((second - 2) * (second - 1) ** 2) if second > 2 else mp.inf
    return {"frequency_log_likelihood": density, "frequency_expected": mean, "frequency_variance": variance}


def lognormal(c: Case) -> dict[str, mp.mpf]:
    """A normal vector with covariance σ² I + τ² J, whose determinant is σ^2(x−1) (σ² + x τ²)."""
    x, mu, a, b = c["x"], mp.log(c["v"]), c["sigma"] ** 2, c["tau"] ** 2
    away = c["log_m"] - mu
    quadratic = (c["ss"] + x * away**2) / a - b * (x * away) ** 2 / (a * (a + x * b))
    density = -(x * mp.log(2 * mp.pi) + (x - 1) * mp.log(a) + mp.log(a + x * b) + quadratic) / 2 - x * c["log_m"]
    variance = 1 / (1 / b + x / a)
    level = variance * (mu / b + x * c["log_m"] / a)
    mean = mp.exp(level + (variance + a) / 2)
    both = mp.exp(2 * level + 2 * variance + a)
    spread = both * (c["n"] ** 2 + c["n"] * (mp.exp(a) - 1)) - (c["n"] * mean) ** 2
    h = (mp.log(c["s"]) - level) / mp.sqrt(variance + a)
    return {
        "lognormal_log_likelihood": density,
        "lognormal_expected": mean,
        "lognormal_variance": spread,
        "lognormal_cdf": mp.erfc(-h / mp.sqrt(2)) / 2,
        "lognormal_sf": mp.erfc(h / mp.sqrt(2)) / 2,
    }


def right_answers(case: dict[str, float]) -> dict[str, float]:
    """In floating point: no quantity here needs more than that to say."""
    with mp.workdps(80):
        c = {name: mp.mpf(value) for name, value in case.items()}
        return {name: float(value) for name, value in (frequency(c) | lognormal(c)).items()}


def ours(c: dict[str, float]) -> dict[str, float]:
    """The package's answers."""
    one = GammaGammaFrequency(*(c[name] for name in ("p", "q", "v", "g")))
    other = LogNormalSpend(*(c[name] for name in ("sigma", "tau", "v")))
    x, m, log_m, n = c["x"], c["m"], c["log_m"], c["n"]
    answers = {
        "frequency_log_likelihood": one.log_likelihood(x, m, c["d"]),
        "frequency_expected": one.expected_spend(x, m),
        "frequency_variance": one.variance_total(n, x, m),
        "lognormal_log_likelihood": other.log_likelihood(x, log_m, c["ss"]),
        "lognormal_expected": other.expected_spend(x, log_m),
        "lognormal_variance": other.variance_total(n, x, log_m),
        "lognormal_cdf": other.cdf_total(c["s"], 1, x, log_m),
        "lognormal_sf": other.sf_total(c["s"], 1, x, log_m),
    }
    return {name: float(value) for name, value in answers.items()}


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(HERE / "spend_hard_cases.npz") as stored:
        return {name: stored[name] for name in stored.files}


@pytest.fixture(scope="module")
def computed(golden: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    rows = [ours({name: float(golden[name][i]) for name in INPUTS}) for i in range(N_CASES)]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


QUANTITIES = tuple(right_answers(dict.fromkeys(INPUTS, 2.0)))


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_eight_digits(quantity: str, golden: dict[str, np.ndarray], computed: dict[str, np.ndarray]) -> None:
    right, found = golden[quantity], computed[quantity]
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(right))
    there = np.isfinite(right)
    assert there.mean() > 0.7
    least = 1.0 if "log_likelihood" in quantity else 1e-290
    error = np.abs(found[there] - right[there]) / np.maximum(np.abs(right[there]), least)
    assert error.max() < 1e-8, f"case {np.flatnonzero(there)[np.argmax(error)]}"


def test_cases_are_hard(golden: dict[str, np.ndarray]) -> None:
    stored = hard_cases()
    for name in INPUTS:  # another processor's exp may differ in the last digit
        np.testing.assert_allclose(golden[name], stored[name], rtol=1e-13)
    assert golden["x"].max() > 4000
    assert golden["p"].max() > 9000
    assert golden["tau"].min() < 2e-4


def test_stored_answers_are_what_the_textbook_gives_today(golden: dict[str, np.ndarray]) -> None:
    for i in np.random.default_rng(7).choice(N_CASES, 40, replace=False):
        for name, value in right_answers({name: float(golden[name][i]) for name in INPUTS}).items():
            assert value == pytest.approx(float(golden[name][i]), rel=1e-15), name


def main() -> None:
    """Compute everything anew."""
    cases = hard_cases()
    rows = [right_answers({name: float(cases[name][i]) for name in INPUTS}) for i in range(N_CASES)]
    np.savez_compressed(
        HERE / "spend_hard_cases.npz", **cases, **{name: np.array([row[name] for row in rows]) for name in rows[0]}
    )


if __name__ == "__main__":
    main()
