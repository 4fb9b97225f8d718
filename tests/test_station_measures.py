"""Station measures and congestion: edges and sums (twins: tests/test_kernels.py)."""

import numpy as np
import pytest

from engine.station_measures import (
    DELAY,
    DELAY_FREE,
    LOST,
    MEASURES,
    VH,
    VKM,
    congestion,
    excess_h,
    is_congested,
    station_measures,
)
from engine.us_units import KM_PER_MILE

NAN = np.nan


def measured(speeds: list[float], vehicles: list[float], **more: float) -> tuple[list[float], int]:
    """Sums and valid bins of one road of a km."""
    out, valid = np.zeros((1, MEASURES)), np.zeros(1, np.int64)
    station_measures(
        np.array([speeds]), np.array([vehicles]), np.array([more.get("length_km", 1.0)]),
        np.array([more.get("lanes", 2.0)]), np.array([more.get("capacity", 0.0)]),
        np.array([more.get("free", NAN)]), out, valid,
    )
    return out[0].tolist(), int(valid[0])


def test_measures_add_up_over_bins() -> None:
    whole, valid = measured([50.0, 25.0], [100.0, 60.0], free=60.0)
    parts = [measured([v], [n], free=60.0)[0] for v, n in ((50.0, 100.0), (25.0, 60.0))]
    assert valid == 2
    assert whole[: LOST] == pytest.approx(np.sum(parts, axis=0)[: LOST].tolist())
    assert whole[VKM] == 160
    assert whole[VH] == pytest.approx(4.4)
    assert whole[DELAY_FREE] == pytest.approx(4.4 - 160 / 60)


def test_a_bin_without_vehicles_counts_and_one_without_speed_does_not() -> None:
    sums, valid = measured([NAN, NAN, 50.0, 50.0], [0.0, 5.0, NAN, 10.0])
    assert valid == 2
    assert sums[VKM] == 10


def test_no_delay_at_the_threshold() -> None:
    sums, _ = measured([35 * KM_PER_MILE], [10.0])
    assert sums[DELAY] == 0
    assert sums[DELAY + 1] > 0


def test_lost_productivity_needs_capacity_and_lanes() -> None:
    assert np.isnan(measured([30.0], [10.0])[0][LOST])
    assert np.isnan(measured([30.0], [10.0], capacity=1000.0, lanes=0.0)[0][LOST])
    sums, _ = measured([30.0], [10.0], capacity=240.0)
    assert sums[LOST] == pytest.approx(0.5 * 2 / 12)
    assert measured([30.0], [100.0], capacity=240.0)[0][LOST] == 0


@pytest.mark.parametrize("unit", [1.0, KM_PER_MILE])
def test_exactly_90_percent_is_not_congested(unit: float) -> None:
    assert not is_congested(54.0 * unit, 60.0 * unit)
    assert is_congested(53.9 * unit, 60.0 * unit)
    assert not is_congested(10.0, NAN)


def test_excess_delay_is_at_most_a_quarter_of_an_hour() -> None:
    assert excess_h(10.0, 1.0, 50.0) == 0.25
    assert excess_h(1.0, 20.0, 50.0) == pytest.approx(1 / 20 - 1 / 32.18688)
    assert excess_h(1.0, 70.0, 100.0) == 0


def test_congested_hours_are_of_open_bins_and_travel_of_all() -> None:
    out, valid = np.zeros((1, 3)), np.zeros(1, np.int64)
    congestion(
        np.array([[30.0, 30.0, 60.0, NAN]]), np.array([[10.0, 30.0, NAN, 0.0]]),
        np.array([True, False, True, True]), np.array([60.0]), out, valid,
    )
    assert out[0].tolist() == pytest.approx([1 / 12, 100 * 40 / 41, 41])
    assert valid.tolist() == [3]
