"""Every way out of a town with private meters is searched for their names and values.

Real store, page server, broker and spool; what is searched are the bytes that leave.
"""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cityvitals.main import app
from dashboards.devices import Devices
from edge import wire
from edge.broker_settings import BrokerSettings, parse_url
from edge.connection import Connection
from edge.places import PlaceKey, PlaceRow, render
from edge.topics import state
from ingest.admission import Opened, opened
from ingest.compute import run as compute
from ingest.explain import ExplainError, Question, explain
from ingest.health import Health, ages
from ingest.influx import InfluxSink
from ingest.line import Line
from ingest.messages import Received
from ingest.outlets import Outlets
from ingest.settings_influx import InfluxSettings
from ingest.spool import Spool
from ingest.store import Store
from tests.brokers import Mosquitto
from tests.line_city import MINUTE_MS, MS, START_MS
from tests.live_ingest import publish, until
from tests.page_site import site

HOUSES = [("north", f"casa-{k}") for k in range(6)] + [("south", f"casa-{k}") for k in (6, 7)]
FEEDER = 104.0
VALUES = {f"zaehler-{k}": 3.718281 + 0.010203 * k for k in range(8)}
NORTH = sum(VALUES[f"zaehler-{k}"] for k in range(6))
END_MS = START_MS + 60 * MINUTE_MS


def rows(*, private: bool = True) -> list[PlaceRow]:
    """Six private meters in the north, two in the south, a public feeder in each."""
    def row(district: str, station: str, device: str, hidden: bool) -> PlaceRow:
        return PlaceRow(0, "porto", district, station, device, f"Name {station}", 41.12345, -8.6,
                        "UTC", 60.0, private=hidden)

    return [
        row("north", "feeder1", "f1", False), row("south", "feeder2", "f2", False),
        *(row(district, station, station.replace("casa", "zaehler"), private)
          for district, station in HOUSES),
    ]


def topic(device: str) -> str:
    """The readings topic of a device of the town."""
    row = next(row for row in rows() if row.device == device)
    return f"cv/1/r/porto/{row.district}/{row.station}/{device}"


def messages(minutes: range, number: int = 1) -> list[Opened]:
    """A reading of power a minute of every device."""
    values = {"f1": FEEDER, "f2": FEEDER, **VALUES}
    return [
        opened(Received(topic(device), wire.encode_single(
            1, minute + number, "power", START_MS + minute * MINUTE_MS, value
        )), (START_MS + minute * MINUTE_MS) * MS)
        for minute in minutes for device, value in values.items()
    ]


@dataclass
class World:
    """The town, and what of it was published."""

    folder: Path
    line: Line
    outlets: Outlets
    store: Store
    spool: Spool
    said: dict[str, list[bytes]] = field(default_factory=dict)

    def live(self, minutes: range) -> None:
        """Take a reading a minute, tick twice a minute, tell all that ingest tells."""
        for minute in minutes:
            now_ms = START_MS + (minute + 1) * MINUTE_MS
            self.line.take(messages(range(minute, minute + 1)), now_ms * MS)
            self.line.tick((now_ms - 1000) * MS, with_open=True)
            self.line.tick(now_ms * MS, with_open=True)
            self.outlets.readings(self.line.vitals)
        self.tell(START_MS + minutes.stop * MINUTE_MS)

    def tell(self, now_ms: int) -> None:
        """What ingest says each minute."""
        vitals = self.line.vitals
        self.outlets.station_states(vitals, ages(vitals, now_ms * MS))
        health = Health(self.line, "wall").build(
            now_ns=now_ms * MS, queue=0, sinks=[],
            broker={"url": "mqtt://b:1", "connected": True, "since_ms": 0, "error": ""},
        )
        self.store.write_health(health)
        self.outlets.pipeline(health)
        self.outlets.rollups(vitals)
        self.outlets.clear_retained()

    def lines(self) -> bytes:
        """Everything that waits for InfluxDB."""
        out = b""
        while (batch := self.spool.oldest()) is not None:
            out += batch.body
            self.spool.done(batch.id, batch.lines)
        return out


@pytest.fixture(name="broker_url")
def _broker_url(tmp_path: Path) -> Iterator[str]:
    broker = Mosquitto(tmp_path / "broker")
    broker.start()
    yield broker.url
    broker.kill()


