"""Private stations in the engine: alone they say nothing, in groups only what hides each."""

import numpy as np
import pytest

from engine.areas import RULES
from engine.private import groups
from tests.town import Reading, Town, at, row

NOON = at("2026-03-02 12:00")
DEMAND = "energy.demand_15min"


def houses(count: int, district: str = "north", first: int = 0) -> list[object]:
    """Private meters of a district."""
    return [
        row(f"m{k}", f"{district}/house{k}", private=True) for k in range(first, first + count)
    ]


def town_of(rows: list[object], values: dict[str, float], quarters: int = 1) -> Town:
    """A town that heard each device each minute of the quarters from noon on, and closed."""
    town = Town(rows)  # type: ignore[arg-type]
    town.take(
        Reading(device, "power", NOON + 60 * k, value)
        for device, value in values.items() for k in range(15 * quarters)
    )
    town.tick(NOON + 900 * quarters + 120)
    return town


def said(town: Town, indicator: str = DEMAND) -> dict[str, float]:
    """Place -> value of the last window of an indicator, and that nothing is private."""
    return {path: value for path, key, _, value, level, _ in town.said() if key == indicator
            if level >= 0}


def test_a_private_station_says_nothing_and_a_small_group_counts_nowhere() -> None:
    rows = [*houses(4), row("f1", "north/feeder1")]
    town = town_of(rows, {**{f"m{k}": 7.0 + k for k in range(4)}, "f1": 100.0})
    assert said(town) == {"north/feeder1": 100.0, "north/_": 100.0, "_/_": 100.0}
    assert not [place for place, *_ in town.said() if "house" in place]


def test_at_k_the_group_counts_in_the_sum() -> None:
    rows = [*houses(5), row("f1", "north/feeder1")]
    town = town_of(rows, {**{f"m{k}": 7.0 + k for k in range(5)}, "f1": 100.0})
    assert said(town) == {"north/feeder1": 100.0, "north/_": 145.0, "_/_": 145.0}


def test_k_is_the_registrys() -> None:
    rows = houses(3)
    town = Town(rows)  # type: ignore[arg-type]
    town.vitals.registry.group_min = 3
    town.take(Reading(f"m{k}", "power", NOON + 60 * i, 1.0) for k in range(3) for i in range(15))
    town.tick(NOON + 1020)
    assert said(town) == {"north/_": 3.0, "_/_": 3.0}


def test_the_city_less_its_districts_tells_nothing() -> None:
    # North says its 6; the 2 of the south are in neither, since city - north would be theirs.
    rows = [*houses(6), *houses(2, "south", 6)]
    values = {f"m{k}": 10.0 + k for k in range(8)}
    assert said(town_of(rows, values)) == {"north/_": 75.0, "_/_": 75.0}


def test_small_groups_that_are_k_together_count_in_the_city_alone() -> None:
    rows = [*houses(6), *houses(2, "south", 6), *houses(3, "west", 8)]
    values = {f"m{k}": 10.0 + k for k in range(11)}
    assert said(town_of(rows, values)) == {"north/_": 75.0, "_/_": 165.0}


def test_percentiles_largest_and_over_are_of_public_stations() -> None:
    rows = [*houses(5), row("f1", "north/feeder1"), row("f2", "north/feeder2")]
    town = town_of(rows, {**{f"m{k}": 777.0 for k in range(5)}, "f1": 10.0, "f2": 20.0})
    area = next(values for (place, key, _), values in town.final().items()
                if (place, key) == ("north/_", DEMAND))
    value, level, count, _, p50, p95, largest, over = area
    assert (value, level, count, p50, largest, over) == (3915.0, 0, 7, 15.0, 20.0, 0)
    assert p95 == pytest.approx(19.5)


def test_a_group_is_said_once_when_its_window_closes() -> None:
    rows = houses(6)
    town = Town(rows)  # type: ignore[arg-type]
    town.take(Reading(f"m{k}", "power", NOON + 60 * i, 1.0) for k in range(5) for i in range(15))
    town.tick(NOON + 300, with_open=True)
    assert said(town) == {}, "a window in progress would tell of each reading"
    town.tick(NOON + 1020)
    before = said(town)
    assert before["_/_"] == 5.0
    town.take(Reading("m5", "power", NOON + 60 * i, 91.0) for i in range(15))
    town.tick(NOON + 1080)
    assert said(town) == before, "the difference would be the house that came late"


def test_a_peak_or_the_worst_of_private_stations_is_not_said() -> None:
    rows = [*houses(5), row("a1", "north/air1")]
    town = Town(rows)  # type: ignore[arg-type]
    hours = 30
    town.take(
        Reading(device, quantity, NOON + 60 * k, value) for k in range(60 * hours)
        for device, quantity, value in [
            *((f"m{i}", "power", 3.0) for i in range(5)), ("m0", "pm25", 500.0),
            ("a1", "pm25", 5.0),
        ]
    )
    town.tick(NOON + 3600 * (hours + 1))
    keys = {(place, key) for place, key, *_ in town.said()}
    assert ("_/_", "energy.demand_peak") not in keys
    worst = [value for place, key, _, value, level, _ in town.said()
             if key == "air.us_aqi_pm25" and place == "_/_" and level >= 0]
    assert worst
    assert max(worst) < 60, "the public sensor's, not the private one's"


def test_once_private_always_private_by_any_row_of_the_station() -> None:
    rows = [
        row("m1", "north/house1", since="2026-01-01"),
        row("m1", "north/house1", since="2026-06-01", private=True),
    ]
    assert said(town_of(rows, {"m1": 4.0})) == {}


@pytest.mark.parametrize("seed", range(20))
def test_no_two_areas_differ_by_fewer_than_k(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size, least = 40, 5
    district = rng.integers(0, 6, size)
    private = rng.random(size) < 0.6
    present = rng.random((3, size, 2)) < 0.7
    values = np.where(rng.random((3, size, 2)) < 0.9, 1.0, np.nan)
    rules = np.array([RULES["sum"], RULES["worst"]], np.int64)
    counted = groups(present, values, np.ones((3, size)), private, district, rules, least)
    have = private[:, None] & ~np.isnan(values)
    for window in range(3):
        city = counted.city[window, :, 0] & have[window, :, 0]
        said_in = np.zeros(size, np.bool_)
        for one in range(6):
            group = counted.district[window, :, 0] & have[window, :, 0] & (district == one)
            assert group.sum() == 0 or group.sum() >= least
            assert not (group & ~city).any(), "who counts in a district counts in the city"
            said_in |= group
        rest = (city & ~said_in).sum()
        assert rest == 0 or rest >= least
        assert not (counted.city[window, :, 1] & private).any(), "the worst is picked in public"
    assert (counted.city & ~present).sum() == 0
