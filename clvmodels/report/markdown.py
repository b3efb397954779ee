"""A Document as Markdown, for wikis, chats and pull requests: texts and tables; figures are named, not drawn."""

from __future__ import annotations

from collections.abc import Iterator

from clvmodels.report.document import (
    Block,
    Bullets,
    Cards,
    Code,
    Document,
    Findings,
    Paragraph,
    Picture,
    Table,
    Terms,
)


def render(document: Document) -> str:
    """The document as GitHub's Markdown."""
    parts = [f"# {document.title}", document.subtitle, f"**{_plain(document.verdict)}**", document.verdict_note]
    for section in document.sections:
        number = f"{section.number} " if section.number else ""
        parts += [f"## {number}{section.title}", *(text for block in section.blocks for text in _block(block))]
    return "\n\n".join(part for part in [*parts, f"*{document.running}*"] if part) + "\n"


def _block(block: Block) -> Iterator[str]:
    """One block; its marks are Markdown's already."""
    match block:
        case Paragraph(text=text):
            yield text
        case Bullets(items=items, numbered=numbered):
            for number, item in enumerate(items, 1):
                parts = "".join(f"\n   - {part}" for part in item.parts)
                yield f"{number}." * numbered + "-" * (not numbered) + f" {item.text}{parts}"
        case Cards(items=items):
            yield table((), [(card.label, card.value, card.note) for card in items], "lrl")
        case Table():
            mark = f"**{block.mark}.** " if block.mark else ""
            yield mark + block.caption
            yield table(block.headings, [tuple(cell.text for cell in cells) for cells in block.rows], block.align)
            if block.note:
                yield block.note
        case Picture(mark=mark, title=title, alt=alt):
            yield f"**{mark}. {title}** {alt}"
        case Findings(items=items):
            yield from (f"- **{f.title}** ({f.word}). {f.evidence} {f.recommendation}" for f in items)
        case Terms(items=items):
            yield from (f"- **{_plain(term)}**: {meaning}" for term, meaning in items)
        case Code(text=text):
            yield f"```\n{text}\n```"


def table(headings: tuple[str, ...], rows: list[tuple[str, ...]], align: str) -> str:
    """Rows as a table of Markdown.

    Examples
    --------
    >>> print(table(("Name", "Sum"), [("a|b", "1")], "lr"))
    | Name | Sum |
    | --- | ---: |
    | a\\|b | 1 |
    """
    heads = headings or ("",) * len(align)
    lines = [heads, tuple("---:" if one == "r" else "---" for one in align), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _plain(text: str) -> str:
    return text.replace("**", "")
