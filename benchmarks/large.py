"""How far does a report reach? Logs simulated straight to Parquet, and ``clvmodels report`` on each, end to end.

    python benchmarks/large.py                      100,000, 1 and 10 million customers, ten purchases each, three years
    python benchmarks/large.py --sizes 1000000      one size; --folder DIR keeps the logs for another time

Every size is a process of its own, whose peak memory the system tells when it ends. Results go to large.json: seconds
and memory of the simulation and of the report, the report's seconds and processor seconds step by step, and how cost
grows with rows (slope of the logarithms between neighbouring sizes). Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import clvmodels as clv
from clvmodels.workers import ALONE

HERE = Path(__file__).parent
SIZES = (100_000, 1_000_000, 10_000_000)
STORY = ["--start", "2021-01-01", "--end", "2023-12-31", "--r", "0.6", "--alpha", "3", "--a", "0.4", "--b", "6"]
"""The world of ``measure.py``: three years of daily data, ten purchases a customer."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), metavar="CUSTOMERS")
    parser.add_argument("--folder", type=Path, help="where the logs are kept; by default they are thrown away")
    parser.add_argument("--out", type=Path, default=HERE / "large.json")
    parser.add_argument("--report", nargs=2, type=Path, metavar=("LOG", "DIR"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.report:
        _report(*asked.report)
        return
    with tempfile.TemporaryDirectory() as made:
        folder = asked.folder or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        found = [_measured(size, folder, Path(made)) for size in sorted(asked.sizes)]
    result = {
        "version": clv.__version__,
        "machine": {
            "processors": os.cpu_count(), "python": platform.python_version(), "system": platform.platform(),
            "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
            "load_before": round(found[0]["load_before"], 2),
        },
        "sizes": found,
        "slopes": [
            {"from": one["customers"], "to": two["customers"]}
            | {f"{cost}_by_rows": _slope(one, two, cost) for cost in ("seconds", "processor_seconds")}
            for one, two in pairwise(found)
        ],
    }  # fmt: skip
    asked.out.write_text(json.dumps(result, indent=1) + "\n")


def _measured(size: int, folder: Path, scratch: Path) -> dict[str, Any]:
    """Simulate a log unless it is there, and report on it."""
    import pyarrow.parquet as pq

    log = folder / f"years-{size}.parquet"
    load, simulated = os.getloadavg()[0], None
    if not log.exists():
        words = ["-m", "clvmodels", "simulate", "--customers", str(size), *STORY, "--out", str(log)]
        simulated = _run(words)[0]
    cost, said = _run([__file__, "--report", str(log), str(scratch / f"report-{size}")])
    found = {
        "customers": size, "rows": pq.read_metadata(log).num_rows, "megabytes": round(log.stat().st_size / 2**20, 1),
        "load_before": load, "simulate": simulated, "report": cost, "steps": json.loads(said.splitlines()[-1]),
    }  # fmt: skip
    print(f"{size:>11,} customers: {cost['seconds']:.1f} s, {cost['peak_mb']:,.0f} MB", flush=True)
    return found


def _run(words: list[str]) -> tuple[dict[str, float], str]:
    """What a process costs, and what it prints."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True, env=os.environ | ALONE)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"{' '.join(words)} ended with {os.waitstatus_to_exitcode(status)}")
    cost = {
        "seconds": round(time.perf_counter() - start, 1),
        "processor_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_mb": round(used.ru_maxrss / 1024, 1),
    }
    return cost, said


def _report(log: Path, out: Path) -> None:
    """What ``clvmodels report LOG --out OUT`` does, with a clock at every step."""
    steps: list[tuple[str, float, float, float]] = []

    def mark(step: str) -> None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{time.process_time():8.1f} s {peak:8,.0f} MB  {step}", file=sys.stderr, flush=True)
        steps.append((step, time.perf_counter(), time.process_time(), peak))

    report = clv.build_report(log, progress=mark)
    mark("writing")
    clv.write_report(out, report)
    mark("end")
    rows = [
        {
            "step": one[0],
            "seconds": round(two[1] - one[1], 1),
            "processor_seconds": round(two[2] - one[2], 1),
            "peak_mb": round(two[3], 1),
        }
        for one, two in pairwise(steps)
    ]
    print(json.dumps(rows))


def _slope(one: dict[str, Any], two: dict[str, Any], cost: str) -> float:
    grown = math.log(two["report"][cost] / one["report"][cost])
    return round(grown / math.log(two["rows"] / one["rows"]), 3)


if __name__ == "__main__":
    main()
