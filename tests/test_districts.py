"""The list of simville's stations."""

import math
from collections import Counter

from edge.places import ROAD_CLASSES
from edge.quantities import QUANTITIES
from edge.topics import is_id
from engine.generation import SOURCES
from simulators import districts


def test_simville_has_72_stations_of_three_kinds_in_three_districts() -> None:
    stations = districts.stations()
    assert len(stations) == 72
    kinds = Counter((row.district, row.kind) for row in stations)
    for district in districts.DISTRICTS:
        assert [kinds[district.id, kind] for kind in ("air", "road", "feeder")] == [10, 8, 6]


def test_ids_are_ids_and_devices_are_unique() -> None:
    stations = districts.stations()
    assert len({row.device for row in stations}) == len({row.path for row in stations}) == 72
    for row in stations:
        assert is_id(row.device)
        assert is_id(row.station)
        assert set(row.quantities) <= set(QUANTITIES)


def test_road_and_meter_attributes_stand_where_they_apply() -> None:
    stations = districts.stations()
    for row in stations:
        road = row.kind == "road"
        assert [row.length_km > 0, row.lanes > 0, row.posted_kmh > 0] == [road] * 3
        assert [row.road_class in ROAD_CLASSES, row.capacity_vph >= 900] == [road] * 2
        assert row.customers >= (1 if row.kind == "feeder" else 0)
    assert sum("energy" in row.quantities for row in stations) == 2


def test_stations_stand_apart_and_within_the_city() -> None:
    spots = [(row.lat, row.lon) for row in districts.stations()]
    assert len(set(spots)) == 72
    for lat, lon in spots:
        assert abs(lat - districts.CENTRE_LAT) < 0.08
        assert abs(lon - districts.CENTRE_LON) < 0.10


def test_plants_of_five_sources_feed_in_where_they_are_measured() -> None:
    stations = districts.stations()
    plants = [row for row in stations if row.source]
    assert [row for row in stations if "generation" in row.quantities] == plants
    assert len({row.source for row in plants}) == len(plants) == 5
    for row in plants:
        assert not math.isnan(SOURCES[row.source].g_per_kwh)
        assert row.plant_kw > 0
