"""Do the formulas of BG/NBD's relatives say what customers do who live the story, purchase by purchase?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from clvmodels.models import BGBB, BGCNBD, MBGCNBD, MBGNBD, NBD, ParetoNBD, PurchaseFamily

N, T, AHEAD = 150_000, 8.0, 6.0
Story = Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""Each customer's rate, the chance to leave at a purchase (the first included), and the end of life by the clock."""


def coins(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return rng.gamma(0.9, 1 / 4.0, N), rng.beta(0.8, 2.2, N), np.full(N, np.inf)


def fast_coins(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return rng.gamma(0.9, 1 / 1.5, N), rng.beta(0.8, 2.2, N), np.full(N, np.inf)


def clocks(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return rng.gamma(0.9, 1 / 2.0, N), np.zeros(N), rng.standard_exponential(N) / rng.gamma(0.8, 1 / 7.0, N)


def rates(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return rng.gamma(0.9, 1 / 4.0, N), np.zeros(N), np.full(N, np.inf)


MODELS: list[tuple[PurchaseFamily, Story]] = [
    (MBGNBD(0.9, 4.0, 0.8, 2.2), coins),
    (ParetoNBD(0.9, 2.0, 0.8, 7.0), clocks),
    (NBD(0.9, 4.0), rates),
    (BGCNBD(0.9, 1.5, 0.8, 2.2, 3), fast_coins),
    (MBGCNBD(0.9, 1.5, 0.8, 2.2, 3), fast_coins),
]


@pytest.mark.parametrize(("model", "story"), MODELS, ids=lambda value: getattr(value, "name", ""))
def test_story(model: PurchaseFamily, story: Story) -> None:
    rng = np.random.default_rng(31)
    rate, coin, end = story(rng)
    x, t_x, future, clock = np.zeros(N), np.zeros(N), np.zeros(N), np.zeros(N)
    going, ticks = np.arange(N), model.constants.get("k", 1)
    coins = 0 if isinstance(model, BGCNBD) else 1
    while going.size:  # everybody's next purchase
        leaves = (rng.random(going.size) < coin[going]) & (x[going] + future[going] + coins > 0)
        end[going[leaves]] = clock[going[leaves]]
        clock[going] += rng.standard_gamma(ticks, going.size) / rate[going]
        going = going[clock[going] <= np.minimum(T + AHEAD, end[going])]
        now = clock[going]
        past = now <= T
        x[going[past]] += 1
        t_x[going[past]] = now[past]
        future[going[~past]] += 1
    pairs = {
        "alive": (model.p_alive(x, t_x, T), end > T),
        "expected": (model.expected_purchases(AHEAD, x, t_x, T), future),
        "active": (model.p_active(AHEAD, x, t_x, T), future > 0),
        "three or more": (model.survival(3, AHEAD, x, t_x, T), future >= 3),
    }
    for name, (predicted, actual) in pairs.items():
        for group in (x >= 0, x == 0, x == 1, x == 2, x > 4, t_x > 0.7 * T, (x > 0) & (t_x < 0.3 * T)):
            surplus = np.asarray(predicted, float)[group] - actual[group]
            assert abs(surplus.mean()) <= 4.5 * surplus.std() / np.sqrt(surplus.size), name


def test_story_of_opportunities() -> None:
    """Before each opportunity a coin decides whether a customer leaves, at it another one whether she buys."""
    rng, model, seen, ahead = np.random.default_rng(7), BGBB(1.1, 2.0, 0.7, 3.0), 9, 6
    buys, leaves, there = rng.beta(1.1, 2.0, N), rng.beta(0.7, 3.0, N), np.ones(N, bool)
    x, t_x, future, alive = np.zeros(N), np.zeros(N), np.zeros(N), np.zeros(N, bool)
    for opportunity in range(1, seen + ahead + 1):
        there &= rng.random(N) >= leaves
        bought = there & (rng.random(N) < buys)
        if opportunity <= seen:
            x[bought] += 1
            t_x[bought] = opportunity
            alive = there.copy()
        else:
            future[bought] += 1
    pairs = {
        "alive": (model.p_alive(x, t_x, seen), alive),
        "expected": (model.expected_purchases(ahead, x, t_x, seen), future),
        "active": (model.p_active(ahead, x, t_x, seen), future > 0),
        "two": (model.pmf(2, ahead, x, t_x, seen), future == 2),
    }
    for name, (predicted, actual) in pairs.items():
        for group in (x >= 0, x == 0, x == 1, x == 3, x > 5, t_x > 7, (x > 0) & (t_x < 4)):
            surplus = np.asarray(predicted, float)[group] - actual[group]
            assert abs(surplus.mean()) <= 4.5 * surplus.std() / np.sqrt(surplus.size), name
