"""One log, cut at several days: who would have forecast best, again and again?

The folder: ``cutoffs`` (where to cut), ``scores`` (metrics under resamples), ``rounds`` (one cut-off), ``workers``
(side by side), ``leaks`` (who knows the future), ``breakdown`` (where errors are), ``result`` and ``run``.
"""

from __future__ import annotations

from clvmodels.backtesting.result import Backtest
from clvmodels.backtesting.rounds import Round
from clvmodels.backtesting.run import backtest

__all__ = ["Backtest", "Round", "backtest"]
