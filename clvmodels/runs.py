"""A run as a folder: a summary, or the two halves of a split, as tables and JSON that the next step reads back."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from clvmodels.calendar import Horizon, Unit, as_date
from clvmodels.errors import InputError
from clvmodels.files import check_folder, whole_folder
from clvmodels.summary import Holdout, Summary, summarize
from clvmodels.transactions import LedgerRow

SCHEMA = 1
MARKER = "run.json"
PURCHASES, CALIBRATION, HOLDOUT, DAILY = (
    f"{stem}.parquet" for stem in ("purchases", "calibration", "holdout", "holdout_daily")
)
FIT = "fit.json"
OURS = {MARKER, PURCHASES, CALIBRATION, HOLDOUT, DAILY, FIT, "customers.csv", "customers.parquet"}
OURS |= {"evaluation.csv", "comparison.csv"}


@dataclass(frozen=True)
class Run:
    """What a run folder holds: customers to fit and score, and, after a split, what they did later."""

    calibration: Summary
    holdout: Holdout | None = None


def is_run(path: str | Path) -> bool:
    """Whether ``path`` is a folder written by :func:`write_run`."""
    return (Path(path) / MARKER).is_file()


def check_run(directory: str | Path) -> Path:
    """Say before any work whether ``directory`` can become a run folder: new, empty, or an earlier run."""
    return check_folder(directory, marker=MARKER, ours=OURS, what="run")


def write_run(target: Path, run: Run) -> None:
    """Write a run as a folder, whole or not at all; ``target`` comes from :func:`check_run`.

    ``purchases.parquet`` holds the kept purchase days, ``calibration.parquet`` one row per customer, and after a split
    ``holdout.parquet`` what each did later; ``run.json`` says where they come from, what was left out, and the unit.
    """
    with whole_folder(target) as folder:
        _write(folder, run)


def _write(folder: Path, run: Run) -> None:
    summary, holdout = run.calibration, run.holdout
    summary.purchases.order_by(["customer_id", "date"]).to_parquet(folder / PURCHASES)  # by the engine, streamed
    summary.frame.to_parquet(folder / CALIBRATION, index=False)
    facts: dict[str, Any] = {
        "schema": SCHEMA,
        "source": summary.source,
        "sha256": summary.sha256,
        "unit": summary.unit.value,
        "start": summary.start.isoformat(),
        "until": summary.until.isoformat(),
        "currency": summary.currency,
        "has_value": summary.has_value,
        "segments": list(summary.segments),
        "cost": summary.cost,
        "ledger": _plain(summary.ledger),
        "holdout": None,
    }
    if holdout is not None:
        holdout.frame.to_parquet(folder / HOLDOUT, index=False)
        holdout.daily.to_parquet(folder / DAILY, index=False)
        facts["holdout"] = {
            "start": holdout.horizon.start.isoformat(),
            "end": holdout.horizon.end.isoformat(),
            "new_customers": holdout.new_customers,
            "new_purchases": holdout.new_purchases,
            "new_value": holdout.new_value,
            "ledger": _plain(holdout.ledger),
        }
    (folder / MARKER).write_text(json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_run(directory: str | Path) -> Run:
    """Read a run back: the same values as when it was written.

    Raises
    ------
    InputError
        When the folder is no run, is incomplete, or was written by another version.
    """
    folder = Path(directory)
    again = f"Make it again with: clvmodels split … --out {directory}"
    try:
        facts = json.loads((folder / MARKER).read_text())
        if facts["schema"] != SCHEMA:
            raise InputError(
                f"{directory} was written with schema {facts['schema']}; this version reads {SCHEMA}. {again}"
            )
        later = facts["holdout"]
        holdout = later and Holdout(
            frame=pd.read_parquet(folder / HOLDOUT),
            horizon=Horizon(as_date(later["start"]), as_date(later["end"])),
            new_customers=later["new_customers"],
            new_purchases=later["new_purchases"],
            new_value=later["new_value"],
            daily=pd.read_parquet(folder / DAILY),
            unit=Unit(facts["unit"]),
            ledger=_ledger(later["ledger"]),
        )
        # The days are already checked, netted and cut: summarising them as they are gives the same summary again.
        summary = summarize(
            folder / PURCHASES,
            until=facts["until"],
            unit=facts["unit"],
            customer_id="customer_id",
            date="date",
            value="value" if facts["has_value"] else "none",
            segment=facts["segments"],
            cost=facts["cost"],
            returns="keep",
            currency=facts["currency"],
        )
    except (OSError, KeyError, TypeError, ValueError) as error:  # a file gone, or not as we wrote it
        if isinstance(error, InputError):
            raise
        raise InputError(f"{directory} is not a complete run ({type(error).__name__}: {error}). {again}") from None
    where = {"source": facts["source"], "sha256": facts["sha256"], "ledger": _ledger(facts["ledger"])}
    return Run(dataclasses.replace(summary, **where), holdout)


def _plain(ledger: tuple[LedgerRow, ...]) -> list[dict[str, Any]]:
    return [dataclasses.asdict(row) for row in ledger]


def _ledger(plain: list[dict[str, Any]]) -> tuple[LedgerRow, ...]:
    return tuple(LedgerRow(**row) for row in plain)
