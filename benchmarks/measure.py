"""One measurement in a process of its own, as one line of JSON; peers.py starts it, in our environment or another.

    python measure.py TASK ENGINE key=value …

Seconds are of the work alone, after imports; memory is the process's peak, imports included.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from pathlib import Path
from typing import Any

warnings.simplefilter("ignore")

UNTIL, CUT, END = "2023-12-31", "2022-12-31", "2023-12-31"
HORIZON = 365.25 / 7
READINGS = ("summary", "split", "both")


def timed(work: Any) -> tuple[Any, dict[str, float]]:
    """What it gives, and what it took."""
    start, used = time.perf_counter(), time.process_time()
    result = work()
    return result, {"seconds": time.perf_counter() - start, "cpu": time.process_time() - used}


def reading(task: str, read: Any, summarised: Any, divided: Any) -> dict[str, Any]:
    """A log read and summarised, read and divided, or read once for both: what it took, rows and totals."""

    def work() -> list[tuple[int, float]]:
        log = read()
        return [
            found(log) for found in {"summary": (summarised,), "split": (divided,)}.get(task, (summarised, divided))
        ]

    found, took = timed(work)
    return {**took, "rows": [rows for rows, _ in found], "total": [total for _, total in found]}


# ------------------------------------------------------------------------------------------------------- the floor


def floor(task: str, file: str) -> dict[str, Any]:
    """DuckDB alone: reading the columns, and grouping by customer and day."""
    import duckdb

    query = {
        "scan": f"select count(*), count(distinct customer_id % 7), sum(value), min(date) from '{file}'",
        "group": f"select count(*), sum(v) from (select sum(value) v from '{file}' group by customer_id, date::date)",
    }[task]
    rows, took = timed(lambda: duckdb.sql(query).fetchall())
    return {**took, "rows": rows[0][0]}


# ------------------------------------------------------------------------------------------------------------- ours


def ours(task: str, file: str, **more: str) -> dict[str, Any]:
    """clvmodels."""
    # Imported before the clock starts, as the peers' libraries are.
    import arviz_stats  # noqa: F401
    import ibis.backends.duckdb  # noqa: F401

    import clvmodels as clv
    from clvmodels import prediction, scoring, summary  # noqa: F401
    from clvmodels.fitting import bayes  # noqa: F401

    if task in READINGS:

        def summarised(log: Any) -> tuple[int, float]:
            known = clv.summarize(log, until=UNTIL).frame
            return len(known), float(known["frequency"].sum())

        def divided(log: Any) -> tuple[int, float]:
            parts = clv.split(log, calibration_end=CUT, holdout_end=END)
            return len(parts.calibration.frame), float(parts.holdout.frame["purchases"].sum())

        return reading(task, lambda: clv.read_transactions(file), summarised, divided)
    customers = clv.summarize(file)
    if task in ("bgnbd", "pareto_nbd", "posterior"):
        family, method = ("bgnbd", "posterior") if task == "posterior" else (task, "mle")
        found, took = timed(lambda: (customers.patterns, clv.fit(family, customers, method=method))[1])
        more_of = {name: found.diagnostics[name] for name in ("ess", "k_hat") if task == "posterior"}
        return {
            **took, "log_likelihood": found.log_likelihood, "parameters": found.parameters,
            "patterns": len(customers.patterns.n), **more_of,
        }  # fmt: skip
    fits = [clv.fit(name, customers, method="mle" if task == "score" else "posterior") for name in FAMILIES]
    known = customers.frame
    if task == "score":
        scores = clv.score((fits[0], fits[1]), customers)
        found, took = timed(lambda: scores.frame)
    else:
        table = lambda: clv.predict(fits[0], customers, spend=fits[1], horizon="12 months").frame  # noqa: E731
        found, took = timed(table)
    return {**took, "rows": len(known), "total": float(found["expected_purchases"].sum())}


FAMILIES = ("bgnbd", "gamma_gamma")


# -------------------------------------------------------------------------------------------------------- lifetimes


def lifetimes(task: str, file: str, *, rfm: str = "", **more: str) -> dict[str, Any]:
    """lifetimes 0.11.3."""
    import numpy as np
    import pandas as pd
    from lifetimes import BetaGeoFitter, ParetoNBDFitter
    from lifetimes.utils import calibration_and_holdout_data, summary_data_from_transaction_data

    names = {"monetary_value_col": "value", "freq": "D"}
    if task in READINGS:

        def summarised(log: Any) -> tuple[int, float]:
            found = summary_data_from_transaction_data(
                log, "customer_id", "date", observation_period_end=UNTIL, freq_multiplier=7, **names
            )
            return len(found), float(found["frequency"].sum())

        def divided(log: Any) -> tuple[int, float]:
            found = calibration_and_holdout_data(
                log, "customer_id", "date", CUT, observation_period_end=END, freq_multiplier=7, **names
            )
            return len(found), float(found["frequency_holdout"].sum())

        return reading(task, lambda: pd.read_parquet(file), summarised, divided)
    known = pd.read_parquet(rfm)
    x, t_x, T = known["frequency"], known["recency"], known["T"]
    fitter = (ParetoNBDFitter if task == "pareto_nbd" else BetaGeoFitter)()
    if task == "score":
        fitter.params_ = pd.Series(json.loads(more["parameters"]))
        found, took = timed(lambda: fitter.conditional_expected_number_of_purchases_up_to_time(HORIZON, x, t_x, T))
        return {**took, "rows": len(known), "total": float(np.nansum(found))}
    _, took = timed(lambda: fitter.fit(x, t_x, T))
    return {**took, "parameters": {name: float(value) for name, value in fitter.params_.items()}}


# --------------------------------------------------------------------------------------------------- pymc-marketing


def pymc_marketing(task: str, file: str, *, rfm: str = "", draws: str = "500", **more: str) -> dict[str, Any]:
    """pymc-marketing, in an environment of its own."""
    import numpy as np
    import pandas as pd
    from pymc_marketing.clv import BetaGeoModel, GammaGammaModel
    from pymc_marketing.clv.utils import rfm_summary, rfm_train_test_split

    where = {"customer_id_col": "customer_id", "datetime_col": "date", "monetary_value_col": "value"}
    if task in READINGS:

        def summarised(log: Any) -> tuple[int, float]:
            found = rfm_summary(log, **where, observation_period_end=UNTIL, time_unit="D", time_scaler=7)
            return len(found), float(found["frequency"].sum())

        def divided(log: Any) -> tuple[int, float]:
            found = rfm_train_test_split(
                log, **where, train_period_end=CUT, test_period_end=END, time_unit="D", time_scaler=7
            )
            return len(found), float(found["test_frequency"].sum())

        return reading(task, lambda: pd.read_parquet(file), summarised, divided)
    table = pd.read_parquet(rfm)
    columns = ["customer_id", "frequency", "recency", "T"]
    options = {"nuts_sampler": "nutpie", "random_seed": 1, "progressbar": False}
    if task == "posterior":
        import arviz as az

        model = BetaGeoModel()
        result, took = timed(lambda: model.fit(table[columns], **options))
        least = float(az.summary(result, round_to=6)["ess_bulk"].min())
        return {**took, "ess": least}
    few = table.iloc[: min(len(table), 2000)].reset_index(drop=True)
    purchases = BetaGeoModel()
    purchases.fit(few[columns], draws=int(draws) // 4, **options)
    spend, back = GammaGammaModel(), few[few["frequency"] > 0].reset_index(drop=True)
    spend.fit(back[["customer_id", "frequency", "monetary_value"]], draws=int(draws) // 4, **options)
    table["monetary_value"] = np.where(table["frequency"] > 0, table["monetary_value"], 0.0)
    data = table[[*columns, "monetary_value"]]

    def clv_table() -> Any:
        drawn = spend.expected_customer_lifetime_value(
            transaction_model=purchases, data=data, future_t=12, discount_rate=0.008, time_unit="W"
        )
        return drawn.quantile([0.05, 0.5, 0.95], dim=("chain", "draw"))

    found, took = timed(clv_table)
    return {**took, "rows": int(found.sizes["customer_id"]), "draws": int(draws)}


def peak() -> float:
    """Peak memory in MB; getrusage would begin with the parent's, as fork copies it."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure, and print one line of JSON."""
    task, engine, *words = sys.argv[1:]
    options = dict(word.split("=", 1) for word in words)
    work = {"floor": floor, "clvmodels": ours, "lifetimes": lifetimes, "pymc-marketing": pymc_marketing}[engine]
    found = work(task, **options)
    found["peak_mb"] = peak()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
