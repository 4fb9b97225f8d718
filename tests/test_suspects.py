"""Which message is at fault when a broker cuts the connection again and again."""

from pathlib import Path

import pytest

from edge import connection
from edge.driver import Sample
from edge.suspects import Suspects
from tests.brokers import Mosquitto
from tests.tcp_proxy import TcpProxy
from tests.test_agent import T, World, readings, run


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "BACKOFF_S_MIN", 0.05)
    monkeypatch.setattr(connection, "BACKOFF_S_MAX", 0.2)


def test_third_cut_alone_with_a_witness_condemns() -> None:
    suspects = Suspects()
    assert suspects.cut({1, 2, 3}) is None
    assert suspects.next() == (1, False)
    assert suspects.cut({1}) is None
    assert suspects.next() == (1, True), "before the third try another message must pass"
    suspects.confirmed(3)
    assert suspects.next() == (1, False)
    assert suspects.cut({1}) == 1
    assert suspects.next() == (2, False)
    suspects.confirmed(2)
    assert len(suspects) == 0


def test_without_a_witness_nobody_is_condemned() -> None:
    suspects = Suspects()
    for _ in range(10):
        assert suspects.cut({1}) is None
    assert suspects.next() == (1, True)
    assert suspects.cuts(1) == 10


def test_a_witness_counts_in_its_session_alone() -> None:
    suspects = Suspects()
    for _ in range(3):
        suspects.cut({1})
    suspects.confirmed(2)
    assert suspects.cut(set()) is None
    assert suspects.cut({1}) is None
    suspects.forget(1)
    assert len(suspects) == 0


def test_broker_that_cuts_on_everything_sets_nothing_aside(tmp_path: Path) -> None:
    """A full disk or a missing permission is no fault of a message."""
    broker = Mosquitto(tmp_path / "broker")
    broker.start()
    proxy = TcpProxy(broker.port)
    world = World(tmp_path, proxy.url)
    proxy.cut_on = b"cv/1/r/"
    try:
        agent = world.agent(*readings(5))
        run(agent, lambda: proxy.cuts > 6)
        assert (agent.aside, agent.queued) == (0, 5)
        proxy.cut_on = b""
        ingest = world.ingest()
        run(agent, lambda: agent.drained, ingest)
        assert ingest.values() == [float(n) for n in range(5)]
        assert agent.aside == 0
    finally:
        for one in world.running[::-1]:
            one.stop()
        proxy.close()
        broker.kill()


def test_message_that_the_broker_swallows_is_set_aside_and_blocks_nothing(
    tmp_path: Path,
) -> None:
    """Mosquitto confirms a message beyond its limit, and throws it away."""
    broker = Mosquitto(tmp_path / "broker", message_size_limit="4096")
    broker.start()
    world = World(tmp_path, broker.url)
    now = [0.0]
    try:
        ingest = world.ingest()
        batches = readings(10)
        batches[5] = [Sample("pm25", T + 5, 5.0, channel="x" * 6000)]
        agent = world.agent(*batches, resend_s=1.0, monotonic=lambda: now[0])
        run(agent, lambda: len(ingest.seen) == 9, ingest)
        assert agent.aside == 0

        def rest() -> bool:
            now[0] += 0.02
            return agent.drained and len(ingest.states) > 1

        run(agent, rest, ingest)
        assert agent.aside == 1
        assert ingest.values() == [0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 7.0, 8.0, 9.0]
        [drop] = [message.drop for message in ingest.seen.values() if message.drop]
        assert [(first, last) for _, first, last in drop] == [(6, 6)]
        run(agent, lambda: ingest.states[-1][0].aside == 1)
        [kept] = agent._box._file.read("SELECT length(payload) FROM aside")
        assert kept[0] > 6000
    finally:
        for one in world.running[::-1]:
            one.stop()
        broker.kill()
