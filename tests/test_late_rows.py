"""Rows of the places file that are added late: as if they had been there, with an event each."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from edge import wire
from edge.places import PlaceKey, PlaceRow
from ingest.admission import Opened, opened
from ingest.line import Line
from ingest.messages import Received
from ingest.reconstruct import known_at
from tests.line_city import CITY, MS, START_MS, Kept, abandon, line_of, row, write_places

HOUR_MS = 3_600_000
STEP_MS = 600_000
BEGIN_MS = START_MS // (24 * HOUR_MS) * 24 * HOUR_MS
STEPS = 40 * 6
LATE_MS = BEGIN_MS + STEPS * STEP_MS
"""When the places file is mended; readings go on for some hours."""
SINCE_MS = BEGIN_MS + 20 * HOUR_MS
"""When the rows begin that are added then."""


def device(name: str, station: str, district: str = "centre") -> PlaceRow:
    """A row that reports every ten minutes."""
    return replace(row(name, station, period_s=600.0), tz="UTC", district=district)


ROAD = replace(device("r1", "road"), period_s=300.0, g_m=6.0, road_class="urban-2",
               capacity_vph=900.0)
OFTEN, SELDOM = device("p1", "often"), device("p2", "seldom")
RETIRED, MOVED, JOINED = device("m1", "retired"), device("m2", "moved"), device("m3", "leaves")
STAYS, AIR, FAR = device("m4", "stays", "north"), device("a1", "air"), device("a2", "far", "north")
ROWS = [ROAD, OFTEN, SELDOM, RETIRED, MOVED, JOINED, STAYS, AIR, FAR]
LATE = [replace(since, valid_from_ms=SINCE_MS, **keys) for since, keys in (
    (ROAD, {"lanes": 1, "length_km": 2.5, "posted_kmh": 30.0, "g_m": 5.0, "capacity_vph": 500.0,
            "road_class": "urban-4"}),
    (OFTEN, {"period_s": 300.0}), (SELDOM, {"period_s": 1200.0}), (RETIRED, {"status": "retired"}),
    (MOVED, {"station": "elsewhere", "district": "south"}),
    (JOINED, {"station": "stays", "district": "north"}),
    (AIR, {"station": "new-air"}), (FAR, {"lat": 41.11}),
)]
SAID = {
    "r1": {"speed": 30.0, "count": 40.0, "occupancy": 0.2}, "p1": {"power": 5.0},
    "p2": {"no2": 30.0, "power": 5.0}, "m1": {"power": 2.0},
    "m2": {"power": 5.0, "energy": 0.0, "voltage": 230.0}, "m3": {"power": 7.0},
    "m4": {"power": 3.0}, "a1": {"no2": 30.0, "pm25": 9.0}, "a2": {"no2": 31.0},
}

TWICE = sum(map(len, SAID.values()))

Final = dict[tuple[PlaceKey, int, int], tuple[object, ...]]


def readings(step: int) -> list[Opened]:
    """What all devices say in a step of ten minutes, the road twice."""
    found = []
    for name, said in [*SAID.items(), ("r1", SAID["r1"])]:
        time_ms = BEGIN_MS + step * STEP_MS + 300_000 * (len(found) >= TWICE)
        for quantity, value in said.items():
            wave = (step % 7) * (0.01 if quantity == "occupancy" else 1.0)
            payload = wire.encode_single(
                1, step * 100 + len(found) + 1, quantity, time_ms,
                step * 0.25 if quantity == "energy" else value + wave)
            found.append(opened(Received(f"cv/1/r/{CITY}/x/y/{name}", payload), time_ms * MS))
    return found


class Life:
    """A line that lives through some days; its places file may be mended on the way."""

    def __init__(self, folder: Path, kept: Kept | None = None, *, whole: bool = False) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.kept = folder, kept or Kept()
        self.line = Line(self.folder / "ingest", self.kept, 60)
        self.line.open(whole=whole)

    def mend(self, rows: Sequence[PlaceRow], now_ms: int) -> None:
        """Another places file comes into force."""
        rows = sorted(rows, key=lambda row: row.valid_from_ms)
        self.line.load_places(write_places(self.folder / "places.csv", rows), now_ms * MS)

    def live(self, first: int, last: int) -> None:
        """Steps of ten minutes; the readings of four hours come together."""
        for step in range(first, last, 24):
            now_ms = BEGIN_MS + (step + 24) * STEP_MS
            some = [one for k in range(step, step + 24) for one in readings(k)]
            self.line.take(some, (now_ms - STEP_MS) * MS)
            self.line.tick((now_ms + 61_000) * MS, with_open=False)

    def final(self, hours: int = 12) -> Final:
        """Let some hours pass; the last word on every window, without revisions."""
        self.live(STEPS, STEPS + hours * 6)
        self.line.close()
        return {key: row[:-1] for key, row in self.kept.values.items()}


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Final:
    """Final points of a city whose rows were there from the start."""
    life = Life(tmp_path_factory.mktemp("known") / "a")
    life.mend([*ROWS, *LATE], BEGIN_MS)
    life.live(0, STEPS)
    return life.final()


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Kept, Kept]:
    """A city whose rows were added late: its folder, what it said before that, and since."""
    life = Life(tmp_path_factory.mktemp("mended") / "a")
    life.mend(ROWS, BEGIN_MS)
    life.live(0, STEPS)
    before = Kept(dict(life.kept.values))
    life.mend([*ROWS, *LATE], LATE_MS + 90_000)
    life.line.close()
    return life.folder, before, life.kept


@pytest.mark.parametrize("whole", [False, True])
def test_as_if_they_had_been_there_from_the_start(
    known: Final, mended: tuple[Path, Kept, Kept], tmp_path: Path, whole: bool
) -> None:
    """And after a restart, by the snapshot or by the whole archive."""
    folder = shutil.copytree(mended[0], tmp_path / "a")
    found = Life(folder, Kept(dict(mended[2].values)), whole=whole).final()
    wrong = {key for key in known if repr(found.get(key)) != repr(known[key])}
    assert wrong == set()
    gone = {said[:2] for key, said in found.items() if key not in known}
    assert gone == {(0.0, -1)}, "withdrawn, and nothing else"


def test_only_what_differs_gets_a_revision(mended: tuple[Path, Kept, Kept]) -> None:
    _, before, since = mended
    restated = {key for key, said in since.values.items() if said != before.values.get(key)}
    assert restated, "something is said anew"
    for key in restated:
        old, now = before.values.get(key, (0,)), since.values[key]
        assert now[:-1] != old[:-1]
        assert int(str(now[-1])) > int(str(old[-1]))
        assert key[2] * 1000 > SINCE_MS - 86_400_000
    names = {place.station for place, _, _ in restated}
    assert names == {"", "road", "often", "seldom", "retired", "moved", "leaves", "stays", "air",
                     "far"}


def test_a_kill_while_readings_are_moved_leaves_no_series_without_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The archive has the places file, and not yet the series that it made."""
    write_places(tmp_path / "places.csv", [MOVED])
    line = line_of(tmp_path)
    line.take([one for one in readings(0) if one.received.topic.endswith("m2")], BEGIN_MS * MS)
    line.tick((BEGIN_MS + HOUR_MS) * MS, with_open=False)
    moved = replace(MOVED, valid_from_ms=BEGIN_MS - 1, station="elsewhere")
    write_places(tmp_path / "places.csv", [MOVED, moved])
    monkeypatch.setattr(Line, "_remember_registry", lambda _line, _now_ns: None)
    line.load_places(tmp_path / "places.csv", (BEGIN_MS + HOUR_MS) * MS)
    abandon(line)
    monkeypatch.undo()
    again = line_of(tmp_path)
    again.take([one for one in readings(6) if one.received.topic.endswith("m2")],
               (BEGIN_MS + HOUR_MS) * MS)
    names = again.vitals.registry
    again.close()
    known = known_at(tmp_path / "ingest" / "archive", 1 << 62)
    assert known.series == names.series
    assert {known.keys[series.place].station for series in known.series} == {"moved", "elsewhere"}
