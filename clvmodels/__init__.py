"""clvmodels: customer lifetime value, compared honestly with the formula everybody uses.

The names below are resolved on first use (PEP 562), so that ``import clvmodels`` loads the standard library only.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "split": "summary",
    "summarize": "summary",
    "read_transactions": "transactions",
    "fit": "fitting",
    "predict": "prediction",
    "choose": "choice",
    "evaluate": "evaluation",
    "backtest": "backtesting",
    "expected_kpis": "kpis",
    "compare_kpis": "kpis",
    "kpi_history": "kpis",
    "compare_channels": "channels",
    "value_levers": "levers",
    "flag_customers": "attention",
    "build_report": "report",
    "write_report": "report",
    "export": "exports",
    "save": "store",
    "load": "store",
    "score": "scoring",
    "simulate": "simulation",
    "update": "updating",
}

__all__ = sorted(_HOME)

if TYPE_CHECKING:
    from clvmodels.attention import flag_customers as flag_customers
    from clvmodels.backtesting import backtest as backtest
    from clvmodels.channels import compare_channels as compare_channels
    from clvmodels.choice import choose as choose
    from clvmodels.evaluation import evaluate as evaluate
    from clvmodels.exports import export as export
    from clvmodels.fitting import fit as fit
    from clvmodels.kpis import compare_kpis as compare_kpis
    from clvmodels.kpis import expected_kpis as expected_kpis
    from clvmodels.kpis import kpi_history as kpi_history
    from clvmodels.levers import value_levers as value_levers
    from clvmodels.prediction import predict as predict
    from clvmodels.report import build_report as build_report
    from clvmodels.report import write_report as write_report
    from clvmodels.scoring import score as score
    from clvmodels.simulation import simulate as simulate
    from clvmodels.store import load as load
    from clvmodels.store import save as save
    from clvmodels.summary import split as split
    from clvmodels.summary import summarize as summarize
    from clvmodels.transactions import read_transactions as read_transactions
    from clvmodels.updating import update as update


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
