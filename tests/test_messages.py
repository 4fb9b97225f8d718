"""Payloads to rows: the three shapes, and every way in which a payload is none of ours."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.quantities import INDEX
from edge.topics import Source
from edge.verdicts import Verdict
from edge.wire import PAYLOAD_BYTES_MAX, Message
from ingest import messages
from ingest.messages import (
    EVENT_ID_CHARS_MAX,
    TOPIC_CHARS_MAX,
    Refused,
    Rows,
    drops_of,
    event_of,
    expand,
    read,
    source_of,
)
from tests.hostile import PAYLOADS, RELAXED
from tests.line_city import START_MS, body, single, topic

SOURCE = Source("porto", "centre", "s1", "d1")
V = Verdict


def expanded(payload: bytes) -> Rows:
    message = read(payload)
    assert isinstance(message, Message)
    rows = Rows()
    expand(rows, 0, message)
    return rows


def of(payload: bytes) -> list[int]:
    """The verdicts of the rows of a payload."""
    message = read(payload)
    return [message.verdict] if isinstance(message, Refused) else expanded(payload).verdict


def test_the_three_shapes() -> None:
    t = START_MS
    for payload, quantity, time_ms, value in [
        (single(1, 12.5), ["pm25"], [t], [12.5]),
        (body(q="pm25", t0=t, dt=[0, 1000, -5], v=[1, 2.5, 3]), ["pm25"] * 3,
         [t, t + 1000, t - 5], [1.0, 2.5, 3.0]),
        (body(t=t, m={"pm25": 1.5, "no2": 2}), ["pm25", "no2"], [t, t], [1.5, 2.0]),
    ]:
        rows = expanded(payload)
        assert rows.quantity == [INDEX[name] for name in quantity]
        assert rows.time_ns == [at * 1_000_000 for at in time_ms]
        assert rows.value == value
        assert rows.verdict == [V.APPLIED] * len(value)


def test_units_channels_and_flags() -> None:
    rows = expanded(body(q="temp", t=START_MS, v=300, u="K", ch="L1-a", f=3))
    assert rows.value == [pytest.approx(26.85)]
    assert (rows.channel, rows.flag) == (["L1-a"], [3])
    assert expanded(body(q="temp", t=START_MS, v=1, u="degC")).value == [1.0]
    assert expanded(body(q="temp", t=START_MS, v=1)).flag == [0]


@pytest.mark.parametrize(("payload", "verdict"), [
    (b"", V.REFUSED_UNPARSABLE), (b"hello", V.REFUSED_UNPARSABLE), (b"{", V.REFUSED_UNPARSABLE),
    (b'{"e":1,"s":1,"q":"\xff","t":1,"v":1}', V.REFUSED_UNPARSABLE),
    (b'{"e":1,"s":1,"ch":"\\ud800"}', V.REFUSED_UNPARSABLE),
    (b"[" * 100_000, V.REFUSED_OVERSIZED), (b"[" * 60_000, V.REFUSED_UNPARSABLE),
    (b'{"e":1,"s":1,"x":' + b"[" * 40 + b"]" * 40 + b"}", V.REFUSED_UNPARSABLE),
    (b"[]", V.REFUSED_TYPE), (b"null", V.REFUSED_TYPE), (b"12.5", V.REFUSED_TYPE),
    (b"{}", V.REFUSED_TYPE), (b'{"e":1}', V.REFUSED_TYPE), (b'{"s":1}', V.REFUSED_TYPE),
    (b'{"e":-1,"s":1}', V.REFUSED_TYPE), (b'{"e":1,"s":0}', V.REFUSED_TYPE),
    (b'{"e":1,"s":-7}', V.REFUSED_TYPE), (b'{"e":1,"s":1.5}', V.REFUSED_TYPE),
    (b'{"e":"1","s":1}', V.REFUSED_TYPE), (b'{"e":1,"s":true}', V.REFUSED_TYPE),
    (b'{"e":99999999999999999999999,"s":1}', V.REFUSED_TYPE),
    (b'{"e":1,"s":4611686018427387904}', V.REFUSED_TYPE),
    (body(), V.REFUSED_TYPE), (body(q="pm25", v=1), V.REFUSED_TYPE),
    (body(q="pm25", t=START_MS, v="1"), V.REFUSED_TYPE),
    (body(q="pm25", t=START_MS, v={}), V.REFUSED_TYPE),
    (body(q="pm25", t="now", v=1), V.REFUSED_TYPE), (body(q="pm25", t=1.5, v=1), V.REFUSED_TYPE),
    (body(q=7, t=START_MS, v=1), V.REFUSED_TYPE),
    (body(q="pm25", t=10**23, v=1), V.REFUSED_TYPE),
    (body(q="pm25", t=-(10**23), v=1), V.REFUSED_TYPE),
    (body(q="pm25", t=START_MS, v=1, f=7), V.REFUSED_TYPE),
    (body(q="pm25", t=START_MS, v=1, ch="a b"), V.REFUSED_TYPE),
    (body(q="pm25", t=START_MS, v=1, ch="\u212a"), V.REFUSED_TYPE),
    (body(q="pm25", t=START_MS, v=1, ch="x" * 65), V.REFUSED_TYPE),
    (body(q="pm25", t=START_MS, v=1, r=10**20), V.REFUSED_TYPE),
    (body(q="pm25", t=START_MS, v=1, r=-1), V.REFUSED_TYPE),
    (body(q="pm25", t0=START_MS, dt=[0], v=[1, 2]), V.REFUSED_TYPE),
    (body(q="pm25", t0=START_MS, v=[1, 2]), V.REFUSED_TYPE),
    (body(q="pm25", dt=[0], v=[1]), V.REFUSED_TYPE),
    (body(q="pm25", t0=START_MS, dt=[10**20], v=[1]), V.REFUSED_TYPE),
    (body(m={"pm25": 1}), V.REFUSED_TYPE), (body(t=1, m=[1]), V.REFUSED_TYPE),
    (body(q="pm25", t=START_MS), V.REFUSED_NOT_A_NUMBER),
    (body(q="pm25", t=START_MS, v=None), V.REFUSED_NOT_A_NUMBER),
    (body(q="pm25", t=START_MS, v=math.nan), V.REFUSED_NOT_A_NUMBER),
    (body(q="pm25", t=START_MS, v=math.inf), V.REFUSED_NOT_A_NUMBER),
    (body(q="pm25", t=START_MS, v=-math.inf), V.REFUSED_NOT_A_NUMBER),
    (b'{"e":1,"s":1,"q":"pm25","t":1,"v":nan}', V.REFUSED_NOT_A_NUMBER),
    (b'{"e":NaN,"s":1,"q":"pm25","t":1,"v":1}', V.REFUSED_NOT_A_NUMBER),
    (b'{"e":1,"s":1,"q":"pm25","t":1,"v":NaN', V.REFUSED_NOT_A_NUMBER),
    (b'{"e":1,"s":1,"q":"pm25","t":1,"v":1e999}', V.REFUSED_TYPE),
    (body(q="soot", t=START_MS, v=1), V.REFUSED_QUANTITY),
    (body(q="", t=START_MS, v=1), V.REFUSED_QUANTITY),
    (body(q="pm25", t=START_MS, v=1, u="ppb"), V.REFUSED_UNIT),
    (body(q="pm25", t=START_MS, v=1, u=""), V.REFUSED_UNIT),
    (body(ev="a b", t=START_MS), V.REFUSED_TYPE), (body(ev="fault"), V.REFUSED_TYPE),
    (body(ev="fault", t=10**23), V.REFUSED_TYPE),
    (body(ev="fault", t=START_MS, end=10**23), V.REFUSED_TYPE),
    (body(ev="fault", t=START_MS, customers=-1), V.REFUSED_TYPE),
    (body(ev="fault", t=START_MS, customers=10**23), V.REFUSED_TYPE),
    (body(ev="fault", t=START_MS, id="x" * (EVENT_ID_CHARS_MAX + 1)), V.REFUSED_TYPE),
])
def test_what_is_refused(payload: bytes, verdict: Verdict) -> None:
    assert of(payload) == [verdict]


def test_a_good_reading_beside_a_bad_one_stands() -> None:
    assert of(body(t=START_MS, m={"pm25": 1, "soot": 2, "no2": None, "o3": 3})) == [
        V.APPLIED, V.REFUSED_QUANTITY, V.REFUSED_NOT_A_NUMBER, V.APPLIED,
    ]
    assert of(body(q="pm25", t0=START_MS, dt=[0, 1, 2], v=[1, math.nan, 3])) == [
        V.APPLIED, V.REFUSED_NOT_A_NUMBER, V.APPLIED,
    ]
    assert of(b'{"e":1,"s":1,"t":1,"m":{"pm25":-Infinity , "no2":3,"o3": NaN}}') == [
        V.REFUSED_NOT_A_NUMBER, V.APPLIED, V.REFUSED_NOT_A_NUMBER,
    ]


def test_messages_without_readings() -> None:
    for payload in (body(r=1), body(drop=[[1, 2, 3]]), body(m={}, t=1),
                    body(q="pm25", t0=1, dt=[], v=[])):
        assert of(payload) == []


@pytest.mark.parametrize(("payload", "numbers"), [
    (b'{"e":4,"s":9,"q":"pm25","t":"now","v":1}', (4, 9)),
    (b'{"e":4,"s":9,"q":"pm25","t":1,"v":NaN,"u":7}', (4, 9)),
    (b'{"e":4,"s":9,"r":-3}', (4, 9)), (b'{"e":4,"s":"9","v":"x"}', (0, 0)),
    (b'{"e":4,"s":0,"v":"x"}', (0, 0)), (b"nonsense", (0, 0)),
])
def test_what_is_refused_keeps_its_number_if_it_shows_one(
    payload: bytes, numbers: tuple[int, int]
) -> None:
    # Or its agent would send it for ever, and what comes after it would wait.
    refused = read(payload)
    assert isinstance(refused, Refused)
    assert refused[1:] == numbers


def test_a_topic_at_its_limit_is_remembered_and_a_longer_one_is_not() -> None:
    def remembered(size: int) -> int:
        before = messages._source_of.cache_info().currsize
        assert source_of("cv/1/r/" + "x" * (size - 7)) is None
        return messages._source_of.cache_info().currsize - before

    messages._source_of.cache_clear()
    assert (remembered(TOPIC_CHARS_MAX), remembered(TOPIC_CHARS_MAX + 1)) == (1, 0)


def test_payload_at_its_limit() -> None:
    values = b",".join([b"1.25"] * 9000)
    offsets = b",".join([b"0"] * 9000)
    head = b'{"e":1,"s":1,"q":"pm25","t0":1,"dt":[' + offsets + b'],"v":[' + values + b"]"
    fits = head + b" " * (PAYLOAD_BYTES_MAX - len(head) - 1) + b"}"
    assert len(fits) == PAYLOAD_BYTES_MAX
    assert of(fits) == [V.APPLIED] * 9000
    assert read(fits + b" ") == Refused(V.REFUSED_OVERSIZED)


def test_topics_are_ours_or_not() -> None:
    assert source_of(topic("d1")) == SOURCE
    for other in ("cv/1/s/porto/centre/s1/d1", "cv/1/r/porto/centre/s1", "", "x" * 70_000,
                  "cv/1/r/porto/centre/s1/" + "d" * TOPIC_CHARS_MAX):
        assert source_of(other) is None


def test_events() -> None:
    message = read(body(ev="interruption", id="x-1", t=5, end=9, customers=120))
    assert isinstance(message, Message)
    assert event_of(message, SOURCE) == (SOURCE, "interruption", "x-1", 5, 9, 120, 0, False)
    assert expanded(body(ev="fault", t=5)).verdict == [V.APPLIED]
    for payload in (body(ev="fault"), body(q="pm25", t=1, v=1), body(ev="fault", t=10**23)):
        message = read(payload)
        assert isinstance(message, Message)
        assert event_of(message, SOURCE) is None


def test_dropped_ranges() -> None:
    def drops(ranges: list[list[int]]) -> object:
        message = read(body(drop=ranges))
        assert isinstance(message, Message)
        return drops_of(message)

    assert drops([[1, 2, 3], [4, 5, 5]]) == [(1, 2, 3), (4, 5, 5)]
    for wrong in ([[1, 0, 3]], [[1, 4, 3]], [[-1, 1, 2]], [[1, 1, 1 << 40]], [[1 << 62, 1, 2]]):
        assert drops(wrong) is None
    assert of(body(drop=[[1, 2]])) == [V.REFUSED_TYPE]


@RELAXED
@given(PAYLOADS)
def test_no_message_does_harm(payload: bytes) -> None:
    of(payload)


@RELAXED
@given(st.binary(max_size=200))
def test_no_bytes_do_harm(payload: bytes) -> None:
    of(payload)
