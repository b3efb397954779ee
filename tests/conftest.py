"""Fixtures that every test folder shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples on every run: what fails here fails everywhere, and what passes can be relied on.
settings.register_profile("seeded", derandomize=True)
settings.load_profile("seeded")

# Two test processes with two BLAS threads each wait for one another: small fits took seventeen times as long.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

ONLINE_RETAIL = Path(__file__).resolve().parents[2] / "shared" / "data" / "online_retail.parquet"


def need(present: object, what: str) -> None:
    """Skip on a user's machine, fail in CI: a green run there cannot hide a missing install step."""
    if present:
        return
    if os.environ.get("CLVMODELS_NO_SKIP"):
        pytest.fail(f"{what} is needed here and missing")
    pytest.skip(f"{what} is not here")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what needs Online Retail where its copy is absent: it is not ours to ship, so its absence is no skip."""
    if ONLINE_RETAIL.exists():
        return
    absent = [item for item in items if "online_retail" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=absent)
    items[:] = [item for item in items if item not in absent]


@pytest.fixture(scope="session")
def online_retail() -> Path:
    """UCI Online Retail at invoice level."""
    return ONLINE_RETAIL
