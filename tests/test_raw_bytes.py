"""Bytes and words by address."""

from typing import Any

import numba as nb
import numpy as np

from ingest.raw_bytes import octet, octets
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
