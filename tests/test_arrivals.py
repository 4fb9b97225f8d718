"""The queue between network thread and loop: order, bounds, what is dropped."""

import threading

import pytest

from ingest import arrivals as module
from ingest.arrivals import Arrivals, unsafe_of
from ingest.messages import Received
from ingest.publish_frames import Frames
from tests.mqtt_frames import frames, publish


def put(queue: Arrivals, *parts: bytes, session: int = 1) -> None:
    queue.put_frames(frames(*parts, session=session))


A, B, C = publish("a", b"1"), publish("b", b"22", mid=4), publish("c", b"333")
ALONE = Received("t", b"x" * 9, 5, 1)


def test_frames_and_messages_come_out_in_order_and_apart() -> None:
    wake = threading.Event()
    queue = Arrivals(wake)
    assert queue.take() == ([], 0)
    put(queue, A)
    put(queue, B, C)
    queue.put_message(ALONE)
    put(queue, A)
    put(queue, A, session=2)
    assert (len(queue), queue.bytes) == (6, len(A + B + C) + 9 + 2 * len(A))
    assert wake.is_set()
    first, _ = queue.take()
    assert isinstance(first, Frames)
    assert (first.data.tobytes(), first.count, first.acknowledged) == (A + B + C, 3, 1)
    assert queue.take() == ([ALONE], 0)
    for session in (1, 2):
        one, _ = queue.take()
        assert isinstance(one, Frames)
        assert (one.session, one.count) == (session, 1)
    assert (len(queue), queue.bytes) == (0, 0)


def test_the_queue_at_its_limits_drops_qos_0_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUEUE_MAX", 3)
    queue = Arrivals(threading.Event())
    put(queue, A, A)
    put(queue, A, B)  # there is room when it comes: one read more may wait
    put(queue, A, B, C)
    put(queue, A)
    assert len(queue) == 5
    assert queue.unsafe() == 3 + 3
    first, dropped = queue.take()
    assert isinstance(first, Frames)
    assert (first.data.tobytes(), dropped) == (A + A + A + B + B, 3)
    assert unsafe_of(first) == 3
    monkeypatch.setattr(module, "QUEUE_BYTES_MAX", 10)
    put(queue, A, C)
    put(queue, A)
    queue.put_message(Received("t", b"", qos=0))
    queue.put_message(ALONE)
    assert [queue.take()[1] for _ in range(2)] == [2, 0]
    queue.held_back = 3
    put(queue, A)
    assert queue.take() == ([], 1)


def test_a_batch_at_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH_MAX", 2)
    wake = threading.Event()
    queue = Arrivals(wake)
    for parts in ((A,), (B,), (C,), (A, B, C)):
        put(queue, *parts)
    wake.clear()
    sizes = []
    while len(queue):
        taken, _ = queue.take()
        assert isinstance(taken, Frames)
        sizes.append(taken.count)
        assert wake.is_set() == (len(queue) > 0)
        wake.clear()
    assert sizes == [2, 1, 3]  # one read is never parted
    monkeypatch.setattr(module, "BATCH_BYTES_MAX", len(A + A) + 1)
    monkeypatch.setattr(module, "BATCH_MAX", 100)
    for part in (A, A, A):
        put(queue, part)
    assert [unsafe_of(queue.take()[0]) for _ in range(2)] == [2, 1]


def test_what_nobody_sends_again_is_counted() -> None:
    assert unsafe_of([Received("t", b"", qos=0), ALONE]) == 1
    assert unsafe_of(Received("t", b"", qos=0)) == 1
