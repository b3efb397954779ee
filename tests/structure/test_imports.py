"""Does data flow downwards only, and does importing the package stay cheap?"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

import clvmodels

PACKAGE = Path(clvmodels.__file__).parent
FILES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}

# The data flow: a file imports only from files above it. Folders stand for all their files; a file that is not named
# here may stand anywhere, as long as one order exists for all.
FLOW = """
    errors calendar transactions summary models fitting outcomes formula prediction metrics evaluation backtesting
    checks kpis channels levers attention simulation tables charts report cli
""".split()  # noqa: SIM905

# What is slow to load, or optional, lives in few places.
HOMES = {
    "matplotlib": {"charts"},
    "ibis": {"transactions", "summary", "datasets", "exports/databases", "exports/streams", "scoring"},
    "duckdb": {"transactions", "summary", "datasets"},
    "pymc": {"fitting/nuts"},
    "pytensor": {"fitting/nuts"},
    "nutpie": {"fitting/nuts"},
    "arviz": {"fitting/draws"},
    "arviz_stats": {"fitting/draws"},
    "lifetimes": {"fitting/oracle"},
    "jinja2": {"report"},
    "typst": {"report"},
    "typer": {"cli"},
    "babel": {"language", "messages", "written"},
    "pooch": {"datasets"},
    "xlsxwriter": {"exports/excel"},
}
ROOT = "__init__.py"  # resolves names on first use, and is nobody's neighbour


@cache  # every file is asked about once for each package below
def imported(name: str) -> frozenset[str]:
    """Every module that a file imports, anywhere in it, by full name (``from a import b`` counts as a.b).

    What only a type checker reads is left out: it ties nothing together when the program runs.
    """
    found = set()
    tree = ast.parse(FILES[name].read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def neighbours(name: str) -> set[str]:
    """The files of the package that a file imports."""
    found = set()
    for module in imported(name):
        parts = module.split(".")
        if parts[0] != "clvmodels":
            continue
        for end in range(len(parts), 1, -1):  # clvmodels.models.base.Family → models/base.py
            stem = "/".join(parts[1:end])
            if hit := {f"{stem}.py", f"{stem}/__init__.py"} & FILES.keys():
                found |= hit
                break
    return found - {name, ROOT}


def group(word: str) -> set[str]:
    return {name for name in FILES if name == f"{word}.py" or name.startswith(f"{word}/")}


def test_one_order_exists_in_which_every_file_imports_from_above_only() -> None:
    above = {name: neighbours(name) for name in FILES if name != ROOT}
    flow = [files for files in map(group, FLOW) if files]
    assert len(flow) > 10
    for upper, lower in pairwise(flow):
        for name in lower:
            above[name] |= upper
    try:
        TopologicalSorter(above).prepare()
    except CycleError as error:
        pytest.fail("against the data flow: " + " ← ".join(error.args[1]))


@pytest.mark.parametrize("package", sorted(HOMES))
def test_what_is_slow_or_optional_is_imported_in_its_place_only(package: str) -> None:
    homes = {name for home in HOMES[package] for name in group(home)}
    users = {name for name in FILES if any(module.split(".")[0] == package for module in imported(name))}
    assert users <= homes


def loaded_by(code: str) -> set[str]:
    """The top-level names in sys.modules of a fresh Python after ``code``."""
    code += "\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_import_loads_the_standard_library_only() -> None:
    extra = loaded_by("import clvmodels") - loaded_by("")
    ours = {name for name in extra if name.split(".")[0] == "clvmodels"}
    strangers = {name for name in extra - ours if name.split(".")[0] not in sys.stdlib_module_names}
    assert not strangers
    assert ours == {"clvmodels"}  # the names are resolved on first use
    assert len(extra) < 60  # quick by what it does not load; counted, so that a busy machine cannot fail it


def test_help_and_version_load_nothing_heavy() -> None:
    heavy = {"numpy", "pandas", "scipy", "ibis", "duckdb", "matplotlib", "pymc", "arviz", "pyarrow", "lifetimes"}
    code = "import contextlib, io\nfrom clvmodels.cli import main\nwith contextlib.redirect_stdout(io.StringIO()):"
    for words in (["--help"], ["--version"], ["report", "--help"]):  # one Python for all: what any loads is there
        code += f"\n    assert main({words!r}) == 0"
    assert not heavy & loaded_by(code)


def test_public_names_resolve_to_where_they_are_said_to_live() -> None:
    for name in clvmodels.__all__:
        thing = getattr(clvmodels, name)
        assert thing.__name__ == name
    assert set(clvmodels.__all__) <= set(dir(clvmodels))
    with pytest.raises(AttributeError, match="no attribute 'sumarize'"):
        clvmodels.sumarize  # noqa: B018
