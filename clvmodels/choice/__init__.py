"""Which model to take: judged and weighted on earlier cut-offs, inside the calibration period only."""

from __future__ import annotations

from clvmodels.choice.deciding import AUTO, Choice, choose
from clvmodels.choice.taking import CHOOSING, Taken, spend_name, take

__all__ = ["AUTO", "CHOOSING", "Choice", "Taken", "choose", "spend_name", "take"]
