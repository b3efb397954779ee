"""A backtest as a folder: tables, figures, one JSON, and a page that reads them aloud."""

from __future__ import annotations

import math
import platform
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from clvmodels import __version__
from clvmodels.backtesting import Backtest
from clvmodels.backtesting.scores import LOG_RATIO
from clvmodels.files import check_folder, whole_folder, write_table
from clvmodels.formula import FORMULAS
from clvmodels.judging import Quantity
from clvmodels.language import speaking
from clvmodels.metrics import METRICS
from clvmodels.report import html, texts
from clvmodels.report import numbers as n
from clvmodels.report.build import created_now
from clvmodels.report.comparisons import TONES
from clvmodels.report.contract import dumps, installed, plain
from clvmodels.report.document import (
    Block,
    Bullets,
    Cell,
    Code,
    Document,
    Item,
    Paragraph,
    Picture,
    Section,
    Table,
    Terms,
    row,
)
from clvmodels.report.rolling_texts import CAPTIONS, FILES, HEADINGS, SENTENCES, TITLES
from clvmodels.report.story import picture
from clvmodels.tables.rolling import leading, rolling_tables, title_of

if TYPE_CHECKING:
    from clvmodels.charts import Told

SCHEMA = 1
MARKER = "backtest.json"
TEXTBOOK = "formula_customer"
TABLES = ("league", "pooled", "parameters", "fits", "totals", "by_horizon", "by_frequency", "by_cohort", "one_time",
          "skipped", "leaks")  # fmt: skip
"""The tables of a `Backtest`, each a CSV under its name."""
IN_JSON = ("league", "pooled", "parameters", "fits", "totals", "skipped", "leaks")
"""Those that are a list of rows in backtest.json, too."""
NAMES = {f"{name}.csv" for name in TABLES} | {
    "league.parquet", "comparison.csv", MARKER, "backtest.html", "backtest.md", "figures",
}  # fmt: skip
SHOWN = (LOG_RATIO, "mae", "rmse", "crps", "log_score", "gini", "spearman", "auc_active", "top_decile_capture",
         "decile_mape", "coverage_90")  # fmt: skip
"""Measures on the page; all of them are in pooled.csv."""
PLACES = {
    "league": ("rolling_purchases", "rolling_value"),
    "errors": ("rolling_totals", "rolling_horizon", "rolling_frequency", "rolling_cohort", "rolling_one_time"),
    "stability": ("rolling_parameters",),
}


def check_backtest(directory: str | Path) -> Path:
    """Say before any work whether ``directory`` can become a backtest's folder: new, empty, or an earlier one."""
    return check_folder(directory, marker=MARKER, ours=NAMES, what="backtest")


def write_backtest(
    directory: str | Path,
    result: Backtest,
    *,
    language: str = "en",
    command: str = "",
    progress: Callable[[str], None] | None = None,
) -> Path:
    """Write a backtest as a folder, whole or not at all: tables, figures, ``backtest.json`` and ``backtest.html``.

    Parameters
    ----------
    directory
        A new or empty folder, or an earlier backtest, which is replaced.
    result
        From :func:`clvmodels.backtest`.
    language
        Of the page and the figures; tables and JSON are the same in all.
    command
        What made it, for the page and the JSON.
    progress
        Called with a few words when a new step begins.

    Raises
    ------
    InputError
        When the folder holds anything but an earlier backtest; nothing is written or deleted then.
    """
    from clvmodels import charts  # matplotlib: only when something is drawn

    say = progress or (lambda step: None)
    target = check_backtest(directory)
    with speaking(language), whole_folder(target) as folder:
        say("drawing")
        (folder / "figures").mkdir()
        drawn = charts.write_figures(rolling_tables(result), folder / "figures")
        say("writing")
        for name in TABLES:
            write_table(getattr(result, name), folder / f"{name}.csv")
        write_table(result.league.assign(cutoff=pd.to_datetime(result.league["cutoff"])), folder / "league.parquet")
        write_table(comparison(result), folder / "comparison.csv")
        data = backtest_data(result, language=language, command=command)
        (folder / MARKER).write_text(dumps(data), encoding="utf-8")
        page = _document(result, data, {name: one.told for name, one in drawn.items()})
        inline = {name: one.inline for name, one in drawn.items()}
        (folder / "backtest.html").write_text(html.render(page, inline), encoding="utf-8")
        (folder / "backtest.md").write_text(_markdown(page), encoding="utf-8")
    return target


