"""The archive: round trip, days, tails that a crash left, damage, and its bytes as golden file."""

import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.verdicts import Verdict
from engine.batch import DTYPES, Batch
from ingest import archive as module
from ingest.archive import (
    COMPRESS_FROM_BYTES,
    FORMAT,
    HEADER,
    RECORD,
    Archive,
    ArchiveError,
    Kind,
    Position,
    Record,
    pack,
    read,
    unpack,
)
from ingest.resync import Damage

GOLDEN = Path(__file__).parent / "golden" / "archive_segment.txt"
DAY_NS = 86_400 * 10**9
NOON_NS = 20_000 * DAY_NS + DAY_NS // 2


def batch(count: int, received_ns: int = NOON_NS) -> Batch:
    numbers = np.arange(count)
    return Batch(
        numbers.astype(np.int32), received_ns - numbers * 10**9, numbers + 0.5,
        np.ones(count, np.uint8), (numbers % 3).astype(np.int32), np.full(count, 7), numbers + 1,
        np.full(count, Verdict.LATE, np.uint8), received_ns,
    )


def same(a: Batch, b: Batch) -> bool:
    return a.received_ns == b.received_ns and all(
        np.array_equal(getattr(a, name), getattr(b, name), equal_nan=name == "value")
        for name in DTYPES
    )


def stated(records: Sequence[Record]) -> list[tuple[Kind, int, bytes, int]]:
    return [(row.kind, row.received_ns, row.body, row.count) for row in records]


@given(st.lists(st.tuples(
    st.integers(-1, 2**31 - 1), st.integers(-2**63, 2**63 - 1), st.floats(),
    st.integers(0, 255), st.integers(-1, 2**31 - 1), st.integers(0, 2**62),
    st.integers(0, 2**62), st.integers(0, 255),
), max_size=20), st.integers(0, 2**62))
def test_columns_round_trip(rows: list[tuple[float, ...]], received_ns: int) -> None:
    columns = list(zip(*rows, strict=True)) or [[] for _ in DTYPES]
    one = Batch(*(np.array(column, dtype) for column, dtype in zip(  # type: ignore[arg-type]
        columns, DTYPES.values(), strict=True)), received_ns=received_ns)
    assert same(unpack(pack(one), len(rows), received_ns), one)


