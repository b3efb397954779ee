"""Do tables sort as people of the page's language expect, and large amounts fit? Small pages, in a real browser."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from clvmodels import written
from clvmodels.language import speaking
from clvmodels.report import html
from clvmodels.report.document import Card, Cards, Cell, Document, Section, Table, row
from tests.report.test_report_browser import COLUMN, browser

pytestmark = [pytest.mark.external, pytest.mark.filterwarnings("ignore::ResourceWarning")]

__all__ = ["browser"]

VALUES = [3.25, -1200.5, 0.0, 1_234_567.0, 17.0, -0.5]
DAYS = [dt.date(2024, month, day) for month, day in ((12, 1), (2, 29), (5, 17), (1, 31), (9, 9), (8, 2))]


def page(language: str, tmp_path: Path) -> Path:
    """One table with a number, an amount, a percentage, a day and a word in every row, and a total."""
    with speaking(language):
        rows = [
            row(
                f"row {place}",
                written.decimal(value, 2),
                written.money(value, "BRL"),
                written.percent(value / 100),
                written.day(day),
                written.between(written.decimal(value, 1), written.decimal(value + 5, 1)),
            )
            for place, (value, day) in enumerate(zip(VALUES, DAYS, strict=True))
        ]
        total = row(*(Cell(text, "strong") for text in ("Total", "9", "9", "9", "", "")))
        missing = row("row 9", *["–"] * 5)
        table = Table("t", "Caption", tuple("ABCDEF"), (*rows[:3], missing, *rows[3:], total), "lrrrlr")
        words = dict.fromkeys(("contents", "as_table", "page", "table_elsewhere"), "-")
        document = Document(
            language, "Title", "Sub", "Run", "Verdict", "Note", "", (Section("summary", "S", (table,)),), words
        )
        (tmp_path / f"{language}.html").write_text(html.render(document, {}), encoding="utf-8")
    return tmp_path / f"{language}.html"


@pytest.mark.parametrize("language", ["en", "pt-BR"])
@pytest.mark.parametrize("column", [1, 2, 3, 4, 5])
def test_numbers_amounts_shares_days_and_intervals_sort(
    browser: Any, tmp_path: Path, language: str, column: int
) -> None:
    browser.get(page(language, tmp_path).as_uri())
    key = DAYS if column == 4 else VALUES
    for reverse in (True, False):
        browser.execute_script(COLUMN, "#table-t", column)
        names = "return [...document.querySelector('#table-t table').tBodies[0].rows].map(r => r.cells[0].textContent)"
        order = browser.execute_script(names)
        expected = sorted(range(6), key=lambda place: key[place], reverse=reverse)
        assert order == [*(f"row {place}" for place in expected), "row 9", "Total"]


def test_large_amounts_fit_a_small_phone(browser: Any, tmp_path: Path) -> None:
    cards = Cards(tuple(Card(f"Card {i}", "US$\u00a08.381.852.000", "Intervalo de 90%") for i in range(4)))
    words = dict.fromkeys(("contents", "as_table", "page", "table_elsewhere"), "-")
    sections = (Section("summary", "S", (cards,)),)
    document = Document("pt-BR", "Title", "Sub", "Run", "Verdict", "Note", "", sections, words)
    (tmp_path / "cards.html").write_text(html.render(document, {}), encoding="utf-8")
    for width in (320, 390):
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": True}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get((tmp_path / "cards.html").as_uri())
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_words_sort_as_people_do(browser: Any, tmp_path: Path) -> None:
    browser.get(page("en", tmp_path).as_uri())
    falling, _ = browser.execute_script(COLUMN, "#table-t", 0)
    assert falling == [*(f"row {place}" for place in (9, 5, 4, 3, 2, 1, 0)), "Total"]
