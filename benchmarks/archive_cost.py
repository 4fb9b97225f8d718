"""What archive and acknowledgements cost: the same messages taken in with and without them.

`python -m benchmarks.archive_cost [--messages 200000] [--rounds 3]` starts a nats-server, leaves
single readings for ingest at QoS 1, and lets ingest take them in, in turns: once as it is, once
with an archive that writes nothing and without a word to the agents (the broker hears its
acknowledgement in both). It prints messages a second from the first to the last, CPU a message,
and the ratios; on a machine that has other work, that of CPU says more.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.machine import machine
from cityvitals import broker
from edge.broker_settings import BrokerSettings
from edge.connection import Connection
from edge.places import PlaceRow, render
from edge.settings import load
from edge.wire import encode_single
from ingest.archive import Archive
from ingest.program import Program
from ingest.receipts import Receipts
from ingest.settings_ingest import IngestSettings

DEVICES = 50
WAIT_S_MAX = 120.0
AHEAD_MAX = 10_000
"""Messages that the publisher is ahead of the broker."""
CLIENT = "bench-ingest"


def _wait(true: object, what: str) -> None:
    deadline = time.monotonic() + WAIT_S_MAX
    while not true():  # type: ignore[operator]
        if time.monotonic() > deadline:
            raise SystemExit(f"not within {WAIT_S_MAX:.0f} s: {what}")
        time.sleep(0.005)


def _confirmed(numbers: list[int], count: int) -> None:
    _wait(lambda: len(numbers) == count, f"the broker has {count:,} messages")


def publish(url: str, messages: int, first: int) -> None:
    """Leave `messages` single readings at the broker, of all devices in turn."""
    confirmed: list[int] = []
    sender = Connection(BrokerSettings(url=url), "bench-sender", on_published=confirmed.append)
    sender.start()
    _wait(lambda: sender.ready, "the publisher is connected")
    now_ms = time.time_ns() // 1_000_000
    for k in range(messages):
        if k % AHEAD_MAX == 0:
            _confirmed(confirmed, k)
        device = k % DEVICES
        payload = encode_single(
            first, k // DEVICES + 1, "pm25", now_ms - messages // DEVICES + k // DEVICES, 12.5
        )
        sender.publish(f"cv/1/r/bench/centre/s{device}/d{device}", payload, qos=1)
    _confirmed(confirmed, messages)
    sender.stop()


def write_folder(folder: Path, url: str) -> Path:
    """Places and configuration; returns the latter."""
    folder.mkdir()
    (folder / "places.csv").write_text(render([
        PlaceRow(0, "bench", "centre", f"s{k}", f"d{k}", f"S{k}", 41.0, -8.0, "UTC", 1.0)
        for k in range(DEVICES)
    ]), encoding="utf-8")
    config = folder / "ingest.toml"
    config.write_text(
        f'data = "."\nplaces = "places.csv"\nclient_id = "{CLIENT}"\n[broker]\nurl = "{url}"\n',
        encoding="utf-8",
    )
    return config


def serve(config: Path, messages: int, *, archived: bool) -> None:
    """Be ingest from the first message to the last; prints seconds between, and those of CPU."""
    if not archived:
        Archive.append = lambda *_, **__: None  # type: ignore[method-assign]
        Archive.append_batch = lambda *_, **__: None  # type: ignore[method-assign]
        Archive.sync = lambda *_, **__: None  # type: ignore[method-assign]
        Receipts.flush = lambda self: None  # type: ignore[method-assign]
    program = Program(load(config, IngestSettings), config.parent)

    def watch() -> None:
        counts = program.line.counts
        _wait(lambda: counts.sum() > 0, "the first message")
        begun, cpu_s, before = time.perf_counter(), time.process_time(), int(counts.sum())
        _wait(lambda: counts.sum() >= messages, "the last message")
        share = messages / (messages - before)
        took_s, cpu_s = time.perf_counter() - begun, time.process_time() - cpu_s
        print(took_s * share, cpu_s * share, flush=True)
        program.stop()

    threading.Thread(target=watch, daemon=True).start()
    program.run()


def main() -> None:
    """Measure in turns and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--no-archive", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.serve, asked.messages, archived=not asked.no_archive)
        return
    print(machine())
    took: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    with tempfile.TemporaryDirectory() as base:
        port = broker.free_port()
        url = f"mqtt://127.0.0.1:{port}"
        server = subprocess.Popen(
            broker.command(Path(base) / "broker", port), stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait(lambda: broker.reachable("127.0.0.1", port), "the broker")
            broker.keep_for_ingest(url, CLIENT)
            for turn in range(2 * asked.rounds):
                archived = turn % 2 == 0
                publish(url, asked.messages, turn + 1)
                config = write_folder(Path(base) / f"turn{turn}", url)
                command = [sys.executable, "-m", "benchmarks.archive_cost", "--serve", str(config),
                           "--messages", str(asked.messages)]
                done = subprocess.run(
                    command + ([] if archived else ["--no-archive"]), check=True,
                    capture_output=True, text=True,
                )
                took_s, cpu_s = map(float, done.stdout.split())
                took[archived].append((took_s, cpu_s))
        finally:
            server.terminate()
            server.wait()
    print(f"NATS, QoS 1, single readings, {asked.messages:,} messages, {asked.rounds} rounds each")
    medians = {
        archived: [statistics.median(column) / asked.messages for column in zip(*rows, strict=True)]
        for archived, rows in took.items()
    }
    for name, (wall_s, cpu_s) in (
        ("with archive and acknowledgements", medians[True]), ("without", medians[False]),
    ):
        print(f"{name}: {1 / wall_s:,.0f} a second, {cpu_s * 1e6:.1f} us of CPU a message")
    (wall_s, cpu_s), (bare_s, bare_cpu_s) = medians[True], medians[False]
    print(f"cost: {1 - bare_s / wall_s:.1%} of throughput, {1 - bare_cpu_s / cpu_s:.1%} of CPU")


if __name__ == "__main__":
    main()
