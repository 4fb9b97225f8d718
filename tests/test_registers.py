"""Energy registers, live: demand of blocks from the differences of readings in any order."""

import math
from random import Random

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.registers import BLOCK as BLOCK_OF
from engine.registers import BLOCKS, Registers
from tests import reference
from tests.town import Reading, Town, at, row

HOUR = at("2026-03-02 10:00")
EAST = "centre/east"
BLOCK, SLIDING = "energy.demand_15min", "energy.demand_sliding"
PEAK = "energy.demand_peak"
NAN = math.nan


def meter(period_s: float = 60.0, modulus_kwh: float = 0.0) -> Town:
    return Town([row("m1", EAST, period_s, modulus_kwh=modulus_kwh)])


def read(town: Town, readings: list[tuple[float, float]]) -> None:
    """Registers read at (minute after `HOUR`, kWh)."""
    town.take(Reading("m1", "energy", HOUR + 60 * minute, kwh) for minute, kwh in readings)


def blocks(town: Town, indicator: str = BLOCK) -> dict[float, tuple[float, float]]:
    """Value and coverage of each window by minutes after `HOUR`."""
    return {
        (end - HOUR) / 60: (said[0] if said[1] >= 0 else NAN, said[3])
        for (path, key, end), said in town.final().items() if (path, key) == (EAST, indicator)
    }


def value(town: Town, end_min: float, indicator: str = BLOCK) -> float:
    return blocks(town, indicator)[end_min][0]


def test_four_times_the_difference_of_a_quarter_of_an_hour() -> None:
    town = meter(900)
    read(town, [(0, 100.0), (15, 102.5), (30, 102.5), (45, 104.0)])
    town.tick(HOUR + 46 * 60)
    assert blocks(town) == {15: (10.0, 1.0), 30: (0.0, 1.0), 45: (6.0, 1.0)}
    assert [value(town, end, SLIDING) for end in (15, 30, 45)] == [10.0, 0.0, 6.0]


def test_a_reading_beyond_the_edge_closes_the_block_at_once() -> None:
    town = meter()
    read(town, [(minute, minute / 6) for minute in range(15)])
    town.tick(HOUR + 901)
    assert 15 not in blocks(town)
    read(town, [(15, 2.5)])
    town.tick(HOUR + 960)
    assert blocks(town)[15] == (pytest.approx(10.0), 1.0)


def test_a_reading_after_the_edge_is_waited_for() -> None:
    """A meter read at 7 and 22 minutes past: its block waits for the reading that ends it."""
    town = meter(900)
    read(town, [(-8, 0.0), (7, 3.0)])
    town.tick(HOUR + 17 * 60)
    assert 15 not in blocks(town)
    read(town, [(22, 4.5)])
    town.tick(HOUR + 23 * 60)
    assert value(town, 15) == pytest.approx(4 * (3.0 * 7 / 15 + 1.5 * 8 / 15))


def test_a_meter_that_dies_says_its_last_block() -> None:
    town = meter(60)
    read(town, [(minute, minute / 6) for minute in range(14)])
    for minute in range(15, 20):
        town.tick(HOUR + 60 * minute)
    assert blocks(town)[15] == (pytest.approx(10.0), pytest.approx(13 / 15))


def test_energy_across_a_gap_inside_a_block_is_measured() -> None:
    town = meter()
    read(town, [(0, 0.0), (1, 1.0), (13, 4.0), (15, 5.0)])
    town.tick(HOUR + 960)
    assert blocks(town)[15] == (20.0, 1.0)


def test_a_long_gap_across_blocks_is_not_divided_among_them() -> None:
    town = meter()
    read(town, [(float(minute), minute / 6) for minute in range(16)])
    read(town, [(60.0 + minute, 10 + minute / 6) for minute in range(16)])
    town.tick(HOUR + 77 * 60)
    found = blocks(town)
    assert found[15][0] == pytest.approx(10.0)
    assert [found[end][1] for end in (30, 45, 60)] == [0.0] * 3
    assert all(math.isnan(found[end][0]) for end in (30, 45, 60))
    assert found[75][0] == pytest.approx(10.0)


def test_a_rollover_counts_and_a_reset_does_not() -> None:
    over = [(0.0, 99_998.0), (5.0, 99_999.5), (10.0, 1.0), (15.0, 2.0), (20.0, 3.0), (30.0, 5.0)]
    town = meter(300, modulus_kwh=100_000)
    read(town, over)
    town.tick(HOUR + 31 * 60)
    assert [value(town, end) for end in (15, 30)] == pytest.approx([16.0, 12.0])
    town = meter(300)
    read(town, over)
    town.tick(HOUR + 31 * 60)
    assert math.isnan(value(town, 15))
    assert value(town, 30) == pytest.approx(12.0)


def test_a_late_reading_restates_its_neighbours() -> None:
    """What was a gap is divided as it was used; the last word follows from the readings alone."""
    town = meter(900)
    read(town, [(0, 0.0), (29.5, 2.0), (45, 5.0), (60, 9.0)])
    town.tick(HOUR + 62 * 60)
    assert math.isnan(value(town, 15))
    read(town, [(14.5, 1.5)])
    town.tick(HOUR + 63 * 60)
    late = blocks(town)
    town = meter(900)
    read(town, [(0, 0.0), (14.5, 1.5), (29.5, 2.0), (45, 5.0), (60, 9.0)])
    town.tick(HOUR + 62 * 60)
    assert late == blocks(town)
    assert late[15][0] == pytest.approx(4 * (1.5 + 0.5 * 0.5 / 15))


