"""Writes beside the loop: pieces, readings in between, what fails is the loop's to know."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.places import PlaceKey
from engine.catalogue import POSITION
from engine.points import Points, empty
from ingest.store import Store, StoreError
from ingest.store_now import LatestReadings
from ingest.store_thread import PIECE_ROWS, StoreThread

KEYS = [PlaceKey("ulm", "centre", f"s{n}") for n in range(2 * PIECE_ROWS + 50)]
END_S = 20_414 * 86_400


def open_points(count: int, value: float = 1.0) -> Points:
    """One open point of as many stations."""
    points = empty(count)
    points.place[:] = np.arange(count)
    points.indicator[:] = POSITION["air.us_aqi"]
    points.end_s[:] = END_S
    points.value[:] = value
    return points


def reading(value: float) -> LatestReadings:
    """The latest reading of one sensor."""
    one = np.ones(1, np.int64)
    return LatestReadings(one, one * int(value), one * value, one, one * 1.0)


@pytest.fixture
def store(tmp_path: Path) -> Any:
    store = Store.create(tmp_path / "store.db")
    assert store.sensors([("centre/s1", "d1", "pm25", "")]).tolist() == [1]
    yield store
    store.close()


def test_all_of_it_is_in_the_store_after_drain_and_after_stop(store: Store) -> None:
    beside = StoreThread(store)
    beside.drain()  # nothing was ever given
    beside.put_points(open_points(len(KEYS)), KEYS, 7)
    beside.put_readings(reading(1.0))
    beside.drain()
    assert beside.takes_points
    assert beside.takes_readings
    assert len(store.last()) == len(KEYS)
    assert [row.value for row in store.readings()] == [1.0]
    assert beside.readings_s > 0
    assert beside.points_s > 0
    beside.put_points(open_points(len(KEYS), 2.0), KEYS, 8)
    beside.put_readings(reading(2.0))
    beside.stop()
    assert {(row.value, row.known_ms) for row in store.last()} == {(2.0, 8)}
    assert [row.value for row in store.readings()] == [2.0]


def test_stopped_before_it_began(store: Store) -> None:
    StoreThread(store).stop()


def test_readings_and_the_loop_go_between_two_pieces(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside, order, loop = StoreThread(store), list[str](), threading.Event()
    write, write_latest = store.write, store.write_latest

    def piece(points: Points, *rest: Any) -> Any:
        order.append(f"piece {len(points)}")
        done = write(points, *rest)
        if len(order) == 1:
            beside.put_readings(reading(1.0))
            loop.set()
        return done

    def latest(rows: Any) -> None:
        order.append("readings")
        write_latest(rows)

    monkeypatch.setattr(store, "write", piece)
    monkeypatch.setattr(store, "write_latest", latest)
    beside.put_points(open_points(len(KEYS)), KEYS, 7)
    assert loop.wait(10)
    closed = open_points(1)
    closed.state[:] = closed.rev[:] = 1
    write(closed, KEYS, 9)  # of a window whose open points may still wait
    beside.drain()
    assert order == [f"piece {PIECE_ROWS}", "readings", f"piece {PIECE_ROWS}", "piece 50"]
    rows = {row.state: row for row in store.last() if row.path == "centre/s0"}
    assert set(rows) == {1}
    beside.stop()


def test_what_fails_in_the_thread_is_raised_in_the_loop(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store.db")
    store.close()
    beside = StoreThread(store)
    beside.put_readings(reading(1.0))
    with pytest.raises(StoreError, match=r"store\.db"):
        beside.drain()
    for ask in (
        lambda: beside.takes_readings, lambda: beside.takes_points,
        lambda: beside.put_readings(reading(2.0)),
        lambda: beside.put_points(open_points(1), KEYS, 7),
    ):
        with pytest.raises(StoreError, match=r"store\.db"):
            ask()
    beside.stop()


def test_the_newest_health_object_is_kept(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store.db")
    beside = StoreThread(store)
    beside.put_health({"at_ms": 1})
    beside.put_health({"at_ms": 2})
    beside.drain()
    assert store.health() == {"at_ms": 2}
    assert store.health(1) == {"at_ms": 2}
    assert store.health(2) is None
    beside.stop()
    store.close()
