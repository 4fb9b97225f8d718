"""What faults do to readings: each its own damage, nothing else, and the same every time."""

from pathlib import Path

import numpy as np
import pytest

from edge.quantities import INDEX
from simulators import districts, scenario
from simulators.city import City, Columns
from simulators.faults import FAULTS_MAX, Faults, Published

STATIONS = districts.stations()
START_MS = 1_772_431_200_000  # 2026-03-02T06:00:00Z
STEP_MS = 60_000
HOURS = 12


@pytest.fixture(scope="module")
def city() -> City:
    return City(1, scenario.read(scenario.find("faults"), STATIONS), START_MS)


@pytest.fixture(scope="module")
def true(city: City) -> Columns:
    chunks = list(city.readings(START_MS, START_MS + HOURS * 3_600_000, 60.0))
    return Columns(*(np.concatenate(column) for column in zip(*chunks, strict=True)))


@pytest.fixture(scope="module")
def told(city: City, true: Columns) -> Published:
    return Faults(city).apply(true, STEP_MS)


def of(city: City, kind: str) -> tuple[int, int]:
    """Number and station row of the fault of a kind."""
    (one,) = [one for one in Faults(city).active if one.fault.kind == kind]
    return one.number, one.station


def touched(true: Columns, told: Published, number: int) -> np.ndarray:
    return np.nonzero(told.faults & np.uint64(1 << number))[0]


def test_what_no_fault_touches_is_published_as_it_is(true: Columns, told: Published) -> None:
    clean = told.faults[told.row] == 0
    assert clean.mean() > 0.9
    row = told.row[clean]
    assert np.array_equal(told.value[clean], true.value[row])
    assert np.array_equal(told.time_ms[clean], true.time_ms[row])
    assert np.array_equal(told.sent_ms[clean], true.time_ms[row])
    assert np.array_equal(np.unique(row), np.nonzero(told.faults == 0)[0])


def test_every_fault_touches_its_own_station_alone(
    city: City, true: Columns, told: Published
) -> None:
    for one in Faults(city).active:
        rows = touched(true, told, one.number)
        assert len(rows), one.fault.kind
        assert set(true.station[rows].tolist()) == {one.station}
        assert true.time_ms[rows].min() >= one.span.start_ms
        assert true.time_ms[rows].max() < one.span.end_ms


def test_dropout_and_battery_lose_readings(city: City, true: Columns, told: Published) -> None:
    number, _ = of(city, "dropout")
    assert not np.isin(touched(true, told, number), told.row).any()
    number, station = of(city, "battery")
    lost = touched(true, told, number)
    assert not np.isin(lost, told.row).any()
    (one,) = [a for a in Faults(city).active if a.number == number]
    here = true.station == station
    middle = (one.span.start_ms + one.span.end_ms) // 2
    early = here & (true.time_ms >= one.span.start_ms) & (true.time_ms < middle)
    dead = here & (true.time_ms >= middle) & (true.time_ms < one.span.end_ms)
    share = np.isin(np.nonzero(early)[0], lost).mean()
    assert 0.4 < share < 0.6
    assert np.isin(np.nonzero(dead)[0], lost).all()


def test_stuck_holds_its_first_value(city: City, true: Columns, told: Published) -> None:
    number, _ = of(city, "stuck")
    rows = touched(true, told, number)
    values = told.value[np.isin(told.row, rows)]
    assert len(set(values.tolist())) == 1
    assert values[0] == true.value[rows[0]]
    assert len(set(true.value[rows].tolist())) > 10


def test_spikes_come_once_in_each_stretch(city: City, true: Columns, told: Published) -> None:
    number, _ = of(city, "spike")
    rows = touched(true, told, number)
    assert 40 <= len(rows) <= 46  # eleven hours of four each
    out = told.value[np.searchsorted(told.row, rows, sorter=np.argsort(told.row, kind="stable"))]
    back = dict(zip(told.row.tolist(), told.value.tolist(), strict=True))
    rises = [back[int(row)] - true.value[row] for row in rows]
    assert np.allclose(rises, 180.0, atol=0.06)
    assert len(out) == len(rows)


