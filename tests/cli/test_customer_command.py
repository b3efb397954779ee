"""Does ``clvmodels customer`` give the same card from a report, a run and a log, in every form?"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from clvmodels.cli import main
from clvmodels.report import build_report, write_report


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """orders.csv, a run with fits, and a report, of the same log."""
    folder = tmp_path_factory.mktemp("customer")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for words in (
            "simulate --customers 600 --seed 1 --out orders.csv",
            "summarize orders.csv --out run",
            "fit run --method mle",
        ):
            assert main(words.split()) == 0
        report = build_report("orders.csv", method="mle")
        write_report("report", replace(report, figures={}))  # a card has its own, and drawing is what takes time
    return folder


@pytest.fixture(autouse=True)
def _inside(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(here)


def said(capsys: pytest.CaptureFixture[str], words: str, status: int = 0) -> str:
    assert main(words.split()) == status
    shown = capsys.readouterr()
    return shown.out if status == 0 else shown.err


def test_report_run_and_log_show_the_same_card(capsys: pytest.CaptureFixture[str]) -> None:
    cards = [said(capsys, f"customer 17 {source}") for source in ("report", "run", "orders.csv --method mle")]
    assert cards[0] == cards[1] == cards[2]
    assert "P(at least one purchase in the horizon)" in cards[0]
    assert "Purchases by the formula" in cards[0]
    assert "█" in cards[0]


def test_page_picture_and_data(capsys: pytest.CaptureFixture[str]) -> None:
    for kind in ("html", "png", "json"):
        assert said(capsys, f"customer 17 report --out card.{kind}").endswith(f"Wrote card.{kind}.\n")
    page = Path("card.html").read_text()
    assert "<h1>Customer 17</h1>" in page
    assert page.count("<svg") == 3  # the glyphs and two figures
    assert "http" not in page.replace("http://www.w3.org", "")
    with Image.open("card.png") as picture:
        assert picture.width == 750
    card = json.loads(Path("card.json").read_text())
    assert card["customer_id"] == "17"
    assert card["p_alive_path"][-1]["p_alive"] == pytest.approx(card["p_alive"])


def test_what_cannot_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "customer 017 report", 2) == (
        "Error: there is no customer '017' among 600. Did you mean 17? Ids are compared as text, capitals and leading "
        "zeros included.\n"
    )
    assert said(capsys, "customer 17 report --margin 0.5", 2) == (
        "Error: --margin cannot be given here: a report has its own.\n"
    )
    assert said(capsys, "customer 17 report --out card.txt", 2).startswith(
        "Error: --out card.txt does not say which kind of file to write: the name must end in .html or .json or .png."
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"schema": ', "cannot be read (JSONDecodeError)"),
        ("[1, 2]", "cannot be read (TypeError)"),
        ('{"schema": 0}', "has schema 0; this version reads 1"),
        ('{"schema": 1}', "has no 'data', 'calibration',"),
    ],
)
def test_a_report_that_is_damaged_or_old(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, reason: str
) -> None:
    (tmp_path / "report.json").write_text(text)
    assert said(capsys, f"customer 17 {tmp_path}", 2).startswith(f"Error: {tmp_path / 'report.json'} {reason}")


def test_a_report_whose_data_changed_is_not_shown_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree("report", tmp_path / "report")
    log = Path("orders.csv").read_text()
    monkeypatch.chdir(tmp_path)
    gone = said(capsys, "customer 17 report", 2)
    assert gone.startswith("Error: report: the data of the report cannot be read (")
    assert gone.endswith("Make the report again, or name the log: clvmodels customer ID LOG --fit report/fit.json\n")
    Path("orders.csv").write_text(log + "17,1998-06-30,5.00\n")
    assert said(capsys, "customer 17 report", 2) == (
        "Error: report: the data in orders.csv are not those of the report any more. Make the report again, or name "
        "the log: clvmodels customer ID LOG --fit report/fit.json\n"
    )
