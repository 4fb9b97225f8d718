"""The live judge: spikes do not count, however their readings came."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.quantities import INDEX, QUANTITIES
from engine.batch import Batch, concatenate
from engine.judge import GAP_NS, LIMITS, RELEASED, Judge, flags_of, watch_one
from engine.panes import HOUR, LENGTHS
from ingest.merging import Merging
from ingest.recall import Rows, nothing
from tests import reference_quality as slow
from tests.town import Reading, Town, at, row

BEGIN = at("2026-03-02 10:00")
PM25 = QUANTITIES["pm25"]
assert PM25.spike is not None
assert PM25.rate_min is not None
RULES = (GAP_NS / 1e9, PM25.spike, PM25.rate_min / 60)
VALUES = st.sampled_from((5.0, 8.0, 70.0, 150.0, 300.0))
READINGS = st.dictionaries(
    st.one_of(st.integers(0, 40), st.integers(0, 160)).map(lambda n: 30 * n),
    st.tuples(VALUES, st.sampled_from((1, 1, 1, 1, 3, 4))), min_size=1, max_size=40,
)


class Live:
    """A town of one series behind its merging; the past is what was given to it."""

    def __init__(self, period_s: float = 60.0) -> None:
        self.town = Town([row("d", "centre/s", period_s)])
        self.came: list[Batch] = []
        self.merging = Merging(self.town.vitals, self._past)

    def _past(self, slots: np.ndarray, first_ns: int, end_ns: int) -> Rows:
        if not self.came:
            return nothing()
        every = concatenate(self.came)
        here = (every.time_ns >= first_ns) & (every.time_ns < end_ns)
        found = every.take(here)
        return Rows(found, np.zeros(len(found), np.int64))

    def take(self, readings: Sequence[tuple[int, float, int]]) -> None:
        rows = [Reading("d", "pm25", BEGIN + t, value, flag) for t, value, flag in readings]
        none = np.zeros(len(rows), np.int64)
        batch = Batch(
            np.array([self.town.slot(one) for one in rows], np.int32),
            np.array([round(one.time_s * 1e9) for one in rows], np.int64),
            np.array([one.value for one in rows]), np.array([one.flag for one in rows], np.uint8),
            none.astype(np.int32), none, none + 1, none.astype(np.uint8), 0,
        )
        self.came.append(batch)
        self.merging.fold(batch)
        self.merging.refold(self._past)

    def hours(self) -> dict[int, tuple[int, int, int]]:
        """Count, sum and covered minutes of each hour with readings that count."""
        ring = self.town.vitals.panes.coarse[0][0]
        return {
            int(pane["tag"]): (
                int(pane["n"]), int(pane["sum"]), int(pane["covered"]) & ((1 << 60) - 1)
            )
            for pane in ring if pane["n"] > 0
        }


def expected(readings: dict[int, tuple[float, int]]) -> dict[int, tuple[int, int, int]]:
    every = [(float(t), value, flag) for t, (value, flag) in sorted(readings.items())]
    found: dict[int, tuple[int, int, int]] = {}
    for (t, value, _), flag in zip(every, slow.neighbours_judged(every, *RULES), strict=True):
        if flag not in (4, 9):
            second = BEGIN + int(t)
            n, total, bits = found.get(second // 3600, (0, 0, 0))
            bit = 1 << (second // 60 % 60)
            found[second // 3600] = (n + 1, total + round(value * 1e6), bits | bit)
    return found


@settings(max_examples=60, deadline=None)
@given(READINGS, st.randoms(use_true_random=False), st.sampled_from((0.0, 0.1, 1.0)))
def test_what_counts_is_a_function_of_the_readings_in_any_order(
    readings: dict[int, tuple[float, int]], random: object, disorder: float
) -> None:
    order = sorted(readings, key=lambda t: t + 5000 * disorder * random.random())  # type: ignore[attr-defined]
    live = Live()
    now = 0
    while order:
        count = random.randint(1, 6)  # type: ignore[attr-defined]
        part, order = order[:count], order[count:]
        live.take([(t, *readings[t]) for t in part])
        now = max(now, *part)
        if random.random() < 0.5:  # type: ignore[attr-defined]
            live.town.tick(BEGIN + now + random.choice((1, 90, 900)))  # type: ignore[attr-defined]
    live.town.tick(BEGIN + 4 * 3600)
    assert live.hours() == expected(readings)
    assert live.town.vitals.judge.waiting == 0


@given(READINGS)
def test_flags_of_a_day_equal_the_slow_twin(readings: dict[int, tuple[float, int]]) -> None:
    every = [(float(t), value, flag) for t, (value, flag) in sorted(readings.items())]
    got = flags_of(
        INDEX["pm25"], np.array([round(t * 1e9) for t, _, _ in every], np.int64),
        np.array([value for _, value, _ in every]),
        np.array([flag for _, _, flag in every], np.uint8),
    )
    assert got.tolist() == slow.neighbours_judged(every, *RULES)


def test_a_spike_does_not_count_and_its_minute_is_not_covered() -> None:
    live = Live()
    for minute in range(10):
        live.take([(60 * minute, 10.0 if minute != 5 else 180.0, 1)])
    live.town.tick(BEGIN + 700)
    assert live.hours() == {BEGIN // 3600: (9, 90_000_000, 0b1111011111)}


def test_a_step_counts_from_its_second_reading_on() -> None:
    live = Live()
    live.take([(0, 10.0, 1), (60, 10.0, 1), (120, 180.0, 1)])
    assert live.town.vitals.judge.waiting == 1
    live.town.tick(BEGIN + 125)
    assert live.hours()[BEGIN // 3600][0] == 2
    live.take([(180, 180.0, 1)])
    live.town.tick(BEGIN + 185)
    assert live.hours()[BEGIN // 3600][0] == 4


def test_what_nothing_follows_counts_after_the_gap() -> None:
    live = Live()
    live.take([(0, 10.0, 1), (60, 180.0, 1)])
    live.town.tick(BEGIN + 60 + 600 + 60)
    assert live.hours()[BEGIN // 3600][0] == 1
    live.town.tick(BEGIN + 60 + 600 + 61)
    assert live.hours()[BEGIN // 3600][0] == 2


@pytest.mark.parametrize("quantity", ["speed", "power", "voltage", "count", "energy"])
def test_quantities_that_jump_by_nature_are_left_alone(quantity: str) -> None:
    town = Town([row("d", "centre/s")])
    town.take([Reading("d", quantity, BEGIN + 60 * k, 10.0 + 200.0 * (k == 3)) for k in range(6)])
    assert town.vitals.judge.waiting == 0
    assert not town.vitals.judge.unsettled


def test_a_value_that_came_about_too_fast_is_suspect_and_counts() -> None:
    judge = Judge()
    judge.fit(1)
    counts, none = np.zeros(3, np.int64), np.zeros(8, np.int64)
    found = [
        watch_one(
            judge.table, 0, (BEGIN + second) * 10**9, value, np.uint8(flag), INDEX["temp"], LIMITS,
            np.empty(4, RELEASED), none, none.astype(np.int32), counts,
        )
        for second, value, flag in [(0, 10.0, 1), (60, 12.9, 1), (120, 16.0, 1), (180, 50.0, 4)]
    ]
    assert found == [(1, False), (1, False), (3, False), (4, False)]
    assert not counts.any()


def test_late_readings_that_cannot_matter_ask_for_no_archive() -> None:
    live = Live()
    live.take([(60 * k, 10.0 + k % 7, 1) for k in range(120) if k % 10])
    live.merging.past = None  # type: ignore[assignment]
    live.town.tick(BEGIN + 7300)
    live.merging.fold(live.came[0].take(np.zeros(0, np.intp)))
    late = [Reading("d", "pm25", BEGIN + 60 * k, 12.0) for k in range(0, 120, 10)]
    live.town.take(late)
    assert not live.town.vitals.judge.unsettled
    live.town.tick(BEGIN + 7400)
    assert {hour: n for hour, (n, _, _) in live.hours().items()} == {
        BEGIN // 3600: 60, BEGIN // 3600 + 1: 60
    }
    assert LENGTHS[HOUR] > 2


@pytest.mark.parametrize(("quantity", "step", "flag"), [
    ("temp", 0.2, 1), ("temp", 2.9, 1), ("temp", 3.1, 3), ("rh", 0.7, 1), ("rh", 10.1, 3),
    ("laeq", 59.0, 1), ("laeq", 61.0, 3),
])
def test_read_each_second_a_step_of_the_resolution_is_not_too_fast(
    quantity: str, step: float, flag: int
) -> None:
    """A limit a minute, taken by the second, made 43 sensors of a quiet night suspect."""
    time_ns = np.arange(2, dtype=np.int64) * 1_000_000_000 + BEGIN * 1_000_000_000
    values = np.array([30.0, 30.0 + step])
    got = flags_of(INDEX[quantity], time_ns, values, np.ones(2, np.uint8))
    assert got.tolist() == [1, flag]
