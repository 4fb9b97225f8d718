"""LOTTR and TTTR: the arithmetic of the rule (twins: tests/test_kernels.py)."""

import math

import numpy as np
import pytest

from engine.catalogue_traffic import PERIODS as ENTRIES
from engine.travel_periods import LATE, LOTTR, PERIODS, PERIODS_OF, TTTR, greatest, period_ratio


def test_each_measure_has_its_periods() -> None:
    assert [entry.id for entry in ENTRIES] == ["lottr", "tttr"]
    assert PERIODS[: PERIODS_OF[LOTTR]] == (
        "weekdays 6-10", "weekdays 10-16", "weekdays 16-20", "weekends 6-20")
    assert PERIODS[: PERIODS_OF[TTTR]] == (*PERIODS[:4], "nights 20-6")
    assert LATE == (0.80, 0.95)


@pytest.mark.parametrize(("late", "ratio"), [
    (149.4, 1.49), (149.49, 1.49), (149.5, 1.50), (150.4, 1.50), (150.5, 1.51)])
def test_ratios_are_rounded_to_hundredths(late: float, ratio: float) -> None:
    times = np.array([100.0, 100.0, 100.0, 100.0, late, late])
    assert period_ratio(times, 0.8) == ratio


def test_a_road_is_reliable_below_one_and_a_half_as_rounded() -> None:
    reliable, not_so = ENTRIES[LOTTR].levels
    assert period_ratio(np.array([100.0, 100.0, 149.49]), 1.0) <= reliable.upper
    assert not_so.upper >= period_ratio(np.array([100.0, 100.0, 149.5]), 1.0) > reliable.upper


def test_the_worst_period_counts_and_one_that_is_unknown_leaves_none() -> None:
    ratios, out = np.array([[1.1, 1.3, 1.2, 1.0, math.nan], [1.2, 1.4, 1.3, 1.1, 1.6]]), np.zeros(2)
    greatest(ratios, out)
    assert out.tolist() == [1.3, 1.6]
    ratios[:, 2] = math.nan
    greatest(ratios, out)
    assert np.isnan(out).all()
