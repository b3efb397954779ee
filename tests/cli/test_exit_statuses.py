"""Does the command end with the status that says whose turn it is, in words and without a traceback?"""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable

import pytest

from clvmodels import __version__
from clvmodels.cli import main
from clvmodels.errors import ConvergenceError, DiagnosticWarning, InputError, MissingDependencyError


def simulation_that(monkeypatch: pytest.MonkeyPatch, does: Callable[..., object]) -> None:
    """Let ``clvmodels simulate`` meet with an event."""
    monkeypatch.setattr("clvmodels.simulation.simulated_parts", lambda *args, **options: does())


def raising(error: BaseException) -> Callable[..., object]:
    def event() -> object:
        raise error

    return event


SIMULATE = ["simulate", "--out", "log.csv"]


@pytest.fixture(autouse=True)
def _here(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # type: ignore[arg-type]
    monkeypatch.delenv("CLVMODELS_DEBUG", raising=False)


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (InputError("the log is empty. Give another."), 2, "Error: the log is empty. Give another.\n"),
        (MissingDependencyError("pip install pymc"), 2, "Error: pip install pymc\n"),
        (
            PermissionError(13, "Permission denied", "log.csv"),
            2,
            "Error: log.csv: Permission denied. Check the path and",
        ),
        (ConvergenceError("BG/NBD did not converge"), 1, "Error: BG/NBD did not converge"),
        (KeyError("x"), 1, "Internal error: KeyError: 'x'\n  This is our fault, not yours; nothing was written."),
        (KeyboardInterrupt(), 130, "Interrupted; nothing was written.\n"),
    ],
)
def test_status_and_words(
    error: BaseException,
    status: int,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    simulation_that(monkeypatch, raising(error))
    assert main(SIMULATE) == status
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(says)
    assert "Traceback" not in printed.err


def test_internal_error_says_what_to_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    simulation_that(monkeypatch, raising(KeyError("x")))
    main(["simulate", "--out", "my log.csv"])
    assert capsys.readouterr().err.endswith("\n  clvmodels --debug simulate --out 'my log.csv'\n")


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    simulation_that(monkeypatch, raising(KeyError("x")))
    with pytest.raises(KeyError):
        main(["--debug", *SIMULATE])
    monkeypatch.setenv("CLVMODELS_DEBUG", "1")
    with pytest.raises(KeyError):
        main(SIMULATE)


def test_diagnostic_warning_is_one_neat_line_said_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def warns() -> object:
        for _ in range(2):
            warnings.warn(DiagnosticWarning("a and b grow together."), stacklevel=1)
        raise InputError("stop")

    simulation_that(monkeypatch, warns)
    main(SIMULATE)
    assert capsys.readouterr().err == "Note: a and b grow together.\nError: stop\n"


def test_version_and_help_end_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"clvmodels {__version__}\n"
    for words in (["--help"], []):
        assert main(words) == 0
        assert "summarize" in capsys.readouterr().out


@pytest.mark.parametrize("program", [["-m", "clvmodels"], ["-c", "import sys, clvmodels.cli as c; sys.exit(c.main())"]])
def test_process_ends_with_the_same_status(program: list[str]) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, *program, *words], capture_output=True, text=True, check=False)

    assert run("--version").stdout == f"clvmodels {__version__}\n"
    wrong = run("summarize", "nowhere.csv", "--out", "log.csv")
    assert wrong.returncode == 2
    assert wrong.stdout == ""
    assert wrong.stderr.startswith("Error: there is no file nowhere.csv")