def test_drift_grows_and_a_wrong_unit_is_a_thousand_times(
    city: City, true: Columns, told: Published
) -> None:
    back = dict(zip(told.row.tolist(), told.value.tolist(), strict=True))
    rows = touched(true, told, of(city, "drift")[0])
    off = np.array([back[int(row)] - true.value[row] for row in rows])
    hours = (true.time_ms[rows] - START_MS - 600_000) / 3_600_000
    assert np.allclose(off, 2.0 * hours, atol=0.06)
    rows = touched(true, told, of(city, "unit")[0])
    assert all(back[int(row)] == pytest.approx(1000 * true.value[row]) for row in rows)


def test_duplicates_come_twice_and_reordered_ones_later(
    city: City, true: Columns, told: Published
) -> None:
    rows = touched(true, told, of(city, "duplicate")[0])
    assert (np.bincount(told.row, minlength=len(true.time_ms))[rows] == 2).all()
    rows = touched(true, told, of(city, "reorder")[0])
    wait = told.sent_ms - true.time_ms[told.row]
    late = wait[np.isin(told.row, rows)]
    assert late.min() >= 0
    assert late.max() <= 300_000
    assert (np.diff(told.sent_ms) >= 0).all()
    order = told.time_ms[np.isin(told.row, rows)]
    assert (np.diff(order) < 0).any()


def test_a_late_burst_comes_at_once(city: City, true: Columns, told: Published) -> None:
    rows = touched(true, told, of(city, "late")[0])
    sent = told.sent_ms[np.isin(told.row, rows)]
    assert set(sent.tolist()) == {START_MS + 5 * 3_600_000}


def test_clocks_run_fast_or_jump_for_all_quantities_alike(
    city: City, true: Columns, told: Published
) -> None:
    rows = touched(true, told, of(city, "fast_clock")[0])
    here = np.isin(told.row, rows)
    assert set((told.time_ms - true.time_ms[told.row])[here].tolist()) == {120_000}
    rows = touched(true, told, of(city, "jumping_clock")[0])
    here = np.isin(told.row, rows)
    off = (told.time_ms - true.time_ms[told.row])[here]
    assert 8 < len(set(off.tolist())) < 20
    assert np.abs(off).max() <= 3_600_000
    by_time: dict[int, set[int]] = {}
    for moment, one in zip(true.time_ms[told.row][here].tolist(), off.tolist(), strict=True):
        by_time.setdefault(moment, set()).add(one)
    assert {len(every) for every in by_time.values()} == {1}


def test_another_cut_of_time_tells_the_same_lies(
    city: City, true: Columns, told: Published
) -> None:
    faults = Faults(city)
    pieces = []
    for begin in range(0, len(true.time_ms), 30_011):
        part = true.take(np.arange(begin, min(begin + 30_011, len(true.time_ms))))
        one = faults.apply(part, STEP_MS)
        pieces += list(zip(
            (one.row + begin).tolist(), one.sent_ms.tolist(), one.time_ms.tolist(),
            one.value.tolist(), strict=True,
        ))
    whole = zip(
        told.row.tolist(), told.sent_ms.tolist(), told.time_ms.tolist(), told.value.tolist(),
        strict=True,
    )
    assert sorted(pieces) == sorted(whole)


def test_another_seed_hits_other_readings(city: City, true: Columns, told: Published) -> None:
    other = Faults(City(2, city.scenario, START_MS)).apply(true, STEP_MS)
    number, _ = of(city, "spike")
    assert set(touched(true, told, number)) != set(touched(true, other, number))


@pytest.mark.parametrize(("where", "fits"), [("*/air-*", True), ("*", False)])
def test_faults_at_stations_are_bounded(tmp_path: Path, where: str, fits: bool) -> None:
    more = "" if not fits else (
        '[[fault]]\nkind = "late"\nwhere = "*/road-*"\n'
        '[[fault]]\nkind = "late"\nwhere = "*/feeder-0[1-3]"\n'
        '[[fault]]\nkind = "late"\nwhere = "hills/feeder-05"\n'
    )
    path = tmp_path / "many.toml"
    path.write_text(f'title = "x"\n[[fault]]\nkind = "late"\nwhere = "{where}"\n{more}')
    city = City(1, scenario.read(path, STATIONS), START_MS)
    if fits:
        assert len(Faults(city).active) == FAULTS_MAX
    else:
        with pytest.raises(ValueError, match="72 faults at stations, at most 64"):
            Faults(city)


def test_values_keep_the_resolution_of_their_sensors(true: Columns, told: Published) -> None:
    pm25 = true.quantity[told.row] == INDEX["pm25"]
    assert all(value == float(f"{value:.1f}") for value in told.value[pm25].tolist())
