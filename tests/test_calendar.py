"""Civil time against the clock of the standard library, on the days that are not 24 hours."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.calendar import (
    EPOCH_DAY,
    Minutes,
    Zones,
    civil_day,
    clock_min,
    day_start_min,
    grid_offset_min,
    is_weekend,
    month_start,
    standard_day,
    standard_day_start_min,
    standard_offset_min,
    zone_of_day,
)

Day = Callable[[int], int]
ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu",
    "Australia/Lord_Howe", "America/Havana", "Africa/Cairo", "Europe/Helsinki",
)
CHANGED = (
    "Europe/Istanbul", "Asia/Pyongyang", "America/Sao_Paulo", "Pacific/Apia", "Asia/Almaty",
    "America/Caracas", "Asia/Magadan", "Europe/Moscow", "America/St_Johns", "Pacific/Norfolk",
    "Asia/Colombo", "Africa/Casablanca", "Europe/Dublin", "America/Ciudad_Juarez",
)
"""Zones that changed their rule, skipped a day, begin summer at odd times or have it in winter."""
BERLIN = "Europe/Berlin"
SPRING, AUTUMN = date(2026, 3, 29).toordinal(), date(2026, 10, 25).toordinal()


def _minute(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) // 60


@settings(deadline=None)
@given(st.sampled_from(ZONES), st.integers(_minute("2000-01-01"), _minute("2070-01-01")))
def test_the_day_is_the_one_on_the_calendar_of_the_zone(tz: str, minute: int) -> None:
    local = datetime.fromtimestamp(minute * 60, ZoneInfo(tz))
    (day,) = civil_day(tz, np.array([minute])).tolist()
    assert day == local.date().toordinal()
    start, end = day_start_min(tz, np.array([day, day + 1])).tolist()
    assert start <= minute < end
    (traffic,) = civil_day(tz, np.array([minute]), 3).tolist()
    assert clock_min(tz, traffic, 180) <= minute < clock_min(tz, traffic + 1, 180)


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25), (SPRING + 1, 24)])
def test_days_of_berlin_have_23_24_and_25_hours(day: int, hours: int) -> None:
    start, end = day_start_min(BERLIN, np.array([day, day + 1])).tolist()
    assert end - start == hours * 60


def test_a_traffic_day_begins_when_the_clock_shows_three() -> None:
    """Also in the night of the change, when three is two or four hours after midnight."""
    for day, elapsed in ((SPRING, 2), (AUTUMN, 4), (SPRING + 1, 3)):
        start = int(day_start_min(BERLIN, np.array([day]))[0])
        three = start + elapsed * 60
        assert three == clock_min(BERLIN, day, 180)
        assert civil_day(BERLIN, np.array([three - 1, three]), 3).tolist() == [day - 1, day]


def test_the_clock_of_a_day() -> None:
    assert clock_min("UTC", EPOCH_DAY, 0) == 0
    assert clock_min("UTC", EPOCH_DAY, 1440) == 1440
    assert clock_min(BERLIN, SPRING, 360) - clock_min(BERLIN, SPRING, 0) == 300
    assert clock_min(BERLIN, AUTUMN, 1440) == clock_min(BERLIN, AUTUMN + 1, 0)


@pytest.mark.parametrize(("tz", "east"), [
    ("America/New_York", -300), (BERLIN, 60), ("Asia/Kolkata", 330), ("Asia/Kathmandu", 345),
    ("Australia/Lord_Howe", 630), ("UTC", 0),
])
def test_standard_time_is_the_same_in_summer_and_winter(tz: str, east: int) -> None:
    for moment in ("2026-01-15", "2026-07-15"):
        assert standard_offset_min(tz, _minute(moment)) == east


def test_where_midnight_is_skipped_the_day_begins_at_one() -> None:
    """Cairo puts its clocks on at midnight: the day begins with 01:00."""
    day = date(2026, 4, 24).toordinal()
    start, end = day_start_min("Africa/Cairo", np.array([day, day + 1])).tolist()
    assert datetime.fromtimestamp(start * 60, ZoneInfo("Africa/Cairo")).hour == 1
    assert end - start == 23 * 60


def test_weekends_and_months() -> None:
    friday = date(2026, 5, 1).toordinal()
    assert [is_weekend(friday + k) for k in range(4)] == [False, True, True, False]
    assert month_start(friday) == friday
    assert month_start(friday + 30) == friday
    assert month_start(friday - 1) == date(2026, 4, 1).toordinal()


def _standard(tz: str, minute: int) -> datetime:
    """What a clock of `tz` without summer shift shows."""
    local = datetime.fromtimestamp(minute * 60, ZoneInfo(tz))
    summer = local.dst() or timedelta()
    return local.replace(tzinfo=None) - summer


def _first_shown(minute: int, shown: Day, day_of: Day, start_of: Day) -> None:
    day = day_of(minute)
    start, end = start_of(day), start_of(day + 1)
    assert start <= minute < end
    assert shown(start) == day
    assert shown(start - 1) < day
    assert shown(minute) in (day, day - 1)
    if shown(minute) < day:
        assert minute - start <= 120


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(ZONES + CHANGED), st.integers(_minute("1996-01-01"), _minute("2037-01-01"))
)
def test_a_day_begins_when_its_date_is_first_shown(tz: str, minute: int) -> None:
    """On the clock on the wall and in standard time; what is repeated belongs to the new day."""
    def on_the_wall(at: int) -> int:
        return datetime.fromtimestamp(at * 60, ZoneInfo(tz)).date().toordinal()

    def in_standard_time(at: int) -> int:
        return _standard(tz, at).date().toordinal()

    def scalar(find: Callable[[str, Minutes], Minutes]) -> Day:
        return lambda of: int(find(tz, np.array([of]))[0])

    _first_shown(minute, on_the_wall, scalar(civil_day), scalar(day_start_min))
    _first_shown(minute, in_standard_time, scalar(standard_day), scalar(standard_day_start_min))


@pytest.mark.parametrize(("tz", "day", "hours"), [
    ("Australia/Lord_Howe", "2026-04-05", 24.5), ("Australia/Lord_Howe", "2026-10-04", 23.5),
    ("Asia/Kathmandu", "2026-04-05", 24), ("Asia/Kolkata", "2026-10-25", 24),
    ("Europe/Istanbul", "2016-09-07", 24), ("Europe/Istanbul", "2016-10-30", 24),
    ("Asia/Pyongyang", "2015-08-14", 24.5), ("Asia/Pyongyang", "2018-05-04", 23.5),
    ("America/Sao_Paulo", "2018-11-04", 23), ("America/Sao_Paulo", "2019-02-16", 25),
    ("America/Sao_Paulo", "2019-11-03", 24), ("Pacific/Apia", "2011-12-29", 24),
    ("Pacific/Apia", "2011-12-30", 0), ("Pacific/Apia", "2011-12-31", 24),
    ("Asia/Magadan", "2014-10-26", 26),
])
def test_lengths_of_days_on_the_wall(tz: str, day: str, hours: float) -> None:
    number = date.fromisoformat(day).toordinal()
    start, end = day_start_min(tz, np.array([number, number + 1])).tolist()
    assert end - start == hours * 60


@pytest.mark.parametrize(("tz", "day", "hours"), [
    (BERLIN, "2026-03-29", 24), (BERLIN, "2026-10-25", 24), ("Europe/Istanbul", "2016-09-06", 23),
    ("Europe/Istanbul", "2016-09-07", 24), ("Asia/Almaty", "2024-02-29", 25),
    ("Asia/Almaty", "2024-03-01", 24), ("Pacific/Apia", "2011-12-30", 1),
    ("Asia/Pyongyang", "2015-08-14", 24.5), ("Asia/Pyongyang", "2018-05-04", 23.5),
])
def test_lengths_of_days_in_standard_time(tz: str, day: str, hours: float) -> None:
    """They differ from 24 hours only where a zone changed its standard time."""
    number = date.fromisoformat(day).toordinal()
    start, end = standard_day_start_min(tz, np.array([number, number + 1])).tolist()
    assert end - start == hours * 60


def test_the_grid_of_panes_does_not_ask_when_a_sensor_was_placed() -> None:
    """In 1970 Lisbon and London kept standard time an hour ahead of today's."""
    assert standard_offset_min("Europe/Lisbon", 0) == 60
    assert (grid_offset_min("Europe/Lisbon"), grid_offset_min("Asia/Kathmandu")) == (0, 345)


