"""Is a prior that cannot be one refused in words that say what to type?"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
import pytest

from clvmodels.errors import InputError
from clvmodels.fitting import fit
from clvmodels.fitting.before_data import prior_predictive
from clvmodels.fitting.priors import Beta, Gamma, HalfNormal, LogNormal
from clvmodels.summary import Summary


@pytest.fixture(scope="module")
def summary() -> Summary:
    frame = pd.DataFrame(
        {
            "customer_id": range(6),
            "frequency": [0, 0, 1, 3, 2, 0],
            "recency": [0, 0, 3.0, 8.0, 2.0, 0],
            "T": 10.0,
            "monetary_value": [math.nan, math.nan, 12.0, 30.0, 9.0, math.nan],
        }
    )
    return Summary.from_frame(frame, until="2024-12-31")


ASKED: dict[str, tuple[str, dict[str, Any], str]] = {
    "unknown quantity": (
        "bgnbd",
        {"alpha": LogNormal(0, 1)},
        r"BG/NBD has no quantity 'alpha' to put a prior on\. It has shape: r, small when .*; dropout: a / \(a \+ b\)",
    ),
    "quantity of another family": (
        "gamma_gamma",
        {"dropout": Beta(1, 1)},
        r"Gamma-Gamma has no quantity 'dropout' .* It has p: .*; q_above_1: q − 1",
    ),
    "a positive prior for a fraction": (
        "bgnbd",
        {"dropout": LogNormal(0, 1)},
        r"BG/NBD: the prior of 'dropout' \(a / \(a \+ b\), the share that leaves after a purchase\) is "
        r"LogNormal\(mu=0\.0, sigma=1\.0\), and it must be Beta from clvmodels\.fitting\.priors\. The default is Beta",
    ),
    "a fraction for a positive quantity": (
        "bgnbd",
        {"rate": Beta(2, 2)},
        r"must be LogNormal or Gamma or HalfNormal from clvmodels\.fitting\.priors",
    ),
    "a number": ("bgnbd", {"rate": 3.0}, r"the prior of 'rate' .* is 3\.0, and it must be LogNormal or Gamma"),
    "a name": ("gamma_gamma", {"p": "normal"}, r"is 'normal', and it must be LogNormal"),
    "a class": ("gamma_gamma", {"p": LogNormal}, "and it must be LogNormal or Gamma or HalfNormal"),
}


@pytest.mark.parametrize("kind", ASKED)
@pytest.mark.parametrize("use", ["fit", "prior_predictive"])
def test_priors_that_do_not_fit(kind: str, use: str, summary: Summary) -> None:
    family, priors, words = ASKED[kind]
    ask = partial(fit, method="posterior") if use == "fit" else prior_predictive
    with pytest.raises(InputError, match=words):
        ask(family, summary, priors=priors)


ARGUMENTS: dict[str, tuple[Callable[[], Any], str]] = {
    "negative width": (
        lambda: LogNormal(0, -1),
        r"LogNormal\(mu=.*, sigma=-1\) is no prior: sigma must be",
    ),
    "no width": (lambda: HalfNormal(0), "sigma must be a positive, finite number"),
    "infinite rate": (lambda: Gamma(1, math.inf), "beta must be a positive, finite number"),
    "missing centre": (lambda: LogNormal(math.nan, 1), "mu must be a finite number"),
    "text": (lambda: Beta("1", 2), r"Beta\(alpha='1', beta=2\) is no prior: alpha must be a positive, finite number"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("kind", ARGUMENTS)
def test_arguments_of_priors(kind: str) -> None:
    make, words = ARGUMENTS[kind]
    with pytest.raises(InputError, match=words):
        make()


def test_maximum_likelihood_has_no_priors(summary: Summary) -> None:
    with pytest.raises(InputError, match=r'maximum likelihood has no priors\. Choose method="posterior", or leave'):
        fit("bgnbd", summary, priors={"dropout": Beta(1, 1)})


def test_unknown_method(summary: Summary) -> None:
    with pytest.raises(InputError, match=r"method 'mcmc' is not known\. Choose --method mle or --method posterior or"):
        fit("bgnbd", summary, method="mcmc")


def test_prior_predictive_of_nothing(summary: Summary) -> None:
    with pytest.raises(InputError, match=r"family 'magic' has no priors\. Choose bgnbd or"):
        prior_predictive("magic", summary)
    with pytest.raises(InputError, match=r"draws is 0\. Give a whole number, at least 1\."):
        prior_predictive("bgnbd", summary, draws=0)


def test_a_summary_that_cannot_be_fitted_cannot_be_sampled_either() -> None:
    alone = Summary.from_frame(
        pd.DataFrame({"customer_id": range(3), "frequency": 0, "recency": 0.0, "T": 10.0}), until="2024-12-31"
    )
    for ask in (lambda: fit("bgnbd", alone, method="posterior"), lambda: prior_predictive("bgnbd", alone)):
        with pytest.raises(InputError, match="none of the 3 customers bought on a second day"):
            ask()
    with pytest.raises(InputError, match="the log has no money"):
        fit("gamma_gamma", alone, method="posterior")
