"""Do estimates find the truth, and do their 90 % intervals contain it in 90 % of logs?"""

from __future__ import annotations

import datetime as dt
import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from clvmodels.calendar import Unit
from clvmodels.errors import DiagnosticWarning
from clvmodels.fitting import Fit, fit
from clvmodels.models import BGNBD, Family, GammaGamma

LOGS = 120
DAY = dt.date(2024, 12, 31)
BASE = {"unit": Unit.WEEK, "start": DAY, "until": DAY, "currency": "USD", "sha256": "", "invented": ()}


def purchase_log(truth: BGNBD, customers: int, seed: int) -> Any:
    """Patterns in continuous time, as the model has it."""
    T = np.random.default_rng(seed).uniform(20, 52, customers)
    who, when = truth.sample_times(T, seed=seed)
    x, t_x = np.bincount(who, minlength=customers), np.zeros(customers)
    np.maximum.at(t_x, who, when)
    patterns = SimpleNamespace(x=x * 1.0, t_x=t_x, T=T, n=np.ones(customers, int))
    return SimpleNamespace(patterns=patterns, **BASE)


def spend_log(truth: GammaGamma, customers: int, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    x = rng.geometric(0.4, customers)
    m = rng.gamma(truth.p * x) / x / rng.gamma(truth.q, size=customers) * truth.v
    frame = pd.DataFrame({"customer_id": range(customers), "frequency": x, "monetary_value": m})
    return SimpleNamespace(frame=frame, has_value=True, **BASE)


def quiet(truth: Family, data: Any) -> Fit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiagnosticWarning)
        return fit(type(truth), data)


def test_intervals_cover() -> None:
    """120 logs per model: each parameter inside its 90 % interval within a 99.9 % binomial range of 90 %."""
    low, high = stats.binom.ppf([0.0005, 0.9995], LOGS, 0.9)
    for truth, log in ((BGNBD(0.6, 8, 0.8, 2.5), purchase_log), (GammaGamma(5, 4, 20), spend_log)):
        fits = [quiet(truth, log(truth, 1500, seed)) for seed in range(LOGS)]
        tables = [one.table().set_index("parameter") for one in fits]
        for name, value in truth.parameters.items():
            inside = sum(bool(t.loc[name, "lower"] <= value <= t.loc[name, "upper"]) for t in tables)
            known = sum(bool(np.isfinite(t.loc[name, "lower"])) for t in tables)
            assert known > 0.95 * LOGS
            assert low - (LOGS - known) <= inside <= high, f"{truth.title} {name}: {inside} of {LOGS}"


def test_standard_errors_are_the_spread_of_estimates() -> None:
    for truth, log in ((BGNBD(0.6, 8, 0.8, 2.5), purchase_log), (GammaGamma(5, 4, 20), spend_log)):
        fits = [quiet(truth, log(truth, 4000, seed)) for seed in range(60)]
        logs = np.array([one.model.log_vector for one in fits])
        said = np.sqrt(np.mean([np.diag(one.covariance) for one in fits], axis=0))
        np.testing.assert_allclose(logs.std(axis=0, ddof=1) / said, 1.0, atol=4 / np.sqrt(2 * 60))


def test_a_large_log_gives_the_truth_back() -> None:
    for truth, log in ((BGNBD(0.243, 4.414, 0.793, 2.426), purchase_log), (GammaGamma(6.25, 3.74, 15.44), spend_log)):
        one = quiet(truth, log(truth, 100_000, seed=9))
        z = (one.model.log_vector - truth.log_vector) / np.sqrt(np.diag(one.covariance))
        assert np.abs(z).max() < 4
        assert np.sqrt(np.diag(one.covariance)).max() < 0.05
