"""Do earlier cut-offs, scores, weights and the choice obey their definitions?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clvmodels.bootstrap import holm, two_sided
from clvmodels.choice import choose
from clvmodels.choice.origins import origins_of
from clvmodels.choice.scoring import scored
from clvmodels.choice.weights import best_weights
from clvmodels.models import BGNBD, NBD, GammaGamma
from clvmodels.models import FAMILIES as ALL
from clvmodels.models.blend import Blend
from clvmodels.models.formula_rate import FormulaRate, NobodyReturns
from clvmodels.outcomes import PurchaseOutcomes
from clvmodels.prediction import predict
from clvmodels.simulation import simulate
from clvmodels.summary import Summary, summarize

FAMILIES = ["bgnbd", "mbgnbd", "nbd"]


@pytest.fixture(scope="module")
def log() -> pd.DataFrame:
    return simulate(
        BGNBD(0.5, 6, 0.8, 2.5), spend=GammaGamma(6, 4, 15), customers=400, start="2024-01-01", end="2024-12-31", seed=3
    )


@pytest.fixture(scope="module")
def summary(log: pd.DataFrame) -> Summary:
    return summarize(log, until="2024-12-31")


def test_an_origin_is_what_was_known_then(log: pd.DataFrame, summary: Summary) -> None:
    days = pd.to_datetime(log["date"])
    for origin in origins_of(summary):
        cutoff = pd.Timestamp(origin.cutoff)
        before = log[days <= cutoff]
        direct = summarize(before, until=origin.cutoff).frame
        assert origin.known.frame["frequency"].tolist() == direct["frequency"].tolist()
        np.testing.assert_allclose(origin.known.frame["T"], direct["T"])
        after = log[(days > cutoff) & log["customer_id"].isin(before["customer_id"])]
        assert origin.purchases.sum() == len(after)
        assert origin.value is not None
        assert origin.value.sum() == pytest.approx(after["value"].sum())
        assert len(origin.purchases) == before["customer_id"].nunique()


def test_scores_are_those_of_the_mixture(summary: Summary) -> None:
    origin = origins_of(summary, [0.6])[0]
    members = BGNBD(0.5, 6, 0.8, 2.5), NBD(0.4, 9), FormulaRate(13.0, 1)
    weights = np.array([0.5, 0.3, 0.2])
    judged = scored(origin, dict(zip(("one", "two", "three"), members, strict=True)))
    frame = origin.known.frame
    mixed = PurchaseOutcomes(Blend(tuple(weights), members), origin.t, frame["frequency"], frame["recency"], frame["T"])
    np.testing.assert_allclose(judged.log_score(weights), np.log(mixed.pmf(origin.purchases)), rtol=1e-9)
    np.testing.assert_allclose(judged.crps(weights), mixed.crps(origin.purchases), rtol=1e-7)
    assert judged.log_ratio(weights) == pytest.approx(np.log(mixed.mean.sum() / origin.purchases.sum()))


@given(st.integers(0, 1000))
def test_weights_are_the_best_there_are(seed: int) -> None:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(4, 9)) + 0.5
    products = root @ root.T
    weights = best_weights(products)
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1)
    others = rng.dirichlet(np.full(4, 0.5), 300)
    best = np.einsum("ki,ij,kj->k", others, products, others).min()
    assert weights @ products @ weights <= best * 1.02 + 1e-9  # what is below 2 % is left out


def test_members_that_say_the_same_count_once() -> None:
    products = np.array([[1.0, 1.0, 0.5], [1.0, 1.0, 0.5], [0.5, 0.5, 2.0]])
    assert best_weights(products).round(2).tolist() == [0.75, 0.0, 0.25]


def test_a_formula_in_a_blend_is_the_formula() -> None:
    x, T = np.array([0.0, 2, 7]), np.array([3.0, 20, 40])
    with_first = FormulaRate(13.0, 1).expected_purchases(26, x, 0, T)
    np.testing.assert_allclose(with_first, (x + 1) / np.maximum(T, 13) * 26)
    repeats = FormulaRate(13.0, 0)
    np.testing.assert_allclose(repeats.expected_purchases(26, x, 0, T), x / np.maximum(T, 13) * 26, atol=1e-8)
    assert float(repeats.pmf(0, 26, 0, 0, 40)) == pytest.approx(1)
    days = FormulaRate(13.0, 1).rescale(7)
    np.testing.assert_allclose(days.expected_purchases(182, x, 0, 7 * T), with_first)


def test_nobody_in_a_blend_never_buys() -> None:
    x, t_x, T = np.array([0.0, 2, 7]), np.array([0.0, 3, 39]), np.array([3.0, 20, 40])
    nobody, alive = NobodyReturns(13.0), NBD(0.4, 9)
    assert nobody.expected_purchases(26, x, t_x, T).tolist() == [0, 0, 0]
    assert nobody.pmf(0, 26, x, t_x, T).tolist() == [1, 1, 1]
    assert nobody.sample(26, x, t_x, T, seed=1).tolist() == [0, 0, 0]
    assert nobody.rescale(7) == NobodyReturns(91.0)
    mixed = PurchaseOutcomes(Blend((0.7, 0.3), (alive, nobody)), 26, x, t_x, T)
    alone = PurchaseOutcomes(alive, 26, x, t_x, T)
    np.testing.assert_allclose(mixed.mean, 0.7 * alone.mean)
    np.testing.assert_allclose(mixed.pmf(2), 0.7 * alone.pmf(2))
    np.testing.assert_allclose(mixed.p_alive, 0.7)
    np.testing.assert_allclose(mixed.mean_square, mixed.mean**2)  # one world, in which a share is lost by chance


@pytest.fixture(scope="module")
def comers_and_goers() -> Summary:
    """1,000 customers who buy for six weeks, each at a pace of their own, are away for seven months, and come back."""
    rng, days = np.random.default_rng(4), 900
    rows = []
    for customer in range(1000):
        at, pace = rng.uniform(0, 600), rng.gamma(1.2, 1 / 20)
        rows.append((customer, at))
        while at < days:
            stay = rng.exponential(45)
            rows += [(customer, at + one) for one in stay * rng.random(rng.poisson(stay * pace)) if at + one < days]
            at += stay + rng.exponential(200)
    log = pd.DataFrame(rows, columns=["customer_id", "day"])
    dates = pd.Timestamp("2022-01-01") + pd.to_timedelta(log["day"].astype(int), unit="D")
    return summarize(log.assign(date=dates)[["customer_id", "date"]], until="2024-06-18")


@pytest.mark.filterwarnings("ignore::clvmodels.errors.DiagnosticWarning")
def test_where_customers_come_back_some_are_lost_unseen(comers_and_goers: Summary) -> None:
    """A family that lets customers leave calls the silent dead to get the total right: the stack need not."""
    choice = choose(comers_and_goers, families=["bgnbd", "nbd"])
    assert choice.family == "stack"
    assert choice.weights["zero"] == pytest.approx(0.2, abs=0.07)
    assert choice.weights["bgnbd"] < 0.5  # without that member 0.67
    stack = choice.fit(comers_and_goers)
    assert stack.parameters == pytest.approx(dict(choice.weights))
    assert float(stack.model.p_alive(3, 30, 30)) < 0.8
    totals = predict(stack, comers_and_goers, horizon="6 months").totals
    assert totals.purchases_lower > totals.purchases / 3  # some are lost, but no world is feared in which all are


@pytest.mark.filterwarnings("ignore::clvmodels.errors.DiagnosticWarning")
def test_the_model_that_made_the_data_is_not_far_from_the_winner(summary: Summary) -> None:
    choice = choose(summary, families=FAMILIES)
    league = choice.league.set_index("predictor")
    assert league.loc["bgnbd", "log_score_upper"] >= 0
    assert league.loc["nbd", "log_score_upper"] < 0  # nobody leaves: found out
    assert choice.spend in {"gamma_gamma", "gamma_gamma_first"}
    assert "zero" not in choice.weights  # who leaves is told by the family
    frame = choice.fit(summary).model
    assert frame.kind == "purchases"


def test_the_unit_of_time_and_of_money_changes_no_choice(log: pd.DataFrame, summary: Summary) -> None:
    days = summarize(log.assign(value=log["value"] * 1000), until="2024-12-31", unit="day")
    one, other = choose(summary, families=FAMILIES), choose(days, families=FAMILIES)
    assert (one.family, one.spend) == (other.family, other.spend)
    assert list(one.weights) == list(other.weights)
    np.testing.assert_allclose(list(one.weights.values()), list(other.weights.values()), atol=0.01)


def test_by_the_day_no_family_for_opportunities_is_chosen(log: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report runs through time, and a log counted in days would do for BG/BB: auto must not take it unasked."""
    asked: list[list[str]] = []

    def fitted(names: list[str], origin: object) -> tuple[dict[str, object], dict[str, str]]:
        asked.append(list(names))
        return {}, dict.fromkeys(names, "not now")

    monkeypatch.setattr("clvmodels.choice.deciding.fitted", fitted)
    choice = choose(summarize(log, until="2024-12-31", unit="day"), shares=[0.5])
    assert set(asked[0]) == {name for name, kind in ALL.items() if kind.kind == "purchases"} - {"bgbb"}
    assert choice.family == "bgnbd"


