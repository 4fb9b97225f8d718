"""Flow, density, speed of a loop: identities and the smoothing (twins: tests/test_kernels.py)."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.density import (
    G_M,
    density_of_flow,
    density_of_occupancy,
    flow_vph,
    gfactor_speed,
    loop_speeds,
)


@given(st.integers(1, 200), st.floats(1, 130), st.integers(1, 5))
def test_flow_is_density_times_speed(vehicles: int, kmh: float, lanes: int) -> None:
    flow = flow_vph(vehicles, 5.0)
    assert density_of_flow(flow, kmh, lanes) * kmh * lanes == pytest.approx(flow)


@given(st.integers(1, 200), st.floats(0.01, 0.9))
def test_the_g_factor_speed_keeps_the_identity(vehicles: int, occupancy: float) -> None:
    speed = gfactor_speed(vehicles, 5.0, occupancy, G_M)
    assert density_of_occupancy(occupancy, G_M) * speed == pytest.approx(vehicles * 12)


def smooth(vehicles: list[float], occupancy: list[float], cap: float = 130.0) -> float:
    """The speed of the last bin."""
    out = np.zeros(1)
    loop_speeds(
        np.array([vehicles], float), np.array([occupancy], float), np.array([G_M]),
        np.array([cap]), out,
    )
    return float(out[0])


def test_the_first_bin_stands_alone_and_the_next_counts_by_its_vehicles() -> None:
    """50 vehicles count one half: (80.4672 + 40.2336) / 2."""
    first = smooth([50], [0.05])
    assert first == pytest.approx(80.4672)
    assert smooth([50, 50], [0.05, 0.1]) == pytest.approx((first + first / 2) / 2)


def test_a_bin_without_a_vehicle_has_no_speed_and_leaves_the_memory() -> None:
    assert math.isnan(smooth([50, 0], [0.05, 0.0]))
    assert smooth([50, 0, 50], [0.05, 0.0, 0.05]) == pytest.approx(smooth([50], [0.05]))


def test_speeds_are_held_between_floor_and_cap() -> None:
    assert smooth([1], [0.9]) == pytest.approx(3 * 1.609344)
    assert smooth([200], [0.01], 65.0) == 65.0
