"""Travel time: free-flow speed with its fallbacks, peak index, rating."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.catalogue import TTI_LEVELS
from engine.levels import levels_of
from engine.travel_time import (
    FFS_BINS_MIN,
    FFS_CLAMPED,
    FFS_MEASURED,
    FFS_POSTED,
    FFS_UNKNOWN,
    free_flow,
    peak_tti,
    quantile,
    tti,
)

NAN = math.nan
PEAK = np.zeros(288, np.int8)
PEAK[72:108], PEAK[192:228] = 1, 2


def free(speeds: list[float], posted: float) -> tuple[float, int]:
    """Free-flow speed and method of one segment."""
    out, method = np.zeros(1), np.zeros(1, np.int8)
    free_flow(np.array([speeds]), np.array([posted]), out, method)
    return float(out[0]), int(method[0])


def peaks(speeds: npt.NDArray[np.float64], free_flow_kmh: float = 60.0) -> tuple[float, float]:
    """Index and coverage of one segment."""
    out = np.zeros((1, 2))
    peak_tti(speeds[None], PEAK, np.array([free_flow_kmh]), out)
    return float(out[0, 0]), float(out[0, 1])


def test_published_percentile() -> None:
    """R type 7 and numpy agree on 98.9."""
    speeds = np.sort([88.0, 92, 95, 90, 97, 101, 93, 89, 96, 94, 99, 91, 103, 98, 90])
    assert quantile(speeds, 0.85) == pytest.approx(98.9, abs=1e-12)


@given(st.lists(st.floats(0, 250), min_size=1, max_size=40), st.floats(0, 1))
def test_quantile_is_numpys_default(values: list[float], share: float) -> None:
    ordered = np.sort(values)
    assert quantile(ordered, share) == pytest.approx(np.quantile(ordered, share), abs=1e-9)


def test_free_flow_needs_200_bins() -> None:
    assert free([50.0] * FFS_BINS_MIN, 50.0) == (50.0, FFS_MEASURED)
    assert free([50.0] * (FFS_BINS_MIN - 1) + [NAN], 30.0) == (30.0, FFS_POSTED)
    assert free([50.0] * (FFS_BINS_MIN - 1) + [0.0], 30.0) == (30.0, FFS_POSTED)
    value, method = free([50.0] * (FFS_BINS_MIN - 1), 0.0)
    assert math.isnan(value)
    assert method == FFS_UNKNOWN


def test_free_flow_stays_near_the_posted_limit() -> None:
    assert free([20.0] * 200, 50.0) == (40.0, FFS_CLAMPED)
    assert free([90.0] * 200, 50.0) == (65.0, FFS_CLAMPED)
    assert free([65.0] * 200, 50.0) == (65.0, FFS_MEASURED)
    assert free([90.0] * 200, 0.0) == (90.0, FFS_MEASURED)


def test_index_and_its_u4ssc_level() -> None:
    assert tti(60 / 20, 60 / 26) == pytest.approx(1.3, abs=1e-12)
    assert math.isnan(tti(0.0, 50.0))
    assert math.isnan(tti(50.0, 0.0))
    assert tti(50.0, 60.0) < 1
    values = np.array([0.9, 1.5, 1.5001, 2.5, 2.5001, NAN])
    out = np.zeros(6, np.int8)
    levels_of(values, np.array([level.upper for level in TTI_LEVELS]), out)
    assert out.tolist() == [0, 0, 1, 1, 2, -1]


def test_peak_takes_both_peaks_and_nothing_else() -> None:
    speeds = np.full(288, 5.0)
    speeds[PEAK == 1] = 30.0
    speeds[PEAK == 2] = 60.0
    assert peaks(speeds) == (1.5, 1.0)


@pytest.mark.parametrize("first", [72, 192])
def test_each_peak_needs_three_quarters_of_its_bins(first: int) -> None:
    speeds = np.full(288, 30.0)
    speeds[first:first + 9] = NAN
    assert peaks(speeds) == (2.0, 0.75)
    speeds[first + 9] = NAN
    value, coverage = peaks(speeds)
    assert math.isnan(value)
    assert coverage == 26 / 36


def test_no_peak_on_a_weekend_and_no_index_without_free_flow() -> None:
    out = np.zeros((1, 2))
    peak_tti(np.full((1, 288), 30.0), np.zeros(288, np.int8), np.array([60.0]), out)
    assert math.isnan(out[0, 0])
    assert out[0, 1] == 0
    assert math.isnan(peaks(np.full(288, 30.0), NAN)[0])
