"""A day against the EU's limits and a season, by hand; twins are in `tests/kernels_air.py`."""

import math

import numpy as np
import pytest

from engine.air_limits import (
    ABOVE,
    ALERT,
    HOUR_LIMITS,
    KNOWN,
    LIMIT_COLUMNS,
    O3_HIGH,
    limit_row,
    season,
)
from engine.pollutants import CO, NO2, O3, PM10, SO2
from tests.reference_limits import months_of

NAN = math.nan
NEW_YEAR = 739_617
"""1 January 2026."""


def row_of(means: np.ndarray, hours: int = 24) -> np.ndarray:
    out = np.zeros((1, LIMIT_COLUMNS))
    limit_row(np.ascontiguousarray(means[None]), np.array([hours]), np.ones(6), HOUR_LIMITS, out)
    return out[0]


def test_a_day_by_its_mean_and_by_its_largest_eight_hours() -> None:
    means = np.full((6, 48), NAN)
    means[:, :24] = 10.0
    means[[O3, CO], 4:12] = 90.0
    means[:, 24:] = 1000.0
    means[[O3, CO], 24:] = 0.0
    assert row_of(means)[:4].tolist() == [10.0, 10.0, 90.0, 90.0]


@pytest.mark.parametrize(("conc", "above"), [(200.0, 0), (200.1, 24)])
def test_an_hour_at_the_limit_is_not_above_it(conc: float, above: int) -> None:
    means = np.full((6, 48), NAN)
    means[NO2, :24] = conc
    row = row_of(means)
    assert (row[ABOVE], row[KNOWN]) == (above, 24)
    assert row[KNOWN + 1 :].tolist() == [0, 0, 0]


def test_ozone_has_two_thresholds() -> None:
    means = np.full((6, 48), NAN)
    means[O3, :24] = [180.0, 180.1, 240.0, 240.1, *[90.0] * 20]
    assert row_of(means)[[ABOVE + 2, ABOVE + ALERT]].tolist() == [3, 1]


@pytest.mark.parametrize(("valid", "enough"), [(18, True), (17, False)])
def test_eighteen_hours_are_a_day(valid: int, enough: bool) -> None:
    means = np.full((6, 48), NAN)
    means[[PM10, SO2], :valid] = 7.0
    assert (row_of(means)[:2] == 7.0).all() == enough


def season_of(highs: dict[int, float]) -> tuple[float, int]:
    """Of days of 2025, by their day of the year from 0 on."""
    day = np.zeros((1, 420), np.int64)
    kept = np.full((1, 420, LIMIT_COLUMNS), NAN)
    for of_year, high in highs.items():
        ordinal = NEW_YEAR - 365 + of_year
        day[0, ordinal % 420] = ordinal
        kept[0, ordinal % 420, O3_HIGH] = high
    out, known = np.zeros(1), np.zeros(1, np.int64)
    months = np.array([months_of(NEW_YEAR - 1)])
    season(day, kept, np.zeros(1, np.int64), months, out, known)
    return float(out[0]), int(known[0])


def test_the_season_is_the_highest_six_months() -> None:
    highs = dict.fromkeys(range(365), 40.0)
    highs |= dict.fromkeys(range(90, 273), 80.0)  # April to September
    assert season_of(highs) == (80.0, 365)


def test_a_year_with_too_few_days_has_no_season() -> None:
    value, known = season_of(dict.fromkeys(range(92, 365), 80.0))
    assert (math.isnan(value), known) == (True, 273)
    assert season_of(dict.fromkeys(range(91, 365), 80.0)) == (80.0, 274)
