"""The outbox: what is committed stays, what is acknowledged goes, what is dropped is told."""

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge import wire
from edge.grouping import Encoder
from edge.message_keys import NUMBER_MAX, make_key, split_key
from edge.outbox import ASIDE_MAX, RANGES_MAX, ROW_BYTES, Outbox
from edge.outbox_file import OutboxWriteError

MIB = 1 << 20


def clock(epoch: int, number: int) -> bytes:
    return wire.encode_clock(epoch, number, 1_763_836_000_000)


def sized(size: int) -> Encoder:
    return lambda epoch, number: b"x" * size


def opened(path: Path, **options: Any) -> Outbox:
    return Outbox(path / "outbox.db", **{"bytes_max": 256 * MIB, "sync_s": 5.0, **options})


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Outbox]:
    box = opened(tmp_path, clock=lambda: 100.0)
    yield box
    box.close()


def numbers(box: Outbox) -> list[tuple[int, int]]:
    return [split_key(message.key) for message in box.pending(0, 1_000_000)]


def drops(box: Outbox) -> list[tuple[int, int, int]]:
    box.report_gaps()
    return [row for message in box.reports() for row in wire.decode(message.payload).drop or ()]


def test_numbers_count_from_one_in_the_payload_and_in_the_order(box: Outbox) -> None:
    box.put([clock, clock])
    box.put([])
    box.put([clock])
    assert numbers(box) == [(100, 1), (100, 2), (100, 3)]
    messages = [wire.decode(message.payload) for message in box.pending(0, 10)]
    assert [(m.e, m.s) for m in messages] == [(100, 1), (100, 2), (100, 3)]
    assert box.counts.queued == 3


def test_freed_by_acknowledgement_up_to_its_number(box: Outbox) -> None:
    box.put([clock] * 5)
    assert box.free(100, 3) == 3
    assert box.free(100, 3) == 0
    assert numbers(box) == [(100, 4), (100, 5)]
    assert box.free(100, 99) == 2
    assert (box.counts.queued, box.counts.bytes) == (0, 0)
    box.put([clock])
    assert numbers(box) == [(100, 6)]


@pytest.mark.parametrize("ack", [
    (0, 0), (-1, 5), (99, 5), (101, 5), (100, 0), (100, -3), (1 << 62, 5), (1 << 80, 1 << 80),
])
def test_strange_acknowledgements_free_nothing(box: Outbox, ack: tuple[int, int]) -> None:
    box.put([clock] * 5)
    assert box.free(*ack) == 0
    assert box.counts.queued == 5


def test_a_huge_number_frees_its_epoch_only(box: Outbox) -> None:
    box.put([clock] * 2)
    box.begin_epoch()
    box.put([clock] * 2)
    assert box.free(100, 1 << 80) == 2
    assert numbers(box) == [(101, 1), (101, 2)]


def test_clean_end_keeps_epoch_and_numbers(tmp_path: Path) -> None:
    box = opened(tmp_path, clock=lambda: 100.0)
    box.put([clock] * 3)
    box.free(100, 3)
    box.close()
    box = opened(tmp_path, clock=lambda: 500.0)
    box.put([clock])
    assert numbers(box) == [(100, 4)]
    box.close()


@pytest.mark.parametrize(("now_s", "epoch"), [(500.0, 500), (100.0, 101), (0.0, 101)])
def test_unclean_end_begins_an_epoch_that_is_larger_even_if_the_clock_is_not(
    tmp_path: Path, now_s: float, epoch: int
) -> None:
    box = opened(tmp_path, clock=lambda: 100.0)
    box.put([clock] * 2)
    box._file._shut()
    box = opened(tmp_path, clock=lambda: now_s)
    box.put([clock])
    assert numbers(box) == [(100, 1), (100, 2), (epoch, 1)]
    box.close()


def test_last_number_of_an_epoch_is_followed_by_a_new_epoch(box: Outbox) -> None:
    box.counts.number = NUMBER_MAX - 1
    box.put([clock])
    box.put([clock])
    assert numbers(box) == [(100, NUMBER_MAX), (101, 1)]


_WRITER = """
import sys
from pathlib import Path
from edge import wire
from edge.outbox import Outbox
box = Outbox(Path(sys.argv[1]), bytes_max=256 << 20, sync_s=1000.0)
while True:
    box.put([lambda e, n: wire.encode_clock(e, n, 1)] * 3)
    print(box.counts.epoch, box.counts.number, flush=True)
"""


