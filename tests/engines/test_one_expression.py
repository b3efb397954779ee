"""Do DuckDB, Spark and Postgres give the same tables, whatever types a column has?"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

import clvmodels as clv
from clvmodels.cli import main
from clvmodels.datasets import DATASETS
from clvmodels.formula import predict_by_formula
from clvmodels.models import BGNBD, GammaGamma, LogNormalSpend

pytestmark = pytest.mark.external

Load = Callable[[pa.Table], Any]
NAMES = (f"log{number}" for number in count())

POSTGRES_TYPES = {
    pa.int64(): "bigint",
    pa.float64(): "double precision",
    pa.string(): "text",
    pa.date32(): "date",
    pa.timestamp("us"): "timestamp",
    pa.timestamp("us", "UTC"): "timestamptz",
}


@pytest.fixture(scope="module")
def on_postgres(postgres: str) -> Iterator[Load]:
    con = ibis.connect(postgres)
    con.raw_sql("set time zone 'America/Sao_Paulo'").close()

    def load(table: pa.Table) -> Any:
        name = next(NAMES)
        kinds = [POSTGRES_TYPES.get(f.type) or f"numeric({f.type.precision},{f.type.scale})" for f in table.schema]
        columns = ", ".join(f'"{one}" {kind}' for one, kind in zip(table.column_names, kinds, strict=True))
        with con.con.cursor() as cursor:
            cursor.execute(f"create table {name} ({columns})")
            with cursor.copy(f"copy {name} from stdin") as copy:
                for row in table.to_pylist():
                    copy.write_row(list(row.values()))
        con.con.commit()
        return con.table(name)

    yield load
    con.disconnect()


@pytest.fixture(scope="module")
def on_spark(spark: Any) -> Load:
    con = ibis.pyspark.connect(spark)

    def load(table: pa.Table) -> Any:
        name = next(NAMES)
        spark.createDataFrame(table).createOrReplaceTempView(name)
        return con.table(name)

    return load


# --------------------------------------------------------------------------------------------------------- the logs

START = dt.datetime(2023, 11, 1)
CUT = "2024-02-15"
SPEC = {
    "customer_id": {
        "text": (lambda k: f" Ção{k:02d}" if k % 3 else f"c{k}", pa.string()),
        "whole": (lambda k: k, pa.int64()),
        "float": (float, pa.float64()),
        "decimal": (Decimal, pa.decimal128(10, 0)),
        "parts": (lambda k: Decimal(k) / 4, pa.decimal128(10, 2)),
    },
    "date": {
        "timestamp": (lambda t: t, pa.timestamp("us")),
        "aware": (lambda t: t, pa.timestamp("us", "UTC")),
        "day": (lambda t: t.date(), pa.date32()),
        "number": (lambda t: int(f"{t:%Y%m%d}"), pa.int64()),
        "iso": (lambda t: t.date().isoformat(), pa.string()),
        "iso with hours": (lambda t: f" {t:%Y-%m-%d %H:%M:%S}", pa.string()),
        "iso with zone": (lambda t: f"{t:%Y-%m-%dT%H:%M:%S}-03:00", pa.string()),
        "compact": (lambda t: f"{t:%Y%m%d}", pa.string()),
        "month first": (lambda t: f"{t:%m/%d/%Y}", pa.string()),
    },
    "value": {
        "float": (float, pa.float64()),
        "decimal": (lambda v: Decimal(f"{v:.2f}"), pa.decimal128(12, 2)),
        "text": (lambda v: f"{v:.2f} ", pa.string()),
        "whole": (int, pa.int64()),
    },
}
UNREADABLE = {
    "date": ["", "1997-02-30", "31/31/31", "1997", "2024-02-29x", "infinity"],
    "value": ["", "abc", "1.2.3", "2d", "nan", "--1"],
}


def column(role: str, kind: str, values: list[Any]) -> pa.Array:
    turn, arrow = SPEC[role][kind]
    cells = [value if value is None or isinstance(value, str) else turn(value) for value in values]
    return pa.array(cells, arrow)


def hard_log(seed: int, *, who: str, when: str, what: str, rows: int = 300) -> pa.Table:
    """Purchases with refunds, nulls and, in text, cells that cannot be read."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, 40, rows).tolist()
    times = [START + dt.timedelta(minutes=int(m)) for m in rng.integers(0, 200 * 1440, rows)]
    values = (rng.integers(0, 9999, rows) / 100 * np.where(rng.random(rows) < 0.08, -1, 1)).tolist()
    columns = {"customer_id": (who, ids), "date": (when, times), "value": (what, values)}
    made = {}
    for role, (kind, cells) in columns.items():
        missing = rng.random(rows) < 0.01
        cells = [None if gone else cell for gone, cell in zip(missing, cells, strict=True)]
        if SPEC[role][kind][1] == pa.string():
            for place, text in zip(range(3, rows, 50), UNREADABLE.get(role, []), strict=False):
                cells[place] = text
        made[role] = column(role, kind, cells)
    channels = [None if k == 3 else [" loja", "site", "app"][k] for k in rng.integers(0, 4, rows).tolist()]
    return pa.table({**made, "canal": pa.array(channels, pa.string())})


