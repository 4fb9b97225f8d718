"""QARTOD kernels: boundaries, and equality with their slow twins over columns with gaps."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import qartod
from tests import reference_quality as slow

NAN = math.nan
steps = st.one_of(st.integers(-8, 8).map(lambda n: n / 2), st.floats(-1e6, 1e6), st.just(NAN))
columns = st.lists(steps, max_size=30)
limits = st.tuples(st.integers(0, 6), st.integers(0, 6)).map(sorted)


def filled(x: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    return np.array(x, np.float64), np.zeros(len(x), np.uint8)


@given(x=columns, fail=limits, suspect=limits)
def test_gross_range(x: list[float], fail: list[int], suspect: list[int]) -> None:
    values, out = filled(x)
    qartod.gross_range(values, -fail[0], fail[1], -suspect[0], suspect[1], out)
    assert out.tolist() == slow.gross_range(
        x, (-fail[0], fail[1]), (-suspect[0], suspect[1])
    )


@given(x=columns, limit=limits, method=st.sampled_from(["average", "differential"]))
def test_spike(x: list[float], limit: list[int], method: str) -> None:
    values, out = filled(x)
    code = qartod.AVERAGE if method == "average" else qartod.DIFFERENTIAL
    qartod.spike(values, *limit, code, out)
    assert out.tolist() == slow.spike(x, *limit, method)


@given(x=columns, limit=limits, gaps=st.lists(st.integers(0, 3), min_size=30, max_size=30))
def test_rate_of_change(x: list[float], limit: list[int], gaps: list[int]) -> None:
    values, out = filled(x)
    time_s = np.cumsum(np.array(gaps[: len(x)], np.float64))
    qartod.rate_of_change(values, time_s, *limit, out)
    assert out.tolist() == slow.rate_of_change(x, time_s.tolist(), *limit)


@given(
    x=st.lists(st.sampled_from([1.0, 1.5, 2.0, NAN]), max_size=30), counts=limits,
    tolerance=st.sampled_from([0.0, 0.5, 0.6]),
)
def test_flat_line(x: list[float], counts: list[int], tolerance: float) -> None:
    values, out = filled(x)
    qartod.flat_line(values, *counts, tolerance, out)
    assert out.tolist() == slow.flat_line(x, *counts, tolerance)


@given(rows=st.integers(0, 6).flatmap(lambda n: st.lists(
    st.lists(st.sampled_from([1, 2, 3, 4, 9]), min_size=n, max_size=n), min_size=1, max_size=4
)))
def test_aggregate(rows: list[list[int]]) -> None:
    flags = np.array(rows, np.uint8).reshape(len(rows), -1)
    out = np.zeros(flags.shape[1], np.uint8)
    qartod.aggregate(flags, out)
    assert out.tolist() == slow.aggregate(rows)


def test_a_value_equal_to_a_limit_passes_it() -> None:
    values, out = filled([0.0, 1.0, 4.0, 5.0, 5.1, -0.1])
    qartod.gross_range(values, 0.0, 5.0, 1.0, 4.0, out)
    assert out.tolist() == [3, 1, 1, 3, 4, 4]
    values, out = filled([10.0, 13.0, 10.0])
    qartod.spike(values, 3.0, 8.0, qartod.AVERAGE, out)
    assert out.tolist() == [2, 1, 2]
    values, out = filled([0.0, 2.0])
    qartod.rate_of_change(values, np.array([0.0, 1.0]), 2.0, 3.0, out)
    assert out.tolist() == [1, 1]
    values, out = filled([1.0] * 4)
    qartod.flat_line(values, 2, 3, 0.0, out)
    assert out.tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize(("flags", "worst"), [
    ((1, 9), 1), ((2, 1), 1), ((2, 9), 2), ((9, 9), 9), ((3, 4), 4), ((1, 3), 3),
])
def test_the_worst_of_two(flags: tuple[int, int], worst: int) -> None:
    assert qartod.worse(*flags) == worst == qartod.worse(*reversed(flags))
