"""NowCast of PM: the data rule, the weights, what is reported."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.nowcast import nowcast_o3_2016, nowcast_pm, report, truncated_steps
from tests import reference

NAN = math.nan
HOURS = st.lists(
    st.one_of(st.just(NAN), st.floats(-10, 1000), st.integers(0, 999).map(lambda n: n / 10)),
    min_size=12, max_size=12,
)


def nowcast(*hours: float) -> float:
    """NowCast of hours newest first; those not given are missing."""
    return float(nowcast_pm(np.array(list(hours) + [NAN] * (12 - len(hours)))))


def test_published_example() -> None:
    """AirNow forum t/172: 28.40980137, reported 28.4."""
    value = nowcast(21, NAN, 35, 49.2, 48.6, 53.7, 66.2, 69.2, 64.9, 50, 43, 34.9)
    assert value == pytest.approx(28.40980137, abs=1e-8)
    assert report(value, 10.0) == 28.4


@pytest.mark.parametrize(("first", "valid"), [
    ((1, 1, 1), True), ((1, 1, NAN), True), ((NAN, 1, 1), True), ((1, NAN, 1), True),
    ((1, NAN, NAN), False), ((NAN, 1, NAN), False), ((NAN, NAN, 1), False),
    ((NAN, NAN, NAN), False),
])
def test_two_of_the_latest_three(first: tuple[float, ...], valid: bool) -> None:
    assert math.isnan(nowcast(*first, *[5.0] * 9)) is not valid


def test_a_gap_uses_up_a_power() -> None:
    assert nowcast(10, NAN, 40) == pytest.approx((10 + 0.25 * 40) / 1.25)
    assert nowcast(10, 40) == pytest.approx((10 + 0.5 * 40) / 1.5)


def test_nothing_measured_is_zero_and_below_zero_counts_as_zero() -> None:
    assert nowcast(0, 0, 0) == 0
    assert nowcast(-5, -5, -5) == 0
    assert nowcast(-5, 10) == nowcast(0, 10)


@given(HOURS)
def test_equals_the_reference_and_lies_between_the_extremes(hours: list[float]) -> None:
    value = nowcast(*hours)
    assert value == pytest.approx(reference.nowcast_pm(hours), abs=1e-9, nan_ok=True)
    assume(not math.isnan(value))
    valid = [max(hour, 0.0) for hour in hours if not math.isnan(hour)]
    assert min(valid) - 1e-9 <= value <= max(valid) + 1e-9


@given(st.integers(0, 9999))
def test_a_constant_is_reported_as_itself(tenths: int) -> None:
    assert report(nowcast(*[tenths / 10] * 12), 10.0) == tenths / 10


def test_report_cuts() -> None:
    assert report(28.49, 10.0) == 28.4
    assert report(54.99, 1.0) == 54
    assert report(-0.5, 10.0) == 0
    assert math.isnan(report(NAN, 10.0))
    assert truncated_steps(0.29, 100.0) == 29


@pytest.mark.parametrize(("hours", "weight", "value"), [
    ((63, 69, 80, 74, 60, NAN, 35, 22), 0.275, 65.2720937),
    ((NAN, NAN, 9, 9, 9, 9, 9, 9), NAN, NAN),
    ((40, NAN, 0, 5, 5, 5, 5, 5), 0.0, 40.0), ((NAN, 30, 0, 5, 5, 5, 5, 5), 0.0, NAN),
    ((0,) * 8, 1.0, 0.0),
])
def test_ozone_by_the_method_of_2016(
    hours: tuple[float, ...], weight: float, value: float
) -> None:
    """A weight of 0 leaves the newest hour alone; where that is missing there is nothing."""
    out = np.empty(3)
    nowcast_o3_2016(np.array(hours, np.float64), out)
    assert out[[0, 2]] == pytest.approx([weight, value], abs=1e-6, nan_ok=True)
