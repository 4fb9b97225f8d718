"""What scenarios do to the city: each where it is meant to, and nothing anywhere else."""

import numpy as np
import pytest

from edge.quantities import INDEX, QUANTITIES
from simulators import districts, scenario
from simulators.city import City
from simulators.forces import Forces, Span, none

STATIONS = districts.stations()
START_MS = 1_784_559_600_000  # 2026-07-20T15:00:00Z, a Monday
MINUTE_MS = 60_000


def cities(name: str) -> tuple[City, City]:
    """The same city with and without a scenario."""
    return City(1, scenario.read(scenario.find(name), STATIONS), START_MS), City(1)


def at(city: City, path: str, quantity: str, minute: int, count: int = 1) -> float:
    """Mean of a quantity of a station over `count` minutes of the scenario."""
    row = [station.path for station in city.stations].index(path)
    column = city.stations[row].quantities.index(quantity)
    return float(np.mean([
        city.at(row, START_MS + (minute + k) * MINUTE_MS, 60.0)[column] for k in range(count)
    ]))


def test_strength_rises_holds_and_falls() -> None:
    span = Span(1000, 2000, 200)
    time_ms = np.array([0, 999, 1000, 1100, 1200, 1500, 1900, 1999, 2000], np.int64)
    got = span.strength(time_ms)
    assert got[[0, 1, 2, 8]].tolist() == [0, 0, 0, 0]
    assert got[3] == pytest.approx(0.5)
    assert got[4:6].tolist() == [1, 1]
    assert got[6] == pytest.approx(0.5)
    assert 0 < got[7] < 0.01
    assert Span(0, 2).strength(np.array([0, 1, 2], np.int64)).tolist() == [1, 1, 0]


def test_without_a_scenario_nothing_is_forced() -> None:
    forces, time_ms = none(STATIONS), np.array([START_MS], np.int64)
    assert forces.weather(time_ms) is None
    for force in (forces.traffic, forces.demand, forces.live, forces.crowd_db, forces.closed):
        assert force(time_ms) is None
    assert forces.emission(time_ms, "pm25") is None
    assert forces.interruptions() == []


@pytest.mark.parametrize("name", scenario.names())
def test_before_and_after_a_scenario_the_city_is_the_same_bit_by_bit(name: str) -> None:
    city, plain = cities(name)
    ends = max(
        scenario.duration_ms(spell.after) + scenario.duration_ms(spell.lasts)
        for _, spell in city.scenario.tables()
    )
    for moment in (START_MS - 1000, START_MS + ends):
        time_ms = np.array([moment], np.int64)
        got, want = city.values(time_ms, 60.0)[0], plain.values(time_ms, 60.0)[0]
        register = city._quantity == INDEX["energy"]  # an outage leaves less on the meter
        assert np.array_equal(got[~register], want[~register])


@pytest.mark.parametrize("name", scenario.names())
@pytest.mark.parametrize("seed", [1, 5])
def test_no_scenario_makes_an_impossible_value(name: str, seed: int) -> None:
    city = City(seed, scenario.read(scenario.find(name), STATIONS), START_MS)
    time_ms = START_MS + np.arange(0, 18 * 60, 10, dtype=np.int64) * MINUTE_MS
    values = city.values(time_ms, 60.0)
    for quantity, row in QUANTITIES.items():
        of = values[:, city._quantity == INDEX[quantity]]
        if of.size:
            assert of.min() >= row.impossible[0], quantity
            assert of.max() <= row.implausible[1], quantity


def test_a_stadium_brings_traffic_exhaust_noise_and_demand_together() -> None:
    city, plain = cities("stadium")
    minute = 230
    flows = [at(c, "centre/road-05", "count", minute, 20) for c in (city, plain)]
    assert flows[0] > 1.2 * flows[1]
    speeds = [at(c, "centre/road-05", "speed", minute) for c in (city, plain)]
    assert speeds[0] < speeds[1]
    no2 = [at(c, "centre/air-02", "no2", minute, 20) for c in (city, plain)]
    assert no2[0] > no2[1]
    assert at(city, "centre/air-02", "laeq", 120) > 78 > at(plain, "centre/air-02", "laeq", 120)
    demand = [at(c, "centre/feeder-02", "power", 120) for c in (city, plain)]
    assert demand[0] == pytest.approx(1.35 * demand[1], rel=0.03)
    assert at(city, "hills/feeder-02", "power", 120) == at(plain, "hills/feeder-02", "power", 120)


def test_snow_slows_roads_heats_homes_and_is_quiet() -> None:
    city, plain = cities("snow")
    assert at(city, "hills/road-01", "speed", 300) < 0.8 * at(plain, "hills/road-01", "speed", 300)
    assert at(city, "hills/air-01", "temp", 300) < at(plain, "hills/air-01", "temp", 300) - 10
    assert at(city, "hills/feeder-01", "power", 300) > 1.1 * at(
        plain, "hills/feeder-01", "power", 300
    )
    assert at(city, "centre/air-03", "laeq", 300) < at(plain, "centre/air-03", "laeq", 300) - 3


def test_an_episode_rises_where_it_burns() -> None:
    city, plain = cities("pollution")
    assert at(city, "harbour/air-01", "pm25", 180) > at(plain, "harbour/air-01", "pm25", 180) + 80
    assert at(city, "harbour/air-01", "pm10", 180) > at(city, "harbour/air-01", "pm25", 180)
    assert at(city, "hills/air-01", "pm25", 180) < 60


def test_a_closed_road_is_empty_and_fills_those_around_it() -> None:
    city, plain = cities("road_closed")
    assert at(city, "centre/road-04", "count", 60) == 0
    assert at(city, "centre/road-04", "speed", 60) == 0
    assert at(plain, "centre/road-04", "count", 60) > 0
    ring = [at(c, "centre/road-01", "speed", 60, 10) for c in (city, plain)]
    assert ring[0] < ring[1]
    assert at(city, "hills/road-04", "count", 60) == at(plain, "hills/road-04", "count", 60)


def test_an_outage_takes_power_and_tells_who_was_without() -> None:
    city, _ = cities("outage")
    assert at(city, "harbour/feeder-03", "power", 30) == 0
    assert at(city, "harbour/feeder-03", "voltage", 30) == 0
    assert at(city, "harbour/feeder-04", "voltage", 40) > 200
    told = city.forces.interruptions()
    assert [city.stations[row].path for row, _ in told] == [
        "harbour/feeder-03", "harbour/feeder-04"
    ]
    assert [(s.end_ms - s.start_ms) // MINUTE_MS for _, s in told] == [75, 25]


def test_a_divided_day_is_the_same_day() -> None:
    found = scenario.read(scenario.find("stadium"), STATIONS)
    whole = Forces(found, STATIONS, START_MS)
    time_ms = START_MS + np.arange(300, dtype=np.int64) * MINUTE_MS
    together = whole.traffic(time_ms)
    assert together is not None
    for k in range(0, 300, 37):
        alone = whole.traffic(time_ms[k : k + 1])
        assert np.array_equal(together[k], np.ones(24) if alone is None else alone[0])
