"""A handful of telling customers for every report, with the tables of their figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clvmodels import tables
from clvmodels.attention import length
from clvmodels.calendar import Unit
from clvmodels.cards import CustomerCard, customer_cards, telling
from clvmodels.language import SPOKEN, Catalogue
from clvmodels.prediction import Predictions
from clvmodels.report import numbers as n
from clvmodels.report import texts
from clvmodels.report.document import Block, Paragraph, Picture, Table, row

WHY: Catalogue[str] = SPOKEN | {
    "highest": "expected to bring the most",
    "at_risk": "most at risk: much expected, and likely not to come",
    "overrated": "most overrated by the formula",
    "silent": "came often, and is least likely to be still there",
}

WORDS: Catalogue[str] = SPOKEN | {
    "lead": "A few customers, each the most telling of its kind, as the fit behind the forecast sees them. Any other "
    "customer has the same card: `{command}`.",
    "silence": "Silent for",
    "rhythm": "Usually buys every",
    "table": "A handful of customers: expected from {start} to {end}, with 90% intervals",
    "once": "bought once",
}


def handful(future: Predictions) -> tuple[tuple[dict[str, Any], ...], dict[str, tables.FigureTable]]:
    """A few telling customers as plain data, without the paths, and the tables of their two figures."""
    chosen = telling(future.frame)
    cards = customer_cards(future, list(chosen.values()))
    plain = tuple({"why": why, **card.plain()} for why, card in zip(chosen, cards, strict=True))
    return tuple({k: v for k, v in card.items() if k != "p_alive_path"} for card in plain), card_tables(future, cards)


def card_tables(forecast: Predictions, cards: Sequence[CustomerCard]) -> dict[str, tables.FigureTable]:
    """The tables of the two figures of some customers."""
    made = (tables.customer_paths(forecast, cards), tables.customer_outcomes(forecast, cards))
    return {table.name: table for table in made}


def section(data: Mapping[str, Any], pictures: Sequence[Picture]) -> list[Block]:
    """The handful in a report."""
    cards, ahead = data["cards"], data["forecast"]
    money = ahead["value"] is not None
    headings = [texts.HEADINGS["customer"], texts.HEADINGS["repeats"], WORDS["silence"], WORDS["rhythm"]]
    headings += [texts.HEADINGS[key] for key in ("p_active", "expected_purchases")]
    headings += [texts.HEADINGS[key] for key in ("value", "interval", "formula", "tier")] if money else []
    rows = []
    if money:
        value, formula = (n.amounts([card[key] for card in cards], "") for key in ("value", "formula_value"))
        ends = n.amounts([card[end] for card in cards for end in ("value_lower", "value_upper")], "")
    for i, card in enumerate(cards):
        cells = [
            f"**{card['customer_id']}:** {WHY[card['why']]}", n.count(card["frequency"]), in_time(card, "silence"),
            in_time(card, "mean_gap"), n.percent(card["p_active"], 0), n.decimal(card["expected_purchases"], 1),
        ]  # fmt: skip
        if money:
            cells += [value[i], n.between(*ends[2 * i : 2 * i + 2]), formula[i], texts.TIERS[card["tier"]]]
        rows.append(row(*cells))
    caption = WORDS["table"].format(start=n.day(ahead["start"]), end=n.day(ahead["end"]))
    aligned = "lrrrrr" + ("rrrl" if money else "")
    note = texts.PROSE["amounts_in"].format(currency=data["data"]["currency"]) if money else ""
    lead = WORDS["lead"].format(command="clvmodels customer ID REPORT")
    return [Paragraph(lead), Table("cards", caption, tuple(headings), tuple(rows), aligned, note), *pictures]


def in_time(card: Mapping[str, Any], name: str) -> str:
    """A card's length of time in words."""
    if card[name] is None:
        return WORDS["once"]
    return length(card[name] * Unit(card["unit"]).days)
