"""Who is near whom: the nearest first, by where stations stood, and never a private one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.quantities import INDEX
from engine import neighbours as module
from engine.neighbours import NEAREST_MAX, Neighbourhood, nearest
from engine.registry import Series
from tests.town import Town, at, row


def around(town: Town, count: int) -> Neighbourhood:
    registry = town.vitals.registry
    keys = [key for key in registry.keys if key.station]
    return Neighbourhood(registry, [
        registry.slot(Series(registry.place_of[keys[k]], registry.device(f"d{k}"), INDEX["pm25"],
                             ""), town.vitals.panes)
        for k in range(count)
    ])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_twin(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    lat, lon = np.round(rng.uniform(54, 54.05, (2, count)), 3)
    device, may = rng.integers(0, count, count), rng.random(count) < 0.8
    rows = np.empty((count, NEAREST_MAX), np.int64)
    close = np.empty((count, NEAREST_MAX), np.bool_)
    nearest(lat, lon, device, may, rows, close)
    for i in range(count):
        east = (lon - lon[i]) * np.cos(np.radians(lat[i])) * 111.195
        far = np.hypot((lat - lat[i]) * 111.195, east)
        order = [j for j in np.argsort(far, kind="stable") if device[j] != device[i] and may[j]]
        want = order[:NEAREST_MAX]
        assert np.sort(far[rows[i][rows[i] >= 0]]).tolist() == pytest.approx(far[want].tolist())
        assert close[i, : len(want)].tolist() == [bool(far[j] <= 2.0) for j in rows[i, : len(want)]]
        assert (rows[i, len(want):] == -1).all()


def test_two_kilometres() -> None:
    step = 1.99 / 111.195
    town = Town([row(f"d{k}", f"a/s{k}", lat=54.0 + k * step, lon=12.0) for k in range(3)])
    near = around(town, 3).near(1 << 40, np.zeros(64, np.int64))
    assert near.rows[0, :3].tolist() == [1, 2, -1]
    assert near.close[0, :2].tolist() == [True, False]


def test_a_station_that_moved_is_near_where_it_stood() -> None:
    later = "2026-03-01"
    town = Town([
        row("d0", "a/s0", lat=54.0), row("d1", "a/s1", lat=54.01), row("d2", "a/s2", lat=55.0),
        row("d2", "a/s2", lat=54.001, since=later),
    ])
    found = around(town, 3)
    first = np.zeros(64, np.int64)
    assert found.near(at(later) // 60, first).rows[0, 0] == 1
    assert found.near(at(later) // 60 + 1, first).rows[0, 0] == 2


def test_those_that_have_not_begun_are_nobodys_neighbours() -> None:
    town = Town([row(f"d{k}", f"a/s{k}", lat=54.0 + k) for k in range(3)])
    found, first = around(town, 3), np.zeros(64, np.int64)
    first[found.slots[1]] = 100
    assert found.near(100, first).rows[0, :2].tolist() == [2, -1]
    assert found.near(101, first).rows[0, :2].tolist() == [1, 2]


def test_a_private_station_looks_at_others_and_is_not_looked_at() -> None:
    town = Town([row(f"d{k}", f"a/s{k}", lat=54.0 + k, private=k == 1) for k in range(3)])
    near = around(town, 3).near(1 << 40, np.zeros(64, np.int64))
    assert near.rows[0, :2].tolist() == [2, -1]
    assert near.rows[1, :2].tolist() == [0, 2]


def test_sixteen_nearest_of_so_many_sensors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SENSORS_MAX", 20)
    town = Town([row(f"d{k}", f"a/s{k}", lat=54.0 + k) for k in range(25)])
    found = around(town, 25)
    assert len(found.slots) == 20
    near = found.near(1 << 40, np.zeros(64, np.int64))
    assert near.rows[0].tolist() == list(range(1, NEAREST_MAX + 1))


def test_so_many_tables_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_MAX", 2)
    town = Town([row(f"d{k}", f"a/s{k}", lat=54.0 + k) for k in range(4)])
    found, first = around(town, 4), np.arange(64)
    for end in (1, 2, 3, 4):
        found.near(end, first)
    assert len(found._kept) == 2
