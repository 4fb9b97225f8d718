"""Index of India: the ends of every printed row, rounding, what ozone of an hour counts for."""

import math

import numpy as np
import pytest

from engine.naqi import NH3, PB, naqi, naqi_overall
from engine.pollutants import CO, O3, PM10, PM25
from tests import reference_air

NAN = math.nan
ENDS = [
    (row, level, float(low), float(high), reference_air.NAQI_INDEX[level])
    for row, (table, _) in reference_air.NAQI.items() for level, (low, high) in enumerate(table)
    if (row, level) != (PB, 1)
]


@pytest.mark.parametrize(("row", "level", "low", "high", "index"), ENDS)
def test_both_ends_of_each_row(
    row: int, level: int, low: float, high: float, index: tuple[int, int]
) -> None:
    average_h = 1 if row == O3 and level >= 4 else 8 if row in (O3, CO) else 24
    assert (naqi(row, average_h, low), naqi(row, average_h, high)) == index


def test_published_examples() -> None:
    assert [naqi(PM25, 24, conc) for conc in (31, 45, 60)] == [51, 75, 100]


@pytest.mark.parametrize(("row", "average_h", "conc", "index"), [
    (PM25, 24, 30.4, 50), (PM25, 24, 30.5, 51), (CO, 8, 1.04, 50), (CO, 8, 1.05, 51),
    (PB, 24, 0.5, 50), (PB, 24, 0.6, 61), (PM10, 24, 5000.0, 500), (PM10, 24, -3.0, 0),
    (O3, 8, 208.0, 300), (O3, 8, 209.0, NAN), (O3, 1, 208.0, NAN), (O3, 1, 209.0, 301),
    (O3, 24, 50.0, NAN), (PM25, 8, 50.0, NAN), (NH3, 24, NAN, NAN),
])
def test_rounding_and_averages(row: int, average_h: int, conc: float, index: float) -> None:
    assert naqi(row, average_h, conc) == pytest.approx(index, nan_ok=True)


@pytest.mark.parametrize(("known", "worst"), [
    ({0: 40, 4: 120, 5: 80}, 120), ({1: 40, 4: 20, 5: 8}, 40), ({4: 120, 5: 80, 2: 10}, NAN),
    ({0: 40, 5: 80}, NAN),
])
def test_three_are_needed_and_one_of_them_a_pm(known: dict[int, float], worst: float) -> None:
    indices = np.full(8, NAN)
    for row, value in known.items():
        indices[row] = value
    assert naqi_overall(indices) == pytest.approx(worst, nan_ok=True)
