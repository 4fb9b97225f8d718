"""Simville as a source of columns and of samples."""

from pathlib import Path

import numpy as np
import pytest

from edge.places import parse, render
from edge.quantities import INDEX, QUANTITIES
from simulators.city import (
    COARSE_S,
    PERIOD_S_MAX,
    SILENT_PATH,
    City,
    Columns,
)
from simulators.sensors import BACKLOG_MAX, SimulatedDriver

GOLDEN = Path(__file__).parent / "golden" / "simville.txt"
START_MS = 1_784_505_600_000  # 2026-07-20T00:00:00Z, a Monday
DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def city() -> City:
    return City(1)


def joined(chunks: list[Columns]) -> Columns:
    return Columns(*(np.concatenate(column) for column in zip(*chunks, strict=True)))


def test_columns_are_complete_sorted_and_on_the_grid(city: City) -> None:
    chunks = list(city.readings(START_MS + 1, START_MS + DAY_MS, 300))
    assert len(chunks) == 24
    day = joined(chunks)
    silent = [station.path for station in city.stations].index(SILENT_PATH)
    series = sum(len(station.quantities) for station in city.stations)
    lost = 96 * len(city.stations[silent].quantities)
    assert len(day.value) == 287 * series - lost
    assert (day.time_ms % 300_000 == 0).all()
    assert day.time_ms.min() == START_MS + 300_000
    order = np.lexsort((day.station, day.time_ms))
    assert np.array_equal(day.time_ms[order], day.time_ms)
    assert (day.time_ms.dtype, day.station.dtype) == (np.int64, np.int32)
    assert (day.quantity.dtype, day.value.dtype) == (np.uint8, np.float64)


@pytest.mark.parametrize("seed", [1, pytest.param(77, marks=pytest.mark.soak)])
def test_a_year_holds_no_implausible_value(seed: int) -> None:
    start = START_MS - 200 * DAY_MS
    columns = joined(list(City(seed).readings(start, start + 365 * DAY_MS, PERIOD_S_MAX)))
    for name, row in QUANTITIES.items():
        value = columns.value[columns.quantity == INDEX[name]]
        if len(value):
            assert value.min() >= row.implausible[0], name
            assert value.max() <= row.implausible[1], name
    pm25 = columns.value[columns.quantity == INDEX["pm25"]]
    assert 5 < np.median(pm25) < 20
    assert 30 < np.percentile(pm25, 99) < 60


def test_air_is_good_somewhere_and_sensitive_groups_suffer_somewhere() -> None:
    start = START_MS - 200 * DAY_MS
    columns = joined(list(City(1).readings(start, start + 365 * DAY_MS, 900)))
    pick = (columns.quantity == INDEX["pm25"]) & (columns.station != 9)
    halves = columns.value[pick].reshape(730, 48, 29).mean(axis=1)
    assert ((halves < 9.0).any(axis=1)).mean() > 0.9
    assert 0.2 < ((halves > 35.4).any(axis=1)).mean() < 0.6


def test_backfill_and_drivers_give_identical_values(city: City) -> None:
    rows = range(0, 72, 5)
    drivers = {row: SimulatedDriver(City(1), row) for row in rows}
    past = joined(list(city.readings(START_MS, START_MS + 20_000, 1.0)))
    live: dict[tuple[int, int, int], float] = {}
    for now in range(START_MS + 700, START_MS + 20_000, 1000):
        for row, driver in drivers.items():
            for sample in driver.samples(now):
                live[sample.time_ms, row, INDEX[sample.quantity]] = sample.value
    columns = zip(*(column.tolist() for column in past), strict=True)
    there = {(t, s, q): v for t, s, q, v in columns if s in drivers}
    assert live == there


def test_another_cut_of_time_gives_the_same_values(city: City) -> None:
    whole = joined(list(city.readings(START_MS, START_MS + 7_200_000, 60)))
    pieces = [
        chunk
        for begin in range(START_MS, START_MS + 7_200_000, 780_000)
        for chunk in City(1).readings(begin, min(begin + 780_000, START_MS + 7_200_000), 60)
    ]
    for one, other in zip(whole, joined(pieces), strict=True):
        assert np.array_equal(one, other)


def test_seeds_differ(city: City) -> None:
    other = joined(list(City(2).readings(START_MS, START_MS + 3_600_000, 300)))
    here = joined(list(city.readings(START_MS, START_MS + 3_600_000, 300)))
    assert (other.value != here.value).mean() > 0.5


