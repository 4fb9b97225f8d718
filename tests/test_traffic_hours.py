"""Mean speeds of the hour; a real month: tests/test_real_traffic.py."""

import math

import pytest

from tests.town import Reading, Town, at, row

START = at("2026-03-02 10:00")
PLACE = "a/s"


def means(town: Town) -> tuple[float, float]:
    """Space mean and time mean of the hour."""
    town.tick(START + 3700)
    return tuple(  # type: ignore[return-value]
        town.last(f"traffic.{name}", PLACE)[START + 3600][0]
        for name in ("speed_hour", "speed_time_mean")
    )


def hour(minutes: int, *speeds: float) -> Town:
    """A reading a minute, the speeds in turn."""
    town = Town([row("d", PLACE)])
    town.take(Reading("d", "speed", START + 60 * k, speeds[k % len(speeds)])
              for k in range(minutes))
    return town


def test_nptel_half_at_10_half_at_20() -> None:
    space, plain = means(hour(60, 36.0, 72.0))
    assert (plain / 3.6, space / 3.6) == (pytest.approx(15.0), pytest.approx(13.3333, abs=1e-4))


def test_45_of_60_minutes_are_needed() -> None:
    assert means(hour(45, 50.0)) == (50.0, 50.0)
    assert all(math.isnan(value) for value in means(hour(44, 50.0)))


def test_readings_of_all_lanes_count_alike() -> None:
    town = hour(60, 30.0)
    town.take(Reading("d", "speed", START + 60 * k, 60.0, channel="2") for k in range(60))
    assert means(town) == (pytest.approx(40.0), pytest.approx(45.0))


def test_a_reading_that_comes_days_late_restates_both() -> None:
    town = hour(50, 30.0)
    assert means(town) == (30.0, 30.0)
    town.tick(START + 5 * 86_400)
    town.take(Reading("d", "speed", START + 60 * k, 60.0) for k in range(50, 60))
    town.tick(START + 5 * 86_400 + 60)
    found = town.last("traffic.speed_time_mean", PLACE)[START + 3600]
    assert found == (pytest.approx(35.0), 2)


def test_a_station_without_speeds_has_none() -> None:
    town = Town([row("d", PLACE)])
    town.take([Reading("d", "count", START, 3.0)])
    town.tick(START + 3700)
    assert not town.last("traffic.speed_hour", PLACE)
