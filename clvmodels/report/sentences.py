"""The headline and the ten sentences an executive can quote, filled with the numbers of report.json."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from clvmodels.language import ngettext
from clvmodels.report import numbers as n
from clvmodels.report import texts
from clvmodels.report.document import Item

FORMULA = "formula_customer"
"""The variant of the formula that headline and sentences compare with: the number everybody computes."""

Data = Mapping[str, Any]


def units(data: Data) -> str:
    """The unit of time, as a plural noun."""
    return texts.UNITS[data["forecast"]["unit"]]


def fits(data: Data) -> list[tuple[str, dict[str, Any]]]:
    """Every fit behind the report, with what it was fitted to: those of the calibration, then the refits."""
    sides = ((texts.HEADINGS["calibration"], data["models"]), (texts.HEADINGS["refit"], data["forecast"]["models"]))
    return [(side, models[kind]) for side, models in sides for kind in ("purchases", "spend") if models[kind]]


def estimation(data: Data) -> str:
    """How the parameters were estimated, in words."""
    methods = {str(fit["method"]) for _, fit in fits(data)}
    method = methods.pop() if len(methods) == 1 else "mixed"
    return texts.ESTIMATION.get(method, method)


def is_bayesian(data: Data) -> bool:
    """Whether intervals come from a posterior."""
    return any(fit["certificate"] for _, fit in fits(data))


def fit_notes(data: Data) -> list[str]:
    """What the fits warned of, each with which fit it was; said of both, it is said once."""
    first, later = data["models"]["notes"], data["forecast"]["models"]["notes"]
    calibration, everything = texts.HEADINGS["calibration"], texts.HEADINGS["refit"]
    both = n.listing([calibration, everything.lower()])
    said = [(both if note in later else calibration, note) for note in first]
    return [f"{which}: {note}" for which, note in said + [(everything, note) for note in later if note not in first]]


def shown(
    data: Data, quantity: str, metric: str, value: float | None, *, difference: bool = False, bare: bool = False
) -> str:
    """A metric's value as people read it; a difference carries its sign, and percentages differ by points.

    ``bare`` leaves out the currency, which the caption of a wide table tells once.
    """
    style = texts.METRICS[metric].style
    if style in ("percent", "share") and difference:
        return n.points(value)
    if style == "percent":
        return n.percent(value, sign=metric == "total_error")
    if style == "share":
        return n.percent(value)
    if style == "amount" and quantity == "value":
        return n.money(value, "" if bare else data["data"]["currency"], sign=difference)
    return n.decimal(value, 3, sign=difference)


def amount(data: Data, value: float | None, *, sign: bool = False) -> str:
    """Money with the currency of the data."""
    return n.money(value, data["data"]["currency"], sign=sign)


def amounts(data: Data, values: Iterable[float | None]) -> list[str]:
    """Amounts of one column or interval, with as many digits as the largest of them is worth."""
    return n.amounts(list(values), data["data"]["currency"])


def metric(data: Data, quantity: str, name: str, predictor: str | None = None) -> dict[str, Any]:
    """One row of the evaluation; the model's by default. Empty when it is not there."""
    who = predictor or model_name(data, quantity)
    for row in data["evaluation"]:
        if (row["quantity"], row["metric"], row["predictor"]) == (quantity, name, who):
            return dict(row)
    return {"value": None, "lower": None, "upper": None}


def comparison(data: Data, quantity: str, name: str, formula: str = FORMULA) -> dict[str, Any] | None:
    """One row of the comparison."""
    for row in data["comparison"]:
        if (row["quantity"], row["metric"], row["formula"]) == (quantity, name, formula):
            return dict(row)
    return None


def quantities(data: Data) -> list[str]:
    """What was forecast: purchases, and value where there is money."""
    return ["purchases"] if data["models"]["spend"] is None else ["purchases", "value"]


def formula_words(data: Data) -> str:
    """The formula as the headline names it; without money it has no order value."""
    return texts.HEADLINE["formula" if "value" in quantities(data) else "formula_counts"]


