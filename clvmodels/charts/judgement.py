"""Figures of how good the predictions were: tenths, gain, reliability, PIT, and the verdict on every metric."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from clvmodels.charts import canvas
from clvmodels.charts.canvas import Axes, Figure, Sheet
from clvmodels.charts.history import holdout_dates, note
from clvmodels.charts.looks import INK, LOOKS, PALE, bar_fill
from clvmodels.charts.words import Words

Facts = Mapping[str, Any]
Texts = dict[str, str]

RIVALS = ("formula_customer", "formula_repeat")
"""The forest plot's rivals: with all six it would be a wall."""
LINES = {"formula_customer": "-", "formula_repeat": (0, (1.2, 1.2))}
BLOCK = len(RIVALS) + 0.55
"""Height of a metric in the forest, in lines."""
TOPICS = (("level", ("totals", "calibration")), ("errors", ("errors",)), ("ranking", ("ranking",)))
"""Rows of panels: metrics in one panel share a scale."""
COLORS = {
    "better": (LOOKS["model"].color, "s"),
    "worse": (LOOKS["formula_customer"].color, "^"),
    "no evidence": (PALE, "o"),
}
"""A verdict has the winner's colour and marker."""
COUNTED = {"better": "better", "worse": "worse", "undecided": "no evidence"}
"""What captions count."""


def deciles(frame: pd.DataFrame, facts: Facts, words: Words) -> tuple[Figure, Texts]:
    """Mean predicted and actual by tenth of prediction, model beside formula."""
    quantity, currency = facts["quantity"], facts["currency"]
    sheet = Sheet(words(f"deciles.title_{quantity}"), note(facts, words), height=3.9)
    panels = sheet.axes(1, 2, sharey=True)
    told = {}
    for axes, name in zip(panels, ("model", "formula_customer"), strict=True):
        rows = frame[frame["predictor"] == name]
        axes.bar(rows["decile"], rows["actual"], width=0.76, color=bar_fill("actual"), edgecolor=INK, linewidth=0.8)
        axes.plot(rows["decile"], rows["predicted"], **LOOKS[name].line_style())
        title = textwrap.fill(words(name, model=facts[f"model_{quantity}"]), 36)  # half the sheet
        axes.set_title(title, color=LOOKS[name].ink)
        axes.set_xticks(rows["decile"])
        axes.set_xlabel(words("deciles.x"))
        canvas.grid(axes)
        for column in ("predicted", "actual"):
            best = float(rows[column].iloc[0])
            short = name.split("_")[0]
            told[f"{short}_{column}"] = words.amount(best, currency) if quantity == "value" else words.number(best, 2)
    panels[0].set_ylim(0)
    panels[0].set_ylabel(words(f"deciles.y_{quantity}", currency=currency))
    canvas.numbers(panels[0].yaxis, words)
    sheet.key("actual", words("actual"), "bar")
    sheet.key("model", words("deciles.predicted", name=words("model_short")))
    sheet.key("formula_customer", words("deciles.predicted", name=words("formula_customer")))
    caption = words("deciles.caption", **holdout_dates(facts, words), **told)
    return sheet.finish(), {"title": sheet.title, "caption": caption, "alt": words("deciles.alt", **told)}


def gain(frame: pd.DataFrame, facts: Facts, words: Words) -> tuple[Figure, Texts]:
    """Gain curves with perfect ranking and chance, and the model's lead."""
    quantity = facts["quantity"]
    sheet = Sheet(words(f"gain.title_{quantity}"), note(facts, words), height=4.5)
    left, right = sheet.axes(1, 2, width_ratios=[1.45, 1])
    x = frame["customers"]
    left.plot([0, 1], [0, 1], **LOOKS["ideal"].line_style(marker=False))
    left.plot(x, frame["perfect"], **LOOKS["perfect"].line_style(marker=False))
    for name in ("formula_repeat", "formula_customer", "model"):
        left.plot(x, frame[name], **LOOKS[name].line_style(marker=False))
    left.annotate(
        words("gain.diagonal"), (0.72, 0.72), (6, -4), textcoords="offset points", va="top", size=9, color=PALE
    )
    left.set(xlim=(0, 1), ylim=(0, 1.02), xlabel=words("gain.x"), ylabel="")
    left.set_box_aspect(1)
    for name in ("formula_repeat", "formula_customer"):
        right.plot(x, 100 * (frame["model"] - frame[name]), **LOOKS[name].line_style(marker=False))
    right.axhline(0, color=LOOKS["model"].color, linewidth=LOOKS["model"].width)
    right.set(xlim=(0, 1), xlabel=words("gain.x_short"))
    right.set_title(words("gain.difference"))
    left.set_title(words(f"gain.panel_{quantity}"))
    right.set_ylabel(words("gain.points"))
    reach = max(2.0, 1.15 * float(np.abs(100 * frame[list(RIVALS)].rsub(frame["model"], axis=0)).max().max()))
    right.set_ylim(-reach, reach)
    for axes in (left, right):
        canvas.grid(axes, "both")
        canvas.numbers(axes.xaxis, words, share=True, most=5)
    canvas.numbers(left.yaxis, words, share=True, most=5)
    canvas.numbers(right.yaxis, words)
    for name in ("model", "formula_customer", "formula_repeat"):
        label = words(name if name != "model" else "model_short")
        sheet.key_handle(
            sheet.handle(**LOOKS[name].line_style(marker=False)),
            words("gain.gini", name=label, gini=words.number(facts[f"gini_{name}"], 3)),
        )
    sheet.key_handle(sheet.handle(**LOOKS["perfect"].line_style(marker=False)), words("gain.perfect"))
    top = {f"{k}_top": words.share(float(np.interp(0.1, x, frame[n])), 1)
           for k, n in (("model", "model"), ("formula", "formula_customer"), ("perfect", "perfect"))}  # fmt: skip
    caption = words("gain.caption", **holdout_dates(facts, words), **top)
    return sheet.finish(), {"title": sheet.title, "caption": caption, "alt": words("gain.alt", **top)}


