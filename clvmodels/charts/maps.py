"""Figures over all customers: heat maps of frequency and recency, and the distribution of predicted value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clvmodels.charts import canvas
from clvmodels.charts.canvas import Axes, Figure, Sheet
from clvmodels.charts.history import holdout_dates, note
from clvmodels.charts.looks import INK, LOOKS, PALE, tier_colors
from clvmodels.charts.words import Words

Facts = Mapping[str, Any]
Texts = dict[str, str]

SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)
PURCHASES = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""Contours."""


def alive_heatmap(frame: pd.DataFrame, facts: Facts, words: Words) -> tuple[Figure, Texts]:
    """P(alive) by the model, beside the share who did buy."""
    sheet = Sheet(words("alive_heatmap.title"), note(facts, words), height=4.3)
    panels = sheet.axes(1, 2, sharey=True, sharex=True)
    for axes, column, levels in zip(panels, ("p_alive", "actual"), (SHARES, ()), strict=True):
        image = _map(axes, frame, column, facts, words, limits=(0.0, 1.0), levels=levels, share=True)
        axes.set_title(words("alive_heatmap." + {"p_alive": "model"}.get(column, column)), size=9.5)
    panels[0].set_ylabel(_silence(facts, words))
    bar = sheet.figure.colorbar(image, ax=panels, aspect=28, pad=0.02)
    canvas.numbers(bar.ax.yaxis, words, share=True, most=5)
    bar.outline.set_visible(False)
    once = {f"zero_{side}": words.share(facts[f"once_{side}"]) for side in ("model", "actual")}
    reach = {"lowest": words.share(frame["p_alive"].min()), "highest": words.share(frame["p_alive"].max())}
    caption = words("alive_heatmap.caption", **_about(facts, words), **once)
    return sheet.finish(), {"title": sheet.title, "caption": caption, "alt": words("alive_heatmap.alt", **reach)}


def purchases_heatmap(frame: pd.DataFrame, facts: Facts, words: Words) -> tuple[Figure, Texts]:
    """Expected purchases by model and formula, beside the actual means."""
    sheet = Sheet(words("purchases_heatmap.title"), note(facts, words), height=4.1)
    panels = sheet.axes(1, 3, sharey=True, sharex=True)
    columns = ("model", "formula_customer", "actual")
    top = float(np.nanmax(frame[list(columns)].to_numpy(float)))
    levels = tuple(level for level in PURCHASES if level < 0.8 * frame["model"].max())
    for axes, column in zip(panels, columns, strict=True):
        lines = levels if column == "model" else ()
        image = _map(axes, frame, column, facts, words, limits=(0.0, top), levels=lines, share=False)
        axes.set_title(words("model_short" if column == "model" else column), size=9.5)
    panels[0].set_ylabel(_silence(facts, words))
    bar = sheet.figure.colorbar(image, ax=panels, aspect=28, pad=0.02)
    bar.set_label(words("purchases_heatmap.bar"), size=9)
    ticks = [0.0, *(level for level in PURCHASES if 0.5 <= level < 0.95 * top)]
    bar.set_ticks(ticks, labels=[_level(level, words) for level in ticks])
    bar.outline.set_visible(False)
    once = {f"zero_{side}": words.number(facts[f"once_{side}"], 2) for side in ("model", "actual")}
    reach = {
        f"{side}_{name.split('_')[0]}": words.number(float(getattr(frame[name], how)()), 2)
        for name in columns
        for side, how in (("lowest", "min"), ("highest", "max"))
    }
    caption = words("purchases_heatmap.caption", **_about(facts, words), **once)
    return sheet.finish(), {"title": sheet.title, "caption": caption, "alt": words("purchases_heatmap.alt", **reach)}


def _map(
    axes: Axes, frame: pd.DataFrame, column: str, facts: Facts, words: Words, *,
    limits: tuple[float, float], levels: Sequence[float], share: bool,
) -> Any:  # fmt: skip
    """One mesh over frequency and silence, rasterised, with labelled contours."""
    table = frame.pivot(index="silence", columns="frequency", values=column)
    x, y = table.columns.to_numpy(float), table.index.to_numpy(float)
    z = table.to_numpy(float)
    step = y[1] - y[0]
    norm = canvas.heat_norm(limits, power=1.0 if share else 0.5)
    image = axes.pcolormesh(
        np.append(x - 0.5, x[-1] + 0.5), np.append(y - step / 2, y[-1] + step / 2), np.ma.masked_invalid(z),
        cmap=canvas.heat_colors(), norm=norm, rasterized=True,
    )  # fmt: skip
    levels = [level for level in levels if z.min() < level < z.max()]
    if levels and min(z.shape) > 1:
        lines = axes.contour(x, y, z, levels=levels, colors=INK, linewidths=0.9)
        labels = {level: words.share(level) if share else _level(level, words) for level in levels}
        kept: list[Any] = []
        for text in axes.clabel(lines, fmt=labels, fontsize=9, inline=False)[::-1]:
            text.set(color=INK, bbox={"facecolor": "white", "alpha": 0.85, "pad": 0.8, "linewidth": 0})
            box = text.get_window_extent().padded(2)
            if any(box.overlaps(other) for other in kept):
                text.remove()  # where lines crowd, one label says it for its neighbours
            else:
                kept.append(box)
    axes.set_xlabel(words("heatmap.x"), size=9)
    canvas.numbers(axes.xaxis, words, whole=True)
    canvas.numbers(axes.yaxis, words)
    axes.set_ylim(0, facts["T"])
    return image