def model_name(data: Data, quantity: str) -> str:
    """The model's name as a predictor."""
    name = str(data["models"]["purchases"]["family"])
    return name if quantity == "purchases" else f"{name}+{data['models']['spend']['family']}"


def model_title(data: Data) -> str:
    """The model's name for people."""
    title, spend = data["models"]["purchases"]["title"], data["models"]["spend"]
    return f"{title} × {spend['title']}" if spend else str(title)


def check(data: Data, name: str) -> dict[str, Any] | None:
    """A check by its name."""
    return next((dict(found) for found in data["checks"] if found["name"] == name), None)


def aspect_verdict(data: Data, aspect: str, quantity: str, formula: str = FORMULA) -> str | None:
    """What the metrics of one aspect say together: those with evidence agree, or the aspect is mixed."""
    rows = [comparison(data, quantity, name, formula) for name, m in texts.METRICS.items() if m.aspect == aspect]
    said = {row["verdict"] for row in rows if row}
    if not said:
        return None
    said.discard("no evidence")
    return said.pop() if len(said) == 1 else "mixed" if said else "no evidence"


def headline(data: Data) -> str:
    """Model against formula in one sentence, the formula's wins as plain as its losses."""
    groups: dict[str, list[str]] = {"better": [], "worse": [], "mixed": [], "no evidence": []}
    for aspect, label in texts.ASPECTS.items():
        verdicts = {q: v for q in quantities(data) if (v := aspect_verdict(data, aspect, q)) is not None}
        if len(verdicts) == 2 and len(set(verdicts.values())) == 1 and "mixed" not in verdicts.values():
            groups[verdicts["value"]].append(label)
        else:
            for quantity, verdict in verdicts.items():
                one = texts.ASPECTS_OF_ONE[aspect].format(quantity=texts.QUANTITIES[quantity])
                one = one if len(verdicts) > 1 else label
                groups[verdict].append(_divided(data, aspect, quantity, one) if verdict == "mixed" else one)
    said = [
        texts.HEADLINE[verdict].format(aspects=n.listing(aspects)) for verdict, aspects in groups.items() if aspects
    ]
    opening = texts.HEADLINE["opening"].format(formula=formula_words(data), verdicts="; ".join(said))
    losses = _losses(data)
    return f"{opening} {texts.HEADLINE['losses'].format(losses='; '.join(losses))}" if losses else opening


def _losses(data: Data) -> list[str]:
    """Every measure on which a formula or a rule of thumb beats the model, by its limits or by Holm's test."""
    lost: dict[tuple[str, str], list[str]] = {}
    for row in data["comparison"]:
        if "worse" in (row["verdict"], row.get("holm")) and row["metric"] in texts.METRICS:
            rival = texts.PREDICTORS[row["formula"]][0] if row["formula"] in texts.PREDICTORS else row["formula"]
            lost.setdefault((row["quantity"], row["metric"]), []).append(texts.HEADLINE["quoted"].format(name=rival))
    return [
        texts.HEADLINE["loss"].format(
            measure=texts.METRICS[name].short, quantity=texts.QUANTITIES[quantity], who=n.listing(who)
        )
        for (quantity, name), who in lost.items()
    ]


def _divided(data: Data, aspect: str, quantity: str, words: str) -> str:
    """An aspect whose measures disagree, with the measures on either side."""
    sides: dict[str, list[str]] = {"better": [], "worse": [], "no evidence": []}
    for name, m in texts.METRICS.items():
        if m.aspect == aspect and (row := comparison(data, quantity, name)):
            sides[row["verdict"]].append(m.short)
    better, worse = n.listing(sides["better"]), n.listing(sides["worse"])
    return texts.HEADLINE["detail"].format(aspect=words, better=better, worse=worse)


