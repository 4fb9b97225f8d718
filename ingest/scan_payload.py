"""Our payload read from bytes into columns by kernels: the fast shape.

That is one object with the keys of a single reading, a block or a device block, in any order, each
once. What is not of it (events, drops, clocks that are not set, odd units, wrong types, escapes) is
told as `GENERAL`, and the general path reads the message from its bytes as if nothing had been
tried. So a kernel decides nothing but "these columns, for certain".
"""

from typing import Any

import numba as nb
import numpy as np

from engine.kernel import inner, lean_inner
from engine.raw_bytes import octet
from ingest.clocks import EARLIEST_NS
from ingest.known import (
    SERIES_ENTRY,
    UNIT_FACTOR,
    UNIT_OFFSET,
    quantity_at,
    series_entry,
    unit_at,
)
from ingest.messages import MS_MAX, NUMBER_MAX
from ingest.scan_json import expect, number, skip, text, unit_text, whole, word_at
from ingest.scan_single import read_single

GENERAL = -1
ABSENT = -1
(
    EPOCH, NUMBER, TIME, BEGIN, FLAG, RECEIVED, NAME, NAME_END, UNIT, UNIT_END, CHANNEL,
    CHANNEL_END, OFFSETS, VALUES, MEMBERS, SCALAR, SEEN,
) = range(17)
FIELDS = 17
"""What of an object was read, int64: numbers, where strings begin and end, how many values."""

_i64 = nb.int64
_i64s = nb.int64[::1]
_f64s = nb.float64[::1]
_i32s = nb.int32[::1]
_series = nb.from_dtype(SERIES_ENTRY)[::1]
_MS_NS = 1_000_000
_COMMA, _COLON, _QUOTE, _OPEN, _CLOSE = 0x2C, 0x3A, 0x22, 0x7B, 0x7D
_LIST, _LIST_END = 0x5B, 0x5D
_FIELD_OF = {
    b"e": EPOCH, b"s": NUMBER, b"t": TIME, b"v": VALUES, b"q": NAME, b"m": MEMBERS, b"u": UNIT,
    b"f": FLAG, b"r": RECEIVED, b"n": -2, b"t0": BEGIN, b"dt": OFFSETS, b"ch": CHANNEL, b"ev": -2,
    b"id": -2, b"end": -2, b"drop": -2, b"customers": -2,
}
"""What a key is; -2 is for the general path."""
_SINGLE = sum(1 << field for field in (EPOCH, NUMBER, TIME, NAME, VALUES))
_LETTERS = np.array([_FIELD_OF.get(bytes([k]), -1) for k in range(256)], np.int8)
_WORDS = np.array([
    (int.from_bytes(key[:8], "little"), len(key), field)
    for key, field in _FIELD_OF.items() if len(key) > 1
], np.int64)
"""int64[n, 3]: the first 8 bytes of a longer key, its length, its field."""


@lean_inner
def _offsets(data: int, at: int, last: int, out: Any, row: int) -> Any:
    """Whole numbers of a list into out[row:]; where it ends, how many is behind it in `out`."""
    first = row
    at = expect(data, at, last, _LIST)
    while at >= 0:
        at, value = whole(data, at, last)
        if at < 0 or not -MS_MAX < value < MS_MAX or row >= out.shape[0]:
            return -1
        out[row] = value
        row += 1
        more = expect(data, at, last, _COMMA)
        if more < 0:
            at = expect(data, at, last, _LIST_END)
            return -1 if at < 0 else at << 20 | row - first
        at = more
    return -1


@lean_inner
def _values(data: int, at: int, last: int, out: Any, row: int) -> Any:
    """As `_offsets`, of numbers."""
    first = row
    at = expect(data, at, last, _LIST)
    while at >= 0:
        at, value = number(data, at, last)
        if at < 0 or row >= out.shape[0]:
            return -1
        out[row] = value
        row += 1
        more = expect(data, at, last, _COMMA)
        if more < 0:
            at = expect(data, at, last, _LIST_END)
            return -1 if at < 0 else at << 20 | row - first
        at = more
    return -1


