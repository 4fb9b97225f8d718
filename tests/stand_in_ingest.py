"""A broker of its own, and a stand-in for ingest that keeps messages and acknowledges them."""

import socket
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from edge import topics, wire
from edge.broker_settings import BrokerSettings
from edge.connection import Connection

WAIT_S = 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(condition: Callable[[], bool], what: str, wait_s: float = WAIT_S) -> None:
    deadline = time.monotonic() + wait_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {wait_s} s in vain: {what}"
        time.sleep(0.02)


class Broker:
    """A nats-server with its MQTT port on loopback."""

    def __init__(self, folder: Path) -> None:
        program = Path(sys.prefix) / "bin" / "nats-server"
        if not program.exists():
            pytest.skip("nats-server is not installed")
        self.port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "nats.conf"
        path.write_text(
            f'server_name: test\nlisten: "127.0.0.1:-1"\n'
            f'jetstream {{ store_dir: "{folder}" }}\nmqtt {{ listen: "127.0.0.1:{self.port}" }}\n'
        )
        with (folder / "nats.log").open("w") as out:
            self._process = subprocess.Popen([program, "-c", path], stdout=out, stderr=out)
        wait_until(self._answers, "the broker listens")

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)


class StandInIngest:
    """Keeps every message in order of arrival and acknowledges what is without gaps."""

    def __init__(self, url: str) -> None:
        self.messages: dict[str, list[wire.Message]] = defaultdict(list)
        self.order: list[tuple[str, wire.Message]] = []
        self.states: dict[str, wire.State] = {}
        self.answering = True
        self._seen: dict[tuple[str, int], set[int]] = defaultdict(set)
        self._through: dict[tuple[str, int], int] = defaultdict(int)
        self._lock = threading.Lock()
        self._connection = Connection(
            BrokerSettings(url=url), "stand-in-ingest", on_message=self._received,
            subscriptions=[(topics.READINGS_FILTER, 1), (topics.STATE_FILTER, 1)],
        )
        self._connection.start()
        assert self._connection.wait_ready(WAIT_S)

    def _received(self, topic: str, payload: bytes, _qos: int, _id: int, _retain: bool) -> None:
        source = topics.parse_source(topic)
        assert source is not None
        device = source.device
        if topic.startswith("cv/1/s/"):
            self.states[device] = wire.decode_state(payload)
            return
        if not self.answering:
            return
        message = wire.decode(payload)
        seen = self._seen[device, message.e]
        if message.s not in seen:
            seen.add(message.s)
            with self._lock:
                self.messages[device].append(message)
                self.order.append((device, message))
        through = self._through[device, message.e]
        while through + 1 in seen:
            through += 1
        self._through[device, message.e] = through
        if through:
            ack = wire.encode_ack(wire.Ack(message.e, through))
            self._connection.publish(topics.acks(device), ack)

    def readings(self) -> list[tuple[str, str, int, float, int | None]]:
        """(device, quantity, time, value, receive time of the recording) of all messages."""
        found = []
        with self._lock:
            for device, message in self.order:
                if message.m is not None and message.t is not None:
                    found += [
                        (device, q, message.t, v, message.r) for q, v in message.m.items()
                        if v is not None
                    ]
                elif message.q is not None and message.t is not None:
                    assert isinstance(message.v, float)
                    found.append((device, message.q, message.t, message.v, message.r))
        return found

    def close(self) -> None:
        self._connection.stop()
