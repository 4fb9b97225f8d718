"""The compact form of a batch in the archive: what does not follow from the row before.

Each row is a byte that says which columns differ from what the row before lets expect, and then
those: whole numbers as differences, 7 bits a byte, values as decimals while they are some. A block
takes about two bytes a reading, single readings of many devices seven to nine; as columns they
are 42. Decoding gives every bit back, NaN and negative zero included.
"""

from typing import Any

import numba as nb
import numpy as np

from engine.batch import DTYPES, Batch
from engine.kernel import inner, kernel

ROW_BYTES_MAX = 54
ROW_BYTES_MIN = 2
"""What a row takes in this form, at most and at least."""
ROW_BYTES = sum(np.dtype(dtype).itemsize for dtype in DTYPES.values())
ROWS_MAX = (1 << 28) // ROW_BYTES
"""Of a record: as many as its bytes could hold as plain columns."""
DECIMALS_MAX = 6
_SLOT, _DEVICE, _EPOCH, _SEQ, _TIME, _MARKS, _RAW, _SCALE = (1 << bit for bit in range(8))
_MS = 1_000_000
_WHOLE_MAX = 1e15
_AT_TIME, _AT_VALUE, _AT_FLAG, _AT_DEVICE, _AT_EPOCH, _AT_SEQ, _AT_VERDICT = (
    sum(np.dtype(dtype).itemsize for dtype in list(DTYPES.values())[:k]) for k in range(1, 8)
)
"""Where each column begins in the plain form, in bytes of a row."""
_POWERS = np.array([10.0**k for k in range(DECIMALS_MAX + 1)])

_i64 = nb.int64
_u8s = nb.uint8[::1]
_in = nb.types.Array(nb.uint8, 1, "C", readonly=True)
_i32s, _i64s = nb.int32[::1], nb.int64[::1]


@inner
def put_bytes(out: Any, at: int, number: int, size: int) -> None:
    """Write the lowest `size` bytes of a number, the lowest first."""
    left = nb.uint64(number)
    for i in range(size):
        out[at + i] = nb.uint8(left & nb.uint64(255))
        left >>= nb.uint64(8)


@inner
def put_number(out: Any, at: int, number: int) -> Any:
    """Write a signed number, its sign in the lowest bit, 7 bits a byte; returns where it ends."""
    left = nb.uint64(number << 1) ^ nb.uint64(number >> 63)
    while left > nb.uint64(127):
        out[at] = nb.uint8(left & nb.uint64(127) | nb.uint64(128))
        left >>= nb.uint64(7)
        at += 1
    out[at] = nb.uint8(left)
    return at + 1


@inner
def take_number(data: Any, at: int) -> Any:
    """The reverse: (where it ends, the number); -1 if the bytes end before it does."""
    found, shift = nb.uint64(0), nb.uint64(0)
    while at < data.shape[0] and shift < nb.uint64(70):
        byte = nb.uint64(data[at])
        found |= (byte & nb.uint64(127)) << shift
        at += 1
        if byte < nb.uint64(128):
            return at, _i64(found >> nb.uint64(1)) ^ -_i64(found & nb.uint64(1))
        shift += nb.uint64(7)
    return _i64(-1), _i64(0)


@inner
def as_decimal(value: float, bits: int, scale: int) -> Any:
    """(decimals, value as a whole number of them) if that gives every bit back; -1 if not.

    `scale` is tried first, then fewer and more decimals.
    """
    for k in range(-1, DECIMALS_MAX + 1):
        decimals = scale if k < 0 else k
        scaled = value * _POWERS[decimals]
        if not abs(scaled) <= _WHOLE_MAX:
            break
        whole = np.floor(scaled + 0.5)
        if whole / _POWERS[decimals] == value and (whole != 0.0 or bits == 0):
            return _i64(decimals), _i64(whole)
    return _i64(-1), _i64(0)


@kernel(_i64(_i32s, _i64s, nb.float64[::1], _i64s, _u8s, _i32s, _i64s, _i64s, _u8s, _u8s))
def encode_rows(
    slot: Any, time_ns: Any, value: Any, bits: Any, flag: Any, device: Any, epoch: Any, seq: Any,
    verdict: Any, out: Any,
) -> Any:
    """Write the columns of a batch into `out`; returns how many bytes. 10 to 32 ns a row.

    Columns as `engine.batch`; bits: int64[n], those of `value`. out: uint8[1 + 54 n].
    """
    count = slot.shape[0]
    unit = _i64(_MS)
    for k in range(count):
        if time_ns[k] % _MS != 0:
            unit = _i64(1)
            break
    out[0] = 1 if unit == _MS else 0
    at = _i64(1)
    scale, whole = _i64(1), _i64(0)
    slot_before, device_before = _i64(0), _i64(0)
    epoch_before, seq_before, time_before, step = _i64(0), _i64(0), _i64(0), _i64(0)
    flag_before, verdict_before = 1, 0
    for k in range(count):
        head = at
        at += 1
        told = 0
        if slot[k] != slot_before:
            told |= _SLOT
            at = put_number(out, at, slot[k] - slot_before)
            slot_before = _i64(slot[k])
        if device[k] != device_before:
            told |= _DEVICE
            at = put_number(out, at, device[k] - device_before)
            device_before = _i64(device[k])
        if epoch[k] != epoch_before:
            told |= _EPOCH
            at = put_number(out, at, epoch[k] - epoch_before)
            epoch_before = epoch[k]
        if seq[k] != seq_before:
            told |= _SEQ
            at = put_number(out, at, seq[k] - seq_before)
            seq_before = seq[k]
        time = time_ns[k] // unit
        if time - time_before != step:
            told |= _TIME
            step = time - time_before
            at = put_number(out, at, step)
        time_before = time
        if flag[k] != flag_before or verdict[k] != verdict_before:
            told |= _MARKS
            out[at], out[at + 1] = flag[k], verdict[k]
            flag_before, verdict_before = flag[k], verdict[k]
            at += 2
        decimals, digits = as_decimal(value[k], bits[k], scale)
        if decimals < 0:
            told |= _RAW
            put_bytes(out, at, bits[k], 8)
            at += 8
        else:
            if decimals != scale:
                told |= _SCALE
                out[at] = nb.uint8(decimals)
                at += 1
                scale = decimals
            at = put_number(out, at, digits - whole)
            whole = digits
        out[head] = nb.uint8(told)
    return at


