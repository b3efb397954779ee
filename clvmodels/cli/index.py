"""``clvmodels index``: a page that lists the reports of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from clvmodels.cli import screen
from clvmodels.cli.commands import app
from clvmodels.cli.options import option


@app.command()
def index(
    directory: Annotated[str, typer.Argument(help="The folder that holds the reports' folders.", metavar="DIR")],
    *,
    language: Annotated[Literal["en", "pt-BR"], option("Language of the page.", metavar="en|pt-BR")] = "en",
) -> None:
    """List all reports of a folder in its index.html: dates, customers, verdict, links.

    Example:  clvmodels index reports
    """
    from clvmodels import written
    from clvmodels.language import gettext, ngettext, speak
    from clvmodels.report.index import INDEX, write_index

    speak(language)
    count, unread = write_index(directory, language=language)
    for name in unread:
        note = gettext("{folder} is left out: its report.json cannot be read.").format(folder=Path(directory) / name)
        screen.complain(gettext("Note: {note}").format(note=note))
    said = ngettext("Wrote {target}: {n} report.", "Wrote {target}: {n} reports.", count)
    screen.say(said.format(target=Path(directory) / INDEX, n=written.count(count)))
