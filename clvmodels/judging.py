"""Every metric of every predictor of one quantity, for many resamples of the customers at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clvmodels.metrics import (
    METRICS,
    PIT,
    Happened,
    auc_active_of,
    decile_mape_of,
    gini_of,
    inside,
    log_of,
    spearman_of,
)
from clvmodels.metrics import top_decile_capture_of as capture_of
from clvmodels.outcomes import PurchaseOutcomes, ValueOutcomes
from clvmodels.ranking import Ranking

Array = NDArray[np.float64]
Quantity = Literal["purchases", "value"]


@dataclass(frozen=True, eq=False)
class Predictor:
    """What one predictor said of each customer, and how it fared with what happened; arrays of shape (n,)."""

    name: str
    mean: Array
    median: Array
    crps: Array
    probability: Array | None = None
    """Of what happened; counts only."""
    below: Array | None = None
    """F(y−) at what happened; None for a predictor without a distribution."""
    upto: Array | None = None
    """F(y) at what happened."""

    @classmethod
    def point(cls, name: str, prediction: Array, actual: Array) -> Predictor:
        """A predictor without a distribution: mean, median and a point mass in one."""
        return cls(name, prediction, prediction, np.abs(prediction - actual))

    @classmethod
    def of_purchases(cls, name: str, outcomes: PurchaseOutcomes, actual: Array) -> Predictor:
        """A predictive distribution of counts."""
        return cls(
            name,
            outcomes.mean,
            outcomes.median.astype(float),
            outcomes.crps(actual),
            outcomes.pmf(actual),
            outcomes.cdf(actual - 1),
            outcomes.cdf(actual),
        )

    @classmethod
    def of_value(cls, name: str, outcomes: ValueOutcomes, actual: Array) -> Predictor:
        """A predictive distribution of money: an atom at 0 and a density above, where F(y−) = F(y)."""
        median, upto, crps = outcomes.judged(actual)
        below = np.where(actual > 0, upto, 0.0)
        return cls(name, outcomes.mean, median, crps, None, below, upto)

    @property
    def columns(self) -> list[Array]:
        """Everything that the metrics depend on, besides the actual."""
        columns = (self.mean, self.median, self.crps, self.probability, self.below, self.upto)
        return [column for column in columns if column is not None]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that exist for it."""
        absent = {"log_score"} if self.probability is None else set()
        if self.below is None:
            absent |= {"coverage_90", "pit_ks"}
        return tuple(name for name in METRICS if name not in absent)

    @property
    def range(self) -> tuple[Array, Array]:
        """F(y−) and F(y) at what happened, of a predictor with a distribution."""
        if self.below is None or self.upto is None:
            raise ValueError(f"{self.name} has no distribution")
        return self.below, self.upto

    @cached_property
    def ranking(self) -> Ranking:
        """Customers by predicted mean."""
        return Ranking.of(self.mean)

    @cached_property
    def pit(self) -> PIT | None:
        """The corners of its mean PIT."""
        return None if self.below is None or self.upto is None else PIT.of(self.below, self.upto)

    def at(self, customers: NDArray[np.intp]) -> Predictor:
        """The same predictor for some of the customers."""

        def some(column: Array | None) -> Array | None:
            return None if column is None else column[customers]

        return Predictor(
            self.name,
            self.mean[customers],
            self.median[customers],
            self.crps[customers],
            some(self.probability),
            some(self.below),
            some(self.upto),
        )


@dataclass(frozen=True, eq=False)
class Bench:
    """The predictors of one quantity beside what happened; the first one is the model."""

    quantity: Quantity
    actual: Array
    predictors: tuple[Predictor, ...]

    @property
    def model(self) -> str:
        """The model's name."""
        return self.predictors[0].name

    @property
    def columns(self) -> list[Array]:
        """Everything that the metrics depend on: customers alike in all of it are one cell."""
        return [self.actual, *(column for predictor in self.predictors for column in predictor.columns)]

    @property
    def rows(self) -> list[tuple[str, Quantity, str]]:
        """(predictor, quantity, metric) of each row of ``measure``."""
        return [(one.name, self.quantity, metric) for one in self.predictors for metric in one.metrics]

    def at(self, customers: NDArray[np.intp]) -> Bench:
        """The same bench for some of the customers."""
        return Bench(self.quantity, self.actual[customers], tuple(one.at(customers) for one in self.predictors))

    def measure(self, weights: Array) -> Array:
        """All metrics, shape (rows, B), for weights of shape (n, B); NaN where one does not exist."""
        rows = np.ascontiguousarray(weights.T)
        happened = Happened.of(self.actual, self._perfect, rows)
        with np.errstate(divide="ignore", invalid="ignore"):
            means = self._means(rows)
            tables = [self._measure(one, means[one.name], rows, happened) for one in self.predictors]
        result = np.concatenate([[table[name] for name in METRICS if name in table] for table in tables])
        return np.where(np.isfinite(result), result, np.nan)

    @cached_property
    def _perfect(self) -> Ranking:
        """Customers by what they did."""
        return Ranking.of(self.actual)

    @cached_property
    def _ordered(self) -> dict[str, tuple[tuple[NDArray[np.intp], NDArray[np.intp]], Array]]:
        """Of each predictor's order: the places of those who did something, and what everyone did."""
        who = np.flatnonzero(self.actual)
        rankings = {one.name: one.ranking for one in self.predictors}
        return {name: (each.places(who), self.actual[each.order]) for name, each in rankings.items()}

    @cached_property
    def _terms(self) -> tuple[list[tuple[str, str]], Array]:
        """(predictor, metric) and rows of what is averaged over customers."""
        terms = {(one.name, name): row for one in self.predictors for name, row in self._averaged(one).items()}
        return list(terms), np.array(list(terms.values()))

    def _averaged(self, one: Predictor) -> dict[str, Array]:
        terms = {"total_error": one.mean - self.actual, "mae": np.abs(one.median - self.actual)}
        terms |= {"rmse": (one.mean - self.actual) ** 2, "crps": one.crps}
        if one.probability is not None:
            terms["log_score"] = log_of(one.probability)
        if one.below is not None and one.upto is not None:
            terms["coverage_90"] = inside(one.below, one.upto)
        return terms

    def _means(self, weights: Array) -> dict[str, dict[str, Array]]:
        """Predictor → the metrics that are means, or functions of one.

        In one thread: threads of a linear algebra library would round as it pleases how many there are.
        """
        keys, terms = self._terms
        tables: dict[str, dict[str, Array]] = {one.name: {} for one in self.predictors}
        n, actual = weights.sum(axis=1), np.einsum("bn,n->b", weights, self.actual)
        for (name, metric), total in zip(keys, np.einsum("kn,bn->kb", terms, weights), strict=True):
            tables[name][metric] = total / (actual if metric == "total_error" else n)
        return tables

    def _measure(self, one: Predictor, table: dict[str, Array], weights: Array, happened: Happened) -> dict[str, Array]:
        """One predictor's metrics, from its plain means and its ranking."""
        table = {**table, "rmse": np.sqrt(table["rmse"])}
        ranked = one.ranking.under(weights)
        places, actual = self._ordered[one.name]
        ranks = happened.weighted(ranked, places)
        table["gini"] = gini_of(ranks, happened)
        table["spearman"] = spearman_of(ranks, happened)
        table["auc_active"] = auc_active_of(ranks, happened)
        predicted, realised = ranked.equal_parts(actual)
        table["decile_mape"] = decile_mape_of(predicted, realised)
        table["top_decile_capture"] = capture_of(realised)
        if one.pit is not None:
            table["pit_ks"] = one.pit.distance(weights)
        return table
