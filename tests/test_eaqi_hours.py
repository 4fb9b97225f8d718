"""European index, live: real hours against a slow computation, and what restates what."""

import math

import pytest

from tests import reference_air
from tests.real_air import AT_MARYLEBONE, NAMES, marylebone
from tests.town import Reading, Town, at, row

HOUR = at("2026-03-02 10:00")
PLACE = "centre/air"
EU = (1.0, 1.0, 1.996, 1.164, 2.661, 1.912)


def test_two_real_weeks_at_marylebone_road() -> None:
    """Each hour: converted, rounded, looked up by hand."""
    year = marylebone()
    first, count = 24 * 60, 24 * 14
    start = AT_MARYLEBONE + first * 3600
    town = Town([row("a1", PLACE, 3600, since="2004-01-01")])
    town.keep("air.eaqi_2024")
    for hour in range(count):
        town.take(
            Reading("a1", name, start + hour * 3600, year[i][first + hour])
            for i, name in enumerate(NAMES) if not math.isnan(year[i][first + hour])
        )
        town.tick(start + (hour + 1) * 3600)
    town.tick(start + (count + 2) * 3600)
    said = {name: town.last(f"air.eaqi_2024{name}", PLACE)
            for name in ("", "_pm25", "_pm10", "_o3", "_so2", "_no2")}
    seen = set()
    for hour in range(count):
        end = start + (hour + 1) * 3600
        bands = [
            reference_air.band(0, i, year[i][first + hour] * EU[i]) for i in (0, 1, 2, 4, 5)
        ]
        for name, value in zip(("_pm25", "_pm10", "_o3", "_so2", "_no2"), bands, strict=True):
            assert said[name][end][0] == pytest.approx(value, nan_ok=True), (name, hour)
        pm25, pm10, o3, _, no2 = bands
        lacking = math.isnan(no2) or math.isnan(o3) or (math.isnan(pm25) and math.isnan(pm10))
        worst = max((value for value in bands if not math.isnan(value)), default=math.nan)
        overall = math.nan if lacking else worst
        assert said[""][end][0] == pytest.approx(overall, nan_ok=True)
        seen.add(overall)
    assert len({value for value in seen if not math.isnan(value)}) >= 3


def hour_of(town: Town, quantity: str, start: int, value: float, count: int = 60) -> None:
    town.take(Reading("a1", quantity, start + 60 * k, value) for k in range(count))


def test_a_late_hour_restates_itself_alone() -> None:
    town = Town([row("a1", PLACE)])
    for hour in range(4):
        for quantity in ("pm25", "no2"):
            if (hour, quantity) != (1, "no2"):
                hour_of(town, quantity, HOUR + 3600 * hour, 3.0)
    town.tick(HOUR + 4 * 3600 + 60)
    assert math.isnan(town.last("air.eaqi_2024", PLACE)[HOUR + 7200][0])
    hour_of(town, "no2", HOUR + 3600, 30.0)
    town.tick(HOUR + 4 * 3600 + 120)
    found = town.last("air.eaqi_2024", PLACE)
    assert [found[HOUR + 3600 * k] for k in range(1, 5)] == [
        (1.0, 1), (3.0, 2), (1.0, 1), (1.0, 1)]


def test_a_station_without_any_of_its_pollutants_says_nothing() -> None:
    town = Town([row("a1", PLACE)])
    hour_of(town, "co", HOUR, 1.0)
    town.tick(HOUR + 3660)
    assert not town.last("air.eaqi_2024", PLACE)


def test_a_lone_particle_sensor_has_its_own_band_and_no_index() -> None:
    """Nothing is filled in: EEA's own maps would take the rest from a model."""
    town = Town([row("a1", PLACE)])
    hour_of(town, "pm25", HOUR, 60.0)
    town.tick(HOUR + 3660)
    assert town.last("air.eaqi_2024_pm25", PLACE) == {HOUR + 3600: (4.0, 1)}
    assert math.isnan(town.last("air.eaqi_2024", PLACE)[HOUR + 3600][0])
