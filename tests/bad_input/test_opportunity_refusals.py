"""What does BG/BB say to a log that counts no opportunities?"""

from __future__ import annotations

import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.errors import InputError
from clvmodels.models import BGBB
from clvmodels.summary import Summary


def table(**columns: list[float]) -> Summary:
    frame = pd.DataFrame({"customer_id": range(4), **columns})
    return Summary.from_frame(frame, until="2001-12-31", unit="day")


def test_weeks_are_no_opportunities() -> None:
    calibration, _ = clv.split("cdnow-sample", calibration_end="1997-09-30", holdout_end="1998-06-30")
    with pytest.raises(InputError) as error:
        clv.fit("bgbb", calibration)
    said = str(error.value)
    assert "2,128 of 2,357 customers have a recency or T that is no whole number of weeks" in said
    assert "first: frequency 0, recency 0, T 27.1429" in said
    for remedy in ("Summary.from_frame", "--unit day", "--family bgnbd"):
        assert remedy in said


def test_two_purchases_at_one_opportunity() -> None:
    crowded = table(frequency=[0, 1, 3, 2], recency=[0, 4, 2, 5], T=[6, 6, 6, 6])
    with pytest.raises(InputError, match="1 of 4 customers have more repeat purchases than opportunities"):
        clv.fit(BGBB, crowded)


def test_half_an_opportunity_ahead() -> None:
    with pytest.raises(InputError, match=r"opportunities, which are whole numbers, and there are 2\.5 of them"):
        BGBB(1.2, 0.75, 0.66, 2.8).expected_purchases(2.5, 0, 0, 6)
    with pytest.raises(InputError, match=r"there are 5\.5 of them"):
        BGBB(1.2, 0.75, 0.66, 2.8).p_alive(1, 2, 5.5)


def test_opportunities_have_no_unit() -> None:
    with pytest.raises(InputError, match="no unit of time"):
        BGBB(1.2, 0.75, 0.66, 2.8).rescale(7)


def test_a_report_runs_through_time() -> None:
    with pytest.raises(InputError, match=r"family 'bgbb' is not available\. Choose --family bgnbd or") as error:
        clv.build_report("cdnow-sample", family="bgbb", unit="day")
    assert "mbgcnbd" in str(error.value)
