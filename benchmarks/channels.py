"""Simulate 200 logs whose channels' values are known, and count how often the intervals of the table hold them.

Five channels of 15 to 500 customers have levels of rate, dropout and spend drawn at random. A sixth is lucky by
construction: the best 15 customers out of ten times as many of a middling channel, chosen by what they have spent. The
result is channels.json (`make channels`, a quarter of an hour on two cores); tests do a few such logs.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import warnings
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

import clvmodels as clv
from clvmodels import lifetime
from clvmodels.calendar import Unit
from clvmodels.channels import compare_channels
from clvmodels.errors import DiagnosticWarning
from clvmodels.models import BGNBD, GammaGamma

LOGS = 200
RESULT = Path(__file__).with_name("channels.json")
BASE, SPEND = BGNBD(0.5, 6.0, 0.6, 2.5), GammaGamma(6.25, 3.74, 15.44)
SIZES = {"search": 500, "social": 300, "email": 200, "partner": 60, "tiny": 15, "lucky": 15}
SPREAD = (0.25, 0.25, 0.15)
"""Standard deviations of the log levels of purchase rate, dropout and spend."""
BATCHES = 10
"""The lucky channel is the best of so many."""

Levels = tuple[float, float, float]


def channel(name: str, levels: Levels, *, size: int, seed: int) -> tuple[pd.DataFrame, float]:
    """Customers of a channel with its own rate, dropout and spend; and what the next one is worth in a year."""
    model, money = lifetime.changed(BASE, rate=levels[0], dropout=levels[1]), SPEND.rescale(levels[2])
    log = clv.simulate(
        model, spend=money, customers=size, start="2023-01-01", end="2024-06-30", acquisition_end="2023-12-31",
        seed=seed,
    )  # fmt: skip
    later = model.discounted_purchases(365.25 / 7, 0, 0, 0, delta=Unit.WEEK.delta(0.10))
    worth = float(money.expected_spend(0.0, 0.0)) * (1 + float(later))
    return log.assign(customer_id=name + log["customer_id"].astype(str), channel=name), worth


def log_of(seed: int) -> tuple[pd.DataFrame, Mapping[str, float]]:
    """A log of all channels, and what the next customer of each is worth."""
    rng = np.random.default_rng(seed)
    parts, truth = [], {}
    for place, (name, size) in enumerate(SIZES.items()):
        lucky = name == "lucky"
        levels = (1.0, 1.0, 1.0) if lucky else tuple(np.exp(rng.normal(0, SPREAD)).tolist())
        rows, truth[name] = channel(name, levels, size=size * (BATCHES if lucky else 1), seed=100 * seed + place)
        if lucky:
            batch = rows["customer_id"].str.removeprefix(name).astype(int) % BATCHES
            rows = rows[batch == rows.groupby(batch)["value"].sum().idxmax()]
        parts.append(rows)
    return pd.concat(parts), truth


def replication(seed: int) -> list[dict[str, Any]]:
    """One log: a row per channel with the truth, the interval, and who leads by what."""
    warnings.simplefilter("ignore", DiagnosticWarning)
    log, truth = log_of(seed)
    summary = clv.summarize(log, segment="channel", until="2024-06-30")
    fits = [clv.fit(family, summary, method="mle") for family in ("bgnbd", "gamma_gamma")]
    table = compare_channels(clv.predict(fits[0], summary, spend=fits[1]), "channel", seed=seed).table
    rows = table.assign(
        truth=table["channel"].map(truth),
        leads=np.arange(len(table)) == 0,
        leads_by_mean=table["ltv"] == table["ltv"].max(),
        leads_alone=table["ltv_alone"] == table["ltv_alone"].max(),
        leads_by_average=table["lifetime_per_customer"] == table["lifetime_per_customer"].max(),
    )
    kept = ["channel", "truth", "highest_cost", "ltv", "ltv_lower", "ltv_upper", "ltv_alone", "p_best"]
    return rows[[*kept, *(name for name in rows if name.startswith("leads"))]].to_dict("records")


def told(rows: pd.DataFrame) -> dict[str, Any]:
    """What the replications say, for the file."""
    rows = rows.assign(
        inside=(rows["ltv_lower"] <= rows["truth"]) & (rows["truth"] <= rows["ltv_upper"]),
        pooled=np.log(rows["ltv"] / rows["truth"]) ** 2,
        alone=np.log(rows["ltv_alone"] / rows["truth"]) ** 2,
    )
    by = rows.groupby("channel", observed=True)
    drawn = rows[rows["channel"] != "lucky"]
    # channels of one log share a fit: the standard error goes by logs
    error = float(drawn.groupby("log")["inside"].mean().sem())
    lucky = rows[rows["channel"] == "lucky"]
    share = [float(stats.binom.ppf(p, lucky.shape[0], 0.9)) / lucky.shape[0] for p in (0.005, 0.995)]
    return {
        "coverage_90": {name: round(float(by["inside"].mean()[name]), 3) for name in SIZES},
        "coverage_90_drawn_channels": round(float(drawn["inside"].mean()), 4),
        "standard_error": round(error, 4),
        "nominal_range_of_one_channel": share,
        "log_rmse_pooled": {name: round(float(np.sqrt(by["pooled"].mean()[name])), 3) for name in SIZES},
        "log_rmse_alone": {name: round(float(np.sqrt(by["alone"].mean()[name])), 3) for name in SIZES},
        "lucky_leads": {
            "by_average_of_its_customers": round(float(lucky["leads_by_average"].mean()), 3),
            "by_its_own_fit": round(float(lucky["leads_alone"].mean()), 3),
            "by_pooled_mean": round(float(lucky["leads_by_mean"].mean()), 3),
            "in_the_table": round(float(lucky["leads"].mean()), 3),
            "p_best_mean": round(float(lucky["p_best"].mean()), 3),
        },
    }


def main() -> None:
    """Run the replications (a number on the command line: fewer of them), and write what they say."""
    logs = int(sys.argv[1]) if len(sys.argv) > 1 else LOGS
    parts = []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for seed, rows in enumerate(pool.map(replication, range(logs))):
            parts.append(pd.DataFrame(rows).assign(log=seed))
            if sys.stderr.isatty():
                print(f"\r{seed + 1} of {logs} logs", end="", file=sys.stderr)
    found = told(pd.concat(parts, ignore_index=True))
    print(json.dumps(found, indent=1))
    content = {
        "what": "share of simulated logs whose 90 % interval of a channel's next customer contains the truth; and how "
        "often a small channel that is lucky by construction leads",
        "command": "make channels",
        "logs": logs,
        "customers": SIZES,
        "versions": {"python": platform.python_version()}
        | {package: version(package) for package in ("clvmodels", "numpy", "scipy")},
        **found,
    }
    if logs == LOGS:
        RESULT.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
