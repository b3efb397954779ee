"""How good a prediction was, as one number: pure functions of (prediction, actual[, weights]), with ties handled.

Every function takes one number per customer and, optionally, ``weights``: shape (n,) for one answer, or (n, B) for B
answers at once. A weight counts repeated rows, so a bootstrap resample is a column of counts, and the answer is what
the literally resampled rows would give. Customers with equal predictions are tied, and ties are broken at random, in
expectation: a constant predictor scores gini 0, spearman 0, AUC 1/2, capture 1/10, whatever the order of the file.

The rank metrics are all covariances with the same thing, the prediction's mid-ranks, so they are written that way.
Inside, sets of weights are rows, shape (B, n): sums along them are what a bootstrap does, and rows lie together.
An answer that does not exist (no purchase at all, everybody active) is NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clvmodels.ranking import Ranked, Ranking, columns

Array = NDArray[np.float64]
Direction = Literal["higher", "lower", "zero", "nominal"]
Functional = Literal["mean", "median", "distribution"]

NOMINAL = 0.9


@dataclass(frozen=True)
class Metric:
    """What a metric rewards, so that a difference can be read as better or worse."""

    name: str
    direction: Direction
    """Which way is better: higher, lower, closer to zero, or closer to the nominal 0.9."""
    functional: Functional
    """What of the predictive distribution it judges."""
    topic: Literal["totals", "errors", "ranking", "calibration"]
    words: str
    lowest: float = -np.inf
    highest: float = np.inf

    def compared(self, value: Array) -> Array:
        """The scale on which two predictors are subtracted: the distance to the ideal where there is one."""
        if self.direction == "zero":
            return np.abs(value)
        return np.abs(value - NOMINAL) if self.direction == "nominal" else value

    @property
    def sign(self) -> int:
        """+1 where a larger ``compared`` is better, −1 where a smaller one is."""
        return 1 if self.direction == "higher" else -1


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("total_error", "zero", "mean", "totals", "predicted total / actual total − 1", lowest=-1),
        Metric("mae", "lower", "median", "errors", "mean absolute error", lowest=0),
        Metric("rmse", "lower", "mean", "errors", "root mean squared error", lowest=0),
        Metric("gini", "higher", "mean", "ranking", "area of the gain curve, perfect ranking = 1", -1, 1),
        Metric("spearman", "higher", "mean", "ranking", "rank correlation, ties broken at random", -1, 1),
        Metric("auc_active", "higher", "mean", "ranking", "chance that a buyer ranks above a non-buyer", 0, 1),
        Metric("decile_mape", "lower", "mean", "calibration", "mean relative error of ten equal parts", lowest=0),
        Metric("top_decile_capture", "higher", "mean", "ranking", "share of the actual in the best tenth", 0, 1),
        Metric("log_score", "higher", "distribution", "errors", "mean log probability of what happened", highest=0),
        Metric("crps", "lower", "distribution", "errors", "mean continuous ranked probability score", lowest=0),
        Metric("coverage_90", "nominal", "distribution", "calibration", "share inside the central 90 %", 0, 1),
        Metric("pit_ks", "lower", "distribution", "calibration", "largest gap of the PIT from uniform", 0, 1),
    )
}
"""Name → metric, in the order in which reports list them."""


# ------------------------------------------------------------------------------------------------ totals and errors


def total_error(prediction: ArrayLike, actual: ArrayLike, weights: ArrayLike | None = None) -> Any:
    """Predicted total / actual total − 1: −0.12 is 12 % too low. Judges the predictive mean.

    Examples
    --------
    >>> total_error([1.0, 2.0], [2.0, 4.0])
    -0.5
    """
    return _answer(lambda w, p, a: _total(p, w) / _total(a, w) - 1, weights, prediction, actual)


def mae(prediction: ArrayLike, actual: ArrayLike, weights: ArrayLike | None = None) -> Any:
    """Mean absolute error; the predictive *median* minimises it, so where most buy nothing, predicting 0 does well."""
    return _answer(lambda w, p, a: _mean(np.abs(p - a), w), weights, prediction, actual)


def rmse(prediction: ArrayLike, actual: ArrayLike, weights: ArrayLike | None = None) -> Any:
    """Root mean squared error; the predictive mean minimises it."""
    return _answer(lambda w, p, a: np.sqrt(_mean((p - a) ** 2, w)), weights, prediction, actual)


def log_score(probability: ArrayLike, weights: ArrayLike | None = None) -> Any:
    """Mean log probability that the prediction gave to what happened (higher is better), for counts.

    A probability that underflows counts as the smallest positive number, so that one customer costs 708, not infinity.
    """
    return _answer(lambda w, p: _mean(log_of(p), w), weights, probability)


def log_of(probability: Array) -> Array:
    """Log probability of each outcome, not below that of the smallest positive number."""
    return np.asarray(np.log(np.maximum(probability, np.finfo(float).tiny)))


def crps(scores: ArrayLike, weights: ArrayLike | None = None) -> Any:
    """Mean continuous ranked probability score, from each customer's score ∫ (F(z) − 1{z ≥ y})² dz.

    For a predictor without a distribution (a point mass) the score is |prediction − actual|, and this is its MAE.
    """
    return _answer(lambda w, s: _mean(s, w), weights, scores)


# ---------------------------------------------------------------------------------------------------------- ranking


def gini(prediction: ArrayLike, actual: ArrayLike, weights: ArrayLike | None = None) -> Any:
    """Area between the gain curve and its diagonal, divided by that of the perfect ranking.

    The gain curve is the share of the actual total bought by the best-predicted share of customers; tied customers are
    one straight segment. 1 is the perfect ranking, 0 a random or constant one. (Normalised Gini of Wang, Liu & Miao
    2019, arXiv:1912.07753, with the ties done right.)

    Examples
    --------
    >>> gini([3.0, 2.0, 1.0], [9.0, 5.0, 0.0]), gini([7.0, 7.0, 7.0], [9.0, 5.0, 0.0])
    (1.0, 0.0)
    """
    return _answer(lambda w, p, a: _ranks(gini_of, w, p, a), weights, prediction, actual)


@dataclass(frozen=True, eq=False)
class Happened:
    """What happened, under B sets of weights: those who did something, for whom alone the rank metrics need ranks.

    Mid-ranks sum to 0, so that those who did nothing, who are tied, can be left out of a covariance with them when
    what it is with is counted from theirs.
    """

    who: NDArray[np.intp]
    """(m,) the customers who did something."""
    amount: Array
    """(m,) how much."""
    weights: Array
    """(B, m)"""
    ranks: Array
    """(B, m) mid-ranks of what they did."""
    least: Array
    """(B, 1) mid-rank of those who did nothing."""
    n: Array
    """(B,) all the weight."""

    @classmethod
    def of(cls, actual: Array, ranking: Ranking, weights: Array) -> Happened:
        """From the ranking by what happened, and weights of shape (B, n)."""
        who, nobody = np.flatnonzero(actual), np.flatnonzero(actual == 0)[:1]
        ranked = ranking.under(weights)
        least = ranked.midranks(ranking.places(nobody)) if nobody.size else np.zeros((len(weights), 1))
        return cls(who, actual[who], columns(weights, who), ranked.midranks(ranking.places(who)), least, ranked.n)

    @cached_property
    def area(self) -> Array:
        """(B,) sum of amounts × mid-ranks: the area under the perfect gain curve, but for a factor."""
        return _total(self.amount, self.weights * self.ranks)

    @cached_property
    def above(self) -> Array:
        """(B, m) mid-ranks counted from that of those who did nothing."""
        return self.ranks - self.least

    @cached_property
    def variation(self) -> Array:
        """(B,) sum of squared mid-ranks: (n³ − n)/12 when nothing is tied, less Σ(t³ − t)/12 over tie groups t."""
        nothing = (self.n - self.weights.sum(axis=1)) * self.least[:, 0] ** 2
        return np.asarray(np.einsum("bm,bm->b", self.weights, self.ranks**2) + nothing)

    def weighted(self, predicted: Ranked, places: tuple[NDArray[np.intp], NDArray[np.intp]]) -> Array:
        """(B, m) weights × a prediction's mid-ranks; ``places`` are those of ``who`` in its order."""
        ranks = predicted.midranks(places)
        ranks *= self.weights
        return ranks


