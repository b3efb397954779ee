"""Do importance draws, NUTS, NumPy, PyTensor and ArviZ say the same, and what happens where one of them is missing?"""

from __future__ import annotations

import builtins
import importlib
import sys
import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.errors import ConvergenceError, DiagnosticWarning, InputError, MissingDependencyError
from clvmodels.fitting import Fit, fit, nuts
from clvmodels.fitting.bayes import fit_posterior
from clvmodels.fitting.data import spend_objective
from clvmodels.fitting.draws import Draws
from clvmodels.fitting.priors import PARAMETRISATIONS, Beta, Gamma, HalfNormal, LogNormal, Prior
from clvmodels.models import BGNBD, GammaGamma
from clvmodels.summary import Summary


@pytest.fixture(scope="module")
def cdnow() -> Summary:
    return clv.split("cdnow-sample", calibration_end="1997-09-30", holdout_end="1998-06-30").calibration


@pytest.fixture(scope="module")
def by_importance(cdnow: Summary) -> Fit:
    return fit(BGNBD, cdnow, method="posterior")


@pytest.fixture(scope="module")
def by_nuts(cdnow: Summary) -> Fit:
    """Ten seconds, nearly all of them Numba's."""
    return fit(BGNBD, cdnow, method="nuts", seed=1)


@pytest.fixture(scope="module")
def eight_customers() -> Summary:
    """Two of eight spend a hundred times what the others do: a posterior with a tail in every direction."""
    return Summary.from_frame(
        pd.DataFrame(
            {
                "customer_id": range(8),
                "frequency": [3, 2, 4, 1, 1, 1, 2, 3],
                "recency": 5.0,
                "T": 10.0,
                "monetary_value": [526, 167, 11465, 86, 367, 140, 70664, 474.0],
            }
        ),
        until="2024-12-31",
    )


@pytest.mark.slow
def test_nuts_agrees_with_importance_draws(by_importance: Fit, by_nuts: Fit) -> None:
    """Means within four Monte Carlo standard errors, standard deviations within four of theirs, in logarithms."""
    one, other = by_importance.posterior, by_nuts.posterior
    assert one is not None
    assert other is not None
    assert (by_nuts.method, by_nuts.diagnostics["asked"], other.chains) == ("nuts", "nuts", 4)
    assert by_nuts.diagnostics["k_hat"] is None
    assert by_nuts.diagnostics["r_hat"] < 1.01
    assert by_nuts.verdict.startswith("converged: R̂ 1.0")
    error = np.sqrt(1 / one.ess + 1 / other.ess)
    spread = np.sqrt(np.diag(by_importance.covariance))
    gap = one.weights @ one.log_parameters - other.weights @ other.log_parameters
    np.testing.assert_allclose(gap / spread, 0, atol=4 * error)
    np.testing.assert_allclose(np.sqrt(np.diag(by_nuts.covariance)) / spread, 1, atol=4 * error)
    assert by_nuts.log_likelihood == pytest.approx(by_importance.log_likelihood, abs=0.05)


@pytest.mark.slow
def test_nuts_draws_come_back_from_a_file(by_nuts: Fit, tmp_path: Path) -> None:
    clv.save(by_nuts, tmp_path / "fit.json")
    loaded = clv.load(tmp_path / "fit.json")
    assert isinstance(loaded, Fit)
    assert loaded.posterior is not None
    assert by_nuts.posterior is not None
    for name in ("u", "log_parameters", "weights"):
        assert getattr(loaded.posterior, name).tobytes() == getattr(by_nuts.posterior, name).tobytes()
    assert loaded.diagnostics == by_nuts.diagnostics
    assert loaded.verdict == by_nuts.verdict