@pytest.mark.filterwarnings("ignore::clvmodels.errors.DiagnosticWarning")
def test_a_short_log_is_not_judged(log: pd.DataFrame) -> None:
    short = summarize(log[pd.to_datetime(log["date"]) <= "2024-02-10"], until="2024-02-10")
    choice = choose(short)
    assert (choice.family, choice.spend, dict(choice.weights)) == ("bgnbd", "gamma_gamma_first", {})
    assert "without a choice" in choice.reason
    assert choice.fit(short).model.name == "bgnbd"


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_never_lowers_and_keeps_the_order(p_values: list[float]) -> None:
    p = np.array(p_values)
    adjusted = holm(p)
    assert np.all(adjusted >= p)
    assert np.all(np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0)
    assert np.all(adjusted <= np.minimum(p * p.size, 1) + 1e-12)


def test_p_values_are_those_of_the_normal_curve() -> None:
    rng = np.random.default_rng(1)
    estimate = np.array([0.0, 1.0, 2.0, 0.5, np.nan])
    resampled = estimate[:, None] + rng.normal(size=(5, 4000)) * np.array([1, 1, 1, 0, 1])[:, None]
    found = two_sided(estimate, resampled)
    np.testing.assert_allclose(found[:3], [1.0, 0.317, 0.0455], atol=0.02)
    assert found[3] == 0
    assert np.isnan(found[4])
