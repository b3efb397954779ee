"""The forecast: the numbers everybody looks for first, totals, tiers, and the customers at the top."""

from __future__ import annotations

from typing import Any

import pandas as pd

from clvmodels.report import numbers as n
from clvmodels.report import texts
from clvmodels.report.document import Block, Card, Cards, Paragraph, Picture, Table, row
from clvmodels.report.sentences import Data, amount, amounts, quantities

TOP = 10
"""Customers in the list of the highest."""


def cards(data: Data) -> Cards:
    """Expected value, CLV, purchases and active customers, each with what to hold it against."""
    f = data["forecast"]
    period = texts.CARDS["period"].format(start=n.day(f["start"]), end=n.day(f["end"]))

    def interval(name: str, show: Any) -> str:
        return texts.CARDS["interval"].format(lower=show(f[name + "_lower"]), upper=show(f[name + "_upper"]))

    def money(value: float | None) -> str:
        return amount(data, value)

    cards = [Card(texts.CARDS["purchases"], n.count(f["purchases"]), f"{interval('purchases', n.count)}; {period}")]
    share = texts.CARDS["share"].format(
        share=n.percent(f["active_customers"] / f["customers"]), customers=n.count(f["customers"])
    )
    cards.append(Card(texts.CARDS["active"], n.count(f["active_customers"]), share))
    if "value" in quantities(data):
        formula = texts.CARDS["formula"].format(value=money(f["formula_value"]))
        rate = texts.CARDS["rate"].format(rate=n.rate(f["discount_rate"]), mean=money(f["clv"] / f["customers"]))
        cards = [
            Card(texts.CARDS["value"], money(f["value"]), f"{interval('value', money)}; {formula}"),
            Card(texts.CARDS["clv"], money(f["clv"]), rate),
            *cards,
        ]
    return Cards(tuple(cards))


def forecast(data: Data, customers: pd.DataFrame, pictures: list[Picture]) -> list[Block]:
    """Totals with their intervals, then value by tier, then the customers at the top."""
    f, has_value = data["forecast"], "value" in quantities(data)
    names = ["purchases", *(["value", "clv"] if has_value else [])]

    def show(name: str, end: str) -> str:
        return n.count(f[name + end]) if name == "purchases" else amount(data, f[name + end])

    rows = [
        row(texts.TOTALS[name], *(show(name, end) for end in ("", "_lower", "_upper")), _each(data, name))
        for name in names
    ]
    headings = tuple(texts.HEADINGS[key] for key in ("quantity", "expected", "lower", "upper", "each"))
    caption = texts.CAPTIONS["totals"].format(
        start=n.day(f["start"]), end=n.day(f["end"]), customers=n.count(f["customers"])
    )
    blocks: list[Block] = [
        Paragraph(texts.PROSE["lead"]),
        Table("totals", caption, headings, tuple(rows), "lrrrr"),
        Paragraph(texts.PROSE["total_interval"]),
    ]
    if has_value:
        ratio = f["formula_value"] / f["value"] if f["value"] else None
        guard = texts.PROSE["guard"].format(
            formula=amount(data, f["formula_value"]), model=amount(data, f["value"]), ratio=n.decimal(ratio, 1)
        )
        blocks += [*pictures, _tiers(data), Paragraph(guard)]
    else:
        blocks += pictures
    return [*blocks, _top(data, customers)]


def _each(data: Data, name: str) -> str:
    mean = data["forecast"][name] / data["forecast"]["customers"]
    return n.decimal(mean) if name == "purchases" else amount(data, mean)


def _tiers(data: Data) -> Table:
    tiers = data["forecast"]["tiers"]
    whole = sum(tier["value"] for tier in tiers)
    headings = tuple(
        texts.HEADINGS[key]
        for key in ("tier", "customers", "expected_purchases", "value", "share", "each", "past", "formula")
    )
    value, past, formula = (amounts(data, [t[key] for t in tiers]) for key in ("value", "value_past", "formula_value"))
    each = amounts(data, [tier["value"] / tier["customers"] for tier in tiers])
    rows = tuple(
        row(
            texts.TIERS.get(tier["tier"], tier["tier"]),
            n.count(tier["customers"]),
            n.count(tier["expected_purchases"]),
            value[i],
            n.percent(tier["value"] / whole if whole else None),
            each[i],
            past[i],
            formula[i],
        )
        for i, tier in enumerate(tiers)
    )
    return Table("tiers", texts.CAPTIONS["tiers"], headings, rows, "lrrrrrrr", note=texts.PROSE["tiers"])


def _top(data: Data, customers: pd.DataFrame) -> Table:
    """The customers with the highest expected value, formula beside model."""
    has_value = "value" in quantities(data)
    top = customers.nlargest(TOP, "value" if has_value else "expected_purchases")
    keys = ["customer", "last_purchase", "frequency", "p_active", "expected_purchases"]
    keys += ["value", "interval", "formula"] if has_value else ["interval"]
    rows, listed = [], top.to_dict("records")
    if has_value:
        value, formula = (amounts(data, [c[key] for c in listed]) for key in ("value", "formula_value"))
        ends = amounts(data, [c[end] for c in listed for end in ("value_lower", "value_upper")])
    for i, c in enumerate(listed):
        cells = [
            str(c["customer_id"]), n.day(pd.Timestamp(c["last_purchase"]).date()), n.count(c["frequency"]),
            n.percent(c["p_active"], 0), n.decimal(c["expected_purchases"], 1),
        ]  # fmt: skip
        if has_value:
            cells += [value[i], n.between(*ends[2 * i : 2 * i + 2]), formula[i]]
        else:
            cells += [n.between(n.count(c["purchases_lower"]), n.count(c["purchases_upper"]))]
        rows.append(row(*cells))
    caption = texts.CAPTIONS["top_value" if has_value else "top_purchases"].format(top=TOP)
    return Table("top", caption, tuple(texts.HEADINGS[key] for key in keys), tuple(rows), "ll" + "r" * (len(keys) - 2))
