"""The sink against a real InfluxDB 1.6.7, killed in the middle, and against the v2 answers."""

import gc
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from edge.places import PlaceKey
from edge.settings import SettingsError, check
from engine.points import empty
from ingest import influx
from ingest.influx import InfluxSink
from ingest.lines import Batch, PointLines, event
from ingest.settings_influx import InfluxSettings
from ingest.spool import Spool
from tests.influxd import Influxd, free_port

BASE_S = 1_763_836_000


SHIPPED = influx.BACKOFF_S, influx.BACKOFF_S_MAX


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(influx, "BACKOFF_S", 0.05)
    monkeypatch.setattr(influx, "BACKOFF_S_MAX", 0.2)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool.create(tmp_path / "spool.db")
    yield spool
    spool.close()
    gc.collect()


@pytest.fixture
def influxd(tmp_path: Path) -> Iterator[Influxd]:
    server = Influxd(tmp_path / "influxd")
    server.start()
    yield server
    server.kill()


def until(condition: Callable[[], Any], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def running(spool: Spool, **settings: Any) -> InfluxSink:
    sink = InfluxSink(check(settings, InfluxSettings, "test"), spool)
    sink.start()
    return sink


def lines(first: int, count: int) -> bytes:
    return b"".join(b"m,s=s%d value=%d.0 %d\n" % (i % 7, i, BASE_S + i)
                    for i in range(first, first + count))


def test_every_point_is_counted_though_the_server_is_killed_three_times(
    influxd: Influxd, spool: Spool
) -> None:
    """The server dies while a long queue is being sent, and again as soon as it is back."""
    batches, each, bad = 400, 250, 0
    for number in range(batches):
        rows = lines(number * each, each).split(b"\n")
        if number % 50 == 25:
            rows.insert(each // 2, b"m,s=s1 value=abc %d" % BASE_S)
            rows.insert(3, b"m,s=s1 value=%di %d" % (number, BASE_S))  # a float field elsewhere
            bad += 2
        body = b"\n".join(rows)
        spool.put(body, body.count(b"\n"))
    sink = running(spool, url=influxd.url)
    for part in (0.2, 0.5, 0.8):
        while sink.status()["written"] < part * batches * each:
            time.sleep(0.01)
        influxd.kill()
        assert sink.status()["queued"] > 0, "killed in the middle"
        until(lambda: sink.status()["error"])
        influxd.start()
    until(lambda: sink.status()["queued"] == 0)
    assert influxd.count("m") == batches * each
    status = sink.status()
    assert (status["dead"], status["written"], status["error"]) == (bad, batches * each, "")
    reasons = [row.reason for row in spool.dead_lines(100)]
    assert len(reasons) == bad
    assert sum("unable to parse" in reason for reason in reasons) == bad // 2
    assert sum("type conflict" in reason for reason in reasons) == bad // 2
    sink.stop(1)


def tear(wal: Path) -> None:
    """What a kill in the middle of a write leaves: an entry that promises more than is there."""
    (segment,) = [path for path in sorted(wal.rglob("*.wal")) if path.stat().st_size]
    with segment.open("ab") as file:
        file.write(b"\x01" + (5_000).to_bytes(4, "big") + b"torn")


def test_what_influxdb_confirmed_and_lost_is_sent_once_more(
    influxd: Influxd, spool: Spool, tmp_path: Path
) -> None:
    """1.6 writes behind the torn end of its log, and drops all that when it begins once more."""
    sink = running(spool, url=influxd.url)
    sink.write([Batch(lines(0, 100), 100)])
    until(lambda: sink.status()["written"] == 100)
    sink.stop(1)
    influxd.kill()
    tear(tmp_path / "influxd" / "wal")
    influxd.start()
    sink = running(spool, url=influxd.url)
    sink.write([Batch(lines(100, 50), 50), Batch(b"m,s=s1 value=7.5 %d\n" % BASE_S, 1)])
    until(lambda: sink.status()["written"] == 151)
    sink.stop(1)
    assert influxd.count("m") == 151
    influxd.kill()
    influxd.start()
    assert influxd.count("m") == 100, "confirmed, and gone"
    began_ms = spool.depth().since_ms
    sink = running(spool, url=influxd.url)
    until(lambda: influxd.count("m") == 151)
    until(lambda: sink.status()["written"] == 151)
    assert sink.status()["since_ms"] > began_ms
    sink.stop(1)


def told(seconds: float) -> tuple[int, str]:
    return 200, f"# HELP a b\nprocess_start_time_seconds {seconds!r}\ngo_threads 7\n"


@pytest.mark.parametrize(("first", "then", "gone", "again"), [
    (told(1.5e9), told(1.5e9), False, False),
    (told(1.5e9), told(1.5e9 + 0.01), False, True),
    (told(1.5e9), told(1.4e9), False, False),  # two servers behind one address
    ((401, ""), (401, ""), False, False),
    ((200, "no such thing"), (404, ""), True, True),
    ((404, ""), (404, ""), True, True),
    (told(1.5e9), told(1.5e9), True, False),
])
def test_a_server_that_began_anew_gets_the_last_lines_again(
    double: str, spool: Spool, monkeypatch: pytest.MonkeyPatch, first: tuple[int, str],
    then: tuple[int, str], gone: bool, again: bool,
) -> None:
    monkeypatch.setattr(influx, "ASK_S", 0.02)
    Double.metrics.append(first)
    sink = running(spool, url=double)
    bodies = [lines(0, 3), b"bad\n" + lines(3, 3), lines(6, 3)]
    for body in bodies:
        sink.write([Batch(body, body.count(b"\n"))])
    until(lambda: sink.status()["written"] == 9)
    Double.metrics[:] = [then]
    Double.seen.clear()
    if gone:
        monkeypatch.setattr(sink, "_was_gone", True)
    time.sleep(0.1)
    sink.write([Batch(lines(9, 3), 3)])
    until(lambda: sink.status()["written"] == 12 and sink.status()["queued"] == 0)
    kept = [lines(0, 3), lines(3, 3), lines(6, 3)] if again else []
    assert [row[4] for row in Double.seen] == [
        body.rstrip(b"\n") for body in (*kept, lines(9, 3))]
    assert sink.status()["dead"] == 1
    sink.stop(1)


def test_points_of_the_engine_arrive_as_they_were(influxd: Influxd, spool: Spool) -> None:
    points = empty(2)
    points.place[:] = [0, 1]
    points.value[:] = [51.25, float("nan")]
    points.level[:] = [1, 2]
    points.cov[:], points.n[:], points.rev[:], points.state[:] = 0.95, 57, 1, 1
    points.end_s[:] = BASE_S
    keys = [PlaceKey("ulm", "centre", "s1"), PlaceKey("ulm", "", "")]
    sink = running(spool, url=influxd.url)
    sink.write(PointLines().encode(points, keys))
    what = {"kind": "restated", "indicator": "us_aqi", "severity": "info", "title": 'a "b" c'}
    for body in ("one", "two", "two"):
        sink.write([Batch(event(keys[0], BASE_S * 1000, **what, body=body), 1, "ns")])
    until(lambda: sink.status()["queued"] == 0)
    (station,) = influxd.query('SELECT * FROM "indicator"')
    assert dict(zip(station["columns"], station["values"][0], strict=True)) == {
        "time": BASE_S * 10**9, "city": "ulm", "district": "centre", "station": "s1",
        "domain": "air", "ind": "us_aqi", "value": 51.25, "level": 1, "cov": 0.95, "n": 57,
        "state": 1, "rev": 1,
    }
    (area,) = influxd.query('SELECT * FROM "indicator_area"')
    row = dict(zip(area["columns"], area["values"][0], strict=True))
    assert (row["value"], row["level"], row["p95"], row["over"]) == (0, -1, 0, 0)
    (events,) = influxd.query('SELECT "text","title" FROM "event"')
    assert sorted(row[1] for row in events["values"]) == ["one", "two"]
    assert {row[0] // 10**6 for row in events["values"]} == {BASE_S * 1000}
    assert events["values"][0][2] == 'a "b" c'
    sink.stop(1)


def test_lines_beyond_the_retention_are_dead_letters_not_a_search(
    influxd: Influxd, spool: Spool
) -> None:
    influxd.query("CREATE DATABASE cityvitals WITH DURATION 1h")
    sink = running(spool, url=influxd.url)
    now_s = int(time.time())
    recent = b"".join(b"m value=1.0 %d\n" % (now_s - i) for i in range(100))
    sink.write([Batch(lines(0, 5000), 5000), Batch(recent, 100)])
    until(lambda: sink.status()["queued"] == 0)
    assert (sink.status()["dead"], sink.status()["written"]) == (5000, 100)
    (row,) = spool.dead_lines(10)
    assert "beyond retention" in row.reason
    assert row.lines == 5000
    assert influxd.count("m") == 100
    sink.stop(1)


def test_a_wrong_password_keeps_the_batch_and_says_so(
    tmp_path: Path, spool: Spool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    server = Influxd(tmp_path / "auth", auth=True)
    server.start()
    caplog.set_level(logging.DEBUG)
    try:
        server.query("CREATE USER writer WITH PASSWORD 'geheim-1' WITH ALL PRIVILEGES")
        monkeypatch.setenv("CV_WRONG", "falsch-2")
        monkeypatch.setenv("CV_RIGHT", "geheim-1")
        sink = running(spool, url=server.url, user="writer", password_env="CV_WRONG")
        sink.write([Batch(lines(0, 10), 10)])
        until(lambda: "401" in sink.status()["error"])
        assert "password" in sink.status()["error"]
        assert spool.depth().queued == 1
        sink.stop(0)
        sink = running(spool, url=server.url, user="writer", password_env="CV_RIGHT")
        until(lambda: sink.status()["queued"] == 0)
        sink.stop(1)
        assert spool.depth().written == 10
        for secret in ("falsch-2", "geheim-1"):
            assert secret not in caplog.text
            assert secret not in repr(sink)
    finally:
        server.kill()


class Double(BaseHTTPRequestHandler):
    """Answers as the v2 API is documented; `plan` holds the next answers, then 204."""

    plan: ClassVar[list[tuple[int, dict[str, str], str]]] = []
    seen: ClassVar[list[tuple[float, str, dict[str, Any], dict[str, str], bytes]]] = []
    metrics: ClassVar[list[tuple[int, str]]] = []
    protocol_version = "HTTP/1.1"

    def _answer(self, status: int, headers: dict[str, str], body: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def do_GET(self) -> None:
        if self.path == "/metrics":
            status, text = self.metrics[0] if self.metrics else (404, "")
            self._answer(status, {"Content-Type": "text/plain; version=0.0.4"}, text)
            return
        self._answer(204, {"X-Influxdb-Build": "OSS", "X-Influxdb-Version": "v2.7.1"}, "")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        url = urlsplit(self.path)
        self.seen.append(
            (time.monotonic(), url.path, parse_qs(url.query), dict(self.headers), body))
        if self.plan:
            self._answer(*self.plan.pop(0))
        elif b"bad" in body:
            text = json.dumps({"code": "invalid", "message": "unable to parse 'bad'"})
            self._answer(400, {"Content-Type": "application/json"}, text)
        else:
            self._answer(204, {}, "")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def double() -> Iterator[str]:
    Double.plan.clear()
    Double.metrics.clear()
    Double.seen.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Double) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def _json(code: str, message: str) -> str:
    return json.dumps({"code": code, "message": message})


def test_v2_dialect_sends_token_org_bucket_and_precision(
    double: str, spool: Spool, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("t0k3n\n")
    sink = running(spool, url=double, org="ulm", bucket="city",
                   token_file=str(tmp_path / "token"))
    sink.write([Batch(lines(0, 3), 3), Batch(b"event x=1 5\n", 1, "ns")])
    until(lambda: sink.status()["queued"] == 0)
    sink.stop(1)
    (_, path, query, headers, body), second = Double.seen
    assert path == "/api/v2/write"
    assert query == {"org": ["ulm"], "bucket": ["city"], "precision": ["s"]}
    assert headers["Authorization"] == "Token t0k3n"
    assert headers["Content-Type"].startswith("text/plain")
    assert body == lines(0, 3).rstrip(b"\n")
    assert second[2]["precision"] == ["ns"]


@pytest.mark.parametrize(("status", "text"), [
    (401, _json("unauthorized", "unauthorized access")), (403, _json("forbidden", "no")),
    (404, _json("not found", "bucket \"city\" not found")), (408, ""), (429, ""),
    (500, _json("internal error", "no")), (503, ""), (302, ""),
    (400, "<html>a proxy that did not like the request</html>"),
])
def test_v2_kept_and_tried_again(double: str, spool: Spool, status: int, text: str) -> None:
    Double.plan += [(status, {}, text)] * 2
    sink = running(spool, url=double)
    sink.write([Batch(lines(0, 3), 3)])
    until(lambda: str(status) in sink.status()["error"])
    until(lambda: sink.status()["queued"] == 0)
    assert len(Double.seen) == 3
    assert (sink.status()["dead"], sink.status()["written"], sink.status()["error"]) == (0, 3, "")
    sink.stop(1)


@pytest.mark.parametrize("status", [429, 503])
def test_v2_waits_as_long_as_the_server_asks(double: str, spool: Spool, status: int) -> None:
    Double.plan.append((status, {"Retry-After": "1"}, ""))
    sink = running(spool, url=double)
    sink.write([Batch(lines(0, 3), 3)])
    until(lambda: len(Double.seen) == 2)
    assert Double.seen[1][0] - Double.seen[0][0] >= 1.0
    sink.stop(1)


@pytest.mark.parametrize(("status", "text"), [
    (400, _json("invalid", "unable to parse")), (413, "too large"),
    (422, _json("unprocessable entity", "type conflict")),
])
def test_v2_refused_is_halved(double: str, spool: Spool, status: int, text: str) -> None:
    Double.plan.append((status, {}, text))
    sink = running(spool, url=double)
    sink.write([Batch(lines(0, 5) + b"bad\n" + lines(5, 5), 11)])
    until(lambda: sink.status()["queued"] == 0)
    sink.stop(1)
    assert (sink.status()["dead"], sink.status()["written"]) == (1, 10)
    (row,) = spool.dead_lines(5)
    assert (row.line, row.lines) == (b"bad", 1)
    assert row.reason == "400: unable to parse 'bad'"


def test_v3_words_about_a_line_are_kept(double: str, spool: Spool) -> None:
    text = json.dumps({"error": "partial write of line protocol occurred", "data": [
        {"line_number": 1, "original_line": "x", "error_message": "no fields were provided"}]})
    Double.plan.append((400, {}, text))
    sink = running(spool, url=double)
    sink.write([Batch(b"x 5\n", 1)])
    until(lambda: sink.status()["queued"] == 0)
    sink.stop(1)
    assert "no fields were provided" in spool.dead_lines(1)[0].reason


def test_nobody_listens_and_stop_is_quick(spool: Spool, caplog: pytest.LogCaptureFixture) -> None:
    sink = running(spool, url=f"http://127.0.0.1:{free_port()}")
    sink.write([Batch(lines(0, 3), 3)])
    until(lambda: sink.status()["error"])
    time.sleep(0.5)
    began = time.monotonic()
    sink.stop(5)
    assert time.monotonic() - began < 2
    assert spool.depth().queued == 1
    warnings = [row for row in caplog.records if row.name == "ingest.influx"]
    assert len(warnings) == 1, "the state changed once, however often it was tried"


def test_a_server_that_never_answers_does_not_hold_up_the_end(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its request may last `timeout_s`, 10 s or what the operator says; the batch stays."""
    monkeypatch.setattr(influx, "LAST_S_MAX", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        sink = InfluxSink(InfluxSettings(
            url=f"http://127.0.0.1:{deaf.getsockname()[1]}", timeout_s=30.0), spool)
        sink.start()
        sink.write([Batch(b"a v=1 1\n", 1)])
        asked, _ = deaf.accept()
        begun = time.monotonic()
        sink.stop(0.1)
        assert time.monotonic() - begun < 10.0
        assert spool.depth().queued == 1
        asked.close()
        sink._thread.join(10)


def test_stop_sends_what_waits(double: str, spool: Spool) -> None:
    for number in range(50):
        spool.put(lines(number, 1), 1)
    sink = running(spool, url=double)
    sink.stop(10)
    assert spool.depth().written == 50


@pytest.mark.parametrize(("settings", "words"), [
    ({"url": "ftp://x"}, "influx.url"), ({"url": "http://user:geheim@h:1"}, "password_env"),
    ({"token_env": "CV_ABSENT"}, "influx.token_env = 'CV_ABSENT'"),
    ({"token_file": "/nowhere/token"}, "influx.token_file"),
])
def test_settings_that_cannot_work_are_refused(
    spool: Spool, settings: dict[str, str], words: str
) -> None:
    with pytest.raises(SettingsError, match=words) as caught:
        InfluxSink(check(settings, InfluxSettings, "test"), spool)
    assert "geheim" not in str(caught.value)


def test_back_off_doubles_is_bounded_and_honours_the_server() -> None:
    assert 0.025 <= influx._delay_s(1, 0) <= 0.05
    assert influx._delay_s(1000, 0) <= influx.BACKOFF_S_MAX
    assert 7 <= influx._delay_s(1, 7) <= 7.7
    assert influx._delay_s(1, 1e9) <= influx.RETRY_AFTER_S_MAX * 1.1


@pytest.mark.parametrize("asked_s", [0.0, 20.0])
def test_back_off_of_many_is_spread_and_capped_at_seconds(
    monkeypatch: pytest.MonkeyPatch, asked_s: float
) -> None:
    monkeypatch.setattr(influx, "BACKOFF_S", SHIPPED[0])
    monkeypatch.setattr(influx, "BACKOFF_S_MAX", SHIPPED[1])
    waits = [influx._delay_s(20, asked_s) for _ in range(50)]
    assert len(set(waits)) == 50
    assert max(waits) - min(waits) > 1.0
    assert max(waits) <= SHIPPED[1] == 30.0
