"""Is a report on more customers than are judged one whole, of all of them, that says who was judged?"""

from __future__ import annotations

from functools import partial

import pytest

import clvmodels as clv
from clvmodels import charts
from clvmodels.models import BGNBD, GammaGamma
from clvmodels.report import build, build_report
from clvmodels.report.story import document
from clvmodels.sampling import judged_sample

JUDGED = 150


def test_customers_are_forecast_all_and_judged_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    log = clv.simulate(
        BGNBD(r=0.6, alpha=3.0, a=0.4, b=6.0), spend=GammaGamma(p=6.25, q=3.74, v=15.44), customers=600,
        start="2022-01-01", end="2023-12-31", seed=4,
    )  # fmt: skip
    monkeypatch.setattr(build, "judged_sample", partial(judged_sample, customers=JUDGED))
    report = build_report(log, method="mle", seed=1)
    known = report.data["calibration"]["customers"]
    assert len(report.customers) == 600
    assert known > 2 * JUDGED
    assert report.data["holdout"]["forecast"]["customers"] == known
    figures = report.figures
    for name in ("deciles", "gain", "reliability", "pit", "verdict"):
        assert figures[name].facts["customers"] == JUDGED, name
    for name in ("tracking", "frequency_histogram", "conditional_expectation"):
        assert figures[name].facts["customers"] == known, name
    by_predictor = figures["reliability"].frame.groupby("predictor")["customers"].sum()
    assert (by_predictor == JUDGED).all()
    said = str(document(report.data, report.customers, charts.figures({})).plain())
    assert f"is made on {JUDGED} of {known:,} customers, drawn at random" in said
