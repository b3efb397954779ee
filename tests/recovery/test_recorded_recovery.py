"""Do the 200 logs of each family that benchmarks/recovery.py simulated say that intervals cover and k is found?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from clvmodels.models import FAMILIES

RECORD = Path(__file__).parents[2] / "benchmarks" / "recovery.json"
FALSE_ALARMS = 0.01
"""How often a count of coverage may be too low by chance; and how often any of them all, too high."""


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    families: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))["families"]
    return families


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_is_recovered(name: str, record: dict[str, Any]) -> None:
    one = record[name]
    assert set(one["coverage_90"]) == set(FAMILIES[name].parameter_names())
    assert one["logs"] == one["converged"] == 200
    parameters = sum(len(family.parameter_names()) for family in FAMILIES.values())
    low, high = stats.binom.ppf([FALSE_ALARMS / 2, 1 - FALSE_ALARMS / parameters], 200, 0.9) / 200
    for parameter, share in one["coverage_90"].items():
        assert one["identified"][parameter] >= 190
        assert low <= share <= high, parameter
        assert abs(one["median_log_error"][parameter]) < 0.06, parameter
    if one["constants_chosen"]:
        (chosen,) = one["constants_chosen"]
        assert json.loads(chosen) == {"k": one["truth"]["k"]}
