"""Do the 200 logs of each family that benchmarks/recovery.py simulated say that intervals cover and k is found?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from clvmodels.models import FAMILIES, PurchaseFamily

RECORD = Path(__file__).parents[2] / "benchmarks" / "recovery.json"
NAMES = [name for name, family in FAMILIES.items() if issubclass(family, PurchaseFamily)]


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    families: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))["families"]
    return families


@pytest.mark.parametrize("name", NAMES)
def test_every_family_is_recovered(name: str, record: dict[str, Any]) -> None:
    one = record[name]
    assert one["logs"] == one["converged"] == 200
    for parameter, share in one["coverage_90"].items():
        assert one["identified"][parameter] >= 190
        assert 0.84 <= share <= 0.97, parameter  # 99 % of binomial counts, and a little for the cautious
        assert abs(one["median_log_error"][parameter]) < 0.06, parameter
    if one["constants_chosen"]:
        (chosen,) = one["constants_chosen"]
        assert json.loads(chosen) == {"k": one["truth"]["k"]}
