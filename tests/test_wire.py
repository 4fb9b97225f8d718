"""The payload, byte by byte, and against bytes that mean harm."""

import contextlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge import wire
from edge.wire import DEPTH_MAX, PAYLOAD_BYTES_MAX, Ack, State, WireError

GOLDEN = Path(__file__).parent / "golden"
T = 1_763_836_000_000

ENCODED = {
    "single": wire.encode_single(7, 41, "pm25", T, 12.5, unit="ug/m3", channel="a", flag=1),
    "block": wire.encode_block(7, 42, "pm25", T, offsets_ms=[0, 1000, 2000],
                               values=[12.5, 12.6, 12.4]),
    "device_block": wire.encode_device_block(7, 43, T, {"pm25": 12.5, "no2": 18.1}),
    "event": wire.encode_event(7, 44, "interruption", "f12-2025-11-22", T,
                               end_ms=T + 5_400_000, customers=120),
    "drop": wire.encode_drop(7, 45, [(6, 1000, 1999), (7, 1, 12)]),
    "clock": wire.encode_clock(7, 46, T + 60_000),
    "ack": wire.encode_ack(Ack(7, 46)),
    "ack_beyond": wire.encode_ack(Ack(7, 46, h=51)),
    "state": wire.encode_state(State(online=True, t=T, e=7, queued=3, dropped=0, version="0.1")),
}


@pytest.mark.parametrize("name", ENCODED)
def test_golden(name: str) -> None:
    golden = (GOLDEN / f"payload_{name}.json").read_bytes()
    assert ENCODED[name] + b"\n" == golden


def test_examples_of_the_documentation_are_read() -> None:
    text = (Path(__file__).parents[1] / "docs" / "payload.md").read_text()
    examples = [line for line in text.splitlines() if line.startswith('{"e"')]
    assert len(examples) >= 7
    for line in examples:
        assert wire.decode(line.encode()).e == 7


_numbers = st.integers(0, 1 << 40)
_values = st.floats(allow_nan=False, allow_infinity=False)
_words = st.one_of(st.none(), st.text(max_size=10))


@given(_numbers, _numbers, st.text(max_size=10), _numbers, _values, _words, _words,
       st.one_of(st.none(), st.integers(0, 9)), st.one_of(st.none(), _numbers))
def test_single_round_trip(
    epoch: int, number: int, quantity: str, time_ms: int, value: float, unit: str | None,
    channel: str | None, flag: int | None, received_ms: int | None,
) -> None:
    message = wire.decode(wire.encode_single(
        epoch, number, quantity, time_ms, value, unit=unit, channel=channel, flag=flag,
        received_ms=received_ms,
    ))
    assert (message.e, message.s, message.q, message.t, message.v) == (
        epoch, number, quantity, time_ms, value
    )
    assert (message.u, message.ch, message.f, message.r) == (
        unit, channel or "", flag, received_ms
    )


@given(_numbers, st.lists(st.tuples(st.integers(0, 1 << 20), _values), max_size=20))
def test_block_round_trip(start_ms: int, rows: list[tuple[int, float]]) -> None:
    offsets = [row[0] for row in rows]
    values = [row[1] for row in rows]
    message = wire.decode(wire.encode_block(
        1, 2, "pm25", start_ms, offsets_ms=offsets, values=values, received_ms=3
    ))
    assert (message.t0, message.dt, message.v, message.r) == (start_ms, offsets, values, 3)


@given(_numbers, st.dictionaries(st.text(max_size=8), _values, max_size=20))
def test_device_block_round_trip(time_ms: int, values: dict[str, float]) -> None:
    message = wire.decode(wire.encode_device_block(1, 2, time_ms, values))
    assert (message.t, message.m) == (time_ms, values)


@given(st.lists(st.tuples(_numbers, _numbers, _numbers), max_size=10))
def test_drop_round_trip(ranges: list[tuple[int, int, int]]) -> None:
    assert wire.decode(wire.encode_drop(1, 2, ranges)).drop == ranges


def test_event_clock_ack_and_state_round_trip() -> None:
    event = wire.decode(ENCODED["event"])
    assert (event.ev, event.id, event.t, event.end, event.customers) == (
        "interruption", "f12-2025-11-22", T, T + 5_400_000, 120
    )
    assert wire.decode(ENCODED["clock"]).r == T + 60_000
    assert wire.decode_ack(ENCODED["ack"]) == Ack(7, 46)
    assert wire.decode_state(ENCODED["state"]).queued == 3


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_travels_as_null(value: float) -> None:
    """So that ingest can count it: JSON has no NaN."""
    assert wire.decode(wire.encode_single(1, 2, "pm25", T, value)).v is None
    assert wire.decode(wire.encode_device_block(1, 2, T, {"a": value})).m == {"a": None}