def reliability(frame: pd.DataFrame, facts: Facts, words: Words) -> tuple[Figure, Texts]:
    """Predicted probability of a purchase against the share who bought, with the number of customers below."""
    sheet = Sheet(words("reliability.title"), note(facts, words), height=5.4)
    top, bottom = sheet.axes(2, 1, sharex=True, height_ratios=[3, 1])
    top.plot([0, 1], [0, 1], **LOOKS["ideal"].line_style(marker=False))
    names = ("model", "formula_customer", "formula_repeat")
    for i, name in enumerate(names):
        rows = frame[frame["predictor"] == name]
        error = np.abs(rows[["lower", "upper"]].to_numpy().T - rows["observed"].to_numpy())
        style = {**LOOKS[name].line_style(), "linewidth": 1.2}
        top.errorbar(
            rows["predicted"],
            rows["observed"],
            error,
            **{**style, "linestyle": ""},
            elinewidth=1.2,
            capsize=2.5,
            zorder=3,
        )
        gaps = np.flatnonzero(rows["bin_lower"].to_numpy()[1:] > rows["bin_upper"].to_numpy()[:-1] + 1e-9) + 1
        for run in np.split(np.arange(len(rows)), gaps):  # join neighbouring bins only
            top.plot(rows["predicted"].iloc[run], rows["observed"].iloc[run], **{**style, "marker": ""})
        width = rows["bin_upper"] - rows["bin_lower"]
        middle = (rows["bin_lower"] + rows["bin_upper"]) / 2 + 0.27 * width * (i - 1)
        bottom.bar(middle, rows["customers"], width=0.25 * width, color=LOOKS[name].color)
    top.set(xlim=(-0.012, 1.012), ylim=(0, 1.02), ylabel=words("reliability.y"))
    bottom.set(xlabel=words("reliability.x"), ylabel=words("reliability.counts"), ylim=(0, None))
    canvas.numbers(top.yaxis, words, share=True, most=5)
    canvas.numbers(bottom.yaxis, words, most=3, whole=True)
    tenths = np.arange(11) / 10
    bottom.set_xticks(tenths, [words.share(tenth) for tenth in tenths])
    canvas.grid(top, "both")
    canvas.grid(bottom, "both")
    for name in names:
        sheet.key(name, words(name if name != "model" else "model_short"))
    sheet.key_handle(sheet.handle(**LOOKS["ideal"].line_style(marker=False)), words("reliability.ideal"))
    totals = {name: words.number(facts[f"total_{name}"]) for name in ("actual", "model", "formula_customer")}
    caption = words("reliability.caption", **holdout_dates(facts, words), **totals)
    return sheet.finish(), {"title": sheet.title, "caption": caption, "alt": words("reliability.alt", **totals)}


def pit(frame: pd.DataFrame, facts: Facts, words: Words) -> tuple[Figure, Texts]:
    """Histograms of the probability integral transform."""
    quantities = list(dict.fromkeys(frame["quantity"]))
    sheet = Sheet(words("pit.title"), note(facts, words), height=3.5)
    for axes, quantity in zip(sheet.axes(1, len(quantities), sharey=True), quantities, strict=True):
        rows = frame[frame["quantity"] == quantity]
        axes.bar(
            rows["lower"], rows["density"], rows["upper"] - rows["lower"], align="edge",
            color=bar_fill("model"), edgecolor=LOOKS["model"].color, linewidth=0.9,
        )  # fmt: skip
        axes.axhline(1, **LOOKS["ideal"].line_style(marker=False) | {"color": INK})
        axes.set_title(words(f"quantity.{quantity}"))
        axes.set(xlim=(0, 1), xlabel=words(f"pit.x_{quantity}"))
        canvas.numbers(axes.xaxis, words, share=True, most=5)
        canvas.grid(axes)
        if quantity == quantities[0]:
            axes.set_ylabel(words("pit.y"))
            axes.set_ylim(0, max(1.5, 1.08 * frame["density"].max()))
            canvas.numbers(axes.yaxis, words)
    sheet.key("model", words("model", model=facts[f"model_{quantities[-1]}"]), "bar")
    sheet.key_handle(sheet.handle(**LOOKS["ideal"].line_style(marker=False) | {"color": INK}), words("pit.ideal"))
    span = {"lowest": words.number(frame["density"].min(), 2), "highest": words.number(frame["density"].max(), 2)}
    return sheet.finish(), {"title": sheet.title, "caption": words("pit.caption"), "alt": words("pit.alt", **span)}


