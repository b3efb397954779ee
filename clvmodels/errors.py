"""What can go wrong, in words an analyst can act on; each error carries its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clvmodels.language import _


class CLVError(Exception):
    """The parent of every error that clvmodels raises on purpose."""


class InputError(CLVError, ValueError):
    """The data or the arguments are wrong.

    Parameters
    ----------
    headline
        What cannot be done, e.g. ``"transactions cannot be summarised"``; or the whole message when it stands alone.
    problems
        All problems found at once: *what is wrong, with a count and a first example; why it matters; what to type*.

    Examples
    --------
    >>> print(InputError("transactions cannot be summarised", ["'date' is null in 2 rows.", "'value' is text."]))
    transactions cannot be summarised; 2 problems:
      1. 'date' is null in 2 rows.
      2. 'value' is text.
    >>> print(InputError("transactions cannot be summarised", ["'date' is null in 2 rows."]))
    transactions cannot be summarised: 'date' is null in 2 rows.
    """

    def __init__(self, headline: str, problems: Sequence[str] = ()) -> None:
        self.headline = headline
        self.problems = tuple(problems)
        match self.problems:
            case ():
                message = headline
            case (only,):
                message = f"{headline}: {only}"
            case several:
                lines = [f"  {i}. {problem}" for i, problem in enumerate(several, 1)]
                message = "\n".join([_("{headline}; {n} problems:").format(headline=headline, n=len(several)), *lines])
        super().__init__(message)


class UnitError(InputError):
    """Two values that meet are counted in different units of time."""


class MissingDependencyError(CLVError, ImportError):
    """An optional package is needed; the message is the line that installs it."""


class ConvergenceError(CLVError, RuntimeError):
    """No start reached a stationary point; ``fit`` is the last state, for inspection only."""

    def __init__(self, message: str, fit: Any = None) -> None:
        super().__init__(message)
        self.fit = fit


class DiagnosticWarning(UserWarning):
    """The answer is usable, but the analyst should know something about it."""
