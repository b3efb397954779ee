"""Do exported tables hold the same customers in every format, and say what their columns mean?"""

from __future__ import annotations

import csv
import datetime as dt
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import ibis
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest

import clvmodels as clv
from clvmodels.errors import InputError
from clvmodels.exports import CustomerTable, check_target, read_customers, write_customers
from clvmodels.language import speaking
from clvmodels.report import Report, texts
from tests.conftest import need


@pytest.fixture(scope="module")
def small(sample: Report) -> CustomerTable:
    """A hundred customers of the report, one id an injected formula, with a country and a cost."""
    from clvmodels.exports.schema import of_report

    whole = of_report(sample)
    frame = whole.frame.head(100).reset_index(drop=True)
    frame["customer_id"] = ["=1+1", *(f"{i:05d}" for i in range(1, 100))]
    frame["country"] = ["Brasil", None] * 50
    frame["cost"] = 12.5
    return CustomerTable(frame, {**whole.about, "cost": "cost"})


def written(table: CustomerTable, path: Path) -> Path:
    write_customers(table, check_target(path))
    return path


def same(found: pd.DataFrame, table: CustomerTable, *, rtol: float = 1e-12) -> None:
    assert list(found) == list(table.frame)
    for column in table.columns:
        one, two = found[column.name], table.frame[column.name]
        if column.kind == "date":
            assert list(pd.to_datetime(one)) == list(two)
        elif column.kind == "text":
            assert [a if isinstance(a, str) else None for a in one] == [b if isinstance(b, str) else None for b in two]
        else:
            pd.testing.assert_series_equal(one, two, check_dtype=False, check_names=False, rtol=rtol)


def test_every_column_has_a_kind_a_unit_and_a_meaning(small: CustomerTable) -> None:
    columns = {column.name: column for column in small.columns}
    assert columns["recency"].unit == "weeks"
    assert columns["clv"].unit == "USD"
    assert columns["cost"].kind == "money"
    assert columns["country"].meaning == "Column of the input, as on the customer's first purchase day."
    assert columns["p_active"].unit == "probability, 0 to 1"
    assert all(column.meaning.endswith(".") and "{" not in column.meaning for column in columns.values())


def test_parquet_is_described_inside_and_reads_as_before(small: CustomerTable, tmp_path: Path) -> None:
    path = written(small, tmp_path / "c.parquet")
    same(pd.read_parquet(path), small)
    schema = pq.read_schema(path)
    assert schema.field("value").metadata[b"unit"] == b"USD"
    assert schema.field("T").metadata[b"description"].startswith(b"Time from first purchase")
    about = json.loads(schema.metadata[b"clvmodels"])
    assert about["schema"] == 1
    assert about["totals"]["value"] == small.about["totals"]["value"]
    again = read_customers(path)
    assert again.about == small.about
    assert again.columns == small.columns


def test_csv_keeps_the_contract_and_is_described_beside_it(small: CustomerTable, tmp_path: Path) -> None:
    path = written(small, tmp_path / "c.csv")
    found = pd.read_csv(path, dtype={"customer_id": str})
    same(found.assign(country=found["country"].astype(object)), small, rtol=1e-9)
    described = json.loads((tmp_path / "c.csv-metadata.json").read_text())
    assert described["url"] == "c.csv"
    named = [column["name"] for column in described["tableSchema"]["columns"]]
    assert named == list(small.frame)
    assert described["clvmodels:about"] == small.about


