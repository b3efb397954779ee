"""Does a customer's card say what the forecast says, and its path what the model would have said on each day?"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

import clvmodels as clv
from clvmodels.cards import customer_card, customer_cards, telling
from clvmodels.errors import InputError
from clvmodels.formula import predict_by_formula
from clvmodels.prediction import Predictions
from clvmodels.summary import Summary


@pytest.fixture(scope="module")
def summary() -> Summary:
    return clv.summarize("cdnow-sample")


@pytest.fixture(scope="module", params=["bgnbd", "pareto_nbd"])
def forecast(request: pytest.FixtureRequest, summary: Summary) -> Predictions:
    method = "posterior" if request.param == "bgnbd" else "mle"
    fits = clv.fit(request.param, summary, method=method), clv.fit("gamma_gamma", summary, method=method)
    return clv.predict(fits[0], summary, spend=fits[1], margin=0.5)


def test_card_agrees_with_the_row(forecast: Predictions) -> None:
    for card in customer_cards(forecast, [*telling(forecast.frame).values(), 4]):
        row = card.row
        assert len(card.history) == row["frequency"] + 1
        assert card.path["purchases"].iloc[-1] == row["frequency"] + 1
        assert card.path["p_alive"].iloc[-1] == pytest.approx(row["p_alive"], rel=1e-10)
        assert card.path["date"].is_monotonic_increasing
        assert card.path["date"].iloc[-1].date() == forecast.summary.until
        assert card.history["value"].sum() == pytest.approx(row["value_past"])
        assert card.outcomes["probability"].sum() == pytest.approx(1)
        assert 1 - card.outcomes["probability"].iloc[0] == pytest.approx(row["p_active"], abs=1e-9)
        assert card.values is not None
        assert card.values[0.05] == pytest.approx(row["value_lower"])
        assert card.values[0.95] == pytest.approx(row["value_upper"])
        assert card.silence == pytest.approx(row["T"] - row["recency"])


def test_path_is_what_the_model_says_of_the_log_cut_on_that_day(forecast: Predictions) -> None:
    card = customer_card(forecast, 111)
    for at in (40, 90, len(card.path) - 2):
        day = card.path["date"].iloc[at].date()
        then = clv.predict(forecast.purchases, clv.summarize("cdnow-sample", until=day)).frame
        row = then[then["customer_id"] == 111].iloc[0]
        assert card.path["p_alive"].iloc[at] == pytest.approx(row["p_alive"], rel=1e-10)
        assert card.path["purchases"].iloc[at] == row["frequency"] + 1


def test_every_purchase_is_on_the_path_and_never_lowers_nobody(forecast: Predictions) -> None:
    card = customer_card(forecast, 111)
    assert set(card.history["date"]) <= set(card.path["date"])
    before = {day - dt.timedelta(days=1) for day in card.history["date"].iloc[1:]}
    assert before <= set(card.path["date"])
    assert card.path["p_alive"].between(0, 1).all()


def test_formula_of_a_card_is_the_formula(forecast: Predictions) -> None:
    formula = predict_by_formula(forecast.summary, forecast.horizon)["formula_customer"]
    cards = customer_cards(forecast, forecast.frame["customer_id"].iloc[[0, 7, 100]])
    said = [card.formula_purchases for card in cards]
    assert said == pytest.approx(list(formula.purchases[[0, 7, 100]]))


def test_telling_customers_are_told_once_each_and_depend_on_no_order(forecast: Predictions) -> None:
    chosen = telling(forecast.frame)
    assert list(chosen) == ["highest", "at_risk", "overrated", "silent"]
    assert len(set(chosen.values())) == 4
    assert chosen["highest"] == forecast.frame.loc[forecast.frame["value"].idxmax(), "customer_id"]
    assert telling(forecast.frame.sample(frac=1, random_state=1)) == chosen
    assert list(telling(forecast.frame.head(2))) == ["highest", "at_risk"]
    without = forecast.frame.drop(columns=["value", "formula_value"])
    assert list(telling(without)) == ["highest", "at_risk", "silent"]


def test_plain_card_is_json(forecast: Predictions) -> None:
    import json

    card = customer_card(forecast, "4")
    plain = json.loads(json.dumps(card.plain(), allow_nan=False))
    assert plain["first_purchase"] == "1997-01-01"
    assert plain["history"][0] == {"date": "1997-01-01", "value": pytest.approx(29.33)}
    assert np.isclose(sum(row["probability"] for row in plain["purchases_distribution"]), 1)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("0111", " Did you mean 111? "),
        ("9", " The first ids are 4, 18, 21. "),
        ("2300o", " Did you mean "),
    ],
)
def test_unknown_customer_names_those_most_like_it(forecast: Predictions, asked: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        customer_card(forecast, asked)
    assert str(refused.value).startswith(f"there is no customer {asked!r} among 2,357.{said}")
    assert str(refused.value).endswith("Ids are compared as text, capitals and leading zeros included.")
