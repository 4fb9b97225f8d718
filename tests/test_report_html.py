"""The report's HTML: whole, without script or request, everything escaped, every KPI in it."""

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from dashboards.benchmarks import SHIPPED, load
from dashboards.kpis import kpis
from dashboards.report_html import city_name, page
from dashboards.scorecard import scorecard
from tests.kpi_town import days, town
from tests.test_page import Browser, errors, one_browser, shoot, size  # noqa: F401

ROWS = {("_/_", "traffic.tti_peak"): days("2026-01-05", 90, 1.8)}
FULL = ROWS | {
    ("_/_", "air.year_pm25"): [*days("2026-01-01", 60, 12.0), *days("2026-03-02", 300, 9.0)],
    ("_/_", "air.year_no2"): days("2026-01-01", 360, 21.0),
    ("_/_", "energy.saifi"): days("2026-01-01", 365, 0.4),
    ("_/_", "energy.caidi"): days("2026-01-01", 365, 71.0),
    ("_/_", "energy.renewable_share_day"): days("2026-01-01", 200, 0.41),
}


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


@pytest.mark.parametrize("width", [360, 1280])
def test_in_a_browser_nothing_is_cut_off_and_the_charts_are_drawn(
    one_browser: Browser, tmp_path: Path, width: int  # noqa: F811
) -> None:
    path = tmp_path / "report.html"
    path.write_text(page(scorecard(town(FULL), "town", load(SHIPPED), 1_800_000_000_000)), "utf-8")
    size(one_browser, width, 900)
    one_browser.get(path.as_uri())
    assert one_browser.title == "U4SSC scorecard: Town"
    wide: int = one_browser.execute_script("return document.documentElement.scrollWidth")
    assert wide <= width
    drawn: list[list[float]] = one_browser.execute_script("""
        return [...document.querySelectorAll("svg")].map((chart) => {
          const at = chart.getBoundingClientRect();
          return [at.left, at.right, at.width, at.height];
        });""")
    assert len(drawn) >= 5
    for left, right, chart_width, height in drawn:
        assert left >= 0
        assert right <= width
        assert min(chart_width, height) > 10
    shoot(one_browser, f"report-{width}")
    assert errors(one_browser) == []


def test_on_paper_no_kpi_is_torn_over_two_pages(
    one_browser: Browser, tmp_path: Path  # noqa: F811
) -> None:
    path = tmp_path / "report.html"
    path.write_text(page(scorecard(town(FULL), "town", load(SHIPPED), 1_800_000_000_000)), "utf-8")
    one_browser.get(path.as_uri())
    printed = one_browser.execute_cdp_cmd("Page.printToPDF", {
        "paperWidth": 8.27, "paperHeight": 11.69, "printBackground": True})
    pdf = base64.b64decode(printed["data"])
    (tmp_path / "report.pdf").write_bytes(pdf)
    sheets = len(re.findall(rb"/Type\s*/Page\b", pdf))
    assert 2 <= sheets <= 12
    one_browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    kept: list[str] = one_browser.execute_script("""
        return [...document.querySelectorAll("article")].map(
          (one) => getComputedStyle(one).breakInside);""")
    size(one_browser, 680, 900)  # A4 with margins of 15 mm
    edges: list[float] = one_browser.execute_script("""
        return [...document.querySelectorAll("table *")].map(
          (one) => one.getBoundingClientRect().right);""")
    one_browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert max(edges) <= 680, "the column of ratings stood beyond the paper"
    assert kept
    assert set(kept) == {"avoid"}
