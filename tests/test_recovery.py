"""Reading back: neighbouring batches as one, messages as runs; against taking them one by one."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.verdicts import Verdict
from engine.batch import DTYPES, Batch, concatenate
from ingest import recovery
from ingest.admission import NO_READING
from ingest.archive import ArchiveError, Kind, Position, Record, pack
from ingest.intervals import Seen
from ingest.recovery import Marker, gather_columns, join, joined
from tests import reference
from tests.hostile import RELAXED

Rows = list[tuple[int, int, int, int]]
ROWS = st.lists(
    st.tuples(st.integers(-1, 3), st.integers(1, 2), st.integers(1, 30), st.integers(0, 3)),
    max_size=40,
)
"""Device, epoch, number, and the length of a dropped range (0: a reading)."""


def batch_of(rows: Rows, verdict: int = Verdict.APPLIED) -> Batch:
    count = len(rows)
    device, epoch, seq, length = (
        np.array([row[i] for row in rows], np.int64) for i in range(4)
    )
    return Batch(
        np.zeros(count, np.int32), length, np.arange(count, dtype=np.float64),
        np.ones(count, np.uint8), device.astype(np.int32), epoch, seq,
        np.where(length > 0, Verdict.DROPPED_OUTBOX, verdict).astype(np.uint8), 1,
    )


def record(kind: Kind, batch: Batch | None, at: int) -> Record:
    body = b"" if batch is None else pack(batch)
    return Record(kind, at, body, 0 if batch is None else len(batch), Position("x", at))


@RELAXED
@given(st.lists(ROWS, max_size=6))
def test_runs_remember_what_single_messages_do(batches: list[Rows]) -> None:
    plain, fast = Seen(), Seen()
    marker = Marker(fast)
    for rows in batches:
        for device, epoch, seq, length in rows:
            if device >= 0:
                plain.add(device, epoch, seq, seq + max(length, 1) - 1)
        marker.mark(batch_of(rows))
    marker.close()
    marker.close()
    assert sorted(fast.dump()) == sorted(plain.dump())


def test_neighbours_are_joined_and_the_order_of_records_stays() -> None:
    batches = [batch_of([(0, 1, k, 0)] * (k + 1)) for k in range(1, 5)]
    records = [
        record(Kind.BATCH, batches[0], 1), record(Kind.BATCH, batches[1], 2),
        record(Kind.TICK, None, 3), record(Kind.BATCH, batches[2], 4),
        record(Kind.RELEASE_FUTURE, batches[3], 5), record(Kind.TICK, None, 6),
    ]
    out = list(joined(iter(records), lambda batch: None))
    assert [item if isinstance(item, Batch) else item.kind for item in out][1::2] == [
        Kind.TICK, Kind.RELEASE_FUTURE]
    first = out[0]
    assert isinstance(first, Batch)
    expected = concatenate(batches[:2])
    for name in DTYPES:
        np.testing.assert_array_equal(getattr(first, name), getattr(expected, name))
        assert getattr(first, name).dtype == DTYPES[name]


def test_a_batch_that_says_more_than_readings_is_learned_alone() -> None:
    learned: list[Batch] = []
    said = batch_of([(0, 1, 2, 0)], NO_READING)
    records = [record(Kind.BATCH, batch_of([(0, 1, 1, 0)]), 1), record(Kind.BATCH, said, 2)]
    assert len(list(joined(iter(records), learned.append))) == 1
    assert [pack(batch) for batch in learned] == [pack(said)]


def test_joined_batches_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "JOINED_ROWS_MAX", 3)
    records = [record(Kind.BATCH, batch_of([(0, 1, k, 0)]), k) for k in range(1, 8)]
    sizes = [len(item) for item in joined(iter(records), lambda batch: None)
             if isinstance(item, Batch)]
    assert sizes == [3, 3, 1]


@RELAXED
@given(st.lists(st.integers(0, 5), max_size=6), st.randoms(use_true_random=False))
def test_columns_are_gathered_as_the_twin_gathers_them(counts: list[int], rng: Random) -> None:
    sizes = [np.dtype(dtype).itemsize for dtype in DTYPES.values()]
    bodies = rng.randbytes(sum(counts) * sum(sizes))
    out = tuple(np.empty(sum(counts) * size, np.uint8) for size in sizes)
    gather_columns(np.frombuffer(bytearray(bodies), np.uint8), np.array(counts, np.int64),
                   np.array(sizes, np.int64), out)
    assert [column.tobytes() for column in out] == reference.gather_columns(bodies, counts, sizes)


@RELAXED
@given(st.lists(ROWS, min_size=1, max_size=6))
def test_joined_columns_are_those_of_the_batches(batches: list[Rows]) -> None:
    single = [batch_of(rows) for rows in batches]
    records = [record(Kind.BATCH, batch, at) for at, batch in enumerate(single)]
    joint = join(records, sum(map(len, single)))
    expected = concatenate(single)
    for name in DTYPES:
        np.testing.assert_array_equal(getattr(joint, name), getattr(expected, name))


def test_a_batch_of_another_length_than_its_rows_is_named() -> None:
    torn = record(Kind.BATCH, batch_of([(0, 1, 1, 0)]), 7)
    with pytest.raises(ArchiveError, match="received at 7 ns"):
        join([replace(torn, body=torn.body[:-1])], 1)
