"""The language that texts are made in: English, or a catalogue of translations whose keys are the English texts.

How to write a text that a reader of a report will see:

- ``_("Of {n} customers {share} came back.").format(n=n.count(12), share=n.percent(0.3))``: a literal (no f-string, or
  nobody can collect it), translated *before* its gaps are filled, gaps with names, numbers from
  :mod:`clvmodels.written`. ``ngettext("{n} day", "{n} days", count)`` where a count decides,
  ``pgettext("verdict", "level")`` where a short word could mean two things, ``title = attribute("Stack")`` in a class.
- Texts by name stand in a mapping made with ``SPOKEN | {...}``, such as ``PROSE`` of :mod:`clvmodels.report.texts`. It
  is translated when it is looked up, never when the module is loaded, so it may stand at the top of a module. Keep the
  *name* of a text (``"better"``) for decisions; the text itself changes with the language.
- Sentences are whole: no gluing of fragments, no plural by an added "s"; other languages order and inflect otherwise.
- Then ``python -m clvmodels.messages`` writes what is new, with an empty translation, to
  ``locale/pt_BR/LC_MESSAGES/clvmodels.po``; a test lists what is untranslated, obsolete or has other gaps.

Why a context variable and not an argument: texts are made deep down (the verdict on a fit, the evidence of a check, the
labels of an axis), below functions whose results must not depend on the language. An argument would have to pass
through all of them, and one forgotten would mix two languages on a page. So :func:`speaking` is entered once, by what
knows the reader (``build_report``, ``write_report``, a command), and everything made inside follows. It holds for the
thread (or task) that enters it; a thread started inside begins in English.

Only texts for readers are translated: keys, names of columns, predictors and files, and log or error classes are not.
"""

from __future__ import annotations

import gettext as standard
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from babel import Locale

LANGUAGES = ("en", "pt-BR")
"""The languages there are; the first is the one the texts are written in."""

CATALOGUES = Path(__file__).with_name("locale")
"""Where the translations lie: ``pt_BR/LC_MESSAGES/clvmodels.po``."""

V = TypeVar("V")
W = TypeVar("W")

_language: ContextVar[str] = ContextVar("language", default=LANGUAGES[0])


def language() -> str:
    """The language that is spoken here and now."""
    return _language.get()


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Make every text inside the block in this language.

    Parameters
    ----------
    language
        One of :data:`LANGUAGES`.

    Raises
    ------
    ValueError
        When there is no such language.

    Examples
    --------
    >>> from clvmodels.language import _, speaking
    >>> with speaking("pt-BR"):
    ...     print(_("Glossary"))
    Glossário
    >>> print(_("Glossary"))
    Glossary
    """
    token = _language.set(_known(language))
    try:
        yield
    finally:
        _language.reset(token)


def speak(language: str) -> None:
    """Go on in this language to the end of the block of :func:`speaking` around: for a command, once it knows."""
    _language.set(_known(language))


def _known(language: str) -> str:
    if language not in LANGUAGES:
        raise ValueError(f"there is no language {language!r}. Choose {' or '.join(LANGUAGES)}.")
    return language


def locale() -> Locale:
    """Babel's data on how the language writes numbers and dates."""
    return _locale(language())


@cache
def _locale(language: str) -> Locale:
    from babel import Locale

    return Locale.parse(language, sep="-")


# ------------------------------------------------------------------------------------------------------------- texts


def gettext(text: str) -> str:
    """``text`` in the language that is spoken; as it is where nobody has translated it."""
    return _translations(language()).gettext(text)


_ = gettext


def noted(text: str) -> str:
    """``text`` as it is, to be collected here and translated by ``gettext(NAME)`` where it is said."""
    return text


class _Attribute:
    """A text of a class, translated whenever it is read, from the class or from a value."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __get__(self, value: object, owner: type | None = None) -> str:
        return gettext(self.text)


def attribute(text: str) -> Any:
    """``text`` as an attribute of a class, such as the title of a family.

    Examples
    --------
    >>> class Terms:
    ...     title = attribute("Glossary")
    >>> with speaking("pt-BR"):
    ...     print(Terms.title, Terms().title)
    Glossário Glossário
    """
    return _Attribute(text)


def ngettext(one: str, several: str, count: int) -> str:
    """The one or the other, as ``count`` asks for.

    Examples
    --------
    >>> [ngettext("{n} problem", "{n} problems", n).format(n=n) for n in (1, 2)]
    ['1 problem', '2 problems']
    """
    return _translations(language()).ngettext(one, several, count)


def pgettext(context: str, text: str) -> str:
    """``text``, where the context tells which of its meanings is meant; else as :func:`gettext`."""
    found = _translations(language())
    said = found.pgettext(context, text)
    return said if said != text else found.gettext(text)


class Catalogue(Mapping[str, V], Generic[V]):
    """Texts by name, each translated when it is looked up.

    A value is a text or a tuple of texts. Of a named tuple only the fields that its class names in ``spoken`` are
    texts. The translation of a text under its name as context comes before that of the text alone: two names may share
    one English text and part in another language.

    Examples
    --------
    >>> titles = SPOKEN | {"glossary": "Glossary", "limits": "Limits"}
    >>> with speaking("pt-BR"):
    ...     titles["glossary"], list(titles)
    ('Glossário', ['glossary', 'limits'])
    """

    def __init__(self, texts: Mapping[str, V]) -> None:
        self._texts = dict(texts)

    def __getitem__(self, name: str) -> V:
        return _spoken(name, self._texts[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def __or__(self, more: Mapping[str, W]) -> Catalogue[V | W]:
        return Catalogue({**self._texts, **(more._texts if isinstance(more, Catalogue) else more)})

    def __repr__(self) -> str:
        return f"Catalogue({self._texts!r})"

    def messages(self) -> Iterator[tuple[str, str]]:
        """Every text as it is written, with its name."""
        for name, value in self._texts.items():
            yield from ((name, text) for text in _texts(value).values())


def _texts(value: Any) -> dict[Any, str]:
    """What is to be translated in a value, by field or place."""
    if isinstance(value, str):
        return {0: value}
    if hasattr(value, "spoken"):
        return {field: getattr(value, field) for field in value.spoken}
    return {place: text for place, text in enumerate(value) if isinstance(text, str)}


def _spoken(name: str, value: V) -> V:
    said = {place: pgettext(name, text) for place, text in _texts(value).items()}
    made: Any = value
    if isinstance(value, str):
        return said[0]  # type: ignore[return-value]
    if hasattr(value, "spoken"):
        return made._replace(**said)  # type: ignore[no-any-return]
    return tuple(said.get(place, item) for place, item in enumerate(made))  # type: ignore[return-value]


SPOKEN: Catalogue[Any] = Catalogue({})
"""Nothing yet: ``SPOKEN | {...}`` is a catalogue of the texts in the braces."""


@cache
def _translations(language: str) -> standard.NullTranslations:
    """The catalogue of a language, read from its .po file when it is needed first."""
    if language == LANGUAGES[0]:
        return standard.NullTranslations()
    import io

    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = io.BytesIO()
    with catalogue_file(language).open("rb") as file:
        write_mo(compiled, read_po(file))
    compiled.seek(0)
    return standard.GNUTranslations(compiled)


def catalogue_file(language: str) -> Path:
    """The file that holds a language's translations."""
    return CATALOGUES / language.replace("-", "_") / "LC_MESSAGES" / "clvmodels.po"
