"""Simulation-based calibration: does an engine give the truth its due place among its draws?

Draw parameters from the priors, a log from the parameters, a posterior from the log. If the engine is right, the share
of the posterior below the truth is uniform, for every parameter and for everything that is predicted (Talts et al.
2018; Säilynoja, Bürkner & Vehtari 2022 for the band around the empirical distribution).
"""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pandas as pd
from scipy import stats

from clvmodels.errors import DiagnosticWarning
from clvmodels.fitting import Fit, fit
from clvmodels.fitting.before_data import prior_draws
from clvmodels.fitting.data import purchase_objective, spend_objective
from clvmodels.fitting.distributions import Beta, LogNormal, Prior
from clvmodels.fitting.draws import Draws
from clvmodels.fitting.nuts import Sampler, compile_model
from clvmodels.fitting.objective import Objective
from clvmodels.fitting.priors import PARAMETRISATIONS, Parametrisation
from clvmodels.models import BGNBD, GammaGamma
from clvmodels.models.arrays import Array
from clvmodels.summary import Summary

PRIORS: dict[str, dict[str, Prior]] = {
    "bgnbd": {
        "shape": LogNormal(-0.5, 0.4),
        "rate": LogNormal(1.0, 0.4),
        "concentration": LogNormal(1.4, 0.5),
        "dropout": Beta(4, 12),
    },
    "gamma_gamma": {"p": LogNormal(1.4, 0.4), "q_above_1": LogNormal(0.9, 0.4)},
}
"""Worlds that could be a shop's. Gamma-Gamma's mean keeps its flat default: a change of money changes no place."""

CUSTOMERS, SHORTEST, LONGEST, HORIZON = 300, 26.0, 52.0, 26.0
"""Customers of a world; weeks that they are observed for, evenly spread; weeks that are predicted."""

MEAN_SPEND = 30.0

DRAWS = 500
"""Futures that are simulated from a posterior."""

NUTS = {"tune": 400, "draws": 300}
LONGER_NUTS = {"tune": 1500, "draws": 2000, "thin": 4}

LEVEL = 0.997


@dataclass(frozen=True)
class World:
    """True parameters, a log that follows from them, and what those customers do next."""

    purchases: BGNBD
    spend: GammaGamma
    summary: Summary
    future_purchases: int
    future_value: float
    seed: int


@dataclass(frozen=True)
class Places:
    """The place of each truth in its posterior, between 0 and 1, and which engine drew it in the end."""

    places: dict[str, float]
    purchases: str
    spend: str


def draw_world(seed: int, *, customers: int = CUSTOMERS) -> World:
    """A world from the priors, in weeks and continuous time: its past up to T, and its future until T + HORIZON."""
    rng = np.random.default_rng(seed)
    T = rng.uniform(SHORTEST, LONGEST, customers)
    purchases, spend = (
        parametrisation(name).model(prior_draws(parametrisation(name), 1, rng)[0], scale)
        for name, scale in (("bgnbd", float(T.mean())), ("gamma_gamma", MEAN_SPEND))
    )
    assert isinstance(purchases, BGNBD)
    assert isinstance(spend, GammaGamma)
    spend = spend.rescale(MEAN_SPEND / float(spend.expected_spend(0, np.nan)))
    who, when = purchases.sample_times(T + HORIZON, seed=rng)
    past = when <= T[who]
    x, future = (np.bincount(who[which], minlength=customers) for which in (past, ~past))
    t_x = np.zeros(customers)
    np.maximum.at(t_x, who[past], when[past])
    precision = rng.gamma(spend.q, size=customers) / spend.v
    m = np.where(x > 0, rng.gamma(spend.p * np.maximum(x, 1)) / precision / np.maximum(x, 1), np.nan)
    value = np.where(future > 0, rng.gamma(spend.p * np.maximum(future, 1)) / precision, 0.0)
    frame = pd.DataFrame(
        {"customer_id": np.arange(customers), "frequency": x, "recency": t_x, "T": T, "monetary_value": m}
    )
    summary = Summary.from_frame(frame, until=dt.date(2024, 12, 31), unit="week")
    return World(purchases, spend, summary, int(future.sum()), float(value.sum()), seed)


def parametrisation(name: str) -> Parametrisation:
    """A family's quantities under the priors of this study."""
    return PARAMETRISATIONS[name].with_priors(PRIORS[name])


def by_importance(worlds: Sequence[World]) -> Iterator[Places]:
    """Each world's places by ``fit(method="posterior")``, which goes to NUTS where its certificate fails."""
    for world in worlds:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DiagnosticWarning)
            purchases, spend = (
                fit(name, world.summary, method="posterior", priors=PRIORS[name], seed=world.seed) for name in PRIORS
            )
        yield Places(_places(world, _drawn(purchases), _drawn(spend)), purchases.method, spend.method)