def test_workbook_has_real_dates_and_numbers_under_a_frozen_header(small: CustomerTable, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(written(small, tmp_path / "c.xlsx"))
    assert book.sheetnames == ["Customers", "Totals", "Definitions"]
    sheet = book["Customers"]
    names = [cell.value for cell in sheet[1]]
    assert names == list(small.frame)
    assert sheet.freeze_panes == "B2"
    assert sheet.auto_filter.ref == f"A1:{openpyxl.utils.get_column_letter(len(names))}101"
    rows = [dict(zip(names, row, strict=True)) for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert [row["customer_id"] for row in rows] == list(small.frame["customer_id"])
    assert sheet["A2"].data_type == "s"  # "=1+1" is text
    assert isinstance(rows[0]["first_purchase"], dt.datetime)
    for name in ("value", "p_active", "T", "frequency"):
        assert [row[name] for row in rows] == pytest.approx(list(small.frame[name]), rel=1e-14)
    missing = small.frame["monetary_value"].isna()
    assert missing.any()
    assert [row["monetary_value"] is None for row in rows] == list(missing)
    formats = {name: sheet.cell(2, at).number_format for at, name in enumerate(names, 1)}
    assert (formats["value"], formats["p_active"]) == ("#,##0.00", "0.0%")
    assert formats["last_purchase"] == "yyyy-mm-dd"
    defined = list(book["Definitions"].iter_rows(min_row=2, values_only=True))
    assert [row[0] for row in defined] == names
    assert all(row[2] for row in defined)


def test_workbook_is_the_same_bytes_twice(small: CustomerTable, tmp_path: Path) -> None:
    one, two = (written(small, tmp_path / f"{i}.xlsx").read_bytes() for i in "12")
    assert one == two


@pytest.mark.external
def test_spreadsheet_program_opens_the_workbook_with_the_same_totals(
    sample: Report, sample_folder: Path, tmp_path: Path
) -> None:
    office = shutil.which("soffice")
    need(office, "LibreOffice Calc")
    clv.export(sample_folder, tmp_path / "c.xlsx")
    every_sheet = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"
    words = [str(office), f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless", "--convert-to"]
    subprocess.run(
        [*words, every_sheet, "--outdir", str(tmp_path), str(tmp_path / "c.xlsx")], check=True, capture_output=True
    )
    rows = pd.read_csv(tmp_path / "c-Customers.csv")
    assert len(rows) == len(sample.customers)
    for name in ("value", "clv", "expected_purchases"):
        assert rows[name].sum() == pytest.approx(sample.customers[name].sum(), rel=1e-9)
    with (tmp_path / "c-Totals.csv").open(encoding="utf-8") as opened:
        totals = {line[0]: line[1:] for line in csv.reader(opened) if line}
    ahead = sample.data["forecast"]
    said = [float(cell) for cell in totals["Value, undiscounted (USD)"]]
    assert said == pytest.approx([*(ahead[f"value{end}"] for end in ("", "_lower", "_upper")), ahead["value"]])


def test_round_trip_through_duckdb(small: CustomerTable, tmp_path: Path) -> None:
    url = f"duckdb://{tmp_path / 'crm.duckdb'}"
    write_customers(small, check_target(url, table="clv_customers"))
    with duckdb.connect(str(tmp_path / "crm.duckdb"), read_only=True) as con:
        same(con.table("clv_customers").df(), small)
        kinds = dict(con.sql("select column_name, data_type from duckdb_columns()").fetchall())
        assert kinds["first_purchase"] == "DATE"
        comments = con.sql("select comment from duckdb_columns() where column_name = 'clv'").fetchall()
        assert comments == [("Value, discounted to the end of observation. [USD]",)]
        (about,) = con.sql("select comment from duckdb_tables()").fetchall()
    assert json.loads(about[0]) == small.about


def test_a_table_gives_way_only_when_asked(small: CustomerTable, tmp_path: Path) -> None:
    url = f"duckdb://{tmp_path / 'crm.duckdb'}"
    write_customers(small, check_target(url))
    with pytest.raises(InputError) as refused:
        check_target(url)
    assert str(refused.value) == (
        f"there is already a table customers in {url}, with 100 rows. Nothing is overwritten. Choose another --table, "
        "or add --replace."
    )
    fewer = CustomerTable(small.frame.head(3), small.about)
    write_customers(fewer, check_target(url, replace=True))
    with duckdb.connect(str(tmp_path / "crm.duckdb"), read_only=True) as con:
        assert con.sql("select count(*) from customers").fetchall() == [(3,)]
        assert [name for (name,) in con.sql("show tables").fetchall()] == ["customers"]


@pytest.mark.external
def test_round_trip_through_postgres(small: CustomerTable, postgres: str) -> None:
    write_customers(small, check_target(postgres, table="clv_round_trip"))
    con = ibis.connect(postgres)
    try:
        found = con.table("clv_round_trip").execute().set_index("customer_id", drop=False)
        same(found.loc[small.frame["customer_id"]].reset_index(drop=True), small)
        types: dict[str, Any] = dict(con.table("clv_round_trip").schema().items())
        assert types["first_purchase"].is_date()
        comment = "select col_description('clv_round_trip'::regclass, 4) as said"
        assert con.sql(comment).execute()["said"][0].startswith("Repeat purchases: purchase days after the first.")
        with pytest.raises(InputError, match="there is already a table clv_round_trip in postgres"):
            check_target(postgres, table="clv_round_trip")
        write_customers(
            CustomerTable(small.frame.head(2), small.about),
            check_target(postgres, table="clv_round_trip", replace=True),
        )
        assert con.table("clv_round_trip").count().execute() == 2
    finally:
        con.disconnect()


def test_predictions_report_and_folder_give_the_same_customers(
    sample: Report, sample_folder: Path, tmp_path: Path
) -> None:
    summary = clv.summarize("cdnow-sample")
    forecast = clv.predict(clv.fit("bgnbd", summary), summary, spend=clv.fit("gamma_gamma", summary))
    clv.export(forecast, tmp_path / "forecast.parquet")
    clv.export(sample, tmp_path / "report.parquet")
    clv.export(sample_folder, tmp_path / "folder.parquet")
    one, two, three = (read_customers(tmp_path / f"{name}.parquet") for name in ("forecast", "report", "folder"))
    pd.testing.assert_frame_equal(two.frame, three.frame)
    assert two.about == three.about
    assert one.columns == two.columns
    assert one.about.keys() == two.about.keys()
    assert one.about["models"] == ["BG/NBD (mle)", "Gamma-Gamma (mle)"]
    assert one.about["totals"]["purchases"][0] == pytest.approx(one.frame["expected_purchases"].sum())


def test_meanings_are_in_the_language_of_the_report(small: CustomerTable, tmp_path: Path) -> None:
    there = CustomerTable(small.frame, {**small.about, "language": "pt-BR"})
    schema = pq.read_schema(written(there, tmp_path / "c.parquet"))
    with speaking("pt-BR"):
        assert schema.field("last_purchase").metadata[b"description"].decode() == texts.COLUMNS["last_purchase"]
    assert schema.names == list(small.frame)
