"""Does a leak that somebody plants get caught, and does nothing honest get accused?"""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.backtesting import run
from clvmodels.backtesting.leaks import blind_summary, blinded, changes
from clvmodels.backtesting.rounds import past_of
from clvmodels.calendar import Horizon, as_date
from clvmodels.datasets import cdnow_sample
from clvmodels.errors import DiagnosticWarning, InputError
from clvmodels.summary import Split, split, summarize
from clvmodels.transactions import read_transactions
from clvmodels.twins import twin_auc, twins_of

CUTOFFS = ["1997-08-31", "1997-11-30"]
ASK = {"families": ["nbd"], "spends": [], "resamples": 20, "workers": 1, "cutoffs": CUTOFFS}


@pytest.fixture(scope="module")
def log():
    return read_transactions("cdnow-sample")


@pytest.fixture(scope="module")
def truth(log):
    """What happened after each cut-off, as nobody could know it."""
    end = "1998-02-28"
    sides = {cut: split(log, calibration_end=cut, holdout_end=end).holdout.frame["purchases"] for cut in CUTOFFS}
    return {as_date(cut): side.to_numpy(float) for cut, side in sides.items()}


def backtest_and_warnings(*args, **options):
    """The result, and what was warned of."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", DiagnosticWarning)
        result = clv.backtest(*args, **options)
    return result, " ".join(str(one.message) for one in said)


def caught(result):
    return set(map(tuple, result.leaks.loc[result.leaks["caught"], ["predictor", "check"]].to_numpy()))


def test_honest_predictors_are_not_accused(log) -> None:
    honest = {
        "by first order": lambda known, horizon: (known.frame["value_first"] / 20, known.frame["value_past"]),
        "value only": lambda known, horizon: (None, known.frame["value_first"]),
        "constant": lambda known, horizon: (np.ones(len(known.frame)), None),
    }
    result = clv.backtest(log, others=honest, **(ASK | {"spends": ["gamma_gamma"]}))
    assert not result.leaks["caught"].any()
    assert set(result.leaks["check"]) == {"blind", "twins"}
    assert {"calibration", *honest} == set(result.leaks["predictor"])
    assert {name for name, kind in result.kinds.items() if kind == "elsewhere"} == set(honest)


@pytest.mark.parametrize("share", [1.0, 0.05])
def test_a_predictor_that_peeks_is_caught_however_little_it_takes(log, truth, share) -> None:
    def peeks(known, horizon):
        return 0.3 + (1 - share) * known.frame["frequency"].to_numpy() + share * truth[known.until], None

    result, said = backtest_and_warnings(log, others={"peeks": peeks}, horizon="90 days", **ASK)
    assert "peeks knows what no predictor can at 1997-08-31" in said
    assert caught(result) == {("peeks", "twins")}
    assert result.suspects == ["peeks"]


def test_a_calibration_that_looks_ahead_is_caught(log, monkeypatch) -> None:
    """The leak is planted in the split itself: customers who come back later are taken for one purchase richer."""

    def leaking(source, **options) -> Split:
        both = split(source, **options)
        later = both.holdout.frame["purchases"].to_numpy() > 0
        frame = both.calibration.frame.assign(frequency=lambda t: t["frequency"] + later)
        return Split(replace(both.calibration, rfm=frame), both.holdout)

    monkeypatch.setattr(run, "split", leaking)
    monkeypatch.setattr(run, "formula_running", lambda calibration, past: {})
    result, said = backtest_and_warnings(log, **ASK)
    assert "calibration knows what no predictor can" in said
    assert ("calibration", "blind") in caught(result)
    evidence = result.leaks.loc[result.leaks["caught"], "evidence"].iloc[0]
    assert evidence.startswith("frequency of ")
    assert "customers depend on rows after the cut-off" in evidence


def test_netting_refunds_before_the_cut_is_caught() -> None:
    """A refund after the cut-off must not undo a purchase before it: the leak of everybody who cleans a log first."""
    table = cdnow_sample()[["customer_id", "date", "value"]].assign(date=lambda t: pd.to_datetime(t["date"]))
    early = table[(table["date"] < "1997-06-01") & (table["value"] > 0)].drop_duplicates("customer_id").head(60)
    refunds = early.assign(date=pd.Timestamp("1998-01-15"), value=lambda t: -t["value"])
    log = read_transactions(pd.concat([table, refunds], ignore_index=True))
    assert not clv.backtest(log, **ASK).leaks["caught"].any()

    def netted_first(source, **options) -> Split:
        both = split(source, **options)
        whole = summarize(source, until="1998-06-30")  # refunds of the holdout have already been subtracted in it
        clean = read_transactions(whole.purchases.to_pandas(), returns="keep")
        return Split(summarize(clean, until=options["calibration_end"]), both.holdout)

    cut = as_date(CUTOFFS[0])
    horizon = Horizon.parse("90 days", after=cut)
    seeing = past_of(netted_first(log, calibration_end=cut, holdout_end=horizon.end).calibration, horizon, {})
    found = changes(seeing, past_of(blind_summary(log, cut, unit="week"), horizon, {}))
    assert "customers with the rows after the cut-off" in found["calibration"]
    assert "formula_customer" in found


def test_a_garbled_future_changes_nothing_that_predictors_are_told(log) -> None:
    cut = as_date("1997-09-30")
    horizon = Horizon.parse("39 weeks", after=cut)
    seeing = past_of(split(log, calibration_end=cut, holdout_end=horizon.end).calibration, horizon, {})
    for garbled in (False, True):
        blind = past_of(blind_summary(log, cut, unit="week", garbled=garbled), horizon, {})
        assert changes(seeing, blind) == {}
    garbled = blinded(log, cut, garbled=True).days.to_pandas()
    kept = garbled[garbled["date"].astype(str) > "1997-09-30"]
    assert 0 < len(kept) < 3000
    assert kept["value"].min() > 7


def test_a_predictor_without_a_seed_is_refused(log) -> None:
    rng = np.random.default_rng(1)
    with pytest.raises(InputError, match="'dice' does not say the same when it is asked again at 1997-08-31"):
        clv.backtest(log, others={"dice": lambda known, horizon: (rng.random(len(known.frame)), None)}, **ASK)


def test_predictions_dated_after_the_cutoff_are_refused(log) -> None:
    frame = summarize(log, until="1997-08-31").frame[["customer_id"]].assign(purchases=1.0, cutoff="1997-09-30")
    with pytest.raises(InputError, match=r"dated at no cut-off .* has seen 30 days after 1997-08-31"):
        clv.backtest(log, predictions=frame, **ASK)


def test_twins_of_chance_are_told_apart_half_of_the_time() -> None:
    rng = np.random.default_rng(5)
    twins = rng.integers(0, 200, 5000)
    told, buyers = twin_auc(rng.random(5000), rng.poisson(0.3, 5000).astype(float), twins)
    assert told == pytest.approx(0.5, abs=0.02)
    assert buyers > 1000
    nobody = twin_auc(np.ones(4), np.zeros(4), np.zeros(4, int))
    assert np.isnan(nobody[0])
    assert nobody[1] == 0


def test_models_do_not_tell_twins_apart(log) -> None:
    calibration, holdout = split(log, calibration_end="1997-09-30", holdout_end="1998-06-30")
    forecast = clv.predict(clv.fit("bgnbd", calibration), calibration, horizon=holdout.horizon)
    actual = holdout.frame["purchases"].to_numpy(float)
    assert twin_auc(forecast.frame["expected_purchases"].to_numpy(), actual, twins_of(calibration))[0] == 0.5
