"""Is a run read back what was written, and does each step say what it misses?"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.errors import InputError
from clvmodels.runs import Run, check_run, is_run, read_run, write_run


def orders(*, money: bool = True) -> pd.DataFrame:
    """Sixty customers over a year, with text ids, refunds, several orders a day, and a channel."""
    rng = np.random.default_rng(3)
    n = 300
    days = np.where(rng.random(n) < 0.5, rng.integers(0, 120, n), rng.integers(0, 366, n))
    log = pd.DataFrame(
        {
            "customer_id": [f"c{i:02d}" for i in rng.integers(0, 60, n)],
            "date": pd.Timestamp("2024-01-01") + pd.to_timedelta(days, unit="D"),
            "channel": rng.choice(["shop", "web"], n),
        }
    )
    if money:
        log["value"] = np.where(rng.random(n) < 0.05, -5.0, rng.gamma(3, 10, n).round(2))
    return log


@pytest.fixture(params=[True, False], ids=["money", "no money"])
def parts(request: pytest.FixtureRequest) -> clv.summary.Split:  # type: ignore[name-defined]
    value = {"value": "none"} if not request.param else {}
    return clv.split(
        orders(money=request.param), calibration_end="2024-07-31", unit="day", segment=["channel"], **value
    )


def same(a: pd.DataFrame, b: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(a, b, rtol=1e-13)  # sums are added in any order


def test_run_read_back_is_the_run_written(parts: tuple[object, object], tmp_path: Path) -> None:
    before = Run(*parts)  # type: ignore[arg-type]
    write_run(check_run(tmp_path / "run"), before)
    after = read_run(tmp_path / "run")
    one, two = before.calibration, after.calibration
    for name in ("unit", "start", "until", "currency", "has_value", "segments", "cost", "sha256", "source", "ledger"):
        assert getattr(one, name) == getattr(two, name), name
    same(one.frame, two.frame)
    same(one.patterns.frame, two.patterns.frame)
    same(one.daily, two.daily)
    same(one.recent(30), two.recent(30))
    same(one.history(["c01", "c02"]), two.history(["c01", "c02"]))
    assert before.holdout is not None
    assert after.holdout is not None
    for field in dataclasses.fields(before.holdout):
        was, now = getattr(before.holdout, field.name), getattr(after.holdout, field.name)
        if isinstance(was, pd.DataFrame):
            same(was, now)
        else:
            assert was == now, field.name


def test_summary_alone_is_a_run_without_holdout(tmp_path: Path) -> None:
    summary = clv.summarize(orders(), until="2024-12-31")
    write_run(tmp_path / "run", Run(summary))
    after = read_run(tmp_path / "run")
    assert after.holdout is None
    assert after.calibration.until == summary.until
    same(after.calibration.frame, summary.frame)


def test_earlier_run_is_replaced_with_all_that_was_made_from_it(tmp_path: Path) -> None:
    write_run(tmp_path / "run", Run(clv.summarize(orders())))
    (tmp_path / "run" / "fit.json").touch()
    write_run(check_run(tmp_path / "run"), Run(clv.summarize(orders())))
    assert not (tmp_path / "run" / "fit.json").exists()  # a fit of other data would be worse than none


def test_what_is_no_run_is_refused_in_words(tmp_path: Path) -> None:
    assert not is_run(tmp_path)
    write_run(tmp_path / "run", Run(clv.summarize(orders())))
    marker = tmp_path / "run" / "run.json"
    good = marker.read_text()
    again = r"Make it again with: clvmodels split … --out "
    marker.write_text(good.replace('"schema": 1', '"schema": 7'))
    with pytest.raises(InputError, match=f"was written with schema 7; this version reads 1. {again}"):
        read_run(tmp_path / "run")
    for spoilt in ("{}", "", "[1]", good.replace('"unit"', '"units"'), good.replace('"week"', '"month"')):
        marker.write_text(spoilt)
        with pytest.raises(InputError):
            read_run(tmp_path / "run")
    marker.write_text(good)
    (tmp_path / "run" / "purchases.parquet").unlink()
    with pytest.raises(InputError, match=r"purchases\.parquet"):
        read_run(tmp_path / "run")