def test_exactly_one_station_falls_silent_for_two_of_six_hours(city: City) -> None:
    day = joined(list(city.readings(START_MS, START_MS + DAY_MS, 300)))
    heard = {
        row: {int(t) // 3_600_000 % 24 for t in day.time_ms[day.station == row]}
        for row in range(len(city.stations))
    }
    gaps = {city.stations[row].path: set(range(24)) - hours for row, hours in heard.items()}
    assert {path: gap for path, gap in gaps.items() if gap} == {
        SILENT_PATH: {4, 5, 10, 11, 16, 17, 22, 23}
    }
    row = [station.path for station in city.stations].index(SILENT_PATH)
    driver = SimulatedDriver(city, row)
    assert driver.samples(START_MS + 4 * 3_600_000 - 1000)
    assert not driver.samples(START_MS + 4 * 3_600_000)
    assert driver.samples(START_MS + 6 * 3_600_000 + 50)


def test_driver_samples_each_second_once_and_bounds_its_backlog(city: City) -> None:
    driver = SimulatedDriver(city, 0)
    assert {sample.time_ms for sample in driver.samples(START_MS + 999)} == {START_MS}
    assert driver.samples(START_MS + 999) == []
    times = [s.time_ms for s in driver.samples(START_MS + 3100) if s.quantity == "pm25"]
    assert times == [START_MS + 1000, START_MS + 2000, START_MS + 3000]
    assert driver.samples(START_MS - 5000) == []
    late = [s.time_ms for s in driver.samples(START_MS + 100_500) if s.quantity == "pm25"]
    assert len(late) == BACKLOG_MAX
    assert late[-1] == START_MS + 100_000
    driver.close()


def test_values_have_the_resolution_of_their_sensors(city: City) -> None:
    hour = joined(list(city.readings(START_MS, START_MS + 3_600_000, 60)))
    for name, digits in (("pm25", 1), ("co", 2), ("count", 0), ("power", 2), ("voltage", 1)):
        value = hour.value[hour.quantity == INDEX[name]]
        assert value.tolist() == [float(f"{v:.{digits}f}") for v in value.tolist()]


def test_registers_never_fall(city: City) -> None:
    for station in (18, 45):
        assert "energy" in city.stations[station].quantities
        columns = joined(list(city.readings(START_MS, START_MS + 3_600_000, 1.0)))
        pick = (columns.quantity == INDEX["energy"]) & (columns.station == station)
        assert pick.sum() == 3600
        assert (np.diff(columns.value[pick]) >= 0).all()


def test_places_are_dated_by_period_and_survive_a_file(city: City) -> None:
    rows = city.place_rows(START_MS - 35 * DAY_MS, START_MS - 2 * DAY_MS, START_MS)
    kinds = {station.device: station.kind for station in city.stations}
    assert all(row.period_s == COARSE_S[kinds[row.device]] for row in rows[:72])
    assert [row.period_s for row in rows[72::72]] == [60.0, 1.0]
    assert len(rows) == 3 * 72
    assert parse(render(rows)) == rows


@pytest.mark.parametrize("period_s", [0.0, -1.0, 0.01, PERIOD_S_MAX + 1])
def test_periods_that_cannot_be_are_refused(city: City, period_s: float) -> None:
    with pytest.raises(ValueError, match="must lie between"):
        next(city.readings(START_MS, START_MS + 1000, period_s))


def test_time_before_the_city_is_refused(city: City) -> None:
    with pytest.raises(ValueError, match="2024-01-01"):
        next(city.readings(1_700_000_000_000, 1_700_000_300_000, 300))


def test_golden_instant(city: City) -> None:
    """One instant of simville, value by value: a change here changes every demonstration."""
    lines = []
    for row, station in enumerate(city.stations):
        values = city.at(row, START_MS + 7 * 3_600_000, 300)
        pairs = zip(station.quantities, values, strict=True)
        lines.append(f"{station.path} " + " ".join(f"{q}={v}" for q, v in pairs))
    text = "\n".join(lines) + "\n"
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_frequency_has_a_past_of_ten_seconds_that_joins_the_minutes(city: City) -> None:
    end_ms = START_MS + 3_600_000
    every = city.hertz(START_MS, end_ms, minutes=True)
    between = city.hertz(START_MS, end_ms, minutes=False)
    assert (len(every.time_ms), len(between.time_ms)) == (360, 300)
    assert abs(every.value - 50.0).max() < 0.1
    assert every.value.std() > 0.002
    (of,) = set(every.station.tolist())
    column = city.stations[of].quantities.index("frequency")
    for row in (0, 6, 354):
        time_ms = int(every.time_ms[row])
        assert time_ms not in between.time_ms
        assert city.at(of, time_ms, 60)[column] == every.value[row]
    assert len(city.hertz(end_ms, START_MS, minutes=True).time_ms) == 0
