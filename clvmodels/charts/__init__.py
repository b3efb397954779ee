"""Tables → figures: each with its question, units and dates, model, formula and actual, and the table it shows."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from clvmodels.charts import customers, history, judgement, maps, meeting, priors, rolling
from clvmodels.charts.canvas import Figure, font_folder, inline_svg, printed_svg, save, styled
from clvmodels.charts.english import ENGLISH
from clvmodels.charts.listing import listing
from clvmodels.charts.words import Words
from clvmodels.language import language, speaking
from clvmodels.tables import FigureTable
from clvmodels.workers import each, processors

__all__ = [
    "DRAWN",
    "ENGLISH",
    "Chart",
    "Printed",
    "Told",
    "draw",
    "figures",
    "font_folder",
    "inline_svg",
    "printed_svg",
    "save",
    "write_figures",
]

Drawing = Callable[[pd.DataFrame, Mapping[str, Any], Words], tuple[Figure, dict[str, str]]]

DRAWN: dict[str, Drawing] = {
    "timeline": history.timeline,
    "frequency_histogram": history.frequency_histogram,
    "tracking": history.tracking,
    "conditional_expectation": history.conditional_expectation,
    "deciles": judgement.deciles,
    "gain": judgement.gain,
    "reliability": judgement.reliability,
    "pit": judgement.pit,
    "verdict": judgement.verdict,
    "alive_heatmap": maps.alive_heatmap,
    "purchases_heatmap": maps.purchases_heatmap,
    "value_distribution": maps.value_distribution,
    "indicator_periods": meeting.indicator_periods,
    "channel_values": meeting.channel_values,
    "customer_paths": customers.customer_paths,
    "customer_outcomes": customers.customer_outcomes,
    "prior_predictive": priors.prior_predictive,
    "rolling_purchases": rolling.league,
    "rolling_value": rolling.league,
    "rolling_totals": rolling.totals,
    "rolling_horizon": rolling.horizon,
    "rolling_frequency": rolling.frequency,
    "rolling_cohort": rolling.cohort,
    "rolling_one_time": rolling.one_time,
    "rolling_parameters": rolling.parameters,
}
"""Every figure there is, by the name of its table, in the order of a report; then those of no report, or a backtest."""


@dataclass(frozen=True)
class Told:
    """What is said of a figure, and the numbers in it.

    Attributes
    ----------
    name
        Of its table and its files.
    title
        The question it answers; it is written in the picture too.
    caption
        How to read it, with this data's numbers.
    alt
        What it shows, in a sentence, for those who cannot see it.
    table
        The numbers it was drawn from.
    words
        The language it was drawn in.
    """

    name: str
    title: str
    caption: str
    alt: str
    table: FigureTable
    words: Words = field(repr=False)

    def rows(self, limit: int | None = None) -> tuple[list[str], list[list[str]]]:
        """The table in words: headings, and the first ``limit`` rows with numbers and dates as people read them."""
        with speaking(self.words.language):
            return listing(self.table, self.words, limit)


@dataclass(frozen=True)
class Chart(Told):
    """One figure, ready to be shown: a matplotlib figure that belongs to no window."""

    figure: Figure

    def _repr_png_(self) -> bytes:
        """The picture, where a notebook shows this value."""
        data = io.BytesIO()
        with styled():
            self.figure.savefig(data, format="png", dpi=100, metadata={"Software": None})
        return data.getvalue()


def draw(table: FigureTable, *, texts: Mapping[str, str] = ENGLISH) -> Chart:
    """Draw one table.

    Parameters
    ----------
    table
        From a function of :mod:`clvmodels.tables`; its name chooses the figure.
    texts
        :data:`ENGLISH`, which follows the language that is spoken, or other words under the same keys.
    """
    words = Words(texts)
    with styled():
        figure, said = DRAWN[table.name](table.frame, table.facts, words)
    return Chart(table.name, said["title"], said["caption"], said["alt"], table, words, figure)


def figures(tables: Mapping[str, FigureTable], *, texts: Mapping[str, str] = ENGLISH) -> dict[str, Chart]:
    """Draw every table, in their order."""
    return {name: draw(table, texts=texts) for name, table in tables.items()}


@dataclass(frozen=True)
class Printed:
    """A figure whose files are written: what is said of it, and how pages show it."""

    told: Told
    inline: str
    """SVG to put into HTML."""
    letters: str
    """SVG whose letters are letters, for a PDF."""


def write_figures(tables: Mapping[str, FigureTable], folder: str | Path) -> dict[str, Printed]:
    """Draw every table in the language that is spoken, and write ``folder/name.svg``, ``.png`` and ``.csv``.

    A second process helps where there is a second processor: drawing is a fifth of a report.
    """
    tasks = [(table, str(folder), language()) for table in tables.values()]
    written = each(_write_figure, tasks, workers=min(2, processors()), lend_a_hand=True)
    return dict(zip(tables, written, strict=True))


def _write_figure(task: tuple[FigureTable, str, str]) -> Printed:
    table, folder, spoken = task
    with speaking(spoken):
        chart = draw(table)
        save(chart.figure, folder, chart.name)
        svg = (Path(folder) / f"{chart.name}.svg").read_text(encoding="utf-8")
        table.frame.to_csv(Path(folder) / f"{chart.name}.csv", index=False, lineterminator="\n")
        told = Told(chart.name, chart.title, chart.caption, chart.alt, table, chart.words)
        return Printed(told, inline_svg(svg, chart.name, chart.alt), printed_svg(chart.figure))
