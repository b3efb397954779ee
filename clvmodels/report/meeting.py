"""What people take to the meeting: indicators, channels, levers and the customers to look at, as blocks."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

from clvmodels.attention import length, reason_words
from clvmodels.forecast_rows import TIERS
from clvmodels.language import ngettext
from clvmodels.report import meeting_texts as words
from clvmodels.report import numbers as n
from clvmodels.report import texts
from clvmodels.report.document import Block, Cell, Paragraph, Picture, Slider, Sliders, Table, row
from clvmodels.report.sentences import Data, amount, amounts, quantities
from clvmodels.written import month

SHOWN_GRID = (-0.2, -0.1, 0.0, 0.1, 0.2, 0.5)
"""Changes of the sliders' table on paper."""
OFFER_COLUMNS = {
    "gain": "gain",
    "formula_gain": "formula_gain",
    "cost_per_customer": "break_even",
    "formula_cost_per_customer": "formula_break_even",
}
"""Columns of the table of offers, and their headings."""


def _dates(data: Data) -> dict[str, str]:
    f = data["forecast"]
    return {
        "start": n.day(f["start"]),
        "end": n.day(f["end"]),
        "until": n.day(data["provenance"]["options"]["until"]),
    }


def _range(lower: str, upper: str) -> str:
    """Both on one line."""
    return n.MISSING if n.MISSING in (lower, upper) else n.between(lower, upper).replace(" ", "\u00a0")


def _months(years: float | None) -> str:
    return n.decimal(None if years is None else 12 * years, 1)


# ---------------------------------------------------------------------------------------------------------- indicators


def indicators(data: Data, pictures: Sequence[Picture]) -> list[Block]:
    """As observed, factor by factor, as expected, over time and by group."""
    blocks: list[Block] = [Paragraph(words.PROSE["indicators"]), _observed(data), Paragraph(words.PROSE["factors"])]
    blocks += [_factors(data), Paragraph(words.PROSE["expected"]), _expected(data)]
    blocks += _over_time(data, pictures)
    return [*blocks, *(_by_segment(data, name) for name in _segments(data))]