@pytest.fixture(name="world")
def _world(tmp_path: Path, broker_url: str) -> Iterator[World]:
    folder = tmp_path / "data"
    folder.mkdir()
    said: dict[str, list[bytes]] = {}
    listener = Connection(
        BrokerSettings(url=broker_url), "listener", subscriptions=[("cv/1/i/#", 1)],
        on_message=lambda topic, payload, *rest: said.setdefault(topic, []).append(payload),
    )
    speaker = Connection(BrokerSettings(url=broker_url), "speaker")
    for connection in (listener, speaker):
        connection.start()
        assert connection.wait_ready(10)
    store, spool = Store.create(folder / "store.db"), Spool.create(folder / "spool.db")
    outlets = Outlets(
        store, InfluxSink(InfluxSettings(), spool),
        lambda messages: speaker.publish_all(messages, retain=True),
    )
    line = Line(folder / "ingest", outlets, 60)
    line.open()
    yield World(folder, line, outlets, store, spool, said)
    line.close()
    store.close()
    spool.close()
    listener.stop()
    speaker.stop()


def placed(world: World, *, private: bool = True) -> None:
    """Take the places file."""
    (world.folder / "places.csv").write_text(render(rows(private=private)), encoding="utf-8")
    world.line.load_places(world.folder / "places.csv", START_MS * MS)


def searched(what: str, body: bytes | str) -> None:
    """Fails if `body` names a private meter or holds one of their values."""
    text = body if isinstance(body, str) else body.decode("utf-8", "replace")
    for word in ("casa", "zaehler"):
        assert word not in text, f"{what}: {word}: {text[max(text.find(word) - 200, 0):][:400]}"
    for device, value in VALUES.items():
        for digits in (4, 5, 6):
            # Not as the end of another number: resident memory may be 513.728512 MB.
            told = re.search(rf"(?<!\d){re.escape(f'{value:.{digits}f}')}", text)
            assert told is None, f"{what}: the value of {device}"


def page_bytes(store: Path) -> dict[str, bytes]:
    """All that the page's server answers, and what it streams."""
    out: dict[str, bytes] = {}
    with site(store, wall_ms=lambda: END_MS + 20 * MINUTE_MS) as served:
        served.ready()
        for path in ("/", "/api/now", "/api/health", "/metrics"):
            out[path] = served.get(path).body
        for place in ("north/casa-0", "south/casa-6"):
            for path in ("history", "explain"):
                query = f"/api/{path}?place={place}&indicator=energy.demand_15min"
                answer = served.get(query)
                assert answer.status >= 400, query
        for place in ("north/_", "south/_", "_/_", "north/feeder1"):
            query = f"/api/history?place={place}&indicator=energy.demand_15min&from={START_MS}"
            out[f"history {place}"] = served.get(query).body
        with served.events("/api/live?after=0") as events:
            out["stream"] = b"".join(
                event.get("data", "").encode() for event, _ in zip(events, range(4), strict=False)
            )
    return out


