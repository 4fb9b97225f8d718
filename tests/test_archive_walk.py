"""The kernels that walk a segment: checksums, and rows as the plain reader finds them."""

import random
import zlib

import numpy as np
import pytest

from engine.batch import Batch
from ingest.archive import pack
from ingest.archive_walk import PLACED, ROW, crc_of, number_at, pick
from ingest.clocks import NO_READING

NEVER = 1 << 62


def batch_of(slots: list[int], times: list[int], verdicts: list[int]) -> Batch:
    count = len(slots)
    return Batch(
        np.array(slots, np.int32), np.array(times, np.int64), np.arange(count) + 0.25,
        np.ones(count, np.uint8), np.arange(count, dtype=np.int32) % 3,
        np.full(count, 7, np.int64), np.arange(count, dtype=np.int64),
        np.array(verdicts, np.uint8), 99,
    )


def picked(batch: Batch, slots: list[bool], devices: list[bool], span: tuple[int, int]
           ) -> tuple[list[tuple[int, int, float, int]], list[int]]:
    """slot, time, value and verdict of the rows, and the earliest times seen."""
    body = np.frombuffer(pack(batch), np.uint8)
    out, bits = np.zeros(64, ROW), np.zeros(64, np.int64)
    first = np.full(len(slots), NEVER, np.int64)
    filled = pick(body, 0, len(batch), 1, 99, np.array(slots), np.array(devices),
                  np.array(span, np.int64), first, out, bits, 0)
    values = bits[:filled].view(np.float64).tolist()
    rows = zip(out["slot"][:filled].tolist(), out["time_ns"][:filled].tolist(), values,
               out["verdict"][:filled].tolist(), strict=True)
    return list(rows), first.tolist()


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 1000])
def test_the_checksum_is_that_of_zlib(size: int) -> None:
    data = random.Random(size).randbytes(size + 2)
    assert crc_of(np.frombuffer(data, np.uint8), 1, size + 1) == zlib.crc32(data[1 : size + 1])


@pytest.mark.parametrize(("value", "size"), [(-1, 4), (1 << 30, 4), (-(1 << 62), 8), (5, 8)])
def test_numbers_are_little_endian_with_a_sign(value: int, size: int) -> None:
    data = np.frombuffer(b"x" + value.to_bytes(size, "little", signed=True), np.uint8)
    assert number_at(data, 1, size) == value


def test_wanted_series_within_the_span() -> None:
    batch = batch_of([0, 1, 0, 2], [10, 10, 30, 10], [0, 0, 1, 0])
    rows, first = picked(batch, [True, False, True], [False] * 3, (5, 20))
    assert rows == [(0, 10, 0.25, 0), (2, 10, 3.25, 0)]
    assert first == [10, NEVER, 10]


def test_what_no_series_took_is_found_by_its_device() -> None:
    batch = batch_of([-1, -1, 0], [10, 10, 10], [11, 11, 0])
    rows, first = picked(batch, [False], [False, True, False], (0, 20))
    assert rows == [(-1, 10, 1.25, 11)]
    assert first == [NEVER]


def test_what_a_clock_had_shown_comes_with_its_reading() -> None:
    batch = batch_of([0, -2], [10, -500], [0, NO_READING])
    rows, _ = picked(batch, [True], [False] * 3, (0, 20))
    assert rows == [(0, 10, 0.25, 0), (0, 10, 1.25, PLACED)]
