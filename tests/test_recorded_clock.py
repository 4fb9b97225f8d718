"""The clock of a recording: order, quorum, and one grid of steps whatever comes when."""

import random
from collections import Counter
from collections.abc import Iterable

import pytest

from edge import wire
from engine.vitals import Vitals
from ingest import recorded_clock
from ingest.admission import opened
from ingest.intervals import Seen
from ingest.messages import Received
from ingest.recorded_clock import STEP_NS, RecordedClock, step_start_ns
from tests.line_city import MS, ROWS, START_MS, single, topic

STEP_MS = STEP_NS // MS


def clock(now_ms: int = 0, heard: tuple[str, ...] = ()) -> RecordedClock:
    vitals, seen = Vitals(), Seen()
    vitals.load_places(ROWS)
    for device in heard:
        seen.add(vitals.registry.device(device), 1, 1, 4)
    kept = RecordedClock(vitals.registry, seen, now_ms * MS)
    numbers[kept] = Counter(dict.fromkeys(heard, 4))
    return kept


numbers: dict[RecordedClock, Counter[str]] = {}


def say(kept: RecordedClock, device: str, received_ms: int, number: int = 0) -> None:
    """Put a clock message of the next number, or of `number`."""
    if not number:
        numbers[kept][device] += 1
        number = numbers[kept][device]
    payload = wire.encode_clock(1, number, received_ms)
    kept.put(opened(Received(topic(device), payload), 0))


