"""Are the built-in logs the ones that the papers describe?"""

from __future__ import annotations

import pytest

import clvmodels as clv
from clvmodels.datasets import cdnow, cdnow_sample


def test_sample_is_that_of_the_paper() -> None:
    """Fader, Hardie & Lee (2005), section 4; Hardie's note on the data."""
    calibration, holdout = clv.split("cdnow-sample", calibration_end="1997-09-30", holdout_end="1998-06-30")
    frame = calibration.frame
    assert len(frame) == 2_357
    assert len(calibration.patterns.n) == 1_016
    assert int((frame.frequency == 0).sum()) == 1_411
    assert int(frame.frequency.sum()) == 2_457
    assert int(holdout.frame.purchases.sum()) == 1_882
    assert int((holdout.frame.purchases > 0).sum()) == 684
    assert (frame["T"].min(), frame["T"].max()) == (27.0, pytest.approx(38.857, abs=5e-4))
    assert holdout.horizon.length(calibration.unit) == 39.0
    assert holdout.frame.value.sum() == pytest.approx(70_976, abs=1)  # reference numbers, section on value
    assert (holdout.new_customers, holdout.new_purchases, holdout.new_value) == (0, 0, 0.0)
    repeaters = frame[frame.frequency > 0]
    assert len(repeaters) == 946  # of the Gamma-Gamma note
    assert repeaters.monetary_value.mean() == pytest.approx(35.08, abs=0.005)


def test_zero_value_days() -> None:
    """Eight purchase days of the sample and eighty of the master file are worth nothing; they are purchases."""
    for name, days in (("cdnow-sample", 8), ("cdnow", 80)):
        purchases = clv.summarize(name).purchases
        assert int((purchases.value == 0).sum().to_pandas()) == days


def test_master_file() -> None:
    log = cdnow()
    assert (len(log), log.customer_id.nunique(), log.customer_id.min(), log.customer_id.max()) == (
        69_659,
        23_570,
        1,
        23_570,
    )
    calibration, holdout = clv.split("cdnow")
    assert (len(calibration.frame), str(holdout.horizon)) == (23_570, "1997-10-01 to 1998-06-30")
    assert holdout.frame.value.sum() == pytest.approx(776_961, abs=1)
    assert sum(line.rows for line in calibration.ledger) == 69_659
    assert set(cdnow_sample().customer_id) <= set(log.customer_id)


def test_built_in_logs_bring_their_facts() -> None:
    log = clv.read_transactions("cdnow")
    assert (log.source, log.currency, log.returns) == ("CDNOW", "USD", "net")
    assert [date.isoformat() for date in log.published_split or ()] == ["1997-09-30", "1998-06-30"]
    assert clv.read_transactions(log) is log
