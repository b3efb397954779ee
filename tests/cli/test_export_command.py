"""Does ``clvmodels export`` give what the report and the run hold, and say where?"""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from clvmodels.cli import main


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for words in (
            "simulate --customers 300 --seed 1 --out orders.csv",
            "split orders.csv --calibration-end 1998-01-31 --out run",
            "fit run --method mle",
            "predict run",
        ):
            assert main(words.split()) == 0
    return folder


@pytest.fixture(autouse=True)
def _inside(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run)


def test_a_run_becomes_a_workbook(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "run", "--to", "customers.xlsx"]) == 0
    assert capsys.readouterr().out == f"Wrote 219 customers to {Path('customers.xlsx').absolute()}.\n"
    sheet = openpyxl.load_workbook("customers.xlsx")["Customers"]
    there = pd.read_parquet("run/customers.parquet")
    assert [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)] == list(there["customer_id"])


def test_predict_writes_a_workbook_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "run", "--out", "later.xlsx", "--horizon", "6 months"]) == 0
    assert openpyxl.load_workbook("later.xlsx").sheetnames == ["Customers", "Totals", "Definitions"]
    assert "Wrote later.xlsx." in capsys.readouterr().out


def test_a_table_is_named_and_kept(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["export", "run", "--to", "duckdb://crm.duckdb", "--table", "scores"]
    assert main(words) == 0
    assert capsys.readouterr().out == "Wrote 219 customers to duckdb://crm.duckdb table scores.\n"
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said == (
        "Error: there is already a table scores in duckdb://crm.duckdb, with 219 rows. Nothing is overwritten. Choose "
        "another --table, or add --replace.\n"
    )
    assert main([*words, "--replace"]) == 0


def test_a_run_without_predictions_says_what_to_type(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["summarize", "orders.csv", "--out", "bare"]) == 0
    capsys.readouterr()
    assert main(["export", "bare", "--to", "customers.csv"]) == 2
    assert capsys.readouterr().err == (
        "Error: bare holds no customers.parquet: there are no customers to export. Make it with: clvmodels predict "
        "bare\n"
    )
    assert not Path("customers.csv").exists()
