"""Days and years of air, live: a real year against a slow computation, and what restates what."""

import math
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest

from engine.air_years import first_of_years
from tests import reference_air
from tests.real_air import AT_MARYLEBONE, NAMES, marylebone, year_at_marylebone
from tests.town import Reading, Town, at, row

NAN = math.nan
PLACE = "centre/air"
DAY_S = 86_400
WHO = (1.0, 1.0, 1.96, 1.145, 2.62, 1.88)
AQG = {"pm25": 15, "pm10": 45, "o3": 100, "co": 4, "so2": 40, "no2": 25}
YEARS = {"pm25": 1.0, "pm10": 1.0, "o3": 1.96, "so2": 2.62, "no2": 1.9}


@pytest.fixture(scope="module")
def town() -> Town:
    """2004 at Marylebone Road, hour by hour; the clock goes three days at a time."""
    return year_at_marylebone(PLACE, 3, "air.year_pm25")


def daily(i: int, day: int) -> float:
    """Value of a day in the unit of WHO."""
    hours = marylebone()[i]
    if NAMES[i] != "o3":
        return reference_air.mean_of(hours[24 * day : 24 * day + 24], 18, clipped=False) * WHO[i]
    running = [
        reference_air.mean_of(hours[max(last - 7, 0) : last + 1], 6)
        for last in range(24 * day, 24 * day + 24)
    ]
    known = [mean for mean in running if not math.isnan(mean)]
    return max(known) * WHO[i] if len(known) >= 18 else NAN


def test_every_day_of_the_year_against_who(town: Town) -> None:
    for i, name in enumerate(NAMES):
        ratios = town.last(f"air.who_{name}_{'8h' if name == 'o3' else '24h'}", PLACE)
        days = town.last(f"air.who_days_{name}", PLACE)
        above = known = 0
        for day in range(366):
            value, end = daily(i, day), AT_MARYLEBONE + (day + 1) * DAY_S
            ratio = reference_air.who_ratio(value, AQG[name])
            assert ratios[end][0] == pytest.approx(ratio, abs=2e-6, nan_ok=True), (name, day)
            known += not math.isnan(value)
            above += ratio > 1
            assert days[end][0] == pytest.approx(above if known else NAN, nan_ok=True)
        assert known > 200, name
    assert town.last("air.who_days_no2", PLACE)[AT_MARYLEBONE + 366 * DAY_S][0] > 300


def test_the_annual_means_of_each_day(town: Town) -> None:
    told = 0
    for name, factor in YEARS.items():
        hours = marylebone()[NAMES.index(name)]
        means = town.last(f"air.year_{name}", PLACE)
        for day in range(366):
            year = [x for x in hours[max(day - 364, 0) * 24 : (day + 1) * 24] if not math.isnan(x)]
            enough = len(year) >= 0.75 * 8760
            value = math.fsum(year) / len(year) * factor if enough else NAN
            end = AT_MARYLEBONE + (day + 1) * DAY_S
            assert means[end][0] == pytest.approx(value, rel=1e-9, nan_ok=True), (name, day)
            told += enough
    assert told > 300


def test_the_year_against_who_needs_nine_tenths(town: Town) -> None:
    for name, level in (("pm25", 5), ("pm10", 15), ("no2", 10)):
        hours = marylebone()[NAMES.index(name)][24:]
        year = [x for x in hours if not math.isnan(x)]
        mean = math.fsum(year) / len(year) * WHO[NAMES.index(name)]
        value = mean / level if len(year) >= 0.9 * 8760 else NAN
        end = AT_MARYLEBONE + 366 * DAY_S
        found = town.last(f"air.who_{name}_year", PLACE)[end][0]
        assert found == pytest.approx(value, rel=1e-8, nan_ok=True)


def test_the_uk_index_of_each_day_is_its_highest_hour() -> None:
    """British summer time: from April to October a day begins at 23 h UTC."""
    london = Town([row("a1", PLACE, 3600, since="2004-01-01", tz="Europe/London")])
    london.keep("air.daqi_uk", "air.daqi_uk_day")
    year, first = marylebone(), 24 * 80
    start = AT_MARYLEBONE + first * 3600
    for day in range(14):
        london.take(
            Reading("a1", name, AT_MARYLEBONE + hour * 3600, year[i][hour])
            for hour in range(first + 24 * day, first + 24 * day + 24)
            for i, name in enumerate(NAMES) if not math.isnan(year[i][hour])
        )
        london.tick(start + (day + 1) * DAY_S)
    hourly, days = (london.last(f"air.{key}", PLACE) for key in ("daqi_uk", "daqi_uk_day"))
    ends = sorted(days)
    lengths = {(after - before) // 3600 for before, after in pairwise(ends)}
    assert lengths == {23, 24}
    for before, end in pairwise(ends):
        within = [value for at, (value, _) in hourly.items()
                  if before < at <= end and not math.isnan(value)]
        assert days[end][0] == max(within)


def test_a_late_reading_restates_its_day_and_the_days_after_it() -> None:
    start = at("2026-03-02 00:00")
    town = Town([row("a1", PLACE, 3600)])
    town.keep("air.year_pm25")
    for hour in range(24 * 4):
        if not 5 <= hour < 12:
            town.take([Reading("a1", "pm25", start + 3600 * hour, 10.0)])
        town.tick(start + 3600 * (hour + 1))
    assert math.isnan(town.last("air.who_pm25_24h", PLACE)[start + DAY_S][0])
    town.take(Reading("a1", "pm25", start + 3600 * hour, 50.0) for hour in range(5, 12))
    town.tick(start + 4 * DAY_S + 3660)
    ratios, days = (town.last(f"air.{key}", PLACE) for key in ("who_pm25_24h", "who_days_pm25"))
    assert ratios[start + DAY_S] == (pytest.approx((17 * 10 + 7 * 50) / 24 / 15), 2)
    assert [days[start + k * DAY_S] for k in (1, 2, 3)] == [(1.0, 2)] * 3


def test_a_count_begins_anew_with_the_year() -> None:
    start = at("2026-12-30 00:00")
    town = Town([row("a1", PLACE, 3600)])
    for day in range(4):
        town.take(Reading("a1", "pm25", start + day * DAY_S + 3600 * hour, 90.0)
                  for hour in range(24))
        town.tick(start + (day + 1) * DAY_S + 60)
    days = town.last("air.who_days_pm25", PLACE)
    assert [days[start + k * DAY_S][0] for k in (1, 2, 3, 4)] == [1.0, 2.0, 1.0, 2.0]
    assert math.isnan(town.last("air.year_pm25", PLACE)[start + DAY_S][0])


def test_first_days_of_years() -> None:
    days = np.array([datetime(2024, 12, 31, tzinfo=UTC).toordinal(), 738_886 + 400])
    found = [datetime.fromordinal(day) for day in first_of_years(days).tolist()]
    assert {(day.month, day.day) for day in found} == {(1, 1)}
    assert found[0].year == 2024


def test_a_station_with_nothing_of_it_says_nothing() -> None:
    town = Town([row("a1", PLACE, 3600)])
    town.take(Reading("a1", "co", at("2026-03-02 00:00") + 3600 * hour, 1.0) for hour in range(24))
    town.tick(at("2026-03-03 00:02"))
    told = {key for _, key, *_ in town.said()
            if key.startswith(("air.who", "air.year", "air.daqi_uk"))}
    assert told == {"air.who_co_24h", "air.who_days_co"}
