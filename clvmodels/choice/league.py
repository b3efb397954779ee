"""The league of earlier cut-offs: families, and the stack with weights from the other cut-offs, scored and compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clvmodels.choice.scoring import Scored
from clvmodels.choice.weights import best_weights
from clvmodels.fitting.stack import STACK, StackBlend
from clvmodels.models import FAMILIES
from clvmodels.models.arrays import Array

Z95 = 1.959964
"""Standard errors to a 95 % limit."""
Scores = Mapping[str, Array]
"""Predictor → score of each customer at each cut-off, one cut-off after another."""


@dataclass(frozen=True, eq=False)
class League:
    """Scores of every predictor, all customers at all cut-offs in one row."""

    judged: tuple[Scored, ...]
    families: tuple[str, ...]
    members: tuple[str, ...]
    """Families and formulas, in the order of the weights."""
    weights: Array
    """Of the stack, learned on all cut-offs."""
    log: Scores
    crps: Scores
    ratios: Mapping[str, Array]
    """Predictor → log(predicted / actual) of each cut-off's total."""
    customer: NDArray[np.intp]

    @classmethod
    def of(cls, judged: Sequence[Scored], families: Sequence[str]) -> League:
        """The league of these cut-offs."""
        members = judged[0].names
        products = np.stack([one.products.sum(axis=0) for one in judged])
        log, crps, ratios = {}, {}, {}
        for name in families:
            alone = (np.array(members) == name).astype(float)
            log[name] = np.concatenate([one.log_score(alone) for one in judged])
            crps[name] = np.concatenate([one.crps(alone) for one in judged])
            ratios[name] = np.array([one.log_ratio(alone) for one in judged])
        blind = [_blind(judged, products, place) for place in range(len(judged))]
        log[STACK] = np.concatenate([_each(one.log_score, w) for one, w in zip(judged, blind, strict=True)])
        crps[STACK] = np.concatenate([_each(one.crps, w) for one, w in zip(judged, blind, strict=True)])
        ratios[STACK] = np.array([one.log_ratio(w.mean(axis=0)) for one, w in zip(judged, blind, strict=True)])
        weights, customer = best_weights(products.sum(axis=0)), np.concatenate([one.origin.customer for one in judged])
        return cls(tuple(judged), tuple(families), members, weights, log, crps, ratios, customer)

    def alone(self, name: str) -> Array:
        """Weights with which one member stands alone."""
        return np.asarray(np.array(self.members) == name, float)

    def difference(self, scores: Scores, one: str, other: str) -> tuple[float, float]:
        """Mean of one − other, and its standard error: paired, and customers counted once, however often they came."""
        gap = scores[one] - scores[other]
        by_customer = np.bincount(self.customer, gap - gap.mean())
        return float(gap.mean()), float(np.sqrt(by_customer @ by_customer) / gap.size)

    def table(self, chosen: str) -> pd.DataFrame:
        """One row per predictor, the best log score first; differences to the best family."""
        best = max(self.families, key=lambda name: self.log[name].mean())
        rows = []
        for name in (*self.families, STACK):
            row: dict[str, object] = {"predictor": name, "title": title_of(name)}
            for kind, scores in (("log_score", self.log), ("crps", self.crps)):
                gap, error = self.difference(scores, name, best)
                row[kind] = float(scores[name].mean())
                row |= {f"{kind}_difference": gap, f"{kind}_standard_error": error}
                row |= {f"{kind}_lower": gap - Z95 * error, f"{kind}_upper": gap + Z95 * error}
            row |= {"log_ratio": float(np.abs(self.ratios[name]).mean()), "chosen": name == chosen}
            rows.append(row)
        return pd.DataFrame(rows).sort_values("log_score", ascending=False, kind="stable", ignore_index=True)

    def totals(self) -> pd.DataFrame:
        """Totals of purchases by cut-off and predictor."""
        rows = [
            (one.origin.cutoff, name, one.origin.purchases.sum() * np.exp(ratio[place]), one.origin.purchases.sum())
            for name, ratio in self.ratios.items()
            for place, one in enumerate(self.judged)
        ]
        return pd.DataFrame(rows, columns=["cutoff", "predictor", "predicted", "actual"])


def title_of(name: str) -> str:
    """What readers call a predictor."""
    return StackBlend.title if name == STACK else FAMILIES[name].title


def _blind(judged: Sequence[Scored], products: Array, place: int) -> Array:
    """Weights for one cut-off that know nothing of it: those of the others; shape (customers, members).

    Of a single cut-off one half of the customers is weighted by the other.
    """
    n = len(judged[place].origin.purchases)
    if len(judged) > 1:
        return np.tile(best_weights(np.delete(products, place, axis=0).sum(axis=0)), (n, 1))
    odd = np.arange(n) % 2 == 1
    halves = [best_weights(judged[0].products[half].sum(axis=0)) for half in (odd, ~odd)]
    return np.where(odd[:, None], halves[1], halves[0])


def _each(score: object, weights: Array) -> Array:
    """A score with weights that differ between customers."""
    result = np.empty(len(weights))
    for some in np.unique(weights, axis=0):
        rows = (weights == some).all(axis=1)
        result[rows] = score(some)[rows]  # type: ignore[operator]
    return result
