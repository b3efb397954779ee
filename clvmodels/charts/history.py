"""Figures of what was observed and what should have been: timelines, counts, tracking, expectation by frequency."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from clvmodels.charts import canvas
from clvmodels.charts.canvas import Axes, Figure, Sheet
from clvmodels.charts.looks import INK, LOOKS, PALE, SHADE, bar_fill, spread
from clvmodels.charts.words import Words

Facts = Mapping[str, Any]
Texts = dict[str, str]

FIRST: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 7, "color": INK, "markerfacecolor": "white"}
FIRST |= {"markeredgewidth": 1.5}
REPEAT: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 7, "color": INK}
LATER: dict[str, Any] = {"linestyle": "", "marker": "D", "markersize": 6, "color": "#8c8c8c"}
"""Purchases on the timeline."""
SAID = (("model", "model_short"), ("formula_customer", "formula_short"), ("actual", "actual"))
"""What stands on the right of it."""


def timeline(frame: pd.DataFrame, facts: Facts, words: Words) -> tuple[Figure, Texts]:
    """Three customers: purchases, x, t_x, T, and what model and formula said of the holdout."""
    people = [days for _, days in frame.groupby("customer_id", sort=False)]
    units = words.units(facts["unit"])
    sheet = Sheet(words("timeline.title"), note(facts, words), height=1.6 + 1.0 * len(people))
    (axes,) = sheet.axes()
    start, end, last = (canvas.day(facts[name]) for name in ("start", "end", "holdout_end"))
    axes.axvspan(end + 0.5, last + 0.5, color=SHADE, zorder=0)
    axes.axvline(end + 0.5, color=PALE, linewidth=1.0)
    told = [_customer(axes, row, days, facts, words) for row, days in enumerate(people[::-1])][::-1]
    for i, (name, key) in enumerate(SAID):
        color = LOOKS[name].ink
        canvas.write(axes, words(key), (1, 1), (27 + 51 * i, 1), on="axes", h="center", v="bottom", color=color)
    canvas.write(axes, words("timeline.predicted"), (1, 1), (78, 14), on="axes", h="center", v="bottom", bold=True)
    _name_periods(axes, start, end, last, words)
    axes.set(xlim=(start - 6, last + 6), ylim=(-0.62, len(people) - 0.42), yticks=[])
    axes.spines["left"].set_visible(False)
    canvas.date_axis(axes, start, last, words)
    for style, key in ((FIRST, "timeline.first"), (REPEAT, "timeline.repeat"), (LATER, "timeline.later")):
        sheet.key_handle(sheet.handle(**style), words(key))
    caption = words("timeline.caption", end=words.date(facts["end"]), units=units)
    alt = words("timeline.alt", customers="; ".join(told))
    return sheet.finish(), {"title": sheet.title, "caption": caption, "alt": alt}


def _customer(axes: Axes, row: int, days: pd.DataFrame, facts: Facts, words: Words) -> str:
    """One row of the timeline; returns the customer in words."""
    about, blue = days.iloc[0], LOOKS["model"].color
    start, end = canvas.day(facts["start"]), canvas.day(facts["end"])
    before, after = (canvas.days(days.loc[days["period"] == p, "date"]) for p in ("calibration", "holdout"))
    first, latest = before.min(), before.max()
    axes.plot([first, end], [row, row], color="#9a9a9a", linewidth=1.2, zorder=1)
    axes.plot([first, latest], [row, row], color=blue, linewidth=3.2, zorder=2, solid_capstyle="butt")
    for at, style in ((before[1:], REPEAT), (before[:1], FIRST), (after, LATER)):
        axes.plot(at, np.full(len(at), row), **style, zorder=4)
    numbers = {name: words.span(about[name], facts["unit"]) for name in ("t_x", "T")} | {"x": words.number(about["x"])}
    numbers |= {"units": words.units(facts["unit"])}
    who = words("timeline.customer", id=_shortened(about["customer_id"]), x=numbers["x"])
    canvas.write(axes, who, (start, row), (0, 13), bold=True, v="bottom")
    # A label is a fifth of the axis wide: nearer to the end of the calibration it would run over its line.
    crowded = end - latest < 0.21 * (canvas.day(facts["holdout_end"]) - start)
    _measure(axes, (first, latest), row, 12, words("timeline.t_x", **numbers), blue, end if crowded else latest)
    _measure(axes, (first, end), row, 26, words("timeline.T", **numbers), PALE, end)
    for i, (name, _) in enumerate(SAID):
        text, color = words.number(about[name], 0 if name == "actual" else 1), LOOKS[name].ink
        shift, on = (27.0 + 51 * i, 0.0), ("axes", "data")
        canvas.write(axes, text, (1, row), shift, on=on, h="center", bold=True, color=color, size=10.5)
    return words("timeline.alt_customer", id=str(about["customer_id"]), **numbers)


def _shortened(customer: object) -> str:
    """A customer's id, cut when it is too long for a label."""
    text = str(customer)
    return text if len(text) <= 20 else text[:19] + "…"


