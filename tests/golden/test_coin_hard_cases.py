"""Do the families with a coin and a clock keep their digits? 2,000 hard cases of each against 50-digit arithmetic.

The right answers in mbgnbd_, bgcnbd_ and mbgcnbd_hard_cases.npz are sums over single ticks of the clock, as the story
has it, in decimals of 60 digits: no special function, no quadrature, no formula that the package uses. Discounted
purchases are the integral of e^{−δs} over the rate of purchases, itself such a sum, by Gauss's rule with so many nodes
that half as many give the same to 1e-12; where that takes too long they are not stored (NaN). Written, in some minutes
for each family, by

    python tests/golden/test_coin_hard_cases.py mbgnbd bgcnbd mbgcnbd
"""

from __future__ import annotations

import sys
from decimal import Context, Decimal, getcontext, localcontext
from pathlib import Path
from typing import Any

import mpmath as mp
import numpy as np
import pytest

from clvmodels.models import FAMILIES

HERE = Path(__file__).parent
NAMES = ("mbgnbd", "bgcnbd", "mbgcnbd")
N_CASES = 2000
NEGLIGIBLE = 1e-290
MOST_TICKS = 30_000
DISCOUNTED = 600
"""Ticks × stages up to which discounted purchases are computed."""
INPUTS = ("x", "t_x", "T", "t", "delta", "n", "r", "alpha", "a", "b", "k")
QUANTITIES = ("p_alive", "p_active", "expected_purchases", "discounted_purchases", "survival", "pmf")
DIGITS = Context(prec=60, Emin=-(10**8), Emax=10**8)
Case = dict[str, Decimal]


