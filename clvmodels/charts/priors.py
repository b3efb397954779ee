"""The figure of what the priors expect before any data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from clvmodels.charts import canvas
from clvmodels.charts.canvas import Figure, Sheet
from clvmodels.charts.looks import LOOKS, bar_fill
from clvmodels.charts.words import Words

BINS = 24
AMOUNTS = {"purchases_per_customer": 2, "mean_spend": 0}
"""Quantities on a logarithmic scale, and their decimals; the others are shares."""


def prior_predictive(frame: pd.DataFrame, facts: Mapping[str, Any], words: Words) -> tuple[Figure, dict[str, str]]:
    """A histogram per quantity, the observed value as a line through it."""
    quantities = list(dict.fromkeys(frame["quantity"]))
    note = words(
        "prior_predictive.note", draws=words.number(facts["draws"]), start=words.date(facts["start"]),
        end=words.date(facts["end"]), customers=words.number(facts["customers"]),
    )  # fmt: skip
    sheet = Sheet(words("prior_predictive.title", model=facts["model"]), note, height=3.3)
    places = []
    for i, (axes, quantity) in enumerate(zip(sheet.axes(1, len(quantities)), quantities, strict=True)):
        rows = frame[frame["quantity"] == quantity]
        values, observed = rows["value"].to_numpy(float), float(rows["observed"].iloc[0])
        bins = _edges(quantity, values, observed).tolist()
        axes.hist(values, bins, color=bar_fill("model"), edgecolor=LOOKS["model"].color, linewidth=0.6)
        axes.axvline(observed, **LOOKS["actual"].line_style(marker=False))
        label = words(f"prior_predictive.{quantity}", currency=str(facts["currency"]))
        axes.set_xlabel(label)
        if quantity in AMOUNTS:
            axes.set_xscale("log")
            ticks = [10.0**k for k in range(-9, 13) if axes.get_xlim()[0] <= 10.0**k <= axes.get_xlim()[1]]
            ticks = ticks[:: -(-len(ticks) // 4)]
            axes.set_xticks(ticks, [words.number(tick, max(0, -round(np.log10(tick)))) for tick in ticks])
            axes.minorticks_off()
        else:
            axes.set_xlim(0, 1)
            canvas.numbers(axes.xaxis, words, share=True, most=4)
        if i == 0:
            axes.set_ylabel(words("prior_predictive.y"))
        canvas.numbers(axes.yaxis, words, whole=True, most=4)
        canvas.grid(axes)
        seen = words.number(observed, AMOUNTS[quantity]) if quantity in AMOUNTS else words.share(observed)
        share = words.share(float(np.mean(values < observed)))
        place = {"quantity": label[:1].lower() + label[1:], "share": share, "observed": seen}
        places.append(words("prior_predictive.place", **place))
    sheet.key("model", words("prior_predictive.simulated"), "bar")
    sheet.key("actual", words("prior_predictive.observed"), "plain")
    said = {"places": "; ".join(places), "model": str(facts["model"]), "draws": words.number(facts["draws"])}
    caption, alt = words("prior_predictive.caption", **said), words("prior_predictive.alt", **said)
    return sheet.finish(), {"title": sheet.title, "caption": caption, "alt": alt}


def _edges(quantity: str, values: np.ndarray, observed: float) -> np.ndarray:
    """Bins that hold nearly all logs and the observed one; of equal ratio for amounts."""
    if quantity not in AMOUNTS:
        return np.linspace(0, 1, BINS + 1)
    positive = np.append(values[values > 0], observed)
    low, high = np.quantile(positive, [0.01, 0.99])
    return np.geomspace(min(low, observed / 2), max(high, observed * 2), BINS + 1)
