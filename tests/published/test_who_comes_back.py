"""Do the shares of customers rightly called active come out as the heuristics debate has them, at published parameters?

A year's worth of papers turns on this table: P(alive) of BG/NBD is no classifier, P(at least one purchase) is one.
"""

from __future__ import annotations

import numpy as np
import pytest

import clvmodels as clv
from clvmodels.models import BGNBD, ParetoNBD

BG = BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)  # Fader, Hardie & Lee (2005), table 2: both
PARETO = ParetoNBD(r=0.553, alpha=10.578, s=0.606, beta=11.669)
Known = tuple[np.ndarray, np.ndarray, np.ndarray]


def customers(source: str) -> tuple[Known, np.ndarray]:
    calibration, holdout = clv.split(source, calibration_end="1997-09-30", holdout_end="1998-06-30")
    frame = calibration.frame
    active = holdout.frame["purchases"].to_numpy() > 0
    return tuple(frame[name].to_numpy(float) for name in ("frequency", "recency", "T")), active


@pytest.fixture(scope="module")
def sample() -> tuple[Known, np.ndarray]:
    return customers("cdnow-sample")


@pytest.fixture(scope="module")
def master() -> tuple[Known, np.ndarray]:
    return customers("cdnow")


def right(said: np.ndarray, active: np.ndarray) -> float:
    return float(np.mean(said == active))


def by_hiatus(known: Known, weeks: float) -> np.ndarray:
    return np.asarray(known[2] - known[1] <= weeks)


def test_sample(sample: tuple[Known, np.ndarray]) -> None:
    known, active = sample
    assert active.sum() == 684
    assert right(np.zeros(active.size, bool), active) == pytest.approx(0.710, abs=5e-4)
    assert right(PARETO.p_alive(*known) > 0.5, active) == pytest.approx(0.774, abs=5e-4)
    assert right(BG.p_alive(*known) > 0.5, active) == pytest.approx(0.339, abs=5e-4)
    assert BG.p_alive(*known).sum() == pytest.approx(1917, abs=1)
    assert PARETO.p_alive(*known).sum() == pytest.approx(1052, abs=1)
    comes = BG.p_active(39, *known)
    assert right(comes > 0.5, active) == pytest.approx(0.779, abs=5e-4)
    assert np.mean((comes - active) ** 2) == pytest.approx(0.161, abs=5e-4)
    assert comes.sum() == pytest.approx(617, abs=1)


def test_sample_by_hiatus(sample: tuple[Known, np.ndarray]) -> None:
    known, active = sample
    assert right(by_hiatus(known, 26), active) == pytest.approx(0.771, abs=1e-3)
    assert right(by_hiatus(known, 23), active) == pytest.approx(0.782, abs=1e-3)  # the best in hindsight


def test_master(master: tuple[Known, np.ndarray]) -> None:
    known, active = master
    assert active.sum() == 7058
    assert right(PARETO.p_alive(*known) > 0.5, active) == pytest.approx(0.773, abs=5e-4)
    assert right(BG.p_alive(*known) > 0.5, active) == pytest.approx(0.346, abs=5e-4)
    comes = BG.p_active(39, *known)
    assert right(comes > 0.5, active) == pytest.approx(0.770, abs=6e-4)
    assert comes.sum() == pytest.approx(6172, abs=2)
    assert right(by_hiatus(known, 18), active) == pytest.approx(0.778, abs=1e-3)


def test_log_likelihoods_of_the_master_at_the_samples_parameters(master: tuple[Known, np.ndarray]) -> None:
    known, _ = master
    assert float(BG.log_likelihood(*known).sum()) == pytest.approx(-95_374.00, abs=0.05)
    assert float(PARETO.log_likelihood(*known).sum()) == pytest.approx(-95_422.21, abs=0.05)
