"""`cityvitals place`: rows are added whole, checked by the rules of the file itself."""

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from cityvitals.place import Wanted, add, listing
from edge import places
from edge.places import PlaceRow, PlacesError
from ingest.store import Store

ROW = PlaceRow(
    1_000, "town", "centre", "s1", "d1", "Old Bridge", 52.5, 13.4, "Europe/Berlin", 10.0,
    length_km=1.5, lanes=2, posted_kmh=50.0,
)
WANTED = Wanted(
    "d2", "centre", "s1", "", None, None, "", 60.0, "2026-01-31T00:00:00Z", 0.0, 0, 0.0, 0, 0.0, "",
)
HELD_MS = 1_790_000_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "places.csv").write_text(places.render([ROW]), encoding="utf-8")
    return tmp_path


def test_a_second_device_takes_what_the_station_has(folder: Path) -> None:
    row = add(folder, WANTED)
    assert row == PlaceRow(
        1_769_817_600_000, "town", "centre", "s1", "d2", "Old Bridge", 52.5, 13.4,
        "Europe/Berlin", 60.0, length_km=1.5, lanes=2, posted_kmh=50.0,
    )
    assert places.load(folder / "places.csv") == [ROW, row]


def test_road_data_that_are_given_stand_beside_those_of_the_station(folder: Path) -> None:
    row = add(folder, WANTED._replace(
        lanes=3, road_class="urban-2", capacity_vph=2400.0, g_m=6.5, occupants=1.4,
        heavy_share=0.1))
    assert (row.length_km, row.lanes, row.posted_kmh) == (1.5, 3, 50.0)
    assert (row.road_class, row.capacity_vph, row.g_m) == ("urban-2", 2400.0, 6.5)
    after = add(folder, WANTED._replace(device="d3"))
    assert (after.lanes, after.capacity_vph, after.occupants, after.heavy_share) == (
        3, 2400.0, 1.4, 0.1)


def test_a_correction_is_that_of_the_device(folder: Path) -> None:
    assert add(folder, WANTED._replace(correction="purpleair-atm")).correction == "purpleair-atm"
    assert add(folder, WANTED._replace(device="d3")).correction == ""
    with pytest.raises(PlacesError, match="correction = 'purple': must be empty or one of"):
        add(folder, WANTED._replace(correction="purple"))


def test_a_private_station_stays_private(folder: Path) -> None:
    rows = [replace(ROW, private=True)]
    (folder / "places.csv").write_text(places.render(rows), encoding="utf-8")
    assert add(folder, WANTED).private


def test_a_new_station_needs_a_position(folder: Path) -> None:
    with pytest.raises(PlacesError, match=r"centre/s9 is a new station: .* --lat and --lon"):
        add(folder, WANTED._replace(station="s9"))
    row = add(folder, WANTED._replace(station="s9", lat=0.0, lon=0.0, name="Zero, \"quoted\""))
    assert (row.lat, row.lon, row.tz, row.city) == (0.0, 0.0, "Europe/Berlin", "town")
    assert places.load(folder / "places.csv")[-1] == row


def test_the_first_place_needs_city_and_zone(tmp_path: Path) -> None:
    first = WANTED._replace(lat=1.0, lon=2.0)
    with pytest.raises(PlacesError, match="--city and --tz"):
        add(tmp_path, first)
    assert add(tmp_path, first._replace(city="town", tz="UTC")).city == "town"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"tz": "Mars/Base"}, "tz = 'Mars/Base'"),
        ({"lat": 91.0}, "lat = "),
        ({"device": "No Id"}, "device = 'No Id'"),
        ({"period_s": 0.0}, "period_s = "),
        ({"since": "yesterday"}, "--from = 'yesterday'"),
        ({"since": "2026-01-31T00:00:00"}, "needs a zone"),
    ],
)
def test_a_row_that_breaks_a_rule_changes_nothing(
    folder: Path, wrong: dict[str, object], said: str
) -> None:
    before = (folder / "places.csv").read_bytes()
    with pytest.raises(PlacesError, match=said):
        add(folder, WANTED._replace(**wrong))
    assert (folder / "places.csv").read_bytes() == before


def test_a_held_device_is_valid_from_its_first_held_reading(folder: Path) -> None:
    store = Store.create(folder / "store.db")
    held = [{"device": "d2", "first_ms": HELD_MS}]
    store.write_health({"at_ms": 1, "held": held})
    assert add(folder, WANTED._replace(since="")).valid_from_ms == HELD_MS
    assert add(folder, WANTED._replace(since="", device="d3")).valid_from_ms != HELD_MS
    store.close()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlacesError, match="no such folder"):
        add(tmp_path / "nowhere", WANTED)


def test_many_at_once_lose_no_row(folder: Path) -> None:
    jobs = [
        threading.Thread(target=add, args=(folder, WANTED._replace(device=f"x{i}")))
        for i in range(12)
    ]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert len(places.load(folder / "places.csv")) == 13


def test_listing_shows_the_row_of_now(folder: Path) -> None:
    later = PlaceRow(
        2_000, "town", "centre", "s2", "d1", "New Bridge", 52.5, 13.4, "UTC", 10.0,
        status="retired",
    )
    path = folder / "places.csv"
    path.write_text(places.render([ROW, later]), encoding="utf-8")
    (line,) = listing(folder, as_json=False)
    assert "centre/s2" in line
    assert "retired" in line
    (row,) = map(json.loads, listing(folder, as_json=True))
    assert row["station"] == "s2"
    assert row["valid_from_ms"] == 2_000