@pytest.mark.slow
def test_a_failed_certificate_goes_to_nuts_by_itself(eight_customers: Summary) -> None:
    words = r"Gamma-Gamma: with 8 customers the posterior is too skewed for importance draws \(Pareto k̂ 0\.\d\d, limit"
    with pytest.warns(DiagnosticWarning, match=words + r" 0\.70\); sampled with NUTS instead\."):
        one = fit(GammaGamma, eight_customers, method="posterior", seed=5)
    assert one.posterior is not None
    assert (one.method, one.diagnostics["asked"], one.posterior.chains) == ("nuts", "posterior", 4)
    assert one.diagnostics["r_hat"] < 1.01
    assert one.converged
    assert np.exp(one.posterior.log_parameters[:, 1]).min() > 1


@pytest.mark.parametrize("prior", [LogNormal(-0.4, 1.3), Gamma(2.5, 0.8), HalfNormal(1.7), Beta(0.6, 3.0)], ids=repr)
def test_priors_are_pymcs(prior: Prior) -> None:
    """The same name with the same arguments is the same density in PyMC."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pm = importlib.import_module("pymc")
    values = np.array([0.02, 0.3, 0.5, 0.9])
    theirs = pm.logp(getattr(pm, type(prior).__name__).dist(**asdict(prior)), values).eval(mode="FAST_COMPILE")
    np.testing.assert_allclose(prior.distribution.logpdf(values), theirs, rtol=1e-6)


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Python without some packages."""
    real = builtins.__import__

    def take_away(*names: str) -> None:
        def without_them(name: str, *rest: Any, **more: Any) -> Any:
            if name.split(".")[0] in names:
                raise ImportError(f"No module named {name!r}", name=name)
            return real(name, *rest, **more)

        monkeypatch.setattr(builtins, "__import__", without_them)
        for name in names:  # None: import_module says that there is no such module
            for loaded in [name, *(module for module in sys.modules if module.startswith(f"{name}."))]:
                monkeypatch.setitem(sys.modules, loaded, None)

    return take_away


def test_without_pymc(without: Callable[..., None], cdnow: Summary, eight_customers: Summary) -> None:
    without("pymc", "nutpie")
    assert fit(BGNBD, cdnow, method="posterior").converged  # which does not need it
    with pytest.raises(
        MissingDependencyError,
        match=r"^NUTS needs PyMC and nutpie \(nutpie is missing\)\. Type: pip install 'clvmodels\[bayes\]'$",
    ):
        fit(BGNBD, cdnow, method="nuts")
    with pytest.raises(
        MissingDependencyError,
        match=r"too skewed for importance draws \(Pareto k̂ .*\), so NUTS is needed\. NUTS needs PyMC and nutpie .* Or "
        "choose --method mle",
    ):
        fit(GammaGamma, eight_customers, method="posterior", seed=5)


def test_without_arviz(without: Callable[..., None], cdnow: Summary, by_importance: Fit) -> None:
    without("arviz", "arviz_stats")
    with pytest.raises(MissingDependencyError, match=r"certified by ArviZ.* pip install .*, or choose --method mle"):
        fit(BGNBD, cdnow, method="posterior")
    with pytest.raises(MissingDependencyError, match=r"ArviZ is not installed\. Type: pip install 'clvmodels"):
        by_importance.to_arviz()


def test_chains_that_do_not_mix(monkeypatch: pytest.MonkeyPatch, eight_customers: Summary) -> None:
    """Sampled twice, the second time longer; then refused in words, with the draws on the exception."""
    parametrisation = PARAMETRISATIONS["gamma_gamma"]
    objective, _ = spend_objective(eight_customers)
    asked = []

    def stuck(counts: Any, scale: float, **how: Any) -> Draws:
        asked.append(how)
        u = np.repeat([[0.0, 0.1, 0.2], [3.0, 3.1, 3.2]], 50, axis=0)
        logs = parametrisation.model(u, scale).log_vector
        return Draws(GammaGamma, u, logs, np.full(100, 0.01), 2, r_hat=3.1, bulk_ess=2.2, tail_ess=9.0, divergences=7)

    monkeypatch.setattr(nuts, "compile_model", lambda *_: SimpleNamespace(sample=stuck))
    monkeypatch.setattr("clvmodels.fitting.bayes.compile_model", nuts.compile_model)
    words = (
        r"Gamma-Gamma did not converge: R̂ 3\.100 \(should be < 1\.01\), 100 draws in 2 chains are worth 2, in the "
        r"tails 9 \(should be ≥ 200\), 7 divergences \(should be < 1\)"
    )
    with pytest.raises(ConvergenceError, match=words) as caught:
        fit_posterior(objective, parametrisation, eight_customers, method="nuts", seed=3)
    assert not caught.value.fit.converged
    assert asked == [{"seed": 3}, {"seed": 4, "tune": 2000, "draws": 4000, "thin": 4}]


