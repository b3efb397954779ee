"""Does every wrong log get a message with a count, a first example and what to type?"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.errors import InputError
from clvmodels.summary import Summary
from clvmodels.transactions import read_transactions

GOOD = pd.DataFrame({"customer_id": range(1, 101), "date": "2024-01-15", "value": 10.0})
HEADER = "customer_id,date,value\n"
REFUSED = "transactions cannot be summarised"


def said(source: Any, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        read_transactions(source, **options)
    return str(caught.value)


def write(folder: Path, content: str | bytes, name: str = "log.csv") -> str:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def test_all_problems_at_once() -> None:
    log = GOOD.assign(date=GOOD.date.where(GOOD.index % 7 > 0), value="abc", cac="cheap")
    assert said(log, cost="cac") == (
        f"{REFUSED}; 3 problems:\n"
        "  1. 'date' is null in 15 of 100 rows (first: customer 1, row 1). A purchase without a date has no place on "
        "the time axis. Drop or repair them.\n"
        "  2. 'value' is no number in 85 of 100 rows (first: 'abc', customer 2, row 2). Spend cannot be estimated from "
        "text. Keep digits and a decimal point only; or leave money out with --value none.\n"
        "  3. 'cac' is no number in 100 of 100 rows (for example 'cheap'). A cost is an amount of money. Keep digits "
        "and a decimal sign only, or choose another --cost."
    )


def test_a_few_go_to_the_ledger_and_many_are_a_problem() -> None:
    """Five of a hundred are left out and counted; six are refused. Purchases without a customer are normal."""
    for column, reason in (("date", "null_date"), ("value", "null_value")):
        few = GOOD.assign(**{column: GOOD[column].where(GOOD.index >= 5)})
        assert [(row.reason, row.rows) for row in read_transactions(few).ledger] == [(reason, 5)]
        many = GOOD.assign(**{column: GOOD[column].where(GOOD.index >= 6)})
        assert f"'{column}' is null in 6 of 100 rows (first: customer 1, row 1)" in said(many)
    guests = GOOD.assign(customer_id=GOOD.customer_id.where(GOOD.index >= 60))
    assert [(row.reason, row.rows, row.value) for row in read_transactions(guests).ledger] == [("null_id", 60, 600.0)]
    assert said(GOOD.assign(customer_id=None)).startswith(
        f"{REFUSED}: 'customer_id' is null in 100 of 100 rows (first: row 1)"
    )


def test_numbers_as_people_write_them() -> None:
    comma = GOOD.assign(value="1.234,50")
    assert said(comma).endswith(
        "If numbers have a decimal comma, type --decimal ,; or leave money out with --value none."
    )
    assert read_transactions(comma, decimal=",").table.value.max().to_pandas() == 1234.5
    point = said(GOOD.assign(value="1,234.50"), decimal=",")
    assert point.endswith("If numbers have a decimal point, leave --decimal out; or leave money out with --value none.")
    for value in ("12.5", "1.2345", "1,2,3", "R$ 5"):
        assert f"first: '{value}'" in said(GOOD.assign(value=value), decimal=",")
    for value in ("$5", "5 EUR", "1,5", "inf", "nan", "(5)", "0x10"):
        assert f"first: '{value}'" in said(GOOD.assign(value=value))
    for value, number in ((" 5 ", 5.0), ("-.5e1", -5.0), ("+7", 7.0)):
        assert read_transactions(GOOD.assign(value=value)).table.value.min().to_pandas() == number


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"customer_id": "who"},
            "no column looks like the customer. The columns are 'who', 'date', 'value'. Name it with "
            "--customer-id COLUMN.",
        ),
        (
            {"date": "invoice_date", "value": "order_date"},
            "the date of the purchase may be 'invoice_date' or 'order_date'. Choose one with --date COLUMN.",
        ),
        (
            {"value": "euros"},
            "no column looks like the money. The columns are 'customer_id', 'date', 'euros'. Name it with --value "
            "COLUMN. Or leave money out with --value none.",
        ),
    ],
)
def test_columns_that_cannot_be_guessed(columns: dict[str, str], message: str) -> None:
    assert message in said(GOOD.rename(columns=columns))


def test_columns_that_are_not_there() -> None:
    assert said(GOOD, customer_id="custmer_id", segment=["T"], cost="value") == (
        "the columns are not clear; 3 problems:\n"
        "  1. there is no column 'custmer_id' (--customer-id). The columns are 'customer_id', 'date', 'value'. Did "
        "you mean 'customer_id'?\n"
        "  2. there is no column 'T' (--segment). The columns are 'customer_id', 'date', 'value'.\n"
        "  3. column 'value' would collide with our own column of that name. Rename it."
    )
    assert "would collide" in said(GOOD.assign(Tier="x"), segment="Tier")
    assert "asked for twice" in said(GOOD.assign(x=1), segment=["x"], cost="x")
    assert "'date' is taken for the customer and for the date" in said(GOOD, customer_id="date")
    twins = pd.concat([GOOD, GOOD[["date"]]], axis=1)
    assert said(twins) == "the columns are not clear: 2 columns are called 'date'. Rename all but one."


def test_types_that_cannot_be() -> None:
    assert said(GOOD.assign(customer_id=[[1]] * 100, date=True, value=pd.Timestamp("2024-01-01"))) == (
        f"{REFUSED}; 3 problems:\n"
        "  1. column 'customer_id' holds values of type array<int64>, which cannot be the customer. Choose another "
        "column.\n"
        "  2. column 'date' holds values of type boolean, which cannot be a date. Choose another column.\n"
        "  3. column 'value' holds values of type timestamp(6), which cannot be money. Choose another column."
    )


def test_options_that_cannot_be() -> None:
    assert said(GOOD, date_format="dd/mm/yyyy", decimal=";", returns="ignore") == (
        "the options are not clear; 3 problems:\n"
        "  1. date format 'dd/mm/yyyy' is not understood. Write for example --date-format '%d/%m/%Y'.\n"
        "  2. decimal sign ';' is not known. Choose --decimal . or --decimal ,\n"
        "  3. returns 'ignore' is not known. Choose --returns net, drop or keep."
    )
    assert "date format '%d/%Q' is not understood" in said(GOOD, date_format="%d/%Q")


def test_malformed_lines_have_numbers(tmp_path: Path) -> None:
    lines = [f"{i},2024-01-{i % 28 + 1:02d},5\n" for i in range(100)]
    lines[50] += "7,2024-01-01\n"  # too short, line 53
    lines[90] += '7,2024-01-01,5,extra\n7,2024-01-01,"5"x\n'  # too long, badly quoted
    log = read_transactions(write(tmp_path, "\ufeff\n" + HEADER + "".join(lines)))
    (line,) = log.ledger
    assert (line.reason, line.rows, line.detail, log.rows) == ("malformed", 3, "lines 54, 95, 96", 103)
    swallowed = HEADER + lines[0] + '1,"2024-01-01,5\n' + "".join(lines[:40])
    assert "41 of 42 lines cannot be cut into the columns of the header (lines 3, 4, 5," in said(
        write(tmp_path, swallowed)
    )
    write(tmp_path, HEADER + "".join(lines), "a.csv")
    write(tmp_path, HEADER + "".join(lines), "b.csv")
    detail = read_transactions(f"{tmp_path}/[ab].csv").ledger[0].detail
    assert detail == "lines a.csv:53, a.csv:94, a.csv:95, b.csv:53, b.csv:94, b.csv:95"


def test_files_that_are_no_logs(tmp_path: Path) -> None:
    assert said(write(tmp_path, "")) == (
        "log.csv is empty. Give a file with a line of column names and a line for each purchase."
    )
    assert said(write(tmp_path, HEADER)) == "there are no rows of purchases. Give a table with a row for each purchase."
    assert said(write(tmp_path, b"PK\x03\x04sheet", "book.xlsx")).endswith(
        "book.xlsx is a workbook or archive: save the sheet as CSV."
    )
    assert "is not a table of text" in said(write(tmp_path, b"a,b\n\x00\x01,\x02\n" * 9))
    assert "cannot be unpacked" in said(write(tmp_path, gzip.compress(HEADER.encode() * 99)[:30], "log.csv.gz"))
    GOOD.to_parquet(tmp_path / "log.parquet")
    cut = write(tmp_path, (tmp_path / "log.parquet").read_bytes()[:-9], "cut.parquet")
    assert "cannot be read as Parquet" in said(cut)
    assert "It may be truncated: export it again." in said(cut)
    assert said(str(tmp_path / "none.csv")).startswith(
        f"there is no file {tmp_path}/none.csv. Give a CSV or Parquet path"
    )
    assert said(str(tmp_path / "none*.csv")).startswith(f"no file matches {tmp_path}/none*.csv.")
    write(tmp_path, "id,date\n1,2024-01-01\n", "other.csv")
    write(tmp_path, HEADER + "1,2024-01-01,5\n")
    assert said(f"{tmp_path}/*.csv") == (
        "other.csv has other columns (id, date) than log.csv (customer_id, date, value). Give files of one kind."
    )


def test_databases_that_are_not_there(tmp_path: Path) -> None:
    for scheme in ("duckdb", "sqlite"):
        assert (
            said(f"{scheme}://{tmp_path}/none", table="orders") == f"there is no file {tmp_path}/none. Check the path."
        )
    assert list(tmp_path.iterdir()) == []
    assert (
        said("duckdb://shop.duckdb") == "duckdb://shop.duckdb is a database. Name the table in it with --table TABLE."
    )
    assert "secret" not in said("postgres://ana:secret@localhost:1/shop", table="orders")
    assert "is no table of purchases. Give a CSV or Parquet path" in said({"customer_id": [1]})


def test_splits_outside_the_data() -> None:
    log = pd.DataFrame({"customer_id": [1, 2, 1], "date": ["2024-01-01", "2024-02-01", "2024-03-31"]})

    def split(**options: Any) -> str:
        with pytest.raises(InputError) as caught:
            clv.split(log, **options)
        return str(caught.value)

    earlier = "  Choose an earlier --calibration-end: 2024-03-01 would leave 4.3 weeks."
    assert split(calibration_end="2024-03-31", holdout_end="2024-04-07") == (
        "no purchase falls in the holdout (2024-04-01 to 2024-04-07); the last transaction is on 2024-03-31.\n"
        + earlier
    )
    assert split(calibration_end="2024-05-01") == (
        "no day is left for the holdout: the calibration ends on 2024-05-01, the last transaction is on 2024-03-31.\n"
        + earlier
    )
    assert split(calibration_end="2023-12-31") == (
        "no purchase falls in the calibration, which ends on 2023-12-31; the first transaction is on 2024-01-01.\n"
        "  Choose a later --calibration-end: 2024-03-01 would leave 4.3 weeks."
    )
    assert split(calibration_end="2024-02-01", holdout_end="2024-01-15") == (
        "the holdout ends on 2024-01-15, before it starts on 2024-02-02. Choose a later --holdout-end or an earlier "
        "--calibration-end."
    )
    assert split(calibration_end="yesterday") == (
        "calibration end 'yesterday' is not a date. Write it as YYYY-MM-DD, for example 1997-09-30."
    )
    one_day = log.assign(date="2024-01-01")
    with pytest.raises(InputError, match="from 2024-01-01 to 2024-01-01: too short to hold a third of it out"):
        clv.split(one_day)
    with pytest.raises(InputError, match="no purchase falls on or before 2023-12-31; the log runs from 2024-01-01"):
        clv.summarize(log, until="2023-12-31")


def test_rfm_tables_that_cannot_be() -> None:
    rfm = pd.DataFrame({"customer_id": [1, 2, 2], "frequency": [1, 0.5, 0], "recency": [9.0, 0, 0], "T": [5.0, 4, 4]})
    with pytest.raises(InputError) as caught:
        Summary.from_frame(rfm, until="2024-01-01")
    assert str(caught.value).splitlines()[:4] == [
        "the RFM table cannot be used; 4 problems:",
        "  1. a customer appears again in 1 rows (first: customer 2).",
        "  2. 'frequency' is no count in 1 rows (first: customer 2).",
        "  3. 'recency' is not between 0 and 'T' in 1 rows (first: customer 1).",
    ]
    with pytest.raises(InputError, match=r"has no column 'T'\. Its columns are 'customer_id', 'frequency', 'recency'"):
        Summary.from_frame(rfm.drop(columns="T"), until="2024-01-01")
    with pytest.raises(InputError, match="holds no purchases"):
        Summary.from_frame(rfm[:1].assign(recency=4.0), until="2024-01-01").recent(30)
