"""Levels: both sides of each limit of the catalogue."""

import math

import numpy as np

from engine.catalogue import AQI_LEVELS, COMPLETENESS_LEVELS
from engine.indicator import PLAIN, Level
from engine.levels import bands_of, levels_of


def words(values: list[float], levels: tuple[Level, ...], better: str = "low") -> list[int]:
    """Levels of `values` by the limits of the catalogue."""
    out = np.zeros(len(values), np.int8)
    kernel = levels_of if better == "low" else bands_of
    kernel(np.array(values), np.array([level.upper for level in levels]), out)
    return out.tolist()


def test_a_limit_belongs_to_the_lower_level() -> None:
    values = [0, 50, 51, 100, 150, 151, 200, 300, 301, 1844, math.nan]
    assert words(values, AQI_LEVELS) == [0, 0, 1, 1, 2, 3, 3, 4, 5, 5, -1]


def test_completeness_has_the_better_band_at_its_limit() -> None:
    values = [100, 90, 89.999, 75, 74.999, 0, math.nan]
    assert words(values, COMPLETENESS_LEVELS, "high") == [0, 0, 1, 1, 2, 2, -1]


def test_without_categories_every_number_is_level_0() -> None:
    assert words([-5, 0, 1e9, math.nan], PLAIN) == [0, 0, 0, -1]