# ------------------------------------------------------------------------------------------------- what is compared


def everything(source: Any, **options: Any) -> dict[str, pd.DataFrame]:
    """All tables that are asked of an engine."""
    options = {"segment": "canal", **options}
    calibration, holdout = clv.split(source, calibration_end=CUT, **options)
    whole = clv.summarize(source, unit="day", **options)
    formulas = predict_by_formula(calibration, holdout.horizon)
    return {
        "calibration": calibration.frame,
        "patterns": calibration.patterns.frame,
        "ledger": pd.DataFrame(calibration.ledger),
        "daily": calibration.daily,
        "recent": calibration.recent(60),
        "history": calibration.history(calibration.frame["customer_id"].head(3).tolist()),
        "formulas": pd.DataFrame({name: one.value for name, one in formulas.items() if one.value is not None}),
        "holdout": holdout.frame,
        "holdout ledger": pd.DataFrame(holdout.ledger),
        "holdout daily": holdout.daily,
        "new": pd.DataFrame([[holdout.new_customers, holdout.new_purchases, holdout.new_value]]),
        "whole": whole.frame,
        "whole ledger": pd.DataFrame(whole.ledger),
    }


def assert_same(there: Any, here: Any, **options: Any) -> None:
    expected, found = everything(here, **options), everything(there, **options)
    for name, table in expected.items():
        pd.testing.assert_frame_equal(found[name], table, check_dtype=False, rtol=1e-12, obj=name)


# --------------------------------------------------------------------------------------------------------- the tests

POSTGRES_LOGS = [
    {"who": "text", "when": "timestamp", "what": "float"},
    {"who": "whole", "when": "aware", "what": "decimal"},
    {"who": "float", "when": "iso with zone", "what": "text"},
    {"who": "decimal", "when": "compact", "what": "whole"},
    {"who": "parts", "when": "number", "what": "float"},
    {"who": "text", "when": "month first", "what": "decimal"},
    {"who": "text", "when": "iso with hours", "what": "text"},
    {"who": "whole", "when": "iso", "what": "float"},
    {"who": "whole", "when": "day", "what": "decimal"},
]


@pytest.mark.parametrize("kinds", POSTGRES_LOGS, ids=lambda kinds: "-".join(kinds.values()))
def test_postgres_gives_the_same_tables(kinds: dict[str, str], on_postgres: Load) -> None:
    log = hard_log(len("".join(kinds.values())), **kinds)
    assert_same(on_postgres(log), log)


SPARK_LOGS = {  # a query costs Spark half a second at least: what Postgres has shown is not shown again
    "net": {"who": "text", "when": "aware", "what": "decimal"},
    "drop": {"who": "float", "when": "iso with zone", "what": "text"},
    "keep": {"who": "parts", "when": "compact", "what": "float"},
}