def comparison(result: Backtest) -> pd.DataFrame:
    """The leading family of each quantity against every formula and what was made elsewhere."""
    leaders = [leader for quantity in result.quantities if (leader := result.leader(quantity))]
    tables = [result.compare(leader) for leader in leaders]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["quantity", "metric"])


def backtest_data(result: Backtest, *, language: str = "en", command: str = "") -> dict[str, Any]:
    """The content of backtest.json: what was cut, who predicted, the main tables, and the sentences of the page.

    ``schema`` (1) · ``data`` {source, sha256, unit, currency} · ``cutoffs`` [{cutoff, holdout_start, holdout_end,
    customers, purchases, value}] · ``days`` of every holdout · ``predictors`` [{predictor, title, kind: "family",
    "formula" or "elsewhere"}] · ``leaders`` {quantity: predictor or null} · ``suspects`` [predictor] · ``comparison``
    (the leaders against formulas and what was made elsewhere: see `Backtest.compare`) · ``league``, ``pooled``,
    ``parameters``, ``fits``, ``totals``, ``skipped``, ``leaks``: lists of rows with the columns of the `Backtest`'s
    tables · ``provenance`` · ``sentences``. Fractions are fractions, dates are ISO, what does not exist is null.
    """
    data: dict[str, Any] = plain(
        {
            "schema": SCHEMA,
            "data": {
                "source": result.source,
                "sha256": result.sha256,
                "unit": result.unit,
                "currency": result.currency,
            },
            "cutoffs": [
                {
                    "cutoff": one.cutoff,
                    "holdout_start": one.horizon.start,
                    "holdout_end": one.horizon.end,
                    "customers": len(one.calibration.frame),
                    "purchases": float(one.holdout.frame["purchases"].sum()),
                    "value": float(one.holdout.frame["value"].sum()) if "value" in one.holdout.frame else None,
                }
                for one in result.rounds
            ],
            "days": result.days,
            "predictors": [
                {"predictor": name, "title": title_of(name), "kind": kind} for name, kind in result.kinds.items()
            ],
            "leaders": {quantity: result.leader(quantity) for quantity in result.quantities},
            "suspects": result.suspects,
            "comparison": comparison(result).to_dict("records"),
            **{name: getattr(result, name).to_dict("records") for name in IN_JSON},
            "provenance": {
                "version": __version__,
                "command": command,
                "method": result.method,
                "resamples": result.n_resamples,
                "seed": result.seed,
                "language": language,
                "created": created_now().isoformat(timespec="seconds").replace("+00:00", "Z"),
                "packages": {"python": platform.python_version(), **installed()},
            },
        }
    )
    with speaking(language):
        data["sentences"] = [text.replace("**", "") for text in sentences(result)]
    return data


# --------------------------------------------------------------------------------------------------------- sentences


def sentences(result: Backtest) -> list[str]:
    """The backtest read aloud, in the language that is spoken."""
    first, last = result.cutoffs[0], result.cutoffs[-1]
    told = [
        SENTENCES["cut"].format(
            cutoffs=n.count(len(result.rounds)), first=n.day(first), last=n.day(last), days=n.count(result.days),
            predictors=n.count(len(result.kinds)), customers=n.count(len(result.rounds[-1].calibration.frame)),
        )
    ]  # fmt: skip
    for quantity in result.quantities:
        told += _of_quantity(result, quantity)
    told += _of_one_time(result) + _of_parameters(result)
    if not result.leaks["caught"].any():
        told.append(SENTENCES["blind"])
    told += _of_leaks(result)
    if len(result.skipped):
        one = result.skipped.iloc[0]
        what = title_of(one["family"]) if one["family"] else SENTENCES["a_cutoff"]
        told.append(
            SENTENCES["skipped"].format(count=n.count(len(result.skipped)), what=what, cutoff=n.day(one["cutoff"]))
        )
    return told


