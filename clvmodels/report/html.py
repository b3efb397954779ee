"""A Document as one HTML file: style and figures inside, nothing loaded from anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from clvmodels.report.document import Document, runs

_PAGE, _STYLE = (Path(__file__).with_name(name) for name in ("report.html", "report.css"))
_TAGS = {"strong": "strong", "code": "code"}


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
    style = Markup(_STYLE.read_text(encoding="utf-8"))
    return template.render(d=document, style=style, figures={name: Markup(svg) for name, svg in figures.items()})


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
