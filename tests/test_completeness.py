"""Completeness: the 75 % rule, dated periods, percent."""

import math

import numpy as np
import pytest

from engine.completeness import completeness, enough, expected_readings

HOUR = 3600


def expected(*periods: tuple[int, float], start: int = 0, end: int = HOUR) -> float:
    """Readings owed with (since, period) rows."""
    since = np.array([since for since, _ in periods], np.int64)
    period = np.array([period for _, period in periods], float)
    return float(expected_readings(start, end, since, period))


@pytest.mark.parametrize(("valid", "possible"), [(45, 60), (6, 8), (18, 24), (3, 4), (1, 1)])
def test_three_quarters_and_one_less(valid: int, possible: int) -> None:
    assert enough(valid, possible)
    assert not enough(valid - 1, possible)


def test_nothing_of_nothing_is_not_enough() -> None:
    assert not enough(0, 0)


def test_expected_readings_follow_the_period_of_the_time() -> None:
    assert expected((0, 60.0)) == 60
    assert expected((0, 7.5)) == 480
    assert expected((0, 60.0), (1800, 10.0)) == 30 + 180
    assert expected((1800, 60.0)) == 30
    assert expected((0, 60.0), (1800, 0.0)) == 30
    assert expected((0, 60.0), (1800, math.nan)) == 30
    assert expected((HOUR, 60.0)) == 0
    assert expected((-7200, 5.0), (-3600, 60.0)) == 60
    assert expected() == 0
    assert expected((0, 1.0), start=1_700_000_000, end=1_700_000_000 + HOUR) == HOUR


def test_percent_is_capped_and_nan_where_nothing_was_owed() -> None:
    out = np.zeros(4)
    completeness(np.array([45, 70, 5, 0]), np.array([60.0, 60.0, 0.0, 60.0]), out)
    assert out[[0, 1, 3]].tolist() == [75.0, 100.0, 0.0]
    assert math.isnan(out[2])
