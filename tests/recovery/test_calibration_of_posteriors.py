"""Do both engines give true parameters and true futures their due place? The long study is benchmarks/evidence.json."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clvmodels import sbc
from clvmodels.models import BGNBD, GammaGamma

EVIDENCE = Path(__file__).resolve().parents[2] / "benchmarks" / "evidence.json"

QUANTITIES = ("r", "alpha", "a", "b", "p", "q", "v", "future_purchases", "future_value")


def inside(places: Sequence[sbc.Places]) -> None:
    limits = sbc.band(len(places))
    assert tuple(places[0].places) == QUANTITIES
    for name in QUANTITIES:
        values = [one.places[name] for one in places]
        assert sbc.outside(values, limits) == 0, f"{name}: {np.round(np.sort(values), 2)}"


def test_fifty_worlds_by_importance() -> None:
    inside(list(sbc.by_importance([sbc.draw_world(seed) for seed in range(50)])))


@pytest.mark.slow
def test_ten_worlds_by_nuts() -> None:
    """Two compiled models, the worlds' rows side by side in each."""
    inside(list(sbc.by_nuts([sbc.draw_world(seed, customers=100) for seed in range(100, 110)])))


@pytest.fixture(scope="module")
def evidence() -> dict[str, Any]:
    return dict(json.loads(EVIDENCE.read_text(encoding="utf-8")))


@pytest.mark.parametrize(("engine", "replications"), [("posterior", 500), ("nuts", 100)])
def test_the_long_study(engine: str, replications: int, evidence: dict[str, Any]) -> None:
    """The committed result: enough replications, under today's priors, inside the band that is computed here."""
    study = evidence["engines"][engine]
    assert study["replications"] == replications
    assert evidence["priors"] == {
        name: {key: repr(prior) for key, prior in priors.items()} for name, priors in sbc.PRIORS.items()
    }
    limits = sbc.band(replications)
    for name in QUANTITIES:
        assert len(study["places"][name]) == replications
        assert sbc.outside(study["places"][name], limits) == 0, name
        assert study["outside_the_band"][name] == 0


def test_a_world_is_what_its_parameters_say() -> None:
    """Means over many customers: repeat purchases, what they are worth, and what comes next."""
    world = sbc.draw_world(3, customers=20_000)
    assert isinstance(world.purchases, BGNBD)
    assert isinstance(world.spend, GammaGamma)
    frame = world.summary.frame
    x, t_x, T, m = (frame[name].to_numpy(float) for name in ("frequency", "recency", "T", "monetary_value"))
    expected = world.purchases.expected_purchases(T, 0, 0, 0)
    assert x.sum() == pytest.approx(expected.sum(), rel=0.03)
    assert world.future_purchases == pytest.approx(
        world.purchases.expected_purchases(sbc.HORIZON, x, t_x, T).sum(), rel=0.03
    )
    assert world.spend.expected_spend(0, np.nan) == pytest.approx(sbc.MEAN_SPEND)
    assert np.nanmean(m) == pytest.approx(sbc.MEAN_SPEND, rel=0.05)
    assert world.future_value / world.future_purchases == pytest.approx(sbc.MEAN_SPEND, rel=0.1)
    again = sbc.draw_world(3, customers=20_000)
    assert again.summary.frame.equals(frame)
    assert (again.purchases, again.future_value) == (world.purchases, world.future_value)


def test_the_band_holds_its_level() -> None:
    """Of 1,000 uniform samples 30 leave the 97 % band, give or take; the 99.7 % band is wider everywhere."""
    narrow, wide = sbc.band(60, level=0.97), sbc.band(60)
    rng = np.random.default_rng(4)
    left = sum(sbc.outside(rng.random(60).tolist(), narrow) > 0 for _ in range(1000))
    assert 12 <= left <= 50
    assert np.all(wide[1] <= narrow[1])
    assert np.all(wide[2] >= narrow[2])
    assert np.all((wide[1] <= wide[0]) & (wide[0] <= wide[2]))


@pytest.mark.parametrize("power", [0.6, 1.6])
def test_the_band_sees_a_wrong_engine(power: float) -> None:
    """Places that crowd at one end, and those of posteriors that are too narrow or too wide."""
    rng = np.random.default_rng(5)
    limits = sbc.band(500)
    assert sbc.outside((rng.random(500) ** power).tolist(), limits) > 0
    places = rng.random(500)
    sides = 0.5 + np.sign(places - 0.5) * np.abs(2 * places - 1) ** power / 2
    assert sbc.outside(sides.tolist(), limits) > 0
