"""What all figures' tables share: their type, what they say of the data, and the predictions they compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clvmodels.evaluation import Evaluation
from clvmodels.fitting.stack import story_of
from clvmodels.judging import Quantity
from clvmodels.models import PurchaseFamily
from clvmodels.prediction import Predictions
from clvmodels.summary import Split

Array = NDArray[np.float64]

LEVEL = 0.90
"""Every interval here is this wide, but the verdict's simultaneous 95 % limits."""
QUANTITIES: tuple[Quantity, ...] = ("purchases", "value")
FORMULAS = ("formula_customer", "formula_repeat")
"""The variants that figures show; the other rivals are in the evaluation's tables."""


@dataclass(frozen=True)
class FigureTable:
    """What one figure shows.

    Attributes
    ----------
    name
        The figure's name, also of its files.
    frame
        One row per mark.
    facts
        What holds for all rows: unit, currency, dates (ISO text), totals; plain numbers and texts.
    """

    name: str
    frame: pd.DataFrame
    facts: Mapping[str, Any] = field(default_factory=dict)


def facts_of(split: Split, forecast: Predictions, **more: Any) -> dict[str, Any]:
    """What every figure of the holdout says of its data."""
    calibration, horizon = split.calibration, split.holdout.horizon
    return {
        "unit": calibration.unit.value,
        "currency": calibration.currency,
        "model": forecast.purchases.model.title,
        "model_purchases": forecast.purchases.model.title,
        "model_value": " × ".join(fit.model.title for fit in (forecast.purchases, forecast.spend) if fit is not None),
        "start": calibration.start.isoformat(),
        "end": calibration.until.isoformat(),
        "holdout_start": horizon.start.isoformat(),
        "holdout_end": horizon.end.isoformat(),
        "customers": len(calibration.frame),
        **more,
    }


def averaged(forecast: Predictions, formula: Callable[[PurchaseFamily], Array], *, born: bool = False) -> Array:
    """A formula of the purchase model as the forecast averages it: over a stack, and over the points of a posterior.

    Of customers as they are ``born`` the textbook formula in a stack knows nothing: its other members speak.
    """
    model = forecast.purchase_outcomes.model
    parts = story_of(model).components if born else model.components
    return np.asarray(sum(weight * np.mean([formula(one) for one in members(part)], axis=0) for weight, part in parts))


def members(model: PurchaseFamily) -> list[PurchaseFamily]:
    """A family at each of its draws: one estimate is a list of one."""
    return [model.at(one) for one in np.atleast_2d(model.log_vector)]


def best_quantity(evaluation: Evaluation) -> Quantity:
    """Value where there is money, else purchases."""
    return "value" if "value" in evaluation.models else "purchases"


def predictions(evaluation: Evaluation, quantity: Quantity) -> dict[str, Array]:
    """The model and the formulas that figures show."""
    return {"model": evaluation.predicted(quantity)} | {name: evaluation.predicted(quantity, name) for name in FORMULAS}
