"""An evaluation in sentences: where the formula wins as plainly as where it loses."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from clvmodels.metrics import METRICS

TEXTBOOK = "formula_customer"
"""The variant that everybody compares with; sentences name it first."""

Row = dict[Hashable, Any]
Scores = dict[tuple[str, str, str], Row]


def headline(metrics: pd.DataFrame, comparison: pd.DataFrame, models: Mapping[str, str]) -> list[str]:
    """Totals, errors, ranking and calibration against the textbook formula, then every rival that beats the model.

    Parameters
    ----------
    metrics, comparison, models
        As in ``Evaluation``.

    Returns
    -------
    Seven sentences per quantity at most, and one that counts.
    """
    scores: Scores = {(row["predictor"], row["quantity"], row["metric"]): row for row in metrics.to_dict("records")}
    every: list[Row] = comparison.to_dict("records")
    sentences = []
    for quantity, model in models.items():
        rows = [row for row in every if row["quantity"] == quantity]
        textbook = [row for row in rows if row["formula"] == TEXTBOOK]
        topics = {
            topic: [row for row in textbook if METRICS[row["metric"]].topic == topic]
            for topic in ("totals", "errors", "ranking", "calibration")
        }
        sentences += [_totals(row, scores) for row in topics.pop("totals")]
        sentences += [_grouped(topic, quantity, some, scores) for topic, some in topics.items()]
        sentences.append(_chances(model, quantity, scores))
        sentences.append(_losses(quantity, rows, scores))
    verdicts = [row["verdict"] for row in every]
    sentences.append(
        f"Of {len(every)} comparisons the model is better in {verdicts.count('better')} and worse in "
        f"{verdicts.count('worse')}; in {verdicts.count('no evidence')} there is no evidence. The 95 % limits of the "
        "differences hold for all of them at once: for other customers like these, not for another period."
    )
    return sentences


def _totals(row: Row, scores: Scores) -> str:
    """On total value the model was 15.5 % too low, the formula 193 % too high: the model is better by …"""
    ours, theirs = _values(row, scores)
    if not np.isfinite(row["difference"]):
        return f"On total {row['quantity']} nothing can be compared: the holdout has none."
    said = f"On total {row['quantity']} the model was {_off(ours)}, {row['formula']} {_off(theirs)}"
    if row["verdict"] == "no evidence":
        limits = f"difference {_points(row['difference'])} [{_points(row['lower'])}, {_points(row['upper'])}] points"
        return f"{said}: no evidence that either is better ({limits})."
    winner = "the model" if row["verdict"] == "better" else row["formula"]
    near, far = sorted((abs(row["lower"]), abs(row["upper"])))
    by = f"{_points(abs(row['difference']))} [{_points(near)}, {_points(far)}] percentage points"
    return f"{said}: {winner} is better by {by}."


STANDINGS = (
    "better on",
    "worse on",
    "ahead, but within noise, on",
    "behind, but within noise, on",
    "level on",
    "not comparable on",
)


def _grouped(topic: str, quantity: str, rows: Sequence[Row], scores: Scores) -> str:
    """On errors of value the model, against formula_customer, is better on mae (…) and rmse (…); worse on …"""
    groups = []
    for words in STANDINGS:
        if some := [f"{row['metric']}{_evidence(row, scores)}" for row in rows if _standing(row) == words]:
            groups.append(f"{words} {_listed(some)}")
    return f"On {topic} of {quantity} the model, against {TEXTBOOK}, is {'; '.join(groups)}."


def _standing(row: Row) -> str:
    """Better or worse where the limits say so; else who is ahead here, which other customers may turn around."""
    if row["verdict"] != "no evidence":
        return f"{row['verdict']} on"
    ahead = METRICS[row["metric"]].sign * row["difference"]
    if not np.isfinite(ahead):
        return "not comparable on"
    if ahead == 0:
        return "level on"
    return f"{'ahead' if ahead > 0 else 'behind'}, but within noise, on"


def _evidence(row: Row, scores: Scores) -> str:
    """(0.638 against 0.685, difference −0.047 [−0.081, −0.013]); nothing where nothing can be compared."""
    if not np.isfinite(row["difference"]):
        return ""
    ours, theirs = (_number(value) for value in _values(row, scores))
    between = f"difference {_number(row['difference'])} [{_number(row['lower'])}, {_number(row['upper'])}]"
    return f" ({ours} against {theirs}, {between})"


def _chances(model: str, quantity: str, scores: Scores) -> str:
    """How far the model's stated chances can be taken at their word."""
    cover, gap = (
        [100 * scores[model, quantity, metric][key] for key in ("value", "lower", "upper")]
        for metric in ("coverage_90", "pit_ks")
    )
    return (
        f"The model's central 90 % of {quantity} held {cover[0]:.1f} % [{cover[1]:.1f}, {cover[2]:.1f}] of what "
        f"happened, and its stated chances were at most {gap[0]:.1f} [{gap[1]:.1f}, {gap[2]:.1f}] percentage points "
        "off; the formula states no chances."
    )


def _losses(quantity: str, rows: Sequence[Row], scores: Scores) -> str:
    """Every rival that beats the model on anything, by metric: by the limits, or by Holm's test, which sees more."""
    lost: dict[str, list[str]] = {}
    for row in rows:
        if "worse" in (row["verdict"], row.get("holm")):
            lost.setdefault(row["metric"], []).append(f"{row['formula']}{_evidence(row, scores)}")
    if not lost:
        return f"No variant of the formula beats the model on {quantity} in any of {len(rows)} comparisons."
    by_metric = [f"on {metric} by {_listed(some)}" for metric, some in lost.items()]
    return f"The model is beaten on {quantity}: {'; '.join(by_metric)}."


def _values(row: Row, scores: Scores) -> tuple[float, float]:
    """The model's and the rival's value of the row's metric."""
    quantity, metric = row["quantity"], row["metric"]
    return scores[row["model"], quantity, metric]["value"], scores[row["formula"], quantity, metric]["value"]


def _off(error: float) -> str:
    """−0.155 → 15.5 % too low"""
    return f"{_points(abs(error))} % too {'low' if error < 0 else 'high'}"


def _points(fraction: float) -> str:
    return f"{100 * fraction:.1f}".replace("-", "−") if np.isfinite(fraction) else "unknown"


def _number(value: float) -> str:
    """Three significant digits, at most four decimals, with a true minus sign."""
    if not np.isfinite(value):
        return "unknown"
    decimals = 2 - int(np.floor(np.log10(abs(value)))) if value else 0
    return f"{value:,.{min(max(decimals, 0), 4)}f}".replace("-", "−")


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