def _level(level: float, words: Words) -> str:
    return words.number(level, 0 if level == 0 or level >= 1 else 2 if level == 0.25 else 1)


def _silence(facts: Facts, words: Words) -> str:
    units = words.units(facts["unit"])
    return words("heatmap.y", units=units[:1].upper() + units[1:], end=words.date(facts["end"]))


def _about(facts: Facts, words: Words) -> Texts:
    """What the captions of the maps say of their grid."""
    return {
        **holdout_dates(facts, words), "T": words.span(facts["T"], facts["unit"]), "units": words.units(facts["unit"]),
        "end": words.date(facts["end"]), "least": words.number(facts["fewest"]),
    }  # fmt: skip


def value_distribution(frame: pd.DataFrame, facts: Facts, words: Words) -> tuple[Figure, Texts]:
    """Customers by predicted value on a logarithmic scale, coloured by tier, with the tiers' shares below."""
    currency, tiers = facts["currency"], list(facts["tiers"])
    span = {"start": words.date(facts["start"]), "end": words.date(facts["end"])}
    about = words("value_distribution.note", customers=words.number(facts["customers"]), **span)
    sheet = Sheet(words("value_distribution.title"), about, height=3.3 + 0.24 * (len(tiers) + 2))
    (axes,) = sheet.axes()
    edges = np.geomspace(facts["lowest"], facts["highest"], facts["bins"] + 1)
    ratio = edges[1] / edges[0]
    under = edges[0] / ratio ** np.array([2.2, 0.7])  # the bar of all below the scale stands by itself, on its left
    colors = tier_colors(len(tiers))[::-1]

    def counts(part: pd.DataFrame) -> NDArray[np.float64]:
        lower = part["lower"].to_numpy(float)
        place = np.rint(np.log(np.maximum(lower, edges[0]) / edges[0]) / np.log(ratio)) + (lower > 0)
        return np.bincount(place.astype(int), part["customers"], minlength=len(edges)).astype(float)

    model, formula = (frame[frame["predictor"] == name] for name in ("model", "formula_customer"))
    floor = np.zeros(len(edges))
    for tier, color in zip(tiers[::-1], colors[::-1], strict=True):
        height = floor + counts(model[model["tier"] == tier])
        style: dict[str, Any] = {"fill": True, "facecolor": color, "edgecolor": "#7f9db9", "linewidth": 0.4}
        for part, at in ((slice(0, 1), under), (slice(1, None), edges)):
            axes.stairs(height[part], at, baseline=floor[part], **style)
        floor = height
    said, look = counts(formula), LOOKS["formula_customer"]
    axes.stairs(said[1:], edges, color=look.color, linewidth=1.5, linestyle=look.line, baseline=None)
    axes.stairs(said[:1], under, color=look.color, linewidth=1.5, linestyle=look.line)
    small = words("value_distribution.small", edge=words.amount(edges[0], currency))
    canvas.log_axis(axes, edges, words, currency, extra=(float(np.sqrt(under[0] * under[1])), small))
    axes.set_xlim(under[0] / ratio**0.5, edges[-1] * ratio**0.5)
    axes.set_ylim(0, 1.06 * max(floor.max(), said.max()))
    axes.set_xlabel(words("value_distribution.x", currency=currency, **span))
    axes.set_ylabel(words("value_distribution.y"))
    canvas.numbers(axes.yaxis, words, whole=True)
    canvas.grid(axes)
    sheet.key_handle(sheet.patch(colors[0]), words("value_distribution.model"))
    sheet.key("formula_customer", words("formula_customer"), "plain")
    lines = _tiers(model, formula, facts, words)
    for i, line in enumerate(lines):
        ends = i in (0, len(lines) - 1)
        if not ends:
            canvas.write(axes, "■", (0, 0), (2, -(43 + 15 * i)), on="axes", v="top", color=colors[i - 1])
        for x, text in zip((0.0, 0.34, 0.46, 0.66, 0.78, 0.99), line, strict=True):
            shift, color = (14 if x == 0 else 0, -(44 + 15 * i)), PALE if i == 0 else INK
            h: canvas.Align = "left" if x == 0 else "right"
            canvas.write(axes, text, (x, 0), shift, on="axes", h=h, v="top", color=color, bold=ends)
    total = {"value": words.amount(facts["value"], currency), "formula": words.amount(facts["formula_value"], currency)}
    caption = words("value_distribution.caption", customers=words.number(facts["customers"]), **span, **total)
    alt = words("value_distribution.alt", top_customers=lines[1][2], top_value=lines[1][4])
    return sheet.finish(), {"title": sheet.title, "caption": caption, "alt": alt}


def _tiers(model: pd.DataFrame, formula: pd.DataFrame, facts: Facts, words: Words) -> list[list[str]]:
    """Head, tiers and total: customers, predicted value, their shares, what the formula says of the same customers."""
    heads = ("tier", "customers", "share", "value", "share", "formula")
    lines = [[words(f"value_distribution.{key}") for key in heads]]
    for tier in [*facts["tiers"], None]:
        mine, theirs = (part if tier is None else part[part["tier"] == tier] for part in (model, formula))
        count, value, said = (float(v.sum()) for v in (mine["customers"], mine["value"], theirs["value"]))
        name = words("value_distribution.total") if tier is None else words.tier(tier)
        share = words.share(value / facts["value"] if facts["value"] else None)
        money = [words.amount(amount, facts["currency"]) for amount in (value, said)]
        lines.append([name, words.number(count), words.share(count / facts["customers"]), money[0], share, money[1]])
    return lines
