"""Old days of the archive go; what they held stays counted, and is not taken in again."""

from pathlib import Path

import pytest

from edge.verdicts import Verdict
from edge.wire import Ack
from ingest import retention as module
from ingest.archive import Archive, ArchiveError, Kind, Position
from ingest.line import Line
from ingest.retention import FILE, KEPT_DAYS_MIN, Removed, Retention, finish, load
from tests.line_city import (
    MS,
    START_MS,
    abandon,
    line_of,
    message,
    single,
    verdicts,
    write_places,
)

DAY_MS = 86_400_000
DAY_NS = DAY_MS * MS
BYTES = 1 << 40


def live(folder: Path, days: int) -> Line:
    """A line that took two readings a day, and one of a stranger, for some days."""
    write_places(folder / "places.csv")
    line = line_of(folder)
    number = 0
    for day in range(days):
        at_ms = START_MS + day * DAY_MS
        for device in ("d1", "d1", "d9"):
            number += 1
            told = single(number, number / 10, time_ms=at_ms)
            line.take([message(device, told, at_ms)], at_ms * MS)
    line.snapshot()
    return line


def keep(line: Line, days: int, bytes_max: int = BYTES, *, ahead: int = 0) -> Removed:
    """Let retention do all that it would, `ahead` days after the last reading; what went."""
    retention = Retention(line.archive, line.removed, days, bytes_max)
    last = module.day_of(line.archive.segments()[-1])
    for _ in range(200):
        retention.step((last + ahead) * DAY_NS, line.snapshots.covered)
    line.removed = retention.removed
    return retention.removed


def test_a_day_stays_for_archive_days_and_not_one_longer(tmp_path: Path) -> None:
    line = live(tmp_path, 14)
    assert keep(line, 13).segments == 0
    assert keep(line, 12).segments == 1
    assert len(line.archive.segments()) == 13
    assert keep(line, 11).segments == 2
    line.close()


def test_the_days_that_may_be_restated_stay_whatever_the_bytes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    line = live(tmp_path, 14)
    before = line.archive.size_bytes
    removed = keep(line, 400, 1)
    assert removed.segments == 14 - KEPT_DAYS_MIN - 1
    assert len(line.archive.segments()) == KEPT_DAYS_MIN + 1
    assert line.archive.size_bytes == before - removed.bytes
    assert line.archive.size_bytes == sum(
        path.stat().st_size for path in line.archive.folder.glob("*.cva")
    )
    assert caplog.text.count("is larger than archive_bytes_max = 1") == 1
    line.close()


def test_bytes_at_their_limit(tmp_path: Path) -> None:
    line = live(tmp_path, 14)
    assert keep(line, 400, line.archive.size_bytes).segments == 0
    assert keep(line, 400, line.archive.size_bytes - 1).segments == 1
    line.close()


def test_only_what_a_snapshot_covers_goes_and_never_what_is_written_to(tmp_path: Path) -> None:
    line = live(tmp_path, 3)
    line.snapshots.covered, covered = None, line.snapshots.covered
    assert keep(line, 10, ahead=400).segments == 0
    line.snapshots.covered = Position(line.archive.segments()[1], 99)
    assert keep(line, 10, ahead=400).segments == 1
    line.snapshots.covered = covered
    assert keep(line, 10, ahead=400).segments == 2
    assert len(line.archive.segments()) == 1
    line.close()


@pytest.mark.parametrize("whole", [False, True])
def test_what_went_is_still_counted_and_known(tmp_path: Path, whole: bool) -> None:
    line = live(tmp_path, 14)
    before, seen = verdicts(line), sorted(line.seen.dump())
    assert keep(line, 11).segments == 2
    abandon(line)
    line = line_of(tmp_path, whole=whole)
    assert verdicts(line) == before
    assert sorted(line.seen.dump()) == seen
    at_ms = START_MS + 14 * DAY_MS
    heard = line.take([message("d1", single(1), at_ms)], at_ms * MS)
    assert line.acks(heard) == [("d1", Ack(1, 2, h=41))]
    assert line.counts[Verdict.DUPLICATE] == 1
    line.close()


def test_a_kill_before_the_deletion_is_made_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = live(tmp_path, 14)
    before = verdicts(line)
    first = line.archive.segments()[0]
    aside = line.archive.folder / f"{Path(first).stem}.tail-40"
    aside.write_bytes(b"x")

    def killed(_path: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "_delete", killed)
        with pytest.raises(KeyboardInterrupt):
            keep(line, 12)
    abandon(line)
    assert (tmp_path / "ingest" / "archive" / first).exists()
    line = line_of(tmp_path, whole=True)
    assert first not in line.archive.segments()
    assert not aside.exists()
    assert verdicts(line) == before
    line.close()


def test_what_was_removed_survives_and_a_damaged_record_of_it_is_said(tmp_path: Path) -> None:
    assert load(tmp_path) == finish(tmp_path) == Removed()
    (tmp_path / FILE).write_text("{")
    with pytest.raises(ArchiveError, match=FILE):
        load(tmp_path)
    (tmp_path / FILE).write_text('{"format": 9}')
    with pytest.raises(ArchiveError, match="format 9"):
        load(tmp_path)


def test_a_step_is_short_however_long_the_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Archive(tmp_path)
    for number in range(50):
        archive.append(Kind.TICK, START_MS * MS + number, b"")
    archive.append(Kind.TICK, START_MS * MS + DAY_NS, b"")
    monkeypatch.setattr(module, "STEP_S", 0.0)
    retention = Retention(archive, Removed(), 10, BYTES)
    steps = 0
    while not retention.removed.segments:
        retention.step(START_MS * MS + 30 * DAY_NS, archive.position)
        steps += 1
    assert steps > 50
    archive.close()
