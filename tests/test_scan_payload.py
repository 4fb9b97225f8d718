"""Payloads read into columns; equality with the general path is in test_fast_lane.py."""

import json
from typing import Any

import numpy as np
import pytest

from ingest.known import ALWAYS_NS, Known
from ingest.scan_payload import EPOCH, FIELDS, GENERAL, NUMBER, read_payload
from tests.fuzz_frames import Guarded

GUARDED = Guarded()
T = 1_790_000_000_000
KNOWN = Known()
for _quantity in range(20):
    KNOWN.learn_series(0, _quantity, "", (-ALWAYS_NS, ALWAYS_NS), 100 + _quantity)


def columns(payload: bytes, room: int = 64) -> tuple[int, list[list[Any]], list[int]]:
    """How many readings; quantity, time in ms, value, flag, slot; epoch and number."""
    data = GUARDED.hold(payload)
    fields = np.zeros(FIELDS, np.int64)
    made = (np.zeros(room, np.int32), np.zeros(room, np.int64), np.zeros(room),
            np.zeros(room, np.uint8), np.zeros(room, np.int32))
    count = read_payload(data.ctypes.data, 0, len(payload), 0, KNOWN.series, fields, *made, 0)
    out = [column[: max(count, 0)].tolist() for column in made]
    out[1] = [time_ns // 1_000_000 for time_ns in out[1]]
    return count, out, [int(fields[EPOCH]), int(fields[NUMBER])]


def test_single_block_and_device_block() -> None:
    one = {"e": 7, "s": 41, "q": "pm25", "t": T, "v": 12.5}
    assert columns(json.dumps(one).encode()) == (1, [[0], [T], [12.5], [0], [100]], [7, 41])
    block = {"v": [1, 2.5], "dt": [0, -1000], "t0": T, "q": "no2", "f": 3, "s": 2, "e": 0}
    assert columns(json.dumps(block).encode()) == (
        2, [[2, 2], [T, T - 1000], [1, 2.5], [3, 3], [102, 102]], [0, 2])
    device = {"e": 1, "s": 3, "m": {"temp": -3.5, "pm25": 8}, "t": T, "more": None}
    assert columns(json.dumps(device).encode()) == (
        2, [[6, 0], [T, T], [-3.5, 8], [0, 0], [106, 100]], [1, 3])


@pytest.mark.parametrize("payload", [
    {"s": 1, "q": "pm25", "t": T, "v": 1}, {"e": 1, "q": "pm25", "t": T, "v": 1},
    {"e": 1, "s": 0, "q": "pm25", "t": T, "v": 1}, {"e": 1, "s": 1, "q": "nope", "t": T, "v": 1},
    {"e": 1, "s": 1, "q": "pm25", "t": 5, "v": 1}, {"e": 1, "s": 1, "q": "pm25", "v": 1},
    {"e": 1, "s": 1, "q": "pm25", "t": T, "v": []}, {"e": 1, "s": 1, "t": T, "m": {}},
    {"e": 1, "s": 1, "q": "pm25", "t0": T, "dt": [1], "v": [1, 2]},
    {"e": 1, "s": 1, "q": "pm25", "t": T, "v": 1, "n": 5},
    {"e": 1, "s": 1, "q": "pm25", "t": T, "v": 1, "ch": "unheard"},
    {"e": 1, "s": 1, "q": "pm25", "t": T, "v": 1, "u": "furlong"},
    {"e": 1, "s": 1, "q": "pm25", "t": T, "v": 1, "x": [1]},
], ids=str)
def test_what_is_not_for_certain_is_for_the_general_path(payload: dict[str, Any]) -> None:
    assert columns(json.dumps(payload).encode())[0] == GENERAL


def test_columns_that_are_too_short_are_not_overrun() -> None:
    block = {"e": 1, "s": 1, "q": "pm25", "t0": T, "dt": [0] * 9, "v": [1] * 9}
    assert columns(json.dumps(block).encode(), room=9)[0] == 9
    assert columns(json.dumps(block).encode(), room=8)[0] == GENERAL
