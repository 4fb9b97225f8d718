"""Limit values of the EU and ozone's season, live: a real year against a slow computation."""

import math
from datetime import UTC, datetime

import numpy as np
import pytest

from engine.air_limit_days import twelve_months
from tests import reference_air, reference_limits
from tests.real_air import AT_MARYLEBONE, NAMES, marylebone, year_at_marylebone
from tests.town import Reading, Town, at, row

PLACE = "centre/air"
DAY_S = 86_400
DAYS = {"pm10": (1.0, 50), "so2": (2.661, 125), "o3": (1.996, 120), "co": (1.164, 10)}
HOURS = {"eu_hours_no2": (1.912, 200), "eu_hours_so2": (2.661, 350), "eu_hours_o3": (1.996, 180),
         "eu_alert_hours_o3": (1.996, 240)}


@pytest.fixture(scope="module")
def town() -> Town:
    """2004 at Marylebone Road; the clock goes four days at a time."""
    return year_at_marylebone(PLACE, 4, "air.eu_days_pm10", "air.who_o3_season")


def daily(name: str, day: int) -> float:
    """Value of a day in canonical units."""
    hours = marylebone()[NAMES.index(name)]
    if name in ("pm10", "so2"):
        return reference_air.mean_of(hours[24 * day : 24 * day + 24], 18, clipped=False)
    before = hours[max(24 * day - 7, 0) : 24 * day + 24]
    newest = [*reversed(before), *[math.nan] * 7]
    return reference_air.highest_8h(newest, 24)


def test_days_above_of_every_day_of_the_year(town: Town) -> None:
    for name, (factor, limit) in DAYS.items():
        told = town.last(f"air.eu_days_{name}", PLACE)
        above = known = 0
        for day in range(366):
            value = daily(name, day)
            known += not math.isnan(value)
            above += reference_air.who_ratio(value * factor, limit) > 1
            found = told[AT_MARYLEBONE + (day + 1) * DAY_S][0]
            assert found == pytest.approx(above if known else math.nan, nan_ok=True), (name, day)
        assert known > 200, name
    last = AT_MARYLEBONE + 366 * DAY_S
    assert town.last("air.eu_days_pm10", PLACE)[last][0] == 20


def test_hours_above_of_every_day_of_the_year(town: Town) -> None:
    for name, (factor, limit) in HOURS.items():
        hours = marylebone()[NAMES.index(name.rpartition("_")[2])]
        told = town.last(f"air.{name}", PLACE)
        above = 0
        for day in range(366):
            of = [x for x in hours[24 * day : 24 * day + 24] if not math.isnan(x)]
            above += sum(x * factor > limit for x in of)
            found = told[AT_MARYLEBONE + (day + 1) * DAY_S][0]
            assert math.isnan(found) or found == above, (name, day)
    last = AT_MARYLEBONE + 366 * DAY_S
    assert town.last("air.eu_hours_no2", PLACE)[last][0] > 18


def test_the_season_of_ozone_needs_a_year(town: Town) -> None:
    told = town.last("air.who_o3_season", PLACE)
    months = reference_limits.months_of(
        datetime(2004, 12, 31, tzinfo=UTC).toordinal())
    first = datetime(2004, 1, 1, tzinfo=UTC).toordinal()
    days = [daily("o3", day - first) for day in range(months[0], months[12])]
    means = []
    for start, end in zip(months[:7], months[6:], strict=True):
        there = [x for x in days[start - first : end - first] if not math.isnan(x)]
        assert len(there) >= 0.75 * (end - start)
        means.append(math.fsum(there) / len(there))
    last = AT_MARYLEBONE + 366 * DAY_S
    assert told[last][0] == pytest.approx(max(means) * 1.96 / 60, rel=1e-8)
    assert math.isnan(told[AT_MARYLEBONE + 180 * DAY_S][0])


def test_the_twelve_months_end_with_the_newest_that_is_over() -> None:
    for day in (datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC),
                datetime(2024, 2, 29, tzinfo=UTC), datetime(2026, 12, 30, tzinfo=UTC)):
        found = twelve_months(np.array([day.toordinal()]))[0].tolist()
        assert found == reference_limits.months_of(day.toordinal())


def test_a_late_reading_restates_its_day_and_those_after() -> None:
    start = at("2026-03-02 00:00")
    town = Town([row("a1", PLACE, 3600)])
    town.keep("air.eu_days_pm10")
    for hour in range(24 * 3):
        if not 5 <= hour < 12:
            town.take([Reading("a1", "pm10", start + 3600 * hour, 40.0)])
        town.tick(start + 3600 * (hour + 1))
    town.take(Reading("a1", "pm10", start + 3600 * hour, 400.0) for hour in range(5, 12))
    town.tick(start + 3 * DAY_S + 3660)
    days = town.last("air.eu_days_pm10", PLACE)
    assert [days[start + k * DAY_S] for k in (1, 2)] == [(1.0, 2)] * 2


def test_ozone_above_both_of_its_thresholds() -> None:
    """100 and 125 ppb are 199.6 and 249.5 µg/m³."""
    start = at("2026-07-01 00:00")
    town = Town([row("a1", PLACE, 3600)])
    town.keep("air.eu_hours_o3")
    town.take(Reading("a1", "o3", start + 3600 * hour, {13: 125.0, 14: 100.0}.get(hour, 40.0))
              for hour in range(24))
    town.tick(start + DAY_S + 60)
    for name, hours in (("eu_hours_o3", 2.0), ("eu_alert_hours_o3", 1.0)):
        assert town.last(f"air.{name}", PLACE)[start + DAY_S] == (hours, 1)


def test_a_station_without_the_pollutant_says_nothing_of_it() -> None:
    town = Town([row("a1", PLACE, 3600)])
    town.take(Reading("a1", "no2", at("2026-03-02 00:00") + 3600 * hour, 150.0)
              for hour in range(24))
    town.tick(at("2026-03-03 00:02"))
    assert {key for _, key, *_ in town.said() if ".eu" in key or "season" in key} == {
        "air.eu_hours_no2", "air.eu_year_no2", "air.eu2030_hours_no2", "air.eu2030_days_no2"}
    assert town.last("air.eu_hours_no2", PLACE)[at("2026-03-03 00:00")][0] == 24.0
