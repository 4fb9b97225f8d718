"""How long a reading takes from its publisher to the page, beside a load of many others.

Broker, ingest and page are the programs that ship. Probes are devices of their own that send a
reading a second, each at another moment of it, with the time at which it was sent; the page's live
feed is read as a browser does. What is told is the time from sending until the feed has brought
the reading, or a newer one of its series, and until it has brought the point of a window in
progress that the reading changed: completeness, which says how many readings it is of.
"""

import json
import socket
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from benchmarks import frames, programs
from benchmarks.goals import Column, Goal, goal
from benchmarks.ingest_rows import connected, publisher_command, write_config
from benchmarks.programs import MeasureError
from benchmarks.progress import Progress
from benchmarks.publisher import opened
from edge.wire import encode_single
from engine.catalogue import INDICATORS, POSITION

PROBES = 50
WARM_S = 8.0
"""Every series is made known and the page reads the store for the first time."""
TAIL_S = 4.0
"""What was sent last has so long to arrive."""
LINE_BYTES_MAX = 64 << 20
GOAL_MS, GOAL_RATE = 250, 50_000
_COMPLETENESS = INDICATORS[POSITION["dq.completeness"]]


class Wanted(NamedTuple):
    """How much to measure. rates: readings a second beside the probes. keys: of the settings."""

    rates: tuple[int, ...] = (0, 5_000, GOAL_RATE)
    seconds: float = 20.0
    devices: int = 1000
    broker: str = "nats"
    keys: dict[str, Any] = {}  # noqa: RUF012 - never changed


class Sent(NamedTuple):
    """A reading of a probe: which one, when it was sent, Unix ms, and if it is measured."""

    path: str
    time_ms: int
    measured: bool = True


class Counted(NamedTuple):
    """A point of a probe's station, as the page had it: completeness of the hour, of n readings."""

    at_ms: float
    path: str
    end_ms: int
    value: float
    n: int


class Listener(threading.Thread):
    """The page's live feed: when which series had come how far, and points of which place."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 80), 10.0)
        self._socket.sendall(
            f"GET /api/live HTTP/1.0\r\nHost: {parts.netloc}\r\nAccept: text/event-stream\r\n\r\n"
            .encode()
        )
        self._lines = self._socket.makefile("rb")
        status = self._lines.readline(LINE_BYTES_MAX)
        if b" 200 " not in status:
            self._socket.close()
            raise OSError(f"{url} answers {status!r}")
        self._socket.settimeout(None)
        self.readings: list[tuple[float, str, int]] = []
        self.points: list[Counted] = []

    def run(self) -> None:
        """Take note of frames until the page closes or `close`."""
        event = ""
        with self._lines as lines:
            while line := lines.readline(LINE_BYTES_MAX):
                if line.startswith(b"event: "):
                    event = line[7:].strip().decode()
                elif line.startswith(b"data: "):
                    self._take(event, time.time() * 1000, json.loads(line[6:]))

    def _take(self, event: str, now_ms: float, data: dict[str, Any]) -> None:
        if event == "readings":
            self.readings += [(now_ms, row[0], row[4]) for row in data["readings"]
                              if row[0].startswith("centre/p")]
        elif event == "points":
            self.points += [
                Counted(now_ms, row[0], row[2], row[3], row[6]) for row in data["points"]
                if row[1] == _COMPLETENESS.key and row[0].startswith("centre/p")]

    def close(self) -> None:
        """End it."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def percentiles(found: Iterable[float]) -> dict[str, float]:
    """p50, p95, p99 and the largest, ms."""
    rows = sorted(found)
    if not rows:
        return {}
    names = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99, "max_ms": 1.0}
    return {name: round(rows[min(int(share * len(rows)), len(rows) - 1)], 1)
            for name, share in names.items()}


def delays(
    sent: list[Sent], readings: list[tuple[float, str, int]], points: list[Counted]
) -> tuple[list[float], list[float], int]:
    """Delays of readings and of points, ms, and readings that never came.

    A point's delay is that of its newest reading, the one that changed what is shown; one that is
    said again as it was is no news and not counted.
    """
    shown: dict[str, list[tuple[float, int]]] = {}
    for at_ms, path, time_ms in readings:
        shown.setdefault(path, []).append((at_ms, time_ms))
    of_readings, lost = [], 0
    for one in sent:
        if not one.measured:
            continue
        came = [at for at, upto in shown.get(one.path, ()) if upto >= one.time_ms]
        lost += not came
        of_readings += [came[0] - one.time_ms] if came else []
    of_points = []
    before: dict[str, tuple[int, float]] = {}
    for point in points:
        now = point.end_ms, round(point.value, _COMPLETENESS.digits)
        if before.get(point.path) == now:
            continue
        before[point.path] = now
        in_window = [one for one in sent if one.path == point.path
                     and 0 <= point.end_ms - one.time_ms < _COMPLETENESS.window_s * 1000]
        newest = in_window[min(point.n, len(in_window)) - 1]
        of_points += [point.at_ms - newest.time_ms] if newest.measured else []
    return of_readings, of_points, lost


def rows(wanted: Wanted) -> Iterator[dict[str, Any]]:
    """Measure; two rows for each rate, of readings and of points."""
    with tempfile.TemporaryDirectory(prefix="cityvitals-bench-") as base:
        for number, rate in enumerate(wanted.rates):
            head = {"broker": wanted.broker, "qos": 0, "load_per_s": rate}
            why = programs.missing(wanted.broker)
            if not why:
                try:
                    yield from _measured(Path(base) / str(number), rate, wanted, head)
                    continue
                except MeasureError as error:
                    why = str(error)
            yield {**head, "what": "readings", "not_run": why}


