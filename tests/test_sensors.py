"""The drivers of simulated stations: what they give agents under faults is what a file holds."""

import pytest

from edge.quantities import QUANTITIES
from simulators import districts, scenario
from simulators.chronicle import sent
from simulators.city import City
from simulators.faults import Faults
from simulators.sensors import WAITING_MAX, SimulatedDriver

START_MS = 1_772_431_200_000
MINUTE_MS = 60_000


def city_of(name: str) -> City:
    return City(1, scenario.read(scenario.find(name), districts.stations()), START_MS)


def test_live_and_recorded_faults_are_the_same() -> None:
    city = city_of("faults")
    faults, paths = Faults(city), [station.path for station in city.stations]
    rows = [paths.index(path) for path in ("centre/air-02", "centre/air-05", "harbour/air-03")]
    drivers = {row: SimulatedDriver(city, row, 60.0, faults) for row in rows}
    live = []
    for minute in range(100):
        now_ms = START_MS + minute * MINUTE_MS
        for row, driver in drivers.items():
            live += [(row, s.quantity, s.time_ms, s.value) for s in driver.samples(now_ms)]
    written = []
    every = list(QUANTITIES)
    for true in city.readings(START_MS, START_MS + 100 * MINUTE_MS, 60.0):
        part = sent(city, faults, true, MINUTE_MS, None)
        columns = zip(*(column.tolist() for column in part.columns), strict=True)
        for received, (time_ms, row, quantity, value) in zip(
            part.received.tolist(), columns, strict=True
        ):
            if row in drivers and received <= START_MS + 99 * MINUTE_MS:
                written.append((row, every[quantity], time_ms, value))
    assert sorted(live) == sorted(written)


def test_a_burst_waits_in_the_driver_until_it_is_due() -> None:
    city = city_of("faults")
    row = [station.path for station in city.stations].index("centre/air-03")
    driver = SimulatedDriver(city, row, 60.0, Faults(city))
    counts = [len(driver.samples(START_MS + k * MINUTE_MS)) for k in range(301)]
    assert counts[119] == len(city.stations[row].quantities)
    assert set(counts[120:300]) == {0}
    assert counts[300] == 181 * len(city.stations[row].quantities)
    assert counts[300] < WAITING_MAX


def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulators.sensors.WAITING_MAX", 50)
    city = city_of("faults")
    row = [station.path for station in city.stations].index("centre/air-03")
    driver = SimulatedDriver(city, row, 60.0, Faults(city))
    for k in range(120, 300):
        driver.samples(START_MS + k * MINUTE_MS)
    assert len(driver.samples(START_MS + 300 * MINUTE_MS)) == 50


def test_stations_without_a_fault_are_not_bent() -> None:
    city, plain = city_of("faults"), City(1)
    one = SimulatedDriver(city, 70, 60.0, Faults(city)).samples(START_MS)
    assert one == SimulatedDriver(plain, 70, 60.0).samples(START_MS)
