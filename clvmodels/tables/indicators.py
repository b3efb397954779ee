"""Tables of indicators over time and of channels, for their figures."""

from __future__ import annotations

import pandas as pd

from clvmodels.channels import Channels
from clvmodels.kpi_files import KpiBook
from clvmodels.kpis.history import KpiHistory
from clvmodels.prediction import Predictions
from clvmodels.tables.base import FigureTable


def indicator_periods(history: KpiHistory, future: Predictions, *, fitted_until: str) -> FigureTable:
    """Every period's indicators, observed and expected, with the model's band.

    Parameters
    ----------
    history
        From :func:`clvmodels.kpis.kpi_history`.
    future
        Predictions beyond the data, for unit, currency and model.
    fitted_until
        Last day that the fit behind the band has seen.
    """
    rows = history.periods[["indicator", "start", "end", "value", "expected", "lower", "upper", "customers", "orders"]]
    facts = {
        "unit": future.unit.value,
        "currency": future.currency,
        "model": future.purchases.model.title,
        "start": rows["start"].min().date().isoformat(),
        "end": rows["end"].max().date().isoformat(),
        "fitted_until": fitted_until,
        "period": history.period,
        "customers": len(future.frame),
    }
    return FigureTable("indicator_periods", rows.reset_index(drop=True), facts)


def meeting_tables(book: KpiBook, future: Predictions, *, fitted_until: str) -> dict[str, FigureTable]:
    """The figures of a book of indicators: periods and, where there are channels, those of the first segment."""
    tables = []
    if book.history is not None:
        tables.append(indicator_periods(book.history, future, fitted_until=fitted_until))
    tables += [channel_values(found, future) for found in list(book.channels.values())[:1]]
    return {table.name: table for table in tables}


def channel_values(found: Channels, future: Predictions) -> FigureTable:
    """Worth of each channel's next customer, pooled and by itself, with its cost if known; in the order of the table.

    Parameters
    ----------
    found
        From :func:`clvmodels.channels.compare_channels`.
    future
        The predictions it was made from.
    """
    rows = pd.DataFrame(
        {
            "channel": found.table[found.segment].astype("string").fillna(""),
            "customers": found.table["customers"],
            "alone": found.table["ltv_alone"],
            "pooled": found.table["ltv"],
            "lower": found.table["ltv_lower"],
            "upper": found.table["ltv_upper"],
        }
    )
    if found.has_cost:
        rows["cost"] = found.table["cost"]
    facts = {
        "currency": found.currency,
        "model": future.purchases.model.title,
        "start": future.summary.start.isoformat(),
        "end": future.summary.until.isoformat(),
        "segment": found.segment,
        "months": found.months,
        "customers": int(found.table["customers"].sum()),
    }
    return FigureTable("channel_values", rows, facts)
