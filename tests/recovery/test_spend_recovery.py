"""Do spend fits find the truth behind simulated purchases, with intervals that contain it as often as they say?"""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from clvmodels.calendar import Unit
from clvmodels.fitting import fit
from clvmodels.models import GammaGammaFirst, GammaGammaFrequency, LogNormalSpend, SpendFamily

DAY = dt.date(2024, 12, 31)
TRUTHS = {
    truth.name: truth
    for truth in (
        GammaGammaFirst(5.0, 4.0, 20.0),
        GammaGammaFrequency(3.7, 4.6, 29.0, 1.1),
        LogNormalSpend(0.565, 0.441, 25.0),
    )
}


def log(truth: SpendFamily, customers: int, seed: int) -> Any:
    """Purchases, more than half of the customers with a single one, and the values that the model invents for them."""
    x = np.random.default_rng(seed).geometric(0.55, customers)
    who = np.repeat(np.arange(customers), x)
    values = truth.sample_values(x, who, seed=seed + 10**6)
    logs = np.log(values)
    mean = np.bincount(who, logs) / x
    frame = pd.DataFrame(
        {
            "customer_id": range(customers),
            "frequency": x - 1,
            "value_past": np.bincount(who, values),
            "n_valued": x,
            "log_value_mean": mean,
            "log_value_ss": np.bincount(who, (logs - mean[who]) ** 2),
        }
    )
    facts = {"unit": Unit.WEEK, "start": DAY, "until": DAY, "currency": "USD", "sha256": "", "invented": ()}
    return SimpleNamespace(frame=frame, has_value=True, **facts)


def covered(truth: SpendFamily, *, logs: int, customers: int, method: str = "mle") -> dict[str, int]:
    """In how many logs each parameter lies inside its 90 % interval."""
    found = dict.fromkeys(truth.parameters, 0)
    for seed in range(logs):
        table = fit(type(truth), log(truth, customers, seed), method=method, seed=seed).table().set_index("parameter")
        for name, value in truth.parameters.items():
            found[name] += bool(table.loc[name, "lower"] <= value <= table.loc[name, "upper"])
    return found


@pytest.mark.parametrize("name", TRUTHS)
def test_intervals_cover(name: str) -> None:
    """60 logs: each parameter inside its 90 % interval within a 99.9 % binomial range of 90 %.

    The long run, 200 logs of 2,000 customers each: by likelihood 88 to 92 %, by posterior 87 to 92 %.
    """
    low, high = stats.binom.ppf([0.0005, 0.9995], 60, 0.9)
    for parameter, inside in covered(TRUTHS[name], logs=60, customers=1000).items():
        assert low <= inside <= high, f"{parameter}: {inside} of 60"


@pytest.mark.parametrize("name", TRUTHS)
def test_a_large_log_gives_the_truth_back(name: str) -> None:
    truth = TRUTHS[name]
    one = fit(type(truth), log(truth, 60_000, 9))
    away = (one.model.log_vector - truth.log_vector) / np.sqrt(np.diag(one.covariance))
    assert np.abs(away).max() < 4
    assert np.sqrt(np.diag(one.covariance)).max() < 0.1
