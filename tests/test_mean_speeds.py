"""Mean speeds over time and over space."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.mean_speeds import harmonic_mean_kmh, space_mean_kmh, time_mean_kmh

NAN = math.nan


def test_space_mean_speed() -> None:
    """NPTEL 105101008: half at 10, half at 20 gives 13.33, not 15."""
    ones = np.ones(4)
    assert harmonic_mean_kmh(np.array([10.0, 10, 20, 20]), ones) == pytest.approx(40 / 3)
    assert harmonic_mean_kmh(np.array([10.0, 20]), np.array([2.0, 2])) == pytest.approx(40 / 3)
    assert harmonic_mean_kmh(np.array([50.0, 0, NAN, -3]), ones) == 50
    assert harmonic_mean_kmh(np.array([0.2]), np.ones(1)) == 1
    assert math.isnan(harmonic_mean_kmh(np.array([0.0]), np.ones(1)))


@given(st.lists(st.tuples(st.floats(1, 200), st.integers(1, 9)), min_size=1))
def test_space_mean_never_exceeds_the_time_mean(cars: list[tuple[float, int]]) -> None:
    speeds, counts = (np.array(column, float) for column in zip(*cars, strict=True))
    mean = harmonic_mean_kmh(speeds, counts)
    assert speeds.min() - 1e-9 <= mean <= np.average(speeds, weights=counts) + 1e-9


@given(st.lists(st.floats(1, 200), min_size=1, max_size=50))
def test_both_meet_in_the_variance_over_space(speeds: list[float]) -> None:
    """v_t = v_s + variance_s / v_s, vehicles weighed by how long they are on the road."""
    over_time = time_mean_kmh(sum(round(v * 1e6) for v in speeds), len(speeds))
    over_space = space_mean_kmh(sum(round(1e12 / v) for v in speeds), len(speeds))
    weights = 1 / np.array(speeds)
    variance = np.average((np.array(speeds) - over_space) ** 2, weights=weights)
    assert over_time == pytest.approx(over_space + variance / over_space, rel=1e-6)


def test_none_of_nothing() -> None:
    assert math.isnan(time_mean_kmh(0, 0))
    assert math.isnan(space_mean_kmh(0, 0))
