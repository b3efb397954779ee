"""Does every wrong input end with exit status 2, one message that says what to type, and nothing half-written?"""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.cli import main
from clvmodels.models import BGNBD, GammaGamma
from clvmodels.runs import Run, write_run

Spoil = Callable[[pd.DataFrame], pd.DataFrame]


def good_log() -> pd.DataFrame:
    """Three hundred customers over a year and a half, as BG/NBD and Gamma-Gamma tell it."""
    model, spend = BGNBD(r=0.6, alpha=4.4, a=0.8, b=2.4), GammaGamma(p=6.25, q=3.74, v=15.44)
    log = clv.simulate(model, spend=spend, customers=300, start="2024-01-01", end="2025-06-15", seed=7)
    return log.assign(date=log["date"].dt.strftime("%Y-%m-%d"), value=log["value"].round(2))


LOG = good_log()


@dataclass(frozen=True)
class Case:
    """A command line with one thing wrong, the files it meets, and what must be said."""

    name: str
    words: str
    says: str
    files: Callable[[Path], None] = lambda here: None

    def __repr__(self) -> str:
        return self.name


def csv(spoil: Spoil = lambda log: log, name: str = "orders.csv") -> Callable[[Path], None]:
    """orders.csv, spoilt."""
    return lambda here: spoil(LOG).to_csv(here / name, index=False)


def text(content: str | bytes, name: str = "orders.csv") -> Callable[[Path], None]:
    """A file with this content."""

    def write(here: Path) -> None:
        (here / name).write_bytes(content.encode() if isinstance(content, str) else content)

    return write


