"""Is a summary that was carried on the summary of the whole log?"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import clvmodels as clv
from clvmodels.errors import InputError
from clvmodels.models import BGNBD

MODEL = BGNBD(0.6, 3.0, 0.4, 6.0)
START = dt.datetime(2024, 1, 1)
rows = some.lists(
    some.tuples(
        some.integers(0, 5),
        some.integers(0, 29 * 24),
        some.integers(0, 5000).map(lambda cents: cents / 100),
        some.sampled_from("ab"),
    ),
    min_size=4,
    max_size=40,
)
ALWAYS = [(7, 0, 3.5, "a"), (7, 24 * 12, 2.0, "b"), (8, 24 * 29 + 3, 1.0, "a")]


def log_of(rows: list[Any]) -> pd.DataFrame:
    table = pd.DataFrame(sorted(rows, key=lambda row: row[1]), columns=["customer_id", "hour", "value", "canal"])
    return table.assign(date=[START + dt.timedelta(hours=h) for h in table.pop("hour")])


def assert_same(grown: clv.Summary, whole: clv.Summary) -> None:  # type: ignore[name-defined]
    pd.testing.assert_frame_equal(grown.frame[whole.frame.columns], whole.frame, rtol=1e-9, atol=1e-9)
    pd.testing.assert_frame_equal(grown.patterns.frame, whole.patterns.frame)
    assert (grown.start, grown.until, grown.unit) == (whole.start, whole.until, whole.unit)
    said, wanted = (
        {f"{line.reason} {name}": getattr(line, name) for line in one.ledger for name in ("rows", "value")}
        for one in (grown, whole)
    )
    assert said == pytest.approx(wanted)


@settings(max_examples=12, deadline=None)
@given(rows=rows, cut=some.integers(1, 29 * 24 - 1), again=some.integers(1, 29 * 24 - 1))
def test_update_equals_summarising_the_whole_log(rows: list[Any], cut: int, again: int) -> None:
    """Two updates, cut at any hour: days are torn apart, and first days too."""
    log = log_of(rows + ALWAYS)
    first, second = (START + dt.timedelta(hours=hour) for hour in sorted((cut, again)))
    parts = [log[log.date < first], log[(log.date >= first) & (log.date < second)], log[log.date >= second]]
    summary = clv.summarize(parts[0], segment="canal")
    logarithms = True
    for nth, part in enumerate(parts[1:]):
        if len(part):
            on_day = part.groupby("customer_id").date.min().dt.normalize()
            last = summary.frame.set_index("customer_id")
            torn = [c for c in on_day.index if c in last.index and on_day[c] == last.last_purchase[c]]
            # Without the purchases nobody knows any more what a torn day was worth before.
            logarithms &= nth == 0 or summary.purchase_days is not None or not any(last.frequency[torn] > 0)
            grown = clv.update(summary, part)
            assert set(grown.touched) == set(part.customer_id)
            summary = grown.summary
    whole = clv.summarize(log, segment="canal")
    # On several rows of a first day the smallest segment counts: of a day torn apart only the earlier rows are known.
    unknown = ["canal", *([] if logarithms else ["log_value_mean", "log_value_ss"])]
    assert_same(
        summary.of_frame(summary.frame.drop(columns=unknown)), whole.of_frame(whole.frame.drop(columns=unknown))
    )


def test_torn_days_and_new_customers_by_hand() -> None:
    old = log_of([(1, 10, 5.0, "a"), (1, 200, 7.0, "a"), (2, 199, 3.0, "b")])
    new = log_of([(1, 202, 2.0, "a"), (1, 400, 4.0, "a"), (1, 401, 1.0, "a"), (2, 203, 1.0, "b"), (3, 402, 9.0, "b")])
    grown = clv.update(clv.summarize(old, unit="day", segment="canal"), new, until="2024-01-31")
    whole = clv.summarize(pd.concat([old, new]), unit="day", segment="canal", until="2024-01-31")
    assert_same(grown.summary, whole)
    pd.testing.assert_frame_equal(grown.summary.frame[whole.frame.columns], whole.frame)
    assert grown.touched.tolist() == [1, 2, 3]
    assert grown.summary.frame.set_index("customer_id").loc[1, ["frequency", "value_past"]].tolist() == [2, 19.0]


def test_only_the_touched_need_new_scores() -> None:
    log = clv.simulate(MODEL, customers=300, start="2024-01-01", end="2024-12-31")
    old, new = log[log.date < "2024-12-20"], log[log.date >= "2024-12-20"]
    summary = clv.summarize(old, until="2024-12-31")
    fit = clv.fit("bgnbd", summary)
    before = clv.score(fit, summary).frame.set_index("customer_id")
    grown = clv.update(summary, new)
    again = clv.score(fit, grown.summary)
    after, touched = again.frame.set_index("customer_id"), again.of(grown.touched).set_index("customer_id")
    others = before.index.difference(touched.index)
    pd.testing.assert_frame_equal(after.loc[others], before.loc[others])
    pd.testing.assert_frame_equal(after.loc[touched.index], touched)
    whole = clv.score(fit, clv.summarize(log, until="2024-12-31"))
    pd.testing.assert_frame_equal(again.frame, whole.frame)


def test_rows_that_cannot_be_carried_on_are_refused() -> None:
    old = log_of([(1, 10, 5.0, "a"), (1, 200, 7.0, "a")])
    summary = clv.summarize(old, unit="day")
    with pytest.raises(InputError, match=r"1 of 1 rows lie before the last purchase .* customer 1, 2024-01-02"):
        clv.update(summary, log_of([(1, 30, 1.0, "a")]))
    refund = log_of([(1, 300, -1.0, "a"), (1, 301, 2.0, "a")])
    with pytest.raises(InputError, match=r"1 of 2 rows are negative .* Leave refunds out"):
        clv.update(summary, refund)
    assert clv.update(summary, refund, returns="drop").summary.frame["frequency"].tolist() == [2]
    with pytest.raises(InputError, match="cannot be taken back to 2024-01-05"):
        clv.update(summary, log_of([(1, 300, 1.0, "a")]), until="2024-01-05")
    with pytest.raises(InputError, match="Name it with --value"):
        clv.update(summary, log_of([(1, 300, 1.0, "a")])[["customer_id", "date"]])
    with pytest.raises(InputError, match=r"is a DataFrame, not a Summary. Give what clv.summarize"):
        clv.update(old, old)  # type: ignore[arg-type]


def test_a_refusal_is_one_sentence_after_another() -> None:
    summary = clv.summarize(log_of([(1, 10, 5.0, "a"), (1, 200, 7.0, "a")]), unit="day")
    with pytest.raises(InputError) as refused:
        clv.update(summary, log_of([(1, 30, 1.0, "a")]))
    assert str(refused.value).startswith("the summary cannot be carried on with these rows: 1 of 1 rows lie before")
    assert str(refused.value).endswith("Summarise the whole log again: clvmodels summarize.")
