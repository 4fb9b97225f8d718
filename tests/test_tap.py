"""The tap: frames to ingest, the rest to the client, in order, however the bytes come."""

import socket
import ssl
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.publish_frames import FRAME_BYTES_MAX, Frames
from ingest.tap import DENSE_BYTES, FULL_BYTES, FULL_PAUSE_S, PAUSE_S, READ_BYTES_MAX, Tap, TapError
from tests.mqtt_frames import publish


class Wire:
    """A socket that gives what it is told, piece by piece."""

    def __init__(self, *pieces: Any) -> None:
        self.pieces = list(pieces)
        self.sent = b""
        self.open = True

    def recv_into(self, room: Any) -> int:
        if not self.pieces:
            raise BlockingIOError
        one = self.pieces.pop(0)
        if isinstance(one, Exception):
            raise one
        data, rest = one[: len(room)], one[len(room) :]
        if rest:
            self.pieces.insert(0, rest)
        room[: len(data)] = data
        return len(data)

    def send(self, data: bytes) -> int:
        self.sent += data
        return len(data)

    def fileno(self) -> int:
        return 7

    def setblocking(self, blocking: bool) -> None:
        assert not blocking

    def close(self) -> None:
        self.open = False


class OldWire(Wire):
    """As a WebSocket: `recv` alone, and bytes that are here already."""

    recv_into = None

    def __getattribute__(self, name: str) -> Any:
        if name == "recv_into":
            raise AttributeError(name)
        return super().__getattribute__(name)

    def recv(self, size: int) -> bytes:
        if not self.pieces:
            raise BlockingIOError
        return self.pieces.pop(0)[:size]

    def pending(self) -> int:
        return 3


def drained(tap: Tap, size: int = 1000) -> bytes:
    """All that the client gets until it has to wait, or the end."""
    out = b""
    while True:
        try:
            data = tap.recv(size)
        except BlockingIOError:
            if not tap._socket.pieces:
                return out
            continue
        if not data:
            return out
        out += data


PING = b"\xd0\x00"
SUBACK = b"\x90\x03\x00\x01\x01"
STREAM = [PING, publish("a", b"1"), publish("b", b"x" * 300, mid=4), SUBACK, publish("c", b"")]


@given(st.lists(st.integers(1, 60), max_size=30), st.integers(1, 9))
def test_all_arrives_in_order_however_it_is_cut(cuts: list[int], size: int) -> None:
    raw, pieces = b"".join(STREAM), []
    for cut in cuts:
        pieces.append(raw[:cut])
        raw = raw[cut:]
    came: list[Frames] = []
    tap = Tap(Wire(*filter(None, [*pieces, raw])), came.append, 3)
    assert drained(tap, size) == PING + SUBACK
    assert b"".join(one.data.tobytes() for one in came) == STREAM[1] + STREAM[2] + STREAM[4]
    assert (sum(one.count for one in came), sum(one.acknowledged for one in came)) == (3, 1)
    assert {one.session for one in came} == {3}


def test_a_large_frame_passes_to_the_client_whole() -> None:
    large = publish("a", b"y" * (2 * READ_BYTES_MAX + 77))
    came: list[Frames] = []
    tap = Tap(Wire(STREAM[1] + large + STREAM[1]), came.append, 1)
    assert drained(tap, 70_000) == large
    assert [one.data.tobytes() for one in came] == [STREAM[1], STREAM[1]]
    assert READ_BYTES_MAX > FRAME_BYTES_MAX


def test_the_end_and_errors_reach_the_client() -> None:
    tap = Tap(Wire(PING + publish("a", b"1")[:5], b""), lambda _: None, 1)
    assert tap.recv(9) == PING
    assert tap.recv(9) == b""
    tap = Tap(Wire(ConnectionResetError("gone")), lambda _: None, 1)
    with pytest.raises(ConnectionResetError):
        tap.recv(1)
    tap = Tap(Wire(ssl.SSLWantReadError()), lambda _: None, 1)
    with pytest.raises(BlockingIOError):
        tap.recv(1)


def test_what_mqtt_does_not_allow_ends_the_session_after_what_came_before() -> None:
    came: list[Frames] = []
    tap = Tap(Wire(PING + STREAM[1] + b"\x30\x02\x00\x09" + STREAM[1]), came.append, 1)
    assert tap.recv(9) == PING
    with pytest.raises(TapError, match="does not allow"):
        tap.recv(9)
    assert sum(one.count for one in came) == 1
    assert isinstance(TapError(), OSError)  # as the client knows from any lost connection


def test_other_calls_are_the_sockets() -> None:
    wire = Wire()
    tap = Tap(wire, lambda _: None, 1)
    tap.setblocking(False)
    assert (tap.send(b"abc"), wire.sent, tap.fileno(), tap.pending()) == (3, b"abc", 7, 0)
    tap.close()
    assert not wire.open
    assert tap.recv(1) == b""
    old = Tap(OldWire(PING), lambda _: None, 1)
    assert (old.recv(1), old.pending()) == (b"\xd0", 4)


def test_dense_traffic_is_read_after_a_pause_and_sparse_traffic_at_once() -> None:
    now, slept = [10.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    dense = publish("a", b"z" * (DENSE_BYTES + 100))
    full = publish("a", b"z" * (FULL_BYTES + 100))
    wire = Wire()
    tap = Tap(wire, lambda _: None, 1, clock=lambda: now[0], sleep=sleep)
    for gap_s, piece, wait_s in (
        (1.0, dense, 0.0),  # much at once, but seldom
        (PAUSE_S / 4, dense, 0.0),  # such a rate waits from now on
        (0.0, dense, PAUSE_S), (0.0, full, PAUSE_S), (0.0, full, FULL_PAUSE_S),
        (0.0, dense, PAUSE_S), (PAUSE_S, dense, 0.0), (0.0, STREAM[1], PAUSE_S),
        (PAUSE_S, STREAM[1], 0.0), (0.0, STREAM[1], 0.0),
    ):
        now[0] += gap_s
        slept.clear()
        wire.pieces.append(piece)
        with pytest.raises(BlockingIOError):
            tap.recv(1)
        assert sum(slept) == pytest.approx(wait_s), (gap_s, len(piece))
    assert PAUSE_S <= 0.005


def test_what_was_acknowledged_last_reaches_the_broker_though_more_came() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        ours = socket.create_connection(listening.getsockname())
        broker, _ = listening.accept()
    with broker:
        broker.settimeout(5.0)
        broker.sendall(STREAM[1] * 100)  # comes while the session ends, and is never looked at
        tap = Tap(ours, lambda _: None, 1)
        tap.send(b"\x40\x02\x00\x07")
        ending = threading.Thread(target=tap.close)
        ending.start()
        assert broker.recv(100) == b"\x40\x02\x00\x07"
        assert broker.recv(100) == b""  # an end, no reset
        broker.shutdown(socket.SHUT_WR)
        ending.join()
