"""Does the page say what report.json says, in readable, accessible, self-contained HTML?"""

from __future__ import annotations

import itertools
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from clvmodels.report import Report, texts
from clvmodels.report import numbers as n
from clvmodels.report.html import rich

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """Tags in balance, ids, links, and texts by the id of the nearest element around them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.loads: list[str] = []
        self.wrong: list[str] = []
        self.words: list[str] = []
        self.cells: list[str] = []
        self.by_id: dict[str, str] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        self.tags.append((tag, has))
        if identity := has.get("id"):
            self.ids.append(identity)
        for name in ("href", "xlink:href", "src", "srcset", "action", "data"):
            if (address := has.get(name)) is not None:
                (self.references if address.startswith("#") else self.loads).append(address)
        for value in has.values():
            self.references += [f"#{target}" for target in re.findall(r"url\(#([^)]+)\)", value or "")]
        if tag not in VOID:
            self.open.append((tag, has))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1][0] != tag:
            self.wrong.append(f"</{tag}> closes {self.open[-1:]} at {self.getpos()}")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if any(tag in ("style", "script", "svg") for tag, _ in self.open):
            return
        self.words.append(data)
        for _, has in self.open:
            if identity := has.get("id"):
                self.by_id[identity] = self.by_id.get(identity, "") + data
        if self.open and any(tag in ("td", "th") for tag, _ in self.open):
            self.cells.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))


@pytest.fixture(scope="module")
def html(sample_folder: Path) -> str:
    return (sample_folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_the_page_is_well_formed(page: Page) -> None:
    assert page.wrong == []
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert {reference[1:] for reference in page.references} <= set(page.ids)


def test_nothing_is_loaded(page: Page, html: str) -> None:
    assert [address for address in page.loads if not address.startswith("data:")] == []
    assert not re.search(r"@import|url\(\s*[\"']?(?!#|data:)", html)
    assert not re.search(r"<script[^>]*\ssrc", html)  # what runs is in the page


def test_it_is_small_enough_to_mail(html: str) -> None:
    assert len(html.encode()) < 1_000_000


@pytest.mark.parametrize("which", ["money", "no money"])
def test_no_machine_word_is_printed(which: str, sample_folder: Path, request: pytest.FixtureRequest) -> None:
    folder = sample_folder if which == "money" else request.getfixturevalue("no_money")[1]
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    outside_code = page.text.replace("formula_customer", "")
    assert not re.search(r"\b(nan|None|inf|NaN|NaT|True|False)\b", outside_code)
    assert not re.search(r"\{[a-z_]+\}", outside_code)  # a placeholder nobody filled
    assert not re.search(r"\d\.\d{7,}", "\n".join(page.cells))  # ten digits
    for raw in ("total_error", "decile_mape", "top_decile_capture", "gamma_gamma", "auc_active", "crps"):
        assert raw not in outside_code, raw


def test_it_can_be_read_without_eyes(page: Page) -> None:
    tags = dict(page.tags[:3])
    assert tags["html"]["lang"] == "en"
    pictures = [has for tag, has in page.tags if tag == "svg" and has.get("aria-hidden") != "true"]
    assert len(pictures) >= 10
    for has in pictures:
        assert has["role"] == "img"
        assert len(has["aria-label"] or "") > 30
    assert [tag for tag, _ in page.tags].count("h1") == 1
    assert all(has.get("scope") for tag, has in page.tags if tag == "th")
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))


def test_contents_lead_to_every_section(page: Page) -> None:
    sections = [has["id"] for tag, has in page.tags if tag == "section"]
    assert sections[0] == "summary"
    assert [f"#{name}" for name in sections[1:]] == [
        has["href"] for tag, has in page.tags if tag == "a" and has.get("class") != "skip"
    ]
    assert set(sections) == set(texts.TITLES) - {"report", "subtitle", "running", "channels", "choice"}  # none here


def test_every_figure_has_its_table(page: Page, sample: Report) -> None:
    figures = [(has["id"] or "").removeprefix("figure-") for tag, has in page.tags if tag == "figure"]
    assert sorted(figures) == sorted(sample.figures)
    for name in figures:
        assert texts.PROSE["as_table"] in page.by_id[f"figure-{name}"]


def test_the_verdict_comes_first(page: Page, sample: Report) -> None:
    """The headline says where the formula wins as plainly as where it loses."""
    head = page.text[: page.text.index(texts.TITLES["summary"], 120)]
    verdicts = {row["verdict"] for row in sample.data["comparison"] if row["formula"] == "formula_customer"}
    assert "better on the total" in head
    assert ("worse" in head) == ("worse" in verdicts)


def test_ten_sentences_with_the_numbers_of_report_json(page: Page, sample: Report) -> None:
    data = sample.data
    told = {name.removeprefix("sentence-"): said for name, said in page.by_id.items() if name.startswith("sentence-")}
    assert len(told) == 10

    def evaluated(quantity: str, metric: str, who: str) -> float:
        found = [
            row["value"]
            for row in data["evaluation"]
            if (row["quantity"], row["metric"], row["predictor"]) == (quantity, metric, who)
        ]
        return float(found[0])

    def values(check: str) -> dict[str, float]:
        found: dict[str, float] = next(one["values"] for one in data["checks"] if one["name"] == check)
        return found

    once, spend = values("returning_one_time_buyers"), values("spend_frequency")
    expected = {
        "data": [
            n.count(data["data"]["customers"]),
            n.count(data["data"]["rows"]),
            n.count(data["data"]["repeat_customers"]),
            "bought on more than one day",
        ],
        "examples": [one["customer_id"] for one in data["data"]["examples"]],
        "horizon": ["1 Jul 1998", "30 Jun 1999", "weeks", "a year is a calendar year"],
        "clv": ["revenue", "30 Jun 1998", "30 Jun 1999", "10% a year", "excludes everything bought before"],
        "compare": [
            n.percent(evaluated("purchases", "total_error", "bgnbd"), sign=True),
            n.percent(evaluated("purchases", "total_error", "formula_customer"), sign=True),
            n.percent(evaluated("value", "total_error", "formula_customer"), sign=True),
            n.decimal(evaluated("value", "gini", "bgnbd+gamma_gamma"), 3),
            n.decimal(evaluated("value", "gini", "formula_customer"), 3),
            "1 Oct 1997",
        ],
        "coverage": [n.percent(evaluated("purchases", "coverage_90", "bgnbd")), "outside its 90% interval"],
        "once": [n.count(once["customers"]), n.percent(once["predicted"]), n.percent(once["actual"])],
        "association": [n.decimal(spend["spearman"], sign=True), n.percent(spend["effect"], sign=True)],
        "identification": ["The fit is identified", "a and b"],
        "files": [
            "customers.csv",
            data["data"]["sha256"][:12],
            data["provenance"]["version"],
            "seed 0",
            data["provenance"]["id"],
        ],
    }
    assert told.keys() == expected.keys()
    for name, parts in expected.items():
        for part in parts:
            assert part in told[name], (name, part, told[name])


def test_totals_on_the_cards_are_those_of_report_json(page: Page, sample: Report) -> None:
    forecast = sample.data["forecast"]
    for value in (forecast["value"], forecast["clv"], forecast["value_lower"], forecast["formula_value"]):
        assert n.money(value, "USD") in page.by_id["summary"]
    assert n.count(forecast["purchases"]) in page.by_id["summary"]


def test_texts_of_strangers_are_escaped() -> None:
    assert rich('<script>alert("x")</script> & **<b>**') == (
        "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt; &amp; <strong>&lt;b&gt;</strong>"
    )


def _channels(color: str) -> list[float]:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def _contrast(one: str, other: str) -> float:
    light = [0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in map(_channels, (one, other))]
    return (max(light) + 0.05) / (min(light) + 0.05)


def test_colours_are_readable_in_light_and_dark(html: str) -> None:
    """WCAG AA: 4.5 to 1 for text on every ground it is printed on."""
    themes = re.findall(r":root \{(.*?)\}", html, re.S)[:2]
    assert len(themes) == 2
    for theme in themes:
        color = dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", theme))
        for ink in ("ink", "soft", "accent"):
            for ground in ("paper", "panel"):
                assert _contrast(color[ink], color[ground]) >= 4.5, (ink, ground)
        for tone in ("good", "bad", "warn"):
            assert _contrast(color[tone], color["paper"]) >= 4.5
            assert _contrast(color[tone], color[f"{tone}-bg"]) >= 4.5


def test_the_page_says_how_far_the_posterior_can_be_trusted(page: Page, sample: Report) -> None:
    for side in ("calibration", "all data"):
        for title in ("BG/NBD", "Gamma-Gamma"):
            assert f"{title}, {side}: certified: Pareto k̂" in page.text
    assert "Estimated by the mean of the posterior under weak priors, drawn by importance sampling" in page.text
    assert "Intervals. From the posterior of the parameters" in page.text
    assert (
        "Influence of the priors on the fits behind the forecast: BG/NBD: estimates move with priors half" in page.text
    )
    for prior in sample.data["models"]["spend"]["priors"].values():
        assert prior in page.text


def test_a_page_without_posterior_speaks_of_none(no_money: tuple[Report, Path]) -> None:
    text = Page((no_money[1] / "report.html").read_text(encoding="utf-8")).text
    assert "Estimated by maximum likelihood" in text
    assert "(delta method)" in text
    assert "posterior" not in text
    assert "prior" not in text.replace("priority", "")


def test_every_purchase_family_has_its_story() -> None:
    from clvmodels.models import FAMILIES

    assert set(texts.STORIES) >= {name for name, family in FAMILIES.items() if family.kind == "purchases"}
