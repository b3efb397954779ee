"""How a fit has done since it was made: what its customers bought beside what it expected, and when to fit again."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from clvmodels.calendar import ONE_DAY
from clvmodels.fitting.result import Fit
from clvmodels.models.arrays import Array
from clvmodels.outcomes import PurchaseOutcomes
from clvmodels.outcomes.points import predictive
from clvmodels.summary.customers import summary_of
from clvmodels.totals import Portfolio, limits
from clvmodels.transactions import Transactions
from clvmodels.transactions.period import period

FAR, FARTHER = 0.05, 0.15
"""Relative error of the total, beyond chance, from which the fit is worth a look, and worth making again."""
PIT_FAR = 0.05
"""Kolmogorov distance of the PIT from uniform: from here on counts are distributed otherwise than it says."""
OLD = 0.5
"""Time since the fit as a share of its own period, from which more data alone are worth another fit."""
MOST = 200_000
"""Customers judged; of more, as many are drawn."""

Verdict = Literal["keep", "look", "refit"]


@dataclass(frozen=True)
class Drift:
    """The days since the fit, forecast by it and bought since.

    Attributes
    ----------
    start, end
        The days after the fit's last, to the last day observed.
    customers
        Known when the fit was made.
    purchases
        What they bought, in purchase days.
    expected, lower, upper
        What the fit expected, with the ends of a 90 % interval for chance and what it does not know.
    buyers, expected_buyers
        How many of them bought at all.
    pit_distance
        Kolmogorov distance from uniform of the probability integral transform of each customer's count.
    beyond
        Share of today's customers who are older than the fit's whole period was long: there it extrapolates.
    verdict
        ``keep``, ``look`` or ``refit``.
    reasons
        Why, in words.
    """

    start: dt.date
    end: dt.date
    customers: int
    purchases: int
    expected: float
    lower: float
    upper: float
    buyers: int
    expected_buyers: float
    pit_distance: float
    beyond: float
    verdict: Verdict
    reasons: tuple[str, ...]

    @property
    def error(self) -> float:
        """Expected / actual − 1."""
        return self.expected / self.purchases - 1 if self.purchases else float("inf")

    def plain(self) -> dict[str, Any]:
        """As JSON knows it."""
        return asdict(self) | {"start": self.start.isoformat(), "end": self.end.isoformat()}


def drift_of(fit: Fit, log: Transactions, until: dt.date, *, seed: int = 0) -> Drift | None:
    """What the customers of a fit did between its last day and ``until``; None where no day lies between.

    Only patterns leave the engine: (x, t_x, T) at the end of the fit with the number bought since, and how many
    customers share them.
    """
    if until <= fit.until or log.first_date > fit.until:
        return None
    before = summary_of(log, fit.until, fit.unit)
    seen = period(log, log.days.filter(log.days.date > fit.until, log.days.date <= until), totals=True)
    known = before.customers
    later = seen.customers.select("customer_id", bought="purchases")
    both = known.left_join(later, "customer_id").select("frequency", "recency", "T", "bought")
    both = both.mutate(bought=both.bought.fill_null(0))
    cells = both.group_by("frequency", "recency", "T", "bought").agg(n=both.count()).to_pandas()
    x, t_x, T, bought = (cells[name].to_numpy(float) for name in ("frequency", "recency", "T", "bought"))
    n = cells["n"].to_numpy(np.int64)
    customers, purchases, buyers = int(n.sum()), int(n @ bought), int(n[bought > 0].sum())
    if customers > MOST:
        drawn = np.random.default_rng(seed).choice(n.size, MOST, p=n / customers)
        n = np.bincount(drawn, minlength=n.size)
    who = np.repeat(np.arange(n.size), n)
    x, t_x, T, bought = x[who], t_x[who] / fit.unit.days, T[who] / fit.unit.days, bought[who]
    share = customers / who.size
    t = fit.unit.from_days((until - fit.until).days)
    model: Any = predictive(fit, seed=seed)
    outcomes = PurchaseOutcomes(model, t, x, t_x, T)
    everyone = Portfolio(fit, None, outcomes, None, 0.0, 1.0, seed)
    shared, mixed = everyone.of_parameters(np.zeros(who.size, np.intp), 1)
    chance = outcomes.variance - np.maximum(outcomes.mean_square - outcomes.mean**2, 0.0)
    expected = share * float(outcomes.mean.sum())
    variance = share * chance.sum() + share**2 * shared[0]
    lower, upper = (float(end[0]) for end in limits(np.array([expected]), variance, mixed[0]))
    distance = pit_distance(outcomes.cdf(bought - 1), outcomes.cdf(bought))
    window = (fit.until - fit.start).days
    beyond = float(np.mean((T + t) * fit.unit.days > window))
    verdict, reasons = _judged(fit, until, purchases, (expected, lower, upper), distance)
    return Drift(
        start=fit.until + ONE_DAY,
        end=until,
        customers=customers,
        purchases=purchases,
        expected=expected,
        lower=lower,
        upper=upper,
        buyers=buyers,
        expected_buyers=share * float(outcomes.p_active.sum()),
        pit_distance=distance,
        beyond=beyond,
        verdict=verdict,
        reasons=reasons,
    )


def pit_distance(before: Array, after: Array) -> float:
    """Kolmogorov distance from uniform of the non-randomised PIT: mass of each count spread over [F(y−), F(y)].

    Examples
    --------
    >>> pit_distance(np.array([0.0, 0.5]), np.array([0.5, 1.0]))
    0.0
    >>> pit_distance(np.array([0.0, 0.0, 0.0, 0.5]), np.array([0.5, 0.5, 0.5, 1.0]))
    0.25
    """
    u = np.linspace(0, 1, 201)
    width = np.maximum(after - before, 1e-300)
    total = np.zeros(u.size)
    step = 1 << 14
    for start in range(0, before.size, step):
        part = slice(start, start + step)
        total += np.clip((u - before[part, None]) / width[part, None], 0.0, 1.0).sum(axis=0)
    return float(np.max(np.abs(total / before.size - u)))


def _judged(
    fit: Fit, until: dt.date, purchases: int, total: tuple[float, float, float], distance: float
) -> tuple[Verdict, tuple[str, ...]]:
    expected, lower, upper = total
    error = expected / purchases - 1 if purchases else np.inf
    outside = not lower <= purchases <= upper
    reasons: list[str] = []
    level = 0
    if outside and abs(error) > FAR:
        level = 2 if abs(error) > FARTHER else 1
        reasons.append(
            f"it expected {expected:,.0f} purchases ({lower:,.0f} to {upper:,.0f}) since {fit.until}, and there were "
            f"{purchases:,}"
        )
    if distance > PIT_FAR:
        level = max(level, 1)
        reasons.append(f"customers' counts are distributed otherwise than it says (PIT {distance:.3f} from uniform)")
    days, window = (until - fit.until).days, (fit.until - fit.start).days
    if days > OLD * window:
        level = 2
        reasons.append(f"{days:,} days have passed since its last one, and it was made of {window + 1:,}")
    names: tuple[Verdict, ...] = ("keep", "look", "refit")
    return names[level], tuple(reasons)
