"""Days that are not 24 hours, worked by hand: peaks, the month's largest block, the day's index."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from tests.town import Reading, Town, row

METER, AIR, ROAD = "centre/meter", "centre/air", "centre/road"
HOUR_S, BLOCK_S = 3600, 900
DAY_INDEX, PEAK, PEAK_AT = "air.us_aqi_day", "energy.demand_peak", "energy.demand_peak_at"


def wall(tz: str, text: str, fold: int = 0) -> int:
    """Unix seconds when the clock of `tz` shows `text`; `fold` 1 the second time."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(tz), fold=fold).timestamp())


def meter(tz: str) -> Town:
    return Town([row("m1", METER, 900, tz=tz, since="2001-01-01")])


def blocks(town: Town, first_s: int, values: list[float]) -> None:
    """A value for each 15 minutes from `first_s` on, then the clock five minutes after."""
    town.take([
        Reading("m1", "power", first_s + k * BLOCK_S, value) for k, value in enumerate(values)
    ])
    town.tick(first_s + len(values) * BLOCK_S + 300)


@pytest.mark.parametrize(("tz", "day", "next_day", "count"), [
    ("Europe/Berlin", "2026-03-29", "2026-03-30", 92),
    ("Europe/Berlin", "2026-10-25", "2026-10-26", 100),
    ("Australia/Lord_Howe", "2026-04-05", "2026-04-06", 98),
    ("Australia/Lord_Howe", "2026-10-04", "2026-10-05", 94),
    ("Asia/Kathmandu", "2026-05-01", "2026-05-02", 96),
    ("Asia/Pyongyang", "2015-08-14", "2015-08-15", 98),
    ("Asia/Magadan", "2014-10-26", "2014-10-27", 104),
])
def test_the_last_block_of_a_day_is_its_own_and_the_next_is_not(
    tz: str, day: str, next_day: str, count: int
) -> None:
    """The day's largest block is its last; a larger one begins at midnight."""
    begin, end = wall(tz, day), wall(tz, next_day)
    assert end - begin == count * BLOCK_S
    town = meter(tz)
    blocks(town, begin, [1.0] * (count - 1) + [7.0] + [9.0] * 4)
    assert town.last(PEAK, METER)[end] == (7.0, 1)
    assert town.last(PEAK_AT, METER)[end] == (end, 1)


