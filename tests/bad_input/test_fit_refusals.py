"""What a fit says when the data cannot tell anything."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from clvmodels.errors import DiagnosticWarning, InputError
from clvmodels.fitting import fit
from clvmodels.models import BGNBD, Family, GammaGamma
from clvmodels.summary import Patterns, Summary


def summary(frequency: list[float], recency: list[float], T: list[float], m: list[float] | None = None) -> Summary:
    frame = pd.DataFrame(
        {"customer_id": [f"c{i}" for i in range(len(T))], "frequency": frequency, "recency": recency, "T": T}
    )
    if m is not None:
        frame["monetary_value"] = m
    return Summary.from_frame(frame, until="1997-09-30", start="1997-01-01")


LATER = "Choose a later end (--until or --calibration-end)"
BG, GG = "BG/NBD cannot be fitted: ", "Gamma-Gamma cannot be fitted: "
NAN = float("nan")

REFUSED: dict[str, tuple[type[Family], Summary, str]] = {
    "one customer": (
        BGNBD,
        summary([2], [20], [30]),
        f"{BG}there is one customer up to 1997-09-30. The model learns from how customers differ: bring the log of "
        "many customers (some hundreds for useful standard errors).",
    ),
    "nobody watched": (
        BGNBD,
        summary([0, 0, 0], [0, 0, 0], [0, 0, 0]),
        f"{BG}all 3 customers first bought on 1997-09-30, the last day of observation, so nobody has had time to come "
        f"back. {LATER}.",
    ),
    "no repeat buyer": (
        BGNBD,
        summary([0, 0, 0], [0, 0, 0], [3, 0, 20]),
        f"{BG}none of the 3 customers bought on a second day up to 1997-09-30. Without a repeat buyer nothing tells "
        f"how often customers buy or when they leave. {LATER}, or bring a longer log.",
    ),
    "no money": (
        GammaGamma,
        summary([0, 2], [0, 5], [9, 9]),
        f"{GG}the log has no money. Name the column of order values (--value), or choose --spend none.",
    ),
    "nobody spent twice": (
        GammaGamma,
        summary([0, 0], [0, 0], [9, 9], [NAN, NAN]),
        f"{GG}no repeat buyer has a positive spend. The model learns from how repeat buyers differ: choose a later end "
        "(--until or --calibration-end), bring a longer log, or leave money out (--spend none).",
    ),
    "one spent": (
        GammaGamma,
        summary([0, 1, 3], [0, 2, 5], [9, 9, 9], [NAN, 12.0, 0.0]),
        f"{GG}one repeat buyer has a positive spend (1 spent nothing). The model learns from how repeat "
        "buyers differ: choose a later end (--until or --calibration-end), bring a longer log, or leave money out "
        "(--spend none).",
    ),
    "one price": (
        GammaGamma,
        summary([1, 2, 3], [2, 2, 5], [9, 9, 9], [9.99, 9.99, 9.995]),
        f"{GG}all 3 repeat buyers spend the same, 9.992 a purchase: there is no difference to model. Multiply expected "
        "purchases by that amount, and leave the model out (--spend none).",
    ),
    "negative and missing": (
        GammaGamma,
        summary([1, 2, 3, 0], [2, 2, 5, 0], [9, 9, 9, 9], [5, -19.98, NAN, NAN]),
        "Gamma-Gamma cannot be fitted; 2 problems:\n"
        "  1. monetary_value is missing or infinite for 1 of 3 repeat buyers (first: customer c2). Repair or drop "
        "their purchases without a value.\n"
        "  2. monetary_value is negative for 1 of 3 repeat buyers (lowest: -19.98, customer c1). A gamma distribution "
        "has no negative spend. Choose --returns net to subtract refunds from the purchase they belong to, or "
        "--returns drop.",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused(kind: str) -> None:
    family, data, words = REFUSED[kind]
    with pytest.raises(InputError) as caught:
        fit(family, data)
    assert str(caught.value) == words


def test_impossible_customers_are_all_named() -> None:
    """By whatever way they came in: `Summary` refuses them before."""
    x, t_x, T = np.array([[1, 0, 2, 2, 0], [5, 4, 12, 0, 0], [9, 9, 9, 9, 9.0]])
    data = summary([0, 1], [0, 1], [9, 9])
    data.__dict__["patterns"] = Patterns(x, t_x, T, np.ones(5, int))
    with pytest.raises(InputError) as caught:
        fit(BGNBD, data)
    lines = str(caught.value).splitlines()
    assert lines[0] == "BG/NBD cannot be fitted; 3 problems:"
    assert lines[1] == (
        "  1. 1 of 5 customers have a recency outside 0 … T (both count from the customer's first purchase); "
        "first: frequency 2, recency 12, T 9. Summarise the log with `summarize`."
    )
    assert "repeat purchases but recency 0" in lines[2]
    assert "no repeat purchase but a recency" in lines[3]


def test_one_time_buyers_dropped() -> None:
    rng = np.random.default_rng(3)
    x = rng.geometric(0.4, 200)
    data = summary(list(x), list(rng.uniform(1, 30, 200)), [30.0] * 200)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert fit(BGNBD, data).converged
    assert str(said[0].message) == (
        "BG/NBD: all 200 customers have bought again; were one-time buyers dropped? They are needed: without them "
        "rates come out too high. Summarise the whole log."
    )
    assert said[0].category is DiagnosticWarning
    assert said[0].filename == __file__  # points at the analyst's line


def test_customers_who_spent_nothing_are_counted() -> None:
    rng = np.random.default_rng(4)
    x = np.tile([1, 2, 3, 8], 100)
    m = 30 / rng.gamma(4, size=400) * rng.gamma(2 * x) / x
    m[:7] = 0
    one = fit(GammaGamma, summary(list(x), [5] * 400, [9] * 400, list(m)))
    assert one.n_customers == 393
    assert one.diagnostics["n_left_out"] == 7


@pytest.mark.parametrize("family", ["pareto", int, GammaGamma(1, 2, 3), None])
def test_unknown_family(family: object) -> None:
    with pytest.raises(InputError, match=r"is not known\. Choose bgnbd or "):
        fit(family, summary([0, 1], [0, 1], [2, 2]))  # type: ignore[arg-type]


def test_unknown_method() -> None:
    with pytest.raises(InputError, match=r"method 'map' is not known. Choose --method mle"):
        fit(BGNBD, summary([0, 1], [0, 1], [2, 2]), method="map")


def test_few_customers_still_fit() -> None:
    """Two customers, one repeat purchase: a fit without standard errors, not a NaN."""
    with pytest.warns(DiagnosticWarning) as said:
        one = fit(BGNBD, summary([0, 1], [0, 5], [10, 10]))
    assert {warning.filename for warning in said} == {__file__}
    assert one.converged
    assert np.isfinite(one.log_likelihood)
    assert all(np.isfinite(value) for value in one.parameters.values())
    assert set(one.standard_errors.values()) == {None}
