"""Splitting a server's bytes into PUBLISH frames and the rest."""

import csv
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ingest import publish_frames as module
from ingest.publish_frames import (
    ACKNOWLEDGED,
    BROKEN,
    FRAME_BYTES_MAX,
    FRAMES,
    OURS,
    PASS,
    STATE,
    THEIRS,
    USED,
    acknowledgements,
    join,
    only_acknowledged,
    received_of,
    split,
    varint,
)
from tests.fuzz_frames import Guarded
from tests.mqtt_frames import frames, length, part, publish, received

SERVER_BYTES = Path(__file__).parent / "samples" / "mqtt" / "server_bytes.csv"
GUARDED = Guarded()


def agree(raw: bytes, *, properties: bool = False, filled: int | None = None) -> None:
    """Kernel and slow twin part the same bytes alike, up to the guard page."""
    raw = raw[:filled]
    wanted = part(raw, properties=properties, frame_bytes_max=FRAME_BYTES_MAX)
    data = GUARDED.hold(raw)
    theirs, state = np.zeros(len(raw) + 1, np.uint8), np.zeros(STATE, np.int64)
    split(data, len(raw), properties, theirs, state)
    assert data[: state[OURS]].tobytes() == wanted.ours
    assert theirs[: state[THEIRS]].tobytes() == wanted.theirs
    assert state[FRAMES] == wanted.frames
    assert state[ACKNOWLEDGED] == wanted.acknowledged
    assert (state[USED], state[PASS], bool(state[BROKEN])) == (
        wanted.used, wanted.passed, wanted.broken)


PACKETS = st.one_of(
    st.builds(publish, st.binary(max_size=5), st.binary(max_size=150), mid=st.integers(0, 3),
              dup=st.booleans(), retain=st.booleans()),
    st.sampled_from([b"\xd0\x00", b"\x40\x02\x00\x07", b"\x90\x03\x00\x01\x01",
                     b"\x34\x03\x00\x01a",
                     b"\x36\x03\x00\x01a", b"\x30\x02\x00\x01", b"\x32\x03\x00\x01a"]),
    st.binary(max_size=6),
)


@given(st.lists(PACKETS, max_size=8), st.booleans(), st.integers(0, 1000))
def test_parts_as_its_slow_twin_wherever_the_bytes_end(
    parts: list[bytes], properties: bool, filled: int
) -> None:
    agree(b"".join(parts), properties=properties, filled=filled)


def test_what_a_server_may_send() -> None:
    with SERVER_BYTES.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 500
    good = publish("cv/1/r/a/b/c/d", b"{}", mid=5)
    for one in rows:
        raw, properties = bytes.fromhex(one["hex"]), one["version"] == "5"
        agree(raw, properties=properties)
        agree(good + raw + good, properties=properties)
        for end in range(len(raw)):
            agree(raw, properties=properties, filled=end)


def test_a_frame_at_its_limit_is_ours_and_a_longer_one_is_the_clients() -> None:
    size = FRAME_BYTES_MAX - len(publish("t", b"x" * FRAME_BYTES_MAX)) + FRAME_BYTES_MAX
    for more in (0, 1):
        raw = publish("t", b"x" * (size + more))
        assert len(raw) == FRAME_BYTES_MAX + more
        agree(raw)
        assert part(raw, properties=False, frame_bytes_max=FRAME_BYTES_MAX).frames == 1 - more


@given(st.integers(0, 268_435_455))
def test_lengths_are_read_as_they_are_written(value: int) -> None:
    raw = np.frombuffer(length(value), np.uint8)
    assert varint(raw.ctypes.data, 0, len(raw)) == (value, len(raw))
    assert varint(raw.ctypes.data, 0, len(raw) - 1)[0] == -1


def test_a_length_of_five_bytes_is_wrong() -> None:
    raw = np.frombuffer(b"\x80\x80\x80\x80\x01", np.uint8)
    assert varint(raw.ctypes.data, 0, 5)[0] == -2


def test_messages_one_by_one_and_their_acknowledgements() -> None:
    parts = [publish("a", b"1"), publish("b", b"2", mid=258, dup=True), publish(b"\xff", b"")]
    found = frames(*parts, session=3)
    assert received_of(found) == [received(one, 3) for one in parts]
    assert acknowledgements(found) == b"\x40\x02\x01\x02"
    version_5 = [publish("a", b"1", mid=7, properties=b"\x01\x01"),
                 publish("b", b"", properties=b"")]
    found = frames(*version_5, properties=True)
    assert received_of(found) == [received(one, properties=True) for one in version_5]


def test_frames_are_joined_and_thinned_out() -> None:
    parts = [publish("a", b"1"), publish("b", b"22", mid=2), publish("c", b"3"),
             publish("d", b"4", mid=9)]
    both = join([frames(*parts[:1]), frames(*parts[1:])])
    assert (both.count, both.acknowledged, both.data.tobytes()) == (4, 2, b"".join(parts))
    left = only_acknowledged(both)
    assert (left.count, left.acknowledged) == (2, 2)
    assert left.data.tobytes() == parts[1] + parts[3]
    assert module.join([left]) is left