def test_a_peak_in_the_hour_that_comes_twice_is_told_by_its_instant() -> None:
    """Berlin, 2026-10-25: 02:15 the second time."""
    town = meter("Europe/Berlin")
    begin, end = wall("Europe/Berlin", "2026-10-25"), wall("Europe/Berlin", "2026-10-26")
    twice = wall("Europe/Berlin", "2026-10-25T02:15", fold=1)
    values = [1.0] * 100
    values[(twice - begin) // BLOCK_S] = 5.0
    blocks(town, begin, values)
    assert twice - begin == 3.25 * HOUR_S
    assert town.last(PEAK_AT, METER)[end] == (twice + BLOCK_S, 1)


def test_a_month_begins_at_midnight_on_the_wall() -> None:
    """Sao Paulo, 2019-02-28 to 03-01: what was large in February is not in March."""
    town = meter("America/Sao_Paulo")
    midnight = wall("America/Sao_Paulo", "2019-03-01")
    blocks(town, midnight - 96 * BLOCK_S, [1.0] * 95 + [8.0] + [2.0] * 96)
    peaks = town.last(PEAK, METER)
    assert peaks[midnight] == (8.0, 1)
    assert peaks[midnight + 24 * HOUR_S] == (2.0, 1)


def test_the_day_that_apia_left_out_is_not_said() -> None:
    """After 2011-12-29 came 2011-12-31: the 29th is said once, with its own largest block."""
    town = meter("Pacific/Apia")
    begin, end = wall("Pacific/Apia", "2011-12-29"), wall("Pacific/Apia", "2011-12-31")
    assert end - begin == 24 * HOUR_S
    blocks(town, begin, [1.0] * 50 + [6.0] + [1.0] * 45 + [3.0] * 96)
    ends = [end_s for path, key, end_s, *_ in town.said() if (path, key) == (METER, PEAK)]
    assert ends == [end, end + 24 * HOUR_S]
    peaks = town.last(PEAK, METER)
    assert [peaks[end_s] for end_s in ends] == [(6.0, 1), (6.0, 1)]
    [area] = [town.last(PEAK, "_/_")]
    assert sorted(area) == ends


def test_a_peak_hour_is_that_of_the_wall_after_a_zone_gave_up_summer_time() -> None:
    """Sao Paulo has no summer time since 2019: 06:00 in November is 09:00 UTC, not 08:00."""
    for year, hour_utc in ((2018, 8), (2019, 9)):
        tz = "America/Sao_Paulo"
        day = f"{year}-11-20"
        assert (wall(tz, f"{day}T06:00") % 86_400) // HOUR_S == hour_utc
        town = Town([row("t1", ROAD, tz=tz, since="2018-01-01", posted_kmh=60, length_km=1.0)])
        first = wall(tz, f"{day}T05:00")
        slow = range(wall(tz, f"{day}T06:00"), wall(tz, f"{day}T09:00"), 60)
        town.take([
            Reading("t1", "speed", time_s, 30.0 if time_s in slow else 60.0)
            for time_s in range(first, first + 14 * HOUR_S, 60)
        ])
        end = wall(tz, f"{year}-11-21")
        town.tick(end + 300)
        [(value, _)] = [town.last("traffic.tti_peak", ROAD)[end]]
        assert value == pytest.approx(1.5)  # three hours of 2, two of 1 and 36 bins of each


# ---- standard time


def hours(town: Town, first_s: int, values: list[float]) -> None:
    town.take([
        Reading("a1", "pm10", first_s + k * HOUR_S + m * 60, value)
        for k, value in enumerate(values) for m in range(0, 60, 5)
    ])
    town.tick(first_s + len(values) * HOUR_S + 300)


def air(tz: str) -> Town:
    return Town([row("a1", AIR, 300, tz=tz, since="2001-01-01")])


@pytest.mark.parametrize(("tz", "day", "midnight_utc"), [
    ("America/New_York", "2026-07-01", "2026-07-01T05:00"),  # 01:00 on the wall
    ("Asia/Kolkata", "2026-07-01", "2026-06-30T18:30"),
    ("Asia/Kathmandu", "2026-07-01", "2026-06-30T18:15"),
    ("Australia/Lord_Howe", "2026-01-15", "2026-01-14T13:30"),
    ("Europe/Istanbul", "2016-07-01", "2016-06-30T22:00"),
    ("Europe/Istanbul", "2017-07-01", "2017-06-30T21:00"),
])
def test_an_air_day_begins_at_midnight_of_standard_time_of_its_year(
    tz: str, day: str, midnight_utc: str
) -> None:
    """24 hours of 154 µg/m³ (index 100) between hours of 54 (index 50)."""
    town = air(tz)
    midnight = wall("UTC", midnight_utc)
    hours(town, midnight - 24 * HOUR_S, [54.0] * 24 + [154.0] * 24 + [54.0] * 24)
    days = town.last(DAY_INDEX, AIR)
    ends = [midnight + k * 24 * HOUR_S for k in range(3)]
    assert {end: days[end][0] for end in ends} == dict(zip(ends, (50, 100, 50), strict=True)), day


def test_an_air_day_where_the_zone_changed_its_standard_time() -> None:
    """Istanbul, 2016-09-06, had 23 hours of standard time; Almaty, 2024-02-29, had 25.

    Of 23 hours all count, and none of the day before; of 25 the last 24.
    """
    town = air("Europe/Istanbul")
    begin, end = wall("UTC", "2016-09-05T22:00"), wall("UTC", "2016-09-06T21:00")
    hours(town, begin - 24 * HOUR_S, [354.0] * 24 + [154.0] * 23 + [54.0] * 24)
    days = town.last(DAY_INDEX, AIR)
    assert [days[begin][0], days[end][0], days[end + 24 * HOUR_S][0]] == [200, 100, 50]
    town = air("Asia/Almaty")
    begin, end = wall("UTC", "2024-02-28T18:00"), wall("UTC", "2024-02-29T19:00")
    hours(town, begin - 24 * HOUR_S, [354.0] * 25 + [154.0] * 24 + [54.0] * 24)
    days = town.last(DAY_INDEX, AIR)
    assert [days[begin][0], days[end][0], days[end + 24 * HOUR_S][0]] == [200, 100, 50]