@lean_inner
def _members(data: int, at: int, last: int, quantity: Any, value: Any, row: int) -> Any:
    """As `_offsets`, of quantities with their values, each quantity once."""
    first = row
    told = nb.uint64(0)
    at = expect(data, at, last, _OPEN)
    while at >= 0:
        if at >= last or octet(data + at) != _QUOTE or row >= value.shape[0]:
            return -1
        end = text(data, at + 1, last)
        if end < 0:
            return -1
        known = quantity_at(data, at + 1, end, last)
        at = expect(data, end + 1, last, _COLON)
        if known < 0 or at < 0 or told >> nb.uint64(known) & nb.uint64(1):
            return -1
        told |= nb.uint64(1) << nb.uint64(known)
        at, quantity_value = number(data, at, last)
        if at < 0:
            return -1
        quantity[row] = known
        value[row] = quantity_value
        row += 1
        more = expect(data, at, last, _COMMA)
        if more < 0:
            at = expect(data, at, last, _CLOSE)
            return -1 if at < 0 else at << 20 | row - first
        at = more
    return -1


@inner
def _field_of(key: int, length: int) -> Any:
    """The field of a key; -1 for one that nobody knows, -2 for one of the general path."""
    if length == 1:
        return _i64(_LETTERS[key])
    for k in range(_WORDS.shape[0]):
        if _i64(key) == _WORDS[k, 0] and length == _WORDS[k, 1]:
            return _WORDS[k, 2]
    return _i64(-1)


@lean_inner
def read_object(
    data: int, at: int, last: int, fields: Any, quantity: Any, time_ns: Any, value: Any, row: int
) -> Any:
    """Read the object data[at:last] into `fields`, its values into the columns from `row` on."""
    for k in range(FIELDS):
        fields[k] = 0
    epoch, count, time_ms, name, name_end = read_single(data, at, last, value, row)
    if name_end >= 0:
        fields[EPOCH], fields[NUMBER], fields[TIME] = epoch, count, time_ms
        fields[NAME], fields[NAME_END], fields[SCALAR], fields[SEEN] = name, name_end, 1, _SINGLE
        return True
    seen = _i64(0)
    at = expect(data, at, last, _OPEN)
    while at >= 0 and at < last and octet(data + at) == _QUOTE:
        end = text(data, at + 1, last)
        if end < 0:
            return False
        field = _field_of(word_at(data, at + 1, end, last), end - at - 1)
        at = expect(data, end + 1, last, _COLON)
        if at < 0 or at >= last or field == -2:
            return False
        if field >= 0:
            if seen >> field & 1:
                return False
            seen |= _i64(1) << field
        if field == -1:
            at = skip(data, at, last)
        elif field <= RECEIVED:
            at, fields[field] = whole(data, at, last)
        elif field <= CHANNEL:
            if octet(data + at) != _QUOTE:
                return False
            fields[field] = at + 1
            at = unit_text(data, at + 1, last)
            fields[field + 1] = at
            at += at >= 0
        elif field == VALUES and octet(data + at) != _LIST:
            at, value[row] = number(data, at, last)
            fields[SCALAR] = 1
        else:
            if field == OFFSETS:
                both = _offsets(data, at, last, time_ns, row)
            elif field == VALUES:
                both = _values(data, at, last, value, row)
            else:
                both = _members(data, at, last, quantity, value, row)
            fields[field] = both & 0xFFFFF
            at = both >> 20
        if at < 0:
            return False
        more = expect(data, at, last, _COMMA)
        if more < 0:
            fields[SEEN] = seen
            return expect(data, at, last, _CLOSE) == last
        at = more
    return False


