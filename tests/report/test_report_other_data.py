"""Does the report hold for other logs: without money, tiny, with returns, from Python, by other options?"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.calendar import Unit
from clvmodels.errors import InputError
from clvmodels.report import Report, build_report, write_report
from clvmodels.report.build import _command


@pytest.fixture(scope="module")
def little() -> pd.DataFrame:
    """Sixty customers over a year, with a channel, a cost and names that would hurt if they were markup."""
    rng = np.random.default_rng(7)
    rows = []
    for i in range(60):
        first = dt.date(2024, 1, 1) + dt.timedelta(days=int(rng.integers(0, 90)))
        days = np.cumsum(rng.exponential(25 + 60 * rng.random(), size=rng.integers(0, 14)))
        for day in [0, *days]:
            when = first + dt.timedelta(days=int(day))
            if when <= dt.date(2024, 12, 31):
                name = f"<b>#{i:02d}</b> & $x_{{{i}$"  # neither markup nor formula
                rows.append((name, when, round(float(rng.gamma(4, 12)), 2), "<web>" if i % 3 else "shop", 5.0 + i % 4))
    return pd.DataFrame(rows, columns=["customer", "day", "amount", "channel", "cac"])


@pytest.fixture(scope="module")
def small(little: pd.DataFrame) -> Report:
    return build_report(
        little,
        segment=["channel"],
        cost="cac",
        currency="BRL",
        horizon="6 months",
        discount_rate=0.15,
        margin=0.4,
        unit="day",
        method="mle",
    )


def test_a_tiny_log_gives_a_whole_report(small: Report, tmp_path: Path) -> None:
    folder = write_report(tmp_path / "small", small)
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert "<b>#" not in html
    assert "&lt;b&gt;#" in html
    assert "R$\u00a0" in html
    assert "× a margin of 40%" in html
    data = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert data["forecast"]["unit"] == "day"
    assert data["forecast"]["end"] == "2025-06-30"
    assert {"channel", "cac"} <= set(pd.read_csv(folder / "customers.csv").columns)
    assert data["provenance"]["command"].startswith('clv.write_report("report", clv.build_report(transactions, ')
    assert "segment=('channel',)" in data["provenance"]["command"]


def test_few_customers_ask_for_review(small: Report) -> None:
    status = {check["name"]: check["status"] for check in small.data["checks"]}
    assert status["fitness"] != "pass"


def test_without_money_the_report_speaks_of_purchases_only(no_money: tuple[Report, Path]) -> None:
    report, folder = no_money
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert "$" not in html.split("<style>")[0] + html.split("</style>")[1]
    assert "The data have no money" in html
    assert report.spend is None
    assert report.data["data"]["title"] == "visits.csv"
    assert report.data["models"]["spend"] is None
    assert "value_distribution" not in report.figures
    assert "--value none" in report.data["provenance"]["command"]


def test_spend_none_leaves_money_out_too(small: Report, little: pd.DataFrame) -> None:
    report = build_report(little, spend="none", horizon="6 months", unit="day", method="mle")
    assert report.spend is None
    assert report.purchases.parameters == pytest.approx(small.purchases.parameters, rel=1e-6)


def test_returns_and_giant_orders(online_retail: Path, tmp_path: Path) -> None:
    report = build_report(online_retail, currency="GBP")
    folder = write_report(tmp_path / "retail", report)
    data = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    ledger = {row["reason"]: row for row in data["data"]["ledger"]}
    assert sum(row["rows"] for row in ledger.values()) == data["data"]["rows"]
    assert ledger["used"]["rows"] == 16_518
    assert ledger["used"]["value"] == pytest.approx(8_318_595, abs=1)
    assert report.customers["expected_spend"].max() < 30_000  # the two cancelled orders were 77,183 and 168,470
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert "£" in html
    assert len(html.encode()) < 1_000_000


def test_all_that_is_wrong_is_said_at_once_in_words() -> None:
    with pytest.raises(InputError) as caught:
        build_report(
            "cdnow-sample", family="arima", spend="bgnbd", method="guess", language="fr", margin=0, discount_rate=10
        )
    message = str(caught.value)
    assert "6 problems" in message
    for part in ("'arima'", "--family bgnbd", "--spend gamma_gamma", "--method mle", "--language en", "margin", "0.10"):
        assert part in message


def test_a_family_of_opportunities_is_refused_a_report() -> None:
    with pytest.raises(InputError, match="bgbb"):
        build_report("cdnow-sample", family="bgbb")


@pytest.mark.parametrize(
    ("source", "options", "command"),
    [
        (None, {}, "clvmodels report --out report"),
        ("cdnow-sample", {"seed": 3}, "clvmodels report cdnow-sample --out report --seed 3"),
        (
            Path("my orders.csv"),
            {"segment": ("channel", "country"), "horizon": "6 months", "unit": Unit.DAY},
            "clvmodels report 'my orders.csv' --out report --segment channel --segment country --horizon '6 months' "
            "--unit day",
        ),
        ("postgres://ana:secret@db/shop", {"table": "orders"}, "clvmodels report postgres://…@db/shop --out report "
        "--table orders"),
        ("postgres://ana:se@cr/et@db/shop", {"table": "orders"}, "clvmodels report postgres://…@db/shop --out report "
        "--table orders"),
        ("mysql://db/shop?user=ana&password=secret", {}, "clvmodels report mysql://db/shop?user=ana&password=… "
        "--out report"),
        (pd.DataFrame(), {"until": dt.date(2024, 5, 1)}, None),
    ],
)  # fmt: skip
def test_the_command_reproduces_the_call(source: object, options: dict[str, object], command: str | None) -> None:
    import inspect

    defaults = {name: p.default for name, p in inspect.signature(build_report).parameters.items()}
    del defaults["source"], defaults["progress"], defaults["command"]
    told = _command(source, defaults | options)
    if command is None:
        assert told == "clv.write_report(\"report\", clv.build_report(transactions, until='2024-05-01'))"
    else:
        assert told.replace("'", "").replace("…", "") == command.replace("'", "").replace("…", "")
        assert "secret" not in told
        assert "cr/et" not in told


def test_the_end_of_observation_hides_what_comes_after(little: pd.DataFrame) -> None:
    report = build_report(little, value="amount", until="2024-10-31", horizon="2 months", unit="day", method="mle")
    assert report.data["holdout"]["end"] <= "2024-10-31"
    assert report.data["forecast"]["start"] == "2024-11-01"
    assert report.data["forecast"]["end"] == "2024-12-31"
    after = (pd.to_datetime(little["day"]) > "2024-10-31").sum()
    ledger = {row["reason"]: row["rows"] for row in report.data["data"]["ledger"]}
    assert ledger["after_end"] == after > 0


def test_progress_is_told_in_words(little: pd.DataFrame, tmp_path: Path) -> None:
    steps: list[str] = []
    report = build_report(little, horizon="3 months", method="mle", progress=steps.append)
    clv.write_report(tmp_path / "report", replace(report, figures={}), progress=steps.append)
    assert steps[0] == "reading transactions"
    assert len(steps) == len(set(steps)) >= 8


def test_rows_in_the_future_are_left_out_by_until(little: pd.DataFrame) -> None:
    """A typing error of a hundred years: refused without --until, without trace with it."""
    wrong = little.assign(day=[dt.date(2124, 6, 1), *little["day"][1:]])
    with pytest.raises(
        InputError, match=r"1 of \d+ rows lie in the future .* leave them out with --until 2024-12-\d\d"
    ):
        build_report(wrong, value="amount")
    report = build_report(wrong, value="amount", until="2024-12-31", horizon="2 months", method="mle")
    assert report.data["holdout"]["end"] == "2024-12-31"
    ledger = {row["reason"]: row["rows"] for row in report.data["data"]["ledger"]}
    assert ledger["after_end"] == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"calibration_end": "2024-10-31"}, "--calibration-end 2024-10-31 leaves no holdout up to the end of"),
        ({"holdout_end": "2024-11-30"}, "--holdout-end 2024-11-30 lies after the end of observation, --until 2024-10"),
    ],
)
def test_no_period_reaches_beyond_the_end_of_observation(
    little: pd.DataFrame, options: dict[str, str], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        build_report(little, value="amount", until="2024-10-31", **options)  # type: ignore[arg-type]


def test_every_fate_of_a_row_has_words() -> None:
    from clvmodels.report.texts import LEDGER
    from clvmodels.transactions.ledger import REASONS

    assert set(LEDGER) == set(REASONS)
