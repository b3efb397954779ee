"""Indicators, channels, levers and lists as the plain data of report.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from clvmodels.attention import UNUSUAL
from clvmodels.channels import Channels
from clvmodels.kpi_files import KpiBook
from clvmodels.levers import Levers
from clvmodels.prediction import Predictions

LISTED = 8
"""Customers per list in the report; the command ``clvmodels kpis`` writes all."""


def indicators(book: KpiBook, future: Predictions, fitted_until: str) -> dict[str, Any]:
    """What ``kpis`` holds besides the four indicators."""
    history = book.history
    return {
        "horizon_years": future.horizon.days / 365.25,
        "observed": _records(book.observed),
        "expected": _records(book.expected),
        "fitted_until": fitted_until,
        "period": history.period if history else None,
        "periods": _records(history.periods) if history else [],
        "cohort_length": history.cohort_length if history else None,
        "cohorts": _records(history.cohorts) if history else [],
        "cohort_kpis": _records(book.cohort_kpis),
        "notes": list(book.notes),
    }


def channels(book: KpiBook) -> list[dict[str, Any]]:
    """One entry per segment that could be compared."""
    return [_channel(segment, found) for segment, found in book.channels.items()]


def _channel(segment: str, found: Channels) -> dict[str, Any]:
    rows = found.table.merge(found.spread, on=segment).rename(columns={segment: "channel"})
    return {
        "segment": segment,
        "months": found.months,
        "confidence": found.confidence,
        "has_cost": found.has_cost,
        "channels": _records(rows),
    }


def levers(book: KpiBook) -> dict[str, Any] | None:
    """One percent, offers, rewards and the grid behind the sliders; null without money."""
    if book.levers is None:
        return None
    return {
        "grid": list(book.levers.grid),
        "everyone": _levers(book.levers),
        "segment": str(book.levers_by.groups.columns[0]) if book.levers_by is not None else None,
        "groups": _levers(book.levers_by) if book.levers_by is not None else None,
    }


def _levers(found: Levers) -> dict[str, Any]:
    names = {str(name): "group" for name in found.groups.columns}
    return {
        "one_percent": _records(found.one_percent.rename(columns=names)),
        "offers": _records(found.offers.rename(columns=names)),
        "rewards": _records(found.rewards.rename(columns=names)),
        "surface": found.surface.tolist(),
    }


def attention(book: KpiBook, stability: Mapping[str, pd.DataFrame] | None) -> dict[str, Any]:
    """Tiers then, in fact and now; and the first of each list."""
    found = book.attention
    return {
        "tiers": {name: _records(table) for name, table in (stability or {}).items()},
        "lists": {name: _records(rows.head(LISTED)) for name, rows in found.lists.items()},
        "silence": {
            "threshold": UNUSUAL,
            "tested": found.tested,
            "flagged": found.flagged,
        },
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values; what is missing is null."""
    rows: list[dict[str, Any]] = []
    for row in table.to_dict("records"):
        plain = {}
        for name, value in row.items():
            missing = not isinstance(value, (list, dict)) and pd.isna(value)
            plain[str(name)] = (
                None if missing else value.date().isoformat() if isinstance(value, pd.Timestamp) else value
            )
        rows.append({name: _plain(value) for name, value in plain.items()})
    return rows


def _plain(value: Any) -> Any:
    """Ids and group names as JSON knows them."""
    known = isinstance(value, (bool, int, float, str)) or value is None or hasattr(value, "dtype")
    return value if known else str(value)
