"""What the report says, in its order: report.json, the customer table and the figures → a Document of titled blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from clvmodels.report import numbers as n
from clvmodels.report import texts
from clvmodels.report.comparisons import everything, formula_wins, rivals_of, scores, verdicts
from clvmodels.report.document import (
    Block,
    Bullets,
    Card,
    Cards,
    Cell,
    Code,
    Document,
    Finding,
    Findings,
    Item,
    Paragraph,
    Picture,
    Section,
    Table,
    Terms,
    row,
)  # fmt: skip
from clvmodels.report.sentences import (
    Data,
    check,
    citation,
    headline,
    headline_note,
    model_title,
    quantities,
    reason,
    ten,
    units,
)  # fmt: skip

if TYPE_CHECKING:  # matplotlib is loaded only when something is drawn
    from clvmodels.charts import Chart

PLACES: dict[str, tuple[str, ...]] = {
    "data": ("timeline",),
    "believe": ("verdict", "tracking", "conditional_expectation", "deciles", "gain", "reliability", "pit"),
    "model": ("frequency_histogram", "alive_heatmap", "purchases_heatmap"),
    "use": ("value_distribution",),
}
"""Which figure stands in which section; a figure without a place comes at the end of "model"."""

ROWS_SHOWN = 40
"""Rows of a figure's table inside the page; all of them are in figures/NAME.csv."""
TOP = 10


def document(data: Data, customers: pd.DataFrame, charts: Mapping[str, Chart]) -> Document:
    """The whole report as blocks, numbered.

    Parameters
    ----------
    data
        The content of report.json.
    customers
        The customer table.
    charts
        The drawn figures, by name.
    """
    placed = {name for names in PLACES.values() for name in names}
    pictures = {name: _picture(chart) for name, chart in charts.items()}
    at = {place: [pictures[name] for name in names if name in pictures] for place, names in PLACES.items()}
    at["model"] += [picture for name, picture in pictures.items() if name not in placed]
    bodies: dict[str, list[Block]] = {
        "summary": [],
        "data": _data(data, at["data"]),
        "believe": _believe(data, at["believe"]),
        "model": _model(data, at["model"]),
        "use": _use(data, customers, at["use"]),
        "checks": [Paragraph(texts.PROSE["checks"]), _findings(data)],
        "methods": _methods(data),
        "limits": _limits(data),
        "glossary": [Terms(tuple(texts.GLOSSARY.items())), _metric_terms()],
        "cite": _cite(data, customers),
        "appendix": everything(data),
    }
    marks, sections = _numbered(bodies)
    figure = marks.get("timeline", texts.TITLES["data"])
    numbers = {section.name: section.number for section in sections}
    sections[0] = Section("summary", texts.TITLES["summary"], (_cards(data), Bullets(ten(data, figure), numbered=True)))
    first, last = n.day(data["data"]["first_date"]), n.day(data["data"]["last_date"])
    return Document(
        language="en",
        title=texts.TITLES["report"],
        subtitle=texts.TITLES["subtitle"].format(
            source=data["data"]["title"],
            first=first,
            last=last,
            customers=n.count(data["data"]["customers"]),
            currency=f" · {data['data']['currency']}" if "value" in quantities(data) else "",
        ),
        running=texts.TITLES["running"].format(
            source=data["data"]["title"], first=first, last=last, hash=data["data"]["sha256"][:12]
        ),
        verdict=headline(data),
        verdict_note=headline_note(data, numbers["checks"]),
        created=data["provenance"]["created"],
        sections=tuple(sections),
        words={key: texts.PROSE[key] for key in ("contents", "as_table", "page", "table_elsewhere")},
    )


def _numbered(bodies: Mapping[str, list[Block]]) -> tuple[dict[str, str], list[Section]]:
    """Sections, figures and tables get their numbers, the same in every medium."""
    counters, marks, sections = {"picture": 0, "table": 0}, {}, []
    for number, (name, blocks) in enumerate(bodies.items()):
        marked: list[Block] = []
        for block in blocks:
            if isinstance(block, (Picture, Table)):
                counters[block.kind] += 1
                mark = texts.MARKS[block.kind].format(number=counters[block.kind])
                marks[block.name] = mark
                block = replace(block, mark=mark)
            marked.append(block)
        sections.append(Section(name, texts.TITLES[name], tuple(marked), str(number) if number else ""))
    return marks, sections


