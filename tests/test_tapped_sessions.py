"""Ingest's session on real brokers: the tap over TLS, over WebSockets, with MQTT 5, reconnecting.

Whatever carries the bytes, every message comes once through the tap with its own bytes and in
order, what is too large for it through the client, and after a cut what was not acknowledged
comes again and nothing else.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from edge import connection
from edge.broker_settings import BrokerSettings
from edge.connection import Connection
from ingest.publish_frames import FRAME_BYTES_MAX, Frames, acknowledgements, received_of
from ingest.tap import Tap
from tests.brokers import Broker, Mosquitto, Nats, free_port
from tests.tcp_proxy import TcpProxy
from tests.tls import authority, certificate

COUNT = 300
LARGE = FRAME_BYTES_MAX + 9


class Way(NamedTuple):
    """A running broker, the scheme and port of its listener, and what a client needs for it."""

    broker: Broker
    scheme: str
    port: int
    version: str
    ca_file: str

    def settings(self, port: int = 0) -> BrokerSettings:
        """To its listener, or through `port`."""
        return BrokerSettings(
            url=f"{self.scheme}://127.0.0.1:{port or self.port}", mqtt_version=self.version,  # type: ignore[arg-type]
            ca_file=self.ca_file,
        )


def mosquitto(folder: Path, *, tls: bool, version: str) -> Way:
    options = {"max_inflight_messages": "0"}
    ca = ""
    if tls:
        ca = str(authority(folder / "ca", "test"))
        chain, key = certificate(folder / "ca", "IP:127.0.0.1")
        options |= {"certfile": str(chain), "keyfile": str(key)}
    broker = Mosquitto(folder / "broker", **options)
    broker.start()
    return Way(broker, "mqtts" if tls else "mqtt", broker.port, version, ca)


def mosquitto_web(folder: Path) -> Way:
    port = free_port()
    broker = Mosquitto(folder / "broker", max_inflight_messages="0",
                       listener=f"{port} 127.0.0.1", protocol="websockets")
    broker.start()
    until(lambda: listens(port), "its second port listens")
    return Way(broker, "ws", port, "5", "")


def nats_web(folder: Path, *, tls: bool) -> Way:
    port, ca, security = free_port(), "", "no_tls: true"
    if tls:
        ca = str(authority(folder / "ca", "test"))
        chain, key = certificate(folder / "ca", "IP:127.0.0.1")
        security = f'tls {{ cert_file: "{chain}", key_file: "{key}" }}'
    broker = Nats(folder / "broker", ack_wait="4s",
                  websocket=f'{{ listen: "127.0.0.1:{port}", {security} }}')
    broker.start()
    until(lambda: listens(port), "its second port listens")
    return Way(broker, "wss" if tls else "ws", port, "3.1.1", ca)


WAYS: dict[str, Callable[[Path], Way]] = {
    "Mosquitto, TLS": lambda folder: mosquitto(folder, tls=True, version="3.1.1"),
    "Mosquitto, MQTT 5": lambda folder: mosquitto(folder, tls=False, version="5"),
    "Mosquitto, MQTT 5 over TLS": lambda folder: mosquitto(folder, tls=True, version="5"),
    "Mosquitto, MQTT 5 over WebSocket": mosquitto_web,
    "NATS, WebSocket": lambda folder: nats_web(folder, tls=False),
    "NATS, WebSocket over TLS": lambda folder: nats_web(folder, tls=True),
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
        ) -> Iterator[Way]:
    monkeypatch.setattr(connection, "BACKOFF_S_MIN", 0.05)
    monkeypatch.setattr(connection, "BACKOFF_S_MAX", 0.2)
    found = WAYS[request.param](tmp_path)
    yield found
    found.broker.kill()


class Reader:
    """A connection with a tap, as ingest has it, and what came through either way."""

    def __init__(self, settings: BrokerSettings) -> None:
        self.frames: list[Frames] = []
        self.large: list[tuple[str, int]] = []
        self._lock = threading.Lock()
        self.connection = Connection(
            settings, "reader", on_message=self._large, subscriptions=[("t/#", 1)],
            manual_ack=True,
            tap=lambda socket, session: Tap(socket, self._take, session, settings.properties),
        )
        self.connection.start()
        assert self.connection.wait_ready(20), self.connection.error

    def _take(self, frames: Frames) -> None:
        with self._lock:
            self.frames.append(frames)

    def _large(self, topic: str, payload: bytes, qos: int, receipt: int, _retain: bool) -> None:
        self.large.append((topic, len(payload)))
        self.connection.acknowledge([receipt] if qos else [])

    def numbers(self) -> list[int]:
        """The number in each message that came through the tap, in order."""
        with self._lock:
            return [number_of(one.topic, one.payload) for part in self.frames
                    for one in received_of(part)]

    def acknowledge(self) -> None:
        """Tell the broker of all that came through the tap so far."""
        with self._lock:
            for part in self.frames:
                assert self.connection.acknowledge_all(part.session, acknowledgements(part))
            self.frames.clear()


def payload_of(number: int) -> bytes:
    return b"%d;" % number + b"x" * (number % 200)


def number_of(topic: str, payload: bytes) -> int:
    number = int(payload.split(b";")[0])
    assert (topic, payload) == (f"t/{number % 7}", payload_of(number))
    return number


def in_order(numbers: list[int], wanted: range) -> bool:
    """All once, those of each QoS in their order (NATS keeps no order between the two)."""
    return [[n for n in numbers if bool(n % 3) == qos] for qos in (False, True)] == [
        [n for n in wanted if bool(n % 3) == qos] for qos in (False, True)
    ]


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 0.2).close()
    except OSError:
        return False
    return True


def until(condition: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def test_all_comes_through_once_and_after_a_cut_what_was_not_acknowledged(way: Way) -> None:
    confirmed: list[int] = []
    writer = Connection(way.settings(), "writer", on_published=confirmed.append)
    writer.start()
    proxy = TcpProxy(way.port)
    reader = Reader(way.settings(proxy.port))
    try:
        assert writer.wait_ready(20), writer.error

        def send(first: int, last: int) -> None:
            for number in range(first, last):
                writer.publish(f"t/{number % 7}", payload_of(number), qos=number % 3 and 1)
            until(lambda: len(confirmed) >= last, "the broker takes all")

        send(0, COUNT)
        until(lambda: len(reader.numbers()) == COUNT, "all come through the tap")
        assert in_order(reader.numbers(), range(COUNT))
        reader.acknowledge()
        confirmed.append(writer.publish("t/large", b"y" * LARGE))
        until(lambda: reader.large == [("t/large", LARGE)], "a large one comes to the client")
        confirmed[:] = range(COUNT)
        send(COUNT, 2 * COUNT)
        until(lambda: len(reader.numbers()) == COUNT, "the others come too")
        until(lambda: not reader.connection._client.want_write(), "acknowledgements have left")
        session = reader.connection.session
        reader.frames.clear()  # never acknowledged
        proxy.cut()
        until(lambda: reader.connection.session > session and reader.connection.ready, "again")
        assert reader.connection.session_present
        kept = [number for number in range(COUNT, 2 * COUNT) if number % 3]
        until(lambda: len(reader.numbers()) >= len(kept), "what was not acknowledged comes again")
        assert sorted(set(reader.numbers())) == kept
        reader.acknowledge()
        send(2 * COUNT, 2 * COUNT + 50)
        until(lambda: len(reader.numbers()) >= 50, "and what is new")
        assert in_order(reader.numbers(), range(2 * COUNT, 2 * COUNT + 50))
        # What is published in one write arrives, whatever the version and the way.
        reader.acknowledge()
        reader.connection.publish_all([("t/0", payload_of(7000)), ("t/1", payload_of(7001))])
        until(lambda: reader.numbers() == [7000, 7001], "both of one write come")
    finally:
        reader.connection.stop(0)
        writer.stop(0)
        proxy.close()
