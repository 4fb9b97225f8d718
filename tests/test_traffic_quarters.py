"""Level of service of quarters of an hour; a real month: tests/test_real_traffic.py."""

import math
from typing import Any

import numpy as np
import pytest

from engine.traffic_quarters import quarter_speed
from tests.town import Reading, Town, at, row

START = at("2026-03-02 10:00")
PLACE = "a/s"


def levels(kmh: float, vehicles: float | None, **more: Any) -> dict[str, float]:
    """What is said of a quarter: three bins alike."""
    town = Town([row("d", PLACE, 300, posted_kmh=100, **more)])
    for k in range(3):
        town.take([Reading("d", "speed", START + 300 * k, kmh)])
        if vehicles is not None:
            town.take([Reading("d", "count", START + 300 * k, vehicles)])
    town.tick(START + 1000)
    return {
        name: town.last(f"traffic.{name}", PLACE)[START + 900][0]
        for name in ("los_freeway", "los_urban_hcm2000", "los_urban_hcm2010")
        if town.last(f"traffic.{name}", PLACE)
    }


def test_a_freeway_by_density_in_passenger_cars() -> None:
    """100 vehicles a bin at 100 km/h on 2 lanes: 6 a km and lane, 9.7 a mile; 11.6 with lorries."""
    assert levels(100.0, 100.0, lanes=2, road_class="freeway") == {"los_freeway": 1}
    assert levels(100.0, 100.0, lanes=2, road_class="freeway", heavy_share=0.2) == {
        "los_freeway": 2}
    assert levels(100.0, 100.0, lanes=2, road_class="freeway", capacity_vph=1100) == {
        "los_freeway": 6}


def test_a_street_by_speed_and_by_percent_of_free_flow() -> None:
    found = levels(30.0, 10.0, road_class="urban-3")
    assert found == {"los_urban_hcm2000": 3, "los_urban_hcm2010": 6}
    assert levels(30.0, None, road_class="urban-3") == found


def test_roads_without_class_lanes_or_counter() -> None:
    assert levels(30.0, 10.0) == {}
    assert levels(30.0, 10.0, road_class="freeway") == {}
    assert levels(30.0, None, road_class="freeway", lanes=2) == {}


def test_each_of_the_three_bins_is_needed() -> None:
    town = Town([row("d", PLACE, 300, road_class="urban-1")])
    town.take(Reading("d", "speed", START + 300 * k, 50.0) for k in (0, 2))
    town.tick(START + 1000)
    assert math.isnan(town.last("traffic.los_urban_hcm2000", PLACE)[START + 900][0])


def test_speed_of_a_quarter_is_by_vehicles() -> None:
    speeds = np.array([[30.0, 60.0, 60.0]] * 3)
    vehicles = np.array([[20.0, 5, 5], [np.nan, 5, 5], [0.0, 0, 0]])
    expected = [30 / (20 / 30 + 10 / 60), 45.0, 45.0]
    assert quarter_speed(speeds, vehicles).tolist() == pytest.approx(expected)


def test_an_area_has_the_mean_by_vehicle_kilometres() -> None:
    town = Town([row("d", PLACE, 300, road_class="urban-3", length_km=1.0),
                 row("e", "a/t", 300, road_class="urban-3", length_km=3.0)])
    for k in range(3):
        for device, kmh in (("d", 60.0), ("e", 10.0)):
            town.take([Reading(device, "speed", START + 300 * k, kmh),
                       Reading(device, "count", START + 300 * k, 10.0)])
    town.tick(START + 1000)
    assert town.last("traffic.los_urban_hcm2000", "a/_")[START + 900][0] == pytest.approx(4.75)
