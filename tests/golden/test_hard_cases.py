"""Do the formulas keep nine digits where the published ones break? 3,000 hard cases against arbitrary precision.

The right answers in hard_cases.npz come from the textbook's own formulas, in mpmath, at a precision raised until two
runs agree to 50 digits. Two runs that agree are not enough by themselves: mpmath's 2F1 gave −10¹¹²⁸ twice before it
gave 3.46, and 1 − 1 is 0 twice before it is 10⁻¹⁹⁸; what is impossible does not count. Written, in about an hour, by

    python tests/golden/test_hard_cases.py
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest

from clvmodels.models import BGNBD, GammaGamma

HERE = Path(__file__).parent
N_CASES = 3000
NEGLIGIBLE = {"cdf_total": 1e-250, "sf_total": 1e-250}  # SciPy's incomplete beta underflows below; others: 1e-290
INPUTS = ("x", "t_x", "T", "t", "delta", "n", "r", "alpha", "a", "b", "p", "q", "v", "m", "n_spend", "s")


# --- The cases -------------------------------------------------------------------------------------------------------


def hard_cases(size: int = N_CASES, seed: int = 1997) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)

    def spread(low: float, high: float) -> np.ndarray:
        return np.exp(rng.uniform(np.log(low), np.log(high), size))

    x = np.where(rng.random(size) < 0.15, 0, np.floor(spread(1, 5001)))
    r, alpha, a, b = spread(0.01, 1000), spread(0.1, 1000), spread(0.01, 100), spread(0.01, 100)
    kind, share = rng.integers(0, 8, size), rng.integers(1, 1024, size) / 1024
    a = np.select([kind == 0, kind == 1, kind == 2], [1e4 * share, 1.0, share], a)
    b = np.select([kind == 0, kind == 2], [1e4 - a, 1 - a], b)
    T = alpha * spread(1e-3, 100)
    recent = np.where(rng.random(size) < 0.5, 1 - spread(1e-6, 1), rng.random(size))
    t_x = np.where(x > 0, T * np.where(rng.random(size) < 0.1, 1, recent), 0)
    T = np.where((x == 0) & (rng.random(size) < 0.3), 0, T)
    t = (alpha + T) * np.where(rng.random(size) < 0.05, 1000, spread(1e-4, 1000))
    delta = rng.uniform(0, 5, size) / t
    bought = (r + x) * t / (alpha + T)
    n = np.select(
        [rng.random(size) < 0.2, rng.random(size) < 0.3, rng.random(size) < 0.5],
        [0, rng.integers(1, 4, size), np.rint(bought * rng.uniform(0, 2, size))],
        np.rint((1 + b / a) * rng.uniform(0, 3, size)),
    )
    p, v, m = spread(0.1, 100), spread(0.01, 1e5), spread(0.01, 1e5)
    q = np.where((x > 0) & (p * x > 1.01), spread(0.1, 100), 1 + spread(0.01, 100))
    n_spend = rng.integers(1, 20, size).astype(float)
    s = n_spend * m * spread(0.01, 100)
    n = np.minimum(n, 6000)
    return {name: np.asarray(value, float) for name, value in locals().items() if name in INPUTS}


# --- The textbook, in arbitrary precision ----------------------------------------------------------------------------

Case = dict[str, mp.mpf]


def agreed(formula: Callable[[], mp.mpf], low: float = -1e-300, high: float = float("inf"), digits: int = 50) -> mp.mpf:
    """The value on which two consecutive precisions agree to 50 digits, and which is possible."""
    dps, before = 100, None
    while dps < 6000:
        with mp.workdps(dps):
            try:
                value = formula()
            except (ValueError, ZeroDivisionError):  # mpmath asks for more
                value = mp.nan
            possible = (
                mp.isfinite(value) and low <= value <= high + mp.mpf("1e-60") and (value != 0 or dps > 500 or low < -1)
            )  # 1 − 1 is no zero
            least = max(abs(value), mp.mpf("1e-40") if low < -1 else mp.mpf("1e-320"))  # a logarithm may be 0
            if possible and before is not None and abs(value - before) <= least * mp.mpf(10) ** -digits:
                return value
            before, dps = value if possible else None, int(dps * 1.7)
    raise ArithmeticError("no agreement")


def p_alive(c: Case) -> mp.mpf:
    """Fader, Hardie & Lee 2005; note 021."""
    if c["x"] == 0:
        return mp.mpf(1)
    return 1 / (
        1 + c["a"] / (c["b"] + c["x"] - 1) * ((c["alpha"] + c["T"]) / (c["alpha"] + c["t_x"])) ** (c["r"] + c["x"])
    )


def p_active(c: Case) -> mp.mpf:
    return p_alive(c) * (1 - ((c["alpha"] + c["T"]) / (c["alpha"] + c["T"] + c["t"])) ** (c["r"] + c["x"]))


def expected_if_alive(c: Case) -> mp.mpf:
    """Eq. 10 without its denominator; a removable singularity (a = 1, a + b + x = 1) is stepped past."""
    r, alpha, a, b, t = c["r"] + c["x"], c["alpha"] + c["T"], c["a"], c["b"] + c["x"], c["t"]
    step = mp.mpf(10) ** (-mp.mp.dps // 2)
    a, b = (a + step if abs(a - 1) < step else a), (b + step / 7 if abs(a + b - 1) < step else b)
    return (a + b - 1) / (a - 1) * (1 - (alpha / (alpha + t)) ** r * gauss(r, b, a + b - 1, t / (alpha + t)))


def counts(c: Case) -> tuple[mp.mpf, mp.mpf]:
    """P(X = n) and P(X ≥ n) in (T, T + t], eq. 8, with every sum as it is printed."""
    r, alpha, a, b, t, n = c["r"] + c["x"], c["alpha"] + c["T"], c["a"], c["b"] + c["x"], c["t"], int(c["n"])
    z = t / (alpha + t)
    nbd = (alpha / (alpha + t)) ** r
    stayed = mp.mpf(1)  # B(a, b + k) / B(a, b)
    pmf, below, nbd_below = nbd, mp.mpf(0), mp.mpf(0)
    for k in range(n):
        below, nbd_below = below + pmf, nbd_below + nbd
        nbd = nbd * (r + k) / (k + 1) * z
        left = stayed * a / (a + b + k)  # B(a + 1, b + k) / B(a, b)
        stayed = stayed * (b + k) / (a + b + k)
        pmf = stayed * nbd + left * (1 - nbd_below)
    alive = p_alive(c)
    return (alive * pmf, alive * (1 - below)) if n else (1 - alive * (1 - pmf), mp.mpf(1))


def discounted_if_alive(c: Case) -> mp.mpf:
    """∫₀ᵗ e^{−δs} dh(s), where dh/ds = E[λ P(alive at s | λ, p)] = r/α · F(s), F(s) = 2F1(r + 1, a; a + b; −s/α).

    With e^{−δs} as its power series: the moments of F on (0, t) follow from one another by F's differential equation.
    """
    r, alpha, a, b, t, delta = c["r"] + c["x"], c["alpha"] + c["T"], c["a"], c["b"] + c["x"], c["t"], c["delta"]
    a += mp.mpf(10) ** (-mp.mp.dps // 2) if a == int(a) else 0  # a resonance, removable
    tau, A, B, C = t / alpha, r + 1, a, a + b
    end, slope = gauss(A, B, C, -tau), -tau * A * B / C * gauss(A + 1, B + 1, C + 1, -tau)
    total, moment, weight, k = mp.mpf(0), mp.mpf(0), mp.mpf(1), 0
    while abs(weight) > mp.mpf(10) ** -70:
        edge = slope * (1 + tau) + end * (C - k - 1 + tau * (A + B - k - 1)) - (C - 1 if k == 0 else 0)
        moment = (moment * k * (C - k - 1) - edge) / (tau * (k + 1 - A) * (k + 1 - B))
        total, k = total + weight * moment, k + 1
        weight *= -delta * t / k
    return r * tau * total


def discounted_by_quadrature(c: Case) -> mp.mpf:
    """The same integral as it stands."""
    r, alpha, a, b, t, delta = c["r"] + c["x"], c["alpha"] + c["T"], c["a"], c["b"] + c["x"], c["t"], c["delta"]

    def inside(u: mp.mpf) -> mp.mpf:
        s = alpha / r * mp.expm1(u)
        return mp.exp(-delta * s) * r / alpha * gauss(r + 1, a, a + b, -s / alpha) * (alpha / r + s)

    return mp.quad(inside, mp.linspace(0, mp.log1p(t / alpha * r), 5))


def gauss(A: mp.mpf, B: mp.mpf, C: mp.mpf, z: mp.mpf) -> mp.mpf:
    """2F1(A, B; C; z), z < 1; where C is huge, and mpmath fails, by Pfaff's or Euler's transformation."""
    if C < 5000:
        return mp.hyp2f1(A, B, C, z, maxterms=10**7)
    if z < 0:
        return (1 - z) ** -A * gauss(A, C - B, C, z / (z - 1))
    if A + B > C:
        return (1 - z) ** (C - A - B) * gauss_series(C - A, C - B, C, z)
    return gauss_series(A, B, C, z)


def gauss_series(A: mp.mpf, B: mp.mpf, C: mp.mpf, z: mp.mpf) -> mp.mpf:
    """2F1 by its definition; all terms positive here."""
    term = total = mp.mpf(1)
    n = 0
    while n % 50 or term > total * mp.eps / 10**4 or (A + n) * (B + n) * z > 0.9999 * (C + n) * (n + 1):
        term = term * (A + n) * (B + n) / ((C + n) * (n + 1)) * z
        total += term
        n += 1
    return total


def expected_spend(c: Case) -> mp.mpf:
    """Note 025, eq. 5: a weighted average of the population's mean and the customer's own."""
    step = mp.mpf(10) ** (-mp.mp.dps // 2)
    p, q, v, x, m = c["p"], c["q"] + (step if c["q"] == 1 else 0), c["v"], c["x"], c["m"]
    return (q - 1) / (p * x + q - 1) * (p * v / (q - 1)) + p * x / (p * x + q - 1) * m


def total_spend(c: Case, *, upper: bool) -> mp.mpf:
    """P(S ≤ s) or P(S > s) of n purchases: ν | data ~ Gamma(q + p x, v + x m), S | ν ~ Gamma(p n, ν)."""
    first, second, u = c["p"] * c["n_spend"], c["p"] * c["x"] + c["q"], c["s"] / (c["s"] + c["v"] + c["x"] * c["m"])

    def terms(A: mp.mpf, B: mp.mpf, z: mp.mpf) -> mp.mpf:
        return (max(0, (A + B) * z - A) + 300) / (1 - z)

    lower = terms(first, second, u) < terms(second, first, 1 - u)  # the shorter series
    first, second, u = (first, second, u) if lower else (second, first, 1 - u)
    share = u**first * (1 - u) ** second / first / mp.beta(first, second)
    share *= gauss_series(first + second, mp.mpf(1), first + 1, u)
    return share if lower != upper else 1 - share


def log_likelihood(c: Case) -> mp.mpf:
    """Eq. 6."""
    r, alpha, a, b, x, t_x, T = (c[name] for name in ("r", "alpha", "a", "b", "x", "t_x", "T"))
    last = mp.beta(a + 1, b + x - 1) * (alpha + t_x) ** -(r + x) if x > 0 else 0
    both = mp.beta(a, b + x) * (alpha + T) ** -(r + x) + last
    return mp.log(both * mp.gamma(r + x) * alpha**r / (mp.gamma(r) * mp.beta(a, b)))


def spend_log_likelihood(c: Case) -> mp.mpf:
    """Note 025, eq. 1a."""
    p, q, v, x, m = (c[name] for name in ("p", "q", "v", "x", "m"))
    if x == 0:
        return mp.mpf(0)
    return mp.log(v**q * m ** (p * x - 1) * x ** (p * x) / (mp.beta(p * x, q) * (v + x * m) ** (p * x + q)))


def right_answers(row: dict[str, float], *, discounted: bool = True) -> dict[str, float]:
    c = {name: mp.mpf(float(value)) for name, value in row.items()}
    alive = agreed(lambda: p_alive(c), high=1)
    rate = (c["r"] + c["x"]) / (c["alpha"] + c["T"])
    answers = {
        "p_alive": alive,
        "p_active": agreed(lambda: p_active(c), high=1),
        "expected_purchases": alive * agreed(lambda: expected_if_alive(c), high=float(rate * c["t"]) * 1.01),
        "pmf": agreed(lambda: counts(c)[0], high=1),
        "survival": agreed(lambda: counts(c)[1], high=1),
        "expected_spend": agreed(lambda: expected_spend(c)),
        "cdf_total": agreed(lambda: total_spend(c, upper=False), high=1),
        "sf_total": agreed(lambda: total_spend(c, upper=True), high=1),
        "log_likelihood": agreed(lambda: log_likelihood(c), low=-float("inf")),
        "spend_log_likelihood": agreed(lambda: spend_log_likelihood(c), low=-float("inf")),
    }
    if discounted:
        answers["discounted_purchases"] = alive * agreed(
            lambda: discounted_if_alive(c), high=float(rate * c["t"]) * 1.01
        )
    return {name: float(value) for name, value in answers.items()}


# --- The tests -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(HERE / "hard_cases.npz") as stored:
        return {name: stored[name][:, None] for name in stored.files}  # a case is a draw: shape (3000, 1)


@pytest.fixture(scope="module")
def ours(golden: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    g = golden
    customers, spend = BGNBD(g["r"], g["alpha"], g["a"], g["b"]), GammaGamma(g["p"], g["q"], g["v"])
    known = g["x"], g["t_x"], g["T"]
    with np.errstate(all="raise", under="ignore"):
        return {
            "p_alive": customers.p_alive(*known),
            "p_active": customers.p_active(g["t"], *known),
            "expected_purchases": customers.expected_purchases(g["t"], *known),
            "pmf": customers.pmf(g["n"], g["t"], *known),
            "survival": customers.survival(g["n"], g["t"], *known),
            "discounted_purchases": customers.discounted_purchases(g["t"], *known, delta=g["delta"]),
            "expected_spend": spend.expected_spend(g["x"], g["m"]),
            "cdf_total": spend.cdf_total(g["s"], g["n_spend"], g["x"], g["m"]),
            "sf_total": spend.sf_total(g["s"], g["n_spend"], g["x"], g["m"]),
        }


@pytest.mark.parametrize(
    "quantity",
    [
        "p_alive",
        "p_active",
        "expected_purchases",
        "pmf",
        "survival",
        "discounted_purchases",
        "expected_spend",
        "cdf_total",
        "sf_total",
    ],
)
def test_nine_digits(quantity: str, ours: dict[str, np.ndarray], golden: dict[str, np.ndarray]) -> None:
    mine, right = ours[quantity][:, 0], golden[quantity][:, 0]
    assert right.size == N_CASES
    assert np.all(np.isfinite(mine))
    assert np.all(mine >= 0)
    negligible = NEGLIGIBLE.get(quantity, 1e-290)
    counted = right > negligible
    assert counted.mean() > 0.75
    assert np.all(mine[~counted] <= 2 * negligible)
    error = np.abs(mine[counted] / right[counted] - 1)
    worst = int(np.flatnonzero(counted)[error.argmax()])
    assert error.max() <= 1e-9, {name: float(golden[name][worst, 0]) for name in golden}


def test_log_likelihoods(golden: dict[str, np.ndarray]) -> None:
    columns = {name: values[:, 0] for name, values in golden.items()}
    for i in range(0, N_CASES, 3):
        c = {name: float(values[i]) for name, values in columns.items()}
        mine = BGNBD(c["r"], c["alpha"], c["a"], c["b"]).log_likelihood(c["x"], c["t_x"], c["T"])
        assert float(mine) == pytest.approx(c["log_likelihood"], rel=1e-9, abs=1e-9)
        mine = GammaGamma(c["p"], c["q"], c["v"]).log_likelihood(c["x"], c["m"])
        assert float(mine) == pytest.approx(c["spend_log_likelihood"], rel=1e-9, abs=1e-9)


def test_the_cases_are_as_hard_as_they_should_be(golden: dict[str, np.ndarray]) -> None:
    g = {name: values[:, 0] for name, values in golden.items()}
    assert g["x"].max() > 4000
    for name, low, high in (("r", 0.02, 900), ("alpha", 0.2, 900), ("a", 0.02, 5000), ("b", 0.02, 5000)):
        assert g[name].min() < low, name
        assert g[name].max() > high, name
    for special in (g["a"] == 1, g["a"] + g["b"] == 1, g["a"] + g["b"] == 1e4, (g["x"] > 0) & (g["t_x"] == g["T"])):
        assert special.sum() >= 100
    assert np.all(g["t_x"] <= g["T"])
    assert (g["t"] / (g["alpha"] + g["T"])).max() == pytest.approx(1000)
    assert (g["t"] * g["delta"]).max() > 4.9


def test_stored_answers_are_what_the_textbook_gives_today(golden: dict[str, np.ndarray]) -> None:
    rng = np.random.default_rng(7)
    easy = np.flatnonzero((golden["n"] < 300) & (golden["a"] + golden["b"] < 5000))
    for i in rng.choice(easy, 40, replace=False):
        again = right_answers({name: float(golden[name][i, 0]) for name in INPUTS}, discounted=i % 3 == 0)
        for name, value in again.items():
            assert value == pytest.approx(
                float(golden[name][i, 0]), rel=1e-15, abs=1e-30 if "log" in name else 1e-290
            ), name


@pytest.mark.parametrize("i", [1, 3, 5])
def test_moments_add_up_to_the_discounting_integral(i: int, golden: dict[str, np.ndarray]) -> None:
    c = {name: mp.mpf(float(golden[name][i, 0])) for name in INPUTS}
    with mp.workdps(25):
        integral = p_alive(c) * discounted_by_quadrature(c)
    assert float(integral) == pytest.approx(float(golden["discounted_purchases"][i, 0]), rel=1e-13)


def main() -> None:
    """Compute everything anew."""
    cases = hard_cases()
    rows = []
    for i in range(N_CASES):
        rows.append(right_answers({name: float(cases[name][i]) for name in INPUTS}))
        if i % 50 == 49:
            print(i + 1, "of", N_CASES, flush=True)  # noqa: T201
    answers = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    np.savez_compressed(HERE / "hard_cases.npz", **cases, **answers)


if __name__ == "__main__":
    main()
