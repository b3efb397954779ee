"""Do other programs, started elsewhere and written by others, come to the same estimates?"""

from __future__ import annotations

import sys
import warnings
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

import clvmodels as clv
from clvmodels.errors import DiagnosticWarning
from clvmodels.fitting import Fit, fit
from clvmodels.fitting.data import spend_data
from clvmodels.fitting.oracle import lifetimes_opinion
from clvmodels.models import BGNBD, GammaGamma
from clvmodels.summary import Summary


@pytest.fixture(scope="module")
def cdnow() -> Summary:
    return clv.split("cdnow-sample", calibration_end="1997-09-30", holdout_end="1998-06-30").calibration


@pytest.fixture(scope="module")
def fits(cdnow: Summary) -> tuple[Fit, Fit]:
    return fit(BGNBD, cdnow), fit(GammaGamma, cdnow)


def test_generic_minimiser(cdnow: Summary, fits: tuple[Fit, Fit]) -> None:
    """Nelder–Mead on the families' own likelihood, without gradient, standardisation or patterns."""
    frame = cdnow.frame
    rfm = [frame[name].to_numpy(float) for name in ("frequency", "recency", "T")]
    for ours, columns in zip(fits, (rfm, spend_data(cdnow)[0]), strict=True):
        family = type(ours.model)
        found = optimize.minimize(
            lambda log, family=family, columns=columns: -family.from_log(log).log_likelihood(*columns).sum(),
            np.zeros(len(ours.parameters)),
            method="Nelder-Mead",
            options={"xatol": 1e-6, "fatol": 1e-8, "maxfev": 4000, "maxiter": 4000},
        )
        assert -found.fun == pytest.approx(ours.log_likelihood, abs=1e-6)
        np.testing.assert_allclose(np.exp(found.x), list(ours.parameters.values()), rtol=1e-4)


def test_lifetimes_agrees(cdnow: Summary, fits: tuple[Fit, Fit]) -> None:
    opinion = lifetimes_opinion(cdnow, *fits)
    assert opinion.engine == "lifetimes"
    assert opinion.log_likelihood == pytest.approx(fits[0].log_likelihood, abs=1e-6)
    assert opinion.max_relative_difference is not None
    assert opinion.max_relative_difference < 1e-5
    assert list(opinion.parameters) == ["r", "alpha", "a", "b", "p", "q", "v"]
    assert opinion.note.count("the same log-likelihood to .001") == 2


def test_lifetimes_leaves_no_trace(cdnow: Summary, fits: tuple[Fit, Fit], capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the option is deprecated
        before = pd.get_option("mode.chained_assignment")
        pd.set_option("mode.chained_assignment", "raise")
    for name in [name for name in sys.modules if name.split(".")[0] == "lifetimes"]:
        del sys.modules[name]  # so that importing it does its worst again
    filters, errors = list(warnings.filters), np.geterr()
    lifetimes_opinion(cdnow, fits[0])
    assert warnings.filters == filters
    assert np.geterr() == errors
    assert capsys.readouterr() == ("", "")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        after = pd.get_option("mode.chained_assignment")
        pd.set_option("mode.chained_assignment", before)
    assert after == "raise"


def test_lifetimes_failure_is_an_opinion(
    cdnow: Summary, fits: tuple[Fit, Fit], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken:
        def __init__(self, **_: object) -> None: ...

        def fit(self, *_: object, **__: object) -> None:
            print("noise")  # noqa: T201
            raise ArithmeticError("\nThe model did not converge.\n")

    monkeypatch.setitem(sys.modules, "lifetimes", SimpleNamespace(BetaGeoFitter=Broken))
    opinion = lifetimes_opinion(cdnow, fits[0])
    assert opinion.log_likelihood is None
    assert opinion.max_relative_difference is None
    assert opinion.parameters == {}
    assert opinion.note == "lifetimes gives no BG/NBD estimate: ArithmeticError, The model did not converge."
    assert capsys.readouterr().out == ""


def test_lifetimes_gets_a_second_chance(cdnow: Summary, fits: tuple[Fit, Fit], monkeypatch: pytest.MonkeyPatch) -> None:
    class Choosy:
        def __init__(self, **_: object) -> None: ...

        def fit(self, *_: object, tol: float, **__: object) -> object:
            if tol < 1e-6:
                raise ArithmeticError("precision loss")
            return SimpleNamespace(params_={name: 1.001 * value for name, value in fits[0].parameters.items()})

    monkeypatch.setitem(sys.modules, "lifetimes", SimpleNamespace(BetaGeoFitter=Choosy))
    opinion = lifetimes_opinion(cdnow, fits[0])
    assert opinion.max_relative_difference == pytest.approx(0.001)
    assert opinion.note.startswith("lifetimes' BG/NBD estimates (after a failure, with its tolerance loosened) have ")


def test_a_difference_beyond_itself_is_told_as_a_factor(cdnow: Summary, fits: tuple[Fit, Fit]) -> None:
    """Where a is next to nothing, the other's may be six hundred times as large: nobody reads "627 (relative)"."""
    far = BGNBD(**{**fits[0].parameters, "a": fits[0].parameters["a"] / 250})
    opinion = lifetimes_opinion(cdnow, replace(fits[0], model=far))
    assert opinion.note.endswith("r, alpha, a, b differ by a factor of up to 250.")


def test_what_is_not_identified_is_not_compared(fits: tuple[Fit, Fit]) -> None:
    """Everybody buys at one rate and leaves with one probability: r, alpha, a, b could be anything."""
    rng = np.random.default_rng(3)
    n = 400
    wanted, last = rng.poisson(2.0, n), rng.geometric(0.3, n)
    x = np.minimum(wanted, last)
    t_x = np.where(x == 0, 0, 20 * rng.random(n) ** 0.3)
    frame = pd.DataFrame({"customer_id": range(n), "frequency": x, "recency": t_x, "T": 20.0})
    summary = Summary.from_frame(frame, until="2024-12-31")
    with pytest.warns(DiagnosticWarning):
        ours = fit(BGNBD, summary)
    opinion = lifetimes_opinion(summary, ours)
    unknown = [name for name, error in ours.standard_errors.items() if error is None]
    assert unknown
    assert not any(f"{name}, " in opinion.note.partition(";")[2] for name in unknown)


def test_of_many_customers_both_programs_fit_the_same_few(cdnow: Summary, fits: tuple[Fit, Fit]) -> None:
    opinion = lifetimes_opinion(cdnow, *fits, asked=900, seed=1)
    assert opinion.note.endswith(f"Both programs fitted 900 of {len(cdnow.frame):,} customers, drawn at random.")
    assert opinion.ours.n_customers == 900
    assert opinion.log_likelihood == pytest.approx(opinion.ours.log_likelihood, abs=1e-3)
    assert opinion.max_relative_difference is not None
    assert opinion.max_relative_difference < 1e-3
    assert opinion.ours.parameters["r"] != fits[0].parameters["r"]  # of other customers
    everyone = lifetimes_opinion(cdnow, *fits)
    assert everyone.ours is fits[0]
    assert "drawn at random" not in everyone.note


def test_each_purchase_family_is_compared_with_its_own(cdnow: Summary) -> None:
    opinion = lifetimes_opinion(cdnow, clv.fit("mbgnbd", cdnow))
    assert opinion.note.startswith("lifetimes' MBG/NBD estimates")
    assert opinion.max_relative_difference is not None
    assert opinion.max_relative_difference < 0.01
