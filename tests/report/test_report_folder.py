"""Does a report folder appear whole or not at all, and never over somebody else's files?"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clvmodels.errors import InputError
from clvmodels.report import Report, folder, write_report


@pytest.fixture(scope="module")
def quick(sample: Report) -> Report:
    """The same report with two figures, because drawing is what takes time."""
    return replace(sample, figures={name: sample.figures[name] for name in ("timeline", "pit")})


def everything(path: Path) -> list[str]:
    return sorted(str(found.relative_to(path)) for found in path.rglob("*"))


def test_an_empty_folder_and_an_earlier_report_are_replaced(quick: Report, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "report"
    assert write_report(target, quick) == target
    first = everything(target)
    (target / "figures" / "stale.svg").write_text("old")
    write_report(target, quick)
    assert everything(target) == first
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["report"]


@pytest.mark.parametrize("content", [{"thesis.docx": "mine"}, {"report.json": "{}", "thesis.docx": "mine"}])
def test_a_folder_of_something_else_is_refused(quick: Report, tmp_path: Path, content: dict[str, str]) -> None:
    for name, text in content.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=r"thesis\.docx"):
        write_report(tmp_path, quick)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == content


def test_a_file_is_refused(quick: Report, tmp_path: Path) -> None:
    (tmp_path / "report").write_text("a file")
    with pytest.raises(InputError, match="is a file"):
        write_report(tmp_path / "report", quick)
    assert (tmp_path / "report").read_text() == "a file"


@pytest.mark.parametrize("step", ["pdf", "html", "customers", "json"])
def test_a_failure_on_the_way_leaves_what_was_there(
    quick: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    target = tmp_path / "report"
    target.mkdir()
    (target / "report.json").write_text("earlier")

    def fail(*args: Any, **kwargs: Any) -> Any:
        raise OSError("disk full")

    module, name = {
        "pdf": (folder.pdf, "render"),
        "html": (folder.html, "render"),
        "customers": (folder, "write_customers"),
        "json": (folder, "dumps"),
    }[step]
    monkeypatch.setattr(module, name, fail)
    with pytest.raises(OSError, match="disk full"):
        write_report(target, quick)
    assert everything(tmp_path) == ["report", "report/report.json"]
    assert (target / "report.json").read_text() == "earlier"


def test_a_new_folder_that_fails_is_not_there(quick: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "write_customers", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_report(tmp_path / "a" / "b", quick)
    assert everything(tmp_path) == []


def test_the_fit_can_be_loaded_again(sample: Report, sample_folder: Path) -> None:
    from clvmodels import store

    purchases, spend = store.load(sample_folder / "fit.json")
    assert purchases.parameters == sample.purchases.parameters
    assert sample.spend is not None
    assert spend.parameters == sample.spend.parameters


def test_the_report_holds_what_was_written(sample: Report, sample_folder: Path) -> None:
    assert json.loads((sample_folder / "report.json").read_text(encoding="utf-8")) == sample.data
