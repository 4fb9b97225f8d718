"""Demand: power in minutes, registers across gaps, rollover and reset."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.demand import mean_demand, register_rise

NAN = math.nan


def of_minutes(sums: list[int], counts: list[int], covered: list[bool]) -> tuple[float, float]:
    """Demand and coverage of one block."""
    out = np.zeros((1, 2))
    mean_demand(
        np.array([sums], np.int64), np.array([counts], np.int32), np.array([covered]), out
    )
    return float(out[0, 0]), float(out[0, 1])


def test_mean_of_readings_is_exact() -> None:
    assert of_minutes([7_400_000] * 15, [1] * 15, [True] * 15) == (7.4, 1.0)
    huge = [10**15 + 1] * 15
    assert of_minutes(huge, [1000] * 15, [True] * 15)[0] == pytest.approx(1e6)


def test_block_needs_three_quarters_of_its_minutes() -> None:
    assert of_minutes([2_000_000] * 12 + [0] * 3, [2] * 12 + [0] * 3,
                      [True] * 12 + [False] * 3) == (1.0, 0.8)
    value, coverage = of_minutes([10**6] * 11 + [0] * 4, [1] * 11 + [0] * 4,
                                 [True] * 11 + [False] * 4)
    assert math.isnan(value)
    assert coverage == 11 / 15


def test_a_slow_meter_covers_the_minutes_between_its_readings() -> None:
    assert of_minutes([10**6, 0, 0, 0, 0] * 3, [1, 0, 0, 0, 0] * 3, [True] * 15) == (1.0, 1.0)
    assert math.isnan(of_minutes([0] * 15, [0] * 15, [True] * 15)[0])


@given(st.lists(st.floats(0, 5), min_size=45, max_size=45))
def test_sliding_peak_is_at_least_the_block_peak(kw: list[float]) -> None:
    micro = np.array([round(value * 1e6) for value in kw], np.int64)
    rows = np.arange(15) + np.arange(31)[:, None]
    out = np.zeros((31, 2))
    mean_demand(micro[rows], np.ones((31, 15), np.int32), np.ones((31, 15), np.bool_), out)
    assert out[:, 0].max() >= out[::15, 0].max()


def test_rollover_and_reset() -> None:
    # A meter that begins again at zero is no rollover: 1000 - 500 kWh in 5 minutes is absurd.
    assert math.isnan(register_rise(500.0, 0.0, 5 / 60, 1000.0, 100.0))
    assert register_rise(999.0, 1.0, 1.0, 1000.0, 100.0) == 2.0
    # Without a modulus every fall is a reset.
    assert math.isnan(register_rise(999.0, 1.0, 1.0, 0.0, 100.0))
