"""Is what is committed small, free of this or any machine's traces, and as the README says?"""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from clvmodels.cli import main

ROOT = Path(__file__).resolve().parents[2]


def committed() -> list[Path]:
    """The files under version control; all files in a copy without one."""
    try:
        done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return [path for path in ROOT.rglob("*") if path.is_file() and ".venv" not in path.parts]
    return [path for name in done.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def texts() -> list[tuple[Path, str]]:
    found = []
    for path in committed():
        try:
            found.append((path.relative_to(ROOT), path.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return found


def test_files_are_under_a_megabyte() -> None:
    big = [f"{path.relative_to(ROOT)}: {path.stat().st_size:,}" for path in committed() if path.stat().st_size >= 1e6]
    assert not big


def test_lock_names_no_host() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert not re.findall(r"\w+://\S+", lock)
    assert "--index-url" not in "".join(line for line in lock.splitlines() if not line.startswith("#"))


def test_no_path_of_a_machine_is_committed() -> None:
    home = re.compile(r"(?<![\w.])/(?:home|Users|root|work|tmp|opt|mnt)/\w[\w./-]*|[A-Z]:\\\\?Users")
    found = [f"{path}: {match.group()}" for path, text in texts() for match in home.finditer(text)]
    assert not found


def test_every_test_file_has_a_name_of_its_own() -> None:
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert len(names) == len(set(names))


def test_tests_are_sorted_by_the_question_they_answer() -> None:
    loose = [path.name for path in (ROOT / "tests").glob("test_*.py")]
    assert not loose


READMES = ("README.md", "README.pt-BR.md")
STEPS = {"README.md": "### One step at a time", "README.pt-BR.md": "### Um passo de cada vez"}


def readme(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8") if (ROOT / name).exists() else ""


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", readme(name), flags=re.MULTILINE | re.DOTALL)


def commands(name: str, heading: str = "") -> list[str]:
    """The command lines shown: all of them, or those of one section."""
    section = readme(name).partition(heading)[2].partition("\n#")[0] if heading else readme(name)
    found = re.findall(r"^```sh\n(.*?)^```", section, flags=re.MULTILINE | re.DOTALL)
    lines = [line for block in found for line in block.splitlines()]
    return [line for line in lines if re.match(r"(\.venv/bin/)?clvmodels ", line)]


@pytest.mark.parametrize("line", dict.fromkeys(line for name in READMES for line in commands(name)))
def test_readme_commands_have_the_options_they_show(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*shlex.split(line, comments=True)[1:], "--help"]) == 0
    capsys.readouterr()


@pytest.mark.parametrize("name", READMES)
def test_readme_steps_run_in_their_order(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    steps = [shlex.split(line, comments=True)[1:] for line in commands(name, STEPS[name])]
    assert len(steps) >= 6
    for words in steps:
        assert main(words) == 0, capsys.readouterr().err
    named = re.findall(r"`?(run/\w+\.\w+)", readme(name))
    assert {"run/fit.json", "run/customers.csv", "run/comparison.csv"} <= set(named)
    assert all((tmp_path / file).is_file() for file in named)
    capsys.readouterr()


@pytest.mark.parametrize("name", READMES)
def test_readme_python_runs_from_top_to_bottom(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "readme"}
    assert len(blocks(name, "python")) >= 2
    for block in blocks(name, "python"):
        exec(compile(block, name, "exec"), names)


def test_the_readmes_show_the_same_commands() -> None:
    named = [{line.partition("clvmodels ")[2].split()[0] for line in commands(name)} for name in READMES]
    assert {"split", "fit", "predict", "evaluate", "simulate", "summarize", "report"} <= named[1] <= named[0]
