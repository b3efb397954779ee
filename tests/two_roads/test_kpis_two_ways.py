"""Are expected indicators those of simulated futures, and do they multiply and add up to the forecast?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.kpis import expected_kpis, kpi_history, observed_by
from clvmodels.kpis.expected import active_years
from clvmodels.levers import CURVE, GRID, value_levers
from clvmodels.models import BGNBD, GammaGamma, ParetoNBD
from clvmodels.prediction import Predictions

MODEL, SPEND = BGNBD(0.5, 6.0, 0.8, 2.5), GammaGamma(6.25, 3.74, 15.44)


@pytest.fixture(scope="module")
def log() -> pd.DataFrame:
    rows = clv.simulate(MODEL, spend=SPEND, customers=600, start="2023-01-01", end="2024-06-30", seed=5)
    return rows.assign(channel=np.where(rows["customer_id"] % 3 == 0, "search", "social"))


@pytest.fixture(scope="module")
def forecast(log: pd.DataFrame) -> Predictions:
    summary = clv.summarize(log, segment="channel", until="2024-06-30")
    fits = [clv.fit(family, summary, method="mle") for family in ("bgnbd", "gamma_gamma")]
    return clv.predict(fits[0], summary, spend=fits[1], margin=0.4)


def values(table: pd.DataFrame) -> dict[str, float]:
    return dict(zip(table["indicator"], table["value"], strict=True))


def test_the_three_factors_multiply_to_the_forecast(forecast: Predictions) -> None:
    found = values(expected_kpis(forecast))
    product = found["average_order_value"] * found["purchase_frequency"] * found["active_years"] * forecast.margin
    assert product == pytest.approx(found["value_per_customer"], rel=1e-12)
    assert forecast.totals.value is not None
    assert found["value_per_customer"] * 600 == pytest.approx(forecast.totals.value, rel=1e-12)


def test_expected_indicators_are_those_of_simulated_futures(forecast: Predictions) -> None:
    rng, replicates = np.random.default_rng(3), 400
    model: Any = forecast.purchases.model
    spend: Any = forecast.spend.model  # type: ignore[union-attr]
    known = forecast.summary.frame
    t = forecast.horizon.length(forecast.unit)
    x, T = known["frequency"].to_numpy(float), known["T"].to_numpy(float)
    p_alive = model.p_alive(x, known["recency"].to_numpy(float), T)
    observed = spend.observed(known)[:2]
    r, alpha, a, b = model.updated(x, T)
    rows = []
    for _ in range(replicates):
        alive = rng.random(600) < p_alive
        rate, coin = rng.gamma(r) / alpha, np.maximum(rng.beta(a, b), 1e-300)
        life = np.where(alive, rng.standard_exponential(600) / (rate * coin), 0.0)
        bought = rng.poisson(rate * (1 - coin) * np.minimum(life, t)) + (alive & (life < t))
        worth = spend.sample(bought, *observed, seed=rng)
        years = np.minimum(life, t) * 7 / 365.25
        rows.append((worth.sum(), bought.sum(), years.sum(), (bought == 0).mean(), alive.mean(), (life > t).mean()))
    worth, bought, years, none, alive, stays = np.array(rows).T
    found = values(expected_kpis(forecast))
    simulated = {
        "average_order_value": (worth.mean() / bought.mean(), worth.std() / bought.mean()),
        "purchase_frequency": (bought.mean() / years.mean(), bought.std() / years.mean()),
        "active_years": (years.mean() / 600, years.std() / 600),
        "value_per_customer": (0.4 * worth.mean() / 600, 0.4 * worth.std() / 600),
        "p_no_purchase": (none.mean(), none.std()),
        "alive_now": (alive.mean(), alive.std()),
        "alive_at_end": (stays.mean(), stays.std()),
    }
    for name, (mean, spread) in simulated.items():
        assert found[name] == pytest.approx(mean, abs=4 * spread / np.sqrt(replicates)), name
    inside = expected_kpis(forecast).set_index("indicator").loc["p_no_purchase"]
    assert inside["lower"] < none.mean() < inside["upper"]
    assert none.std() < (inside["upper"] - inside["lower"]) / 3.29  # chance, and the parameters on top


def test_groups_add_up_to_everyone(forecast: Predictions) -> None:
    everyone = values(expected_kpis(forecast))
    by = expected_kpis(forecast, "channel")
    for name in ("value_per_customer", "clv_per_customer", "active_years", "p_no_purchase", "alive_at_end"):
        rows = by[by["indicator"] == name]
        assert (rows["value"] * rows["customers"]).sum() / 600 == pytest.approx(everyone[name], rel=1e-12)
    assert active_years(forecast).mean() == pytest.approx(everyone["active_years"], rel=1e-12)
    seen, whole = observed_by(forecast.summary, "channel"), values(observed_by(forecast.summary))
    rows = seen[seen["indicator"] == "relationship_duration"]
    assert (rows["value"] * rows["customers"]).sum() / 600 == pytest.approx(whole["relationship_duration"], rel=1e-12)


def test_limits_of_the_mean_hold_the_uncertainty_of_the_parameters(forecast: Predictions) -> None:
    found = expected_kpis(forecast).set_index("indicator")
    assert (found["mean_lower"] <= found["value"]).all()
    assert (found["value"] <= found["mean_upper"]).all()
    limits = forecast.mean_intervals(by=[], draws=300, seed=1).iloc[0]
    for side in ("lower", "upper"):
        exact = limits[f"value_mean_{side}"] / 600
        width = (limits["value_mean_upper"] - limits["value_mean_lower"]) / 600
        assert found.loc["value_per_customer", f"mean_{side}"] == pytest.approx(exact, abs=0.2 * width)


def test_standard_errors_of_what_was_observed_are_those_of_customers_drawn_again(forecast: Predictions) -> None:
    frame, rng = forecast.summary.frame, np.random.default_rng(4)
    found = observed_by(forecast.summary).set_index("indicator")["standard_error"]
    drawn: list[tuple[float, float, float]] = []
    for _ in range(600):
        some = frame.iloc[rng.integers(0, 600, 600)]
        orders = (some["frequency"] + 1).sum()
        years = some["T"].sum() * 7 / 365.25
        drawn.append((some["value_past"].sum() / orders, orders / years, some["recency"].mean() * 7 / 365.25))
    spread = np.std(drawn, axis=0)
    for name, exact in zip(("average_order_value", "purchase_frequency", "relationship_duration"), spread, strict=True):
        assert found[name] == pytest.approx(exact, rel=0.15)


def test_periods_count_every_purchase_and_cohorts_every_customer(log: pd.DataFrame, forecast: Predictions) -> None:
    history = kpi_history(forecast.summary, forecast.purchases, spend=forecast.spend, replicates=8)
    days: Any = log.drop_duplicates(["customer_id", "date"])
    one = history.periods[history.periods["indicator"] == "purchase_frequency"]
    assert history.period == "month"
    assert one["orders"].sum() == len(days)
    monthly = days.groupby(days["date"].dt.to_period("M")).size()
    assert one["orders"].tolist() == monthly.tolist()
    first = days.groupby("customer_id")["date"].min()
    spent = days.groupby(days["date"].dt.to_period("M"))["value"].sum() / monthly
    aov = history.periods[history.periods["indicator"] == "average_order_value"]
    assert aov["value"].to_numpy() == pytest.approx(spent.to_numpy(), rel=1e-9)
    start, end = pd.Timestamp("2023-09-01"), pd.Timestamp("2023-10-01")
    before = set(first.index[(first < start).to_numpy()])
    month = days[((days["date"] >= start) & (days["date"] < end)).to_numpy()]
    back = set(month["customer_id"]) & before
    share = history.periods[history.periods["indicator"] == "active_share"].set_index("start")["value"]
    assert share[start] == pytest.approx(len(back) / len(before))
    assert history.cohorts["customers"].sum() == 600
    repeats = (history.cohorts["customers"] * history.cohorts["repeats"]).sum()
    assert repeats == pytest.approx(len(days) - 600)


def test_the_band_holds_what_the_model_itself_makes(forecast: Predictions) -> None:
    history = kpi_history(forecast.summary, forecast.purchases, spend=forecast.spend, seed=1)
    known = history.periods.dropna(subset=["value"])
    inside = (known["outside"] == "").mean()
    assert inside > 0.75
    assert (known["lower"] <= known["expected"]).all()
    assert (known["expected"] <= known["upper"]).all()


@pytest.mark.parametrize(("rise", "kept"), [(0.2, 0.0), (0.0, 0.5), (-0.2, -0.2)])
def test_levers_are_those_of_futures_simulated_with_other_rates(
    forecast: Predictions, rise: float, kept: float
) -> None:
    found = value_levers(forecast)
    rng, replicates = np.random.default_rng(8), 600
    model: Any = forecast.purchases.model
    known, t = forecast.summary.frame, forecast.horizon.length(forecast.unit)
    x, T = known["frequency"].to_numpy(float), known["T"].to_numpy(float)
    p_alive = model.p_alive(x, known["recency"].to_numpy(float), T)
    worth = forecast.frame["expected_spend"].to_numpy(float) * forecast.margin
    r, alpha, a, b = model.updated(x, T)
    totals = []
    for _ in range(replicates):
        alive = rng.random(600) < p_alive
        rate, coin = rng.gamma(r) / alpha * (1 + rise), np.maximum(rng.beta(a * (1 - kept), b), 1e-300)
        wanted = rng.poisson(rate * t)
        last = np.ceil(rng.standard_exponential(600) / -np.log1p(-np.minimum(coin, 1 - 1e-15)))
        totals.append(float((np.where(alive, np.minimum(wanted, np.maximum(last, 1)), 0) * worth).sum()))
    simulated = found.surface[0, GRID.index(rise), GRID.index(kept)]
    assert simulated == pytest.approx(np.mean(totals), abs=4 * np.std(totals) / np.sqrt(replicates))


def test_levers_add_up_and_pay_for_rewards(forecast: Predictions) -> None:
    everyone, by = value_levers(forecast), value_levers(forecast, "channel")
    for name in ("base", "gain", "formula_base", "formula_gain"):
        sums = by.one_percent.groupby("lever")[name].sum()
        whole = everyone.one_percent.set_index("lever")[name]
        assert sums.to_numpy() == pytest.approx(whole[sums.index].to_numpy(), rel=1e-9)
    assert everyone.one_percent["base"].iloc[0] == pytest.approx(forecast.frame["value"].sum(), rel=1e-12)
    elasticity = everyone.one_percent.set_index("lever")["elasticity"]
    assert elasticity["order_value"] == pytest.approx(1.0)
    assert 0 < elasticity["retention"] < elasticity["frequency"] < 1
    for reward in everyone.rewards.itertuples():
        assert reward.formula_needed == pytest.approx(reward.reward / (0.4 - reward.reward))
        assert reward.frequency_needed > reward.formula_needed  # more purchases are more occasions to leave
    assert CURVE[0] == 0.0


def test_levers_are_those_of_the_published_expectation_at_other_rates() -> None:
    """Pareto/NBD, E[purchases] = r β ÷ (α (s − 1)) × (1 − (β ÷ (β + t))^(s − 1)), at what is known of each customer."""
    truth = ParetoNBD(0.8, 6.0, 0.9, 15.0)
    summary = clv.summarize(clv.simulate(truth, spend=SPEND, customers=600, start="2023-01-01", end="2024-06-30"))
    fits = [clv.fit(family, summary, method="mle") for family in ("pareto_nbd", "gamma_gamma")]
    here = clv.predict(fits[0], summary, spend=fits[1], margin=0.4)
    model: Any = here.purchases.model
    frame, t = here.frame, here.horizon.length(here.unit)
    x, T = frame["frequency"].to_numpy(float), frame["T"].to_numpy(float)

    def value(rate: float = 1.0, leaving: float = 1.0) -> float:
        alpha, beta = (model.alpha + T) / rate, (model.beta + T) / leaving
        mean = (model.r + x) * beta / (alpha * (model.s - 1)) * (1 - (beta / (beta + t)) ** (model.s - 1))
        return float((frame["p_alive"] * mean * frame["expected_spend"] * 0.4).sum())

    found = value_levers(here)
    gains = found.one_percent.set_index("lever")["gain"]
    assert gains["frequency"] == pytest.approx(value(rate=1.01) - value(), rel=1e-6)
    assert gains["retention"] == pytest.approx(value(leaving=0.99) - value(), rel=1e-6)
    formula = frame["formula_value"].sum()
    for offer in found.offers.itertuples():
        assert offer.gain == pytest.approx(value(leaving=1 - offer.prevented) - value(), rel=1e-6)
        assert offer.cost_per_customer == pytest.approx(offer.gain / 600)
        lost = 1 - offer.prevented
        assert offer.formula_cost_per_customer == pytest.approx(formula * (1 / lost - 1) / 600)
    for reward in found.rewards.itertuples():
        assert reward.frequency_needed == pytest.approx(reward.formula_needed, rel=1e-9)  # nobody leaves sooner for it


def test_a_reward_that_pays_leaves_the_value_as_it_was(forecast: Predictions, monkeypatch: pytest.MonkeyPatch) -> None:
    needed = value_levers(forecast).rewards.set_index("reward")["frequency_needed"]
    steps = (-0.2, -0.1, 0.0, *needed)  # the surface at these rises is the value that they bring
    monkeypatch.setattr("clvmodels.levers.GRID", steps)
    base, *more = value_levers(forecast).surface[0, 2:, 2]
    for reward, worth in zip(needed.index, more, strict=True):
        assert worth * (1 - reward / 0.4) == pytest.approx(base, rel=1e-4)


def test_a_stack_goes_wherever_a_family_goes(forecast: Predictions) -> None:
    from clvmodels.fitting.stack import stack_of

    summary = forecast.summary
    fits = {name: clv.fit(name, summary, method="mle") for name in ("bgnbd", "mbgnbd")}
    weights = {"bgnbd": 0.3, "mbgnbd": 0.5, "formula_customer": 0.2}
    stack = stack_of(fits, weights, summary, method="mle", shortest=13.0)
    stacked = clv.predict(stack, summary, spend=forecast.spend)
    found = values(expected_kpis(stacked))
    product = found["average_order_value"] * found["purchase_frequency"] * found["active_years"]
    assert product == pytest.approx(found["value_per_customer"], rel=1e-12)
    alone = [values(expected_kpis(clv.predict(fit, summary, spend=forecast.spend))) for fit in fits.values()]
    horizon = forecast.horizon.days / 365.25
    mixed = 0.3 * alone[0]["active_years"] + 0.5 * alone[1]["active_years"] + 0.2 * horizon
    assert found["active_years"] == pytest.approx(mixed, rel=1e-9)
    levers = value_levers(stacked).one_percent.set_index("lever")
    assert 0 < levers.loc["retention", "gain"] < levers.loc["frequency", "gain"] < levers.loc["order_value", "gain"]
    assert set(clv.compare_channels(stacked, "channel").table["channel"]) == {"search", "social"}
