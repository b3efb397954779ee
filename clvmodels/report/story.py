"""What the report says, in its order: report.json, the customer table and the figures → a Document of titled blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from clvmodels.report import backmatter, forecasts, meeting, texts
from clvmodels.report import numbers as n
from clvmodels.report.choosing import choice, refitted
from clvmodels.report.comparisons import everything, formula_wins, scores, verdicts
from clvmodels.report.customers import section
from clvmodels.report.document import (
    Block,
    Bullets,
    Cell,
    Document,
    Finding,
    Findings,
    Item,
    Paragraph,
    Picture,
    Section,
    Sliders,
    Table,
    row,
)  # fmt: skip
from clvmodels.report.sentences import (
    Data,
    amount,
    amounts,
    check,
    estimation,
    fit_notes,
    fits,
    headline,
    headline_note,
    is_bayesian,
    model_title,
    quantities,
    reason,
    ten,
    units,
)  # fmt: skip

if TYPE_CHECKING:  # matplotlib is loaded only when something is drawn
    from clvmodels.charts import Told

PLACES: dict[str, tuple[str, ...]] = {
    "data": ("timeline",),
    "believe": ("verdict", "tracking", "conditional_expectation", "deciles", "gain", "reliability", "pit"),
    "model": ("frequency_histogram", "alive_heatmap", "purchases_heatmap"),
    "use": ("value_distribution",),
    "indicators": ("indicator_periods",),
    "channels": ("channel_values",),
    "cards": ("customer_paths", "customer_outcomes"),
}
"""Which figure stands in which section; a figure without a place comes at the end of "model"."""

ROWS_SHOWN = 40
"""Rows of a figure's table inside the page; all of them are in figures/NAME.csv."""


