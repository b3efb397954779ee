"""``clvmodels diff``: two reports side by side, and whether what moved is more than noise."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from clvmodels.cli import screen
from clvmodels.cli.commands import app
from clvmodels.cli.options import option

KINDS = (".html", ".md", ".json")


@app.command()
def diff(
    before: Annotated[str, typer.Argument(help="The earlier report: a folder.", metavar="BEFORE")],
    after: Annotated[str, typer.Argument(help="The later report: a folder.", metavar="AFTER")],
    *,
    out: Annotated[
        str | None, option("A .html, .md or .json file.", metavar="FILE", show_default="lines on the screen")
    ] = None,
    language: Annotated[Literal["en", "pt-BR"], option("Language of the comparison.", metavar="en|pt-BR")] = "en",
) -> None:
    """Compare two reports: data, forecast, indicators, parameters, verdicts, checks and customers.

    Example:  clvmodels diff reports/may reports/june

    Example:  clvmodels diff reports/may reports/june --out moved.html
    """
    from clvmodels.files import check_file, whole_file
    from clvmodels.language import gettext, speak
    from clvmodels.report import html, markdown
    from clvmodels.report.contract import dumps, plain
    from clvmodels.report.difference_page import difference_document, lines
    from clvmodels.report.differences import compare_reports
    from clvmodels.report.document import Table

    speak(language)
    target = check_file(out, suffixes=KINDS) if out else None
    found = compare_reports(before, after)
    page = difference_document(found)
    screen.say(*(line.replace("**", "").replace("`", "") for line in lines(found)))
    if target is None:
        for section in page.sections:
            for block in section.blocks:
                if isinstance(block, Table):
                    screen.say("", block.caption)
                    screen.cells(block.headings, [[cell.text for cell in row] for row in block.rows], block.align)
        return
    with whole_file(target) as beside:
        if target.suffix.lower() == ".json":
            text = dumps(plain(found.plain()))
        else:
            text = html.render(page, {}) if target.suffix.lower() == ".html" else markdown.render(page)
        beside.write_text(text, encoding="utf-8")
    screen.say(gettext("Wrote {out}.").format(out=out))