def _picture(chart: Chart) -> Picture:
    headings, rows = chart.rows(ROWS_SHOWN)
    total = len(chart.table.frame)
    note = texts.PROSE["rows_shown"].format(shown=n.count(len(rows)), total=n.count(total)) if total > len(rows) else ""
    aligned = (
        "".join("r" if _numeric(cells) else "l" for cells in zip(*rows, strict=True)) if rows else "l" * len(headings)
    )
    table = Table(chart.name, chart.title, tuple(headings), tuple(row(*cells) for cells in rows), aligned, note)
    return Picture(chart.name, chart.title, chart.caption, chart.alt, table)


def _numeric(cells: tuple[str, ...]) -> bool:
    """Whether a column of texts holds numbers, so that it is set flush right."""
    return all(
        not cell or cell == n.MISSING or (any(c.isdigit() for c in cell) and not cell[:1].isalpha()) for cell in cells
    )


def _money(data: Data, value: float | None) -> str:
    return n.money(value, data["data"]["currency"])


def _cards(data: Data) -> Cards:
    f = data["forecast"]
    period = texts.CARDS["period"].format(start=n.day(f["start"]), end=n.day(f["end"]))

    def interval(name: str, show: Any) -> str:
        return texts.CARDS["interval"].format(lower=show(f[name + "_lower"]), upper=show(f[name + "_upper"]))

    def money(value: float | None) -> str:
        return _money(data, value)

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


def _data(data: Data, pictures: list[Picture]) -> list[Block]:
    has_value = "value" in quantities(data)
    ledger = [
        row(
            reason(r["reason"]),
            n.count(r["rows"]),
            n.count(r["customers"]),
            *([_money(data, r["value"])] if has_value else []),
        )
        for r in data["data"]["ledger"]
        if r["rows"]
    ]
    total = row(
        Cell(texts.HEADINGS["total"], "strong"), Cell(n.count(data["data"]["rows"]), "strong"), "", *[""] * has_value
    )
    headings = [texts.HEADINGS[key] for key in ("fate", "rows", "customers", *(["value"] if has_value else []))]
    kpis = data["kpis"]
    values = {
        "average_order_value": _money(data, kpis["average_order_value"]),
        "purchase_frequency": texts.KPI_UNITS["purchase_frequency"].format(value=n.decimal(kpis["purchase_frequency"])),
        "relationship_duration": texts.KPI_UNITS["relationship_duration"].format(
            value=n.decimal(kpis["relationship_duration"])
        ),
        "churn_rate": n.percent(kpis["churn_rate"]),
    }
    rows = [
        row(texts.KPIS[name], shown, kpis["definitions"][name]["definition"], kpis["definitions"][name]["trap"])
        for name, shown in values.items()
        if has_value or name != "average_order_value"
    ]
    if has_value:
        clv = _money(data, kpis["customer_lifetime_value"])
        rows.append(row(texts.KPIS["customer_lifetime_value"], clv, texts.KPI_CLV["definition"], texts.KPI_CLV["trap"]))
    until = n.day(data["provenance"]["options"]["until"])
    kpi_headings = tuple(texts.HEADINGS[key] for key in ("indicator", "value", "definition", "trap"))
    return [
        Paragraph(texts.PROSE["ledger"]),
        Table("ledger", texts.CAPTIONS["ledger"], tuple(headings), (*ledger, total), "lrr" + "r" * has_value),
        *pictures,
        Paragraph(texts.PROSE["kpis"].format(until=until)),
        Table("kpis", texts.CAPTIONS["kpis"], kpi_headings, tuple(rows), "lrll"),
    ]


