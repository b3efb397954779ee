"""Model and formula side by side in the holdout: scores, verdicts, and every number behind them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from clvmodels.report import numbers as n
from clvmodels.report import texts
from clvmodels.report.document import Block, Cell, Table, Tone, row
from clvmodels.report.sentences import Data, comparison, metric, model_name, model_title, quantities, shown

TONES: dict[str, Tone] = {"better": "good", "worse": "bad", "holm": "bad", "no evidence": "muted"}


def rivals_of(data: Data, quantity: str) -> list[str]:
    """Predictors other than the model, those of the texts first and in their order."""
    have = {r["predictor"] for r in data["evaluation"] if r["quantity"] == quantity} - {model_name(data, quantity)}
    return [name for name in texts.PREDICTORS if name in have] + sorted(have - set(texts.PREDICTORS))


def predictor(name: str, data: Data) -> str:
    """A predictor's name for people."""
    if name in texts.PREDICTORS:
        return texts.PREDICTORS[name][0]
    titles = {quantity: model_name(data, quantity) for quantity in quantities(data)}
    if name == titles["purchases"]:
        return str(data["models"]["purchases"]["title"])
    return model_title(data) if name in titles.values() else name


def formula_wins(data: Data) -> str:
    """Every measure on which some variant of the formula beat the model."""
    wins = []
    for quantity in quantities(data):
        for name, m in texts.METRICS.items():
            who = [
                predictor(rival, data)
                for rival in rivals_of(data, quantity)
                if (found := comparison(data, quantity, name, rival))
                and "worse" in (found["verdict"], found.get("holm"))
            ]
            if who:
                quoted = {"measure": m.label, "quantity": texts.QUANTITIES[quantity], "who": n.listing(who)}
                wins.append(texts.PROSE["formula_win"].format(**quoted))
    return texts.PROSE["formula_wins"].format(wins="; ".join(wins)) if wins else texts.PROSE["formula_never"]


def scores(data: Data, quantity: str) -> Table:
    """Metrics down, predictors across."""
    model, rivals = model_name(data, quantity), rivals_of(data, quantity)
    rows = []
    for name, m in texts.METRICS.items():
        own = metric(data, quantity, name)
        if own["value"] is None and not any(
            metric(data, quantity, name, rival)["value"] is not None for rival in rivals
        ):
            continue
        told = partial(shown, data, quantity, name, bare=True)
        limits = n.between(*(told(own[end]) for end in ("lower", "upper")))
        others = [told(metric(data, quantity, name, rival)["value"]) for rival in rivals]
        rows.append(
            row(
                f"{m.label}\u00a0{texts.ARROWS[m.better]}",
                Cell(told(own["value"]), "strong"),
                Cell(limits, "muted"),
                *others,
            )
        )
    headings = (
        texts.HEADINGS["measure"], predictor(model, data), texts.HEADINGS["limits"],
        *(predictor(rival, data) for rival in rivals),
    )  # fmt: skip
    caption = texts.CAPTIONS["scores_" + quantity].format(currency=data["data"]["currency"])
    return Table(
        f"scores_{quantity}", caption, headings, tuple(rows), "l" + "r" * (len(headings) - 1), texts.PROSE["arrows"]
    )


def _verdict(found: Mapping[str, Any]) -> str:
    """The verdict of a comparison by its limits; where these leave a loss open that Holm's test sees, that loss."""
    return "holm" if found["verdict"] == "no evidence" and found.get("holm") == "worse" else str(found["verdict"])


def _cell(found: Mapping[str, Any]) -> Cell:
    return Cell(texts.VERDICTS[_verdict(found)], TONES[_verdict(found)])


def verdicts(data: Data, quantity: str) -> Table:
    """Metrics down, rivals across; each cell is a verdict on the model."""
    rivals = rivals_of(data, quantity)
    rows, seen = [], set()
    for name, m in texts.METRICS.items():
        found = [comparison(data, quantity, name, rival) for rival in rivals]
        if any(found):
            seen |= {_verdict(f) for f in found if f}
            rows.append(row(m.label, *(_cell(f) if f else Cell(n.MISSING, "muted") for f in found)))
    headings = (texts.HEADINGS["measure"], *(predictor(rival, data) for rival in rivals))
    caption = texts.CAPTIONS["verdicts_" + quantity]
    note = texts.PROSE["holm"] if "holm" in seen else ""
    return Table(f"verdicts_{quantity}", caption, headings, tuple(rows), "l" * len(headings), note)


def everything(data: Data) -> list[Block]:
    """Every row of evaluation and comparison."""
    blocks: list[Block] = []
    for quantity in quantities(data):
        model = model_name(data, quantity)
        rows = []
        for rival in rivals_of(data, quantity):
            for name, m in texts.METRICS.items():
                found = comparison(data, quantity, name, rival)
                if found is None:
                    continue
                own, theirs = (metric(data, quantity, name, who)["value"] for who in (model, rival))
                difference, low, high = (
                    shown(data, quantity, name, found[key], difference=True) for key in ("difference", "lower", "upper")
                )
                values = [shown(data, quantity, name, value) for value in (own, theirs)]
                rows.append(
                    row(predictor(rival, data), m.label, *values, difference, n.between(low, high), _cell(found))
                )
        keys = ("rival", "measure", "model", "rival_value", "difference", "limits_all", "verdict")
        headings = tuple(texts.HEADINGS[key] for key in keys)
        caption = texts.CAPTIONS["comparison_" + quantity].format(model=predictor(model, data))
        blocks.append(Table(f"comparison_{quantity}", caption, headings, tuple(rows), "llrrrrl", folded=True))
    return blocks
