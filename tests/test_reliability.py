"""IEEE 1366: steps on both sides of five minutes, the indices, the 2.5-beta threshold."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine import reliability
from tests import reference_energy as reference


@given(st.lists(st.tuples(
    st.one_of(st.integers(0, 10_000_000), st.sampled_from([299_999, 300_000, 300_001])),
    st.integers(0, 100_000), st.booleans(),
), max_size=20))
def test_steps_equal_their_twin(steps: list[tuple[int, int, bool]]) -> None:
    found = reliability.counted(
        np.array([row[0] for row in steps], np.int64), np.array([row[1] for row in steps]),
        np.array([row[2] for row in steps], np.bool_),
    )
    for k, (length_ms, customers, again) in enumerate(steps):
        assert [column[k] for column in found] == pytest.approx(
            reference.step(length_ms / 1000, customers, again))


def test_exactly_five_minutes_is_momentary() -> None:
    found = reliability.counted(
        np.array([300_000, 300_001]), np.array([7, 7]), np.zeros(2, np.bool_))
    assert found.interruptions.tolist() == [0.0, 7.0]
    assert found.momentary.tolist() == [7.0, 0.0]


@given(st.lists(st.one_of(st.just(0.0), st.floats(0.01, 500.0)), max_size=40))
def test_the_threshold_equals_its_twin(daily: list[float]) -> None:
    assume(sum(x > 0 for x in daily) > 1)
    found = reliability.major_event_threshold(daily)
    assert found.threshold_min == pytest.approx(reference.threshold(daily), rel=1e-9)
    assert found.days == sum(x > 0 for x in daily)


def test_no_threshold_of_one_day() -> None:
    assert math.isnan(reliability.major_event_threshold([0.0, 3.0]).threshold_min)


def test_indices() -> None:
    assert reliability.per_customer(7_947_800, 2_050_814) == pytest.approx(3.88, abs=0.006)
    assert math.isnan(reliability.per_customer(1.0, 0.0))
    assert reliability.caidi(137.128996, 1.629394) == pytest.approx(84.1595, abs=0.01)
    assert math.isnan(reliability.caidi(0.0, 0.0))
    assert reliability.asai(5256.0, 525_600.0) == pytest.approx(0.99)
    assert math.isnan(reliability.asai(1.0, 0.0))
