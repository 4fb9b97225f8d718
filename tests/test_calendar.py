"""Civil time against the clock of the standard library, on the days that are not 24 hours."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.calendar import (
    EPOCH_DAY,
    civil_day,
    clock_min,
    day_start_min,
    is_weekend,
    month_start,
    standard_offset_min,
)

ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu",
    "Australia/Lord_Howe", "America/Havana", "Africa/Cairo", "Europe/Helsinki",
)
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
