"""A Report as a folder: page, PDF, data, tables, fits and figures, all of them there or none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from clvmodels import store
from clvmodels.exports.files import write_csv, write_parquet
from clvmodels.exports.schema import of_report
from clvmodels.files import check_folder, whole_folder
from clvmodels.language import _, speaking
from clvmodels.report import html, pdf
from clvmodels.report.build import Report
from clvmodels.report.contract import dumps
from clvmodels.report.story import document

NAMES = ("report.html", "report.pdf", "report.json", "customers.parquet", "customers.csv", "fit.json", "figures")
"""All that a report folder holds; ``customers.*`` may be missing from one under version control."""


def write_report(directory: str | Path, report: Report, *, progress: Callable[[str], None] | None = None) -> Path:
    """Write a report as a folder, built beside its destination and moved there in one step.

    Parameters
    ----------
    directory
        A new or empty folder, or an earlier report, which is replaced.
    report
        What :func:`build_report` found.
    progress
        Called with a few words when a new step begins.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        When the folder holds anything but an earlier report; nothing is written or deleted then.
    """
    from clvmodels import charts  # matplotlib: only when something is drawn

    say = progress or (lambda step: None)
    target = check_folder(directory, marker="report.json", ours=NAMES)
    with speaking(report.data["provenance"]["options"]["language"]), whole_folder(target) as folder:
        say(_("drawing"))
        (folder / "figures").mkdir()
        drawn = charts.write_figures(report.figures, folder / "figures")
        say(_("writing"))
        story = document(report.data, report.customers, {name: one.told for name, one in drawn.items()})
        inline = {name: one.inline for name, one in drawn.items()}
        (folder / "report.json").write_text(dumps(report.data), encoding="utf-8")
        (folder / "report.html").write_text(html.render(story, inline), encoding="utf-8")
        (folder / "report.pdf").write_bytes(pdf.render(story, {name: one.letters for name, one in drawn.items()}))
        write_customers(report, folder)
        store.save((report.purchases, report.spend) if report.spend else report.purchases, folder / "fit.json")
    return target


def write_customers(report: Report, folder: Path) -> None:
    """The customer table twice: for programs, with its columns described inside, and for spreadsheets."""
    table = of_report(report)
    write_parquet(table, folder / "customers.parquet")
    write_csv(table, folder / "customers.csv")
