"""Do two reports compared tell what moved, what is noise and what was asked differently? And are all of them listed?"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from clvmodels.cli import main
from clvmodels.errors import InputError
from clvmodels.language import speaking
from clvmodels.report import build_report, markdown, write_report
from clvmodels.report.difference_page import difference_document, headline
from clvmodels.report.differences import Difference, compare_reports


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One log at two dates; the later once more with half the margin; the later without its customers."""
    folder = tmp_path_factory.mktemp("compared")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["simulate", "--customers", "600", "--seed", "3", "--out", "orders.csv"]) == 0
        for name, options in {
            "early": {"until": "1998-02-28"},
            "late": {"until": "1998-06-30"},
        }.items():
            report = build_report("orders.csv", method="mle", **options)  # type: ignore[arg-type]
            write_report(name, replace(report, figures={}))  # which nobody compares, and drawing is what takes time
        shutil.copytree("late", "half")
        data = json.loads(Path("half/report.json").read_text())
        data["provenance"]["options"]["margin"] = 0.5
        for name in ("value", "clv"):
            for end in ("", "_lower", "_upper"):
                data["forecast"][name + end] *= 0.5
        Path("half/report.json").write_text(json.dumps(data))
        shutil.copytree("late", "bare")
        for kind in ("csv", "parquet"):
            Path(f"bare/customers.{kind}").unlink()
    return folder


@pytest.fixture(autouse=True)
def _inside(reports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(reports)


@pytest.fixture(scope="module")
def moved(reports: Path) -> Difference:
    return compare_reports(reports / "early", reports / "late")


def test_numbers_are_those_of_the_two_reports(moved: Difference) -> None:
    one, two = (json.loads(Path(name, "report.json").read_text()) for name in ("early", "late"))
    changes = {(change.part, change.name): change for change in moved.changes}
    for name in ("purchases", "value", "clv", "active_customers"):
        change = changes["forecast", name]
        assert (change.before, change.after) == (one["forecast"][name], two["forecast"][name])
        assert change.difference == pytest.approx(two["forecast"][name] - one["forecast"][name])
    for name in ("average_order_value", "purchase_frequency", "relationship_duration", "churn_rate"):
        change = changes["kpis", name]
        assert (change.before, change.after) == pytest.approx((one["kpis"][name], two["kpis"][name]))
    r = changes["parameters", "BG/NBD: r"]
    errors = [data["forecast"]["models"]["purchases"]["standard_errors"]["r"] for data in (one, two)]
    assert r.upper is not None
    assert r.difference is not None
    assert r.upper - r.difference == pytest.approx(1.959964 * (errors[0] ** 2 + errors[1] ** 2) ** 0.5)
    assert changes["kpis", "relationship_duration"].verdict == "up"  # the same customers, four months older
    assert not moved.same_data


def test_customers_add_up(moved: Difference) -> None:
    assert moved.tiers is not None
    assert moved.tiers.to_numpy().sum() == 600
    assert moved.movers is not None
    ends = {name: pd.read_parquet(f"{name}/customers.parquet").set_index("customer_id") for name in ("early", "late")}
    assert moved.tiers.loc[""].sum() == len(ends["late"]) - len(ends["early"])
    difference = (ends["late"]["value"] - ends["early"]["value"]).dropna()
    assert moved.movers["difference"].max() == pytest.approx(difference.max())
    assert moved.movers["difference"].min() == pytest.approx(difference.min())
    rank = ends["late"]["value"].corr(ends["early"]["value"], method="spearman")
    assert moved.rank_correlation == pytest.approx(rank)


def test_same_report_has_not_moved() -> None:
    found = compare_reports("late", "late")
    assert {change.verdict for change in found.changes if change.difference is not None} == {"same"}
    assert (found.options, found.verdicts, found.checks) == ((), (), ())
    assert "Nothing moved." in markdown.render(difference_document(found))


def test_what_was_asked_differently_is_no_chance() -> None:
    found = compare_reports("late", "half")
    assert found.same_data
    assert found.options == (("margin", 1.0, 0.5),)
    value = next(change for change in found.of("forecast") if change.name == "value")
    assert value.verdict == "options"
    assert value.relative == pytest.approx(-0.5)
    assert all(change.verdict != "up" and change.verdict != "down" for change in found.changes)
    page = markdown.render(difference_document(found))
    assert "Asked differently: `--margin` `1.0` → `0.5`." in page
    assert "what differs comes from what was asked, not from chance" in page


def test_errors_of_holdouts_of_other_lengths_are_not_judged(moved: Difference) -> None:
    scores = {change.name: change.verdict for change in moved.of("scores")}
    assert scores["purchases/mae"] == scores["value/rmse"] == "length"
    assert scores["purchases/gini"] in ("up", "down", "no evidence")


def test_reports_without_customers_are_compared_as_far_as_they_go() -> None:
    found = compare_reports("early", "bare")
    assert found.tiers is None
    assert {change.name for change in found.of("kpis")} >= {"average_order_value", "churn_rate"}
    assert "customers cannot be compared" in markdown.render(difference_document(found))


def test_every_medium_says_the_same(moved: Difference, capsys: pytest.CaptureFixture[str]) -> None:
    said = headline(moved).replace("\u2060", "")
    assert main(["diff", "early", "late"]) == 0
    screen = capsys.readouterr().out
    assert screen.startswith(headline(moved))
    assert "…" not in screen  # nothing is cut off
    for kind in ("html", "md", "json"):
        assert main(["diff", "early", "late", "--out", f"moved.{kind}"]) == 0
        assert capsys.readouterr().out.endswith(f"Wrote moved.{kind}.\n")
    assert said in Path("moved.html").read_text().replace("\u2060", "")
    assert said in Path("moved.md").read_text().replace("\u2060", "")
    data = json.loads(Path("moved.json").read_text())
    assert len(data["changes"]) == len(moved.changes)
    shown = re.sub(r"`[^`]*`", "", Path("moved.md").read_text())
    assert not re.search(r"[a-z]_[a-z]|\bnan\b|None", shown)


def test_comparison_speaks_portuguese(moved: Difference) -> None:
    with speaking("pt-BR"):
        page = markdown.render(difference_document(moved))
    assert "R$" not in page  # the data are in dollars
    assert "28 de fev" in page


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("unit", "the reports cannot be compared: the unit of time is week in early and day in other."),
        ("currency", "the reports cannot be compared: the currency is USD in early and EUR in other."),
        ("schema", "other/report.json has schema 9; this version reads 1. Make the report again."),
        ("broken", "other/report.json cannot be read (JSONDecodeError). Make the report again."),
        ("gone", "other is no report: it holds no report.json. Name a folder that 'report' wrote."),
        ("kpis", "other/report.json has no 'kpis': it is not as it was written. Make the report again."),
    ],
)
def test_reports_that_cannot_be_compared(tmp_path: Path, change: str, said: str) -> None:
    other = Path("other")
    other.mkdir(exist_ok=True)
    data = json.loads(Path("late/report.json").read_text())
    data["forecast"]["unit"] = "day" if change == "unit" else "week"
    data["data"]["currency"] = "EUR" if change == "currency" else "USD"
    data["schema"] = 9 if change == "schema" else 1
    if change == "kpis":
        del data["kpis"]
    text = "{" if change == "broken" else json.dumps(data)
    (other / "report.json").unlink(missing_ok=True)
    if change != "gone":
        (other / "report.json").write_text(text)
    with pytest.raises(InputError) as refused:
        compare_reports("early", "other")
    assert str(refused.value).startswith(said)
    shutil.rmtree(other)


