"""What was admitted is found again: in memory, and beyond it in the archive."""

from pathlib import Path

import numpy as np
import pytest

from engine.batch import Batch
from engine.repeats import Keys
from ingest import recall
from ingest.archive import Archive, Kind, pack, read
from ingest.recall import DAY_NS, Recall, Rows, admitted, archived, nothing

NOON_NS = 20_000 * DAY_NS + DAY_NS // 2


def batch(first: int, count: int, received_ns: int = NOON_NS) -> Batch:
    """Readings of series 1 in seconds from `first`, and one row that no series took."""
    number = np.arange(first, first + count + 1)
    slot = np.ones(count + 1, np.int32)
    slot[-1] = -1
    return Batch(
        slot, NOON_NS + number * 10**9, number.astype(np.float64), np.ones(count + 1, np.uint8),
        slot * 0, number, number, np.zeros(count + 1, np.uint8), received_ns,
    )


def keys(*seconds: int) -> Keys:
    return Keys(np.ones(len(seconds), np.int32), NOON_NS + np.array(seconds, np.int64) * 10**9)


def found(parts: object) -> list[float]:
    return [value for rows, _ in parts for value in rows.batch.value.tolist()]  # type: ignore[attr-defined]


def test_memory_is_bounded_and_joins_what_is_small() -> None:
    kept = Recall(lambda *_: nothing(), 5000)
    for k in range(3000):
        kept.remember(admitted(batch(3 * k, 3, NOON_NS + k)))
    parts = list(kept.recent(keys(*range(9000))))
    values = found(parts)
    assert values == [float(k) for k in range(9000 - len(values), 9000)]
    assert 5000 <= len(values) <= 5000 + 2 * recall.SMALL_MAX
    assert len(parts) < 20
    rows = parts[-1][0]
    assert rows.received_ns[-1] == NOON_NS + 2999
    assert kept.forgotten_ns == NOON_NS + (9000 - len(values)) // 3 - 1


def test_the_archive_is_asked_once_a_day_of_a_series(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def past(slots: np.ndarray, first_ns: int, end_ns: int) -> Rows:
        asked.append((slots.tolist(), first_ns, end_ns))
        return admitted(batch(0, 100))

    kept = Recall(past, 10, recall.ALL_NS)
    for second in (5, 7, 5):
        assert found(kept.older(keys(second), np.array([0], np.int32))) == [second]
    assert asked == [([1], 20_000 * DAY_NS, 20_001 * DAY_NS)]
    kept.remember(admitted(batch(200, 5)))
    assert found(kept.older(keys(5), np.array([0], np.int32))) == [5]
    assert len(asked) == 1
    # What came after the reading back is no more in memory: it is read again.
    kept.remember(admitted(batch(300, 30)))
    kept.remember(admitted(batch(400, 30)))
    assert found(kept.older(keys(5), np.array([0], np.int32))) == [5]
    assert len(asked) == 2
    monkeypatch.setattr(recall, "LOADS_MAX", 1)
    next_day = Keys(np.array([1], np.int32), np.array([NOON_NS + DAY_NS]))
    list(kept.older(next_day, np.array([0], np.int32)))
    assert len(asked) == 2  # nothing that was received by then can be of that day
    monkeypatch.setattr(recall, "RECALLED_MAX", 10)
    list(kept.older(keys(-50_000), np.array([0], np.int32)))
    assert found(kept.older(keys(5), np.array([0], np.int32))) == [5]
    assert len(asked) == 4


def test_rows_of_an_archive_up_to_a_record(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    for k in range(4):
        part = batch(100 * k, 10, NOON_NS + k * DAY_NS // 2)
        archive.append((Kind.BATCH, Kind.RELEASE_UNKNOWN)[k % 2], part.received_ns, pack(part),
                       len(part))
        archive.append(Kind.TICK, part.received_ns, b"")
    archive.close()
    slots = np.array([1], np.int32)
    whole = archived(tmp_path, slots, NOON_NS + 5 * 10**9, NOON_NS + 105 * 10**9)
    assert whole.batch.value.tolist() == [5, 6, 7, 8, 9, 100, 101, 102, 103, 104]
    assert whole.received_ns.tolist() == [NOON_NS] * 5 + [NOON_NS + DAY_NS // 2] * 5
    ticks = [record.end for record in read(tmp_path) if record.kind == Kind.TICK]
    part = archived(tmp_path, slots, NOON_NS, NOON_NS + DAY_NS, ticks[0])
    assert part.batch.value.tolist() == list(range(10))
    assert not len(archived(tmp_path, np.array([0], np.int32), 0, 1 << 62))