@pytest.fixture(scope="module")
def az() -> Any:
    with warnings.catch_warnings():  # ArviZ 0.x announces 1.x
        warnings.simplefilter("ignore")
        return importlib.import_module("arviz")


@pytest.mark.parametrize("name", ["bgnbd", "gamma_gamma"])
def test_arviz_takes_a_posterior(name: str, az: Any, cdnow: Summary) -> None:
    """ArviZ's means are ours, its container holds what is named, and leave-one-out counts about k parameters."""
    one = fit(name, cdnow, method="posterior")
    data = one.to_arviz(draws=1000, seed=2)
    table = az.summary(data)
    mean = table["mean"].astype(float)  # ArviZ 1.x rounds in words
    assert one.posterior is not None
    for i, parameter in enumerate(one.parameters):
        assert mean[parameter] == pytest.approx(one.posterior.mean[i], abs=0.1 * one.posterior.sd[i] + 0.01)
    seen = "frequency" if one.model.kind == "purchases" else "monetary_value"
    observed = np.asarray(data.observed_data[seen])
    assert observed.shape == (one.n_customers,)
    simulated = np.asarray(data.posterior_predictive[seen])
    assert simulated.shape == (4, 250, one.n_customers)
    assert np.median(simulated) == pytest.approx(np.median(observed), rel=0.2)
    pointwise = np.asarray(data.log_likelihood[seen])
    assert pointwise.sum(axis=-1).mean() == pytest.approx(one.log_likelihood, abs=8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loo = az.loo(data)
    elpd = float(getattr(loo, "elpd_loo", None) or loo.elpd)
    parameters = float(getattr(loo, "p_loo", None) or loo.p)
    assert one.log_likelihood - 3 * len(one.parameters) < elpd < one.log_likelihood
    assert 0.5 * len(one.parameters) < parameters < 2.5 * len(one.parameters)


def test_arviz_compares_models(az: Any, cdnow: Summary) -> None:
    """A BG/NBD held to homogeneous customers is worse, by what the likelihood says."""
    free = fit(BGNBD, cdnow, method="posterior")
    held = fit(BGNBD, cdnow, method="posterior", priors={"shape": LogNormal(3, 0.05)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = az.compare({"free": free.to_arviz(draws=400), "held": held.to_arviz(draws=400)})
    assert list(table.index) == ["free", "held"]
    gap = float(table.loc["held", "elpd_diff"])
    assert abs(gap) == pytest.approx(free.log_likelihood - held.log_likelihood, rel=0.1)


@pytest.mark.slow
def test_arviz_takes_nuts(az: Any, by_nuts: Fit) -> None:
    data = by_nuts.to_arviz(draws=800)
    assert np.asarray(data.posterior["r"]).shape == (4, 200)
    assert float(np.asarray(data.posterior["r"]).mean()) == pytest.approx(0.243, abs=0.004)
    assert "b" in az.summary(data).index


def test_arviz_needs_draws_and_data(by_importance: Fit, cdnow: Summary, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="ArviZ needs draws and data, and this fit has no posterior"):
        fit(BGNBD, cdnow).to_arviz()
    clv.save(by_importance, tmp_path / "fit.json")
    loaded = clv.load(tmp_path / "fit.json")
    assert isinstance(loaded, Fit)
    with pytest.raises(InputError, match="was loaded from a file, which keeps no data"):
        loaded.to_arviz()
    with pytest.raises(InputError, match=r"do not fit into memory as one array\. Ask for fewer draws: to_arviz\("):
        by_importance.to_arviz(draws=10**6)
