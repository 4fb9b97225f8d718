"""The object that our agents send for one reading, read in one go: its keys are in their order.

`{"e":7,"s":41,"q":"pm25","t":1763836000000,"v":12.5}` without blanks, as `edge.wire` writes it, is
what most messages are. What differs in a byte is read key by key (`ingest.scan_payload`), so this
decides nothing that is not decided there alike.
"""

from typing import Any

import numba as nb

from engine.kernel import lean_inner
from engine.raw_bytes import octet, octets
from ingest.scan_json import number, text, whole

_i64, _u64 = nb.int64, nb.uint64
_FIVE, _SIX = (1 << 40) - 1, (1 << 48) - 1
_EPOCH, _NUMBER, _NAME, _TIME, _VALUE = (
    int.from_bytes(key, "little") for key in (b'{"e":', b',"s":', b',"q":"', b'","t":', b',"v":')
)
_ZEROS, _ABOVE_NINE, _HIGH_BITS = 0x3030303030303030, 0x7676767676767676, 0x8080808080808080
_TIME_DIGITS = 13
"""Of a time in Unix ms between 2001 and 2286."""
_CLOSE = 0x7D


@lean_inner
def _follows(data: int, at: int, last: int, key: int, mask: int) -> bool:
    """Whether the bytes of a key are at `at`; False too if fewer than eight bytes are left."""
    return at >= 0 and at + 8 <= last and octets(data + at) & _u64(mask) == _u64(key)


@lean_inner
def _not_digits(digits: int) -> Any:
    """Of eight bytes less "0", 0 if all are digits."""
    return ((digits + _u64(_ABOVE_NINE)) | digits) & _u64(_HIGH_BITS)


@lean_inner
def _eight(digits: int) -> Any:
    """The number that eight digits make, the first one lowest in the word."""
    out = (digits * _u64(10) + (digits >> _u64(8))) & _u64(0x00FF00FF00FF00FF)
    out = (out * _u64(100) + (out >> _u64(16))) & _u64(0x0000FFFF0000FFFF)
    return _i64((out * _u64(10000) + (out >> _u64(32))) & _u64(0xFFFFFFFF))


@lean_inner
def read_single(data: int, at: int, last: int, value: Any, row: int) -> Any:
    """Epoch, number, time in ms, where the name begins and ends; the value into `value[row]`.

    The name ends at -1 if the object data[at:last] is not written like this.
    """
    wrong = (_i64(0), _i64(0), _i64(0), _i64(0), _i64(-1))
    if not _follows(data, at, last, _EPOCH, _FIVE):
        return wrong
    at, epoch = whole(data, at + 5, last)
    if not _follows(data, at, last, _NUMBER, _FIVE):
        return wrong
    at, count = whole(data, at + 5, last)
    if not _follows(data, at, last, _NAME, _SIX):
        return wrong
    name = at + 6
    name_end = text(data, name, last)
    if not _follows(data, name_end, last, _TIME, _SIX):
        return wrong
    at = name_end + 6
    if not _follows(data, at + _TIME_DIGITS, last, _VALUE, _FIVE):
        return wrong
    digits = octets(data + at) ^ _u64(_ZEROS)
    # Five digits and what is before them in the word: as if eight, of which three are zero.
    more = (octets(data + at + 5) ^ _u64(_ZEROS)) & ~_u64((1 << 24) - 1)
    if _not_digits(digits) | _not_digits(more) or digits & _u64(0xFF) == 0:
        return wrong
    time_ms = _eight(digits) * 100_000 + _eight(more)
    end, told = number(data, at + _TIME_DIGITS + 5, last)
    if end < 0 or end + 1 != last or octet(data + end) != _CLOSE:
        return wrong
    value[row] = told
    return epoch, count, time_ms, name, name_end
