"""What `up` reads of ingest, from a real store file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cityvitals.gauge import Gauge
from edge.places import PlaceKey
from ingest.store import PlaceInfo, Store

NOW_MS = 1_790_000_000_000


def health(**changes: Any) -> dict[str, Any]:
    return {
        "format": 1, "at_ms": NOW_MS, "clock": {"kind": "wall", "now_ms": NOW_MS},
        "broker": {"url": "mqtt://127.0.0.1:1", "connected": True, "since_ms": NOW_MS},
        "received": 10, "readings_per_s": 2.5, "points": 7, "oldest_s": 3.0, "sinks": [],
        "disk": {"error": ""},
        "held": [], **changes,
    }


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store.create(tmp_path / "store.db")
    yield made
    made.close()


@pytest.fixture
def gauge(tmp_path: Path) -> Gauge:
    return Gauge(tmp_path / "store.db", NOW_MS - 60_000)


def test_without_a_store_there_is_nothing_yet(gauge: Gauge) -> None:
    assert gauge.read(NOW_MS).readings == 0
    assert gauge.read(NOW_MS).oldest_s is None
    assert not gauge.connected(NOW_MS)


def test_counts_come_from_health_and_stations_alone_are_places(
    gauge: Gauge, store: Store
) -> None:
    store.write_health(health())
    keys = [PlaceKey("c", "d", "s1"), PlaceKey("c", "d", "s2"), PlaceKey("c", "d", "")]
    store.write_places([PlaceInfo(key, "n", 0.0, 0.0, "UTC", 0.0, 0, 0.0) for key in keys])
    vitals = gauge.read(NOW_MS)
    assert vitals[:5] == (10, 2.5, 7, 2, 3.0)
    assert vitals.trouble == ()
    assert gauge.connected(NOW_MS)


def test_health_of_an_earlier_run_counts_for_nothing(gauge: Gauge, store: Store) -> None:
    store.write_health(health(at_ms=NOW_MS - 60_001))
    assert gauge.read(NOW_MS).readings == 0
    assert not gauge.connected(NOW_MS)


def test_five_seconds_of_silence_are_said(gauge: Gauge, store: Store) -> None:
    store.write_health(health())
    assert gauge.read(NOW_MS + 5_000).trouble == ()
    assert gauge.read(NOW_MS + 5_001).trouble == ("ingest has said nothing for 5 s",)
    assert not gauge.connected(NOW_MS + 5_001)


def test_what_is_wrong_is_said(gauge: Gauge, store: Store) -> None:
    sink = {"name": "influx", "queued": 12, "error": "connection refused"}
    store.write_health(health(
        broker={"url": "mqtt://127.0.0.1:1", "connected": False, "since_ms": 0},
        sinks=[sink, {"name": "store", "queued": 0, "error": ""}], held=[{"device": "x"}],
    ))
    assert gauge.read(NOW_MS).trouble == (
        "ingest has no session with the broker",
        "influx: connection refused, 12 waiting",
        "1 unknown devices wait for `cityvitals place add`",
    )


def test_a_recording_shows_its_own_time(gauge: Gauge, store: Store) -> None:
    clock = {"kind": "recorded", "now_ms": 1_546_300_800_000}
    store.write_health(health(clock=clock))
    assert gauge.read(NOW_MS).clock == "2019-01-01 00:00:00 UTC"
