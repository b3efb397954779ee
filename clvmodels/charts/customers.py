"""Figures of single customers: the path of P(alive) beside the purchases, and how many more there may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from clvmodels.charts import canvas
from clvmodels.charts.canvas import Figure, Sheet
from clvmodels.charts.looks import INK, LOOKS, bar_fill
from clvmodels.charts.words import Words

Facts = Mapping[str, Any]
Texts = dict[str, str]

DOT: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 4.5, "color": INK}
FORMULA: dict[str, Any] = {"color": LOOKS["formula_customer"].color, "linewidth": 1.8, "linestyle": (0, (4.0, 2.0))}


def customer_paths(frame: pd.DataFrame, facts: Facts, words: Words) -> tuple[Figure, Texts]:
    """P(alive) after every day: it sinks with silence and recovers with a purchase."""
    people = list(frame.groupby("customer_id", sort=False))
    note = words("customer_paths.note", start=words.date(facts["start"]), end=words.date(facts["end"]))
    sheet = Sheet(words("customer_paths.title"), note, height=1.35 + 1.15 * len(people))
    every = sheet.axes(len(people), 1, sharex=True)
    start, end = canvas.day(facts["start"]), canvas.day(facts["end"])
    told = []
    for axes, (who, rows) in zip(every, people, strict=True):
        days, alive = canvas.days(rows["date"]), rows["p_alive"].to_numpy(float)
        axes.plot(days, alive, color=LOOKS["model"].color, linewidth=1.8)
        bought = rows["bought"].to_numpy(bool)
        axes.plot(days[bought], np.full(bought.sum(), 1.13), **DOT, clip_on=False)
        about = facts["customers"][str(who)]
        numbers = {"x": words.number(about["frequency"]), "share": words.share(alive[-1])}
        axes.set_title(words("customer_paths.customer", id=_short(who), **numbers), loc="left", pad=12, size=9.5)
        canvas.write(axes, words.share(alive[-1]), (1, alive[-1]), (5, 0), on=("axes", "data"),
                     color=LOOKS["model"].color, bold=True)  # fmt: skip
        axes.set(ylim=(0, 1.02), yticks=[0, 0.5, 1], xlim=(start, end))
        axes.set_yticklabels([words.share(tick) for tick in (0, 0.5, 1)])
        canvas.grid(axes)
        told.append(words("customer_paths.alt_customer", id=str(who), **numbers))
    canvas.date_axis(every[-1], start, end, words)
    sheet.key_handle(sheet.handle(**DOT), words("customer_paths.purchase"))
    sheet.key_handle(sheet.handle(color=LOOKS["model"].color, linewidth=1.8), words("customer_paths.alive"))
    caption = words("customer_paths.caption", model=facts["model"], end=words.date(facts["end"]))
    alt = words("customer_paths.alt", customers="; ".join(told))
    return sheet.finish(), {"title": sheet.title, "caption": caption, "alt": alt}


def customer_outcomes(frame: pd.DataFrame, facts: Facts, words: Words) -> tuple[Figure, Texts]:
    """How many more purchases: every number's probability, the model's mean and the formula's number."""
    people = list(frame.groupby("customer_id", sort=False))
    note = words(
        "customer_outcomes.note", start=words.date(facts["horizon_start"]), end=words.date(facts["horizon_end"])
    )
    columns = 2 if len(people) > 1 else 1
    deep = -(-len(people) // columns)
    sheet = Sheet(words("customer_outcomes.title"), note, height=1.5 + 1.9 * deep)
    every = sheet.axes(deep, columns)
    told = []
    for axes, (who, rows) in zip(every, people, strict=False):
        about = facts["customers"][str(who)]
        n, chance = rows["purchases"].to_numpy(int), rows["probability"].to_numpy(float)
        color = LOOKS["model"].color
        edges = np.append(n - 0.5, n[-1] + 0.5)
        axes.stairs(chance, edges, fill=True, facecolor=bar_fill("model"), edgecolor=color, linewidth=0.7)
        numbers = {
            "zero": words.share(chance[0]), "mean": words.number(about["expected"], 1),
            "formula": words.number(about["formula"], 1), "lower": words.number(about["lower"]),
            "upper": words.number(about["upper"]),
        }  # fmt: skip
        axes.set_title(words("customer_outcomes.customer", id=_short(who), **numbers), loc="left", size=9.5)
        more = int(n[-1]) if chance[-1] > 5e-4 else None  # the last bar is "or more", where there is more
        expected, formula = (min(about[key], n[-1]) if more else about[key] for key in ("expected", "formula"))
        right = max(float(n[-1]), formula) + 0.7
        step = max(1, -(-int(right + 1) // (12 // columns)))
        ticks = list(range(0, int(right) + 1, step))
        if more is not None:
            ticks = [k for k in ticks if abs(k - more) >= step] + [more]
        axes.axvline(expected, color=color, linewidth=1.8)
        axes.axvline(formula, **FORMULA)
        axes.set_xticks(ticks, [words.number(k) + ("+" if k == more else "") for k in ticks])
        axes.set_xlim(-0.7, right)
        axes.set_ylim(0)
        every_so = next(step for step in (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5) if chance.max() <= 4.5 * step)
        shares = [every_so * k for k in range(int(chance.max() / every_so) + 1)]
        axes.set_yticks(shares, [words.share(share, 1 if every_so < 0.01 else 0) for share in shares])
        canvas.grid(axes)
        told.append(words("customer_outcomes.alt_customer", id=str(who), **numbers))
    for axes in every[len(people) :]:
        axes.set_visible(False)
    for axes in every[max(0, len(people) - columns) : len(people)]:
        axes.set_xlabel(words("customer_outcomes.x"))
    sheet.key_handle(sheet.patch(bar_fill("model")), words("customer_outcomes.bars"))
    sheet.key_handle(sheet.handle(color=LOOKS["model"].color, linewidth=1.8), words("customer_outcomes.mean"))
    sheet.key_handle(sheet.handle(**FORMULA), words("customer_outcomes.formula"))
    alt = words("customer_outcomes.alt", customers="; ".join(told))
    caption = words("customer_outcomes.caption", model=facts["model"])
    return sheet.finish(), {"title": sheet.title, "caption": caption, "alt": alt}


def _short(customer: object) -> str:
    """A customer's id, cut when it is too long for a heading."""
    text = str(customer)
    return text if len(text) <= 20 else text[:19] + "…"
