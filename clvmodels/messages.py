"""All texts for readers, collected from the source: ``python -m clvmodels.messages`` brings the catalogues up to date.

What is new gets an empty translation, what is gone goes; what somebody translated stays as it is.
"""

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from clvmodels.language import LANGUAGES, Catalogue, catalogue_file

if TYPE_CHECKING:
    from babel.messages import Catalog

PACKAGE = Path(__file__).parent
CALLS = {"_": 1, "gettext": 1, "noted": 1, "attribute": 1, "ngettext": 2, "pgettext": 2}
"""The functions that translate, and how many of their arguments are literals."""


@dataclass(frozen=True)
class Message:
    """One text as it stands in the source.

    Attributes
    ----------
    text
        The English text: the key of its translations.
    several
        The plural, where a count decides; else empty.
    context
        What a translation must say, too, to be found: the first argument of ``pgettext``.
    names
        The names it has in catalogues; a translation may single out one of them by its context.
    places
        The files it stands in.
    """

    text: str
    several: str = ""
    context: str = ""
    names: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from others: context and text."""
        return self.context, self.text


def messages() -> dict[tuple[str, str], Message]:
    """Every text for readers in the package, by context and English text.

    Raises
    ------
    ValueError
        When a call translates something else than a literal, which nobody can collect.
    """
    found: dict[tuple[str, str], Message] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if "clvmodels.language" not in source or path.stem in ("language", "messages"):
            continue
        place = path.relative_to(PACKAGE.parent).as_posix()
        for message in (*_calls(ast.parse(source), place), *(_catalogues(place) if "SPOKEN" in source else ())):
            known = found.get(message.key, message)
            found[message.key] = Message(
                message.text,
                message.several or known.several,
                message.context,
                message.names | known.names,
                message.places | known.places,
            )
    return found


def _calls(tree: ast.Module, place: str) -> Iterator[Message]:
    """The literals in calls that translate."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS):
            continue
        if isinstance(node.args[0], ast.Name) and node.func.id == "gettext":
            continue  # gettext(word): a text that stands elsewhere; it is collected there
        literals = [
            argument.value for argument in node.args[: CALLS[node.func.id]] if isinstance(argument, ast.Constant)
        ]
        texts = [text for text in literals if isinstance(text, str)]
        if len(texts) < CALLS[node.func.id]:
            raise ValueError(f"{place}, line {node.lineno}: what is translated must be a literal, without f in front.")
        match node.func.id:
            case "ngettext":
                yield Message(texts[0], texts[1], places=frozenset({place}))
            case "pgettext":
                yield Message(texts[1], context=texts[0], places=frozenset({place}))
            case _:
                yield Message(texts[0], places=frozenset({place}))


def _catalogues(place: str) -> Iterator[Message]:
    """The texts of a module's catalogues; those of a glossary are also its names."""
    module = importlib.import_module(place.removesuffix(".py").replace("/", "."))
    for name, value in vars(module).items():
        if isinstance(value, Catalogue):
            for key, text in value.messages():
                yield Message(text, names=frozenset({key}), places=frozenset({place}))
            if name.startswith("GLOSSARY"):
                yield from (Message(word, places=frozenset({place})) for word in value)


def gaps(text: str) -> set[str]:
    """What is filled into a text.

    Examples
    --------
    >>> sorted(gaps("{n} of {all:,} in {{braces}}"))
    ['all', 'n']
    """
    return set(re.findall(r"\{(\w+)[^{}]*\}", text.replace("{{", "").replace("}}", "")))


def read(language: str) -> Catalog:
    """The translations of a language, as Babel knows them."""
    from babel.messages.pofile import read_po

    with catalogue_file(language).open("rb") as file:
        return read_po(file)


def update(language: str) -> tuple[int, int]:
    """Bring a catalogue up to date; returns how many texts wait for a translation, and how many have gone."""
    old, found = read(language), messages()
    path, entries, gone = catalogue_file(language), [], 0
    waiting = 0
    for message in sorted(found.values(), key=lambda one: (min(one.places), one.text)):
        known = old.get(message.text, message.context or None)
        count = 2 if message.several else 1
        said = _said(known.string) if known else []
        said = said if len(said) == count else [""] * count
        waiting += not all(said)
        entries.append(_entry(message, said))
    for known in old:
        if known.id and (known.context or "", _one(known.id)) not in found:
            text, context = _one(known.id), known.context or ""
            if context in found.get(("", text), Message(text)).names and isinstance(known.string, str):
                entries.append(_entry(Message(text, context=context), [known.string]))  # one name of a text, by itself
            else:
                gone += 1
    header = path.read_text(encoding="utf-8").split("\n\n", 1)[0]
    path.write_text("\n\n".join([header, *entries]) + "\n", encoding="utf-8")
    return waiting, gone


def _entry(message: Message, said: list[str]) -> str:
    """A message as .po files write it."""
    from babel.messages.pofile import normalize

    lines = [f"#: {' '.join(sorted(message.places))}"] if message.places else []
    for keyword, text in (("msgctxt", message.context), ("msgid", message.text), ("msgid_plural", message.several)):
        if text:
            lines.append(f"{keyword} {normalize(text, width=120)}")
    if message.several:
        lines += [f"msgstr[{i}] {normalize(text, width=120)}" for i, text in enumerate(said)]
    else:
        lines.append(f"msgstr {normalize(said[0], width=120)}")
    return "\n".join(lines)


def _said(string: str | Iterable[str] | None) -> list[str]:
    return [string] if isinstance(string, str) else list(string or ())


def _one(id_: str | tuple[str, ...] | list[str]) -> str:
    return id_ if isinstance(id_, str) else id_[0]


def main() -> None:
    """Bring all catalogues up to date and say what is left to do."""
    for language in LANGUAGES[1:]:
        waiting, gone = update(language)
        sys.stdout.write(f"{language}: {len(messages())} texts, {waiting} wait for a translation, {gone} have gone\n")


if __name__ == "__main__":
    main()
