"""What a check says: pass, review or fail, with evidence and advice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from clvmodels import written

Status = Literal["pass", "review", "fail"]


@dataclass(frozen=True)
class Check:
    """One finding.

    Attributes
    ----------
    name, title
        For programs and for people.
    status
        ``"pass"``, ``"review"`` (usable, read the evidence first) or ``"fail"`` (do not use this part as it is).
    evidence
        The numbers that decided, in words.
    recommendation
        What to do; for a pass, why nothing needs doing.
    values
        The same numbers for programs.
    """

    name: str
    title: str
    status: Status
    evidence: str
    recommendation: str
    values: Mapping[str, Any] = field(default_factory=dict)


def percent(fraction: float, digits: int = 1) -> str:
    """A signed percentage with a true minus.

    Examples
    --------
    >>> percent(-0.143), percent(0.02, 0)
    ('−14.3%', '+2%')
    """
    return written.percent(fraction, digits, sign=True)


def sentence(text: str) -> str:
    """A text as a sentence: capital first, full stop last."""
    return text[:1].upper() + text[1:].rstrip(".") + "."
