"""Some of very many customers, drawn at random: what judging them says holds for all, to a percent of its own error."""

from __future__ import annotations

import dataclasses

import numpy as np

from clvmodels.prediction import Predictions
from clvmodels.summary import Holdout

JUDGED = 100_000
"""Customers judged of a larger log: the limits of every metric come from them, and hold their chance."""


def judged_sample(
    forecast: Predictions, holdout: Holdout, *, customers: int = JUDGED, seed: int = 0
) -> tuple[Predictions, Holdout]:
    """A forecast and its holdout for so many customers, drawn at random; both as they are where there are no more.

    Rows keep their order. The holdout's days and its new customers, which belong to no sample, stay those of all.
    """
    everyone = len(forecast.frame)
    if everyone <= customers:
        return forecast, holdout
    at = np.sort(np.random.default_rng([seed, 3]).choice(everyone, customers, replace=False))
    some = forecast.some(at)
    return some, dataclasses.replace(holdout, frame=holdout.of(some.summary.frame["customer_id"]))
