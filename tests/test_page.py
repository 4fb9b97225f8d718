"""The page in a real browser: what an operator sees, over a store that a writer keeps alive.

Screenshots go to tests/screenshots/ (not tracked): look at them after a change of the page.
"""

import hashlib
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from dashboards import beginning
from dashboards.texts import STATIC
from engine.catalogue import INDICATORS
from ingest.store import Store
from tests.page_browser import Browser, click, count, errors, scheme, seconds, shoot, size, text
from tests.page_city import QUIET, SILENT, WORST, City
from tests.page_site import Site, site, until

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars",
)
DRIVER = "/usr/bin/chromedriver"


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


class Town:
    """A city that is ticked once a second while `alive`, and the site that shows it."""

    def __init__(self, city: City, served: Site, clock: Callable[[], int]) -> None:
        self.city = city
        self.site = served
        self.alive = threading.Event()
        self.alive.set()
        self.health: dict[str, Any] = {}
        self._clock = clock
        city.tick(clock(), wall_ms())
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.5):
            if self.alive.is_set():
                self.city.tick(self._clock(), wall_ms(), **self.health)

    def close(self) -> None:
        """Stop writing."""
        self._stop.set()
        self._thread.join()
        self.city.store.close()


@pytest.fixture(scope="module")
def one_town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A living city on the wall clock, filled once for all tests."""
    path = tmp_path_factory.mktemp("town") / "store.db"
    city = City(path, wall_ms())
    with site(path) as served:
        alive = Town(city, served, wall_ms)
        try:
            yield alive
        finally:
            alive.close()


@pytest.fixture
def town(one_town: Town) -> Town:
    """The city as it is when all is well."""
    one_town.health = {}
    one_town.alive.set()
    until(lambda: one_town.site.get("/api/health").json()["trust"] == "good")
    return one_town


@pytest.fixture(scope="module")
def one_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One headless Chromium for all tests."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None or not Path(DRIVER).exists():
        pytest.skip("chromium and chromium-driver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture
def browser(one_browser: Browser) -> Browser:
    """The browser with an empty page, no memory of the last one, and its own size."""
    one_browser.get("about:blank")
    one_browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    one_browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    one_browser.get_log("browser")
    return one_browser


def opened(browser: Browser, town: Town, fragment: str = "") -> None:
    """Open the page and wait for its first numbers and trends."""
    browser.get(f"{town.site.url}/{fragment}")
    until(lambda: count(browser, ".card .value") == 4 and count(browser, ".trend canvas") == 4)
    until(lambda: text(browser, "#link-state") in ("Live", "Recorded, not live"))


def test_status_first_then_numbers_that_live(browser: Browser, town: Town) -> None:
    size(browser, 1280, 900)
    opened(browser, town)
    assert text(browser, "#trust-word") == "Yes: the data can be trusted"
    assert "71 of 72" in text(browser, "#facts")
    assert "North Hill, Canal (road) has been silent for" in text(browser, "#why")
    assert count(browser, "#map .dot") == 72
    assert "Unhealthy" in text(browser, "[data-key='air.us_aqi']")
    assert "40 CFR Part 58" in text(browser, "[data-key='air.us_aqi'] .standard")
    before = text(browser, "[data-key='energy.demand_15min'] .value")
    until(lambda: text(browser, "[data-key='energy.demand_15min'] .value") != before)
    rows = text(browser, "#stations tbody tr")
    assert rows.startswith("Harbour, Bridge Street (air)")
    shoot(browser, "desk-light")
    assert errors(browser) == []


def test_the_worst_station_why_and_since_when_in_one_click(browser: Browser, town: Town) -> None:
    opened(browser, town)
    until(lambda: "Bridge Street" in text(browser, "#worst"))
    click(browser, f"#worst a[href='#/station/{WORST}/air.us_aqi']")
    until(lambda: "At this level since" in text(browser, "#since"))
    assert text(browser, "#panel-title") == "Harbour, Bridge Street (air)"
    assert "Why: PM2.5 is the highest part." in text(browser, "#cause")
    assert 4 * 3600 <= seconds(text(browser, "#since .age")) <= 5.1 * 3600
    assert count(browser, "#panel-chart canvas") == 1
    until(lambda: "dev-harbour-air3" in text(browser, "#panel-readings"))
    assert browser.execute_script("return document.activeElement.id") == "panel-title"
    assert browser.current_url.endswith(f"#/station/{WORST}/air.us_aqi")
    shoot(browser, "station", whole=False)
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.ESCAPE)
    until(lambda: browser.execute_script("return document.getElementById('panel').hidden"))
    assert errors(browser) == []


def test_a_shared_address_opens_the_station(browser: Browser, town: Town) -> None:
    opened(browser, town, f"#/station/{QUIET}/energy.demand_15min")
    until(lambda: "Insufficient data" in text(browser, "#panel-now"))
    assert text(browser, "#panel-now .value") == "–"
    assert "coverage 35" in text(browser, "#panel-now")
    until(lambda: "Fewer than two sufficient windows" in text(browser, "#panel-chart"))


def test_ages_grow_and_a_banner_says_so_when_ingest_stops(browser: Browser, town: Town) -> None:
    size(browser, 1280, 900)
    opened(browser, town)
    assert text(browser, "#banners") == ""
    town.alive.clear()
    until(lambda: "Ingest has stopped" in text(browser, "#banners"), 15)
    assert text(browser, "#trust-word") == "No: do not act on these numbers"
    assert text(browser, "#link-state") == "Ingest stopped"
    until(lambda: "No: do not act" in text(browser, "#announce"))
    for place in (".card .age", "#stations .age"):
        first = seconds(text(browser, place))
        assert first >= 4
        until(lambda place=place, first=first: seconds(text(browser, place)) > first)
    shoot(browser, "ingest-stopped", whole=False)
    town.alive.set()
    until(lambda: text(browser, "#banners") == "")
    until(lambda: "Yes" in text(browser, "#trust-word"))
    assert errors(browser) == []


def test_a_lost_connection_is_said_and_found_again(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    Store.create(path).close()
    with site(path) as served:
        browser.get(served.url)
        until(lambda: text(browser, "#link-state") == "Ingest stopped")  # nobody writes here
    until(lambda: text(browser, "#link-state") == "No connection", 15)
    assert "The live connection is lost" in text(browser, "#banners")
    assert count(browser, "#banners .bad") == 1
    with site(path, port=served.port):
        until(lambda: text(browser, "#link-state") == "Ingest stopped", 20)
        until(lambda: "connection is lost" not in text(browser, "#banners"))


def test_pages_that_lost_their_server_come_back_spread_and_within_seconds(
    browser: Browser, town: Town
) -> None:
    browser.get(town.site.url)
    waits: list[list[float]] = browser.execute_async_script(
        "const done = arguments[0];"
        "import('/static/js/stream.js').then(({ retryMs }) => done("
        "[...Array(12).keys()].map((failures) => Array.from({ length: 20 },"
        " () => retryMs(failures)))));"
    )
    for failures, tries in enumerate(waits):
        limit_ms = min(1000 * 2**failures, 15_000)
        assert limit_ms / 2 <= min(tries) < max(tries) <= limit_ms
        assert len(set(tries)) == len(tries)


def test_what_is_wrong_stands_in_words(browser: Browser, town: Town) -> None:
    sink = {"name": "influx", "queued": 812, "bytes": 90_000, "dead": 0, "written": 1,
            "ok_ms": wall_ms() - 60_000, "error": "connection refused"}
    town.health = {"sinks": [sink]}
    opened(browser, town, "#/health")
    until(lambda: "In part" in text(browser, "#trust-word"))
    assert "Sink influx does not take points (connection refused); 812 wait" in text(
        browser, "#why")
    body = text(browser, "#health-body")
    assert "cityvitals place add pms-77 --district centre --station cellar" in body
    assert "a key has the wrong type, or a needed key is missing" in body
    assert "<b>not JSON</b>" in body  # shown as text, never as markup
    assert count(browser, "#health-body b") == 0


def test_a_mark_has_the_number_of_the_standard_where_it_numbers_its_levels(
    browser: Browser, town: Town
) -> None:
    opened(browser, town)
    told = browser.execute_async_script("""
        const done = arguments[arguments.length - 1];
        Promise.all([import("/static/js/levels.js"), fetch("/api/now").then((got) => got.json())])
          .then(([levels, now]) => done(Object.fromEntries(now.indicators.map(
            (entry) => [entry.key, levels.numberOf(entry, 2)]))), (error) => done(String(error)));
    """)
    own = {key for key, shown in told.items() if shown == "3"}
    assert {key.split("_")[0] for key in own} == {"air.eaqi", "air.daqi", "traffic.los"}
    assert {shown for key, shown in told.items() if key not in own} == {"2"}


def test_what_is_unconfirmed_stands_with_each_indicator(browser: Browser, town: Town) -> None:
    told = {one["key"]: one["open_marks"] for one in town.site.get("/api/now").json()["indicators"]}
    assert told == {entry.key: list(entry.open_marks) for entry in INDICATORS}
    opened(browser, town, f"#/station/{WORST}/air.us_aqi")
    until(lambda: "At this level since" in text(browser, "#since"))
    click(browser, "#panel-now summary")
    browser.execute_script("document.querySelector('#panel-standard').drawnBefore = true")
    until(lambda: browser.execute_script(
        "return !document.querySelector('#panel-standard').drawnBefore"))
    # An update of the number does not shut what the reader has unfolded.
    for mark in told["air.us_aqi"]:
        assert f"Unconfirmed: {mark}" in text(browser, "#panel-now")


def test_what_is_unfolded_stays_so_over_another_time_and_another_station(
    browser: Browser, town: Town
) -> None:
    opened(browser, town, f"#/station/{WORST}/air.us_aqi")
    until(lambda: count(browser, "#panel-standard"))
    click(browser, "#panel-standard summary")
    click(browser, "[data-focus='days7']")
    until(lambda: count(browser, "[data-focus='days7'][aria-pressed='true']"))
    assert count(browser, "#panel-standard[open]") == 1
    browser.execute_script("location.hash = '#/station/centre/air1/air.us_aqi'")
    until(lambda: "centre/air1" in text(browser, "#panel-place"))
    assert count(browser, "#panel-standard[open]") == 1
    click(browser, "#panel-standard summary")
    until(lambda: count(browser, "#panel-standard:not([open])"))


def test_nothing_is_cut_off_on_a_phone(browser: Browser, town: Town) -> None:
    """The ages of a station's numbers and half of the sensors' columns stood beyond the edge."""
    size(browser, 390, 844)
    opened(browser, town)
    for hash_, ready in {
        "#/sensors": "#sensors-rows tr", f"#/station/{WORST}/air.us_aqi": "#panel-readings tr",
        "#/station/_/_/air.us_aqi": "#panel-members tr", "#/events": "#events-note",
        "#/health": "#health-body tr",
    }.items():
        browser.execute_script("location.hash = arguments[0]", hash_)
        until(lambda node=ready: count(browser, node))
        wider = browser.execute_script("""
            const nodes = document.querySelectorAll("html, #panel, #panel .scroll-x");
            return [...nodes].filter((node) => node.scrollWidth > node.clientWidth + 1)
              .map((node) => `${node.id || node.className}: ${node.scrollWidth}`)""")
        assert wider == [], hash_


def test_map_and_table_follow_the_choice_and_the_table_sorts(
    browser: Browser, town: Town
) -> None:
    opened(browser, town)
    click(browser, "#choice [data-focus='dq.completeness']")
    until(lambda: text(browser, "#stations tbody tr").startswith("North Hill, Park (grid)"))
    assert text(browser, "#table-count") == "72 of 72 shown"
    assert count(browser, "#map .mark.unknown") == 1  # the silent one
    click(browser, "#stations th[data-column='station'] button")
    until(lambda: text(browser, "#stations tbody tr").startswith("Centre, Bridge Street (air)"))
    head = browser.find_element(By.CSS_SELECTOR, "#stations th[data-column='station']")
    assert head.get_attribute("aria-sort") == "ascending"
    browser.find_element(By.ID, "filter").send_keys(SILENT)
    until(lambda: text(browser, "#table-count") == "1 of 1 shown")
    assert "Silent" in text(browser, "#stations tbody")


def test_everything_can_be_reached_by_keyboard_and_has_a_name(
    browser: Browser, town: Town
) -> None:
    opened(browser, town)
    nameless = browser.execute_script("""
      return [...document.querySelectorAll("a, button, input, [role=img], [role=region]")]
        .filter((node) => !(node.innerText || node.ariaLabel || node.labels?.length
          || node.getAttribute("aria-labelledby") || node.closest(".hidden-text")
          || node.title)).map((node) => node.outerHTML);""")
    assert nameless == []
    for landmark in ("header", "main", "nav", "footer"):
        assert count(browser, landmark) == 1
    assert count(browser, "th:not([scope])") == 0
    for _ in range(60):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        where = browser.execute_script(
            "return document.activeElement.closest('#stations tbody') !== null")
        if where:
            break
    assert where
    ActionChains(browser).send_keys(Keys.ENTER).perform()
    until(lambda: text(browser, "#panel-title") == "Harbour, Bridge Street (air)")


@pytest.mark.parametrize(("name", "width", "height", "wish"), [
    ("phone-light", 360, 740, "light"), ("phone-dark", 360, 740, "dark"),
    ("desk-dark", 1280, 900, "dark"), ("wall-dark", 1920, 1080, "dark"),
    ("wall-light", 1920, 1080, "light"),
])
def test_phone_and_wall_light_and_dark(
    browser: Browser, town: Town, name: str, width: int, height: int, wish: str
) -> None:
    size(browser, width, height)
    scheme(browser, wish)
    opened(browser, town)
    wide: int = browser.execute_script("return document.documentElement.scrollWidth")
    assert wide <= width
    if width >= 1800:  # everything but the health of the line is seen without scrolling
        bottom = browser.execute_script(
            "return document.getElementById('where').getBoundingClientRect().bottom")
        assert bottom <= height
    shoot(browser, name, whole=width < 1800)
    assert errors(browser) == []


def test_the_reader_may_choose_the_theme(browser: Browser, town: Town) -> None:
    scheme(browser, "light")
    opened(browser, town)
    paper = "return getComputedStyle(document.body).backgroundColor"
    light = browser.execute_script(paper)
    click(browser, "#theme")
    assert browser.execute_script(paper) != light
    browser.refresh()
    until(lambda: browser.execute_script(paper) != light)
    browser.execute_script("localStorage.clear()")


def test_recorded_data_is_called_so_and_ages_are_its_own(
    browser: Browser, tmp_path: Path
) -> None:
    start, began = 1_700_000_000_000, wall_ms()

    def clock() -> int:
        return start + (wall_ms() - began) * 60

    city = City(tmp_path / "store.db", start, recorded=True)
    with site(tmp_path / "store.db") as served:
        town = Town(city, served, clock)
        try:
            size(browser, 1280, 900)
            opened(browser, town)
            until(lambda: "Recorded data, as of 14 Nov 2023" in text(browser, "#banners"))
            assert "not live" in text(browser, "#banners")
            assert text(browser, "#link-state") == "Recorded, not live"
            assert seconds(text(browser, ".card .age")) < 3600
            assert "Yes" in text(browser, "#trust-word")
            shoot(browser, "recorded", whole=False)
        finally:
            town.close()


def test_a_page_that_is_there_before_ingest_fills_itself(
    browser: Browser, tmp_path: Path
) -> None:
    path = tmp_path / "store.db"
    with site(path) as served:
        browser.get(served.url)
        until(lambda: "ingest has not started" in text(browser, "#banners"))
        city = City(path, wall_ms())
        town = Town(city, served, wall_ms)
        try:
            until(lambda: count(browser, ".card .value") == 4, 20)
            until(lambda: "Yes" in text(browser, "#trust-word"), 20)
        finally:
            town.close()


def test_the_page_of_a_city_whose_past_is_computed_says_so_and_goes_live(
    browser: Browser, tmp_path: Path
) -> None:
    """It said that ingest had stopped, and the console had an error for each history."""
    beginning.tell(tmp_path, 0.0)
    with site(tmp_path / "store.db") as served:
        browser.get(served.url)
        until(lambda: text(browser, "#link-state") == "Past is being computed")
        city = City(tmp_path / "store.db", wall_ms())
        city.store.write_places([])  # they come last
        try:
            beginning.tell(tmp_path, 0.37)
            until(lambda: "37\u00a0% so far" in text(browser, "#why"))
            until(lambda: "being computed: 37\u00a0%" in text(browser, "#banners"))
            until(lambda: count(browser, ".card .value") == 4)
            shoot(browser, "past")
            beginning.tell(tmp_path, 1.0)
            city.store.write_places(city.places)
            city.tick(wall_ms(), wall_ms())
            until(lambda: text(browser, "#link-state") == "Live")
            until(lambda: text(browser, "#city") == "Riverton")
            assert text(browser, "#banners") == ""
            assert errors(browser) == []
        finally:
            city.store.close()


def test_what_was_vendored_is_what_was_fetched() -> None:
    told = (STATIC / "vendor" / "VENDORED.md").read_text(encoding="utf-8")
    sums = dict(re.findall(r"\| `([\w.]+)` \| `([0-9a-f]{64})` \|", told))
    files = {path.name for path in (STATIC / "vendor").iterdir()} - {"VENDORED.md"}
    assert set(sums) == files
    for name, expected in sums.items():
        data = (STATIC / "vendor" / name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == expected


def test_the_page_loads_nothing_from_elsewhere() -> None:
    for path in [*STATIC.glob("js/*.js"), STATIC / "index.html", STATIC / "page.css"]:
        source = path.read_text(encoding="utf-8")
        assert not re.search(r"(src|href)=\"https?:|url\(|import\(|@import", source), path
        assert not re.search(r"\sstyle=|\son\w+=|innerHTML|eval\(", source), path


def test_a_history_comes_closer_by_keys_and_by_mouse(browser: Browser, town: Town) -> None:
    size(browser, 1280, 900)
    opened(browser, town, f"#/station/{WORST}/air.us_aqi")
    until(lambda: count(browser, "#panel-chart canvas") == 1)
    day = text(browser, "#panel-range")
    assert browser.execute_script("return document.querySelector('[data-focus=days1]').ariaPressed")
    click(browser, "[data-focus='zoom in']")
    until(lambda: text(browser, "#panel-range") not in ("", day))
    half = text(browser, "#panel-range")
    click(browser, "[data-focus='zoom earlier']")
    until(lambda: text(browser, "#panel-range") not in ("", half))
    click(browser, "[data-focus=days1]")
    until(lambda: count(browser, "#panel-chart .u-over") == 1)
    over = browser.find_element(By.CSS_SELECTOR, "#panel-chart .u-over")
    ActionChains(browser).move_to_element_with_offset(over, -60, 0).click_and_hold().move_by_offset(
        120, 0).release().perform()
    until(lambda: text(browser, "#panel-range") not in ("", day, half))
    assert browser.execute_script(
        "return document.querySelector('[data-focus=days1]').ariaPressed") == "false"
    assert errors(browser) == []


def test_a_district_shows_its_stations_worst_first(browser: Browser, town: Town) -> None:
    size(browser, 1280, 900)
    opened(browser, town, "#/station/harbour/_/air.us_aqi")
    until(lambda: "Stations here, worst first (8)" in text(browser, "#panel-members"))
    assert text(browser, "#panel-members tbody tr").startswith("Harbour, Bridge Street (air)")
    assert "over the limit: 1" in text(browser, "#panel-members .note")
    shoot(browser, "district", whole=False)
    click(browser, "#panel-members tbody a")
    until(lambda: text(browser, "#panel-title") == "Harbour, Bridge Street (air)")
    assert count(browser, "#panel-members *") == 0
    assert errors(browser) == []


def test_events_of_the_city_and_of_a_station(browser: Browser, town: Town) -> None:
    now = wall_ms()
    town.city.store.write_event(now - 9000, WORST, "restated", "air.us_aqi", "info",
                                "151 became 154", "14 readings, 6 h late")
    town.city.store.write_event(now - 5000, "centre/grid1", "interruption", "", "warning",
                                "interruption 7",
                                "from 2026-01-31T23:30:00+00:00, 120 customers <b>")
    size(browser, 1280, 900)
    opened(browser, town, "#/events")
    until(lambda: count(browser, "#events-rows tr") == 2)
    assert "interruption 7" in text(browser, "#events-rows tr")
    told = text(browser, "#events-rows tr")
    assert "from 1 Feb 2026, 00:30:00, 120 customers <b>" in told, "on the city's clock"
    assert "151 became 154 (US AQI)" in text(browser, "#events-rows")
    shoot(browser, "events", whole=False)
    click(browser, f"#events-rows a[href='#/station/{WORST}/air.us_aqi']")
    until(lambda: text(browser, "#panel-title") == "Harbour, Bridge Street (air)")
    click(browser, f"a[href='#/events/{WORST}']")
    until(lambda: count(browser, "#events-rows tr") == 1)
    assert errors(browser) == []


def test_sensors_worst_first(browser: Browser, town: Town) -> None:
    size(browser, 1280, 900)
    opened(browser, town, "#/sensors")
    until(lambda: count(browser, "#sensors-rows tr") == 71)
    assert "71 devices: 0 silent, 0 late, 0 with flagged readings" in text(
        browser, "#sensors-count")
    browser.find_element(By.ID, "sensors-filter").send_keys("harbour-air3")
    until(lambda: count(browser, "#sensors-rows tr") == 1)
    assert "heard" in text(browser, "#sensors-rows tr")
    shoot(browser, "sensors", whole=False)
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.ESCAPE)
    until(lambda: browser.execute_script("return document.getElementById('panel').hidden"))
    assert errors(browser) == []
