"""A Document as PDF: the same blocks, laid out by Typst with the fonts it and the figures carry."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clvmodels.report.document import Document, runs

_TEMPLATE = Path(__file__).with_name("report.typ")


def render(document: Document, figures: Mapping[str, str]) -> bytes:
    """The PDF.

    Parameters
    ----------
    document
        What to say.
    figures
        SVG by figure name, with letters as letters (:func:`clvmodels.charts.printed_svg`).

    Notes
    -----
    Nothing depends on the machine: no system font, no clock; the document's date is its own.
    """
    import typst

    from clvmodels.charts import font_folder

    template = _TEMPLATE.read_bytes()
    compiled: bytes = typst.compile(  # type: ignore[misc]
        template,
        root=str(_TEMPLATE.parent),
        ignore_system_fonts=True,
        font_paths=[str(font_folder())],
        sys_inputs={
            "document": json.dumps(_rich(document.plain()), ensure_ascii=False),
            "figures": json.dumps(dict(figures), ensure_ascii=False),
        },
        timestamp=dt.datetime.fromisoformat(document.created),
    )
    return compiled


def _rich(value: Any) -> Any:
    """Every text as a list of (style, words), so that the template never reads text as markup."""
    match value:
        case str():
            return [list(run) for run in runs(value)]
        case dict():
            return {key: item if key in _PLAIN else _rich(item) for key, item in value.items()}
        case list() | tuple():
            return [_rich(item) for item in value]
    return value


_PLAIN = {"name", "kind", "align", "tone", "status", "number", "mark", "language", "created", "alt"}
"""Fields that steer the template, or that it needs as one string."""
