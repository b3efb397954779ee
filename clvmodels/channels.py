"""Channels and segments against what their customers cost to win: pooled, so that a small one does not lead by luck.

Every channel has its own level of purchase rate, of dropout, of spend and of the first order: the families' formulas
with these levels multiplied. A channel's own customers say something about its levels, the other channels the rest, in
the proportion in which channels are seen to differ (a hierarchical model; the amount of pooling is estimated, too). Of
a stack the family with the largest weight speaks.
What is judged is the value of the channel's *next* customer, which is what the next acquisition money buys.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clvmodels import lifetime, written
from clvmodels.calendar import DAYS_PER_YEAR, Horizon
from clvmodels.errors import InputError
from clvmodels.kpis.groups import Groups, grouped
from clvmodels.kpis.observed import LEVEL
from clvmodels.language import _
from clvmodels.models import PurchaseFamily, SpendFamily
from clvmodels.models.arrays import Array
from clvmodels.outcomes.points import parameter_draws
from clvmodels.outcomes.survival import Distinct
from clvmodels.prediction import Predictions

MOST_CHANNELS = 40
"""More than so many are not channels but names; somebody has to group them first."""
DRAWS = 1000
"""Of the channels' levels."""
FORWARD_DRAWS = 60
"""Of these, for the value of the customers a channel has, which takes longer."""
MONTHS = 24
"""Payback is looked for in so many months after acquisition."""
STEP = 0.02
"""Of central differences in log levels."""
WEAK = 1.0
"""Standard deviation of the levels' common mean before the data: a factor of 2.7 either way."""
SPREAD = 0.5
"""Scale of the half-normal prior of how far channels differ: factors of 1.6 are common, of 2.7 rare."""
BURN, KEEP = 1000, 4
"""Steps thrown away, and steps per draw kept, when the amount of pooling is drawn."""
ALIKE = 0.6
"""Scale of the normal prior of Fisher's z of the levels' partial correlations."""
EFFECTS = ("purchase_rate", "dropout", "spend", "first_order")


@dataclass(frozen=True, eq=False)
class Channels:
    """Channels by the cost that their next customer is worth with some confidence, the highest first.

    The order is that of ``highest_cost``, not of the mean: the mean of a small channel is the least certain, and of
    several channels that are alike the one that stands highest was lucky.

    Attributes
    ----------
    table
        A row per channel. Sums over its customers: ``customers``, ``value_past`` (× margin), ``clv`` (discounted, of
        the forecast's horizon), ``value_lifetime`` = past + clv; ``clv_per_customer``, ``lifetime_per_customer``.

        Pooled: ``clv_pooled``, ``clv_pooled_lower``, ``clv_pooled_upper`` (per present customer, at the channel's own
        levels); ``ltv``, ``ltv_lower``, ``ltv_upper``: what the next customer is worth in the first ``months`` months,
        first order included, × margin, discounted; ``highest_cost``: the cost that it exceeds with probability
        ``confidence``, so the most that is worth paying; ``ltv_alone``: the ltv from this channel's customers alone;
        ``p_best``: probability that no channel's is higher. Intervals are 90 % and of the mean customer.

        With cost: ``cost`` (mean per customer), ``ltv_to_cost``, ``p_above_1``, ``p_above_3`` (probabilities of the
        ratio), ``payback_month``,
        ``payback_lower``, ``payback_upper`` (months until margins have paid the mean cost: 0, the first order; NaN: not
        within 24), ``p_payback`` (probability of payback within them).

        Levels of the channel over all customers': ``purchase_rate``, ``dropout``, ``spend``, ``first_order``.
    curve
        ``channel``, ``month``, ``value``, ``lower``, ``upper``: margin of a next customer, cumulated and undiscounted.
    spread
        Customers of each channel by what they are worth, past included: ``channel``, ``p10``, ``median``, ``p90``,
        ``share_above_cost``.
    segment, months, confidence, horizon, margin, currency
        What the numbers mean.
    """

    table: pd.DataFrame
    curve: pd.DataFrame
    spread: pd.DataFrame
    segment: str
    months: int
    confidence: float
    horizon: Horizon
    margin: float
    currency: str

    @property
    def has_cost(self) -> bool:
        """Whether costs of acquisition are known."""
        return "cost" in self.table


