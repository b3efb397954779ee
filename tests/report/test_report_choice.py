"""Does a report with `--family auto` or `stack` say what was chosen, by what, and where the model loses?"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from clvmodels.cli import main
from clvmodels.models import BGNBD, GammaGamma
from clvmodels.report import Report, build_report
from clvmodels.report.choosing import choice
from clvmodels.report.document import Paragraph, Table
from clvmodels.report.sentences import headline
from clvmodels.simulation import simulate

pytestmark = pytest.mark.filterwarnings("ignore::clvmodels.errors.DiagnosticWarning")


@pytest.fixture(scope="module")
def log() -> pd.DataFrame:
    return simulate(
        BGNBD(0.8, 5, 0.8, 2.0), spend=GammaGamma(6, 4, 15), customers=300, start="2024-01-01", end="2024-12-31", seed=3
    )


@pytest.fixture(scope="module")
def report(log: pd.DataFrame) -> Report:
    return build_report(log, family="auto", method="mle")


def test_the_chosen_one_is_the_model(report: Report) -> None:
    then, later = report.data["league"]
    assert report.data["models"]["purchases"]["family"] == then["family"]
    assert report.data["models"]["spend"]["family"] == then["spend"]
    assert report.data["forecast"]["models"]["purchases"]["family"] == later["family"]
    assert report.purchases.model.name == later["family"]
    assert report.data["provenance"]["options"]["family"] == "auto"
    assert report.data["provenance"]["options"]["spend"] == "auto"
    assert {row["predictor"] for row in then["league"]} >= {"bgnbd", "nbd", "stack"}
    assert [row["predictor"] for row in then["league"] if row["chosen"]] == [then["family"]]
    ends = {row["end"] for row in then["cutoffs"]}
    assert ends == {report.data["calibration"]["end"]}


def test_the_section_has_the_league(report: Report) -> None:
    blocks = choice(report.data)
    tables = {block.name: block for block in blocks if isinstance(block, Table)}
    assert set(tables) == {"choice_league", "choice_spends", "choice_cutoffs"}
    league = report.data["league"][0]
    assert len(tables["choice_league"].rows) >= len(league["league"])
    assert any(league["reason"] in block.text for block in blocks if isinstance(block, Paragraph))


def test_without_a_choice_there_is_no_section(report: Report) -> None:
    assert choice({**report.data, "league": [None, None]}) == []


def test_every_loss_is_in_the_headline(report: Report) -> None:
    data = json.loads(json.dumps(report.data, default=str))
    for row in data["comparison"]:
        row["verdict"] = row["holm"] = "no evidence"
    assert "loses" not in headline(data)
    lost = next(row for row in data["comparison"] if (row["metric"], row["formula"]) == ("gini", "hiatus"))
    lost["holm"] = "worse"
    assert "loses on Gini of purchases to “Formula with a silence rule”" in headline(data)


def test_a_stack_goes_through_the_steps(log: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, run = tmp_path / "orders.csv", str(tmp_path / "run")
    log.to_csv(source, index=False)
    assert main(["split", str(source), "--calibration-end", "2024-08-31", "--out", run]) == 0
    assert main(["fit", run, "--family", "stack", "--method", "mle"]) == 0
    fits = json.loads((tmp_path / "run" / "fit.json").read_text())["fits"]
    assert fits[0]["family"] == "stack"
    assert sum(fits[0]["weights"]) == pytest.approx(1)
    assert main(["predict", run]) == 0
    customers = pd.read_csv(tmp_path / "run" / "customers.csv")
    assert customers["p_alive"].between(0, 1).all()
    assert (customers["purchases_lower"] <= customers["purchases_upper"]).all()
    assert main(["evaluate", run, "--resamples", "100"]) == 0
    compared = pd.read_csv(tmp_path / "run" / "comparison.csv")
    assert {"p_value", "p_holm", "holm"} <= set(compared.columns)
    assert set(compared["model"].str.partition("+")[0]) == {"stack"}