def test_a_damaged_table_of_customers_is_said_to_be_damaged() -> None:
    other = Path("other")
    other.mkdir()
    shutil.copy("late/report.json", other)
    (other / "customers.parquet").write_bytes(b"nonsense")
    with pytest.raises(InputError, match=r"other/customers.parquet cannot be read \(ArrowInvalid\)"):
        compare_reports("early", "other")
    shutil.rmtree(other)


# --------------------------------------------------------------------------------------------------- the index page


def test_index_lists_every_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("early", "late"):
        shutil.copytree(name, tmp_path / f"{name} & co")
    (tmp_path / "early & co" / "report.pdf").unlink()
    (tmp_path / "notes").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "report.json").write_text('{"schema": 1}')
    assert main(["index", str(tmp_path)]) == 0
    shown = capsys.readouterr()
    assert shown.out == f"Wrote {tmp_path / 'index.html'}: 2 reports.\n"
    assert shown.err == f"Note: {tmp_path / 'broken'} is left out: its report.json cannot be read.\n"
    page = (tmp_path / "index.html").read_text()
    assert page.count("<tr>") == 3
    assert 'href="late%20%26%20co/report.html"' in page
    assert 'href="late%20%26%20co/report.pdf"' in page
    assert "early%20%26%20co/report.pdf" not in page
    assert "28 Feb 1998" in page
    assert "average order value × frequency × duration" in page
    assert main(["index", str(tmp_path), "--language", "pt-BR"]) == 0  # an index of ours is replaced
    assert 'lang="pt-BR"' in (tmp_path / "index.html").read_text()


def test_index_of_nothing_and_of_somebody_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["index", str(tmp_path / "no")]) == 2
    assert main(["index", str(tmp_path)]) == 2
    (tmp_path / "index.html").write_text("<h1>Mine</h1>")
    assert main(["index", str(tmp_path)]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"Error: there is no folder {tmp_path / 'no'}. Name the folder that holds the folders of the reports.",
        f"Error: no folder in {tmp_path} holds a report. Make one: clvmodels report … --out {tmp_path / 'NAME'}",
        f"Error: {tmp_path / 'index.html'} is not ours. Nothing is overwritten. Move it away, or name another folder.",
    ]
    assert (tmp_path / "index.html").read_text() == "<h1>Mine</h1>"
