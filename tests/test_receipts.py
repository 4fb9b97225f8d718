"""What ingest tells agents again when a session begins; the rest is in test_program.py."""

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from edge import wire
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
    return SimpleNamespace(seen=seen, vitals=SimpleNamespace(registry=registry))


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


def test_messages_are_acknowledged_also_when_agents_cannot_be_told() -> None:
    link, told = made(1)
    link.room = 0
    wanted = [1 << 16 | 4, 1 << 16 | 0xFF05, 2 << 16 | 6]
    messages = [Received("t", b"", receipt, 1) for receipt in wanted]
    messages.append(Received("t", b"", 2 << 16, 0))  # for which nobody waits
    told.give(messages, [("d0", wire.Ack(7, 5))])
    assert link.acknowledged == [wanted]
    assert link.told == []


def test_all_agents_of_a_batch_are_told_in_one_write() -> None:
    link, told = made(1)
    told.give([], [(f"d{k}", wire.Ack(7, k + 1)) for k in range(300)])
    assert link.told == [(f"cv/1/a/d{k}", wire.Ack(7, k + 1)) for k in range(300)]
    assert link.writes == 1
