"""Fits and customers that do not belong together are refused, all reasons at once, with what to type."""

from __future__ import annotations

import dataclasses

import pytest

import clvmodels as clv
from clvmodels.calendar import Horizon, as_date
from clvmodels.errors import InputError, UnitError
from clvmodels.fitting import Fit
from clvmodels.models import BGNBD, GammaGamma
from clvmodels.outcomes import PurchaseOutcomes
from clvmodels.summary import Summary


@pytest.fixture(scope="module")
def fits() -> tuple[Fit, Fit, Summary]:
    calibration = clv.split("cdnow-sample").calibration
    return clv.fit(BGNBD, calibration), clv.fit(GammaGamma, calibration), calibration


def test_units(fits: tuple[Fit, Fit, Summary]) -> None:
    days = clv.split("cdnow-sample", unit="day").calibration
    with pytest.raises(UnitError) as caught:
        clv.predict(fits[0], days)
    assert str(caught.value) == (
        "the fit is in weeks, the customers are summarised in days. Predictions would be wrong by a factor of 7. "
        'Summarise them with unit="week".'
    )


def test_swapped_fits(fits: tuple[Fit, Fit, Summary]) -> None:
    purchases, spend, summary = fits
    with pytest.raises(
        InputError, match=r"2 problems:\n(.|\n)*Gamma-Gamma is a model of spend(.|\n)*BG/NBD is a model of"
    ):
        clv.predict(spend, summary, spend=purchases)


def test_currencies(fits: tuple[Fit, Fit, Summary]) -> None:
    purchases, spend, summary = fits
    with pytest.raises(InputError, match="fitted in BRL, the customers' values are in USD"):
        clv.predict(purchases, summary, spend=dataclasses.replace(spend, currency="BRL"))


def test_values_missing(fits: tuple[Fit, Fit, Summary]) -> None:
    purchases, spend, summary = fits
    bare = Summary.from_frame(summary.frame[["customer_id", "frequency", "recency", "T"]], until="1997-09-30")
    with pytest.raises(InputError, match="no values"):
        clv.predict(purchases, bare, spend=spend)
    assert clv.predict(purchases, bare).totals.clv is None


@pytest.mark.parametrize("margin", [0.0, -0.2, 30.0, float("nan")])
def test_margins(fits: tuple[Fit, Fit, Summary], margin: float) -> None:
    with pytest.raises(InputError, match=r"margin is .* for 30% write 0.30"):
        clv.predict(fits[0], fits[2], spend=fits[1], margin=margin)


def test_rates_and_horizons(fits: tuple[Fit, Fit, Summary]) -> None:
    purchases, _, summary = fits
    with pytest.raises(InputError, match="Rates are annual fractions"):
        clv.predict(purchases, summary, discount_rate=10.0)
    with pytest.raises(InputError, match="would have no unit"):
        clv.predict(purchases, summary, horizon="39")
    gap = Horizon(as_date("1998-01-01"), as_date("1998-12-31"))
    with pytest.raises(InputError, match=r"starts on 1998-01-01, but customers are observed to 1997-09-30"):
        clv.predict(purchases, summary, horizon=gap)


def test_levels(fits: tuple[Fit, Fit, Summary]) -> None:
    outcomes = PurchaseOutcomes(fits[0].model, 39.0, [2], [30.0], [38.0])
    for p in (1.0, -0.1, [0.5, 1.5]):
        with pytest.raises(ValueError, match=r"p must be in \[0, 1\)"):
            outcomes.quantile(p)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": 90}, "level is 90. It is the share of cases inside the limits: for 90 % write 0.90."),
        ({"level": float("nan")}, "level is nan. It is the share of cases inside the limits: for 90 % write 0.90."),
        ({"draws": 20}, "draws is 20. Limits of a mean need a whole number of 100 draws or more."),
        ({"draws": 1e3}, "draws is 1000.0. Limits of a mean need a whole number of 100 draws or more."),
    ],
)
def test_limits_of_means(fits: tuple[Fit, Fit, Summary], options: dict[str, float], message: str) -> None:
    forecast = clv.predict(fits[0], fits[2])
    with pytest.raises(InputError) as caught:
        forecast.mean_intervals(**options)  # type: ignore[arg-type]
    assert str(caught.value) == f"the means have no such limits: {message}"
    with pytest.raises(InputError, match=r"'chanel' is not a column of the predictions\. Choose among customer_id, "):
        forecast.mean_intervals(by="chanel")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"purchases": (-1,)}, "-1 is no number of purchases. Ask for whole numbers from 0."),
        ({"purchases": (1.5,)}, "1.5 is no number of purchases. Ask for whole numbers from 0."),
        ({"values": (-2.0,)}, "-2.0 is no amount of value. Ask for numbers from 0."),
        ({"values": (float("nan"),)}, "nan is no amount of value. Ask for numbers from 0."),
        ({"top": 10}, "top is 10. It is a share of the customers: for the best 10 % write 0.10."),
    ],
)
def test_chances(fits: tuple[Fit, Fit, Summary], options: dict[str, object], message: str) -> None:
    forecast = clv.predict(fits[0], fits[2], spend=fits[1])
    with pytest.raises(InputError) as caught:
        forecast.probabilities(**options)  # type: ignore[arg-type]
    assert str(caught.value) == f"there are no such probabilities: {message}"
    with pytest.raises(InputError, match="hold no money"):
        clv.predict(fits[0], fits[2]).probabilities(values=[5])
