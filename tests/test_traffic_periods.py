"""LOTTR and TTTR of the month so far, through the engine; a real month: test_real_traffic."""

import math

import numpy as np
import pytest

from engine.calendar import clock_min
from engine.traffic_periods import quarters_of_day
from tests.town import Reading, Town, at, row

PLACE = "a/s"


def day_of(town: Town, day: str, kmh: float, begin: int = 0, end: int = 288) -> None:
    """Bins of a day, counted in five minutes from midnight on."""
    town.take(Reading("d", "speed", at(day) + 300 * k, kmh) for k in range(begin, end))


def fortnight(nights: bool = True, left_out: str = "") -> Town:
    """1 to 14 March 2026 at 60 km/h, on four weekdays at 40 from 16 to 18."""
    town = Town([row("d", PLACE, 300, length_km=2.0)])
    for number in range(1, 15):
        day = f"2026-03-{number:02}"
        begin, end = (0, 288) if nights else (72, 240)
        slow = number in (6, 11, 12, 13)
        day_of(town, day, 60.0, begin, 192)
        if day != left_out:
            day_of(town, day, 40.0 if slow else 60.0, 192, 216)
            day_of(town, day, 60.0, 216, end)
        town.tick(at(day) + 86_460)
    return town


def test_both_measures_of_a_fortnight() -> None:
    town = fortnight()
    lottr, tttr = (town.last(f"traffic.{name}", PLACE) for name in ("lottr", "tttr"))
    assert math.isnan(lottr[at("2026-03-14")][0])
    assert lottr[at("2026-03-15")][0] == 1.1, "a fifth of the evenings is slow: between the two"
    assert tttr[at("2026-03-15")][0] == 1.5


def test_nights_are_asked_for_by_trucks_alone() -> None:
    town = fortnight(nights=False)
    assert town.last("traffic.lottr", PLACE)[at("2026-03-15")][0] == 1.1
    assert math.isnan(town.last("traffic.tttr", PLACE)[at("2026-03-15")][0])


def test_a_late_day_restates_the_days_after_it() -> None:
    town = fortnight(left_out="2026-03-10")
    assert math.isnan(town.last("traffic.lottr", PLACE)[at("2026-03-15")][0]), "nine evenings"
    day_of(town, "2026-03-10", 30.0, 192, 240)
    town.tick(at("2026-03-15") + 120)
    value, revision = town.last("traffic.lottr", PLACE)[at("2026-03-15")]
    assert (value, revision) == (1.5, 2)


def test_a_new_month_begins_anew() -> None:
    town = fortnight()
    for day in ("2026-04-01", "2026-04-02"):
        day_of(town, day, 60.0)
        town.tick(at(day) + 86_460)
    assert math.isnan(town.last("traffic.lottr", PLACE)[at("2026-04-03")][0])


@pytest.mark.parametrize(("day", "hours"), [
    ("2026-03-28", 24), ("2026-03-29", 23), ("2026-10-25", 25)])
def test_the_night_has_the_hours_that_the_clock_has(day: str, hours: int) -> None:
    """Each hour of the clock has its own speed: none is taken twice, none is left out."""
    town = Town([row("d", PLACE, 300, tz="Europe/Berlin", length_km=1.0)])
    ordinal = int(np.datetime64(day).astype(int)) + 719_163
    start = clock_min("Europe/Berlin", ordinal, 0) * 60
    town.take(Reading("d", "speed", start + 300 * k, 10.0 + k // 12) for k in range(12 * hours))
    town.tick(start + 3600 * hours)
    family = next(one.family for one in town.vitals.windows
                  if type(one.family).__name__ == "TrafficPeriods")
    found = quarters_of_day(
        town.vitals.segments, np.zeros(1, np.int64), ordinal, town.vitals.panes)[0]
    assert family.members.places
    night = 6 - 24 + hours
    expected = [10.0 + h for h in range(night, hours) for _ in range(4)]
    expected += [10.0 + h for h in range(night) for _ in range(4)]
    assert found[: len(expected)] == pytest.approx(expected)
    assert np.isnan(found[len(expected) :]).all()
