"""Do estimates of BG/NBD's relatives find the truth, and do their 90 % intervals contain it as often as they say?"""

from __future__ import annotations

import datetime as dt
import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from clvmodels.calendar import Unit
from clvmodels.errors import DiagnosticWarning
from clvmodels.fitting import Fit, fit
from clvmodels.models import BGBB, BGCNBD, MBGCNBD, MBGNBD, NBD, ParetoNBD, PurchaseFamily
from clvmodels.summary.customers import Gaps

DAY = dt.date(2024, 12, 31)
BASE = {"unit": Unit.WEEK, "start": DAY, "until": DAY, "currency": "USD", "sha256": ""}
TRUTHS: list[tuple[PurchaseFamily, int]] = [
    (MBGNBD(0.8, 6, 0.9, 2.2), 40),
    (ParetoNBD(0.8, 6, 0.9, 15), 60),
    (NBD(0.8, 6), 60),
    (BGCNBD(1.2, 2.5, 0.9, 2.5, 3), 12),
    (MBGCNBD(1.2, 3.5, 0.9, 2.2, 2), 12),
    (BGBB(1.2, 0.75, 0.9, 2.8), 12),
]
"""Few logs: benchmarks/recovery.json has 200 of each."""
IDS = [truth.name for truth, _ in TRUTHS]


def fitted(truth: PurchaseFamily, customers: int, seed: int) -> Fit:
    """To patterns in continuous time, as the models have it."""
    T = np.random.default_rng(seed).uniform(20, 52, customers)
    if truth.discrete:
        T = np.random.default_rng(seed).integers(5, 13, customers) * 1.0
    who, when = truth.sample_times(T, seed=seed)
    x, t_x = np.bincount(who, minlength=customers), np.zeros(customers)
    np.maximum.at(t_x, who, when)
    (x, t_x, T), n = np.unique(np.stack([x, t_x, T]), axis=1, return_counts=True)
    patterns = SimpleNamespace(x=x * 1.0, t_x=t_x, T=T, n=n)
    gaps = np.diff(when, prepend=0.0)
    gaps = np.where(np.diff(who, prepend=-1) != 0, when, gaps)  # to a first repeat: since the first purchase
    data: Any = SimpleNamespace(patterns=patterns, gaps=Gaps(gaps, np.ones(gaps.size, int)), **BASE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiagnosticWarning)
        return fit(type(truth), data)


@pytest.mark.parametrize(("truth", "logs"), TRUTHS, ids=IDS)
def test_intervals_cover(truth: PurchaseFamily, logs: int) -> None:
    """Each parameter inside its 90 % interval within a 99.9 % binomial range of 90 %."""
    low, high = stats.binom.ppf([0.0005, 0.9995], logs, 0.9)
    tables = [fitted(truth, 1000, seed).table().set_index("parameter") for seed in range(logs)]
    for name, value in truth.parameters.items():
        inside = sum(bool(t.loc[name, "lower"] <= value <= t.loc[name, "upper"]) for t in tables)
        known = sum(bool(np.isfinite(t.loc[name, "lower"])) for t in tables)
        assert known > 0.9 * logs
        assert low - (logs - known) <= inside <= high, f"{truth.title} {name}: {inside} of {logs}"


@pytest.mark.parametrize(("truth", "logs"), TRUTHS, ids=IDS)
def test_a_large_log_gives_the_truth_back(truth: PurchaseFamily, logs: int) -> None:
    one = fitted(truth, 30_000 if truth.stages == 1 else 6_000, seed=logs)
    assert one.model.constants == truth.constants
    z = (one.model.log_vector - truth.log_vector) / np.sqrt(np.diag(one.covariance))
    assert np.abs(z).max() < 4
    assert np.sqrt(np.diag(one.covariance)).max() < (0.2 if truth.stages == 1 else 0.45)
