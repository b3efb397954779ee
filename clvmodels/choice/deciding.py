"""Choosing among models, and weighting them, by what they would have forecast from earlier cut-offs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from clvmodels import written
from clvmodels.choice.league import League
from clvmodels.choice.origins import SHARES, Origin, origins_of
from clvmodels.choice.scoring import Scored, fitted, scored
from clvmodels.choice.spending import spend_league
from clvmodels.fitting import Fit, fit
from clvmodels.fitting.stack import FORMULA_MEMBERS, STACK, formula_fit, stack_of
from clvmodels.formula import SHORTEST_OBSERVATION_DAYS
from clvmodels.language import _
from clvmodels.models import FAMILIES, Family, PurchaseFamily, usual_families
from clvmodels.models.blend import Blend
from clvmodels.summary import Summary

AUTO = "auto"
DEFAULT, DEFAULT_SPEND = "bgnbd", "gamma_gamma_first"
"""What is taken when the calibration is too short for earlier cut-offs."""
ALIKE = 1e-6
"""Mean log scores that differ by less are equal, whatever their standard error: one family is a case of the other."""
FORMULAS_IN_STACK = ("formula_customer", "zero")
"""The textbook formula may join the stack, and that nobody buys again."""
GONE, EARNED = "zero", 2.0
"""The member that no story stands behind, and by how many standard errors of the CRPS a stack has to be better with it:
who leaves is the families' to tell where they can."""


@dataclass(frozen=True, eq=False)
class Choice:
    """Which family, with which weights, and why: decided on earlier cut-offs of the calibration period only.

    Attributes
    ----------
    family
        Name of the winner: a purchase family, or ``"stack"``.
    spend
        Name of the spend family that goes with it; None for a log without money.
    weights
        Of the stack: a family's or a formula's name → its weight; empty when there are no earlier cut-offs.
    league
        One row per family and one for the stack, best first: ``predictor``, ``title``, ``log_score`` (mean log
        probability of what happened: higher is better), ``log_score_difference`` to the best family with ``_lower``
        and ``_upper`` (95 %, paired by customer), the same of ``crps`` (lower is better), ``log_ratio`` (mean over
        cut-offs of |log(predicted / actual)| of the total), ``chosen``.
    spends
        The same of the spend families, by the CRPS of value; empty without money.
    cutoffs
        ``cutoff``, ``end``, ``customers``, ``purchases``: what was judged.
    totals
        ``cutoff``, ``predictor``, ``predicted``, ``actual``: totals of purchases.
    left_out
        Family → why it could not be fitted at every cut-off.
    reason
        The choice in words.
    """

    family: str
    spend: str | None
    weights: Mapping[str, float]
    league: pd.DataFrame = field(repr=False)
    spends: pd.DataFrame = field(repr=False)
    cutoffs: pd.DataFrame = field(repr=False)
    totals: pd.DataFrame = field(repr=False)
    left_out: Mapping[str, str] = field(repr=False)
    reason: str = field(repr=False)

    def fit(self, summary: Summary, *, family: str = AUTO, method: str = "mle", seed: int = 0) -> Fit:
        """The winner fitted to a summary; ``family="stack"`` for the stack whoever has won.

        Parameters
        ----------
        summary
            The calibration that the choice was made on; or later data of the same customers.
        family
            ``"auto"``, ``"stack"``, or the name of any family.
        method, seed
            As in :func:`clvmodels.fit`; of each member of a stack.
        """
        name = self.family if family == AUTO else family
        if name != STACK:
            return fit(name, summary, method=method, seed=seed)
        weights = dict(self.weights) or {DEFAULT: 1.0}
        fits = {one: fit(one, summary, method=method, seed=seed) for one in weights if one not in FORMULA_MEMBERS}
        shortest = summary.unit.from_days(SHORTEST_OBSERVATION_DAYS)
        return stack_of(fits, weights, summary, method=method, shortest=shortest)

    def plain(self) -> dict[str, Any]:
        """The choice as lists and numbers, for report.json."""
        tables = {"league": self.league, "spends": self.spends, "cutoffs": self.cutoffs, "totals": self.totals}
        return {
            "family": self.family,
            "spend": self.spend,
            "weights": dict(self.weights),
            "reason": self.reason,
            "left_out": dict(self.left_out),
            **{name: table.to_dict("records") for name, table in tables.items()},
        }


