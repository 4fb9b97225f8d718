"""Limits of 2030: lower than those of today wherever there were any, and days and years by them."""

import numpy as np
import pytest

from engine.air_limits import DAY_LIMITS, DAY_PARTS, HOUR_PARTS
from engine.limits_2030 import (
    DAY_LIMITS_2030,
    DAY_PARTS_2030,
    DAYS_ALLOWED_2030,
    HOUR_PARTS_2030,
    HOURS_ALLOWED_2030,
    YEAR_LIMITS,
    YEAR_LIMITS_2030,
    YEAR_PARTS_EU,
)
from engine.pollutants import CO, PM10, SO2
from tests.town import Reading, Town, at, row

START = at("2026-01-01 00:00")
DAY = 86_400


def test_what_there_was_becomes_stricter() -> None:
    today = dict(zip(DAY_PARTS, DAY_LIMITS.tolist(), strict=True))
    assert all(DAY_LIMITS_2030[part] < today[part] for part in (PM10, SO2, CO))
    assert all(YEAR_LIMITS_2030[part] < limit for part, limit in YEAR_LIMITS.items())


def test_the_tables_are_of_the_same_pollutants() -> None:
    assert set(DAY_PARTS_2030) == set(DAY_LIMITS_2030) == set(DAYS_ALLOWED_2030)
    assert set(HOUR_PARTS_2030) == set(HOURS_ALLOWED_2030) <= set(HOUR_PARTS)
    assert set(YEAR_PARTS_EU) == set(YEAR_LIMITS_2030)


def lived(quantity: str, days: list[float]) -> Town:
    """Days of one value each, hour by hour."""
    town = Town([row("d", "a/s", 3600.0)])
    town.keep("air.eu2030_days_pm25", "air.eu2030_hours_no2")
    for day, value in enumerate(days):
        town.take(Reading("d", quantity, START + day * DAY + 3600.0 * h + 5, value)
                  for h in range(24))
        town.tick(START + (day + 1) * DAY + 61)
    return town


@pytest.mark.parametrize(("quantity", "limit"), [
    ("pm25", 25.0), ("pm10", 45.0), ("no2", 50 / 1.912), ("so2", 50 / 2.661), ("co", 4 / 1.164),
])
def test_days_above(quantity: str, limit: float) -> None:
    town = lived(quantity, [limit - 0.01, limit + 0.01, limit + 5, 1.0])
    told = town.last(f"air.eu2030_days_{quantity}", "a/s")
    assert [value for value, _ in told.values()] == [0, 1, 2, 2]


def test_hours_above_are_those_of_today_and_fewer_are_allowed() -> None:
    town = lived("no2", [10.0, 150.0])
    levels = {key: (value, level) for _, key, _, value, level, _ in town.said()}
    assert levels["air.eu_hours_no2"] == levels["air.eu2030_hours_no2"] == (24, 2)
    few = Town([row("d", "a/s", 3600.0)])
    few.keep("air.eu2030_hours_no2")
    few.take(Reading("d", "no2", START + 3600.0 * h + 5, 150.0 if h < 4 else 1.0)
             for h in range(24))
    few.tick(START + DAY + 61)
    levels = {key: (value, level) for _, key, _, value, level, _ in few.said()}
    assert levels["air.eu_hours_no2"] == (4, 1)
    assert levels["air.eu2030_hours_no2"] == (4, 2)


def test_a_year_by_both_limits() -> None:
    """The book is filled, as a year of readings is too long for a test."""
    town = lived("pm10", [30.0])
    windows = next(w for w in town.vitals.windows if "days" in w.family.books)
    family = windows.family
    book = family.books["days"]
    day = int(family.ordinal(np.zeros(1, np.int64), np.array([START // 60]))[0])
    days = np.arange(day - 364, day)
    for share, level in ((1, (30.0, 1)), (0, None)):
        rows = np.zeros((len(days), book.kept.shape[2]))
        rows[:, 1], rows[:, 6] = 24 * 30.0 * share, 24 * share
        book.enter(np.zeros(len(days), np.int64), days, rows)  # type: ignore[attr-defined]
        windows.say_anew(np.zeros(1, np.int64), np.array([day]))
        town.tick(START + DAY + 120 + 60 * (1 - share))
        said = [(value, of) for path, key, _, value, of, _ in town.said()
                if (path, key) == ("a/s", "air.eu_year_pm10")][-1]
        assert said == level or (level is None and said[1] == -1)
