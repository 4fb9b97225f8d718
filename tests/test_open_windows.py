"""Windows in progress: a family at a time, each in the store, and nothing of changed places."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.places import PlaceKey
from engine.points import PointState
from ingest import open_windows as module
from ingest.line import Line
from ingest.open_windows import OpenWindows
from ingest.outlets import Outlets
from ingest.store import Last, Store
from tests.line_city import (
    CITY,
    MINUTE_MS,
    MS,
    ROWS,
    START_MS,
    message,
    single,
    write_places,
)


class City:
    """A line with its store, and half an hour of readings."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.store = Store.create(folder / "store.db")
        self.outlets = Outlets(self.store)
        self.line = Line(folder / "ingest", self.outlets, 60)
        self.line.load_places(write_places(folder / "places.csv", ROWS), START_MS * MS)
        self.take(1, 30)

    def take(self, first: int, last: int) -> None:
        """A reading a minute and quantity of each device."""
        for k in range(first, last):
            at_ms = START_MS + k * MINUTE_MS
            self.line.take([
                message(f"d{d}", single(4 * k + n, 10.0 + k % 7, at_ms, name), at_ms)
                for d in (1, 2, 3) for n, name in enumerate(("pm25", "no2", "speed", "count"))
            ], at_ms * MS)
            self.line.tick(at_ms * MS, with_open=False)

    def open_points(self) -> list[Last]:
        """Windows in progress, as the store has them."""
        return sorted(row._replace(seq=0) for row in self.store.last()
                      if row.state == PointState.OPEN)

    def close(self) -> None:
        self.line.close(save=False)
        self.store.close()


@pytest.fixture(name="city")
def _city(tmp_path: Path) -> Iterator[City]:
    city = City(tmp_path / "a")
    yield city
    city.close()


def test_part_by_part_they_are_what_one_tick_says(
    city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PART_S", 0.0)  # one family at a time
    whole = City(tmp_path / "b")
    whole.line.tick(whole.line.vitals.now_ns, with_open=True)
    opened = OpenWindows(city.line, city.outlets)
    opened.begin(2.0, 0.0)
    parts = []
    while opened._families is not None:
        opened.step(5.0)
        parts.append(len(city.open_points()))
    assert parts == sorted(parts)
    assert len(set(parts)) > 3, "each part is told by itself"
    assert city.open_points() == whole.open_points() != []
    whole.close()


def test_readings_between_two_parts_harm_nothing_and_rounds_keep_their_distance(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PART_S", 0.0)
    opened = OpenWindows(city.line, city.outlets)
    opened.begin(2.0, 0.0)
    opened.step(5.0)
    city.take(30, 95)  # past the end of the hour: what is closed is not told as open
    while opened._families is not None:
        opened.step(5.0)
    for row in city.open_points():
        assert row.end_ms > START_MS + 60 * MINUTE_MS or row.end_ms > city.line.vitals.now_ns / MS
    begins_s = opened._begins_s
    assert begins_s >= 7.0
    assert not opened.is_due(begins_s - 0.1)
    assert opened.is_due(begins_s)
    opened.begin(2.0, 0.0)
    assert not opened.is_due(begins_s + 9.0), "one is being computed"
    opened.finish()
    assert opened._families is None
    assert START_MS + 120 * MINUTE_MS in {row.end_ms for row in city.open_points()}


def test_a_round_is_dropped_whole_and_tells_of_no_private_place(city: City) -> None:
    opened = OpenWindows(city.line, city.outlets)
    opened.begin(2.0, 0.0)
    opened.drop()
    opened.step(5.0)
    opened.finish()
    assert city.open_points() == []
    city.take(30, 31)
    opened.begin(2.0, 0.0)
    registry = city.line.vitals.registry
    registry.private.add(registry.place_of[PlaceKey(CITY, "centre", "s1")])
    opened.finish()
    assert "centre/s1" not in {row.path for row in city.open_points()}
    assert "centre/s2" in {row.path for row in city.open_points()}
