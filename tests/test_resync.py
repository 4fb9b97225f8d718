"""Damage in the middle of a segment: found, bounded, named, and nothing else is lost."""

import random
import struct
from pathlib import Path

import numpy as np
import pytest

from edge.verdicts import Verdict
from engine.batch import Batch
from ingest.archive import HEADER, Archive, Kind, pack, read, words_of
from ingest.resync import RECORD, Damage, next_record

NOON_NS = 1_790_000_000 * 10**9
RECORDS = 40


def batch(count: int, received_ns: int) -> Batch:
    """Zeros and ones, which look most like heads of records."""
    zero = np.zeros(count, np.int64)
    return Batch(
        np.zeros(count, np.int32), zero + received_ns, np.zeros(count), np.ones(count, np.uint8),
        np.zeros(count, np.int32), zero + 1, zero + 1, np.full(count, Verdict.APPLIED, np.uint8),
        received_ns,
    )


def written(folder: Path) -> tuple[Path, list[int]]:
    """A segment of records of many sizes; and where each begins, and the last ends."""
    archive = Archive(folder)
    ends = [HEADER.size]
    for number in range(RECORDS):
        at_ns = NOON_NS + number * 10**9
        count = number * 37 % 400
        archive.append(Kind.BATCH, at_ns, pack(batch(count, at_ns)), count)
        ends.append(archive.position.offset)
    archive.close()
    [path] = folder.iterdir()
    return path, ends


def test_only_what_is_damaged_is_lost_wherever_it_is(tmp_path: Path) -> None:
    rng = random.Random(20261122)
    path, ends = written(tmp_path)
    whole = path.read_bytes()
    for _ in range(60):
        data, spoilt = bytearray(whole), set()
        for _ in range(rng.choice((1, 1, 3))):
            at = rng.randrange(HEADER.size, len(whole))
            length = rng.choice((1, 1, 40, 3000))
            for spot in range(at, min(at + length, len(whole))):
                data[spot] ^= 1 << rng.randrange(8)
                spoilt.add(next(k for k in range(RECORDS) if spot < ends[k + 1]))
        path.write_bytes(data)
        found: list[Damage] = []
        rows = list(read(tmp_path, damaged=found.append))
        kept = [(row.received_ns - NOON_NS) // 10**9 for row in rows]
        assert kept == [number for number in range(RECORDS) if number not in spoilt]
        assert sum(lost.last - lost.first for lost in found) == sum(
            ends[number + 1] - ends[number] for number in spoilt)


def test_what_is_lost_is_named_with_its_readings_and_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, ends = written(tmp_path)
    data = bytearray(path.read_bytes())
    for number in (3, 4, 5):
        data[ends[number + 1] - 1] ^= 1
    path.write_bytes(data)
    found: list[Damage] = []
    list(read(tmp_path, damaged=found.append))
    rows = sum(number * 37 % 400 for number in (3, 4, 5))
    assert words_of(found[0]) == (
        f"archive 2026-09-21: 3 records, {rows} readings unreadable, "
        "after 2026-09-21T14:13:22Z and before 2026-09-21T14:13:26Z")
    assert words_of(found[0]) in caplog.text


def test_damage_before_the_tail_is_kept_and_the_tail_is_cut(tmp_path: Path) -> None:
    path, ends = written(tmp_path)
    data = bytearray(path.read_bytes())
    data[ends[10] + 30] ^= 4
    path.write_bytes(data[:-3])
    archive = Archive(tmp_path)
    assert archive.position.offset == ends[RECORDS - 1]
    archive.append(Kind.TICK, NOON_NS, b"")
    archive.close()
    assert len(list(read(tmp_path))) == RECORDS - 1
    assert path.with_suffix(f".tail-{ends[RECORDS - 1]}").read_bytes() == data[ends[-2]:-3]


def test_a_search_over_zeros_and_bytes_like_heads_ends(tmp_path: Path) -> None:
    path = tmp_path / "x"
    head = RECORD.pack(1 << 20, 0, 1, 0, 0, 0, NOON_NS)
    path.write_bytes(bytes(1 << 20) + head * 1000 + struct.pack("<I", 7))
    assert next_record(path, 0) == path.stat().st_size
