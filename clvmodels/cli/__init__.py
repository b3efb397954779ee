"""The command ``clvmodels``: one sub-command per arrow of the data flow, and one place for exit statuses."""

from __future__ import annotations

import os
import shlex
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer

from clvmodels.cli import customer, diff, exporting, index, kpis, rolling, scoring  # noqa: F401 – a command of its own file registers itself
from clvmodels.cli.commands import app
from clvmodels.cli.screen import complain
from clvmodels.errors import CLVError, ConvergenceError, DiagnosticWarning
from clvmodels.language import LANGUAGES, _, speaking
from clvmodels.workers import ALONE

__all__ = ["app", "main"]

DONE, OUR_FAULT, INPUT_WRONG, INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    0 done; 2 the input or the arguments are wrong (said on stderr, nothing half-written); 1 our fault; 130 interrupted.

    Parameters
    ----------
    argv
        The words after ``clvmodels``; those of the process when absent.

    Examples
    --------
    >>> main(["--version"])
    clvmodels 0.1.0
    0
    """
    if argv is None:  # the process is ours, and NumPy not loaded yet
        for name, number in ALONE.items():
            os.environ.setdefault(name, number)
    words = (sys.argv[1:] if argv is None else list(argv)) or ["--help"]
    with speaking(LANGUAGES[0]):  # to which all goes back after a command that speaks another
        return _run(words, debug=words[:1] == ["--debug"] or bool(os.environ.get("CLVMODELS_DEBUG")))


def _run(words: Sequence[str], *, debug: bool) -> int:
    try:
        with _warnings_in_words():
            status = app(args=words, prog_name="clvmodels", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    except Exception as error:
        if debug:
            raise
        return _explain(error, words)
    if status == INTERRUPTED:
        return _say(_("Interrupted; nothing was written."), INTERRUPTED)
    return int(status or DONE)


def _explain(error: Exception, words: Sequence[str]) -> int:
    """Say what went wrong, and whose turn it is to do something about it."""
    if hasattr(error, "format_message"):  # a usage error of the parser
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "clvmodels"
        said = error.format_message().replace("Value error, ", "")  # the validator's own words, of no use to anybody
        return _say(_error(said) + "\n  " + _("See: {command} --help").format(command=command), INPUT_WRONG)
    if isinstance(error, CLVError):
        return _say(_error(error), OUR_FAULT if isinstance(error, ConvergenceError) else INPUT_WRONG)
    if isinstance(error, OSError) and error.filename is not None:
        said = _("{file}: {reason}. Check the path and its permissions.")
        return _say(_error(said.format(file=error.filename, reason=error.strerror)), INPUT_WRONG)
    said = _(
        "Internal error: {error}\n"
        "  This is our fault, not yours; nothing was written. Please report it with what this prints:\n"
        "  {command}"
    )
    again = shlex.join(["clvmodels", "--debug", *words])
    return _say(said.format(error=f"{type(error).__name__}: {error}", command=again), OUR_FAULT)


def _error(said: object) -> str:
    return _("Error: {said}").format(said=said)


@contextmanager
def _warnings_in_words() -> Iterator[None]:
    """Show a DiagnosticWarning as one line on stderr, once; leave other warnings as they are."""
    shown: set[str] = set()

    def show(message: Warning | str, category: type[Warning], *rest: Any) -> None:
        if not issubclass(category, DiagnosticWarning):
            usual(message, category, *rest)
        elif str(message) not in shown:
            shown.add(str(message))
            _say(_("Note: {note}").format(note=message), DONE)

    with warnings.catch_warnings():
        warnings.simplefilter("always", DiagnosticWarning)
        usual = warnings.showwarning
        warnings.showwarning = show  # type: ignore[assignment]
        yield


def _say(text: str, status: int) -> int:
    complain(text)
    return status
