"""UK index: both sides of every limit, halves upwards, no pollutant beyond its five."""

import math

import pytest

from engine.daqi import AVERAGES_MIN, PARTS, UPPERS, daqi
from engine.pollutants import CO, NO2, PM25
from tests import reference_air

LIMITS = [
    (pollutant, index, limit)
    for pollutant, limits in reference_air.DAQI.items() for index, limit in enumerate(limits, 1)
]


@pytest.mark.parametrize(("pollutant", "index", "limit"), LIMITS)
def test_both_sides_of_each_limit(pollutant: int, index: int, limit: int) -> None:
    assert daqi(pollutant, limit) == index
    assert daqi(pollutant, limit + 0.49) == index
    assert daqi(pollutant, limit + 0.5 - 1e-9) == index + 1  # binary dust below one half


def test_below_zero_is_low_and_nothing_is_nothing() -> None:
    assert daqi(NO2, -4.0) == 1
    assert math.isnan(daqi(PM25, math.nan))
    assert math.isnan(daqi(CO, 1.0))


def test_each_part_has_a_mean_and_a_row_that_rises() -> None:
    assert set(PARTS) == set(AVERAGES_MIN)
    for part in PARTS:
        assert (UPPERS[part, 1:] > UPPERS[part, :-1]).all()
