"""European index: both sides of every limit, rounding, caps, and the set of pollutants."""

import math

import numpy as np
import pytest

from engine.eaqi import EDITION_2017, EDITION_2019, EDITION_2024, band, eaqi_hour
from tests import reference_air

NAN = math.nan
LIMITS = [
    (edition, pollutant, place, limit)
    for edition, table in enumerate((
        reference_air.EAQI_2024, reference_air.EAQI_2019, reference_air.EAQI_2017))
    for pollutant, limits in table.items() for place, limit in enumerate(limits, 1)
]


@pytest.mark.parametrize(("edition", "pollutant", "place", "limit"), LIMITS)
def test_both_sides_of_each_limit(edition: int, pollutant: int, place: int, limit: int) -> None:
    assert band(edition, pollutant, limit) == place
    assert band(edition, pollutant, limit + 0.49) == place
    above = band(edition, pollutant, limit + 0.5 - 1e-9)  # binary dust below one half
    assert above == place + 1 or (edition > EDITION_2024 and math.isnan(above))


def test_above_the_cap_is_no_measurement_but_2024_has_none() -> None:
    assert math.isnan(band(EDITION_2017, 0, 801))
    assert math.isnan(band(EDITION_2019, 0, 801))
    assert band(EDITION_2024, 0, 5000) == 6


def test_below_zero_is_zero_and_nothing_is_nothing() -> None:
    assert band(EDITION_2024, 5, -3.0) == 1
    assert math.isnan(band(EDITION_2024, 5, NAN))
    assert math.isnan(band(EDITION_2024, 3, 1.0))  # carbon monoxide


@pytest.mark.parametrize(("conc", "sensors", "overall"), [
    ((30, NAN, 170, NAN, NAN, 20), "pm25 o3 no2", 5), ((30, NAN, NAN, NAN, NAN, 20), "pm25 no2", 3),
    ((30, NAN, NAN, NAN, NAN, 20), "pm25 o3 no2", NAN), ((NAN, NAN, 50, NAN, 1, 20), "o3", NAN),
    ((NAN, 10, 50, NAN, 1, NAN), "pm10 o3", NAN), ((NAN, 10, 50, NAN, 300, 5), "o3", 6),
])
def test_an_index_needs_its_set(
    conc: tuple[float, ...], sensors: str, overall: float
) -> None:
    names = ("pm25", "pm10", "o3", "co", "so2", "no2")
    out = np.zeros((1, 6))
    eaqi_hour(np.array([conc], float), np.array([[name in sensors.split() for name in names]]), out)
    assert out[0, 0] == pytest.approx(overall, nan_ok=True)
