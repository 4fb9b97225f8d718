"""Both brokers with the files of `deploy/broker`: the line runs through them, not held up."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cityvitals import broker as embedded
from edge import wire
from tests.brokers import Broker
from tests.deployed import DEPLOY, DEPLOYED
from tests.line_city import row, topic, write_places
from tests.live_ingest import LiveIngest, publish, until
from tests.reconnecting import Pair

BACKLOG = 3_000
ACK_PENDING_MAX = 65_535


@pytest.fixture(params=DEPLOYED)
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    broker: Broker = request.param(tmp_path / "broker")
    broker.start()
    yield broker
    broker.kill()


def test_the_line_runs_and_nothing_is_lost_while_ingest_is_away(
    broker: Broker, tmp_path: Path
) -> None:
    """A foreign publisher keeps nothing: what the broker confirmed must arrive."""
    pair = Pair(tmp_path / "city", broker.url)
    try:
        pair.ingest.start_and_wait()
        pair.send(20)
        pair.ingest.kill()
        publish(broker.url, [
            (topic("d2"), wire.encode_clock(1, n, 5)) for n in range(1, BACKLOG)
        ] + [(topic("d1"), b"not JSON")])
        pair.take(20)
        pair.ingest.start_and_wait()
        pair.run(lambda: pair.agent.drained, "what waited arrives")
        until(lambda: pair.applied() == 40, "each sample once")
        until(lambda: pair.ingest.verdicts().get("refused_unparsable") == 1, "the last of all")
    finally:
        pair.end()


SOURCES = 14
"""Filters of other publishers beside our own that nats.conf says there is room for."""


def test_other_publishers_are_heard_beside_our_own(broker: Broker, tmp_path: Path) -> None:
    """NATS counts what a session may have in flight by filter, and ours twice for its `#`."""
    write_places(tmp_path / "places.csv", [row("plug-1", "s1")])
    ingest = LiveIngest(tmp_path, broker.url)
    with ingest.config.open("a") as config:
        config.writelines(
            f'[[foreign]]\ntopic = "z{k}/{{device}}"\nformat = "json"\n'
            '[foreign.fields]\npower = { quantity = "power" }\n' for k in range(SOURCES))
    try:
        ingest.start_and_wait()
        publish(broker.url, [(f"z{k}/plug-1", b'{"power":%d}' % k) for k in range(SOURCES)])
        # Without a time of their own some come in the same moment, and the later one stands.
        until(lambda: sum(ingest.verdicts().values()) == SOURCES, "all are heard")
        assert ingest.verdicts().keys() <= {"applied", "conflict"}
        assert ingest.stop() == 0
    finally:
        ingest.kill()


def test_the_embedded_broker_has_the_shipped_values(tmp_path: Path) -> None:
    def values(text: str) -> dict[str, str]:
        found = dict(re.findall(r"^ *(\w+): (.*)$", text, re.M))
        for differs in ("server_name", "listen", "store_dir"):
            found.pop(differs)
        return found

    written = values(embedded.configure(tmp_path, 18_999).read_text())
    shipped = values((DEPLOY / "nats.conf").read_text())
    # No other publisher is at the broker of `up`, and a replay wants many in flight.
    assert int(written.pop("max_ack_pending")) * 2 <= ACK_PENDING_MAX
    assert int(shipped.pop("max_ack_pending")) * (2 + SOURCES) <= ACK_PENDING_MAX
    assert written == shipped
    assert len(shipped) == 7
