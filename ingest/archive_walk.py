"""The kernels that walk a mapped segment of the archive and pick out the wanted readings."""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from engine.batch import DTYPES
from engine.kernel import inner, kernel
from ingest.archive import COMPACT, RAW, Kind
from ingest.archive_code import decode_plain
from ingest.clocks import NO_READING
from ingest.resync import RECORD

RELEASED = (Kind.RELEASE_UNKNOWN, Kind.RELEASE_FUTURE)
_OFFSETS: dict[str, int] = {}
_ROW_BYTES = 0
for _name, _dtype in DTYPES.items():
    _OFFSETS[_name] = _ROW_BYTES
    _ROW_BYTES += np.dtype(_dtype).itemsize
SLOT, TIME, VALUE = _OFFSETS["slot"], _OFFSETS["time_ns"], _OFFSETS["value"]
_FLAG, _DEVICE, _EPOCH = _OFFSETS["flag"], _OFFSETS["device"], _OFFSETS["epoch"]
_SEQ, _VERDICT = _OFFSETS["seq"], _OFFSETS["verdict"]
_HEAD = RECORD.size
PLACED = 254
ROW = np.dtype([
    ("slot", "i4"), ("device", "i4"), ("time_ns", "i8"), ("value", "f8"), ("epoch", "i8"),
    ("seq", "i8"), ("received_ns", "i8"), ("flag", "u1"), ("verdict", "u1"), ("kind", "u1"),
], align=True)
"""One reading as archived, with the kind of its record and when that was received."""
END, OTHER, FULL, DAMAGED = range(4)
"""Why a walk stopped: at the end, before a record of another kind, for lack of room, at damage."""
_BATCH, _UNKNOWN, _FUTURE = int(Kind.BATCH), *(int(kind) for kind in RELEASED)
_REGISTRY, _PLACES = int(Kind.REGISTRY), int(Kind.PLACES)
_CONFIGURATION, _FACTS, _EVENTS = (
    int(kind) for kind in (Kind.CONFIGURATION, Kind.FACTS, Kind.EVENTS)
)


def _crc_tables() -> npt.NDArray[np.uint32]:
    """uint32[4, 256]: CRC-32 of a byte followed by 0 to 3 zero bytes."""
    tables = np.zeros((4, 256), np.uint32)
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
        tables[0, byte] = crc
    for byte in range(256):
        for k in range(1, 4):
            before = int(tables[k - 1, byte])
            tables[k, byte] = before >> 8 ^ int(tables[0, before & 255])
    return tables


_CRC = _crc_tables()
_bytes = nb.types.Array(nb.uint8, 1, "C", readonly=True)
_rows = nb.from_dtype(ROW)[::1]


@inner
def crc_of(data: Any, first: int, last: int) -> Any:
    """CRC-32 of data[first:last], as zlib's. Cost: a byte a nanosecond."""
    crc = nb.uint32(0xFFFFFFFF)
    at = first
    while at + 4 <= last:
        crc ^= (
            nb.uint32(data[at]) | nb.uint32(data[at + 1]) << nb.uint32(8)
            | nb.uint32(data[at + 2]) << nb.uint32(16) | nb.uint32(data[at + 3]) << nb.uint32(24)
        )
        crc = (
            _CRC[3, crc & nb.uint32(255)] ^ _CRC[2, crc >> nb.uint32(8) & nb.uint32(255)]
            ^ _CRC[1, crc >> nb.uint32(16) & nb.uint32(255)] ^ _CRC[0, crc >> nb.uint32(24)]
        )
        at += 4
    while at < last:
        crc = _CRC[0, (crc ^ nb.uint32(data[at])) & nb.uint32(255)] ^ (crc >> nb.uint32(8))
        at += 1
    return crc ^ nb.uint32(0xFFFFFFFF)


@inner
def number_at(data: Any, at: int, size: int) -> Any:
    """The little-endian number of `size` bytes (4 or 8) at `at`, with its sign."""
    out = nb.uint64(0)
    for i in range(size):
        out |= nb.uint64(data[at + i]) << nb.uint64(8 * i)
    if size == 4 and out & nb.uint64(1 << 31):
        return nb.int64(out) - nb.int64(1 << 32)
    return nb.int64(out)


