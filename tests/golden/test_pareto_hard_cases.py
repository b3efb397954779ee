"""Does Pareto/NBD keep its digits where the published 2F1 breaks? 2,000 hard cases against 50-digit arithmetic.

The right answers in pareto_hard_cases.npz are the textbook's: likelihood, P(alive) and P(active) by 2F1, the mean in
closed form, discounting by incomplete gamma functions, each a value on which two precisions agree to 25 digits; counts
by Gauss's rule in 50-digit arithmetic, with so many nodes that a third more change nothing in 16 digits. Written by

    python tests/golden/test_pareto_hard_cases.py
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest

from clvmodels.models import ParetoNBD

STORED = Path(__file__).parent / "pareto_hard_cases.npz"
N_CASES = 2000
NEGLIGIBLE = 1e-290
INPUTS = ("x", "t_x", "T", "t", "delta", "n", "r", "alpha", "s", "beta")
QUANTITIES = ("p_alive", "p_active", "expected_purchases", "discounted_purchases", "survival", "pmf")
Case = dict[str, mp.mpf]


def hard_cases(size: int = N_CASES, seed: int = 1987) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)

    def spread(low: float, high: float) -> np.ndarray:
        return np.exp(rng.uniform(np.log(low), np.log(high), size))

    x = np.where(rng.random(size) < 0.15, 0, np.floor(spread(1, 5001)))
    r, alpha, s, beta = spread(0.01, 1000), spread(0.1, 1000), spread(0.01, 100), spread(0.1, 1000)
    kind = rng.integers(0, 8, size)
    beta = np.select([kind == 0, kind == 1], [alpha, alpha * (1 + 1e-9)], beta)
    s = np.select([kind == 2, kind == 3], [1.0, 1 + 1e-9], s)
    T = alpha * spread(1e-3, 100)
    recent = np.where(rng.random(size) < 0.5, 1 - spread(1e-6, 1), rng.random(size))
    t_x = np.where(x > 0, T * np.where(rng.random(size) < 0.1, 1, recent), 0)
    T = np.where((x == 0) & (rng.random(size) < 0.3), 0, T)
    t = (alpha + T) * np.where(rng.random(size) < 0.05, 1000, spread(1e-4, 1000))
    delta = rng.uniform(0, 5, size) / t
    bought = (r + x) / (alpha + T) * np.minimum(t, (beta + T) / s)
    n = np.where(rng.random(size) < 0.3, rng.integers(0, 4, size), np.rint(bought * rng.uniform(0, 2, size)))
    n = np.minimum(n, 6000)
    return {name: np.asarray(value, float) for name, value in locals().items() if name in INPUTS}


# --- The textbook, in arbitrary precision ----------------------------------------------------------------------------


def agreed(formula: Callable[[], mp.mpf]) -> mp.mpf:
    """The value on which two consecutive precisions agree to 25 digits."""
    dps, before = 60, None
    while dps < 3000:
        with mp.workdps(dps):
            value = formula()
            if before is not None and abs(value - before) <= max(abs(value), mp.mpf("1e-320")) * mp.mpf(10) ** -25:
                return value
        before, dps = value, int(dps * 1.5)
    raise ArithmeticError("no agreement")


def left_silently(r: mp.mpf, alpha: mp.mpf, s: mp.mpf, beta: mp.mpf, x: mp.mpf, begin: mp.mpf, end: mp.mpf) -> mp.mpf:
    """s / (r + s + x) · A₀ of Fader & Hardie's note on deriving the Pareto/NBD, with its 2F1."""
    k, large, other = r + s + x, max(alpha, beta), s + 1 if alpha >= beta else r + x
    gap = abs(alpha - beta)

    def part(time: mp.mpf) -> mp.mpf:
        return mp.hyp2f1(k, other, k + 1, gap / (large + time), maxterms=10**6) / (large + time) ** k

    return s / k * (part(begin) - part(end))


def silence(c: Case) -> tuple[mp.mpf, mp.mpf]:
    r, alpha, s, beta, x = (c[name] for name in ("r", "alpha", "s", "beta", "x"))
    stays = (alpha + c["T"]) ** -(r + x) * (beta + c["T"]) ** -s
    return stays, left_silently(r, alpha, s, beta, x, c["t_x"], c["T"])


def log_likelihood(c: Case) -> mp.mpf:
    stays, left = silence(c)
    r = c["r"]
    known = mp.loggamma(r + c["x"]) - mp.loggamma(r) + r * mp.log(c["alpha"]) + c["s"] * mp.log(c["beta"])
    return known + mp.log(stays + left)


def p_alive(c: Case) -> mp.mpf:
    stays, left = silence(c)
    return stays / (stays + left)


def updated(c: Case) -> tuple[mp.mpf, mp.mpf, mp.mpf, mp.mpf]:
    return c["r"] + c["x"], c["alpha"] + c["T"], c["s"], c["beta"] + c["T"]


def active(c: Case) -> mp.mpf:
    r, alpha, s, beta = updated(c)
    left = left_silently(r, alpha, s, beta, mp.mpf(0), mp.mpf(0), c["t"])
    return 1 - (alpha / (alpha + c["t"])) ** r * (beta / (beta + c["t"])) ** s - alpha**r * beta**s * left


