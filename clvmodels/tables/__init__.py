"""The numbers behind every figure: split, forecast and evaluation → one tidy table each, without drawing anything."""

from __future__ import annotations

from clvmodels.evaluation import Evaluation
from clvmodels.prediction import Predictions
from clvmodels.summary import Split, Summary
from clvmodels.tables.base import FigureTable
from clvmodels.tables.customers import customer_outcomes, customer_paths
from clvmodels.tables.history import conditional_expectation, frequency_histogram, timeline, tracking
from clvmodels.tables.indicators import channel_values, indicator_periods, meeting_tables
from clvmodels.tables.judgement import deciles, gain, pit, reliability, verdict
from clvmodels.tables.maps import alive_heatmap, purchases_heatmap, value_distribution
from clvmodels.tables.priors import prior_predictive

__all__ = [
    "FigureTable",
    "alive_heatmap",
    "channel_values",
    "conditional_expectation",
    "customer_outcomes",
    "customer_paths",
    "deciles",
    "figure_tables",
    "frequency_histogram",
    "gain",
    "horizon_tables",
    "indicator_periods",
    "meeting_tables",
    "pit",
    "prior_predictive",
    "purchases_heatmap",
    "reliability",
    "timeline",
    "tracking",
    "value_distribution",
    "verdict",
]


def figure_tables(
    split: Split,
    forecast: Predictions,
    *,
    evaluation: Evaluation,
    judged: Predictions | None = None,
    everything: Summary | None = None,
    future: Predictions | None = None,
) -> dict[str, FigureTable]:
    """Every figure's table, in the order in which a report shows them.

    Parameters
    ----------
    split
        The two periods.
    forecast
        Predictions of the calibration customers for ``split.holdout.horizon``.
    evaluation
        How they did.
    judged
        Predictions of those whom the evaluation is about, where it is not all: see :mod:`clvmodels.sampling`.
    everything
        A summary that reaches over the holdout, by default that of ``future``.
    future
        Predictions of the fit on all data beyond its end; without it, or without money, there is no value distribution.
    """
    judged = judged or forecast
    tables = [
        timeline(split, forecast, everything=everything or (future.summary if future else None)),
        frequency_histogram(split, forecast),
        tracking(split, forecast),
        conditional_expectation(split, forecast),
        deciles(split, judged, evaluation=evaluation),
        gain(split, judged, evaluation=evaluation),
        reliability(split, judged, evaluation=evaluation),
        pit(split, judged, evaluation=evaluation),
        verdict(split, judged, evaluation=evaluation),
        *([alive_heatmap(split, forecast)] if forecast.frame["p_alive"].min() < 1 else []),  # else nobody ever leaves
        purchases_heatmap(split, forecast),
    ]
    return {table.name: table for table in tables} | (horizon_tables(future) if future else {})


def horizon_tables(future: Predictions) -> dict[str, FigureTable]:
    """The tables of what lies ahead: the distribution of value, where there is money."""
    return {} if future.spend is None else {"value_distribution": value_distribution(future)}
