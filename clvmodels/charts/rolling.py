"""Figures of a backtest: who wins, by how much totals are off, and where: by time, frequency, cohort, cut-off."""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from clvmodels.charts import canvas
from clvmodels.charts.canvas import Axes, Figure, Sheet
from clvmodels.charts.looks import INK, LOOKS, PALE, Look, spread
from clvmodels.charts.words import Words

Facts = Mapping[str, Any]
Texts = dict[str, str]

HERE: dict[str, Look] = {
    **LOOKS,
    "family": Look("#56b4e9", "-", "o", 1.4, 4.5),
    "hiatus": Look("#b8860b", (0, (3.0, 1.2)), "P", 1.6, 5.5),
    "persistence": Look("#009e73", (0, (2.5, 1.2, 1.0, 1.2)), "X", 1.8, 5.5),
    "elsewhere": Look("#cc79a7", (0, (6.0, 1.0)), "*", 1.8, 8.0),
}
"""Looks by role: the families are blue, the formulas orange, what was made elsewhere is purple."""
HIGHER = ("gini", "top_decile_capture")
"""Metrics of the league of which more is better; of the others less is."""
SHARES = ("top_decile_capture", "decile_mape")
COLUMNS = 3
"""Panels of a league beside each other."""
FAR = 1.5
"""A league's axis goes so many times the families' range beyond them: what is farther off is written, not drawn."""