def compare_channels(
    forecast: Predictions,
    segment: str,
    *,
    cost: str | None = None,
    months: int = 12,
    confidence: float = 0.90,
    seed: int = 0,
) -> Channels:
    """Value of channels' next customers, beside the sums over the customers they have, and against their cost.

    Parameters
    ----------
    forecast
        What :func:`clvmodels.predict` returned, with money.
    segment
        The column of ``forecast.frame`` that names each customer's channel; missing names are a channel.
    cost
        The column with each customer's acquisition cost; by default the one the log was read with, if any.
    months
        How long a customer's value is counted from the first order on.
    confidence
        Of the highest cost worth paying.
    seed
        The same seed gives the same bytes.

    Raises
    ------
    InputError
        Without money, for an unknown column, one channel only or more than 40, and for costs that are negative, no
        numbers, or missing throughout.
    """
    if forecast.spend is None:
        raise InputError(_("channels are compared by value, and this forecast holds no money. Pass spend= to predict."))
    if forecast.purchases.model.discrete:
        raise InputError(
            _(
                "{title} counts opportunities, and the value of a channel's customers is counted in "
                "months. Fit a family for continuous time, for example BG/NBD."
            ).format(title=forecast.purchases.model.title)
        )
    groups = _channels(forecast.frame, segment)
    costs = _costs(forecast, cost or forecast.summary.cost)
    if not 0 < confidence < 1:
        raise InputError(
            _("confidence is {confidence}. It is a probability: for 90 % write 0.90.").format(
                confidence=written.general(confidence, 6)
            )
        )
    if not (isinstance(months, int) and months > 0):
        raise InputError(_("months is {months!r}. Give a whole number of months, at least 1.").format(months=months))
    evidence = _evidence(forecast, groups)
    drawn = _pooled(evidence, seed)
    shapes = _shapes(forecast, evidence, len(drawn), seed)
    rows, curve = _next_customers(forecast, evidence, drawn, shapes, months)
    frame = forecast.frame
    past = forecast.margin * frame["value_past"].to_numpy(float)
    clv = frame["clv"].to_numpy(float)
    size = groups.sums(np.ones(clv.size))
    ids = groups.labels[segment]
    table = pd.DataFrame(
        {
            segment: ids,
            "customers": size.astype(int),
            "value_past": groups.sums(past),
            "clv": groups.sums(clv),
            "value_lifetime": groups.sums(past + clv),
            "clv_per_customer": groups.sums(clv) / size,
            "lifetime_per_customer": groups.sums(past + clv) / size,
            **_forward(forecast, groups, evidence, drawn),
            "ltv": rows.mean(axis=0),
            **dict(zip(("ltv_lower", "ltv_upper"), np.quantile(rows, _ends(), axis=0), strict=True)),
            "highest_cost": np.quantile(rows, 1 - confidence, axis=0),
            "ltv_alone": _next_customers(forecast, evidence, evidence.alone[None], evidence.purchases, months)[0][0],
            "p_best": np.bincount(rows.argmax(axis=1), minlength=groups.n) / len(rows),
        }
    )
    spread = _spread(past + clv, groups, costs)
    if costs is not None:
        table = table.assign(**_against_cost(rows, curve, groups, costs))
    for place, name in enumerate(evidence.names):
        table[name] = np.exp(drawn[:, :, place]).mean(axis=0)
    order = np.argsort(-table["highest_cost"].to_numpy(), kind="stable")
    monthly = [
        pd.DataFrame(
            {
                segment: ids.iloc[[place] * (MONTHS + 1)].array,
                "month": np.arange(MONTHS + 1),
                "value": curve[:, place].mean(axis=0),
                **dict(zip(("lower", "upper"), np.quantile(curve[:, place], _ends(), axis=0), strict=True)),
            }
        )
        for place in order
    ]
    return Channels(
        table=table.iloc[order].reset_index(drop=True),
        curve=pd.concat(monthly, ignore_index=True),
        spread=pd.DataFrame({segment: ids, **spread}).iloc[order].reset_index(drop=True),
        segment=segment,
        months=months,
        confidence=confidence,
        horizon=forecast.horizon,
        margin=forecast.margin,
        currency=forecast.currency,
    )


