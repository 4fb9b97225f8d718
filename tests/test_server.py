"""The HTTP server as clients see it: answers, refusals, headers, tokens, live events."""

import base64
import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboards import live, server
from ingest.store import Reading, Store
from tests.page_city import WORST, City
from tests.page_site import Site, site
from tests.store_readings import write_readings

NOW = time.time_ns() // 1_000_000


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server over a filled city whose clock stands at NOW."""
    path = tmp_path_factory.mktemp("city") / "store.db"
    city = City(path, NOW)
    city.tick(NOW)
    city.store.close()
    with site(path, wall_ms=lambda: NOW) as running:
        yield running.ready()


def test_now_holds_everything_a_page_needs(page: Site) -> None:
    answer = page.get("/api/now")
    assert answer.status == 200
    body = answer.json()
    assert (body["format"], body["now_ms"], body["city"]) == (1, NOW, "riverton")
    assert sum(place["scope"] == "station" for place in body["places"]) == 72
    assert {row[1] for row in body["points"]} >= {"air.us_aqi", "traffic.tti"}
    assert len(body["readings"]) == 24 * (4 + 3 + 2) - 3


def test_history_of_a_station(page: Site) -> None:
    body = page.get(f"/api/history?place={WORST}&indicator=air.us_aqi").json()
    assert len(body["points"]) == 24
    assert body["level"] == 3
    assert body["to_ms"] == NOW


def test_history_takes_both_kinds_of_time(page: Site) -> None:
    from_text = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW / 1000 - 7200))
    query = f"/api/history?place=_/_&indicator=traffic.tti&from={from_text}&to={NOW}"
    assert 23 <= len(page.get(query).json()["points"]) <= 24


def test_events_page_by_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "EVENTS_MAX", 2)
    city = City(tmp_path / "store.db", NOW)
    city.tick(NOW)
    for k, path in enumerate((WORST, WORST, "centre/grid1", WORST)):
        city.store.write_event(NOW - k, path, "restated", "air.us_aqi", "info", f"{k}", "late")
    city.store.close()
    with site(tmp_path / "store.db", wall_ms=lambda: NOW) as running:
        page = running.ready()
        first = page.get("/api/events").json()
        assert [row[5] for row in first["events"]] == ["0", "1"]
        second = page.get(f"/api/events?before={first['before_ms']}").json()
        assert [row[5] for row in second["events"]] == ["2", "3"]
        last = page.get(f"/api/events?before={second['before_ms']}").json()
        assert (last["events"], last["before_ms"]) == ([], None)
        here = page.get(f"/api/events?place={WORST}").json()
        assert [row[5] for row in here["events"]] == ["0", "1"]
        inside = page.get("/api/events?place=centre/_").json()
        assert [row[5] for row in inside["events"]] == ["2"]
        assert page.get("/api/events?place=no/where").status == 404


def test_a_long_history_is_merged(page: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HISTORY_SAMPLES_MAX", 50)
    body = page.get(f"/api/history?place=_/_&indicator=traffic.tti&from={NOW - 86_400_000}").json()
    assert body["merged"]
    assert len(body["points"]) <= 50


@pytest.mark.parametrize(("path", "status", "field"), [
    ("/api/history?indicator=air.us_aqi", 400, "place"),
    ("/api/history?place=_/_", 400, "indicator"),
    ("/api/history?place=_/_&indicator=air.none", 404, "indicator"),
    ("/api/history?place=no/where&indicator=air.us_aqi", 404, "place"),
    ("/api/history?place=_/_&indicator=air.us_aqi&from=yesterday", 400, "from"),
    ("/api/history?place=_/_&indicator=air.us_aqi&to=2026-01-01T00:00:00", 400, "to"),
    ("/api/history?place=_/_&indicator=air.us_aqi&to=99999999999999999999", 400, "to"),
    ("/api/history?place=_/_&indicator=air.us_aqi&from=9&to=8", 400, "from"),
    ("/api/live?after=-1", 400, "after"),
    ("/api/live?after=99999999999999999999", 400, "after"),
    ("/nothing", 404, ""),
    ("/static/", 403, ""),
    ("/static/../server.py", 404, ""),
    ("/static/%2e%2e/server.py", 404, ""),
])
def test_refusals_say_what_is_wrong_and_where(
    page: Site, path: str, status: int, field: str
) -> None:
    answer = page.get(path)
    assert answer.status == status
    body = answer.json()
    assert set(body) == {"error", "field"}
    assert body["field"] == field
    assert body["error"]


def test_nothing_can_be_written(page: Site) -> None:
    answer = page.get("/api/now", method="POST")
    assert answer.status == 405
    assert answer.json()["error"] == "/api/now can only be read"


@pytest.mark.parametrize("path", ["/", "/api/now", "/api/live", "/metrics", "/nothing",
                                  "/static/js/start.js"])
def test_every_answer_is_closed_to_the_outside(page: Site, path: str) -> None:
    if path == "/api/live":
        with page.events():
            return
    headers = page.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'self';")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_health_and_metrics(page: Site) -> None:
    body = page.get("/api/health").json()
    assert body["trust"] == "good"
    command = body["health"]["held"][0]["command"]
    assert command.startswith("cityvitals place add pms-77 --district centre --station cellar")
    text = page.get("/metrics")
    assert text.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "cityvitals_ingest_up 1" in text.body.decode()


def test_only_loopback_names_without_a_token(page: Site) -> None:
    assert page.get("/api/now", {"Host": "evil.example"}).status == 403
    assert page.get("/api/now", {"Host": "evil.example:80"}).json()["field"] == "Host"
    for host in ("localhost", "localhost:8080", "127.0.0.1", "[::1]", "[::1]:8080"):
        assert page.get("/api/health", {"Host": host}).status == 200


def test_live_resumes_by_last_event_id(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store.db")

    def write(time_ms: int) -> None:
        write_readings(store, [Reading("a/b", "d", "pm25", "", time_ms, 1.0, 1, 1.0)])

    with site(tmp_path / "store.db") as running:
        running.ready()
        seq = running.get("/api/now").json()["seq"]
        with running.events(f"/api/live?after={seq}") as events:
            write(1000)
            first = next(event for event in events if event["event"] == "readings")
        write(2000)
        with running.events(headers={"Last-Event-ID": first["id"]}) as events:
            second = next(event for event in events if event["event"] == "readings")
        assert json.loads(second["data"])["readings"][0][4] == 2000
        assert int(second["id"]) > int(first["id"]) > seq
        with running.events() as events:
            beat = next(event for event in events if event["event"] == "heartbeat")
        assert json.loads(beat["data"])["clock"]["kind"] == "wall"
    store.close()


def test_too_many_pages_are_told_to_come_back(
    page: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "CLIENTS_MAX", 0)
    answer = page.get("/api/live")
    assert answer.status == 503
    assert answer.headers["retry-after"] == "2"


def test_without_a_store_the_page_stands_and_the_answers_say_why(tmp_path: Path) -> None:
    with site(tmp_path / "store.db") as running:
        assert running.get("/").status == 200
        for path in ("/api/now", "/api/health", "/api/live",
                     "/api/history?place=_/_&indicator=air.us_aqi"):
            answer = running.get(path)
            assert answer.status == 503
            assert answer.json()["error"]
        assert b"cityvitals_ingest_up 0" in running.get("/metrics").body


def test_with_a_token_every_path_needs_it(tmp_path: Path) -> None:
    Store.create(tmp_path / "store.db").close()
    basic = base64.b64encode(b"anyone:gr\xc3\xbcn").decode()
    with site(tmp_path / "store.db", token="grün") as running:
        running.ready()
        for path in ("/", "/api/now", "/metrics", "/static/js/start.js", "/nothing"):
            refused = running.get(path)
            assert refused.status == 401
            assert refused.headers["www-authenticate"].startswith("Basic ")
        for header in (f"Basic {basic}", f"basic {basic}"):
            assert running.get("/api/now", {"Authorization": header}).status == 200
        for header in ("Bearer wrong", "Basic !!!", "Basic", "Digest x", ""):
            assert running.get("/", {"Authorization": header}).status == 401
        named = {"Authorization": f"Basic {basic}", "Host": "city.example"}
        assert running.get("/api/now", named).status == 200


@pytest.mark.parametrize(("host", "own"), [
    ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("[::1]", True),
    ("localhost", True), ("0.0.0.0", False), ("10.0.0.1", False), ("example.org", False),  # noqa: S104
    ("", False),
])
def test_loopback(host: str, own: bool) -> None:
    assert server.is_loopback(host) is own


def test_bearer_tokens() -> None:
    assert server.token_of("Bearer abc ") == "abc"
    assert server.token_of("") == ""


def test_it_starts_without_the_compiler() -> None:
    """Kernels are loaded when somebody first asks for an explanation: a start takes a second."""
    done = subprocess.run(
        [sys.executable, "-c", "import sys, dashboards.server; print('numba' in sys.modules)"],
        check=True, capture_output=True, text=True,
    )
    assert done.stdout == "False\n"


def test_each_page_is_told_another_time_to_come_back_after(page: Site) -> None:
    waits = set()
    for _ in range(8):
        link = http.client.HTTPConnection("127.0.0.1", page.port, timeout=10)
        link.request("GET", "/api/live")
        name, _, wait = link.getresponse().readline().decode().partition(": ")
        link.close()
        assert name == "retry"
        assert server.RETRY_MS[0] <= int(wait) <= server.RETRY_MS[1]
        waits.add(wait)
    assert len(waits) > 1
