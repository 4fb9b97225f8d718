"""The outlets: what goes to the store, to InfluxDB and to MQTT, and what is written once."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from edge.places import PlaceKey
from engine.catalogue import POSITION
from engine.points import Points, PointState, empty
from ingest.health import ages
from ingest.influx import InfluxSink
from ingest.line import Line
from ingest.messages import Event, source_of
from ingest.outlets import Outlets
from ingest.settings_influx import InfluxSettings
from ingest.spool import Spool
from ingest.store import Store
from ingest.store_thread import StoreThread
from tests.line_city import (
    CITY,
    MINUTE_MS,
    MS,
    ROWS,
    START_MS,
    line_of,
    message,
    single,
    topic,
    write_places,
)

GOLDEN = Path(__file__).parent / "golden" / "mqtt_indicator.txt"
HOUR_S = START_MS // 1000 + 3600
KNOWN_MS = (HOUR_S + 60) * 1000


@dataclass
class World:
    """Real store and spool, and what would be published."""

    outlets: Outlets
    line: Line
    spool: Spool
    said: list[tuple[str, bytes]] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Everything that waits for InfluxDB."""
        out: list[str] = []
        while (batch := self.spool.oldest()) is not None:
            out += batch.body.decode().splitlines()
            self.spool.done(batch.id, batch.lines)
        return out


@pytest.fixture(name="world")
def _world(tmp_path: Path) -> Iterator[World]:
    write_places(tmp_path / "places.csv")
    spool = Spool.create(tmp_path / "spool.db")
    store = Store.create(tmp_path / "store.db")
    said: list[tuple[str, bytes]] = []
    sink = InfluxSink(InfluxSettings(), spool)  # never started: its batches stay in the spool
    outlets = Outlets(store, sink, said.extend)
    line = line_of(tmp_path, cast(Any, outlets))
    yield World(outlets, line, spool, said)
    line.close()
    store.close()
    spool.close()


def point(world: World, station: str, state: PointState, **columns: Any) -> Points:
    """One point of the US AQI."""
    points = empty(1)
    points.indicator[:] = POSITION["air.us_aqi"]
    points.place[:] = world.line.vitals.registry.place_of[
        PlaceKey(CITY, "centre" if station else "", station)
    ]
    points.end_s[:] = HOUR_S
    points.state[:] = state
    points.rev[:] = state
    for name, value in columns.items():
        getattr(points, name)[:] = value
    return points


def test_an_open_point_goes_to_the_store_alone(world: World) -> None:
    opened = point(world, "s1", PointState.OPEN, value=42.0, cov=0.5, n=30)
    world.outlets.points(opened, world.line.vitals, KNOWN_MS)
    (row,) = world.outlets.store.last()
    assert (row.path, row.value, row.state) == ("centre/s1", 42.0, PointState.OPEN)
    assert world.lines() == []
    assert world.said == []


def test_closed_points_are_published_as_documented(world: World) -> None:
    vitals = world.line.vitals
    world.outlets.points(point(
        world, "s1", PointState.CLOSED, value=105.0, level=2, cov=0.98765, n=720
    ), vitals, KNOWN_MS)
    some = point(world, "s2", PointState.CLOSED, level=-1, cov=0.25)
    world.outlets.points(some, vitals, KNOWN_MS)
    world.outlets.points(point(
        world, "", PointState.CLOSED, value=105.0, level=2, cov=0.6, n=1, p50=105, p95=105, max=105
    ), vitals, KNOWN_MS)
    text = "".join(f"{where} {payload.decode()}\n" for where, payload in world.said)
    assert text == GOLDEN.read_text(encoding="utf-8")
    assert [line.split(" ")[0] for line in world.lines()] == [
        f"indicator,city={CITY},district=centre,station=s1,domain=air,ind=us_aqi",
        f"indicator,city={CITY},district=centre,station=s2,domain=air,ind=us_aqi",
        f"indicator_area,city={CITY},district=_,scope=city,domain=air,ind=us_aqi",
    ]


