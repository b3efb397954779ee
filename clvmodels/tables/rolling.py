"""The tables behind a backtest's figures: one per question, with the leading families beside the formulas."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from clvmodels.backtesting import Backtest
from clvmodels.choice import AUTO
from clvmodels.fitting.stack import STACK, StackBlend
from clvmodels.judging import Quantity
from clvmodels.language import gettext
from clvmodels.models import FAMILIES
from clvmodels.tables.base import FigureTable

SHOWN_METRICS = ("abs_log_total_ratio", "rmse", "crps", "gini", "top_decile_capture", "decile_mape")
"""What the league's figures show; every metric is in the tables."""
SHOWN_FAMILIES = 5
"""Families in a league's figure: those of the lowest CRPS."""
RIVALS = ("formula_customer", "formula_repeat", "persistence")
"""What the other figures compare the leading family with."""


def title_of(name: str) -> str:
    """What people call a family or a pair of them; other predictors keep their name.

    Examples
    --------
    >>> title_of("bgnbd+gamma_gamma"), title_of("formula"), title_of("their model")
    ('BG/NBD × Gamma-Gamma', 'formula', 'their model')
    """
    titles = {AUTO: gettext("Chosen"), STACK: StackBlend.title} | {key: kind.title for key, kind in FAMILIES.items()}
    parts = name.split("+")
    return " × ".join(titles[part] for part in parts) if all(part in titles for part in parts) else name


def rolling_tables(result: Backtest) -> dict[str, FigureTable]:
    """Every figure's table, in the order in which a backtest shows them."""
    tables = [_league(result, quantity) for quantity in result.quantities]
    tables += [_totals(result), _horizon(result), _frequency(result), _cohort(result), _one_time(result)]
    tables.append(_parameters(result))
    return {table.name: table for table in tables if len(table.frame)}


def _facts(result: Backtest, **more: Any) -> dict[str, Any]:
    """What every figure says of the data."""
    rounds = result.rounds
    leaders = {quantity: result.leader(quantity) for quantity in result.quantities}
    return {
        "unit": result.unit,
        "currency": result.currency,
        "start": rounds[0].cutoff.isoformat(),
        "end": rounds[-1].cutoff.isoformat(),
        "holdout_end": max(one.horizon.end for one in rounds).isoformat(),
        "cutoffs": len(rounds),
        "days": result.days,
        "customers": len(rounds[-1].calibration.frame),
        "model_purchases": title_of(leaders["purchases"] or ""),
        "model_value": title_of(leaders.get("value") or ""),
        "resamples": result.n_resamples,
        **more,
    }


def _shown(result: Backtest, quantity: Quantity) -> dict[str, str]:
    """Predictor → role, of those that figures compare: the leading family, formulas, and what came from outside."""
    leader = result.leader(quantity)
    roles = {} if leader is None else {leader: "model"}
    here = set(result.totals.loc[result.totals["quantity"] == quantity, "predictor"])
    roles |= {name: name for name in RIVALS if name in here}
    return roles | {name: "elsewhere" for name, kind in result.kinds.items() if kind == "elsewhere" and name in here}


