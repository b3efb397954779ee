"""Does the report say when NUTS took over, and what to do where NUTS is needed and not there?"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest

import clvmodels as clv
from clvmodels import charts
from clvmodels.cli import main
from clvmodels.fitting.draws import Draws
from clvmodels.models import BGNBD
from clvmodels.report import build_report
from clvmodels.report.sentences import estimation, fit_notes
from clvmodels.report.story import document


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """150 customers, and a certificate that no importance draws can get."""
    monkeypatch.setattr(Draws, "limit", -9.0)
    return clv.simulate(
        BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426), customers=150, start="2024-01-01", end="2025-06-30",
        acquisition_end="2024-03-31", seed=2,
    )  # fmt: skip


@pytest.mark.slow
def test_the_report_says_that_nuts_took_over(few: pd.DataFrame) -> None:
    steps: list[str] = []
    report = build_report(few, horizon="6 months", progress=steps.append)
    for models in (report.data["models"], report.data["forecast"]["models"]):
        fit = models["purchases"]
        assert (fit["method"], fit["certificate"]["asked"]) == ("nuts", "posterior")
        assert fit["certificate"]["r_hat"] < 1.01
        assert fit["certificate"]["k_hat"] is None
    assert estimation(report.data) == "the mean of the posterior under weak priors, drawn by NUTS"
    notes = fit_notes(report.data)
    assert [note.split(": ")[0] for note in notes] == ["Calibration", "All data"]
    assert all(note.endswith("sampled with NUTS instead.") for note in notes)
    pages = document(report.data, report.customers, charts.figures({}))
    said = str(pages.plain())
    assert "BG/NBD, calibration: converged: R̂ 1.0" in said
    assert notes[0] in said
    assert any("may need sampling" in step for step in steps)


def test_without_pymc_both_cures_are_named(
    few: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few.to_csv(tmp_path / "orders.csv", index=False)
    monkeypatch.setitem(sys.modules, "nutpie", None)
    monkeypatch.setitem(sys.modules, "pymc", None)
    words = ["report", str(tmp_path / "orders.csv"), "--out", str(tmp_path / "report")]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.startswith("Error: BG/NBD: with 150 customers the posterior is too skewed for importance draws")
    assert "pip install 'clvmodels[bayes]'" in said
    assert "--method mle" in said
    assert not (tmp_path / "report").exists()
