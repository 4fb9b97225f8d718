"""Points to InfluxDB as ingest sends them, beside `Point` objects through the batching writer.

Both send the same points of stations, with the same tags and fields, to a server on a loopback
address that takes everything and answers 204; what is measured is the sender.
"""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from influxdb_client import InfluxDBClient, Point, WriteOptions

from benchmarks import programs
from benchmarks.goals import Column, Goal, goal
from edge.places import PlaceKey
from engine.catalogue import INDICATORS
from engine.points import Points, empty
from ingest.influx import InfluxSink
from ingest.lines import PointLines
from ingest.settings_influx import InfluxSettings
from ingest.spool import Spool
from ingest.store import Store

TICK_POINTS = 5_000
"""Points that one tick hands on."""
BATCH_LINES = 5_000
END_S = 1_790_000_000 // 3600 * 3600
FLUSH_S = 60.0


class Wanted(NamedTuple):
    """How much to measure."""

    points: int = 100_000
    stations: int = 1_000


class _Taker(BaseHTTPRequestHandler):
    """Takes everything that is written and counts lines."""

    protocol_version = "HTTP/1.1"
    lines = 0

    def do_GET(self) -> None:
        self._answer(b'{"status":"pass","version":"v2.7.0"}', 200)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        type(self).lines += body.count(b"\n") + (not body.endswith(b"\n"))
        self._answer(b"", 204)

    def _answer(self, body: bytes, status: int) -> None:
        self.send_response(status)
        self.send_header("X-Influxdb-Version", "v2.7.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def ticks(wanted: Wanted) -> tuple[list[Points], list[PlaceKey]]:
    """Points of stations in ticks, each series once an hour."""
    keys = [PlaceKey("bench", f"d{k // 100}", f"s{k}") for k in range(wanted.stations)]
    rng = np.random.default_rng(3)
    found = []
    for first in range(0, wanted.points, TICK_POINTS):
        count = min(TICK_POINTS, wanted.points - first)
        at = np.arange(first, first + count)
        points = empty(count)
        points.place[:] = at % wanted.stations
        points.indicator[:] = at // wanted.stations % len(INDICATORS)
        points.end_s[:] = END_S + at // (wanted.stations * len(INDICATORS)) * 3600
        points.value[:] = np.round(rng.uniform(0, 200, count), 2)
        points.level[:] = rng.integers(0, 3, count)
        points.cov[:] = 1.0
        points.n[:] = 60
        points.rev[:] = 1
        points.state[:] = 1
        found.append(points)
    return found, keys


def as_objects(points: Points, keys: list[PlaceKey]) -> Iterator[Point]:
    """The same points as objects of the client library."""
    for k in range(len(points)):
        key, entry = keys[points.place[k]], INDICATORS[points.indicator[k]]
        yield (
            Point("indicator").tag("city", key.city).tag("district", key.district)
            .tag("station", key.station).tag("domain", entry.domain).tag("ind", entry.id)
            .field("value", float(points.value[k])).field("level", int(points.level[k]))
            .field("cov", float(points.cov[k])).field("n", int(points.n[k]))
            .field("state", int(points.state[k])).field("rev", int(points.rev[k]))
            .time(int(points.end_s[k]), "s")
        )


def _timed(what: str, count: int, run: Callable[[], None]) -> dict[str, Any]:
    """A row: points a second by the wall and CPU of this process, the server's share too."""
    begun, cpu_s = time.perf_counter(), time.process_time()
    run()
    cpu_s, took_s = time.process_time() - cpu_s, time.perf_counter() - begun
    return {
        "what": what, "points": count, "points_per_s": round(count / took_s),
        "cpu_us_per_point": round(cpu_s / count * 1e6, 2),
    }


def rows(wanted: Wanted) -> Iterator[dict[str, Any]]:
    """Measure; the server answers in threads of this process, to both alike."""
    found, keys = ticks(wanted)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Taker)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        with tempfile.TemporaryDirectory(prefix="cityvitals-bench-") as base:
            for what, run in (
                ("columns to bytes", lambda: _encode(found, keys)),
                ("columns to bytes, spool, server", lambda: _ours(Path(base), url, found, keys)),
                ("Point objects, batching writer, server", lambda: _objects(url, found, keys)),
                ("columns into the store", lambda: _store(Path(base), found, keys)),
            ):
                yield _timed(what, wanted.points, run)
    finally:
        server.shutdown()
        server.server_close()


def _encode(found: list[Points], keys: list[PlaceKey]) -> None:
    lines = PointLines()
    for points in found:
        lines.encode(points, keys)


def _ours(base: Path, url: str, found: list[Points], keys: list[PlaceKey]) -> None:
    spool = Spool.create(base / "spool.db")
    sink = InfluxSink(InfluxSettings(url=url, bucket="bench", org="bench"), spool)
    lines = PointLines()
    sink.start()
    for points in found:
        sink.write(lines.encode(points, keys))
    programs.wait(lambda: spool.depth().queued == 0, "the server has all of the spool", FLUSH_S)
    sink.stop(FLUSH_S)
    spool.close()


def _objects(url: str, found: list[Points], keys: list[PlaceKey]) -> None:
    with InfluxDBClient(url=url, token="none", org="bench") as client:  # noqa: S106
        writer = client.write_api(
            write_options=WriteOptions(batch_size=BATCH_LINES, flush_interval=1_000)
        )
        for points in found:
            writer.write(bucket="bench", record=as_objects(points, keys), write_precision="s")
        writer.close()


def _store(base: Path, found: list[Points], keys: list[PlaceKey]) -> None:
    store = Store.create(base / "store.db")
    for points in found:
        store.write(points, keys, END_S * 1000)
    store.close()


COLUMNS = (
    Column("what", "what"), Column("points", "points", ",d"),
    Column("points_per_s", "points/s", ",d"), Column("cpu_us_per_point", "CPU µs a point", ".2f"),
)


def goals(found: list[dict[str, Any]]) -> list[Goal]:
    """The row of the design's table that concerns the sinks."""
    by = {row["what"]: row for row in found}
    ours = by.get("columns to bytes, spool, server")
    theirs = by.get("Point objects, batching writer, server")
    ratio = share = None
    if ours and theirs:
        ratio = ours["points_per_s"] / theirs["points_per_s"]
        share = theirs["cpu_us_per_point"] / max(ours["cpu_us_per_point"], 1e-9)
    return [
        goal("points/s, times those of Point objects through the batching writer", 5, ratio, ".1f"),
        goal("times less CPU than Point objects through the batching writer", 5, share, ".1f"),
    ]
