"""Is the public surface what the design says: documented, keyword-only, without surprises?"""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import clvmodels

PACKAGE = Path(clvmodels.__file__).parent
FILES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
Def = ast.FunctionDef | ast.ClassDef


def public(tree: ast.Module) -> list[Def]:
    return [node for node in tree.body if isinstance(node, Def) and not node.name.startswith("_")]


@pytest.mark.parametrize("name", FILES)
def test_file_opens_with_a_docstring_of_what_it_is_for(name: str) -> None:
    text = ast.get_docstring(ast.parse(FILES[name].read_text()))
    assert text, "no docstring"
    first = text.split("\n\n")[0]
    assert first.rstrip().endswith((".", "?")), f"not a sentence: {first!r}"
    assert len(first) <= 240, f"not short: {first!r}"


@pytest.mark.parametrize("name", FILES)
def test_every_public_name_has_a_docstring(name: str) -> None:
    bare = []
    for node in public(ast.parse(FILES[name].read_text())):
        members = [node] + [
            inner
            for inner in (node.body if isinstance(node, ast.ClassDef) else [])
            if isinstance(inner, ast.FunctionDef) and not inner.name.startswith("_")
        ]
        bare += [inner.name for inner in members if not ast.get_docstring(inner) and not overload(inner)]
    assert not bare


def overload(node: Def) -> bool:
    return any("overload" in ast.unparse(decorator) for decorator in node.decorator_list)


def test_public_functions_take_keywords_after_the_first_two_arguments_and_nothing_unnamed() -> None:
    for name in clvmodels.__all__:
        parameters = list(inspect.signature(getattr(clvmodels, name)).parameters.values())
        kinds = {parameter.kind for parameter in parameters[2:]}
        assert kinds <= {inspect.Parameter.KEYWORD_ONLY}, name
        assert {p.kind for p in parameters[:2]} <= {
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            inspect.Parameter.KEYWORD_ONLY,
        }


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("charts/")])
def test_no_method_of_a_public_value_takes_just_anything(name: str) -> None:
    for node in public(ast.parse(FILES[name].read_text())):
        for method in node.body if isinstance(node, ast.ClassDef) else []:
            if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                assert method.args.kwarg is None, f"{node.name}.{method.name} takes **{method.args.kwarg.arg}"


def test_no_file_bears_the_name_of_a_public_function() -> None:
    stems = {path.stem for path in FILES.values()} | {path.parent.name for path in FILES.values()}
    assert not stems & set(clvmodels.__all__)


def test_values_are_frozen() -> None:
    thawed = []
    for name, path in FILES.items():
        if name.startswith("charts/"):
            continue  # a sheet is drawn on
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                for decorator in map(ast.unparse, node.decorator_list):
                    if decorator.startswith("dataclass") and "frozen=True" not in decorator:
                        thawed.append(f"{name}: {node.name}")
    assert not thawed


def test_what_draws_takes_a_seed() -> None:
    for name in ("fit", "predict", "evaluate", "build_report", "simulate"):
        assert "seed" in inspect.signature(getattr(clvmodels, name)).parameters


def test_contract_signatures() -> None:
    reading = {
        "table",
        "customer_id",
        "date",
        "value",
        "segment",
        "cost",
        "date_format",
        "decimal",
        "currency",
        "returns",
    }
    options = {
        "calibration_end",
        "holdout_end",
        "until",
        "horizon",
        "discount_rate",
        "margin",
        "unit",
        "family",
        "spend",
    }
    options |= {"method", "language", "seed"}
    for function, wanted in {
        clvmodels.read_transactions: reading,
        clvmodels.summarize: reading | {"until", "unit"},
        clvmodels.split: reading | {"calibration_end", "holdout_end", "unit"},
        clvmodels.build_report: reading | options,
    }.items():
        parameters = inspect.signature(function).parameters
        assert wanted <= parameters.keys(), function.__name__
        assert all(parameters[word].kind is inspect.Parameter.KEYWORD_ONLY for word in wanted), function.__name__
