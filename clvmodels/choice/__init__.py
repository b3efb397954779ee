"""Which model to take: judged and weighted on earlier cut-offs, inside the calibration period only."""

from __future__ import annotations

from clvmodels.choice.choose import Choice, choose

__all__ = ["Choice", "choose"]
