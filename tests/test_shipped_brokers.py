"""Both brokers with the files of `deploy/broker`: the line runs through them, not held up."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cityvitals import broker as embedded
from edge import wire
from tests.brokers import Broker
from tests.deployed import DEPLOY, DEPLOYED
from tests.line_city import topic
from tests.live_ingest import publish, until
from tests.reconnecting import Pair

BACKLOG = 3_000


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


def test_the_embedded_broker_has_the_shipped_values(tmp_path: Path) -> None:
    def values(text: str) -> dict[str, str]:
        found = dict(re.findall(r"^ *(\w+): (.*)$", text, re.M))
        for differs in ("server_name", "listen", "store_dir"):
            found.pop(differs)
        return found

    written = embedded.configure(tmp_path, 18_999).read_text()
    shipped = values((DEPLOY / "nats.conf").read_text())
    assert values(written) == shipped
    assert len(shipped) == 7
