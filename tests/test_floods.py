"""Floods against a real broker and a real ingest: it neither ends nor grows, and goes on."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.reconcile import Wanted, reconcile
from tests.brokers import Nats
from tests.line_city import body, topic, write_places
from tests.live_ingest import LiveIngest, publish, until

DEVICES = 1_000
LARGE = 20
GROWTH_MB_MAX = 60.0
"""Of which the held messages' page cache of SQLite may take 32."""


class Hanging:
    """A database that takes connections and never answers."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.asked = 0
        self._kept: list[socket.socket] = []
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def _take(self) -> None:
        while True:
            try:
                self._kept.append(self._socket.accept()[0])
            except OSError:
                return
            self.asked += 1

    def close(self) -> None:
        """End."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)
        for one in self._kept:
            one.close()


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    database = Hanging()
    yield database
    database.close()


@pytest.fixture
def ingest(tmp_path: Path, hanging: Hanging) -> Iterator[LiveIngest]:
    broker = Nats(tmp_path / "broker", ack_wait="30s", max_payload="2MB")
    broker.start()
    folder = tmp_path / "city"
    folder.mkdir()
    write_places(folder / "places.csv")
    live = LiveIngest(folder, broker.url, places="places.csv", open_every_s=1.0)
    with live.config.open("a") as file:
        file.write(f'[influx]\nurl = "{hanging.url}"\nbucket = "b"\ntimeout_s = 1.0\n')
    live.start_and_wait()
    yield live
    live.kill()
    broker.kill()


def rss_mb(live: LiveIngest) -> float:
    """Resident memory as ingest tells it."""
    health = live.health()
    assert health is not None
    return float(health["rss_mb"])


def test_floods_and_a_hanging_database_neither_end_nor_grow_it(
    ingest: LiveIngest, hanging: Hanging
) -> None:
    url = ingest.config.read_text().split('url = "')[1].split('"')[0]
    now_ms = time.time_ns() // 1_000_000
    publish(url, [(topic("d1"), body(1, q="pm25", t=now_ms, v=5.0))])
    until(lambda: ingest.verdicts().get("applied") == 1, "the first reading is applied")
    before = rss_mb(ingest)
    deep = b"[" * 10_000 + b"]" * 10_000
    publish(url, [(topic(f"x{k}"), body(1, q="pm25", t=now_ms, v=5.0)) for k in range(DEVICES)])
    publish(url, [(f"cv/1/r/porto/centre/s{k}/d1/more", b"{}") for k in range(200)])
    publish(url, [(topic("d1"), b"x" * 1_000_000) for _ in range(LARGE)])
    publish(url, [(topic("d1"), deep) for _ in range(200)])
    publish(url, [(topic("d1"), body(2, q="pm25", t=now_ms + 1, v=6.0))])
    wanted = {
        "applied": 2, "held_unknown": DEVICES, "refused_topic": 200, "refused_oversized": LARGE,
        "refused_unparsable": 200,
    }
    until(lambda: ingest.verdicts() == wanted, f"all is counted: {ingest.verdicts()}")
    until(lambda: hanging.asked > 0, "the database was asked")
    health = ingest.health()
    assert health is not None
    assert health["received"] == sum(wanted.values())
    assert rss_mb(ingest) - before < GROWTH_MB_MAX
    during = reconcile(ingest.folder / "ingest", ingest.folder / "store.db", Wanted())
    assert during.differences == []
    assert ingest.stop() == 0
    after = reconcile(ingest.folder / "ingest", ingest.folder / "store.db", Wanted())
    assert after.differences == []
    assert len(after.compared) == 3
    assert sum(after.received.values()) == sum(wanted.values())


