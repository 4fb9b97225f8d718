"""`cityvitals doctor --broker`: real brokers with defaults, with shipped settings, and worse."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cityvitals import broker_doctor
from cityvitals.broker_doctor import Check, checks, examine
from edge.broker_settings import BrokerSettings
from edge.connection import Connection
from edge.settings import SettingsError
from tests.brokers import Broker, Mosquitto, free_port
from tests.deployed import DEPLOYED, DeployedNats
from tests.live_ingest import until


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_doctor, "QUIET_S", 0.35)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Any]:
    brokers: list[Broker] = []

    def start(kind: type[Broker], **options: str) -> Broker:
        brokers.append(kind(tmp_path / f"broker{len(brokers)}", **options))
        brokers[-1].start()
        return brokers[-1]

    yield start
    for broker in brokers:
        broker.kill()


def said(url: str) -> dict[str, Check]:
    return {check.what: check for check in checks(BrokerSettings(url=url))}


def test_mosquitto_with_its_defaults_loses_what_it_cannot_queue(
    started: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    broker = started(Mosquitto)
    assert examine(broker.url, "", "", "", True) == 1
    found = {row["what"]: row for row in json.loads(capsys.readouterr().out)}
    assert found["queue"]["state"] == "bad"
    assert "10,000 messages confirmed while the client was away 1,000" in found["queue"]["text"]
    assert "max_queued_messages" in found["queue"]["text"]
    assert found["in flight"]["state"] == "warn"
    assert "only 20 messages" in found["in flight"]["text"]
    fine = {"connect", "dropped", "quality", "expiry", "session", "retained", "payload"}
    assert {what for what, row in found.items() if row["state"] == "ok"} == fine


@pytest.mark.parametrize("kind", DEPLOYED)
def test_the_shipped_settings_lose_nothing(
    started: Any, kind: type[Broker], capsys: pytest.CaptureFixture[str]
) -> None:
    broker = started(kind)
    assert examine(broker.url, "", "", "", False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 9
    assert all(line.startswith("ok ") for line in lines), lines


def test_nothing_of_the_examination_stays(started: Any) -> None:
    broker = started(DeployedNats)
    checks(BrokerSettings(url=broker.url))
    seen: list[str] = []
    late = Connection(
        BrokerSettings(url=broker.url), "late", subscriptions=[("cv/1/doctor/#", 1)],
        on_message=lambda topic, payload, qos, receipt, retain: seen.append(topic),
    )
    late.start()
    assert late.wait_ready(10)
    late.publish("cv/1/doctor/last", b"")
    until(lambda: seen == ["cv/1/doctor/last"], "only our own message arrives")
    late.stop()


def test_a_broker_that_takes_only_qos_0(started: Any) -> None:
    found = said(started(Mosquitto, max_qos="0").url)
    assert found["quality"].state == "bad"
    assert "only QoS 0" in found["quality"].text


@pytest.mark.parametrize(("options", "what"), [
    ({"message_size_limit": "1000"}, "confirmed and thrown away"),
    ({"max_packet_size": "20000"}, "ends the connection"),
])
def test_a_broker_with_small_packets(started: Any, options: dict[str, str], what: str) -> None:
    found = said(started(Mosquitto, **options, max_queued_messages="0").url)
    assert found["payload"].state == "bad"
    assert what in found["payload"].text
    assert ("packet stated" in found) == ("max_packet_size" in options)


def test_a_broker_without_retained_messages_warns(started: Any) -> None:
    found = said(started(Mosquitto, retain_available="false", max_queued_messages="0").url)
    assert found["retained"].state == "warn"


def test_a_user_who_may_not_subscribe(
    started: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acl, passwords = tmp_path / "acl", tmp_path / "passwords"
    acl.write_text("user ann\ntopic readwrite cv/1/r/#\n")
    passwords.touch()
    subprocess.run(["mosquitto_passwd", "-b", str(passwords), "ann", "right-one"], check=True)
    for path in (acl, passwords):
        path.chmod(0o644)
    broker = started(Mosquitto, allow_anonymous="false", password_file=str(passwords),
                     acl_file=str(acl))
    monkeypatch.setenv("CITYVITALS_TEST_PASSWORD", "right-one")
    settings = BrokerSettings(
        url=f"mqtt://ann@127.0.0.1:{broker.port}", password_env="CITYVITALS_TEST_PASSWORD"
    )
    found = {check.what: check for check in checks(settings)}
    assert found["in flight"].state == "bad", "Mosquitto grants what it then does not deliver"
    assert "cv/1/doctor/#" in found["in flight"].text
    monkeypatch.setenv("CITYVITALS_TEST_PASSWORD", "wrong-one")
    [refused] = checks(settings)
    assert refused.state == "bad"
    assert "may not" in refused.text or "wrong" in refused.text
    assert "wrong-one" not in refused.text


def test_nobody_there_and_wrong_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert examine(f"mqtt://127.0.0.1:{free_port()}", "", "", "", False) == 1
    assert "refused" in capsys.readouterr().out
    with pytest.raises(SettingsError, match="--broker"):
        examine("http://x", "", "", "", False)
    with pytest.raises(SettingsError, match="ca_file"):
        examine("mqtts://127.0.0.1", "", "", "/nonexistent/ca.pem", False)
