"""Which readings may be repeats: never less than there are, against plain dictionaries."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.places import PlaceKey, PlaceRow
from edge.quantities import INDEX
from engine.batch import Batch
from engine.panes import MINUTE_NS
from engine.registry import Series
from engine.repeats import Keys, suspects
from engine.vitals import Vitals

START_NS = 1_790_000_000 // 3600 * 3600 * 10**9
PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30)), max_size=60)


def columns(pairs: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    return (np.array([slot for slot, _ in pairs], np.int32),
            np.array([time for _, time in pairs], np.int64))


@given(PAIRS, PAIRS)
def test_keys_find_what_a_set_finds(wanted: list[tuple[int, int]],
                                    among: list[tuple[int, int]]) -> None:
    keys = Keys(*columns(wanted))
    assert list(zip(keys.slot.tolist(), keys.time_ns.tolist(), strict=True)) == list(
        dict.fromkeys(wanted))
    rows, which = keys.match(*columns(among))
    assert rows.tolist() == [k for k, pair in enumerate(among) if pair in set(wanted)]
    assert [(keys.slot[k], keys.time_ns[k]) for k in which] == [among[k] for k in rows]


def city(zone: str, periods: list[float]) -> Vitals:
    vitals = Vitals()
    rows = [PlaceRow(0, "c", "d", f"s{k}", f"x{k}", "S", 0.0, 0.0, zone, period)
            for k, period in enumerate(periods)]
    vitals.load_places(rows)
    for k in range(len(rows)):
        place = vitals.registry.place(PlaceKey("c", "d", f"s{k}"))
        device = vitals.registry.device(f"x{k}")
        vitals.registry.slot(Series(place, device, INDEX["speed"], ""), vitals.panes)
    vitals.fit()
    return vitals


def batch_of(readings: list[tuple[int, int, float, int]]) -> Batch:
    count = len(readings)
    zero = np.zeros(count, np.int64)
    return Batch(
        np.array([row[0] for row in readings], np.int32),
        np.array([row[1] for row in readings], np.int64) * 1_000_000_000 + START_NS,
        np.array([row[2] for row in readings], np.float64),
        np.array([row[3] for row in readings], np.uint8), zero.astype(np.int32), zero, zero,
        np.zeros(count, np.uint8), START_NS,
    )


READINGS = st.lists(st.tuples(
    st.integers(0, 2), st.integers(-400_000, 0).map(lambda s: s // 20 * 20),
    st.sampled_from((0.0, 30.0)), st.sampled_from((1, 4)),
), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(READINGS, st.integers(1, 5), st.booleans(), st.sampled_from(("UTC", "Asia/Kolkata")))
def test_no_minute_that_has_a_reading_is_said_to_be_empty(
    readings: list[tuple[int, int, float, int]], size: int, ticks: bool, zone: str
) -> None:
    vitals = city(zone, [1.0, 300.0, 7200.0])
    told: set[tuple[int, int]] = set()
    minutes: set[tuple[int, int]] = set()
    for first in range(0, len(readings), size):
        part = batch_of(readings[first : first + size])
        newest: dict[int, int] = {
            slot: int(vitals.series.last_ns[slot]) for slot in range(3)
        }
        found = set(suspects(part, vitals.series.table).tolist())
        for k, (slot, time_ns) in enumerate(zip(part.slot.tolist(), part.time_ns.tolist(),
                                                strict=True)):
            assert (k in found) == (time_ns <= newest[slot])
            newest[slot] = max(newest[slot], time_ns)
        keys = Keys(part.slot, part.time_ns)
        full = keys.occupied(vitals.panes, vitals.registry)
        for slot, time_ns, maybe in zip(keys.slot.tolist(), keys.time_ns.tolist(), full.tolist(),
                                        strict=True):
            assert maybe or (slot, time_ns) not in told
            if slot == 0 and maybe and not ticks and (slot, time_ns // MINUTE_NS) not in minutes:
                hour = (slot, time_ns // (60 * MINUTE_NS))
                assert hour in {(s, m // 60) for s, m in minutes} or zone != "UTC"
        vitals.apply(part)
        told |= set(zip(part.slot.tolist(), part.time_ns.tolist(), strict=True))
        minutes |= {(slot, time_ns // MINUTE_NS) for slot, time_ns in told}
        if ticks:
            vitals.tick(START_NS, with_open=False)
