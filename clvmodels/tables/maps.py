"""Tables over all customers: maps of frequency and recency, and the distribution of predicted value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from clvmodels.prediction import Predictions
from clvmodels.summary import Split
from clvmodels.tables.base import Array, FigureTable, averaged, facts_of

FEWEST = 5
"""A cell of a heat map with fewer customers shows no actual: a mean of four customers is an anecdote."""
LEAST = 1e-6
"""Part of the highest value that still has a place of its own on a logarithmic scale."""


def alive_heatmap(split: Split, forecast: Predictions) -> FigureTable:
    """P(alive) at the repeat buyers' median T, over repeat purchases and time since the last one.

    ``actual`` is the share of real repeat customers there who bought in the holdout, and ``customers`` their number, in
    coarser cells; null in cells of fewer than five. One-time buyers have no place on the grid: their shares are facts.
    """
    active = split.holdout.frame["purchases"].to_numpy(float) > 0
    rows, T = _mesh(split, active.astype(float))
    rows["p_alive"] = averaged(forecast, lambda model: model.p_alive(rows["frequency"], T - rows["silence"], T))
    p_active = forecast.frame["p_active"].to_numpy(float)
    return FigureTable(
        "alive_heatmap", rows, facts_of(split, forecast, T=T, **_once(split, p_active, active.astype(float)))
    )


def purchases_heatmap(split: Split, forecast: Predictions) -> FigureTable:
    """Expected holdout purchases of a customer observed for the median T: model, formula and actual cell means."""
    calibration, horizon = split.calibration, split.holdout.horizon
    actual = split.holdout.frame["purchases"].to_numpy(float)
    rows, T = _mesh(split, actual)
    t, x = horizon.length(calibration.unit), rows["frequency"].to_numpy(float)
    rows["model"] = averaged(forecast, lambda model: model.expected_purchases(t, x, T - rows["silence"], T))
    rows["formula_customer"] = (x + 1) / T * t
    expected = forecast.frame["expected_purchases"].to_numpy(float)
    return FigureTable("purchases_heatmap", rows, facts_of(split, forecast, T=T, **_once(split, expected, actual)))


def value_distribution(future: Predictions, *, bins: int = 30) -> FigureTable:
    """Customers by predicted value and tier, in bins of equal ratio; the model's expectation and the formula's.

    The lowest bin starts at 0 and takes all below the grid, which leaves out the lowest per cent and what is less than
    a millionth of the highest value: on a logarithmic scale nothing and next to nothing are the same. ``tier`` is the
    model's in both.
    """
    frame, summary = future.frame, future.summary
    value, formula = frame["value"].to_numpy(float), frame["formula_value"].to_numpy(float)
    positive = [amount[amount > 0] for amount in (value, formula) if amount.any()]
    low = min((float(np.quantile(amount, 0.01)) for amount in positive), default=1.0)
    high = max((float(amount.max()) for amount in positive), default=10.0)
    low = max(low, LEAST * high)
    edges = np.geomspace(low, max(high, 1.001 * low) * (1 + 1e-9), bins + 1)
    parts = []
    for name, amount in (("model", value), ("formula_customer", formula)):
        cut = np.digitize(amount, edges)
        part = pd.DataFrame({"tier": frame["tier"], "bin": np.minimum(cut, bins), "value": amount})
        part = part.groupby(["tier", "bin"], observed=True, sort=True)["value"].agg(["size", "sum"]).reset_index()
        part.insert(0, "predictor", name)
        parts.append(part)
    rows = pd.concat(parts, ignore_index=True).rename(columns={"size": "customers", "sum": "value"})
    place = rows.pop("bin").to_numpy(int)
    rows.insert(2, "lower", np.where(place > 0, edges[np.maximum(place - 1, 0)], 0.0))
    rows.insert(3, "upper", edges[place])
    order = frame.groupby("tier", observed=True)["value"].mean().sort_values(ascending=False).index
    facts = {
        "currency": summary.currency,
        "model": future.purchases.model.title,
        "start": future.horizon.start.isoformat(),
        "end": future.horizon.end.isoformat(),
        "customers": len(frame),
        "bins": bins,
        "lowest": float(edges[0]),
        "highest": float(edges[-1]),
        "value": float(value.sum()),
        "formula_value": float(formula.sum()),
        "tiers": [str(tier) for tier in order],
    }
    return FigureTable("value_distribution", rows.astype({"tier": str}), facts)


def _mesh(split: Split, actual: Array) -> tuple[pd.DataFrame, float]:
    """A fine grid over frequency and silence at repeaters' median T; real customers' means in coarser cells."""
    frame = split.calibration.frame
    x = frame["frequency"].to_numpy(float)
    again = x > 0
    silence = (frame["T"] - frame["recency"]).to_numpy(float)
    T = float(np.median(frame["T"][again])) if again.any() else 1.0
    top = int(np.clip(np.quantile(x[again], 0.98), 4, 15)) if again.any() else 4
    fine, coarse = 40, 8
    edges = np.linspace(0, T, fine + 1)
    seen = again & (x <= top) & (silence <= T)
    cell = np.minimum((silence / T * coarse).astype(int), coarse - 1) + coarse * (x.astype(int) - 1)
    count = np.bincount(cell[seen], minlength=top * coarse)
    total = np.bincount(cell[seen], actual[seen], minlength=top * coarse)
    frequency, row = (v.ravel() for v in np.meshgrid(np.arange(1, top + 1), np.arange(fine), indexing="ij"))
    place = row * coarse // fine + coarse * (frequency - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(count >= FEWEST, total / count, np.nan)
    rows = {"frequency": frequency, "silence": (edges[row] + edges[row + 1]) / 2}
    return pd.DataFrame({**rows, "actual": means[place], "customers": count[place]}), T


def _once(split: Split, predicted: Array, actual: Array) -> dict[str, Any]:
    """One-time buyers, predicted and actual; none: null."""
    once = split.calibration.frame["frequency"].to_numpy() == 0
    some = bool(once.any())
    return {
        "fewest": FEWEST,
        "once_model": float(predicted[once].mean()) if some else None,
        "once_actual": float(actual[once].mean()) if some else None,
    }