def league(frame: pd.DataFrame, facts: Facts, words: Words) -> tuple[Figure, Texts]:
    """A panel per metric: every predictor's mean over cut-offs with its limits, and the cut-offs as dots."""
    names = list(dict.fromkeys(frame["predictor"]))
    metrics = list(dict.fromkeys(frame["metric"]))
    quantity = facts["quantity"]
    labels = ["\n".join(textwrap.wrap(_called(words, name), 27)) for name in names]
    lines = 1 + max(label.count("\n") for label in labels)
    rows = -(-len(metrics) // COLUMNS)
    titles = {metric: _measure(metric, facts, words) for metric in metrics}
    deep = len(names) * (0.06 + 0.15 * lines) + 0.16 * max(title.count("\n") for title in titles.values())
    sheet = Sheet(words(f"rolling.title_{quantity}"), _note(facts, words), height=1.2 + rows * (0.72 + deep))
    every = sheet.axes(rows, COLUMNS)
    roles = frame.drop_duplicates("predictor").set_index("predictor")["role"]
    for i, (axes, metric) in enumerate(zip(every, metrics, strict=False)):
        part = frame[frame["metric"] == metric]
        _panel(axes, part, names, roles, words, share=metric in SHARES)
        arrow = words("rolling.higher" if metric in HIGHER else "rolling.lower")
        axes.set_title(titles[metric], size=9.5)
        axes.set_xlabel(arrow, size=9)
        axes.set_yticks(range(len(names)), labels if i % COLUMNS == 0 else [""] * len(names))
        for tick, name in zip(axes.get_yticklabels(), names, strict=True):
            tick.set_color(_ink(roles[name]))
    for axes in every[len(metrics) :]:
        axes.remove()
    sheet.key_handle(sheet.handle(color=INK, linewidth=2.4, marker="s", markersize=5), words("rolling.mean"))
    dot = {"color": PALE, "linestyle": "", "marker": "o", "markersize": 3, "alpha": 0.6}
    sheet.key_handle(sheet.handle(**dot), words("rolling.each"))
    means = frame[(frame["cutoff"] == "mean") & (frame["metric"] == "crps")].set_index("predictor")["value"]
    told = {
        "best": _called(words, str(means.idxmin())),
        "crps": words.number(means.min(), 3 if means.min() < 10 else 2),
    }
    counts = {
        "resamples": words.number(facts["resamples"]), "shown": words.number(facts["shown"]),
        "families": words.number(facts["families"]),
    }  # fmt: skip
    caption = words("rolling.caption", **counts)
    return sheet.finish(), {"title": sheet.title, "caption": caption, "alt": words("rolling.alt", **told)}


def _measure(metric: str, facts: Facts, words: Words) -> str:
    """A measure's name with its unit, in lines that fit over a panel."""
    unit = f" ({facts['currency']})" if facts["quantity"] == "value" and metric in ("rmse", "crps") else ""
    return "\n".join(textwrap.wrap(words(f"rolling.{metric}") + unit, 24))


def _panel(axes: Axes, part: pd.DataFrame, names: list[str], roles: pd.Series, words: Words, *, share: bool) -> None:
    """One metric: a line per predictor."""
    means = part[part["cutoff"] == "mean"].set_index("predictor")
    each = part[part["cutoff"] != "mean"]
    near = means[[roles[name] in ("family", "elsewhere") for name in means.index]]
    ends = (near if len(near) else means)[["lower", "upper", "value"]].to_numpy(float)
    far = means[["lower", "upper", "value"]].to_numpy(float)
    low, high = float(np.nanmin(ends)), float(np.nanmax(ends))
    room = max(FAR * (high - low), 0.25 * abs(high))
    low, high = max(low - room, min(low, float(np.nanmin(far)))), min(high + room, max(high, float(np.nanmax(far))))
    pad = 0.04 * (high - low or 1.0)
    for y, name in enumerate(names):
        if name not in means.index:
            continue
        look = HERE[roles[name]]
        value, lower, upper = (float(one) for one in means.loc[name, ["value", "lower", "upper"]].to_numpy(float))
        if not low - pad <= value <= high + pad:
            text = words.share(value) if share else words.number(value, 2 if abs(value) < 100 else 0)
            side, at, text = ("right", 1, f"{text} →") if value > high else ("left", 0, f"← {text}")
            shift = (-3 if at else 3, 0)
            canvas.write(axes, text, (at, y), shift, on=("axes", "data"), color=look.color, h=side)  # type: ignore[arg-type]
            continue
        dots = each.loc[each["predictor"] == name, "value"].to_numpy(float)
        dots = dots[(dots >= low - pad) & (dots <= high + pad)]
        axes.plot(dots, np.full(len(dots), y), linestyle="", marker="o", markersize=3, color=look.color, alpha=0.45)
        axes.plot([max(lower, low - pad), min(upper, high + pad)], [y, y], color=look.color, linewidth=2.4, alpha=0.8)
        style: dict[str, Any] = {
            "marker": look.marker,
            "markersize": look.size + 1,
            "markeredgecolor": "white",
            "markeredgewidth": 0.7,
        }
        axes.plot([value], [y], color=look.color, linestyle="", **style)
    axes.set(xlim=(low - pad, high + pad), ylim=(len(names) - 0.45, -0.55))
    axes.tick_params("y", length=0)
    axes.spines["left"].set_visible(False)
    canvas.numbers(axes.xaxis, words, share=share, most=3)
    canvas.grid(axes, "x")


def totals(frame: pd.DataFrame, facts: Facts, words: Words) -> tuple[Figure, Texts]:
    """Predicted over actual totals at each cut-off, on a logarithmic scale."""
    sheet = Sheet(words("rolling_totals.title"), _note(facts, words), height=4.2)
    every = _panels(sheet, frame, facts, words)
    for axes, (_, part) in every.items():
        for (_, role), line in part.groupby(["predictor", "role"], sort=False):
            axes.plot(canvas.days(line["cutoff"]), line["ratio"], **HERE[str(role)].line_style())
        _ratio_axis(axes, part["ratio"], words)
        _cutoff_axis(axes, part["cutoff"], words)
    next(iter(every)).set_ylabel(words("rolling_totals.y"))
    _keys(sheet, frame, words)
    model = frame[frame["role"] == "model"]
    far = {"lowest": words.number(model["ratio"].min(), 2), "highest": words.number(model["ratio"].max(), 2)}
    return sheet.finish(), _said(sheet, "rolling_totals", words, **far)


def horizon(frame: pd.DataFrame, facts: Facts, words: Words) -> tuple[Figure, Texts]:
    """How the error of the total grows with the time since the cut-off."""
    sheet = Sheet(words("rolling_horizon.title"), _note(facts, words), height=4.2)
    every = _panels(sheet, frame, facts, words)
    weekly = facts["unit"] == "week"
    for axes, (_, part) in every.items():
        for (_, role), line in part.groupby(["predictor", "role"], sort=False):
            look = HERE[str(role)]
            at = line["days"] / (7 if weekly else 1)
            axes.fill_between(at, line["lowest"], line["highest"], color=look.color, alpha=0.13, linewidth=0)
            axes.plot(at, line["total_error"], **look.line_style())
        axes.axhline(0, color=INK, linewidth=1.0)
        axes.set_xlim(0)
        axes.set_xlabel(words("rolling_horizon.x", units=words.units(facts["unit"])))
        canvas.numbers(axes.xaxis, words, whole=True)
        canvas.numbers(axes.yaxis, words, share=True)
        canvas.grid(axes)
    next(iter(every)).set_ylabel(words("rolling.error"))
    _keys(sheet, frame, words)
    last = frame[(frame["role"] == "model") & (frame["days"] == frame["days"].max())]["total_error"]
    return sheet.finish(), _said(sheet, "rolling_horizon", words, model=words.share(_first(last)))


def frequency(frame: pd.DataFrame, facts: Facts, words: Words) -> tuple[Figure, Texts]:
    """Predicted over actual totals by class of frequency."""
    sheet = Sheet(words("rolling_frequency.title"), _note(facts, words), height=4.4)
    every = _panels(sheet, frame, facts, words)
    for axes, (_, part) in every.items():
        classes = list(dict.fromkeys(part["frequency"]))
        place = {name: i for i, name in enumerate(classes)}
        drawn = part[part["ratio"] > 0]
        for (_, role), line in drawn.groupby(["predictor", "role"], sort=False):
            axes.plot([place[name] for name in line["frequency"]], line["ratio"], **HERE[str(role)].line_style())
        size = part.drop_duplicates("frequency").set_index("frequency")["customers"]
        axes.set_xticks(range(len(classes)), [f"{name}\n{_short(size[name], words)}" for name in classes])
        axes.set_xlim(-0.4, len(classes) - 0.6)
        axes.set_xlabel(words("rolling_frequency.x"))
        _ratio_axis(axes, drawn["ratio"], words)
    next(iter(every)).set_ylabel(words("rolling_totals.y"))
    _keys(sheet, frame, words)
    once = frame[(frame["role"] == "model") & (frame["quantity"] == "purchases")].head(1)
    told = {name: words.number(_first(once[f"{name}_mean"]), 2) for name in ("predicted", "actual")}
    return sheet.finish(), _said(sheet, "rolling_frequency", words, **told)


def _short(customers: float, words: Words) -> str:
    """A count that fits under a tick: thousands as k."""
    return (
        words.number(customers) if customers < 10_000 else words("rolling.thousand", n=words.number(customers / 1000))
    )


def cohort(frame: pd.DataFrame, facts: Facts, words: Words) -> tuple[Figure, Texts]:
    """The error of the total by cohort."""
    sheet = Sheet(words("rolling_cohort.title"), _note(facts, words), height=4.2)
    every = _panels(sheet, frame, facts, words)
    for axes, (_, part) in every.items():
        cohorts = sorted(dict.fromkeys(part["cohort"]))
        place = {name: i for i, name in enumerate(cohorts)}
        for (_, role), line in part.groupby(["predictor", "role"], sort=False):
            at = [place[name] for name in line["cohort"]]
            axes.plot(at, line["total_error"], **HERE[str(role)].line_style() | {"linewidth": 1.2})
        axes.axhline(0, color=INK, linewidth=1.0)
        step = max(1, -(-len(cohorts) // 4))
        axes.set_xticks(range(0, len(cohorts), step), [_cohort(name, words) for name in cohorts[::step]])
        axes.set_xlim(-0.4, len(cohorts) - 0.6)
        axes.set_xlabel(words("rolling_cohort.x"))
        canvas.numbers(axes.yaxis, words, share=True)
        canvas.grid(axes)
    next(iter(every)).set_ylabel(words("rolling.error"))
    _keys(sheet, frame, words)
    model = frame[(frame["role"] == "model") & (frame["quantity"] == "purchases")]["total_error"]
    far = {"lowest": words.share(model.min()), "highest": words.share(model.max())}
    return sheet.finish(), _said(sheet, "rolling_cohort", words, **far)


def _cohort(name: str, words: Words) -> str:
    """A month in words over its year; quarters and years stay as they are."""
    year, _, month = name.partition("-")
    return f"{words.month(dt.date(int(year), int(month), 1))}\n{year}" if month else name


def one_time(frame: pd.DataFrame, facts: Facts, words: Words) -> tuple[Figure, Texts]:
    """The share of one-time buyers who come back, at each cut-off: every family beside what happened."""
    sheet = Sheet(words("rolling_one_time.title"), _note(facts, words), height=4.4)
    (axes,) = sheet.axes()
    ends, texts, colors, strong = [], [], [], []
    for (name, role), line in sorted(
        frame.groupby(["predictor", "role"], sort=False), key=lambda one: one[0][1] != "family"
    ):
        look = HERE[str(role)]
        axes.plot(canvas.days(line["cutoff"]), line["share"], **look.line_style())
        ends.append(float(line["share"].iloc[-1]))
        texts.append(words("actual") if role == "actual" else str(name))
        colors.append(_ink(str(role)))
        strong.append(role != "family")
    axes.set_ylim(0, 1.12 * frame["share"].max())
    high = axes.get_ylim()[1]
    at = canvas.days(frame["cutoff"])
    last, side = float(at.max()), 0.05 * float(np.ptp(at) or 2.0)
    places = spread(ends, 0.055 * high, 0.0, high)
    for text, color, bold, end, place in zip(texts, colors, strong, ends, places, strict=True):
        axes.plot([last, last + side], [end, place], color=color, linewidth=0.6, zorder=1)  # whose label it is
        canvas.write(axes, text, (last + side, place), (2, 0), color=color, bold=bold)
    axes.set_ylabel(words("rolling_one_time.y"))
    _cutoff_axis(axes, frame["cutoff"], words)
    canvas.numbers(axes.yaxis, words, share=True)
    canvas.grid(axes)
    mean = frame.groupby("role")["share"].mean()
    told = {name: words.share(float(mean.get(name, np.nan)), 1) for name in ("actual", "model")}
    model = {"title": str(facts["model_purchases"])}
    return sheet.finish(), _said(sheet, "rolling_one_time", words, **told, **model)


def parameters(frame: pd.DataFrame, facts: Facts, words: Words) -> tuple[Figure, Texts]:
    """Estimates of the leading families at every cut-off, with their 90 % limits."""
    families = {
        str(name): list(part.groupby("parameter", sort=False)) for name, part in frame.groupby("family", sort=False)
    }
    columns = max(4, *map(len, families.values()))
    sheet = Sheet(words("rolling_parameters.title"), _note(facts, words), height=1.2 + 1.85 * len(families))
    every = sheet.axes(len(families), columns)
    look = HERE["model"]
    places: dict[Axes, tuple[str, str, pd.DataFrame] | None] = dict.fromkeys(every)
    for row, (family, panels) in enumerate(families.items()):
        for column, (parameter, part) in enumerate(panels):
            places[every[row * columns + column]] = (family if not column else "", str(parameter), part)
    for axes, place in places.items():
        if place is None:
            axes.remove()
            continue
        family, parameter, part = place
        at = canvas.days(part["cutoff"])
        axes.vlines(at, part["lower"], part["upper"], color=look.color, linewidth=2.2, alpha=0.45)
        axes.plot(at, part["estimate"], **look.line_style())
        axes.set_title(_letter(parameter), size=9.5)
        if family:
            canvas.write(axes, family, (0, 1), (0, 18), on="axes", bold=True, size=9.5, v="bottom", room=False)
        ends = part[["lower", "upper", "estimate"]].to_numpy(float)
        top = float(np.nanquantile(ends[np.isfinite(ends)], 1.0))
        axes.set_ylim(0, 1.08 * min(top, 4 * float(part["estimate"].median())))
        _cutoff_axis(axes, part["cutoff"], words, most=2)
        canvas.numbers(axes.yaxis, words, most=4)
        canvas.grid(axes)
    sheet.key("model", words("rolling_parameters.estimate"))
    sheet.key("model", words("rolling_parameters.limits"), "band")
    by = frame.groupby(["family", "parameter"], sort=False)["estimate"]
    moved = (by.max() / by.min()).idxmax()
    family, parameter = moved if isinstance(moved, tuple) else ("", "")
    ratio = words.number(float((by.max() / by.min()).max()), 1)
    told = {"family": str(family), "parameter": _letter(str(parameter)), "ratio": ratio}
    return sheet.finish(), _said(sheet, "rolling_parameters", words, units=words.units(facts["unit"]), **told)


# ------------------------------------------------------------------------------------------------------ what is shared


def _note(facts: Facts, words: Words) -> str:
    dates = {name: words.date(facts[name]) for name in ("start", "end", "holdout_end")}
    counts = {name: words.number(facts[name]) for name in ("cutoffs", "days", "customers")}
    return words("rolling.note_one" if facts["cutoffs"] == 1 else "rolling.note", **dates, **counts)


def _panels(sheet: Sheet, frame: pd.DataFrame, facts: Facts, words: Words) -> dict[Axes, tuple[str, pd.DataFrame]]:
    """A panel per quantity, each with its leading family."""
    quantities = list(dict.fromkeys(frame["quantity"]))
    every = sheet.axes(1, len(quantities))
    titles = [textwrap.wrap(str(facts[f"model_{quantity}"]), 42) for quantity in quantities]
    for axes, quantity, model in zip(every, quantities, titles, strict=True):
        axes.set_title(words(f"quantity.{quantity}"), pad=6 + 12 * max(map(len, titles)))
        model += [""] * (max(map(len, titles)) - len(model))
        canvas.write(axes, "\n".join(model), (0, 1), (0, 5), on="axes", color=HERE["model"].color, v="bottom")
    return {axes: (name, frame[frame["quantity"] == name]) for axes, name in zip(every, quantities, strict=True)}


def _keys(sheet: Sheet, frame: pd.DataFrame, words: Words) -> None:
    """One entry per predictor; the leading families of the quantities share one, and are named in the panels."""
    if (frame["role"] == "model").any():
        sheet.key_handle(sheet.handle(**HERE["model"].line_style()), words("rolling.model"))
    for name, role in frame[["predictor", "role"]].drop_duplicates().itertuples(index=False):
        if role != "model":
            sheet.key_handle(sheet.handle(**HERE[role].line_style()), _called(words, name))


def _ratio_axis(axes: Axes, ratios: pd.Series, words: Words) -> None:
    """A logarithmic axis of predicted ÷ actual, with a line where both are equal."""
    axes.axhline(1, color=INK, linewidth=1.0)
    axes.set_yscale("log")
    low, high = min(0.8, ratios.min() / 1.1), max(1.25, ratios.max() * 1.1)
    wide = high / low > 12
    steps = (
        (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
        if wide
        else (0.2, 0.33, 0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3, 5, 8)
    )
    ticks = [tick for tick in steps if low <= tick <= high]
    axes.set_yticks(ticks, [words.number(tick, next(d for d in (0, 1, 2) if round(tick, d) == tick)) for tick in ticks])
    axes.minorticks_off()
    axes.set_ylim(low, high)
    canvas.grid(axes)


def _cutoff_axis(axes: Axes, cutoffs: pd.Series, words: Words, *, most: int = 4) -> None:
    """Dates of the cut-offs; a single one stands in the middle."""
    at = sorted(set(canvas.days(cutoffs)))
    if len(at) == 1:
        axes.set_xlim(at[0] - 1, at[0] + 1)
    chosen = at[:: max(1, -(-(len(at) - 1) // max(1, most - 1)))] if len(at) > most else at
    labels = []
    for day in chosen:
        date = pd.Timestamp(int(day), unit="D").date()
        labels.append(words.date(date, year=False) + f"\n{date.year}")
    axes.set_xticks(chosen, labels)


def _said(sheet: Sheet, name: str, words: Words, **facts: str) -> Texts:
    return {
        "title": sheet.title,
        "caption": words(f"{name}.caption", **facts),
        "alt": words(f"{name}.alt", **facts),
    }


def _called(words: Words, name: str) -> str:
    """A predictor in words; families have their titles, and others' predictors their names."""
    return next((words.texts[key] for key in (name, f"cell.{name}") if key in words.texts), name)


def _letter(parameter: str) -> str:
    """A parameter as the papers write it."""
    return {"alpha": "α", "beta": "β", "gamma": "γ"}.get(parameter, parameter)


def _ink(role: str) -> str:
    """The colour of words about a predictor: light blue is for lines, too pale to read."""
    return HERE["model" if role == "family" else role].color


def _first(values: pd.Series) -> float:
    return float(values.iloc[0]) if len(values) else float("nan")
