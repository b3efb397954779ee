"""One report of the CDNOW sample, built and written once for all tests that look at it."""

from __future__ import annotations

from pathlib import Path

import pytest

from clvmodels.backtesting import Backtest, backtest
from clvmodels.report import Report, build_report, write_report


@pytest.fixture(scope="session")
def sample() -> Report:
    return build_report("cdnow-sample")


@pytest.fixture(scope="session")
def sample_folder(sample: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(tmp_path_factory.mktemp("reports") / "sample", sample)


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

    folder = tmp_path_factory.mktemp("reports")
    cdnow_sample()[["customer_id", "date"]].to_csv(folder / "visits.csv", index=False)
    report = build_report(
        folder / "visits.csv", calibration_end="1997-09-30", value="none", horizon="39 weeks", method="mle"
    )
    return report, write_report(folder / "visits", report)