@pytest.mark.parametrize("returns", SPARK_LOGS)
def test_spark_gives_the_same_tables(returns: str, on_spark: Load) -> None:
    log = hard_log(len(returns), **SPARK_LOGS[returns], rows=120)
    assert_same(on_spark(log), log, returns=returns)


amounts = some.one_of(some.none(), some.just(0.0), some.integers(-4000, 9999).map(lambda cents: cents / 100))
purchases = some.tuples(some.integers(0, 4), some.integers(0, 200 * 1440), amounts, some.sampled_from(["a", "b", None]))
# Somebody buys on both sides of the cut, or there is nothing to divide.
ALWAYS = [(9, 10, 1.0, "a"), (9, 150 * 1440, 1.0, "a"), (8, 20, 2.0, None)]


def random_log(rows: list[Any], kinds: tuple[str, str, str]) -> pa.Table:
    who, when, value, channel = zip(*ALWAYS * 5, *rows, strict=True)  # nulls stay below what a log may have
    times = [START + dt.timedelta(minutes=m) for m in when]
    roles = ("customer_id", "date", "value")
    made = {r: column(r, kind, list(cells)) for r, kind, cells in zip(roles, kinds, (who, times, value), strict=True)}
    return pa.table({**made, "canal": pa.array(channel, pa.string())})


logs = some.builds(
    random_log,
    some.lists(purchases, max_size=25).filter(lambda rows: sum(row[2] is None for row in rows) <= len(rows) * 0.05),
    some.tuples(
        some.sampled_from(["text", "whole"]),
        some.sampled_from(["timestamp", "aware", "day", "iso with zone"]),
        some.sampled_from(["float", "decimal", "text"]),
    ),
)
FEW = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}


@settings(max_examples=10, **FEW)  # type: ignore[arg-type]
@given(log=logs, returns=some.sampled_from(["net", "drop", "keep"]))
def test_random_logs_are_the_same_on_postgres(log: pa.Table, returns: str, on_postgres: Load) -> None:
    assert_same(on_postgres(log), log, returns=returns)


@settings(max_examples=2, **FEW)  # type: ignore[arg-type]
@given(log=logs)
def test_random_logs_are_the_same_on_spark(log: pa.Table, on_spark: Load) -> None:
    assert_same(on_spark(log), log)


def numbers(data: Any, path: str = "") -> dict[str, Any]:
    """All leaves of a report, by path."""
    if isinstance(data, dict):
        return {key: leaf for name, part in data.items() for key, leaf in numbers(part, f"{path}/{name}").items()}
    if isinstance(data, (list, tuple)):
        return {key: leaf for i, part in enumerate(data) for key, leaf in numbers(part, f"{path}/{i}").items()}
    return {path: data}


CDNOW = {"calibration_end": "1997-09-30", "holdout_end": "1998-06-30", "seed": 1}
THEIR_OWN = ("/data/source", "/data/sha256", "/provenance", "/data/title")


@pytest.fixture(scope="module")
def expected() -> Any:
    return clv.build_report("cdnow-sample", **CDNOW)


@pytest.mark.parametrize("engine", ["postgres", "spark"])
def test_report_has_the_same_numbers(engine: str, expected: Any, request: pytest.FixtureRequest) -> None:
    load = request.getfixturevalue(f"on_{engine}")
    report = clv.build_report(load(pa.Table.from_pandas(DATASETS["cdnow-sample"].load())), **CDNOW)
    found, wanted = numbers(report.data), numbers(expected.data)
    assert found.keys() == wanted.keys()
    compared = 0
    for path, leaf in wanted.items():
        if path.startswith(THEIR_OWN) or (isinstance(leaf, str) and not path.endswith("status")):
            continue
        if leaf is None or isinstance(leaf, str):
            assert found[path] == leaf, path
            continue
        compared += 1
        assert found[path] == pytest.approx(leaf, rel=1e-9, abs=1e-12, nan_ok=True), path
    assert compared > 100
    pd.testing.assert_frame_equal(report.customers, expected.customers, check_dtype=False, rtol=1e-9)


