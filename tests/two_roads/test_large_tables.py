"""Are shortcuts for large tables shortcuts only?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import clvmodels as clv
from clvmodels import files, simulation, totals
from clvmodels.models import BGNBD, GammaGamma


def test_engine_writes_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    n, rng = 3000, np.random.default_rng(1)
    names = [
        f"c,{i}" if i % 7 == 0 else f'a"{i}' if i % 11 == 0 else f"é\n{i}" if i % 13 == 0 else f"C{i}" for i in range(n)
    ]
    table = pd.DataFrame(
        {
            "customer_id": names,
            "day": np.datetime64("2024-01-01", "us") + rng.integers(0, 900, n).astype("timedelta64[D]"),
            "count": rng.integers(0, 99, n),
            "large and small": np.exp(rng.normal(0, 20, n)) * rng.choice([-1, 1], n),
            "missing": np.where(rng.random(n) < 0.3, np.nan, rng.gamma(3, 10, n)),
            "canal": [None if i % 5 == 0 else " loja" for i in range(n)],
        }
    )  # fmt: skip
    files.write_table(table, tmp_path / "pandas.csv")
    monkeypatch.setattr(files, "ENGINE_WRITES", 10)
    monkeypatch.setattr(pd.DataFrame, "to_csv", None)  # not pandas any more
    files.write_table(table, tmp_path / "engine.csv")
    assert (tmp_path / "engine.csv").read_bytes() == (tmp_path / "pandas.csv").read_bytes()


def test_totals_of_many_customers(monkeypatch: pytest.MonkeyPatch) -> None:
    log = clv.simulate(
        BGNBD(0.6, 3.0, 0.4, 6.0), spend=GammaGamma(6.25, 3.74, 15.44), customers=4000, start="2023-01-01",
        end="2023-12-31", seed=5,
    )  # fmt: skip
    summary = clv.summarize(log.assign(part=np.where(log.customer_id % 4, "a", "b")), segment="part")
    for method in ("mle", "posterior"):
        fits = [clv.fit(name, summary, method=method) for name in ("bgnbd", "gamma_gamma")]
        forecast = clv.predict(fits[0], summary, spend=fits[1], horizon="26 weeks")
        exact = forecast.by("part")
        monkeypatch.setattr(totals, "MANY", 1000)
        monkeypatch.setattr(totals, "ENOUGH", 500)
        thinned = forecast.by("part")
        monkeypatch.undo()
        numbers = exact.columns[1:]
        np.testing.assert_allclose(thinned[numbers], exact[numbers], rtol=0.01)
        for name in ("purchases", "value", "clv"):
            np.testing.assert_allclose(thinned[name], exact[name], rtol=1e-12)


def test_simulated_parts_are_the_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = {"customers": 250, "start": "2024-01-01", "end": "2024-06-30", "seed": 3}
    model, spend = BGNBD(0.6, 3.0, 0.4, 6.0), GammaGamma(6.25, 3.74, 15.44)
    whole = clv.simulate(model, spend=spend, **told)
    assert whole["customer_id"].nunique() == 250
    monkeypatch.setattr(simulation, "PART", 100)
    parts = list(simulation.simulated_parts(model, spend=spend, **told))
    assert [part["customer_id"].nunique() for part in parts] == [100, 100, 50]
    pd.testing.assert_frame_equal(clv.simulate(model, spend=spend, **told), pd.concat(parts, ignore_index=True))
    for suffix in (".csv", ".parquet"):
        rows = files.write_parts(iter(parts), tmp_path / f"log{suffix}")
        files.write_table(pd.concat(parts, ignore_index=True), tmp_path / f"same{suffix}")
        assert rows == sum(map(len, parts))
        if suffix == ".csv":
            assert (tmp_path / "log.csv").read_bytes() == (tmp_path / "same.csv").read_bytes()
        else:
            pd.testing.assert_frame_equal(
                pd.read_parquet(tmp_path / "log.parquet"), pd.read_parquet(tmp_path / "same.parquet")
            )
