"""A comparison of two reports in words: a Document for every medium."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clvmodels.language import SPOKEN, Catalogue, language, ngettext
from clvmodels.report import numbers as n
from clvmodels.report import texts
from clvmodels.report.differences import Change, Difference
from clvmodels.report.document import Block, Bullets, Cell, Document, Item, Paragraph, Section, Table, row

TITLES: Catalogue[str] = SPOKEN | {
    "title": "Two reports compared",
    "subtitle": "{before} → {after}",
    "one": "{title}, up to {until} (report {id})",
    "running": "{before} → {after} · compared by clvmodels {version}",
    "summary": "What moved",
    "data": "The data",
    "forecast": "The forecast",
    "kpis": "Indicators",
    "parameters": "Parameters",
    "scores": "The model in the holdout",
    "verdicts": "Verdicts against the formula, and checks",
    "customers": "Customers",
}

WORDS: Catalogue[str] = SPOKEN | {
    "same_data": "Both reports are of the same data up to the same day: what differs comes from what was asked, not "
    "from chance.",
    "limits": "A difference is more than noise when its 95% limits leave out 0. They take the two reports as "
    "independent; where both hold the same customers, less would be noise. Indicators of customers in both are "
    "paired, and their limits hold for all indicators together.",
    "aging": "Indicators also move because the same customers are older: a difference is not yet a change of "
    "behaviour.",
    "nothing": "Nothing moved.",
    "none_beyond": "No difference is more than noise.",
    "options": "Asked differently: {options}.",
    "option": "{name} {before} → {after}",
    "value_moved": "Expected value: {before} → {after} ({relative}).",
    "purchases_moved": "Expected purchases: {before} → {after} ({relative}).",
    "kept": "Of the {both} customers in both, {same} kept their tier; {up} rose and {down} fell. {new} are new, {gone} "
    "are gone.",
    "kept_purchases": "Customers in both keep their order to a rank correlation of {rank}.",
    "rank": "The order of customers by expected value is kept to a rank correlation of {rank}.",
    "verdicts_same": "Every comparison with the formula has the verdict it had.",
    "checks_same": "Every check has the status it had.",
    "missing": "A report without `customers.parquet` or `customers.csv`: customers cannot be compared.",
    "unset": "not set",
    "not_there": "Not there",
}

VERDICTS: Catalogue[str] = SPOKEN | {
    "up": "rose",
    "down": "fell",
    "no evidence": "within noise",
    "options": "asked differently",
    "count": "counted",
    "length": "holdouts of other lengths",
    "same": "the same",
}

HEADINGS: Catalogue[str] = SPOKEN | {
    "what": "What",
    "before": "Before",
    "after": "After",
    "difference": "Difference",
    "relative": "Relative",
    "limits": "95% limits of the difference",
    "verdict": "Moved?",
    "quantity": "Quantity",
    "measure": "Measure",
    "against": "Against",
    "check": "Check",
    "tier": "Before ↓, after →",
    "customer": "Customer",
}

NAMES: Catalogue[str] = SPOKEN | {
    "rows": "Rows of the input",
    "customers": "Customers",
    "repeat_customers": "Customers with repeat purchases",
    "active_customers": "Customers expected to buy",
    "purchases": "Purchases",
    "value": "Value, undiscounted",
    "clv": "CLV, discounted",
}

CAPTIONS: Catalogue[str] = SPOKEN | {
    "data": "What was observed",
    "forecast": "Forecasts: {before} before, {after} after",
    "kpis": "Indicators as observed, and mean CLV",
    "parameters": "Parameters of the fits behind the forecasts",
    "scores": "The model's measures, each in its own holdout",
    "verdicts": "Verdicts that changed",
    "checks": "Checks that changed",
    "tiers": "Customers by tier, before and after",
    "movers": "Customers whose expected value rose or fell most",
    "movers_purchases": "Customers whose expected purchases rose or fell most",
}

PARTS = ("data", "forecast", "kpis", "parameters", "scores")
TONES = {
    "up": "strong",
    "down": "strong",
    "options": "strong",
    "no evidence": "muted",
    "count": "",
    "length": "muted",
    "same": "muted",
}


def difference_document(found: Difference) -> Document:
    """The comparison as a page."""
    from clvmodels import __version__

    before, after = (_one(data) for data in (found.before, found.after))
    bodies: dict[str, list[Block]] = {"summary": _summary(found)}
    for part in PARTS:
        if changes := found.of(part):
            bodies[part] = [_table(found, part, changes)]
    bodies["kpis"].append(Paragraph(WORDS["aging"]))
    bodies["verdicts"] = _verdicts(found)
    bodies["customers"] = _customers(found)
    sections = tuple(
        Section(name, TITLES[name], tuple(blocks), str(number) if number else "")
        for number, (name, blocks) in enumerate(bodies.items())
    )
    return Document(
        language=language(),
        title=TITLES["title"],
        subtitle=TITLES["subtitle"].format(before=before, after=after),
        running=TITLES["running"].format(before=before, after=after, version=__version__),
        verdict=headline(found),
        verdict_note=WORDS["same_data"] if found.same_data else WORDS["limits"],
        created="",
        sections=sections,
        words={key: texts.PROSE[key] for key in ("contents", "as_table", "page", "table_elsewhere")},
    )


def headline(found: Difference) -> str:
    """The comparison in a sentence: what the forecast did."""
    money = "value" in {change.name for change in found.of("forecast")}
    name = "value" if money else "purchases"
    change = next(change for change in found.of("forecast") if change.name == name)
    said = WORDS[f"{name}_moved"].format(
        before=_shown(found, change, change.before),
        after=_shown(found, change, change.after),
        relative=n.percent(change.relative, sign=True),
    )
    beyond = [one for one in found.changes if one.verdict in ("up", "down")]
    if found.same_data:
        return said
    counted = ngettext(
        "{n} difference is more than noise.", "{n} differences are more than noise.", len(beyond)
    ).format(n=n.count(len(beyond)))
    return f"{said} {counted if beyond else WORDS['none_beyond']}"


def lines(found: Difference) -> list[str]:
    """The summary as plain lines, for a screen."""
    return [
        headline(found),
        *(item.text for block in _summary(found) if isinstance(block, Bullets) for item in block.items),
    ]


def _one(data: Mapping[str, Any]) -> str:
    until = n.day(data["provenance"]["options"]["until"])
    return TITLES["one"].format(title=data["data"]["title"], until=until, id=data["provenance"]["id"])


def _summary(found: Difference) -> list[Block]:
    items = []
    if found.options:
        asked = [
            WORDS["option"].format(name="`--" + name.replace("_", "-") + "`", before=_option(a), after=_option(b))
            for name, a, b in found.options
        ]
        items.append(WORDS["options"].format(options="; ".join(asked)))
    for part in PARTS:
        moved = [change for change in found.of(part) if change.verdict in ("up", "down")]
        if moved:
            items.append(f"**{TITLES[part]}.** " + "; ".join(_said(found, change) for change in moved) + ".")
    if found.tiers is not None:
        items.append(_kept(found))
    if found.rank_correlation is not None:
        key = "rank" if found.tiers is not None else "kept_purchases"
        items.append(WORDS[key].format(rank=n.decimal(found.rank_correlation)))
    if not any(change.verdict != "same" for change in found.changes) and not found.options:
        return [Paragraph(WORDS["nothing"])]
    return [Bullets(tuple(Item(text) for text in items))]


def _said(found: Difference, change: Change) -> str:
    ends = _shown(found, change, change.before), _shown(found, change, change.after)
    return f"{_name(change)} {VERDICTS[change.verdict]}: {ends[0]} → {ends[1]}"


def _kept(found: Difference) -> str:
    tiers = found.tiers
    assert tiers is not None
    inner = tiers.iloc[:-1, :-1].to_numpy()
    above = [(i, j) for i in range(len(inner)) for j in range(len(inner))]
    return WORDS["kept"].format(
        both=n.count(inner.sum()),
        same=n.count(sum(inner[i, j] for i, j in above if i == j)),
        up=n.count(sum(inner[i, j] for i, j in above if j < i)),
        down=n.count(sum(inner[i, j] for i, j in above if j > i)),
        new=n.count(tiers.iloc[-1, :-1].sum()),
        gone=n.count(tiers.iloc[:-1, -1].sum()),
    )


def _option(value: Any) -> str:
    return WORDS["unset"] if value in (None, "", []) else f"`{value}`"


def _name(change: Change) -> str:
    """What changed, in words."""
    if change.part == "kpis":
        return texts.KPIS[change.name]
    if change.part == "parameters":
        title, _, name = change.name.partition(": ")
        return f"{title}: {texts.LETTERS.get(name, name)}"
    if change.part == "scores":
        quantity, metric = change.name.split("/")
        return f"{texts.METRICS[metric].label}, {texts.QUANTITIES[quantity]}"
    return NAMES[change.name]


def _shown(found: Difference, change: Change, value: float | None, *, sign: bool = False) -> str:
    """A number of a change as people read it."""
    currency = found.after["data"]["currency"]
    if value is None:
        return n.MISSING
    if change.part == "data" or (change.part, change.name) in {
        ("forecast", "purchases"),
        ("forecast", "active_customers"),
    }:
        return ("+" if sign and value > 0 else "") + n.count(value)
    if change.part == "forecast" or change.name in ("average_order_value", "customer_lifetime_value"):
        return n.money(value, currency, sign=sign)
    if change.name == "churn_rate":
        return n.points(value) if sign else n.percent(value)
    if change.part == "parameters":
        return ("+" if sign and value > 0 else "") + n.significant(value, 4)
    if change.part == "scores":
        quantity, metric = change.name.split("/")
        style = texts.METRICS[metric].style
        if style == "amount" and quantity == "value":
            return n.money(value, currency, sign=sign)
        if style in ("percent", "share"):
            return n.points(value) if sign else n.percent(value)
        return n.decimal(value, 3, sign=sign)
    return n.decimal(value, 2, sign=sign)


def _table(found: Difference, part: str, changes: tuple[Change, ...]) -> Table:
    rows = []
    for change in changes:
        limits = n.MISSING
        if change.lower is not None and change.upper is not None:
            ends = (_shown(found, change, end, sign=True) for end in (change.lower, change.upper))
            limits = n.between(*ends)
        rows.append(
            row(
                _name(change),
                _shown(found, change, change.before),
                _shown(found, change, change.after),
                _shown(found, change, change.difference, sign=True),
                n.percent(change.relative, sign=True) if part in ("data", "forecast", "kpis") else "",
                limits,
                Cell(VERDICTS[change.verdict], TONES[change.verdict]),  # type: ignore[arg-type]
            )
        )
    keys = ["what", "before", "after", "difference", "relative", "limits", "verdict"]
    drop = {5} if part == "data" else set() if part in ("forecast", "kpis") else {4}
    heads = tuple(HEADINGS[key] for at, key in enumerate(keys) if at not in drop)
    kept = tuple(tuple(cell for at, cell in enumerate(cells) if at not in drop) for cells in rows)
    caption = CAPTIONS[part]
    if part == "forecast":
        spans = (
            n.between(n.day(data["forecast"]["start"]), n.day(data["forecast"]["end"]))
            for data in (found.before, found.after)
        )
        caption = caption.format(**dict(zip(("before", "after"), spans, strict=True)))
    return Table(part, caption, heads, kept, "l" + "r" * (len(heads) - 2) + "l")


def _verdicts(found: Difference) -> list[Block]:
    blocks: list[Block] = []
    if found.verdicts:
        rows = tuple(
            row(
                texts.QUANTITIES[quantity],
                texts.METRICS[metric].label,
                texts.PREDICTORS[rival][0] if rival in texts.PREDICTORS else rival,
                texts.VERDICTS[before],
                texts.VERDICTS[after],
            )
            for quantity, metric, rival, before, after in found.verdicts
        )
        heads = tuple(HEADINGS[key] for key in ("quantity", "measure", "against", "before", "after"))
        blocks.append(Table("verdicts", CAPTIONS["verdicts"], heads, rows, "lllll"))
    else:
        blocks.append(Paragraph(WORDS["verdicts_same"]))
    if found.checks:
        rows = tuple(row(title, *(texts.STATUS.get(s, n.MISSING) for s in both)) for title, *both in found.checks)
        heads = tuple(HEADINGS[key] for key in ("check", "before", "after"))
        blocks.append(Table("checks", CAPTIONS["checks"], heads, rows, "lll"))
    else:
        blocks.append(Paragraph(WORDS["checks_same"]))
    return blocks


def _customers(found: Difference) -> list[Block]:
    if found.movers is None:
        return [Paragraph(WORDS["missing"])]
    blocks: list[Block] = []
    money = found.tiers is not None
    if found.tiers is not None:
        named = [texts.TIERS[name] if name else WORDS["not_there"] for name in found.tiers.index]
        rows = tuple(
            row(name, *(n.count(count) if count else n.MISSING for count in counts))
            for name, counts in zip(named, found.tiers.to_numpy(), strict=True)
        )
        blocks.append(Table("tiers", CAPTIONS["tiers"], (HEADINGS["tier"], *named), rows, "lrrrrr"))

    def show(value: float, *, sign: bool = False) -> str:
        currency = found.after["data"]["currency"]
        return n.money(value, currency, sign=sign) if money else n.decimal(value, 2, sign=sign)

    rows = tuple(
        row(str(one["customer_id"]), show(one["before"]), show(one["after"]), show(one["difference"], sign=True))
        for one in found.movers.to_dict("records")
    )
    heads = tuple(HEADINGS[key] for key in ("customer", "before", "after", "difference"))
    if not rows:
        return blocks or [Paragraph(WORDS["nothing"])]
    caption = CAPTIONS["movers" if money else "movers_purchases"]
    return [*blocks, Table("movers", caption, heads, rows, "lrrr")]
