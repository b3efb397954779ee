"""Is every text translated, with the same gaps and marks, and is it said in the language that is spoken?"""

from __future__ import annotations

import ast
import string
import threading
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from clvmodels import written
from clvmodels.errors import InputError
from clvmodels.language import LANGUAGES, SPOKEN, Catalogue, catalogue_file, gettext, language, ngettext, speaking
from clvmodels.messages import PACKAGE, Message, gaps, messages, read
from clvmodels.report import build_report, texts

OTHERS = LANGUAGES[1:]


@pytest.fixture(scope="module")
def found() -> dict[tuple[str, str], Message]:
    return messages()


def pairs(spoken: str) -> list[tuple[str, str]]:
    """Every English text of a catalogue with its translation; plurals one by one."""
    both = []
    for entry in read(spoken):
        if entry.id:
            ids = [entry.id] if isinstance(entry.id, str) else list(entry.id)
            said = [entry.string] if isinstance(entry.string, str) else list(entry.string or ())
            both += [(one, str(other)) for one, other in zip(ids, said, strict=True) if other]
    return both


@pytest.mark.parametrize("spoken", OTHERS)
def test_every_text_is_translated(spoken: str, found: dict[tuple[str, str], Message]) -> None:
    known = read(spoken)
    waiting = []
    for message in found.values():
        entry = known.get(message.text, message.context or None)
        said = [] if entry is None else [entry.string] if isinstance(entry.string, str) else list(entry.string or ())
        if not said or not all(said) or (entry is not None and entry.fuzzy):
            waiting.append(message.text)
    assert not waiting, "type: python -m clvmodels.messages, and translate what it adds"


@pytest.mark.parametrize("spoken", OTHERS)
def test_no_translation_is_of_a_text_that_is_gone(spoken: str, found: dict[tuple[str, str], Message]) -> None:
    gone = []
    for entry in read(spoken):
        text = entry.id if isinstance(entry.id, str) else entry.id[0]
        named = found.get(("", text))
        singled_out = named is not None and entry.context in named.names
        if text and (entry.context or "", text) not in found and not singled_out:
            gone.append((entry.context, text))
    assert not gone, "type: python -m clvmodels.messages"


@pytest.mark.parametrize("spoken", OTHERS)
def test_translations_have_the_gaps_and_marks_of_their_texts(spoken: str) -> None:
    both = pairs(spoken)
    assert len(both) > 500
    for text, said in both:
        assert gaps(said) == gaps(text), text
        assert said.count("**") == text.count("**"), text
        assert said.count("`") == text.count("`"), text
        assert (said[:1] == " ", said[-1:] == " ") == (text[:1] == " ", text[-1:] == " "), text
        list(string.Formatter().parse(said))  # no brace is left open


@pytest.mark.parametrize("spoken", OTHERS)
def test_sentences_end_like_their_originals(spoken: str) -> None:
    for text, said in pairs(spoken):
        for end in (".", "?", ":") if len(text) > 12 else ():
            assert said.rstrip("*").endswith(end) == text.rstrip("*").endswith(end), text


@pytest.mark.parametrize("spoken", OTHERS)
def test_the_catalogue_is_read_without_complaint(spoken: str) -> None:
    with catalogue_file(spoken).open("rb") as file:
        catalogue = read_po(file, abort_invalid=True)
    assert str(catalogue.locale) == spoken.replace("-", "_")
    assert all(not entry.fuzzy for entry in catalogue)


def test_texts_of_the_report_stand_in_catalogues() -> None:
    """A plain dict of sentences would never be translated."""
    plain = [
        name
        for name, value in vars(texts).items()
        if isinstance(value, dict) and any(" " in text for text in value.values() if isinstance(text, str))
    ]
    assert not [name for name in plain if not name.startswith("__")]


