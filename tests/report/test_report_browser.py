"""Does the page work in a real browser: no error, no request, no sideways scrolling, dark, printed?"""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clvmodels.report import Report
from tests.conftest import need

pytestmark = [
    pytest.mark.external,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # selenium's own sockets
]

FLAGS = [
    "headless",
    "no-sandbox",
    "disable-gpu",
    "disable-quic",
    "no-first-run",
    "disable-background-networking",
    "disable-component-update",
    "disable-sync",
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    need(chromium and driver, "chromium with chromedriver")
    selenium = pytest.importorskip("selenium.webdriver")
    options = selenium.ChromeOptions()
    options.binary_location = chromium
    for flag in FLAGS:
        options.add_argument(f"--{flag}")
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('profile')}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    opened = selenium.Chrome(options=options, service=selenium.ChromeService(driver))
    yield opened
    opened.quit()


@pytest.fixture
def page(browser: Any, sample_folder: Path) -> Any:
    browser.set_window_size(1280, 900)
    browser.get("about:blank")  # leaves the start page of the distribution's browser, and its requests
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    browser.get((sample_folder / "report.html").as_uri())
    return browser


def test_no_error_and_no_request(page: Any) -> None:
    assert [entry for entry in page.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []
    asked = re.findall(
        r'"url":"((?:https?|wss?):[^"]*)"', "".join(entry["message"] for entry in page.get_log("performance"))
    )
    assert asked == []


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_scrolls_sideways(page: Any, width: int) -> None:
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 700},
    )
    page.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_no_open_table_is_cut_on_a_desk(page: Any) -> None:
    cut = """
        return [...document.querySelectorAll(".sheet")].filter(s => !s.closest("details"))
            .filter(s => s.scrollWidth > s.clientWidth).map(s => s.getAttribute("aria-labelledby"));
    """
    assert page.execute_script("return document.querySelectorAll('.sheet').length") > 20
    assert page.execute_script(cut) == []


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
@pytest.mark.parametrize("amount", ["$1,234", "US$\xa033.103.684", "CHF\xa01,234,567,890,123"])
def test_no_amount_on_a_card_is_cut_or_broken(page: Any, width: int, amount: str) -> None:
    page.set_window_size(width, 900)
    lines, cut, size = page.execute_script(
        """
        const value = document.querySelector(".card .value"), text = value.querySelector("span");
        text.textContent = arguments[0];
        value.style.setProperty("--letters", arguments[0].length);
        const there = text.getBoundingClientRect(), room = value.getBoundingClientRect();
        const size = parseFloat(getComputedStyle(text).fontSize);
        return [text.getClientRects().length, there.right > room.right + 1, size];
        """,
        amount,
    )
    assert (lines, cut) == (1, False)
    assert size >= 9


def test_it_follows_the_readers_theme(page: Any) -> None:
    grounds = {}
    for theme in ("light", "dark"):
        page.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": theme}]}
        )
        grounds[theme] = page.execute_script("return getComputedStyle(document.body).backgroundColor")
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    brightness = {theme: sum(map(int, re.findall(r"\d+", color)[:3])) for theme, color in grounds.items()}
    assert brightness["dark"] < 150 < 600 < brightness["light"]


def test_contents_and_tables_open(page: Any) -> None:
    page.execute_script("document.querySelector('nav a[href=\"#checks\"]').click()")
    assert page.current_url.endswith("#checks")
    page.execute_script("document.querySelector('#figure-tracking summary').click()")
    assert page.execute_script("return document.querySelector('#figure-tracking details').open")
    assert page.execute_script("return document.querySelector('#figure-tracking details table').offsetHeight") > 100


COLUMN = """
    const table = document.querySelector(arguments[0] + " table");
    const cells = () => [...table.tBodies[0].rows].map(r => r.cells[arguments[1]].textContent);
    table.tHead.rows[0].cells[arguments[1]].querySelector("button").click();
    return [cells(), table.tHead.rows[0].cells[arguments[1]].getAttribute("aria-sort")];
"""