def test_no_way_out_names_a_private_meter_or_its_value(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level("DEBUG")
    placed(world)
    world.line.take([  # refused, with a value; and an interruption that a household reports
        opened(Received(topic("zaehler-1"), b'{"e":1,"s":900,"q":"power","t":1,"v":3.728484}'),
               START_MS * MS),
        opened(Received(topic("zaehler-2"), json.dumps({
            "e": 1, "s": 901, "ev": "interruption", "id": "i1", "t": START_MS,
            "end": START_MS + 1000, "customers": 1}).encode()), START_MS * MS),
        opened(Received("cv/1/r/porto/north/casa-3/stranger", messages(range(1))[5]
                        .received.payload), START_MS * MS),
    ], START_MS * MS)
    world.live(range(75))
    world.line.take(messages(range(20, 21), 500), END_MS * MS + 15 * MINUTE_MS * MS)
    world.live(range(75, 80))
    for name, body in page_bytes(world.folder / "store.db").items():
        searched(name, body)
    lines = world.lines()
    searched("InfluxDB", lines)
    for measurement in (b"indicator,", b"indicator_area,", b"station_state,", b"indicator_1h,"):
        assert measurement in lines
    until(lambda: any("/north/_/" in name for name in world.said), "areas are published")
    searched("MQTT", repr(world.said))
    searched("log", caplog.text)
    world.store.close()
    for path in world.folder.glob("store.db*"):
        searched(path.name, path.read_bytes())
    for place in ("north/_", "_/_", "north/feeder1", "north/casa-0"):
        _explained(world.folder, place)
    _computed(tmp_path, capsys)
    _reported(world.folder)


def _explained(
    folder: Path, place: str, key: str = "energy.demand_15min", end_ms: int = END_MS
) -> None:
    """An explanation names no private meter; one of a private meter is refused."""
    try:
        answer = json.dumps(explain(folder, Question(place, key, end_ms)))
    except ExplainError:
        answer = ""
    assert bool(answer) or place != "north/feeder1"
    assert not answer or place != "north/casa-0"
    searched(f"explain {place} {key}", answer)


def test_clocks_and_late_rows_of_private_meters_are_told_of_nobody(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Clocks that are not set, off or ahead, a row that is added late; every area's explanation."""
    caplog.set_level("DEBUG")
    placed(world)
    world.live(range(70))

    def say(device: str, number: int, minute: int, at_ms: int) -> None:
        now_ms = START_MS + minute * MINUTE_MS
        world.line.take([opened(Received(topic(device), wire.encode_single(
            1, number, "power", at_ms, VALUES.get(device, FEEDER))), now_ms * MS)], now_ms * MS)

    for number in range(500, 520):
        minute = number - 430
        say("zaehler-1", number, minute, START_MS + (minute - 9) * MINUTE_MS)
        say("zaehler-2", number, minute, START_MS + (minute + 1440) * MINUTE_MS)
        say("zaehler-3", number, minute, number * 1000)
        say("f1", number, minute, number * 1000)
    dated = [
        replace(row, valid_from_ms=START_MS + 10 * MINUTE_MS, period_s=30.0)
        for row in rows() if row.device in {"zaehler-4", "zaehler-6", "f2"}
    ]
    (world.folder / "places.csv").write_text(render([*rows(), *dated]), encoding="utf-8")
    world.line.load_places(world.folder / "places.csv", END_MS * MS + 30 * MINUTE_MS * MS)
    world.line.tick(END_MS * MS + 31 * MINUTE_MS * MS, with_open=True)
    world.outlets.restated(world.line.vitals)
    world.tell(END_MS + 31 * MINUTE_MS)
    told = world.store.health()
    assert told is not None
    assert (told["clocks"]["unset"], told["clocks"]["off"]) == (2, 2)
    assert [row["device"] for row in told["clocks"]["worst"]] == ["f1", "f2"]
    assert told["clocks"]["waiting"] == []
    assert told["verdicts"]["held_future"] == 20
    assert any("device f2" in event.text for event in world.store.events(1000))
    for name, body in page_bytes(world.folder / "store.db").items():
        searched(name, body)
    searched("InfluxDB", world.lines())
    searched("log", caplog.text)
    world.line.tick((END_MS + 1440 * MINUTE_MS) * MS, with_open=False)
    asked = {
        (row.path, row.indicator, row.end_ms) for row in world.store.last()
        if row.path.endswith("/_")
    }
    assert len({key for _, key, _ in asked}) >= 8
    for place, key, end_ms in sorted(asked):
        _explained(world.folder, place, key, end_ms)


def test_a_device_that_stood_at_a_private_station_does_not_tell_which(world: World) -> None:
    """It moves to the feeder amidst an hour: the explanation of that hour reads both rows."""
    moved = next(row for row in rows() if row.device == "f1")
    before = replace(
        next(row for row in rows() if row.station == "casa-0"), device="roving", note="casa too")
    after = replace(moved, device="roving", valid_from_ms=START_MS + 30 * MINUTE_MS)
    (world.folder / "places.csv").write_text(
        render([*rows(), before, after]), encoding="utf-8")
    world.line.load_places(world.folder / "places.csv", START_MS * MS)
    for minute in range(61):
        now_ms = START_MS + minute * MINUTE_MS
        world.line.take([
            opened(Received(f"cv/1/r/porto/{row.district}/{row.station}/{row.device}",
                            wire.encode_single(1, minute + 1, "power", now_ms, 9.5)), now_ms * MS)
            for row in (moved, after)
        ], now_ms * MS)
        world.line.tick(now_ms * MS, with_open=False)
    world.line.tick((END_MS + 2 * MINUTE_MS) * MS, with_open=False)
    answer = explain(world.folder, Question("north/feeder1", "dq.completeness", END_MS))
    rows_told = {row["device"]: row["rows"] for row in answer["inputs"]}["roving"]
    assert [row["key"] for row in rows_told] == ["", "north/feeder1"]
    assert answer["equal"]
    searched("explain", json.dumps(answer))
    earlier = replace(after, valid_from_ms=START_MS + 15 * MINUTE_MS)
    (world.folder / "places.csv").write_text(
        render([*rows(), before, earlier]), encoding="utf-8")
    world.line.load_places(world.folder / "places.csv", (END_MS + 2 * MINUTE_MS) * MS)
    world.line.tick((END_MS + 3 * MINUTE_MS) * MS, with_open=False)
    world.outlets.restated(world.line.vitals)
    told = [event for event in world.store.events(100) if event.path == "north/feeder1"]
    assert any("at a private station before or after; 47 min late" in row.text for row in told)
    searched("events", json.dumps([(event.title, event.text) for event in told]))
    searched("InfluxDB", world.lines())


def test_what_private_meters_say_of_themselves_is_not_on_the_page(
    world: World, broker_url: str
) -> None:
    placed(world)
    world.live(range(20))
    told = [row for row in rows() if row.device in {"f1", "zaehler-1"}]

    def say(time_ms: int) -> None:
        publish(broker_url, [
            (state(row.city, row.district, row.station, row.device),
             wire.encode_state(wire.State(online=True, t=time_ms, e=1))) for row in told[::-1]
        ])

    with site(world.folder / "store.db", wall_ms=lambda: END_MS,
              devices=Devices(parse_url(broker_url))) as served:
        served.ready()
        say(1)  # the private one first
        until(lambda: b'"f1"' in served.get("/api/now").body, "the public one is shown")
        searched("/api/now", served.get("/api/now").body)
        with served.events("/api/live") as events:
            said = ""
            for number, event in enumerate(events, 2):
                said += event.get("data", "")
                if event["event"] == "devices":
                    break
                say(number)
        assert '"f1"' in said
        searched("stream", said)


def _computed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "places.csv").write_text(render(rows()), encoding="utf-8")
    found = {"f1": FEEDER, "f2": FEEDER, **VALUES}
    text = "time,place,quantity,value\n" + "".join(
        f"{START_MS + minute * MINUTE_MS},{row.district}/{row.station},power,{found[row.device]}\n"
        for minute in range(75) for row in rows()
    )
    (tmp_path / "r.csv").write_text(text)
    assert compute(tmp_path / "r.csv", tmp_path / "places.csv", tmp_path / "o.csv") == 0
    said = (tmp_path / "o.csv").read_text()
    searched("compute", said)
    assert "north/_,energy.demand_15min" in said
    searched("compute's words", capsys.readouterr().out)


def _reported(folder: Path) -> None:
    asked = ["report", "--data", str(folder), "--from", "2026-01-01", "--to", "2026-12-31"]
    done = CliRunner().invoke(app, [*asked, "-o", str(folder / "card.html")])
    assert done.exit_code == 0, done.output
    searched("the report's words", done.output)
    for name in ("card.html", "card.json"):
        searched(name, (folder / name).read_text(encoding="utf-8"))


def test_what_the_areas_say_is_the_group_of_six_and_never_the_two(world: World) -> None:
    placed(world)
    world.live(range(75))
    found = {
        (row.path, row.end_ms): row.value for row in world.store.last()
        if row.indicator == "energy.demand_15min" and row.state
    }
    ends = {path: value for (path, _), value in found.items()}
    assert ends["north/_"] == pytest.approx(FEEDER + NORTH)
    assert ends["south/_"] == FEEDER
    assert ends["_/_"] == pytest.approx(2 * FEEDER + NORTH), "city - north - feeder is nobody's"


def test_a_station_that_becomes_private_is_taken_back(world: World) -> None:
    placed(world, private=False)
    world.live(range(20))
    until(lambda: any("casa-0" in name for name in world.said), "it was public")
    assert any(row.path == "north/casa-0" for row in world.store.last())
    placed(world)
    world.tell(START_MS + 20 * MINUTE_MS)
    world.lines()
    for path, body in page_bytes(world.folder / "store.db").items():
        searched(path, body)
    until(lambda: all(
        bodies[-1] == b"" for name, bodies in world.said.items() if "casa" in name
    ), "retained messages are emptied")
    world.store.close()
    for path in world.folder.glob("store.db*"):
        searched(path.name, path.read_bytes())


def test_a_rebuilt_store_does_not_tell_what_was_public_once(
    world: World, tmp_path: Path
) -> None:
    placed(world, private=False)
    world.live(range(20))
    placed(world)
    world.line.snapshot()
    there = tmp_path / "there"
    shutil.copytree(world.folder / "ingest", there / "ingest")
    store, spool = Store.create(there / "store.db"), Spool.create(there / "spool.db")
    line = Line(there / "ingest", Outlets(store, InfluxSink(InfluxSettings(), spool)), 60)
    hidden = frozenset(PlaceKey("porto", *place) for place in HOUSES)
    line.vitals.registry.hide(hidden)
    line.open(whole=True)
    again = World(there, line, line.outlet, store, spool)  # type: ignore[arg-type]
    searched("InfluxDB", again.lines())
    line.close()
    store.close()
    spool.close()
    searched("store", (there / "store.db").read_bytes())
