"""Panes: whatever the order, the batches and the ticks, they are a fold of the set of readings."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.quantities import INDEX, QUANTITIES
from engine import panes as module
from engine.panes import (
    DAY,
    FINE_LEVELS,
    HOUR,
    LENGTHS,
    LEVEL_OF,
    MINUTES,
    NEVER_MIN,
    ONE,
    PERIODS,
    QUARTER,
    Panes,
    apply_readings,
    fold_dirty,
)
from tests import reference

LEVELS = [LEVEL_OF.get(name, -1) for name in QUANTITIES]
COVER = (1 << 62) - 1  # without the marks of changes and of readings that do not count
NOON = 1_700_000_100 // 86_400 * 86_400 + 43_200
KOLKATA = 330


class Ring:
    """Panes of some series, without a registry: (quantity, span in minutes, shift) each."""

    def __init__(self, *series: tuple[str, int, int]) -> None:
        self.series = series
        self.panes = Panes()
        self.quantity = np.array([INDEX[name] for name, _, _ in series], np.int32)
        self.shift = np.array([shift for _, _, shift in series], np.int32)
        self.panes.fit(self.quantity, LEVELS)
        self.found: set[tuple[int, int, int]] = set()

    def apply(self, readings: list[tuple[int, int, float, int]]) -> None:
        """Readings as (slot, Unix second, value, flag)."""
        slot = np.array([reading[0] for reading in readings], np.int32)
        panes = self.panes
        apply_readings(
            slot, np.array([reading[1] for reading in readings], np.int64) * 1_000_000_000,
            np.array([reading[2] for reading in readings], np.float64),
            np.array([reading[3] for reading in readings], np.uint8),
            np.array([self.series[s][1] for s in slot], np.int32), panes.minutes, panes.fine,
            panes.coarse, panes.rows, self.quantity, self.shift, panes.dirty, panes.first_min,
            panes.touched,
        )

    def tick(self) -> set[tuple[int, int, int]]:
        """Fold; returns the panes that changed."""
        panes = self.panes
        fold_dirty(
            panes.minutes, panes.fine, panes.coarse, panes.rows, self.quantity, self.shift,
            panes.dirty, panes.touched,
        )
        changed = set(map(tuple, panes.take_touched(self.shift).tolist()))
        self.found |= changed
        return changed

    def pane(self, level: int, slot: int, number: int) -> tuple[int, ...] | None:
        """(n, sum, covered[, min, max]) of a pane, None if it is not there."""
        fine = level < FINE_LEVELS
        panes = self.panes.fine[level] if fine else self.panes.coarse[level - FINE_LEVELS]
        row = self.panes.rows[level, slot] if fine else slot
        pane = panes[row, number % LENGTHS[level]]
        if pane["tag"] != number:
            return None
        found = (int(pane["n"]), int(pane["sum"]), int(pane["covered"]) & COVER)
        return found if fine else (*found, float(pane["min"]), float(pane["max"]))

    def check(self, readings: list[tuple[int, int, float, int]]) -> None:
        """All panes of all levels equal the fold of the set, and all were told of."""
        for slot, (name, span, shift) in enumerate(self.series):
            mine = [(second, value, flag) for s, second, value, flag in readings if s == slot]
            for level in [*range(FINE_LEVELS), HOUR, DAY]:
                if level < FINE_LEVELS and LEVEL_OF.get(name, -1) != level:
                    assert self.panes.rows[level, slot] == -1
                    continue
                folded = reference.fold(mine, span, shift, PERIODS[level], name)
                for number, (n, total, slowness, bits, low, high) in folded.items():
                    expected: tuple[float, ...]
                    if level < FINE_LEVELS:
                        expected = (n, slowness if name == "speed" else total, bits)
                    else:
                        expected = (
                            n, 0 if name == "energy" else total, bits if level == HOUR else 0,
                            low, high,
                        )
                    assert self.pane(level, slot, number) == expected, (name, level, number)
                    assert (level, slot, number) in self.found
            seconds = [second for second, _, _ in mine]
            assert self.panes.first_min[slot] == min(seconds, default=NEVER_MIN * 60) // 60


SERIES = (
    ("speed", 1, 0), ("power", 1, KOLKATA), ("count", 5, 60), ("power", 15, 0), ("pm25", 1, -300),
    ("no2", 60, KOLKATA), ("voltage", 10, 345), ("energy", 1, 0), ("power", 60, 0),
    ("speed", 7, 0), ("laeq", 1, 0),
)
_TYPICAL = {
    "speed": 50.0, "energy": 9e8, "power": 4.0, "voltage": 230.0, "count": 9.0, "laeq": 60.0,
}


def _readings(rng: np.random.Generator, count: int, days: float) -> list[
    tuple[int, int, float, int]
]:
    slots = rng.integers(0, len(SERIES), count)
    seconds = NOON + rng.choice([60, 3600, 86_400 * days], count) * rng.random(count)
    values = [
        _TYPICAL.get(SERIES[s][0], 20.0) * x for s, x in zip(slots, rng.normal(1, 1, count),
                                                            strict=True)
    ]
    flags = rng.choice([1, 2, 3, 4, 9], count, p=[0.6, 0.1, 0.1, 0.1, 0.1])
    return [
        (int(s), int(t), float(v), int(f))
        for s, t, v, f in zip(slots, seconds, values, flags, strict=True)
    ]


@given(
    seed=st.integers(0, 2**32 - 1), count=st.integers(0, 300), batches=st.integers(1, 12),
    days=st.sampled_from([0.05, 1.0, 7.9]), ordered=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_panes_are_the_fold_of_the_set(
    seed: int, count: int, batches: int, days: float, ordered: bool
) -> None:
    rng = np.random.default_rng(seed)
    readings = _readings(rng, count, days)
    if ordered:
        readings.sort(key=lambda reading: reading[1])
    ring = Ring(*SERIES)
    for part in np.array_split(np.arange(count), batches):
        ring.apply([readings[k] for k in part])
        if rng.random() < 0.5:
            ring.tick()
    ring.tick()
    ring.check(readings)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_changed_panes_are_told_even_when_the_list_of_them_overflows(seed: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "TOUCHED_MIN", 8)
        patch.setattr(module, "TOUCHED_A_SERIES_MAX", 0)
        ring = Ring(*SERIES)
    readings = _readings(np.random.default_rng(seed), 150, 3.0)
    for part in (readings[:50], readings[50:]):
        ring.apply(part)
        ring.tick()
    ring.check(readings)
    assert ring.tick() == set()


def test_the_list_of_changes_at_its_limit() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "TOUCHED_MIN", 5)
        patch.setattr(module, "TOUCHED_A_SERIES_MAX", 0)
        ring = Ring(("power", 1, 0))
    ring.apply([(0, NOON, 1.0, 1)])
    # A quarter of an hour, the hour, the day and the minute: the four that there is room for.
    assert sorted(level for level, _, _ in ring.tick()) == [QUARTER, HOUR, DAY, ONE]
    ring.apply([(0, NOON, 1.0, 1), (0, NOON + 900, 1.0, 1)])
    levels = [level for level, _, _ in ring.tick()]
    # Two quarters, one hour, one day; minutes are not marked, so all of both quarters are told.
    assert [levels.count(level) for level in (QUARTER, HOUR, DAY, ONE)] == [2, 1, 1, 30]


def test_sums_are_exact_at_large_offsets() -> None:
    """Pascals near 101,325 and a register near 1.7e9: the millionths of each reading add up."""
    ring = Ring(("pm25", 1, 0), ("temp", 1, 0))
    readings = [(0, NOON + k, 101_325.0 + k * 1e-6, 1) for k in range(3600)]
    readings += [(1, NOON + k, 1.7e9 + k % 2 * 1e-3, 1) for k in range(3600)]
    ring.apply(readings)
    ring.tick()
    pascal, register = ring.pane(HOUR, 0, NOON // 3600), ring.pane(HOUR, 1, NOON // 3600)
    assert pascal is not None
    assert register is not None
    assert pascal[1] == sum(101_325_000_000 + k for k in range(3600))
    assert register[1] == 1800 * (1_700_000_000_000_000 + 1_700_000_000_001_000)
    assert register[3:] == (1.7e9, 1.7e9 + 1e-3)
    ring.check(readings)


def test_times_near_1_7e9_seconds_keep_their_minute() -> None:
    """The last nanosecond of a minute belongs to it, the next one to the next."""
    ring = Ring(("pm25", 1, 0))
    panes = ring.panes
    times = np.array([1_700_000_159_999_999_999, 1_700_000_160_000_000_000], np.int64)
    two = np.zeros(2, np.int32)
    apply_readings(
        two, times, np.ones(2), np.ones(2, np.uint8), two + 1, panes.minutes, panes.fine,
        panes.coarse, panes.rows, ring.quantity, ring.shift, panes.dirty, panes.first_min,
        panes.touched,
    )
    tags = panes.minutes[0]["tag"]
    assert sorted(tags[tags > 0].tolist()) == [28_333_335, 28_333_336]


@pytest.mark.parametrize(
    ("span", "minutes"), [(1, {7}), (5, {5, 6, 7, 8, 9}), (15, set(range(15)))]
)
def test_a_slow_device_vouches_for_its_whole_period(span: int, minutes: set[int]) -> None:
    ring = Ring(("power", span, 0))
    ring.apply([(0, NOON + 7 * 60, 3.0, 1)])
    ring.tick()
    quarter = ring.pane(QUARTER, 0, NOON // 900)
    assert quarter == (1, 3_000_000, sum(1 << minute for minute in minutes))


def test_an_hourly_value_covers_its_hour_and_says_nothing_of_a_quarter() -> None:
    ring = Ring(("power", 60, 0))
    ring.apply([(0, NOON, 3.0, 1)])
    ring.tick()
    assert ring.pane(QUARTER, 0, NOON // 900) == (1, 3_000_000, 0)
    assert ring.pane(HOUR, 0, NOON // 3600) == (1, 3_000_000, (1 << 60) - 1, 3.0, 3.0)


@pytest.mark.parametrize("flag", [4, 9])
def test_failed_and_missing_readings_do_not_count(flag: int) -> None:
    ring = Ring(("pm25", 1, 0))
    ring.apply([(0, NOON, 5.0, flag)])
    assert ring.tick() == set()
    ring.apply([(0, NOON, 7.0, 3)])
    ring.tick()
    assert ring.pane(HOUR, 0, NOON // 3600) == (1, 7_000_000, 1, 7.0, 7.0)


def test_speeds_are_averaged_by_their_slowness() -> None:
    """Half at 10 and half at 20: 13.33, not 15; below 1 counts as 1, nothing moving as nothing."""
    ring = Ring(("speed", 1, 0))
    ring.apply([(0, NOON, 10.0, 1), (0, NOON, 20.0, 1), (0, NOON + 300, 0.5, 1),
                (0, NOON + 600, 0.0, 1)])
    ring.tick()
    assert ring.pane(0, 0, NOON // 300) == (2, 150_000_000_000, 1)
    assert ring.pane(0, 0, NOON // 300 + 1) == (1, 1_000_000_000_000, 1)
    assert ring.pane(0, 0, NOON // 300 + 2) is None


def test_hours_of_kolkata_start_where_its_people_have_them() -> None:
    """18:30 UTC is midnight in Kolkata: a new hour and a new day, in the middle of a UTC hour."""
    ring = Ring(("pm25", 1, KOLKATA))
    midnight = NOON + 6 * 3600 + 1800
    ring.apply([(0, midnight - 60, 1.0, 1), (0, midnight, 2.0, 1)])
    ring.tick()
    local = (midnight // 60 + KOLKATA) // 60
    assert local % 24 == 0
    assert ring.pane(HOUR, 0, local - 1) == (1, 1_000_000, 1 << 59, 1.0, 1.0)
    assert ring.pane(HOUR, 0, local) == (1, 2_000_000, 1, 2.0, 2.0)
    assert ring.pane(DAY, 0, local // 24) == (1, 2_000_000, 0, 2.0, 2.0)


def test_a_minute_leaves_its_ring_folded() -> None:
    ring = Ring(("power", 1, 0))
    ring.apply([(0, NOON + 60 * k, 1.0, 1) for k in range(MINUTES + 1)])
    # The first minute made room for the last and was folded on the way, before any tick.
    assert ring.pane(QUARTER, 0, NOON // 900) == (1, 1_000_000, 1)
    ring.apply([(0, NOON, 5.0, 1)])
    assert ring.pane(QUARTER, 0, NOON // 900) == (2, 6_000_000, 1)
    ring.tick()
    assert ring.pane(QUARTER, 0, NOON // 900) == (16, 20_000_000, (1 << 15) - 1)


def test_a_pane_keeps_the_newest_that_its_place_may_hold() -> None:
    """Beyond the reach of a ring an old reading finds its place taken, and changes nothing."""
    ring = Ring(("pm25", 1, 0))
    late = NOON - LENGTHS[HOUR] * 3600
    ring.apply([(0, NOON, 1.0, 1)])
    ring.tick()
    ring.apply([(0, late, 9.0, 1)])
    ring.tick()
    assert ring.pane(HOUR, 0, NOON // 3600) == (1, 1_000_000, 1, 1.0, 1.0)
    assert ring.pane(HOUR, 0, late // 3600) is None


def test_rings_reach_back_over_the_horizon_and_what_looks_back_on_it() -> None:
    # A reading 8 days old restates its day, whose running means begin 7 hours before it.
    assert LENGTHS[HOUR] >= module.HORIZON_DAYS * 24 + 24 + 7 + 1
    for level in range(FINE_LEVELS):
        assert LENGTHS[level] * PERIODS[level] >= (module.HORIZON_DAYS + 1) * 1440
    assert LENGTHS[DAY] >= 31 + module.HORIZON_DAYS


def test_growth_keeps_what_there_is() -> None:
    ring = Ring(("power", 1, 0))
    ring.apply([(0, NOON, 3.0, 1)])
    ring.tick()
    before = ring.pane(QUARTER, 0, NOON // 900)
    for count in (65, 200, 1000):
        quantity = np.full(count, INDEX["power"], np.int32)
        ring.panes.fit(quantity, LEVELS)
        assert ring.pane(QUARTER, 0, NOON // 900) == before
        rows = ring.panes.rows[QUARTER, :count]
        assert sorted(rows.tolist()) == list(range(count))
        assert ring.panes.first_min[count - 1] == NEVER_MIN


def test_a_minute_takes_64_bytes_and_its_ring_4_kilobytes() -> None:
    assert module.MINUTE.itemsize * MINUTES == 4096
    coarse = module.COARSE.itemsize * (LENGTHS[HOUR] + LENGTHS[DAY])
    assert 4096 + coarse <= 16_384


def test_a_city_without_series_ticks() -> None:
    """Without rows the ring was in either order of memory, and no kernel took it."""
    Ring().tick()
