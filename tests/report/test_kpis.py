"""Are the four indicators those of a hand calculation?"""

from __future__ import annotations

import pandas as pd
import pytest

import clvmodels as clv
from clvmodels.kpis import DEFINITIONS, TRAPS, observed_kpis

# Ten orders on nine days; observed to 2024-12-31. Days since first purchase: a 365, b 184, c 91.
ORDERS = [
    ("a", "2024-01-01", 10.0), ("a", "2024-03-01", 20.0), ("a", "2024-12-01", 30.0),
    ("b", "2024-06-30", 5.0), ("b", "2024-06-30", 5.0),
    ("c", "2024-10-01", 40.0), ("c", "2024-10-11", 40.0), ("c", "2024-10-21", 40.0), ("c", "2024-10-31", 40.0),
    ("c", "2024-12-31", 0.0),
]  # fmt: skip


def log() -> pd.DataFrame:
    return pd.DataFrame(ORDERS, columns=["customer_id", "date", "value"])


@pytest.mark.parametrize("unit", ["day", "week"])
def test_by_hand(unit: str) -> None:
    found = observed_kpis(clv.summarize(log(), until="2024-12-31", unit=unit))
    assert found.average_order_value == pytest.approx(230 / 9, rel=1e-12)
    assert found.purchase_frequency == pytest.approx(9 / ((365 + 184 + 91) / 365.25), rel=1e-12)
    assert found.relationship_duration == pytest.approx((335 + 0 + 91) / 3 / 365.25, rel=1e-12)
    assert found.churn_rate == 0.5  # a and b are old enough; b has been silent for 184 days


def test_without_money_and_without_old_customers() -> None:
    found = observed_kpis(clv.summarize(log()[5:], until="2024-12-31", value="none"))
    assert found.average_order_value is None
    assert found.churn_rate is None


def test_every_indicator_has_a_definition_and_a_trap() -> None:
    names = set(observed_kpis(clv.summarize(log(), until="2024-12-31")).plain()) - {"definitions"}
    assert names == set(DEFINITIONS) == set(TRAPS)
