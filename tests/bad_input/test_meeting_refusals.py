"""Do channels, levers, comparisons and the command kpis say what is wrong, and what to type?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.attention import flag_customers, tier_stability
from clvmodels.channels import compare_channels
from clvmodels.cli import main
from clvmodels.errors import InputError, UnitError
from clvmodels.kpis import compare_kpis, expected_kpis, kpi_history, observed_by
from clvmodels.levers import value_levers
from clvmodels.models import BGNBD, GammaGamma
from clvmodels.prediction import Predictions

MODEL, SPEND = BGNBD(0.5, 6.0, 0.8, 2.5), GammaGamma(6.25, 3.74, 15.44)


def log() -> pd.DataFrame:
    rows = clv.simulate(MODEL, spend=SPEND, customers=120, start="2023-01-01", end="2024-06-30", seed=5)
    channel = np.where(rows["customer_id"] % 2 == 0, "search", "social")
    return rows.assign(channel=channel, shop="one", cac=5.0, name="n" + rows["customer_id"].astype(str))


def forecast(rows: pd.DataFrame | None = None, value: str | None = None) -> Predictions:
    summary = clv.summarize(
        log() if rows is None else rows,
        segment=("channel", "shop", "name"),
        cost="cac",
        value=value,
        until="2024-06-30",
    )
    fits = [
        clv.fit(name, summary, method="mle") for name in ("bgnbd", "gamma_gamma") if name == "bgnbd" or value is None
    ]
    return clv.predict(fits[0], summary, spend=fits[1] if len(fits) > 1 else None)


@pytest.fixture(scope="module")
def known() -> Predictions:
    return forecast()


def test_channels_need_a_column_that_tells_customers_apart(known: Predictions) -> None:
    with pytest.raises(InputError, match=r"'medium' is not a column .* --segment"):
        compare_channels(known, "medium")
    with pytest.raises(InputError, match="'shop' is 'one' for all 120 customers"):
        compare_channels(known, "shop")
    with pytest.raises(InputError, match=r"'name' has 120 values .* up to 40"):
        compare_channels(known, "name")


@pytest.mark.parametrize(
    ("cost", "match"),
    [
        (-3.0, "negative for 120 of 120 customers .* turn the sign round"),
        (np.nan, "missing for all 120 customers"),
        (np.inf, "infinite for 120 customers"),
    ],
)
def test_costs_must_be_costs(known: Predictions, cost: float, match: str) -> None:
    import dataclasses

    other = dataclasses.replace(known, frame=known.frame.assign(cac=cost))
    with pytest.raises(InputError, match=match):
        compare_channels(other, "channel")


def test_a_cost_column_that_is_not_there(known: Predictions) -> None:
    with pytest.raises(InputError, match=r"'cpa' is not a column .* --cost cpa"):
        compare_channels(known, "channel", cost="cpa")


def test_costs_in_words(known: Predictions) -> None:
    import dataclasses

    other = dataclasses.replace(known, frame=known.frame.assign(cac="free"))
    with pytest.raises(InputError, match=r"no number for 120 of 120 customers .*'free'"):
        compare_channels(other, "channel")


def test_some_missing_costs_are_counted(known: Predictions) -> None:
    import dataclasses

    some = known.frame["cac"].where(known.frame["channel"] == "search")
    table = compare_channels(dataclasses.replace(known, frame=known.frame.assign(cac=some)), "channel").table
    table = table.set_index("channel")
    assert table["cost_known"].to_dict() == {"search": 60, "social": 0}
    assert np.isnan(table.loc["social", ["cost", "ltv_to_cost", "p_above_1", "payback_month"]].astype(float)).all()
    assert table.loc["search", "ltv_to_cost"] > 0


def test_numbers_out_of_range(known: Predictions) -> None:
    with pytest.raises(InputError, match="confidence is 90"):
        compare_channels(known, "channel", confidence=90)
    with pytest.raises(InputError, match="months is 0"):
        compare_channels(known, "channel", months=0)


def test_without_money() -> None:
    silent = forecast(log().drop(columns="value"), value="none")
    with pytest.raises(InputError, match="holds no money"):
        compare_channels(silent, "channel")
    with pytest.raises(InputError, match="holds no money"):
        value_levers(silent)
    flags = flag_customers(silent)
    assert "value" not in flags
    assert len(flags) == 120
    assert set(expected_kpis(silent)["indicator"]) == {
        "purchase_frequency", "active_years", "p_no_purchase", "alive_now", "alive_at_end",
    }  # fmt: skip
    assert "average_order_value" not in set(observed_by(silent.summary)["indicator"])
    parts = clv.split(log().drop(columns="value"), value="none", calibration_end="2023-12-31")
    with pytest.raises(InputError, match="no money here"):
        tier_stability(silent, parts.holdout)


def test_summaries_that_cannot_be_compared(known: Predictions) -> None:
    days = clv.summarize(log(), unit="day", until="2024-06-30")
    with pytest.raises(UnitError, match="in weeks, the second in days"):
        compare_kpis(known.summary, days)
    with pytest.raises(UnitError, match="in weeks, the customers are summarised in days"):
        kpi_history(days, known.purchases)
    euros = clv.summarize(log(), currency="EUR", until="2024-06-30")
    with pytest.raises(InputError, match="USD, the second in EUR"):
        compare_kpis(known.summary, euros)


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["--against", "yesterday"], "neither a run folder nor a day"),
        (["--against", "2024-06-30"], "is not before the end of observation"),
        (["--months", "0"], "months"),
        (["--segment", "nowhere"], "nowhere"),
    ],
)
def test_the_command_refuses_before_it_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], match: str
) -> None:
    log().to_csv(tmp_path / "orders.csv", index=False)
    out = tmp_path / "kpis"
    status = main(
        ["kpis", str(tmp_path / "orders.csv"), "--until", "2024-06-30", "--method", "mle", "--out", str(out), *words]
    )
    assert status == 2
    assert match in capsys.readouterr().err
    assert not out.exists()
