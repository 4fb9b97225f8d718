"""`cityvitals doctor --broker`: real brokers with defaults, with shipped settings, and worse."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from cityvitals import broker_doctor
from cityvitals.broker_doctor import PACKET_BYTES_NEEDED, Check, checks, examine
from cityvitals.mqtt_probe import EXPIRY_NEVER, PACKET_MAX, QOS_MAX, SESSION_EXPIRY, Welcome
from edge.broker_settings import BrokerSettings
from edge.connection import Connection
from edge.settings import SettingsError
from tests.brokers import Broker, Mosquitto, Nats, free_port
from tests.deployed import DEPLOYED, DeployedNats
from tests.kill_city import Embedded
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
    fine = {"connect", "dropped", "quality", "filters", "expiry", "session", "retained", "payload"}
    assert {what for what, row in found.items() if row["state"] == "ok"} == fine


@pytest.mark.parametrize("kind", DEPLOYED)
def test_the_shipped_settings_lose_nothing(
    started: Any, kind: type[Broker], capsys: pytest.CaptureFixture[str]
) -> None:
    broker = started(kind)
    assert examine(broker.url, "", "", "", False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
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


@pytest.mark.parametrize(("kind", "state", "words"), [
    (Embedded, "warn", "lower it"), (DeployedNats, "ok", "14 filters"),
    (Mosquitto, "ok", "at least 32 filters"),
])
def test_how_many_filters_of_other_publishers_a_session_has_room_for(
    started: Any, kind: type[Broker], state: str, words: str
) -> None:
    patient = broker_doctor._Patient(BrokerSettings(url=started(kind).url))
    found = broker_doctor._filters(patient)
    patient.clean_up()
    assert (found.state, words in found.text) == (state, True), found.text


def test_nats_that_lets_few_in_flight(started: Any) -> None:
    found = said(started(Nats, max_ack_pending="50").url)
    assert found["in flight"].state == "warn"
    assert "only 50 messages" in found["in flight"].text
    assert "max_ack_pending" in found["in flight"].text
    assert found["queue"].state == "ok"


@pytest.mark.parametrize("size", ["20KB", "600KB"])
def test_nats_whose_store_is_too_small(started: Any, size: str) -> None:
    """Before the in-flight check has had its messages, and while a client is away."""
    found = said(started(Nats, max_file_store=size).url)
    assert found["queue"].state == "bad"
    assert "max_file_store" in found["queue"].text
    assert "payload" not in found


def test_sessions_that_have_ended_are_counted_and_no_end_is_made_up(started: Any) -> None:
    """Mosquitto has a client's own expiry and its configured one, and states neither."""
    broker = started(Mosquitto, persistent_client_expiration="1h", sys_interval="1",
                     max_queued_messages="0")
    gone = mqtt.Client(CallbackAPIVersion.VERSION2, "gone", protocol=mqtt.MQTTv5)
    kept = Properties(PacketTypes.CONNECT)
    kept.SessionExpiryInterval = 1
    gone.connect("127.0.0.1", broker.port, clean_start=True, properties=kept)
    gone.loop_start()
    until(gone.is_connected, "it has a session")
    gone.disconnect()
    gone.loop_stop()
    patient = broker_doctor._Patient(BrokerSettings(url=broker.url))
    until(lambda: len(list(broker_doctor._counters(patient))) == 2, "the broker has ended it")
    _, expired = broker_doctor._counters(patient)
    [expiry] = broker_doctor._five(patient)
    patient.clean_up()
    assert (expired.what, expired.state) == ("expired", "warn")
    assert "has ended 1 sessions" in expired.text
    assert "persistent_client_expiration" in expiry.text
    assert "for ever" not in expiry.text


@pytest.mark.parametrize(("properties", "states", "words"), [
    ({SESSION_EXPIRY: 8 * 86_400}, {"expiry": "ok"}, "for 8 days"),
    ({SESSION_EXPIRY: 8 * 86_400 - 1}, {"expiry": "warn"}, "allow 8 days"),
    ({SESSION_EXPIRY: EXPIRY_NEVER}, {"expiry": "ok"}, "for ever"),
    ({QOS_MAX: 0}, {"expiry": "ok", "quality stated": "bad"}, "QoS 0 only"),
    ({PACKET_MAX: PACKET_BYTES_NEEDED}, {"expiry": "ok"}, "no end"),
    ({PACKET_MAX: PACKET_BYTES_NEEDED - 1}, {"expiry": "ok", "packet stated": "bad"}, "refused"),
])
def test_what_a_broker_of_mqtt_5_states(
    properties: dict[int, int], states: dict[str, str], words: str
) -> None:
    class Stating:
        def connect(self, *_: Any, **__: Any) -> tuple[None, Welcome]:
            return None, Welcome(0, False, properties)

    found = list(broker_doctor._five(Stating()))  # type: ignore[arg-type]
    assert {check.what: check.state for check in found} == states
    assert words in " ".join(check.text for check in found)


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
