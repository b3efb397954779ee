"""Average order value × purchase frequency × duration: the named variants of the formula, and the managers' heuristics.

"The formula" is a family, and its members differ by a factor of two: say which one you mean. All take duration to be
the horizon H, count purchase *days* (two orders on one day are one), and read the calibration period only. In all of
them a customer observed for less than 13 weeks counts as observed for 13: a rate over three days is a straw man.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clvmodels.calendar import Horizon
from clvmodels.summary import Summary

Array = NDArray[np.float64]

SHORTEST_OBSERVATION_DAYS = 13 * 7
"""A shorter observation counts as this long."""

HIATUS_DAYS = 26 * 7
"""The hiatus rule calls a customer lost after a longer silence than this."""

FORMULAS: dict[str, str] = {
    "formula": "all orders / all observed time × horizon × average order value: one number for every customer",
    "formula_customer": "the customer's orders (the first one too) / observed time × horizon × own average order value",
    "formula_repeat": "the customer's repeat orders / observed time × horizon × own average repeat order value",
    "hiatus": "formula_repeat for customers whose last order is at most 26 weeks old, nothing for the others",
    "persistence": "the customer's repeat orders, and their money, in the last horizon-length of the calibration",
    "zero": "nobody buys again",
}
"""Name of each rival → its definition in words, in the order in which reports list them."""


@dataclass(frozen=True, eq=False)
class FormulaPrediction:
    """What one variant says of each customer, in the order of ``Summary.frame``."""

    name: str
    purchases: Array
    """Purchase days in the horizon."""
    value: Array | None
    """Revenue in the horizon (margin 1, undiscounted); None for a log without money."""

    @property
    def definition(self) -> str:
        """The variant in words."""
        return FORMULAS[self.name]


def predict_by_formula(calibration: Summary, horizon: Horizon) -> dict[str, FormulaPrediction]:
    """Every variant of the formula for every customer.

    With x repeat purchases, last purchase t_x, observed time T and horizon H, per customer unless said otherwise
    (T below 13 weeks counts as 13 weeks):

    ==================  ========================  =====================================================
    name                purchases                 value
    ==================  ========================  =====================================================
    formula             Σ(x+1)/ΣT · H             × Σvalue/Σ(x+1)
    formula_customer    (x+1)/T · H               × own mean of all orders
    formula_repeat      x/T · H                   × own mean of repeat orders (0 when there is none)
    hiatus              formula_repeat if T − t_x ≤ 26 weeks, else 0
    persistence         own repeat purchases in the last H of the calibration, and their money
    zero                0                         0
    ==================  ========================  =====================================================

    Traps: ``formula`` and ``formula_customer`` count the first order, which every customer has made by definition, so
    their totals are far too high (three times the truth on CDNOW); ``formula_repeat`` says 0 of every one-time buyer;
    none of them lets customers leave, except ``hiatus``. Where H is longer than the calibration, ``persistence`` has
    only the calibration to look at.

    Parameters
    ----------
    calibration
        What is known of the customers; nothing after ``calibration.until`` is read.
    horizon
        The days to predict.

    Returns
    -------
    Name → prediction, in the order of ``FORMULAS``.
    """
    frame = calibration.frame
    x = frame["frequency"].to_numpy(float)
    own = own_purchases(calibration, horizon)
    repeat = own["formula_repeat"]
    silent = calibration.unit.from_days(HIATUS_DAYS) < (frame["T"] - frame["recency"]).to_numpy(float)
    recent = calibration.recent(horizon.days)
    n = len(frame)

    purchases: dict[str, Array] = {
        "formula": np.full(n, _population_rate(calibration, x + 1, horizon)),
        **own,
        "hiatus": np.where(silent, 0.0, repeat),
        "persistence": recent["purchases"].to_numpy(float),
        "zero": np.zeros(n),
    }
    value: dict[str, Array] = {}
    if calibration.has_value:
        past = frame["value_past"].to_numpy(float)
        # The mean of no repeat order does not exist; its customer's rate is 0.
        repeat_value = repeat * np.where(x > 0, frame["monetary_value"].to_numpy(float), 0.0)
        value = {
            "formula": np.full(n, _population_rate(calibration, past, horizon)),
            "formula_customer": formula_customer_value(calibration, horizon),
            "formula_repeat": repeat_value,
            "hiatus": np.where(silent, 0.0, repeat_value),
            "persistence": recent["value"].to_numpy(float),
            "zero": np.zeros(n),
        }
    return {name: FormulaPrediction(name, purchases[name], value.get(name)) for name in FORMULAS}


def own_purchases(calibration: Summary, horizon: Horizon) -> dict[str, Array]:
    """The purchases of the variants by each customer's own rate: ``formula_customer`` and ``formula_repeat``."""
    x = calibration.frame["frequency"].to_numpy(float)
    rates = horizon.length(calibration.unit) / _observed(calibration)
    return {"formula_customer": (x + 1) * rates, "formula_repeat": x * rates}


def formula_customer_value(calibration: Summary, horizon: Horizon) -> Array:
    """Average order value × purchase frequency × horizon of each customer: the number everybody compares with.

    Own mean of all orders × (x + 1)/T × H, which is the customer's past revenue/T × H; T below 13 weeks counts as 13.
    """
    past = calibration.frame["value_past"].to_numpy(float)
    return past * (horizon.length(calibration.unit) / _observed(calibration))


def _observed(calibration: Summary) -> Array:
    """T of each customer, not below 13 weeks."""
    shortest = calibration.unit.from_days(SHORTEST_OBSERVATION_DAYS)
    return np.asarray(np.maximum(calibration.frame["T"].to_numpy(float), shortest))


def _population_rate(calibration: Summary, amount: Array, horizon: Horizon) -> float:
    """Σ amount / ΣT · H: orders, or money, as Σ(x+1) cancels from frequency × average order value."""
    return float(amount.sum() / _observed(calibration).sum() * horizon.length(calibration.unit))
