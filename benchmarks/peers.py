"""Ours beside lifetimes and pymc-marketing at 10⁴, 10⁵, 10⁶ customers, in one run on one machine (`make bench`).

    python benchmarks/peers.py [--beside PYTHON] [--sizes 10000 100000 1000000] [--folder DIR]

The logs are simulated once, to Parquet: three years of daily purchases (ten a customer), and a cohort watched for 39
weeks. PYTHON is the interpreter of an environment of its own that has pymc-marketing. Every measurement is a process
of its own; short ones are taken three times, the median counts. Results: peers.json and peers.md.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from clvmodels.workers import ALONE

HERE = Path(__file__).parent
SHORT, TIMES = 20.0, 3
PATIENCE = 1800
"""Seconds after which a measurement counts as a failure."""
SIZES = (10_000, 100_000, 1_000_000)
MOST = {
    ("pareto_nbd", "lifetimes"): 100_000,
    ("posterior", "pymc-marketing"): 100_000,
    ("clv", "pymc-marketing"): 100_000,
    ("summary", "pymc-marketing"): 1_000_000,
}
"""Beyond these sizes a peer takes hours or more memory than there is; `--patient` asks it all the same."""
TITLES = {
    "scan": "DuckDB: scan of the file",
    "group": "DuckDB: GROUP BY customer, day",
    "summary": "log → (x, t_x, T, m)",
    "split": "log → calibration and holdout",
    "both": "the two from one reading",
    "bgnbd": "BG/NBD, maximum likelihood, three years",
    "cohort": "BG/NBD, maximum likelihood, 39 weeks",
    "pareto_nbd": "Pareto/NBD, maximum likelihood",
    "posterior": "BG/NBD, posterior",
    "score": "score: theirs one column, ours seven",
    "clv": "CLV table with intervals",
}
PLAN: list[tuple[str, tuple[str, ...]]] = [
    ("scan", ("floor",)),
    ("group", ("floor",)),
    ("summary", ("clvmodels", "lifetimes", "pymc-marketing")),
    ("split", ("clvmodels", "lifetimes", "pymc-marketing")),
    ("both", ("clvmodels", "lifetimes", "pymc-marketing")),
    ("bgnbd", ("clvmodels", "lifetimes")),
    ("cohort", ("clvmodels", "lifetimes")),
    ("pareto_nbd", ("clvmodels", "lifetimes")),
    ("posterior", ("clvmodels", "pymc-marketing")),
    ("score", ("clvmodels", "lifetimes")),
    ("clv", ("clvmodels", "pymc-marketing")),
]


def prepare(folder: Path, customers: int) -> dict[str, str]:
    """The logs of one size and their summaries, made once."""
    import clvmodels as clv
    from clvmodels.files import write_parts
    from clvmodels.models import BGNBD, GammaGamma
    from clvmodels.simulation import simulated_parts

    files = {}
    stories = {
        "years": (BGNBD(0.6, 3.0, 0.4, 6.0), "2021-01-01", "2023-12-31", None),
        "cohort": (BGNBD(0.243, 4.414, 0.793, 2.426), "2023-01-01", "2023-09-30", "2023-03-25"),
    }
    for name, (model, start, end, newest) in stories.items():
        log = folder / f"{name}-{customers}.parquet"
        if not log.exists():
            parts = simulated_parts(
                model, spend=GammaGamma(6.25, 3.74, 15.44), customers=customers, start=start, end=end,
                acquisition_end=newest, seed=1,
            )  # fmt: skip
            write_parts(parts, log)
        rfm = folder / f"{name}-{customers}-rfm.parquet"
        if not rfm.exists():
            columns = ["customer_id", "frequency", "recency", "T", "monetary_value"]
            clv.summarize(log).frame[columns].to_parquet(rfm, index=False)
        files |= {name: str(log), f"{name}-rfm": str(rfm)}
    return files


def measure(task: str, engine: str, files: dict[str, str], python: str, extra: dict[str, str]) -> dict[str, Any]:
    """The median of some processes, or why there is none."""
    kind = "cohort" if task == "cohort" else "years"
    words = [f"file={files[kind]}", *(f"{name}={value}" for name, value in extra.items())]
    if engine in ("lifetimes", "pymc-marketing"):
        words.append(f"rfm={files[kind + '-rfm']}")
    command = [python, str(HERE / "measure.py"), "bgnbd" if task == "cohort" else task, engine, *words]
    runs: list[dict[str, Any]] = []
    for _ in range(TIMES):
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=PATIENCE, env=os.environ | ALONE
            )
        except subprocess.TimeoutExpired:
            return {"failed": f"not done after {PATIENCE:,} s"}
        if done.returncode:
            said = done.stderr.strip().splitlines()
            return {"failed": said[-1][:200] if said else f"ended with status {done.returncode}"}
        runs.append(json.loads(done.stdout.splitlines()[-1]))
        if runs[0]["seconds"] > SHORT:
            break
    best = dict(runs[-1])
    for name in ("seconds", "cpu", "peak_mb"):
        best[name] = median(run[name] for run in runs)
    return {**best, "runs": len(runs)}


def likelihood_of(parameters: dict[str, float], task: str, files: dict[str, str]) -> float:
    """Our log-likelihood at a peer's estimate: by how much is it worse?"""
    import clvmodels as clv
    from clvmodels.models import BGNBD, ParetoNBD

    patterns = clv.summarize(files["cohort" if task == "cohort" else "years"]).patterns
    model = ParetoNBD(*parameters.values()) if task == "pareto_nbd" else BGNBD(*parameters.values())
    return float(patterns.n @ model.log_likelihood(patterns.x, patterns.t_x, patterns.T))