def test_a_restated_old_window_does_not_replace_the_newest_on_mqtt(world: World) -> None:
    vitals = world.line.vitals
    world.outlets.points(point(world, "s1", PointState.CLOSED, value=50), vitals, KNOWN_MS)
    old = point(world, "s1", PointState.CLOSED, value=60, rev=2)
    old.end_s[:] = HOUR_S - 3600
    world.outlets.points(old, vitals, KNOWN_MS)
    again = point(world, "s1", PointState.CLOSED, value=70, rev=2)
    world.outlets.points(again, vitals, KNOWN_MS)
    assert [payload for _, payload in world.said if b'"v":60' in payload] == []
    assert b'"v":70' in world.said[-1][1]


def test_restated_points_become_events_once(world: World) -> None:
    line = world.line
    def take(number: int, time_ms: int, received_ms: int) -> None:
        sent = message("d1", single(number, time_ms=time_ms), received_ms)
        line.take([sent], received_ms * MS)

    take(1, START_MS, START_MS)
    line.tick((START_MS + 2 * 3_600_000) * MS, with_open=False)
    received_ms = START_MS + 2 * 3_600_000 + MINUTE_MS
    take(2, START_MS + 10 * MINUTE_MS, received_ms)
    take(3, START_MS + 11 * MINUTE_MS, received_ms)
    line.tick((received_ms + MINUTE_MS) * MS, with_open=False)
    world.outlets.restated(line.vitals)
    world.outlets.restated(line.vitals)
    told = world.outlets.store.events(100)
    assert {(event.path, event.kind) for event in told} == {
        ("centre/s1", "restated"), ("centre/_", "restated"), ("_/_", "restated")
    }
    (event,) = [
        row for row in told if (row.path, row.indicator) == ("centre/s1", "dq.completeness")
    ]
    assert event.title == "Completeness, 1 h until 2026-09-21 16:00: 1.7 -> 5.0 %"
    assert event.text == "2 readings, 112 min late"
    assert sum(row.startswith("event,") for row in world.lines()) == len(told)


def test_a_reported_event_is_kept_with_place_time_and_words(world: World) -> None:
    source = source_of(topic("d1"))
    assert source is not None
    told = Event(source, "interruption", "f-7", START_MS, START_MS + 600_000, 120)
    world.outlets.events([told, told], world.line.vitals)
    (event,) = world.outlets.store.events(10)
    assert (event.time_ms, event.path, event.title) == (START_MS, "centre/s1", "interruption f-7")
    assert "120 customers" in event.text


def test_readings_are_written_when_they_change(world: World) -> None:
    line = world.line
    line.take([message("d1", single(1), START_MS)], START_MS * MS)
    world.outlets.readings(line.vitals)
    seq = world.outlets.store.changes(0).seq
    world.outlets.readings(line.vitals)
    assert world.outlets.store.changes(0).seq == seq
    (row,) = world.outlets.store.readings()
    assert (row.path, row.device, row.quantity, row.value, row.period_s) == (
        "centre/s1", "d1", "pm25", 12.5, 60.0
    )


def test_a_fast_clock_of_one_device_hides_no_reading_of_another(world: World) -> None:
    """Readings were told only if newer than the newest of all series."""
    line = world.line

    def told() -> dict[str, int]:
        world.outlets.readings(line.vitals)
        return {row.path: row.time_ms - START_MS for row in world.outlets.store.readings()}

    line.take([message("d1", single(1, time_ms=START_MS + 200_000), START_MS)], START_MS * MS)
    assert told() == {"centre/s1": 200_000}
    line.take([message("d2", single(1, time_ms=START_MS + 1_000), START_MS)], START_MS * MS)
    assert told() == {"centre/s1": 200_000, "centre/s2": 1_000}
    line.take([message("d2", single(2, time_ms=START_MS + 2_000), START_MS)], START_MS * MS)
    assert told() == {"centre/s1": 200_000, "centre/s2": 2_000}