def test_every_kind_of_record_round_trips(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    small, large = batch(3), batch(5000)
    assert len(pack(small)) < COMPRESS_FROM_BYTES < len(pack(large))
    archive.append(Kind.BATCH, NOON_NS, pack(small), 3)
    archive.append(Kind.RELEASE_FUTURE, NOON_NS, pack(large), 5000)
    archive.append_batch(Kind.BATCH, large)
    archive.append_batch(Kind.BATCH, batch(0))
    archive.append(Kind.TICK, NOON_NS + 1, b"")
    archive.append_json(Kind.REGISTRY, NOON_NS, {"keys": [["a", "b", "c"]]})
    archive.append(Kind.PLACES, NOON_NS, "Zürich".encode())
    size = archive.size_bytes
    position = archive.position
    archive.close()
    records = list(read(tmp_path))
    assert [row.kind for row in records] == [
        Kind.BATCH, Kind.RELEASE_FUTURE, Kind.BATCH, Kind.BATCH, Kind.TICK, Kind.REGISTRY,
        Kind.PLACES,
    ]
    assert same(records[0].batch(), small)
    assert same(records[1].batch(), large)
    assert same(records[2].batch(), large)
    assert same(records[3].batch(), batch(0))
    assert records[4].received_ns == NOON_NS + 1
    assert records[5].json() == {"keys": [["a", "b", "c"]]}
    assert records[6].body.decode() == "Zürich"
    assert size == sum(path.stat().st_size for path in tmp_path.iterdir())
    assert size < len(pack(large))
    assert records[-1].end == position


def test_reads_on_from_any_position(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    positions: list[Position | None] = [None]
    for day in range(3):
        for number in range(4):
            at_ns = NOON_NS + day * DAY_NS + number
            archive.append(Kind.BATCH, at_ns, pack(batch(2, at_ns)), 2)
            positions.append(archive.position)
    archive.close()
    every = stated(list(read(tmp_path)))
    assert len(every) == 12
    for k, position in enumerate(positions):
        assert stated(list(read(tmp_path, position))) == every[k:]


def test_a_segment_a_day_of_receive_time(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    midnight = 20_000 * DAY_NS
    for at_ns in (midnight - 1, midnight, midnight - 5, midnight + DAY_NS):
        archive.append(Kind.TICK, at_ns, b"")
    archive.close()
    assert archive.segments() == ["2024-10-03.cva", "2024-10-04.cva", "2024-10-05.cva"]
    # A clock that was set back writes on in the newest segment: the order of records stays.
    assert [row.received_ns for row in read(tmp_path)] == [
        midnight - 1, midnight, midnight - 5, midnight + DAY_NS,
    ]


def test_a_segment_begins_with_the_preamble(tmp_path: Path) -> None:
    archive = Archive(tmp_path, lambda: [(Kind.PLACES, b"all there is")])
    for at_ns in (NOON_NS, NOON_NS + 1, NOON_NS + DAY_NS):
        archive.append(Kind.TICK, at_ns, b"")
    archive.close()
    kinds = [(row.end.segment, row.kind) for row in read(tmp_path)]
    first, second = archive.segments()
    assert kinds == [
        (first, Kind.PLACES), (first, Kind.TICK), (first, Kind.TICK), (second, Kind.PLACES),
        (second, Kind.TICK),
    ]


def write_three(folder: Path) -> list[int]:
    """A segment of three records; returns where each ends."""
    archive = Archive(folder)
    ends = []
    for number in range(3):
        archive.append_batch(Kind.BATCH, batch(2, NOON_NS + number))
        ends.append(archive.position.offset)
    archive.close()
    return ends


def test_a_tail_cut_at_any_byte_keeps_the_whole_records_before_it(tmp_path: Path) -> None:
    ends = write_three(tmp_path / "whole")
    [segment] = (tmp_path / "whole").iterdir()
    data = segment.read_bytes()
    for size in range(len(data) + 1):
        folder = tmp_path / str(size)
        folder.mkdir()
        (folder / segment.name).write_bytes(data[:size])
        archive = Archive(folder)
        survivors = sum(end <= size for end in ends)
        good = ([0, *ends][survivors] or HEADER.size) if size >= HEADER.size else 0
        assert archive.cut_bytes == size - good
        assert [p.read_bytes() for p in folder.glob("*.tail-*")] == (
            [data[good:size]] if size > good else []
        )
        # And what is written next can be read, wherever the crash was.
        archive.append(Kind.TICK, NOON_NS + 9, b"")
        archive.close()
        after = list(read(folder))
        assert [row.received_ns - NOON_NS for row in after] == [*range(survivors), 9]


@settings(max_examples=60)
@given(st.data())
def test_a_flipped_bit_is_found(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
                                ) -> None:
    folder = tmp_path_factory.mktemp("flip")
    ends = write_three(folder)
    [segment] = folder.iterdir()
    body = bytearray(segment.read_bytes())
    at = data.draw(st.integers(HEADER.size, len(body) - 1))
    body[at] ^= 1 << data.draw(st.integers(0, 7))
    segment.write_bytes(body)
    damaged = next(k for k, end in enumerate(ends) if at < end)
    found: list[Damage] = []
    rows = [row.received_ns - NOON_NS for row in read(folder, damaged=found.append)]
    assert rows == [number for number in range(3) if number != damaged]  # and only that is lost
    [lost] = found
    assert (lost.first, lost.last) == ([HEADER.size, *ends][damaged], ends[damaged])
    assert lost.records <= 1
    assert lost.rows <= len(body) // 2  # what is said of a record that is damaged can be wrong


def test_damage_in_one_day_does_not_hide_the_next(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    archive = Archive(tmp_path)
    for at_ns in (NOON_NS, NOON_NS + 1, NOON_NS + DAY_NS):
        archive.append(Kind.TICK, at_ns, b"")
    archive.close()
    first = tmp_path / archive.segments()[0]
    data = bytearray(first.read_bytes())
    data[-1] ^= 1
    first.write_bytes(data)
    assert [row.received_ns for row in read(tmp_path)] == [NOON_NS, NOON_NS + DAY_NS]
    assert "damaged at byte 40; the 24 bytes after it cannot be read" in caplog.text


@pytest.mark.parametrize(("change", "words"), [
    (lambda data: struct.pack("<8sH", b"CVARCHIV", FORMAT + 1) + data[10:],
     f"has format {FORMAT + 1}, this program"),
    (lambda data: b"GIF89a.." + data[8:], "is not an archive segment"),
])
def test_what_is_newer_or_not_ours_is_refused(tmp_path: Path, change, words: str) -> None:  # type: ignore[no-untyped-def]
    write_three(tmp_path)
    [segment] = tmp_path.iterdir()
    segment.write_bytes(change(segment.read_bytes()))
    before = segment.read_bytes()
    with pytest.raises(ArchiveError, match=words):
        Archive(tmp_path)
    with pytest.raises(ArchiveError, match=str(segment)):
        list(read(tmp_path))
    assert segment.read_bytes() == before


def test_sync_is_a_flush_and_fdatasync_and_only_if_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    real = os.fdatasync

    def fdatasync(number: int) -> None:
        sizes.append(os.fstat(number).st_size)
        real(number)

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    archive = Archive(tmp_path)
    archive.sync(1)
    assert sizes == []
    archive.append(Kind.TICK, NOON_NS, b"")
    archive.sync(2)
    archive.sync(3)
    assert sizes == [HEADER.size + RECORD.size]
    assert archive.synced_ms == 2
    archive.append(Kind.TICK, NOON_NS + DAY_NS, b"")
    assert sizes == [HEADER.size + RECORD.size] * 2  # the old day is durable before the new
    archive.close()


def test_a_compact_record_that_is_none_is_damage_though_its_checksum_fits(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.append(Kind.TICK, NOON_NS, b"")
    archive._append(Kind.BATCH, NOON_NS, b"\2\0\0", module.COMPACT, 1)
    archive.append(Kind.TICK, NOON_NS + 1, b"")
    archive.close()
    found: list[Damage] = []
    assert [row.received_ns for row in read(tmp_path, damaged=found.append)] == [
        NOON_NS, NOON_NS + 1,
    ]
    assert [(lost.records, lost.rows) for lost in found] == [(1, 1)]


def test_a_full_disk_is_said_with_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_number: int) -> None:
        raise OSError(28, "No space left on device")

    archive = Archive(tmp_path)
    archive.append(Kind.TICK, NOON_NS, b"")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", full)
        with pytest.raises(ArchiveError, match=r"2024-10-04.cva: No space left on device"):
            archive.sync(1)
        archive.close()
    assert len(list(read(tmp_path))) == 1


def test_a_record_at_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = Archive(tmp_path)
    archive.append(Kind.PLACES, NOON_NS, b"x" * 100)
    archive.append(Kind.PLACES, NOON_NS, b"x" * 101)
    archive.close()
    monkeypatch.setattr(module, "RECORD_BYTES_MAX", 100)
    assert [len(row.body) for row in read(tmp_path)] == [100]


def test_golden(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.append_json(Kind.REGISTRY, 1_790_000_000 * 10**9, {"keys": [["p", "c", "s"]]})
    one = Batch(
        np.array([0], np.int32), np.array([1_790_000_000 * 10**9]), np.array([12.5]),
        np.array([1], np.uint8), np.array([2], np.int32), np.array([7]), np.array([41]),
        np.array([Verdict.APPLIED], np.uint8), 1_790_000_001 * 10**9,
    )
    archive.append(Kind.BATCH, one.received_ns, pack(one), 1)  # as formats 1 to 3 have it
    archive.append_batch(Kind.BATCH, one)
    archive.append(Kind.TICK, 1_790_000_040 * 10**9, b"")
    archive.close()
    [segment] = tmp_path.iterdir()
    data = segment.read_bytes()
    lines = [segment.name, data[: HEADER.size].hex()]
    at = HEADER.size
    for record in read(tmp_path):
        head, body = data[at : at + RECORD.size], data[at + RECORD.size : record.end.offset]
        assert zlib.crc32(data[at + 8 : record.end.offset]) == struct.unpack_from("<I", head, 4)[0]
        lines += [record.kind.name, head.hex(), body.hex()]
        at = record.end.offset
    assert "\n".join(lines) + "\n" == GOLDEN.read_text()