def test_areas_follow_a_register_until_its_next_block() -> None:
    """A meter of minutes beside one of quarters: a late register moves each minute's sum."""
    def district(late: bool) -> dict[float, float]:
        town = Town([row("m1", EAST, 900), row("m2", "centre/west")])
        town.take(Reading("m2", "power", HOUR + 60 * minute, 2.0) for minute in range(61))
        read(town, [(0, 0.0), (15, 1.0), (45, 4.0)] if late else [
            (0, 0.0), (15, 1.0), (30, 3.0), (45, 4.0)
        ])
        town.tick(HOUR + 62 * 60)
        if late:
            read(town, [(30, 3.0)])
        town.tick(HOUR + 63 * 60)
        return {
            (end - HOUR) / 60: said[0] for (path, key, end), said in town.final().items()
            if (path, key) == ("centre/_", SLIDING) and said[1] >= 0
        }

    assert district(late=True) == district(late=False)
    assert district(late=True)[40] == 10.0


def test_power_comes_first_and_its_register_stands_in_for_it() -> None:
    """The same energy is never counted twice."""
    town = meter()
    read(town, [(float(minute), minute / 5) for minute in range(31)])
    town.take(Reading("m1", "power", HOUR + 60 * minute, 11.0) for minute in range(15))
    town.take(Reading("m1", "power", HOUR + 60 * minute, 11.0) for minute in (15, 16))
    town.tick(HOUR + 35 * 60)
    assert value(town, 15) == 11.0
    assert value(town, 30) == pytest.approx(12.0)  # 12 kW by the register; power has 2 minutes


def test_the_peak_of_the_month_is_that_of_registers_too() -> None:
    town = meter(900)
    read(town, [(15.0 * k, [0, 1, 4, 5, 6][k]) for k in range(5)])
    town.tick(at("2026-03-03 00:20"))
    assert value(town, 14 * 60, PEAK) == 12.0


def test_an_hourly_register_says_nothing_of_a_quarter() -> None:
    town = meter(3600)
    read(town, [(0, 0.0), (60, 4.0), (120, 8.0)])
    town.tick(HOUR + 122 * 60)
    assert all(math.isnan(kw) for kw, _ in blocks(town).values())


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(1, 40), st.floats(0, 50)), min_size=2, max_size=40),
    st.randoms(use_true_random=False), st.sampled_from([60.0, 300.0, 900.0]),
)
def test_in_any_order_as_the_slow_reference(
    steps: list[tuple[int, float]], random: Random, period_s: float
) -> None:
    minutes = np.cumsum([0] + [gap for gap, _ in steps])
    kwh = np.cumsum([0.0] + [rise for _, rise in steps])
    count = int(minutes[-1]) // 15 + 1
    town = meter(period_s)
    readings = list(zip(minutes.tolist(), kwh.tolist(), strict=True))
    random.shuffle(readings)
    for first in range(0, len(readings), 7):
        read(town, readings[first : first + 7])
        town.tick(town.vitals.now_ns // 10**9 or HOUR)
    town.tick(HOUR + 60 * (15 * count + 40))
    expected: npt.NDArray[np.float64] = np.empty((count, 2))
    gap_ms = (min(2 * period_s, 900) + 60) * 1000
    reference.register_demand(
        minutes * 60_000 + HOUR * 1000, kwh, HOUR * 1000, 900_000, gap_ms, 0.0, 1e5, expected
    )
    found = blocks(town)
    for k in range(count):
        kw, cov = found[15 * (k + 1)]
        assert kw == pytest.approx(expected[k, 0], rel=1e-9, abs=1e-9, nan_ok=True)
        assert cov == pytest.approx(expected[k, 1])


def test_rows_are_made_as_registers_come() -> None:
    town = meter()
    read(town, [(0, 0.0)])
    town.take([Reading("m1", "power", HOUR, 1.0)])
    for channel in range(9):
        town.take([Reading("m1", "energy", HOUR, 1.0, 1, f"l{channel}")])
    registers = town.vitals.registers
    assert len(registers.slots) == 10
    assert registers.blocks.shape[1] == BLOCKS
    assert [int(registers.row[slot]) for slot in registers.slots] == list(range(10))
    assert not len(Registers().take_changed())


def test_a_block_whose_readings_were_all_taken_back_begins_anew() -> None:
    """It began at the year 1970 and 0 kWh, where no reading had been."""
    emptied, fresh = meter(), meter()
    read(emptied, [(0, 7.0), (3, 7.5)])
    blocks = emptied.vitals.registers.blocks
    index = int(blocks["tag"].max())
    blocks[blocks["tag"] == index] = np.zeros((), BLOCK_OF)
    blocks[0, index % BLOCKS]["tag"] = index
    for town in (emptied, fresh):
        read(town, [(5, 8.0), (4, 7.9)])
    assert np.array_equal(*(town.vitals.registers.blocks[0, index % BLOCKS]
                            for town in (emptied, fresh)))


def test_a_register_that_is_read_each_minute_says_nothing_twice() -> None:
    """Each reading said all closed minutes of its block anew: an event each minute."""
    town = meter()
    for minute in range(64):
        read(town, [(minute, minute / 6)])
        town.tick(HOUR + 60 * minute + 59)
    told = [(key, end) for path, key, end, _, _, rev in town.said() if path == EAST and rev > 1]
    assert told == []
    assert value(town, 45) == pytest.approx(10.0)
