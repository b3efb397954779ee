"""One fit by pymc-marketing with its defaults, timed in its own environment; posterior_speed.py calls it.

python pymc_marketing_fit.py TABLE.csv bgnbd|gamma_gamma pymc|nutpie
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")

import arviz as az  # noqa: E402
import pandas as pd  # noqa: E402
from pymc_marketing.clv import BetaGeoModel, GammaGammaModel  # noqa: E402


def main() -> None:
    """Fit, and print one line of JSON."""
    path, family, sampler = sys.argv[1:]
    table = pd.read_csv(path)
    if family == "bgnbd":
        model, data = BetaGeoModel(), table[["customer_id", "frequency", "recency", "T"]]
    else:
        model = GammaGammaModel()
        data = table.loc[(table["frequency"] > 0) & (table["monetary_value"] > 0)]
        data = data[["customer_id", "frequency", "monetary_value"]].reset_index(drop=True)
    start = time.perf_counter()
    result = model.fit(data, nuts_sampler=sampler, random_seed=1, progressbar=False)
    seconds = time.perf_counter() - start
    summary = az.summary(result, round_to=6)
    found = {
        "seconds": seconds,
        "draws": int(result.posterior.sizes["chain"] * result.posterior.sizes["draw"]),
        "ess": float(summary["ess_bulk"].min()),
        "mean": {name: float(value) for name, value in summary["mean"].items()},
        "version": version("pymc-marketing"),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
