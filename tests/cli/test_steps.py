"""Do the steps of the command line give what the Python functions give, from a run folder and from a log alike?"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.cli import main
from clvmodels.fitting.result import Fit

END = "1998-01-31"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """orders.csv, and a run with every step done."""
    folder = tmp_path_factory.mktemp("steps")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for words in (
            "simulate --customers 500 --seed 1 --out orders.csv",
            f"split orders.csv --calibration-end {END} --out run",
            "fit run --method mle",
            "predict run --margin 0.5",
            "evaluate run --resamples 50",
        ):
            assert main(words.split()) == 0
    return folder


@pytest.fixture(autouse=True)
def _inside(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(here)


def pair(path: str) -> tuple[Fit, Fit]:
    fits = clv.load(path)
    assert isinstance(fits, tuple)
    assert fits[1] is not None
    return fits[0], fits[1]


def same(path: str, frame: pd.DataFrame) -> None:
    """The table at ``path`` is the frame, in the digits of its kind of file."""
    found = pd.read_parquet(path) if path.endswith(".parquet") else pd.read_csv(path)
    assert list(found) == list(frame)
    for name in frame:
        if pd.api.types.is_numeric_dtype(frame[name]):
            pd.testing.assert_series_equal(found[name], frame[name], check_dtype=False, rtol=1e-9)
        else:
            texts = frame[name].dt.strftime("%Y-%m-%d") if frame[name].dtype.kind == "M" else frame[name].astype(str)
            assert list(found[name].astype(str)) == list(texts)


def test_simulate_invents_the_log_of_the_python_function() -> None:
    from clvmodels.models import BGNBD, GammaGamma

    model, spend = BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426), GammaGamma(p=6.25, q=3.74, v=15.44)
    log = clv.simulate(model, spend=spend, customers=500, start="1997-01-01", end="1998-06-30", seed=1)
    same("orders.csv", log)


def test_run_holds_what_split_fit_predict_and_evaluate_give() -> None:
    calibration, holdout = clv.split("orders.csv", calibration_end=END)
    same("run/holdout.parquet", holdout.frame)
    assert pd.read_parquet("run/calibration.parquet").equals(calibration.frame)
    purchases, spend = pair("run/fit.json")
    assert purchases.parameters == pytest.approx(clv.fit("bgnbd", calibration).parameters, rel=1e-9)
    assert spend.parameters == pytest.approx(clv.fit("gamma_gamma", calibration).parameters, rel=1e-9)
    forecast = clv.predict(purchases, calibration, spend=spend, horizon=holdout.horizon, margin=0.5)
    same("run/customers.csv", forecast.frame)
    assert len(pd.read_parquet("run/customers.parquet")) == len(forecast.frame)
    result = clv.evaluate(forecast, holdout, resamples=50)
    same("run/evaluation.csv", result.metrics)
    same("run/comparison.csv", result.comparison)


def test_every_step_takes_a_log_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(f"fit orders.csv --until {END} --method mle --out one/fit.json".split()) == 0
    for one, other in zip(pair("one/fit.json"), pair("run/fit.json"), strict=True):
        assert one.parameters == pytest.approx(other.parameters, rel=1e-9)
    assert (
        main(f"predict orders.csv --until {END} --fit run/fit.json --horizon 1998-06-30 --out one/c.csv".split()) == 0
    )
    ours, theirs = pd.read_csv("one/c.csv"), pd.read_csv("run/customers.csv")
    pd.testing.assert_series_equal(ours["expected_purchases"], theirs["expected_purchases"], rtol=1e-9)
    assert main(f"evaluate orders.csv --calibration-end {END} --method mle --resamples 50 --out one".split()) == 0
    same("one/comparison.csv", pd.read_csv("run/comparison.csv"))
    capsys.readouterr()


def test_summarize_writes_a_table_or_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    summary = clv.summarize("orders.csv", until=END, unit="day")
    for out in ("two/s.csv", "two/s.parquet"):
        assert main(f"summarize orders.csv --until {END} --unit day --out {out}".split()) == 0
    same("two/s.csv", summary.frame)
    assert pd.read_parquet("two/s.parquet").equals(summary.frame)
    assert main(f"summarize orders.csv --until {END} --unit day --out two/run".split()) == 0
    assert main(["fit", "two/run"]) == 0
    assert pair("two/run/fit.json")[0].unit.value == "day"
    assert main(["predict", "two/run"]) == 0  # 12 months where there is no holdout
    assert set(pd.read_csv("two/run/customers.csv")["horizon_end"]) == {"1999-01-31"}
    capsys.readouterr()


def test_fit_takes_the_posterior_unless_told_otherwise(capsys: pytest.CaptureFixture[str]) -> None:
    """The command's default is the report's; the Python function keeps maximum likelihood, as the papers do."""
    assert main(f"split orders.csv --calibration-end {END} --out by_default".split()) == 0
    assert main(["fit", "by_default"]) == 0
    assert [fit.method for fit in pair("by_default/fit.json")] == ["posterior", "posterior"]
    assert clv.fit("bgnbd", clv.split("orders.csv", calibration_end=END).calibration).method == "mle"
    assert "Pareto k̂" in capsys.readouterr().out


def test_a_run_without_money_has_no_spend(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(f"split orders.csv --value none --calibration-end {END} --out three".split()) == 0
    assert main(["fit", "three"]) == 0
    assert isinstance(clv.load("three/fit.json"), Fit)
    assert main(["predict", "three"]) == 0
    assert "clv" not in pd.read_csv("three/customers.csv")
    assert main(["evaluate", "three", "--resamples", "50"]) == 0
    assert set(pd.read_csv("three/comparison.csv")["quantity"]) == {"purchases"}
    capsys.readouterr()


def test_words_on_stdout_say_what_was_found_and_what_is_next(capsys: pytest.CaptureFixture[str]) -> None:
    said = {}
    for words in (f"split orders.csv --calibration-end {END} --out four", "fit four", "predict four"):
        assert main(words.split()) == 0
        printed = capsys.readouterr()
        said[words.split()[0]] = printed.out
        assert printed.err == ""
    assert re.search(r"^365 customers from 3 Jan 1997 to 31 Jan 1998; \d+ came back", said["split"])
    assert said["split"].endswith("Wrote four. Next: clvmodels fit four\n")
    assert re.search(r"BG/NBD, log-likelihood -[\d,.]+. certified: Pareto k̂", said["fit"])
    assert re.search(r" alpha +\d", said["fit"])
    assert said["fit"].endswith("Wrote four/fit.json. Next: clvmodels predict four, clvmodels evaluate four\n")
    assert re.search(r"  purchases  \d+ \(\d+ to \d+\)\n  value      \$[\d,]+ \(\$", said["predict"])


@pytest.mark.slow
def test_report_prints_the_verdict_and_where_to_look(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["report", "orders.csv", "--calibration-end", END, "--segment", "customer_id", "--out", "five/report"]
    assert main(words) == 2  # a segment that would collide with a column of the table
    capsys.readouterr()
    assert main([*words[:4], "--until", "1998-06-30", "--horizon", "6 months", "--out", "five/report"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("Against average order value × frequency × duration, the model is ")
    assert "Forecast, 1 Jul 1998 to 31 Dec 1998, 500 customers: " in printed.out
    assert "Look first at five/report/report.html" in printed.out
    assert "**" not in printed.out
    names = {path.name for path in Path("five/report").iterdir()}
    assert names >= {"report.html", "report.pdf", "report.json", "customers.csv", "customers.parquet", "fit.json"}
