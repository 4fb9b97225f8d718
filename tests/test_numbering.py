"""Message numbers: what was sent, what came, what is missing, and when that was told."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.agent import IN_FLIGHT_MAX
from edge.message_keys import NUMBER_MAX
from ingest import intervals, numbering
from ingest.numbering import BEFORE, Count, Numbering
from tests.hostile import RELAXED


def give(one: Numbering, numbers: Sequence[int], hour: int = 5, *, epoch: int = 1,
         device: int = 0, again: bool = False) -> None:
    """Messages of one device, a record each."""
    count = len(numbers)
    one.add(
        np.full(count, device, np.int32), np.full(count, epoch), np.array(numbers, np.int64),
        np.arange(count, dtype=np.int32), np.full(count, again), hour,
    )


def total(counts: dict[tuple[int, int], Count]) -> Count:
    out = Count()
    for count in counts.values():
        out = out.plus(count)
    return out


def test_a_gap_is_pending_while_its_agent_may_send_it_and_lost_beyond() -> None:
    for after, lost in ((IN_FLIGHT_MAX - 1, 0), (IN_FLIGHT_MAX, 2)):
        one = Numbering()
        give(one, [1, *range(4, 4 + after)])
        assert total(one.finish().by_key()) == Count(3 + after, 1 + after, 0, 2 - lost, lost)


def test_messages_of_later_epochs_speak_for_a_gap_too() -> None:
    one = Numbering()
    give(one, [1, 3])
    give(one, range(1, IN_FLIGHT_MAX), epoch=2)
    assert one.finish().by_key()[5, 0].lost == 1


def test_a_gap_belongs_to_the_hour_that_told_it() -> None:
    one = Numbering()
    give(one, [1, 2], 5)
    give(one, [4, *range(6, 6 + IN_FLIGHT_MAX)], 6)
    give(one, [5], 7)
    found = one.finish().by_key()
    assert [found[hour, 0].lost for hour in (5, 6, 7)] == [0, 1, 0]
    assert [found[hour, 0].taken for hour in (5, 6, 7)] == [2, IN_FLIGHT_MAX + 1, 1]


def test_what_was_dropped_is_neither_pending_nor_lost() -> None:
    one = Numbering()
    give(one, [1, 5])
    one.drop(0, 1, 2, 3, 6)
    found = one.finish().by_key()
    assert total(found) == Count(sent=5, taken=2, dropped=2, pending=1)
    assert found[6, 0] == Count(dropped=2)


def test_readings_of_one_message_are_one_message_and_a_message_taken_twice_is_found() -> None:
    one = Numbering()
    row = np.zeros(3, np.int32)
    one.add(row, np.ones(3, np.int64), np.array([1, 1, 2]), np.array([0, 0, 0], np.int32),
            np.zeros(3, np.bool_), 5)
    give(one, [1], again=True)  # a duplicate
    assert one.twice == {}
    give(one, [2])
    assert one.twice == {0: 1}
    assert total(one.finish().by_key()) == Count(sent=2, taken=2)


def test_what_was_known_before_is_neither_sent_nor_missing_now() -> None:
    one = Numbering([[0, 1, [1, 10], [5, 12]]])
    give(one, [7, 13])
    found = one.finish().by_key()
    assert found[BEFORE, 0] == Count(sent=12, taken=8, pending=3)
    assert found[5, 0] == Count(sent=1, taken=2)
    assert one.twice == {}
    part = Numbering(partial=True)
    give(part, [100, 102])
    assert part.finish().by_key()[5, 0] == Count(sent=3, taken=2, pending=1)


def test_numbers_that_no_agent_gives_say_nothing_of_what_is_missing() -> None:
    one = Numbering()
    give(one, [1, NUMBER_MAX + 5, 1 << 60])
    assert total(one.finish().by_key()) == Count(sent=3, taken=3)


def test_epochs_and_gaps_beyond_their_bounds_still_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "INTERVALS_MAX", 3)
    monkeypatch.setattr(numbering, "EPOCHS_MAX", 2)
    one = Numbering()
    for epoch in range(1, 5):
        give(one, range(1, 21, 2), epoch=epoch)
    found = total(one.finish().by_key())
    assert (found.sent, found.taken) == (76, 40)
    assert found.pending + found.lost == 36


@RELAXED
@given(st.lists(st.tuples(
    st.integers(0, 2), st.integers(1, 2), st.integers(1, 30), st.booleans(), st.integers(1, 3),
), max_size=40))
def test_equals_a_set(told: list[tuple[int, int, int, bool, int]]) -> None:
    one = Numbering()
    taken: set[tuple[int, int, int]] = set()
    dropped: set[tuple[int, int, int]] = set()
    top: dict[tuple[int, int], int] = {}
    for device, epoch, number, drop, hour in told:
        last = number + 2 if drop else number
        numbers = {(device, epoch, n) for n in range(number, last + 1)}
        top[device, epoch] = max(top.get((device, epoch), 0), last)
        if drop:
            one.drop(device, epoch, number, last, hour)
            dropped |= numbers - taken
        else:
            give(one, [number], hour, epoch=epoch, device=device, again=True)
            taken |= numbers - dropped
    found = total(one.finish().by_key())
    sent = sum(top.values())
    assert found[:3] == (sent, len(taken), len(dropped))
    assert found.pending + found.lost == sent - len(taken) - len(dropped)


def test_a_message_of_which_one_reading_was_known_is_not_taken_in_twice() -> None:
    """The live message of the minute at which the simulated past ended: its speed is a duplicate,
    its count is not."""
    one = Numbering()
    numbers, records = np.array([3, 4, 4, 5]), np.array([0, 0, 0, 0], np.int32)
    one.add(np.zeros(4, np.int32), np.ones(4, np.int64), numbers, records,
            np.array([False, True, False, False]), 5)
    assert one.twice == {}
    assert total(one.finish().by_key()).taken == 3
    one.add(np.zeros(2, np.int32), np.ones(2, np.int64), np.array([4, 4]),
            np.array([1, 1], np.int32), np.array([True, True]), 5)
    assert one.twice == {}
    one.add(np.zeros(2, np.int32), np.ones(2, np.int64), np.array([4, 4]),
            np.array([2, 2], np.int32), np.array([True, False]), 5)
    assert one.twice == {0: 1}
