"""Is one log the same log as CSV, Parquet, pandas, Polars, Arrow, an Ibis table or a database?"""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import polars
import pyarrow as pa
import pytest

import clvmodels as clv
from clvmodels.transactions import databases, engine, read_transactions


@pytest.fixture(scope="module")
def log() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    n = 400
    return pd.DataFrame(
        {
            "customer_id": [f"C{i:03d}" for i in rng.integers(0, 60, n)],
            "date": pd.Timestamp("2023-11-01") + pd.to_timedelta(rng.integers(0, 200 * 1440, n), unit="min"),
            "value": rng.integers(0, 9999, n) / 100,
            "canal": rng.choice(["loja", "site"], n),
        }
    )


def text(log: pd.DataFrame, date_format: str = "%Y-%m-%d %H:%M", **options: Any) -> str:
    return log.assign(date=log.date.dt.strftime(date_format)).to_csv(index=False, **options)


def csv(log: pd.DataFrame, folder: Path, content: str, encoding: str = "utf-8") -> Path:
    path = folder / "log.csv"
    path.write_bytes(content.encode(encoding))
    return path


def parts(log: pd.DataFrame, folder: Path) -> str:
    for i in range(3):
        (folder / f"part{i}.csv").write_text(text(log[i::3]))
    return f"{folder}/part*.csv"


def parquet_parts(log: pd.DataFrame, folder: Path) -> Path:
    for i in range(3):
        log[i::3].to_parquet(folder / f"part{i}.parquet")
    return folder


def zipped(log: pd.DataFrame, folder: Path) -> Path:
    (folder / "log.csv.gz").write_bytes(gzip.compress(text(log).encode()))
    return folder / "log.csv.gz"


def parquet(log: pd.DataFrame, folder: Path) -> Path:
    log.to_parquet(folder / "log.parquet")
    return folder / "log.parquet"


def duckdb_url(log: pd.DataFrame, folder: Path) -> dict[str, Any]:
    con = ibis.duckdb.connect(folder / "shop.duckdb")
    con.create_table("orders", log)
    con.disconnect()
    return {"source": f"duckdb://{folder}/shop.duckdb", "table": "orders"}


def sqlite_url(log: pd.DataFrame, folder: Path) -> dict[str, Any]:
    con = sqlite3.connect(folder / "shop.sqlite")
    log.assign(date=log.date.astype(str)).to_sql("orders", con, index=False)
    con.close()
    return {"source": f"sqlite://{folder}/shop.sqlite", "table": "orders"}


def ibis_table(log: pd.DataFrame, folder: Path) -> Any:
    return ibis.duckdb.connect().create_table("orders", log)


def portuguese(log: pd.DataFrame, folder: Path) -> dict[str, Any]:
    ours = log.rename(columns={"customer_id": "Código Cliente", "date": "Data", "value": "Valor"})
    days = ours["Data"].dt.strftime("%d/%m/%Y %H:%M")
    content = ours.assign(Data=days).to_csv(index=False, sep=";", decimal=",")
    return {"source": csv(log, folder, content, "latin-1"), "decimal": ","}


ROADS: dict[str, Callable[[pd.DataFrame, Path], Any]] = {
    "csv": lambda log, folder: csv(log, folder, text(log)),
    "csv-bom": lambda log, folder: csv(log, folder, text(log), "utf-8-sig"),
    "csv-utf16": lambda log, folder: csv(log, folder, text(log, sep="\t"), "utf-16"),
    "csv-semicolon-crlf": lambda log, folder: csv(log, folder, text(log, sep=";", lineterminator="\r\n")),
    "csv-quoted-padded": lambda log, folder: csv(
        log, folder, text(log.assign(customer_id=" " + log.customer_id), quoting=1)
    ),
    "csv-sep-line": lambda log, folder: csv(log, folder, "sep=|\n\n" + text(log, sep="|")),
    "csv-compact": lambda log, folder: csv(log, folder, text(log, "%Y%m%d")),
    "csv-aware": lambda log, folder: csv(log, folder, text(log, "%Y-%m-%dT%H:%M:00Z")),
    "csv-month-first": lambda log, folder: csv(log, folder, text(log, "%m/%d/%Y")),
    "csv-format": lambda log, folder: {
        "source": csv(log, folder, text(log, "%d %b %y")),
        "date_format": "%d %b %y",
    },
    "csv-parts": parts,
    "csv-gzip": zipped,
    "portuguese": portuguese,
    "parquet": parquet,
    "parquet-parts": parquet_parts,
    "pandas": lambda log, folder: log,
    "pandas-shuffled": lambda log, folder: log.sample(frac=1.0, random_state=1),
    "pandas-pyarrow": lambda log, folder: log.convert_dtypes(dtype_backend="pyarrow"),
    "pandas-nullable": lambda log, folder: log.convert_dtypes(dtype_backend="numpy_nullable"),
    "pandas-text-dates": lambda log, folder: log.assign(date=log.date.astype(str)),
    "pandas-objects": lambda log, folder: log.assign(date=log.date.dt.date.astype(object)),
    "pandas-aware": lambda log, folder: log.assign(
        date=log.date.dt.tz_localize("UTC").dt.tz_convert("America/Sao_Paulo")
    ),
    "pandas-periods": lambda log, folder: log.assign(date=log.date.dt.to_period("D")),
    "pandas-categories": lambda log, folder: log.astype({"customer_id": "category", "canal": "category"}),
    "pandas-index": lambda log, folder: log.set_index(["customer_id", "date"]),
    "polars": lambda log, folder: polars.from_pandas(log),
    "polars-lazy": lambda log, folder: polars.from_pandas(log).lazy(),
    "polars-categories": lambda log, folder: polars.from_pandas(log).with_columns(
        polars.col("customer_id").cast(polars.Categorical)
    ),
    "arrow": lambda log, folder: pa.Table.from_pandas(log),
    "arrow-reader": lambda log, folder: pa.Table.from_pandas(log).to_reader(),
    "ibis": ibis_table,
    "ibis-memtable": lambda log, folder: ibis.memtable(log),
    "duckdb": duckdb_url,
    "sqlite": sqlite_url,
}


@pytest.mark.parametrize("road", ROADS)
def test_same_table_by_every_road(road: str, log: pd.DataFrame, tmp_path: Path) -> None:
    given = ROADS[road](log, tmp_path)
    options = given if isinstance(given, dict) else {"source": given}
    expected = clv.summarize(log, segment="canal", until="2024-06-01")
    ours = clv.summarize(**options, segment="canal", until="2024-06-01")
    pd.testing.assert_frame_equal(ours.frame, expected.frame, check_dtype=False, rtol=1e-12)
    assert [(line.reason, line.rows, line.customers) for line in ours.ledger] == [
        (line.reason, line.rows, line.customers) for line in expected.ledger
    ]
    assert ours.start == expected.start
    assert len(ours.sha256) == 64


def test_hash_is_of_the_content(log: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rows in another order or container have the same hash; one cent more has another."""
    for limit in (1_000_000, 10):  # beyond, a cheaper hash is used
        monkeypatch.setattr(engine, "_EXACT_UP_TO", limit)
        one = read_transactions(log).sha256
        assert read_transactions(log.sample(frac=1.0, random_state=3)).sha256 == one
        assert read_transactions(polars.from_pandas(log)).sha256 == one
        assert read_transactions(log.assign(value=log.value + 0.01 * (log.index == 5))).sha256 != one
    import hashlib

    path = parquet(log, tmp_path)
    assert read_transactions(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_passwords_stay_out_of_labels() -> None:
    assert databases.without_password("postgres://ana:secret@host/db") == "postgres://host/db"
