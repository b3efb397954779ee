"""One customer alone: a page, a picture, data, or the pairs of words that a screen shows."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clvmodels import __version__
from clvmodels.cards import CustomerCard
from clvmodels.files import whole_file
from clvmodels.language import SPOKEN, Catalogue, language
from clvmodels.prediction import Predictions
from clvmodels.report import html, texts
from clvmodels.report import numbers as n
from clvmodels.report.contract import dumps, plain
from clvmodels.report.customers import card_tables, in_time
from clvmodels.report.document import Document, Paragraph, Picture, Section, Table, row
from clvmodels.report.story import picture

if TYPE_CHECKING:
    from clvmodels.charts import Chart

WORDS: Catalogue[str] = SPOKEN | {
    "silence": "Silent for",
    "rhythm": "Usually buys every",
    "p_alive": "P(alive)",
    "title": "Customer {id}",
    "subtitle": "{source} · {first} to {until}{currency}",
    "verdict": "{purchases} more purchases expected from {start} to {end} (90%: {lower} to {upper}).",
    "verdict_value": "{purchases} more purchases worth {value} expected from {start} to {end} (90%: {lower} to "
    "{upper}).",
    "note": "{active} for at least one purchase in the horizon. The formula expects {formula}.",
    "section": "History and outlook",
    "facts": "The customer in numbers",
    "history": "Purchases, the latest first",
    "rows_shown": "The latest {shown} of {total}.",
    "fact": "What",
    "number": "Number",
    "first_purchase": "First purchase",
    "last_purchase": "Last purchase",
    "frequency": "Repeat purchases",
    "value_past": "Spent so far",
    "monetary_value": "Mean of the repeat purchases",
    "p_active": "P(at least one purchase in the horizon)",
    "expected_purchases": "Expected purchases",
    "formula_purchases": "Purchases by the formula",
    "expected_spend": "Expected spend per purchase",
    "value": "Expected value, undiscounted",
    "quartiles": "Value: half of the outcomes lie in",
    "clv": "CLV, discounted",
    "formula_value": "Value by the formula",
    "tier": "Tier",
    "bought": "Day",
    "amount": "Value",
    "interval": "{mean} (90%: {interval})",
    "running": "{source}, seen up to {until} · made by clvmodels {version} with {model}",
    "elsewhere": "All rows come with `--out card.json`.",
    "made": "{model}, fitted to everything up to {until}; data {hash}.",
}

ROWS = 40
"""Purchases listed on a card."""


def facts(card: CustomerCard, forecast: Predictions) -> list[tuple[str, str]]:
    """What a card says, as pairs of words: what is known, then what is expected, formula beside model."""
    c, currency = card.plain(), forecast.currency

    def money(value: float | None) -> str:
        return n.money(value, currency)

    def ends(name: str, show: Any) -> str:
        limits = [c[name + "_lower"], c[name + "_upper"]]
        both = n.between(*(n.amounts(limits, currency) if show is money else map(show, limits)))
        mean = n.decimal(c["expected_purchases"], 1) if name == "purchases" else show(c[name])
        return WORDS["interval"].format(mean=mean, interval=both)

    told = {
        "first_purchase": n.day(c["first_purchase"]),
        "last_purchase": n.day(c["last_purchase"]),
        "frequency": n.count(c["frequency"]),
        "silence": in_time(c, "silence"),
        "rhythm": in_time(c, "mean_gap"),
        "p_alive": n.percent(c["p_alive"], 0),
        "p_active": n.percent(c["p_active"], 0),
        "expected_purchases": ends("purchases", n.count),
        "formula_purchases": n.decimal(c["formula_purchases"], 1),
    }
    if "value" in c:
        told |= {
            "value_past": money(c["value_past"]),
            "monetary_value": money(c["monetary_value"]),
            "expected_spend": money(c["expected_spend"]),
            "value": ends("value", money),
            "quartiles": n.between(*n.amounts([(card.values or {})[level] for level in (0.25, 0.75)], currency)),
            "clv": ends("clv", money),
            "formula_value": money(c["formula_value"]),
            "tier": texts.TIERS[c["tier"]],
        }
    order = [name for name in _ORDER if name in told]
    own = [(name, str(c[name])) for name in forecast.summary.segments]
    if cost := forecast.summary.cost:
        own.append((cost, money(c[cost])))
    return [*((WORDS[name], told[name]) for name in order), *own]


_ORDER = (
    "first_purchase", "last_purchase", "frequency", "silence", "rhythm", "value_past", "monetary_value", "p_alive",
    "p_active", "expected_purchases", "formula_purchases", "expected_spend", "value", "quartiles", "clv",
    "formula_value", "tier",
)  # fmt: skip


def verdict(card: CustomerCard, forecast: Predictions) -> tuple[str, str]:
    """The card in two sentences."""
    c, money = card.plain(), forecast.spend is not None
    show, name = (lambda x: n.money(x, forecast.currency), "value") if money else (n.count, "purchases")
    limits = [c[name + "_lower"], c[name + "_upper"]]
    lower, upper = n.amounts(limits, forecast.currency) if money else map(show, limits)
    said = {
        "purchases": n.decimal(c["expected_purchases"], 1),
        "start": n.day(forecast.horizon.start),
        "end": n.day(forecast.horizon.end),
        "lower": lower,
        "upper": upper,
        "value": show(c["value"]) if money else "",
    }
    formula = show(c["formula_value"]) if money else n.decimal(c["formula_purchases"], 1)
    note = WORDS["note"].format(active=n.percent(c["p_active"], 0), formula=formula)
    return WORDS["verdict_value" if money else "verdict"].format(**said), note


def card_charts(card: CustomerCard, forecast: Predictions) -> dict[str, Chart]:
    """The two figures of a card."""
    from clvmodels import charts

    return charts.figures(card_tables(forecast, [card]))


def card_document(card: CustomerCard, forecast: Predictions, pictures: Sequence[Picture]) -> Document:
    """A card as a page."""
    summary, c = forecast.summary, card.plain()
    said, note = verdict(card, forecast)
    until = n.day(summary.until)
    latest = c["history"][::-1][:ROWS]
    columns = (WORDS["bought"], *([WORDS["amount"]] if "value" in card.history else []))
    bought = tuple(
        row(n.day(one["date"]), *([n.money(one["value"], forecast.currency)] if "value" in one else []))
        for one in latest
    )
    short = n.count(len(latest)), n.count(len(c["history"]))
    rows_shown = WORDS["rows_shown"].format(shown=short[0], total=short[1]) if short[0] != short[1] else ""
    table = Table(
        "facts", WORDS["facts"], (WORDS["fact"], WORDS["number"]), tuple(row(*f) for f in facts(card, forecast)), "lr"
    )
    history = Table("history", WORDS["history"], columns, bought, "lr"[: len(columns)], rows_shown)
    models = " × ".join(fit.model.title for fit in (forecast.purchases, forecast.spend) if fit)
    made = WORDS["made"].format(model=models, until=n.day(forecast.purchases.until), hash=summary.sha256[:12])
    title = WORDS["title"].format(id=card.customer_id)
    return Document(
        language=language(),
        title=title,
        subtitle=WORDS["subtitle"].format(
            source=summary.source,
            first=n.day(c["first_purchase"]),
            until=until,
            currency=f" · {forecast.currency}" if "value" in c else "",
        ),
        running=WORDS["running"].format(source=summary.source, until=until, version=__version__, model=models),
        verdict=said,
        verdict_note=note,
        created="",
        sections=(Section("summary", WORDS["section"], (*pictures, table, history, Paragraph(made))),),
        words={key: texts.PROSE[key] for key in ("contents", "as_table", "page")}
        | {"table_elsewhere": WORDS["elsewhere"]},
    )


def write_card(card: CustomerCard, forecast: Predictions, path: Path) -> None:
    """Write a card as its name's ending says: a page, a picture, or data.

    Parameters
    ----------
    card, forecast
        The customer, and the predictions it comes from.
    path
        Ends in ``.html``, ``.png`` or ``.json``.
    """
    with whole_file(path) as beside:
        if path.suffix.lower() == ".json":
            beside.write_text(dumps(plain(card.plain())), encoding="utf-8")
            return
        charts = card_charts(card, forecast)
        if path.suffix.lower() == ".png":
            beside.write_bytes(_stacked([chart._repr_png_() for chart in charts.values()]))
        else:
            beside.write_text(_page(card, forecast, charts), encoding="utf-8")


def _page(card: CustomerCard, forecast: Predictions, charts: Mapping[str, Chart]) -> str:
    from clvmodels.charts import inline_svg

    inline = {name: inline_svg(chart.figure, name, chart.alt) for name, chart in charts.items()}
    return html.render(card_document(card, forecast, [picture(chart) for chart in charts.values()]), inline)


def _stacked(pictures: Sequence[bytes]) -> bytes:
    """One picture above the other."""
    from PIL import Image

    opened = [Image.open(io.BytesIO(picture)) for picture in pictures]
    sheet = Image.new("RGB", (max(one.width for one in opened), sum(one.height for one in opened)), "white")
    top = 0
    for one in opened:
        sheet.paste(one, (0, top))
        top += one.height
    out = io.BytesIO()
    sheet.save(out, format="PNG")
    return out.getvalue()
