"""Tables of single customers: P(alive) after every day beside the purchases, and how many more there may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from clvmodels.cards import CustomerCard
from clvmodels.prediction import Predictions
from clvmodels.tables.base import FigureTable


def customer_paths(forecast: Predictions, cards: Sequence[CustomerCard]) -> FigureTable:
    """After each day: purchases so far and P(alive), had observation ended then; ``bought`` marks days of purchase."""
    parts = []
    for card in cards:
        bought = card.path["date"].isin(set(card.history["date"]))
        parts.append(card.path.assign(customer_id=card.customer_id, bought=bought.astype(int)))
    rows = pd.concat(parts, ignore_index=True)[["customer_id", "date", "bought", "purchases", "p_alive"]]
    return FigureTable("customer_paths", rows, _facts(forecast, cards))


def customer_outcomes(forecast: Predictions, cards: Sequence[CustomerCard]) -> FigureTable:
    """The probability of 0, 1, 2 … purchases in the horizon; a customer's last row is "or more"."""
    parts = [card.outcomes.drop(columns="more").assign(customer_id=card.customer_id) for card in cards]
    rows = pd.concat(parts, ignore_index=True)[["customer_id", "purchases", "probability"]]
    return FigureTable("customer_outcomes", rows, _facts(forecast, cards))


def _facts(forecast: Predictions, cards: Sequence[CustomerCard]) -> Mapping[str, Any]:
    """What the pictures say beside their marks."""
    return {
        "unit": forecast.unit.value,
        "currency": forecast.currency,
        "model": forecast.purchases.model.title,
        "start": forecast.summary.start.isoformat(),
        "end": forecast.summary.until.isoformat(),
        "horizon_start": forecast.horizon.start.isoformat(),
        "horizon_end": forecast.horizon.end.isoformat(),
        "customers": {
            card.customer_id: {
                "frequency": int(card.row["frequency"]),
                "silence": card.silence,
                "rhythm": card.rhythm,
                "expected": float(card.row["expected_purchases"]),
                "formula": card.formula_purchases,
                "lower": int(card.row["purchases_lower"]),
                "upper": int(card.row["purchases_upper"]),
                "p_alive": float(card.row["p_alive"]),
            }
            for card in cards
        },
    }
