"""How good a prediction was, as one number: pure functions of (prediction, actual[, weights]), with ties handled.

Every function takes one number per customer and, optionally, ``weights``: shape (n,) for one answer, or (n, B) for B
answers at once. A weight counts repeated rows, so a bootstrap resample is a column of counts, and the answer is what
the literally resampled rows would give. Customers with equal predictions are tied, and ties are broken at random, in
expectation: a constant predictor scores gini 0, spearman 0, AUC 1/2, capture 1/10, whatever the order of the file.

The rank metrics are all covariances with the same thing, the prediction's mid-ranks, so they are written that way.
An answer that does not exist (no purchase at all, everybody active) is NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from clvmodels.ranking import Ranked, Ranking

Array = NDArray[np.float64]
Amount = Array | sparse.csr_array
"""One number per customer, shape (n,); or the same as a sparse row, shape (1, n)."""
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
    return _answer(
        lambda w, p, a: gini_of(a, Ranking.of(p).under(w), Ranking.of(a).under(w)),
        weights,
        prediction,
        actual,
    )


def gini_of(actual: Amount, predicted: Ranked, perfect: Ranked) -> Array:
    """Gini from mid-ranks: area = Σ w·a·rank / (n Σ w·a) after summation by parts, so the ratio is all that is left."""
    return np.asarray(_total(actual, predicted.weighted) / _total(actual, perfect.weighted))


def spearman(prediction: ArrayLike, actual: ArrayLike, weights: ArrayLike | None = None) -> Any:
    """Spearman's rank correlation, the ties of the prediction broken at random, in expectation.

    Equals the mid-rank Spearman × √(1 − Σ(t³ − t)/(n³ − n)) over the prediction's tie groups t. The mid-rank version
    rewards saying 0 to many: on data where most buy nothing, nothing smooth can win it.
    """
    return _answer(
        lambda w, p, a: spearman_of(Ranking.of(p).under(w), Ranking.of(a).under(w)),
        weights,
        prediction,
        actual,
    )


def spearman_of(predicted: Ranked, actual: Ranked) -> Array:
    """Spearman from mid-ranks; broken ties give the prediction's ranks their full variation, (n³ − n)/12."""
    together = np.einsum("nb,nb->b", predicted.weighted, actual.midranks)
    return np.asarray(together / np.sqrt(actual.variation * (actual.n**3 - actual.n) / 12))


def auc_active(prediction: ArrayLike, actual: ArrayLike, weights: ArrayLike | None = None) -> Any:
    """Probability that a customer who bought is ranked above one who did not; a tie counts one half.

    Examples
    --------
    >>> auc_active([0.9, 0.4, 0.4, 0.1], [2, 1, 0, 0])
    0.875
    """
    return _answer(lambda w, p, a: auc_active_of(active(a), Ranking.of(p).under(w)), weights, prediction, actual)


def active(actual: Array) -> Array:
    """1 for every customer who bought, else 0."""
    return np.where(actual > 0, 1.0, 0.0)


def auc_active_of(active: Amount, predicted: Ranked) -> Array:
    """AUC from mid-ranks (Mann & Whitney 1947)."""
    bought = _total(active, predicted.weights)
    return np.asarray(0.5 + _total(active, predicted.weighted) / (bought * (predicted.n - bought)))


# ------------------------------------------------------------------------------------------------------ equal parts


def decile_mape(prediction: ArrayLike, actual: ArrayLike, weights: ArrayLike | None = None) -> Any:
    """Mean over ten equal parts by prediction of |predicted − actual| / actual.

    Tie groups are split pro rata between parts; parts with no actual are skipped (count them with ``empty_parts``).
    """
    return _answer(lambda w, p, a: decile_mape_of(*Ranking.of(p).under(w).equal_parts(a)), weights, prediction, actual)


def decile_mape_of(predicted: Array, actual: Array) -> Array:
    """Decile MAPE from the sums over equal parts, shape (parts, B)."""
    kept = actual > 0
    errors = np.where(kept, np.abs(predicted - actual) / np.where(kept, actual, 1.0), 0.0)
    return np.asarray(errors.sum(axis=0) / kept.sum(axis=0))


def empty_parts(prediction: ArrayLike, actual: ArrayLike) -> int:
    """How many of the ten parts have no actual, and are skipped by ``decile_mape``."""
    p, a = np.asarray(prediction, float), np.asarray(actual, float)
    return int((Ranking.of(p).under(np.ones((len(p), 1))).equal_parts(a)[1] <= 0).sum())


def top_decile_capture(prediction: ArrayLike, actual: ArrayLike, weights: ArrayLike | None = None) -> Any:
    """Share of the actual total that came from the tenth predicted highest (ties pro rata)."""
    return _answer(
        lambda w, p, a: top_decile_capture_of(Ranking.of(p).under(w).equal_parts(a)[1]), weights, prediction, actual
    )


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
    """The corners of the mean PIT, found once, for every set of weights."""

    corners: Array
    bends: sparse.csr_array
    """(corners, n) what each customer adds to the slope there."""
    jumps: sparse.csr_array
    """(corners, n) what each customer adds to the height there."""

    @classmethod
    def of(cls, below: Array, upto: Array) -> PIT:
        """Each customer rises from 0 to 1 over [F(y−), F(y)]: a slope that starts and ends, or one jump.

        Narrower than 1e-9 is a jump: the sum of steeper slopes would lose digits.
        """
        steep = upto - below < 1e-9
        corners, where = np.unique(np.concatenate([below, np.where(steep, below, upto)]), return_inverse=True)
        start, end = where[: len(below)], where[len(below) :]
        jump, slope = np.flatnonzero(steep), np.flatnonzero(~steep)
        steepness = 1 / (upto - below)[slope]
        shape = (len(corners), len(below))
        bends = (
            np.concatenate([steepness, -steepness]),
            (np.concatenate([start[slope], end[slope]]), np.tile(slope, 2)),
        )
        jumps = (np.ones(len(jump)), (start[jump], jump))
        return cls(corners, sparse.csr_array(bends, shape=shape), sparse.csr_array(jumps, shape=shape))

    def distance(self, weights: Array) -> Array:
        """(n, B) weights → (B,) largest distances from the diagonal, on either side of a jump."""
        n = weights.sum(axis=0)
        slope = np.cumsum(self.bends @ weights, axis=0) - n  # less the diagonal's
        jump = self.jumps @ weights
        rise = jump.copy()
        rise[0] -= self.corners[0] * n
        rise[1:] += slope[:-1] * np.diff(self.corners)[:, None]
        after = np.cumsum(rise, axis=0)
        gap = np.maximum(np.abs(after).max(axis=0), np.abs(after - jump).max(axis=0))
        return np.asarray(gap / n)


# ---------------------------------------------------------------------------------------------------------- plumbing


def _total(amount: Amount, weights: Array) -> Array:
    """Σ w · amount, one per column."""
    return np.asarray(amount @ weights).reshape(-1)


def _mean(amount: Array, weights: Array) -> Array:
    return np.asarray(_total(amount, weights) / weights.sum(axis=0))


def _answer(formula: Callable[..., Array], weights: ArrayLike | None, *columns: ArrayLike) -> Any:
    """Apply ``formula(weights (n, B), *columns (n,))``: a float for one set of weights, an array (B,) for many."""
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
        result = formula(w.reshape(len(w), -1), *arrays)
    result = np.where(np.isfinite(result), result, np.nan)  # x/0 does not exist either
    return float(result[0]) if w.ndim == 1 else result
