"""Measure what `--family auto` is worth beside the formulas on three public logs; the result is league.json.

The model is chosen, and the stack is weighted, on earlier cut-offs inside the calibration period only; the holdout is
judged once. `python benchmarks/league.py [LOG ...]` runs all logs, or those that are named; Online Retail is read from
the copy that CLVMODELS_RETAIL_LOG names, from ../shared/data, or downloaded.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

import clvmodels as clv
from clvmodels.bootstrap import holm
from clvmodels.errors import DiagnosticWarning
from clvmodels.metrics import METRICS
from clvmodels.report.contract import plain

RESULT = Path(__file__).with_name("league.json")
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "online_retail.parquet"
RETAIL = os.environ.get("CLVMODELS_RETAIL_LOG") or (str(SHARED) if SHARED.exists() else "online-retail")
CDNOW = {"calibration_end": "1997-09-30", "holdout_end": "1998-06-30"}
LOGS: dict[str, tuple[str, dict[str, str]]] = {
    "cdnow-sample": ("cdnow-sample", CDNOW),
    "cdnow": ("cdnow", CDNOW),
    "online-retail": (RETAIL, {}),
}
"""Name → source and split; Online Retail's is the default, its last third."""
NOT_TO_LOSE = ("rmse", "crps", "gini", "auc_active", "spearman", "top_decile_capture")
ON_CDNOW = ("crps", "total_error", "decile_mape", "rmse")
TO_BEAT: dict[str, dict[str, tuple[str, ...]]] = {
    "cdnow-sample": {"purchases": ON_CDNOW, "value": ON_CDNOW},
    "cdnow": {"purchases": ON_CDNOW, "value": (*ON_CDNOW, "gini")},
    "online-retail": {"purchases": ("crps", "total_error", "decile_mape"), "value": ("crps",)},
}
"""What must be better than the textbook formulas, by log and quantity."""
TEXTBOOK = ("formula", "formula_customer")
RESAMPLES, SEED = 2000, 0


def study(name: str) -> dict[str, Any]:
    """One log: the choice, the league table of the holdout, what was lost, and what is to be beaten.

    ``to_beat`` are adjusted by Holm among themselves (``p_of_these``), by quantity: they were named in advance.
    """
    source, dates = LOGS[name]
    calibration, holdout = clv.split(source, **dates)
    start = time.process_time()
    choice = clv.choose(calibration)
    chosen = time.process_time() - start
    purchases, spend = choice.fit(calibration), clv.fit(str(choice.spend), calibration)
    forecast = clv.predict(purchases, calibration, spend=spend, horizon=holdout.horizon)
    start = time.process_time()
    result = clv.evaluate(forecast, holdout, resamples=RESAMPLES, seed=SEED)
    judged = time.process_time() - start
    rows = result.comparison
    wanted = pd.concat([_to_beat(rows, quantity, metrics) for quantity, metrics in TO_BEAT[name].items()])
    worse = (rows["holm"] == "worse") | (rows["verdict"] == "worse")
    return {
        "customers": len(calibration.frame),
        "calibration_end": calibration.until,
        "holdout_end": holdout.horizon.end,
        "choice": choice.plain(),
        "metrics": result.metrics[result.metrics["predictor"].isin(result.models.values())].to_dict("records"),
        "comparison": rows.to_dict("records"),
        "lost": rows[worse].to_dict("records"),
        "lost_of_what_must_not_be": rows[worse & rows["metric"].isin(NOT_TO_LOSE)].to_dict("records"),
        "to_beat": wanted.to_dict("records"),
        "cpu_seconds": {"choice": round(chosen, 1), "judging": round(judged, 1)},
    }


def _to_beat(rows: pd.DataFrame, quantity: str, metrics: tuple[str, ...]) -> pd.DataFrame:
    some = rows[rows["formula"].isin(TEXTBOOK) & rows["metric"].isin(metrics) & (rows["quantity"] == quantity)]
    p_value = holm(some["p_value"].to_numpy(float))
    ahead = some["difference"] * some["metric"].map(lambda name: METRICS[name].sign) > 0
    return some.assign(p_of_these=p_value, beaten=ahead & (p_value <= 0.05))


def tell(name: str, found: dict[str, Any]) -> None:
    """One log in lines."""
    choice = found["choice"]
    weights = ", ".join(f"{weight:.2f} {one}" for one, weight in choice["weights"].items())
    print(f"\n{name}: {choice['family']} with {choice['spend']}; the stack is {weights}\n  {choice['reason']}")
    for row in found["metrics"]:
        if row["metric"] in (*NOT_TO_LOSE, "total_error", "decile_mape"):
            print(f"  {row['quantity']:9} {row['metric']:18} {row['value']:10.4g}")
    for row in found["lost"]:
        print(f"  LOST {row['quantity']} {row['metric']} to {row['formula']}: {row['difference']:.4g}", end=" ")
        print(f"(p {row['p_value']:.2g}, Holm {row['p_holm']:.2g})")
    for row in found["to_beat"]:
        said = "beaten" if row["beaten"] else "NOT BEATEN"
        print(f"  {said}: {row['quantity']} {row['metric']} of {row['formula']}: {row['difference']:.4g}", end=" ")
        print(f"(p {row['p_value']:.2g}, Holm {row['p_of_these']:.2g}, with everything else {row['p_holm']:.2g})")
    print(f"  {len(found['lost_of_what_must_not_be'])} losses on {', '.join(NOT_TO_LOSE)}; CPU {found['cpu_seconds']}")


def main(names: list[str]) -> None:
    """Run the logs that are named, all by default, and keep the others' earlier results."""
    warnings.simplefilter("ignore", DiagnosticWarning)
    results = json.loads(RESULT.read_text())["logs"] if RESULT.exists() else {}
    for name in names or LOGS:
        results[name] = plain(study(name))
        tell(name, results[name])
        about = {
            "resamples": RESAMPLES,
            "seed": SEED,
            "adjusted": "Holm, over all metrics and rivals of a log and quantity",
            "clvmodels": version("clvmodels"),
            "python": platform.python_version(),
            "logs": results,
        }
        RESULT.write_text(json.dumps(about, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