def test_every_station_has_a_state_line_silent_ones_too(world: World) -> None:
    vitals = world.line.vitals
    vitals.now_ns = (START_MS + MINUTE_MS) * MS
    place = vitals.registry.place_of[PlaceKey(CITY, "centre", "s1")]
    silent = {other: (float("inf"), False) for other in vitals.registry.attributes}
    world.outlets.station_states(vitals, silent | {place: (3.0, True)})
    rows = [row for row in world.lines() if row.startswith("station_state,")]
    assert [("station=s1" in row, "online=1i" in row) for row in rows] == [
        (True, True), (False, False), (False, False)
    ]
    assert all(row.endswith(f" {START_MS // 1000 + 60}") for row in rows)


def test_a_row_that_begins_is_told_and_a_retired_device_has_no_period(
    world: World, tmp_path: Path
) -> None:
    """Name and position are those of now, not of the latest row; then nobody is owed anything."""
    later_ms = START_MS + 10 * MINUTE_MS
    renamed = replace(ROWS[0], valid_from_ms=later_ms, name="Across the road", lat=41.2)
    retired = replace(ROWS[1], valid_from_ms=later_ms, status="retired")
    store, line = world.outlets.store, world.line

    def told(minute: int) -> tuple[list[str], list[float], dict[str, float], int]:
        line.tick((START_MS + minute * MINUTE_MS) * MS, with_open=False)
        world.outlets.readings(line.vitals)
        world.lines()
        world.outlets.station_states(line.vitals, ages(line.vitals, line.vitals.now_ns))
        rows = [row for row in world.lines() if row.startswith("station_state,")]
        first = store.places()[0]
        return (
            [row.split("station=")[1].split(" ")[0] for row in rows], [first.lat],
            {row.path: row.period_s for row in store.readings()}, first.name == "Across the road",
        )

    write_places(tmp_path / "places.csv", [*ROWS, renamed, retired])
    line.load_places(tmp_path / "places.csv", START_MS * MS)
    line.take([message(device, single(1), START_MS) for device in ("d1", "d2")], START_MS * MS)
    periods = {"centre/s1": 60.0, "centre/s2": 60.0}
    assert told(1) == (["s1", "s2", "s3"], [41.1], periods, False)
    assert told(11) == (["s1", "s3"], [41.2], periods | {"centre/s2": 0.0}, True)


def test_roll_ups_follow_the_closed_points(world: World) -> None:
    vitals = world.line.vitals
    points = empty(12)
    points.indicator[:] = POSITION["traffic.tti"]
    points.place[:] = vitals.registry.place_of[PlaceKey(CITY, "centre", "s1")]
    points.end_s[:] = HOUR_S - 3600 + 300 * np.arange(1, 13)
    points.value[:] = 1.5
    points.cov[:] = 1
    points.rev[:] = 1
    points.state[:] = PointState.CLOSED
    world.outlets.points(points, vitals, KNOWN_MS)
    vitals.now_ns = (HOUR_S + 600) * 1_000_000_000
    world.outlets.rollups(vitals)
    (row,) = [row for row in world.lines() if row.startswith("indicator_1h")]
    assert "mean=1.5," in row
    assert "n=12i,cov=1.0" in row


def test_open_points_beside_the_loop_are_told_of_no_private_place(
    tmp_path: Path, world: World
) -> None:
    store = Store.create(tmp_path / "beside.db")
    beside = StoreThread(store)
    outlets = Outlets(store, beside=beside)
    vitals = world.line.vitals
    with store._transaction():  # the thread has to wait
        outlets.points(point(world, "s1", PointState.OPEN), vitals, KNOWN_MS)
        assert not outlets.takes_open
    beside.drain()
    assert outlets.takes_open
    assert outlets.open_s > 0
    (row,) = store.last()
    assert (row.path, row.state) == ("centre/s1", PointState.OPEN)
    outlets.points(point(world, "s1", PointState.OPEN, end_s=HOUR_S + 3600), vitals, KNOWN_MS)
    vitals.registry.private.add(vitals.registry.place_of[PlaceKey(CITY, "centre", "s1")])
    outlets.places(vitals)  # at once: what was given last may not be written yet
    beside.drain()
    assert store.last() == []
    beside.stop()
    store.close()
