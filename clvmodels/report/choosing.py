"""How the model was chosen, where it was: the league of the earlier cut-offs, as blocks."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp
from typing import Any

from clvmodels.fitting.stack import FORMULA_MEMBERS
from clvmodels.language import _
from clvmodels.report import numbers as n
from clvmodels.report import texts
from clvmodels.report.choosing_texts import CAPTIONS, HEADINGS, PROSE
from clvmodels.report.document import Block, Cell, Paragraph, Table, row
from clvmodels.report.sentences import Data

League = Mapping[str, Any]


def choice(data: Data) -> list[Block]:
    """The rule, what it decided, and the tables it decided by; nothing where the model was named by hand."""
    then, later = data["league"]
    if then is None:
        return []
    if not then["league"]:
        return [Paragraph(PROSE["reason"].format(reason=then["reason"]))]
    blocks: list[Block] = [
        Paragraph(PROSE["rule"].format(cutoffs=n.count(len(then["cutoffs"])))),
        Paragraph(PROSE["reason"].format(reason=then["reason"])),
        _league(then),
        Paragraph(PROSE["why"]),
        *([_spends(then, data["data"]["currency"])] if then["spends"] else []),
        _cutoffs(then),
    ]
    if later is not None:
        blocks.append(Paragraph(PROSE["later"].format(reason=later["reason"])))
    return blocks


def refitted(data: Data, until: str) -> str:
    """What the forecast rests on: the same model again, or the one that was chosen with all data."""
    then, later = data["league"]
    if then is None or later is None:
        return texts.PROSE["refit"].format(until=until)
    return PROSE["anew"].format(title=data["forecast"]["models"]["purchases"]["title"], until=until)


def _league(found: League) -> Table:
    weights = dict(found["weights"])
    rows = [
        row(
            one["title"],
            n.decimal(one["log_score"], 4),
            _gap(one, "log_score"),
            n.decimal(one["crps"], 4),
            _gap(one, "crps"),
            n.decimal(exp(one["log_ratio"]), 2),
            n.decimal(weights.pop(one["predictor"], None), 2) if one["predictor"] != "stack" else n.MISSING,
            Cell(HEADINGS["yes"], "good") if one["chosen"] else "",
        )
        for one in found["league"]
    ]
    rows += [
        row(HEADINGS[name], *([n.MISSING] * 5), n.decimal(weight, 2), "")
        for name, weight in weights.items()
        if name in FORMULA_MEMBERS
    ]
    names = ("model", "log_score", "log_difference", "crps", "crps_difference", "factor", "weight", "chosen")
    return Table(
        "choice_league", CAPTIONS["league"], tuple(HEADINGS[name] for name in names), tuple(rows), "l" + "r" * 6 + "l"
    )


def _gap(one: Mapping[str, Any], kind: str) -> str:
    """Difference to the best with its limits; nothing for the best itself."""
    lower, upper = one[f"{kind}_lower"], one[f"{kind}_upper"]
    if lower == upper == 0:
        return n.MISSING
    return _("{difference} [{lower}, {upper}]").format(
        difference=n.decimal(one[f"{kind}_difference"], 4), lower=n.decimal(lower, 4), upper=n.decimal(upper, 4)
    )


def _spends(found: League, currency: str) -> Table:
    rows = [
        row(one["title"], n.decimal(one["crps"], 2), Cell(HEADINGS["yes"], "good") if one["chosen"] else "")
        for one in found["spends"]
    ]
    names = ("model", "crps", "chosen")
    headings = tuple(HEADINGS[name] for name in names)
    return Table("choice_spends", CAPTIONS["spends"].format(currency=currency), headings, tuple(rows), "lrl")


def _cutoffs(found: League) -> Table:
    rows = [
        row(n.day(one["cutoff"]), n.day(one["end"]), n.count(one["customers"]), n.count(one["purchases"]))
        for one in found["cutoffs"]
    ]
    names = ("cutoff", "end", "customers", "purchases")
    headings = tuple(HEADINGS[name] for name in names)
    return Table("choice_cutoffs", CAPTIONS["cutoffs"], headings, tuple(rows), "llrr")
