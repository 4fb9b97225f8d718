"""Epoch and number as one integer."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from edge.message_keys import NUMBER_MAX, make_key, runs, split_key

_epochs = st.integers(0, 1 << 34)
_numbers = st.integers(0, NUMBER_MAX)


@given(_epochs, _numbers)
def test_keys_round_trip_and_fit_sqlite(epoch: int, number: int) -> None:
    assert split_key(make_key(epoch, number)) == (epoch, number)
    assert make_key(epoch, number) < 1 << 63


@given(st.tuples(_epochs, _numbers), st.tuples(_epochs, _numbers))
def test_keys_order_as_epoch_and_number(a: tuple[int, int], b: tuple[int, int]) -> None:
    assert (make_key(*a) < make_key(*b)) == (a < b)


@given(st.lists(st.integers(0, 40), max_size=30, unique=True).map(sorted))
def test_runs_hold_exactly_the_keys(keys: list[int]) -> None:
    ranges = runs(keys)
    assert [key for first, last in ranges for key in range(first, last + 1)] == keys
    assert all(last + 1 < first for (_, last), (first, _) in itertools.pairwise(ranges))
