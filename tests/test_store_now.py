"""What stands now: windows against a slow reading of the rules, names, an older format."""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge.places import PlaceKey
from engine.catalogue import INDICATORS
from engine.points import concatenate, empty
from ingest import sqlite_file
from ingest.store import Reading, Store
from ingest.store_schema import STORE
from tests.store_readings import write_readings

KEYS = [PlaceKey("ulm", "centre", f"s{n}") for n in range(3)]
ROW = st.tuples(st.integers(0, 2), st.booleans(), st.integers(1, 5), st.integers(1, 2))
"""Place, open or closed, window end, revision."""


def rows(store: Store) -> dict[tuple[str, bool], tuple[int, float]]:
    return {(row.path, not row.state): (row.end_ms // 60_000, row.value) for row in store.last()}


@given(st.lists(st.lists(ROW, min_size=1, max_size=6), max_size=8), st.integers(0, 7))
def test_newest_closed_and_open(batches: list[list[tuple[int, bool, int, int]]], at: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        store = Store.create(path)
        closed: dict[int, tuple[int, float]] = {}
        opened: dict[int, tuple[int, float]] = {}
        number = 0.0
        for k, batch in enumerate(batches):
            if k == at:
                store.close()
                store = Store.create(path)
            parts, seen = [], set()
            for place, is_open, end, rev in batch:
                if (place, is_open, end) in seen:
                    continue  # a batch says a window once
                seen.add((place, is_open, end))
                number += 1.0
                one = empty(1)
                one.place[:], one.end_s[:], one.value[:] = place, end * 60, number
                one.state[:], one.rev[:] = (0, 0) if is_open else (1, rev)
                parts.append((place, is_open, end, one, number))
            store.write(concatenate([part[3] for part in parts]), KEYS, 7)
            for place, _, end, _, value in sorted(
                (part for part in parts if not part[1]), key=lambda part: part[2]
            ):
                if end >= closed.get(place, (0, 0.0))[0]:
                    closed[place] = end, value
            for place, (end, _) in closed.items():
                if opened.get(place, (99, 0.0))[0] <= end:
                    del opened[place]
            for place, _, end, _, value in sorted(
                (part for part in parts if part[1]), key=lambda part: part[2]
            ):
                if end > closed.get(place, (0, 0.0))[0] and end >= opened.get(
                    place, (0, 0.0))[0]:
                    opened[place] = end, value
        expected = {(KEYS[place].path, is_open): row
                    for is_open, stands in ((False, closed), (True, opened))
                    for place, row in stands.items()}
        assert rows(store) == expected
        reader = Store.reader(path)
        assert rows(reader) == expected
        reader.close()
        store.close()


def test_columns_of_an_open_area_and_of_a_station(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store.db")
    points = empty(2)
    points.place[:], points.end_s[:], points.value[:] = [0, 1], 600, [1.5, 2.5]
    points.level[:], points.cov[:], points.n[:] = [2, -1], [0.25, 0.1], [7, 8]
    points.p50[1], points.p95[1], points.max[1], points.over[1] = 1.0, 2.0, 3.0, 4
    store.write(points, KEYS, 99)
    first, second = (row[:-1] for row in store.last())
    key = INDICATORS[0].key
    assert first == ("centre/s0", key, 600_000, 1.5, 2, 0.25, 7, 0, 0, None, None, None, -1, 99)
    assert second == ("centre/s1", key, 600_000, 2.5, -1, 0.1, 8, 0, 0, 1.0, 2.0, 3.0, 4, 99)
    store.close()


def test_a_reader_knows_the_names_of_now(tmp_path: Path) -> None:
    """The number of a sensor that is forgotten may come again, with another name."""
    store = Store.create(tmp_path / "store.db")
    reader = Store.reader(tmp_path / "store.db")
    row = Reading("centre/s0", "d1", "pm25", "", 1000, 1.5, 1, 10.0)
    write_readings(store, [row])
    point = empty(1)
    point.end_s[:] = 600
    store.write(point, KEYS, 7)
    assert reader.readings() == [row]
    assert [row.path for row in reader.last()] == ["centre/s0"]
    store.forget(["centre/s0"])
    assert (reader.readings(), reader.last()) == ([], [])
    other = row._replace(path="centre/s1", device="d2", time_ms=5)
    write_readings(store, [other])
    point.place[:] = 1
    store.write(point, KEYS, 7)
    assert reader.readings() == [other]
    assert [row.path for row in reader.last()] == ["centre/s1"]
    reader.close()
    store.close()


def test_what_is_old_is_pruned(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store.db")
    for place, end_s in enumerate((600, 660)):
        point = empty(1)
        point.place[:], point.end_s[:] = place, end_s
        store.write(point, KEYS, 7)
        write_readings(store, [
            Reading(KEYS[place].path, "d", "pm25", "", end_s * 1000, 1.0, 1, 1.0)])
    store.prune(660_000)
    assert [row.path for row in store.last()] == ["centre/s1"]
    assert [row.path for row in store.readings()] == ["centre/s1"]
    store.close()


FORMAT_1 = """
CREATE TABLE counter (seq INTEGER NOT NULL);
INSERT INTO counter VALUES (1000);
CREATE TABLE series (
  sid INTEGER PRIMARY KEY, path TEXT NOT NULL, indicator TEXT NOT NULL, UNIQUE (path, indicator)
);
INSERT INTO series VALUES (4, 'centre/s0', 'air.us_aqi');
CREATE TABLE last (
  sid INTEGER NOT NULL, open INTEGER NOT NULL, end_s INTEGER NOT NULL,
  value REAL NOT NULL, level INTEGER NOT NULL, cov REAL NOT NULL, n INTEGER NOT NULL,
  rev INTEGER NOT NULL, state INTEGER NOT NULL,
  p50 REAL, p95 REAL, max REAL, over INTEGER, known_ms INTEGER NOT NULL,
  seq INTEGER NOT NULL, PRIMARY KEY (sid, open)
) WITHOUT ROWID;
CREATE INDEX last_seq ON last (seq);
INSERT INTO last VALUES (4, 0, 600, 51.5, 1, 1.0, 60, 1, 1, NULL, NULL, NULL, -1, 9, 999);
INSERT INTO last VALUES (4, 1, 660, 52.5, 1, 1.0, 60, 0, 0, NULL, NULL, NULL, -1, 9, 1000);
CREATE TABLE revisions (
  sid INTEGER NOT NULL, end_s INTEGER NOT NULL, rev INTEGER NOT NULL,
  old_value REAL, old_level INTEGER, value REAL NOT NULL, level INTEGER NOT NULL,
  cov REAL NOT NULL, n INTEGER NOT NULL, known_ms INTEGER NOT NULL,
  PRIMARY KEY (sid, end_s, rev)
) WITHOUT ROWID;
CREATE TABLE readings (
  path TEXT NOT NULL, device TEXT NOT NULL, quantity TEXT NOT NULL, channel TEXT NOT NULL,
  time_ms INTEGER NOT NULL, value REAL NOT NULL, flag INTEGER NOT NULL, period_s REAL NOT NULL,
  seq INTEGER NOT NULL, PRIMARY KEY (path, device, quantity, channel)
) WITHOUT ROWID;
CREATE INDEX readings_seq ON readings (seq);
INSERT INTO readings VALUES ('centre/s0', 'd1', 'pm25', '', 1000, 1.5, 1, 10.0, 998);
CREATE TABLE places (
  path TEXT PRIMARY KEY, city TEXT NOT NULL, district TEXT NOT NULL, station TEXT NOT NULL,
  name TEXT NOT NULL, lat REAL NOT NULL, lon REAL NOT NULL, tz TEXT NOT NULL,
  length_km REAL NOT NULL, lanes INTEGER NOT NULL, posted_kmh REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE health (at_ms INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE events (
  time_ms INTEGER NOT NULL, path TEXT NOT NULL, kind TEXT NOT NULL, indicator TEXT NOT NULL,
  severity TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL,
  PRIMARY KEY (time_ms, path, kind, indicator, title, text)
) WITHOUT ROWID;
"""


def test_format_1_becomes_format_2_with_a_copy_kept(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    sqlite_file.create(path, STORE._replace(
        version=1, schema=FORMAT_1, migrations=())).close()
    store = Store.create(path)
    assert (tmp_path / "store.db.v1").exists()
    (row,) = store.last()
    assert row == ("centre/s0", "air.us_aqi", 600_000, 51.5, 1, 1.0, 60, 1, 1, None, None, None,
                   -1, 9, 999)
    assert store.readings() == []
    assert store.changes(998) == ((1000, 1000), [row], [])
    fresh = Store.create(tmp_path / "fresh.db")

    def schema(one: Store) -> dict[str, list[tuple[str, ...]]]:
        names = [name for (name,) in one._connection.execute(
            "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name")]
        return {name: one._connection.execute(f"PRAGMA table_info({name})").fetchall()
                for name in names}

    assert schema(store) == schema(fresh)
    point = empty(1)
    point.place[:], point.end_s[:] = 0, 660
    store.write(point, KEYS, 8)
    write_readings(store, [Reading("centre/s0", "d1", "pm25", "", 2000, 1.5, 1, 10.0)])
    assert np.array_equal([row.end_ms for row in store.last()], [600_000, 660_000])
    store.close()
    fresh.close()
