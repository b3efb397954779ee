"""Measure whether posteriors are calibrated, by both engines; the result is evidence.json (`make evidence`)."""

from __future__ import annotations

import json
import platform
import sys
import time
from collections import Counter
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from clvmodels import sbc

SEED = 20_250_101
REPLICATIONS = {"posterior": 500, "nuts": 100}
RESULT = Path(__file__).with_name("evidence.json")


def study(engine: str, found: Iterable[sbc.Places], replications: int) -> dict[str, Any]:
    start, drawn = time.process_time(), []
    for places in found:
        drawn.append(places)
        if sys.stderr.isatty():
            print(f"\r{engine}: {len(drawn)} of {replications}", end="", file=sys.stderr)
    limits = sbc.band(replications)
    quantities = {name: [round(one.places[name], 4) for one in drawn] for name in drawn[0].places}
    return {
        "replications": len(drawn),
        "cpu_seconds": round(time.process_time() - start),
        "drawn_by": {
            "purchases": dict(Counter(one.purchases for one in drawn)),
            "spend": dict(Counter(one.spend for one in drawn)),
        },
        "outside_the_band": {name: round(sbc.outside(places, limits), 4) for name, places in quantities.items()},
        "places": quantities,
    }


def main() -> None:
    """Run what the arguments name (posterior, nuts; both without any), and keep the rest of an earlier result."""
    asked = sys.argv[1:] or list(REPLICATIONS)
    earlier = json.loads(RESULT.read_text(encoding="utf-8"))["engines"] if RESULT.exists() else {}
    engines = {}
    for offset, (engine, replications) in enumerate(REPLICATIONS.items()):
        if engine not in asked:
            engines |= {engine: earlier[engine]} if engine in earlier else {}
            continue
        worlds = [sbc.draw_world(SEED + 10_000 * offset + i) for i in range(replications)]
        run = sbc.by_importance if engine == "posterior" else sbc.by_nuts
        engines[engine] = study(engine, run(worlds), replications)
        outside = {name: far for name, far in engines[engine]["outside_the_band"].items() if far > 0}
        print(f"{engine}: {replications} replications, outside the {sbc.LEVEL:.1%} band: {outside or 'nothing'}")
    packages = ("clvmodels", "numpy", "scipy", "arviz-stats", "pymc", "nutpie")
    content = {
        "what": "place of the truth in its posterior, uniform if the engine is right (simulation-based calibration)",
        "command": "make evidence",
        "seed": SEED,
        "band": f"{sbc.LEVEL} simultaneous for each quantity, by simulation (Säilynoja, Bürkner & Vehtari 2022)",
        "design": {
            "customers": sbc.CUSTOMERS,
            "weeks_observed": [sbc.SHORTEST, sbc.LONGEST],
            "weeks_predicted": sbc.HORIZON,
            "futures_per_posterior": sbc.DRAWS,
            "nuts": {"chains": 4, **sbc.NUTS},
        },
        "priors": {name: {key: repr(prior) for key, prior in priors.items()} for name, priors in sbc.PRIORS.items()},
        "versions": {"python": platform.python_version()} | {package: version(package) for package in packages},
        "engines": engines,
    }
    text = json.dumps(content, indent=1, ensure_ascii=False)
    for engine in engines.values():  # one line for each quantity's places
        for places in engine["places"].values():
            text = text.replace(json.dumps(places, indent=1).replace("\n", "\n    "), json.dumps(places))
    RESULT.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
