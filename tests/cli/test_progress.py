"""Is progress shown only where somebody watches, and only when there is something to wait for?"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable

import pytest

from clvmodels import progress as module


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """A timer that goes off when the test says so."""

    def __init__(self, seconds: float, then: Callable[[], None]) -> None:
        self.seconds, self.then, self.cancelled, self.daemon = seconds, then, False, False
        Clock.last = self

    def start(self) -> None: ...

    def cancel(self) -> None:
        self.cancelled = True


def watched(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Let somebody watch; not a fixture, because the capture puts its own stderr back after those."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(module.threading, "Timer", Clock)
    monkeypatch.setenv("TERM", "xterm")
    return stream


def test_silent_when_stderr_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with module.progress("report") as say:
        say("fitting")
    printed = capsys.readouterr()
    assert printed.out == printed.err == ""


def test_nothing_is_shown_before_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watched(monkeypatch)
    with module.progress("report") as say:
        say("fitting")
    assert Clock.last.seconds == 2
    assert Clock.last.cancelled
    assert "fitting" not in terminal.getvalue()


def test_step_is_shown_after_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watched(monkeypatch)
    with module.progress("report") as say:
        Clock.last.then()
        say("fitting")
    assert "report: fitting" in terminal.getvalue()
