"""What every member said of each customer at an earlier cut-off, scored; and how members' errors hang together."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from clvmodels.choice.origins import Origin, chunks
from clvmodels.errors import CLVError, DiagnosticWarning
from clvmodels.fitting import Fit, fit
from clvmodels.metrics import log_of
from clvmodels.models import PurchaseFamily
from clvmodels.models.arrays import Array
from clvmodels.outcomes import PurchaseOutcomes

AT_ONCE = 2000
"""Customers whose distributions are held at a time."""
MOST_COUNTS = 2000
"""Distributions are compared up to so many purchases."""
CANNOT = (CLVError, ArithmeticError, np.linalg.LinAlgError, NotImplementedError)
"""What a family may answer to data that it cannot be fitted to."""


@dataclass(frozen=True, eq=False)
class Scored:
    """One earlier cut-off with every member's forecast scored; arrays have one row per customer."""

    origin: Origin
    names: tuple[str, ...]
    models: tuple[PurchaseFamily, ...]
    chance: Array
    """Probability of what happened: shape (n, members)."""
    mean: Array
    """Expected purchases: shape (n, members)."""
    products: Array
    """∫ (F_i − 1{y ≤ z}) (F_j − 1{y ≤ z}) dz of each customer and pair: shape (n, members, members).

    A mixture with weights w has the CRPS wᵀ · products · w.
    """

    def without(self, name: str) -> Scored:
        """The same with one member less."""
        kept = [place for place, one in enumerate(self.names) if one != name]
        return replace(
            self,
            names=tuple(self.names[place] for place in kept),
            models=tuple(self.models[place] for place in kept),
            chance=self.chance[:, kept],
            mean=self.mean[:, kept],
            products=self.products[:, kept][:, :, kept],
        )

    def log_score(self, weights: Array) -> Array:
        """Log probability that the mixture gave to what each customer did."""
        return log_of(self.chance @ weights)

    def crps(self, weights: Array) -> Array:
        """CRPS of the mixture, customer by customer."""
        return np.asarray(np.einsum("nij,i,j->n", self.products, weights, weights))

    def log_ratio(self, weights: Array) -> float:
        """log(predicted / actual) of the total."""
        return float(np.log((self.mean @ weights).sum() / self.origin.purchases.sum()))


def fitted(names: Sequence[str], origin: Origin) -> tuple[dict[str, Fit], dict[str, str]]:
    """Each family by maximum likelihood on what was known, and why some could not be."""
    fits, reasons = {}, {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiagnosticWarning)
        for name in names:
            try:
                fits[name] = fit(name, origin.known)
            except CANNOT as error:
                reasons[name] = str(error).partition("\n")[0]
    return fits, reasons


def scored(origin: Origin, models: Mapping[str, PurchaseFamily]) -> Scored:
    """Every model's forecast of every customer, beside what happened."""
    frame, n = origin.known.frame, len(origin.purchases)
    chance, mean = np.empty((n, len(models))), np.empty((n, len(models)))
    products = np.empty((n, len(models), len(models)))
    x, t_x, T = (frame[name].to_numpy(float) for name in ("frequency", "recency", "T"))
    for rows in chunks(n, AT_ONCE):
        y, errors = origin.purchases[rows], []
        for place, model in enumerate(models.values()):
            outcomes = PurchaseOutcomes(model, origin.t, x[rows], t_x[rows], T[rows])
            chance[rows, place] = outcomes.pmf(y)
            mean[rows, place] = outcomes.mean
            errors.append(_errors(outcomes, y))
        counts = max(part.shape[1] for part in errors)
        stacked = np.stack([np.pad(part, ((0, 0), (0, counts - part.shape[1]))) for part in errors], axis=1)
        products[rows] = np.einsum("nik,njk->nij", stacked, stacked, optimize=True)
    return Scored(origin, tuple(models), tuple(models.values()), chance, mean, products)


def _errors(outcomes: PurchaseOutcomes, y: Array) -> Array:
    """F(k) − 1{y ≤ k} for k = 0, 1, …: shape (n, counts)."""
    place = outcomes.distinct.place
    blocks = list(outcomes.blocks())
    counts = int(min(max(max(block.n[-1] for block in blocks), y.max() + 1), MOST_COUNTS))
    above = np.zeros((outcomes.distinct.x.size, counts))
    k = np.arange(counts)
    for block in blocks:
        at = np.searchsorted(block.n, k + 1.0)
        inside = at < block.n.size
        above[np.ix_(block.rows, np.flatnonzero(inside))] = block.survival[:, at[inside]]
    return np.asarray((k[None, :] < y[:, None]) - above[place])
