"""The posterior by NUTS, on the families' own log-likelihood; the only file that imports PyMC and PyTensor."""

from __future__ import annotations

import sys
import warnings
from dataclasses import asdict, dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy import special

from clvmodels.errors import MissingDependencyError
from clvmodels.fitting.draws import Draws, chain_diagnostics
from clvmodels.fitting.priors import Parametrisation
from clvmodels.models.arrays import LOG_SQRT_2PI, Array

CHAINS, TUNE, DRAWS = 4, 1000, 1000
"""What is sampled unless asked otherwise; R̂ and effective sizes decide whether it was enough."""


@dataclass(frozen=True)
class Sampler:
    """A compiled model: compiling takes seconds, so that other counts of the same rows need no new one."""

    parametrisation: Parametrisation
    compiled: Any

    def sample(
        self,
        counts: Array,
        scale: float,
        *,
        seed: int,
        chains: int = CHAINS,
        tune: int = TUNE,
        draws: int = DRAWS,
        thin: int = 1,
        progress: bool | None = None,
    ) -> Draws:
        """Sample with nutpie.

        Parameters
        ----------
        counts
            How many customers share each row of the data; 0 leaves a row out.
        scale
            The mean T, or the mean spend: what the priors count in.
        seed
            The same seed gives the same draws.
        chains, tune, draws, thin
            ``draws`` of each chain after ``tune`` steps of adaptation, every ``thin``-th of which is kept and judged.
        progress
            Show nutpie's progress bar; by itself on a terminal.
        """
        quantities = self.parametrisation.quantities
        data = {"counts": np.asarray(counts, float), "scale": np.float64(scale)}
        used = {name: value for name, value in data.items() if name in self.compiled.shared_data}  # BG/BB has no scale
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trace = _nutpie().sample(
                self.compiled.with_data(**used),
                draws=draws,
                tune=tune,
                chains=chains,
                cores=min(chains, 2),
                seed=seed,
                progress_bar=sys.stderr.isatty() if progress is None else progress,
            )
        values = np.stack([np.asarray(trace.posterior[q.name])[:, ::thin] for q in quantities], axis=-1)
        u = np.where([q.link == "log" for q in quantities], np.log(values), special.logit(values))
        r_hat, bulk, tail = chain_diagnostics(u)
        u = u.reshape(-1, u.shape[-1])
        model = self.parametrisation.model(u, scale)
        return Draws(
            self.parametrisation.family,
            u,
            model.log_vector,
            np.full(len(u), 1 / len(u)),
            chains=chains,
            r_hat=r_hat,
            bulk_ess=bulk,
            tail_ess=tail,
            divergences=int(np.sum(np.asarray(trace.sample_stats["diverging"])[:, ::thin])),
            constants=model.constants,
        )


def compile_model(parametrisation: Parametrisation, data: tuple[Array, ...]) -> Sampler:
    """PyMC's model of a family on these data columns (in the analyst's units), compiled for nutpie.

    Raises
    ------
    MissingDependencyError
        Without PyMC or nutpie.
    """
    nutpie, pm = _nutpie(), _pymc()
    with pm.Model() as model:
        quantities = [
            getattr(pm, type(quantity.prior).__name__)(quantity.name, **asdict(quantity.prior))
            for quantity in parametrisation.quantities
        ]
        family = parametrisation.build(pm.Data("scale", np.float64(1.0)), *quantities)
        log_likelihood = family.log_likelihood(*data, ops=symbolic())  # type: ignore[attr-defined]
        pm.Potential("log_likelihood", (pm.Data("counts", np.ones(len(data[0]))) * log_likelihood).sum())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Sampler(parametrisation, nutpie.compile_pymc_model(model))


def symbolic() -> Any:
    """The operations of a log-likelihood (`Ops`) in PyTensor."""
    import pytensor.tensor as pt

    return SimpleNamespace(
        log=pt.log,
        log1p=pt.log1p,
        exp=pt.exp,
        expm1=pt.expm1,
        minimum=pt.minimum,
        logaddexp=pt.logaddexp,
        where=pt.where,
        log_rising=lambda start, count: pt.gammaln(start + count) - pt.gammaln(start),
        betaln=lambda first, second: pt.gammaln(first) + pt.gammaln(second) - pt.gammaln(first + second),
        stirling_rest=lambda z: pt.gammaln(z) - ((z - 0.5) * pt.log(z) - z + LOG_SQRT_2PI),
    )


def _nutpie() -> Any:
    try:
        with warnings.catch_warnings():  # ArviZ 0.x announces 1.x, once a day
            warnings.simplefilter("ignore")
            import nutpie
    except ImportError as error:
        raise _missing(error) from error
    return nutpie


def _pymc() -> Any:
    try:
        with warnings.catch_warnings():  # ArviZ 0.x announces 1.x, PyTensor asks for a BLAS nobody needs here
            warnings.simplefilter("ignore")
            import pymc
    except ImportError as error:
        raise _missing(error) from error
    return pymc


def _missing(error: ImportError) -> MissingDependencyError:
    return MissingDependencyError(
        f"NUTS needs PyMC and nutpie ({error.name} is missing). Type: pip install 'clvmodels[bayes]'"
    )