def _everyone(rows: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {one["indicator"]: one for one in rows if one["segment"] == ""}


def _segments(data: Data) -> list[str]:
    return list(dict.fromkeys(one["segment"] for one in data["kpis"]["observed"] if one["segment"]))


def _shown(data: Data, name: str, value: float | None) -> str:
    """An indicator with its unit."""
    if name in ("average_order_value", "value_per_customer", "clv_per_customer"):
        return amount(data, value)
    if name == "purchase_frequency":
        return words.SHORT["a_year"].format(value=n.decimal(value)) if value is not None else n.MISSING
    if name in ("relationship_duration", "active_years"):
        return words.SHORT["years"].format(value=n.decimal(value)) if value is not None else n.MISSING
    return n.percent(value)


def _number(data: Data, name: str, value: float | None) -> str:
    """The same without its unit, for limits."""
    if name in ("purchase_frequency", "relationship_duration", "active_years"):
        return n.decimal(value)
    return _shown(data, name, value)


def _observed(data: Data) -> Table:
    kpis, seen = data["kpis"], _everyone(data["kpis"]["observed"])
    rows = [
        row(
            texts.KPIS[name],
            _shown(data, name, one["value"]),
            _range(_number(data, name, one["lower"]), _number(data, name, one["upper"])),
            kpis["definitions"][name]["definition"],
            kpis["definitions"][name]["trap"],
        )
        for name, one in seen.items()
    ]
    if "value" in quantities(data):
        clv = amount(data, kpis["customer_lifetime_value"])
        told = texts.KPI_CLV
        rows.append(row(texts.KPIS["customer_lifetime_value"], clv, "", told["definition"], told["trap"]))
    heads = tuple(words.HEADS[key] for key in ("indicator", "value", "limits", "definition", "trap"))
    return Table("kpis", words.CAPTIONS["kpis"].format(until=_dates(data)["until"]), heads, tuple(rows), "lrrll")


def _factors(data: Data) -> Table:
    """Average order value × frequency × duration, twice; both columns multiply."""
    seen, known = (_everyone(data["kpis"][kind]) for kind in ("observed", "expected"))
    years, margin = data["kpis"]["horizon_years"], data["forecast"]["margin"]
    money = "value" in quantities(data)
    lines: list[tuple[str, float, float]] = []
    if money:
        name = "average_order_value"
        lines.append((name, seen[name]["value"], known[name]["value"]))
    frequency = "purchase_frequency"
    lines.append((frequency, seen[frequency]["value"] or 0.0, known[frequency]["value"] or 0.0))
    lines.append(("duration", years, known["active_years"]["value"]))
    if money and margin != 1:
        lines.append(("margin", margin, margin))
    rows, products = [], [1.0, 1.0]
    for name, one, other in lines:
        products = [products[0] * one, products[1] * other]
        cells = [_factor(data, name, value) for value in (one, other)]
        rows.append(row(words.FACTORS[name], *cells, n.decimal(one / other) if other else n.MISSING))
    shown = [amount(data, value) if money else n.decimal(value) for value in products]
    ratio = n.decimal(products[0] / products[1]) if products[1] else n.MISSING
    last = (words.FACTORS["product_value" if money else "product_counts"], *shown, ratio)
    rows.append(row(*(Cell(text, "strong") for text in last)))
    heads = tuple(words.HEADS[key] for key in ("factor", "by_formula", "by_model", "ratio"))
    caption = words.CAPTIONS["factors" if money else "factors_counts"].format(**_dates(data))
    return Table("factors", caption, heads, tuple(rows), "lrrr")


def _factor(data: Data, name: str, value: float) -> str:
    if name == "average_order_value":
        return amount(data, value)
    return n.rate(value) if name == "margin" else n.decimal(value)


def _expected(data: Data) -> Table:
    rows = []
    for name, one in _everyone(data["kpis"]["expected"]).items():
        limits = [_number(data, name, one[side]) for side in ("mean_lower", "mean_upper", "lower", "upper")]
        cells = [_shown(data, name, one["value"]), _range(*limits[:2]), _range(*limits[2:])]
        rows.append(row(words.INDICATORS[name], *cells, words.MEANINGS[name]))
    heads = tuple(words.HEADS[key] for key in ("indicator", "value", "limits_mean", "limits_seen", "definition"))
    return Table("expected", words.CAPTIONS["expected"].format(**_dates(data)), heads, tuple(rows), "lrrrl")


def _over_time(data: Data, pictures: Sequence[Picture]) -> list[Block]:
    kpis = data["kpis"]
    later = [one for one in kpis["periods"] if one["after_fit"] and one["indicator"] == "purchase_frequency"]
    side = [one["outside"] for one in later]
    facts = {"end": n.day(kpis["fitted_until"]), "n": n.count(len(later))}
    facts |= {name: n.count(side.count(name)) for name in ("above", "below")}
    said = words.PROSE["periods" if later else "periods_none"].format(**facts)
    blocks: list[Block] = [Paragraph(said), *pictures]
    cohorts = kpis["cohorts"]
    length_word = words.LENGTHS[kpis["cohort_length"]]
    if len(cohorts) < 2:
        return [*blocks, Paragraph(words.PROSE["cohort_one"].format(length=length_word))]
    expected: dict[str, dict[str, Any]] = {}
    for one in kpis["cohort_kpis"]:
        expected.setdefault(one["cohort"], {})[one["indicator"]] = one["value"]
    money = "value" in quantities(data)
    rows = []
    worth = amounts(data, [expected.get(one["cohort"], {}).get("clv_per_customer") for one in cohorts])
    for i, one in enumerate(cohorts):
        ahead = expected.get(one["cohort"], {})
        cells = [
            _cohort(one["cohort"], kpis["cohort_length"]), n.count(one["customers"]), n.decimal(one["repeats"]),
            _range(n.decimal(one["lower"]), n.decimal(one["upper"])), words.OUTSIDE[one["outside"] or ""],
            _months(ahead.get("active_years")), n.percent(ahead.get("p_no_purchase")),
        ]  # fmt: skip
        rows.append(row(*cells, *([worth[i]] if money else [])))
    keys = ["cohort", "customers", "repeats", "band", "outside", "active_months", "no_purchase"]
    keys += ["clv_each"] if money else []
    heads = tuple(words.HEADS[key] for key in keys)
    said = words.PROSE["cohorts"].format(length=length_word, **_dates(data))
    caption = words.CAPTIONS["cohorts"].format(**_dates(data))
    return [*blocks, Paragraph(said), Table("cohorts", caption, heads, tuple(rows), "lrrrrrr" + "r" * money)]


def _cohort(start: str, length: str) -> str:
    """A cohort's first day, month, quarter or year, as people write it."""
    day = dt.date.fromisoformat(start[:10])
    if length == "year":
        return str(day.year)
    if length == "quarter":
        return words.SHORT["quarter"].format(quarter=(day.month + 2) // 3, year=day.year)
    return words.SHORT["month"].format(month=month(day), year=day.year)


def _by_segment(data: Data, segment: str) -> Table:
    groups: dict[str | None, dict[str, Any]] = {}
    for kind in ("observed", "expected"):
        for one in data["kpis"][kind]:
            if one["segment"] in (segment, ""):
                name = one["group"] if one["segment"] else None
                found = groups.setdefault(name, {"customers": one["customers"]})
                found[f"{kind}_{one['indicator']}"] = one["value"]
    money = "value" in quantities(data)
    everyone = groups.pop(None, {})
    ordered: list[tuple[str | None, dict[str, Any]]] = [
        *sorted(groups.items(), key=lambda one: -one[1]["customers"]),
        (None, everyone),
    ]
    rows = []
    orders, worth = (
        amounts(data, [one.get(key) for _, one in ordered])
        for key in ("observed_average_order_value", "expected_clv_per_customer")
    )
    for i, (name, one) in enumerate(ordered):
        label = words.SHORT["everyone"] if name is None else str(name) or words.SHORT["none"]
        cells = [label, n.count(one["customers"])]
        cells += [orders[i]] if money else []
        cells += [n.decimal(one["observed_purchase_frequency"]), n.percent(one["observed_churn_rate"], 0)]
        cells += [n.decimal(one["expected_purchase_frequency"]), _months(one["expected_active_years"])]
        cells += [n.percent(one["expected_p_no_purchase"], 0)]
        cells += [worth[i]] if money else []
        rows.append(row(*(Cell(text, "strong") if name is None else text for text in cells)))
    keys = ["segment", "customers", *(["orders"] if money else []), "frequency", "silent", "frequency_alive"]
    keys += ["active_months", "no_purchase", *(["clv_each"] if money else [])]
    heads = tuple(words.HEADS[key] for key in keys)
    caption = words.CAPTIONS["segment"].format(segment=segment, **_dates(data))
    return Table(f"kpis_{_slug(segment)}", caption, heads, tuple(rows), "l" + "r" * (len(keys) - 1))


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in text)


# ------------------------------------------------------------------------------------------------------------ channels


def channels(data: Data, pictures: Sequence[Picture]) -> list[Block]:
    """Every segment's channels; nothing without a segment."""
    found = data["channels"]
    if not found:
        return [Paragraph(note) for note in data["kpis"]["notes"]]
    months = n.count(found[0]["months"])
    blocks: list[Block] = [Paragraph(words.PROSE["channels"].format(months=months))]
    for place, one in enumerate(found):
        blocks += _one_segment(data, one, [each for each in pictures if place == 0])
    return [*blocks, *(Paragraph(note) for note in data["kpis"]["notes"])]


def _one_segment(data: Data, one: Mapping[str, Any], pictures: Sequence[Picture]) -> list[Block]:
    rows, segment = one["channels"], one["segment"]
    names = [_name(each["channel"]) for each in rows]

    def money(value: float | None) -> str:
        return amount(data, value)

    def column(key: str) -> list[str]:
        return amounts(data, [each[key] for each in rows])

    def columns(*keys: str) -> tuple[str, ...]:
        return tuple(words.HEADS[key] for key in ("segment", *keys))

    best = rows[0]
    facts = {side: money(best[f"ltv_{side}"]) for side in ("lower", "upper")} | {"ltv": money(best["ltv"])}
    facts |= {"highest": money(best["highest_cost"]), "confidence": n.percent(one["confidence"], 0)}
    said = words.PROSE["channels_best"].format(best=names[0], p=_chance(best["p_best"]), **facts)
    keys = ("highest_cost", "ltv", "ltv_alone", "ltv_lower", "ltv_upper")
    highest, ltv, alone, low, high = (column(key) for key in keys)
    following = [
        row(
            name, n.count(each["customers"]), highest[i], ltv[i], _range(low[i], high[i]), _chance(each["p_best"]),
            alone[i], *(n.decimal(each.get(level)) for level in words.LEVELS),
        )
        for i, (name, each) in enumerate(zip(names, rows, strict=True))
    ]  # fmt: skip
    heads = (
        *columns("customers", "highest", "next", "limits", "best", "alone"),
        *(words.LEVELS[key] for key in words.LEVELS),
    )
    slug = _slug(segment)
    caption = words.CAPTIONS["channel_next"].format(segment=segment, months=n.count(one["months"]))
    blocks: list[Block] = [
        Paragraph(said), *pictures, Table(f"next_{slug}", caption, heads, tuple(following), "lrrrrrr" + "rrrr")
    ]  # fmt: skip
    if one["has_cost"]:
        blocks += _cost(data, one, names)
    size, past, clv = (sum(each[key] for each in rows) for key in ("customers", "value_past", "clv"))
    whole = {
        "value_past": past,
        "clv": clv,
        "lifetime_per_customer": (past + clv) / size,
        "clv_per_customer": clv / size,
    }
    summed = [amounts(data, [*(each[key] for each in rows), whole[key]]) for key in whole]
    pooled, low, high, median, p90 = (
        column(key) for key in ("clv_pooled", "clv_pooled_lower", "clv_pooled_upper", "median", "p90")
    )
    sums = [
        row(
            name, n.count(each["customers"]), *(one[i] for one in summed),
            f"{pooled[i]} ({_range(low[i], high[i])})", median[i], p90[i],
        )
        for i, (name, each) in enumerate(zip(names, rows, strict=True))
    ]  # fmt: skip
    total = [words.SHORT["everyone"], n.count(size), *(one[-1] for one in summed), "", "", ""]
    sums.append(row(*(Cell(text, "strong") for text in total)))
    heads = columns("customers", "past", "clv", "lifetime_each", "clv_each", "pooled", "median", "p90")
    caption = words.CAPTIONS["channel_sums"].format(segment=segment)
    return [*blocks, Table(f"sums_{slug}", caption, heads, tuple(sums), "lrrrrrrrr")]


def _cost(data: Data, one: Mapping[str, Any], names: Sequence[str]) -> list[Block]:
    rows = []
    cost, highest = (amounts(data, [each[key] for each in one["channels"]]) for key in ("cost", "highest_cost"))
    for name, each, *money in zip(names, one["channels"], cost, highest, strict=True):
        ends = [_payback(each[f"payback_{end}"], each["cost"]) for end in ("month", "lower", "upper")]
        chances = [_chance(each[key]) for key in ("p_above_1", "p_above_3")]
        rows.append(
            row(
                name, money[0], n.decimal(each["ltv_to_cost"], 1), *chances, money[1], ends[0],
                _range(ends[1], ends[2]) if ends[1] != ends[2] else ends[1],
                n.percent(each.get("share_above_cost"), 0),
            )
        )  # fmt: skip
    keys = ("cost", "ratio_cost", "above_1", "above_3", "highest", "payback", "payback_limits", "share_above")
    heads = tuple(words.HEADS[key] for key in ("segment", *keys))
    caption = words.CAPTIONS["channel_cost"].format(segment=one["segment"])
    blocks: list[Block] = [Paragraph(words.PROSE["channels_cost"].format(confidence=n.percent(one["confidence"], 0)))]
    known, size = (sum(each[key] for each in one["channels"]) for key in ("cost_known", "customers"))
    if known < size:
        blocks.append(Paragraph(words.PROSE["cost_missing"].format(known=n.count(known), customers=n.count(size))))
    return [*blocks, Table(f"cost_{_slug(one['segment'])}", caption, heads, tuple(rows), "lrrrrrrrr")]


def _payback(month: float | None, cost: float | None) -> str:
    if cost is None:
        return n.MISSING
    if month is None:
        return words.SHORT["later"]
    if month == 0:
        return words.SHORT["first_order_pays"]
    return ngettext("{n} month", "{n} months", round(month)).format(n=n.count(month))


def _chance(p: float | None) -> str:
    """A probability from draws: none of them is certain."""
    if p is None:
        return n.MISSING
    if p < 0.005 or p > 0.995:
        return words.SHORT["unlikely" if p < 0.5 else "likely"].format(limit=n.percent(0.01 if p < 0.5 else 0.99, 0))
    return n.percent(p, 0)


def _name(channel: Any) -> str:
    return words.SHORT["none"] if channel is None or channel == "" else str(channel)


# -------------------------------------------------------------------------------------------------------------- levers


def levers(data: Data) -> list[Block]:
    """One percent, the sliders with their table, offers and rewards; nothing without money."""
    found = data["levers"]
    if found is None:
        return []
    everyone, segment = found["everyone"], found["segment"]
    blocks: list[Block] = [Paragraph(words.PROSE["levers"]), _one_percent(data, everyone)]
    by_name = {one["lever"]: one for one in everyone["one_percent"]}
    known = _everyone(data["kpis"]["expected"])
    alive, active = known["alive_now"]["value"], known["active_years"]["value"]
    stay = active / (alive * data["kpis"]["horizon_years"]) if alive else None
    coin = by_name["frequency"]["elasticity"] < 0.9995  # else nobody leaves sooner for buying more often
    blocks.append(
        Paragraph(
            words.PROSE["levers_why"].format(
                frequency=words.PROSE["frequency_coin" if coin else "frequency_clock"],
                stay=n.percent(stay, 0),
                elasticity_frequency=n.decimal(by_name["frequency"]["elasticity"]),
                elasticity_retention=n.decimal(by_name["retention"]["elasticity"]),
            )
        )
    )
    if found["groups"] is not None:
        blocks.append(_one_percent_by(data, found["groups"], segment))
    blocks.append(_sliders(data, found))
    return [*blocks, *_offers(data, everyone)]


def _one_percent(data: Data, found: Mapping[str, Any]) -> Table:
    rows = []
    gain, formula = (amounts(data, [one[key] for one in found["one_percent"]]) for key in ("gain", "formula_gain"))
    for i, one in enumerate(found["one_percent"]):
        cells = [words.LEVERS[one["lever"]], gain[i], formula[i]]
        cells += [n.decimal(one["elasticity"]), n.decimal(one["formula_elasticity"])]
        rows.append(row(*cells))
    keys = ("lever", "gain", "formula_gain", "elasticity", "formula_elasticity")
    heads = tuple(words.HEADS[key] for key in keys)
    return Table("levers", words.CAPTIONS["levers"].format(**_dates(data)), heads, tuple(rows), "lrrrr")


def _one_percent_by(data: Data, found: Mapping[str, Any], segment: str) -> Table:
    """A row per group, the model's three levers and then the formula's; the last row is their sum."""
    groups: dict[str, list[float]] = {}
    for key in ("gain", "formula_gain"):
        for one in found["one_percent"]:
            groups.setdefault(_name(one["group"]), []).append(one[key])
    listed = sorted(groups.items(), key=lambda one: -one[1][0])
    columns = [amounts(data, [*column, sum(column)]) for column in zip(*(gains for _, gains in listed), strict=True)]
    rows = [row(name, *(column[i] for column in columns)) for i, (name, _) in enumerate(listed)]
    last = (words.SHORT["everyone"], *(column[-1] for column in columns))
    rows.append(row(*(Cell(text, "strong") for text in last)))
    titles = [words.LEVERS_SHORT[key] for key in ("order_value", "frequency", "retention")]
    heads = [words.HEADS["segment"]]
    heads += [words.SHORT[f"lever_{side}"].format(lever=title) for side in ("model", "formula") for title in titles]
    caption = words.CAPTIONS["levers_segment"].format(segment=segment, **_dates(data))
    return Table(f"levers_{_slug(segment)}", caption, tuple(heads), tuple(rows), "lrrrrrr")


def _sliders(data: Data, found: Mapping[str, Any]) -> Sliders:
    """Grids for the page's script, and the table that stands for them everywhere else."""
    names, surfaces, formulas = [words.SLIDERS["everyone"]], list(found["everyone"]["surface"]), []
    formulas.append(found["everyone"]["one_percent"][0]["formula_base"])
    if found["groups"] is not None:
        rows = [one for one in found["groups"]["one_percent"] if one["lever"] == "order_value"]
        names += [_name(one["group"]) for one in rows]
        formulas += [one["formula_base"] for one in rows]
        surfaces += found["groups"]["surface"]
    grid = found["grid"]
    content = {
        "grid": grid,
        "groups": [
            {"name": name, "formula": round(formula, 2), "surface": [[round(v, 2) for v in line] for line in surface]}
            for name, formula, surface in zip(names, formulas, surfaces, strict=True)
        ],
        "currency": data["data"]["currency"],
        "base": words.SLIDERS["base"],
    }
    fields = tuple(
        Slider(key, words.SLIDERS[key], round(100 * grid[0]), round(100 * grid[-1]))
        for key in ("order_value", "frequency", "retention")
    )
    shown = [place for place, step in enumerate(grid) if step in SHOWN_GRID]
    size = len(grid)
    cells = n.amounts([value for line in surfaces[0] for value in line], "")
    table = Table(
        "surface",
        words.CAPTIONS["surface"],
        (words.HEADS["change"], *(n.percent(grid[place], 0, sign=True) for place in shown)),
        tuple(
            row(
                n.percent(grid[line], 0, sign=True),
                *(cells[size * line + place] for place in shown),
            )
            for line in shown
        ),
        "l" + "r" * len(shown),
        texts.PROSE["amounts_in"].format(currency=data["data"]["currency"]),
    )
    labels = {key: words.SLIDERS[key] for key in ("model", "formula", "group", "reset")}
    caption = words.CAPTIONS["sliders"].format(**_dates(data))
    return Sliders("levers", caption, words.PROSE["sliders"], fields, tuple(names), labels, json.dumps(content), table)


def _offers(data: Data, found: Mapping[str, Any]) -> list[Block]:
    columns = [amounts(data, [one[key] for one in found["offers"]]) for key in OFFER_COLUMNS]
    offers = [
        row(n.percent(one["prevented"], 0), *(column[i] for column in columns)) for i, one in enumerate(found["offers"])
    ]
    heads = tuple(words.HEADS[key] for key in ("prevented", *OFFER_COLUMNS.values()))
    blocks: list[Block] = [
        Paragraph(words.PROSE["offers"]), Table("offers", words.CAPTIONS["offers"], heads, tuple(offers), "rrrrr")
    ]  # fmt: skip
    rewards = [
        row(
            n.percent(one["reward"], 0),
            n.percent(one["frequency_needed"], sign=True),
            n.percent(one["formula_needed"], sign=True),
        )
        for one in found["rewards"]
    ]
    heads = tuple(words.HEADS[key] for key in ("reward", "needed", "formula_needed"))
    said = words.PROSE["rewards"].format(margin=n.rate(data["forecast"]["margin"]))
    return [*blocks, Paragraph(said), Table("rewards", words.CAPTIONS["rewards"], heads, tuple(rewards), "rrr")]


# ----------------------------------------------------------------------------------------------------------- attention


def attention(data: Data) -> list[Block]:
    """Tiers and their stability, then the lists."""
    found = data["attention"]
    blocks: list[Block] = [Paragraph(words.PROSE["attention"])]
    if found["tiers"]:
        blocks += _tiers(data, found["tiers"])
    lists = found["lists"]
    if lists.get("value_at_risk"):
        blocks.append(_at_risk(data, lists["value_at_risk"]))
    blocks += _silence(data, lists["unusual_silence"], found["silence"])
    if lists.get("formula_overrates") or lists.get("formula_underrates"):
        blocks.append(Paragraph(words.PROSE["differences"]))
    for key, name in (("formula_overrates", "over"), ("formula_underrates", "under")):
        if lists.get(key):
            blocks.append(_differences(data, lists[key], name))
    return blocks


def _tiers(data: Data, tiers: Mapping[str, Any]) -> list[Block]:
    table: dict[str, dict[str, Mapping[str, Any]]] = {}
    for one in tiers["actual"]:
        table.setdefault(one["predicted"], {})[one["actual"]] = one
    rows, told, means = [], {}, []
    for tier in TIERS:
        cells = table[tier]
        size, value, predicted, nothing = (
            sum(one[key] for one in cells.values()) for key in ("customers", "value", "predicted_value", "nothing")
        )
        if not size:
            continue
        top, upper = cells["top"]["customers"], cells["top"]["customers"] + cells["high"]["customers"]
        shares = [n.percent(part / size, 0) for part in (top, upper, nothing)]
        told[tier] = dict(zip(("top", "upper", "nothing"), shares, strict=True))
        means.append((predicted / size, value / size))
        rows.append(row(texts.TIERS[tier], n.count(size), *shares))
    both = (amounts(data, column) for column in zip(*means, strict=True))
    rows = [(*one, *row(*ends)) for one, ends in zip(rows, zip(*both, strict=True), strict=True)]
    keys = ("tier", "customers", "was_top", "was_upper", "nothing", "mean_predicted", "mean_actual")
    heads = tuple(words.HEADS[key] for key in keys)
    holdout = {"start": n.day(data["holdout"]["start"]), "end": n.day(data["holdout"]["end"])}
    caption = words.CAPTIONS["tiers_actual"].format(**holdout)
    blocks: list[Block] = [Paragraph(words.PROSE["tiers"].format(**told["top"]))] if "top" in told else []
    blocks.append(Table("tiers_actual", caption, heads, tuple(rows), "lrrrrrr"))
    if "now" in tiers:
        moved: dict[str, dict[str, Mapping[str, Any]]] = {}
        for one in tiers["now"]:
            moved.setdefault(one["then"], {})[one["now"]] = one
        rows = [
            row(texts.TIERS[tier], *(n.percent(moved[tier][other]["share"], 0) for other in TIERS))
            for tier in TIERS
            if told.get(tier)
        ]
        heads = (words.HEADS["then"], *(texts.TIERS[tier] for tier in TIERS))
        blocks.append(Table("tiers_now", words.CAPTIONS["tiers_now"], heads, tuple(rows), "lrrrr"))
    return blocks


def _at_risk(data: Data, listed: Sequence[Mapping[str, Any]]) -> Table:
    value, risk = (amounts(data, [one[key] for one in listed]) for key in ("value", "value_at_risk"))
    rows = [
        row(
            str(one["customer_id"]), n.day(one["last_purchase"]), n.count(one["frequency"]), value[i],
            n.percent(1 - one["p_active"], 0), risk[i],
        )
        for i, one in enumerate(listed)
    ]  # fmt: skip
    keys = ("customer", "last", "expected_value", "p_none", "at_risk")
    heads = [words.HEADS[key] for key in keys]
    heads.insert(2, texts.HEADINGS["repeats"])
    return Table("at_risk", words.CAPTIONS["at_risk"], tuple(heads), tuple(rows), "llrrrr")


def _silence(data: Data, listed: Sequence[Mapping[str, Any]], counts: Mapping[str, Any]) -> list[Block]:
    if not listed:
        return [Paragraph(words.PROSE["silence_none"])]
    money = "value" in quantities(data)
    rows = []
    value = amounts(data, [one["value"] for one in listed]) if money else []
    for i, one in enumerate(listed):
        cells = [str(one["customer_id"]), n.count(one["frequency"]), length(one["silence_days"])]
        cells += [length(one["usual_gap_days"]), n.percent(one["p_silence"]), n.percent(one["p_alive"], 0)]
        cells.append(value[i] if money else n.decimal(one["expected_purchases"], 1))
        rows.append(row(*cells))
    heads = [words.HEADS[key] for key in ("customer", "silence", "usual", "p_silence", "alive")]
    heads.insert(1, texts.HEADINGS["repeats"])
    heads.append(words.HEADS["expected_value"] if money else texts.HEADINGS["expected_purchases"])
    said = words.PROSE["silence"].format(tested=n.count(counts["tested"]), flagged=n.count(counts["flagged"]))
    return [Paragraph(said), Table("silence", words.CAPTIONS["silence"], tuple(heads), tuple(rows), "lrrrrrr")]


def _differences(data: Data, listed: Sequence[Mapping[str, Any]], name: str) -> Table:
    currency, days = data["data"]["currency"], round(data["kpis"]["horizon_years"] * 365.25)
    formula, value = (amounts(data, [one[key] for one in listed]) for key in ("formula_value", "value"))
    rows = [
        row(str(one["customer_id"]), formula[i], value[i], reason_words(one, currency=currency, horizon_days=days))
        for i, one in enumerate(listed)
    ]
    heads = tuple(words.HEADS[key] for key in ("customer", "formula_value", "model_value", "reason"))
    return Table(f"formula_{name}", words.CAPTIONS[name], heads, tuple(rows), "lrrl")
