"""Does pooling find channels' known values, and keep a lucky small channel from leading?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import clvmodels as clv
from clvmodels import lifetime
from clvmodels.calendar import Unit
from clvmodels.channels import Channels, compare_channels
from clvmodels.models import BGNBD, GammaGamma
from clvmodels.prediction import Predictions

BASE, SPEND = BGNBD(0.5, 6.0, 0.6, 2.5), GammaGamma(6.25, 3.74, 15.44)
SIZES = {"search": 500, "social": 300, "email": 200, "partner": 60, "tiny": 15}
COSTS = {"search": 20.0, "social": 25.0, "email": 10.0, "partner": 150.0, "tiny": 5.0}


def channel(name: str, levels: tuple[float, float, float], *, size: int, seed: int) -> tuple[pd.DataFrame, float]:
    """Customers of a channel with its own rate, dropout and spend; and what the next one is worth in a year."""
    model, money = lifetime.changed(BASE, rate=levels[0], dropout=levels[1]), SPEND.rescale(levels[2])
    log = clv.simulate(
        model,
        spend=money,
        customers=size,
        start="2023-01-01",
        end="2024-06-30",
        acquisition_end="2023-12-31",
        seed=seed,
    )
    later = model.discounted_purchases(365.25 / 7, 0, 0, 0, delta=Unit.WEEK.delta(0.10))
    worth = float(money.expected_spend(0.0, 0.0)) * (1 + float(later))
    return log.assign(customer_id=name + log["customer_id"].astype(str), channel=name, cost=COSTS[name]), worth


def forecast_of(log: pd.DataFrame) -> Predictions:
    summary = clv.summarize(log, segment="channel", cost="cost", until="2024-06-30")
    fits = [clv.fit(family, summary, method="mle") for family in ("bgnbd", "gamma_gamma")]
    return clv.predict(fits[0], summary, spend=fits[1])


def logs(levels: dict[str, tuple[float, float, float]], seed: int) -> tuple[pd.DataFrame, dict[str, float]]:
    parts = {
        name: channel(name, levels[name], size=size, seed=100 * seed + place)
        for place, (name, size) in enumerate(SIZES.items())
    }
    return pd.concat([log for log, _ in parts.values()]), {name: worth for name, (_, worth) in parts.items()}


def test_intervals_cover_known_values() -> None:
    """In small; 200 such logs are in benchmarks/channels.json."""
    hits: list[bool] = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        levels = {name: tuple(np.exp(rng.normal(0, (0.25, 0.25, 0.15)))) for name in SIZES}
        log, truth = logs(levels, seed)  # type: ignore[arg-type]
        for row in compare_channels(forecast_of(log), "channel").table.itertuples():
            hits.append(row.ltv_lower <= truth[str(row.channel)] <= row.ltv_upper)
    assert np.mean(hits) >= 0.65


@pytest.fixture(scope="module")
def lucky() -> tuple[Predictions, Channels]:
    """All channels alike but email, which is better; tiny has the best 15 of 150 customers, all luck."""
    levels = dict.fromkeys(SIZES, (1.0, 1.0, 1.0)) | {"email": (1.5, 0.8, 1.3)}
    log, _ = logs(levels, 1)
    many, _ = channel("tiny", (1.0, 1.0, 1.0), size=150, seed=77)
    batches = many["customer_id"].str[4:].astype(int) % 10
    best = many.groupby(batches)["value"].sum().idxmax()
    log = pd.concat([log[log["channel"] != "tiny"], many[batches == best]])
    forecast = forecast_of(log)
    return forecast, compare_channels(forecast, "channel")


def test_a_lucky_small_channel_does_not_lead(lucky: tuple[Predictions, Channels]) -> None:
    table = lucky[1].table.set_index("channel")
    assert table["lifetime_per_customer"].idxmax() == "tiny"  # so it seems
    assert table.index[0] == table["ltv"].idxmax() == "email"
    assert table["highest_cost"].is_monotonic_decreasing  # the order is that of what is safe, not of the mean
    assert table.loc["tiny", "ltv"] < table.loc["tiny", "ltv_alone"]
    assert table.loc["email", "p_best"] > table.loc["tiny", "p_best"]
    width = (table["ltv_upper"] - table["ltv_lower"]) / table["ltv"]
    assert width.idxmax() == "tiny"
    assert table["p_best"].sum() == pytest.approx(1.0)


def test_luck_at_the_first_order_and_later_is_one_luck(lucky: tuple[Predictions, Channels]) -> None:
    """Levels of spend and first order are sums over the same customers; their errors go together as bootstrap's do."""
    from clvmodels.channels import _evidence
    from clvmodels.kpis.groups import grouped

    forecast = lucky[0]
    found = _evidence(forecast, grouped(forecast.frame, "channel"))
    apart = np.linalg.inv(found.information[:, -2:, -2:])
    told = apart[:, 0, 1] / np.sqrt(apart[:, 0, 0] * apart[:, 1, 1])
    frame, rng = forecast.summary.frame, np.random.default_rng(0)
    spent: Any = forecast.spend.model if forecast.spend else None
    drawn = []
    for _ in range(400):
        some = frame.iloc[rng.integers(0, len(frame), len(frame))]
        again = some[some["frequency"] > 0]
        known = again["frequency"].to_numpy(float), again["monetary_value"].to_numpy(float)
        score = [spent.rescale(np.exp(step)).log_likelihood(*known).sum() for step in (-0.02, 0.02)]
        drawn.append((score[1] - score[0], some["value_first"].mean()))
    assert told == pytest.approx(np.corrcoef(np.array(drawn).T)[0, 1], abs=0.15)  # three standard errors of 400 draws
    assert (told > 0.2).all()


