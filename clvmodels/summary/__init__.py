"""From a log to (x, t_x, T, m), and the log cut in two.

The folder: ``clock`` (not after today), ``rfm`` (a table brought along), ``customers`` (Summary), ``holdout`` (Split).
"""

from __future__ import annotations

from clvmodels.summary.customers import Patterns, Summary, summarize
from clvmodels.summary.holdout import Holdout, Split, default_calibration_end, split

__all__ = ["Holdout", "Patterns", "Split", "Summary", "default_calibration_end", "split", "summarize"]
