"""Explanations over HTTP and on the page: one click from a number to how it came about."""

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from dashboards import explanations
from dashboards.explanations import BusyError, Explanations, TooLongError, UnexplainedError
from engine.catalogue import INDICATORS, POSITION
from tests.explained_city import HOUR_MS, START_MS, troubled
from tests.page_site import Site, site, until
from tests.test_page import (  # noqa: F401
    Browser,
    click,
    count,
    errors,
    one_browser,
    shoot,
    size,
    text,
)

GOLDEN = Path(__file__).parent / "golden" / "http_explain.json"
NOW_MS = START_MS + 3 * HOUR_MS + 120_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with readings that were left out."""
    return troubled(tmp_path_factory.mktemp("trouble"))


@pytest.fixture(scope="module")
def page(folder: Path) -> Iterator[Site]:
    """The server over it."""
    with site(folder / "store.db", wall_ms=lambda: NOW_MS) as running:
        yield running.ready()


def asked(**more: Any) -> str:
    query = {"place": "centre/s2", "indicator": "air.nowcast_pm25",
             "time": START_MS + HOUR_MS, **more}
    return "/api/explain?" + "&".join(f"{name}={value}" for name, value in query.items() if value)


def test_the_answer_is_the_golden_one(page: Site) -> None:
    answer = page.get(asked())
    assert answer.status == 200
    body = answer.json()
    body["searched"]["bytes"] = 0  # compression is free to differ
    if os.environ.get("RENEW"):
        GOLDEN.write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert body == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_without_a_time_it_is_the_newest_window(page: Site) -> None:
    body = page.get(asked(time="")).json()
    assert body["window"]["end_ms"] == START_MS + 3 * HOUR_MS


@pytest.mark.parametrize(("path", "status", "field"), [
    (asked(place=""), 400, "place"),
    (asked(indicator=""), 400, "indicator"),
    (asked(indicator="air.none"), 404, "indicator"),
    (asked(place="no/where"), 404, "place"),
    (asked(indicator="traffic.tti"), 404, "place"),
    (asked(time="yesterday"), 400, "time"),
    (asked(time=START_MS + 900 * HOUR_MS), 400, "time"),
])
def test_refusals_say_what_is_wrong_and_where(
    page: Site, path: str, status: int, field: str
) -> None:
    answer = page.get(path)
    assert (answer.status, answer.json()["field"]) == (status, field)
    assert answer.json()["error"]


def test_at_most_so_many_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    made = Explanations(folder)
    monkeypatch.setattr(made, "_make", lambda *asked: gate.wait(10) and {})

    async def crowd() -> None:
        waiting = [asyncio.create_task(made.ask("a/b", "c", None))
                   for _ in range(explanations.AT_ONCE_MAX)]
        await asyncio.sleep(0)
        with pytest.raises(BusyError):
            await made.ask("a/b", "c", None)
        gate.set()
        await asyncio.gather(*waiting)
        await asyncio.sleep(0)
        assert await made.ask("a/b", "c", None) == {}

    asyncio.run(crowd())
    made.close()


def test_what_takes_too_long_is_stopped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explanations, "SECONDS_MAX", 0.05)
    made, stopped = Explanations(folder), threading.Event()

    def make(place: str, indicator: str, time_ms: int | None, stop: threading.Event
             ) -> dict[str, Any]:
        assert stop.wait(10)
        stopped.set()
        raise TooLongError

    monkeypatch.setattr(made, "_make", make)

    async def ask() -> None:
        with pytest.raises(TooLongError):
            await made.ask("a/b", "c", None)

    asyncio.run(ask())
    assert stopped.wait(5)
    made.close()


def test_a_folder_without_an_archive_is_no_crash(tmp_path: Path) -> None:
    made = Explanations(tmp_path)
    with pytest.raises(UnexplainedError):
        asyncio.run(made.ask("a/b", "air.us_aqi", None))
    made.close()


def test_one_click_from_a_number_to_its_explanation(
    one_browser: Browser, page: Site  # noqa: F811
) -> None:
    browser = one_browser
    browser.get_log("browser")
    size(browser, 1280, 1000)
    browser.get(page.url)
    until(lambda: count(browser, ".card[data-key='air.us_aqi'] a.explain") == 1)
    click(browser, ".card[data-key='air.us_aqi'] a.explain")
    until(lambda: "the same as stored" in text(browser, "#explain-equal"))
    body = text(browser, "#panel-body")
    assert "Worst station" in body or "area: worst" in body
    click(browser, "#panel-body a[href^='#/explain/centre/s1/air.us_aqi/']")
    until(lambda: count(browser, "#explain-steps li") > 4)
    assert text(browser, "#explain-station") == "Then S1, at 41.10000, -8.60000"
    assert "[object" not in text(browser, "#panel-body")
    assert text(browser, "#panel-title") == "How it came about: US AQI, S1"
    assert browser.execute_script("return document.activeElement.id") == "panel-title"
    link = browser.find_element(By.CSS_SELECTOR, "#explain-standard a")
    assert str(link.get_attribute("href")).startswith("https://www.ecfr.gov/")
    assert "value lies outside what the quantity can be" in text(browser, "#explain-left")
    for mark in INDICATORS[POSITION["air.us_aqi"]].open_marks:
        assert f"Unconfirmed: {mark}" in text(browser, "#panel-body")
    shoot(browser, "explain", whole=False)
    browser.execute_script(
        "document.querySelectorAll('#panel details').forEach((node) => { node.open = true; });"
        "document.getElementById('panel').scrollTop = 1e6;")
    shoot(browser, "explain-end", whole=False)
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.ESCAPE)
    until(lambda: browser.execute_script("return document.getElementById('panel').hidden"))
    assert errors(browser) == []


def test_the_number_of_a_station_explains_itself_by_keyboard(
    one_browser: Browser, page: Site  # noqa: F811
) -> None:
    browser = one_browser
    browser.get(f"{page.url}/#/station/centre/s1/dq.completeness")
    until(lambda: browser.execute_script("""
        const link = document.querySelector('#panel-now a.explain');
        link?.focus();
        return link !== null && document.activeElement === link;
    """))
    # To whatever has the focus: the page may draw the link anew meanwhile, and keeps the focus.
    ActionChains(browser).send_keys(Keys.ENTER).perform()
    until(lambda: "readings had and owed" in text(browser, "#explain-steps"))
    size(browser, 360, 740)
    wide: int = browser.execute_script("return document.documentElement.scrollWidth")
    assert wide <= 360
    shoot(browser, "explain-phone", whole=False)
