"""Does a saved fit come back to the last bit, also from a file that an earlier version wrote?"""

from __future__ import annotations

import dataclasses
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.errors import InputError
from clvmodels.fitting import Fit, fit
from clvmodels.models import BGNBD, GammaGamma
from clvmodels.summary import Summary

GOLDEN = Path(__file__).with_name("fit_schema_1.json")
"""BG/NBD and Gamma-Gamma of the CDNOW sample up to 1997-09-30, as version 0.1.0 wrote them. Never rewrite it."""

GOLDEN_DRAWS = Path(__file__).with_name("fit_schema_2.json")
"""The same by method="posterior", with the first 32 of each fit's draws. Never rewrite it either."""


@pytest.fixture(scope="module")
def pair() -> tuple[Fit, Fit]:
    """A boundary fit (nulls) and one with q ≤ 1 (a second model)."""
    rng = np.random.default_rng(5)
    x = np.minimum(rng.poisson(3, 300), rng.geometric(0.3, 300))
    frame = pd.DataFrame({"customer_id": range(300), "frequency": x, "T": 30.0})
    frame["recency"] = np.where(x > 0, 30 * rng.random(300) ** 0.4, 0)
    frame["monetary_value"] = 10 * rng.gamma(5 * np.maximum(x, 1)) / np.maximum(x, 1) / rng.gamma(0.7, size=300)
    summary = Summary.from_frame(frame, until="2024-12-31", currency="BRL")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        purchases, spend = fit(BGNBD, summary), fit(GammaGamma, summary)
    assert None in purchases.standard_errors.values()
    assert spend.finite_mean is not None
    return purchases, spend


def same(one: Fit, other: Fit) -> None:
    for field in dataclasses.fields(Fit):
        first, second = getattr(one, field.name), getattr(other, field.name)
        if field.name == "covariance":
            assert first.tobytes() == second.tobytes()
        else:
            assert first == second, field.name
            assert type(first) is type(second), field.name


def test_a_pair_comes_back(pair: tuple[Fit, Fit], tmp_path: Path) -> None:
    path = tmp_path / "new" / "fit.json"
    clv.save(pair, path)
    loaded = clv.load(path)
    assert isinstance(loaded, tuple)
    for one, other in zip(pair, loaded, strict=True):
        same(one, other)
        pd.testing.assert_frame_equal(one.table(), other.table())
    np.testing.assert_array_equal(pair[0].draws(3, seed=1).log_vector, loaded[0].draws(3, seed=1).log_vector)
    assert [entry.name for entry in path.parent.iterdir()] == ["fit.json"]


def test_one_comes_back_alone(pair: tuple[Fit, Fit], tmp_path: Path) -> None:
    for one in pair:
        clv.save(one, tmp_path / "fit.json")  # replaces the one before
        loaded = clv.load(str(tmp_path / "fit.json"))
        assert isinstance(loaded, Fit)
        same(one, loaded)


def test_spend_may_be_missing_from_a_pair(pair: tuple[Fit, Fit], tmp_path: Path) -> None:
    clv.save((pair[0], None), tmp_path / "fit.json")
    loaded = clv.load(tmp_path / "fit.json")
    assert isinstance(loaded, tuple)
    assert loaded[1] is None


def test_same_fit_same_bytes(pair: tuple[Fit, Fit], tmp_path: Path) -> None:
    clv.save(pair, tmp_path / "one.json")
    clv.save(clv.load(tmp_path / "one.json"), tmp_path / "two.json")
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


def test_golden_file() -> None:
    loaded = clv.load(GOLDEN)
    assert isinstance(loaded, tuple)
    purchases, spend = loaded
    assert spend is not None
    assert isinstance(purchases.model, BGNBD)
    assert purchases.parameters == pytest.approx(
        {"r": 0.2425945, "alpha": 4.413602, "a": 0.792922, "b": 2.425907}, rel=1e-6
    )
    assert purchases.standard_errors["b"] == pytest.approx(0.705414, rel=1e-6)
    assert purchases.log_likelihood == pytest.approx(-9582.429207, abs=1e-6)
    assert purchases.covariance.shape == (4, 4)
    assert (purchases.unit.value, purchases.until.isoformat(), purchases.n_customers) == ("week", "1997-09-30", 2357)
    assert len(purchases.sha256) == 64
    assert purchases.model.expected_purchases(39, 2, 30.43, 38.86) == pytest.approx(1.226, abs=5e-4)
    assert isinstance(spend.model, GammaGamma)
    assert spend.log_likelihood == pytest.approx(-4055.917695, abs=1e-6)
    assert spend.finite_mean is None


