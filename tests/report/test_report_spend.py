"""Does the report tell of every spend family: its story, its parameters, what it assumes, and its files?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.cli import main
from clvmodels.models import BGNBD, GammaGammaFrequency, LogNormalSpend
from clvmodels.report import build_report, write_report
from clvmodels.report.backmatter import methods
from clvmodels.report.document import Paragraph

STORIES = {
    "gamma_gamma_first": ("on all purchases", "the value of the first purchase included"),
    "gamma_gamma_frequency": ("on every single order", "each doubling of a customer"),
    "lognormal": ("A hierarchical log-normal model", "skew-normal distribution"),
}


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    log = clv.simulate(
        BGNBD(0.6, 6.0, 0.8, 2.5),
        spend=GammaGammaFrequency(3.7, 4.6, 29.0, 1.15),
        customers=300,
        start="2024-01-01",
        end="2024-12-31",
        acquisition_end="2024-03-31",
        seed=3,
    )
    path = tmp_path_factory.mktemp("spend") / "orders.csv"
    log.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("name", STORIES)
def test_a_report_with_each_family(name: str, orders: Path, tmp_path: Path) -> None:
    report = build_report(orders, spend=name, method="mle", horizon="6 months", calibration_end="2024-08-31")
    data: dict[str, Any] = report.data
    assert data["models"]["spend"]["family"] == data["forecast"]["models"]["spend"]["family"] == name
    assert {row["predictor"] for row in data["evaluation"]} >= {"bgnbd", f"bgnbd+{name}"}
    names = {check["name"]: check for check in data["checks"]}
    assert {"spend_tail", "spend_frequency", f"convergence_{name}", "identification_spend"} <= set(names)
    found = names["spend_frequency"]
    assert (name == "gamma_gamma_frequency") == ("growth" in found["values"])
    assert sum(one["effect"] for one in found["values"]["classes"]) == pytest.approx(found["values"]["effect"])
    said = " ".join(block.text for block in methods(data) if isinstance(block, Paragraph))
    for words in STORIES[name]:
        assert words in said
    assert "repeat purchases. A customer's own average" not in said  # that is the published model's story
    frame = report.customers
    assert frame["expected_spend"].notna().all()
    assert (frame["monetary_value"].isna() == (frame["frequency"] == 0)).all()
    assert not {"n_valued", "log_value_mean", "log_value_ss"} & set(frame)
    if name == "lognormal":
        folder = write_report(tmp_path / name, report)
        html = (folder / "report.html").read_text(encoding="utf-8")
        assert "Log-normal spend: σ" in html
        assert "that of all customers" in html
        saved = clv.load(folder / "fit.json")
        assert isinstance(saved, tuple)
        assert saved[1] is not None
        assert saved[1].model == report.spend.model  # type: ignore[union-attr]


def test_growth_is_measured_in_revenue(orders: Path) -> None:
    """Whoever buys twice as often spends 15 % more in this log: the check says so, with limits, and what it changes."""
    report = build_report(
        orders, spend="gamma_gamma_frequency", method="mle", horizon="6 months", calibration_end="2024-08-31"
    )
    found = next(check for check in report.data["checks"] if check["name"] == "spend_frequency")
    growth = found["values"]["growth"]
    assert growth["lower"] < 1.15 < growth["upper"]
    assert growth["lower"] < growth["g"] < growth["upper"]
    assert growth["effect_lower"] <= growth["effect"] <= growth["effect_upper"]
    assert "twice the purchases" in found["evidence"]


@pytest.mark.parametrize("name", STORIES)
def test_the_steps_of_the_command(
    name: str, orders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for words in (
        f"split {orders} --calibration-end 2024-08-31 --out run",
        f"fit run --spend {name} --method mle",
        "predict run",
        "evaluate run --resamples 20",
    ):
        assert main(words.split()) == 0, capsys.readouterr().err
    evaluation = pd.read_csv("run/evaluation.csv")
    assert f"bgnbd+{name}" in set(evaluation["predictor"])
    calibration = clv.split(orders, calibration_end="2024-08-31").calibration
    fits = clv.load("run/fit.json")
    assert isinstance(fits, tuple)
    assert fits[1] is not None
    assert fits[1].parameters == pytest.approx(clv.fit(name, calibration).parameters, rel=1e-9)


def test_simulated_single_values_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = "simulate --customers 2000 --spend lognormal --sigma 0.3 --seed 2 --out log.csv"
    assert main(words.split()) == 0
    one = clv.fit(LogNormalSpend, clv.summarize("log.csv"))
    assert one.parameters["sigma"] == pytest.approx(0.3, rel=0.03)
    assert one.parameters["tau"] == pytest.approx(0.441, rel=0.06)
