"""Does the folder keep the contract that other people's scripts are written against?"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from clvmodels import __version__
from clvmodels.report import Report

FILES = {"report.html", "report.pdf", "report.json", "customers.parquet", "customers.csv", "fit.json", "figures"}
COLUMNS = [
    "customer_id",
    "first_purchase",
    "last_purchase",
    "frequency",
    "recency",
    "T",
    "monetary_value",
    "value_past",
    "horizon_start",
    "horizon_end",
    "p_alive",
    "p_active",
    "expected_purchases",
    "purchases_lower",
    "purchases_upper",
    "expected_spend",
    "value",
    "value_lower",
    "value_upper",
    "clv",
    "clv_lower",
    "clv_upper",
    "formula_value",
    "tier",
]
MONEY = {
    "monetary_value",
    "value_past",
    "expected_spend",
    "value",
    "value_lower",
    "value_upper",
    "clv",
    "clv_lower",
    "clv_upper",
}
MONEY |= {"formula_value", "tier"}
KEYS = {
    "": "schema data calibration holdout models evaluation comparison forecast kpis checks provenance",
    "data": "source sha256 rows customers first_date last_date currency ledger",
    "calibration": "start end customers repeat_customers purchases",
    "holdout": "start end purchases value new_customers",
    "models": "purchases spend oracle",
    "models/purchases": "family method parameters standard_errors log_likelihood converged",
    "models/oracle": "engine log_likelihood max_relative_difference",
    "forecast": "models start end unit discount_rate customers purchases purchases_lower purchases_upper value "
    "value_lower value_upper clv clv_lower clv_upper",
    "kpis": "average_order_value purchase_frequency relationship_duration churn_rate",
    "provenance": "version command seed created packages",
}
FORMULAS = ["formula", "formula_customer", "formula_repeat", "hiatus", "persistence", "zero"]
METRICS = [
    "total_error",
    "mae",
    "rmse",
    "gini",
    "spearman",
    "auc_active",
    "decile_mape",
    "top_decile_capture",
    "log_score",
    "crps",
    "coverage_90",
    "pit_ks",
]


@pytest.fixture(params=["money", "no money"])
def folder(request: pytest.FixtureRequest) -> Path:
    if request.param == "money":
        found: Path = request.getfixturevalue("sample_folder")
        return found
    path: Path = request.getfixturevalue("no_money")[1]
    return path


@pytest.fixture
def data(folder: Path) -> dict[str, Any]:
    text = (folder / "report.json").read_text(encoding="utf-8")
    assert not re.search(r"\b(NaN|Infinity)\b", text)
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def test_the_folder_holds_the_contracts_files_and_nothing_else(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == FILES
    kinds = {path.suffix for path in (folder / "figures").iterdir()}
    stems = {kind: {path.stem for path in (folder / "figures").glob(f"*{kind}")} for kind in kinds}
    assert kinds == {".svg", ".png", ".csv"}
    assert stems[".svg"] == stems[".png"] == stems[".csv"] != set()


@pytest.mark.parametrize("path", KEYS)
def test_report_json_has_every_key(data: dict[str, Any], path: str) -> None:
    node = data
    for key in filter(None, path.split("/")):
        node = node[key]
    assert set(KEYS[path].split()) <= set(node)


def test_rows_add_up(data: dict[str, Any]) -> None:
    assert sum(row["rows"] for row in data["data"]["ledger"]) == data["data"]["rows"] == 6919
    assert all(set(row) >= {"reason", "rows", "customers", "value"} for row in data["data"]["ledger"])


def test_every_predictor_is_judged_by_every_metric(data: dict[str, Any]) -> None:
    have = {(row["predictor"], row["quantity"], row["metric"]) for row in data["evaluation"]}
    quantities = ["purchases"] if data["models"]["spend"] is None else ["purchases", "value"]
    assert {quantity for _, quantity, _ in have} == set(quantities)
    for quantity in quantities:
        model = "bgnbd" if quantity == "purchases" else "bgnbd+gamma_gamma"
        assert {who for who, q, _ in have if q == quantity} == {model, *FORMULAS}
        own = {metric for who, q, metric in have if (who, q) == (model, quantity)}
        assert own == set(METRICS) - ({"log_score"} if quantity == "value" else set())
    for row in data["comparison"]:
        assert row["verdict"] in ("better", "worse", "no evidence")
        assert row["lower"] <= row["difference"] <= row["upper"]


def test_checks_are_complete(data: dict[str, Any]) -> None:
    names = [check["name"] for check in data["checks"]]
    assert len(set(names)) == len(names) >= 10
    for check in data["checks"]:
        assert check["status"] in ("pass", "review", "fail")
        assert check["evidence"].endswith(".")
        assert check["recommendation"].endswith(".")


def test_fractions_are_fractions_and_money_is_null_without_money(data: dict[str, Any]) -> None:
    kpis, forecast = data["kpis"], data["forecast"]
    assert 0 <= kpis["churn_rate"] <= 1
    assert 0 <= forecast["discount_rate"] < 1
    has_value = data["models"]["spend"] is not None
    for name in ("value", "value_lower", "value_upper", "clv", "clv_lower", "clv_upper"):
        assert (forecast[name] is not None) == has_value
    assert (kpis["average_order_value"] is not None) == has_value
    assert (data["holdout"]["value"] is not None) == has_value


def test_no_number_is_lost_in_json(data: dict[str, Any]) -> None:
    def leaves(node: Any) -> Iterator[Any]:
        children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else None
        if children is None:
            yield node
        else:
            for child in children:
                yield from leaves(child)

    assert all(isinstance(leaf, (str, int, float, bool, type(None))) for leaf in leaves(data))
    assert all(math.isfinite(leaf) for leaf in leaves(data) if isinstance(leaf, float))


def test_the_customer_table_is_the_contracts(folder: Path, data: dict[str, Any]) -> None:
    table = pd.read_parquet(folder / "customers.parquet")
    has_value = data["models"]["spend"] is not None
    assert list(table.columns) == [name for name in COLUMNS if has_value or name not in MONEY]
    assert table["customer_id"].is_unique
    assert len(table) == data["forecast"]["customers"] == data["data"]["customers"]
    assert table["expected_purchases"].sum() == pytest.approx(data["forecast"]["purchases"], rel=1e-9)
    assert not table.drop(columns="monetary_value", errors="ignore").isna().any(axis=None)
    if has_value:
        assert (table["monetary_value"].isna() == (table["frequency"] == 0)).all()
        assert table["value"].sum() == pytest.approx(data["forecast"]["value"], rel=1e-9)
        assert table["clv"].sum() == pytest.approx(data["forecast"]["clv"], rel=1e-9)
        assert table["formula_value"].sum() == pytest.approx(data["forecast"]["formula_value"], rel=1e-9)
        assert sum(tier["customers"] for tier in data["forecast"]["tiers"]) == len(table)
        assert sum(tier["clv"] for tier in data["forecast"]["tiers"]) == pytest.approx(data["forecast"]["clv"])


def test_csv_and_parquet_are_the_same_table(folder: Path) -> None:
    parquet = pd.read_parquet(folder / "customers.parquet")
    dates = ["first_purchase", "last_purchase", "horizon_start", "horizon_end"]
    csv = pd.read_csv(folder / "customers.csv", parse_dates=dates, date_format="%Y-%m-%d")
    assert list(csv.columns) == list(parquet.columns)
    for name in parquet:
        if name in dates:
            assert (csv[name] == pd.to_datetime(parquet[name])).all()
        elif pd.api.types.is_float_dtype(parquet[name]):
            pd.testing.assert_series_equal(csv[name], parquet[name], rtol=1e-9, check_dtype=False)
        else:
            assert (csv[name].astype(str) == parquet[name].astype(str)).all()
    lines = (folder / "customers.csv").read_text(encoding="utf-8").splitlines()[1:]
    longest = max(len(cell) for line in lines for cell in line.split(","))
    assert longest <= 17  # no sixteen-digit noise


def test_provenance_reproduces_it(data: dict[str, Any], folder: Path) -> None:
    made = data["provenance"]
    assert made["version"] == __version__
    assert made["command"].startswith("clvmodels report ")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made["created"])
    assert {"python", "numpy", "scipy", "pandas", "lifetimes"} <= set(made["packages"])


def test_published_numbers_reach_report_json(sample: Report, no_money: tuple[Report, Path]) -> None:
    """Fader, Hardie & Lee 2005 and note 025; the holdout of the reference document.

    The posterior's mean lies beside the maximum: a little less likely, never more.
    """
    purchases, spend = no_money[0].data["models"]["purchases"], sample.data["models"]["spend"]
    assert purchases["log_likelihood"] == pytest.approx(-9582.43, abs=0.01)
    assert -0.1 < sample.data["models"]["purchases"]["log_likelihood"] - purchases["log_likelihood"] < 0
    assert -4056.02 < spend["log_likelihood"] <= -4055.92
    for name, value in {"r": 0.24259, "alpha": 4.4136, "a": 0.79292, "b": 2.4259}.items():
        assert purchases["parameters"][name] == pytest.approx(value, rel=0.005)
    assert sample.data["holdout"]["purchases"] == 1882
    assert sample.data["holdout"]["forecast"]["purchases"] == pytest.approx(1650, abs=2)
    assert no_money[0].data["holdout"]["forecast"]["purchases"] == pytest.approx(1654, abs=2)
    assert sample.data["calibration"] | {"start": ""} == {
        "start": "", "end": "1997-09-30", "customers": 2357, "repeat_customers": 946, "purchases": 4814,
        "repeat_purchases": 2457,
    }  # fmt: skip


def test_a_posterior_brings_its_certificate_and_its_priors(sample: Report, no_money: tuple[Report, Path]) -> None:
    data = sample.data
    fits = [data[side]["models"][kind] for side in ("forecast",) for kind in ("purchases", "spend")]
    fits += [data["models"][kind] for kind in ("purchases", "spend")]
    for fit in fits:
        found = fit["certificate"]
        assert fit["method"] == found["asked"] == "posterior"
        assert found["k_hat"] < 0.5 < found["k_hat_limit"]
        assert found["ess"] > 2000
        assert found["r_hat"] is None
        assert set(fit["prior_influence"]) == {"0.5", "2"}
        assert fit["priors"]
    checks = {check["name"]: check for check in data["checks"]}
    for name in ("bgnbd", "gamma_gamma"):
        assert checks[f"priors_{name}"]["status"] == checks[f"convergence_{name}"]["status"] == "pass"
        assert "Pareto k̂" in checks[f"convergence_{name}"]["evidence"]
        assert checks[f"convergence_{name}"]["values"]["all_data"]["method"] == "posterior"
    plain = no_money[0].data
    assert plain["models"]["purchases"]["certificate"] is plain["models"]["purchases"]["priors"] is None
    assert not [check for check in plain["checks"] if check["name"].startswith("priors")]


def test_the_same_call_gives_the_same_report(sample: Report) -> None:
    from clvmodels.report import build_report

    again = build_report("cdnow-sample")
    different = {"created"}
    assert {k: v for k, v in again.data["provenance"].items() if k not in different} == {
        k: v for k, v in sample.data["provenance"].items() if k not in different
    }
    for key in sample.data.keys() - {"provenance"}:
        assert again.data[key] == sample.data[key], key
    pd.testing.assert_frame_equal(again.customers, sample.customers)
