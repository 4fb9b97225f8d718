"""Points: columns that stay together, and what sinks may write."""

from dataclasses import fields

import numpy as np
import pytest

from engine.points import DTYPES, INSUFFICIENT, NONE, Points, PointState, concatenate, empty


def points(values: list[float]) -> Points:
    """Closed points of the given values."""
    found = empty(len(values))
    found.value[:] = values
    found.cov[:] = 1.0
    found.state[:] = PointState.CLOSED
    return found


def test_blank_points() -> None:
    found = empty(2)
    assert [field.name for field in fields(Points)] == list(DTYPES)
    assert all(getattr(found, name).dtype == dtype for name, dtype in DTYPES.items())
    assert np.isnan([found.p50, found.p95, found.max]).all()
    assert found.over.tolist() == [-1, -1]


def test_concatenate() -> None:
    assert concatenate([]) is NONE
    one = points([1.0])
    assert concatenate([NONE, one]) is one
    both = concatenate([one, NONE, points([2.0, 3.0])])
    assert both.value.tolist() == [1, 2, 3]
    assert all(getattr(both, name).dtype == dtype for name, dtype in DTYPES.items())


@pytest.mark.parametrize("rows", [np.array([True, False, True]), np.array([0, 2])])
def test_take(rows: np.ndarray) -> None:
    assert points([1.0, 2.0, 3.0]).take(rows).value.tolist() == [1.0, 3.0]


def test_sinks_get_no_number_that_is_none() -> None:
    good = points([1.0, 0.0])
    assert good.storable() is good
    bad = points([1.0, np.nan, np.inf, -np.inf])
    bad.cov[0] = np.nan
    stored = bad.storable()
    assert stored.value.tolist() == [1.0, 0.0, 0.0, 0.0]
    assert stored.level.tolist() == [0, INSUFFICIENT, INSUFFICIENT, INSUFFICIENT]
    assert stored.cov.tolist() == [0.0, 1.0, 1.0, 1.0]
    assert stored.level.dtype == np.int8
    assert np.isnan(bad.value[1])