def _believe(data: Data, pictures: list[Picture]) -> list[Block]:
    calibration, holdout = data["calibration"], data["holdout"]
    new = texts.PROSE["split_new" if holdout["new_customers"] else "split_none"].format(
        new=n.count(holdout["new_customers"])
    )
    blocks: list[Block] = [
        Paragraph(
            texts.PROSE["split"].format(
                start=n.day(calibration["start"]),
                end=n.day(calibration["end"]),
                customers=n.count(calibration["customers"]),
                repeat=n.count(calibration["repeat_customers"]),
                holdout_start=n.day(holdout["start"]),
                holdout_end=n.day(holdout["end"]),
                new=new,
            )
        ),
        Paragraph(formula_wins(data)),
        *(scores(data, quantity) for quantity in quantities(data)),
        *(picture for picture in pictures if picture.name == "verdict"),
        Paragraph(
            texts.PROSE["comparison"].format(
                model=model_title(data), resamples=n.count(data["provenance"]["resamples"])
            )
        ),
        *(verdicts(data, quantity) for quantity in quantities(data)),
        *(picture for picture in pictures if picture.name != "verdict"),
    ]
    return blocks


def _model(data: Data, pictures: list[Picture]) -> list[Block]:
    headings = tuple(texts.HEADINGS[key] for key in ("parameter", "calibration", "error", "refit", "error"))
    rows = []
    for part in ("purchases", "spend"):
        one, two = data["models"][part], data["forecast"]["models"][part]
        if one is None:
            continue
        for name in one["parameters"]:
            cells = [
                n.significant(fit[kind].get(name), digits)
                for fit in (one, two)
                for kind, digits in (("parameters", 4), ("standard_errors", 2))
            ]
            rows.append(row(f"{one['title']}: {texts.LETTERS.get(name, name)}", *cells))
        likelihood = [n.decimal(fit["log_likelihood"]) for fit in (one, two)]
        rows.append(row(f"{one['title']}: {texts.HEADINGS['log_likelihood']}", likelihood[0], "", likelihood[1], ""))
    until = n.day(data["provenance"]["options"]["until"])
    opinion = check(data, "second_opinion")
    return [
        Paragraph(texts.PROSE["refit"].format(until=until)),
        Table("parameters", texts.CAPTIONS["parameters"].format(units=units(data)), headings, tuple(rows), "lrrrr"),
        *([Paragraph(f"{texts.PROSE['oracle']} {opinion['evidence']}")] if opinion else []),
        *pictures,
    ]


def _use(data: Data, customers: pd.DataFrame, pictures: list[Picture]) -> list[Block]:
    f, has_value = data["forecast"], "value" in quantities(data)
    names = ["purchases", *(["value", "clv"] if has_value else [])]

    def show(name: str, end: str) -> str:
        return n.count(f[name + end]) if name == "purchases" else _money(data, f[name + end])

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
            formula=_money(data, f["formula_value"]), model=_money(data, f["value"]), ratio=n.decimal(ratio, 1)
        )
        blocks += [*pictures, _tiers(data), Paragraph(guard)]
    else:
        blocks += pictures
    return [*blocks, _top(data, customers)]


def _each(data: Data, name: str) -> str:
    mean = data["forecast"][name] / data["forecast"]["customers"]
    return n.decimal(mean) if name == "purchases" else _money(data, mean)


def _tiers(data: Data) -> Table:
    tiers = data["forecast"]["tiers"]
    whole = sum(tier["value"] for tier in tiers)
    headings = tuple(
        texts.HEADINGS[key]
        for key in ("tier", "customers", "expected_purchases", "value", "share", "each", "past", "formula")
    )
    rows = tuple(
        row(
            texts.TIERS.get(tier["tier"], tier["tier"]),
            n.count(tier["customers"]),
            n.count(tier["expected_purchases"]),
            _money(data, tier["value"]),
            n.percent(tier["value"] / whole if whole else None),
            _money(data, tier["value"] / tier["customers"]),
            _money(data, tier["value_past"]),
            _money(data, tier["formula_value"]),
        )
        for tier in tiers
    )
    return Table("tiers", texts.CAPTIONS["tiers"], headings, rows, "lrrrrrrr", note=texts.PROSE["tiers"])


