"""Do the checks find what they are for, and keep quiet otherwise?"""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.checks import Check, data, fits, forecast, spend
from clvmodels.models import BGNBD, GammaGamma
from clvmodels.report import Report
from clvmodels.transactions import LedgerRow

WORLD = BGNBD(r=0.8, alpha=6.0, a=0.8, b=2.5)


def customers(**columns: Any) -> Any:
    """A stand-in for a Summary: its frame alone."""
    return SimpleNamespace(frame=pd.DataFrame(columns))


@pytest.fixture(scope="module")
def world() -> pd.DataFrame:
    """Customers acquired evenly over two years."""
    return clv.simulate(
        WORLD, spend=GammaGamma(p=6.0, q=4.0, v=15.0), customers=2500, start="2022-01-01", end="2023-12-31", seed=5
    )


def test_every_check_of_a_good_log_that_could_pass_does(sample: Report) -> None:
    """CDNOW's sample: everything passes but what is known to be off, the totals of its holdout."""
    status = {check["name"]: check["status"] for check in sample.data["checks"]}
    off = {name for name, found in status.items() if found != "pass"}
    assert {"holdout_total_purchases", "holdout_total_value"} <= off
    assert not off & {"fitness", "window", "ledger", "left_truncation", "one_time_buyers", "convergence_bgnbd"}
    assert not off & {"identification", "second_opinion", "spend_tail", "coverage_purchases", "calibration_purchases"}


@pytest.mark.parametrize(("repeaters", "status"), [(100, "pass"), (99, "review"), (24, "fail")])
def test_repeat_buyers(repeaters: int, status: str) -> None:
    assert data.fitness(customers(frequency=[1] * repeaters + [0] * 300)).status == status


@pytest.mark.parametrize(("once", "status"), [(0, "fail"), (80, "pass"), (81, "review")])
def test_one_time_buyers(once: int, status: str) -> None:
    assert data.one_time_buyers(customers(frequency=[0] * once + [2] * (100 - once))).status == status


@pytest.mark.parametrize(("lost", "status"), [(10, "pass"), (50, "review"), (101, "fail")])
def test_ledger_counts_what_is_lost_and_not_what_is_merged(lost: int, status: str) -> None:
    lines = (
        LedgerRow("used", 700 - lost, 300, 1.0),
        LedgerRow("same_day", 200, 90, 0.0),
        LedgerRow("after_end", 100, 30, 0.0),
        LedgerRow("null_id", lost, 0, 1.0),
    )
    found = data.ledger(SimpleNamespace(ledger=lines))  # type: ignore[arg-type]
    assert (found.status, found.values["share"]) == (status, lost / 1000)
    assert f"{lost} null id" in found.evidence


@pytest.mark.parametrize(
    ("weeks", "ahead", "status"), [(78, 52, "pass"), (25, 20, "review"), (30, 61, "review"), (26, 52, "pass")]
)
def test_window(weeks: int, ahead: int, status: str) -> None:
    until = dt.date(2024, 1, 1) + dt.timedelta(days=7 * weeks - 1)
    future = SimpleNamespace(
        summary=SimpleNamespace(start=dt.date(2024, 1, 1), until=until), horizon=SimpleNamespace(days=7 * ahead)
    )
    assert data.window(future).status == status  # type: ignore[arg-type]


def test_left_truncation_is_found_when_the_log_begins_late(world: pd.DataFrame) -> None:
    whole = data.left_truncation(clv.summarize(world, until="2023-12-31"))
    late = data.left_truncation(clv.summarize(world[world["date"] >= "2022-10-01"], until="2023-12-31"))
    assert whole.status == "pass"
    assert late.status in ("review", "fail")
    assert late.values["ratio"] > 1.5 > whole.values["ratio"]


def test_one_cohort_is_no_truncation() -> None:
    """CDNOW's master: all customers came within a quarter, at an even pace."""
    assert data.left_truncation(clv.summarize("cdnow", until="1998-06-30")).status == "pass"


def test_association_is_measured_by_its_effect(world: pd.DataFrame) -> None:
    """Multiply the money of frequent buyers: the effect must be found, and none where there is none."""
    effects = {}
    for name, log in {"independent": world, "frequent spend double": _dearer(world)}.items():
        summary = clv.summarize(log, until="2023-06-30")
        future = clv.predict(clv.fit(BGNBD, summary), summary, spend=clv.fit(GammaGamma, summary), horizon="26 weeks")
        found = spend.association(summary, future)
        effects[name] = found
        assert found.effect == pytest.approx(found.classes["effect"].sum(), rel=1e-9, abs=1e-12)
        assert found.classes["customers"].sum() == len(summary.frame)
        assert found.effect_lower < found.effect < found.effect_upper
    plain, dear = effects["independent"], effects["frequent spend double"]
    assert plain.effect_lower < 0 < plain.effect_upper
    assert plain.spearman_lower is not None
    assert plain.spearman_lower < 0.05
    assert dear.spearman_lower is not None
    assert dear.spearman_lower > 0.1
    assert dear.effect_upper < 0  # one-time buyers are credited with what the frequent spend
    assert dear.effect < plain.effect - 0.03


