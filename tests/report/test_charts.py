"""Can every figure be read: nothing cut off or covered, no column names, units and dates, and the same bytes again?"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

import clvmodels as clv
from clvmodels import charts, tables
from clvmodels.backtesting import Backtest
from clvmodels.charts import ENGLISH, Chart
from clvmodels.charts.looks import LOOKS
from clvmodels.charts.words import Words
from clvmodels.language import speaking
from clvmodels.models import BGNBD, GammaGamma
from clvmodels.report import Report
from clvmodels.report.html import shared_glyphs
from clvmodels.tables.rolling import rolling_tables

NAMES = list(charts.DRAWN)
ROLLING = [name for name in NAMES if name.startswith("rolling")]
REPORT = [name for name in NAMES if name not in ROLLING]


def channels() -> tables.FigureTable:
    """Three channels of simulated customers; no built-in log has any."""
    log = clv.simulate(
        BGNBD(0.5, 6.0, 0.6, 2.5), spend=GammaGamma(6.25, 3.74, 15.44), customers=300, start="2023-01-01",
        end="2024-06-30",
    )  # fmt: skip
    names = np.array(["search", "social media and influencers", "email"])
    summary = clv.summarize(
        log.assign(channel=names[log["customer_id"] % 3], cost=20.0), segment="channel", cost="cost"
    )
    fits = [clv.fit(family, summary, method="mle") for family in ("bgnbd", "gamma_gamma")]
    forecast = clv.predict(fits[0], summary, spend=fits[1])
    return tables.channel_values(clv.compare_channels(forecast, "channel"), forecast)


@pytest.fixture(scope="module")
def drawn(sample: Report, rolled: Backtest) -> dict[str, Chart]:
    calibration = clv.split("cdnow-sample").calibration
    priors = tables.prior_predictive("bgnbd", calibration, draws=100)
    found = {**sample.figures, "prior_predictive": priors, **rolling_tables(rolled), "channel_values": channels()}
    made = charts.figures({name: found[name] for name in NAMES})
    for chart in made.values():
        chart.figure.draw_without_rendering()  # puts the entries of the keys in their places
    return made


@pytest.fixture(scope="module")
def saved(drawn: dict[str, Chart], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("figures")
    for name, chart in drawn.items():
        charts.save(chart.figure, folder, name)
    return folder


@pytest.fixture(params=NAMES)
def chart(request: pytest.FixtureRequest, drawn: dict[str, Chart]) -> Chart:
    return drawn[request.param]


def texts(figure: Figure) -> Iterator[Text]:
    """Every text that is drawn."""
    yield from figure.texts
    for legend in figure.legends:
        yield from legend.get_texts()
    for axes in figure.axes:
        yield from axes.texts
        yield from (axes.title, axes._left_title, axes._right_title)  # matplotlib has no public way to them
        for axis in (axes.xaxis, axes.yaxis):
            yield axis.label
            low, high = sorted(axis.get_view_interval())
            for tick in axis.get_major_ticks():
                if low <= tick.get_loc() <= high and tick.label1.get_visible():
                    yield tick.label1


def written(figure: Figure) -> list[Text]:
    return [text for text in texts(figure) if text.get_visible() and text.get_text().strip()]


def test_all_figures_are_there(drawn: dict[str, Chart]) -> None:
    assert list(drawn) == NAMES


def test_title_is_a_question_in_the_picture(chart: Chart) -> None:
    assert chart.title.endswith("?")
    assert chart.title in [text.get_text() for text in chart.figure.texts]


def test_dates_are_in_the_picture(chart: Chart) -> None:
    said = " ".join(text.get_text() for text in written(chart.figure))
    assert re.search(r"\d{1,2} [A-Z][a-z]{2} \d{4} to \d{1,2} [A-Z][a-z]{2} \d{4}", said)


def test_every_axis_has_a_name_or_a_title(chart: Chart) -> None:
    for axes in chart.figure.axes:
        x_shared = any(
            axes.get_shared_x_axes().joined(axes, other) and other.get_xlabel() for other in chart.figure.axes
        )
        named = axes.get_xlabel() or axes.get_ylabel() or axes.get_title(loc="left") or x_shared
        assert named or axes.get_label() == "<colorbar>" or chart.name == "timeline"


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("timeline", "weeks"), ("tracking", "per week"), ("deciles", "USD"), ("alive_heatmap", "Weeks since"),
        ("purchases_heatmap", "Weeks since"), ("value_distribution", "USD"), ("verdict", "USD"), ("gain", "%"),
        ("reliability", "%"), ("conditional_expectation", "per customer"),
    ],
)  # fmt: skip
def test_units_are_in_the_picture(drawn: dict[str, Chart], name: str, unit: str) -> None:
    assert unit in " ".join(text.get_text() for text in written(drawn[name].figure))


def test_no_column_name_and_no_failed_number_is_shown(chart: Chart) -> None:
    headings, rows = chart.rows()
    shown = [text.get_text() for text in written(chart.figure)]
    for words in [*shown, chart.title, chart.caption, chart.alt, *headings, *(cell for row in rows for cell in row)]:
        assert not re.search(r"[A-Za-z]_[A-Za-z]|\bnan\b|\bNone\b|\binf\b|[{}]|bgnbd", words), words


def test_model_formula_and_actual_are_together(chart: Chart) -> None:
    if chart.name == "pit":  # a single number has no range to judge, and the caption says so
        assert "formula is a single number" in chart.caption
        return
    if chart.name == "prior_predictive":  # of a time before there is anything to predict
        assert "observed" in chart.caption
        return
    said = " ".join([*(text.get_text() for text in written(chart.figure)), chart.caption])
    for word in ("odel", "ormula"):
        assert word in said
    if chart.name not in ("gain", "verdict", "value_distribution", "reliability"):
        assert "ctual" in said


def test_letters_are_large_enough(chart: Chart) -> None:
    assert min(text.get_fontsize() for text in written(chart.figure)) >= 9


def test_nothing_is_cut_off(chart: Chart) -> None:
    edge = chart.figure.bbox
    for text in written(chart.figure):
        box = text.get_window_extent()
        inside = box.x0 >= edge.x0 - 1 and box.x1 <= edge.x1 + 1 and box.y0 >= edge.y0 - 1 and box.y1 <= edge.y1 + 1
        assert inside, text.get_text()


def overlapping(figure: Figure) -> list[tuple[str, str]]:
    boxes = [(text.get_text(), text.get_window_extent()) for text in written(figure) if not text.get_rotation() % 90]
    return [
        (one, other)
        for (one, a), (other, b) in combinations(boxes, 2)
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 2
    ]


def test_no_text_lies_on_another(chart: Chart) -> None:
    assert overlapping(chart.figure) == []


@pytest.mark.parametrize("name", ROLLING)
def test_longer_words_in_portuguese_do_not_either(name: str, drawn: dict[str, Chart]) -> None:
    with speaking("pt-BR"):
        figure = charts.draw(drawn[name].table).figure
    figure.draw_without_rendering()
    assert overlapping(figure) == []


def test_keys_cover_no_data(chart: Chart) -> None:
    for legend in chart.figure.legends:
        for axes in chart.figure.axes:
            assert legend.get_window_extent().y0 >= axes.get_window_extent().y1 - 1
    assert not any(axes.get_legend() for axes in chart.figure.axes)


def test_same_table_gives_the_same_bytes(chart: Chart, saved: Path, tmp_path: Path) -> None:
    charts.save(charts.draw(chart.table).figure, tmp_path, chart.name)
    for ending in ("svg", "png"):
        assert (tmp_path / f"{chart.name}.{ending}").read_bytes() == (saved / f"{chart.name}.{ending}").read_bytes()


def test_svg_is_small_and_self_contained(chart: Chart, saved: Path) -> None:
    svg = (saved / f"{chart.name}.svg").read_text()
    assert len(svg.encode()) < 150_000
    assert 'width="540pt"' in svg  # 720 pixels
    assert "<text" not in svg  # letters are paths: the same everywhere
    assert "Matplotlib" not in svg
    assert not re.search(r"\d{4}-\d\d-\d\dT", svg)  # no time of day


def test_the_users_settings_neither_matter_nor_change(drawn: dict[str, Chart]) -> None:
    chart = drawn["conditional_expectation"]
    plain = charts.inline_svg(chart.figure, chart.name, chart.alt)
    loud = {
        "font.size": 30.0,
        "axes.facecolor": "black",
        "lines.linewidth": 9.0,
        "svg.fonttype": "none",
        "xtick.color": "r",
    }
    with mpl.rc_context(loud):
        before = mpl.rcParams.copy()
        again = charts.draw(chart.table)
        assert charts.inline_svg(again.figure, chart.name, chart.alt) == plain
        assert mpl.rcParams.copy() == before


def test_no_window_system_is_touched() -> None:
    program = (
        "import sys, matplotlib; before = matplotlib.rcParams.copy(); import clvmodels.charts; "
        "assert matplotlib.rcParams.copy() == before; assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("together", [REPORT, ROLLING], ids=["report", "backtest"])
def test_figures_can_stand_in_one_page(saved: Path, together: list[str]) -> None:
    page = "".join(charts.inline_svg((saved / f"{name}.svg").read_text(), name, 'say "<so>"') for name in together)
    ids = re.findall(r'\bid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    referred = set(re.findall(r'href="#([^"]*)"', page)) | set(re.findall(r"url\(#([^)]*)\)", page))
    assert referred <= set(ids)
    assert page.count('role="img" aria-label="say &quot;&lt;so&gt;&quot;"') == len(together)
    assert set(re.findall(r"https?://[^\"]*", page)) == {"http://www.w3.org/1999/xlink", "http://www.w3.org/2000/svg"}
    glyphs, drawn = shared_glyphs({"all": page})
    assert len(glyphs) + len(drawn["all"]) < 900_000


def test_inline_svg_takes_a_figure_or_its_file(drawn: dict[str, Chart], saved: Path) -> None:
    chart = drawn["gain"]
    from_file = charts.inline_svg((saved / "gain.svg").read_text(), "gain", chart.alt)
    assert from_file == charts.inline_svg(chart.figure, "gain", chart.alt)


def test_rows_are_the_table_in_words(drawn: dict[str, Chart]) -> None:
    headings, rows = drawn["conditional_expectation"].rows()
    assert headings[:4] == ["Repeat purchases", "Customers", "Actual", "Model"]
    assert rows[0][:4] == ["0", "1,411", "0.237", "0.226"]
    assert len(drawn["tracking"].rows(5)[1]) == 5
    for chart in drawn.values():
        headings, rows = chart.rows()
        assert len(rows) == len(chart.table.frame)
        assert {len(row) for row in rows} == {len(headings)}


# ----------------------------------------------------------------------------------------------------- another language

DATES = r"\b\d{1,2} [A-Z][a-z]{2}( \d{4})?\b|^[A-Z][a-z]{2}(\n\d{4})?$"


@pytest.fixture(scope="module")
def foreign() -> dict[str, str]:
    """A language in which every word of ours begins with ¤."""
    return {key: f"¤{text}" for key, text in ENGLISH.items()}


def test_every_word_can_be_translated(chart: Chart, foreign: dict[str, str]) -> None:
    other = charts.draw(chart.table, texts=foreign)
    shown = [text.get_text() for text in written(other.figure)] + [other.title, other.caption, other.alt]
    headings, rows = other.rows()
    frame = chart.table.frame
    proper = {str(value) for name in ("customer_id", "parameter", "channel") for value in frame.get(name, [])}
    families = {str(value) for name in ("predictor", "family") for value in frame.get(name, [])}
    cells = (cell for row in rows for cell in row if cell not in proper)
    for words in [*shown, *headings, *cells]:
        for name in sorted(families, key=len, reverse=True):
            words = words.replace(name, "") if name in words else words.replace(name.replace(" ", "\n"), "")
        if re.search(r"[A-Za-z]{3,}", re.sub(DATES, "", words)) and words.strip() not in ("USD",):
            assert "¤" in words, words


def test_numbers_are_written_in_the_language(sample: Report) -> None:
    with speaking("pt-BR"):
        chart = charts.draw(sample.figures["conditional_expectation"])
        chart.figure.draw_without_rendering()
        shown = {text.get_text() for text in written(chart.figure)}
    assert {"1.411", "0,24", "6,36"} <= shown
    assert not shown & {"1,411", "0.24"}
    assert chart.rows()[1][0][2] == "0,237"  # in the language it was drawn in


def test_words_round_and_sign() -> None:
    say = Words(ENGLISH)
    assert [say.number(v, 1) for v in (1234.56, -0.04, -2.0, None, float("nan"))] == [
        "1,234.6",
        "0.0",
        "−2.0",
        "–",
        "–",
    ]
    assert [say.amount(v, "EUR") for v in (0.5, 99.4, 99.6, 1e6)] == ["€0.50", "€99.40", "€100", "€1,000,000"]
    assert say.amount(12.0, "SEK") == "SEK\u00a012.00"
    assert say.span(272.0, "day") == "272"


# ---------------------------------------------------------------------------------------------------------------- looks


def test_predictors_differ_in_colour_line_and_marker() -> None:
    looks = [LOOKS[name] for name in ("actual", "model", "formula_customer", "formula_repeat", "formula")]
    for one, other in combinations(looks, 2):
        assert one.marker != other.marker
        assert one.line != other.line or {one.color, other.color} == {LOOKS["actual"].color, LOOKS["model"].color}
        for matrix in (np.eye(3), DEUTERANOPIA, PROTANOPIA):
            distance: Any = np.abs(matrix @ rgb(one.color) - matrix @ rgb(other.color)).sum()
            assert distance > 0.2


def rgb(color: str) -> np.ndarray[Any, Any]:
    return np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])


# Machado, Oliveira & Fernandes (2009), severity 1.
DEUTERANOPIA = np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]])
PROTANOPIA = np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]])


def test_a_second_process_draws_the_same_files(
    sample: Report, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a language that is spoken here, whatever the other process would speak by itself."""
    monkeypatch.setenv("CLVMODELS_WORKERS", "2")
    some = {name: sample.figures[name] for name in ("gain", "pit", "verdict", "deciles")}
    written = charts.write_figures(some, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        f"{n}.{e}" for n in some for e in ("csv", "png", "svg")
    )
    for name in some:
        for ending in ("svg", "png"):
            assert (tmp_path / f"{name}.{ending}").read_bytes() == (saved / f"{name}.{ending}").read_bytes()
        assert written[name].told.title in written[name].letters
    with speaking("pt-BR"):
        assert "Onde o modelo" in charts.write_figures(some, tmp_path)["verdict"].told.title
