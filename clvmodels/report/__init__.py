"""The report: what was found, as plain data first (`report.json`), then as HTML, PDF, figures and tables.

A number's way to the page: `build` runs the pipe and keeps the values → `contract` turns them into `report.json` →
`story` turns that into a `document` of titled blocks, with words from `texts` and digits from `numbers` → `html` and
`pdf` lay the same blocks out → `folder` writes everything beside its destination and swaps it in.
"""

from clvmodels.report.build import Report, build_report
from clvmodels.report.folder import write_report

__all__ = ["Report", "build_report", "write_report"]