def _top(data: Data, customers: pd.DataFrame) -> Table:
    """The customers with the highest expected value, formula beside model."""
    has_value = "value" in quantities(data)
    top = customers.nlargest(TOP, "value" if has_value else "expected_purchases")
    keys = ["customer", "last_purchase", "frequency", "p_active", "expected_purchases"]
    keys += ["value", "interval", "formula"] if has_value else ["interval"]
    rows = []
    for c in top.to_dict("records"):
        cells = [
            str(c["customer_id"]), n.day(pd.Timestamp(c["last_purchase"]).date()), n.count(c["frequency"]),
            n.percent(c["p_active"], 0), n.decimal(c["expected_purchases"], 1),
        ]  # fmt: skip
        if has_value:
            spread = f"{_money(data, c['value_lower'])} to {_money(data, c['value_upper'])}"
            cells += [_money(data, c["value"]), spread, _money(data, c["formula_value"])]
        else:
            cells += [f"{n.count(c['purchases_lower'])} to {n.count(c['purchases_upper'])}"]
        rows.append(row(*cells))
    caption = texts.CAPTIONS["top_value" if has_value else "top_purchases"].format(top=TOP)
    return Table("top", caption, tuple(texts.HEADINGS[key] for key in keys), tuple(rows), "ll" + "r" * (len(keys) - 2))


def _findings(data: Data) -> Findings:
    order = ("fail", "review", "pass")
    found = sorted(data["checks"], key=lambda one: order.index(one["status"]))
    return Findings(
        tuple(
            Finding(one["title"], one["status"], texts.STATUS[one["status"]], one["evidence"], one["recommendation"])
            for one in found
        )
    )


def _methods(data: Data) -> list[Block]:
    has_value = "value" in quantities(data)
    said = [
        text.format(
            units=units(data),
            rate=n.rate(data["forecast"]["discount_rate"]),
            resamples=n.count(data["provenance"]["resamples"]),
        )
        for name, text in texts.METHODS.items()
        if has_value or name not in ("spend", "discounting")
    ]
    rivals = tuple(texts.PREDICTORS[name] for name in rivals_of(data, "purchases") if name in texts.PREDICTORS)
    return [*(Paragraph(text) for text in said), Paragraph(texts.PROSE["formulas"]), Terms(rivals)]


def _limits(data: Data) -> list[Block]:
    has_value, margin = "value" in quantities(data), data["forecast"]["margin"]
    return [
        Bullets(
            tuple(
                Item(
                    text.format(
                        until=n.day(data["provenance"]["options"]["until"]),
                        margin="" if margin == 1 else texts.PROSE["times_margin"].format(margin=n.rate(margin)),
                    )
                )
                for name, text in texts.LIMITS.items()
                if has_value or name != "costs"
            )
        )
    ]


def _metric_terms() -> Terms:
    return Terms(
        tuple((m.label, f"{m.definition} ({texts.BETTER[m.better].capitalize()}.)") for m in texts.METRICS.values())
    )


def _cite(data: Data, customers: pd.DataFrame) -> list[Block]:
    p = data["provenance"]
    packages = n.listing([f"{name} {version}" for name, version in p["packages"].items()])
    columns = tuple(
        (f"`{c}`", texts.COLUMNS[c].format(units=units(data))) for c in customers.columns if c in texts.COLUMNS
    )
    others = [f"`{c}`" for c in customers.columns if c not in texts.COLUMNS]
    return [
        Paragraph(texts.PROSE["cite"]),
        Code(citation(data)),
        Paragraph(texts.PROSE["reproduce"]),
        Code(p["command"]),
        Paragraph(texts.PROSE["packages"].format(version=p["version"], packages=packages, seed=p["seed"], id=p["id"])),
        Code(data["data"]["sha256"]),
        Paragraph(texts.PROSE["files"]),
        Terms(columns),
        *([Paragraph(texts.PROSE["own_columns"].format(columns=n.listing(others)))] if others else []),
    ]
