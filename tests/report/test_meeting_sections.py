"""Do the sections on indicators, channels, levers and single customers hold what report.json holds, and add up?"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.models import BGNBD, GammaGamma
from clvmodels.report import Report, build_report, html
from clvmodels.report.document import Document, Sliders, Table
from clvmodels.report.story import document


@pytest.fixture(scope="module")
def report() -> Report:
    log = clv.simulate(
        BGNBD(0.5, 6.0, 0.6, 2.5), spend=GammaGamma(6.25, 3.74, 15.44), customers=300, start="2023-01-01",
        end="2024-06-30",
    )  # fmt: skip
    log["channel"] = np.array(["search", "social", "email"])[log["customer_id"] % 3]
    log["plan"] = "only"
    log["cost"] = 20.0
    return build_report(log, segment=("channel", "plan"), cost="cost", margin=0.4, method="mle")


@pytest.fixture(scope="module")
def told(report: Report) -> Document:
    return document(report.data, report.customers, {})


def blocks(told: Document, kind: type) -> dict[str, Any]:
    return {block.name: block for section in told.sections for block in section.blocks if isinstance(block, kind)}


def number(text: str) -> float:
    return float(re.sub(r"[^\d.\-]", "", text.replace("\u2212", "-")))


def test_sections_are_there_with_their_tables(told: Document) -> None:
    names = [section.name for section in told.sections]
    assert [name for name in names if name in ("indicators", "channels", "levers", "attention")] == [
        "indicators", "channels", "levers", "attention",
    ]  # fmt: skip
    tables = blocks(told, Table)
    assert {
        "kpis", "factors", "expected", "cohorts", "kpis_channel", "next_channel", "cost_channel", "sums_channel",
        "levers", "levers_channel", "offers", "rewards", "tiers_actual", "tiers_now", "at_risk", "formula_over",
    } <= tables.keys()  # fmt: skip
    for table in tables.values():
        assert all(len(cells) == len(table.headings) == len(table.align) for cells in table.rows), table.name


def test_the_factors_multiply(told: Document) -> None:
    rows = blocks(told, Table)["factors"].rows
    for column in (1, 2):
        *factors, product = (number(cells[column].text) for cells in rows)
        factors[-1] /= 100  # the margin is printed in per cent
        assert np.prod(factors) == pytest.approx(product, rel=0.02)


def test_channels_add_up_to_the_forecast(report: Report, told: Document) -> None:
    rows = report.data["channels"][0]["channels"]
    assert sum(row["clv"] for row in rows) == pytest.approx(report.data["forecast"]["clv"], rel=1e-9)
    assert sum(row["customers"] for row in rows) == 300
    table = blocks(told, Table)["sums_channel"]
    printed = [[number(cells[column].text) for cells in table.rows] for column in (1, 2, 3)]
    for *parts, total in printed:
        assert sum(parts) == pytest.approx(total, abs=len(parts))


def test_one_value_only_is_said_and_not_compared(report: Report, told: Document) -> None:
    assert [one["segment"] for one in report.data["channels"]] == ["channel"]
    assert any("'plan' is 'only' for all 300 customers" in note for note in report.data["kpis"]["notes"])


def test_sliders_hold_the_models_values(report: Report, told: Document) -> None:
    sliders = blocks(told, Sliders)["levers"]
    data = json.loads(sliders.data)
    everyone, *groups = data["groups"]
    still = data["grid"].index(0.0)
    assert everyone["surface"][still][still] == pytest.approx(report.data["forecast"]["value"], rel=1e-5)
    assert everyone["formula"] == pytest.approx(report.data["forecast"]["formula_value"], rel=1e-5)
    parts = [
        [sum(column) for column in zip(*lines, strict=True)]
        for lines in zip(*(g["surface"] for g in groups), strict=True)
    ]
    assert np.array(parts) == pytest.approx(np.array(everyone["surface"]), rel=1e-3)
    surface = np.array(everyone["surface"])
    assert (np.diff(surface, axis=0) > 0).all()
    assert (np.diff(surface, axis=1) > 0).all()
    assert sliders.table.mark.startswith("Table")


def test_who_leaves_by_the_clock_or_never_does_not_leave_sooner_for_buying_more(report: Report) -> None:
    data = json.loads(json.dumps(report.data))
    for elasticity, said in ((0.9, "more occasions to leave"), (1.0, "does not change how long they stay")):
        data["levers"]["everyone"]["one_percent"][1]["elasticity"] = elasticity
        assert data["levers"]["everyone"]["one_percent"][1]["lever"] == "frequency"
        section = next(one for one in document(data, report.customers, {}).sections if one.name == "levers")
        assert any(said in getattr(block, "text", "") for block in section.blocks)


def test_the_page_holds_sliders_that_are_hidden_without_a_script(told: Document) -> None:
    page = html.render(told, {})
    box = re.search(r'<div class="sliders"[^>]*>', page)
    assert box
    assert "hidden" in box.group()
    assert page.count('type="range"') == 3
    assert 'querySelectorAll(".sliders")' in page
    assert 'id="table-surface"' in page


def test_reasons_are_whole_sentences(told: Document) -> None:
    for name in ("formula_over", "formula_under"):
        for cells in blocks(told, Table)[name].rows:
            assert cells[-1].text.endswith(".")
            assert not re.search(r"[{}]|nan", cells[-1].text)


def test_a_report_without_money_has_indicators_and_silences_only(no_money: tuple[Report, Path]) -> None:
    data = no_money[0].data
    assert data["channels"] == []
    assert data["levers"] is None
    assert list(data["attention"]["lists"]) == ["unusual_silence"]
    told = document(data, no_money[0].customers, {})
    names = [section.name for section in told.sections]
    assert "levers" not in names
    assert "channels" not in names
    assert {"kpis", "factors", "expected"} <= blocks(told, Table).keys()


def test_lists_agree_with_the_customer_table(report: Report) -> None:
    rows = pd.DataFrame(report.data["attention"]["lists"]["value_at_risk"]).set_index("customer_id")
    frame = report.customers.set_index("customer_id").loc[rows.index]
    assert rows["value"].to_numpy() == pytest.approx(frame["value"].to_numpy())
    risk = (report.customers["value"] * (1 - report.customers["p_active"])).nlargest(len(rows))
    assert rows["value_at_risk"].to_numpy() == pytest.approx(risk.to_numpy())
