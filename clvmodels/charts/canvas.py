"""The sheet of paper, and the only file that imports matplotlib: looks, axes with dates and units, keys, saving."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes as Axes
from matplotlib.colors import ListedColormap, PowerNorm
from matplotlib.figure import Figure as Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import Formatter, FuncFormatter, MaxNLocator, NullLocator
from matplotlib.transforms import ScaledTranslation
from numpy.typing import NDArray

from clvmodels.charts.looks import INK, LOOKS, PALE, STYLE, bar_fill
from clvmodels.charts.svg import inline, squeezed
from clvmodels.charts.words import Words

Align = Literal["left", "center", "right"]
Vertical = Literal["bottom", "center", "top"]

WIDTH = 7.5
"""Inches: 720 pixels in a browser, where an inch has 96."""


@contextlib.contextmanager
def styled() -> Iterator[None]:
    """Our style and nothing else, inside the block only: neither the caller's settings come in nor ours go out."""
    with matplotlib.style.context(["default", STYLE], after_reset=True):
        yield


@dataclass
class Sheet:
    """A figure under construction: a title and a key on top, axes below, laid out when it is finished.

    Parameters
    ----------
    title
        The question that the figure answers.
    note
        One line under the title: which customers, which dates.
    height
        Inches.
    """

    title: str
    note: str = ""
    height: float = 4.2
    figure: Figure = field(init=False)
    _key: list[tuple[Any, str]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.figure = Figure(figsize=(WIDTH, self.height))

    # -- what goes on it

    def axes(self, rows: int = 1, columns: int = 1, **layout: Any) -> list[Axes]:
        """A grid of axes, row by row."""
        return list(np.atleast_1d(self.figure.subplots(rows, columns, **layout)).ravel())

    def key(self, name: str, label: str, kind: Literal["line", "plain", "bar", "band"] = "line") -> None:
        """Add a predictor to the key above the axes (so that it can cover no data)."""
        look = LOOKS[name]
        handle: Any
        if kind in ("line", "plain"):
            handle = Line2D([], [], **look.line_style(marker=kind == "line"))
        elif kind == "band":
            handle = Patch(facecolor=look.color, alpha=0.2, linewidth=0)
        else:
            handle = Patch(facecolor=bar_fill(name), edgecolor=look.color, linewidth=0.8)
        self._key.append((handle, label))

    def key_handle(self, handle: Any, label: str) -> None:
        """Add anything else to the key."""
        self._key.append((handle, label))

    def handle(self, **style: Any) -> Line2D:
        """A sample of a line or marker for the key."""
        return Line2D([], [], **style)

    def patch(self, color: str) -> Patch:
        """A sample of an area for the key."""
        return Patch(facecolor=color, linewidth=0)

    # -- finishing

    def finish(self) -> Figure:
        """Write title, note and key, lay the axes out below them once, and freeze the layout."""
        figure, height = self.figure, self.height
        title = textwrap.wrap(self.title, 74)
        note = textwrap.wrap(self.note, 108)
        y = 0.10
        for lines, size, weight, color in ((title, 12.0, "bold", INK), (note, 9.0, "normal", PALE)):
            for line in lines:
                y += size * 1.32 / 72
                figure.text(0.10 / WIDTH, 1 - y / height, line, size=size, weight=weight, color=color, va="baseline")
        y += 0.10
        if self._key:
            y += self._write_key(y)
        # Executed by hand, once: a figure that keeps its engine is drawn twice by every save.
        ConstrainedLayoutEngine(rect=(0, 0, 1, 1 - y / height), h_pad=0.06, w_pad=0.06).execute(figure)
        return figure

    def _write_key(self, y: float) -> float:
        """The key, in as many columns as the width takes; returns its height."""
        figure = self.figure
        handles, labels = zip(*self._key, strict=True)
        count = len(labels)
        for rows in range(1, count + 1):
            columns = -(-count // rows)
            legend = figure.legend(
                handles, labels, loc="upper left", bbox_to_anchor=(0.02 / WIDTH, 1 - y / self.height), ncols=columns,
                borderaxespad=0.2, handlelength=2.3, columnspacing=1.4,
            )  # fmt: skip
            legend.set_in_layout(False)
            if legend.get_window_extent().width <= figure.bbox.width * 0.985:
                break
            legend.remove()
        return 0.09 + 0.185 * rows


# ------------------------------------------------------------------------------------------------------------- axes


def numbers(axis: Any, words: Words, *, share: bool = False, most: int = 6, whole: bool = False) -> None:
    """Tick labels through ``words``: thousands separated, or per cent."""
    axis.set_major_locator(MaxNLocator(most, integer=whole, steps=[1, 2, 2.5, 5, 10]))

    axis.set_major_formatter(FuncFormatter(lambda value, _: words.share(value)) if share else _Decimals(words))


class _Decimals(Formatter):
    """Numbers with as many decimals as the step between ticks has."""

    def __init__(self, words: Words) -> None:
        self.words = words

    def format_ticks(self, values: Any) -> list[str]:
        """All labels at once."""
        step = float(np.min(np.diff(values))) if len(values) > 1 else 1.0
        digits = next((d for d in range(6) if abs(round(step, d) - step) < 1e-6 * step), 0)
        return [self.words.number(value, digits) for value in values]


def grid(axes: Axes, axis: Literal["x", "y", "both"] = "y") -> None:
    """Faint lines to read values by."""
    axes.grid(axis=axis, color="#e4e4e4", linewidth=0.7)


def days(dates: Any) -> NDArray[np.float64]:
    """Dates as day numbers, the scale of every time axis here."""
    return np.asarray(dates, "datetime64[D]").astype(np.int64).astype(float)


def day(iso: object) -> float:
    """One ISO date as a day number."""
    return float(np.datetime64(str(iso), "D").astype(np.int64))


def date_axis(axes: Axes, start: float, end: float, words: Words, *, most: int = 8) -> None:
    """Ticks on the first of months (on days when the span is short), in words, with the year where it begins."""
    first, last = (dt.date(1970, 1, 1) + dt.timedelta(days=int(d)) for d in (start, end))
    months = (last.year - first.year) * 12 + last.month - first.month
    ticks: list[dt.date]
    if months < 3:
        step = max(1, -(-int(end - start) // most))
        ticks = [first + dt.timedelta(days=i) for i in range(0, int(end - start) + 1, step)]
        labels = [words.date(t, year=i == 0) for i, t in enumerate(ticks)]
    else:
        step = next(s for s in (1, 2, 3, 4, 6, 12, 24, 60, 120, 600, 6000) if months / s <= most)
        count = [first.year * 12 + first.month - 1 + i for i in range(months + 1)]
        ticks = [dt.date(m // 12, m % 12 + 1, 1) for m in count if m % 12 % min(step, 12) == 0]
        ticks = [t for t in ticks if first <= t <= last and (step <= 12 or t.year % (step // 12) == 0)]
        years = [i == 0 or t.year != ticks[i - 1].year for i, t in enumerate(ticks)]
        labels = [
            str(t.year) if step >= 12 else words.month(t) + (f"\n{t.year}" if year else "")
            for t, year in zip(ticks, years, strict=True)
        ]
    axes.set_xticks([day(t) for t in ticks], labels)


def write(
    axes: Axes, text: str, at: tuple[float, float], shift: tuple[float, float] = (0.0, 0.0), *, on: Any = "data",
    color: str = INK, size: float = 9.0, bold: bool = False, h: Align = "left", v: Vertical = "center",
    room: bool = True,
) -> None:  # fmt: skip
    """Text at a place, ``shift`` points right of and above it; ``on`` says what the place is measured in.

    Parameters
    ----------
    on
        ``"data"``, ``"axes"`` (fractions of the axes), or a pair of them for x and y.
    room
        Whether the layout makes room for its width, too, or only for its height: nothing is beside it.
    """
    x, y = ("axes fraction" if c == "axes" else c for c in ((on, on) if isinstance(on, str) else on))
    for words in (text,) if room else (text, "\N{NO-BREAK SPACE}"):
        axes.annotate(
            words, at, shift, xycoords=(x, y), textcoords="offset points",
            ha=h, va=v, size=size, color=color, weight="bold" if bold else "normal", annotation_clip=False,
        ).set_in_layout(room or words != text)  # fmt: skip


def under_table(axes: Axes, at: Sequence[float], rows: Sequence[tuple[str, str, Sequence[str]]], *, top: float) -> None:
    """A small table of numbers below the tick labels: a column per category, a row (name, label, cells) per predictor.

    A row has its predictor's colour and so doubles as the key. ``top`` is the first row's distance below the axis.
    """
    for i, (name, label, cells) in enumerate(rows):
        color = LOOKS[name].ink if name in LOOKS else PALE
        drop = -(top + 13.5 * i)
        write(axes, label, (0, 0), (-9, drop), on="axes", color=color, bold=True, h="right", v="top")
        for x, cell in zip(at, cells, strict=True):
            write(axes, cell, (x, 0), (0, drop), on=("data", "axes"), color=color, h="center", v="top")


def shifted(axes: Axes, points: float) -> Any:
    """The data coordinates of ``axes``, moved up by so many points (1/72 inch) on paper."""
    return axes.transData + ScaledTranslation(0, points / 72, axes.figure.dpi_scale_trans)


def log_axis(axes: Axes, edges: NDArray[np.float64], words: Words, currency: str, *, extra: tuple[float, str]) -> None:
    """A logarithmic x axis of money: ticks at 1, 10, 100 … and between if there is room; one outside the scale."""
    axes.set_xscale("log")
    low, high = edges[0], edges[-1]
    steps = (1.0, 2.0, 5.0) if high / low < 300 else (1.0, 3.0) if high / low < 3e4 else (1.0,)
    powers = np.arange(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [float(step * 10.0**power) for power in powers for step in steps]
    ticks = [tick for tick in ticks if low * (high / low) ** 0.06 <= tick <= high]  # clear of the label outside
    labels = [words.money(tick, currency, max(0, -math.floor(math.log10(tick)))) for tick in ticks]
    axes.set_xticks([extra[0], *ticks], [extra[1], *labels])
    axes.xaxis.set_minor_locator(NullLocator())


def heat_norm(limits: tuple[float, float], *, power: float) -> PowerNorm:
    """How numbers become colours; a power of one half shows more of the low end."""
    return PowerNorm(power, *limits)


def heat_colors() -> ListedColormap:
    """Light to dark, monotone in grey, readable by the colour-blind; cells without customers stay white."""
    return ListedColormap(matplotlib.colormaps["cividis_r"](np.linspace(0.0, 0.9, 256)))


# ----------------------------------------------------------------------------------------------------------- saving

_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


def save(figure: Figure, folder: str | Path, name: str) -> None:
    """Write ``folder/name.svg`` and ``folder/name.png``, the same bytes for the same figure.

    Parameters
    ----------
    figure
        A figure of :func:`clvmodels.charts.draw`.
    folder
        Where; it must exist.
    name
        File name without ending.
    """
    folder = Path(folder)
    (folder / f"{name}.svg").write_text(_svg(figure), encoding="utf-8", newline="\n")
    with styled():
        figure.savefig(folder / f"{name}.png", dpi=160, metadata={"Software": None})


def inline_svg(figure: Figure | str, name: str, alt: str) -> str:
    """The figure as an ``<svg>`` element to put into HTML: scales with its column, speaks to screen readers.

    Parameters
    ----------
    figure
        A figure of :func:`clvmodels.charts.draw`, or the text of its saved SVG.
    name
        Prefix of every id, so that several figures can stand in one page.
    alt
        What the figure shows, in a sentence.
    """
    return inline(figure if isinstance(figure, str) else _svg(figure), name, alt)


def printed_svg(figure: Figure) -> str:
    """The figure as SVG whose letters are letters: a PDF of it can be searched and read aloud, in a third of the bytes.

    Only for who has :func:`font_folder`; elsewhere other letters would stand in their place.
    """
    return _svg(figure, letters=True)


def font_folder() -> Path:
    """Where the fonts of the figures lie."""
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def _svg(figure: Figure, *, letters: bool = False) -> str:
    buffer = io.StringIO()
    with styled(), matplotlib.rc_context({"svg.fonttype": "none"} if letters else {}):
        figure.savefig(buffer, format="svg", dpi=160, metadata=_METADATA)
    return buffer.getvalue() if letters else squeezed(buffer.getvalue())  # which would round 1.500 in a text, too