def times(steps: Iterable[tuple[int, object]]) -> list[tuple[int, list[int]]]:
    """Steps as (tick, receive times), in ms after the start."""
    return [
        (tick // MS - START_MS, [m.received_ns // MS - START_MS for m in messages])  # type: ignore[attr-defined]
        for tick, messages in steps
    ]


def test_waits_for_every_placed_device(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = clock()
    say(kept, "d1", START_MS + 5)
    say(kept, "d2", START_MS + 9)
    say(kept, "d7", START_MS - 100)  # not placed: it holds nobody up
    assert list(kept.steps()) == [(0, ())]
    say(kept, "d3", START_MS + 7)
    assert times(kept.steps()) == [(-STEP_MS, [-100]), (0, [5]), (0, [])]
    assert len(kept) == 2
    say(kept, "d1", START_MS + 8)
    assert times(kept.steps()) == [(0, [7]), (0, [])]
    monkeypatch.setattr(recorded_clock, "QUORUM_S_MAX", 0.0)
    late = clock()
    say(late, "d1", START_MS + 5)
    assert times(late.steps())[0] == (0, [5])


def test_steps_lie_on_one_grid() -> None:
    kept = clock()
    for device in ("d1", "d2", "d3"):
        for at_ms in (5, STEP_MS - 1, STEP_MS, 7 * STEP_MS + 3, 9 * STEP_MS):
            say(kept, device, START_MS + at_ms)
    assert times(kept.steps()) == [
        (0, [5] * 3 + [STEP_MS - 1] * 3), (STEP_MS, [STEP_MS] * 3),
        (7 * STEP_MS, [7 * STEP_MS + 3] * 3), (9 * STEP_MS, [9 * STEP_MS] * 3),
        (9 * STEP_MS, []),
    ]
    assert kept.now_ns == (START_MS + 9 * STEP_MS) * MS


def test_any_interleaving_puts_the_same_readings_between_the_same_ticks() -> None:
    sent = {device: sorted(random.Random(device).sample(range(20 * STEP_MS), 80))
            for device in ("d1", "d2", "d3")}

    def played(seed: int) -> dict[int, list[int]]:
        rng, kept = random.Random(seed), clock()
        left = {device: list(at) for device, at in sent.items()}
        between: dict[int, list[int]] = {}
        ticked = 0
        while any(left.values()):
            device = rng.choice([name for name, at in left.items() if at])
            for _ in range(rng.randint(1, 9)):
                if left[device]:
                    say(kept, device, START_MS + left[device].pop(0))
            for tick, received in times(kept.steps()):
                assert tick >= ticked or not received
                ticked = max(ticked, tick)
                between.setdefault(step_start_ns(tick * MS) // MS, []).extend(received)
        return {tick: sorted(received) for tick, received in between.items() if received}

    first = played(0)
    assert all(tick <= min(got) and max(got) < tick + STEP_MS for tick, got in first.items())
    ends = min(at[-1] for at in sent.values()) - STEP_MS
    for seed in range(1, 6):
        again = played(seed)
        assert [row for row in again.items() if row[0] < ends] == [
            row for row in first.items() if row[0] < ends]


def test_what_came_too_late_for_its_step_is_taken_at_once() -> None:
    kept = clock()
    for device in ("d1", "d2", "d3"):
        say(kept, device, START_MS + 5 * STEP_MS)
    list(kept.steps())
    say(kept, "d2", START_MS + 5)
    assert times(kept.steps()) == [(0, [5]), (5 * STEP_MS, [])]
    assert kept.now_ns == (START_MS + 5 * STEP_MS) * MS


def test_messages_without_a_receive_time_are_taken_now() -> None:
    kept = clock(START_MS)
    for payload in (b"nonsense", single(1), wire.encode_event(1, 2, "fault", "x", START_MS)):
        kept.put(opened(Received(topic("d1"), payload), 0))
    kept.put(opened(Received("elsewhere", b""), 0))
    assert times(kept.steps()) == [(0, [0] * 4), (0, [])]


def test_after_a_restart_it_waits_for_those_that_were_heard(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = clock(START_MS + 5 * STEP_MS, heard=("d1", "d2"))
    assert times(kept.steps()) == [(5 * STEP_MS, [])]
    say(kept, "d1", START_MS + 6 * STEP_MS)
    assert times(kept.steps()) == [(5 * STEP_MS, [])]
    say(kept, "d2", START_MS + 7 * STEP_MS)
    assert times(kept.steps()) == [(6 * STEP_MS, [6 * STEP_MS]), (6 * STEP_MS, [])]
    monkeypatch.setattr(recorded_clock, "STALL_S_MAX", 0.0)
    kept = clock(START_MS + 5 * STEP_MS, heard=("d1", "d2"))
    say(kept, "d1", START_MS + 6 * STEP_MS)
    assert times(kept.steps())[0] == (6 * STEP_MS, [6 * STEP_MS])


def test_after_a_restart_it_waits_for_what_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    # What was under way in the killed session comes after newer messages.
    kept = clock(START_MS, heard=("d1", "d2", "d3"))
    for device in ("d1", "d2"):
        say(kept, device, START_MS + 50)
    say(kept, "d3", START_MS + 40, 7)
    assert times(kept.steps()) == [(0, [])]
    say(kept, "d3", START_MS + 20, 5)
    assert times(kept.steps()) == [(0, [20]), (0, [])]
    kept.put(opened(Received(topic("d3"), wire.encode_drop(1, 9, [(1, 6, 6)])), 0))
    # The report itself has no receive time, it is taken when it comes.
    assert times(kept.steps()) == [(0, [20, 40]), (0, [])]
    say(kept, "d3", START_MS + 45, 8)
    assert times(kept.steps()) == [(0, [45]), (0, [])]
    say(kept, "d3", START_MS + 60, 12)
    monkeypatch.setattr(kept, "_patience_s", 0.0)
    assert times(kept.steps()) == [(0, [50, 50]), (0, [])]


def test_goes_on_after_a_restart_where_it_was() -> None:
    kept = clock(START_MS + 5 * STEP_MS)
    assert times(kept.steps()) == [(5 * STEP_MS, [])]
    say(kept, "d1", START_MS)
    assert times(kept.steps()) == [(0, [0]), (5 * STEP_MS, [])]
