"""The compact form gives every bit back, is compact, and takes no damaged bytes for rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.batch import DTYPES, Batch
from ingest.archive import pack
from ingest.archive_code import (
    ROW_BYTES_MAX,
    ROWS_MAX,
    as_decimal,
    decode,
    encode,
    put_number,
    take_number,
)
from tests.reference_archive import decode as slow

I64 = st.integers(-(1 << 63), (1 << 63) - 1)
ROW = st.tuples(
    st.integers(-(1 << 31), (1 << 31) - 1),
    st.one_of(I64, st.integers(0, 9 * 10**12).map(lambda t: t * 10**6)),
    st.one_of(st.floats(), st.floats(-1000, 1000).map(lambda x: round(x, 2)), st.sampled_from(
        [-0.0, 0.0, float("nan"), 1e15, 1e16, 0.1 + 0.2, 5e-324])),
    st.integers(0, 255), st.integers(-(1 << 31), (1 << 31) - 1), I64, I64, st.integers(0, 255),
)


def batch_of(rows: list[tuple[float, ...]]) -> Batch:
    columns = zip(*rows, strict=True) if rows else ((),) * 8
    return Batch(*(
        np.array(column, dtype) for column, dtype in zip(columns, DTYPES.values(), strict=True)
    ), received_ns=1)  # type: ignore[arg-type]


@given(st.lists(ROW, max_size=30))
def test_every_bit_comes_back(rows: list[tuple[float, ...]]) -> None:
    batch = batch_of(rows)
    body = encode(batch)
    assert decode(body, len(rows)) == slow(body, len(rows)) == pack(batch)
    assert len(body) <= 1 + ROW_BYTES_MAX * len(rows)


def test_the_largest_row_fits() -> None:
    low, high = -(1 << 63), (1 << 63) - 1
    rows = [(-(1 << 31), low, 5e-324, 9, -(1 << 31), low, low, 255),
            ((1 << 31) - 1, high, -5e-324, 1, (1 << 31) - 1, high, high, 0)] * 3
    body = encode(batch_of(rows))
    assert decode(body, 6) == pack(batch_of(rows))
    assert len(body) <= 1 + 6 * ROW_BYTES_MAX


@given(st.lists(ROW, min_size=1, max_size=8), st.integers(0, 500), st.integers(0, 255))
def test_damaged_bytes_are_other_rows_or_none_and_never_more(
    rows: list[tuple[float, ...]], at: int, byte: int
) -> None:
    body = encode(batch_of(rows))
    assert decode(body[:-1], len(rows)) is None
    assert decode(body + b"\0", len(rows)) is None
    assert decode(body, len(rows) + 1) is None
    other = bytearray(body)
    other[at % len(body)] = byte
    assert decode(bytes(other), len(rows)) == slow(bytes(other), len(rows))


@given(st.lists(st.one_of(st.binary(max_size=6), st.sampled_from(
    [b"\0", b"\1", b"\0\0", b"\x1f", b"\x20\1\2", b"\x40" + bytes(8), b"\x80\3", b"\x80\7"])),
    max_size=12), st.integers(0, 12))
def test_any_bytes_are_rows_or_refused_as_the_slow_reader_finds(
    pieces: list[bytes], count: int
) -> None:
    body = b"".join(pieces)
    assert decode(body, count) == slow(body, count)


def test_no_more_rows_than_plain_columns_could_have() -> None:
    assert decode(bytes(1 + 2 * ROWS_MAX), ROWS_MAX + 1) is None
    assert decode(bytes(1 + 2 * ROWS_MAX + 2), ROWS_MAX + 1) is None


@given(I64)
def test_numbers_come_back_whatever_their_sign(number: int) -> None:
    out = np.zeros(10, np.uint8)
    end = put_number(out, 0, number)
    assert take_number(out, 0) == (end, number)
    assert take_number(out[: end - 1], 0)[0] == -1


def test_decimals_that_give_every_bit_back() -> None:
    for value, scale, wanted in (
        (12.5, 1, (1, 125)), (12.0, 1, (1, 120)), (0.125, 1, (3, 125)), (-3.14, 2, (2, -314)),
        (0.1 + 0.2, 1, (-1, 0)), (1e300, 0, (-1, 0)),
    ):
        bits = int(np.array(value).view(np.int64))
        assert as_decimal(value, bits, scale) == wanted
    assert as_decimal(-0.0, int(np.array(-0.0).view(np.int64)), 1)[0] == -1


@pytest.mark.parametrize(("kind", "bytes_a_row"), [("single", 8.0), ("block", 3.0)])
def test_is_compact(kind: str, bytes_a_row: float) -> None:
    rng = np.random.default_rng(5)
    k = np.arange(10_000)
    of = k % 1000 if kind == "single" else k // 100
    of_ms = rng.integers(0, 1000, len(k)) if kind == "single" else k % 100 * 1000
    time_ms = 1_790_000_000_000 + of_ms
    value = np.round(20 + of % 50 + rng.normal(0, 2, len(k)), 1)
    batch = Batch(
        of.astype(np.int32), time_ms * 1_000_000, value, np.ones(len(k), np.uint8),
        of.astype(np.int32), np.full(len(k), 7), k // 1000 + 1 if kind == "single" else k // 100,
        np.zeros(len(k), np.uint8), 0)
    body = encode(batch)
    assert decode(body, len(k)) == pack(batch)
    assert len(body) / len(k) < bytes_a_row, len(body) / len(k)
