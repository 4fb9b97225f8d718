"""What is taken out of panes, or folded anew, leaves those of the readings that stay."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.places import PlaceKey, PlaceRow
from edge.quantities import INDEX
from engine.batch import Batch
from engine.registry import Series
from engine.retraction import counts, span_ns
from engine.vitals import Vitals

START_NS = 1_790_000_000 // 86_400 * 86_400 * 10**9
NAMES = ("pm25", "speed", "power", "energy", "count", "voltage")
Reading = tuple[int, int, float, int]


def city(zone: str, period: float) -> Vitals:
    vitals = Vitals()
    vitals.load_places([PlaceRow(0, "c", "d", "s", "x", "S", 0.0, 0.0, zone, period)])
    place = vitals.registry.place(PlaceKey("c", "d", "s"))
    for name in NAMES:
        vitals.registry.slot(
            Series(place, vitals.registry.device("x"), INDEX[name], ""), vitals.panes)
    return vitals


def batch_of(readings: list[Reading]) -> Batch:
    zero = np.zeros(len(readings), np.int64)
    return Batch(
        np.array([row[0] for row in readings], np.int32),
        np.array([row[1] for row in readings], np.int64) * 10**9 + START_NS,
        np.array([row[2] for row in readings], np.float64),
        np.array([row[3] for row in readings], np.uint8), zero.astype(np.int32), zero, zero,
        zero.astype(np.uint8), START_NS,
    )


def held(vitals: Vitals) -> dict[object, object]:
    """What the panes hold, without minima and maxima."""
    vitals.tick(vitals.now_ns, with_open=False)
    out: dict[object, object] = {}
    for slot in range(len(NAMES)):
        rings = [("hour", vitals.panes.coarse[0][slot]), ("day", vitals.panes.coarse[1][slot])]
        for level in range(3):
            row = vitals.panes.rows[level, slot]
            rings += [(str(level), vitals.panes.fine[level][row])] if row >= 0 else []
        for name, ring in rings:
            for pane in ring[ring["n"] != 0]:
                bits = int(pane["covered"]) & ((1 << 60) - 1)
                out[slot, name, int(pane["tag"])] = (int(pane["n"]), int(pane["sum"]), bits)
        row = vitals.registers.row[slot]
        for block in vitals.registers.blocks[row] if row >= 0 else ():
            if block["n"]:
                out[slot, "block", int(block["tag"])] = block.tolist()
    return out


READINGS = st.lists(st.tuples(
    st.integers(0, len(NAMES) - 1), st.integers(-150_000, 0).map(lambda s: s // 25 * 25),
    st.sampled_from((0.0, 2.5, 30.0)), st.sampled_from((1, 1, 4)),
), min_size=2, max_size=40, unique_by=lambda row: row[:2])


@settings(max_examples=40, deadline=None)
@given(READINGS, st.data(), st.sampled_from(("UTC", "Asia/Kolkata")),
       st.sampled_from((1.0, 300.0, 7200.0)), st.booleans())
def test_a_day_folded_anew_is_that_of_its_readings(
    readings: list[Reading], data: st.DataObject, zone: str, period: float, ticks: bool
) -> None:
    vitals, twin = city(zone, period), city(zone, period)
    gone = data.draw(st.sampled_from(readings))
    vitals.apply(batch_of(readings))
    if ticks:
        vitals.tick(START_NS, with_open=False)
    stay = [row for row in readings if row != gone]
    if stay:
        twin.apply(batch_of(stay))
    slot, at = gone[0], gone[1] * 10**9 + START_NS
    first, end = span_ns(slot, at, vitals.registry)
    day = [row for row in stay
           if row[0] == slot and first <= row[1] * 10**9 + START_NS < end]
    counted = counts(
        vitals.registry.quantity[[slot]], np.array([gone[2]]), np.array([gone[3]], np.uint8))
    if not day:  # the reading that takes its place is always there, if it does not count
        day = [(slot, gone[1], 1.0, 4)]
    vitals.judge.unsettled.clear()
    every = batch_of(sorted(day, key=lambda row: row[1]))
    assert not vitals.refold(slot, first, every, int(counted[0]) + 1)
    assert vitals.refold(slot, first, every, int(counted[0]))
    assert held(vitals) == held(twin)


@settings(max_examples=30, deadline=None)
@given(READINGS, st.integers(0, 20), st.sampled_from((1.0, 300.0, 7200.0)), st.booleans())
def test_readings_replaced_by_others_of_their_time_are_subtracted(
    readings: list[Reading], some: int, period: float, ticks: bool
) -> None:
    readings = [(row[0], row[1], max(row[2], 1.0), 1) for row in readings
                if NAMES[row[0]] != "energy"]
    if not readings:
        return
    vitals, twin = city("UTC", period), city("UTC", period)
    old = batch_of(readings[:some])
    vitals.apply(batch_of(readings))
    if ticks:
        vitals.tick(START_NS, with_open=False)
    new = [(slot, at, value + 4.25, flag) for slot, at, value, flag in readings[:some]]
    vitals.apply(batch_of(new))
    vitals.retract(old)
    twin.apply(batch_of([*new, *readings[some:]]))
    assert held(vitals) == held(twin)


@pytest.mark.parametrize(("name", "value", "flag", "counted"), [
    ("pm25", 0.0, 1, True), ("pm25", 1.0, 4, False), ("pm25", 1.0, 9, False),
    ("speed", 0.0, 1, False), ("speed", -1.0, 1, False), ("speed", 0.1, 3, True),
])
def test_what_counts_is_what_panes_count(
    name: str, value: float, flag: int, counted: bool
) -> None:
    quantity = np.array([INDEX[name]], np.int32)
    assert counts(quantity, np.array([value]), np.array([flag], np.uint8))[0] == counted
    vitals = city("UTC", 60.0)
    vitals.apply(batch_of([(NAMES.index(name), 0, value, flag)]))
    assert len(held(vitals)) > 0 if counted else not held(vitals)