def _slow_days(zones: Zones, first: int, last: int) -> dict[int, tuple[int, str]]:
    """The twin: day after day, each by the zone in force when it begins: (begin, zone)."""
    def zone_at(minute: int) -> str:
        return [tz for k, (since, tz) in enumerate(zones) if since <= minute or not k][-1]

    out = {first: (int(day_start_min(zones[0][1], np.array([first]))[0]), zones[0][1])}
    for day in range(first + 1, last + 1):
        begin, zone = out[day - 1]
        begin = max(begin, int(day_start_min(zone, np.array([day]))[0]))
        out[day] = (begin, zone_at(begin))
    return out


NEAR = date(2026, 3, 20).toordinal()


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30 * 1440), st.sampled_from((*ZONES, *CHANGED))), min_size=1,
             max_size=3, unique_by=lambda row: row[0]),
    st.sampled_from(ZONES), st.integers(0, 32 * 1440),
)
def test_days_of_a_station_that_gets_other_zones_follow_the_one_in_force(
    later: list[tuple[int, str]], first: str, minute: int
) -> None:
    base = (NEAR - EPOCH_DAY) * 1440
    zones: Zones = ((-1, first), *((base + after, tz) for after, tz in sorted(later)))
    slow = _slow_days(zones, NEAR - 3, NEAR + 40)
    days = np.arange(NEAR - 3, NEAR + 41)
    assert day_start_min(zones, days).tolist() == [slow[day][0] for day in days.tolist()]
    assert [zone_of_day(zones, day) for day in days.tolist()] == [
        slow[day][1] for day in days.tolist()
    ]
    (found,) = civil_day(zones, np.array([base + minute])).tolist()
    assert slow[found][0] <= base + minute < slow[found + 1][0]
    three = [clock_min(zones, day, 180) for day in (found - 1, found, found + 1)]
    (traffic,) = civil_day(zones, np.array([three[1]]), 3).tolist()
    assert traffic == found or three != sorted(set(three))
    (standard,) = standard_day(zones, np.array([base + minute])).tolist()
    begins = standard_day_start_min(zones, np.array([standard, standard + 1]))
    assert begins[0] <= base + minute < begins[1]


def test_the_day_of_a_change_ends_as_it_began() -> None:
    noon = (EPOCH_DAY + 20_000 - EPOCH_DAY) * 1440 + 720
    zones: Zones = ((-1, "UTC"), (noon, "Etc/GMT-3"))
    begins = day_start_min(zones, np.arange(EPOCH_DAY + 20_000, EPOCH_DAY + 20_004)) - noon + 720
    assert begins.tolist() == [0, 1440, 2 * 1440 - 180, 3 * 1440 - 180]
