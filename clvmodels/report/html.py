"""A Document as one HTML file: style, figures and a small script inside, nothing loaded from anywhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from clvmodels.report.document import Document, runs

_PAGE, _STYLE, _SCRIPT = (Path(__file__).with_name(f"report.{kind}") for kind in ("html", "css", "js"))
_SLIDERS = Path(__file__).with_name("sliders.js")
_TAGS = {"strong": "strong", "code": "code"}
_SCALE = "scale(0.015625)"
_GLYPH = re.compile(rf'\n?<path id="([\w-]+)" d="([^"]+)" transform="{re.escape(_SCALE)}"/>\n?')
_USE = re.compile(r'(?:xlink:)?href="#([\w-]+)"')


def render(document: Document, figures: Mapping[str, str]) -> str:
    """The page.

    Parameters
    ----------
    document
        What to say.
    figures
        Inline SVG by figure name; its ids must not clash between figures.
    """
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    environment.filters["rich"] = rich
    template = environment.from_string(_PAGE.read_text(encoding="utf-8"))
    style, script = (Markup(text) for text in style_and_script())
    if any(block.kind == "sliders" for section in document.sections for block in section.blocks):
        script = Markup("\n").join([script, Markup(_SLIDERS.read_text(encoding="utf-8").strip())])
    glyphs, drawn = shared_glyphs(figures)
    pictures = {name: Markup(svg) for name, svg in drawn.items()}
    return template.render(d=document, style=style, script=script, glyphs=Markup(glyphs), figures=pictures)


def style_and_script() -> tuple[str, str]:
    """What every page carries inside."""
    style, script = (path.read_text(encoding="utf-8").strip() for path in (_STYLE, _SCRIPT))
    return style, script


def shared_glyphs(figures: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Letters drawn as outlines, once for the page instead of once per figure: a third of its size.

    Returns
    -------
    tuple
        Their definitions as elements, and the figures that refer to them.

    Examples
    --------
    >>> a = '<defs><path id="a-g1" d="M0 1z" transform="scale(0.015625)"/></defs><use xlink:href="#a-g1"/>'
    >>> shared_glyphs({"a": a, "b": a.replace("a-", "b-")})[1]
    {'a': '<use href="#g0"/>', 'b': '<use href="#g0"/>'}
    """
    shared: dict[str, str] = {}
    drawn = {}
    for name, svg in figures.items():
        own = {given: shared.setdefault(outline, f"g{len(shared)}") for given, outline in _GLYPH.findall(svg)}
        bare = _GLYPH.sub("", svg).replace("<defs></defs>", "")
        drawn[name] = _USE.sub(lambda use, own=own: f'href="#{own.get(use[1], use[1])}"', bare)  # type: ignore[misc]
    paths = (f'<path id="{given}" d="{outline}" transform="{_SCALE}"/>' for outline, given in shared.items())
    return "".join(paths), drawn


def rich(text: str) -> Markup:
    """Marked text as HTML; everything else is escaped.

    Examples
    --------
    >>> str(rich("**5 < 6** in `a&b`"))
    '<strong>5 &lt; 6</strong> in <code>a&amp;b</code>'
    """
    parts = (
        Markup("<{0}>{1}</{0}>").format(Markup(_TAGS[style]), words) if style in _TAGS else Markup.escape(words)
        for style, words in runs(text)
    )
    return Markup("").join(parts)
