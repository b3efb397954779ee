"""Does a log that DuckDB cannot hold in memory give the same summary, and leave nothing behind?"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ibis.backends.duckdb import Backend

import clvmodels as clv
from clvmodels.transactions import engine


def test_what_does_not_fit_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    size = 1_500_000
    log = pd.DataFrame(
        {
            "customer_id": rng.integers(0, 150_000, size),
            "date": np.datetime64("2022-01-01") + rng.integers(0, 700, size).astype("timedelta64[D]"),
            "value": rng.integers(1, 9_999, size) / 100,
        }
    )
    log.to_parquet(tmp_path / "orders.parquet")
    aside = tmp_path / "aside"
    aside.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(aside))
    monkeypatch.setattr(engine, "MEMORY_LIMIT", "60MB")
    spilt: list[Path] = []  # before what is kept has been compressed, which makes room again
    create = Backend.create_table

    def watched(con: Backend, *given: Any, **options: Any) -> Any:
        created = create(con, *given, **options)
        spilt.extend(aside.rglob("*.tmp"))
        return created

    monkeypatch.setattr(Backend, "create_table", watched)
    summary = clv.summarize(tmp_path / "orders.parquet", unit="day")
    days = log.drop_duplicates(["customer_id", "date"]).groupby("customer_id")["date"]
    expected = pd.DataFrame({"frequency": days.size() - 1, "last": days.max()})
    assert spilt
    np.testing.assert_array_equal(summary.frame["frequency"], expected["frequency"])
    np.testing.assert_array_equal(summary.frame["last_purchase"], expected["last"])
    np.testing.assert_allclose(summary.frame["value_past"].sum(), log["value"].sum(), rtol=1e-12)
