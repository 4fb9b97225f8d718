"""Roads whose dated rows change them: each window by the row in force when it begins."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import wire
from edge.places import PlaceKey, PlaceRow
from engine.catalogue import INDICATORS
from engine.registry import Registry
from engine.road_rows import RoadRows
from ingest.admission import Opened, opened
from ingest.compute import compute
from ingest.explain import Question, explain
from ingest.line import Line
from ingest.messages import Received
from ingest.outlets import Outlets
from ingest.store import Store
from tests.explained_city import told
from tests.line_city import CITY, MS, START_MS, row, write_places

HOUR_MS = 3_600_000
STEP_MS = 300_000
CHANGE_MS = START_MS + 2 * HOUR_MS
BEFORE = replace(
    row("r1", "sr1", period_s=300.0), length_km=1.0, lanes=2, posted_kmh=50.0, g_m=7.0,
    capacity_vph=1800.0, occupants=1.0, road_class="urban-1", tz="UTC", name="Old road",
)
AFTER = replace(
    BEFORE, valid_from_ms=CHANGE_MS, length_km=3.0, lanes=1, posted_kmh=30.0, g_m=3.5,
    capacity_vph=600.0, occupants=2.0, road_class="urban-4", name="New road", lat=41.2,
)
LATE = range(15, 18)
"""Steps of the second hour whose readings come after the change."""
NEXT_MS = (START_MS // (24 * HOUR_MS) * 24 + 28) * HOUR_MS
STEPS = [*range(48), (NEXT_MS - START_MS) // STEP_MS]
"""Steps of five minutes with readings: four hours, and the next day at 4, after the freeze."""
SAID = {"speed": 20.0, "count": 40.0, "occupancy": 0.3}
KEYS = (
    "traffic.flow_lane", "traffic.tti", "traffic.density", "traffic.gfactor_speed",
    "traffic.los_urban_hcm2000", "traffic.vmt", "traffic.lost_35", "traffic.delay_free",
    "traffic.speed_hour",
)


@given(
    st.lists(st.lists(st.tuples(st.integers(-5, 40), st.integers(1, 9)), min_size=1, max_size=6),
             min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 45)), max_size=20),
)
def test_the_row_of_a_minute_is_the_last_that_had_begun(
    stations: list[list[tuple[int, int]]], asked: list[tuple[int, int]]
) -> None:
    rows = [
        replace(row(f"d{k}", f"s{k}", since_ms=minute * 60_000 - 1000), lanes=lanes)
        for k, dated in enumerate(stations) for minute, lanes in dated
    ]
    registry, found = Registry(), RoadRows()
    registry.load_places(sorted(rows, key=lambda row: row.valid_from_ms))
    places = [registry.place_of[PlaceKey(CITY, "centre", f"s{k}")] for k in range(len(stations))]
    found.load(registry, places)
    asked = [(k % len(stations), minute) for k, minute in asked]
    told = found.at(*(np.array([pair[i] for pair in asked], np.int64) for i in (0, 1))).lanes
    for (member, minute), lanes in zip(asked, told.tolist(), strict=True):
        of_road = [r for r in registry.rows if r.station == f"s{member}"]
        begun = [r for r in of_road if r.valid_from_ms <= minute * 60_000]
        assert lanes == (begun[-1] if begun else of_road[0]).lanes
        slow = registry.attributes_at(places[member], minute * 60_000)
        assert slow is not None
        assert lanes == slow.lanes


def messages(steps: Sequence[int], received_ms: int, number: int) -> list[Opened]:
    """All quantities of some steps; numbers from `number` on."""
    found = []
    for step in steps:
        for quantity, value in SAID.items():
            number += 1
            payload = wire.encode_single(1, number, quantity, START_MS + step * STEP_MS, value)
            found.append(opened(
                Received(f"cv/1/r/{CITY}/centre/sr1/r1", payload), received_ms * MS))
    return found


def lived(folder: Path, restart: str = "", *, announced: bool = True) -> Path:
    """Four hours of a road that changes amidst; then the late ones come, and again as `restart`.

    announced: the places file has both rows from the beginning, else the later one is added when
    it begins.
    """
    folder.mkdir()
    path = write_places(folder / "places.csv", [BEFORE, AFTER] if announced else [BEFORE])
    store = Store.create(folder / "store.db")

    def begun(*, whole: bool) -> Line:
        line = Line(folder / "ingest", Outlets(store), 60)
        line.open(whole=whole)
        return line

    line = begun(whole=False)
    line.load_places(path, (START_MS - HOUR_MS) * MS)
    for step in STEPS:
        now_ms = START_MS + step * STEP_MS
        if now_ms == CHANGE_MS:
            line.load_places(write_places(path, [BEFORE, AFTER]), now_ms * MS)
        if step not in LATE:
            line.take(messages([step], now_ms, step * 3), now_ms * MS)
        line.tick((now_ms + STEP_MS) * MS, with_open=False)
    if restart:
        line.close()
        line = begun(whole=restart == "replay")
    end_ms = NEXT_MS + STEP_MS
    line.take(messages(LATE, end_ms, 3 * STEPS[-1] + 3), end_ms * MS)
    line.tick((end_ms + STEP_MS) * MS, with_open=False)
    told(store, end_ms)
    line.close()
    store.close()
    return folder


Points = dict[tuple[str, int], tuple[float, int]]


def said(folder: Path) -> Points:
    """(indicator, window end in ms) -> value and revision."""
    store = Store.reader(folder / "store.db")
    found = {
        (key, point.end_ms): (point.value, point.rev)
        for key in KEYS for point in store.history("centre/sr1", key, 0, 1 << 42, 1000)
        if point.level >= 0
    }
    store.close()
    return found


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a run without a restart."""
    return lived(tmp_path_factory.mktemp("roads") / "a")


