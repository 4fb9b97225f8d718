"""A seeded fuzzer of the scanner: `python -m tests.fuzz_frames SEED FRAMES`.

Frames of all shapes are damaged byte by byte and read from buffers that end at a page that may not
be read, so that one byte too far kills this program. What the scanner takes for certain is read
again by the general path, and must be the same to the last bit.
"""

import ctypes
import json
import mmap
import sys

import numpy as np

from edge.quantities import INDEX, QUANTITIES
from edge.wire import Message
from engine.vitals import Vitals
from ingest.admission import Admission, Opened
from ingest.fast_lane import FastLane
from ingest.intervals import Seen
from ingest.messages import Rows, expand, read
from ingest.publish_frames import FRAMES, OURS, STATE, Bytes, Frames, split
from ingest.scan import Scanned, Scanner
from tests.line_city import MS, START_MS, row, topic
from tests.mqtt_frames import frames, publish, received

TOKENS = [b'"', b"{", b"}", b"[", b"]", b",", b":", b"0", b"-", b".", b"e", b"\\", b"\x00", b"\xff",
          b"\x80", b"null", b'"v":', b'"m":{', b"99999999999999999999", b"1e9", b" "]
PAGE = mmap.PAGESIZE
PAGES = 64


class Guarded:
    """Memory whose end is followed by a page that may not be touched."""

    def __init__(self) -> None:
        self._map = mmap.mmap(-1, (PAGES + 1) * PAGE)
        whole = np.frombuffer(self._map, np.uint8)
        self._data = whole[: PAGES * PAGE]
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mprotect(ctypes.c_void_p(whole.ctypes.data + PAGES * PAGE), PAGE, 0):
            raise OSError(ctypes.get_errno(), "mprotect")

    def hold(self, data: bytes | Bytes) -> Bytes:
        """The data at the very end."""
        raw = np.frombuffer(data, np.uint8) if isinstance(data, bytes) else data
        view = self._data[len(self._data) - len(raw) :]
        view[:] = raw
        return view


def corpus() -> list[bytes]:
    """Payloads of all shapes."""
    base = {"e": 1, "s": 7, "q": "pm25", "t": START_MS, "v": 12.5}
    block = {"e": 1, "s": 8, "q": "no2", "t0": START_MS, "dt": [0, 1000, 2000],
             "v": [1, 2.5, -3.25]}
    device = {"e": 1, "s": 9, "t": START_MS, "m": {"pm25": 1.5, "temp": 21.25, "occupancy": 0.5}}
    found = [base, block, device, {**base, "u": "mg/m3", "ch": "lane-1", "f": 3, "x": "free"},
             {**base, "q": "generation", "v": 123456789.123456}, {**block, "r": 5, "y": None},
             {**base, "n": 5}, {"e": 1, "s": 3, "ev": "interruption", "id": "x", "t": START_MS},
             {"e": 1, "s": 4, "drop": [[1, 2, 3]]}]
    out = [json.dumps(one, separators=(",", ":")).encode() for one in found]
    return out + [json.dumps(one).encode() for one in found[:3]]


def damaged(rng: np.random.Generator, payload: bytes) -> bytes:
    """A payload with a few bytes changed, put in or left out."""
    data = bytearray(payload)
    for _ in range(int(rng.integers(0, 4))):
        at = int(rng.integers(0, len(data) + 1))
        kind = int(rng.integers(0, 5))
        if kind == 0 and at < len(data):
            data[at] ^= 1 << int(rng.integers(0, 8))
        elif kind == 1:
            data[at:at] = TOKENS[int(rng.integers(0, len(TOKENS)))]
        elif kind == 2:
            del data[at : at + int(rng.integers(1, 4))]
        elif kind == 3:
            del data[at:]
        elif at < len(data):
            data[at] = int(rng.integers(0x30, 0x3A))
    return bytes(data)


def same_as_general(scanned: Scanned) -> int:
    """Read again what was taken for certain; returns how many messages those were."""
    fast = np.nonzero(scanned.messages["rows"] > 0)[0].tolist()
    for k in fast:
        one = scanned.messages[k]
        content = read(scanned.received(k).payload)
        assert isinstance(content, Message), scanned.received(k)
        rows = Rows()
        expand(rows, 0, content)
        at = slice(int(one["first"]), int(one["first"] + one["rows"]))
        assert (content.e, content.s) == (one["epoch"], one["number"])
        assert np.array(rows.value).tobytes() == scanned.value[at].tobytes(), content
        assert rows.time_ns == scanned.time_ns[at].tolist(), content
        assert rows.quantity == scanned.quantity[at].tolist(), content
        assert rows.flag == scanned.flag[at].tolist(), content
        assert not any(rows.verdict), content
    return len(fast)


def lane() -> Scanner:
    """A scanner that knows two devices and all their series."""
    vitals = Vitals()
    vitals.load_places([row("d1", "s1"), row("d2", "s2")])
    admission = Admission(vitals, Seen())
    told = [
        publish(topic(device), json.dumps(
            {"e": 9, "s": k, "q": name, "t": START_MS, "ch": channel,
             "v": max(1.0, QUANTITIES[name].impossible[0])}).encode())
        for device in ("d1", "d2")
        for k, (name, channel) in enumerate(
            ((name, channel) for name in INDEX for channel in ("", "lane-1")), 1)
    ]
    admission.admit(
        [Opened(one, read(one.payload), START_MS * MS) for one in map(received, told)],
        START_MS * MS)
    scanner = Scanner(admission.known, rows=1 << 16, messages=500)
    assert len(scanner.scan(frames(*told))[0].value) == len(told)
    assert FastLane(admission)
    return scanner


def run(seed: int, count: int) -> tuple[int, int]:
    """Fuzz so many frames; returns how many were scanned, and how many of them were fast."""
    rng = np.random.default_rng(seed)
    scanner, seeds = lane(), corpus()
    first, second, theirs = Guarded(), Guarded(), np.zeros(PAGES * PAGE, np.uint8)
    state = np.zeros(STATE, np.int64)
    done = fast = 0
    while done < count:
        version_5 = bool(rng.integers(0, 2))
        parts = [
            publish(
                topic(("d1", "d2", "d3")[int(rng.integers(0, 3))]),
                damaged(rng, seeds[int(rng.integers(0, len(seeds)))]),
                mid=int(rng.integers(0, 3)), properties=b"\x01\x01" if version_5 else None)
            for _ in range(60)
        ]
        raw = b"".join(parts)
        if rng.integers(0, 4) == 0:
            raw = damaged(rng, damaged(rng, raw))
        for size in (len(raw), int(rng.integers(0, len(raw) + 1))):
            data = first.hold(raw[:size])
            split(data, size, version_5, theirs, state)
            kept = second.hold(data[: state[OURS]].copy())
            scanned, at = scanner.scan(Frames(kept, int(state[FRAMES]), 0, 1, version_5))
            assert at == len(kept)
            assert len(scanned.messages) == state[FRAMES]
            fast += same_as_general(scanned)
            done += len(scanned.messages)
    return done, fast


if __name__ == "__main__":
    print(*run(int(sys.argv[1]), int(sys.argv[2])))