def many_customers() -> pa.Table:
    """Money of sixteen digits, as exchange rates make it, whose sums every engine rounds in its own way."""
    families = BGNBD(r=0.6, alpha=6.0, a=0.4, b=3.0), GammaGamma(p=6.25, q=3.74, v=15.44)
    log = clv.simulate(
        families[0], spend=families[1], customers=8_000, start="2023-01-01", end="2024-06-30", unit="week", seed=4
    )
    return pa.Table.from_pandas(log.astype({"date": "datetime64[us]"}), preserve_index=False)


def forecasts(source: Any) -> dict[str, Any]:
    """What a report rests on: customers, fits with their certificates, and forecasts."""
    summary = clv.summarize(source)
    purchases = clv.fit(BGNBD, summary, method="posterior")
    spends = [clv.fit(family, summary, method="posterior") for family in (GammaGamma, LogNormalSpend)]
    forecast = clv.predict(purchases, summary, spend=spends[0], horizon="12 months", discount_rate=0.1)
    found: dict[str, Any] = {"forecast": forecast.frame, "customers": summary.frame}
    for fit in (purchases, *spends):
        name = fit.model.name
        found[f"{name} table"] = fit.table()
        facts = (fit.log_likelihood, fit.diagnostics["k_hat"], fit.diagnostics["ess"])
        found[name] = pd.Series([*facts, *fit.diagnostics["prior_influence"].values()])
    return found


@pytest.fixture(scope="module")
def expected_of_many() -> dict[str, Any]:
    return forecasts(many_customers())


@pytest.mark.parametrize("engine", ["postgres", "spark"])
def test_forecasts_of_many_customers_have_the_same_numbers(
    engine: str, expected_of_many: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    rows = many_customers()
    order = np.random.default_rng(1).permutation(rows.num_rows)
    found = forecasts(request.getfixturevalue(f"on_{engine}")(rows.take(order)))
    for name, wanted in expected_of_many.items():
        same = pd.testing.assert_series_equal if isinstance(wanted, pd.Series) else pd.testing.assert_frame_equal
        same(found[name], wanted, check_dtype=False, rtol=1e-9, atol=0, obj=name)


def test_command_reads_a_table_where_it_is(
    postgres: str, spark: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = DATASETS["cdnow-sample"].load()
    con = ibis.connect(postgres)
    con.create_table("orders", log)
    con.disconnect()
    spark.sql("create database if not exists shop")
    spark.createDataFrame(pa.Table.from_pandas(log)).write.saveAsTable("shop.orders")
    try:
        for number, source in enumerate([(postgres, "orders"), ("spark://", "shop.orders")]):
            out = tmp_path / f"{number}.csv"
            assert main(["summarize", source[0], "--table", source[1], "--out", str(out)]) == 0, capsys.readouterr()
            assert len(pd.read_csv(out)) == 2357
        assert (tmp_path / "0.csv").read_bytes() == (tmp_path / "1.csv").read_bytes()
        assert main(["summarize", "spark://", "--table", "shop.order", "--out", str(tmp_path / "no.csv")]) == 2
        said = capsys.readouterr().err
        assert "there is no table 'shop.order' in spark://. Its tables are" in said
        assert "'orders'" in said
    finally:
        spark.sql("drop database shop cascade")


@pytest.mark.skipif(shutil.which("java") is None, reason="shows what is said where Java is missing; it is")
def test_without_java_one_sentence_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert main(["summarize", "spark://", "--table", "orders", "--out", str(tmp_path / "out.csv")]) == 2
    said = capsys.readouterr().err
    assert "spark:// needs Java" in said
    assert "Install Java 17 or newer" in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []
