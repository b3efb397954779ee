"""Tables of how good the predictions were: tenths, gain, reliability, PIT, and the verdict on every metric."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from clvmodels import metrics
from clvmodels.evaluation import Evaluation
from clvmodels.metrics import METRICS
from clvmodels.prediction import Predictions
from clvmodels.ranking import PARTS, Ranking
from clvmodels.summary import Split
from clvmodels.tables.base import LEVEL, QUANTITIES, Array, FigureTable, best_quantity, facts_of, predictions


def _facts(split: Split, forecast: Predictions, evaluation: Evaluation, **more: Any) -> dict[str, Any]:
    """What holds for a figure of the customers who were judged: of very many, some."""
    return facts_of(split, forecast, customers=len(evaluation.customers), **more)


def deciles(split: Split, forecast: Predictions, *, evaluation: Evaluation) -> FigureTable:
    """Mean predicted and actual per customer in ten equal parts of each prediction, the highest first; ties pro rata.

    By value where there is money, else by purchases; so is the gain curve.
    """
    quantity = best_quantity(evaluation)
    actual, parts = evaluation.actual(quantity), []
    for name, prediction in predictions(evaluation, quantity).items():
        everybody = np.ones((1, len(actual)))
        sums = metrics.equal_parts(everybody, prediction, actual)
        predicted, realised = (part[:, 0] / (len(actual) / PARTS) for part in sums)
        decile = np.arange(1, PARTS + 1)
        parts.append(pd.DataFrame({"predictor": name, "decile": decile, "predicted": predicted, "actual": realised}))
    return FigureTable(
        "deciles", pd.concat(parts, ignore_index=True), _facts(split, forecast, evaluation, quantity=quantity)
    )


def gain(split: Split, forecast: Predictions, *, evaluation: Evaluation) -> FigureTable:
    """Share of the actual total in the best-predicted share of customers, at every per cent; ties are straight."""
    quantity = best_quantity(evaluation)
    actual = evaluation.actual(quantity)
    at, facts = np.linspace(0, 1, 101), _facts(split, forecast, evaluation, quantity=quantity)
    columns: dict[str, Array] = {"customers": at}
    for name, prediction in {**predictions(evaluation, quantity), "perfect": actual}.items():
        ranking = Ranking.of(prediction)  # tie groups, ascending
        sums = (ranking.sums(amount) for amount in (np.ones_like(actual), actual))
        size, total = (np.append(0.0, np.cumsum(each[::-1])) for each in sums)
        columns[name] = np.interp(at * size[-1], size, total / (total[-1] or 1.0))
        facts[f"gini_{name}"] = float(metrics.gini(prediction, actual))
    return FigureTable("gain", pd.DataFrame(columns), facts)


def reliability(split: Split, forecast: Predictions, *, evaluation: Evaluation, bins: int = 10) -> FigureTable:
    """Predicted probability of any purchase in the holdout against the share who bought, in bins of equal width.

    Intervals of the share are Clopper and Pearson's. The formulas give no probability: that of a Poisson count with
    their mean stands in.
    """
    bought = evaluation.actual("purchases") > 0
    parts, facts = [], _facts(split, forecast, evaluation, total_actual=int(bought.sum()))
    for name, prediction in predictions(evaluation, "purchases").items():
        p = forecast.frame["p_active"].to_numpy(float) if name == "model" else -np.expm1(-prediction)
        code = np.minimum((p * bins).astype(int), bins - 1)
        count, active, mass = (np.bincount(code, w, minlength=bins) for w in (np.ones_like(p), bought, p))
        some = count > 0
        tail = (1 - LEVEL) / 2
        with np.errstate(invalid="ignore", divide="ignore"):
            part = pd.DataFrame(
                {
                    "predictor": name,
                    "bin_lower": np.arange(bins) / bins,
                    "bin_upper": np.arange(1, bins + 1) / bins,
                    "customers": count.astype(int),
                    "predicted": mass / count,
                    "observed": active / count,
                    "lower": np.where(active > 0, stats.beta.ppf(tail, active, count - active + 1), 0.0),
                    "upper": np.where(active < count, stats.beta.ppf(1 - tail, active + 1, count - active), 1.0),
                }
            )
        parts.append(part[some])
        facts[f"total_{name}"] = float(p.sum())
    return FigureTable("reliability", pd.concat(parts, ignore_index=True), facts)


def pit(split: Split, forecast: Predictions, *, evaluation: Evaluation, bins: int = 10) -> FigureTable:
    """Histogram of the non-randomised PIT (Czado, Gneiting & Held 2009), 1 = as many as expected, per quantity.

    Each customer is spread evenly over [F(y−), F(y)].
    """
    parts = []
    for quantity in QUANTITIES:
        if quantity not in evaluation.models:
            continue
        below, upto = evaluation.ranges[quantity]
        edges = np.linspace(0, 1, bins + 1)
        width = upto - below
        wide = width > 1e-12
        inside = np.where(
            wide, np.clip((edges[:, None] - below) / np.where(wide, width, 1.0), 0, 1), edges[:, None] > below
        )
        density = np.diff(inside.mean(axis=1)) * bins
        parts.append(pd.DataFrame({"quantity": quantity, "lower": edges[:-1], "upper": edges[1:], "density": density}))
    return FigureTable("pit", pd.concat(parts, ignore_index=True), _facts(split, forecast, evaluation))


def verdict(split: Split, forecast: Predictions, *, evaluation: Evaluation) -> FigureTable:
    """The evaluation's comparisons and their simultaneous limits, turned so that more is always for the model."""
    rows = evaluation.comparison
    measured = [METRICS[name] for name in rows["metric"]]
    sign = np.array([m.sign for m in measured], float)
    limits = rows[["lower", "upper"]].to_numpy(float) * sign[:, None]
    rows = pd.DataFrame(
        {
            "quantity": rows["quantity"],
            "topic": [m.topic for m in measured],
            "metric": rows["metric"],
            "formula": rows["formula"],
            "advantage": sign * rows["difference"].to_numpy(float),
            "lower": limits.min(axis=1),
            "upper": limits.max(axis=1),
            "verdict": rows["verdict"],
        }
    )
    return FigureTable("verdict", rows, _facts(split, forecast, evaluation, resamples=evaluation.n_resamples))
