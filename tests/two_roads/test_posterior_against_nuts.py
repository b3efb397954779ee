"""Are a second's importance draws and a long NUTS run the same posterior? Run this file to make the reference anew."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clvmodels as clv
from clvmodels.fitting import Fit, fit
from clvmodels.fitting.data import purchase_objective, spend_objective
from clvmodels.fitting.nuts import compile_model
from clvmodels.fitting.objective import Objective
from clvmodels.fitting.priors import PARAMETRISATIONS
from clvmodels.summary import Summary

REFERENCE = Path(__file__).with_name("nuts_reference.json")
"""Means, standard deviations and quantiles of a NUTS run worth 20,000 draws or more, and how it was made."""

SEED, CHAINS, TUNE, DRAWS = 20240229, 4, 2000, 20_000
FAMILIES = ("bgnbd", "gamma_gamma")
QUANTILES = (0.05, 0.5, 0.95)


def calibration() -> Summary:
    return clv.split("cdnow-sample", calibration_end="1997-09-30", holdout_end="1998-06-30").calibration


@pytest.fixture(scope="module")
def summary() -> Summary:
    return calibration()


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    return dict(json.loads(REFERENCE.read_text(encoding="utf-8")))


@pytest.fixture(scope="module", params=FAMILIES)
def case(request: pytest.FixtureRequest, summary: Summary, reference: dict[str, Any]) -> tuple[Fit, dict[str, Any]]:
    return fit(request.param, summary, method="posterior"), reference["posteriors"][request.param]


def test_the_reference_can_be_trusted(case: tuple[Fit, dict[str, Any]]) -> None:
    diagnostics = case[1]["diagnostics"]
    assert diagnostics["r_hat"] < 1.002
    assert min(diagnostics["bulk_ess"], diagnostics["tail_ess"]) >= 20_000
    assert diagnostics["divergences"] == 0


def test_the_reference_had_the_same_priors_and_data(case: tuple[Fit, dict[str, Any]]) -> None:
    ours, wanted = case
    assert ours.diagnostics["priors"] == wanted["priors"]
    assert (ours.sha256, ours.n_customers, ours.until.isoformat()) == tuple(wanted["data"].values())


def test_means_and_spreads_agree(case: tuple[Fit, dict[str, Any]]) -> None:
    """Means within .05 posterior standard deviations, standard deviations within 5 %, at 3,000 effective draws."""
    ours, wanted = case
    assert ours.posterior is not None
    assert ours.diagnostics["k_hat"] < 0.5
    assert ours.diagnostics["ess"] >= 3000
    sd = np.array([wanted["sd"][name] for name in ours.parameters])
    mean = np.array([wanted["mean"][name] for name in ours.parameters])
    np.testing.assert_allclose((ours.posterior.mean - mean) / sd, 0, atol=0.05)
    np.testing.assert_allclose(ours.posterior.sd / sd, 1, atol=0.05)


def test_quantiles_agree(case: tuple[Fit, dict[str, Any]]) -> None:
    """Within .1 posterior standard deviations, where the Monte Carlo error of the tails is some .03."""
    ours, wanted = case
    assert ours.posterior is not None
    sd = np.array(list(wanted["sd"].values()))
    for p in QUANTILES:
        np.testing.assert_allclose((ours.posterior.quantile(p) - wanted["quantiles"][f"{p:g}"]) / sd, 0, atol=0.1)


def make(name: str, summary: Summary) -> dict[str, Any]:
    objective: Objective = purchase_objective(summary) if name == "bgnbd" else spend_objective(summary)[0]
    parametrisation = PARAMETRISATIONS[name]
    data, counts = objective.rows()
    sampler = compile_model(parametrisation, data)
    draws = sampler.sample(counts, objective.scale, seed=SEED, chains=CHAINS, tune=TUNE, draws=DRAWS)
    names = parametrisation.family.parameter_names()
    return {
        "data": {"sha256": summary.sha256, "customers": objective.n_customers, "until": summary.until.isoformat()},
        "priors": {quantity.name: repr(quantity.prior) for quantity in parametrisation.quantities},
        "diagnostics": {
            "r_hat": draws.r_hat,
            "bulk_ess": draws.bulk_ess,
            "tail_ess": draws.tail_ess,
            "divergences": draws.divergences,
        },
        "mean": dict(zip(names, draws.mean.tolist(), strict=True)),
        "sd": dict(zip(names, draws.sd.tolist(), strict=True)),
        "quantiles": {f"{p:g}": draws.quantile(p).tolist() for p in QUANTILES},
    }


if __name__ == "__main__":
    summary_ = calibration()
    content = {
        "what": "posterior of the CDNOW sample up to 1997-09-30, time in weeks, money in dollars",
        "method": f"NUTS (nutpie on a PyMC model), {CHAINS} chains of {DRAWS} draws after {TUNE} of tuning",
        "seed": SEED,
        "versions": {package: version(package) for package in ("clvmodels", "pymc", "nutpie", "numpy")},
        "posteriors": {name: make(name, summary_) for name in FAMILIES},
    }
    REFERENCE.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
