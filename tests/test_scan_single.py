"""The object that agents send for one reading: what is read in one go is what JSON says."""

import json
from typing import Any

import numba as nb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.quantities import INDEX
from edge.wire import encode_single
from ingest.scan_single import read_single
from tests.fuzz_frames import Guarded, damaged

GUARDED = Guarded()
T = 1_790_000_000_000


@nb.njit
def _read(data: int, last: int, value: Any) -> Any:
    return read_single(data, 0, last, value, 0)


def on(payload: bytes) -> tuple[int, int, int, str, float] | None:
    """What is read of a payload that ends at a page that cannot be read."""
    data, value = GUARDED.hold(payload), np.zeros(1)
    epoch, number, time_ms, name, end = _read(data.ctypes.data, len(payload), value)
    return None if end < 0 else (
        epoch, number, time_ms, payload[name:end].decode(), float(value[0]))


@given(
    st.integers(0, 2**31), st.integers(0, 2**40), st.sampled_from(sorted(INDEX)),
    st.integers(10**12, 10**13 - 1),
    st.one_of(st.integers(-999, 99_999), st.floats(-1e4, 1e6).map(lambda x: round(x, 2))),
)
def test_what_an_agent_writes_is_read(
    epoch: int, number: int, name: str, time_ms: int, value: float
) -> None:
    payload = encode_single(epoch, number, name, time_ms, value)
    shown = payload.decode().rsplit('"v":', 1)[1]
    plain = len(shown) > 2 and "e" not in shown and not shown.startswith("-0.0")
    found = on(payload)
    assert found == (epoch, number, time_ms, name, value) or (found is None and not plain)


@given(st.integers(0, 2**32), st.integers(1, 10**6), st.floats(0, 999).map(lambda x: round(x, 1)))
def test_what_is_read_is_what_json_says(seed: int, number: int, value: float) -> None:
    payload = damaged(
        np.random.default_rng(seed), encode_single(7, number, "pm25", T + seed, value))
    found = on(payload)
    if found is not None:
        told = json.loads(payload)
        assert list(told) == ["e", "s", "q", "t", "v"]
        assert found == tuple(told[key] for key in ("e", "s", "t", "q", "v"))


@pytest.mark.parametrize("payload", [
    b'{"e":1,"s":2,"q":"pm25","t":0790000000000,"v":12.5}',
    b'{"e":1,"s":2,"q":"pm25","t":179000000000,"v":12.5}',
    b'{"e":1,"s":2,"q":"pm25","t":17900000000000,"v":12.5}',
    b'{"e":1,"s":2,"q":"pm25","t":1790000000000,"v":12.5} ',
    b'{"e":1,"s":2,"q":"pm25","t":1790000000000,"v":12.5,"f":1}',
    b'{"e":1,"s":2,"q":"pm25","t":179000000000:,"v":12.5}',
    b'{"e":1,"s":2,"q":"pm25","t":17900000000/0,"v":12.5}',
    b'{"e":1, "s":2,"q":"pm25","t":1790000000000,"v":12.5}',
    b'{"e":01,"s":2,"q":"pm25","t":1790000000000,"v":12.5}',
    b'{"e":1,"s":2,"q":"pm\\n","t":1790000000000,"v":12.5}',
    b'{"e":1,"s":2,"q":"pm25","t":1790000000000,"v":"a"}', b'{"e":1', b"{}", b"",
])
def test_what_differs_is_for_the_other_reader(payload: bytes) -> None:
    assert on(payload) is None
