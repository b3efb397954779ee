"""What a report consists of, before it is HTML or PDF: sections of paragraphs, tables, figures and definitions."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any, Literal

Tone = Literal["", "good", "bad", "warn", "muted", "strong"]


@dataclass(frozen=True)
class Cell:
    """A table cell whose tone is meant to be seen; its words say the same without colour."""

    text: str
    tone: Tone = ""


@dataclass(frozen=True)
class Paragraph:
    """Running text; ``**strong**`` and ```code``` are the only marks."""

    text: str
    tone: Tone = ""
    kind: str = "paragraph"


@dataclass(frozen=True)
class Item:
    """An entry of a list, with entries of its own."""

    text: str
    parts: tuple[str, ...] = ()
    name: str = ""


@dataclass(frozen=True)
class Bullets:
    """A list of short texts; ``numbered`` when people will quote "sentence 5"."""

    items: tuple[Item, ...]
    numbered: bool = False
    kind: str = "bullets"


@dataclass(frozen=True)
class Card:
    """One number for the top of the page."""

    label: str
    value: str
    note: str


@dataclass(frozen=True)
class Cards:
    """The few numbers that everybody looks for first."""

    items: tuple[Card, ...]
    kind: str = "cards"


@dataclass(frozen=True)
class Table:
    """Rows of texts under headings; ``align`` has one letter per column, l or r.

    ``folded``: long; closed in HTML until asked for. ``mark`` is the "Table 3" given when the document is put together.
    """

    name: str
    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    align: str
    note: str = ""
    folded: bool = False
    paper: bool = True
    mark: str = ""
    kind: str = "table"

    @property
    def wordy(self) -> bool:
        """Whether its cells hold sentences: a narrow screen then shows rows as blocks."""
        return any(len(cell.text) > 60 for cells in self.rows for cell in cells)

    @property
    def wide(self) -> bool:
        """Whether it needs small letters to fit: numbers are never broken, words are where a line of some is full."""
        columns = zip(*([cell.text for cell in cells] for cells in self.rows), strict=True)
        needed = 0
        for side, texts in zip(self.align, columns, strict=True):
            longest = 2 + max(map(len, texts))
            needed += longest if side == "r" else min(longest, 18)
        return len(self.headings) > 7 or needed > 100


@dataclass(frozen=True)
class Picture:
    """A figure by name, with the words for those who cannot see it and the table behind it."""

    name: str
    title: str
    caption: str
    alt: str
    table: Table
    mark: str = ""
    kind: str = "picture"


@dataclass(frozen=True)
class Slider:
    """One thing that a reader may change, in percent."""

    name: str
    label: str
    low: int
    high: int


@dataclass(frozen=True)
class Sliders:
    """Controls whose result the page works out from ``data``, a JSON text; on paper and without script its table."""

    name: str
    caption: str
    note: str
    fields: tuple[Slider, ...]
    groups: tuple[str, ...]
    labels: dict[str, str]
    data: str
    table: Table
    mark: str = ""
    kind: str = "sliders"


@dataclass(frozen=True)
class Finding:
    """One check as the reader meets it."""

    title: str
    status: str
    word: str
    evidence: str
    recommendation: str


@dataclass(frozen=True)
class Findings:
    """The checks, those that need attention first."""

    items: tuple[Finding, ...]
    kind: str = "findings"


@dataclass(frozen=True)
class Terms:
    """Definitions: a glossary, the columns of a file."""

    items: tuple[tuple[str, str], ...]
    kind: str = "terms"


@dataclass(frozen=True)
class Code:
    """Text to copy as it is."""

    text: str
    kind: str = "code"


Block = Paragraph | Bullets | Cards | Table | Picture | Findings | Terms | Code | Sliders


@dataclass(frozen=True)
class Section:
    """A titled part; ``name`` is its anchor, ``number`` is empty for the summary in front."""

    name: str
    title: str
    blocks: tuple[Block, ...]
    number: str = ""


@dataclass(frozen=True)
class Document:
    """The whole report, the same for every medium."""

    language: str
    title: str
    subtitle: str
    running: str
    verdict: str
    verdict_note: str
    created: str
    sections: tuple[Section, ...]
    words: dict[str, str]

    def plain(self) -> dict[str, Any]:
        """Nested dicts and lists, for JSON."""
        return asdict(self)


def runs(text: str) -> list[tuple[str, str]]:
    """Marked text as (style, text) pairs; style is plain, strong or code.

    Examples
    --------
    >>> runs("Run `clv` **now**.")
    [('plain', 'Run '), ('code', 'clv'), ('plain', ' '), ('strong', 'now'), ('plain', '.')]
    """
    parts = re.split(r"(\*\*.+?\*\*|`[^`]+`)", text)
    styled = (
        ("strong", part[2:-2])
        if part.startswith("**") and len(part) > 4
        else ("code", part[1:-1])
        if part.startswith("`") and len(part) > 2
        else ("plain", part)
        for part in parts
    )
    return [run for run in styled if run[1]]


def row(*cells: str | Cell) -> tuple[Cell, ...]:
    """A table row."""
    return tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in cells)
