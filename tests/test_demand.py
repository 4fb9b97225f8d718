"""Demand: power in minutes, registers across gaps, rollover and reset."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.demand import mean_demand, register_demand, register_rise

NAN = math.nan
MINUTE = 60_000
BLOCK = 15 * MINUTE
START = 1_700_000_100_000


def of_minutes(sums: list[int], counts: list[int], covered: list[bool]) -> tuple[float, float]:
    """Demand and coverage of one block."""
    out = np.zeros((1, 2))
    mean_demand(
        np.array([sums], np.int64), np.array([counts], np.int32), np.array([covered]), out
    )
    return float(out[0, 0]), float(out[0, 1])


def of_register(
    readings: list[tuple[float, float]], blocks: int, gap_min: int = 5, modulus: float = 0.0
) -> npt.NDArray[np.float64]:
    """Blocks of a register read at (minute from the start, kWh)."""
    out = np.zeros((blocks, 2))
    times = np.array([START + round(minute * MINUTE) for minute, _ in readings], np.int64)
    values = np.array([value for _, value in readings], float)
    register_demand(times, values, START, BLOCK, gap_min * MINUTE, modulus, 100.0, out)
    return out


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


def test_register_difference_is_mean_power() -> None:
    out = of_register([(0, 100.0), (15, 102.5), (30, 102.5)], 2, gap_min=15)
    assert out.tolist() == [[10.0, 1.0], [0.0, 1.0]]


def test_a_gap_inside_a_block_loses_nothing() -> None:
    assert of_register([(0, 0), (1, 1), (13, 4), (15, 5)], 1).tolist() == [[20.0, 1.0]]


def test_a_gap_across_an_edge_is_not_vouched_for() -> None:
    out = of_register([(0, 0), (9, 3), (21, 7), (30, 8)], 2)
    assert np.isnan(out[:, 0]).all()
    assert out[:, 1] == pytest.approx([0.6, 0.6])
    out = of_register([(0, 0), (12, 3), (20, 7), (30, 8)], 2)
    assert out[0].tolist() == [pytest.approx((3 + 4 * 3 / 8) * 4), 0.8]
    assert math.isnan(out[1, 0])


def test_before_the_first_and_after_the_last_reading_nothing_is_known() -> None:
    out = of_register([(3, 0), (15, 2), (20, 3)], 3)
    assert out[0].tolist() == [pytest.approx(10.0), 0.8]
    assert np.isnan(out[1:, 0]).all()
    assert out[2, 1] == 0
    assert np.isnan(of_register([(3, 0)], 1)[:, 0]).all()


def test_rollover_and_reset() -> None:
    over = [(0, 998.0), (5, 999.5), (10, 1.0), (15, 2.0), (20, 3.0), (25, 4.0), (30, 5.0)]
    assert of_register(over, 2, modulus=1000.0)[:, 0].tolist() == [16.0, 12.0]
    # Without a modulus the fall is a reset: the block is insufficient, the next one is not.
    out = of_register(over, 2)
    assert math.isnan(out[0, 0])
    assert out[1, 0] == 12.0
    # A meter that begins again at zero is no rollover: 1000 - 500 kWh in 5 minutes is absurd.
    assert math.isnan(register_rise(500.0, 0.0, 5 / 60, 1000.0, 100.0))
    assert register_rise(999.0, 1.0, 1.0, 1000.0, 100.0) == 2.0


@given(st.lists(st.tuples(st.integers(1, 40), st.floats(0, 50)), min_size=2, max_size=60))
def test_energy_is_conserved(steps: list[tuple[int, float]]) -> None:
    minutes = np.cumsum([0] + [gap for gap, _ in steps])
    energy = np.cumsum([0.0] + [rise for _, rise in steps])
    blocks = int(minutes[-1]) // 15
    out = of_register(list(zip(minutes.tolist(), energy.tolist(), strict=True)), blocks, 60)
    assert np.all(out[:, 1] == 1.0)
    until_last_edge = np.interp(blocks * 15, minutes, energy)
    assert out[:, 0].sum() / 4 == pytest.approx(until_last_edge, abs=1e-9)
