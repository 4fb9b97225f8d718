"""Tokens: each reader agrees with Python's JSON on all it reads, and reads no byte too many."""

import json
import re
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ingest.scan_json import (
    DIGITS_MAX,
    WHOLE_DIGITS_MAX,
    blank,
    expect,
    number,
    skip,
    text,
    unit_text,
    whole,
    word_at,
)
from tests.fuzz_frames import Guarded

GUARDED = Guarded()


def on(kernel: Callable[..., Any], raw: bytes, *more: int) -> Any:
    data = GUARDED.hold(raw)
    return kernel(data.ctypes.data, 0, len(raw), *more)


NUMBERS = st.one_of(
    st.from_regex(r"\A-?[0-9]{1,20}(\.[0-9]{0,20})?([eE][+-]?[0-9]{1,3})?[ ,x]?\Z"),
    st.floats(allow_nan=False, allow_infinity=False).map(repr), st.integers().map(str),
    st.text(alphabet="0123456789.-+eE ", max_size=20),
)
FLOAT = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?(?![0-9.eE])")
WHOLE = re.compile(r"-?(0|[1-9][0-9]*)(?![0-9.eE])")


@given(NUMBERS)
def test_numbers_as_python_reads_them_or_not_at_all(written: str) -> None:
    end, value = on(number, written.encode())
    found = FLOAT.match(written)
    fast = found is not None and sum(map(str.isdigit, found[0])) <= DIGITS_MAX
    if found and fast and float(found[0]) == 0 and found[0][0] == "-":
        fast = False
    assert (end >= 0) == fast, written
    if found and fast:
        assert end == found.end()
        assert float(value).hex() == float(found[0]).hex()


@given(NUMBERS)
def test_whole_numbers_as_python_reads_them_or_not_at_all(written: str) -> None:
    end, value = on(whole, written.encode())
    found = WHOLE.match(written)
    fast = found is not None and sum(map(str.isdigit, found[0])) <= WHOLE_DIGITS_MAX
    assert (end >= 0) == fast, written
    if found and fast:
        assert (end, value) == (found.end(), int(found[0]))


@given(st.one_of(st.binary(max_size=20), st.text(max_size=20).map(str.encode)))
def test_plain_strings_end_at_their_quote(raw: bytes) -> None:
    plain = all(0x20 <= byte < 0x80 and byte != 0x5C for byte in raw.split(b'"')[0])
    closed = b'"' in raw
    assert on(text, raw) == (raw.index(b'"') if plain and closed else -1)
    free = all(byte >= 0x20 and byte != 0x5C for byte in raw.split(b'"')[0])
    assert on(unit_text, raw) == (raw.index(b'"') if free and closed else -1)


@given(st.sampled_from([
    "true", "false", "null", "nul", "tru", "falze", "-1.5", "01", '"a"', '"é"', '"\\n"', "[1]",
    "{}",
    "", "12345", "1e5", '"open', "x",
]), st.sampled_from(["", ",", " "]))
def test_what_nobody_wants_is_skipped_if_it_is_json_and_simple(value: str, after: str) -> None:
    end = on(skip, (value + after).encode())
    simple = value.isascii() and value[:1] not in {"[", "{"}
    simple = simple and "\\" not in value and "e5" not in value
    try:
        json.loads(value)
    except ValueError:
        simple = False
    assert end == (len(value) if simple else -1)


def test_white_space_around_what_is_expected() -> None:
    assert on(expect, b" \t\r\n: \n1", 0x3A) == 7
    assert on(expect, b":", 0x3A) == 1
    assert on(expect, b"  ", 0x3A) == on(expect, b"", 0x3A) == on(expect, b"\x0b:", 0x3A) == -1
    assert on(blank, b" \n\x00 ") == 2


@given(st.binary(max_size=12), st.binary(max_size=12))
def test_words_are_little_endian(raw: bytes, behind: bytes) -> None:
    data = GUARDED.hold(raw + behind)
    found = word_at(data.ctypes.data, 0, len(raw), len(raw + behind))
    assert found == int.from_bytes(raw[:8], "little")
