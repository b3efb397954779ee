"""Does ``clvmodels backtest`` write one whole folder, take predictions made elsewhere, and refuse in words?"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.cli import main

FEW = ["--family", "bgnbd", "--spend", "gamma_gamma", "--resamples", "20", "--workers", "1"]


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half of everybody's past, once more."""
    frame = clv.summarize("cdnow-sample", until="1997-09-30").frame
    path = tmp_path_factory.mktemp("theirs") / "theirs.csv"
    frame[["customer_id"]].assign(purchases=frame["frequency"] / 2, value=frame["value_past"] / 2).to_csv(
        path, index=False
    )
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, theirs: Path) -> Path:
    out = tmp_path_factory.mktemp("backtests") / "sample"
    words = ["backtest", "cdnow-sample", "--out", str(out), "--cutoff", "1997-09-30", "--predictions", str(theirs)]
    assert main([*words, *FEW]) == 0
    return out


def test_everything_is_there(folder: Path) -> None:
    from clvmodels.report.rolling import NAMES

    assert {path.name for path in folder.iterdir()} == NAMES
    figures = {path.name for path in (folder / "figures").iterdir()}
    stems = {name.rsplit(".")[0] for name in figures}
    assert figures == {f"{stem}.{ending}" for stem in stems for ending in ("svg", "png", "csv")}
    assert len(stems) == 8


def test_tables_and_json_say_the_same(folder: Path) -> None:
    data = json.loads((folder / "backtest.json").read_text())
    assert data["schema"] == 1
    assert [one["cutoff"] for one in data["cutoffs"]] == ["1997-09-30"]
    league = pd.read_csv(folder / "league.csv")
    assert len(league) == len(data["league"]) == len(pd.read_parquet(folder / "league.parquet"))
    assert data["leaders"] == {"purchases": "bgnbd", "value": "bgnbd+gamma_gamma"}
    assert {"predictor": "theirs", "title": "theirs", "kind": "elsewhere"} in data["predictors"]
    assert "theirs" in set(league["predictor"])
    assert "theirs" in set(pd.read_csv(folder / "comparison.csv")["formula"])
    total = league.query("predictor == 'bgnbd' and metric == 'total_error'")["value"].iloc[0]
    assert total == pytest.approx(-0.1215, abs=1e-4)
    assert data["provenance"]["command"].startswith("clvmodels backtest cdnow-sample --out ")


def test_the_page_reads_them_aloud(folder: Path) -> None:
    page, text = (folder / "backtest.html").read_text(), (folder / "backtest.md").read_text()
    for words in ("BG/NBD × Gamma-Gamma", "Lowest CRPS, purchases", "No leak", "Formula per customer", "theirs"):
        assert words in page
        assert words in text
    assert "bgnbd" not in text.split("## Files")[0]
    assert "nan" not in text
    assert page.count("<figure") == 8


def test_an_earlier_backtest_is_replaced_and_nothing_else(folder: Path, theirs: Path, capsys) -> None:
    words = ["backtest", "cdnow-sample", "--cutoffs", "1", "--horizon", "26 weeks", "--spend", "none"]
    assert main([*words, "--out", str(theirs.parent), "--family", "nbd"]) == 2
    assert "holds theirs.csv, which is no part of an earlier backtest" in capsys.readouterr().err
    assert main([*words, "--out", str(folder), "--family", "nbd", "--resamples", "20", "--language", "pt-BR"]) == 0
    data = json.loads((folder / "backtest.json").read_text())
    assert data["leaders"] == {"purchases": "nbd"}
    assert data["days"] == 182
    assert not (folder / "figures" / "rolling_value.svg").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--cutoff", "1997-09-30", "--cutoffs", "2"], "cannot both be given"),
        (["--language", "fr"], "language 'fr' is not available"),
        (["--spend", "none", "--spend", "gamma_gamma"], "--spend none leaves money out"),
        (["--family", "magic"], "there is no purchase family 'magic'"),
        (["--predictions", "nowhere.csv"], "nowhere.csv cannot be read"),
    ],
)
def test_refusals_write_nothing(tmp_path: Path, words: list[str], said: str, capsys) -> None:
    assert main(["backtest", "cdnow-sample", "--out", str(tmp_path / "out"), *words]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_evaluate_and_report_take_them_too(tmp_path: Path, theirs: Path, capsys) -> None:
    out = tmp_path / "judged"
    words = ["evaluate", "cdnow-sample", "--calibration-end", "1997-09-30", "--out", str(out), "--method", "mle"]
    assert main([*words, "--predictions", str(theirs), "--resamples", "20"]) == 0
    assert "theirs" in set(pd.read_csv(out / "comparison.csv")["formula"])
    report = clv.build_report("cdnow-sample", method="mle", predictions=theirs)
    rows = [row for row in report.data["comparison"] if row["formula"] == "theirs"]
    assert {row["quantity"] for row in rows} == {"purchases", "value"}
    assert report.data["provenance"]["options"]["predictions"] == str(theirs)
    assert "--predictions" in report.data["provenance"]["command"]
    short = pd.read_csv(theirs).iloc[2:]
    short.to_csv(tmp_path / "short.csv", index=False)
    capsys.readouterr()
    assert main([*words, "--predictions", str(tmp_path / "short.csv")]) == 2
    assert "says nothing of 2 of 2,357 customers" in capsys.readouterr().err
    assert main([*words, "--predictions", str(tmp_path / "short.csv"), "--missing", "zero", "--resamples", "20"]) == 0