def document(data: Data, customers: pd.DataFrame, charts: Mapping[str, Told]) -> Document:
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
    pictures = {name: picture(chart) for name, chart in charts.items()}
    at = {place: [pictures[name] for name in names if name in pictures] for place, names in PLACES.items()}
    at["model"] += [one for name, one in pictures.items() if name not in placed]
    bodies: dict[str, list[Block]] = {
        "summary": [],
        "data": _data(data, at["data"]),
        "believe": _believe(data, at["believe"]),
        "choice": choice(data),
        "model": _model(data, at["model"]),
        "use": forecasts.forecast(data, customers, at["use"]),
        "indicators": meeting.indicators(data, at["indicators"]),
        "channels": meeting.channels(data, at["channels"]),
        "levers": meeting.levers(data),
        "attention": meeting.attention(data),
        "cards": section(data, at["cards"]),
        "checks": [Paragraph(texts.PROSE["checks"]), _findings(data)],
        "methods": backmatter.methods(data),
        "limits": backmatter.limits(data),
        "glossary": backmatter.glossary(data),
        "cite": backmatter.cite(data, customers),
        "appendix": everything(data),
    }
    marks, sections = _numbered({name: body for name, body in bodies.items() if body or name == "summary"})
    figure = marks.get("timeline", texts.TITLES["data"])
    numbers = {section.name: section.number for section in sections}
    sections[0] = Section(
        "summary", texts.TITLES["summary"], (forecasts.cards(data), Bullets(ten(data, figure), numbered=True))
    )
    first, last = n.day(data["data"]["first_date"]), n.day(data["data"]["last_date"])
    return Document(
        language=data["provenance"]["options"]["language"],
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
            elif isinstance(block, Sliders):  # on paper its table stands for it
                counters["table"] += 1
                mark = marks[block.table.name] = texts.MARKS["table"].format(number=counters["table"])
                block = replace(block, table=replace(block.table, mark=mark))
            marked.append(block)
        sections.append(Section(name, texts.TITLES[name], tuple(marked), str(number) if number else ""))
    return marks, sections


def picture(chart: Told) -> Picture:
    """A drawn figure as a block, with the first rows of its table."""
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


def _data(data: Data, pictures: list[Picture]) -> list[Block]:
    has_value = "value" in quantities(data)
    fates = [r for r in data["data"]["ledger"] if r["rows"]]
    money = amounts(data, [r["value"] for r in fates]) if has_value else []
    ledger = [
        row(reason(r["reason"]), n.count(r["rows"]), n.count(r["customers"]), *money[i : i + 1])
        for i, r in enumerate(fates)
    ]
    total = row(
        Cell(texts.HEADINGS["total"], "strong"), Cell(n.count(data["data"]["rows"]), "strong"), "", *[""] * has_value
    )
    headings = [texts.HEADINGS[key] for key in ("fate", "rows", "customers", *(["value"] if has_value else []))]
    return [
        Paragraph(texts.PROSE["ledger"]),
        Table("ledger", texts.CAPTIONS["ledger"], tuple(headings), (*ledger, total), "lrr" + "r" * has_value),
        *pictures,
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
        *(one for one in pictures if one.name == "verdict"),
        Paragraph(
            texts.PROSE["comparison"].format(
                model=model_title(data), resamples=n.count(data["provenance"]["resamples"])
            )
        ),
        *(verdicts(data, quantity) for quantity in quantities(data)),
        *(one for one in pictures if one.name != "verdict"),
    ]
    return blocks


def _model(data: Data, pictures: list[Picture]) -> list[Block]:
    headings = tuple(texts.HEADINGS[key] for key in ("parameter", "calibration", "error", "refit", "error"))
    rows = []
    for part in ("purchases", "spend"):
        one, two = data["models"][part], data["forecast"]["models"][part]
        if one is None:
            continue
        for title in dict.fromkeys((one["title"], two["title"])):  # chosen anew, the second may be another
            both = [fit if fit["title"] == title else None for fit in (one, two)]
            rows += _estimates(title, both)
    until = n.day(data["provenance"]["options"]["until"])
    opinion = check(data, "second_opinion")
    return [
        Paragraph(refitted(data, until)),
        Table(
            "parameters",
            texts.CAPTIONS["parameters"].format(estimation=estimation(data), units=units(data)),
            headings,
            tuple(rows),
            "lrrrr",
        ),
        *_trust(data),
        *([Paragraph(f"{texts.PROSE['oracle']} {opinion['evidence']}")] if opinion else []),
        *_spend(data),
        *pictures,
    ]


def _estimates(title: str, both: Sequence[Mapping[str, Any] | None]) -> list[tuple[Cell, ...]]:
    """Rows of one model: its parameters, and its log-likelihood where it has one; by period, where it was fitted."""
    names = dict.fromkeys(name for fit in both if fit for name in fit["parameters"])
    rows = []
    for name in names:
        cells = [
            n.significant(fit[kind].get(name) if fit else None, digits)
            for fit in both
            for kind, digits in (("parameters", 4), ("standard_errors", 2))
        ]
        rows.append(row(f"{title}: {texts.LETTERS.get(name, name)}", *cells))
    likelihood = [fit["log_likelihood"] if fit else None for fit in both]
    if likelihood != [None, None]:
        one, two = (n.decimal(value) for value in likelihood)
        rows.append(row(f"{title}: {texts.HEADINGS['log_likelihood']}", one, "", two, ""))
    return rows


def _trust(data: Data) -> list[Block]:
    """The certificate of every posterior, how much its priors matter, and what the fits warn of."""
    blocks: list[Block] = []
    if is_bayesian(data):
        blocks.append(Paragraph(texts.PROSE["certificate"].format(estimation=estimation(data))))
        said = [
            texts.PROSE["certified"].format(
                title=fit["title"], side=side.lower(), verdict=fit["verdict"].replace(" -", f" {n.MINUS}")
            )
            for side, fit in fits(data)
        ]
        blocks.append(Bullets(tuple(Item(text) for text in said)))
        refits = (data["forecast"]["models"][kind] for kind in ("purchases", "spend"))
        parts = [
            texts.PROSE["influence_part"].format(title=fit["title"], words=fit["prior_influence_words"])
            for fit in refits
            if fit and fit["prior_influence_words"]
        ]
        blocks.append(Paragraph(texts.PROSE["influence"].format(parts="; ".join(parts))))
    if notes := fit_notes(data):
        blocks += [Paragraph(texts.PROSE["notes"]), Bullets(tuple(Item(note) for note in notes))]
    return blocks


def _spend(data: Data) -> list[Block]:
    """Spend by frequency class, and what it does to revenue; nothing without money."""
    found = check(data, "spend_frequency")
    if found is None:
        return []
    classes = [one for one in found["values"]["classes"] if one["customers"]]
    rows = [
        row(
            one["frequency"],
            n.count(one["customers"]),
            amount(data, one["mean_spend"]),
            n.decimal(one["ratio"]),
            n.percent(one["effect"], sign=True),
        )
        for one in classes
    ]
    total = [n.count(sum(one["customers"] for one in classes)), "", "", n.percent(found["values"]["effect"], sign=True)]
    last = row(*(Cell(text, "strong") for text in (texts.HEADINGS["all"], *total)))
    headings = tuple(texts.HEADINGS[key] for key in ("repeats", "customers", "mean_spend", "ratio", "effect"))
    table = Table("spend", texts.CAPTIONS["spend"], headings, (*rows, last), "lrrrr")
    if growth := found["values"].get("growth"):
        effects = {name: n.percent(growth[name], sign=True) for name in ("effect", "effect_lower", "effect_upper")}
        factor = {name: n.decimal(growth[name], 3) for name in ("g", "lower", "upper")}
        return [Paragraph(texts.PROSE["spend_growth"].format(**factor, **effects)), table]
    published = data["models"]["spend"]["family"] == "gamma_gamma"
    return [Paragraph(texts.PROSE["spend" if published else "spend_first"]), table]


def _findings(data: Data) -> Findings:
    order = ("fail", "review", "pass")
    found = sorted(data["checks"], key=lambda one: order.index(one["status"]))
    return Findings(
        tuple(
            Finding(one["title"], one["status"], texts.STATUS[one["status"]], one["evidence"], one["recommendation"])
            for one in found
        )
    )