@kernel(nb.int64(
    _bytes, nb.int64, nb.int64, nb.int64, nb.int64, nb.boolean[::1], nb.boolean[::1],
    nb.int64[::1], nb.int64[::1], _rows, nb.int64[::1], nb.int64,
))
def pick(
    data: Any, body: int, count: int, kind: int, received_ns: int, slots: Any, devices: Any,
    span: Any, first_ns: Any, out: Any, bits: Any, filled: int,
) -> int:
    """Copy the wanted rows of one batch that lies plain at data[body:]; returns the new `filled`.

    slots, devices: bool, what is wanted (of devices, only readings that no series took). span:
    int64[2], event times from and before, Unix ns. first_ns: int64[slots], lowered to the
    earliest reading seen. out: ROW[n], bits: int64[n], the bits of the value of each row. A row
    that says what the clock of a placed reading had shown comes with the series and time of
    that reading, in `epoch` what was shown, in `value` the offset, and the verdict PLACED.
    """
    for k in range(count):
        slot = number_at(data, body + SLOT * count + 4 * k, 4)
        verdict = data[body + _VERDICT * count + k]
        of = k
        if slot < -1 and verdict == NO_READING and -2 - slot < count:
            of = -2 - slot
            slot = number_at(data, body + SLOT * count + 4 * of, 4)
            verdict = nb.uint8(PLACED)
        if slot >= 0:
            if slot >= slots.shape[0] or not slots[slot]:
                continue
        else:
            device = number_at(data, body + _DEVICE * count + 4 * k, 4)
            if device < 0 or device >= devices.shape[0] or not devices[device]:
                continue
        time_ns = number_at(data, body + TIME * count + 8 * of, 8)
        if slot >= 0 and verdict <= 1:
            first_ns[slot] = min(first_ns[slot], time_ns)
        if time_ns < span[0] or time_ns >= span[1]:
            continue
        row = out[filled]
        row.slot = slot
        row.device = number_at(data, body + _DEVICE * count + 4 * k, 4)
        row.time_ns = time_ns
        bits[filled] = number_at(data, body + VALUE * count + 8 * k, 8)
        if of == k:
            row.epoch = number_at(data, body + _EPOCH * count + 8 * k, 8)
        else:
            row.epoch = number_at(data, body + TIME * count + 8 * k, 8)
        row.seq = number_at(data, body + _SEQ * count + 8 * k, 8)
        row.received_ns = received_ns
        row.flag = data[body + _FLAG * count + k]
        row.verdict = verdict
        row.kind = kind
        filled += 1
    return filled


@kernel(nb.void(
    _bytes, nb.boolean[::1], nb.boolean[::1], nb.int64[::1], nb.int64[::1], nb.int64[::1], _rows,
    nb.int64[::1], nb.uint8[::1], nb.int64[::1],
))
def walk(
    data: Any, slots: Any, devices: Any, receipts: Any, span: Any, first_ns: Any, out: Any,
    bits: Any, plain: Any, state: Any,
) -> None:
    """Walk records of a mapped segment from `state[0]` on.

    receipts: int64[2], receive times from and to, Unix ns. plain: uint8[42 rows of out], room for
    what is compact. Others as `pick`. state: int64[3], in and out: byte offset, rows filled, and
    why it stopped (one of the constants of this file). The record at the offset is not taken in
    yet.
    """
    at, filled = state[0], state[1]
    state[2] = END
    while True:
        if at + _HEAD > data.shape[0]:
            break
        length = number_at(data, at, 4) & nb.int64(0xFFFFFFFF)
        kind, codec = data[at + 8], data[at + 9]
        count = number_at(data, at + 12, 4) & nb.int64(0xFFFFFFFF)
        received_ns = number_at(data, at + 16, 8)
        if at + _HEAD + length > data.shape[0]:
            break
        batch = kind in (_BATCH, _UNKNOWN, _FUTURE)
        if batch and codec == RAW and length != count * _ROW_BYTES:
            state[2] = DAMAGED
            break
        inside = receipts[0] <= received_ns <= receipts[1]
        told = kind in (_REGISTRY, _PLACES, _CONFIGURATION, _FACTS, _EVENTS)
        walked = codec == RAW or (codec == COMPACT and count <= out.shape[0])
        if (batch and inside and not walked) or told:
            state[2] = OTHER
            break
        if batch and inside:
            if filled + count > out.shape[0]:
                state[2] = FULL
                break
            before = filled
            if codec == RAW:
                filled = pick(data, at + _HEAD, count, kind, received_ns, slots, devices, span,
                              first_ns, out, bits, filled)
            elif decode_plain(data[at + _HEAD : at + _HEAD + length], count, plain):
                filled = pick(plain, 0, count, kind, received_ns, slots, devices, span, first_ns,
                              out, bits, filled)
            else:
                state[2] = DAMAGED
                break
            if filled > before:
                told = nb.uint32(number_at(data, at + 4, 4) & nb.int64(0xFFFFFFFF))
                if crc_of(data, at + 8, at + _HEAD + length) != told:
                    filled = before
                    state[2] = DAMAGED
                    break
        at += _HEAD + length
    state[0], state[1] = at, filled
