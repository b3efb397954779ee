"""Engines add in their own order: do fits to money that differs in its twelfth digit differ in their ninth?"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from clvmodels.fitting import Fit, fit
from clvmodels.fitting.data import SPENDS
from clvmodels.fitting.spend_sums import SPEND_OBJECTIVES
from clvmodels.summary import Summary

FAMILIES = sorted(SPENDS)
MONEY = ["monetary_value", "value_first", "value_past", "log_value_mean", "log_value_ss"]


@cache
def summary(jitter: float) -> Summary:
    """Twenty thousand customers; all their money is up to ``jitter`` away from what it is, in relative terms."""
    rng = np.random.default_rng(8)
    customers = 20_000
    frequency = rng.geometric(0.25, customers) - 1
    days = frequency + 1
    level = 15 * days**0.05 / rng.gamma(4, size=customers)
    first, past = level * rng.gamma(6, size=customers), level * rng.gamma(6 * frequency + 1e-300, size=customers)
    frame = pd.DataFrame(
        {
            "customer_id": np.arange(customers),
            "frequency": frequency,
            "recency": np.where(frequency > 0, 30.0, 0.0),
            "T": 52.0,
            "monetary_value": past / np.where(frequency > 0, frequency, np.nan),
            "value_first": first,
            "value_past": first + past,
            "n_valued": days,
            "log_value_mean": np.log(level) + 1.7 + 0.4 * rng.standard_normal(customers) / np.sqrt(days),
            "log_value_ss": 0.17 * rng.chisquare(np.maximum(frequency, 1e-9)) * (frequency > 0),
        }
    )
    wrong = np.random.default_rng(9)
    for name in MONEY:
        frame[name] *= 1 + jitter * wrong.uniform(-1, 1, customers)
    return Summary.from_frame(frame, until="2024-12-31")


def told(found: Fit) -> dict[str, float]:
    """Every number that a report takes from a fit."""
    numbers = {f"estimate of {name}": value for name, value in found.parameters.items()}
    numbers |= {f"error of {name}": value for name, value in found.standard_errors.items() if value is not None}
    numbers["log-likelihood"] = found.log_likelihood
    if found.posterior is not None:
        facts = found.diagnostics
        numbers |= {"k_hat": facts["k_hat"], "ess": facts["ess"]}
        numbers |= {f"influence {name}": value for name, value in facts["prior_influence"].items()}
        table = found.table().select_dtypes("number").to_numpy()
        numbers |= {f"table {place}": float(value) for place, value in enumerate(table.ravel())}
    return numbers


@pytest.mark.parametrize("method", ["mle", "posterior"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_twelfth_digit_of_money_stays_there(family: str, method: str) -> None:
    one, other = (told(fit(family, summary(jitter), method=method)) for jitter in (0.0, 1e-12))
    assert one.keys() == other.keys()
    far = {
        name: abs(other[name] / value - 1)
        for name, value in one.items()
        if abs(other[name] - value) > 1e-9 * abs(value)
    }
    assert not far


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("draws", "width"), [(5, 0.01), (300, 0.02), (300, 0.5)])
def test_likelihoods_at_many_points_differ_as_the_familys_own(family: str, draws: int, width: float) -> None:
    kind = SPENDS[family]
    frame = summary(0.0).frame.head(2_000)
    known: Any = kind.observed(frame)
    spent = (known[0] > 0) & (kind.typical(*known[:2]) > 0)
    objective = SPEND_OBJECTIVES[family](*(column[spent] for column in known))
    start = objective.starts()[0]
    etas = start + width * np.random.default_rng(3).standard_normal((draws, start.size))
    single, _ = objective.rows()
    direct = [objective.family.from_log(objective.log_parameters(eta)).log_likelihood(*single).sum() for eta in etas]
    risen = objective.values(etas)
    np.testing.assert_allclose(risen - risen[0], np.subtract(direct, direct[0]), rtol=1e-10, atol=1e-8)
