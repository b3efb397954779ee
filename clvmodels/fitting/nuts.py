"""The posterior by NUTS, on the families' own log-likelihood; the only file that imports PyMC and PyTensor."""

from __future__ import annotations

import sys
import warnings
from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy import special

from clvmodels.errors import MissingDependencyError
from clvmodels.fitting.draws import Draws, chain_diagnostics
from clvmodels.fitting.priors import Parametrisation
from clvmodels.models.arrays import Array

CHAINS, TUNE, DRAWS = 4, 1000, 1000
"""What is sampled unless asked otherwise; R̂ and effective sizes decide whether it was enough."""


def nuts_draws(
    parametrisation: Parametrisation,
    data: tuple[Array, ...],
    counts: Array,
    *,
    scale: float,
    seed: int,
    chains: int = CHAINS,
    tune: int = TUNE,
    draws: int = DRAWS,
    thin: int = 1,
    progress: bool | None = None,
) -> Draws:
    """Sample the posterior with nutpie.

    Parameters
    ----------
    parametrisation
        Quantities with their priors, and how a family is built from them.
    data, counts
        The family's data columns in the analyst's units, one row per pattern, and how many customers share each row.
    scale
        The mean T, or the mean spend: what the priors count in.
    chains, tune, draws, thin
        ``draws`` of each chain after ``tune`` steps of adaptation, every ``thin``-th of which is kept and judged.
    progress
        Show nutpie's progress bar; by itself on a terminal.

    Raises
    ------
    MissingDependencyError
        Without PyMC or nutpie.
    """
    try:
        with warnings.catch_warnings():  # ArviZ 0.x announces 1.x, PyTensor asks for a BLAS nobody needs here
            warnings.simplefilter("ignore")
            import nutpie
            import pymc as pm
    except ImportError as error:
        raise MissingDependencyError(
            f"NUTS needs PyMC and nutpie ({error.name} is missing). Type: pip install 'clvmodels[bayes]'"
        ) from error
    with pm.Model() as model:
        quantities = [
            getattr(pm, type(quantity.prior).__name__)(quantity.name, **asdict(quantity.prior))
            for quantity in parametrisation.quantities
        ]
        family = parametrisation.build(scale, *quantities)
        log_likelihood = family.log_likelihood(*data, ops=_symbolic())  # type: ignore[attr-defined]
        pm.Potential("log_likelihood", (counts * log_likelihood).sum())
    shown = sys.stderr.isatty() if progress is None else progress
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trace = nutpie.sample(
            nutpie.compile_pymc_model(model),
            draws=draws,
            tune=tune,
            chains=chains,
            cores=min(chains, 2),
            seed=seed,
            progress_bar=shown,
        )
    values = np.stack([np.asarray(trace.posterior[q.name])[:, ::thin] for q in parametrisation.quantities], axis=-1)
    u = np.where([q.link == "log" for q in parametrisation.quantities], np.log(values), special.logit(values))
    r_hat, bulk, tail = chain_diagnostics(u)
    u = u.reshape(-1, u.shape[-1])
    return Draws(
        parametrisation.family,
        u,
        parametrisation.model(u, scale).log_vector,
        np.full(len(u), 1 / len(u)),
        chains=chains,
        r_hat=r_hat,
        bulk_ess=bulk,
        tail_ess=tail,
        divergences=int(np.sum(np.asarray(trace.sample_stats["diverging"])[:, ::thin])),
    )


def _symbolic() -> Any:
    """The operations of a log-likelihood in PyTensor."""
    import pytensor.tensor as pt

    return SimpleNamespace(
        log=pt.log,
        log1p=pt.log1p,
        logaddexp=pt.logaddexp,
        where=pt.where,
        log_rising=lambda start, count: pt.gammaln(start + count) - pt.gammaln(start),
        betaln=lambda first, second: pt.gammaln(first) + pt.gammaln(second) - pt.gammaln(first + second),
    )