def test_kill_9_while_writing_leaves_everything_committed(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    wanted: set[tuple[int, int]] = set()
    epochs = []
    for turn in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(50 + 200 * turn)]
        writer.kill()
        lines += [line for line in writer.stdout.read().splitlines(True) if line.endswith("\n")]
        writer.wait()
        writer.stdout.close()
        epoch, last = map(int, lines[-1].split())
        epochs.append(epoch)
        wanted |= {(epoch, number) for number in range(1, last + 1)}
    box = opened(tmp_path)
    found = set(numbers(box))
    assert wanted <= found
    assert len(found - wanted) <= 3 * len(epochs), "only a commit whose print was cut may be more"
    assert epochs == sorted(set(epochs))
    assert box.counts.epoch > epochs[-1]
    box.close()


def test_power_cut_costs_at_most_what_came_after_the_last_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files as they stood at the last fsync hold everything committed before it."""
    now = [0.0]
    box = opened(tmp_path, sync_s=5.0, monotonic=lambda: now[0])
    survived: dict[str, bytes] = {}
    syncs = []

    def fsync(_file: int) -> None:
        syncs.append(now[0])
        survived.update({file.name: file.read_bytes() for file in tmp_path.iterdir()})

    monkeypatch.setattr(os, "fsync", fsync)
    written_at_sync = 0
    for _ in range(200):
        now[0] += 0.5
        box.put([clock])
        box.sync_if_due()
        if syncs and syncs[-1] == now[0]:
            written_at_sync = box.counts.number
    assert all(b - a >= 5.0 for a, b in itertools.pairwise(syncs))
    assert len(syncs) == 20
    monkeypatch.undo()
    after = tmp_path / "after"
    after.mkdir()
    for name, data in survived.items():
        (after / name).write_bytes(data)
    again = opened(after)
    assert again.counts.queued == written_at_sync >= 200 - 10
    assert again.counts.epoch > box.counts.epoch
    again.close()
    box.close()


def test_nothing_new_is_not_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    box = opened(tmp_path, monotonic=lambda: now[0])
    box.put([clock])
    box.sync()
    monkeypatch.setattr(os, "fsync", lambda _file: pytest.fail("synced without need"))
    now[0] += 100
    box.sync_if_due()
    monkeypatch.undo()
    box.close()


def test_log_is_bounded_by_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.outbox_file.WAL_BYTES_MAX", 64 << 10)
    box = opened(tmp_path, sync_s=0.0)
    for _ in range(300):
        box.put([clock])
        box.sync_if_due()
    assert (tmp_path / "outbox.db-wal").stat().st_size < 100 << 10
    assert box.counts.queued == 300
    box.close()


def test_bound_at_its_limit(tmp_path: Path) -> None:
    size = 1000 + ROW_BYTES
    box = opened(tmp_path, bytes_max=100 * size, clock=lambda: 100.0)
    box.put([sized(1000)] * 100)
    assert (box.counts.queued, box.counts.dropped, box.counts.bytes) == (100, 0, 100 * size)
    box.put([sized(1000)])
    assert box.counts.bytes <= 100 * size
    assert box.counts.dropped == 3, "the message itself and a 64th"
    assert numbers(box)[0] == (100, 4)
    assert drops(box) == [(100, 1, 3)]
    box.close()


def test_dropped_ranges_are_joined_and_reported_once(tmp_path: Path) -> None:
    box = opened(tmp_path, bytes_max=100_000, clock=lambda: 100.0)
    for _ in range(500):
        box.put([sized(1000)])
    first_kept = numbers(box)[0][1]
    assert box.counts.dropped == first_kept - 1
    assert box.counts.gaps == 1
    assert drops(box) == [(100, 1, first_kept - 1)]
    assert box.counts.gaps == 0
    assert box.counts.reports == 1
    # A report has a number of its own, which no later range may cover before it is delivered.
    report = split_key(box.reports()[0].key)[1]
    for _ in range(500):
        box.put([sized(1000)])
    ranges = drops(box)
    assert not any(first <= report <= last for _, first, last in ranges)
    box.close()


def test_reports_survive_a_restart_and_go_when_acknowledged(tmp_path: Path) -> None:
    box = opened(tmp_path, bytes_max=100_000, clock=lambda: 100.0)
    for _ in range(200):
        box.put([sized(1000)])
    dropped = box.counts.dropped
    box.close()
    box = opened(tmp_path, bytes_max=100_000)
    assert (box.counts.dropped, box.counts.gaps) == (dropped, 1)
    box.report_gaps()
    box.close()
    box = opened(tmp_path, bytes_max=100_000)
    assert box.counts.reports == 1
    box.free(100, box.counts.number)
    assert (box.counts.reports, box.counts.queued, box.counts.bytes) == (0, 0, 0)
    box.close()


def test_many_ranges_are_reported_in_messages_of_bounded_size(box: Outbox) -> None:
    box.put([clock] * (2 * RANGES_MAX + 2))
    for number in range(1, 2 * RANGES_MAX + 2, 2):
        box.set_aside(make_key(100, number))
    box.report_gaps()
    assert box.counts.gaps == 1
    box.report_gaps()
    assert [len(wire.decode(m.payload).drop or ()) for m in box.reports()] == [RANGES_MAX, 1]


def test_set_aside_is_kept_reported_and_bounded(box: Outbox) -> None:
    box.put([clock] * (ASIDE_MAX + 5))
    box.set_aside(make_key(100, 2))
    box.set_aside(make_key(100, 2))
    assert (box.counts.aside, box.counts.queued) == (1, ASIDE_MAX + 4)
    assert drops(box) == [(100, 2, 2)]
    for number in range(1, ASIDE_MAX + 5):
        box.set_aside(make_key(100, number))
    assert box.counts.aside == ASIDE_MAX + 4
    rows = box._file.read("SELECT count(*), '' FROM aside")
    assert rows[0][0] == ASIDE_MAX


def test_floors_name_all_numbers_below_the_first_that_waits(box: Outbox) -> None:
    box.put([clock] * 5)
    box.free(100, 3)
    box.begin_epoch()
    box.put([clock] * 2)
    assert [box.floor(epoch) for epoch in (99, 100, 101, 102, 1 << 80)] == [None, 4, 1, None, None]
    box.note_floors()
    assert drops(box) == [(100, 1, 3)]


def test_full_disk_loses_the_reading_and_no_number(tmp_path: Path) -> None:
    box = opened(tmp_path, clock=lambda: 100.0)
    box.put([clock])
    pages = box._file.db.execute("PRAGMA page_count").fetchone()[0]
    box._file.db.execute(f"PRAGMA max_page_count={pages}")
    before = box.counts.bytes
    with pytest.raises(OutboxWriteError, match="full"):
        box.put([sized(60_000)])
    assert (box.counts.number, box.counts.queued, box.counts.bytes) == (1, 1, before)
    box._file.db.execute("PRAGMA max_page_count=1000000")
    box.put([clock])
    assert numbers(box) == [(100, 1), (100, 2)]
    box.close()


def corrupted(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[100:] = os.urandom(len(data) - 100)
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [
    lambda path: path.write_bytes(b"not a database, not at all" * 100), corrupted,
])
def test_corrupt_file_is_set_aside_and_a_new_one_begun(
    tmp_path: Path, damage: Any, caplog: pytest.LogCaptureFixture
) -> None:
    box = opened(tmp_path, clock=lambda: 100.0)
    box.put([clock] * 20)
    box.close()
    damage(tmp_path / "outbox.db")
    box = opened(tmp_path, clock=lambda: 200.0)
    assert box.corrupt == 1
    assert "set aside as outbox.db.corrupt-1" in caplog.text
    box.put([clock])
    assert numbers(box) == [(200, 1)]
    assert (tmp_path / "outbox.db.corrupt-1").exists()
    box.close()


def test_file_that_turns_corrupt_under_way_does_not_stop_the_agent(tmp_path: Path) -> None:
    box = opened(tmp_path, clock=lambda: 100.0)
    box.put([sized(1000)] * 100)
    box._file._checkpoint()
    box._file.db.execute("PRAGMA cache_size=0")
    corrupted(tmp_path / "outbox.db")
    assert box.pending(0, 1000) == []
    assert box.corrupt == 1
    box.put([clock])
    assert numbers(box) == [(101, 1)]
    box.close()


def test_corrupt_files_are_bounded(tmp_path: Path) -> None:
    for _ in range(6):
        (tmp_path / "outbox.db").write_bytes(b"not a database, not at all" * 100)
        opened(tmp_path).close()
    assert len(list(tmp_path.glob("*.corrupt-*"))) == 3


def test_seven_days_of_twenty_sensors_fit(tmp_path: Path) -> None:
    """The default bound, with 20 quantities at 1 Hz in one message a second."""
    from edge.agent import OUTBOX_BYTES

    values = {f"q{n:03d}": 12.34 for n in range(20)}
    payload = wire.encode_device_block(1_763_836_000, 604_800, 1_763_836_000_000, values)
    assert 7 * 86_400 * (len(payload) + ROW_BYTES) < OUTBOX_BYTES
    box = opened(tmp_path)
    box.put([lambda e, n: payload] * 5000)
    box.close()
    assert (tmp_path / "outbox.db").stat().st_size < 5000 * (len(payload) + 2 * ROW_BYTES)


def test_a_commit_costs_little(tmp_path: Path) -> None:
    """Not a benchmark: a put must not sync."""
    box = opened(tmp_path)
    begun = time.process_time()
    for _ in range(1000):
        box.put([clock])
    assert time.process_time() - begun < 1.0
    assert json.loads(box.pending(0, 1)[0].payload)["s"] == 1
    box.close()
