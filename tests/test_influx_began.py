"""When a server began, read from what Debian's InfluxDB and others say, and from nonsense."""

import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge.settings import check
from ingest import influx
from ingest.influx_began import METRICS_BYTES_MAX, began_ms
from ingest.settings_influx import InfluxSettings
from tests.influxd import Influxd


def test_a_real_server_tells(tmp_path: Path) -> None:
    server = Influxd(tmp_path)
    before_ms = time.time_ns() // 1_000_000
    server.start()
    try:
        assert before_ms - 1000 <= server.began_ms() <= before_ms + 30_000
    finally:
        server.kill()


@pytest.mark.parametrize(("line", "expected"), [
    ("process_start_time_seconds 1.79572005516e+09", 1_795_720_055_160),
    ("process_start_time_seconds 1795720055", 1_795_720_055_000),
    ("process_start_time_seconds 1e99", 0),
    ("process_start_time_seconds NaN", 0),
    ("process_start_time_seconds 1.2.3", 0),
    ("process_start_time_seconds{a=\"b\"} 5", 0),
    ("# process_start_time_seconds 5", 0),
    ("", 0),
])
def test_a_line(line: str, expected: int) -> None:
    assert began_ms(f"a 1\n{line}\nb 2\n".encode()) == expected


@given(st.binary(max_size=200))
@example(b"process_start_time_seconds 9e99")
def test_nonsense_is_no_time(metrics: bytes) -> None:
    assert 0 <= began_ms(metrics) < 1 << 62


class Chatty(BaseHTTPRequestHandler):
    """Says much before it says when it began."""

    def do_GET(self) -> None:
        body = b"#" * METRICS_BYTES_MAX + b"\nprocess_start_time_seconds 5\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def test_no_more_is_read_of_an_answer() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Chatty) as chatty:
        thread = threading.Thread(target=chatty.serve_forever, args=(0.02,))
        thread.start()
        url = f"http://127.0.0.1:{chatty.server_port}"
        server = influx._Server(check({"url": url}, InfluxSettings, "test"))
        assert server.began_ms() == 0
        server.close()
        chatty.shutdown()
        thread.join()