@inner
def decode_rows(
    data: Any, slot: Any, time_ns: Any, bits: Any, value: Any, flag: Any, device: Any, epoch: Any,
    seq: Any, verdict: Any,
) -> Any:
    """The reverse of `encode_rows`; False if the bytes are not those of so many rows.

    bits: int64[n], the memory of `value`. Never reads beyond `data`. 27 to 65 ns a row.
    """
    size, count = data.shape[0], slot.shape[0]
    if size < 1 or data[0] > 1 or not ROW_BYTES_MIN * count <= size - 1 <= ROW_BYTES_MAX * count:
        return False
    unit = _i64(_MS) if data[0] else _i64(1)
    at, scale, whole, number = _i64(1), _i64(1), _i64(0), _i64(0)
    slot_now, device_now, epoch_now, seq_now = _i64(0), _i64(0), _i64(0), _i64(0)
    time, step, flag_now, verdict_now = _i64(0), _i64(0), nb.uint8(1), nb.uint8(0)
    for k in range(count):
        if at >= size:
            return False
        told = data[at]
        at += 1
        for column in range(5):
            if not told >> column & 1:
                continue
            at, number = take_number(data, at)
            if at < 0:
                return False
            if column == 0:
                slot_now += number
            elif column == 1:
                device_now += number
            elif column == 2:
                epoch_now += number
            elif column == 3:
                seq_now += number
            else:
                step = number
        time += step
        if at + 2 * (told & _MARKS > 0) + 8 * (told & _RAW > 0) + (told & _SCALE > 0) > size:
            return False
        if told & _MARKS:
            flag_now, verdict_now = data[at], data[at + 1]
            at += 2
        if told & _RAW:
            raw = nb.uint64(0)
            for i in range(8):
                raw |= nb.uint64(data[at + i]) << nb.uint64(8 * i)
            at += 8
            bits[k] = _i64(raw)
        else:
            if told & _SCALE:
                scale = _i64(data[at])
                at += 1
            at, number = take_number(data, at)
            if at < 0 or scale > DECIMALS_MAX:
                return False
            whole += number
            value[k] = whole / _POWERS[scale]
        slot[k], device[k], epoch[k], seq[k] = slot_now, device_now, epoch_now, seq_now
        time_ns[k], flag[k], verdict[k] = time * unit, flag_now, verdict_now
    return at == size


@kernel(nb.boolean(_in, _i64, _u8s))
def decode_plain(data: Any, count: int, out: Any) -> Any:
    """As `decode_rows`, into `out`: uint8[42 n at least], the columns one after the other."""
    if not ROW_BYTES_MIN * count < data.shape[0]:
        return False
    slot, device = np.empty(count, np.int32), np.empty(count, np.int32)
    time_ns, value = np.empty(count, np.int64), np.empty(count, np.float64)
    epoch, seq = np.empty(count, np.int64), np.empty(count, np.int64)
    flag, verdict = np.empty(count, np.uint8), np.empty(count, np.uint8)
    bits = value.view(np.int64)
    good = decode_rows(data, slot, time_ns, bits, value, flag, device, epoch, seq, verdict)
    out[: 4 * count] = slot.view(np.uint8)
    out[_AT_TIME * count : _AT_VALUE * count] = time_ns.view(np.uint8)
    out[_AT_VALUE * count : _AT_FLAG * count] = value.view(np.uint8)
    out[_AT_FLAG * count : _AT_DEVICE * count] = flag
    out[_AT_DEVICE * count : _AT_EPOCH * count] = device.view(np.uint8)
    out[_AT_EPOCH * count : _AT_SEQ * count] = epoch.view(np.uint8)
    out[_AT_SEQ * count : _AT_VERDICT * count] = seq.view(np.uint8)
    out[_AT_VERDICT * count : ROW_BYTES * count] = verdict
    return good


def encode(batch: Batch) -> bytes:
    """A batch in compact form."""
    columns = {
        name: np.ascontiguousarray(getattr(batch, name), dtype) for name, dtype in DTYPES.items()
    }
    out = np.empty(1 + ROW_BYTES_MAX * len(batch), np.uint8)
    value = columns["value"]
    size = encode_rows(
        columns["slot"], columns["time_ns"], value, value.view(np.int64), columns["flag"],
        columns["device"], columns["epoch"], columns["seq"], columns["verdict"], out,
    )
    return out[:size].tobytes()


def decode(body: bytes, count: int) -> bytes | None:
    """The plain columns of `count` rows, one after the other; None if that is not what it is."""
    if count > ROWS_MAX or ROW_BYTES_MIN * count >= len(body):
        return None
    out = np.empty(ROW_BYTES * count, np.uint8)
    return out.tobytes() if decode_plain(np.frombuffer(body, np.uint8), count, out) else None
