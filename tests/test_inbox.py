"""What waits and what was refused: kept, summarised, bounded."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from edge.wire import PAYLOAD_BYTES_MAX
from ingest import inbox as module
from ingest.inbox import DeadLetter, Held, Inbox, Key, Waiting, contents, key_of
from ingest.messages import TOPIC_CHARS_MAX
from ingest.sqlite_file import StoreError

GOLDEN = Path(__file__).parent / "golden" / "inbox_schema.sql"
ROOT = Path(__file__).parent.parent


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    kept = Inbox(tmp_path / "inbox.db")
    yield kept
    kept.close()


def held(device: str, number: int, due_ns: int = 0, payload: bytes = b"{}") -> Held:
    return Held(device, 1, number, f"t/{device}", payload, 2, 5_000_000 * number, due_ns)


def dead(number: int, payload: bytes = b"x", topic: str = "t") -> DeadLetter:
    return DeadLetter(number, "refused_type", topic, payload)


def test_schema_golden(inbox: Inbox, tmp_path: Path) -> None:
    file = sqlite3.connect(tmp_path / "inbox.db")
    rows = file.execute("SELECT sql FROM sqlite_master WHERE sql NOT NULL ORDER BY name")
    owner = file.execute("PRAGMA application_id").fetchone()[0]
    version = file.execute("PRAGMA user_version").fetchone()[0]
    text = "".join(f"{row[0]};\n" for row in rows)
    text += f"PRAGMA application_id = {owner};\nPRAGMA user_version = {version};\n"
    file.close()
    assert text == GOLDEN.read_text()


def test_waiting_and_due_are_apart_and_in_order(inbox: Inbox) -> None:
    rows = [held("a", 3), held("a", 1), held("b", 2), held("a", 4, 90), held("b", 5, 40)]
    inbox.put(rows, [])
    assert inbox.held_devices() == ["a", "b"]
    assert inbox.waiting("a") == [rows[1], rows[0]]
    assert inbox.waiting("c") == []
    assert inbox.due(39) == []
    assert inbox.due(90) == [rows[4], rows[3]]


def test_readings_of_one_block_that_wait_for_one_time_are_all_kept(inbox: Inbox) -> None:
    # They share device, epoch, number and time; even two with the same bytes are two readings.
    rows = [held("a", 1, 50, b"pm25"), held("a", 1, 50, b"no2"), held("a", 1, 50, b"no2")]
    inbox.put(rows, [])
    assert len(inbox.due(50)) == 3
    inbox.release(map(key_of, rows))
    assert inbox.due(50) == []


def test_release_takes_only_what_it_names(inbox: Inbox) -> None:
    rows = [held("a", 1), held("a", 1, 50), held("a", 2), held("b", 1)]
    inbox.put(rows, [])
    inbox.release([key_of(rows[0]), Key("z", 1, 1, 0)])
    assert inbox.waiting("a") == [rows[2]]
    assert inbox.due(99) == [rows[1]]
    assert inbox.waiting("b") == [rows[3]]


def test_a_message_is_not_split_by_the_bound_of_a_release(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RELEASE_ROWS_MAX", 4)
    rows = [held("a", 1, 50, b"%d" % i) for i in range(3)]
    rows += [held("b", 1, 50, b"%d" % i) for i in range(3)]
    inbox.put(rows, [])
    first = inbox.due(50)
    assert first == rows[:3]
    inbox.release(map(key_of, first))
    assert inbox.due(50) == rows[3:]
    inbox.put([held("c", number) for number in range(1, 7)], [])
    assert [row.seq for row in inbox.waiting("c")] == [1, 2, 3, 4]


def test_keeps_only_what_the_archive_knows(inbox: Inbox) -> None:
    rows = [held("a", 1), held("a", 2), held("b", 1, 50)]
    inbox.put(rows, [])
    inbox.keep_only(lambda device, epoch, number: (device, epoch, number) == ("a", 1, 2))
    assert inbox.waiting("a") == [rows[1]]
    assert inbox.due(99) == []


def test_dead_letters_at_their_limits(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DEAD_ROWS_MAX", 3)
    inbox.put([], [dead(number) for number in range(3)])
    assert [row["at_ms"] for row in inbox.dead_summary()] == [2, 1, 0]
    inbox.put([], [dead(3), dead(4)])
    assert [row["at_ms"] for row in inbox.dead_summary()] == [4, 3, 2]
    monkeypatch.setattr(module, "DEAD_BYTES_MAX", 10)
    inbox.put([], [dead(5, b"12345678")])
    assert [row["at_ms"] for row in inbox.dead_summary()] == [5, 4, 3]
    inbox.put([], [dead(6, b"123")])
    assert [row["at_ms"] for row in inbox.dead_summary()] == [6]


def test_of_a_dead_letter_the_limit_of_a_payload_is_kept(inbox: Inbox, tmp_path: Path) -> None:
    inbox.put([], [dead(1, b"y" * (PAYLOAD_BYTES_MAX + 9), "t" * 65_000)])
    [row] = inbox.dead_summary()
    assert row["bytes"] == PAYLOAD_BYTES_MAX + 9
    assert row["topic"] == "t" * TOPIC_CHARS_MAX
    file = sqlite3.connect(tmp_path / "inbox.db")
    assert file.execute("SELECT length(payload) FROM dead").fetchone() == (PAYLOAD_BYTES_MAX,)
    file.close()


def keep(inbox: Inbox, rows: Sequence[Held]) -> list[Waiting]:
    """Hold rows and let go what is too much, as the line does; returns what went."""
    gone: list[Waiting] = []
    inbox.put(rows, [])
    while found := inbox.overflow():
        gone += found
        inbox.release(row.key for row in found)
    return gone


def test_held_messages_at_their_limits(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "HELD_ROWS_MAX", 4)
    keep(inbox, [held("a", 1, 70), held("a", 2, 60), held("b", 1), held("b", 2)])
    assert not caplog.records
    keep(inbox, [held("b", 3)])
    assert [row.seq for row in inbox.waiting("b")] == [2, 3]
    # A flood of one unknown device costs the unknown devices only …
    keep(inbox, [held("b", number) for number in range(4, 9)])
    assert [row.seq for row in inbox.waiting("b")] == [7, 8]
    assert [row.due_ns for row in inbox.due(99)] == [60, 70]
    # … and of readings of the future the furthest go first.
    keep(inbox, [held("a", number, 100 - number) for number in range(10, 14)])
    assert [row.due_ns for row in inbox.due(99)] == [60, 70, 87, 88]
    assert inbox.held_devices() == []
    assert len(caplog.records) == 1


def test_a_gap_in_the_row_numbers_is_no_reason_to_drop(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HELD_ROWS_MAX", 4)
    keep(inbox, [held("a", 1)])
    for number in range(20):
        keep(inbox, [held("b", number)])
        inbox.release([key_of(held("b", number))])
    assert len(inbox.waiting("a")) == 1


def test_held_bytes_at_their_limit(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HELD_BYTES_MAX", 10)
    keep(inbox, [held("a", number, payload=b"12345") for number in (1, 2)])
    assert len(inbox.waiting("a")) == 2
    keep(inbox, [held("a", 3, payload=b"1")])
    assert [row.seq for row in inbox.waiting("a")] == [2, 3]


def test_one_device_at_its_share(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HELD_DEVICE_ROWS_MAX", 3)
    keep(inbox, [held("other", 1), held("other", 2, 90)])
    assert keep(inbox, [held("a", number) for number in range(1, 4)]) == []
    gone = keep(inbox, [held("a", 4), held("b", 1)])
    assert [(row.key, row.readings, row.received_ns) for row in gone] == [
        (Key("a", 1, 1, 0), 2, 5_000_000)
    ]
    # A fast clock loses what lies furthest ahead.
    gone = keep(inbox, [held("c", number, number) for number in range(1, 5)])
    assert [row.key.due_ns for row in gone] == [4]
    assert len(inbox.waiting("other")) == len(inbox.waiting("b")) == 1
    monkeypatch.setattr(module, "HELD_DEVICE_BYTES_MAX", 10)
    gone = keep(inbox, [held("d", number, payload=b"12345") for number in range(1, 4)])
    assert [row.key.seq for row in gone] == [1]


def test_what_goes_goes_by_whole_messages_and_counts_all_their_readings(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HELD_ROWS_MAX", 3)
    block = [held("a", 1, 50, b"%d" % number) for number in range(3)]
    gone = keep(inbox, [*block, held("b", 1, 40)])
    assert [(row.key.device, row.readings) for row in gone] == [("a", 6)]
    assert [row.device for row in inbox.due(99)] == ["b"]


def test_a_share_more_goes_at_once_so_that_it_is_rare(
    inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HELD_ROWS_MAX", 128)
    times = 0
    for number in range(300):
        times += bool(keep(inbox, [held(f"d{number}", 1)]))
    assert times == (300 - 128) // 3 + 1
    found = contents(tmp_path / "inbox.db")
    assert sum(row.readings for row in found.waiting) == 2 * 126
    assert found.dead == {}


def test_summaries(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    long = b'{"q":"\xff' + b"x" * 500
    inbox.put([held("a", 1), held("b", 2), held("a", 3, payload=long), held("c", 4, 9)], [])
    first, second = inbox.held_summary()
    assert (first["device"], first["topic"], first["readings"]) == ("a", "t/a", 4)
    assert (first["first_ms"], first["last_ms"]) == (5, 15)
    assert first["sample"] == '{"q":"\\xff' + "x" * (module.TEXT_SHOWN - 7)
    assert second["device"] == "b"
    monkeypatch.setattr(module, "HELD_DEVICES_SHOWN", 1)
    monkeypatch.setattr(module, "SUMMARY_ROWS", 3)
    inbox.put([held("d", 9)], [])
    assert len(inbox.held_summary()) == 2  # of a large file not at each call
    monkeypatch.setattr(module, "SUMMARY_S", 0.0)
    assert [row["device"] for row in inbox.held_summary()] == ["d"]


def test_survives_a_kill_after_each_call(tmp_path: Path) -> None:
    program = (
        "import os, sys, pathlib\n"
        "from ingest.inbox import *\n"
        "box = Inbox(pathlib.Path(sys.argv[1]))\n"
        "box.put([Held('a', 1, n, 't', b'{}', 1, 0, 0) for n in (1, 2)],"
        " [DeadLetter(1, 'r', 't', b'z')])\n"
        "box.release([Key('a', 1, 1, 0)])\n"
        "os._exit(9)\n"
    )
    path = tmp_path / "inbox.db"
    done = subprocess.run([sys.executable, "-c", program, path], cwd=ROOT, check=False)
    assert done.returncode == 9
    box = Inbox(path)
    assert [row.seq for row in box.waiting("a")] == [2]
    assert len(box.dead_summary()) == 1
    box.close()


def test_what_was_kept_counts_towards_the_limits_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HELD_ROWS_MAX", 2)
    path = tmp_path / "inbox.db"
    box = Inbox(path)
    box.put([held("a", 1), held("a", 2)], [])
    box.close()
    box = Inbox(path)
    keep(box, [held("a", 3)])
    assert [row.seq for row in box.waiting("a")] == [2, 3]
    box.close()


def test_a_full_disk_is_a_store_error(inbox: Inbox, tmp_path: Path) -> None:
    inbox._db.execute("PRAGMA max_page_count = 12")
    with pytest.raises(StoreError, match=str(tmp_path)):
        inbox.put([held("a", 1, payload=b"x" * 60_000)], [])