def _selected(result: Backtest, table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the predictors that figures compare, with their role, under the names that people use."""
    parts = []
    for quantity in result.quantities:
        roles = _shown(result, quantity)
        rows = table[(table["quantity"] == quantity) & table["predictor"].isin(list(roles))]
        parts.append(rows.assign(role=rows["predictor"].map(roles), predictor=rows["predictor"].map(title_of)))
    return pd.concat(parts, ignore_index=True)


def _pooled_by(result: Backtest, table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Sums over cut-offs, by predictor and group."""
    rows = _selected(result, table)
    keys = ["quantity", "predictor", "role", name]
    sums = rows.groupby(keys, sort=False, observed=True)[["customers", "predicted", "actual"]].sum().reset_index()
    return sums.assign(total_error=sums["predicted"] / sums["actual"].where(sums["actual"] > 0) - 1)


def _league(result: Backtest, quantity: Quantity) -> FigureTable:
    pooled = result.pooled[result.pooled["quantity"] == quantity]
    crps = pooled[pooled["metric"] == "crps"].set_index("predictor")["value"].sort_values(kind="stable")
    kinds, suspects = result.kinds, set(result.suspects)
    best = [name for name in crps.index if kinds[name] == "family" and name not in suspects][:SHOWN_FAMILIES]
    others = [name for name in crps.index if kinds[name] != "family" and name != "zero"]
    order = {name: place for place, name in enumerate([*best, *others])}
    each = result.league[result.league["quantity"] == quantity].assign(
        cutoff=lambda t: t["cutoff"].map(dt.date.isoformat)
    )
    rows = pd.concat([pooled.assign(cutoff="mean"), each])
    rows = rows[rows["predictor"].isin(list(order)) & rows["metric"].isin(SHOWN_METRICS)]
    rows = rows.assign(
        place=rows["predictor"].map(order), at=rows["metric"].map({name: i for i, name in enumerate(SHOWN_METRICS)})
    ).sort_values(["at", "place"], kind="stable")
    rows["role"] = [kinds[name] if kinds[name] != "formula" else name for name in rows["predictor"]]
    rows["predictor"] = rows["predictor"].map(title_of)
    columns = ["metric", "predictor", "role", "cutoff", "value", "lower", "upper"]
    frame = rows[columns].replace([np.inf, -np.inf], np.nan).dropna(subset="value").reset_index(drop=True)
    families = sum(kind == "family" for name, kind in kinds.items() if name in set(pooled["predictor"]))
    return FigureTable(
        f"rolling_{quantity}", frame, _facts(result, quantity=quantity, shown=len(best), families=families)
    )


def _totals(result: Backtest) -> FigureTable:
    rows = _selected(result, result.totals)
    frame = rows[["quantity", "predictor", "role", "cutoff", "predicted", "actual", "ratio"]]
    return FigureTable("rolling_totals", _dated(frame[frame["ratio"] > 0]), _facts(result))


def _horizon(result: Backtest) -> FigureTable:
    """Totals so far, over all cut-offs together, and the extremes of any."""
    rows = _selected(result, result.by_horizon)
    by = rows.groupby(["quantity", "predictor", "role", "days"], sort=False)
    sums = by[["predicted", "actual"]].sum()
    sums["total_error"] = sums["predicted"] / sums["actual"].where(sums["actual"] > 0) - 1
    sums["lowest"], sums["highest"] = by["total_error"].min(), by["total_error"].max()
    frame = sums.reset_index()
    return FigureTable("rolling_horizon", frame, _facts(result))


def _frequency(result: Backtest) -> FigureTable:
    frame = _pooled_by(result, result.by_frequency, "frequency")
    frame["frequency"] = frame["frequency"].astype(str)
    frame["ratio"] = frame["total_error"] + 1
    for name in ("predicted", "actual"):
        frame[f"{name}_mean"] = frame[name] / frame["customers"].where(frame["customers"] > 0)
    return FigureTable("rolling_frequency", frame[frame["customers"] > 0].reset_index(drop=True), _facts(result))


def _cohort(result: Backtest) -> FigureTable:
    return FigureTable("rolling_cohort", _pooled_by(result, result.by_cohort, "cohort"), _facts(result))


def _one_time(result: Backtest) -> FigureTable:
    """The share of one-time buyers who come back, as every family said and as it was."""
    rows = result.one_time[result.one_time["metric"] == "p_active"]
    frame = rows[["predictor", "cutoff", "value"]].rename(columns={"value": "share"})
    leader = result.leader("purchases")
    frame = frame.assign(
        role=["actual" if one == "actual" else "model" if one == leader else "family" for one in frame["predictor"]],
        predictor=frame["predictor"].map(title_of),
    )
    return FigureTable("rolling_one_time", _dated(frame[["predictor", "role", "cutoff", "share"]]), _facts(result))


def _parameters(result: Backtest) -> FigureTable:
    """Estimates of the leading families at every cut-off."""
    rows = result.parameters[result.parameters["family"].isin(leading(result))]
    frame = rows.assign(family=rows["family"].map(title_of))
    return FigureTable("rolling_parameters", _dated(frame), _facts(result))


def leading(result: Backtest) -> list[str]:
    """The families of the leading predictors whose parameters mean the same at every cut-off."""
    names = [name for quantity in result.quantities for name in (result.leader(quantity) or "").split("+")]
    return [name for name in dict.fromkeys(names) if name in FAMILIES]


def _dated(frame: pd.DataFrame) -> pd.DataFrame:
    """Cut-offs as dates that a table writes in words."""
    return frame.assign(cutoff=pd.to_datetime(frame["cutoff"])).reset_index(drop=True)
