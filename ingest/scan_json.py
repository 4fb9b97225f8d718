"""JSON tokens read from bytes by kernels: the strict and common part of the grammar.

Each reader gets data[at:last] and gives where its token ends, or -1 for what it does not read:
wrong bytes, but also escapes, long numbers and nesting, which are for the general path. Nothing is
read at or beyond `last`.
"""

from typing import Any

import numba as nb
import numpy as np

from engine.kernel import inner
from engine.raw_bytes import octet, octets

DIGITS_MAX = 15
"""Numbers of at most so many digits are exact in a double, and so is the power of ten they need:
one division rounds once, as a correct decimal parser does."""
WHOLE_DIGITS_MAX = 18
POWERS = np.array([10.0**k for k in range(23)])

_i64 = nb.int64
_TRUE, _FALSE, _NULL = (int.from_bytes(word, "little") for word in (b"true", b"false", b"null"))
_QUOTE, _BACKSLASH, _MINUS, _DOT = 0x22, 0x5C, 0x2D, 0x2E


@inner
def blank(data: int, at: int, last: int) -> int:
    """Where white space ends."""
    while at < last:
        byte = octet(data + at)
        if not (byte == 0x20 or byte == 0x0A or byte == 0x0D or byte == 0x09):
            break
        at += 1
    return at


@inner
def expect(data: int, at: int, last: int, byte: int) -> Any:
    """Where the token after one byte begins, white space around it skipped; -1 if it is not it."""
    if at < last and octet(data + at) <= 0x20:
        at = blank(data, at, last)
    if at >= last or octet(data + at) != byte:
        return -1
    at += 1
    if at < last and octet(data + at) <= 0x20:
        return blank(data, at, last)
    return at


@inner
def text(data: int, at: int, last: int) -> int:
    """Of a string that begins after its quote at `at` where the closing quote is; -1 with
    escapes, control characters or bytes that are not ASCII."""
    while at < last:
        byte = octet(data + at)
        if byte == _QUOTE:
            return at
        if byte < 0x20 or byte == _BACKSLASH or byte >= 0x80:
            return -1
        at += 1
    return -1


@inner
def unit_text(data: int, at: int, last: int) -> int:
    """As `text`, with bytes that are not ASCII: only to be compared with what is known."""
    while at < last:
        byte = octet(data + at)
        if byte == _QUOTE:
            return at
        if byte < 0x20 or byte == _BACKSLASH:
            return -1
        at += 1
    return -1


@inner
def whole(data: int, at: int, last: int) -> Any:
    """A whole number at `at`: (where it ends, its value); -1 for more than 18 digits, a fraction
    or an exponent."""
    wrong = (_i64(-1), _i64(0))
    negative = at < last and octet(data + at) == _MINUS
    if negative:
        at += 1
    first = at
    value = _i64(0)
    while at < last and 0x30 <= octet(data + at) <= 0x39:
        value = value * 10 + (_i64(octet(data + at)) - 0x30)
        at += 1
        if at - first > WHOLE_DIGITS_MAX:
            return wrong
    if at == first or (octet(data + first) == 0x30 and at - first > 1):
        return wrong
    if at < last and (octet(data + at) == _DOT or octet(data + at) | 0x20 == 0x65):
        return wrong
    return at, -value if negative else value


@inner
def number(data: int, at: int, last: int) -> Any:
    """A number at `at`: (where it ends, its value to the last bit); -1 for more than 15 digits, an
    exponent or a negative zero."""
    wrong = (_i64(-1), nb.float64(0.0))
    negative = at < last and octet(data + at) == _MINUS
    if negative:
        at += 1
    first = at
    value = _i64(0)
    while at < last and 0x30 <= octet(data + at) <= 0x39:
        value = value * 10 + (_i64(octet(data + at)) - 0x30)
        at += 1
        if at - first > DIGITS_MAX:
            return wrong
    digits = at - first
    if digits == 0 or (octet(data + first) == 0x30 and digits > 1):
        return wrong
    places = _i64(0)
    if at < last and octet(data + at) == _DOT:
        at += 1
        point = at
        while at < last and 0x30 <= octet(data + at) <= 0x39:
            value = value * 10 + (_i64(octet(data + at)) - 0x30)
            at += 1
            if digits + at - point > DIGITS_MAX:
                return wrong
        places = at - point
        if places == 0:
            return wrong
    if (at < last and octet(data + at) | 0x20 == 0x65) or (negative and value == 0):
        return wrong
    out = nb.float64(value)
    if places:
        out /= POWERS[places]
    return at, -out if negative else out


@inner
def word_at(data: int, at: int, end: int, last: int) -> Any:
    """Up to 8 bytes data[at:end] as one number, the first byte lowest, 0 behind the end."""
    if end - at >= 8:
        return octets(data + at)
    if at + 8 <= last:
        return octets(data + at) & ((nb.uint64(1) << nb.uint64(8 * (end - at))) - nb.uint64(1))
    out = nb.uint64(0)
    for i in range(end - at):
        out |= nb.uint64(octet(data + at + i)) << nb.uint64(8 * i)
    return out


@inner
def _word(data: int, at: int, last: int) -> Any:
    """Where `true`, `false` or `null` ends."""
    if at + 4 <= last:
        four = word_at(data, at, at + 4, last)
        if four == _TRUE or four == _NULL:
            return at + 4
    if at + 5 <= last and word_at(data, at, at + 5, last) == _FALSE:
        return at + 5
    return -1


@inner
def skip(data: int, at: int, last: int) -> Any:
    """Where a value ends that nobody wants: a plain string, a number or a word."""
    if at >= last:
        return -1
    if octet(data + at) == _QUOTE:
        end = text(data, at + 1, last)
        return end + 1 if end >= 0 else -1
    if octet(data + at) == _MINUS or 0x30 <= octet(data + at) <= 0x39:
        end, _ = number(data, at, last)
        return end
    return _word(data, at, last)
