"""A stack: several purchase fits with weights, as one fit that predicts, is saved and is reported like any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from clvmodels import written
from clvmodels.calendar import Unit
from clvmodels.fitting.result import Fit
from clvmodels.language import _, attribute
from clvmodels.models import Family, PurchaseFamily
from clvmodels.models.blend import Blend
from clvmodels.models.formula_rate import FormulaRate, NobodyReturns

if TYPE_CHECKING:
    from clvmodels.summary import Summary

STACK, FORMULA = "stack", "formula"
"""The name of the family, and the method of members that are fitted to nothing."""
FORMULA_MEMBERS: dict[str, tuple[type[FormulaRate], int]] = {
    "formula_customer": (FormulaRate, 1),
    "formula_repeat": (FormulaRate, 0),
    "zero": (NobodyReturns, 0),
}
"""Formulas that may join a stack → their model, and whether it counts the first order."""


@dataclass(frozen=True, eq=False, kw_only=True)
class StackFit(Fit):
    """Fits of several families, and the formula's, mixed with weights that were learned on earlier cut-offs.

    ``model`` is their `Blend`; what a fit says of its parameters it says of the weights.
    """

    members: tuple[Fit, ...]
    names: tuple[str, ...]
    weights: tuple[float, ...]

    @property
    def parameters(self) -> dict[str, float]:
        """Weight of each member."""
        return dict(zip(self.names, self.weights, strict=True))

    @property
    def components(self) -> tuple[tuple[float, Fit], ...]:
        """Weights and fits."""
        return tuple(zip(self.weights, self.members, strict=True))

    @property
    def lead(self) -> Fit:
        """The family with the largest weight."""
        families = [part for part in self.components if part[1].method != FORMULA] or list(self.components)
        return max(families, key=lambda part: part[0])[1]

    def draws(self, n: int, *, seed: int = 0) -> Family:
        """A blend of the members at ``n`` draws each."""
        return blend_of(self.weights, [one.draws(n, seed=seed) for one in self.members])

    def table(self, *, level: float = 0.90) -> pd.DataFrame:
        """One row per member: parameter (its name), estimate (its weight); weights have no standard errors here."""
        nothing = np.full(len(self.names), np.nan)
        columns = {"parameter": self.names, "estimate": self.weights, "standard_error": nothing}
        return pd.DataFrame(columns | {"lower": nothing, "upper": nothing})


class StackBlend(Blend):
    """The blend of a stack, under its own name."""

    name = STACK
    title = attribute("Stack")


def stack_of(
    fits: Mapping[str, Fit], weights: Mapping[str, float], summary: Summary, *, method: str, shortest: float
) -> StackFit:
    """Fits, and formulas, as one: ``weights`` by the names of families and of formulas, ``fits`` of the families."""
    names = tuple(weights)
    members = tuple(fits[name] if name in fits else formula_fit(name, summary, shortest) for name in names)
    share = np.array([weights[name] for name in names])
    share = share / share.sum()
    lead = members[int(np.argmax([w if name in fits else -1.0 for w, name in zip(share, names, strict=True)]))]
    said = ", ".join(f"{written.decimal(w)} {one.model.title}" for w, one in zip(share, members, strict=True))
    loose = [name for name, one in zip(names, members, strict=True) if not one.converged]
    verdict = _("a stack of {members}; not converged: {loose}") if loose else _("a stack of {members}")
    return StackFit(
        model=blend_of(tuple(share.tolist()), [one.predictive_model for one in members]),
        method=method,
        unit=summary.unit,
        log_likelihood=float(lead.log_likelihood),
        n_customers=lead.n_customers,
        converged=not loose,
        verdict=verdict.format(members=said, loose=", ".join(loose)),
        covariance=np.zeros((0, 0)),
        standard_errors=dict.fromkeys(names),
        diagnostics={"warnings": [], "boundary": None, "members": {name: one.method for name, one in fits.items()}},
        start=summary.start,
        until=summary.until,
        currency=summary.currency,
        sha256=summary.sha256,
        members=members,
        names=names,
        weights=tuple(share.tolist()),
    )


def formula_fit(name: str, summary: Summary, shortest: float) -> Fit:
    """A formula as a fit: nothing in it is estimated; observations count as at least ``shortest``."""
    kind, first = FORMULA_MEMBERS[name]
    return Fit(
        model=kind(shortest, first),
        method=FORMULA,
        unit=Unit(summary.unit),
        log_likelihood=0.0,
        n_customers=int(summary.patterns.n.sum()),
        converged=True,
        verdict="a formula: nothing is estimated",
        covariance=np.zeros((1, 1)),
        standard_errors={"shortest": None},
        diagnostics={"warnings": [], "boundary": None},
        start=summary.start,
        until=summary.until,
        currency=summary.currency,
        sha256=summary.sha256,
    )


def blend_of(weights: tuple[float, ...], models: Sequence[Family]) -> StackBlend:
    """Models of purchases as a stack's blend."""
    members = tuple(model for model in models if isinstance(model, PurchaseFamily))
    return StackBlend(weights, members)


def story_of(model: PurchaseFamily) -> PurchaseFamily:
    """The model that can tell a customer's life from the first purchase on: a stack without the formulas in it."""
    if not isinstance(model, StackBlend):
        return model
    parts = [(w, one) for w, one in zip(model.weights, model.members, strict=True) if not isinstance(one, FormulaRate)]
    whole = sum(weight for weight, _one in parts)
    return (
        blend_of(tuple(weight / whole for weight, _one in parts), [one for _weight, one in parts]) if parts else model
    )
