"""Who deserves attention: stability of tiers, value at risk, unusual silence, and where the formula misleads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clvmodels import written as n
from clvmodels.calendar import DAYS_PER_YEAR
from clvmodels.errors import InputError
from clvmodels.forecast_rows import TIERS, tiers
from clvmodels.formula import SHORTEST_OBSERVATION_DAYS
from clvmodels.kpis.expected import active_years
from clvmodels.language import SPOKEN, _, ngettext
from clvmodels.models.arrays import Array, log_rising
from clvmodels.outcomes.survival import over_draws
from clvmodels.prediction import Predictions
from clvmodels.summary import Holdout

RHYTHM = 2
"""Repeat purchases from which on a customer has a rhythm of her own."""
UNUSUAL = 0.05
"""A silence is unusual when a customer who is still there would be silent so long with less than this probability."""
PARTS = ("rhythm", "leaving", "spend")

REASONS = SPOKEN | {
    "over_leaving": "Silent for {silence} after buying about every {gap}: the model expects {active} of the next "
    "{horizon} with us, the formula all of them.",
    "over_leaving_recent": "Last purchase {silence} ago, and still customers leave: the model expects {active} of the "
    "next {horizon} with us, the formula all of them.",
    "over_rhythm_once": "One purchase, {since} ago: the formula takes it for a rhythm of {theirs} a year, the model "
    "expects {ours} a year while the customer stays.",
    "over_rhythm": "{orders} purchases in {since} are {theirs} a year by the formula, which counts the first; the "
    "model, which knows how rates fall back, expects {ours}.",
    "over_spend": "{orders} purchases of {own} on average: the model expects {expected}, nearer to what others spend.",
    "over_spend_once": "One purchase of {own}: the model expects {expected}, nearer to what others spend.",
    "under_rhythm": "{orders} purchases in {since} are {theirs} a year by the formula; the model expects {ours} while "
    "the customer stays.",
    "under_rhythm_once": "One purchase, {since} ago, is {theirs} a year by the formula; the model expects {ours} a "
    "year while the customer stays.",
    "under_spend": "{orders} purchases of {own} on average: the model expects {expected}, nearer to what others spend.",
    "under_spend_once": "One purchase of {own}: the model expects {expected}, nearer to what others spend.",
    "no_money": "{orders} purchases without money so far: the formula expects none, the model {expected} a purchase.",
    "no_money_once": "One purchase without money so far: the formula expects none, the model {expected} a purchase.",
}
"""Why formula and model differ most for one customer, by the side the formula errs to and the factor that differs."""


@dataclass(frozen=True, eq=False)
class Attention:
    """Who asks for a second look, of all customers: :func:`attention_to` makes one.

    Attributes
    ----------
    lists
        The customers at the top of each list of :func:`lists`, with all columns of :func:`flag_customers`.
    tested, flagged
        Customers whose silence can be judged by their own rhythm, and those for whom it is unusual.
    """

    lists: Mapping[str, pd.DataFrame]
    tested: int
    flagged: int


def attention_to(forecast: Predictions, *, each: Callable[[pd.DataFrame], None] | None = None) -> Attention:
    """The lists and counts of all customers, looked at some at a time; ``each`` is called with the flags of these."""
    tops: list[dict[str, pd.DataFrame]] = []
    tested = flagged = 0
    for part in forecast.parts():
        flags = flag_customers(part)
        tops.append(lists(flags))
        tested += int((flags["frequency"] >= RHYTHM).sum())
        flagged += int(flags["unusual_silence"].sum())
        if each is not None:
            each(flags)
    if len(tops) == 1:
        return Attention(tops[0], tested, flagged)
    found = {name: lists(pd.concat([top[name] for top in tops]))[name] for name in tops[0]}
    return Attention(found, tested, flagged)


def flag_customers(forecast: Predictions) -> pd.DataFrame:
    """What asks for a second look at each customer, in the order of ``forecast.frame``.

    ================================  ==================================================================================
    ``value_at_risk``                 value × P(no purchase in the horizon)
    ``silence_days``                  days since the last purchase
    ``usual_gap_days``                mean time between purchases at the rate expected after the last one
    ``p_silence``                     probability of so long a silence if the customer is still there, given her own
                                      rhythm; NaN for those with fewer than two repeat purchases
    ``unusual_silence``               whether that is below 5 %
    ``value_if_there``                value ÷ P(alive): the value of a customer known to be still there
    ``difference``                    formula_value − value
    ``rhythm``, ``leaving``,          the three factors of the logarithm of formula_value ÷ value, which they add up to:
    ``spend``                         purchases a year ÷ expected purchases a year alive; length of the horizon ÷
                                      expected time alive; own average order ÷ expected spend
    ``reason``                        name of the largest factor that goes with the difference
    ================================  ==================================================================================

    With them ``customer_id``, ``last_purchase``, ``frequency``, ``tier``, ``p_alive``, ``p_active``, ``value``,
    ``clv``, ``formula_value``. Without money those of money are left out.
    """
    frame, known = forecast.frame, forecast.summary.frame
    p_active, p_alive = frame["p_active"].to_numpy(float), frame["p_alive"].to_numpy(float)
    x, T = frame["frequency"].to_numpy(float), frame["T"].to_numpy(float)
    silence = T - frame["recency"].to_numpy(float)
    days = forecast.unit.days
    chance, gap = _silence(forecast)
    has_rhythm = x >= RHYTHM
    money = forecast.spend is not None
    names = ["customer_id", "last_purchase", "frequency", "p_alive", "p_active", "expected_purchases"]
    columns: dict[str, Any] = {name: frame[name] for name in [*names, *(["tier", "value", "clv"] if money else [])]}
    columns |= {
        "silence_days": np.rint(silence * days).astype(int),
        "usual_gap_days": gap * days,
        "p_silence": np.where(has_rhythm, chance, np.nan),
        "unusual_silence": has_rhythm & (chance < UNUSUAL),
    }
    if not money:
        return pd.DataFrame(columns)
    value, formula = frame["value"].to_numpy(float), frame["formula_value"].to_numpy(float)
    years, horizon = active_years(forecast), forecast.horizon.days / DAYS_PER_YEAR
    observed = np.maximum(T * days, SHORTEST_OBSERVATION_DAYS) / DAYS_PER_YEAR
    own = known["value_past"].to_numpy(float) / (x + 1)
    theirs, ours = (x + 1) / observed, frame["expected_purchases"].to_numpy(float) / years
    spend = frame["expected_spend"].to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.stack([np.log(theirs / ours), np.log(horizon / years), np.log(own / spend)])
    columns |= {
        "value_at_risk": value * (1 - p_active),
        "value_if_there": np.divide(value, p_alive, out=np.zeros_like(value), where=p_alive > 0),
        "formula_value": formula,
        "difference": formula - value,
        **dict(zip(PARTS, parts, strict=True)),
        "reason": _reasons(parts, formula - value),
        "orders": (x + 1).astype(int),
        "observed_days": np.rint(T * days).astype(int),
        "own_average_order": own,
        "expected_spend": spend,
        "formula_rate": theirs,
        "expected_rate": ours,
        "active_days": years * DAYS_PER_YEAR,
    }
    return pd.DataFrame(columns)


def _silence(forecast: Predictions) -> tuple[Array, Array]:
    """P(no purchase since the last one | still there), and the mean gap 1 ÷ E[rate] at the last purchase."""
    d = forecast.purchase_outcomes.distinct
    chance, rate = np.zeros(d.x.size), np.zeros(d.x.size)
    model: Any = forecast.purchase_outcomes.model
    for weight, member in model.components:
        names = member.parameter_names()
        if member.discrete:
            gap, tries = d.T - d.t_x, member.alpha + member.beta + d.t_x
            silent = np.exp(log_rising(member.beta + d.t_x - d.x, gap) - log_rising(tries, gap))
            r, alpha = member.alpha + d.x, tries
        elif "beta" in names and "a" not in names:  # who leaves by the clock might have, in the silence
            r, alpha = member.r + d.x, member.alpha + d.t_x
            silent = np.exp(-r * np.log1p((d.T - d.t_x) / alpha))
        else:  # nobody leaves but at a purchase, and the last one was survived
            r, alpha = member.r + d.x * member.constants.get("k", 1), member.alpha + d.t_x
            silent = 1 - member.alive(0).p_active(d.T - d.t_x, d.x, d.t_x)
        chance += weight * over_draws(np.asarray(silent))
        rate += weight * over_draws(np.asarray(r / alpha)) / member.constants.get("k", 1)
    return chance[d.place], 1 / rate[d.place]


def _reasons(parts: Array, difference: Array) -> NDArray[np.str_]:
    """The factor that goes furthest in the direction of the difference."""
    sided = np.where(difference > 0, parts, -parts)
    sided = np.where(np.isnan(sided), -np.inf, sided)
    return np.where(np.isneginf(parts[2]), "no_money", np.array(PARTS)[sided.argmax(axis=0)])


def reason_words(row: Mapping[Any, Any], *, currency: str, horizon_days: int) -> str:
    """The reason of one row of :func:`flag_customers`, in the language that is spoken."""
    once = int(row["orders"]) == 1
    side = "over" if row["difference"] > 0 else "under"
    key = "no_money" if row["reason"] == "no_money" else f"{side}_{row['reason']}"
    if key == "over_leaving" and row["silence_days"] <= row["usual_gap_days"]:
        key = "over_leaving_recent"
    if once and f"{key}_once" in REASONS:
        key += "_once"
    return REASONS[key].format(
        silence=length(row["silence_days"]),
        gap=length(row["usual_gap_days"]),
        active=length(row["active_days"]),
        horizon=length(horizon_days),
        since=length(row["observed_days"]),
        orders=n.count(row["orders"]),
        theirs=n.decimal(row["formula_rate"], 1),
        ours=n.decimal(row["expected_rate"], 1),
        own=n.money(row["own_average_order"], currency),
        expected=n.money(row["expected_spend"], currency),
    )


def length(days: float) -> str:
    """A stretch of time in the unit that people would use.

    Examples
    --------
    >>> length(5), length(1), length(40), length(365)
    ('5 days', '1 day', '6 weeks', '12 months')
    """
    if days < 0.5:
        return _("less than a day")
    if days < 21:
        whole = round(days)
        return ngettext("{n} day", "{n} days", whole).format(n=n.count(whole))
    if days < 120:
        whole = round(days / 7)
        return ngettext("{n} week", "{n} weeks", whole).format(n=n.count(whole))
    whole = round(days / DAYS_PER_YEAR * 12)
    return ngettext("{n} month", "{n} months", whole).format(n=n.count(whole))


def tier_stability(
    forecast: Predictions, holdout: Holdout, *, future: Predictions | None = None
) -> dict[str, pd.DataFrame]:
    """Do tiers hold? Those predicted for the holdout beside what customers then spent, and beside their tier now.

    Parameters
    ----------
    forecast
        Predictions of the holdout, made at the end of the calibration, with money.
    holdout
        What happened; its customers are those of the forecast.
    future
        Predictions made later, of the same customers and others.

    Returns
    -------
    dict
        ``"actual"``: a row per predicted tier and actual tier (by the same shares: the best 10 % by actual value, …)
        with ``customers``, ``share`` (of the predicted tier), ``nothing`` (who spent nothing), ``value`` (actual)
        and ``predicted_value``. ``"now"``,
        with ``future``: a row per tier then and tier now.
    """
    if forecast.spend is None or "value" not in holdout.frame:
        raise InputError("tiers are by value, and there is no money here. Read the log with its value column.")
    actual = holdout.of(forecast.frame["customer_id"])["value"].to_numpy(float)
    rows = pd.DataFrame(
        {
            "predicted": forecast.frame["tier"],
            "actual": tiers(actual),
            "nothing": (actual <= 0).astype(int),
            "value": actual,
            "predicted_value": forecast.frame["value"],
        }
    )
    found = {"actual": _transitions(rows, "predicted", "actual")}
    return found if future is None else {**found, "now": tiers_now(forecast.frame, future)}


def tiers_now(then: pd.DataFrame, future: Predictions) -> pd.DataFrame:
    """The second table of :func:`tier_stability`; ``then`` holds ``customer_id`` and ``tier``."""
    import pyarrow as pa  # takes half a second to load
    from pyarrow import compute

    known = pa.array(future.frame["customer_id"])
    place = compute.index_in(pa.array(then["customer_id"], type=known.type), value_set=known)
    still = place.is_valid().to_numpy(zero_copy_only=False)
    now = future.frame["tier"].iloc[place.drop_null().to_numpy()]
    rows = {"then": then["tier"][still].reset_index(drop=True), "now": now.reset_index(drop=True)}
    return _transitions(pd.DataFrame(rows), "then", "now")


def _transitions(rows: pd.DataFrame, one: str, other: str) -> pd.DataFrame:
    """Counts, shares of the first and sums of what else there is, for every pair of tiers."""
    sums = [str(name) for name in rows if name not in (one, other)]
    cells = pd.MultiIndex.from_product([list(TIERS), list(TIERS)], names=[one, other])
    grouped = rows.groupby([one, other], observed=True)
    table = pd.DataFrame({"customers": grouped.size(), **{name: grouped[name].sum() for name in sums}})
    table = table.reindex(cells, fill_value=0).reset_index()
    whole = table.groupby(one)["customers"].transform("sum").to_numpy(float)
    counts = table["customers"].to_numpy(float)
    table.insert(3, "share", np.divide(counts, whole, out=np.full(len(counts), np.nan), where=whole > 0))
    return table


def lists(flags: pd.DataFrame, *, most: int = 100) -> dict[str, pd.DataFrame]:
    """The customers to look at, by the question they answer, each list the most important first.

    ``value_at_risk``: the highest value × P(no purchase). ``unusual_silence``: silent for longer than their own rhythm
    explains, by what is still expected of them. ``formula_overrates``, ``formula_underrates``: the largest differences,
    but not of customers without money so far, for whom the formula is always 0. Without money only the silence, by
    expected purchases.

    Parameters
    ----------
    flags
        From :func:`flag_customers`.
    most
        Customers per list.
    """

    def top(score: str, rows: Any, sign: int = -1) -> pd.DataFrame:
        """The rows of the highest score (or the lowest), equals in their order."""
        places = np.flatnonzero(rows)
        order = np.argsort(sign * flags[score].to_numpy(float)[places], kind="stable")
        return flags.iloc[places[order[:most]]]

    silent = flags["unusual_silence"].to_numpy(bool)
    if "value" not in flags:
        return {"unusual_silence": top("expected_purchases", silent)}
    difference = flags["difference"].to_numpy(float)
    return {
        "value_at_risk": top("value_at_risk", np.ones(len(flags), bool)),
        "unusual_silence": top("value", silent),
        "formula_overrates": top("difference", difference > 0),
        "formula_underrates": top("difference", (difference < 0) & (flags["reason"] != "no_money").to_numpy(), 1),
    }
