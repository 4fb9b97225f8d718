"""Reconcile finds what does not add up, and names it."""

import json
import sqlite3
from pathlib import Path

import pytest

from edge.verdicts import Verdict
from engine.snapshot import SnapshotError, extra_of
from ingest.folder_lock import held, in_use
from ingest.inbox import Waiting, key_of
from ingest.line import Line
from ingest.overflow import dropped
from ingest.reconcile import DIFFERENCES_MAX, Reconciled, Wanted, hours_of, name_of, reconcile
from ingest.store import Store
from tests.line_city import MS, START_MS, line_of, message, single, write_places


@pytest.fixture
def line(tmp_path: Path) -> Line:
    write_places(tmp_path / "places.csv")
    opened = line_of(tmp_path)
    for number in range(1, 4):
        for device in ("d1", "d9"):
            at_ns = (START_MS + number) * MS
            opened.take([message(device, single(number, number))], at_ns)
    return opened


def found(folder: Path) -> Reconciled:
    return reconcile(folder / "ingest", folder / "store.db", Wanted())


def test_nothing_differs(line: Line, tmp_path: Path) -> None:
    line.close()
    assert found(tmp_path).differences == []


def test_counters_of_the_snapshot(line: Line, tmp_path: Path) -> None:
    line.counts[Verdict.LATE] += 2
    line.close()
    assert found(tmp_path).differences == ["late: the snapshot counts 2, the archive holds 0"]


def test_an_archive_that_lost_its_end(line: Line, tmp_path: Path) -> None:
    line.close()
    [segment] = (tmp_path / "ingest" / "archive").glob("*.cva")
    data = segment.read_bytes()
    segment.write_bytes(data[:-30])
    [difference] = found(tmp_path).differences[:1]
    assert difference.startswith(f"the snapshot stands at byte {len(data)} of {segment.name}")


def test_what_is_damaged_is_named(line: Line, tmp_path: Path) -> None:
    line.close()
    [segment] = (tmp_path / "ingest" / "archive").glob("*.cva")
    data = bytearray(segment.read_bytes())
    data[-200] ^= 1
    segment.write_bytes(bytes(data))
    done = found(tmp_path)
    assert "unreadable" in done.lost[0]
    assert done.differences


def test_a_message_that_was_taken_in_twice(line: Line, tmp_path: Path) -> None:
    line.seen.restore([[line.vitals.registry.device_of["d1"], 1, [9], [9]]])
    line.take([message("d1", single(2, 8.5))], (START_MS + 9) * MS)
    line.close()
    assert found(tmp_path).differences == ["d1: 1 messages were taken in twice"]


def test_an_inbox_that_lost_a_message_and_only_while_nobody_writes(
    line: Line, tmp_path: Path
) -> None:
    line.close()
    file = sqlite3.connect(tmp_path / "ingest" / "inbox.db")
    file.execute("DELETE FROM held WHERE seq = 2")
    file.commit()
    file.close()
    assert not in_use(tmp_path / "ingest")
    assert found(tmp_path).differences == [
        "held_unknown: 2 wait in the inbox, the archive says 3 (d9)"
    ]
    with held(tmp_path / "ingest"):
        assert in_use(tmp_path / "ingest")
        done = found(tmp_path)
    assert (done.differences, done.compared) == ([], ["the counters of the last snapshot"])


def test_more_released_than_was_held(line: Line, tmp_path: Path) -> None:
    waiting = [Waiting(key_of(row), 1, 1) for row in line.inbox.waiting("d9")]
    for _ in range(2):
        for kind, batch in dropped(waiting, line.vitals.registry.device_of, START_MS * MS):
            line._write(batch, kind)
    line.close()
    assert "held_unknown: -3: more was released than held" in found(tmp_path).differences


def test_what_health_told(line: Line, tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store.db")
    told = {"at_ms": 1, "received": 6, "verdicts": {"applied": 3, "held_unknown": 3}}
    store.write_health(told)
    line.close()
    done = found(tmp_path)
    assert done.differences == []
    assert "the counters that health told last" in done.compared
    store.write_health({**told, "received": 9})
    assert found(tmp_path).differences == ["health told 9 readings, the archive holds 6"]
    store.close()


def test_a_snapshot_that_cannot_be_read_is_said(line: Line, tmp_path: Path) -> None:
    line.close()
    path = tmp_path / "ingest" / "snapshot.cvs"
    assert extra_of(path)["counts"]
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(SnapshotError):
        extra_of(path)
    assert str(path) in found(tmp_path).differences[0]


def test_an_inbox_that_cannot_be_read_is_said(line: Line, tmp_path: Path) -> None:
    line.close()
    path = tmp_path / "ingest" / "inbox.db"
    for tail in ("-wal", "-shm"):
        path.with_name(path.name + tail).unlink(missing_ok=True)
    path.write_bytes(b"no database" * 100)
    assert str(path) in found(tmp_path).differences[0]


def test_differences_at_their_bound() -> None:
    done = Reconciled([], {}, None, None, None, 0)  # type: ignore[arg-type]
    for number in range(DIFFERENCES_MAX + 5):
        done.differs(str(number))
    assert len(done.differences) == DIFFERENCES_MAX
    assert json.dumps(done.differences[-1]) == f'"{DIFFERENCES_MAX - 1}"'


def test_hours() -> None:
    assert name_of(496_000) == "2026-08-01T16:00Z"
    assert name_of(-1) == "before"
    assert hours_of(Wanted(from_ns=3_600_000_000_001, to_ns=7_200_000_000_001)) == (1, 3)