def headline_note(data: Data, checks_section: str) -> str:
    """The numbers under the headline: how far off the totals were, and how many checks ask for attention."""
    quantity = quantities(data)[-1]
    status = [found["status"] for found in data["checks"]]
    failed, unsure = status.count("fail"), status.count("review")
    counts = [ngettext("{n} fails", "{n} fail", failed).format(n=failed)] if failed else []
    counts += [ngettext("{n} asks for review", "{n} ask for review", unsure).format(n=unsure)] if unsure else []
    totals = texts.HEADLINE["totals"].format(
        quantity=texts.QUANTITIES[quantity],
        model=shown(data, quantity, "total_error", metric(data, quantity, "total_error")["value"]),
        formula=shown(data, quantity, "total_error", metric(data, quantity, "total_error", FORMULA)["value"]),
    )
    key = "checks" if counts else "checks_clean"
    checks = texts.HEADLINE[key].format(
        n=len(status), counts=n.listing(counts) if counts else "", section=checks_section
    )
    return texts.HEADLINE["note"].format(
        calibration_end=n.day(data["calibration"]["end"]),
        holdout_customers=n.count(data["calibration"]["customers"]),
        holdout_start=n.day(data["holdout"]["start"]),
        holdout_end=n.day(data["holdout"]["end"]),
        totals=totals,
        checks=checks,
    )


def ten(data: Data, timeline: str) -> tuple[Item, ...]:
    """The ten sentences; ``timeline`` is how the report calls the figure of three customers."""
    named: dict[str, str | tuple[str, tuple[str, ...]]] = {
        "data": _data(data),
        "examples": _examples(data, timeline),
        "horizon": texts.SENTENCES["horizon"].format(
            start=n.day(data["forecast"]["start"]), end=n.day(data["forecast"]["end"]), units=units(data)
        ),
        "clv": _clv(data),
        "compare": _compare(data),
        "coverage": _coverage(data),
        "once": _once(data),
        "association": _association(data),
        "identification": _identification(data),
        "files": texts.SENTENCES["files"].format(
            hash=data["data"]["sha256"][:12],
            version=data["provenance"]["version"],
            seed=data["provenance"]["seed"],
            citation=citation(data),
        ),
    }
    return tuple(Item(text, (), name) if isinstance(text, str) else Item(*text, name) for name, text in named.items())


def citation(data: Data) -> str:
    """How to cite this very report."""
    return texts.CITATION["citation"].format(
        id=data["provenance"]["id"],
        source=data["data"]["title"],
        first=n.day(data["data"]["first_date"]),
        last=n.day(data["data"]["last_date"]),
        version=data["provenance"]["version"],
        created=n.day(data["provenance"]["created"]),
    )


def reason(name: str, *, short: bool = False) -> str:
    """A ledger's reason in words, for a table or ``short`` in a sentence."""
    return texts.LEDGER[name][short] if name in texts.LEDGER else name.replace("_", " ").capitalize()


def _data(data: Data) -> str:
    rows = {row["reason"]: row["rows"] for row in data["data"]["ledger"] if row["rows"]}
    used = rows.pop("used", 0)
    reasons = [f"{n.count(count)} {reason(name, short=True)}" for name, count in rows.items()]
    rest = texts.SENTENCES["data_rest" if rows else "data_all"]
    customers, repeat = data["data"]["customers"], data["data"]["repeat_customers"]
    return texts.SENTENCES["data"].format(
        customers=n.count(customers),
        repeat=n.count(repeat),
        repeat_share=n.percent(repeat / customers),
        rows=n.count(data["data"]["rows"]),
        used=n.count(used),
        rest=rest.format(reasons=n.listing(reasons) if reasons else ""),
    )


def _examples(data: Data, timeline: str) -> str:
    said = [
        texts.SENTENCES["example" if one["frequency"] else "example_once"].format(
            id=one["customer_id"],
            T=n.decimal(one["T"], 1),
            recency=n.decimal(one["recency"], 1),
            frequency=ngettext("{n} further day", "{n} further days", one["frequency"]).format(
                n=n.count(one["frequency"])
            ),
            units=units(data),
        )
        for one in data["data"]["examples"]
    ]
    return texts.SENTENCES["examples"].format(
        until=n.day(data["calibration"]["end"]), examples="; ".join(said), figure=timeline
    )