def _of_quantity(result: Backtest, quantity: Quantity) -> list[str]:
    leader = result.leader(quantity)
    if leader is None:
        return []
    pooled = result.pooled[result.pooled["quantity"] == quantity].set_index(["predictor", "metric"])["value"]
    rivals = [name for name in FORMULAS if (name, "crps") in pooled.index]
    table = result.compare(leader, rivals)
    found = {(line["metric"], line["formula"]): line for line in table.to_dict("records")}
    said = {"model": title_of(leader), "quantity": texts.QUANTITIES[quantity]}

    def amount(value: float, *, sign: bool = False) -> str:
        return n.money(value, result.currency, sign=sign) if quantity == "value" else n.decimal(value, 3, sign=sign)

    def against(metric: str, rival: str, show: Callable[..., str]) -> dict[str, str]:
        line = found[metric, rival]
        ends = {key: show(float(line[key]), sign=True) for key in ("difference", "lower", "upper")}
        verdict = SENTENCES[str(line["verdict"])].format(**said)
        return {
            **ends,
            "verdict": verdict,
            "ahead": n.count(int(line["ahead"])),
            "cutoffs": n.count(int(line["cutoffs"])),
        }

    best = min(rivals, key=lambda name: float(pooled[name, "crps"]))
    told = [
        SENTENCES["best"].format(
            **said, crps=amount(pooled[leader, "crps"]), rival=called(best), rival_crps=amount(pooled[best, "crps"]),
            **against("crps", best, amount),
        )
    ]  # fmt: skip
    ratios = result.totals[(result.totals["quantity"] == quantity) & (result.totals["predictor"] == leader)]["ratio"]
    if math.isfinite(pooled[leader, LOG_RATIO]):
        factors = [n.decimal(math.exp(pooled[name, LOG_RATIO]), 2) for name in (leader, TEXTBOOK)]
        told.append(
            SENTENCES["total"].format(
                **said, factor=factors[0], textbook=called(TEXTBOOK), other=factors[1],
                lowest=n.decimal(ratios.min(), 2), highest=n.decimal(ratios.max(), 2),
            )
        )  # fmt: skip
    ranked = [name for name in rivals if math.isfinite(pooled[name, "gini"])]
    if ranked and math.isfinite(pooled[leader, "gini"]):
        top = max(ranked, key=lambda name: float(pooled[name, "gini"]))

        def gini(value: float, *, sign: bool = False) -> str:
            return n.decimal(value, 3, sign=sign)

        numbers = {"gini": gini(pooled[leader, "gini"]), "rival_gini": gini(pooled[top, "gini"])}
        told.append(SENTENCES["rank"].format(**said, rival=called(top), **numbers, **against("gini", top, gini)))
    lost: dict[str, list[str]] = {}
    for (metric, rival), line in found.items():
        if line["verdict"] == "worse":
            lost.setdefault(_measure(metric), []).append(called(rival))
    losses = "; ".join(SENTENCES["loss"].format(measure=what, who=n.listing(who)) for what, who in lost.items())
    told.append(SENTENCES["losses" if lost else "lossless"].format(**said, losses=losses))
    return told


def _headline(result: Backtest) -> str:
    """Who was best on what, in a line each; empty when no family could be fitted at every cut-off."""
    told = []
    for quantity in result.quantities:
        if leader := result.leader(quantity):
            pooled = result.pooled[(result.pooled["quantity"] == quantity) & (result.pooled["metric"] == "crps")]
            crps = {str(name): float(value) for name, value in zip(pooled["predictor"], pooled["value"], strict=True)}
            best = min(crps[name] for name in FORMULAS if name in crps)
            numbers = {
                key: n.money(one, result.currency) if quantity == "value" else n.decimal(one, 3)
                for key, one in (("crps", crps[leader]), ("rival_crps", best))
            }
            told.append(
                SENTENCES["headline"].format(quantity=texts.QUANTITIES[quantity], model=title_of(leader), **numbers)
            )
    return " ".join(told)