def _measure(
    axes: Axes, span: tuple[float, float], row: float, drop: float, text: str, color: str, label_at: float
) -> None:
    """A dimension line below a row, with its length in words."""
    low, high = span
    if high > low:
        shift = canvas.shifted(axes, -drop)
        axes.plot(
            [low, high], [row, row], color=color, linewidth=1.0, marker="|", markersize=6, transform=shift, zorder=3
        )
    canvas.write(axes, text, (label_at, row), (6, -drop), color=color)


def frequency_histogram(frame: pd.DataFrame, facts: Facts, words: Words) -> tuple[Figure, Texts]:
    """Customers by number of repeat purchases."""
    at, band = np.arange(len(frame)), "lower" in frame
    sheet = Sheet(words("frequency_histogram.title"), note(facts, words), height=4.6 if band else 4.1)
    (axes,) = sheet.axes()
    axes.bar(at, frame["actual"], width=0.72, color=bar_fill("actual"), edgecolor=INK, linewidth=0.8)
    if band:
        low, high = frame["lower"].to_numpy(), frame["upper"].to_numpy()
        axes.bar(at, high - low, 0.5, low, color=LOOKS["model"].color, alpha=0.45, linewidth=0, zorder=1.5)
    for name, look in (("model", "model"), ("formula", "formula")):
        axes.plot(at, frame[name], **LOOKS[look].line_style())
    names = {"actual": words("actual"), "model": words("model_short"), "formula": words("frequency_histogram.formula")}
    rows = [(name, label, [words.number(v) for v in frame[name]]) for name, label in names.items()]
    if band:
        limits = (("lower", "from"), ("upper", "to"))
        rows[2:2] = [
            ("model", words(f"frequency_histogram.{key}"), [words.number(v) for v in frame[side]])
            for side, key in limits
        ]
    canvas.under_table(axes, list(at), rows, top=20)
    axes.set_xticks(at, list(frame["frequency"]))
    axes.set_xlabel(words("frequency_histogram.x"), labelpad=4 + 13.5 * len(rows))
    axes.set_ylabel(words("frequency_histogram.y"))
    axes.set_ylim(0)
    canvas.numbers(axes.yaxis, words, whole=True)
    canvas.grid(axes)
    sheet.key("actual", words("actual"), "bar")
    sheet.key("model", words("model", model=facts["model"]))
    if band:
        sheet.key("model", words("frequency_histogram.band"), "band")
    sheet.key("formula", words("formula") + " (Poisson)")
    once = {name: words.number(frame[name].iloc[0]) for name in ("actual", "model")}
    caption = words("frequency_histogram.caption", end=words.date(facts["end"]))
    if band:
        out = facts["outside"]
        key = "frequency_histogram.caption_" + ("inside" if out == 0 else "outside")
        caption += " " + words(key, outside=words.number(out), classes=words.number(len(frame)))
    return sheet.finish(), {
        "title": sheet.title,
        "caption": caption,
        "alt": words("frequency_histogram.alt", **once),
    }


