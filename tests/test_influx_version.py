"""Which InfluxDB it is, by a real one and by those that answer otherwise."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from dashboards.influx_version import ask, major
from edge.settings import SettingsError
from tests.influxd import Influxd


@pytest.mark.parametrize(("told", "version"), [
    ("1.6.7", 1), ("1.8.10", 1), ("v2.7.12", 2), ("3.1.0", 3), (None, 2), ("nightly", 2),
    ("17.1", 2),
])
def test_by_what_it_says_of_itself(told: str | None, version: int) -> None:
    assert major(told) == version


def test_a_real_one(tmp_path: Path) -> None:
    server = Influxd(tmp_path)
    server.start()
    try:
        assert ask(server.url) == ask(f"{server.url}/") == 1
    finally:
        server.kill()


@contextmanager
def answering(status: int, version: str) -> Iterator[str]:
    class Answer(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("X-Influxdb-Version", version)
            self.send_header("Content-Length", "0")
            self.end_headers()

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("status", [204, 401])
def test_one_that_wants_a_token_first_tells_its_version_all_the_same(status: int) -> None:
    with answering(status, "3.4.1") as url:
        assert ask(url) == 3


@pytest.mark.parametrize(("url", "words"), [
    ("http://127.0.0.1:1", "say --influx-version 1, 2 or 3"),
    ("ftp://x", "must be http://host:port"),
])
def test_silence_is_said_with_the_way_out(url: str, words: str) -> None:
    with pytest.raises(SettingsError, match="--influx-url") as told:
        ask(url)
    assert words in str(told.value)
    assert "\n" not in str(told.value)