def _dearer(log: pd.DataFrame) -> pd.DataFrame:
    orders = log.groupby("customer_id")["date"].transform("size")
    return log.assign(value=np.where(orders >= 4, 2 * log["value"], log["value"]))


def test_spearman_interval_covers_at_the_nominal_rate() -> None:
    """Fieller's interval, on 400 samples of a bivariate normal with ρ = .5 (Spearman's: 6/π·asin(ρ/2) = .483)."""
    rng = np.random.default_rng(1)
    truth = 6 / np.pi * np.arcsin(0.25)
    hits = 0
    for _ in range(400):
        x, e = rng.standard_normal((2, 150))
        _, low, high = spend._spearman(x, 0.5 * x + np.sqrt(0.75) * e)
        assert low is not None
        assert high is not None
        hits += low <= truth <= high
    assert abs(hits / 400 - 0.95) < 3 * np.sqrt(0.05 * 0.95 / 400)


def _fit(covariance: np.ndarray, errors: list[float | None], boundary: str | None = None, q: float = 3.0) -> Any:
    return SimpleNamespace(
        covariance=covariance,
        parameters={"r": 0.2, "alpha": 4.0, "a": 0.8, "b": 2.4, "q": q},
        standard_errors=dict(zip(["r", "alpha", "a", "b"], errors, strict=True)),
        diagnostics={"boundary": boundary, "condition": 100.0},
        model=BGNBD(r=0.2, alpha=4.0, a=0.8, b=2.4),
        log_likelihood=-100.0,
        converged=True,
        method="mle",
    )


def test_weakest_direction_names_the_parameters_that_move_together() -> None:
    direction = np.array([0.0, 0.0, 1.0, 1.0]) / np.sqrt(2)
    covariance = 0.01 * np.eye(4) + np.outer(direction, direction)
    fit = _fit(covariance, [0.1, 0.1, 0.1, 0.1])
    fit.parameters.pop("q")
    words, sd = fits.weakest_direction(fit)
    assert words == "a and b together"
    assert sd == pytest.approx(np.sqrt(1.01))
    assert fits.identification(fit).status == "review"
    against = 0.01 * np.eye(4) + 0.1 * np.outer([1, 0, -1, 0], [1, 0, -1, 0])
    fit = _fit(against, [0.1, 0.1, 0.1, 0.1])
    fit.parameters.pop("q")
    assert fits.weakest_direction(fit)[0] in ("r against a", "a against r")
    assert fits.identification(fit).status == "pass"


def test_the_boundary_is_said() -> None:
    fit = _fit(np.eye(4), [0.1, 0.1, None, None], "a and b grow together")
    found = fits.identification(fit)
    assert (found.status, found.values["direction"]) == ("review", "a and b")
    assert found.evidence == "A and b grow together."


@pytest.mark.parametrize(("q", "status"), [(1.0, "fail"), (1.9, "review"), (3.7, "pass")])
def test_tail_of_spend(q: float, status: str) -> None:
    assert fits.spend_shape(_fit(np.eye(4), [0.1] * 4, q=q)).status == status


@pytest.mark.parametrize(
    ("theirs", "difference", "status"),
    [
        (-100.0, 0.001, "pass"),
        (-100.0, 0.1, "review"),
        (-103.0, 0.3, "pass"),
        (-99.9, 0.3, "fail"),
        (None, None, "review"),
    ],
)
def test_second_opinion(theirs: float | None, difference: float | None, status: str) -> None:
    opinion: Any = SimpleNamespace(
        log_likelihood=theirs, max_relative_difference=difference, note="They say.", ours=_fit(np.eye(4), [0.1] * 4)
    )
    found = fits.second_opinion(opinion)
    assert (found.status, found.evidence) == (status, "They say.")


def test_a_difference_of_sums_of_millions_has_no_further_digits() -> None:
    """What engines add up in another order is the same likelihood: it differed in its sixteenth digit."""
    found = []
    for error in (0.0, 4.7e-10):
        ours = _fit(np.eye(4), [0.1] * 4)
        ours.log_likelihood = -1_434_974.930058 + error
        opinion: Any = SimpleNamespace(
            log_likelihood=-1_434_974.93, max_relative_difference=0.0, note="They say.", ours=ours
        )
        found.append(fits.second_opinion(opinion).values["log_likelihood_difference"])
    assert found == [5.8e-5, 5.8e-5]