def number(text: str) -> float:
    return float(re.sub(r"[^\d.]", "", text.split(" to ")[0]).strip("."))


@pytest.mark.parametrize(("table", "column"), [("#table-top", 4), ("#table-top", 5), ("#table-top", 7)])
def test_tables_sort_by_number_and_amount(page: Any, table: str, column: int) -> None:
    falling, sign = page.execute_script(COLUMN, table, column)
    assert sign == "descending"
    assert [number(text) for text in falling] == sorted(map(number, falling), reverse=True)
    rising, sign = page.execute_script(COLUMN, table, column)
    assert sign == "ascending"
    assert rising == falling[::-1] or [number(text) for text in rising] == sorted(map(number, rising))


def test_tables_sort_by_date_and_by_word(page: Any) -> None:
    import datetime as dt

    days, _ = page.execute_script(COLUMN, "#table-top", 1)
    read = [dt.datetime.strptime(text, "%d %b %Y") for text in days]
    assert read == sorted(read, reverse=True)
    words, _ = page.execute_script(COLUMN, "#table-scores_purchases", 0)
    assert words == sorted(words, reverse=True)


def test_totals_stay_last(page: Any) -> None:
    for _ in range(2):
        rows, _ = page.execute_script(COLUMN, "#table-ledger", 1)
        assert number(rows[-1]) == sum(map(number, rows[:-1]))


def test_page_without_script_is_whole(browser: Any, sample_folder: Path) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get((sample_folder / "report.html").as_uri())
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert browser.execute_script("return document.querySelectorAll('th button').length") == 0
    assert browser.execute_script("return document.querySelector('#table-top table').rows.length") == 11


def test_every_picture_has_words(page: Any) -> None:
    alone = "return [...document.querySelectorAll('svg:not([aria-hidden])')].filter(s => !s.getAttribute('aria-label'))"
    assert page.execute_script(alone) == []
    assert page.execute_script("return [...document.images].filter(i => !i.alt)") == []


def test_it_prints(page: Any) -> None:
    printed = base64.b64decode(page.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"])
    assert printed.startswith(b"%PDF-")
    assert 5 <= len(re.findall(rb"/Type\s*/Page\b(?!s)", printed)) <= 40


def test_sliders_recompute_the_levers(page: Any, sample: Report) -> None:
    box = page.find_element("css selector", ".sliders")
    assert box.is_displayed()
    value, formula = (sample.data["forecast"][name] for name in ("value", "formula_value"))

    def shown() -> tuple[str, str]:
        return tuple(box.find_element("css selector", f"[data-out={name}]").text for name in ("model", "formula"))  # type: ignore[return-value]

    assert shown() == (f"${value:,.0f} (0.0%)", f"${formula:,.0f} (0.0%)")
    move = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input'))"
    page.execute_script(move, box.find_element("css selector", "[name=order_value]"), 10)
    assert shown() == (f"${1.1 * value:,.0f} (+10.0%)", f"${1.1 * formula:,.0f} (+10.0%)")
    page.execute_script(move, box.find_element("css selector", "[name=frequency]"), 50)
    grid = sample.data["levers"]["grid"]
    more = sample.data["levers"]["everyone"]["surface"][0][grid.index(0.5)][grid.index(0.0)]
    assert shown()[0].startswith(f"${1.1 * more:,.0f}")
    page.execute_script(move, box.find_element("css selector", "[name=retention]"), -20)
    assert shown()[1].startswith(f"${1.1 * 1.5 / 1.2 * formula:,.0f}")
    page.execute_script("arguments[0].click()", box.find_element("css selector", "button"))  # wherever it has scrolled
    assert shown() == (f"${value:,.0f} (0.0%)", f"${formula:,.0f} (0.0%)")
    assert [entry for entry in page.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []
