"""Predictive distributions: what one customer may do in the horizon, exactly, without simulation."""

from __future__ import annotations

from clvmodels.outcomes.counts import PurchaseOutcomes
from clvmodels.outcomes.values import ValueOutcomes

__all__ = ["PurchaseOutcomes", "ValueOutcomes"]
