"""How things look, everywhere the same: colours, lines, markers, type sizes. Plain values; nothing is drawn here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

INK, PALE, FAINT, SHADE = "#1a1a1a", "#595959", "#d0d0d0", "#f1f1ee"

STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": PALE,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "xtick.color": PALE,
    "ytick.color": PALE,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "text.parse_math": False,  # a customer called $x$ is no formula
    "legend.fontsize": 9,
    "legend.frameon": False,
    "lines.solid_capstyle": "round",
    "svg.fonttype": "path",
    "svg.hashsalt": "clvmodels",
    "figure.dpi": 96,
}


@dataclass(frozen=True)
class Look:
    """How one predictor looks, everywhere: colour, line and marker each tell it apart, so grey paper will do."""

    color: str
    line: str | tuple[int, tuple[float, ...]]
    marker: str
    width: float = 1.8
    size: float = 5.5
    dark: str = ""

    @property
    def ink(self) -> str:
        """The colour of its words, 4.5 to 1 on white and on the shade of the holdout."""
        return self.dark or self.color

    def line_style(self, *, marker: bool = True) -> dict[str, Any]:
        """Keywords of ``Axes.plot``."""
        return {
            "color": self.color,
            "linestyle": self.line,
            "linewidth": self.width,
            "marker": self.marker if marker else "",
            "markersize": self.size,
            "markeredgecolor": "white",
            "markeredgewidth": 0.7,
        }


LOOKS: dict[str, Look] = {
    "actual": Look(INK, "-", "o", 1.9),
    "model": Look("#0072b2", "-", "s", 2.0, 5.0),
    "formula_customer": Look("#d55e00", (0, (5.0, 1.8)), "^", 1.8, 6.0, "#ad4600"),
    "formula_repeat": Look("#c48a00", (0, (1.2, 1.5)), "D", 1.8, 4.8, "#7a5800"),
    "formula": Look("#8c510a", (0, (5.0, 1.5, 1.2, 1.5)), "v", 1.6, 6.0),
    "ideal": Look("#8c8c8c", (0, (3.0, 2.0)), "", 1.2),
    "perfect": Look("#8c8c8c", "-", "", 1.4),
}
"""Okabe–Ito colours, orange darkened until it stands out from white by 3 to 1: blue and vermilion stay apart in the
common colour blindnesses. Formulas are the orange family."""


def bar_fill(name: str) -> str:
    """The lighter fill of a predictor's bars."""
    return {"actual": "#b5b5b5", "model": "#8fc1de", "formula_customer": "#efb690"}.get(name, LOOKS[name].color)


def tier_colors(count: int) -> list[str]:
    """From pale to dark blue, as many as there are tiers, the highest the darkest."""
    ramp = ["#d6e6f4", "#abcfe6", "#6aaed6", "#2f7ebc", "#0b4a8f", "#08264f"]
    return (
        [ramp[round(i)] for i in np.linspace(0, len(ramp) - 1 if count > 4 else 4, count)] if count > 1 else ramp[3:4]
    )


def spread(positions: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move label positions apart, as little as needed, so that none is nearer than ``gap`` to the next.

    Examples
    --------
    >>> spread([1.0, 1.5, 5.0], 1.0, 0.0, 10.0)
    [0.75, 1.75, 5.0]
    """
    order = np.argsort(positions, kind="stable")
    stack = gap * np.arange(len(order))  # without it, the places need only not fall
    groups: list[tuple[float, int]] = []  # mean and size: least squares by pooling neighbours that are out of order
    for wanted in np.asarray(positions, float)[order] - stack:
        mean, size = float(wanted), 1
        while groups and groups[-1][0] > mean:
            before, more = groups.pop()
            mean, size = (before * more + mean * size) / (more + size), size + more
        groups.append((mean, size))
    placed = np.repeat([mean for mean, _ in groups], [size for _, size in groups])
    result = np.empty(len(order))
    result[order] = np.clip(placed, low, max(low, high - gap * (len(order) - 1))) + stack
    return [float(p) for p in result]
