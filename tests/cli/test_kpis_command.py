"""Does clvmodels kpis write tables that agree with one another and with the log, from a log and from a run?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.cli import main
from clvmodels.kpi_files import TABLES
from clvmodels.models import BGNBD, GammaGamma


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    log = clv.simulate(
        BGNBD(0.5, 6.0, 0.6, 2.5), spend=GammaGamma(6.25, 3.74, 15.44), customers=300, start="2023-01-01",
        end="2024-06-30",
    )  # fmt: skip
    log["channel"] = np.array(["search", "social"])[log["customer_id"] % 2]
    log["cac"] = 12.5
    path = tmp_path_factory.mktemp("log") / "orders.csv"
    log.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def written(orders: Path) -> Path:
    out = orders.parent / "kpis"
    words = ["--segment", "channel", "--cost", "cac", "--margin", "0.5", "--until", "2024-06-30", "--method", "mle"]
    assert main(["kpis", str(orders), *words, "--against", "2023-12-31", "--out", str(out)]) == 0
    return out


def read(written: Path, name: str) -> Any:
    return pd.read_csv(written / name, keep_default_na=False, na_values=[""])


def test_every_table_is_written_and_described(written: Path) -> None:
    facts = json.loads((written / "kpis.json").read_text())
    assert facts["tables"] == TABLES
    assert {path.name for path in written.iterdir()} == {*TABLES, "kpis.json"}
    assert facts["observed_until"] == "2024-06-30"
    assert facts["horizon"] == {"start": "2024-07-01", "end": "2025-06-30"}


def test_tables_agree_with_one_another(written: Path) -> None:
    kpis, channels, flags = (read(written, name) for name in ("kpis.csv", "channels.csv", "attention.csv"))
    everyone = kpis[(kpis["kind"] == "expected") & kpis["segment"].isna()].set_index("indicator")["value"]
    assert len(flags) == channels["customers"].sum() == 300
    assert everyone["value_per_customer"] * 300 == pytest.approx(flags["value"].sum(), rel=1e-6)
    assert channels["clv"].sum() == pytest.approx(flags["clv"].sum(), rel=1e-6)
    levers = read(written, "levers.csv")
    by = levers[levers["group"].notna()].groupby("lever")["gain"].sum()
    whole = levers[levers["group"].isna()].set_index("lever")["gain"]
    assert by.to_numpy() == pytest.approx(whole[by.index].to_numpy(), rel=1e-6)
    assert read(written, "cohorts.csv")["customers"].sum() == 300
    assert set(read(written, "lists.csv")["customer_id"]) <= set(flags["customer_id"])
    changes = read(written, "changes.csv")
    assert changes["customers_both"].iloc[0] == changes["customers_before"].iloc[0]
    assert (changes["difference"] - (changes["after"] - changes["before"])).abs().max() < 1e-8


def test_two_runs_are_compared(orders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, until in (("before", "2023-12-31"), ("after", "2024-06-30")):
        assert main(["summarize", str(orders), "--until", until, "--out", str(tmp_path / name)]) == 0
        assert main(["fit", str(tmp_path / name), "--method", "mle"]) == 0
    capsys.readouterr()
    out = tmp_path / "kpis"
    assert main(["kpis", str(tmp_path / "after"), "--against", str(tmp_path / "before"), "--out", str(out)]) == 0
    assert "What moved" in capsys.readouterr().out
    assert main(["kpis", str(tmp_path / "after"), "--against", "2023-12-31", "--out", str(tmp_path / "again")]) == 0
    one, other = (read(folder, "changes.csv") for folder in (out, tmp_path / "again"))
    pd.testing.assert_frame_equal(one, other)  # an earlier day is fitted as the run was, by likelihood
    expected = one[one["kind"] == "expected"].set_index("indicator")
    assert {"value_per_customer", "p_no_purchase", "active_years"} <= set(expected.index)
    assert (expected["standard_error"] > 0).all()


def test_nothing_foreign_is_replaced(orders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    assert main(["kpis", str(orders), "--out", str(tmp_path / "mine")]) == 2
    assert "letter.txt" in capsys.readouterr().err