@lean_inner
def _shape(fields: Any) -> Any:
    """How many readings an object holds that was read; -1 if it is of no fast shape."""
    seen = fields[SEEN]
    both = (_i64(1) << EPOCH) | (_i64(1) << NUMBER)
    if seen & both != both:
        return -1
    if not (0 <= fields[EPOCH] < NUMBER_MAX and 0 < fields[NUMBER] < NUMBER_MAX):
        return -1
    if seen >> RECEIVED & 1 and not 0 <= fields[RECEIVED] < MS_MAX:
        return -1
    flag = fields[FLAG]
    if seen >> FLAG & 1 and not (1 <= flag <= 4 or flag == 9):
        return -1
    single = seen >> NAME & 1
    device = seen >> MEMBERS & 1
    at_once = seen >> TIME & 1
    block = seen >> BEGIN & 1
    values = seen >> VALUES & 1
    offsets = seen >> OFFSETS & 1
    if device:
        return -1 if single or block or values or offsets or not at_once else fields[MEMBERS]
    if not single or not values:
        return -1
    if fields[SCALAR]:
        return -1 if block or offsets or not at_once else _i64(1)
    if at_once or not block or not offsets or fields[OFFSETS] != fields[VALUES]:
        return -1
    return fields[VALUES]


@lean_inner
def _fill(
    data: int, last: int, fields: Any, quantity: Any, time_ns: Any, value: Any, flag: Any,
    row: int, count: int,
) -> Any:
    """Complete the columns row to row + count: quantity, time, canonical value, flag."""
    seen = fields[SEEN]
    device = seen >> MEMBERS & 1
    known = _i64(-1)
    if not device:
        known = quantity_at(data, fields[NAME], fields[NAME_END], last)
        if known < 0:
            return False
    earliest_ms = EARLIEST_NS // _MS_NS
    unit = _i64(-1)
    for k in range(row, row + count):
        at_ms = fields[BEGIN] + time_ns[k] if seen >> BEGIN & 1 else fields[TIME]
        if not earliest_ms <= at_ms < MS_MAX:
            return False
        time_ns[k] = at_ms * _MS_NS
        flag[k] = fields[FLAG]
        if not device:
            quantity[k] = known
        if seen >> UNIT & 1:
            if device or unit < 0:
                unit = unit_at(
                    data, fields[UNIT], fields[UNIT_END], last, _i64(quantity[k]))
            if unit < 0:
                return False
            value[k] = value[k] * UNIT_FACTOR[unit] + UNIT_OFFSET[unit]
    return True


@lean_inner
def read_payload(
    data: int, at: int, last: int, device: int, series: Any, fields: Any, quantity: Any,
    time_ns: Any, value: Any, flag: Any, slot: Any, row: int,
) -> Any:
    """Read the payload data[at:last] of a placed device into columns from `row` on.

    device: row of the registry's devices. series: `ingest.known`. fields: int64[FIELDS], scratch;
    EPOCH and NUMBER are the message's. Columns with room for a reading every two bytes: quantity
    int32, time_ns int64, value float64 (canonical unit), flag uint8 (0: not told), slot int32.
    Returns how many readings there are, or GENERAL. About 1 ns a byte.
    """
    if not read_object(data, at, last, fields, quantity, time_ns, value, row):
        return GENERAL
    count = _shape(fields)
    if count <= 0 or not _fill(data, last, fields, quantity, time_ns, value, flag, row, count):
        return GENERAL
    first, second = nb.uint64(0), nb.uint64(0)
    if fields[CHANNEL_END] > fields[CHANNEL]:
        begin, end = fields[CHANNEL], fields[CHANNEL_END]
        if end - begin > 16:
            return GENERAL
        first = word_at(data, begin, end, last)
        second = word_at(data, begin + 8, end, last) if end - begin > 8 else nb.uint64(0)
    found = _i64(-1)
    for k in range(row, row + count):
        at_ns = time_ns[k]
        if (found < 0 or quantity[k] != quantity[k - 1]
                or not series[found].from_ns <= at_ns < series[found].until_ns):
            key = nb.uint64(device) << nb.uint64(8) | nb.uint64(quantity[k])
            found = series_entry(series, key, first, second, at_ns)
            if found < 0:
                return GENERAL
        slot[k] = series[found].slot
    return count
