"""What do BG/NBD's relatives say when the log holds no dropout, and have all their limits words?"""

from __future__ import annotations

import datetime as dt
import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from clvmodels.calendar import Unit
from clvmodels.errors import DiagnosticWarning
from clvmodels.fitting import fit
from clvmodels.fitting.family_sums import OBJECTIVES
from clvmodels.fitting.words import identified
from clvmodels.models import NBD, PurchaseFamily

DAY = dt.date(2024, 12, 31)


def log(truth: PurchaseFamily, customers: int, seed: int) -> Any:
    T = np.random.default_rng(seed).uniform(20, 52, customers)
    who, when = truth.sample_times(T, seed=seed)
    x, t_x = np.bincount(who, minlength=customers), np.zeros(customers)
    np.maximum.at(t_x, who, when)
    patterns = SimpleNamespace(x=x * 1.0, t_x=t_x, T=T, n=np.ones(customers, int))
    return SimpleNamespace(
        patterns=patterns, unit=Unit.WEEK, start=DAY, until=DAY, currency="USD", sha256="", frame=None
    )


@pytest.mark.parametrize("name", ["mbgnbd", "pareto_nbd"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_without_dropout_they_are_the_nbd(name: str, seed: int) -> None:
    data = log(NBD(1.2, 5.0), 800, seed)
    x, t_x, T = data.patterns.x, data.patterns.t_x, data.patterns.T
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiagnosticWarning)
        lower, upper = fit("nbd", data), fit(name, data)
    assert upper.converged
    assert upper.log_likelihood >= lower.log_likelihood - 1e-4  # NBD is their limit
    assert upper.log_likelihood < lower.log_likelihood + 4
    ratio = upper.model.expected_purchases(10, x, t_x, T).sum() / lower.model.expected_purchases(10, x, t_x, T).sum()
    assert 0.93 < ratio < 1.005


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_limit_has_words(name: str) -> None:
    from clvmodels.fitting.words import findings

    objective = OBJECTIVES[name]
    model = objective.family.from_log(np.zeros(len(objective.family.parameter_names())))
    for limit in objective.limits:
        optimum: Any = SimpleNamespace(boundary=(limit,), weak=())
        (words,) = findings(optimum, model, Unit.WEEK)
        assert words.startswith(f"{model.title}: these data do not tell")
        assert "{" not in words
        assert not all(identified(optimum, model))