def test_the_committed_study_covers_and_the_lucky_channel_does_not_lead() -> None:
    """200 logs, five channels with known values and one that was the luckiest of ten: `make channels`."""
    from scipy import stats

    study = json.loads((Path(__file__).parents[2] / "benchmarks" / "channels.json").read_text())
    assert study["logs"] == 200
    low = stats.binom.ppf(0.005, study["logs"], 0.9) / study["logs"]
    assert all(share >= low for share in study["coverage_90"].values())
    assert abs(study["coverage_90_drawn_channels"] - 0.9) < 3 * study["standard_error"]
    assert study["lucky_leads"]["by_average_of_its_customers"] > 0.5  # so it seems
    assert study["lucky_leads"]["in_the_table"] < 1 / len(study["customers"])


def test_channels_are_the_sums_of_their_customers(lucky: tuple[Predictions, Channels]) -> None:
    forecast, found = lucky
    frame, table = forecast.frame, found.table.set_index("channel")
    for name, rows in frame.groupby("channel"):
        assert table.loc[str(name), "customers"] == len(rows)
        assert table.loc[str(name), "clv"] == pytest.approx(rows["clv"].sum(), rel=1e-12)
        assert table.loc[str(name), "value_past"] == pytest.approx(rows["value_past"].sum(), rel=1e-12)
        assert table.loc[str(name), "cost"] == COSTS[str(name)]
    assert table["clv"].sum() == pytest.approx(frame["clv"].sum(), rel=1e-12)
    assert table["clv"].sum() == pytest.approx(forecast.by([])["clv"].iloc[0], rel=1e-9)


def test_costs_are_held_against_the_next_customer(lucky: tuple[Predictions, Channels]) -> None:
    table = lucky[1].table.set_index("channel")
    assert (table["ltv_to_cost"] - table["ltv"] / table["cost"]).abs().max() < 1e-9
    assert (table["p_above_3"] <= table["p_above_1"]).all()
    assert (table["highest_cost"] < table["ltv"]).all()
    assert (table["highest_cost"] > table["ltv_lower"]).all()  # nine in ten against nineteen in twenty
    assert table.loc["search", "payback_month"] == 0  # the first order pays
    assert table.loc["partner", "p_above_1"] < 0.5
    curve = lucky[1].curve
    for name, row in table.iterrows():
        months = curve[curve["channel"] == name]
        assert (np.diff(months["value"]) > 0).all()
        if np.isfinite(row["payback_month"]):
            paid = months.set_index("month")["upper"]
            assert paid[int(row["payback_month"])] >= row["cost"]


def test_the_same_seed_gives_the_same_table(lucky: tuple[Predictions, Channels]) -> None:
    again: Any = compare_channels(lucky[0], "channel").table
    pd.testing.assert_frame_equal(again, lucky[1].table)


def test_a_few_wholesalers_do_not_prove_a_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Customers more unlike than the family knows weaken what each of them says."""
    log, _ = logs(dict.fromkeys(SIZES, (1.0, 1.0, 1.0)), 3)
    days = pd.date_range("2023-01-05", "2024-06-28", freq="4D")
    names = ["w1", "w2", "w3", "w4", "w5", "w6"]
    whole = pd.DataFrame({"customer_id": np.repeat(names, len(days)), "date": np.tile(days, 6), "value": 40.0})
    where = np.repeat(["search", "search", "social", "social", "tiny", "tiny"], len(days))
    forecast = forecast_of(pd.concat([log, whole.assign(channel=where, cost=20.0)]))
    table = compare_channels(forecast, "channel").table.set_index("channel")
    monkeypatch.setattr("clvmodels.channels._overdispersion", lambda *_: 1.0)
    naive = compare_channels(forecast, "channel").table.set_index("channel")
    assert table.loc["tiny", "ltv"] < naive.loc["tiny", "ltv"] < table.loc["tiny", "ltv_alone"]
    assert table.loc["tiny", "p_best"] < naive.loc["tiny", "p_best"]