@pytest.mark.parametrize("folder", ["report", "charts", "checks"])
def test_no_sentence_stands_outside_a_translation(folder: str) -> None:
    """String literals that read like sentences are docstrings, in a catalogue or inside a call that translates."""
    loose = []
    for path in sorted((PACKAGE / folder).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        allowed: set[int] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in PLACES | ERRORS:
                allowed |= {id(inner) for inner in ast.walk(node)}
            if isinstance(node, ast.BinOp) and ast.unparse(node.left).startswith("SPOKEN"):
                allowed |= {id(inner) for inner in ast.walk(node)}
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                allowed.add(id(node.value))  # a docstring
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in allowed:
                words = [word for word in node.value.split() if word.isalpha()]
                if len(words) >= 3 and node.value[:1].isupper():
                    loose.append(f"{path.name}: {node.value}")
    assert not loose


PLACES = {"_", "gettext", "ngettext", "pgettext"}
ERRORS = {"ValueError", "TypeError", "AssertionError"}  # for programmers


def test_what_is_spoken_is_said_inside_and_nowhere_else() -> None:
    assert language() == "en"
    with speaking("pt-BR"):
        assert gettext("Glossary") == "Glossário"
        with speaking("en"):
            assert gettext("Glossary") == "Glossary"
        assert written.count(1234.0) == "1.234"
        heard: list[str] = []
        thread = threading.Thread(target=lambda: heard.append(language()))
        thread.start()
        thread.join()
        assert heard == ["en"]  # as the docstring says
    assert gettext("Glossary") == "Glossary"
    with pytest.raises(ZeroDivisionError), speaking("pt-BR"):
        _ = 1 / 0
    assert language() == "en"


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match=r"there is no language 'fr'\. Choose en or pt-BR"), speaking("fr"):
        pass
    with pytest.raises(InputError, match=r"language 'fr' is not available\. Choose --language en or pt-BR"):
        build_report("cdnow-sample", language="fr")


def test_a_catalogue_translates_when_it_is_asked() -> None:
    titles = SPOKEN | {"glossary": "Glossary", "pair": ("Glossary", "Limits")}
    assert isinstance(titles, Catalogue)
    assert titles["glossary"] == "Glossary"
    with speaking("pt-BR"):
        assert titles["glossary"] == "Glossário"
        assert titles["pair"] == ("Glossário", "Limites")
        assert dict(titles.items())["glossary"] == "Glossário"
        assert texts.METRICS["mae"].label == "Erro absoluto médio"
        assert texts.METRICS["mae"].better == "low"  # a name, no text
    assert titles == {"glossary": "Glossary", "pair": ("Glossary", "Limits")}


def test_one_text_may_part_into_two() -> None:
    """The name of a text is a context for its translation."""
    with speaking("pt-BR"):
        assert (texts.ASPECTS["totals"], texts.METRICS["total_error"].short) == ("no total", "o total")


def test_a_count_decides_between_one_and_several() -> None:
    with speaking("pt-BR"):
        said = [ngettext("{n} fails", "{n} fail", n).format(n=n) for n in (1, 2)]
    assert said == ["1 reprovada", "2 reprovadas"]


def test_numbers_dates_and_money_in_portuguese() -> None:
    with speaking("pt-BR"):
        assert written.decimal(-1234.567) == "−1.234,57"
        assert written.percent(0.125) == "12,5%"
        assert written.points(-0.021) == "−2,1\u00a0p.p."
        assert written.money(1234.56, "BRL", 2) == "R$\u00a01.234,56"
        assert written.money(-8.0, "GBP") == "−\u2060£\u00a08,00"
        assert written.money(35.174, "USD") == "US$\u00a035,17"
        assert written.day("1997-09-30") == "30 de set. de 1997"
        assert written.day("1997-09-30", year=False) == "30 de set."
        assert written.significant(1.234e-9) == "1,23e−09"
        assert written.listing(["a", "b", "c"]) == "a, b e c"
        assert written.choice(["a", "b"]) == "a ou b"
        assert written.between("1", "2") == "1 a 2"


def test_numbers_in_english_are_python_s_own() -> None:
    """Babel rounds decimals half to even; a float is rounded as Python rounds it, digit by digit the same."""
    for value in (0.125, 2.675, 1.005, 0.5, 1.5, 1e6 / 3, 12345.6789, 1e-9, 999.995):
        for digits in range(5):
            assert written.decimal(value, digits) == f"{value:,.{digits}f}"


def test_the_catalogues_go_into_the_wheel() -> None:
    assert catalogue_file("pt-BR").is_relative_to(PACKAGE)  # all of the package's folder goes into it
    ignored = (Path(__file__).resolve().parents[2] / ".gitignore").read_text().split()
    assert not [line for line in ignored if line.endswith((".po", "locale/"))]
