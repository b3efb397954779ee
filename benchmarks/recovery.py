"""Simulate 200 logs from every family, fit each, and count how often the truth is inside its 90 % interval.

The result is recovery.json (`python benchmarks/recovery.py [FAMILY …]`, some minutes a family); tests do a few logs.
"""

from __future__ import annotations

import datetime as dt
import json
import platform
import sys
import time
import warnings
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from clvmodels.calendar import Unit
from clvmodels.errors import DiagnosticWarning
from clvmodels.fitting import fit
from clvmodels.models import (
    BGBB,
    BGCNBD,
    BGNBD,
    MBGCNBD,
    MBGNBD,
    NBD,
    GammaGamma,
    GammaGammaFirst,
    GammaGammaFrequency,
    LogNormalSpend,
    ParetoNBD,
    PurchaseFamily,
    SpendFamily,
)
from clvmodels.summary.customers import Gaps

LOGS, CUSTOMERS = 200, 1000
RESULT = Path(__file__).with_name("recovery.json")
DAY = dt.date(2024, 12, 31)
FACTS = {"unit": Unit.WEEK, "start": DAY, "until": DAY, "currency": "USD", "sha256": ""}
TRUTHS: tuple[PurchaseFamily | SpendFamily, ...] = (
    BGNBD(0.8, 6, 0.9, 2.5),
    MBGNBD(0.8, 6, 0.9, 2.2),
    ParetoNBD(0.8, 6, 0.9, 15),
    NBD(0.8, 6),
    BGCNBD(1.2, 2.5, 0.9, 2.5, 3),
    MBGCNBD(1.2, 3.5, 0.9, 2.2, 2),
    BGBB(1.2, 0.75, 0.9, 2.8),
    GammaGamma(6.0, 3.7, 15.0),
    GammaGammaFirst(5.0, 4.0, 20.0),
    GammaGammaFrequency(3.7, 4.6, 29.0, 1.1),
    LogNormalSpend(0.565, 0.441, 25.0),
)


def observed(truth: PurchaseFamily, customers: int, seed: int) -> Any:
    """What `fit` asks of a summary: patterns in continuous time (or of opportunities), and the gaps between them."""
    rng = np.random.default_rng(seed)
    T = rng.integers(5, 13, customers) * 1.0 if truth.discrete else rng.uniform(20, 52, customers)
    who, when = truth.sample_times(T, seed=seed)
    x, t_x = np.bincount(who, minlength=customers), np.zeros(customers)
    np.maximum.at(t_x, who, when)
    gaps = np.diff(when, prepend=0.0)
    first = np.diff(who, prepend=-1) != 0
    gaps[first] = when[first]
    (x, t_x, T), n = np.unique(np.stack([x, t_x, T]), axis=1, return_counts=True)
    return SimpleNamespace(
        patterns=SimpleNamespace(x=x * 1.0, t_x=t_x, T=T, n=n),
        gaps=Gaps(np.sort(gaps), np.ones(gaps.size, int)),
        **FACTS,
    )


def spent(truth: SpendFamily, customers: int, seed: int) -> Any:
    """The same of a spend family: what its customers, more than half of them with a single purchase, spent."""
    n = np.random.default_rng(seed).geometric(0.55, customers)
    who = np.repeat(np.arange(customers), n)
    values = truth.sample_values(n, who, seed=seed + 10**6)
    logs, first = np.log(values), np.diff(who, prepend=-1) != 0
    mean = np.bincount(who, logs) / n
    again = np.bincount(who[~first], values[~first], minlength=customers)
    frame = pd.DataFrame(
        {
            "customer_id": range(customers),
            "frequency": n - 1,
            "monetary_value": np.where(n > 1, again / np.maximum(n - 1, 1), np.nan),
            "value_past": np.bincount(who, values),
            "n_valued": n,
            "log_value_mean": mean,
            "log_value_ss": np.bincount(who, (logs - mean[who]) ** 2),
        }
    )
    return SimpleNamespace(frame=frame, has_value=True, invented=(), **FACTS)


def study(truth: PurchaseFamily | SpendFamily) -> dict[str, Any]:
    start, converged = time.process_time(), 0
    inside: Counter[str] = Counter()
    known: Counter[str] = Counter()
    chosen: Counter[str] = Counter()
    bias: dict[str, list[float]] = {name: [] for name in truth.parameters}
    for seed in range(LOGS):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DiagnosticWarning)
            log = observed if isinstance(truth, PurchaseFamily) else spent
            one = fit(type(truth), log(truth, CUSTOMERS, seed))  # type: ignore[operator]
        converged += one.converged
        chosen.update([json.dumps(one.model.constants)])
        table: Any = one.table().set_index("parameter")
        for name, value in truth.parameters.items():
            lower, upper = table.loc[name, "lower"], table.loc[name, "upper"]
            if np.isfinite(lower):
                known[name] += 1
                inside[name] += bool(lower <= value <= upper)
                bias[name].append(float(np.log(one.parameters[name] / value)))
        if sys.stderr.isatty():
            print(f"\r{truth.title}: {seed + 1} of {LOGS}", end="", file=sys.stderr)
    return {
        "truth": truth.parameters | truth.constants,
        "logs": LOGS,
        "customers": CUSTOMERS,
        "converged": converged,
        "coverage_90": {name: round(inside[name] / max(known[name], 1), 3) for name in truth.parameters},
        "identified": dict(known),
        "median_log_error": {name: round(float(np.median(errors)), 4) for name, errors in bias.items()},
        "constants_chosen": dict(chosen) if truth.constants else None,
        "cpu_seconds": round(time.process_time() - start, 1),
    }


def main() -> None:
    """Run what the arguments name (all without any), and keep the rest of an earlier result."""
    asked = sys.argv[1:] or [truth.name for truth in TRUTHS]
    families = json.loads(RESULT.read_text(encoding="utf-8"))["families"] if RESULT.exists() else {}
    for truth in TRUTHS:
        if truth.name not in asked:
            continue
        families[truth.name] = study(truth)
        low, high = (float(stats.binom.ppf(p, LOGS, 0.9)) / LOGS for p in (0.005, 0.995))
        print(truth.title, families[truth.name]["coverage_90"], f"99 % of counts: {low:.3f} to {high:.3f}", flush=True)
        content = {
            "what": "share of simulated logs whose 90 % confidence interval contains the truth, by parameter",
            "command": "python benchmarks/recovery.py",
            "nominal_range": [low, high],
            "versions": {"python": platform.python_version()}
            | {package: version(package) for package in ("clvmodels", "numpy", "scipy")},
            "families": {one.name: families[one.name] for one in TRUTHS if one.name in families},
        }
        RESULT.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
