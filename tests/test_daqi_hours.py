"""UK index, live: real hours against a slow computation, quarters of SO2, what restates what."""

import math

import pytest

from tests import reference_air
from tests.real_air import AT_MARYLEBONE, NAMES, marylebone
from tests.town import Reading, Town, at, row

HOUR = at("2026-03-02 10:00")
PLACE = "centre/air"
EU = (1.0, 1.0, 1.996, 1.164, 2.661, 1.912)
PARTS = ("pm25", "pm10", "o3", "so2", "no2")
NAN = math.nan


def test_two_real_weeks_at_marylebone_road() -> None:
    """Hourly SO2 vouches for no quarter of an hour, so it has no index there."""
    year = marylebone()
    first, count = 24 * 60, 24 * 14
    start = AT_MARYLEBONE + first * 3600
    town = Town([row("a1", PLACE, 3600, since="2004-01-01")])
    town.keep("air.daqi_uk")
    for hour in range(count):
        town.take(
            Reading("a1", name, start + hour * 3600, year[i][first + hour])
            for i, name in enumerate(NAMES) if not math.isnan(year[i][first + hour])
        )
        if hour % 6 == 5:
            town.tick(start + (hour + 1) * 3600)
    town.tick(start + (count + 2) * 3600)
    said = {name: town.last(f"air.daqi_uk_{name}", PLACE) for name in PARTS}
    overall = town.last("air.daqi_uk", PLACE)
    seen = set()
    for hour in range(count):
        end = start + (hour + 1) * 3600

        def mean(i: int, hours: int, hour: int = hour) -> float:
            back = year[i][first : first + hour + 1][-hours:]
            return reference_air.mean_of(back, -(-3 * hours // 4)) * EU[i]

        indices = {
            "pm25": reference_air.daqi(0, mean(0, 24)), "pm10": reference_air.daqi(1, mean(1, 24)),
            "o3": reference_air.daqi(2, mean(2, 8)), "so2": NAN,
            "no2": reference_air.daqi(5, year[5][first + hour] * EU[5]),
        }
        for name, value in indices.items():
            assert said[name][end][0] == pytest.approx(value, nan_ok=True), (name, hour)
        known = [value for value in indices.values() if not math.isnan(value)]
        assert overall[end][0] == pytest.approx(max(known, default=NAN), nan_ok=True)
        seen |= set(known)
    assert len(seen) >= 3


def quarter(town: Town, quarters: dict[int, float], minutes: int = 15, device: str = "a1") -> None:
    town.take(
        Reading(device, "so2", HOUR + 900 * q + 60 * m, value)
        for q, value in quarters.items() for m in range(minutes)
    )


@pytest.mark.parametrize(("quarters", "minutes", "index"), [
    ({0: 1.0, 1: 1.0, 2: 50.0, 3: 1.0}, 15, 2.0), ({0: 1.0, 1: 1.0, 3: 50.0}, 12, 2.0),
    ({0: 1.0, 1: 1.0, 2: 50.0, 3: 1.0}, 11, NAN), ({0: 1.0, 3: 50.0}, 15, NAN),
])
def test_so2_by_its_highest_quarter(
    quarters: dict[int, float], minutes: int, index: float
) -> None:
    """50 ppb are 133 µg/m³: index 2; the mean of the hour would be index 1."""
    town = Town([row("a1", PLACE)])
    quarter(town, quarters, minutes)
    town.tick(HOUR + 3660)
    (found,) = town.last("air.daqi_uk_so2", PLACE).values()
    assert found[0] == pytest.approx(index, nan_ok=True)


def test_two_devices_are_averaged_quarter_by_quarter() -> None:
    town = Town([row("a1", PLACE), row("a2", PLACE)])
    quarter(town, {0: 1.0, 1: 1.0, 2: 60.0, 3: 1.0})
    quarter(town, {0: 1.0, 1: 1.0, 2: 2.0, 3: 1.0}, device="a2")
    town.tick(HOUR + 3660)
    assert town.last("air.daqi_uk_so2", PLACE) == {HOUR + 3600: (1.0, 1)}


def test_a_late_quarter_restates_its_hour() -> None:
    town = Town([row("a1", PLACE)])
    quarter(town, {0: 1.0, 1: 1.0, 3: 1.0})
    town.tick(HOUR + 3 * 3600)
    quarter(town, {2: 50.0})
    town.tick(HOUR + 3 * 3600 + 60)
    assert town.last("air.daqi_uk_so2", PLACE)[HOUR + 3600] == (2.0, 2)


def test_each_part_only_where_it_is_measured() -> None:
    town = Town([row("a1", PLACE)])
    town.take(Reading("a1", "no2", HOUR + 60 * k, 40.0) for k in range(60))
    town.tick(HOUR + 3660)
    told = {key for _, key, *_ in town.said() if key.startswith("air.daqi_uk")}
    assert told == {"air.daqi_uk", "air.daqi_uk_no2"}
    assert town.last("air.daqi_uk", PLACE) == {HOUR + 3600: (2.0, 1)}