def _ranks(formula: Callable[[Array, Happened], Array], weights: Array, prediction: Array, actual: Array) -> Array:
    happened = Happened.of(actual, Ranking.of(actual), weights)
    ranking = Ranking.of(prediction)
    return formula(happened.weighted(ranking.under(weights), ranking.places(happened.who)), happened)


def gini_of(weighted: Array, happened: Happened) -> Array:
    """Gini from mid-ranks: area = Σ w·a·rank / (n Σ w·a) after summation by parts, so the ratio is all that is left."""
    return _total(happened.amount, weighted) / happened.area


def spearman(prediction: ArrayLike, actual: ArrayLike, weights: ArrayLike | None = None) -> Any:
    """Spearman's rank correlation, the ties of the prediction broken at random, in expectation.

    Equals the mid-rank Spearman × √(1 − Σ(t³ − t)/(n³ − n)) over the prediction's tie groups t. The mid-rank version
    rewards saying 0 to many: on data where most buy nothing, nothing smooth can win it.
    """
    return _answer(lambda w, p, a: _ranks(spearman_of, w, p, a), weights, prediction, actual)


def spearman_of(weighted: Array, happened: Happened) -> Array:
    """Spearman from mid-ranks; broken ties give the prediction's ranks their full variation, (n³ − n)/12."""
    together = np.einsum("bm,bm->b", weighted, happened.above)
    return np.asarray(together / np.sqrt(happened.variation * (happened.n**3 - happened.n) / 12))