def parquet(spoil: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """orders.parquet, with its bytes spoilt."""

    def write(here: Path) -> None:
        LOG.to_parquet(here / "orders.parquet")
        (here / "orders.parquet").write_bytes(spoil((here / "orders.parquet").read_bytes()))

    return write


def foreign_folder(here: Path) -> None:
    csv()(here)
    (here / "report").mkdir()
    (here / "report" / "thesis.docx").write_text("two years of work")


def out_is_a_file(here: Path) -> None:
    csv()(here)
    (here / "report").write_text("a file")


def out_below_a_file(here: Path) -> None:
    csv()(here)
    (here / "notes").write_text("a file")


def run_of_another_version(here: Path) -> None:
    (here / "run").mkdir()
    (here / "run" / "run.json").write_text('{"schema": 99}')


def run_without_split(here: Path) -> None:
    write_run(here / "run", Run(clv.summarize(LOG)))


def first_rows(n: int) -> Spoil:
    return lambda log: log.head(n)


def once(log: pd.DataFrame) -> pd.DataFrame:
    return log.drop_duplicates("customer_id")


def at(column: str, rows: slice, value: object) -> Spoil:
    def spoil(log: pd.DataFrame) -> pd.DataFrame:
        log = log.astype({column: object})
        log.loc[log.index[rows], column] = value
        return log

    return spoil


def renamed(**names: str) -> Spoil:
    return lambda log: log.rename(columns=names)


R = "report orders.csv --out report"

CASES = [
    # The file.
    Case("missing file", R, "there is no file orders.csv. Give a CSV or Parquet path or glob, or 'cdnow-sample'."),
    Case(
        "a built-in log misspelt",
        "report CDNOW_sampel --out report",
        "there is no file CDNOW_sampel. Did you mean 'cdnow-sample'?",
    ),
    Case(
        "a table in a file that is no database",
        R + " --table orders",
        "orders.csv is no database; --table names a table in a database. Leave --table out.",
        csv(),
    ),
    Case(
        "a table in a built-in log",
        "report cdnow --table orders --out report",
        "'cdnow' is a built-in log; --table names a table in a database. Leave --table out.",
    ),
    Case(
        "glob without match",
        "report data/*.csv --out report",
        "no file matches data/*.csv. Give a CSV or Parquet path or glob",
    ),
    Case(
        "folder without tables",
        "report data --out report",
        "data is a folder without CSV or Parquet files. Give a file, or a glob such as 'data/*.csv'.",
        lambda here: (here / "data").mkdir(),
    ),
    Case(
        "empty file",
        R,
        "orders.csv is empty. Give a file with a line of column names and a line for each purchase.",
        text(""),
    ),
    Case(
        "header only",
        R,
        "there are no rows of purchases. Give a table with a row for each purchase.",
        csv(first_rows(0)),
    ),
    Case(
        "binary junk",
        R,
        "orders.csv is not a table of text. Give a CSV or Parquet file; from a spreadsheet program, save as CSV.",
        text(bytes(range(256)) * 40),
    ),
    Case(
        "truncated Parquet",
        "report orders.parquet --out report",
        "orders.parquet cannot be read as Parquet … It may be truncated: export it again.",
        parquet(lambda b: b[: len(b) // 2]),
    ),
    Case(
        "not a Parquet file",
        "report orders.parquet --out report",
        "orders.parquet cannot be read as Parquet … It may be truncated: export it again.",
        parquet(lambda b: b"date,value\n" * 9),
    ),
    Case(
        "workbook",
        "report orders.xlsx --out report",
        "orders.xlsx is a workbook or archive: save the sheet as CSV.",
        lambda here: LOG.head().to_excel(here / "orders.xlsx"),
    ),
    Case("empty name", "report '' --out report", "the name of the file is empty. Give a CSV or Parquet path"),
    Case(
        "file on the network",
        "report https://example.com/orders.csv --out report",
        "https://example.com/orders.csv is on the network. Download it, and give the file's path.",
    ),
    Case(
        "URL without table",
        "report sqlite://orders.db --out report",
        "sqlite://orders.db is a database. Name the table in it with --table TABLE.",
    ),
    Case(
        "database that cannot be reached",
        "report duckdb://shop.db --table orders --out report",
        "duckdb://shop.db cannot be opened … Check the address, and that the database runs and lets you in.",
        text("no database", "shop.db"),
    ),
    # The columns.
    Case(
        "missing column",
        R,
        "no column looks like the date of the purchase. The columns are 'customer_id', 'value'. "
        "Name it with --date COLUMN.",
        csv(lambda log: log.drop(columns="date")),
    ),
    Case(
        "several missing columns",
        R,
        "the columns are not clear; 3 problems: … 1. no column looks like the customer. The columns are 'a', 'b', 'c'. "
        "Name it with --customer-id COLUMN. … 2. … 3. … Or leave money out with --value none.",
        csv(renamed(customer_id="a", date="b", value="c")),
    ),
    Case(
        "named column missing",
        R + " --date ordered",
        "there is no column 'ordered' (--date). The columns are 'customer_id', 'date', 'value'.",
        csv(),
    ),
    Case(
        "ambiguous columns",
        R,
        "the customer may be 'customer_id' or 'customer'. Choose one with --customer-id COLUMN.",
        csv(lambda log: log.assign(customer=log["customer_id"])),
    ),
    Case(
        "duplicate column names",
        R,
        "2 columns are called 'value'. Rename all but one.",
        text("customer_id,date,value,value\n1,2024-01-01,3,4\n1,2024-02-01,3,4\n"),
    ),
    Case(
        "unknown segment column",
        R + " --segment channel",
        "there is no column 'channel' (--segment). The columns are 'customer_id', 'date', 'value'.",
        csv(),
    ),
    # The cells.
    Case(
        "text in the value column",
        R,
        "'value' is no number in 87 of 1,066 rows (first: 'twelve', customer 3, row 4). "
        "… leave money out with --value none.",
        csv(at("value", slice(3, 90), "twelve")),
    ),
    Case(
        "value column is all text",
        R,
        "'value' is no number in 1,066 of 1,066 rows (first: 'twelve', customer 1, row 1). "
        "… leave money out with --value none.",
        csv(at("value", slice(None), "twelve")),
    ),
    Case(
        "decimal commas",
        R,
        "'value' is no number in 1,066 of 1,066 rows (first: '26,42', … "
        "If numbers have a decimal comma, type --decimal ,;",
        csv(lambda log: log.assign(value=log["value"].map(lambda v: f"{v:.2f}".replace(".", ",")))),
    ),
    Case(
        "infinite values",
        R,
        "'value' is no number in 88 of 1,066 rows (first: 'inf', customer 3, row 3).",
        csv(at("value", slice(2, 90), "inf")),
    ),
    Case(
        "all dates null",
        R,
        "'date' is null in 1,066 of 1,066 rows (first: customer 1, row 1). "
        "A purchase without a date has no place on the time axis. Drop or repair them.",
        csv(at("date", slice(None), None)),
    ),
    Case(
        "unparseable dates",
        R,
        "'date' is no date in 1,066 of 1,066 rows (first: 'soon', customer 1, row 1). … "
        "Write YYYY-MM-DD, or say how dates are written, for example --date-format '%d %b %Y'.",
        csv(at("date", slice(None), "soon")),
    ),
    Case(
        "day or month first",
        R,
        "'date' can be read day-first and month-first ('01/05/2024' is 2024-05-01 or 2024-01-05). "
        "Type --date-format '%d/%m/%Y' or --date-format '%m/%d/%Y'.",
        csv(lambda log: log.assign(date="0" + (log.index % 9 + 1).astype(str) + "/05/2024")),
    ),
    Case(
        "wrong date format",
        R + " --date-format %d/%m/%Y",
        "'date' is no date in 1,066 of 1,066 rows (first: '2024-06-11', customer 1, row 1). … --date-format",
        csv(),
    ),
    Case(
        "all ids null",
        R,
        "'customer_id' is null in 1,066 of 1,066 rows (first: row 1). … Choose --customer-id.",
        csv(at("customer_id", slice(None), None)),
    ),
    Case(
        "only refunds",
        R,
        "no purchase is left up to 2024-12-21 once refunds are subtracted: the values are negative. "
        "Check which column holds the value",
        csv(lambda log: log.assign(value=-log["value"])),
    ),
    Case(
        "refunds kept",
        R + " --returns keep",
        "monetary_value is negative for 1 of 116 repeat buyers (lowest: -5.00, customer 3). … Choose --returns net",
        csv(at("value", slice(1, 9), -5.0)),
    ),
    Case(
        "dates in the future",
        R,
        "2 of 1,066 rows lie in the future (first: customer 1, 2924-01-01). … "
        "Repair the dates, or leave them out with --",
        csv(at("date", slice(0, 2), "2924-01-01")),
    ),
    # Too little.
    Case(
        "one customer",
        R,
        "there is one customer up to 2024-12-21. … bring the log of many customers",
        csv(lambda log: log.assign(customer_id=1)),
    ),
    Case(
        "one day",
        R,
        "the log runs from 2024-03-01 to 2024-03-01: too short to hold a third of it out. Give a log of several months",
        csv(lambda log: log.assign(date="2024-03-01")),
    ),
    Case(
        "nobody came back",
        R,
        "none of the … customers bought on a second day … "
        "Choose a later end (--until or --calibration-end), or bring a longer log.",
        csv(once),
    ),
    # The periods.
    Case(
        "split before the data",
        R + " --calibration-end 2020-01-01",
        "no purchase falls in the calibration, which ends on 2020-01-01; the first transaction is on 2024-01-04. … "
        "Choose a later --calibration-end: 2024-12-21 would leave 25.1 weeks.",
        csv(),
    ),
    Case(
        "split after the data",
        R + " --calibration-end 2030-01-01",
        "no day is left for the holdout: the calibration ends on 2030-01-01, the last transaction is on 2025-06-15. … "
        "Choose an earlier --calibration-end: 2024-12-21 would leave 25.1 weeks.",
        csv(),
    ),
    Case(
        "holdout ends before it starts",
        R + " --calibration-end 2024-12-31 --holdout-end 2024-06-30",
        "the holdout ends on 2024-06-30, before it starts on 2025-01-01. "
        "Choose a later --holdout-end or an earlier --calibration-end.",
        csv(),
    ),
    Case(
        "no purchase in the holdout",
        R + " --calibration-end 2025-06-20 --holdout-end 2026-06-30",
        "no purchase falls in the holdout (2025-06-21 to 2026-06-30); the last transaction is on 2025-06-15. … "
        "Choose an earlier --calibration-end: 2024-12-21 would leave 25.1 weeks.",
        csv(),
    ),
    Case(
        "calibration end is no date",
        R + " --calibration-end yesterday",
        "calibration end 'yesterday' is not a date. Write it as YYYY-MM-DD, for example 1997-09-30.",
        csv(),
    ),
    Case(
        "until before the data",
        R + " --until 2020-01-01",
        "no purchase falls on or before 2020-01-01; the log begins on 2024-01-04. Choose a later --until.",
        csv(),
    ),
    # The options.
    Case(
        "horizon without unit",
        R + " --horizon 12",
        "horizon '12' is neither a length nor a date. A bare number would have no unit: "
        "write for example '12 months', '39 weeks' or '2027-12-31'.",
        csv(),
    ),
    Case(
        "empty horizon",
        R + " --horizon ''",
        "horizon '' is neither a length nor a date. … write for example '12 months'",
        csv(),
    ),
    Case(
        "horizon of nothing",
        R + " --horizon '0 weeks'",
        "horizon '0 weeks' is empty. Choose for example --horizon '12 months'.",
        csv(),
    ),
    Case(
        "horizon in the past",
        R + " --horizon 2024-06-30",
        "the horizon ends on 2024-06-30, but the data are observed to 2025-06-15. Choose a later end.",
        csv(),
    ),
    Case(
        "discount rate in per cent",
        R + " --discount-rate 10",
        "discount rate 10 means 1,000% a year. Rates are annual fractions: for 10% write 0.10.",
        csv(),
    ),
    Case(
        "discount rate with a sign of per cent",
        R + " --discount-rate 10%",
        "Invalid value for '--discount-rate': '10%' is not written as a fraction with a decimal point. Write 0.1.",
        csv(),
    ),
    Case(
        "negative discount rate",
        R + " --discount-rate -0.1",
        "discount rate -0.1 is not a rate. Give an annual fraction, for example 0.10.",
        csv(),
    ),
    Case(
        "margin of nothing",
        R + " --margin 0",
        "margin is 0. It is the share of revenue that is kept: for 30% write 0.30.",
        csv(),
    ),
    Case(
        "margin in per cent",
        R + " --margin 30",
        "margin is 30. It is the share of revenue that is kept: for 30% write 0.30.",
        csv(),
    ),
    Case(
        "unknown unit", R + " --unit month", "Invalid value for '--unit': 'month' is not one of 'week', 'day'.", csv()
    ),
    Case("unknown family", R + " --family weibull", "family 'weibull' is not available. Choose --family bgnbd", csv()),
    Case(
        "unknown spend model",
        R + " --spend weibull",
        "spend model 'weibull' is not available. Choose --spend gamma_gamma or … or none.",
        csv(),
    ),
    Case("unknown method", R + " --method mcmc", "method 'mcmc' is not … Choose --method mle", csv()),
    Case("unknown language", R + " --language tlh", "language 'tlh' is not available. Choose --language en", csv()),
    Case(
        "unknown option",
        R + " --horizn '12 months'",
        "No such option: --horizn … --horizon … See: clvmodels report --help",
        csv(),
    ),
    Case("unknown command", "reprot orders.csv --out report", "No such command 'reprot'. Did you mean 'report'", csv()),
    Case("no --out", "report orders.csv", "Missing option '--out'. … See: clvmodels report --help", csv()),
    # The place to write to.
    Case(
        "foreign folder",
        R,
        "--out report holds thesis.docx, which is no part of an earlier report. Nothing is overwritten. "
        "Choose a new or empty folder, for example --out report-new.",
        foreign_folder,
    ),
    Case(
        "out is a file",
        R,
        "--out report is a file, and a report is a folder. Choose a folder name, for example --out report-new.",
        out_is_a_file,
    ),
    Case(
        "out below a file",
        "report orders.csv --out notes/report",
        "--out notes/report cannot be written: … notes is a file. Choose another place.",
        out_below_a_file,
    ),
    Case(
        "out is the current folder",
        "report orders.csv --out .",
        "--out . is the current folder: it cannot be replaced in one move. "
        "Name a folder inside it, for example --out report.",
        csv(),
    ),
    Case(
        "out of the wrong kind",
        "simulate --out log.xlsx",
        "--out log.xlsx does not say which kind of file to write: the name must end in .csv or .parquet.",
    ),
    Case(
        "out is the input",
        "summarize orders.csv --out orders.csv",
        "--out orders.csv is the input itself. Nothing is overwritten. Choose another name.",
        csv(),
    ),
    # Steps out of order.
    Case(
        "log has no place for the fit",
        "fit orders.csv",
        "orders.csv is not a run folder, made by 'clvmodels split' or 'clvmodels summarize'. "
        "If it is a log, say where the result goes: add --out fit.json.",
        csv(),
    ),
    Case(
        "a purchase model for spend",
        "fit run --spend bgnbd",
        "there is no spend model 'bgnbd'. Choose --spend gamma_gamma or … or none.",
        run_without_split,
    ),
    Case(
        "run without a fit",
        "predict run",
        "there is no run/fit.json. Make it first: clvmodels fit run.",
        run_without_split,
    ),
    Case(
        "run of another version",
        "fit run",
        "run was written with schema 99; this version reads 1. Make it again with: clvmodels split … --out run",
        run_of_another_version,
    ),
    Case(
        "run read a second time",
        "fit run --customer-id client --until 2024-12-31",
        "--customer-id, --until cannot be given here: run is already read and summarised; these belong to "
        "'clvmodels split' or 'clvmodels summarize'.",
        run_without_split,
    ),
    Case(
        "evaluate a run without a split",
        "evaluate run",
        "run has no holdout to judge a forecast by. Divide the log first: clvmodels split …",
        run_without_split,
    ),
]


def listing(here: Path) -> dict[str, bytes]:
    """Every file and folder, with what is in it."""
    return {str(path.relative_to(here)): path.read_bytes() if path.is_file() else b"" for path in here.rglob("*")}


def in_order(parts: list[str], text: str) -> bool:
    """Whether the parts stand in the text one after the other."""
    at = 0
    for part in parts:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return True


def test_there_are_thirty_kinds_and_more() -> None:
    assert len(CASES) >= 30
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_bad_input_ends_with_words(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    case.files(tmp_path)
    before = listing(tmp_path)
    status = main(shlex.split(case.words))
    printed = capsys.readouterr()
    assert in_order(case.says.split(" … "), printed.err), printed.err
    assert status == 2
    assert printed.out == ""
    assert printed.err.startswith("Error: ")
    assert "Traceback" not in printed.err
    assert listing(tmp_path) == before  # nothing half-written, nothing overwritten


@pytest.mark.parametrize("name", ["missing file", "decimal commas", "out is a file"])
def test_process_says_the_same(name: str, tmp_path: Path) -> None:
    case = next(case for case in CASES if case.name == name)
    case.files(tmp_path)
    before = listing(tmp_path)
    command = [sys.executable, "-m", "clvmodels", *shlex.split(case.words)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert in_order(case.says.split(" … "), done.stderr), done.stderr
    assert done.stderr.startswith("Error: ")
    assert done.stdout == ""
    assert listing(tmp_path) == before


def test_password_is_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["report", "nosuch://me:se@secret@127.0.0.1:1/shop", "--table", "orders", "--out", "report"]) == 2
    assert "secret" not in capsys.readouterr().err