def test_golden_file_is_what_a_fit_gives_today() -> None:
    summary = clv.split("cdnow-sample", calibration_end="1997-09-30", holdout_end="1998-06-30").calibration
    for old, family in zip(clv.load(GOLDEN), (BGNBD, GammaGamma), strict=True):
        new = fit(family, summary)
        np.testing.assert_allclose(new.model.log_vector, old.model.log_vector, rtol=0, atol=1e-9)
        np.testing.assert_allclose(new.covariance, old.covariance, rtol=1e-7)
        assert new.sha256 == old.sha256


@pytest.fixture(scope="module")
def posteriors() -> tuple[Fit, Fit]:
    summary = clv.split("cdnow-sample", calibration_end="1997-09-30", holdout_end="1998-06-30").calibration
    return fit(BGNBD, summary, method="posterior"), fit(GammaGamma, summary, method="posterior")


def test_posteriors_come_back_to_the_last_bit(posteriors: tuple[Fit, Fit], tmp_path: Path) -> None:
    """All 4,096 draws of both, in one file of less than a megabyte; only the data stay behind."""
    path = tmp_path / "fit.json"
    clv.save(posteriors, path)
    assert path.stat().st_size < 1e6
    loaded = clv.load(path)
    assert isinstance(loaded, tuple)
    for one, other in zip(posteriors, loaded, strict=True):
        same_draws(one, other)
        assert other.observed is None
        same(dataclasses.replace(one, observed=None, posterior=None), dataclasses.replace(other, posterior=None))
        pd.testing.assert_frame_equal(one.table(), other.table())
        assert one.draws(64, seed=3).log_vector.tobytes() == other.draws(64, seed=3).log_vector.tobytes()
    clv.save(loaded, tmp_path / "two.json")
    assert (tmp_path / "two.json").read_bytes() == path.read_bytes()


def same_draws(one: Fit, other: Fit) -> None:
    first, second = one.posterior, other.posterior
    assert first is not None
    assert second is not None
    for field in dataclasses.fields(first):
        before, after = getattr(first, field.name), getattr(second, field.name)
        if isinstance(before, np.ndarray):
            assert (before.shape, before.tobytes()) == (after.shape, after.tobytes())
        else:
            assert (before, type(before)) == (after, type(after)), field.name


def test_golden_file_with_draws(posteriors: tuple[Fit, Fit]) -> None:
    """What an earlier version wrote is read as it was, and is what a fit gives today."""
    for old, new in zip(clv.load(GOLDEN_DRAWS), posteriors, strict=True):
        assert old.method == "posterior"
        assert old.posterior.size == 32
        assert old.posterior.k_hat < 0.5
        assert old.verdict.startswith("certified: Pareto k̂")
        np.testing.assert_allclose(old.posterior.u, new.posterior.u[:32], rtol=0, atol=1e-6)
        np.testing.assert_allclose(old.model.log_vector, new.model.log_vector, rtol=0, atol=1e-3)
        assert old.draws(4, seed=1).n_draws == 4


def test_numbers_that_json_has_not(posteriors: tuple[Fit, Fit], tmp_path: Path) -> None:
    """A fit that did not converge can be saved, and looked at later."""
    assert posteriors[0].posterior is not None
    lost = dataclasses.replace(
        posteriors[0],
        diagnostics={"r_hat": float("nan"), "prior_influence": {"2": float("inf"), "0.5": -float("inf")}},
        posterior=dataclasses.replace(posteriors[0].posterior, k_hat=float("inf")),
    )
    clv.save(lost, tmp_path / "fit.json")
    loaded = clv.load(tmp_path / "fit.json")
    assert isinstance(loaded, Fit)
    assert loaded.posterior is not None
    assert loaded.posterior.k_hat == float("inf")
    assert np.isnan(loaded.diagnostics["r_hat"])
    assert loaded.diagnostics["prior_influence"] == {"2": float("inf"), "0.5": -float("inf")}