def test_each_window_has_the_road_of_its_time(city: Path) -> None:
    points = said(city)
    flow, change = 40.0 * 12, CHANGE_MS
    for end_ms in (change, change - STEP_MS):
        assert points["traffic.flow_lane", end_ms][0] == flow / 2
        assert points["traffic.density", end_ms][0] == flow / (20.0 * 2)
    for end_ms in (change + STEP_MS, change + HOUR_MS):
        assert points["traffic.flow_lane", end_ms][0] == flow
        assert points["traffic.density", end_ms][0] == flow / 20.0
    index = {end_ms: value for (key, end_ms), (value, _) in points.items() if key == "traffic.tti"}
    assert index[change] == index[change + HOUR_MS] == 50.0 / 20.0, "held to the limit of 03:00"
    assert index[NEXT_MS + STEP_MS] == 30.0 / 20.0
    assert points["traffic.vmt", change][0] == 12 * 40.0 * 1.0
    assert points["traffic.vmt", change + HOUR_MS][0] == 12 * 40.0 * 3.0
    assert points["traffic.los_urban_hcm2000", change][0] == 6.0
    assert points["traffic.los_urban_hcm2000", change + HOUR_MS][0] == 4.0
    before, after = (points["traffic.gfactor_speed", at][0] for at in (change, change + HOUR_MS))
    assert before == pytest.approx(2 * after), "twice the length, twice the speed"


def test_a_late_reading_restates_the_past_by_the_row_of_its_time(city: Path) -> None:
    points = said(city)
    late_ms = START_MS + LATE[0] * STEP_MS + STEP_MS
    assert points["traffic.flow_lane", late_ms] == (240.0, 2)
    assert points["traffic.vmt", CHANGE_MS] == (480.0, 2)


@pytest.mark.parametrize(("restart", "announced"), [("snapshot", True), ("replay", False)])
def test_after_a_restart_as_well(
    city: Path, tmp_path: Path, restart: str, announced: bool
) -> None:
    assert said(lived(tmp_path / "b", restart, announced=announced)) == said(city)


def test_compute_says_what_the_line_said(city: Path, tmp_path: Path) -> None:
    text = "time,place,quantity,value\n" + "".join(
        f"{START_MS + step * STEP_MS},centre/sr1,{quantity},{value}\n"
        for step in STEPS for quantity, value in SAID.items()
    )
    (tmp_path / "r.csv").write_text(text)
    done = compute(tmp_path / "r.csv", city / "places.csv")
    points, keys = done.points(), done.vitals.registry.keys
    mine = {
        (INDICATORS[points.indicator[k]].key, int(points.end_s[k]) * 1000): float(points.value[k])
        for k in range(len(points))
        if keys[points.place[k]].path == "centre/sr1" and points.level[k] >= 0
    }
    assert {key: value for key, (value, _) in said(city).items()}.items() <= mine.items()


@pytest.mark.parametrize("key", KEYS)
def test_explained_with_the_row_of_its_time(city: Path, key: str) -> None:
    ends = [end_ms for name, end_ms in said(city) if name == key]
    for end_ms in {min(ends), max(e for e in ends if e <= CHANGE_MS), max(ends)}:
        answer = explain(city, Question("centre/sr1", key, end_ms))
        assert answer["equal"] is True
        road: PlaceRow = BEFORE if end_ms <= CHANGE_MS else AFTER
        given = {name: value for step in answer["steps"] for name, value in step["given"].items()}
        for name in {"length_km", "lanes", "posted_kmh", "road_class", "capacity_vph"} & set(given):
            assert given[name] == getattr(road, name)
        assert answer["station"] == {"name": road.name, "lat": road.lat, "lon": road.lon}