def choose(
    summary: Summary,
    *,
    families: Sequence[str] | None = None,
    formulas: Sequence[str] = FORMULAS_IN_STACK,
    shares: Sequence[float] = SHARES,
    progress: Callable[[str], None] | None = None,
) -> Choice:
    """Choose a purchase family and a spend family, and learn the weights of a stack, on earlier cut-offs.

    The calibration period is cut at 40, 50, 60 and 70 % of its length; each time every family is fitted to what comes
    before and judged by what comes after. Nothing after ``summary.until`` is known here. Three rules, in this order:

    1. Of the families the one with the best mean log score wins; families within one paired standard error of it are
       tied, and the one with the fewest parameters is taken.
    2. A *stack*, a weighted mixture of the families and of the formula, has the weights that would have had the best
       CRPS. That nobody buys again is a member, too, if the stack is better with it by more than two standard errors of
       the CRPS: where customers come back after long silences. The stack is judged at each cut-off with weights that
       know nothing of that one, and takes the place of the family if its log score or its CRPS is better by more than
       one standard error, and neither is worse by as much.
    3. Of the spend families the one with the best CRPS of value wins; ties, within two standard errors, go to the one
       with fewer parameters, then to the one that uses every purchase.

    In-sample likelihood decides nothing. When no cut-off can teach anything (fewer than 50 customers or 10 repeat
    buyers before it, or less than four weeks on either side), BG/NBD is taken, and ``reason`` says so.

    Parameters
    ----------
    summary
        The calibration, made from transactions.
    families
        Names of the families to choose among; all for continuous time by default.
    formulas
        Formulas that may join the stack: ``"formula_customer"``, ``"formula_repeat"``, ``"zero"``.
    shares
        Where the calibration is cut.
    progress
        Called with a few words when a new step begins.

    Examples
    --------
    >>> import clvmodels as clv
    >>> choice = choose(clv.split("cdnow-sample").calibration, families=["bgnbd", "nbd"])
    >>> choice.family, round(choice.weights["nbd"], 1)
    ('stack', 0.1)
    """
    say = progress or (lambda step: None)
    names = list(families or usual_families("purchases"))
    shortest = summary.unit.from_days(SHORTEST_OBSERVATION_DAYS)
    rounds: list[tuple[Origin, dict[str, Fit]]] = []
    left_out: dict[str, str] = {}
    for origin in origins_of(summary, shares):
        say(_("choosing a model: cut-off {day}").format(day=origin.cutoff))
        fits, reasons = fitted(names, origin)
        left_out |= reasons
        rounds.append((origin, fits))
    names = [name for name in names if name not in left_out]
    if not rounds or not names:
        return _fallback(summary, left_out)
    everybody = [
        scored(
            origin,
            {name: _purchases(fits[name].predictive_model) for name in names}
            | {name: _purchases(formula_fit(name, origin.known, shortest).model) for name in formulas},
        )
        for origin, fits in rounds
    ]
    league = _league(everybody, names)
    judged = league.judged
    family, reason = _winner(league)
    spends, spend = pd.DataFrame(), None
    if summary.has_value:
        say(_("choosing a model of spend"))
        weights = league.weights if family == STACK else league.alone(family)
        models = [
            Blend(tuple(weights[weights > 0].tolist()), tuple(m for m, w in zip(one.models, weights, strict=True) if w))
            for one in judged
        ]
        spends, spend = spend_league([one.origin for one in judged], models)
    return Choice(
        family=family,
        spend=spend,
        weights={name: float(w) for name, w in zip(league.members, league.weights, strict=True) if w > 0},
        league=league.table(family),
        spends=spends,
        cutoffs=_cutoffs(judged),
        totals=league.totals(),
        left_out=left_out,
        reason=reason,
    )


def _league(judged: Sequence[Scored], names: Sequence[str]) -> League:
    """The league of a stack that may hold everything, or of one in which nobody is lost unseen: if that is as good."""
    whole = League.of(judged, names)
    if GONE not in whole.members:
        return whole
    plain = League.of([one.without(GONE) for one in judged], names)
    gain, error = plain.difference({GONE: plain.crps[STACK], STACK: whole.crps[STACK]}, GONE, STACK)
    return whole if gain > EARNED * error else plain


def _winner(league: League) -> tuple[str, str]:
    """The family, or the stack, and the choice in words."""
    log = league.log
    best = max(league.families, key=lambda name: log[name].mean())
    tied = [name for name in league.families if name == best or _tied(league.difference(log, name, best))]
    family = min(tied, key=_complexity)
    reason = _("{title} has the best log score on {count} earlier cut-offs").format(
        title=FAMILIES[best].title, count=len(league.judged)
    )
    if family != best:
        reason += _("; {title} is within one standard error of it and simpler").format(title=FAMILIES[family].title)
    gains = {kind: _standard_errors(league, kind, family) for kind in ("log_score", "crps")}
    if max(gains.values()) > 1 and min(gains.values()) >= -1:
        reason += _(
            "; a stack of models was better than that by {log} standard errors of the log score and {crps} of the CRPS"
        ).format(log=written.decimal(gains["log_score"], 1), crps=written.decimal(gains["crps"], 1))
        return STACK, reason + "."
    return family, reason + _("; a stack of models was no better by more than a standard error.")


def _standard_errors(league: League, kind: str, family: str) -> float:
    """By how many standard errors the stack is better than a family."""
    sign, scores = (1, league.log) if kind == "log_score" else (-1, league.crps)
    gain, error = league.difference(scores, STACK, family)
    return sign * gain / error if error else 0.0


def _tied(difference: tuple[float, float]) -> bool:
    return abs(difference[0]) <= max(difference[1], ALIKE)


def _complexity(name: str) -> tuple[int, int]:
    """Parameters, and the place in the table of families."""
    kind = FAMILIES[name]
    return len(kind.parameter_names()) + len(kind.constant_names), list(FAMILIES).index(name)


def _purchases(model: Family) -> PurchaseFamily:
    assert isinstance(model, PurchaseFamily)
    return model


def _cutoffs(judged: Sequence[Scored]) -> pd.DataFrame:
    rows = [
        (one.origin.cutoff, one.origin.horizon.end, len(one.origin.purchases), int(one.origin.purchases.sum()))
        for one in judged
    ]
    return pd.DataFrame(rows, columns=["cutoff", "end", "customers", "purchases"])


def _fallback(summary: Summary, left_out: Mapping[str, str]) -> Choice:
    title = FAMILIES[DEFAULT].title
    reason = _(
        "The calibration is too short, or its customers too few, to be cut once more and judged: {title} is taken "
        "without a choice."
    ).format(title=title)
    nothing = pd.DataFrame()
    spend = DEFAULT_SPEND if summary.has_value else None
    return Choice(DEFAULT, spend, {}, nothing, nothing, nothing, nothing, dict(left_out), reason)