def _ends() -> list[float]:
    return [(1 - LEVEL) / 2, (1 + LEVEL) / 2]


def _channels(frame: pd.DataFrame, segment: str) -> Groups:
    groups = grouped(frame, segment)
    names = groups.labels[segment]
    if groups.n == 1:
        raise InputError(
            _(
                "{segment!r} is {value!r} for all {n} customers: there is no other channel to compare "
                "with. Choose a column that tells customers apart."
            ).format(segment=segment, value=names.iloc[0], n=written.count(len(frame)))
        )
    if groups.n > MOST_CHANNELS:
        raise InputError(
            _(
                "{segment!r} has {n} values (first: {first!r}); up to {most} can be compared. "
                "Group them into fewer channels before reading the log."
            ).format(segment=segment, n=written.count(groups.n), first=names.iloc[0], most=MOST_CHANNELS)
        )
    return groups


def _costs(forecast: Predictions, name: str | None) -> Array | None:
    """Each customer's acquisition cost, NaN where it is missing; None where there is no such column."""
    if name is None:
        return None
    if name not in forecast.frame:
        raise InputError(
            _(
                "{name!r} is not a column of the customers. Keep it with --cost {name} when the log "
                "is read, or choose among {columns}."
            ).format(name=name, columns=", ".join(map(str, forecast.frame.columns)))
        )
    ids = forecast.frame["customer_id"]
    costs = pd.to_numeric(forecast.frame[name], errors="coerce")
    problems = []
    unread = costs.isna() & forecast.frame[name].notna()
    if unread.any():
        problems.append(
            _(
                "{name!r} is no number for {bad} of {n} customers (first: customer {customer}, {cost!r}). "
                "Write costs as plain numbers."
            ).format(
                name=name,
                bad=written.count(int(unread.sum())),
                n=written.count(len(costs)),
                customer=ids[unread].iloc[0],
                cost=forecast.frame.loc[unread, name].iloc[0],
            )
        )
    infinite = np.isinf(costs)
    if infinite.any():
        problems.append(
            _("{name!r} is infinite for {bad} customers (first: {customer}).").format(
                name=name, bad=written.count(int(infinite.sum())), customer=ids[infinite].iloc[0]
            )
        )
    negative = costs < 0
    if negative.any():
        problems.append(
            _(
                "{name!r} is negative for {bad} of {n} customers (first: customer {customer}, {cost}). What "
                "it costs to win a customer is 0 or more: turn the sign round, or leave refunds of "
                "advertising out."
            ).format(
                name=name,
                bad=written.count(int(negative.sum())),
                n=written.count(len(costs)),
                customer=ids[negative].iloc[0],
                cost=written.general(costs[negative].iloc[0], 6),
            )
        )
    if costs.isna().all() and not problems:
        problems.append(
            _("{name!r} is missing for all {n} customers. Fill it in, or leave --cost away.").format(
                name=name, n=written.count(len(costs))
            )
        )
    if problems:
        raise InputError(_("costs of acquisition cannot be used"), problems)
    return costs.to_numpy(float)


# ------------------------------------------------------------------------------------------------ levels of channels


@dataclass(frozen=True, eq=False)
class _Evidence:
    """What each channel's customers say of its log levels: a quadratic b·δ − ½ δ·I δ, and its own best guess."""

    names: tuple[str, ...]
    linear: Array
    information: Array
    alone: Array
    purchases: PurchaseFamily
    spend: SpendFamily
    first: float
    """Mean value of a first order, of all customers."""