def expected(c: Case) -> mp.mpf:
    r, alpha, s, beta = updated(c)
    s += mp.mpf(10) ** (-mp.mp.dps // 2) if s == 1 else 0
    return r * beta / (alpha * (s - 1)) * (1 - (beta / (beta + c["t"])) ** (s - 1))


def discounted(c: Case) -> mp.mpf:
    r, alpha, s, beta = updated(c)
    s += mp.mpf(10) ** (-mp.mp.dps // 2) if s == int(s) else 0
    low, high = c["delta"] * beta, c["delta"] * (beta + c["t"])
    upper = mp.gammainc(1 - s, low) - mp.gammainc(1 - s, high)
    return r / alpha * beta * mp.exp(low) * low ** (s - 1) * upper


@cache
def nodes(order: int) -> list[tuple[mp.mpf, mp.mpf]]:
    """Gauss–Legendre on [0, 1] to 60 digits: Newton from double precision."""
    with mp.workdps(70):
        found = []
        for guess in np.polynomial.legendre.leggauss(order)[0]:
            z = mp.mpf(float(guess))
            for _ in range(3):
                before, now = mp.mpf(1), z
                for k in range(2, order + 1):
                    before, now = now, ((2 * k - 1) * z * now - (k - 1) * before) / k
                slope = order * (z * now - before) / (z * z - 1)
                z -= now / slope
            found.append(((z + 1) / 2, 1 / ((1 - z * z) * slope**2)))
        return found


def counts(c: Case, order: int) -> tuple[mp.mpf, mp.mpf]:
    """P(X ≥ n) and P(X = n) of a new customer: over the time of the n-th purchase, and over the end of life."""
    r, alpha, s, beta = updated(c)
    n, t = c["n"], c["t"]
    ways = mp.loggamma(r + n) - mp.loggamma(r)

    def over(power: mp.mpf, life: mp.mpf) -> mp.mpf:
        def height(v: mp.mpf) -> mp.mpf:
            e = mp.exp(v)
            return power * v - (r + n) * mp.log1p(e) - life * mp.log1p(alpha / beta * e)

        def slope(v: mp.mpf) -> mp.mpf:
            e = mp.exp(v)
            return power - (r + n) * e / (1 + e) - life * (alpha / beta * e) / (1 + alpha / beta * e)

        last = mp.log(t / alpha)
        top = last
        if slope(last) < 0:
            low, high = last - 1, last
            while slope(low) < 0:
                low, high = low - 2 * (high - low), low
            for _ in range(60):
                top = (low + high) / 2
                low, high = (top, high) if slope(top) > 0 else (low, top)
        peak, total = height(top), mp.mpf(0)
        for sign in (-1, 1):
            end = mp.mpf(1)
            while height(top + sign * end) > peak - 60:
                end *= 2
            while height(top + sign * end / mp.mpf("1.3")) < peak - 60:
                end /= mp.mpf("1.3")
            width = end if sign < 0 else min(end, last - top)
            if width > 0:
                total += width * sum(w * mp.exp(height(top + sign * width * y) - peak) for y, w in nodes(order))
        return total * mp.exp(peak)

    alive = mp.exp(ways - mp.loggamma(n + 1)) * (t / (alpha + t)) ** n
    alive *= (alpha / (alpha + t)) ** r * (beta / (beta + t)) ** s
    pmf = alive + mp.exp(ways - mp.loggamma(n + 1)) * s * alpha / beta * over(n + 1, s + 1)
    return (mp.exp(ways - mp.loggamma(n)) * over(n, s) if n > 0 else mp.mpf(1)), pmf


def agreed_counts(c: Case) -> tuple[mp.mpf, mp.mpf]:
    """By so many nodes that half as many again change nothing in 16 digits."""
    with mp.workdps(50):
        order, before = 40, counts(c, 30)
        while True:
            now = counts(c, order)
            if all(abs(a - b) <= mp.mpf("1e-16") * max(a, mp.mpf("1e-320")) for a, b in zip(now, before, strict=True)):
                return now
            order, before = order * 4 // 3, now


def right_answers(row: dict[str, float]) -> dict[str, float]:
    c = {name: mp.mpf(float(value)) for name, value in row.items()}
    alive = agreed(lambda: p_alive(c))
    survival, pmf = agreed_counts(c)
    answers = {
        "log_likelihood": agreed(lambda: log_likelihood(c)),
        "p_alive": alive,
        "p_active": alive * agreed(lambda: active(c)),
        "expected_purchases": alive * agreed(lambda: expected(c)),
        "discounted_purchases": alive * agreed(lambda: discounted(c)),
        "survival": alive * survival if c["n"] > 0 else mp.mpf(1),
        "pmf": alive * pmf if c["n"] > 0 else 1 - alive * (1 - pmf),
    }
    return {name: float(value) for name, value in answers.items()}


# --- The tests -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(STORED) as stored:
        return {name: stored[name] for name in stored.files}


@pytest.fixture(scope="module")
def ours(golden: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    g = {name: values[:, None] for name, values in golden.items()}  # a case is a draw: shape (2000, 1)
    model, known = ParetoNBD(g["r"], g["alpha"], g["s"], g["beta"]), (g["x"], g["t_x"], g["T"])
    with np.errstate(all="raise", under="ignore"):
        found = {
            "p_alive": model.p_alive(*known),
            "p_active": model.p_active(g["t"], *known),
            "expected_purchases": model.expected_purchases(g["t"], *known),
            "discounted_purchases": model.discounted_purchases(g["t"], *known, delta=g["delta"]),
            "survival": model.survival(g["n"], g["t"], *known),
            "pmf": model.pmf(g["n"], g["t"], *known),
        }
    return {name: values[:, 0] for name, values in found.items()}


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_nine_digits(quantity: str, ours: dict[str, np.ndarray], golden: dict[str, np.ndarray]) -> None:
    mine, right = ours[quantity], golden[quantity]
    assert right.size == N_CASES
    assert np.all(np.isfinite(mine))
    assert np.all(mine >= 0)
    counted = right > NEGLIGIBLE
    assert counted.mean() > 0.75
    assert np.all(mine[~counted] <= 2 * NEGLIGIBLE)
    error = np.abs(mine[counted] / right[counted] - 1)
    worst = int(np.flatnonzero(counted)[error.argmax()])
    assert error.max() <= 1e-9, {name: float(golden[name][worst]) for name in golden}


def test_log_likelihood(golden: dict[str, np.ndarray]) -> None:
    g = golden
    for i in range(N_CASES):
        model = ParetoNBD(float(g["r"][i]), float(g["alpha"][i]), float(g["s"][i]), float(g["beta"][i]))
        mine = float(model.log_likelihood(g["x"][i], g["t_x"][i], g["T"][i]))
        assert mine == pytest.approx(float(g["log_likelihood"][i]), rel=1e-10, abs=1e-9), i


def test_slopes_are_finite_and_sum_to_the_change_of_unit(golden: dict[str, np.ndarray]) -> None:
    """α and β together are the unit of time: their logarithmic slopes add up to −x, whatever the case."""
    g = golden
    for i in range(0, N_CASES, 2):
        model = ParetoNBD(float(g["r"][i]), float(g["alpha"][i]), float(g["s"][i]), float(g["beta"][i]))
        _, slope, bend = model.log_derivatives(g["x"][i], g["t_x"][i], g["T"][i])
        assert np.all(np.isfinite(slope))
        assert np.all(np.isfinite(bend))
        times = np.array([g["alpha"][i], g["beta"][i], g["t_x"][i], g["T"][i]])

        def shifted(factor: float, i: int = i, model: ParetoNBD = model, times: np.ndarray = times) -> float:
            finer = model.rescale(factor)
            return float(finer.log_likelihood(g["x"][i], factor * times[2], factor * times[3]))

        assert shifted(8.0) - shifted(1.0) == pytest.approx(-g["x"][i] * np.log(8), rel=1e-9, abs=1e-9)


def test_survival_table_is_the_survival(golden: dict[str, np.ndarray]) -> None:
    """Two rules for one probability: over the time of death, and over the time of the n-th purchase."""
    for i in range(0, N_CASES, 20):
        row = {name: float(golden[name][i]) for name in INPUTS}
        model = ParetoNBD(row["r"], row["alpha"], row["s"], row["beta"])
        most = int(np.clip(1.3 * row["n"], 40, 3000))
        n, known = np.unique(np.linspace(1, most, 25).astype(int)), (np.array([row["x"]]), np.array([row["T"]]))
        table = model.survival_table(most, row["t"], *known)[0]
        direct = model.survival(n, row["t"], known[0], known[1], known[1])  # t_x = T: surely alive
        np.testing.assert_allclose(table[n], direct, rtol=1e-8, atol=1e-10, err_msg=str(row))


def test_the_cases_are_as_hard_as_they_should_be(golden: dict[str, np.ndarray]) -> None:
    g = golden
    assert g["x"].max() > 4000
    for special in (g["alpha"] == g["beta"], g["s"] == 1, (g["x"] > 0) & (g["t_x"] == g["T"]), g["alpha"] < g["beta"]):
        assert special.sum() >= 100
    assert np.all(g["t_x"] <= g["T"])
    assert (g["t"] / (g["alpha"] + g["T"])).max() == pytest.approx(1000)


def test_stored_answers_are_what_the_textbook_gives_today(golden: dict[str, np.ndarray]) -> None:
    for i in range(0, N_CASES, 200):
        for name, value in right_answers({name: float(golden[name][i]) for name in INPUTS}).items():
            assert value == pytest.approx(float(golden[name][i]), rel=1e-14, abs=0), name


def main() -> None:
    """Compute everything anew: some minutes."""
    cases = hard_cases()
    rows = [right_answers({name: float(cases[name][i]) for name in INPUTS}) for i in range(N_CASES)]
    np.savez_compressed(STORED, **cases, **{name: np.array([row[name] for row in rows]) for name in rows[0]})


if __name__ == "__main__":
    main()
