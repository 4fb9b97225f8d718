"""The disk of one file alone is full while its process runs: of the store, the spool, the outbox.

Whatever file it is: nothing that was acknowledged is lost, and all goes on alone when there is
room. What a full outbox costs is told by the device.
"""

import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge import topics, wire
from edge.connection import BrokerSettings, Connection
from ingest.line import Line
from ingest.outlets import Outlets
from ingest.store import Store
from tests.brokers import Nats, free_port
from tests.full_disk import FullDisk
from tests.kill_city import Agent
from tests.line_city import CITY, single, topic, write_places
from tests.live_ingest import LiveIngest, publish, until

MINUTES = 30


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Nats]:
    server = Nats(tmp_path / "broker", ack_wait="2s")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[FullDisk]:
    made = FullDisk(tmp_path / "disk")
    if not made.mounted:
        pytest.skip("a small file system can be mounted by root alone")
    yield made
    made.free()
    made.close()


def readings(first: int, begin_ms: int) -> list[tuple[str, bytes]]:
    """Half an hour by the minute, each number a minute, with noise so that nothing packs well."""
    return [(topic("d1"), single(number, number % 50 + 0.25, begin_ms + number * 60_000))
            for number in range(first, first + MINUTES)]


@pytest.mark.parametrize("name", ["store.db", "spool.db"])
def test_the_disk_of_one_file_is_full(
    tmp_path: Path, disk: FullDisk, broker: Nats, name: str
) -> None:
    """Everything else has room; the archive goes on being the truth of what is acknowledged."""
    (tmp_path / name).symlink_to(disk.folder / name)
    write_places(tmp_path / "places.csv")
    begin_ms = time.time_ns() // 60_000_000_000 * 60_000 - 3 * MINUTES * 60_000
    ingest = LiveIngest(tmp_path, broker.url, snapshot_every_s=1)
    with ingest.config.open("a") as config:  # nobody listens: batches wait in the spool
        config.write(f'[influx]\nurl = "http://127.0.0.1:{free_port()}"\n')
    try:
        ingest.start_and_wait()
        publish(broker.url, readings(1, begin_ms))
        until(lambda: ingest.taken() == MINUTES, "the first are taken in")
        disk.fill(ingest.pid)
        publish(broker.url, readings(MINUTES + 1, begin_ms))
        until(lambda: "nothing is taken in until the disk takes it" in ingest.log(), "it says so")
        assert name in ingest.log()
        assert ingest.running
        disk.free()
        until(lambda: ingest.taken() == 2 * MINUTES, f"all are in: {ingest.log()[-2000:]}")
        until(lambda: (ingest.health() or {})["disk"]["error"] == "", "the trouble is over")
        until(lambda: len(points(ingest)) > 0, "there are points")
        assert ingest.stop() == 0, ingest.log()
        assert points(ingest) == points_of_archive(tmp_path)
        spooled = sqlite3.connect(tmp_path / "spool.db")
        assert spooled.execute("SELECT count(*) FROM batches").fetchone()[0] > 0
        spooled.close()
    finally:
        ingest.kill()


def points(ingest: LiveIngest) -> dict[tuple[str, str, int], tuple[float, int, int]]:
    """Closed points of the station in the store."""
    keys = {row.indicator for row in ingest.store.last()}
    return {
        ("centre/s1", key, sample.end_ms): (sample.value, sample.level, sample.n)
        for key in keys for sample in ingest.store.history("centre/s1", key, 0, 1 << 42, 100_000)
    }


def points_of_archive(folder: Path) -> dict[tuple[str, str, int], tuple[float, int, int]]:
    """The same, of a store that is built anew from the archive."""
    (folder / "again").mkdir()
    store = Store.create(folder / "again" / "store.db")
    shutil.copytree(folder / "ingest", folder / "again" / "ingest")
    line = Line(folder / "again" / "ingest", Outlets(store), 60)
    line.open(whole=True)
    line.close(save=False)
    found = {
        ("centre/s1", key, sample.end_ms): (sample.value, sample.level, sample.n)
        for key in {row.indicator for row in store.last()}
        for sample in store.history("centre/s1", key, 0, 1 << 42, 100_000)
    }
    store.close()
    return found


def test_the_disk_of_an_outbox_is_full(tmp_path: Path, disk: FullDisk, broker: Nats) -> None:
    """Readings are lost while it is, and said to be; what was committed before arrives whole."""
    states: list[wire.State] = []
    watcher = Connection(
        BrokerSettings(url=broker.url), "watcher",
        on_message=lambda _topic, body, *_: states.append(wire.decode_state(body)),
        subscriptions=[(topics.state(CITY, "centre", "s1", "d1"), 1)],
    )
    write_places(tmp_path / "places.csv")
    ingest = LiveIngest(tmp_path, broker.url, snapshot_every_s=1)
    (tmp_path / "d1.db").symlink_to(disk.folder / "d1.db")
    agent = Agent(tmp_path, 1, broker.url, {
        "log": str(tmp_path / "d1.log"), "stop": str(tmp_path / "stop"), "quantity": "pm25",
        "readings": 5, "begin_ms": time.time_ns() // 1_000_000, "behind_ms": 0, "span_ms": 1,
    })
    try:
        agent.start()  # ingest is away, so that the outbox grows
        until(lambda: len(written(tmp_path)) >= 100, "it measures")
        disk.fill(0)
        until(lambda: "readings are lost until the disk is writable" in said(tmp_path),
              "it says so")
        lost_from = len(written(tmp_path))
        until(lambda: len(written(tmp_path)) > lost_from + 50, "it goes on measuring")
        disk.free()
        watcher.start()
        ingest.start_and_wait()
        (tmp_path / "stop").touch()
        agent.empty()
        until(lambda: any(state.dropped for state in states), "the device says what it lost")

        def told() -> bool:
            lost = max(state.dropped for state in states)  # a reading a message
            return ingest.verdicts().get("applied", 0) + lost == len(written(tmp_path))

        until(told, f"{ingest.verdicts()} and {states[-1]} are {len(written(tmp_path))}")
        assert set(ingest.verdicts()) <= {"applied", "duplicate"}
        assert ingest.stop() == 0, ingest.log()
    finally:
        watcher.stop()
        agent.kill()
        ingest.kill()


def written(folder: Path) -> list[str]:
    """The readings in the log of the sensor."""
    path = folder / "d1.log"
    lines = path.read_text().splitlines() if path.exists() else []
    return [line for line in lines if line[:1].isdigit()]


def said(folder: Path) -> str:
    """What the agent wrote to the terminal."""
    return (folder / "d1.out").read_text()
