"""Interval sets against plain sets; bounds; snapshots."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.wire import Ack
from ingest import intervals
from ingest.intervals import Intervals, Seen

SPANS = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 12)), max_size=40)


@given(SPANS)
def test_is_the_set_of_what_was_added(spans: list[tuple[int, int]]) -> None:
    kept, twin = Intervals(), set[int]()
    for first, more in spans:
        numbers = set(range(first, first + more + 1))
        assert kept.add(first, first + more) == len(numbers - twin)
        twin |= numbers
        assert [n for n in range(90) if n in kept] == sorted(twin)
        assert kept.contiguous == next(n for n in range(100) if n + 1 not in twin)
        gaps = zip(kept.ends, kept.starts[1:], strict=False)
        assert all(end + 1 < start for end, start in gaps)


@given(st.permutations(list(range(1, 30))))
def test_any_order_of_a_whole_epoch_is_one_interval(numbers: list[int]) -> None:
    kept = Intervals()
    for number in numbers:
        kept.add(number, number)
    assert (kept.starts, kept.ends, kept.contiguous) == ([1], [29], 29)


def test_an_epoch_that_begins_later_has_nothing_contiguous() -> None:
    kept = Intervals()
    kept.add(2, 9)
    assert kept.contiguous == 0
    kept.add(1, 1)
    assert kept.contiguous == 9


@given(st.lists(st.tuples(
    st.integers(0, 3), st.integers(0, 1 << 61), st.integers(1, 50), st.integers(0, 9)
), max_size=40))
def test_dump_and_restore(added: list[tuple[int, int, int, int]]) -> None:
    seen = Seen()
    for device, epoch, first, more in added:
        seen.add(device, epoch, first, first + more)
    again = Seen()
    again.restore(seen.dump())
    assert again.dump() == seen.dump()
    for device, epoch, first, more in added:
        assert again.has(device, epoch, first + more)
        assert again.contiguous(device, epoch) == seen.contiguous(device, epoch)
    assert not again.has(9, 9, 9)
    assert again.contiguous(9, 9) == 0


def test_an_acknowledgement_names_what_lies_beyond_a_gap() -> None:
    seen = Seen()
    assert seen.ack(0, 7) == Ack(7, 0)
    seen.add(0, 7, 1, 5)
    assert seen.ack(0, 7) == Ack(7, 5)
    seen.add(0, 7, 8, 9)
    seen.add(0, 8, 3, 3)
    assert seen.ack(0, 7, again=True) == Ack(7, 5, again=True, h=9)
    assert seen.newest() == [(0, 8)]


def test_a_restored_set_does_not_share_its_lists() -> None:
    seen = Seen()
    seen.add(0, 1, 1, 5)
    dumped = seen.dump()
    again = Seen()
    again.restore(dumped)
    again.add(0, 1, 9, 9)
    assert dumped == [[0, 1, [1], [5]]]


def test_epochs_at_their_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "EPOCHS_MAX", 3)
    seen = Seen()
    for epoch in (5, 1, 9):
        seen.add(0, epoch, 1, 4)
    assert len(seen.dump()) == 3
    seen.add(0, 2, 1, 4)
    assert [row[1] for row in seen.dump()] == [1, 9, 2]
    # A message of the forgotten epoch is new, and remembered: its agent is not left waiting.
    seen.add(0, 5, 4, 4)
    assert seen.has(0, 5, 4)
    assert seen.contiguous(0, 5) == 0


def test_intervals_at_their_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "INTERVALS_MAX", 3)
    kept = Intervals()
    for number in (2, 4, 6):
        kept.add(number, number)
    assert kept.starts == [2, 4, 6]
    assert kept.add(8, 8) == 1
    assert (kept.starts, kept.ends) == ([2, 6, 8], [4, 6, 8])


def test_intervals_of_a_device_at_their_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "DEVICE_INTERVALS_MAX", 5)
    seen = Seen()
    for epoch in (1, 2):
        for number in (2, 4, 6):
            seen.add(0, epoch, number, number)
            seen.add(1, epoch, number, number)
    # Six were one too many: the gaps of the first epoch are closed, the second is as it was.
    assert [row[2:] for row in seen.dump() if row[0] == 0] == [[[2], [6]], [[2, 4, 6], [2, 4, 6]]]
    assert seen.has(0, 1, 3)
    assert not seen.has(0, 2, 3)


SENT = st.lists(st.tuples(
    st.integers(0, 1), st.integers(1, 4), st.integers(1, 40), st.integers(0, 6), st.booleans(),
), max_size=60)


@settings(max_examples=60)
@given(SENT, st.integers(2, 30), st.integers(2, 5), st.integers(1, 3))
def test_whatever_is_sent_and_restored_nothing_seen_is_forgotten_but_whole_epochs(
    sent: list[tuple[int, int, int, int, bool]], device_max: int, epoch_max: int, epochs_max: int
) -> None:
    """Beside plain sets: within the bounds the same, beyond them more is taken as seen."""
    seen, twin = Seen(), dict[tuple[int, int], set[int]]()
    order: dict[int, list[int]] = {0: [], 1: []}
    exact = {0: True, 1: True}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intervals, "DEVICE_INTERVALS_MAX", device_max)
        patch.setattr(intervals, "INTERVALS_MAX", epoch_max)
        patch.setattr(intervals, "EPOCHS_MAX", epochs_max)
        for device, epoch, first, more, restart in sent:
            if epoch not in order[device]:
                order[device].append(epoch)
                for gone in order[device][:-epochs_max]:
                    order[device].remove(gone)
                    twin.pop((device, gone), None)
            numbers = set(range(first, first + more + 1))
            known = twin.setdefault((device, epoch), set())
            fresh = seen.add(device, epoch, first, first + more)
            assert fresh <= len(numbers - known)
            known |= numbers
            kept = [row for row in seen.dump() if row[0] == device]
            assert len(kept) <= epochs_max
            assert sum(len(row[2]) for row in kept) <= max(device_max, len(kept))
            assert all(len(row[2]) <= epoch_max for row in kept)
            gaps = {e: _runs(twin[device, e]) for e in order[device]}
            exact[device] &= max(gaps.values()) <= epoch_max and sum(gaps.values()) <= device_max
            if restart:
                again = Seen()
                again.restore(json.loads(json.dumps(seen.dump())))
                seen = again
            for (row, number), taken in twin.items():
                assert all(seen.has(row, number, k) for k in taken)
                if exact[row]:
                    assert not any(seen.has(row, number, k) for k in set(range(60)) - taken)


def _runs(numbers: set[int]) -> int:
    return sum(number - 1 not in numbers for number in numbers)


def test_a_device_that_leaves_every_gap_there_is_takes_kilobytes() -> None:
    seen = Seen()
    for epoch in range(1, 6):
        for number in range(2, 2 * intervals.INTERVALS_MAX + 200, 2):
            seen.add(0, epoch, number, number)
    assert len(json.dumps(seen.dump())) < 70_000
