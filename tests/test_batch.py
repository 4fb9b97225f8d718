"""Batches: columns that stay together."""

from dataclasses import replace

import numpy as np

from engine.batch import DTYPES, Batch, concatenate


def batch(count: int, received_ns: int) -> Batch:
    """Columns 0, 1, 2, … of the right types."""
    return Batch(
        **{name: np.arange(count).astype(dtype) for name, dtype in DTYPES.items()},
        received_ns=received_ns,
    )


def test_take_by_mask_and_by_index() -> None:
    whole = batch(4, 7)
    for rows in (np.array([False, True, False, True]), np.array([1, 3])):
        part = whole.take(rows)
        assert len(part) == 2
        assert part.received_ns == 7
        for name, dtype in DTYPES.items():
            column = getattr(part, name)
            assert column.dtype == dtype
            assert column.tolist() == [1, 3]


def test_concatenated_batches_were_received_with_the_last_of_them() -> None:
    whole = concatenate([batch(2, 9), batch(0, 1), batch(1, 8)])
    assert whole.received_ns == 9
    assert whole.time_ns.tolist() == [0, 1, 0]
    assert all(getattr(whole, name).dtype == dtype for name, dtype in DTYPES.items())


def test_the_columns_are_all_there_are() -> None:
    assert {*DTYPES, "received_ns", "each_received_ns"} == set(Batch.__slots__)


def test_receive_times_of_joined_batches_go_with_their_rows() -> None:
    whole = replace(batch(3, 9), each_received_ns=np.array([7, 8, 9]))
    taken = whole.take(np.array([0, 2])).each_received_ns
    assert taken is not None
    assert taken.tolist() == [7, 9]