def _clv(data: Data) -> str:
    forecast = data["forecast"]
    if data["models"]["spend"] is None:
        return texts.SENTENCES["clv_none"].format(until=_until(data), end=n.day(forecast["end"]))
    what = texts.SENTENCES["clv_revenue" if forecast["margin"] == 1 else "clv_margin"]
    return texts.SENTENCES["clv"].format(
        what=what.format(margin=n.rate(forecast["margin"])),
        until=_until(data),
        end=n.day(forecast["end"]),
        rate=n.rate(forecast["discount_rate"]),
    )


def _until(data: Data) -> str:
    return n.day(data["provenance"]["options"]["until"])


def _compare(data: Data) -> tuple[str, tuple[str, ...]]:
    parts = []
    for aspect, name in texts.LEADING.items():
        said = []
        for quantity in quantities(data):
            row = comparison(data, quantity, name)
            if row is None:
                continue
            said.append(
                texts.SENTENCES["compare_verdict"].format(
                    verdict=texts.VERDICTS[row["verdict"]],
                    quantity=texts.QUANTITIES[quantity],
                    model=shown(data, quantity, name, metric(data, quantity, name)["value"]),
                    formula=shown(data, quantity, name, metric(data, quantity, name, FORMULA)["value"]),
                    difference=shown(data, quantity, name, row["difference"], difference=True),
                    lower=shown(data, quantity, name, row["lower"], difference=True),
                    upper=shown(data, quantity, name, row["upper"], difference=True),
                )
            )
        if said:
            parts.append(
                texts.SENTENCES["compare_part"].format(aspect=texts.LEADING_TITLES[aspect], verdicts="; ".join(said))
            )
    opening = texts.SENTENCES["compare"].format(
        start=n.day(data["holdout"]["start"]), end=n.day(data["holdout"]["end"]), formula=formula_words(data)
    )
    return opening, tuple(parts)


def _coverage(data: Data) -> str:
    total = check(data, "holdout_total_purchases")
    value = ""
    if "value" in quantities(data):
        value = texts.SENTENCES["coverage_value"].format(value=n.percent(metric(data, "value", "coverage_90")["value"]))
    inside = total is not None and total["status"] == "pass"
    return texts.SENTENCES["coverage"].format(
        purchases=n.percent(metric(data, "purchases", "coverage_90")["value"]),
        value=value,
        inside=texts.SENTENCES["inside" if inside else "outside"],
    )


def _once(data: Data) -> str:
    found = check(data, "returning_one_time_buyers")
    end = n.day(data["calibration"]["end"])
    if found is None:
        return texts.SENTENCES["once_none"].format(end=end)
    values = found["values"]
    return texts.SENTENCES["once"].format(
        n=n.count(values["customers"]),
        end=end,
        predicted=n.percent(values["predicted"]),
        actual=n.percent(values["actual"]),
    )


def _association(data: Data) -> str:
    found = check(data, "spend_frequency")
    if found is None:
        return texts.SENTENCES["association_none"]
    values = found["values"]
    rho, low, high = (values[name] for name in ("spearman", "spearman_lower", "spearman_upper"))
    effect = n.percent(values["effect"], sign=True)
    limits = {
        "lower": n.percent(values["effect_lower"], sign=True),
        "upper": n.percent(values["effect_upper"], sign=True),
    }
    if rho is None:
        return texts.SENTENCES["association_unknown"].format(effect=effect, **limits)
    apart = low > 0 or high < 0
    return texts.SENTENCES["association"].format(
        verdict=texts.SENTENCES["associated" if apart else "not_associated"],
        rho=n.decimal(rho, sign=True),
        rho_lower=n.decimal(low, sign=True),
        rho_upper=n.decimal(high, sign=True),
        effect=effect,
        **limits,
    )


def _identification(data: Data) -> str:
    found = check(data, "identification")
    values = found["values"] if found else {}
    ok = found is not None and found["status"] == "pass"
    return texts.SENTENCES["identification"].format(
        identified=texts.SENTENCES["identified" if ok else "not_identified"],
        direction=values.get("direction") or n.MISSING,
        evidence=values.get("spread", ""),
    )