def hard_cases(name: str, size: int = N_CASES) -> dict[str, np.ndarray]:
    rng = np.random.default_rng([2016, NAMES.index(name)])

    def spread(low: float, high: float) -> np.ndarray:
        return np.exp(rng.uniform(np.log(low), np.log(high), size))

    k = np.ones(size) if name == "mbgnbd" else rng.integers(1, 13, size)
    x = np.where(rng.random(size) < 0.15, 0, np.floor(spread(1, 5001)))
    r, alpha, a, b = spread(0.01, 1000), spread(0.1, 1000), spread(0.01, 100), spread(0.01, 100)
    kind, share = rng.integers(0, 8, size), rng.integers(1, 1024, size) / 1024
    a = np.select([kind == 0, kind == 1, kind == 2], [1e4 * share, 1.0, share], a)
    b = np.select([kind == 0, kind == 2], [1e4 - a, 1 - a], b)
    T = alpha * spread(1e-3, 100)
    recent = np.where(rng.random(size) < 0.5, 1 - spread(1e-6, 1), rng.random(size))
    t_x = np.where(x > 0, T * np.where(rng.random(size) < 0.1, 1, recent), 0)
    T = np.where((x == 0) & (rng.random(size) < 0.3), 0, T)
    tau = np.where(rng.random(size) < 0.05, 1000, spread(1e-4, 1000))
    ticks = r + k * x
    for _ in range(40):  # no more ticks than can be added up
        far = ticks * tau + 10 * np.sqrt(ticks * tau * (1 + tau)) + 60 * (1 + tau)
        tau = np.where(far > MOST_TICKS / k, tau * 0.8, tau)
    t = (alpha + T) * tau
    delta = rng.uniform(0, 5, size) / t
    bought = ticks * tau / k
    n = np.select(
        [rng.random(size) < 0.2, rng.random(size) < 0.3, rng.random(size) < 0.5],
        [0, rng.integers(1, 4, size), np.rint(bought * rng.uniform(0, 2, size))],
        np.rint((1 + b / a) * rng.uniform(0, 3, size)),
    )
    n = np.minimum(n, MOST_TICKS // k**2)
    return {name: np.asarray(value, float) for name, value in locals().items() if name in INPUTS}


# --- The story, tick by tick, in 60 digits ---------------------------------------------------------------------------


def power(base: Decimal, exponent: Decimal) -> Decimal:
    return (exponent * base.ln()).exp()


def past(c: Case, first: int) -> tuple[list[Decimal], Decimal]:
    """Odds of being alive with 0 … k − 1 ticks since t_x, and of having dropped out at t_x; not normalised."""
    ticks, silence, end = c["r"] + c["k"] * c["x"], c["T"] - c["t_x"], c["alpha"] + c["T"]
    coins = c["x"] + first
    dead = Decimal(0)
    if coins:  # the coin at t_x fell the other way: nothing more can happen
        dead = c["a"] / (c["b"] + coins - 1) * power(end / (c["alpha"] + c["t_x"]), ticks)
    stages = [Decimal(1)]
    for j in range(int(c["k"]) - 1):
        stages.append(stages[-1] * (ticks + j) / (j + 1) * silence / end)
    return stages, dead


def future(c: Case, first: int, stage: int) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """P(some), expected purchases, P(N ≥ n), P(N = n) of a customer alive with so many ticks behind her."""
    r, k, n = c["r"] + c["k"] * c["x"] + stage, int(c["k"]), int(c["n"])
    a, b = c["a"], c["b"] + c["x"] + first
    z = c["t"] / (c["alpha"] + c["T"] + c["t"])
    exact = [power(1 - z, r)]
    wanted = max(k - stage, k * (n + 1) - stage + 2)
    while len(exact) <= wanted or exact[-1] > exact[-2] or exact[-1] > min(exact[wanted], exact[k - stage]) / 10**40:
        m = len(exact)
        exact.append(exact[-1] * z * (r + m - 1) / m)
    tail, tails = Decimal(0), [Decimal(0)] * (len(exact) + 1)
    for m in range(len(exact) - 1, -1, -1):
        tail = tails[m] = tail + exact[m]
    stayed, mean, survival, pmf = Decimal(1), Decimal(0), Decimal(1), tails[0] - tails[k - stage] if n else Decimal(0)
    if n == 0:
        pmf = sum(exact[: k - stage], Decimal(0))
    count = 1
    while k * count - stage < len(tails):
        here = stayed * tails[k * count - stage]
        mean += here
        leaves = a / (a + b + count - 1)
        if count == n:
            survival = here
            among = sum(exact[k * n - stage : k * (n + 1) - stage], Decimal(0))
            pmf = stayed * (leaves * tails[k * n - stage] + (1 - leaves) * among)
        stayed *= 1 - leaves
        count += 1
    return tails[k - stage], mean, survival, pmf


def rate_of_purchases(c: Case, first: int, stage: int, times: list[Decimal]) -> list[Decimal]:
    """Expected purchases per unit of time, at these times after T."""
    r, k = c["r"] + c["k"] * c["x"] + stage, int(c["k"])
    a, b, alpha = c["a"], c["b"] + c["x"] + first, c["alpha"] + c["T"]
    rates = []
    for s in times:
        z = s / (alpha + s)
        exact, stayed, total, m, count = power(1 - z, r), Decimal(1), Decimal(0), 0, 0
        top = Decimal(0)
        while m < k or exact > top / 10**30 or m < r * z / (1 - z):
            if (m + 1 + stage) % k == 0:  # the next tick is a purchase
                total += stayed * exact * (r + m) / (alpha + s)
                stayed *= (b + count) / (a + b + count)
                count += 1
            top = max(top, exact)
            exact *= z * (r + m) / (m + 1)
            m += 1
        rates.append(total)
    return rates


def discounted(c: Case, first: int, stages: list[Decimal]) -> float:
    """Σ over stages of odds × ∫ e^{−δs} rate(s) ds; NaN when two rules do not agree."""
    start = (c["alpha"] + c["T"]) / (c["r"] + c["k"] * c["x"] + 1)
    length = float((1 + c["t"] / start).ln())
    found = []
    for order in (60, 120):
        nodes, weights = np.polynomial.legendre.leggauss(order)
        u = [Decimal(float(node)) * Decimal(length) for node in (nodes + 1) / 2]
        times = [start * (each.exp() - 1) for each in u]
        total = Decimal(0)
        for stage, odds in enumerate(stages):
            if odds:
                rates = rate_of_purchases(c, first, stage, times)
                parts = (
                    Decimal(float(w / 2)) * Decimal(length) * (start + s) * (-c["delta"] * s).exp() * rate
                    for w, s, rate in zip(weights, times, rates, strict=True)
                )
                total += odds * sum(parts, Decimal(0))
        found.append(total)
    return float(found[1]) if abs(found[0] / found[1] - 1) < Decimal("1e-12") else float("nan")


def log_likelihood(row: dict[str, float], first: int) -> float:
    """Of the odds above, with the density of the times of purchase in front."""
    with mp.workdps(60):
        r, alpha, a, b, x, t_x, T = (mp.mpf(row[name]) for name in ("r", "alpha", "a", "b", "x", "t_x", "T"))
        k, coins = int(row["k"]), x + first
        with localcontext(DIGITS):
            stages, dead = past({name: Decimal(value) for name, value in row.items()}, first)
            silent = mp.mpf(str(sum(stages, dead)))
        value = mp.loggamma(r + k * x) - mp.loggamma(r) + r * mp.log(alpha) - (r + k * x) * mp.log(alpha + T)
        value += mp.log(mp.beta(a, b + coins)) - mp.log(mp.beta(a, b)) + mp.log(silent)
        if x > 0:  # the times before the last lie anywhere
            value += mp.loggamma(x) - mp.loggamma(k * x) + (k - 1) * x * mp.log(t_x)
        return float(value)


def right_answers(name: str, row: dict[str, float]) -> dict[str, float]:
    first = 0 if name.startswith("bg") else 1
    with localcontext(DIGITS):
        c = {key: Decimal(value) for key, value in row.items()}
        stages, dead = past(c, first)
        everything = sum(stages, dead)
        sums = [Decimal(0)] * 4
        for stage, odds in enumerate(stages):
            if odds:
                sums = [total + odds * each for total, each in zip(sums, future(c, first, stage), strict=True)]
        active, mean, survival, pmf = (each / everything for each in sums)
        later = float("nan")
        ticks = (c["r"] + c["k"] * c["x"]) * c["t"] / (c["alpha"] + c["T"]) + 60 * (1 + c["t"] / (c["alpha"] + c["T"]))
        if ticks * c["k"] < DISCOUNTED:
            later = discounted(c, first, stages) / float(everything) if everything < 10**300 else float("nan")
        return {
            "p_alive": float(sum(stages, Decimal(0)) / everything),
            "p_active": float(active),
            "expected_purchases": float(mean),
            "discounted_purchases": later,
            "survival": float(survival) if row["n"] else 1.0,
            "pmf": float(pmf) if row["n"] else float(pmf + dead / everything),
            "log_likelihood": log_likelihood(row, first),
        }


# --- The tests -------------------------------------------------------------------------------------------------------


def model_of(name: str, g: dict[str, Any]) -> Any:
    constants = {"k": int(g["k"])} if FAMILIES[name].constant_names else {}
    return FAMILIES[name](g["r"], g["alpha"], g["a"], g["b"], **constants)


@pytest.fixture(scope="module", params=NAMES)
def golden(request: pytest.FixtureRequest) -> tuple[str, dict[str, np.ndarray]]:
    with np.load(HERE / f"{request.param}_hard_cases.npz") as stored:
        return request.param, {name: stored[name] for name in stored.files}


@pytest.fixture(scope="module")
def ours(golden: tuple[str, dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    name, g = golden
    found = {quantity: np.full(N_CASES, np.nan) for quantity in (*QUANTITIES, "log_likelihood")}
    asked = np.isfinite(g["discounted_purchases"]) | (np.arange(N_CASES) % 10 == 0)
    for k in np.unique(g["k"]):
        rows = g["k"] == k
        c = {key: values[rows, None] for key, values in g.items()} | {"k": k}  # a case is a draw: shape (cases, 1)
        model, known = model_of(name, c), (c["x"], c["t_x"], c["T"])
        with np.errstate(all="raise", under="ignore"):
            here = {
                "p_alive": model.p_alive(*known),
                "p_active": model.p_active(c["t"], *known),
                "expected_purchases": model.expected_purchases(c["t"], *known),
                "survival": model.survival(c["n"], c["t"], *known),
                "pmf": model.pmf(c["n"], c["t"], *known),
            }
            some = np.flatnonzero(rows & asked)
            c, few = {key: values[some, None] for key, values in g.items()} | {"k": k}, some
            later = model_of(name, c).discounted_purchases(c["t"], c["x"], c["t_x"], c["T"], delta=c["delta"])
        for quantity, values in here.items():
            found[quantity][rows] = values[:, 0]
        found["discounted_purchases"][few] = later[:, 0]
    for i in range(N_CASES):
        row = {key: float(values[i]) for key, values in g.items()}
        found["log_likelihood"][i] = model_of(name, row).log_likelihood(row["x"], row["t_x"], row["T"])
    return found


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_nine_digits(quantity: str, ours: dict[str, np.ndarray], golden: tuple[str, dict[str, np.ndarray]]) -> None:
    g = golden[1]
    mine, right = ours[quantity], g[quantity]
    assert right.size == N_CASES
    known = np.isfinite(right)
    assert np.all(np.isfinite(mine[known]))
    assert np.all(mine[known] >= 0)
    assert known.sum() >= (300 if quantity == "discounted_purchases" else N_CASES)
    counted = known & (right > NEGLIGIBLE)
    assert counted.sum() > 0.7 * known.sum()
    assert np.all(mine[known & ~counted] <= 2 * NEGLIGIBLE)
    error = np.abs(mine[counted] / right[counted] - 1)
    worst = int(np.flatnonzero(counted)[error.argmax()])
    assert error.max() <= 1e-9, {key: float(g[key][worst]) for key in g}


def test_log_likelihood(ours: dict[str, np.ndarray], golden: tuple[str, dict[str, np.ndarray]]) -> None:
    np.testing.assert_allclose(ours["log_likelihood"], golden[1]["log_likelihood"], rtol=1e-10, atol=1e-9)


def test_discounting_lies_where_it_must(ours: dict[str, np.ndarray], golden: tuple[str, dict[str, np.ndarray]]) -> None:
    g, some = golden[1], np.arange(N_CASES) % 10 == 0
    discounted, expected = ours["discounted_purchases"][some], ours["expected_purchases"][some]
    assert np.all(discounted <= expected * (1 + 1e-9))
    assert np.all(discounted >= expected * np.exp(-(g["delta"] * g["t"])[some]) * (1 - 1e-9))


def test_slopes_are_finite_and_sum_to_the_change_of_unit(golden: tuple[str, dict[str, np.ndarray]]) -> None:
    """α alone is a time: its logarithmic slope and those of t_x and T add up to −x, whatever the case."""
    name, g = golden
    for i in range(0, N_CASES, 10):
        row = {key: float(values[i]) for key, values in g.items()}
        model = model_of(name, row)
        assert np.all(np.isfinite(model.score(row["x"], row["t_x"], row["T"])))
        before = float(model.log_likelihood(row["x"], row["t_x"], row["T"]))
        after = float(model.rescale(8.0).log_likelihood(row["x"], 8 * row["t_x"], 8 * row["T"]))
        assert after - before == pytest.approx(-row["x"] * np.log(8), rel=1e-9, abs=1e-9)


def test_the_cases_are_as_hard_as_they_should_be(golden: tuple[str, dict[str, np.ndarray]]) -> None:
    name, g = golden
    assert g["x"].max() > 4000
    if name != "mbgnbd":
        assert set(g["k"]) == set(range(1, 13))
    for special in (g["a"] == 1, g["a"] + g["b"] == 1, g["a"] + g["b"] == 1e4, (g["x"] > 0) & (g["t_x"] == g["T"])):
        assert special.sum() >= 100
    assert np.all(g["t_x"] <= g["T"])


def test_stored_answers_are_what_the_story_gives_today(golden: tuple[str, dict[str, np.ndarray]]) -> None:
    name, g = golden
    quick = np.flatnonzero((g["r"] + g["k"] * g["x"]) * g["t"] / (g["alpha"] + g["T"]) < 50)
    for i in quick[:: quick.size // 6]:
        for quantity, value in right_answers(name, {key: float(g[key][i]) for key in INPUTS}).items():
            assert value == pytest.approx(float(g[quantity][i]), rel=1e-14, abs=1e-300, nan_ok=True), quantity


def main() -> None:
    """Compute what the arguments name anew."""
    getcontext().prec = 60
    for name in sys.argv[1:]:
        cases, rows = hard_cases(name), []
        for i in range(N_CASES):
            rows.append(right_answers(name, {key: float(cases[key][i]) for key in INPUTS}))
            if i % 100 == 99:
                print(name, i + 1, "of", N_CASES, flush=True)  # noqa: T201
        answers = {quantity: np.array([row[quantity] for row in rows]) for quantity in rows[0]}
        np.savez_compressed(HERE / f"{name}_hard_cases.npz", **cases, **answers)


if __name__ == "__main__":
    main()
