"""From the names on a command line, ``auto`` and ``stack`` among them, to fits."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from clvmodels.choice.deciding import AUTO, Choice, choose
from clvmodels.fitting import Fit, fit
from clvmodels.fitting.stack import STACK
from clvmodels.summary import Summary

CHOOSING = (AUTO, STACK)
"""Names of families that ask for earlier cut-offs."""
PLAIN_SPEND = "gamma_gamma"
"""The spend family where nobody has asked for another."""


class Taken(NamedTuple):
    """The fits, and the choice behind them if there was one."""

    purchases: Fit
    spend: Fit | None
    choice: Choice | None


def spend_name(spend: str | None, family: str) -> str:
    """The spend family meant: with ``auto`` and ``stack`` it is chosen too, unless another is asked for."""
    return spend or (AUTO if family in CHOOSING else PLAIN_SPEND)


def take(
    family: str,
    spend: str | None,
    summary: Summary,
    *,
    method: str = "mle",
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> Taken:
    """Fit what was asked for: by name, or by what earlier cut-offs say.

    Parameters
    ----------
    family
        A purchase family, ``"auto"`` (the best by earlier cut-offs) or ``"stack"`` (the mixture, whoever is best).
    spend
        A spend family, ``"auto"``, ``"none"``, or None for the default.
    summary, method, seed
        As in :func:`clvmodels.fit`.
    progress
        Called with a few words when a new step begins.
    """
    money = spend_name(spend, family)
    choice = choose(summary, progress=progress) if AUTO in (family, money) or family == STACK else None
    if choice is None:
        purchases = fit(family, summary, method=method, seed=seed)
    else:
        purchases = choice.fit(summary, family=family, method=method, seed=seed)
    if money == AUTO and choice is not None:
        money = choice.spend or "none"
    spent = None if money == "none" or not summary.has_value else fit(money, summary, method=method, seed=seed)
    return Taken(purchases, spent, choice)
