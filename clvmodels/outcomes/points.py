"""A few points that stand for a posterior, so that predicting from it costs little more than from an estimate."""

from __future__ import annotations

import numpy as np

from clvmodels.fitting.draws import Draws
from clvmodels.fitting.result import Fit
from clvmodels.fitting.stack import StackFit, blend_of
from clvmodels.models import Family
from clvmodels.models.arrays import Array
from clvmodels.models.formula_rate import FormulaRate

SKEWED, WIDE = 1.5, 0.8
"""Skewness and standard deviation of a log parameter from which on the points miss too much: then draws are taken."""
NARROW = 0.05
"""Standard deviation of every log parameter up to which one point, the mean, does: on 100,000 customers and more."""
DRAWS, MANY_DRAWS = 24, 128
"""How many: the larger number for purchases of small logs, which have few patterns."""
SMALL = 1000
"""Customers of a small log; where more of them leave a parameter in the dark, predictions do not need it."""


def predictive(fit: Fit, *, seed: int) -> Family:
    """What to predict with: the estimate, or points of equal weight that stand for the posterior.

    For k parameters they are the 2k points mean ± √k · (columns of a root of the covariance) of the log parameters:
    averages over them are right for every cubic (Arasaratnam & Haykin 2009, Cubature Kalman Filters), and no seed moves
    them. On CDNOW's 2,357 customers, beside 2,000 draws, they move no mean by more than 0.2 %, the CRPS by 0.01 %, and
    an end of the 90 % count interval of 0.1 % of customers, by one; 64 draws move 20 times as much.

    Small logs are the exception: on logs of 100 and 300 customers the points move all means by 1 % (root mean square),
    but a single one by up to 8 %. There, and where a posterior is very skewed, draws are resampled and stretched a
    little, so that their mean and covariance are the posterior's: 128 of them move means by 0.3 %, a single one by up
    to 4 %, and count intervals of 2 % of customers, by one. Mean spend needs none: its points move it by 1.3 % at most.

    Where a log knows every parameter to 5 % the mean alone stands for the posterior: averages over it are off by the
    square of that, and only totals, which do not average chance away, need the rest (`clvmodels.totals` has it).

    Of a stack every member is predicted with in its own way.
    """
    if isinstance(fit, StackFit):
        return blend_of(fit.weights, [predictive(one, seed=seed) for one in fit.members])
    if fit.posterior is None:
        return fit.predictive_model
    values, weights = fit.posterior.family.to_line(fit.posterior.log_parameters), fit.posterior.weights
    mean = weights @ values
    covariance = (values - mean).T @ ((values - mean) * weights[:, None])
    spread = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
    if np.max(spread) <= NARROW:
        return fit.model.at(fit.posterior.family.from_line(mean[None])[0])
    skewness = weights @ ((values - mean) / spread) ** 3
    small = fit.n_customers <= SMALL and fit.model.kind == "purchases"
    if np.max(np.abs(skewness)) > SKEWED or (small and np.max(spread) > WIDE):
        return _matched(fit.posterior, MANY_DRAWS if small else DRAWS, mean, covariance, seed)
    roots, axes = np.linalg.eigh(covariance)
    steps = (axes * np.sqrt(np.maximum(roots, 0.0) * len(mean))).T
    line = fit.posterior.family.from_line(np.concatenate([mean + steps, mean - steps]))
    return fit.model.at(line)


def parameter_draws(fit: Fit, n: int, *, seed: int) -> Family:
    """``n`` draws of the parameters at which every mean exists: of the posterior, else log-normal ones.

    Where means need a parameter above 1 (Gamma-Gamma's q), draws of an estimate that have less than the ``least`` are
    moved there along the direction in which the other parameters go with it. Members of a stack have as many each.
    """
    if isinstance(fit, StackFit):
        return blend_of(fit.weights, [parameter_draws(one, n, seed=seed) for one in fit.members])
    if fit.posterior is not None:
        return fit.posterior.resample(n, seed=seed)
    model = fit.predictive_model
    logs = fit.draws(n, seed=seed).log_vector + (model.log_vector - fit.model.log_vector)
    if model.least is not None:
        place, least = model.least
        if fit.covariance[place, place] > 0:
            short = np.maximum(np.log(least) - logs[:, place], 0.0)
            logs += short[:, None] * (fit.covariance[place] / fit.covariance[place, place])
    return model.at(logs)


def one_by_one(fit: Fit, n: int, *, seed: int) -> list[Family]:
    """``n`` draws to simulate customers from their first purchase on, each a model of its own.

    Of a stack every draw is one member's, each member as often as its weight says; formulas cannot be simulated.
    """
    if not isinstance(fit, StackFit):
        drawn = parameter_draws(fit, n, seed=seed)
        return [drawn.at(row) for row in drawn.log_vector]
    parts = [part for part in fit.components if not isinstance(part[1].model, FormulaRate)]
    share = np.cumsum([weight for weight, _one in parts])
    ends = np.rint(share / share[-1] * n).astype(int)
    models = [
        model
        for (_weight, one), count in zip(parts, np.diff(ends, prepend=0), strict=True)
        if count
        for model in one_by_one(one, int(count), seed=seed)
    ]
    return [models[place] for place in np.random.default_rng(seed).permutation(n)]


def _matched(draws: Draws, n: int, mean: Array, covariance: Array, seed: int) -> Family:
    """``n`` draws moved and stretched so that their mean and covariance are these."""
    drawn = draws.resample(n, seed=seed)
    some = drawn.to_line(drawn.log_vector)
    centred = some - some.mean(axis=0)
    stretch = np.linalg.solve(np.linalg.cholesky(centred.T @ centred / n), centred.T)
    return drawn.at(drawn.from_line(mean + (np.linalg.cholesky(covariance) @ stretch).T))
