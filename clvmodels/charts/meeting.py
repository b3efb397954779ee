"""Figures of indicators over time and of channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from clvmodels.charts import canvas
from clvmodels.charts.canvas import Axes, Figure, Sheet
from clvmodels.charts.looks import INK, LOOKS, PALE, SHADE
from clvmodels.charts.words import Words

Facts = Mapping[str, Any]
Texts = dict[str, str]


def indicator_periods(frame: pd.DataFrame, facts: Facts, words: Words) -> tuple[Figure, Texts]:
    """One panel per indicator: observed, and the model's band; shaded where the fit has not looked."""
    names = list(dict.fromkeys(frame["indicator"]))
    dates = {name: words.date(facts[name]) for name in ("start", "end", "fitted_until")}
    about = words("indicator_periods.note", **dates, customers=words.number(facts["customers"]))
    sheet = Sheet(words("indicator_periods.title"), about, height=1.5 + 1.75 * len(names))
    panels = sheet.axes(len(names), 1, sharex=True)
    start, end, fitted = (canvas.day(facts[name]) for name in ("start", "end", "fitted_until"))
    told = []
    for axes, name in zip(panels, names, strict=True):
        rows = frame[frame["indicator"] == name].dropna(subset=["value"])
        _panel(axes, rows, name, fitted, end, words)
        axes.set_title(words(f"indicator_periods.{name}", currency=facts["currency"], period=words(facts["period"])))
        outside = int(((rows["value"] < rows["lower"]) | (rows["value"] > rows["upper"])).sum())
        told.append(
            words(
                "indicator_periods.alt_panel",
                indicator=words(f"cell.{name}"),
                outside=words.number(outside),
                n=words.number(len(rows)),
            )
        )
    panels[-1].set_xlim(start - 3, end + 3)
    canvas.date_axis(panels[-1], start, end, words)
    sheet.key("actual", words("actual"))
    sheet.key("model", words("model", model=facts["model"]), "plain")
    sheet.key("model", words("indicator_periods.band"), "band")
    caption = words("indicator_periods.caption", fitted_until=dates["fitted_until"], period=words(facts["period"]))
    alt = words("indicator_periods.alt", panels="; ".join(told))
    return sheet.finish(), {"title": sheet.title, "caption": caption, "alt": alt}


def _panel(axes: Axes, rows: pd.DataFrame, name: str, fitted: float, end: float, words: Words) -> None:
    if fitted < end:
        axes.axvspan(fitted + 0.5, end + 3, color=SHADE, zorder=0)
        axes.axvline(fitted + 0.5, color=PALE, linewidth=1.0)
    at = (canvas.days(rows["start"]) + canvas.days(rows["end"])) / 2
    color = LOOKS["model"].color
    axes.fill_between(at, rows["lower"], rows["upper"], color=color, alpha=0.2, linewidth=0)
    axes.plot(at, rows["expected"], **LOOKS["model"].line_style(marker=False))
    axes.plot(at, rows["value"], **LOOKS["actual"].line_style())
    low, high = (np.nanmin([rows["lower"], rows["value"]]), np.nanmax([rows["upper"], rows["value"]]))
    axes.set_ylim(max(0.0, low - 0.15 * (high - low)), high + 0.12 * (high - low))
    canvas.numbers(axes.yaxis, words, share=name == "active_share", most=4)
    canvas.grid(axes)


CHANNELS = 20
"""Channels with the most customers that a figure shows; the report's tables have them all."""


def channel_values(frame: pd.DataFrame, facts: Facts, words: Words) -> tuple[Figure, Texts]:
    """A row per channel: pooled worth with its interval, what it says by itself, and its cost."""
    currency, every = facts["currency"], len(frame)
    largest = frame["customers"].nlargest(CHANNELS).index
    frame = frame.loc[frame.index.isin(largest)]
    n = len(frame)
    dates = {name: words.date(facts[name]) for name in ("start", "end")}
    about = words(
        "channel_values.note" + ("_some" if n < every else ""),
        customers=words.number(facts["customers"]), segment=facts["segment"], n=words.number(n),
        every=words.number(every), **dates,
    )  # fmt: skip
    title = words("channel_values.title", months=words.number(facts["months"]))
    sheet = Sheet(title, about, height=1.7 + 0.42 * n)
    (axes,) = sheet.axes()
    at = np.arange(n)[::-1]
    look = LOOKS["model"]
    axes.hlines(at, frame["lower"], frame["upper"], color=look.color, linewidth=2.6)
    axes.plot(frame["pooled"], at, linestyle="", marker=look.marker, color=look.color, markersize=6)
    own: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 6.5, "color": INK, "markerfacecolor": "white"}
    axes.plot(frame["alone"], at, **own, zorder=3)
    paid: dict[str, Any] = {"linestyle": "", "marker": "X", "markersize": 7, "color": LOOKS["formula_customer"].color}
    known = "cost" in frame
    if known:
        axes.plot(frame["cost"], at, **paid, zorder=4)
    labels = [
        words("channel_values.row", channel=_shortened(name) or words("channel_values.unnamed"),
              customers=words.number(count))
        for name, count in zip(frame["channel"], frame["customers"], strict=True)
    ]  # fmt: skip
    axes.set_yticks(at, labels)
    axes.set_ylim(-0.6, n - 0.4)
    right = float(np.nanmax([frame["upper"].max(), frame["alone"].max(), frame["cost"].max() if known else 0.0]))
    axes.set_xlim(0, 1.05 * right)
    axes.set_xlabel(words("channel_values.x", currency=currency))
    canvas.numbers(axes.xaxis, words)
    canvas.grid(axes, "x")
    sheet.key_handle(
        sheet.handle(color=look.color, linewidth=2.6, marker=look.marker, markersize=6), words("channel_values.pooled")
    )
    sheet.key_handle(sheet.handle(**own), words("channel_values.alone"))
    if known:
        sheet.key_handle(sheet.handle(**paid), words("channel_values.cost"))
    best = frame.iloc[0]
    told = {name: words.amount(float(best[name]), currency) for name in ("pooled", "lower", "upper")}
    caption = words(
        "channel_values.caption" + ("_cost" if known else ""),
        months=words.number(facts["months"]),
        model=facts["model"],
    )
    alt = words("channel_values.alt", channel=str(best["channel"]), n=words.number(n), **told)
    return sheet.finish(), {"title": sheet.title, "caption": caption, "alt": alt}


def _shortened(name: object) -> str:
    text = str(name)
    return text if len(text) <= 24 else text[:23] + "…"