def slope(points: list[tuple[int, float]]) -> float | None:
    """Of log seconds by log customers, over the last factor of ten or more."""
    if len(points) < 2:
        return None
    (small, before), (large, after) = points[-2:]
    return math.log(after / before) / math.log(large / small)


def markdown(content: dict[str, Any]) -> str:
    """The table that README quotes."""
    machine, rows = content["machine"], content["rows"]
    lines = [
        f"Seconds (peak memory in GB), {machine['cores']} cores, Python {machine['python']}, "
        + ", ".join(f"{name} {number}" for name, number in content["versions"].items())
        + f"; load {content['load_average']:.1f} when it began.",
        "",
        "| | customers | DuckDB | clvmodels | lifetimes | pymc-marketing | ours / the best other |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]

    def cell(found: dict[str, Any] | None) -> str:
        if found is None:
            return ""
        if "failed" in found:
            return "failed"
        return f"{found['seconds']:.3g} ({found['peak_mb'] / 1024:.2g})"

    for row in rows:
        results = row["results"]
        own = results.get("clvmodels", {}).get("seconds")
        others = [
            one["seconds"] for name, one in results.items() if name not in ("clvmodels", "floor") and "seconds" in one
        ]
        ratio = f"{min(others) / own:.0f} × faster" if own and others and min(others) > 1.5 * own else ""
        if own and others and not ratio:
            ratio = f"{min(others) / own:.1f} ×"
        cells = [cell(results.get(name)) for name in ("floor", "clvmodels", "lifetimes", "pymc-marketing")]
        lines.append(f"| {TITLES[row['task']]} | {row['customers']:,} | {' | '.join(cells)} | {ratio} |")
    lines += ["", "Growth (slope of log seconds by log customers over the last step): "]
    lines[-1] += ", ".join(f"{TITLES[task]} {value:.2f}" for task, value in content["slopes"].items()) + "."
    failures = [
        f"- {TITLES[row['task']]}, {row['customers']:,}, {name}: {one['failed']}"
        for row in rows
        for name, one in row["results"].items()
        if "failed" in one
    ]
    return "\n".join([*lines, "", *failures]).rstrip() + "\n"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beside", metavar="PYTHON")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--tasks", nargs="+", choices=list(TITLES), default=list(TITLES))
    parser.add_argument("--folder", type=Path, help="where the logs are kept for another time")
    parser.add_argument("--patient", action="store_true", help="ask the peers for what takes them hours, too")
    parser.add_argument("--out", type=Path, default=HERE / "peers.json")
    asked = parser.parse_args()
    content: dict[str, Any] = {
        "what": "wall-clock and processor seconds of the work alone, peak memory of the process; medians",
        "machine": {"processor": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()},
        "load_average": os.getloadavg()[0],
        "date": dt.date.today().isoformat(),
        "versions": {name: version(name) for name in ("clvmodels", "duckdb", "lifetimes", "numpy", "scipy")},
        "rows": [],
        "slopes": {},
    }
    if asked.beside:
        say = "from importlib.metadata import version; print(version('pymc-marketing'))"
        found = subprocess.run([asked.beside, "-c", say], capture_output=True, text=True, check=True)
        content["versions"]["pymc-marketing"] = found.stdout.strip()
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for customers in asked.sizes:
            files = prepare(folder, customers)
            for task, engines in PLAN:
                if task not in asked.tasks:
                    continue
                results: dict[str, Any] = {}
                for engine in engines:
                    beyond = customers > MOST.get((task, engine), customers) and not asked.patient
                    if beyond or (engine == "pymc-marketing" and not asked.beside):
                        continue
                    extra = {}
                    if (task, engine) == ("score", "lifetimes"):
                        extra["parameters"] = json.dumps({"r": 0.6, "alpha": 3.0, "a": 0.4, "b": 6.0})
                    python = asked.beside if engine == "pymc-marketing" else sys.executable
                    results[engine] = measure(task, engine, files, python, extra)
                    if engine == "lifetimes" and "parameters" in results[engine]:
                        at = likelihood_of(results[engine]["parameters"], task, files)
                        results[engine]["log_likelihood"] = at
                content["rows"].append({"task": task, "customers": customers, "results": results})
                print(json.dumps(content["rows"][-1]), flush=True)
                for name in [task] if "clvmodels" in results else []:
                    points = [
                        (row["customers"], row["results"]["clvmodels"]["seconds"])
                        for row in content["rows"]
                        if row["task"] == name and "seconds" in row["results"].get("clvmodels", {})
                    ]
                    if (grown := slope(points)) is not None:
                        content["slopes"][name] = grown
                asked.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
                asked.out.with_suffix(".md").write_text(markdown(content), encoding="utf-8")


if __name__ == "__main__":
    main()
