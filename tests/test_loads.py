"""Power factor of hours and days, in a small town: pairs, gaps, ratings, private places, areas."""

import math

import pytest

from edge.facts import Fact, parse
from tests.town import Reading, Town, at, row

HOUR = at("2026-03-02 10:00")
EAST, WEST = "centre/east", "centre/west"
VECTOR, ARITHMETIC, PERIOD = (
    f"energy.power_factor{tail}" for tail in ("", "_arithmetic", "_period")
)


def feed(town: Town, device: str, start: int, count: int, **values: float) -> None:
    """A reading a minute of each quantity; `l1_voltage` is of channel l1."""
    town.take(
        Reading(device, name.rsplit("_")[-1], start + 60 * k, value,
                channel=name.split("_")[0] if "_" in name else "")
        for name, value in values.items() for k in range(count)
    )


def rated(value: float) -> list[Fact]:
    """The rated power of the station in the east."""
    return parse("# cityvitals facts 1\nvalid_from,place,fact,value,unit,source\n"
                 f"2026-01-01,{EAST},rated_kva,{value},kVA,plate\n")


def test_the_vector_of_the_sums_over_the_phases() -> None:
    town = Town([row("m1", EAST)])
    feed(town, "m1", HOUR, 60, l1_power=3.0, l1_reactive=4.0, l2_power=1.0, l2_reactive=-1.0)
    town.tick(HOUR + 3660)
    assert town.last(VECTOR, EAST) == {HOUR + 3600: (pytest.approx(4 / 5), 1)}
    assert town.last(ARITHMETIC, EAST) == {}


def test_the_arithmetic_sum_of_the_phases_beside_a_total_of_power() -> None:
    town = Town([row("m1", EAST)])
    feed(town, "m1", HOUR, 60, power=3.0, l1_voltage=230.0, l1_current=10.0, l2_voltage=220.0,
         l2_current=10.0)
    town.tick(HOUR + 3660)
    assert town.last(ARITHMETIC, EAST)[HOUR + 3600][0] == pytest.approx(3.0 / 4.5)
    assert town.last(VECTOR, EAST) == {}


def test_an_hour_needs_45_minutes_of_every_series() -> None:
    for count, value in ((45, 0.6), (44, math.nan)):
        town = Town([row("m1", EAST)])
        feed(town, "m1", HOUR, 60, power=3.0)
        feed(town, "m1", HOUR, count, reactive=4.0)
        town.tick(HOUR + 3660)
        assert town.last(VECTOR, EAST)[HOUR + 3600][0] == pytest.approx(value, nan_ok=True)
        assert town.final()[EAST, VECTOR, HOUR + 3600][3] == count / 60


@pytest.mark.parametrize(("kva", "value"), [(500.0, 0.6), (501.0, math.nan)])
def test_undefined_below_one_percent_of_the_rating(kva: float, value: float) -> None:
    town = Town([row("m1", EAST)])
    town.vitals.load_facts(rated(kva))
    feed(town, "m1", HOUR, 60, power=3.0, reactive=4.0)
    town.tick(HOUR + 3660)
    assert town.last(VECTOR, EAST)[HOUR + 3600][0] == pytest.approx(value, nan_ok=True)


def test_a_day_is_of_the_energies_and_needs_three_quarters_of_its_hours() -> None:
    for hours, value in ((18, 12 / 13), (17, math.nan)):
        town = Town([row("m1", EAST)])
        day = at("2026-03-02")
        feed(town, "m1", day, 60 * 17, power=12.0, reactive=5.0)
        feed(town, "m1", day + 17 * 3600, 60 * (hours - 17), power=12.0, reactive=5.0)
        town.tick(day + 86_460)
        found = town.last(PERIOD, EAST)[day + 86_400]
        assert found[0] == pytest.approx(value, nan_ok=True)


def test_a_late_reading_says_the_hour_and_its_day_anew() -> None:
    town = Town([row("m1", EAST)])
    day = at("2026-03-02")
    feed(town, "m1", day, 1440, power=3.0, reactive=4.0)
    town.tick(day + 86_460)
    town.take([Reading("m1", "power", HOUR + 30, 63.0)])
    town.tick(day + 90_060)
    assert town.last(VECTOR, EAST)[HOUR + 3600][1] == 2
    assert town.last(VECTOR, EAST)[HOUR + 7200][1] == 1
    assert town.last(PERIOD, EAST)[day + 86_400][1] == 2


def test_an_area_is_the_power_of_all_over_the_apparent_power_of_all() -> None:
    town = Town([row("m1", EAST), row("m2", WEST)])
    feed(town, "m1", HOUR, 60, power=3.0, reactive=4.0)
    feed(town, "m2", HOUR, 60, power=30.0, reactive=0.0)
    town.tick(HOUR + 3660)
    for area in ("centre/_", "_/_"):
        assert town.last(VECTOR, area)[HOUR + 3600][0] == pytest.approx(33 / 35)


def test_private_meters_count_in_groups_alone() -> None:
    for count, said in ((4, False), (5, True)):
        town = Town([row(f"m{k}", f"centre/m{k}", private=True) for k in range(count)])
        for k in range(count):
            feed(town, f"m{k}", HOUR, 60, power=3.0, reactive=4.0)
        town.tick(HOUR + 3660)
        places = {path for path, key, *_ in town.said() if key == VECTOR}
        assert places == ({"centre/_", "_/_"} if said else set())
