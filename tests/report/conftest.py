"""One report of the CDNOW sample, built and written once for all tests that look at it, in whichever test process."""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from clvmodels.backtesting import Backtest, backtest
from clvmodels.report import Report, build_report, write_report

T = TypeVar("T")
PATIENCE = 600.0
"""Seconds to wait for what another process makes, before it is made here."""


def once(temporary: pytest.TempPathFactory, name: str, make: Callable[[Path], T]) -> T:
    """What ``make`` makes, with a folder to write to; made by the first test process, read by the others.

    ``make test`` has two processes, and most of a report's time is drawing, which is the same in both.
    """
    base = temporary.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"once-{name}"
    made, failed = folder / "made.pickle", folder / "failed"
    try:
        folder.mkdir()
    except FileExistsError:
        end = time.monotonic() + PATIENCE
        while not made.exists() and not failed.exists() and time.monotonic() < end:
            time.sleep(0.1)
        if made.exists():
            found: T = pickle.loads(made.read_bytes())
            return found
        return make(temporary.mktemp(name))  # what failed there fails here too, and says why
    try:
        result = make(folder)
        (folder / "half").write_bytes(pickle.dumps(result))
        (folder / "half").rename(made)
    except BaseException:
        failed.touch()
        raise
    return result


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return once(tmp_path_factory, "sample", lambda folder: build_report("cdnow-sample"))


@pytest.fixture(scope="session")
def sample_folder(sample: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return once(tmp_path_factory, "sample-folder", lambda folder: write_report(folder / "sample", sample))


@pytest.fixture(scope="session")
def rolled() -> Backtest:
    """A small backtest of the sample, with a predictor from elsewhere."""
    families = {"families": ["bgnbd", "nbd"], "spends": ["gamma_gamma"]}
    spend_as_before = {"their model": lambda known, horizon: (known.frame["frequency"], known.frame["value_past"] / 2)}
    return backtest("cdnow-sample", cutoffs=3, resamples=20, workers=1, others=spend_as_before, **families)


@pytest.fixture(scope="session")
def no_money(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, Path]:
    """The same log as a CSV of customers and dates, without amounts, by maximum likelihood."""
    from clvmodels.datasets import cdnow_sample

    def make(folder: Path) -> tuple[Report, Path]:
        cdnow_sample()[["customer_id", "date"]].to_csv(folder / "visits.csv", index=False)
        report = build_report(
            folder / "visits.csv", calibration_end="1997-09-30", value="none", horizon="39 weeks", method="mle"
        )
        return report, write_report(folder / "visits", report)

    return once(tmp_path_factory, "no-money", make)
