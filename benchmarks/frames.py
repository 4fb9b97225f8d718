"""A load: PUBLISH frames of our wire format, built before the clock runs, kept in one file.

The same bytes go to every reader of a row. A series is one quantity of one device; its readings
lie 10 ms apart and end when the load was built, so that no reading is late or of the future.
"""

import random
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edge.places import PlaceRow, render
from edge.wire import encode_block, encode_single

STEP_MS = 10
BODIES = 256
"""Different value lists of blocks; building each anew would take longer than measuring."""
CHUNK = 10_000
MID_MAX = 0xFFFF
QUANTITY = "pm25"


class Load(NamedTuple):
    """A file of frames. block: readings a message. devices: one series each."""

    path: Path
    messages: int
    block: int
    qos: int
    devices: int
    bytes: int

    def offsets(self) -> npt.NDArray[np.int64]:
        """int64[messages + 1], where each frame begins."""
        found: npt.NDArray[np.int64] = np.load(self.path.with_suffix(".npy"))
        return found


def topic(device: int) -> str:
    """The topic of a device of the load."""
    return f"cv/1/r/bench/centre/s{device}/d{device}"


def places(devices: int) -> str:
    """The places file of the load."""
    return render([
        PlaceRow(0, "bench", "centre", f"s{k}", f"d{k}", f"S{k}", 41.0, -8.0, "UTC", 1.0)
        for k in range(devices)
    ])


def frame(topic_name: bytes, payload: bytes, qos: int, mid: int) -> bytes:
    """A PUBLISH packet (MQTT 3.1.1, 3.3)."""
    size = 2 + len(topic_name) + 2 * (qos > 0) + len(payload)
    length = bytearray()
    while True:
        size, digit = divmod(size, 128)
        length.append(digit | (0x80 if size else 0))
        if not size:
            break
    head = bytes([0x30 | qos << 1]) + length + len(topic_name).to_bytes(2, "big") + topic_name
    return head + (mid.to_bytes(2, "big") if qos else b"") + payload


def build(
    path: Path, *, messages: int, block: int, qos: int, devices: int, seed: int = 1
) -> Load:
    """Write the frames of `messages` messages, of all devices in turn, and where each begins."""
    rng = random.Random(seed)
    rounds = -(-messages // devices)
    start_ms = time.time_ns() // 1_000_000 - rounds * block * STEP_MS - 1_000
    topics = [topic(k).encode() for k in range(devices)]
    values = [round(rng.uniform(5, 60), 2) for _ in range(997)]
    steps = list(range(0, block * STEP_MS, STEP_MS))
    lists = [[rng.choice(values) for _ in steps] for _ in range(BODIES)]
    marks = [_split(encode_block(1, 1, QUANTITY, 0, offsets_ms=steps, values=v)) for v in lists]
    sizes = np.zeros(messages + 1, np.int64)
    with path.open("wb") as file:
        for first in range(0, messages, CHUNK):
            frames = []
            for k in range(first, min(first + CHUNK, messages)):
                number, device = divmod(k, devices)
                at_ms = start_ms + number * block * STEP_MS
                if block == 1:
                    payload = encode_single(1, number + 1, QUANTITY, at_ms, values[k % 997])
                else:
                    payload = b'{"e":1,"s":%d,"q":"pm25","t0":%d,%s' % (
                        number + 1, at_ms, marks[k % BODIES])
                frames.append(frame(topics[device], payload, qos, k % MID_MAX + 1))
            file.write(b"".join(frames))
            sizes[first + 1 : first + 1 + len(frames)] = [len(row) for row in frames]
    offsets = np.cumsum(sizes)
    np.save(path.with_suffix(".npy"), offsets)
    return Load(path, messages, block, qos, devices, int(offsets[-1]))


def _split(payload: bytes) -> bytes:
    """The part of a block after its start time: offsets and values."""
    return payload[payload.index(b'"dt"'):]
