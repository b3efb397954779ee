"""A posterior fit as ArviZ wants it: posterior, pointwise log-likelihood, posterior predictive, observed data."""

from __future__ import annotations

from typing import Any

import numpy as np

from clvmodels.errors import InputError
from clvmodels.fitting.draws import Draws, arviz_data
from clvmodels.models.arrays import Array

MOST = 2e8
"""Customers × draws that are worth holding in memory at once (1.6 GB an array)."""

CHAINS = 4
"""Weighted draws are shown as so many chains, which ArviZ's diagnostics ask for."""


def to_arviz(
    posterior: Draws | None, observed: tuple[tuple[Array, ...], Array] | None, *, draws: int, seed: int
) -> Any:
    """See `Fit.to_arviz`."""
    if posterior is None or observed is None:
        reason = "was loaded from a file, which keeps no data" if posterior else "has no posterior"
        raise InputError(
            f"ArviZ needs draws and data, and this fit {reason}. Fit the summary with method='posterior' or 'nuts'."
        )
    columns, counts = observed
    rows = np.repeat(np.arange(len(counts)), np.asarray(counts, int))
    if rows.size * draws > MOST:
        raise InputError(
            f"{rows.size:,} customers × {draws:,} draws do not fit into memory as one array. "
            f"Ask for fewer draws: to_arviz(draws={max(int(MOST / rows.size), 1)})."
        )
    chains, log_parameters = _chosen(posterior, draws, seed)
    model = posterior.at(log_parameters)
    shape = (chains, len(log_parameters) // chains)

    def by_chain(values: Array) -> Array:
        return np.asarray(values).reshape(*shape, *np.shape(values)[1:])

    if model.kind == "purchases":
        x, t_x, T = columns
        likelihood = model.log_likelihood(x, t_x, T)  # type: ignore[attr-defined]
        simulated = model.sample(T[rows], 0, 0, 0, seed=seed)  # type: ignore[attr-defined]
        seen, name = x[rows], "frequency"
    else:
        likelihood = model.log_likelihood(*columns)  # type: ignore[attr-defined]
        simulated = model.sample_typical(columns[0][rows], seed=seed)  # type: ignore[attr-defined]
        seen, name = model.typical(*columns[:2])[rows], "monetary_value"  # type: ignore[attr-defined]
    parameters = dict(zip(model.parameter_names(), np.exp(log_parameters).T, strict=True))
    groups: dict[str, dict[str, Array]] = {
        "posterior": {key: by_chain(value) for key, value in parameters.items()},
        "log_likelihood": {name: by_chain(likelihood[:, rows])},
        "posterior_predictive": {name: by_chain(simulated)},
        "observed_data": {name: seen},
    }
    return arviz_data(groups, {name: ["customer"]})


def _chosen(posterior: Draws, draws: int, seed: int) -> tuple[int, Array]:
    """The number of chains and the log parameters, shape (chains × draws, k), chains one after another."""
    if posterior.chains == 1:  # independent draws: any order, and any cut into chains, is as good as another
        each = max(draws // CHAINS, 1)
        drawn = posterior.resample(CHAINS * each, seed=seed).log_vector
        return CHAINS, np.random.default_rng(seed).permutation(drawn)
    each = posterior.size // posterior.chains
    kept = np.linspace(0, each - 1, min(max(draws // posterior.chains, 1), each)).astype(int)
    places = (np.arange(posterior.chains)[:, None] * each + kept).ravel()
    return posterior.chains, posterior.log_parameters[places]
