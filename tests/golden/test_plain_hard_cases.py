"""Do NBD and BG/BB keep their digits? 2,000 hard cases of each against 50-digit arithmetic.

The right answers in nbd_hard_cases.npz are the textbook's sums and closed forms in 60-digit decimals; those in
bgbb_hard_cases.npz add up the story of BG/BB, life by life and opportunity by opportunity. Written, in minutes, by

    python tests/golden/test_plain_hard_cases.py nbd bgbb
"""

from __future__ import annotations

import sys
from decimal import Context, Decimal, localcontext
from math import comb
from pathlib import Path
from typing import Any

import mpmath as mp
import numpy as np
import pytest

from clvmodels.models import BGBB, NBD

HERE = Path(__file__).parent
N_CASES = 2000
NEGLIGIBLE = 1e-290
INPUTS = {
    "nbd": ("x", "t_x", "T", "t", "rate", "n", "r", "alpha"),
    "bgbb": ("x", "t_x", "T", "t", "rate", "n", "alpha", "beta", "gamma", "delta"),
}
QUANTITIES = ("p_alive", "p_active", "expected_purchases", "discounted_purchases", "survival", "pmf")
DIGITS = Context(prec=60, Emin=-(10**8), Emax=10**8)
Case = dict[str, Decimal]


def hard_cases(name: str, size: int = N_CASES) -> dict[str, np.ndarray]:
    rng = np.random.default_rng([1959, len(name)])

    def spread(low: float, high: float) -> np.ndarray:
        return np.exp(rng.uniform(np.log(low), np.log(high), size))

    if name == "nbd":
        x = np.where(rng.random(size) < 0.15, 0, np.floor(spread(1, 5001)))
        r, alpha = spread(0.01, 1000), spread(0.1, 1000)
        T = alpha * spread(1e-3, 100)
        t_x = np.where(x > 0, T * np.where(rng.random(size) < 0.1, 1, rng.random(size)), 0)
        t = (alpha + T) * np.where(rng.random(size) < 0.05, 1000, spread(1e-4, 1000))
        bought = (r + x) * t / (alpha + T)
        n = np.where(rng.random(size) < 0.3, rng.integers(0, 4, size), np.rint(bought * rng.uniform(0, 2, size)))
        n = np.minimum(n, 6000)
    else:
        T = np.where(rng.random(size) < 0.1, 0, np.floor(spread(1, 400)))
        x = np.minimum(np.where(rng.random(size) < 0.2, 0, np.floor(spread(1, 300))), T)
        t_x = np.where(x > 0, np.floor(x + (T - x) * np.where(rng.random(size) < 0.1, 1, rng.random(size))), 0)
        alpha, beta, gamma, delta = (spread(0.01, 100) for _ in range(4))
        kind, share = rng.integers(0, 8, size), rng.integers(1, 1024, size) / 1024
        alpha, beta = (np.where(kind == 0, 1e4 * each, own) for each, own in ((share, alpha), (1 - share, beta)))
        gamma = np.select([kind == 1, kind == 2, kind == 3], [1.0, 1e4 * share, 1 + 1e-9], gamma)
        delta = np.where(kind == 2, 1e4 - gamma, delta)
        t = np.floor(spread(1, 300))
        n = np.minimum(np.where(rng.random(size) < 0.3, rng.integers(0, 4, size), np.rint(t * rng.random(size))), t)
    rate = rng.uniform(0, 5, size) / t
    return {key: np.asarray(value, float) for key, value in locals().items() if key in INPUTS[name]}


# --- The textbook, in 60 digits --------------------------------------------------------------------------------------


def nbd_answers(c: Case, row: dict[str, float]) -> dict[str, float]:
    r, alpha, t, n = c["r"] + c["x"], c["alpha"] + c["T"], c["t"], int(c["n"])
    z = t / (alpha + t)
    exact = [(r * (1 - z).ln()).exp()]
    for m in range(n):
        exact.append(exact[-1] * z * (r + m) / (m + 1))
    pmf, none = exact[-1], exact[0]
    survival, m, last = pmf, n, pmf
    while m < 60_000 and (last > survival / 10**40 or r * z > (m + 1) * (1 - z)):
        last, m = last * z * (r + m) / (m + 1), m + 1
        survival += last
    if m == 60_000:  # heavy tails are shorter from below
        with localcontext(Context(prec=400, Emin=-(10**8), Emax=10**8)):
            short = [(r * (1 - z).ln()).exp()]
            for m in range(n):
                short.append(short[-1] * z * (r + m) / (m + 1))
            survival = 1 - sum(short[:-1], Decimal(0))
    with mp.workdps(60):
        g = {key: mp.mpf(value) for key, value in row.items()}
        rise = mp.loggamma(g["r"] + g["x"]) - mp.loggamma(g["r"])
        likelihood = rise + g["r"] * mp.log(g["alpha"]) - (g["r"] + g["x"]) * mp.log(g["alpha"] + g["T"])
    return {
        "p_alive": 1.0,
        "p_active": float(1 - none),
        "expected_purchases": float(r / alpha * t),
        "discounted_purchases": float(r / alpha * (1 - (-c["rate"] * t).exp()) / c["rate"]),
        "survival": float(survival) if n else 1.0,
        "pmf": float(pmf),
        "log_likelihood": float(likelihood),
    }