def auc_active(prediction: ArrayLike, actual: ArrayLike, weights: ArrayLike | None = None) -> Any:
    """Probability that a customer who bought is ranked above one who did not; a tie counts one half.

    Examples
    --------
    >>> auc_active([0.9, 0.4, 0.4, 0.1], [2, 1, 0, 0])
    0.875
    """
    return _answer(lambda w, p, a: _ranks(auc_active_of, w, p, a), weights, prediction, actual)


def active(actual: Array) -> Array:
    """1 for every customer who bought, else 0."""
    return np.where(actual > 0, 1.0, 0.0)


def auc_active_of(weighted: Array, happened: Happened) -> Array:
    """AUC from mid-ranks (Mann & Whitney 1947)."""
    ones = active(happened.amount)
    bought = _total(ones, happened.weights)
    return np.asarray(0.5 + _total(ones, weighted) / (bought * (happened.n - bought)))


# ------------------------------------------------------------------------------------------------------ equal parts


def decile_mape(prediction: ArrayLike, actual: ArrayLike, weights: ArrayLike | None = None) -> Any:
    """Mean over ten equal parts by prediction of |predicted − actual| / actual.

    Tie groups are split pro rata between parts; parts with no actual are skipped (count them with ``empty_parts``).
    """
    return _answer(lambda w, p, a: decile_mape_of(*equal_parts(w, p, a)), weights, prediction, actual)


def equal_parts(weights: Array, prediction: Array, actual: Array) -> tuple[Array, Array]:
    """Predicted and actual sums of ten parts of equal weight, by prediction."""
    ranking = Ranking.of(prediction)
    return ranking.under(weights).equal_parts(actual[ranking.order])


def decile_mape_of(predicted: Array, actual: Array) -> Array:
    """Decile MAPE from the sums over equal parts, shape (parts, B)."""
    kept = actual > 0
    errors = np.where(kept, np.abs(predicted - actual) / np.where(kept, actual, 1.0), 0.0)
    return np.asarray(errors.sum(axis=0) / kept.sum(axis=0))


def empty_parts(prediction: ArrayLike, actual: ArrayLike) -> int:
    """How many of the ten parts have no actual, and are skipped by ``decile_mape``."""
    p, a = np.asarray(prediction, float), np.asarray(actual, float)
    return int((equal_parts(np.ones((1, len(p))), p, a)[1] <= 0).sum())


def top_decile_capture(prediction: ArrayLike, actual: ArrayLike, weights: ArrayLike | None = None) -> Any:
    """Share of the actual total that came from the tenth predicted highest (ties pro rata)."""
    return _answer(lambda w, p, a: top_decile_capture_of(equal_parts(w, p, a)[1]), weights, prediction, actual)


def top_decile_capture_of(actual: Array) -> Array:
    """Capture from the sums over equal parts, the highest first."""
    return np.asarray(actual[0] / actual.sum(axis=0))


# ------------------------------------------------------------------------------------------- the whole distribution


def coverage_90(below: ArrayLike, upto: ArrayLike, weights: ArrayLike | None = None) -> Any:
    """Mean share of [F(y−), F(y)] that lies in [.05, .95], from ``below`` = F(y−) and ``upto`` = F(y).

    For a continuous prediction the share of outcomes inside the central 90 % interval; for counts its fair extension,
    where an outcome that straddles an end is inside in part. 0.9 is right for any calibrated prediction.

    Examples
    --------
    >>> coverage_90([0.0, 0.97], [0.5, 0.97])  # a zero of probability one half; an outcome in the upper tail
    0.45
    """
    return _answer(lambda w, lo, hi: _mean(inside(lo, hi), w), weights, below, upto)


def inside(below: Array, upto: Array) -> Array:
    """The share of each [F(y−), F(y)] in the central 90 %; a single point is in or out."""
    tail = (1 - NOMINAL) / 2
    width = upto - below
    overlap = np.clip(upto, tail, 1 - tail) - np.clip(below, tail, 1 - tail)
    point = np.where((below >= tail) & (below <= 1 - tail), 1.0, 0.0)
    return np.where(width > 0, overlap / np.where(width > 0, width, 1.0), point)


