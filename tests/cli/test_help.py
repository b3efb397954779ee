"""Does every command explain itself, with an example that can be typed?"""

from __future__ import annotations

import re
import shlex

import pytest

from clvmodels.cli import main
from clvmodels.cli.commands import app

COMMANDS = [command.callback.__name__ for command in app.registered_commands if command.callback]
EXAMPLES = [
    (command.callback.__name__, example.strip())
    for command in app.registered_commands
    if command.callback
    for example in re.findall(r"Example:(.*)", command.callback.__doc__ or "")
]


def test_there_is_one_command_for_every_arrow() -> None:
    assert COMMANDS[:7] == ["report", "summarize", "split", "fit", "predict", "evaluate", "simulate"]
    assert {"customer", "export", "kpis"} <= set(COMMANDS[7:])  # each in a file of its own


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"Example:  clvmodels {command}" in shown
    assert shown.count("[default:") >= 1


@pytest.mark.parametrize(("command", "example"), EXAMPLES)
def test_options_of_every_example_exist(command: str, example: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(example)
    assert words[:2] == ["clvmodels", command]
    assert main([*words[1:], "--help"]) == 0  # an option that does not exist would be refused first
    assert main([*words[1:], "--no-such-option", "--help"]) == 2
    capsys.readouterr()


CONTRACT = """--customer-id --date --value --segment --cost --date-format --decimal --currency --calibration-end
--holdout-end --until --horizon --discount-rate --margin --unit --family --spend --method --returns
--language --seed --table --out"""


def test_report_takes_the_options_of_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    main(["report", "--help"])
    shown = capsys.readouterr().out
    missing = [name for name in CONTRACT.split() if not re.search(rf"{name}\s", shown)]
    assert not missing
