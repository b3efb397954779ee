"""Is the PDF a document one can hand out: pages, figures, fonts, the same words as the page?"""

from __future__ import annotations

import datetime as dt
import re
import shutil
import subprocess
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from clvmodels import charts
from clvmodels.report import Report, pdf
from clvmodels.report.document import Bullets, Document, Item, Paragraph, Section
from tests.conftest import need


def objects(pdf_bytes: bytes) -> str:
    """All that is in a PDF, its compressed streams opened, as text for regular expressions."""
    parts = [pdf_bytes.decode("latin-1")]
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf_bytes, re.S):
        try:
            parts.append(zlib.decompress(stream).decode("latin-1"))
        except zlib.error:
            continue
    return "\n".join(parts)


@pytest.fixture(scope="module")
def inside(sample_folder: Path) -> str:
    return objects((sample_folder / "report.pdf").read_bytes())


def test_it_is_a_pdf_of_a_readable_length(sample_folder: Path, inside: str) -> None:
    assert (sample_folder / "report.pdf").read_bytes().startswith(b"%PDF-")
    pages = len(re.findall(r"/Type\s*/Page\b(?!s)", inside))
    assert 8 <= pages <= 25
    assert (sample_folder / "report.pdf").stat().st_size < 1_000_000


def test_fonts_are_those_that_typst_carries(inside: str) -> None:
    fonts = set(re.findall(r"/FontName\s*/(?:[A-Z]{6}\+)?([\w-]+)", inside))
    assert fonts
    assert all(re.match(r"Libertinus|DejaVuSans|NewCM", font) for font in fonts)
    assert "/FontFile" in inside  # embedded


def test_figures_have_alternative_texts(inside: str, sample: Report) -> None:
    assert len(re.findall(r"/Alt\s*[(<]", inside)) >= len(sample.figures)


@pytest.mark.external
def test_the_letters_of_figures_are_letters_and_say_what_the_figures_say(sample_folder: Path, sample: Report) -> None:
    """Numbers in them are not rounded as coordinates are: 2,357 customers stay 2,357, and 1.500 would stay 1.500."""
    program = shutil.which("pdftotext")
    need(program, "pdftotext")
    done = subprocess.run([str(program), str(sample_folder / "report.pdf"), "-"], capture_output=True, check=True)
    said = " ".join(done.stdout.decode().split())
    assert "What do x, tₓ and T mean for three real customers?" in said
    drawn = charts.draw(sample.figures["timeline"]).figure
    assert any("2,357 customers" in text for text in re.findall(r">([^<]+)<", charts.printed_svg(drawn)))
    drawn.texts[0].set_text("1.500 clientes")
    assert ">1.500 clientes<" in charts.printed_svg(drawn)


@pytest.mark.external
def test_summary_is_one_page_and_the_contents_follow(sample_folder: Path) -> None:
    program = shutil.which("pdftotext")
    need(program, "pdftotext")
    done = subprocess.run([str(program), str(sample_folder / "report.pdf"), "-"], capture_output=True, check=True)
    pages = done.stdout.decode().split("\f")
    for name in ("Data.", "Model or formula?", "Identification.", "Source."):
        assert name in pages[0]
    assert "Contents" not in pages[0]
    assert "Contents" in pages[1]
    assert f"Page 1 of {len(pages) - 1}" in pages[0]


def test_a_summary_too_long_for_a_page_is_not_shrunk_out_of_sight(tmp_path: Path) -> None:
    long = pdf.render(_document("2026-01-02T03:04:05Z", "Many words. " * 2000), {})
    assert len(re.findall(r"/Type\s*/Page\b(?!s)", objects(long))) >= 3


def _document(created: str, text: str = "Plain.") -> Document:
    section = Section("summary", "Summary", (Paragraph(text), Bullets((Item("one", ("part",)),), numbered=True)))
    words = {"contents": "Contents", "as_table": "Table", "page": "Page {page} of {pages}", "table_elsewhere": "-"}
    return Document("en", "Title", "Sub", "Running", "Verdict", "Note", created, (section,), words)


def test_it_does_not_depend_on_the_clock(tmp_path: Path) -> None:
    one, two = (pdf.render(_document("2026-01-02T03:04:05Z"), {}) for _ in range(2))
    assert one == two
    later = pdf.render(_document("2027-01-02T03:04:05Z"), {})
    assert b"D:20260102030405" in one
    assert b"D:20270102030405" in later


def test_texts_of_strangers_are_not_markup(tmp_path: Path) -> None:
    hostile = '#panic("no") *x* $y$ @label <z> \\ [ ] // comment "quotes" `code`'
    made = pdf.render(replace(_document("2026-01-02T03:04:05Z", hostile), title=hostile, verdict=hostile), {})
    assert made.startswith(b"%PDF-")


def test_created_is_the_reports_own_time(sample: Report, inside: str) -> None:
    made = dt.datetime.fromisoformat(sample.data["provenance"]["created"])
    assert f"D:{made:%Y%m%d%H%M%S}" in inside