def _evidence(forecast: Predictions, groups: Groups) -> _Evidence:
    assert forecast.spend is not None
    whole: Any = forecast.purchases.predictive_model
    parts = [part for part in whole.components if "alpha" in part[1].parameter_names()]  # not the formula
    if not parts:
        said = _("the forecast is the formula's alone, which has no levels of purchase rate and dropout to pool.")
        raise InputError(said)
    model = max(parts, key=lambda part: part[0])[1]  # of a blend the heaviest
    money: Any = forecast.spend.predictive_model
    leaves = "a" in model.parameter_names() or "beta" in model.parameter_names()
    names = tuple(name for name in EFFECTS if leaves or name != "dropout")
    k = len(names)
    frame = forecast.summary.frame
    x, t_x, T = (frame[name].to_numpy(float) for name in ("frequency", "recency", "T"))
    known = money.observed(frame)
    spent = (known[0] > 0) & (money.typical(known[0], known[1]) > 0)
    first_value = frame["value_first"].to_numpy(float)
    paid = first_value[first_value > 0]
    mean = float(paid.mean()) if paid.size else 0.0
    # one coefficient of variation for all channels: a small channel's own is as much luck as its mean
    variation = float(np.var(first_value)) / mean**2 if mean > 0 else 0.0
    everyone = Distinct.of(x, t_x, T)
    count = np.bincount(everyone.place, minlength=everyone.x.size).astype(float)

    def each(level: Array) -> Array:
        """Log-likelihood of every pattern's purchases."""
        there = lifetime.changed(model, rate=np.exp(level[0]), dropout=np.exp(level[1]) if leaves else 1.0)
        return np.asarray(there.log_likelihood(everyone.x, everyone.t_x, everyone.T))

    def each_spend(level: Array) -> Array:
        """Log-likelihood of every customer's spend."""
        there = money.rescale(float(np.exp(level[0])))
        return np.asarray(there.log_likelihood(*(column[spent] for column in known)))

    tempered = _overdispersion(each, count, k - 2), _overdispersion(each_spend, np.ones(int(spent.sum())), 1)
    shared = _shared_luck(each_spend, spent, first_value)
    linear, information = np.zeros((groups.n, k)), np.zeros((groups.n, k, k))
    alone = np.zeros((groups.n, k))
    for channel in range(groups.n):
        here = groups.code == channel
        d = Distinct.of(x[here], t_x[here], T[here])
        n = np.bincount(d.place, minlength=d.x.size).astype(float)

        def bought(level: Array, d: Distinct = d, n: Array = n) -> float:
            """Log-likelihood of the purchases."""
            dropout = np.exp(level[1]) if leaves else 1.0
            there = lifetime.changed(model, rate=np.exp(level[0]), dropout=dropout)
            return float(there.log_likelihood(d.x, d.t_x, d.T) @ n)

        some = tuple(column[here & spent] for column in known)

        def paid_out(level: Array, some: tuple[Array, ...] = some) -> float:
            """Log-likelihood of the spend."""
            return float(np.sum(money.rescale(float(np.exp(level[0]))).log_likelihood(*some)))

        for function, at, over in (
            (bought, slice(0, k - 2), tempered[0]),
            (paid_out, slice(k - 2, k - 1), tempered[1]),
        ):
            mode, bend = _mode(function, at.stop - at.start, over)
            alone[channel, at] = mode
            information[channel, at, at] = bend
            linear[channel, at] = bend @ mode + mode / WEAK**2  # the gradient at the mode is that of the weak prior
        firsts = first_value[here]
        if mean > 0 and firsts.mean() > 0:
            # a mean of n with this variation is roughly log-normal
            spread = np.log1p(max(variation, 1e-6) / firsts.size)
            level = np.log(firsts.mean() / mean) + spread / 2
            alone[channel, -1] = np.log(firsts.mean() / mean)
            information[channel, -1, -1] = 1 / spread
            linear[channel, -1] = level / spread
            _tie(information[channel], linear[channel], shared)
    return _Evidence(names, linear, information, alone, model, money, mean)


def _overdispersion(each: Any, weight: Array, k: int) -> float:
    """How much more customers differ than their family says: variance of the scores over the information, at least 1.

    A few wholesalers among consumers are no gamma distribution; three of them in one channel would otherwise seem to
    prove what that channel is like. Likelihoods are divided by this, so that intervals hold what was left out.
    """
    steps = STEP * np.eye(k)
    middle = each(np.zeros(k))
    ratios = []
    for step in steps:
        up, down = each(step), each(-step)
        score = (up - down) / (2 * STEP)
        information = float(weight @ (2 * middle - up - down)) / STEP**2
        if information > 1:
            ratios.append(float(weight @ score**2) / information)
    return max(1.0, float(np.mean(ratios))) if ratios else 1.0


