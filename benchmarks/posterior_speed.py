"""Time our posteriors at three sizes and, given a Python that has it, pymc-marketing beside them (`make bench`).

    python benchmarks/posterior_speed.py [--beside PYTHON] [--large] [--pareto]

PYTHON is the interpreter of an environment of its own: ``pip install pymc-marketing==0.19.2 nutpie``. ``--large`` gives
it 100,000 customers too (minutes). Both sides get the same table of frequency, recency, T and mean spend, are imported
and warmed up before the clock starts, and take turns. The result is posterior_speed.json.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import subprocess
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

import clvmodels as clv
from clvmodels.fitting import fit
from clvmodels.models import BGNBD, GammaGamma
from clvmodels.summary import Summary

HERE = Path(__file__).parent
RESULT = HERE / "posterior_speed.json"
REPEATS = 7
UNTIL = dt.date(1997, 9, 30)
PURCHASES, SPEND = BGNBD(0.243, 4.414 * 7, 0.793, 2.426), GammaGamma(6.25, 3.74, 15.44)  # CDNOW, days and dollars
DAYS, ACQUISITION = 273, 84
TARGETS = {"CDNOW sample": 1.0, "100,000 customers": 3.0, "1,000,000 customers": 10.0}
PARETO = {"CDNOW sample": ("cdnow-sample", 5.0), "CDNOW": ("cdnow", 5.0)}
"""Data of Pareto/NBD's posterior: the source, and the seconds aimed at."""


def cdnow(source: str = "cdnow-sample") -> pd.DataFrame:
    """The published calibration period: 2,357 customers of the sample, 23,570 in all."""
    calibration = clv.split(source, calibration_end=UNTIL, holdout_end="1998-06-30").calibration
    return calibration.frame[["customer_id", "frequency", "recency", "T", "monetary_value"]]


def simulated(customers: int) -> pd.DataFrame:
    """CDNOW's customers multiplied: as many days of acquisition, the same parameters, whole days."""
    rng = np.random.default_rng(1)
    T = DAYS - rng.integers(0, ACQUISITION + 1, customers)
    who, when = PURCHASES.sample_times(T, seed=rng)
    day = np.ceil(when)
    first = np.ones(who.size, bool)
    first[1:] = (who[1:] != who[:-1]) | (day[1:] != day[:-1])
    who, day = who[first], day[first]
    x, t_x = np.bincount(who, minlength=customers), np.zeros(customers)
    np.maximum.at(t_x, who, day)
    mean = SPEND.sample(np.maximum(x, 1), 0, 0, seed=rng) / np.maximum(x, 1)
    return pd.DataFrame(
        {
            "customer_id": np.arange(customers),
            "frequency": x,
            "recency": t_x / 7,
            "T": T / 7,
            "monetary_value": np.where(x > 0, mean, np.nan),
        }
    )


def ours(table: pd.DataFrame, family: str) -> dict[str, Any]:
    """Median seconds of a fit by method="posterior", from patterns to certificate."""
    seconds, used = [], []
    for _ in range(REPEATS + 1):
        summary = Summary.from_frame(table, until=UNTIL, unit="week")  # fresh: its patterns are counted on the clock
        start, begun = time.perf_counter(), time.process_time()
        one = fit(family, summary, method="posterior")
        seconds.append(time.perf_counter() - start)
        used.append(time.process_time() - begun)
    found = {name: one.diagnostics[name] for name in ("n_patterns", "draws", "ess", "k_hat")}
    return {
        "seconds": median(seconds[1:]),
        "slowest": max(seconds[1:]),
        "processor_seconds": median(used[1:]),
        **found,
    }


def theirs(python: str, table: pd.DataFrame, family: str, sampler: str) -> dict[str, Any]:
    """Seconds of pymc-marketing's fit with its defaults, in its own environment."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        table.to_csv(path, index=False)
        command = [python, str(HERE / "pymc_marketing_fit.py"), str(path), family, sampler]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beside", metavar="PYTHON")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--pareto", action="store_true", help="measure Pareto/NBD alone, and keep the other rows")
    asked = parser.parse_args()
    if asked.pareto:
        content = json.loads(RESULT.read_text(encoding="utf-8"))
        content["rows"] = [row for row in content["rows"] if row["family"] != "pareto_nbd"] + pareto()
        RESULT.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        return
    rows = []
    for name, target in TARGETS.items():
        table = cdnow() if name == "CDNOW sample" else simulated(int(name.split()[0].replace(",", "")))
        for family in ("bgnbd", "gamma_gamma"):
            row = {"data": name, "family": family, "target": target, "ours": ours(table, family)}
            compared = asked.beside and (name == "CDNOW sample" or (asked.large and name == "100,000 customers"))
            if compared:
                samplers = ("pymc", "nutpie") if name == "CDNOW sample" else ("nutpie",)
                row["pymc_marketing"] = {sampler: theirs(asked.beside, table, family, sampler) for sampler in samplers}
            rows.append(row)
            print(said(row), flush=True)
    rows += pareto()
    content = {
        "what": "wall-clock seconds of a posterior, after import; medians of ours, single runs of pymc-marketing",
        "machine": {"processor": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()},
        "load_average": os.getloadavg()[0],
        "versions": {package: version(package) for package in ("clvmodels", "numpy", "scipy")},
        "rows": rows,
    }
    RESULT.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def pareto() -> list[dict[str, Any]]:
    """Pareto/NBD's posterior on CDNOW, where pymc-marketing's NUTS takes minutes, with the load it was measured at."""
    rows = []
    for name, (source, target) in PARETO.items():
        row = {"data": name, "family": "pareto_nbd", "target": target, "ours": ours(cdnow(source), "pareto_nbd")}
        rows.append(row | {"load_average": os.getloadavg()[0]})
        print(said(rows[-1]), flush=True)
    return rows


def said(row: dict[str, Any]) -> str:
    mine = row["ours"]
    words = (
        f"{row['data']}, {row['family']}: {mine['seconds']:.2f} s (target {row['target']:g} s), "
        f"{mine['draws']:,} draws worth {mine['ess']:,.0f}, k̂ {mine['k_hat']:.2f}"
    )
    for sampler, other in row.get("pymc_marketing", {}).items():
        words += f"; pymc-marketing with {sampler} {other['seconds']:.1f} s, {other['seconds'] / mine['seconds']:.0f} ×"
    return words


if __name__ == "__main__":
    main()