def _measured(
    folder: Path, rate: int, wanted: Wanted, head: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    folder.mkdir()
    over_s = wanted.seconds + WARM_S + TAIL_S
    load = frames.build(
        folder / "load", messages=max(int(rate * over_s), 1), block=1, qos=0,
        devices=wanted.devices,
    )
    with programs.broker(wanted.broker, folder / "broker") as (port, _):
        config = write_config(folder, port, wanted.devices, wanted.keys)
        with (folder / "places.csv").open("a", encoding="utf-8") as file:
            file.write(_places_of_probes())
        progress = Progress.create(folder / "progress")
        web = programs.free_port()
        reader = programs.module("benchmarks.reader", "cityvitals", "--port", port, "--progress",
                                 folder / "progress", "--config", config)
        page = programs.module(
            "cityvitals", "dashboards", "serve", "--store", folder / "store.db", "--port", web
        )
        with programs.running(reader, folder / "ingest.log") as ingest:
            programs.wait(lambda: connected(folder / "store.db"), "ingest is connected")
            with programs.running(page, folder / "page.log"):
                listener = _listen(f"http://127.0.0.1:{web}", folder / "page.log")
                begun = time.monotonic(), programs.cpu_s(ingest.pid), written(ingest.pid)
                sender = publisher_command(port, load, folder / "progress", float(rate))
                if rate:
                    with programs.running(sender, folder / "sender.log"):
                        sent = _probe(port, wanted.seconds)
                        progress.put("stop", 1)
                else:
                    sent = _probe(port, wanted.seconds)
                took_s, cpu_s = time.monotonic() - begun[0], programs.cpu_s(ingest.pid) - begun[1]
                disk_bytes = written(ingest.pid) - begun[2]
                listener.close()
    load.path.unlink()
    of_readings, of_points, lost = delays(sent, listener.readings, listener.points)
    came = progress.get("readings") / took_s
    more = {"taken_per_s": round(came), "ingest_cpu": round(cpu_s / took_s, 3),
            "disk_kb_per_s": round(disk_bytes / took_s / 1e3)}
    head |= {"sent": sum(one.measured for one in sent)}
    yield {**head, "what": "readings", **percentiles(of_readings), "lost": lost, **more}
    yield {**head, "what": "open points", **percentiles(of_points), **more}


def _places_of_probes() -> str:
    rows_of = frames.places(PROBES).splitlines()[2:]
    return "\n".join(row.replace(",s", ",p", 1).replace(",d", ",q", 1) for row in rows_of) + "\n"


def written(pid: int) -> int:
    """Bytes that a process has had written to disks (Linux; 0 where that is not told)."""
    try:
        text = Path(f"/proc/{pid}/io").read_text(encoding="ascii")
    except OSError:
        return 0
    return int(dict(row.split(": ") for row in text.splitlines())["write_bytes"])


def _listen(url: str, log: Path) -> Listener:
    found: list[Listener] = []

    def listens() -> bool:
        try:
            found.append(Listener(url))
        except OSError:
            return False
        return True

    programs.wait(listens, f"the page answers; it said: {log.read_text(errors='replace')[-300:]}")
    found[0].start()
    return found[0]


def _probe(port: int, seconds: float) -> list[Sent]:
    """Send readings of the probes in turn; those of the warm-up are not measured."""
    sock = opened(port, "bench-probe")
    begun, sent = time.monotonic(), []
    count = 0
    while time.monotonic() < begun + WARM_S + seconds:
        probe, number = count % PROBES, count // PROBES + 1
        wait_s = begun + count / PROBES - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
        time_ms = time.time_ns() // 1_000_000
        payload = encode_single(1, number, frames.QUANTITY, time_ms, 10.0 + number % 40 / 10)
        topic = f"cv/1/r/bench/centre/p{probe}/q{probe}".encode()
        sock.sendall(frames.frame(topic, payload, 0, 0))
        sent.append(Sent(f"centre/p{probe}", time_ms, time.monotonic() >= begun + WARM_S))
        count += 1
    time.sleep(TAIL_S)
    sock.close()
    return sent


COLUMNS = (
    Column("broker", "broker"), Column("qos", "QoS"),
    Column("load_per_s", "load, readings/s", ",d"), Column("what", "what"),
    Column("p50_ms", "p50, ms", ",.0f"), Column("p95_ms", "p95", ",.0f"),
    Column("p99_ms", "p99", ",.0f"), Column("max_ms", "max", ",.0f"), Column("lost", "lost", ",d"),
    Column("taken_per_s", "taken in/s", ",d"), Column("ingest_cpu", "ingest, cores", ".2f"),
    Column("disk_kb_per_s", "its disk, KB/s", ",d"),
)


def goals(found: list[dict[str, Any]]) -> list[Goal]:
    """Published to page at 50,000 readings/s."""
    rows_of = {(row["load_per_s"], row["what"]): row for row in found}
    return [
        goal(f"a reading on the page at {GOAL_RATE:,} readings/s, QoS 0: p99", -GOAL_MS,
             rows_of.get((GOAL_RATE, what), {}).get("p99_ms"), ".0f", " ms")
        if what == "readings" else
        goal("an open point after it: p99", -GOAL_MS,
             rows_of.get((GOAL_RATE, what), {}).get("p99_ms"), ".0f", " ms")
        for what in ("readings", "open points")
    ]
