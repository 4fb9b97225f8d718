"""What ingest tells agents again when a session begins; the rest is in test_program.py."""

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest

from edge import wire
from edge.agent import IN_FLIGHT_MAX
from edge.connection import BrokerUnavailableError
from ingest import receipts
from ingest.intervals import Seen
from ingest.messages import Received
from ingest.receipts import Receipts


class Link:
    """Stands for the connection: what was said on it, and when it takes no more."""

    def __init__(self) -> None:
        self.ready = True
        self.session = 1
        self.session_present = True
        self.room = 1_000_000
        self.writes = 0
        self.told: list[tuple[str, wire.Ack]] = []
        self.acknowledged: list[list[int]] = []

    def publish_all(self, messages: Iterable[tuple[str, bytes]]) -> None:
        more = [(topic, wire.decode_ack(payload)) for topic, payload in messages]
        if self.room < len(self.told) + len(more):
            raise BrokerUnavailableError("gone")
        self.told += more
        self.writes += bool(more)

    def acknowledge(self, asked: Iterable[int]) -> int:
        self.acknowledged.append(list(asked))
        return len(self.acknowledged[-1])


def line(devices: int) -> Any:
    seen = Seen()
    for device in range(devices):
        seen.add(device, 3, 1, 9)
        seen.add(device, 7, 1, 5)
        seen.add(device, 7, 8, 8)
    names = [f"d{device}" for device in range(devices)]
    registry = SimpleNamespace(devices=names)
    return SimpleNamespace(
        seen=seen, vitals=SimpleNamespace(registry=registry),
        acks=lambda heard: [(names[device], seen.ack(device, epoch)) for device, epoch in heard],
    )


def made(devices: int) -> tuple[Link, Receipts]:
    link: Any = Link()
    return link, Receipts(link, line(devices))


def test_a_new_session_tells_each_device_once_its_newest_epoch() -> None:
    link, told = made(2)
    told.step()
    told.step()
    assert link.told == [("cv/1/a/d0", wire.Ack(7, 5, h=8)), ("cv/1/a/d1", wire.Ack(7, 5, h=8))]


def test_a_forgotten_session_asks_for_everything_again() -> None:
    link, told = made(1)
    told.step()
    link.session, link.session_present = 2, False
    told.step()
    assert link.told[1:] == [("cv/1/a/d0", wire.Ack(7, 5, again=True, h=8))]


def test_many_devices_are_told_over_many_rounds_and_through_an_interruption() -> None:
    link, told = made(receipts.AGAIN_MAX + 10)
    link.room = 3
    told.step()
    assert link.told == []
    link.ready = False
    told.step()
    link.ready, link.room = True, 1_000_000
    told.step()
    assert (len(link.told), link.writes) == (receipts.AGAIN_MAX, 1)
    told.step()
    assert len(link.told) == len({topic for topic, _ in link.told}) == receipts.AGAIN_MAX + 10


class Watch:
    """The clock of the receipts."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    clock = Watch()
    monkeypatch.setattr(receipts, "time", clock)
    return clock


def messages_of(count: int) -> list[Received]:
    return [Received("t", b"", 1 << 16 | k + 1, 1) for k in range(count)]


def begun(devices: int) -> tuple[Link, Receipts]:
    """In a session in which nobody is left to be told again."""
    link, told = made(devices)
    while link.writes * receipts.AGAIN_MAX < devices:
        told.step()
    link.told.clear()
    link.writes = 0
    return link, told


def test_messages_are_acknowledged_also_when_agents_cannot_be_told(watch: Watch) -> None:
    link, told = made(1)
    link.room = 0
    wanted = [1 << 16 | 4, 1 << 16 | 0xFF05, 2 << 16 | 6]
    messages = [Received("t", b"", receipt, 1) for receipt in wanted]
    messages.append(Received("t", b"", 2 << 16, 0))  # for which nobody waits
    told.give(messages, {(0, 7)})
    told.step()
    assert link.acknowledged == [wanted]
    assert link.told == []


def test_all_agents_that_were_heard_are_told_in_one_write(watch: Watch) -> None:
    link, told = begun(300)
    told.give(messages_of(100), {(k, 7) for k in range(100)})
    told.give(messages_of(250), {(k, 7) for k in range(50, 300)})
    told.step()
    assert sorted(link.told) == sorted(
        (f"cv/1/a/d{k}", wire.Ack(7, 5, h=8)) for k in range(300))
    assert link.writes == 1
    watch.now_s += 1000
    told.step()
    assert link.writes == 1


def test_who_was_told_just_now_waits_unless_he_may_wait_for_us(watch: Watch) -> None:
    link, told = begun(2)
    told.give(messages_of(1), {(0, 7)})
    told.step()
    assert len(link.told) == 1
    told.give(messages_of(1), {(0, 7)})
    watch.now_s += 0.9 * receipts.TELL_S
    told.step()
    assert len(link.told) == 1
    watch.now_s += 0.2 * receipts.TELL_S
    told.step()
    assert len(link.told) == 2
    told.give(messages_of(receipts.TELL_MESSAGES - 1), {(0, 7)})
    told.step()
    assert len(link.told) == 2
    told.give(messages_of(1), {(0, 7)})
    told.step()
    assert len(link.told) == 3
    told.give(messages_of(receipts.TELL_MESSAGES), {(0, 7), (1, 7)})
    told.step()
    assert len(link.told) == 3
    told.flush()
    assert len(link.told) == 5
    assert receipts.TELL_MESSAGES < IN_FLIGHT_MAX
