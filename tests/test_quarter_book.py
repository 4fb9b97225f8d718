"""The book of quarters: which days count for a period, and what an empty quarter is.

Twins of the kernels: tests/test_kernels.py.
"""

import math
from datetime import date

import numpy as np
import numpy.typing as npt
import pytest

from engine.quarter_book import (
    DAY_QUARTERS,
    DAYS_MIN,
    EMPTY_KMH,
    FIRST,
    LAST,
    OWED,
    QuarterBook,
    measured_quarters,
)
from engine.travel_periods import PERIODS

ONE = np.zeros(1, np.int64)
MONDAY = date(2026, 3, 2).toordinal()
Floats = npt.NDArray[np.float64]


def fortnight(
    speeds: Floats, days: int = 14, weekends: Floats | None = None
) -> QuarterBook:
    """A book of two weeks, each day the same but for weekends."""
    book = QuarterBook()
    for day in range(MONDAY, MONDAY + days):
        other = weekends if date.fromordinal(day).weekday() >= 5 else None
        book.enter(ONE, day, speeds if other is None else other)
    return book


def told(book: QuarterBook, days: int = 14) -> tuple[list[float], list[int]]:
    """LOTTR and TTTR, and the days of each period."""
    out, _, counts = book.reliability(ONE, ONE + MONDAY, ONE + MONDAY + days - 1)
    return out[0].tolist(), counts[0, :, 0].tolist()


def test_periods_cover_a_day_once_and_nights_have_room_for_an_hour_more() -> None:
    assert FIRST[:3] == (0, *LAST[:2])
    assert (FIRST[3], LAST[3], FIRST[4], LAST[4]) == (0, LAST[2], LAST[2], DAY_QUARTERS)
    spans = [last - first for first, last in zip(FIRST, LAST, strict=True)]
    assert spans == [*OWED[:4], OWED[4] + 4]
    assert len(PERIODS) == len(OWED) == len(DAYS_MIN)


def test_a_road_that_is_always_the_same_is_reliable() -> None:
    assert told(fortnight(np.full((1, DAY_QUARTERS), 50.0))) == ([1.0, 1.0], [10, 10, 10, 4, 14])


@pytest.mark.parametrize("period", range(5))
def test_a_period_with_too_few_quarters_is_unknown_and_so_is_what_asks_for_it(period: int) -> None:
    plain = np.full((1, DAY_QUARTERS), 50.0)
    speeds = plain.copy()
    weekends = {3: speeds, 4: None}.get(period, plain)
    weekdays = plain if period == 3 else speeds
    part = speeds[:, FIRST[period] : LAST[period]]
    part[:, : part.shape[1] - OWED[period] * 3 // 4] = math.nan
    values, days = told(fortnight(weekdays, weekends=weekends))
    assert values == [1.0, 1.0]
    assert days[period] == DAYS_MIN[period]
    part[:, -1] = math.nan
    values, days = told(fortnight(weekdays, weekends=weekends))
    assert days[period] == 0
    assert math.isnan(values[1])
    assert math.isnan(values[0]) == (period != 4)


def test_a_day_less_is_too_few() -> None:
    values, days = told(fortnight(np.full((1, DAY_QUARTERS), 50.0), 13), 13)
    assert days == [10, 10, 10, 3, 13]
    assert np.isnan(values).all()


def test_empty_quarters_are_measured_but_have_no_travel_time() -> None:
    speeds = np.full((1, DAY_QUARTERS), EMPTY_KMH)
    speeds[0, ::10] = 50.0
    assert told(fortnight(speeds)) == ([1.0, 1.0], [10, 10, 10, 4, 14])
    speeds[:, FIRST[4] : LAST[4]] = EMPTY_KMH
    values, _ = told(fortnight(speeds))
    assert values[0] == 1.0
    assert math.isnan(values[1]), "no vehicle came in any night"


@pytest.mark.parametrize(("speeds", "vehicles", "kmh"), [
    ([30.0, 60.0, 60.0], [1.0, 1.0, 2.0], 48.0),
    ([30.0, 60.0, math.nan], [1.0, 1.0, 0.0], 40.0),
    ([30.0, 60.0, 60.0], [9.0, math.nan, 9.0], 45.0),
    ([30.0, math.nan, 60.0], [1.0, 5.0, 1.0], 40.0),
    ([30.0, math.nan, 60.0], [3.0, math.nan, 1.0], 34.285714),
    ([30.0, math.nan, math.nan], [1.0, 1.0, math.nan], math.nan),
    ([30.0, math.nan, math.nan], [1.0, 0.0, math.nan], 30.0),
    ([math.nan] * 3, [0.0] * 3, EMPTY_KMH),
])
def test_the_speed_of_a_quarter(speeds: list[float], vehicles: list[float], kmh: float) -> None:
    out = np.zeros((1, 1))
    measured_quarters(np.array([speeds]), np.array([vehicles]), out)
    assert out[0, 0] == pytest.approx(kmh, nan_ok=True)