def verdict(frame: pd.DataFrame, facts: Facts, words: Words) -> tuple[Figure, Texts]:
    """Forest plot: the model's advantage over the formula by metric, with simultaneous limits."""
    rows = frame[frame["formula"].isin(RIVALS) & np.isfinite(frame["advantage"])]
    quantities = list(dict.fromkeys(rows["quantity"]))
    panels = {title: rows[rows["topic"].isin(topics)] for title, topics in TOPICS}
    panels = {title: part for title, part in panels.items() if len(part)}
    heights = [part["metric"].nunique() * BLOCK for part in panels.values()]
    height = 1.15 + 0.205 * sum(heights) + 0.62 * len(panels)
    sheet = Sheet(words("verdict.title"), note(facts, words), height=height)
    every = sheet.axes(len(panels), len(quantities), height_ratios=heights, squeeze=False)
    places = [(title, quantity) for title in panels for quantity in quantities]
    for axes, (title, quantity) in zip(every, places, strict=True):
        part = panels[title]
        metrics = list(dict.fromkeys(part["metric"]))
        _forest(axes, part[part["quantity"] == quantity], metrics, words)
        names = [words(f"verdict.{metric}") if quantity == quantities[0] else "" for metric in metrics]
        axes.set_yticks([-BLOCK * i - 0.5 for i in range(len(metrics))], names)
        axes.set_title(words("verdict.panel", topic=words(f"verdict.{title}"), quantity=words(f"quantity.{quantity}")))
        unit = f"verdict.unit_{title}" + (f"_{quantity}" if title == "errors" else "")
        axes.set_xlabel(words(unit, currency=facts["currency"]), size=9)
    for name, (color, marker) in COLORS.items():
        style = {"color": color, "marker": marker, "markerfacecolor": _face(name), "markersize": 6, "linewidth": 1.6}
        sheet.key_handle(sheet.handle(**style), words(f"verdict.{name}"))
    sheet.key_handle(sheet.handle(linestyle=""), "")  # keeps the two kinds of formula in a column of their own
    for rival, key in zip(RIVALS, ("verdict.solid", "verdict.dotted"), strict=True):
        sheet.key_handle(sheet.handle(color=INK, linewidth=1.6, linestyle=LINES[rival]), words(key))
    verdicts = rows["verdict"]
    count = {key: str(int((verdicts == name).sum())) for key, name in COUNTED.items()} | {"n": str(len(rows))}
    caption = words("verdict.caption", resamples=words.number(facts["resamples"]), **count)
    return sheet.finish(), {"title": sheet.title, "caption": caption, "alt": words("verdict.alt", **count)}


def _forest(axes: Axes, rows: pd.DataFrame, metrics: list[str], words: Words) -> None:
    """One panel: a block of lines per metric, one line per rival."""
    y = -BLOCK * rows["metric"].map(metrics.index) - rows["formula"].map(RIVALS.index)
    bars = [COLORS[verdict][0] for verdict in rows["verdict"]]
    lines: Any = [LINES[rival] for rival in rows["formula"]]
    axes.hlines(y, rows["lower"], rows["upper"], colors=bars, linestyles=lines, linewidth=1.6)
    for name, (color, marker) in COLORS.items():
        mine = rows["verdict"] == name
        style: dict[str, Any] = {
            "color": color,
            "marker": marker,
            "markerfacecolor": _face(name),
            "markersize": 6,
            "linestyle": "",
        }
        axes.plot(rows.loc[mine, "advantage"], y[mine], **style)
    axes.axvline(0, color=INK, linewidth=0.9)
    ends = rows[["lower", "upper", "advantage"]].to_numpy(float)
    low, high = min(0.0, np.nanmin(ends)), max(0.0, np.nanmax(ends))
    reach = max(-low, high) or 1.0
    axes.set_xlim(min(1.06 * low, -0.12 * reach), max(1.06 * high, 0.12 * reach))
    axes.set_ylim(-BLOCK * len(metrics) + 0.9, 0.65)
    axes.tick_params("y", length=0)
    axes.spines["left"].set_visible(False)
    canvas.numbers(axes.xaxis, words, most=5)
    canvas.grid(axes, "x")


def _face(verdict: str) -> str:
    """Markers are filled where there is evidence."""
    return "white" if verdict == "no evidence" else COLORS[verdict][0]
