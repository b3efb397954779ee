"""What the priors expect before any data: logs simulated from them, in numbers that an analyst can judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from clvmodels.errors import InputError
from clvmodels.fitting.data import purchase_objective, spend_objective
from clvmodels.fitting.priors import PARAMETRISATIONS, Parametrisation, Prior
from clvmodels.models import FAMILIES, Family, SpendFamily
from clvmodels.models.arrays import Array

if TYPE_CHECKING:
    from clvmodels.summary import Summary

CUSTOMERS = 2000
"""Of a larger summary, a systematic sample of so many is simulated."""


def prior_predictive(
    family: type[Family] | str,
    summary: Summary,
    *,
    priors: Mapping[str, Prior] | None = None,
    draws: int = 500,
    seed: int = 0,
) -> pd.DataFrame:
    """Simulate the customers of a summary under parameters drawn from the priors alone.

    Good priors allow every log that is at all plausible and give the observed one no special place: ``observed`` lies
    well inside the range of ``value``.

    Parameters
    ----------
    family
        The class or its name. A purchase family is simulated for as long as each customer was observed; a spend family
        for as many purchases as it knows of each customer.
    summary
        Where T (or the frequency), the scale of the priors and the observed values come from.
    priors
        As in `fit`.
    draws
        Number of simulated logs.
    seed
        The same seed gives the same table.

    Returns
    -------
    DataFrame
        quantity, draw, value, observed; one row per quantity and simulated log. Quantities of purchases: repeat
        purchases per customer (``purchases_per_customer``), share of customers without any (``one_time_share``), and
        share of the purchases that fall to the best tenth of customers (``top_tenth_share``). Of spend: the mean over
        customers of their mean spend (``mean_spend``), and the best tenth's share of it (``top_tenth_share``).

    Raises
    ------
    InputError
        As `fit` does, and when ``draws`` is not positive.

    Examples
    --------
    >>> from clvmodels.summary import split
    >>> calibration, _ = split("cdnow-sample", calibration_end="1997-09-30", holdout_end="1998-06-30")
    >>> table = prior_predictive("bgnbd", calibration, seed=1)
    >>> by_quantity = table.groupby("quantity")
    >>> shown = by_quantity["value"].quantile([0.05, 0.95]).unstack().assign(observed=by_quantity["observed"].first())
    >>> print(shown.round(2).reset_index().to_string(index=False))
                  quantity  0.05  0.95  observed
            one_time_share  0.08  0.95      0.60
    purchases_per_customer  0.06  2.61      1.04
           top_tenth_share  0.24  1.00      0.58
    """
    kind = FAMILIES.get(family) if isinstance(family, str) else family
    if kind is None or kind.name not in PARAMETRISATIONS:
        raise InputError(f"family {family!r} has no priors. Choose {' or '.join(PARAMETRISATIONS)}.")
    if draws < 1:
        raise InputError(f"draws is {draws}. Give a whole number, at least 1.")
    parametrisation = PARAMETRISATIONS[kind.name].with_priors(priors or {})
    rng = np.random.default_rng(seed)
    if issubclass(kind, SpendFamily):
        objective, _ = spend_objective(summary, kind)
        (x, m, *_), _ = objective.rows()
        model: Any = parametrisation.model(prior_draws(parametrisation, draws, rng), objective.scale)
        simulated = model.sample_typical(_some(x), seed=rng)
        quantities: dict[str, Callable[[Array], Any]] = {"mean_spend": np.mean, "top_tenth_share": top_tenth_share}
        observed: Array = model.typical(x, m)
    else:
        patterns = purchase_objective(summary, kind)
        (x, _, T), n = patterns.rows()
        model = parametrisation.model(prior_draws(parametrisation, draws, rng), patterns.scale)
        simulated = model.sample(_some(np.repeat(T, n.astype(int))), 0, 0, 0, seed=rng)
        quantities = {
            "purchases_per_customer": np.mean,
            "one_time_share": lambda counts: np.mean(counts == 0),
            "top_tenth_share": top_tenth_share,
        }
        observed = np.repeat(x, n.astype(int))
    tables = [
        pd.DataFrame(
            {
                "quantity": name,
                "draw": np.arange(draws),
                "value": [float(quantity(log)) for log in simulated],
                "observed": float(quantity(observed)),
            }
        )
        for name, quantity in quantities.items()
    ]
    return pd.concat(tables, ignore_index=True)


def prior_draws(parametrisation: Parametrisation, draws: int, rng: np.random.Generator) -> Array:
    """Unconstrained coordinates drawn from the priors, shape (draws, k)."""
    columns = [q.unconstrained(q.prior.distribution.rvs(draws, random_state=rng)) for q in parametrisation.quantities]
    return np.stack(columns, axis=-1)


def top_tenth_share(values: Array) -> float:
    """What part of the sum falls to the highest tenth; 0 where the sum is 0.

    Examples
    --------
    >>> top_tenth_share(np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 6]))
    0.6
    """
    ordered = np.sort(values)[::-1]
    total = float(ordered.sum())
    return float(ordered[: max(1, round(0.1 * ordered.size))].sum()) / total if total > 0 else 0.0


def _some(values: Array) -> Array:
    """At most CUSTOMERS of them, evenly spaced."""
    return np.asarray(values[np.linspace(0, values.size - 1, min(values.size, CUSTOMERS)).round().astype(int)])
