"""From frames to columns, many messages at a time: the fast path of what arrives.

`Scanner.scan` reads as many frames as its columns have room for. Each is a row of MESSAGE; those of
the fast shape, of a placed device and of series that are known, have their readings in the columns,
in order. The rest has no readings there and is for the general path.
"""

from typing import Any, NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt

from edge.connection import MID_BITS
from edge.wire import PAYLOAD_BYTES_MAX
from engine.kernel import kernel
from engine.raw_bytes import prefetch
from ingest.known import SERIES_ENTRY, TOPIC_ENTRY, Known, topic_entry
from ingest.messages import Received
from ingest.publish_frames import Frames, is_retained, parts_of, topic_text, varint
from ingest.scan_payload import EPOCH, FIELDS, NUMBER, read_payload

ROWS_MAX = 1 << 17
"""Readings of one scan; a payload has at most a quarter of it."""
MESSAGES_MAX = 20_000
"""Messages of one scan."""

AHEAD, AHEAD_BYTES = 8, 768
"""So many messages before their turn their bytes and rows are asked for: the thread that read them
has another core, and a batch is larger than a cache. 95 ns a single reading, not 150."""

MESSAGE = np.dtype([
    ("topic", "i8"), ("topic_end", "i8"), ("payload", "i8"), ("end", "i8"), ("epoch", "i8"),
    ("number", "i8"), ("first", "i4"), ("rows", "i4"), ("device", "i4"), ("mid", "i4"),
])
"""A frame: where its parts are; of a fast one epoch, number, device and its `rows` readings from
row `first` on. `rows` is 0 for the general path; `mid` is 0 at QoS 0."""

_bytes = nb.types.Array(nb.uint8, 1, "C", readonly=True)
_i64 = nb.int64
_POSITION, _COUNT, _FILLED = range(3)


@kernel(nb.void(
    _bytes, nb.boolean, nb.int64[::1], nb.from_dtype(TOPIC_ENTRY)[::1], _bytes, nb.uint64,
    nb.from_dtype(SERIES_ENTRY)[::1], nb.from_dtype(MESSAGE)[::1], nb.int64[::1], nb.int32[::1],
    nb.int64[::1], nb.float64[::1], nb.uint8[::1], nb.int32[::1], nb.int32[::1],
), lean=True)
def scan_frames(
    data: Any, properties: bool, state: Any, topics: Any, arena: Any, seed: int, series: Any,
    messages: Any, fields: Any, quantity: Any, time_ns: Any, value: Any, flag: Any, slot: Any,
    message: Any,
) -> None:
    """Scan whole frames from byte state[0] on, until messages or rows have no more room.

    state: int64[3], out: the byte after the last frame, messages and rows filled. topics, arena,
    seed, series: `ingest.known`. messages: MESSAGE[m], out. fields: scratch. quantity: int32,
    time_ns: int64, value: float64, flag: uint8, slot: int32, message: int32, all [rows], out:
    as in `read_payload`, and the row in `messages`. Under 100 ns a single reading.
    """
    base, keys = data.ctypes.data, arena.ctypes.data
    at = state[_POSITION]
    count, filled = _i64(0), _i64(0)
    while at < data.shape[0] and count < messages.shape[0]:
        length, body = varint(base, at + 1, data.shape[0])
        end = body + length
        if length < 0 or end > data.shape[0]:
            at = data.shape[0]
            break
        if filled > 0 and filled + length // 2 + 1 > value.shape[0]:
            break
        topic, topic_end, mid, payload = parts_of(base, at, end, properties)
        if topic < 0:
            at = data.shape[0]
            break
        prefetch(data, at + AHEAD_BYTES, 0)
        prefetch(messages, count + AHEAD, 0)
        row = messages[count]
        row.topic = topic
        row.topic_end = topic_end
        row.payload = payload
        row.end = end
        row.mid = mid
        row.first = filled
        row.rows = 0
        row.device = -1
        row.epoch = 0
        row.number = 0
        if end - payload <= PAYLOAD_BYTES_MAX:
            known = topic_entry(base, topic, topic_end, end, topics, keys, seed)
            if known >= 0:
                device = topics[known].device
                found = read_payload(
                    base, payload, end, device, series, fields, quantity, time_ns, value, flag,
                    slot, filled,
                )
                if found > 0:
                    row.device = device
                    row.epoch = fields[EPOCH]
                    row.number = fields[NUMBER]
                    row.rows = found
                    for k in range(filled, filled + found):
                        message[k] = count
                    filled += found
        count += 1
        at = end
    state[_POSITION], state[_COUNT], state[_FILLED] = at, count, filled


class Scanned(NamedTuple):
    """Messages of one scan and the columns of their readings; valid until the next scan.

    frames: where they came from. messages: MESSAGE[m]. quantity: int32, time_ns: int64, value:
    float64, flag: uint8, slot: int32, message: int32, all [n].
    """

    frames: Frames
    messages: npt.NDArray[Any]
    quantity: npt.NDArray[np.int32]
    time_ns: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    flag: npt.NDArray[np.uint8]
    slot: npt.NDArray[np.int32]
    message: npt.NDArray[np.int32]

    def received(self, row: int) -> Received:
        """One message as the general path takes it."""
        one = self.messages[row]
        data, mid = self.frames.data, int(one["mid"])
        return Received(
            topic_text(data[one["topic"] : one["topic_end"]].tobytes()),
            data[one["payload"] : one["end"]].tobytes(),
            self.frames.session << MID_BITS | mid, int(mid > 0),
            is_retained(data, int(one["topic"])),
        )


class Scanner:
    """Columns that are filled anew by each scan, so that no memory is asked for while it goes."""

    def __init__(self, known: Known, rows: int = ROWS_MAX, messages: int = MESSAGES_MAX) -> None:
        self.known = known
        self._messages = np.zeros(messages, MESSAGE)
        self._fields = np.zeros(FIELDS, np.int64)
        self._quantity = np.zeros(rows, np.int32)
        self._time_ns = np.zeros(rows, np.int64)
        self._value = np.zeros(rows)
        self._flag = np.zeros(rows, np.uint8)
        self._slot = np.zeros(rows, np.int32)
        self._message = np.zeros(rows, np.int32)
        self._state = np.zeros(3, np.int64)

    def scan(
        self, frames: Frames, first: int = 0, most: int = MESSAGES_MAX
    ) -> tuple[Scanned, int]:
        """Scan `most` frames from byte `first` on; also returns the byte from which to go on."""
        known, state = self.known, self._state
        state[_POSITION] = first
        scan_frames(
            frames.data, frames.properties, state, known.topics, known.arena, known.seed,
            known.series, self._messages[:most], self._fields, self._quantity, self._time_ns,
            self._value, self._flag, self._slot, self._message,
        )
        at, count, filled = state.tolist()
        return Scanned(
            frames, self._messages[:count], self._quantity[:filled], self._time_ns[:filled],
            self._value[:filled], self._flag[:filled], self._slot[:filled],
            self._message[:filled],
        ), at

