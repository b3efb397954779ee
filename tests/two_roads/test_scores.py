"""Are streamed scores what predict says, and does the fit know when it has aged?"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.calendar import Horizon
from clvmodels.cli import main
from clvmodels.errors import InputError, UnitError
from clvmodels.models import BGNBD, MBGNBD, ParetoNBD
from clvmodels.scoring import point_predictions, write_scores

STORY = BGNBD(0.6, 3.0, 0.4, 6.0)


@pytest.fixture(scope="module")
def fits() -> tuple[Any, Any]:
    summary = clv.summarize("cdnow-sample", until="1997-09-30")
    return clv.fit("bgnbd", summary), clv.fit("gamma_gamma", summary)


def test_scores_are_predictions(fits: tuple[Any, Any], tmp_path: Path) -> None:
    scores = clv.score(fits, "cdnow-sample", horizon="39 weeks", margin=0.3)
    full = clv.predict(fits[0], clv.summarize("cdnow-sample"), spend=fits[1], horizon="39 weeks", margin=0.3).frame
    pd.testing.assert_frame_equal(scores.frame, full[scores.frame.columns], rtol=1e-9)
    wide = clv.score(fits, "cdnow-sample", horizon="39 weeks", margin=0.3, intervals=True)
    pd.testing.assert_frame_equal(wide.frame, full.drop(columns="tier"), rtol=1e-9)
    parts = pd.concat([table.to_pandas(date_as_object=False) for table in scores.batches(1000)], ignore_index=True)
    assert [table.num_rows for table in scores.batches(1000)] == [1000, 1000, 357]
    pd.testing.assert_frame_equal(parts, scores.frame, check_dtype=False, rtol=1e-12)
    assert write_scores(scores, tmp_path / "scores.parquet") == 2357
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "scores.parquet"), scores.frame, check_dtype=False, rtol=1e-12
    )


@pytest.mark.parametrize("model", [STORY, MBGNBD(0.5, 6.2, 0.9, 1.6), ParetoNBD(0.55, 10.6, 0.61, 11.7)])
def test_points_by_formula(model: BGNBD) -> None:
    log = clv.simulate(STORY, customers=2000, start="2022-01-01", end="2023-12-31", seed=2)
    known = clv.summarize(log).frame
    found = point_predictions(model, known, unit=clv.summarize(log).unit, t=52.0, delta=0.002)
    x, t_x, T = (known[name].to_numpy(float) for name in ("frequency", "recency", "T"))
    np.testing.assert_allclose(found["p_alive"], model.p_alive(x, t_x, T), rtol=1e-12)
    np.testing.assert_allclose(found["expected_purchases"], model.expected_purchases(52.0, x, t_x, T), rtol=1e-9)
    np.testing.assert_allclose(found["p_active"], 1 - model.pmf(0, 52.0, x, t_x, T), rtol=1e-8, atol=1e-12)
    later = model.discounted_purchases(52.0, x, t_x, T, delta=0.002)
    np.testing.assert_allclose(found["discounted_purchases"], later, rtol=1e-9)


def test_a_fit_that_does_not_belong_is_refused(fits: tuple[Any, Any]) -> None:
    with pytest.raises(UnitError, match="the fit is in weeks, the customers are summarised in days"):
        clv.score(fits, "cdnow-sample", unit="day")
    with pytest.raises(InputError, match="spend was fitted in USD, the customers' values are in EUR"):
        clv.score(fits, "cdnow-sample", currency="EUR")
    with pytest.raises(InputError, match="observed to 1997-06-30, and the fit has seen purchases to 1997-09-30"):
        clv.score(fits, "cdnow-sample", until="1997-06-30")
    with pytest.raises(InputError, match="is a model of spend"):
        clv.score(fits[1], "cdnow-sample")
    with pytest.raises(InputError, match="a horizon that starts on 1998-07-01"):
        clv.score(fits, "cdnow-sample", horizon=Horizon(dt.date(1999, 1, 1), dt.date(1999, 2, 1)))


def test_drift_of_the_published_split(fits: tuple[Any, Any]) -> None:
    assert clv.score(fits, "cdnow-sample", until="1997-09-30").drift is None
    drift = clv.score(fits, "cdnow-sample").drift
    forecast = clv.predict(fits[0], clv.summarize("cdnow-sample", until="1997-09-30"), horizon="1998-06-30")
    assert (drift.customers, drift.purchases, drift.buyers) == (2357, 1882, 684)
    assert drift.expected == pytest.approx(forecast.totals.purchases)
    assert drift.lower == pytest.approx(forecast.totals.purchases_lower, rel=1e-3)
    assert drift.upper == pytest.approx(forecast.totals.purchases_upper, rel=1e-3)
    assert drift.pit_distance == pytest.approx(0.0198, abs=5e-4)  # published with the contract
    assert drift.error == pytest.approx(-0.1215, abs=1e-3)
    assert drift.verdict == "refit"
    assert json.loads(json.dumps(drift.plain()))["start"] == "1997-10-01"


def test_a_true_fit_is_kept_and_a_changed_world_is_seen() -> None:
    log = clv.simulate(STORY, customers=3000, start="2022-01-01", end="2023-12-31", seed=4)
    fit = clv.fit("bgnbd", clv.summarize(log, until="2023-09-30"))
    kept = clv.score(fit, log).drift
    assert (kept.verdict, kept.reasons) == ("keep", ())
    late = log.date > "2023-09-30"
    changed = clv.score(fit, log[~late | (log.index % 2 == 0)], until="2023-12-31").drift  # half of the purchases
    assert changed.verdict == "refit"
    assert "it expected" in changed.reasons[0]


def test_command_streams_and_says_when_to_fit_again(
    fits: tuple[Any, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clv.save(fits, tmp_path / "fit.json")
    words = ["score", "cdnow-sample", "--fit", str(tmp_path / "fit.json")]
    assert main([*words, "--out", str(tmp_path / "scores.csv"), "--intervals"]) == 0
    said = capsys.readouterr()
    assert "2,357 customers bought 1,882 times; it expected 1,653" in said.out
    assert "Fit again: clvmodels fit" in said.err
    assert len(pd.read_csv(tmp_path / "scores.csv")) == 2357
    assert main([*words, "--to", f"duckdb://{tmp_path}/crm.duckdb"]) == 0
    assert main([*words, "--to", f"duckdb://{tmp_path}/crm.duckdb"]) == 2
    assert "there is already a table scores" in capsys.readouterr().err
    assert main([*words, "--to", f"duckdb://{tmp_path}/crm.duckdb", "--replace"]) == 0
    assert main(words) == 2
    assert main([*words, "--out", str(tmp_path / "no.csv"), "--currency", "EUR"]) == 2
    assert not (tmp_path / "no.csv").exists()


@pytest.mark.external
def test_scores_go_back_to_the_engine(fits: tuple[Any, Any], postgres: str, spark: Any) -> None:
    import ibis

    from clvmodels.datasets import DATASETS
    from clvmodels.exports.streams import check_stream

    expected = clv.score(fits, "cdnow-sample").frame
    log = DATASETS["cdnow-sample"].load()
    con = ibis.connect(postgres)
    con.create_table("log_to_score", log)
    scores = clv.score(fits, postgres, table="log_to_score")
    assert write_scores(scores, check_stream(postgres, table="scored", replace=False)) == 2357
    back = con.table("scored").order_by("customer_id").to_pandas()
    for name in ("first_purchase", "last_purchase", "horizon_start", "horizon_end"):
        back[name] = pd.to_datetime(back[name]).astype("datetime64[us]")
    con.disconnect()
    pd.testing.assert_frame_equal(back, expected, check_dtype=False, rtol=1e-12)

    import pyarrow as pa

    ibis.pyspark.connect(spark)  # takes moments in UTC from here on
    spark.createDataFrame(pa.Table.from_pandas(log)).createOrReplaceTempView("log_to_score")
    scores = clv.score(fits, "spark://", table="log_to_score")
    assert scores.on_spark() is not None  # the workers score
    spark.sql("drop table if exists scored")
    assert write_scores(scores, check_stream("spark://", table="scored", replace=False)) == 2357
    table = spark.table("scored").toArrow().to_pandas(date_as_object=False)
    spark.sql("drop table scored")
    back = table.sort_values("customer_id", ignore_index=True)
    pd.testing.assert_frame_equal(back, expected, check_dtype=False, rtol=1e-12)


def test_command_writes_back_into_the_database_it_reads(
    fits: tuple[Any, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import duckdb

    clv.save(fits, tmp_path / "fit.json")
    log = clv.datasets.DATASETS["cdnow-sample"].load()  # noqa: F841 – DuckDB finds it by its name
    place = f"duckdb://{tmp_path}/crm.duckdb"
    with duckdb.connect(f"{tmp_path}/crm.duckdb") as con:
        con.execute("create table orders as select * from log")
    words = ["score", place, "--table", "orders", "--fit", str(tmp_path / "fit.json"), "--to", place]
    assert main(words) == 0, capsys.readouterr()
    assert main([*words, "--replace"]) == 0
    capsys.readouterr()
    assert main([*words, "--to-table", "main.orders", "--replace"]) == 2
    assert "--to-table main.orders is the log itself" in capsys.readouterr().err
    with duckdb.connect(f"{tmp_path}/crm.duckdb") as con:
        assert con.sql("select count(*) from scores").fetchone() == (2357,)
        assert con.sql("select count(*) from orders").fetchone() == (6919,)
        assert sorted(con.sql("show tables").fetchall()) == [("orders",), ("scores",)]


def test_the_log_is_never_overwritten(
    fits: tuple[Any, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clv.save(fits, tmp_path / "fit.json")
    path = tmp_path / "orders.parquet"
    clv.datasets.DATASETS["cdnow-sample"].load().to_parquet(path)
    before = path.read_bytes()
    for source in (str(path), f"{tmp_path}/ord*.parquet"):
        assert main(["score", source, "--fit", str(tmp_path / "fit.json"), "--out", str(path)]) == 2
        assert "is the input itself. Nothing is overwritten." in capsys.readouterr().err
    assert path.read_bytes() == before


def test_new_rows_alone_are_no_log(fits: tuple[Any, Any]) -> None:
    log = clv.datasets.DATASETS["cdnow-sample"].load()
    new = log[log["date"] > "1997-10-01"]
    with pytest.raises(InputError, match="the fit has seen purchases from 1997-01-01 to 1997-09-30") as refused:
        clv.score(fits, new)
    assert "clvmodels.update" in str(refused.value)
