"""Reliability of the month so far: days needed, late days; a real month: test_real_traffic."""

import math

import pytest

from tests.town import Reading, Town, at, row

PLACE = "a/s"
DAYS = [f"2026-03-{day:02}" for day in (2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 16)]


def peaks(town: Town, day: str, kmh: float, bins: int = 36) -> None:
    """Both peaks of a day."""
    for hour in (6, 16):
        town.take(Reading("d", "speed", at(f"{day} {hour:02}:00") + 300 * k, kmh)
                  for k in range(bins))


def fortnight() -> Town:
    """Ten weekdays at 40 and one at 20 km/h on a km with a limit of 60."""
    town = Town([row("d", PLACE, 300, posted_kmh=60, length_km=1.0)])
    for day in DAYS:
        peaks(town, day, 20.0 if day == DAYS[-1] else 40.0)
        town.tick(at(day) + 86_460)
    return town


def test_ten_weekdays_of_the_month_are_needed() -> None:
    town = fortnight()
    pti = town.last("traffic.pti", PLACE)
    assert math.isnan(pti[at("2026-03-13")][0])
    assert pti[at("2026-03-14")][0] == pytest.approx(1.5)
    assert pti[at("2026-03-17")][0] == pytest.approx(3.0)
    assert town.last("traffic.peak_time", PLACE)[at("2026-03-17")][0] == pytest.approx(18 / 11)
    assert town.last("traffic.buffer", PLACE)[at("2026-03-17")][0] == pytest.approx(3 - 18 / 11)


def test_a_late_day_restates_the_days_after_it() -> None:
    town = fortnight()
    peaks(town, DAYS[8], 10.0)
    town.tick(at("2026-03-17") + 120)
    pti = town.last("traffic.pti", PLACE)
    assert pti[at("2026-03-12")][1] == 1
    assert pti[at("2026-03-17")][1] == 2
    assert pti[at("2026-03-17")][0] > 3.0


def test_a_new_month_begins_anew() -> None:
    town = fortnight()
    peaks(town, "2026-04-01", 40.0)
    town.tick(at("2026-04-02") + 60)
    assert math.isnan(town.last("traffic.pti", PLACE)[at("2026-04-02")][0])
