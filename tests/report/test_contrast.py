"""Can everything be read? WCAG 2.2 AA: text 4.5 to 1 against what is behind it, marks and outlines 3 to 1."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from matplotlib.colors import to_rgb
from matplotlib.text import Text

import clvmodels.report
from clvmodels import charts
from clvmodels.charts.looks import LOOKS, SHADE
from clvmodels.report import Report

STYLE = Path(clvmodels.report.__file__).with_name("report.css").read_text()
PAGE = Path(clvmodels.report.__file__).with_name("report.typ").read_text()
TEXTS = [
    *((ink, ground) for ink in ("ink", "soft", "accent", "good", "bad", "warn") for ground in ("paper", "panel")),
    ("good", "good-bg"), ("bad", "bad-bg"), ("warn", "warn-bg"),
]  # fmt: skip


def luminance(color: object) -> float:
    """Relative luminance, as WCAG defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]  # type: ignore[arg-type]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: object, two: object) -> float:
    """1 for equal colours, 21 for black on white."""
    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


def schemes() -> dict[str, dict[str, str]]:
    """The custom properties of the page, by scheme: light, dark, print; the later ones change the first."""
    found = re.findall(r":root \{(.*?)\}", STYLE, flags=re.S)
    assert len(found) == 3
    named = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})", one)) for one in found]
    return {name: {**named[0], **colors} for name, colors in zip(("light", "dark", "print"), named, strict=True)}


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)  # the palest grey that passes


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
@pytest.mark.parametrize(("ink", "ground"), TEXTS)
def test_texts_of_the_page_can_be_read(scheme: str, ink: str, ground: str) -> None:
    colors = schemes()[scheme]
    assert contrast(colors[ink], colors[ground]) >= 4.5


def test_no_colour_of_the_page_is_outside_the_schemes() -> None:
    rules = re.sub(r":root \{.*?\}", "", STYLE, flags=re.S)
    assert set(re.findall(r"#[0-9a-f]{3,6}\b", rules)) <= {"#ffffff"}  # the figures' paper


def test_texts_on_paper_can_be_read() -> None:
    colors = dict(
        re.findall(r"(\w+)[:=] ?(?:= )?rgb\(\"(#[0-9a-f]{6})\"\)", PAGE.replace("#let ", "").replace(" = ", "="))
    )
    for ink, ground in (("good", "pass"), ("warn", "review"), ("bad", "fail")):
        assert contrast(colors[ink], colors[ground]) >= 4.5
    for ink in ("ink", "soft", "good", "bad", "warn"):
        assert contrast(colors[ink], "#ffffff") >= 4.5


def test_marks_of_figures_stand_out() -> None:
    for name, look in LOOKS.items():
        assert contrast(look.color, "#ffffff") >= (3 if name not in ("ideal", "perfect") else 2.5), name


def test_texts_of_figures_can_be_read(sample: Report) -> None:
    pale = []
    for name, chart in charts.figures(sample.figures).items():
        for text in chart.figure.findobj(Text):
            swatch = text.get_text() == "■"  # the words beside it say the same
            if swatch or not text.get_text().strip() or not text.get_visible() or name.endswith("heatmap"):
                continue
            worst = min(contrast(text.get_color(), ground) for ground in ("#ffffff", SHADE))
            if worst < 4.5:
                pale.append(f"{name}: {text.get_text()!r} {text.get_color()} {worst:.2f}")
    assert not pale