def pit_ks(below: ArrayLike, upto: ArrayLike, weights: ArrayLike | None = None) -> Any:
    """Kolmogorov distance from uniform of the non-randomised PIT (Czado, Gneiting & Held 2009, Biometrics 65, eq. 2).

    Each customer's PIT is uniform on [F(y−), F(y)]; the mean of their distribution functions is a broken line, compared
    with the diagonal at every corner. 0 is perfect calibration.
    """
    return _answer(lambda w, lo, hi: PIT.of(lo, hi).distance(w), weights, below, upto)


@dataclass(frozen=True, eq=False)
class PIT:
    """The corners of the mean PIT, found once, for every set of weights; what meets at one place is several corners."""

    at: Array
    """(corners,) ascending."""
    who: NDArray[np.intp]
    """(corners,) the customer whose corner it is."""
    bend: Array
    """(corners,) what this customer adds to the slope there."""
    jump: Array
    """(corners,) what this customer adds to the height there."""
    first: Array
    """(n,) what customers add to the slope at the first corner of all: the many who did nothing begin there."""

    @classmethod
    def of(cls, below: Array, upto: Array) -> PIT:
        """Each customer rises from 0 to 1 over [F(y−), F(y)]: a slope that starts and ends, or one jump.

        Narrower than 1e-9 is a jump: the sum of steeper slopes would lose digits.
        """
        steep = upto - below < 1e-9
        least = below.min(initial=1.0)
        jump, slope = np.flatnonzero(steep), np.flatnonzero(~steep)
        steepness = 1 / (upto - below)[slope]
        later = below[slope] > least
        first = np.zeros(len(below))
        first[slope[~later]] = steepness[~later]
        places = np.concatenate([[least], below[jump], below[slope[later]], upto[slope]])
        who = np.concatenate([[0], jump, slope[later], slope])
        bend = np.concatenate([[0.0], np.zeros(len(jump)), steepness[later], -steepness])
        height = np.concatenate([[0.0], np.ones(len(jump)), np.zeros(len(who) - len(jump) - 1)])
        order = np.argsort(places, kind="stable")
        return cls(places[order], who[order], bend[order], height[order], first)

    def distance(self, weights: Array) -> Array:
        """(B, n) weights → (B,) largest distances from the diagonal, on either side of a jump."""
        n = weights.sum(axis=1)
        mine = columns(weights, self.who)
        gap = np.empty(mine.shape)  # how far the curve is above the diagonal after each corner
        rise = np.multiply(
            mine[:, :-1], self.bend[:-1], out=gap[:, 1:]
        )  # begun as bends, then slopes: all in one table
        rise[:, 0] += _total(self.first, weights) - n
        np.cumsum(rise, axis=1, out=rise)
        rise *= np.diff(self.at)
        gap[:, 0] = -self.at[0] * n
        mine *= self.jump
        gap += mine
        np.cumsum(gap, axis=1, out=gap)
        above = gap.max(axis=1)
        gap -= mine
        return np.asarray(np.maximum(above, -gap.min(axis=1)) / n)


# ---------------------------------------------------------------------------------------------------------- plumbing


def _total(amount: Array, weights: Array) -> Array:
    """Σ w · amount, one per set of weights."""
    return np.asarray(np.einsum("bn,n->b", weights, amount))


def _mean(amount: Array, weights: Array) -> Array:
    return np.asarray(_total(amount, weights) / weights.sum(axis=1))


def _answer(formula: Callable[..., Array], weights: ArrayLike | None, *columns: ArrayLike) -> Any:
    """Apply ``formula(weights (B, n), *columns (n,))``: a float for one set of weights, an array (B,) for many."""
    arrays = [np.asarray(column, float) for column in columns]
    shape = arrays[0].shape
    if any(array.shape != shape or array.ndim != 1 for array in arrays):
        raise ValueError(
            f"one number per customer is needed in every column; the shapes are {[a.shape for a in arrays]}"
        )
    w = np.ones(shape) if weights is None else np.asarray(weights, float)
    if w.shape[:1] != shape or w.ndim > 2:
        raise ValueError(f"weights need shape {shape} or {(*shape, 'B')}; theirs is {w.shape}")
    with np.errstate(divide="ignore", invalid="ignore"):
        result = formula(np.ascontiguousarray(w.reshape(len(w), -1).T), *arrays)
    result = np.where(np.isfinite(result), result, np.nan)  # x/0 does not exist either
    return float(result[0]) if w.ndim == 1 else result
