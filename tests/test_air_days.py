"""A day's row and a year of rows, by hand; the kernels' twins are in `tests/kernels_air.py`."""

import math

import numpy as np
import pytest

from engine.air_days import (
    CO_MEAN,
    DAY_COLUMNS,
    HOURS,
    O3_HIGH,
    SUM,
    YEAR_HOURS,
    day_row,
    day_values,
    year_sums,
)
from engine.pollutants import CO, O3, PM25

NAN = math.nan
DAY = 731_000


def row_of(means: np.ndarray, hours: int = 24) -> np.ndarray:
    out = np.zeros((1, DAY_COLUMNS))
    day_row(np.ascontiguousarray(means[None]), np.array([hours]), out)
    return out[0]


def test_hours_of_the_day_before_count_for_running_means_alone() -> None:
    means = np.full((6, 48), NAN)
    means[[PM25, CO, O3], :24] = [[10.0], [1.0], [50.0]]
    means[:, 24:] = 1000.0
    row = row_of(means)
    assert (row[SUM], row[HOURS], row[CO_MEAN]) == (240.0, 24.0, 1.0)
    assert row[O3_HIGH] == (50.0 + 7 * 1000.0) / 8


@pytest.mark.parametrize(("valid", "enough"), [(18, True), (17, False)])
def test_eighteen_hours_are_a_day(valid: int, enough: bool) -> None:
    means = np.full((6, 48), NAN)
    means[:, :valid] = 7.0
    row = row_of(means)
    values = np.zeros((1, 6))
    day_values(row[None], values)
    assert row[HOURS] == valid
    assert (values[0, [0, 1, 3, 4, 5]] == 7.0).all() == enough
    assert math.isnan(row[CO_MEAN]) != enough


def test_a_negative_hour_stays_in_the_sums() -> None:
    means = np.full((6, 48), -1.0)
    assert row_of(means, 23)[[SUM, HOURS]].tolist() == [-23.0, 23.0]


def test_a_year_reaches_back_365_days_and_a_count_to_its_own_first() -> None:
    day = np.zeros((1, 376), np.int64)
    kept = np.zeros((1, 376, DAY_COLUMNS))
    days = np.arange(DAY, DAY + 366)
    day[0, days % 376] = days
    kept[0, :, HOURS : HOURS + 5] = 24.0
    kept[0, :, SUM : SUM + 5] = 24.0 * 20.0
    kept[0, :, [CO_MEAN, O3_HIGH]] = NAN
    sums, hours = np.zeros((1, 5)), np.zeros((1, 5))
    known, above = np.zeros((1, 6), np.int64), np.zeros((1, 6), np.int64)
    last = DAY + 365
    year_sums(
        day, kept, np.array([0]), np.array([last]), np.array([last - 9]), np.ones(6),
        np.array([15.0, 45.0, 100.0, 20.0, 10.0, 4.0]), sums, hours, known, above,
    )
    assert hours[0].tolist() == [YEAR_HOURS] * 5
    assert (sums / hours)[0].tolist() == [20.0] * 5
    assert known[0].tolist() == [10, 10, 0, 10, 10, 0]
    assert above[0].tolist() == [10, 0, 0, 0, 10, 0]
