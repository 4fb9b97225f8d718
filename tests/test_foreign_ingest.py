"""Other publishers on real brokers: subscribed, archived, acknowledged, merged, also over kills."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.broker_settings import BrokerSettings
from edge.connection import Connection
from edge.places import load, render
from ingest.archive import Kind, read
from tests.brokers import Broker, Mosquitto, Nats
from tests.line_city import row, write_places
from tests.live_ingest import LiveIngest, begun_ms, publish, until

TABLES = """
[[foreign]]
topic = "zigbee2mqtt/{device}"
format = "json"
time = "last_seen"
[foreign.fields]
power = { quantity = "power", unit = "W" }

[[foreign]]
topic = "sensors/{device}/senml"
format = "senml"

[[foreign]]
topic = "v3/{app}@ttn/devices/{device}/up"
format = "things-stack"
[foreign.fields]
temperature = { quantity = "temp" }
"""


@pytest.fixture(params=[Nats, Mosquitto])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    options = {"ack_wait": "1s"} if request.param is Nats else {}
    server: Broker = request.param(tmp_path / "broker", **options)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def ingest(broker: Broker, tmp_path: Path) -> Iterator[LiveIngest]:
    write_places(tmp_path / "places.csv", [row("plug-1", "s1"), row("air-07", "s2")])
    live = LiveIngest(tmp_path, broker.url, open_every_s=0.2)
    live.config.write_text(live.config.read_text() + TABLES)
    live.start_and_wait()
    yield live
    live.kill()


def plug(k: int, power: float = 40.0) -> tuple[str, bytes]:
    return "zigbee2mqtt/plug-1", json.dumps({"power": power, "last_seen": begun_ms() + k}).encode()


def senml(device: str, k: int) -> tuple[str, bytes]:
    pack: Any = [
        {"bn": f"urn:dev:x:{device}:", "bt": (begun_ms() + k) / 1000, "n": "temp", "u": "Cel",
         "v": 21.5},
        {"n": "humidity", "u": "%RH", "v": 44},
    ]
    return f"sensors/{device}/senml", json.dumps(pack).encode()


def uplink(k: int) -> tuple[str, bytes]:
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(begun_ms() // 1000))
    told = {"uplink_message": {"received_at": f"{moment}.{k:03d}Z", "f_cnt": k,
                               "decoded_payload": {"temperature": 12}}}
    return "v3/city@ttn/devices/air-07/up", json.dumps(told).encode()


def test_three_formats_an_unknown_device_and_what_does_not_fit(
    broker: Broker, ingest: LiveIngest, tmp_path: Path
) -> None:
    publish(broker.url, [
        plug(1), uplink(1), senml("air-07", 5000), senml("stranger", 7), plug(1), plug(1, 41.0),
        ("zigbee2mqtt/plug-1", b'{"action":"single"}'), ("zigbee2mqtt/plug-1", b"{"),
    ])
    until(lambda: sum(ingest.verdicts().values()) == 10, "all have a verdict")
    assert ingest.verdicts() == {
        "applied": 4, "duplicate": 1, "conflict": 1, "held_unknown": 2,
        "refused_quantity": 1, "refused_unparsable": 1,
    }
    health = ingest.health()
    assert health is not None
    [held] = health["held"]
    assert (held["device"], held["topic"]) == ("stranger", "sensors/stranger/senml")
    rows = [*load(tmp_path / "places.csv"), row("stranger", "s3")]
    (tmp_path / "places.csv").write_text(render(rows))
    until(lambda: ingest.taken() == 6, "what the stranger sent is admitted")
    assert "held_unknown" not in ingest.verdicts()


def test_after_kills_nothing_is_missing_or_counted_twice(
    broker: Broker, ingest: LiveIngest
) -> None:
    count = 0
    for _ in range(3):
        publish(broker.url, [plug(k) for k in range(count, count + 200)])
        count += 200
        ingest.kill()
        publish(broker.url, [plug(k) for k in range(count - 50, count + 50)])
        count += 50
        ingest.start_and_wait()
    until(lambda: ingest.taken() == count, f"{count} readings: {ingest.verdicts()}")
    times = set()
    ingest.stop()
    for record in read(ingest.data / "ingest" / "archive"):
        if record.kind == Kind.BATCH:
            batch = record.batch()
            new = batch.time_ns[batch.verdict <= 1].tolist()
            assert times.isdisjoint(new)
            times |= set(new)
    assert times == {(begun_ms() + k) * 1_000_000 for k in range(count)}


def test_what_the_broker_had_retained_is_no_new_reading(
    broker: Broker, ingest: LiveIngest
) -> None:
    ingest.stop()
    sender = Connection(BrokerSettings(url=broker.url), "retainer")
    sender.start()
    assert sender.wait_ready(10)
    sender.publish("zigbee2mqtt/old", b'{"power":1}', qos=1, retain=True)
    sender.stop()
    # A session of another name subscribes anew, so the broker sends what it keeps.
    ingest.config.write_text('client_id = "other"\n' + ingest.config.read_text())
    write_places(ingest.folder / "places.csv", [row("old", "s1")])
    ingest.start_and_wait()
    until(lambda: ingest.verdicts().get("refused_time") == 1, str(ingest.verdicts()))