def _of_one_time(result: Backtest) -> list[str]:
    table = result.one_time[result.one_time["metric"] == "p_active"]
    share = table.groupby("predictor")["value"].mean()
    leader = result.leader("purchases")
    if leader is None or leader not in share:
        return []
    actual, said = (n.percent(float(share[name])) for name in ("actual", leader))
    return [SENTENCES["once"].format(model=title_of(leader), actual=actual, said=said)]


def _of_parameters(result: Backtest) -> list[str]:
    """The parameter of the leading families that moved most."""
    table = result.parameters[result.parameters["family"].isin(leading(result))]
    if table.empty or len(result.rounds) < 2:
        return []
    moved = table.groupby(["family", "parameter"])["estimate"].agg(["min", "max"]).reset_index()
    moved["ratio"] = moved["max"] / moved["min"]
    most = moved.sort_values("ratio", kind="stable").to_dict("records")[-1]
    letter = texts.LETTERS.get(most["parameter"], most["parameter"])
    said = {"family": title_of(most["family"]), "parameter": letter, "ratio": n.decimal(most["ratio"], 1)}
    return [SENTENCES["stable"].format(**said)]


def _of_leaks(result: Backtest) -> list[str]:
    caught = result.leaks[result.leaks["caught"]].drop_duplicates("predictor")
    told = []
    for one in caught.to_dict("records"):
        why = SENTENCES["twins"].format(share=n.percent(one["statistic"], 0)) if one["check"] == "twins" else None
        told.append(
            SENTENCES["leak"].format(
                name=one["predictor"], cutoff=n.day(one["cutoff"]), evidence=why or SENTENCES["changed"]
            )
        )
    return told


def called(name: str) -> str:
    """A predictor's name for people."""
    return texts.PREDICTORS[name][0] if name in texts.PREDICTORS else title_of(name)


def _measure(name: str) -> str:
    return HEADINGS["log_ratio"] if name == LOG_RATIO else texts.METRICS[name].label


# -------------------------------------------------------------------------------------------------------------- page


def _document(result: Backtest, data: Mapping[str, Any], charts: Mapping[str, Told]) -> Document:
    told = sentences(result)
    at = {place: [picture(charts[name]) for name in names if name in charts] for place, names in PLACES.items()}
    league: list[Block] = []
    for quantity, drawn in zip(result.quantities, at["league"], strict=True):
        league += [drawn, _pooled(result, quantity), *_compared(result, quantity)]
    command = data["provenance"]["command"]
    bodies: dict[str, list[Block]] = {
        "summary": [Bullets(tuple(Item(text) for text in told), numbered=True)],
        "league": [Paragraph(SENTENCES["limits"].format(resamples=n.count(result.n_resamples))), *league],
        "errors": list(at["errors"]),
        "stability": list(at["stability"]),
        "trust": [Paragraph(SENTENCES["looked"]), *map(Paragraph, _of_leaks(result) or [SENTENCES["blind"]])],
        "files": [Terms(tuple((f"`{name}`", FILES[name]) for name in FILES)), *([Code(command)] if command else [])],
    }  # fmt: skip
    first, last = n.day(result.cutoffs[0]), n.day(result.cutoffs[-1])
    where = {"source": result.source, "first": first, "last": last}
    return Document(
        language=data["provenance"]["language"],
        title=TITLES["page"],
        subtitle=TITLES["subtitle"].format(**where, cutoffs=n.count(len(result.rounds)), days=n.count(result.days)),
        running=TITLES["running"].format(**where, hash=result.sha256[:12]),
        verdict=_headline(result) or told[0],
        verdict_note=SENTENCES["note"],
        created=data["provenance"]["created"],
        sections=tuple(_numbered(bodies)),
        words={key: texts.PROSE[key] for key in ("contents", "as_table", "page", "table_elsewhere")},
    )


def _numbered(bodies: Mapping[str, list[Block]]) -> list[Section]:
    """Sections, figures and tables with their numbers."""
    counters, sections = {"picture": 0, "table": 0}, []
    for number, (name, blocks) in enumerate((name, body) for name, body in bodies.items() if body):
        marked: list[Block] = []
        for block in blocks:
            if isinstance(block, Picture | Table):
                counters[block.kind] += 1
                block = replace(block, mark=texts.MARKS[block.kind].format(number=counters[block.kind]))
            marked.append(block)
        sections.append(Section(name, TITLES[name], tuple(marked), str(number) if number else ""))
    return sections