def bgbb_answers(c: Case, row: dict[str, float]) -> dict[str, float]:
    x, t_x, T, t, n = (int(c[key]) for key in ("x", "t_x", "T", "t", "n"))
    alpha, beta, gamma, delta = (c[key] for key in ("alpha", "beta", "gamma", "delta"))

    def chances(bought: int, missed: int) -> Decimal:
        """Of one order of so many purchases and misses, over both betas."""
        value, tries = Decimal(1), Decimal(0)
        for i in range(bought):
            value, tries = value * (alpha + i) / (alpha + beta + tries), tries + 1
        for i in range(missed):
            value, tries = value * (beta + i) / (alpha + beta + tries), tries + 1
        return value

    lives, stays = [], Decimal(1)  # leaving after i opportunities
    for i in range(T + t):
        lives.append(stays * gamma / (gamma + delta + i))
        stays = stays * (delta + i) / (gamma + delta + i)
    silent = chances(x, t_x - x)
    dead, here = Decimal(0), silent
    for i in range(t_x, T):
        dead += here * lives[i]
        here = here * (beta + i - x) / (alpha + beta + i)
    survives = sum(lives[T:], stays)
    alive = here * survives
    everything = dead + alive
    # alive at T: a chance to buy like that of one with x of T, and a life that lasts
    urn, exact, mean, later = [Decimal(1)], [Decimal(0)] * (t + 1), Decimal(0), Decimal(0)
    left = survives
    for i in range(t):
        for m, value in enumerate(urn):
            exact[m] += lives[T + i] / survives * value
        left -= lives[T + i]
        step = left / survives * (alpha + x) / (alpha + beta + T)
        mean += step
        later += step * (-c["rate"] * (i + 1)).exp()
        size = alpha + beta + T + i
        new = [Decimal(0)] * (i + 2)
        for m, value in enumerate(urn):
            new[m] += value * (beta + T - x + i - m) / size
            new[m + 1] += value * (alpha + x + m) / size
        urn = new
    for m, value in enumerate(urn):
        exact[m] += stays / survives * value
    p = alive / everything
    return {
        "p_alive": float(p),
        "p_active": float(p * sum(exact[1:], Decimal(0))),
        "expected_purchases": float(p * mean),
        "discounted_purchases": float(p * later),
        "survival": float(p * sum(exact[n:], Decimal(0))) if n else 1.0,
        "pmf": float(p * exact[n]) if n else float(p * exact[0] + dead / everything),
        "log_likelihood": float(everything.ln()),
    }


def right_answers(name: str, row: dict[str, float]) -> dict[str, float]:
    with localcontext(DIGITS):
        c = {key: Decimal(value) for key, value in row.items()}
        return nbd_answers(c, row) if name == "nbd" else bgbb_answers(c, row)


# --- The tests -------------------------------------------------------------------------------------------------------


def model_of(name: str, g: dict[str, Any]) -> Any:
    return NBD(g["r"], g["alpha"]) if name == "nbd" else BGBB(g["alpha"], g["beta"], g["gamma"], g["delta"])


@pytest.fixture(scope="module", params=INPUTS)
def golden(request: pytest.FixtureRequest) -> tuple[str, dict[str, np.ndarray]]:
    with np.load(HERE / f"{request.param}_hard_cases.npz") as stored:
        return request.param, {name: stored[name] for name in stored.files}


