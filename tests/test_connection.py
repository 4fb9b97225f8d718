"""The session with a real broker: ready, lost, back, acknowledged by hand, refused."""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge import connection
from edge.broker_settings import BrokerSettings
from edge.connection import (
    BrokerRefusedError,
    BrokerSettingsError,
    BrokerUnavailableError,
    Connection,
)
from edge.settings import check
from tests.brokers import Broker, Mosquitto, Nats, free_port

Received = list[tuple[str, bytes, int, int, bool]]
SHIPPED = connection.BACKOFF_S_MIN, connection.BACKOFF_S_MAX


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "BACKOFF_S_MIN", 0.05)
    monkeypatch.setattr(connection, "BACKOFF_S_MAX", 0.2)


@pytest.fixture(params=[Nats, Mosquitto])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    options = {"ack_wait": "2s"} if request.param is Nats else {}
    broker: Broker = request.param(tmp_path / "broker", **options)
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture
def connect(broker: Broker) -> Iterator[Callable[..., Connection]]:
    made = []

    def make(client_id: str, **options: Any) -> Connection:
        made.append(Connection(BrokerSettings(url=broker.url), client_id, **options))
        made[-1].start()
        assert made[-1].wait_ready(10)
        return made[-1]

    yield make
    for one in made:
        one.stop(0)


