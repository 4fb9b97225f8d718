"""A full disk under a running ingest: it waits, says so, loses nothing, and goes on alone."""

import errno
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.stopping import Stopping
from ingest.archive import ArchiveError
from ingest.sqlite_file import StoreError
from ingest.store import Store
from ingest.trouble import RESERVE_BYTES, Trouble, may_pass, set_aside_in
from tests.brokers import Nats
from tests.full_disk import FullDisk
from tests.line_city import single, topic, write_places
from tests.live_ingest import LiveIngest, publish, until


@pytest.fixture(params=["tmpfs", "limit"])
def disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[FullDisk]:
    made = FullDisk(tmp_path / "disk")
    if request.param == "limit":
        made.close()  # the way without root, here too
    yield made
    made.free()
    made.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Nats]:
    server = Nats(tmp_path / "broker", ack_wait="2s")
    server.start()
    yield server
    server.kill()


def readings(first: int, count: int) -> list[tuple[str, bytes]]:
    now_ms = time.time_ns() // 1_000_000
    return [(topic("d1"), single(number, 10.0, now_ms - 1000 + number))
            for number in range(first, first + count)]


def test_ingest_waits_for_room_and_loses_nothing(
    tmp_path: Path, disk: FullDisk, broker: Nats
) -> None:
    write_places(tmp_path / "places.csv")
    ingest = LiveIngest(tmp_path, broker.url, data="disk", snapshot_every_s=1)
    try:
        ingest.start_and_wait()
        publish(broker.url, readings(1, 50))
        until(lambda: ingest.verdicts().get("applied") == 50, "50 are taken in")
        disk.fill(ingest.pid)
        publish(broker.url, readings(51, 50))
        until(lambda: "nothing is taken in until the disk takes it" in ingest.log(), "it says so")
        if disk.mounted:  # a process that may write nothing cannot write this either
            until(lambda: bool((ingest.health() or {})["disk"]["error"]), "health says so")
            assert not (ingest.health() or {})["broker"]["connected"]
        assert ingest.running
        disk.free()
        until(lambda: ingest.verdicts().get("applied") == 100, f"all are in: {ingest.log()}")
        # Readings are counted before health is written again.
        until(lambda: (ingest.health() or {})["disk"]["error"] == "", "health says so again")
        health = ingest.health() or {}
        assert 1 <= health["disk"]["failures"] < 20
        assert ingest.stop() == 0, ingest.log()
        assert ingest.log().count("nothing is taken in") == 1  # not each try
    finally:
        ingest.kill()


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def of_sqlite(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("x")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(("error", "at_start", "later"), [
    (caused(ArchiveError("x"), OSError(errno.ENOSPC, "full")), True, True),
    (caused(StoreError("x"), of_sqlite(sqlite3.SQLITE_FULL)), True, True),
    (caused(StoreError("x"), of_sqlite(sqlite3.SQLITE_CORRUPT)), True, True),
    (OSError(errno.EROFS, "read-only"), False, True),
    (caused(StoreError("x"), of_sqlite(sqlite3.SQLITE_CANTOPEN)), False, True),
    (ArchiveError("is not an archive segment of Cityvitals"), False, False),
    (OSError(errno.EACCES, "denied"), False, False),
    (of_sqlite(sqlite3.SQLITE_MISUSE), False, False),
])
def test_what_may_pass(error: Exception, at_start: bool, later: bool) -> None:
    assert (may_pass(error, had_run=False), may_pass(error, had_run=True)) == (at_start, later)
    trouble = Trouble(Path("nowhere"))
    if at_start:
        trouble.note(error)
        assert trouble.health()["failures"] == 1
    else:
        with pytest.raises(type(error)):
            trouble.note(error)


def test_a_reserve_is_kept_for_what_is_to_be_said(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store.db")
    store.write_health({"at_ms": 1, "broker": {"connected": True}})
    store.close()
    trouble = Trouble(tmp_path)
    trouble.over()
    assert (tmp_path / "reserve").stat().st_size == RESERVE_BYTES
    trouble.note(caused(ArchiveError("archive: full"), OSError(errno.ENOSPC, "full")))
    trouble.wait(Stopping())
    assert not (tmp_path / "reserve").exists()
    assert not (tmp_path / "probe").exists()
    store = Store.create(tmp_path / "store.db")
    health = store.health() or {}
    store.close()
    assert health["disk"]["error"] == "archive: full"
    assert health["broker"]["connected"] is False
    trouble.over()
    assert trouble.health()["error"] == ""
    assert (tmp_path / "reserve").exists()


def test_what_lies_aside_is_listed(tmp_path: Path) -> None:
    (tmp_path / "ingest" / "archive").mkdir(parents=True)
    for name in ("store.db.damaged-1", "store.db.damaged-1-wal", "ingest/snapshot.cvs.damaged-2",
                 "ingest/archive/2026-09-21.tail-77", "store.db"):
        (tmp_path / name).touch()
    assert sorted(set_aside_in(tmp_path)) == [
        "ingest/archive/2026-09-21.tail-77", "ingest/snapshot.cvs.damaged-2", "store.db.damaged-1"]
