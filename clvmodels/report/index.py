"""All reports of a folder on one page: index.html, with what each is of, what it found, and where it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from clvmodels import __version__
from clvmodels.errors import InputError
from clvmodels.files import whole_file
from clvmodels.language import SPOKEN, Catalogue, gettext, language, ngettext, speaking
from clvmodels.report import html
from clvmodels.report import numbers as n
from clvmodels.report.sentences import headline

INDEX = "index.html"
MARK = '<meta name="generator" content="clvmodels">'
"""By which an index of ours is known; nobody else's is replaced."""

WORDS: Catalogue[str] = SPOKEN | {
    "title": "Customer lifetime value reports",
    "made": "Listed by clvmodels {version}",
    "span": "{start} to {end}",
}

HEADINGS: Catalogue[tuple[str, ...]] = SPOKEN | {
    "index": ("Report", "Observed", "Forecast", "Customers", "Model or formula?", "Made"),
}


def write_index(directory: str | Path, *, language: str = "en") -> tuple[int, tuple[str, ...]]:
    """Write ``index.html`` into a folder: one row for every report in a folder directly below it, the newest first.

    Parameters
    ----------
    directory
        The folder that holds the reports' folders.
    language
        Of the page; verdicts too.

    Returns
    -------
    int, tuple of str
        How many reports are listed, and which folders hold a report.json that cannot be read.

    Raises
    ------
    InputError
        When there is no such folder, no report in it, or an index.html of somebody else.
    """
    folder = Path(directory)
    if not folder.is_dir():
        raise InputError(
            gettext("there is no folder {directory}. Name the folder that holds the folders of the reports.").format(
                directory=directory
            )
        )
    target = folder / INDEX
    if target.exists() and MARK not in target.read_text(encoding="utf-8", errors="replace"):
        raise InputError(
            gettext("{target} is not ours. Nothing is overwritten. Move it away, or name another folder.").format(
                target=target
            )
        )
    found, unread = [], []
    with speaking(language):
        for path in sorted(folder.glob("*/report.json")):
            try:
                data = json.loads(path.read_text(encoding="utf-8"))
                found.append((data["provenance"]["created"], _row(path.parent, data)))
            except (OSError, ValueError, KeyError, TypeError, IndexError):
                unread.append(path.parent.name)
        if not found:
            raise InputError(
                gettext("no folder in {directory} holds a report. Make one: clvmodels report … --out {folder}").format(
                    directory=directory, folder=folder / "NAME"
                )
            )
        found.sort(key=lambda one: one[0], reverse=True)
        page = _page([row for _, row in found])
    with whole_file(target) as beside:
        beside.write_text(page, encoding="utf-8")
    return len(found), tuple(unread)


def _row(folder: Path, data: Mapping[str, Any]) -> dict[str, str]:
    """One report in words."""
    first, until, ahead = data["data"]["first_date"], data["provenance"]["options"]["until"], data["forecast"]
    links = {
        kind: f"{quote(folder.name)}/report.{kind}" if (folder / f"report.{kind}").is_file() else ""
        for kind in ("html", "pdf")
    }
    return {
        **links,
        "folder": folder.name,
        "title": data["data"]["title"],
        "observed": WORDS["span"].format(start=n.day(first), end=n.day(until)),
        "horizon": WORDS["span"].format(start=n.day(ahead["start"]), end=n.day(ahead["end"])),
        "customers": n.count(data["data"]["customers"]),
        "verdict": headline(data).replace("**", ""),
        "created": n.day(data["provenance"]["created"]),
    }


def _page(rows: list[dict[str, str]]) -> str:
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    template = environment.from_string(Path(__file__).with_name(INDEX).read_text(encoding="utf-8"))
    style, script = (Markup(text) for text in html.style_and_script())
    counted = ngettext("{n} report, the newest first", "{n} reports, the newest first", len(rows))
    words = {
        "title": WORDS["title"],
        "count": counted.format(n=n.count(len(rows))),
        "headings": HEADINGS["index"],
        "made": WORDS["made"].format(version=__version__),
    }
    return template.render(language=language(), style=style, script=script, words=words, reports=rows)