def by_nuts(worlds: Sequence[World], *, together: int = 10) -> Iterator[Places]:
    """Each world's places by NUTS; ``together`` worlds share a compiled model, each with its own counts of its rows."""
    rest = iter(worlds)
    while batch := list(islice(rest, together)):
        purchases = _sampled("bgnbd", [purchase_objective(world.summary) for world in batch], batch)
        spend = _sampled("gamma_gamma", [spend_objective(world.summary)[0] for world in batch], batch)
        for world, first, second in zip(batch, purchases, spend, strict=True):
            yield Places(_places(world, first, second), "nuts", "nuts")


def _sampled(name: str, objectives: Sequence[Objective], worlds: Sequence[World]) -> list[Draws]:
    rows = [objective.rows() for objective in objectives]
    data = tuple(np.concatenate(columns) for columns in zip(*(columns for columns, _ in rows), strict=True))
    sampler = compile_model(parametrisation(name), data)
    ends = np.cumsum([0, *(counts.size for _, counts in rows)])
    drawn = []
    for i, (objective, world) in enumerate(zip(objectives, worlds, strict=True)):
        counts = np.zeros(ends[-1])
        counts[ends[i] : ends[i + 1]] = rows[i][1]
        drawn.append(_certified(sampler, counts, objective.scale, world.seed))
    return drawn


def _certified(sampler: Sampler, counts: Array, scale: float, seed: int) -> Draws:
    """As the engine does: when the chains have not mixed, once more with longer ones."""
    draws = sampler.sample(counts, scale, seed=seed, progress=False, **NUTS)
    if not draws.certified:
        draws = sampler.sample(counts, scale, seed=seed + 1, progress=False, **LONGER_NUTS)
    return draws


def _drawn(one: Fit) -> Draws:
    assert one.posterior is not None
    return one.posterior


def _places(world: World, purchases: Draws, spend: Draws) -> dict[str, float]:
    """Of each parameter, the weight below the truth; of the totals, the share of simulated futures below it."""
    found: dict[str, float] = {}
    for truth, draws in ((world.purchases, purchases), (world.spend, spend)):
        below = draws.weights @ (draws.log_parameters < truth.log_vector)
        found |= dict(zip(truth.parameters, np.clip(below, 0, 1).tolist(), strict=True))
    rng = np.random.default_rng([world.seed, 7])
    frame = world.summary.frame
    x, t_x, T = (frame[name].to_numpy(float) for name in ("frequency", "recency", "T"))
    bought = purchases.family.from_log(rng.permutation(purchases.resample(DRAWS, seed=world.seed).log_vector))
    worth = spend.family.from_log(rng.permutation(spend.resample(DRAWS, seed=world.seed).log_vector))
    assert isinstance(bought, BGNBD)
    assert isinstance(worth, GammaGamma)
    counts = bought.sample(HORIZON, x, t_x, T, seed=rng)
    values = worth.sample(counts, x, frame["monetary_value"].to_numpy(float), seed=rng)
    for name, came, drawn in (
        ("future_purchases", world.future_purchases, counts.sum(axis=1)),
        ("future_value", world.future_value, values.sum(axis=1)),
    ):  # a truth among equals stands anywhere between them, as does one between its two neighbours
        lower, equal = int(np.sum(drawn < came)), int(np.sum(drawn == came))
        found[name] = (lower + float(rng.random()) * (equal + 1)) / (DRAWS + 1)
    return found


def band(n: int, *, level: float = LEVEL, points: int = 100, simulations: int = 20_000) -> tuple[Array, Array, Array]:
    """Where the distribution of ``n`` uniform places stays at every point at once, with probability ``level``.

    Returns
    -------
    tuple of three arrays
        Places 1/points … 1 − 1/points, and the lowest and highest share of places below each.

    References
    ----------
    Säilynoja, Bürkner & Vehtari (2022), Statistics and Computing 32, 32: the pointwise binomial band whose coverage
    is ``level`` in simulations.
    """
    z = np.arange(1, points) / points
    counts = np.arange(n + 1)
    upto, beyond = stats.binom.cdf(counts[:, None], n, z), stats.binom.sf(counts[:, None] - 1, n, z)
    rarest, where, rng = np.minimum(upto, beyond), np.arange(z.size), np.random.default_rng(0)
    smallest = [
        rarest[np.searchsorted(np.sort(rng.random(n)), z, side="right"), where].min() for _ in range(simulations)
    ]
    tail = float(np.quantile(smallest, 1 - level))
    return z, np.asarray(stats.binom.ppf(tail, n, z) / n), np.asarray(stats.binom.isf(tail, n, z) / n)


def outside(places: Sequence[float], limits: tuple[Array, Array, Array]) -> float:
    """How far the places' empirical distribution leaves the band at most; 0 if it stays inside."""
    z, lower, upper = limits
    share = np.searchsorted(np.sort(places), z, side="right") / len(places)
    return float(max(0.0, np.max(share - upper), np.max(lower - share)))