def tracking(frame: pd.DataFrame, facts: Facts, words: Words) -> tuple[Figure, Texts]:
    """Repeat purchases over time, cumulative and by period."""
    sheet = Sheet(words("tracking.title"), note(facts, words), height=5.6)
    top, bottom = sheet.axes(2, 1, sharex=True, height_ratios=[1.35, 1])
    start, end, last = (canvas.day(facts[name]) for name in ("start", "end", "holdout_end"))
    days, later = canvas.days(frame["date"]), (frame["period"] == "holdout").to_numpy()
    full = (frame["days"] == facts["period_days"]).to_numpy()
    order = [name for name in ("formula_customer", "formula_repeat", "model", "actual") if name in frame]
    bought = float(frame.loc[~later, "actual"].sum())
    joined = np.append(end, days[later])
    for axes, prefix in ((top, "cumulative_"), (bottom, "")):
        axes.axvspan(end + 0.5, last, color=SHADE, zorder=0, linewidth=0)
        axes.axvline(end + 0.5, color=PALE, linewidth=1.0)
        if prefix:
            low, high = (np.append(bought, frame.loc[later, side]) for side in ("lower", "upper"))
            axes.fill_between(joined, low, high, color=LOOKS["model"].color, alpha=0.22, linewidth=0)
        for name in order:
            style = LOOKS[name].line_style(marker=False)
            if not prefix:
                style["linewidth"] = 1.4
            y = frame[prefix + name].to_numpy(float)
            shown = np.ones(len(y), bool) if prefix else full
            if name == "actual":
                axes.plot(days[shown], y[shown], **style)
                continue
            axes.plot(days[~later & shown], y[~later & shown], **style)
            if prefix:
                axes.plot(joined, np.append(bought, y[later]), **style)
            else:
                rates = y[later & shown] if name == "model" else np.append(y[later & shown][:1], y[later & shown])
                axes.plot(
                    days[later & shown] if name == "model" else np.append(end, days[later & shown]), rates, **style
                )
        axes.set_ylim(0)
        canvas.numbers(axes.yaxis, words, whole=True)
        canvas.grid(axes)
    highest = top.get_ylim()[1]
    finals = [float(frame[f"cumulative_{name}"].iloc[-1]) for name in order]
    places = spread(finals, highest * 0.085, 0.0, highest * 0.95)
    for name, final, place in zip(order, finals, places, strict=True):
        text = words("tracking.more", number=words.number(final - bought))
        canvas.write(top, text, (last, place), (7, 0), size=9.5, color=LOOKS[name].ink, bold=True)
    canvas.write(top, words("tracking.more_head"), (1, 1), (7, 1), on="axes", v="bottom", color=PALE)
    _name_periods(top, start, end, last, words)
    period = words("day" if facts["period_days"] == 1 else "week")
    top.set_title(words("tracking.cumulative"), pad=16)
    bottom.set_title(words("tracking.period", period=period))
    bottom.set_xlim(start, last)
    canvas.date_axis(bottom, start, last, words)
    for name in ("actual", "model", *(name for name in order[::-1] if name.startswith("formula"))):
        sheet.key(name, words(name, model=facts["model"]), "plain")
    sheet.key("model", words("tracking.band"), "band")
    count = {name: words.number(facts[f"total_{name}"]) for name in ("lower", "upper", *order)}
    caption = words(
        "tracking.caption", period=period, end=words.date(facts["end"]), customers=words.number(facts["customers"]),
        **count,
    )  # fmt: skip
    return sheet.finish(), {"title": sheet.title, "caption": caption, "alt": words("tracking.alt", **count)}


def conditional_expectation(frame: pd.DataFrame, facts: Facts, words: Words) -> tuple[Figure, Texts]:
    """Mean holdout purchases by calibration frequency."""
    sheet = Sheet(words("conditional_expectation.title"), note(facts, words), height=4.9)
    (axes,) = sheet.axes()
    at, here = np.arange(len(frame)), frame["customers"].to_numpy() > 0
    axes.fill_between(
        at[here], frame["lower"][here], frame["upper"][here], color=LOOKS["model"].color, alpha=0.22, linewidth=0
    )
    order = ["actual", "model", *(name for name in ("formula_customer", "formula_repeat") if name in frame)]
    for name in order[::-1]:
        axes.plot(at[here], frame[name][here], **LOOKS[name].line_style())
    labels = {"actual": "actual", "model": "model_short"}
    labels |= {"formula_customer": "conditional_expectation.all", "formula_repeat": "conditional_expectation.repeats"}
    count = [words.number(v) for v in frame["customers"]]
    rows = [("", words("conditional_expectation.customers"), count)]
    rows += [(name, words(labels[name]), [words.number(v, 2) for v in frame[name]]) for name in order]
    canvas.under_table(axes, list(at), rows, top=20)
    axes.set_xticks(at, list(frame["frequency"]))
    axes.set_xlabel(words("conditional_expectation.x"), labelpad=4 + 13.5 * len(rows))
    axes.set_ylabel(words("conditional_expectation.y"))
    axes.set(xlim=(-0.5, len(at) - 0.5), ylim=(0, None))
    canvas.numbers(axes.yaxis, words)
    canvas.grid(axes)
    for name in order:
        sheet.key(name, words(name if name != "model" else "model_short"))
    sheet.key("model", words("conditional_expectation.band"), "band")
    once = {name: words.number(frame[name].iloc[0], 2) for name in order if name != "formula_repeat"}
    return sheet.finish(), {
        "title": sheet.title,
        "caption": words("conditional_expectation.caption", **holdout_dates(facts, words)),
        "alt": words("conditional_expectation.alt", **once),
    }


def _name_periods(axes: Axes, start: float, end: float, last: float, words: Words) -> None:
    """Calibration and holdout, written above their days."""
    for name, middle in (("calibration", (start + end) / 2), ("holdout", (end + last) / 2)):
        canvas.write(axes, words(name), (middle, 1), (0, 1), on=("data", "axes"), h="center", v="bottom", color=PALE)


def note(facts: Facts, words: Words) -> str:
    """The line under the title: which dates, how many customers."""
    return words(
        "periods", start=words.date(facts["start"]), end=words.date(facts["end"]),
        holdout_end=words.date(facts["holdout_end"]), customers=words.number(facts["customers"]),
    )  # fmt: skip


def holdout_dates(facts: Facts, words: Words) -> Texts:
    """First and last day of the holdout, for captions."""
    return {"start": words.date(facts["holdout_start"]), "holdout_end": words.date(facts["holdout_end"])}