def _shared_luck(each: Any, spent: NDArray[np.bool_], first: Array) -> float:
    """Correlation, over customers, of what moves the level of spend and what moves the level of the first order.

    Who pays much at every repeat purchase has mostly paid much at the first: a channel that was lucky in one has been
    lucky in the other. It is the correlation of both estimates, too, of which each is a sum over the same customers.
    """
    step = np.full(1, STEP)
    score = np.zeros(first.size)
    score[spent] = (each(step) - each(-step)) / (2 * STEP)
    deviation = first - first.mean()
    both = float(np.sqrt((score @ score) * (deviation @ deviation)))
    return float(np.clip((score @ deviation) / both, 0.0, 0.95)) if both > 0 else 0.0


def _tie(information: Array, linear: Array, correlation: float) -> None:
    """Let the last two levels of one channel, of spend and of the first order, err together (in place)."""
    two = slice(-2, None)
    known = np.sqrt(np.diag(information)[two])
    if known[0] < 1:  # nobody came back, to say anything of spend
        return
    apart = np.linalg.inv(np.array([[1.0, correlation], [correlation, 1.0]]))
    information[two, two] = apart * np.outer(known, known)
    linear[two] = known * (apart @ (linear[two] / known))


def _mode(function: Any, k: int, over: float = 1.0) -> tuple[Array, Array]:
    """Top of a function of k log levels, ÷ ``over``, with a weak prior around 0, and minus its own curvature there."""
    at = np.zeros(k)
    steps = STEP * np.eye(k)
    for _turn in range(25):
        here = function(at) / over
        ups = np.array([function(at + step) for step in steps]) / over
        downs = np.array([function(at - step) for step in steps]) / over
        slope = (ups - downs) / (2 * STEP)
        bend = np.diag((2 * here - ups - downs) / STEP**2)
        for i in range(k):
            for j in range(i):
                both = (function(at + steps[i] + steps[j]) + function(at - steps[i] - steps[j])) / over
                mixed = (both - ups[i] - downs[i] - ups[j] - downs[j] + 2 * here) / (2 * STEP**2)
                bend[i, j] = bend[j, i] = -mixed
        roots, axes = np.linalg.eigh(bend)
        bend = (axes * np.maximum(roots, 0.0)) @ axes.T  # what bends upwards knows nothing
        move = np.linalg.solve(bend + np.eye(k) / WEAK**2, slope - at / WEAK**2)
        move *= min(1.0, 0.7 / max(float(np.abs(move).max()), 1e-12))
        at = at + move
        if np.abs(move).max() < 1e-4:
            break
    return at, bend


