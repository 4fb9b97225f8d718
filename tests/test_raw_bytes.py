"""Bytes, words and lines by address."""

from typing import Any

import numba as nb
import numpy as np

from engine.raw_bytes import octet, octets, prefetch
from tests.fuzz_frames import Guarded


@nb.njit
def _read(address: int) -> Any:
    return octet(address), octet(address + 7), octets(address)


def test_bytes_and_words_as_they_lie_in_memory() -> None:
    data = Guarded().hold(bytes(range(0xF0, 0xF8)))
    first, last, word = _read(data.ctypes.data)
    assert (first, last) == (0xF0, 0xF7)
    assert word == int.from_bytes(data.tobytes(), "little") == data.view("<u8")[0]
    assert np.uint64(word).dtype == np.uint64


@nb.njit
def _ask(rows: Any, table: Any, row: int, column: int) -> Any:
    prefetch(rows, row, 0)
    prefetch(table, row, column)
    return rows[0] + table[1, 1]


def test_to_ask_for_a_line_changes_nothing_and_may_be_for_none() -> None:
    rows, table = np.arange(3.0) + 7, np.asfortranarray(np.arange(6.0).reshape(2, 3))
    for row, column in [(0, 0), (1, 2), (-(1 << 40), 1 << 40), (1 << 50, 0)]:
        assert _ask(rows, table, row, column) == 11
    assert rows.tolist() == [7, 8, 9]
