"""What is said when customers cannot be exported, word by word, and that nothing is left behind then."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.errors import InputError
from clvmodels.exports import check_target, export, read_customers
from clvmodels.exports.excel import check_rows


def said(run: object, *words: object, **more: object) -> str:
    with pytest.raises(InputError) as refused:
        run(*words, **more)  # type: ignore[operator]
    return str(refused.value)


def test_no_folder_no_customers_no_facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert said(read_customers, "nowhere") == (
        "there is no folder nowhere. Name a report, or a run with predictions: clvmodels export report …"
    )
    (tmp_path / "run").mkdir()
    assert said(read_customers, "run") == (
        "run holds no customers.parquet: there are no customers to export. Make it with: clvmodels predict run"
    )
    (tmp_path / "run" / "report.json").write_text("{}")
    assert said(read_customers, "run").endswith("Make it with: clvmodels report … --out run")
    (tmp_path / "run" / "report.json").unlink()
    pd.DataFrame({"customer_id": [1]}).to_parquet("run/customers.parquet")
    assert said(read_customers, "run") == (
        "run/customers.parquet does not say what its numbers mean: it was not written by 'clvmodels predict' or "
        "'clvmodels report', or by an earlier version of them. Make it again."
    )
    (tmp_path / "run" / "customers.parquet").write_bytes(b"PAR1 and then nothing")
    assert said(read_customers, "run").endswith("It may be damaged: make it again.")


def test_a_sheet_has_room_for_a_million_rows() -> None:
    check_rows(1_048_575)
    assert said(check_rows, 1_048_576) == (
        "a sheet of Excel has room for 1,048,575 customers, and there are 1,048,576. Export to .parquet or .csv, or to "
        "a database."
    )


def test_targets_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert said(check_target, "c.txt") == (
        "--to c.txt does not say which kind of file to write: the name must end in .csv or .parquet or .xlsx."
    )
    assert said(check_target, "c.xlsx", table="customers") == (
        "--table belongs to a database, and c.xlsx is a file. Leave it out, or write for example --to "
        "duckdb://customers.duckdb."
    )
    assert said(check_target, "c.xlsx", replace=True).startswith("--replace belongs to a database")
    assert said(check_target, "mysql://me:secret@host/crm") == (
        "mysql://host/crm: tables are written to duckdb:// and postgres:// only. Export a .parquet file, and load it "
        "with the tools of that database."
    )
    assert said(check_target, "duckdb://:memory:") == (
        "duckdb://:memory: is a database in memory, gone when the command ends. Name a file: duckdb://crm.duckdb."
    )
    assert said(check_target, "duckdb://crm.duckdb", table="x; drop table y") == (
        "--table 'x; drop table y' is no name for a table. Use letters, digits and underscores, after a schema and a "
        "dot if need be: crm.customers."
    )
    assert said(check_target, "duckdb://no/such/crm.duckdb") == (
        "duckdb://no/such/crm.duckdb cannot be made: there is no folder no/such to write in. Make it first."
    )
    (tmp_path / "text.duckdb").write_text("no database, but long enough to be looked at" * 100)
    message = said(check_target, "text.duckdb")
    assert message.startswith("duckdb://text.duckdb table customers cannot be written (")
    assert message.endswith("Check the address, and that the database runs and lets you write.")
    assert [path.name for path in tmp_path.iterdir()] == ["text.duckdb"]


def test_no_password_is_printed(tmp_path: Path) -> None:
    message = said(check_target, "postgres://me:secret@localhost:1/crm")
    assert "secret" not in message
    assert message.startswith("postgres://localhost:1/crm table customers cannot be written (")


def test_the_input_itself_is_not_overwritten(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    summary = clv.summarize("cdnow-sample")
    export(clv.predict(clv.fit("nbd", summary), summary), run / "customers.parquet")
    before = (run / "customers.parquet").read_bytes()
    assert said(export, run, run / "customers.parquet").endswith("Nothing is overwritten. Choose another name.")
    assert (run / "customers.parquet").read_bytes() == before
