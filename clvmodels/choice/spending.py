"""The league of spend families: the CRPS of value at earlier cut-offs."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clvmodels.choice.origins import Origin
from clvmodels.choice.scoring import CANNOT
from clvmodels.errors import DiagnosticWarning
from clvmodels.fitting import fit
from clvmodels.fitting.data import spend_known
from clvmodels.models import FAMILIES, PurchaseFamily, SpendFamily
from clvmodels.models.arrays import Array
from clvmodels.outcomes import PurchaseOutcomes, ValueOutcomes

MOST = 3000
"""Customers whose distributions of value are worked out at each cut-off."""
TIED = 2.0
"""Standard errors within which spend families are tied: amounts are heavy-tailed, and cut-offs few."""
COLUMNS = ["predictor", "title", "crps", "difference", "standard_error", "chosen"]


def spend_league(origins: Sequence[Origin], models: Sequence[PurchaseFamily]) -> tuple[pd.DataFrame, str | None]:
    """Every spend family under the chosen purchase model, by its CRPS of value; and the winner.

    Ties, within two paired standard errors of the best, go to fewer parameters, then to whom every purchase counts.
    """
    scores: dict[str, list[Array]] = {name: [] for name, kind in FAMILIES.items() if issubclass(kind, SpendFamily)}
    customer = []
    for origin, model in zip(origins, models, strict=True):
        n = len(origin.purchases)
        some = np.arange(n)[:: -(-n // MOST)]
        customer.append(origin.customer[some])
        frame = origin.known.frame
        x, t_x, T = (frame[name].to_numpy(float)[some] for name in ("frequency", "recency", "T"))
        outcomes = PurchaseOutcomes(model, origin.t, x, t_x, T)
        for name in list(scores):
            try:
                scores[name].append(_crps(name, origin, outcomes, some))
            except CANNOT:
                del scores[name]
    if not scores:
        return pd.DataFrame(columns=COLUMNS), None
    owner = np.concatenate(customer)
    every = {name: np.concatenate(parts) for name, parts in scores.items()}
    best = min(every, key=lambda name: every[name].mean())
    rows, tied = [], []
    for name, score in every.items():
        gap = score - every[best]
        by_customer = np.bincount(owner, gap - gap.mean())
        error = float(np.sqrt(by_customer @ by_customer) / gap.size)
        rows.append((name, FAMILIES[name].title, float(score.mean()), float(gap.mean()), error))
        if name == best or gap.mean() <= TIED * error:
            tied.append(name)
    chosen = min(tied, key=_complexity)
    table = pd.DataFrame([(*row, row[0] == chosen) for row in rows], columns=COLUMNS)
    return table.sort_values("crps", kind="stable", ignore_index=True), chosen


def _crps(name: str, origin: Origin, outcomes: PurchaseOutcomes, some: NDArray[np.intp]) -> Array:
    assert origin.value is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiagnosticWarning)
        model = fit(name, origin.known).predictive_model
    assert isinstance(model, SpendFamily)
    known = tuple(column[some] for column in spend_known(origin.known, type(model))[:2])
    return ValueOutcomes(outcomes, model, known).crps(origin.value[some])


def _complexity(name: str) -> tuple[int, bool, int]:
    kind = FAMILIES[name]
    assert issubclass(kind, SpendFamily)
    return len(kind.parameter_names()), not kind.first, list(FAMILIES).index(name)
