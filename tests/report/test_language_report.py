"""Is a report in Portuguese in Portuguese: page, PDF and figures, without a word of English or a machine's name?"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from clvmodels import charts
from clvmodels.cli import main, screen
from clvmodels.language import language, speaking
from clvmodels.report import Report, build_report, write_report

ENGLISH = """
    the and of with from which that this these those their they them its it is are was were been being has have had not
    nor than then there here where when who whom whose what how why each every all any some other others only such same
    into onto over under after before between against within without about above below by on at to in if or so but
    because while until since customer customers purchase purchases buyer buyers spend spent value values model models
    formula holdout data fit fits fitted draws forecast expected actual predicted average mean error errors share
    horizon interval intervals limits lower upper days weeks week months years year date unit currency table figure page
    section summary report checks check pass fail review better worse evidence better best top high low first last
    period calibration frequency recency tier probability rate rates would could should may might must can will did does
    observed observation customer's repeat often more most less least few many number numbers amounts below total
    totals ranking silent silence churn-rate lifetime
""".split()  # noqa: SIM905
"""Frequent words of the English report which are no words of Portuguese."""

ALSO_PORTUGUESE = {"data", "do", "no", "total"}
NAMES = [
    "Marketing Science", "Management Science", "International Journal of Research in Marketing", "Applied Statistics",
    "Continuous ranked probability score", "P(alive)", "(holdout)", "log score", "Log score", "t_x",
    "top (10% mais altos), high (20% seguintes), middle (30% seguintes), low",
]  # fmt: skip
"""Titles, terms and values of columns that stay as they are."""


class Words(HTMLParser):
    """What a reader sees or hears of a page, without code and without drawings."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self.silent = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in ("style", "script", "code", "pre")
        self.said += [value for name, value in attrs if name in ("aria-label", "alt", "title", "data-label") and value]

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in ("style", "script", "code", "pre")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.said.append(data)


def without_names(text: str) -> str:
    for name in NAMES:
        text = text.replace(name, "")
    return text


def english(text: str) -> set[str]:
    """The words of English in a text."""
    words = re.findall(r"[a-zà-ÿ'-]+", without_names(text).lower())
    return set(words) & (set(ENGLISH) - ALSO_PORTUGUESE)


@pytest.fixture(scope="module")
def portuguese() -> Report:
    return build_report("cdnow-sample", language="pt-BR", currency="BRL")