def test_unknown_keys_are_ignored() -> None:
    assert wire.decode(b'{"e":7,"s":1,"q":"pm25","t":1,"v":2,"new":{"a":[1]}}').v == 2


@pytest.mark.parametrize(("payload", "key"), [
    (b'{"s":1}', "`e`"),
    (b'{"e":7}', "`s`"),
    (b'{"e":"7","s":1}', "$.e"),
    (b'{"e":7.5,"s":1}', "$.e"),
    (b'{"e":true,"s":1}', "$.e"),
    (b'{"e":7,"s":1,"v":"12"}', "$.v"),
    (b'{"e":7,"s":1,"v":true}', "$.v"),
    (b'{"e":7,"s":1,"t":1e3000}', ""),
    (b'{"e":7,"s":1,"dt":[0,"1"]}', "$.dt[1]"),
    (b'{"e":7,"s":1,"m":{"pm25":"x"}}', "$.m"),
    (b'{"e":7,"s":1,"drop":[[1,2]]}', "$.drop[0]"),
    (b"[]", ""),
    (b"1", ""),
    (b"null", ""),
])
def test_wrong_types_are_refused_with_the_key(payload: bytes, key: str) -> None:
    with pytest.raises((msgspec.ValidationError, WireError)) as caught:
        wire.decode(payload)
    assert key in str(caught.value)


@pytest.mark.parametrize("payload", [
    b"", b"{", b"NaN", b'{"e":7,"s":1,"v":NaN}', b'{"e":7,"s":1,"v":Infinity}',
    b'{"e":7,"s":1,"v":1e400}', b'{"e":7,"s":1,"q":"\xff\xfe"}', b"\x00", b"\xff" * 100,
    b'{"e":7,"s":1}x', b"pm25=12.5", b'{"e":7,"s":1,"q":"\\ud800"}',
])
def test_what_is_not_our_json_is_a_wire_error(payload: bytes) -> None:
    with pytest.raises((WireError, msgspec.ValidationError)):
        wire.decode(payload)


def test_size_at_its_limit() -> None:
    head, tail = b'{"e":7,"s":1,"pad":"', b'"}'
    fits = head + b"x" * (PAYLOAD_BYTES_MAX - len(head) - len(tail)) + tail
    assert len(fits) == PAYLOAD_BYTES_MAX
    assert wire.decode(fits).e == 7
    with pytest.raises(WireError, match="65537 bytes, at most 65536"):
        wire.decode(fits + b" ")


def nested(depth: int) -> bytes:
    """A message whose brackets nest `depth` deep, in a key that we ignore."""
    inner = depth - 1
    return b'{"e":7,"s":1,"x":' + b"[" * inner + b"]" * inner + b"}"


def test_depth_at_its_limit() -> None:
    assert wire.decode(nested(DEPTH_MAX)).e == 7
    with pytest.raises(WireError, match="nested deeper"):
        wire.decode(nested(DEPTH_MAX + 1))
    with pytest.raises(WireError, match="nested deeper"):
        wire.decode(nested(30_000))


def test_many_brackets_side_by_side_or_in_text_are_not_deep() -> None:
    assert wire.decode(b'{"e":7,"s":1,"x":[' + b"[]," * 500 + b"[]]}").e == 7
    assert wire.decode(b'{"e":7,"s":1,"x":"\\"' + b"[" * 500 + b'"}').e == 7


_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)), max_leaves=20,
)
_near = st.dictionaries(
    st.sampled_from(["e", "s", "q", "t", "v", "t0", "dt", "m", "u", "ch", "f", "ev", "id", "end",
                     "customers", "drop", "r", "online"]), _json,
)


@given(st.one_of(
    st.binary(max_size=200), _json.map(lambda x: json.dumps(x).encode()),
    _near.map(lambda x: json.dumps({"e": 1, "s": 1, **x}).encode()),
))
@example(b'{"e":99999999999999999999999999,"s":1}')
@example(b'"' + b"[" * 5000)
def test_hostile_bytes_raise_nothing_else(payload: bytes) -> None:
    decoders: list[Any] = [wire.decode, wire.decode_ack, wire.decode_state]
    for decode in decoders:
        with contextlib.suppress(WireError, msgspec.ValidationError):
            decode(payload)
