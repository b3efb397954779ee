"""The table of what the priors expect before any data, beside what was then observed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from clvmodels.models import FAMILIES, Family
from clvmodels.summary import Summary
from clvmodels.tables.base import FigureTable

if TYPE_CHECKING:
    from clvmodels.fitting.priors import Prior


def prior_predictive(
    family: type[Family] | str,
    summary: Summary,
    *,
    priors: Mapping[str, Prior] | None = None,
    draws: int = 500,
    seed: int = 0,
) -> FigureTable:
    """Logs simulated from the priors alone, in a few numbers each: see `clvmodels.fitting.before_data`.

    Parameters
    ----------
    family, summary, priors
        As in `clvmodels.fit`.
    draws
        Number of simulated logs.
    seed
        The same seed gives the same table.

    Raises
    ------
    InputError
        As `clvmodels.fit` does, and when ``draws`` is not positive.
    """
    from clvmodels.fitting.before_data import prior_predictive as simulated  # scipy.stats takes half a second to load

    rows = simulated(family, summary, priors=priors, draws=draws, seed=seed)
    facts = {
        "unit": summary.unit.value,
        "currency": summary.currency,
        "model": (FAMILIES[family] if isinstance(family, str) else family).title,
        "start": summary.start.isoformat(),
        "end": summary.until.isoformat(),
        "customers": len(summary.frame),
        "draws": draws,
    }
    return FigureTable("prior_predictive", rows, facts)