def _pooled(result: Backtest, quantity: Quantity) -> Table:
    """Predictors down, measures across: means over cut-offs."""
    pooled = result.pooled[result.pooled["quantity"] == quantity]
    wide = pooled.pivot(index="predictor", columns="metric", values="value")
    crps = wide["crps"].sort_values(kind="stable")
    metrics = [name for name in SHOWN if name in wide and wide[name].notna().any()]
    leader = result.leader(quantity)
    rows = []
    for name in crps.index:
        cells = [_shown(result, quantity, metric, float(wide.loc[name, metric])) for metric in metrics]
        tone = "strong" if name == leader else ""
        rows.append(row(*(Cell(text, tone) for text in (called(str(name)), *cells))))  # type: ignore[arg-type]
    headings = (HEADINGS["predictor"], *map(_measure, metrics))
    caption = CAPTIONS["pooled"].format(quantity=texts.QUANTITIES[quantity])
    return Table(f"pooled_{quantity}", caption, headings, tuple(rows), "l" + "r" * len(metrics))


def _compared(result: Backtest, quantity: Quantity) -> list[Block]:
    """Measures down, rivals across: verdicts on the leading family."""
    leader = result.leader(quantity)
    if leader is None:
        return []
    found = result.compare(leader)
    rivals, metrics = list(dict.fromkeys(found["formula"])), list(dict.fromkeys(found["metric"]))
    lines = {(line["metric"], line["formula"]): line for line in found.to_dict("records")}
    rows = []
    for metric in metrics:
        cells = []
        for rival in rivals:
            if (metric, rival) not in lines:
                cells.append(Cell(n.MISSING, "muted"))
                continue
            line = lines[metric, rival]
            ahead = f"{n.count(line['ahead'])}/{n.count(line['cutoffs'])}"
            cells.append(Cell(f"{texts.VERDICTS[line['verdict']]} ({ahead})", TONES[line["verdict"]]))
        rows.append(row(_measure(metric), *cells))
    headings = (HEADINGS["measure"], *map(called, rivals))
    caption = CAPTIONS["compared"].format(model=title_of(leader), quantity=texts.QUANTITIES[quantity])
    return [Table(f"compared_{quantity}", caption, headings, tuple(rows), "l" * len(headings))]


def _shown(result: Backtest, quantity: Quantity, metric: str, value: float) -> str:
    """A mean as people read it."""
    style = "amount" if metric == LOG_RATIO else texts.METRICS[metric].style
    if not math.isfinite(value):
        return n.MISSING
    if style in ("percent", "share"):
        return n.percent(value, sign=metric == "total_error")
    if style == "amount" and quantity == "value" and metric in METRICS:
        return n.money(value, result.currency)
    return n.decimal(value, 3)


def _markdown(page: Document) -> str:
    """The sentences and captions as Markdown."""
    lines = [f"# {page.title}", "", page.subtitle, ""]
    for section in page.sections:
        lines += [f"## {section.title}", ""]
        for block in section.blocks:
            match block:
                case Bullets():
                    lines += [*(f"{i}. {item.text}" for i, item in enumerate(block.items, 1)), ""]
                case Paragraph():
                    lines += [block.text, ""]
                case Picture():
                    lines += [f"![{block.alt}](figures/{block.name}.png)", "", f"{block.mark}. {block.caption}", ""]
                case Terms():
                    lines += [*(f"- {term}: {meaning}" for term, meaning in block.items), ""]
                case Table():
                    lines += [f"{block.mark}. {block.caption}", "", f"| {' | '.join(block.headings)} |"]
                    lines += ["|" + "---|" * len(block.headings)]
                    lines += [f"| {' | '.join(cell.text for cell in cells)} |" for cells in block.rows] + [""]
                case _:
                    continue
    return "\n".join(lines).rstrip() + "\n"


__all__ = ["backtest_data", "called", "check_backtest", "comparison", "sentences", "write_backtest"]