def test_a_posterior_mean_may_lie_below_the_maximum() -> None:
    fit = _fit(np.eye(4), [0.1] * 4)
    fit.method = "posterior"
    opinion: Any = SimpleNamespace(log_likelihood=-99.0, max_relative_difference=0.05, note="They say.", ours=fit)
    assert fits.second_opinion(opinion).status == "pass"
    opinion.log_likelihood = -97.0
    assert fits.second_opinion(opinion).status == "fail"


@pytest.mark.parametrize(("back", "status"), [(100, "pass"), (85, "pass"), (70, "review"), (40, "fail")])
def test_returning_one_time_buyers(back: int, status: str) -> None:
    once = pd.DataFrame({"frequency": [0] * 1000 + [3] * 10})
    actual = pd.DataFrame({"purchases": [1] * back + [0] * (1000 - back) + [5] * 10})
    predicted = SimpleNamespace(
        frame=pd.DataFrame({"p_active": [0.1] * 1000 + [0.9] * 10}), purchases=SimpleNamespace(model=WORLD)
    )
    found = forecast.returning(SimpleNamespace(frame=once), SimpleNamespace(frame=actual), predicted)  # type: ignore[arg-type]
    assert found is not None
    assert found.status == status
    assert found.values == {"customers": 1000, "predicted": pytest.approx(0.1), "actual": back / 1000}


@pytest.mark.parametrize(("actual", "status"), [(100, "pass"), (110, "pass"), (112, "review"), (200, "fail")])
def test_holdout_total(actual: int, status: str) -> None:
    totals = SimpleNamespace(purchases=100.0, purchases_lower=90.0, purchases_upper=110.0)
    found = forecast.holdout_total(
        SimpleNamespace(frame=pd.DataFrame({"purchases": [actual]})),  # type: ignore[arg-type]
        SimpleNamespace(totals=totals, margin=1.0),  # type: ignore[arg-type]
        "purchases",
    )
    assert found.status == status
    assert f"actual {actual}" in found.evidence


@pytest.mark.parametrize(
    ("metric", "value", "status"),
    [
        ("coverage_90", 0.889, "pass"), ("coverage_90", 0.97, "review"), ("coverage_90", 0.82, "review"),
        ("coverage_90", 0.70, "fail"), ("pit_ks", 0.02, "pass"), ("pit_ks", 0.08, "review"), ("pit_ks", 0.2, "fail"),
    ],
)  # fmt: skip
def test_intervals_and_probabilities(metric: str, value: float, status: str) -> None:
    row = {"predictor": "bgnbd", "quantity": "purchases", "metric": metric, "value": value}
    evaluation: Any = SimpleNamespace(metrics=pd.DataFrame([row]), models={"purchases": "bgnbd"})
    found = (forecast.coverage if metric == "coverage_90" else forecast.calibrated)(evaluation, "purchases")
    assert found.status == status


def test_a_check_is_a_value() -> None:
    check = Check("name", "Title", "pass", "Evidence.", "Advice.")
    with pytest.raises(AttributeError):
        check.status = "fail"  # type: ignore[misc]


@pytest.mark.parametrize(("shift", "status"), [(0.4, "pass"), (0.6, "review")])
def test_priors_are_said_to_matter_when_they_move_the_estimates(shift: float, status: str) -> None:
    words = "estimates move with priors half as wide by at most 0.10"
    calm, moved = _fit(np.eye(4), [0.1] * 4), _fit(np.eye(4), [0.1] * 4)
    for fit, found in ((calm, 0.1), (moved, shift)):
        fit.posterior = object()
        fit.diagnostics = {"prior_influence": {"0.5": found, "2": 0.01}, "prior_influence_words": words}
    found = fits.priors(calm, moved)
    assert found is not None
    assert (found.status, found.values["shift"]) == (status, shift)
    assert found.evidence.startswith("Calibration: estimates move with priors half as wide by at most 0.10. All data:")
    calm.posterior = None
    assert fits.priors(calm, moved) is None


def test_a_refit_that_did_not_converge_fails_the_report() -> None:
    good, bad = _fit(np.eye(4), [0.1] * 4), _fit(np.eye(4), [0.1] * 4)
    good.posterior = bad.posterior = None
    good.verdict, bad.verdict = "converged: gradient 0", "not converged: gradient 3"
    bad.converged = False
    assert fits.convergence(good, good).status == "pass"
    found = fits.convergence(good, bad)
    assert (found.status, found.evidence) == (
        "fail", "Calibration: converged: gradient 0. All data: not converged: gradient 3."
    )  # fmt: skip
