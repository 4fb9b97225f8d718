"""Air: from readings to the index, end to end against the slow reference."""

import csv
import gzip
import math
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from edge.places import load
from tests import reference
from tests.town import Reading, Town, at, row

SAMPLE = Path(__file__).parent.parent / "simulators" / "samples"
NAN = math.nan
INPUTS = ("pm25", "pm10", "o3", "co", "so2", "no2")
NAMES = (
    "us_aqi", "us_aqi_pm25", "us_aqi_pm10", "us_aqi_o3", "us_aqi_co", "us_aqi_so2", "us_aqi_no2",
    "nowcast_pm25", "nowcast_pm10",
)
HOUR = at("2026-03-02 10:00")


def same(got: float, expected: float) -> bool:
    """Equal, or both none."""
    return got == expected or (math.isnan(got) and math.isnan(expected))


def minutes(
    town: Town, device: str, quantity: str, hour_s: int, count: int, value: float
) -> None:
    """Readings of the first `count` minutes of an hour."""
    town.take(Reading(device, quantity, hour_s + 60 * k, value) for k in range(count))


def test_a_real_week_at_marylebone_road() -> None:
    """Every hour and day of the sample: the engine against the reference on its hourly means."""
    town = Town(load(SAMPLE / "sample_places.csv"))
    means: dict[str, dict[int, float]] = {name: defaultdict(lambda: NAN) for name in INPUTS}
    with gzip.open(SAMPLE / "sample.csv.gz", "rt", encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            if line["place"] != "kerbside/marylebone":
                continue
            second = int(datetime.fromisoformat(line["time"]).timestamp())
            means[line["quantity"]][second // 3600] = float(line["value"])
            town.take([Reading(
                "laqn-marylebone", line["quantity"], second, float(line["value"])
            )])
            town.tick(second + 3600)
    first = min(min(hours) for hours in means.values())
    last = max(max(hours) for hours in means.values())
    town.tick((last + 30) * 3600)
    place = "kerbside/marylebone"
    said = {name: town.last(f"air.{name}", place) for name in (*NAMES, "us_aqi_day")}
    for hour in range(first, last + 1):
        window = np.array([[[means[name][hour - k] for k in range(24)] for name in INPUTS]])
        expected = np.zeros((1, 9))
        reference.station_aqi(window, expected)
        for name, value in zip(NAMES, expected[0].tolist(), strict=True):
            assert same(said[name][(hour + 1) * 3600][0], value), (name, hour)
    days = range(first // 24, last // 24)
    assert len(days) == 6
    for day in days:
        hours = range(day * 24 - 7, day * 24 + 24)
        window = np.array([[[means[name][hour] for hour in hours] for name in INPUTS]])
        expected = np.zeros((1, 7))
        reference.day_aqi(window, expected)
        assert same(said["us_aqi_day"][(day + 1) * 86_400][0], float(expected[0, 0]))


@pytest.mark.parametrize(("count", "value"), [(45, 50.0), (44, NAN), (60, 50.0)])
def test_an_hour_needs_45_minutes(count: int, value: float) -> None:
    town = Town([row("a1", "centre/air")])
    minutes(town, "a1", "no2", HOUR, count, 53.0)
    town.tick(HOUR + 3660)
    assert same(town.last("air.us_aqi_no2", "centre/air")[HOUR + 3600][0], value)


def test_nine_readings_in_five_minute_steps_are_45_minutes() -> None:
    for count, value in ((9, 50.0), (8, NAN)):
        town = Town([row("a1", "centre/air", 300)])
        town.take(Reading("a1", "no2", HOUR + 300 * k, 53.0) for k in range(count))
        town.tick(HOUR + 3660)
        assert same(town.last("air.us_aqi_no2", "centre/air")[HOUR + 3600][0], value)


def test_a_reading_an_hour_is_an_hourly_mean_and_one_in_two_hours_is_not() -> None:
    for period, value in ((3600, 50.0), (7200, NAN)):
        town = Town([row("a1", "centre/air", period)])
        town.take([Reading("a1", "no2", HOUR, 53.0)])
        town.tick(HOUR + 3660)
        assert same(town.last("air.us_aqi_no2", "centre/air")[HOUR + 3600][0], value)


def test_two_devices_are_averaged_over_their_valid_hours() -> None:
    town = Town([row("a1", "centre/air"), row("a2", "centre/air")])
    minutes(town, "a1", "no2", HOUR, 60, 40.0)
    minutes(town, "a2", "no2", HOUR, 60, 66.0)
    minutes(town, "a1", "no2", HOUR + 3600, 60, 40.0)
    minutes(town, "a2", "no2", HOUR + 3600, 44, 66.0)
    town.tick(HOUR + 7260)
    found = town.last("air.us_aqi_no2", "centre/air")
    assert found[HOUR + 3600][0] == reference.sub_index(5, 1, 53.0)
    assert found[HOUR + 7200][0] == reference.sub_index(5, 1, 40.0)


def test_a_minute_with_many_readings_weighs_by_its_readings() -> None:
    """The hourly mean is that of the readings, not of the minutes."""
    town = Town([row("a1", "centre/air")])
    minutes(town, "a1", "no2", HOUR, 60, 40.0)
    town.take(Reading("a1", "no2", HOUR + k / 2, 100.0) for k in range(60))
    town.tick(HOUR + 3660)
    assert town.last("air.us_aqi_no2", "centre/air")[HOUR + 3600][0] == reference.sub_index(
        5, 1, 70.0
    )


def test_of_a_pollutant_without_a_sensor_nothing_is_said() -> None:
    town = Town([row("a1", "centre/air")])
    minutes(town, "a1", "pm25", HOUR, 60, 20.0)
    town.tick(HOUR + 3660)
    said = {key for path, key, *_ in town.said() if path == "centre/air"}
    assert {key for key in said if "us_aqi" in key or "nowcast" in key} == {
        "air.us_aqi", "air.us_aqi_pm25", "air.nowcast_pm25"}
    assert not any("no2" in key or "o3" in key for key in said)


def test_a_sensor_that_came_later_was_not_missing_before() -> None:
    """Also when an hour before it is said anew."""
    town = Town([row("a1", "centre/air")])
    minutes(town, "a1", "pm25", HOUR, 50, 20.0)
    town.tick(HOUR + 3660)
    minutes(town, "a1", "pm25", HOUR + 3600, 60, 20.0)
    minutes(town, "a1", "no2", HOUR + 3600, 60, 53.0)
    minutes(town, "a1", "pm25", HOUR + 3000, 10, 20.0)
    town.tick(HOUR + 7260)
    assert town.last("air.us_aqi_pm25", "centre/air")[HOUR + 3600][1] == 2
    assert list(town.last("air.us_aqi_no2", "centre/air")) == [HOUR + 7200]


def test_coverage_and_readings_are_those_of_the_window_of_each() -> None:
    town = Town([row("a1", "centre/air")])
    for hour in range(10):
        for quantity in ("pm25", "o3", "no2"):
            minutes(town, "a1", quantity, HOUR + 3600 * hour, 60, 20.0)
    town.tick(HOUR + 36_060)
    final = town.final()
    for name, cov, n in (
        ("us_aqi_pm25", 10 / 12, 600), ("us_aqi_o3", 1.0, 480), ("us_aqi_no2", 1.0, 60),
    ):
        found = final["centre/air", f"air.{name}", HOUR + 36_000]
        assert (found[3], found[2]) == (pytest.approx(cov), n)
    overall = final["centre/air", "air.us_aqi", HOUR + 36_000]
    assert overall[2:4] == (1140, pytest.approx((10 / 12 + 2) / 3))


def test_a_late_hour_changes_the_day_of_which_it_is_a_part() -> None:
    """Hours until 07:00 are part of the running means that end in the next day, too."""
    town = Town([row("a1", "centre/air", 3600, tz="America/New_York")])
    midnight = at("2026-07-02 05:00")  # 00:00 in standard time, which the clock shows as 01:00
    for hour in range(48):
        if hour != 20:
            town.take([Reading("a1", "o3", midnight + 3600 * hour, 30.0)])
    town.tick(midnight + 49 * 3600)
    days = town.last("air.us_aqi_day", "centre/air")
    assert list(days) == [midnight + 86_400, midnight + 2 * 86_400]
    town.take([Reading("a1", "o3", midnight + 3600 * 20, 200.0)])
    town.tick(midnight + 49 * 3600 + 60)
    again = town.last("air.us_aqi_day", "centre/air")
    assert [again[end][1] for end in sorted(again)] == [2, 2]
    assert all(again[end][0] > days[end][0] for end in days)