def _pooled(evidence: _Evidence, seed: int) -> Array:
    """Draws of all channels' log levels, shape (draws, channels, k).

    δ of a channel ~ Normal(m, Σ): Σ has scales τ and correlations, because a channel whose customers buy more often may
    also be one whose customers spend more. m ~ Normal(0, 1), τ ~ half-normal(0.5), partial correlations tanh z with
    z ~ Normal(0, 0.6). Given Σ everything is normal, so that only Σ is drawn step by step (Metropolis on log τ and z),
    with m and δ integrated out.
    """
    rng = np.random.default_rng(seed)
    k = len(evidence.names)
    at = np.append(np.full(k, np.log(0.2)), np.zeros(k * (k - 1) // 2))
    height, state = _marginal(evidence, at)
    drawn = np.empty((DRAWS, *evidence.linear.shape))
    for step in range(-BURN, DRAWS * KEEP):
        tried = at + rng.normal(0, 0.6, at.size) * (rng.random(at.size) < 2 / k)
        higher, other = _marginal(evidence, tried)
        if np.log(rng.random()) < higher - height:
            at, height, state = tried, higher, other
        if step >= 0 and step % KEEP == KEEP - 1:
            drawn[step // KEEP] = _levels(evidence, state, rng)
    return drawn


def _root(z: Array, k: int) -> Array:
    """Lower triangular root of a correlation matrix from its partial correlations tanh z."""
    root, place = np.eye(k), 0
    for i in range(1, k):
        left = 1.0
        for j in range(i):
            root[i, j] = np.tanh(z[place]) * np.sqrt(left)
            left -= root[i, j] ** 2
            place += 1
        root[i, i] = np.sqrt(left)
    return root


def _marginal(evidence: _Evidence, at: Array) -> tuple[float, tuple[Any, ...]]:
    """Log density of Σ, and what the levels given Σ are drawn from."""
    k = len(evidence.names)
    log_tau, z = at[:k], at[k:]
    tau = np.exp(log_tau)
    root = tau[:, None] * _root(z, k)
    back = np.linalg.inv(root)
    prior = back.T @ back
    both = evidence.information + prior
    inverse = np.linalg.inv(both)
    shrunk = inverse @ evidence.linear[..., None]
    # m: normal with this precision and this linear part
    precision = np.sum(prior @ inverse @ evidence.information, axis=0) + np.eye(len(tau)) / WEAK**2
    precision = (precision + precision.T) / 2
    pull = np.sum(prior @ shrunk, axis=0)[:, 0]
    mean = np.linalg.solve(precision, pull)
    value = 0.5 * float(np.sum(evidence.linear * shrunk[..., 0])) + 0.5 * float(pull @ mean)
    value -= 0.5 * float(np.sum(np.linalg.slogdet(both)[1])) + 0.5 * float(np.linalg.slogdet(precision)[1])
    value -= len(evidence.linear) * float(np.log(np.diag(root)).sum())
    value -= float(np.sum((z / ALIKE) ** 2)) / 2
    value += float(np.sum(log_tau - (tau / SPREAD) ** 2 / 2))  # half-normal prior, and the step from τ to log τ
    return value, (prior, inverse, precision, mean)


def _levels(evidence: _Evidence, state: tuple[Any, ...], rng: np.random.Generator) -> Array:
    """One draw of the channels' log levels given Σ."""
    prior, inverse, precision, mean = state
    m = mean + np.linalg.solve(np.linalg.cholesky(precision).T, rng.standard_normal(mean.size))
    middle = (inverse @ (evidence.linear + prior @ m)[..., None])[..., 0]
    root = np.linalg.cholesky(inverse)
    return np.asarray(middle + (root @ rng.standard_normal(middle.shape)[..., None])[..., 0])


def _shapes(forecast: Predictions, evidence: _Evidence, n: int, seed: int) -> Any:
    """The purchase family at draws of its shapes, its levels (mean rate, mean odds of leaving) held where they are."""
    here: Any = evidence.purchases
    if forecast.purchases.predictive_model is not evidence.purchases:
        return here  # a member of a blend: how sure its shapes are is not known by itself
    drawn = cast("Any", parameter_draws(forecast.purchases, n, seed=seed))
    new: dict[str, Any] = {"alpha": drawn.r / (here.r / here.alpha)}
    names = here.parameter_names()
    if "a" in names:
        new["a"] = drawn.b * (here.a / here.b)
    elif "beta" in names:
        new["beta"] = drawn.s / (here.s / here.beta)
    return replace(drawn, **new)


def _at(evidence: _Evidence, levels: Array, purchases: Any) -> tuple[Any, Any, Array]:
    """A channel's families at draws of its log levels, shape (draws, k), and its first order's value."""
    factors = {name: np.exp(levels[:, [place]]) for place, name in enumerate(evidence.names)}
    model = lifetime.changed(
        purchases, rate=factors["purchase_rate"], dropout=factors.get("dropout", np.ones((len(levels), 1)))
    )
    return model, factors["spend"][:, 0], evidence.first * factors["first_order"][:, 0]


# ---------------------------------------------------------------------------------------------------- their customers


def _next_customers(
    forecast: Predictions, evidence: _Evidence, drawn: Array, shapes: Any, months: int
) -> tuple[Array, Array]:
    """Value of each channel's next customer: (draws, channels), and month by month: (draws, channels, months + 1)."""
    month = DAYS_PER_YEAR / 12 / forecast.unit.days
    ends = np.arange(MONTHS + 1) * month
    # the mean worth of a purchase of somebody of whom nothing is known
    spend = float(np.ravel(evidence.spend.expected_spend(0.0, 0.0))[0])
    value, curve = np.empty(drawn.shape[:2]), np.empty((*drawn.shape[:2], MONTHS + 1))
    for channel in range(drawn.shape[1]):
        model, factor, first = _at(evidence, drawn[:, channel], shapes)
        later = model.discounted_purchases(months * month, 0.0, 0.0, 0.0, delta=forecast.portfolio.delta)
        value[:, channel] = forecast.margin * (first + spend * factor * np.ravel(later))
        bought = model.expected_purchases(ends, 0.0, 0.0, 0.0)
        curve[:, channel] = forecast.margin * (first[:, None] + (spend * factor)[:, None] * bought)
    return value, curve


def _forward(forecast: Predictions, groups: Groups, evidence: _Evidence, drawn: Array) -> dict[str, Array]:
    """Mean clv of the customers each channel has, at its own levels: with its 90 % limits."""
    frame, summary = forecast.frame, forecast.summary.frame
    outcomes = forecast.purchase_outcomes
    known = evidence.spend.observed(summary)[:2]
    value, clv = (frame[name].to_numpy(float) for name in ("value", "clv"))
    share = np.divide(clv, value, out=np.ones_like(clv), where=value > 0)
    few = drawn[:: max(1, len(drawn) // FORWARD_DRAWS)]
    rows = np.empty((groups.n, 3))
    for channel in range(groups.n):
        here = np.flatnonzero(groups.code == channel)
        model, factor, _ = _at(evidence, few[:, channel], evidence.purchases)
        d = outcomes.some(here).distinct
        worth = np.zeros((len(few), d.x.size))  # Σ over a pattern's customers of expected spend, at every draw
        for draw, by in enumerate(factor):
            spend = evidence.spend.rescale(float(by)).expected_spend(*(column[here] for column in known))
            worth[draw] = np.bincount(d.place, spend * share[here], d.x.size)
        total = np.zeros(len(few))
        for part, (bought,) in d.futures(model, outcomes.expected_alive):
            total += np.sum(bought * worth[:, part], axis=1)
        each = forecast.margin * total / here.size
        rows[channel] = each.mean(), *np.quantile(each, _ends())
    return dict(zip(("clv_pooled", "clv_pooled_lower", "clv_pooled_upper"), rows.T, strict=True))


def _spread(worth: Array, groups: Groups, costs: Array | None) -> dict[str, Array]:
    """Quantiles of what customers are worth, and the share worth more than they cost."""
    found: dict[str, list[float]] = {"p10": [], "median": [], "p90": []}
    if costs is not None:
        found["share_above_cost"] = []
    for channel in range(groups.n):
        here = groups.code == channel
        for name, level in (("p10", 0.1), ("median", 0.5), ("p90", 0.9)):
            found[name].append(float(np.quantile(worth[here], level)))
        if costs is not None:
            known = here & np.isfinite(costs)
            found["share_above_cost"].append(float((worth > costs)[known].mean()) if known.any() else np.nan)
    return {name: np.array(values) for name, values in found.items()}


def _against_cost(rows: Array, curve: Array, groups: Groups, costs: Array) -> dict[str, Any]:
    """Ratios, probabilities and payback; NaN for a channel whose costs are all missing."""
    known: NDArray[np.bool_] = np.isfinite(costs)
    count = groups.sums(known.astype(float))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(count > 0, groups.sums(np.where(known, costs, 0.0)) / count, np.nan)
        ratio = np.where(mean > 0, rows.mean(axis=0) / mean, np.where(mean == 0, np.inf, np.nan))
    told = np.isfinite(mean)
    paid = curve >= mean[:, None]
    month = np.where(paid.any(axis=2), paid.argmax(axis=2), MONTHS + 1).astype(float)
    ends = np.quantile(month, [0.5, *_ends()], axis=0, method="inverted_cdf")
    ends = np.where((ends > MONTHS) | ~told, np.nan, ends)
    return {
        "cost": mean,
        "cost_known": count.astype(int),
        "ltv_to_cost": ratio,
        "p_above_1": np.where(told, (rows > mean).mean(axis=0), np.nan),
        "p_above_3": np.where(told, (rows > 3 * mean).mean(axis=0), np.nan),
        "payback_month": ends[0],
        "payback_lower": ends[1],
        "payback_upper": ends[2],
        "p_payback": np.where(told, (month <= MONTHS).mean(axis=0), np.nan),
    }
