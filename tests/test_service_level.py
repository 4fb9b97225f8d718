"""Levels of service at both sides of every limit (twins: tests/test_kernels.py)."""

import math

import numpy as np
import pytest

from engine.service_level import (
    FREEWAY,
    FREEWAY_RURAL,
    NO_CLASS,
    URBAN_1,
    URBAN_4,
    los_freeway,
    los_urban_2000,
    los_urban_2010,
    passenger_cars,
)
from engine.us_units import KM_PER_MILE

NAN = math.nan


@pytest.mark.parametrize(("kind", "limits"), [
    (FREEWAY, (11, 18, 26, 35, 45)), (FREEWAY_RURAL, (6, 14, 22, 29, 39)),
])
def test_a_freeway_at_its_limits(kind: int, limits: tuple[int, ...]) -> None:
    for level, limit in enumerate(limits, 1):
        assert los_freeway(kind, limit / KM_PER_MILE, NAN) == level
        assert los_freeway(kind, (limit + 0.001) / KM_PER_MILE, 1.0) == level + 1
    assert los_freeway(kind, 1.0, 1.0001) == 6


@pytest.mark.parametrize(("kind", "limits"), [
    (URBAN_1, (42, 34, 27, 21, 16)), (URBAN_4, (25, 19, 13, 9, 7)),
])
def test_a_street_at_its_limits(kind: int, limits: tuple[int, ...]) -> None:
    for level, limit in enumerate(limits, 1):
        assert los_urban_2000(kind, limit * KM_PER_MILE) == level + 1
        assert los_urban_2000(kind, (limit + 0.001) * KM_PER_MILE) == level


def test_percent_of_free_flow() -> None:
    found = [los_urban_2010(URBAN_1, speed, 100.0, NAN) for speed in (86, 85, 67, 50, 40, 30)]
    assert found == [1, 2, 3, 4, 5, 6]
    assert los_urban_2010(URBAN_1, 99.0, 100.0, 1.1) == 6


def test_other_roads_have_none() -> None:
    assert math.isnan(los_freeway(URBAN_1, 5.0, NAN))
    assert math.isnan(los_urban_2000(FREEWAY, 50.0))
    assert math.isnan(los_urban_2000(NO_CLASS, 50.0))
    assert math.isnan(los_urban_2010(URBAN_1, 50.0, NAN, NAN))


def test_a_lorry_is_two_cars() -> None:
    cars = passenger_cars(np.array([100.0, 30.0]), np.array([0.2, 0.0]))
    assert cars.tolist() == [120.0, 30.0]
