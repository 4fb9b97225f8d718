"""A real year of a kerbside station, each hour and day against the slow reference."""

import csv
import gzip
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from engine.us_aqi import day_aqi, station_aqi
from tests import reference

FILE = Path(__file__).parent / "cases" / "marylebone_2004.csv.gz"
COLUMNS = ("pm25", "pm10", "o3", "co", "so2", "no2")

Floats = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def year() -> Floats:
    """float64[6, 8784], NaN missing."""
    with gzip.open(FILE, "rt", encoding="utf-8", newline="") as file:
        rows = [
            [float("nan") if row[name] == "NA" else float(row[name]) for name in COLUMNS]
            for row in csv.DictReader(file)
        ]
    return np.ascontiguousarray(np.array(rows).T)


def windows(year: Floats, hours: int) -> Floats:
    """float64[8784, 6, hours]: the hours up to and with each hour, oldest first."""
    padded = np.concatenate([np.full((6, hours - 1), np.nan), year], axis=1)
    return np.ascontiguousarray(
        np.lib.stride_tricks.sliding_window_view(padded, hours, axis=1).transpose(1, 0, 2)
    )


def test_every_hour_of_the_year(year: Floats) -> None:
    means = np.ascontiguousarray(windows(year, 24)[:, :, ::-1])
    got, expected = np.zeros((8784, 9)), np.zeros((8784, 9))
    station_aqi(means, got)
    reference.station_aqi(means, expected)
    np.testing.assert_array_equal(got, expected)
    assert np.isfinite(got).all(axis=1).sum() > 5000
    assert len(np.unique(got[:, 0])) > 50


def test_every_day_of_the_year(year: Floats) -> None:
    hours = np.ascontiguousarray(windows(year, 31)[23::24])
    got, expected = np.zeros((366, 7)), np.zeros((366, 7))
    day_aqi(hours, got)
    reference.day_aqi(hours, expected)
    np.testing.assert_array_equal(got, expected)
    assert np.isfinite(got[:, 0]).sum() > 350
