"""The running ingest on real brokers: what it keeps, acknowledges, refuses and ends with."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from edge import topics, wire
from edge.broker_settings import BrokerSettings
from edge.connection import Connection
from ingest import arrivals, receipts
from ingest import program as module
from ingest.health import Health
from ingest.influx import InfluxSettings, InfluxSink
from ingest.line import Line
from ingest.messages import Received
from ingest.program import Program
from ingest.recorded_clock import RecordedClock
from ingest.settings_ingest import IngestSettings
from tests.brokers import Broker, Mosquitto, Nats, free_port
from tests.influxd import Influxd
from tests.line_city import body, row, topic, write_places
from tests.live_ingest import LiveIngest, begun_ms, publish, until

HOUR_MS = 3_600_000


@pytest.fixture(params=[Nats, Mosquitto])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    # NATS sends again after this what a session had not acknowledged; Mosquitto does at once.
    options = {"ack_wait": "2s"} if request.param is Nats else {}
    server: Broker = request.param(tmp_path / "broker", **options)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def ingest(broker: Broker, tmp_path: Path) -> Iterator[LiveIngest]:
    write_places(tmp_path / "places.csv", [row(f"d{n}", f"s{n}") for n in (1, 2)])
    live = LiveIngest(tmp_path, broker.url, open_every_s=0.2)
    live.start_and_wait()
    yield live
    live.kill()


class Heard:
    """A client that keeps all it is sent."""

    def __init__(self, url: str, name: str, filter_: str) -> None:
        self.messages: list[tuple[str, bytes, bool]] = []
        self._connection = Connection(
            BrokerSettings(url=url), name, subscriptions=[(filter_, 1)],
            on_message=lambda topic, payload, _qos, _receipt, retain:
            self.messages.append((topic, payload, retain)),
        )
        self._connection.start()
        assert self._connection.wait_ready(10)

    def close(self) -> None:
        self._connection.stop()


def reading(number: int, value: float = 12.5, ago_ms: int = 0) -> bytes:
    """A reading a message, each of a millisecond of its own: two of one time would be merged."""
    return wire.encode_single(1, number, "pm25", begun_ms() + number - ago_ms, value)


def test_what_is_published_while_ingest_is_down_arrives_afterwards(
    broker: Broker, ingest: LiveIngest
) -> None:
    publish(broker.url, [(topic("d1"), reading(number)) for number in range(1, 51)])
    until(lambda: ingest.verdicts() == {"applied": 50}, "the first 50")
    assert ingest.stop() == 0, ingest.log()
    publish(broker.url, [(topic("d1"), reading(number)) for number in range(31, 101)])
    ingest.start_and_wait()
    until(lambda: ingest.verdicts() == {"applied": 100, "duplicate": 20}, "the other 50")


def test_acknowledgements_are_coalesced_and_tell_what_is_contiguous(
    broker: Broker, ingest: LiveIngest
) -> None:
    acks = Heard(broker.url, "d1", topics.acks("d1"))
    numbers = [*range(1, 201), *range(202, 401)]
    publish(broker.url, [(topic("d1"), reading(number)) for number in numbers])
    until(lambda: ingest.verdicts() == {"applied": 399}, "all but one")

    def numbers_told() -> list[int]:
        return [wire.decode_ack(payload).s for _, payload, _ in list(acks.messages)]

    until(lambda: numbers_told()[-1:] == [200], "it is told")
    told = numbers_told()
    assert len(told) < 100
    assert told == sorted(told)
    publish(broker.url, [(topic("d1"), reading(201)), (topic("d1"), wire.encode_clock(1, 401, 5)),
                         (topic("d1"), reading(7))])
    until(lambda: wire.decode_ack(acks.messages[-1][1]).s == 401, "the gap is closed")
    acks.close()


def test_indicators_are_published_retained(broker: Broker, tmp_path: Path) -> None:
    write_places(tmp_path / "places.csv")
    session = Connection(BrokerSettings(url=broker.url), "cityvitals-ingest",
                         subscriptions=[(topics.READINGS_FILTER, 1)], manual_ack=True)
    session.start()
    assert session.wait_ready(10)
    session.stop()
    begin_ms = time.time_ns() // 1_000_000 - 3 * HOUR_MS
    publish(broker.url, [
        (topic("d1"), body(n, t=begin_ms + n * 60_000, m={"pm25": 10.0 + n / 9, "no2": 20.0}))
        for n in range(1, 181)
    ])
    ingest = LiveIngest(tmp_path, broker.url)
    first = Heard(broker.url, "reader", "cv/1/i/#")
    ingest.start_and_wait()
    until(lambda: any("/air/" in name for name, _, _ in list(first.messages)), "an indicator")
    first.close()
    again = Heard(broker.url, "reader-2", "cv/1/i/porto/centre/s1/air/#")
    until(lambda: bool(again.messages), "the broker has kept it")
    name, payload, retained = again.messages[0]
    assert retained
    told = json.loads(payload)
    assert set(told) == {"t", "v", "u", "level", "word", "cov", "n", "rev"}
    last = {row.indicator: row for row in ingest.store.last() if row.path == "centre/s1"}
    assert f"air.{name.split('/')[-1]}" in last
    again.close()
    ingest.kill()


def test_health_is_written_each_second(ingest: LiveIngest) -> None:
    seen: set[int] = set()
    begun = time.monotonic()

    def three() -> bool:
        seen.add((ingest.health() or {"at_ms": 0})["at_ms"])
        return len(seen) >= 4

    until(three, "three more seconds of health")
    assert 2.5 < time.monotonic() - begun < 10
    health: Any = ingest.health()
    assert health["city"] == "porto"
    assert [row["place"] for row in health["silent"]] == ["centre/s1", "centre/s2"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_clean_when_asked(ingest: LiveIngest, broker: Broker, number: int) -> None:
    publish(broker.url, [(topic("d1"), reading(n)) for n in range(1, 200)])
    assert ingest.stop(number) == 0
    assert "Traceback" not in ingest.log()
    ingest.start_and_wait()
    with suppress(AssertionError):  # the verdicts say more than that it took too long
        until(lambda: ingest.verdicts() == {"applied": 199}, "what was under way")
    assert ingest.verdicts() == {"applied": 199}


def test_goes_on_when_the_broker_comes_back(broker: Broker, ingest: LiveIngest) -> None:
    publish(broker.url, [(topic("d1"), reading(1))])
    until(lambda: ingest.verdicts() == {"applied": 1}, "the first")
    broker.kill()
    until(lambda: not ingest.health()["broker"]["connected"], "it notices")  # type: ignore[index]
    broker.start()
    until(lambda: bool(ingest.health()["broker"]["connected"]), "it is back")  # type: ignore[index]
    publish(broker.url, [(topic("d1"), reading(2))])
    until(lambda: ingest.verdicts() == {"applied": 2}, "the second")


# ---- without a broker


@pytest.mark.parametrize(("text", "words"), [
    ('clok = "wall"', "key clok (value 'wall') is unknown; the nearest known key is clock"),
    ('grace_s = "60"', "key grace_s = '60': expected int, got str"),
    ("grace_s = -1", "grace_s = -1 must lie between 0 and 86400"),
    ('clock = "sundial"', "key clock = 'sundial'"),
    ('[broker]\nurl = "http://x"', "url 'http://x' must be mqtt://"),
    ('[broker]\nurl = "mqtt://x"\nuser = "u"\npassword_env = "CV_ABSENT"',
     "password_env = 'CV_ABSENT': no such environment variable"),
    ('[influx]\nurll = "http://x"', "urll"),
    ("grace_s = ", "Invalid value"),
])
def test_a_wrong_configuration_ends_with_status_2_and_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    path = tmp_path / "ingest.toml"
    path.write_text(text + "\n")
    assert module.run(path) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(str(path))
    assert words in printed.err
    assert printed.err.count("\n") == 1


def test_a_missing_file_and_a_wrong_first_places_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert module.run(tmp_path / "ingest.toml") == 2
    assert capsys.readouterr().err == f"{tmp_path}/ingest.toml: no such file\n"
    (tmp_path / "ingest.toml").write_text("")
    write_places(tmp_path / "places.csv")
    text = (tmp_path / "places.csv").read_text().replace("41.100000", "411", 1)
    (tmp_path / "places.csv").write_text(text)
    assert module.run(tmp_path / "ingest.toml") == 2
    assert capsys.readouterr().err == (
        f"{tmp_path}/places.csv: line 3: lat = '411': must lie between -90 and 90\n")


@pytest.fixture
def quiet(tmp_path: Path) -> Iterator[Program]:
    """An ingest without a broker, not running."""
    write_places(tmp_path / "places.csv")
    settings = IngestSettings(broker=BrokerSettings(url=f"mqtt://127.0.0.1:{free_port()}"))
    made = Program(settings, tmp_path)
    made.line.open()
    made.line.load_places(tmp_path / "places.csv", time.time_ns())
    yield made
    made._close(save=False)


def come(program: Program, *messages: Received) -> None:
    for one in messages:
        program._on_message(one.topic, one.payload, one.qos, one.receipt, False)


def test_the_queue_at_its_limits_drops_qos_0_and_counts(
    quiet: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "QUEUE_MAX", 3)
    come(quiet, *(Received(topic("d1"), reading(n), qos=0) for n in range(1, 6)))
    come(quiet, Received(topic("d1"), reading(9), 1, 1))  # never dropped: the broker bounds it
    quiet._take_wall()
    assert (quiet.line.verdicts()["applied"], quiet.line.verdicts()["dropped_queue"]) == (4, 2)
    monkeypatch.setattr(arrivals, "QUEUE_BYTES_MAX", 100)
    come(quiet, *(Received(topic("d1"), reading(n), qos=0) for n in range(11, 16)))
    quiet._take_wall()
    assert (quiet.line.verdicts()["applied"], quiet.line.verdicts()["dropped_queue"]) == (6, 5)
    assert quiet._arrived.bytes == 0


def test_a_batch_at_its_limits(quiet: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    take = Line.take

    def noted(line: Line, messages: Any, received_ns: int) -> Any:
        sizes.append(len(messages))
        return take(line, messages, received_ns)

    monkeypatch.setattr(Line, "take", noted)
    monkeypatch.setattr(arrivals, "BATCH_MAX", 4)
    come(quiet, *(Received(topic("d1"), reading(n)) for n in range(1, 10)))
    for _ in range(4):
        quiet._take_wall()
    assert sizes == [4, 4, 1]
    monkeypatch.setattr(arrivals, "BATCH_BYTES_MAX", 2 * len(reading(11)) + 1)
    come(quiet, *(Received(topic("d1"), reading(n)) for n in range(11, 14)))
    come(quiet, Received(topic("d1"), b"x" * 70_000))
    for _ in range(4):
        quiet._take_wall()
    assert sizes[3:] == [2, 1, 1]


def test_acknowledges_only_after_the_archive(
    quiet: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    synced = os.fdatasync

    def fdatasync(number: int) -> None:
        synced(number)
        order.append("archived")

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    monkeypatch.setattr(Connection, "acknowledge", lambda *_: order.append("broker told"))
    monkeypatch.setattr(Connection, "publish_all", lambda *_: order.append("device told"))
    come(quiet, Received(topic("d1"), reading(1), 7), Received(topic("d1"), reading(2), 8))
    quiet._take_wall()
    quiet._receipts.step()
    assert order == ["archived", "broker told", "device told"]


def test_influxdb_hears_each_minute_of_stations_and_pipeline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The calls had been lost from the running program."""
    write_places(tmp_path / "places.csv")
    settings = IngestSettings(
        broker=BrokerSettings(url=f"mqtt://127.0.0.1:{free_port()}"), influx=InfluxSettings()
    )
    made = Program(settings, tmp_path)
    made.line.open()
    made._health = Health(made.line, "wall")
    start_ns = time.time_ns() // 3_600_000_000_000 * 3_600_000_000_000
    recorded = RecordedClock(made.line.vitals.registry, made.line.seen, start_ns)
    made.line.load_places(tmp_path / "places.csv", start_ns)
    for minute in (30, 95):
        now_ns = start_ns + minute * 60_000_000_000
        monkeypatch.setattr(module.time, "time_ns", lambda now_ns=now_ns: now_ns)
        come(made, Received(topic("d1"), wire.encode_single(
            1, minute, "pm25", now_ns // 1_000_000 - 1000, 7.0)))
        made._take_wall()
        made._each_second(recorded, True)
        made._each_second(recorded, True)
    names = []
    assert made._spool is not None
    while (batch := made._spool.oldest()) is not None:
        names += [line.split(b",")[0].decode() for line in batch.body.splitlines()]
        made._spool.done(batch.id, batch.lines)
    made._close(save=False)
    assert names.count("station_state") == 3 * 2
    assert names.count("pipeline") == 2
    assert "indicator" in names


def test_hours_reach_a_real_influxdb_also_those_that_a_stop_came_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour that ended two minutes before a stop was never rolled up after it."""
    write_places(tmp_path / "places.csv")
    server = Influxd(tmp_path / "influxd")
    server.start()
    start_ns = (time.time_ns() // 3_600_000_000_000 - 5) * 3_600_000_000_000
    settings = IngestSettings(
        broker=BrokerSettings(url=f"mqtt://127.0.0.1:{free_port()}"),
        influx=InfluxSettings(url=server.url),
    )
    for minutes in (range(62), range(200, 206)):
        made = Program(settings, tmp_path)
        made.line.open()
        made._health = Health(made.line, "wall")
        recorded = RecordedClock(made.line.vitals.registry, made.line.seen, start_ns)
        made.line.load_places(tmp_path / "places.csv", start_ns)
        for minute in minutes:
            now_ns = start_ns + (minute + 1) * 60_000_000_000
            monkeypatch.setattr(module.time, "time_ns", lambda now_ns=now_ns: now_ns)
            come(made, Received(topic("d1"), wire.encode_single(
                1, minute, "power", now_ns // 1_000_000 - 1000, 7.0)))
            made._take_wall()
            made._each_second(recorded, True)
        sink = made._outlets.influx
        assert isinstance(sink, InfluxSink)
        sink.start()
        until(lambda sink=sink: not sink.status()["queued"], "all lines are sent")
        sink.stop(5)
        made._close(save=True)
    (found,) = server.query(
        'SELECT "mean", "n" FROM "indicator_1h" WHERE "ind" = \'demand_15min\' '
        'AND "station" <> \'_\'')
    server.kill()
    first = found["values"][0]
    assert first[1:] == [7.0, 4]


def test_the_last_word_is_said_at_the_end(
    tmp_path: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else an agent that was told just before would send its last messages again."""
    monkeypatch.setattr(receipts, "TELL_S", 1000.0)
    write_places(tmp_path / "places.csv")
    acks = Heard(broker.url, "d1", topics.acks("d1"))
    made = Program(IngestSettings(broker=BrokerSettings(url=broker.url)), tmp_path)
    made._receipts._told_s = time.monotonic()
    thread = threading.Thread(target=made.run)
    thread.start()
    until(lambda: made._connection.ready, "ingest is connected")
    publish(broker.url, [(topic("d1"), reading(1)), (topic("d1"), reading(2))])
    until(lambda: made.line.verdicts()["applied"] == 2, "both are taken in")
    assert acks.messages == []
    made.stop()
    thread.join(10)
    until(lambda: [wire.decode_ack(row[1]).s for row in acks.messages] == [2], "it is told")
    acks.close()


def test_runs_in_a_thread_and_stops(tmp_path: Path) -> None:
    settings = IngestSettings(broker=BrokerSettings(url=f"mqtt://127.0.0.1:{free_port()}"))
    made = Program(settings, tmp_path)  # without places: everything would be held
    thread = threading.Thread(target=made.run)
    thread.start()
    time.sleep(0.3)
    made.stop()
    thread.join(10)
    assert not thread.is_alive()
    assert (tmp_path / "ingest" / "snapshot.cvs").exists()