def until(condition: Callable[[], Any], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


@pytest.mark.parametrize("table", [
    {"user": "ann", "password_env": "CITYVITALS_NO_SUCH_VARIABLE"},
    {"user": "ann", "password_file": "/nonexistent/password"},
    {"url": "mqtts://127.0.0.1", "ca_file": "/nonexistent/ca.pem"},
])
def test_missing_secrets_are_told_before_anything_starts(table: dict[str, Any]) -> None:
    broken = Connection(check(table, BrokerSettings, "edge.toml"), "device")
    with pytest.raises(BrokerSettingsError, match=r"CITYVITALS_NO_SUCH_VARIABLE|/nonexistent/"):
        broken.start()


def test_publish_subscribe_and_confirm(connect: Callable[..., Connection]) -> None:
    received: Received = []
    confirmed: list[int] = []
    connect("reader", on_message=lambda *m: received.append(m), subscriptions=[("cv/1/r/#", 1)])
    writer = connect("writer", on_published=confirmed.append)
    mid = writer.publish("cv/1/r/a/b/c/d", b"hello")
    until(lambda: received and confirmed)
    assert confirmed == [mid]
    topic, payload, qos, receipt, retain = received[0]
    assert (topic, payload, qos, retain) == ("cv/1/r/a/b/c/d", b"hello", 1, False)
    assert receipt > 0


def test_not_ready_takes_no_message() -> None:
    idle = Connection(BrokerSettings(url=f"mqtt://127.0.0.1:{free_port()}"), "idle")
    idle.start()
    until(lambda: idle.error)
    with pytest.raises(BrokerUnavailableError, match="refused"):
        idle.publish("cv/1/r/a/b/c/d", b"x")
    begun = time.monotonic()
    idle.stop()
    assert time.monotonic() - begun < 1


def test_comes_back_after_the_broker_was_killed(
    broker: Broker, connect: Callable[..., Connection]
) -> None:
    received: Received = []
    changes: list[bool] = []
    client = connect(
        "client", on_message=lambda *m: received.append(m), on_ready=changes.append,
        subscriptions=[("cv/1/a/client", 1), ("cv/1/s/#", 1)],
    )
    first = client.session
    broker.kill()
    until(lambda: not client.ready)
    assert isinstance(client.error, BrokerUnavailableError)
    broker.start()
    assert client.wait_ready(15)
    assert client.session > first
    assert changes == [True, False, True]
    assert client.error is None
    client.publish("cv/1/a/client", b"again")
    until(lambda: received)


def test_will_is_seen_when_a_client_dies_and_not_when_it_stops(
    broker: Broker, connect: Callable[..., Connection]
) -> None:
    received: Received = []
    connect("reader", on_message=lambda *m: received.append(m), subscriptions=[("cv/1/s/#", 1)])
    polite = connect("polite", will=("cv/1/s/a/b/c/polite", b"gone"))
    polite.stop()
    with socket.create_connection(("127.0.0.1", broker.port)) as raw:
        will_topic, will = b"cv/1/s/a/b/c/rude", b"gone"
        body = b"\x00\x04MQTT\x04\x2e\x00\x3c" + b"".join(
            len(part).to_bytes(2, "big") + part for part in (b"rude", will_topic, will)
        )
        raw.sendall(b"\x10" + bytes([len(body)]) + body)
        raw.recv(4)
    until(lambda: received)
    assert [(m[0], m[1]) for m in received] == [("cv/1/s/a/b/c/rude", b"gone")]


def test_unacknowledged_messages_come_again_and_old_receipts_release_nothing(
    connect: Callable[..., Connection],
) -> None:
    received: Received = []
    options = {"on_message": lambda *m: received.append(m), "manual_ack": True,
               "subscriptions": [("cv/1/r/#", 1)]}
    reader = connect("ingest", **options)
    writer = connect("writer")
    for n in range(4):
        writer.publish("cv/1/r/a/b/c/d", b"%d" % n)
    until(lambda: len(received) == 4)
    assert reader.acknowledge([received[0][3], received[3][3], received[1][3] - (1 << 16)]) == 2
    old = received[1][3]
    time.sleep(0.1)  # for the acknowledgement to leave
    reader.stop()
    received.clear()
    again = connect("ingest", **options)
    again.session += 1  # as after a reconnect of one object
    until(lambda: len(received) >= 2)
    assert sorted(m[1] for m in received) == [b"1", b"2"]
    assert again.acknowledge([old]) == 0


def test_receipts_end_with_their_session(
    broker: Broker, connect: Callable[..., Connection]
) -> None:
    """Packet ids begin afresh after a reconnect: an old one would release another message."""
    received: Received = []
    reader = connect(
        "ingest", on_message=lambda *m: received.append(m), manual_ack=True,
        subscriptions=[("cv/1/r/#", 1)],
    )
    writer = connect("writer")
    for n in range(10):
        writer.publish("cv/1/r/a/b/c/d", b"%d" % n)
    until(lambda: len(received) == 10)
    old = [message[3] for message in received]
    broker.kill()
    until(lambda: not reader.ready)
    broker.start()
    assert reader.wait_ready(15)
    assert reader.acknowledge(old) == 0


def test_wrong_password_is_told_and_the_right_one_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    passwords = tmp_path / "passwords"
    passwords.touch()
    broker = Mosquitto(tmp_path / "b", allow_anonymous="false", password_file=str(passwords))
    broker.command()
    subprocess.run(["mosquitto_passwd", "-b", str(passwords), "ann", "right-one"], check=True)
    passwords.chmod(0o644)
    broker.start()
    try:
        monkeypatch.setenv("CITYVITALS_TEST_PASSWORD", "wrong-one")
        settings = BrokerSettings(
            url=f"mqtt://ann@127.0.0.1:{broker.port}", password_env="CITYVITALS_TEST_PASSWORD"
        )
        client = Connection(settings, "device")
        client.start()
        until(lambda: isinstance(client.error, BrokerRefusedError))
        assert not client.ready
        client.stop()
        (tmp_path / "secret").write_text("right-one\n")
        settings = BrokerSettings(
            url=broker.url, user="ann", password_file=str(tmp_path / "secret")
        )
        client = Connection(settings, "device")
        client.start()
        assert client.wait_ready(10)
        client.stop()
    finally:
        broker.kill()
    assert "right-one" not in caplog.text
    assert "wrong-one" not in caplog.text


def test_subscription_granted_below_the_quality_asked_is_refused() -> None:
    """A broker that grants QoS 0 where 1 was asked would lose messages without a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        def serve() -> None:
            client, _ = server.accept()
            with client:
                client.recv(1000)
                client.sendall(b"\x20\x02\x00\x00")
                packet = client.recv(1000)
                client.sendall(b"\x90\x03" + packet[2:4] + b"\x00")
                client.recv(1000)

        thread = threading.Thread(target=serve)
        thread.start()
        settings = BrokerSettings(url=f"mqtt://127.0.0.1:{server.getsockname()[1]}")
        client = Connection(settings, "device", subscriptions=[("cv/1/a/device", 1)])
        client.start()
        until(lambda: isinstance(client.error, BrokerRefusedError))
        assert not client.ready
        client.stop()
        thread.join(5)


def test_a_connection_that_ended_leaves_nothing_open(broker: Broker) -> None:
    """paho keeps a pair of sockets to wake its thread, for the garbage collector to find."""
    before = set(os.listdir("/proc/self/fd"))
    made = Connection(BrokerSettings(url=broker.url), "short")
    made.start()
    assert made.wait_ready(15.0)
    made.publish("cv/1/r/a/b/c/d", b"x")
    made.stop()
    assert set(os.listdir("/proc/self/fd")) <= before
    with pytest.raises(BrokerUnavailableError):
        made.publish("cv/1/r/a/b/c/d", b"x")


def test_packets_in_one_write_need_a_session() -> None:
    lonely = Connection(BrokerSettings(url=f"mqtt://127.0.0.1:{free_port()}"), "lonely")
    with pytest.raises(BrokerUnavailableError):
        lonely.publish_all([("cv/1/a/d", b"{}")])


class Watch(threading.Event):
    """A stop that notes how long it is waited for instead of waiting; set after `TRIES`."""

    TRIES = 10

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0.0)
        if len(self.waits) == self.TRIES:
            self.set()
        return self.is_set()


def test_devices_that_lost_their_broker_come_back_spread_and_within_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is shipped, for agents and ingest alike: no herd, and nobody waits for minutes."""
    monkeypatch.setattr(connection, "BACKOFF_S_MIN", SHIPPED[0])
    monkeypatch.setattr(connection, "BACKOFF_S_MAX", SHIPPED[1])
    port = free_port()
    waits = []
    for device in range(20):
        one = Connection(BrokerSettings(url=f"mqtt://127.0.0.1:{port}"), f"device-{device}")
        one._stopping = watch = Watch()
        one._run()
        waits.append(watch.waits)
    for attempt, delays in enumerate(zip(*waits, strict=True)):
        limit_s = min(SHIPPED[0] * 2**attempt, SHIPPED[1])
        assert max(delays) <= limit_s <= 10.0
        assert len(set(delays)) == len(delays)
        assert max(delays) - min(delays) > 0.4 * limit_s


@pytest.mark.parametrize("broker", [Nats], indirect=True)
def test_a_stop_that_comes_just_before_a_session_ends_it(
    broker: Broker, connect: Callable[..., Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looked once, before it connected, and then served the session until `stop` gave up."""
    made = Connection(BrokerSettings(url=broker.url), "late-stop")
    reconnect = made._client.reconnect

    def asked_meanwhile() -> Any:
        made._stopping.set()
        made._client.disconnect()
        return reconnect()

    monkeypatch.setattr(made._client, "reconnect", asked_meanwhile)
    made.start()
    assert made._thread is not None
    made._thread.join(connection.CONNECT_S_MAX + connection.STOP_S_MAX)
    assert not made._thread.is_alive()