@pytest.fixture(scope="module")
def folder(portuguese: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(tmp_path_factory.mktemp("reports") / "pt", portuguese)


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


def test_the_page_is_in_portuguese(page: str) -> None:
    assert '<html lang="pt-BR">' in page
    said = Words(page).said
    left = {text: words for text in said if (words := english(text))}
    assert not left
    assert not [text for text in said if re.search(r"\b[a-z]+_[a-z]+\b", without_names(text))]  # a machine's name
    assert not re.search(r"\{\w*\}", " ".join(said))


def test_numbers_dates_and_money_are_brazilian(page: str) -> None:
    text = " ".join(" ".join(Words(page).said).split())
    assert "2.357 clientes" in text
    assert "30 de set. de 1997" in text
    assert re.search(r"R\$\s\d{2}\.\d{3}", text)
    assert not re.search(r"\d,\d{3}\.\d|\d\.\d+%", text)  # 1,234.5 or 12.5%
    assert not re.search(r"(?<![\w-])-\d", re.sub(r"\d{4}-\d\d-\d\d|--[\w-]+", "", text))  # an ASCII minus


CODE = {
    "value",
    "frequency",
    "recency",
    "tier",
    "customer",
    "report",
    "checks",
    "customers",
    "with",
    "fitting",
    "prior",
    "rate",
    "and",
}
"""Words that stand in names of columns, commands and modules."""


@pytest.mark.skipif(not shutil.which("pdftotext"), reason="needs pdftotext")
def test_the_pdf_is_in_portuguese(folder: Path) -> None:
    done = subprocess.run(["pdftotext", folder / "report.pdf", "-"], capture_output=True, text=True, check=True)
    body, _, cited = done.stdout.partition("Como citar e reproduzir\n1")  # the heading, not its line in the contents
    body = re.sub(r"`?\b\w+ ~ \w+\([^)]*\)|\b\w+_\w+\b", "", body or cited)  # what stands in a font of its own
    assert "Página 1 de" in done.stdout
    assert english(body) <= CODE
    assert b"/Lang(pt-BR)" in (folder / "report.pdf").read_bytes().replace(b"/Lang (", b"/Lang(")


@pytest.fixture(scope="module")
def drawn(portuguese: Report) -> dict[str, charts.Chart]:
    with speaking("pt-BR"):
        made = charts.figures(portuguese.figures)
    for chart in made.values():
        chart.figure.draw_without_rendering()  # outside: ticks are in the language it was drawn in
    return made


def shown(figure: Figure) -> list[Text]:
    """The texts of a figure, without ticks outside the view."""
    hidden = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            hidden |= {id(tick.label1) for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high}
            hidden |= {id(tick.label2) for tick in axis.get_major_ticks()}
    texts = (text for text in figure.findobj(Text) if isinstance(text, Text) and id(text) not in hidden)
    return [text for text in texts if text.get_text().strip() and text.get_visible()]


def test_the_figures_are_in_portuguese(drawn: dict[str, charts.Chart]) -> None:
    for name, chart in drawn.items():
        words = [text.get_text() for text in shown(chart.figure)]
        headings, rows = chart.rows()
        said = [*words, chart.title, chart.caption, chart.alt, *headings, *(cell for row in rows for cell in row)]
        assert not english(" ".join(said)), name
        assert not re.search(r"[1-9]\d{0,2},\d00\b", " ".join(words)), name  # a tick such as 10,000


def test_nothing_is_cut_off_in_portuguese(drawn: dict[str, charts.Chart]) -> None:
    """Words are longer than in English."""
    for name, chart in drawn.items():
        for text in shown(chart.figure):
            box = text.get_window_extent()
            assert box.x0 >= -1, (name, text.get_text())
            assert box.x1 <= chart.figure.bbox.x1 + 1, (name, text.get_text())


def test_no_text_lies_on_another_in_portuguese(drawn: dict[str, charts.Chart]) -> None:
    for name, chart in drawn.items():
        boxes = [
            (text.get_text(), text.get_window_extent()) for text in shown(chart.figure) if not text.get_rotation() % 90
        ]
        for (one, a), (other, b) in combinations(boxes, 2):
            width, height = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
            assert width <= 1 or height <= 2, (name, one, other)


def test_keys_and_numbers_are_those_of_the_english_report(portuguese: Report, sample: Report) -> None:
    """The contract does not change with the language: only texts do."""

    def shape(value: object) -> object:
        if isinstance(value, dict):
            return {key: shape(item) for key, item in value.items()}
        if isinstance(value, list):
            return [shape(item) for item in value]
        return round(value, 9) if isinstance(value, float) else type(value).__name__

    ours, theirs = (json.loads(json.dumps(report.data)) for report in (portuguese, sample))
    for report in (ours, theirs):
        del report["provenance"]["created"]
    assert shape(ours) == shape(theirs)
    assert [one["status"] for one in ours["checks"]] == [one["status"] for one in theirs["checks"]]
    assert [one["name"] for one in ours["checks"]] == [one["name"] for one in theirs["checks"]]
    assert [row["verdict"] for row in ours["comparison"]] == [row["verdict"] for row in theirs["comparison"]]
    assert [row["reason"] for row in ours["data"]["ledger"]] == [row["reason"] for row in theirs["data"]["ledger"]]
    assert list(portuguese.customers) == list(sample.customers)
    assert set(portuguese.customers["tier"]) == set(sample.customers["tier"])


def test_tables_for_machines_do_not_change(folder: Path, sample_folder: Path) -> None:
    assert (folder / "customers.csv").read_bytes() == (sample_folder / "customers.csv").read_bytes()
    for file in (folder / "figures").glob("*.csv"):
        assert file.read_bytes() == (sample_folder / "figures" / file.name).read_bytes(), file.name


def test_the_language_ends_with_the_report(portuguese: Report) -> None:
    assert language() == "en"
    assert portuguese.data["checks"][0]["title"] == "Clientes recorrentes suficientes"


def test_the_command_speaks_the_language(
    portuguese: Report, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with speaking("pt-BR"):
        screen.headline(portuguese.data)
    said = capsys.readouterr().out
    assert "Em comparação com ticket médio × frequência × duração, o modelo é" in said
    assert "Previsão de 1 de jul. de 1998 a 30 de jun. de 1999, 2.357 clientes:" in said
    assert not english(said)
    wrong = ["report", "cdnow-sample", "--out", str(tmp_path / "out"), "--margin", "0"]
    assert main([*wrong, "--language", "pt-BR"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("Erro: o relatório não pode ser feito: a margem é 0. Ela é a parcela da receita")
    assert main(wrong) == 2
    assert capsys.readouterr().err.startswith("Error: the report cannot be made: margin is 0. It is")


def test_what_is_wrong_with_a_brazilian_file_is_said_in_portuguese(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "vendas.csv"
    file.write_text("cliente;data;valor\nA;31/12/2024;1.234,50\nB;05/01/2025;20,00\n", encoding="utf-8")
    command = ["report", str(file), "--out", str(tmp_path / "out"), "--language", "pt-BR"]
    assert main(command) == 2
    said = capsys.readouterr().err
    assert said.startswith("Erro: as transações não podem ser resumidas: 'valor' não é número em 2 de 2 linhas")
    assert "digite --decimal ," in said
    assert main([*command, "--decimal", ","]) == 2
    said = capsys.readouterr().err
    assert said.startswith("Erro: BG/NBD não pode ser ajustado: há um só cliente até 2025-01-04.")
    assert not english(said.replace(str(tmp_path), ""))
