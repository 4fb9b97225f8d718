"""Agent and ingest through everything that ends a session, each against a real broker."""

import os
import shutil
import signal
import subprocess
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
from tests.live_ingest import until
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


def test_half_open_connection_is_noticed_within_two_keep_alives(
    tmp_path: Path, ending: list[Any]
) -> None:
    broker = Mosquitto(tmp_path / "broker")
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


def test_credentials_revoked_and_restored(
    tmp_path: Path, ending: list[Any], monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(connection, "BACKOFF_S_MAX", 1.0)
    passwords = tmp_path / "passwords"

    def users(*names: str) -> None:
        passwords.write_text("")
        for name in names:
            subprocess.run(["mosquitto_passwd", "-b", str(passwords), name, "hunter2"], check=True)
        passwords.chmod(0o644)

    broker = Mosquitto(tmp_path / "b", allow_anonymous="false", password_file=str(passwords))
    broker.command()
    users("ann")
    (tmp_path / "secret").write_text("hunter2")
    broker.start()
    pair = Pair(tmp_path / "city", broker.url, user="ann", password_file=str(tmp_path / "secret"))
    ending += [broker, pair]
    pair.ingest.start_and_wait()
    pair.send(5)
    users("bob")
    assert broker._process is not None
    os.kill(broker._process.pid, signal.SIGHUP)
    pair.run(lambda: not pair.agent.connected, "the agent is out")
    pair.run(lambda: isinstance(pair.agent._connection.error, BrokerRefusedError), "it knows why")
    pair.run(lambda: "refused the session" in pair.health()["error"], "ingest says why")
    assert pair.health()["connected"] is False
    pair.take(5)
    users("ann")
    os.kill(broker._process.pid, signal.SIGHUP)
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
