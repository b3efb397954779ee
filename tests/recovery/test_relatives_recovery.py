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
from clvmodels.models import MBGNBD, NBD, ParetoNBD, PurchaseFamily

DAY = dt.date(2024, 12, 31)
BASE = {"unit": Unit.WEEK, "start": DAY, "until": DAY, "currency": "USD", "sha256": ""}
TRUTHS: list[tuple[PurchaseFamily, int]] = [
    (MBGNBD(0.8, 6, 0.9, 2.2), 40),
    (ParetoNBD(0.8, 6, 0.9, 15), 60),
    (NBD(0.8, 6), 60),
]
IDS = [truth.name for truth, _ in TRUTHS]


def fitted(truth: PurchaseFamily, customers: int, seed: int) -> Fit:
    """To patterns in continuous time, as the models have it."""
    T = np.random.default_rng(seed).uniform(20, 52, customers)
    who, when = truth.sample_times(T, seed=seed)
    x, t_x = np.bincount(who, minlength=customers), np.zeros(customers)
    np.maximum.at(t_x, who, when)
    patterns = SimpleNamespace(x=x * 1.0, t_x=t_x, T=T, n=np.ones(customers, int))
    data: Any = SimpleNamespace(patterns=patterns, **BASE)
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
    one = fitted(truth, 30_000, seed=logs)
    z = (one.model.log_vector - truth.log_vector) / np.sqrt(np.diag(one.covariance))
    assert np.abs(z).max() < 4
    assert np.sqrt(np.diag(one.covariance)).max() < 0.2
