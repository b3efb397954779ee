"""The indicators everybody computes: as observed, as the model sees them, over time, and from one date to the next."""

from __future__ import annotations

from clvmodels.kpis.changes import compare_expected_kpis, compare_kpis
from clvmodels.kpis.expected import expected_kpis
from clvmodels.kpis.history import KpiHistory, kpi_history
from clvmodels.kpis.observed import DEFINITIONS, SILENCE_WEEKS, TRAPS, Kpis, observed_by, observed_kpis

__all__ = [
    "DEFINITIONS",
    "SILENCE_WEEKS",
    "TRAPS",
    "KpiHistory",
    "Kpis",
    "compare_expected_kpis",
    "compare_kpis",
    "expected_kpis",
    "kpi_history",
    "observed_by",
    "observed_kpis",
]