@pytest.fixture(scope="module")
def ours(golden: tuple[str, dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    name, g = golden
    c = {key: values[:, None] for key, values in g.items()}  # a case is a draw: shape (2000, 1)
    model, known = model_of(name, c), (c["x"], c["t_x"], c["T"])
    with np.errstate(all="raise", under="ignore"):
        found = {
            "p_alive": model.p_alive(*known),
            "p_active": model.p_active(c["t"], *known),
            "expected_purchases": model.expected_purchases(c["t"], *known),
            "discounted_purchases": model.discounted_purchases(c["t"], *known, delta=c["rate"]),
            "survival": model.survival(c["n"], c["t"], *known),
            "pmf": model.pmf(c["n"], c["t"], *known),
        }
    return {quantity: values[:, 0] for quantity, values in found.items()}


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_nine_digits(quantity: str, ours: dict[str, np.ndarray], golden: tuple[str, dict[str, np.ndarray]]) -> None:
    g = golden[1]
    mine, right = ours[quantity], g[quantity]
    assert right.size == N_CASES
    assert np.all(np.isfinite(mine))
    assert np.all(mine >= 0)
    counted = right > NEGLIGIBLE
    assert counted.mean() > 0.75
    assert np.all(mine[~counted] <= 2 * NEGLIGIBLE)
    error = np.abs(mine[counted] / right[counted] - 1)
    worst = int(np.flatnonzero(counted)[error.argmax()])
    assert error.max() <= 1e-9, {key: float(g[key][worst]) for key in g}


def test_log_likelihood_and_its_slopes(golden: tuple[str, dict[str, np.ndarray]]) -> None:
    name, g = golden
    for i in range(0, N_CASES, 2):
        row = {key: float(values[i]) for key, values in g.items()}
        model, known = model_of(name, row), (row["x"], row["t_x"], row["T"])
        assert float(model.log_likelihood(*known)) == pytest.approx(row["log_likelihood"], rel=1e-10, abs=1e-9)
        assert np.all(np.isfinite(model.score(*known)))


def test_the_cases_are_as_hard_as_they_should_be(golden: tuple[str, dict[str, np.ndarray]]) -> None:
    name, g = golden
    assert np.all(g["t_x"] <= g["T"])
    if name == "nbd":
        assert g["x"].max() > 4000
        return
    for special in (g["gamma"] == 1, g["gamma"] + g["delta"] == 1e4, (g["x"] > 0) & (g["t_x"] == g["T"])):
        assert special.sum() >= 100
    assert g["T"].max() > 300


def test_stored_answers_are_what_the_story_gives_today(golden: tuple[str, dict[str, np.ndarray]]) -> None:
    name, g = golden
    quick = np.flatnonzero((g["n"] < 200) & (g["t"] < 60))
    for i in quick[:: quick.size // 12]:
        for quantity, value in right_answers(name, {key: float(g[key][i]) for key in INPUTS[name]}).items():
            assert value == pytest.approx(float(g[quantity][i]), rel=1e-14, abs=1e-300), quantity


@pytest.mark.parametrize(("x", "t_x", "T"), [(0, 0, 4), (1, 1, 4), (2, 3, 4), (4, 4, 4)])
def test_bgbb_likelihood_is_every_order_of_purchases(x: int, t_x: int, T: int) -> None:
    """The story told out: every life, every order of purchases and misses, the coins integrated by Gauss's rule."""
    model = BGBB(1.2, 0.75, 0.66, 2.8)
    nodes, weights = np.polynomial.legendre.leggauss(400)
    u, w = (nodes + 1) / 2, weights / 2
    buys, leaves = u**3 * (10 - 15 * u + 6 * u * u), w * 30 * u**2 * (1 - u) ** 2  # gentle at both ends

    def beta_weight(a: float, b: float) -> np.ndarray:
        density = leaves * buys ** (a - 1) * (1 - buys) ** (b - 1)
        return np.asarray(density / density.sum())

    p, q = beta_weight(1.2, 0.75), beta_weight(0.66, 2.8)
    total = 0.0
    for life in range(t_x, T + 1):
        lived = (1 - buys) ** life * (buys if life < T else 1.0)
        total += float(p @ (buys**x * (1 - buys) ** (life - x))) * float(q @ lived)
    orders = comb(t_x - 1, x - 1) if x else 1
    assert orders * np.exp(model.log_likelihood(x, t_x, T)) == pytest.approx(orders * total, rel=2e-6)


def main() -> None:
    """Compute what the arguments name anew."""
    for name in sys.argv[1:]:
        cases, rows = hard_cases(name), []
        for i in range(N_CASES):
            rows.append(right_answers(name, {key: float(cases[key][i]) for key in INPUTS[name]}))
            if i % 200 == 199:
                print(name, i + 1, "of", N_CASES, flush=True)  # noqa: T201
        answers = {quantity: np.array([row[quantity] for row in rows]) for quantity in rows[0]}
        np.savez_compressed(HERE / f"{name}_hard_cases.npz", **cases, **answers)


if __name__ == "__main__":
    main()
