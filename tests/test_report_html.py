"""The report's HTML: whole, without script or request, everything escaped, every KPI in it."""

from html.parser import HTMLParser

import pytest

from dashboards.benchmarks import SHIPPED, load
from dashboards.kpis import kpis
from dashboards.report_html import city_name, page
from dashboards.scorecard import scorecard
from tests.kpi_town import days, town

ROWS = {("_/_", "traffic.tti_peak"): days("2026-01-05", 90, 1.8)}


def _page(name: str = "town") -> str:
    return page(scorecard(town(ROWS), name, load(SHIPPED), 1_800_000_000_000))


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def test_it_asks_for_nothing_outside() -> None:
    tags = _Tags()
    tags.feed(_page())
    names = {tag for tag, _ in tags.seen}
    assert not names & {"script", "link", "img", "iframe", "object"}
    assert not any({"src", "href", "onclick"} & set(given) for _, given in tags.seen)
    assert "svg" in names


def test_every_kpi_is_in_it() -> None:
    text = _page()
    for kpi in kpis():
        assert kpi.code in text


def test_names_are_escaped() -> None:
    assert "<b>x</b>&" not in _page("<b>x</b>&")
    assert "&lt;b&gt;x&lt;/b&gt;&amp;" in _page("<b>x</b>&")


def test_the_rating_stands_in_words() -> None:
    text = _page()
    assert "Potentially Acceptable" in text
    assert "66-95 % of the benchmark (3 of 4 points)" in text


@pytest.mark.parametrize(("city", "name"), [
    ("simville", "Simville"), ("new-town_2", "New Town 2"), ("--", ""),
])
def test_the_title_has_the_name_of_the_city_with_capitals(city: str, name: str) -> None:
    assert city_name(city) == name
