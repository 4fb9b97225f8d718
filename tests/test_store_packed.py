"""Packed rows against a dict, in memory and in the file."""

import sqlite3
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.store_now import LATEST, OPEN
from ingest.store_packed import BLOCK_BYTES_MAX, Packed

PAIR = np.dtype([("seq", "<i8"), ("value", "<f8"), ("much", "V600")])
"""Wide, so that a block is six rows."""
PER_BLOCK = BLOCK_BYTES_MAX // PAIR.itemsize


def table(page: int = 4096) -> sqlite3.Connection:
    file = sqlite3.connect(":memory:", isolation_level=None)
    file.execute(f"PRAGMA page_size = {page}")
    file.execute("CREATE TABLE t (block INTEGER PRIMARY KEY, seq INTEGER, body BLOB)")
    return file


def told(packed: Packed, file: sqlite3.Connection, after: int = 0) -> list[tuple[int, int, float]]:
    numbers, rows = packed.changed(file, after)
    return list(zip(numbers.tolist(), rows["seq"].tolist(), rows["value"].tolist(), strict=True))


ACTS = st.lists(st.tuples(
    st.sampled_from(["put", "put", "clear", "load"]), st.sets(st.integers(0, 40), max_size=9)
), max_size=12)


@given(ACTS, st.integers(0, 60))
def test_rows_as_in_a_dict(acts: list[tuple[str, set[int]]], after: int) -> None:
    file, packed = table(), Packed("t", PAIR)
    expected: dict[int, tuple[int, float]] = {}
    seq = 0
    for act, numbers in acts:
        at = np.array(sorted(numbers), np.int64)
        if act == "load":
            packed = Packed("t", PAIR)
            packed.load(file)
            continue
        if len(at):
            packed.reach(int(at.max()))
        if act == "put":
            new = np.arange(seq + 1, seq + 1 + len(at))
            packed.put(file, at, seq=new, value=new * 0.5)
            for n, k in zip(at.tolist(), new.tolist(), strict=True):
                expected[n] = k, k * 0.5
            seq += len(at)
        else:
            packed.clear(file, at)
            for number in numbers:
                expected.pop(number, None)
    for reader in (packed, Packed("t", PAIR)):
        assert told(reader, file) == sorted(
            ((n, *row) for n, row in expected.items()), key=lambda row: row[1])
        assert told(reader, file, after) == [row for row in told(reader, file) if row[1] > after]
    file.close()


@pytest.mark.parametrize("dtype", [OPEN, LATEST, PAIR])
def test_a_block_is_one_page(dtype: np.dtype[Any]) -> None:
    file, packed = table(), Packed("t", dtype)
    rows = BLOCK_BYTES_MAX // dtype.itemsize
    blocks = 50
    at = np.arange(blocks * rows)
    packed.reach(int(at[-1]))
    (before,) = file.execute("PRAGMA page_count").fetchone()
    packed.put(file, at, seq=at + (1 << 50))
    (after,) = file.execute("PRAGMA page_count").fetchone()
    assert after - before <= blocks + 1
    assert rows * dtype.itemsize > BLOCK_BYTES_MAX // 2, "and most of it"
    file.close()


def test_a_block_of_another_length_is_damage() -> None:
    file, packed = table(), Packed("t", PAIR)
    file.execute("INSERT INTO t VALUES (0, 7, x'0102')")
    for act in (packed.load, lambda file: packed.changed(file, 0)):
        with pytest.raises(sqlite3.DatabaseError, match="t: 1 blocks of 2 bytes"):
            act(file)
    file.close()