BROKEN_DRAWS = {
    "cut off": ("u", lambda text: text[:-8], "u of the posterior is not 32 × 4 finite numbers"),
    "other signs": ("weights", lambda text: "é" + text[1:], "was edited: ValueError"),
    "no base64": ("log_parameters", lambda text: "?" + text[1:], "log_parameters of the posterior is not base64"),
    "missing": ("chains", None, "was edited: KeyError, 'chains'"),
}


@pytest.mark.parametrize("kind", BROKEN_DRAWS)
def test_broken_draws(kind: str, tmp_path: Path) -> None:
    name, change, words = BROKEN_DRAWS[kind]
    content = json.loads(GOLDEN_DRAWS.read_text(encoding="utf-8"))
    draws = content["fits"][0]["posterior"]
    if change is None:
        del draws[name]
    else:
        draws[name] = change(draws[name])
    (tmp_path / "fit.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=words):
        clv.load(tmp_path / "fit.json")


def edited(change: dict[str, Any] | None = None, fits: dict[str, Any] | None = None) -> str:
    content = json.loads(GOLDEN.read_text(encoding="utf-8"))
    content["fits"][0] |= fits or {}
    content |= change or {}
    return json.dumps(content)


BROKEN = {
    "not JSON": ("PK\x03\x04", "is not JSON, or only a part of it. Save the fit again."),
    "cut short": (GOLDEN.read_text(encoding="utf-8")[:900] if GOLDEN.exists() else "{", "is not JSON, or only a part"),
    "other JSON": ('{"schema": 1, "data": {}}', "is JSON, but not a fit. Name a file that `save` wrote"),
    "a list": ("[1, 2]", "is JSON, but not a fit."),
    "later schema": (
        edited({"schema": 7, "version": "9.0"}),
        r"has schema 7 \(written by clvmodels 9.0\); clvmodels .* reads 1 and 2. Fit and save again, or install",
    ),
    "no fits": (edited({"fits": None}), "is damaged or was edited: TypeError"),
    "unknown family": (edited(fits={"family": "oracle"}), "is damaged or was edited: KeyError, 'oracle'"),
    "negative parameter": (
        edited(fits={"parameters": {"r": -1, "alpha": 1, "a": 1, "b": 1}}),
        "is damaged or was edited: .*parameter r must be positive",
    ),
    "text for a number": (
        edited(fits={"parameters": {"r": "x", "alpha": 1, "a": 1, "b": 1}}),
        "was edited: ValueError",
    ),
    "covariance of another size": (
        edited(fits={"log_covariance": [[1.0]]}),
        "covariance and standard errors do not fit",
    ),
    "no date": (edited(fits={"data": {"start": "yesterday", "until": "1997-09-30", "sha256": ""}}), "yesterday"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_files(kind: str, tmp_path: Path) -> None:
    text, words = BROKEN[kind]
    path = tmp_path / "fit.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        clv.load(path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.json cannot be read: No such file or directory\. Name a file that"):
        clv.load(tmp_path / "nothing.json")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        clv.load(tmp_path)


def test_what_cannot_be_saved(pair: tuple[Fit, Fit], tmp_path: Path) -> None:
    for wrong in ({"r": 1}, (None, pair[0]), (pair[0],), (*pair, pair[0]), pair[0].model):
        with pytest.raises(InputError, match=r"save writes a fit or a \(purchases, spend\) pair, not "):
            clv.save(wrong, tmp_path / "fit.json")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"must end in \.json"):
        clv.save(pair, tmp_path / "fit.pkl")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(pair: tuple[Fit, Fit], tmp_path: Path) -> None:
    path = tmp_path / "fit.json"
    clv.save(pair, path)
    before = path.read_bytes()
    unwritable = dataclasses.replace(pair[0], diagnostics={"object": object()})
    with pytest.raises(TypeError):
        clv.save(unwritable, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
