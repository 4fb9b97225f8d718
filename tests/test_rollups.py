"""Hourly and daily roll-ups: what is over, what a restatement does, what the line says."""

from pathlib import Path

import numpy as np
import pytest

from edge.places import PlaceKey
from engine.catalogue import POSITION
from engine.points import Points, empty
from ingest.rollups import HOUR_S, SETTLE_S, Rollups
from ingest.store import Store

KEYS = [PlaceKey("town", "centre", "road-1"), PlaceKey("town", "centre", "")]
BY_PATH = {key.path: key for key in KEYS}
HOUR = 1_763_834_400  # 2025-11-22T18:00:00Z, 19:00 in Berlin
VALUES = (1.0, 1.2, 1.4, 2.0, 3.0)


def _points(values: tuple[float, ...], *, place: int = 0, rev: int = 1) -> Points:
    """Travel time indices of the first 5-minute bins of the hour."""
    points = empty(len(values))
    points.indicator[:] = POSITION["traffic.tti"]
    points.place[:] = place
    points.end_s[:] = HOUR + 300 * (1 + np.arange(len(values)))
    points.value[:] = values
    points.level[:] = np.digitize(values, [1.5, 2.5], right=True)
    points.cov[:] = 1.0
    points.n[:] = 5
    points.rev[:] = rev
    points.state[:] = 1
    return points


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "store.db")


def _lines(rollups: Rollups, now_s: int) -> list[str]:
    return b"".join(batch.body for batch in rollups.due(now_s, BY_PATH)).decode().splitlines()


def test_an_hour_is_written_once_it_is_over(store: Store) -> None:
    rollups = Rollups(store, "Europe/Berlin")
    points = _points(VALUES)
    store.write(points, KEYS, HOUR * 1000)
    rollups.note_points(points)
    over = HOUR + HOUR_S + SETTLE_S
    assert _lines(rollups, over - 1) == []
    (line,) = _lines(rollups, over)
    tags, fields, time_s = line.split(" ")
    assert tags == "indicator_1h,city=town,district=centre,station=road-1,domain=traffic,ind=tti"
    assert time_s == str(HOUR + HOUR_S)
    got = dict(part.split("=") for part in fields.split(","))
    assert (got["min"], got["max"], got["n"], got["over"]) == ("1.0", "3.0", "5i", "2i")
    assert float(got["mean"]) == pytest.approx(np.mean(VALUES))
    assert float(got["p95"]) == pytest.approx(np.quantile(VALUES, 0.95))
    assert float(got["cov"]) == pytest.approx(5 / 12)  # of the hour's 12 bins
    assert _lines(rollups, over) == []


def test_the_civil_day_ends_where_the_citys_does(store: Store) -> None:
    rollups = Rollups(store, "Europe/Berlin")
    points = _points(VALUES)
    store.write(points, KEYS, HOUR * 1000)
    rollups.note_points(points)
    midnight = HOUR + 5 * HOUR_S  # 23:00 UTC
    assert all(row.startswith("indicator_1h") for row in _lines(rollups, midnight + SETTLE_S - 1))
    (line,) = _lines(rollups, midnight + SETTLE_S)
    assert line.startswith("indicator_1d")
    assert line.endswith(f" {midnight}")


def test_a_restated_point_writes_its_hour_again(store: Store) -> None:
    rollups = Rollups(store, "UTC")
    over = HOUR + HOUR_S + SETTLE_S
    for rev, values in ((1, VALUES), (2, (1.0, 1.0, 1.0, 1.0, 1.0))):
        points = _points(values, rev=rev)
        store.write(points, KEYS, HOUR * 1000)
        rollups.note_points(points)
        (line,) = _lines(rollups, over)
    assert "mean=1.0,min=1.0,max=1.0" in line


def test_areas_and_insufficient_points_stay_out(store: Store) -> None:
    rollups = Rollups(store, "UTC")
    silent = _points(VALUES)
    silent.level[:] = -1
    silent.value[:] = 0
    for points in (silent, _points(VALUES, place=1)):
        store.write(points, KEYS, HOUR * 1000)
        rollups.note_points(points)
    assert _lines(rollups, HOUR + 2 * HOUR_S) == []


def test_a_day_ends_by_the_zone_in_force_when_it_begins(store: Store) -> None:
    """The city changes from Lisbon to Berlin, an hour east, in the afternoon of the 22nd."""
    noon_min = (HOUR - 6 * HOUR_S) // 60
    rollups = Rollups(store, ((0, "Europe/Lisbon"), (noon_min, "Europe/Berlin")))
    for hours in (0, 30):
        points = _points(VALUES)
        points.end_s[:] += hours * HOUR_S
        store.write(points, KEYS, HOUR * 1000)
        rollups.note_points(points)
    days = [line for line in _lines(rollups, HOUR + 4 * 86_400) if line.startswith("indicator_1d")]
    midnight = HOUR + 6 * HOUR_S  # in Lisbon
    assert [int(line.split()[-1]) for line in days] == [midnight, midnight + 47 * HOUR_S]
