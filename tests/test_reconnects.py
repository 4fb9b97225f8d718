"""Agent and ingest through everything that ends a session, each against a real broker."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge import connection
from edge.broker_settings import BrokerSettings
from edge.connection import BrokerRefusedError, BrokerUnavailableError, Connection
from edge.topics import READINGS_FILTER
from tests import tls
from tests.brokers import Broker, Mosquitto, Nats
from tests.live_ingest import ROOT, publish, until
from tests.reconnecting import Pair
from tests.tcp_proxy import TcpProxy


@pytest.fixture
def ending() -> Iterator[list[Any]]:
    """What is to be ended with the test: brokers, pairs, proxies, connections."""
    made: list[Any] = []
    yield made
    for one in made[::-1]:
        for name in ("end", "kill", "close", "stop"):
            if hasattr(one, name):
                getattr(one, name)()
                break


@pytest.mark.parametrize("kind", [Nats, Mosquitto])
def test_broker_restarted_empty_loses_nothing_that_agents_keep(
    kind: type[Broker], tmp_path: Path, ending: list[Any]
) -> None:
    """What the new broker took before ingest was back is sent again at once, not after 30 s."""
    broker = kind(tmp_path / "broker")
    broker.start()
    pair = Pair(tmp_path / "city", broker.url)
    ending += [broker, pair]
    pair.ingest.start_and_wait()
    pair.send(10)
    assert pair.agent.settings.resend_s == 30.0
    pair.ingest.kill()
    broker.kill()
    for path in (tmp_path / "broker").iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    broker.start()
    pair.run(lambda: pair.agent.connected, "the agent is back")
    pair.take(10)
    until(lambda: pair.agent._connection._confirmed > 10, "the empty broker confirmed them all")
    pair.ingest.start_and_wait()
    assert pair.run(lambda: pair.agent.drained, "all arrives") < 15
    until(lambda: pair.applied() == 20, "each sample once")
    assert "forgotten our session; 1 devices" in pair.ingest.log()


@pytest.mark.parametrize("kind", [Nats, Mosquitto])
def test_half_open_connection_is_noticed_within_two_keep_alives(
    kind: type[Broker], tmp_path: Path, ending: list[Any]
) -> None:
    broker = kind(tmp_path / "broker")
    broker.start()
    proxy = TcpProxy(broker.port)
    settings = BrokerSettings(url=proxy.url)
    settings.keepalive_s = 1  # less than a file may say, so that the test is short
    client = Connection(settings, "client", subscriptions=[("cv/1/a/client", 1)])
    ending += [broker, proxy, client]
    client.start()
    assert client.wait_ready(10)
    proxy.frozen.set()
    begun = time.monotonic()
    until(lambda: not client.ready, "noticed")
    assert time.monotonic() - begun < 2 * 1 + 1 + 1.5
    assert isinstance(client.error, BrokerUnavailableError)
    proxy.frozen.clear()
    until(lambda: client.ready, "back")


STALLED = """
import sys, threading
from edge.broker_settings import BrokerSettings
from edge.connection import Connection
settings = BrokerSettings(url=sys.argv[1])
settings.keepalive_s = 1
Connection(
    settings, "stalled", subscriptions=[("to/stalled", 1)], will=("state/stalled", b"gone"),
    on_message=lambda topic, payload, *rest: print(payload.decode(), flush=True),
    on_ready=lambda ready: print("ready" if ready else "lost", flush=True),
).start()
threading.Event().wait()
"""


@pytest.mark.parametrize("kind", [Nats, Mosquitto])
def test_keep_alive_lost_by_a_process_that_stood_still(
    kind: type[Broker], tmp_path: Path, ending: list[Any]
) -> None:
    """The broker ends it and tells its will; when it goes on it finds what came meanwhile."""
    broker = kind(tmp_path / "broker")
    broker.start()
    wills: list[bytes] = []
    watcher = Connection(
        BrokerSettings(url=broker.url), "watcher", subscriptions=[("state/stalled", 1)],
        on_message=lambda topic, payload, *rest: wills.append(payload),
    )
    ending += [broker, watcher]
    watcher.start()
    assert watcher.wait_ready(10)
    said = tmp_path / "said"
    with said.open("w") as out:
        stalled = subprocess.Popen([sys.executable, "-c", STALLED, broker.url], cwd=ROOT,
                                   stdout=out, stderr=subprocess.DEVNULL)
    try:
        until(lambda: said.read_text() == "ready\n", "it has its session")
        os.kill(stalled.pid, signal.SIGSTOP)
        until(lambda: wills == [b"gone"], "the broker missed it")
        publish(broker.url, [("to/stalled", b"kept")])
        os.kill(stalled.pid, signal.SIGCONT)
        until(lambda: len(said.read_text().split()) == 4, "it is back with its session")
    finally:
        stalled.kill()
        stalled.wait()
    assert sorted(said.read_text().split()) == ["kept", "lost", "ready", "ready"]


class Users:
    """The users that a broker lets in, of one password; `let` changes them while it runs."""

    def __init__(self, kind: type[Broker], folder: Path) -> None:
        self._passwords = folder / "passwords"
        options = {} if kind is Nats else {
            "allow_anonymous": "false", "password_file": str(self._passwords)}
        self.broker = kind(folder / "b", **options)

    def let(self, *names: str) -> None:
        """Let these in and nobody else."""
        if isinstance(self.broker, Nats):
            users = ", ".join(f"{{user: {name}, password: hunter2}}" for name in names)
            self.broker.options["authorization"] = f"{{ users: [{users}] }}"
        else:
            self._passwords.write_text("")
            for name in names:
                subprocess.run(
                    ["mosquitto_passwd", "-b", str(self._passwords), name, "hunter2"], check=True)
            self._passwords.chmod(0o644)
        self.broker.command()
        if self.broker._process is not None:
            os.kill(self.broker._process.pid, signal.SIGHUP)


@pytest.mark.parametrize("kind", [Nats, Mosquitto])
def test_credentials_revoked_and_restored(
    kind: type[Broker], tmp_path: Path, ending: list[Any], monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(connection, "BACKOFF_S_MAX", 1.0)
    users = Users(kind, tmp_path)
    broker = users.broker
    (tmp_path / "b").mkdir(exist_ok=True)
    users.let("ann")
    (tmp_path / "secret").write_text("hunter2")
    broker.start()
    pair = Pair(tmp_path / "city", broker.url, user="ann", password_file=str(tmp_path / "secret"))
    ending += [broker, pair]
    pair.ingest.start_and_wait()
    pair.send(5)
    users.let("bob")
    pair.run(lambda: not pair.agent.connected, "the agent is out")
    pair.run(lambda: isinstance(pair.agent._connection.error, BrokerRefusedError), "it knows why")
    pair.run(lambda: "refused the session" in pair.health()["error"], "ingest says why")
    assert pair.health()["connected"] is False
    pair.take(5)
    users.let("ann")
    pair.run(lambda: pair.agent.drained, "all arrives once both are let in again")
    until(lambda: pair.applied() == 10, "each sample once")
    until(lambda: pair.health()["connected"] and not pair.health()["error"], "ingest is fine")
    assert "refused the session" in caplog.text
    assert "refused the session" in pair.ingest.log()
    assert "hunter2" not in caplog.text + pair.ingest.log()


# paho leaves a socket whose handshake failed to the garbage collector, which closes it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_tls_with_a_certificate_of_our_own_authority(
    tmp_path: Path, ending: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    ca = tls.authority(tmp_path / "ca", "City")
    cert, key = tls.certificate(tmp_path / "ca", "IP:127.0.0.1")
    other = tls.authority(tmp_path / "other", "Somebody")
    broker = Mosquitto(tmp_path / "b", cafile=str(ca), certfile=str(cert), keyfile=str(key))
    broker.start()
    url = f"mqtts://127.0.0.1:{broker.port}"
    pair = Pair(tmp_path / "city", url, ca_file=str(ca))
    ending += [broker, pair]
    pair.ingest.start_and_wait()
    pair.send(5)
    until(lambda: pair.applied() == 5, "samples through TLS")
    for address, trusted in ((url, other), (f"mqtts://localhost:{broker.port}", ca)):
        client = Connection(BrokerSettings(url=address, ca_file=str(trusted)), "client")
        ending.append(client)
        client.start()
        until(lambda client=client: client.error is not None, "refused")  # type: ignore[misc]
        assert "certificate not trusted" in str(client.error)
        assert not client.ready
    assert "certificate not trusted" in caplog.text


@pytest.mark.parametrize("what", ["refused the subscription", "grants only QoS 0"])
def test_ingest_says_that_it_may_not_read(what: str, tmp_path: Path, ending: list[Any]) -> None:
    broker: Broker
    if "QoS" in what:
        broker = Mosquitto(tmp_path / "b", max_qos="0")
        user = {}
    else:
        (tmp_path / "secret").write_text("pw")
        user = {"user": "ann", "password_file": str(tmp_path / "secret")}
        deny = 'permissions: {subscribe: {deny: ["cv.1.r.>", "cv.1.r"]}}'
        broker = Nats(
            tmp_path / "b", authorization=f"{{ users: [{{user: ann, password: pw, {deny}}}] }}"
        )
    broker.start()
    pair = Pair(tmp_path / "city", broker.url, **user)
    ending += [broker, pair]
    pair.ingest.start()
    until(lambda: what in pair.health().get("error", ""), f"ingest says {what}")
    assert pair.health()["connected"] is False
    assert READINGS_FILTER in pair.health()["error"]
    assert what in pair.ingest.log()
