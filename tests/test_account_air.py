"""The steps of the air indicators, followed by hand."""

import numpy as np
import pytest

from engine.account_air import day_steps, now_steps, nowcast_steps
from engine.pollutants import CO, NO2, O3, PM10, PM25, SO2
from engine.us_aqi import segment
from tests.looks import account_of, value_of
from tests.town import Reading, Town, at, row

START = at("2026-03-02 00:00")
NAN = float("nan")


def hours(*newest: float) -> np.ndarray:
    return np.array([*newest, *[NAN] * (24 - len(newest))])


def test_nowcast_step_by_step() -> None:
    steps, value = nowcast_steps(PM25, hours(34.9, 43.0, 50.0, 64.9, 69.2, 66.2, 53.7, 48.6, 49.2,
                                             35.0, 20.0, 15.0))
    assert [step.name for step in steps] == [
        "hourly means of pm25", "weight", "NowCast", "reported"]
    assert steps[1].found["w"] == 0.5
    assert steps[3].found["reported"] == value
    assert value == 42.4


@pytest.mark.parametrize(("row", "mean", "index"), [
    (PM25, 12.0, 56.0), (PM10, 155.0, 101.0), (O3, 71.0, 101.0), (CO, 4.5, 51.0),
    (SO2, 76.0, 101.0), (NO2, 54.0, 51.0),
])
def test_the_last_step_is_the_index(row: int, mean: float, index: float) -> None:
    steps, value = now_steps(row, np.full(24, mean))
    assert value == index
    assert steps[-1].found["index"] == index
    steps, value = day_steps(row, np.full(31, mean))
    assert steps[-1].found["index"] == value == index


def test_so2_above_305_ppb_goes_by_the_day() -> None:
    steps, value = now_steps(SO2, np.full(24, 310.0))
    assert value == steps[-1].found["index"] > 200
    assert steps[-1].given["of_1h"] == 200.0


@pytest.mark.parametrize(("row", "average_h", "conc", "line"), [
    (PM25, 24, 9.1, (9.1, 9.1, 35.4, 51.0, 100.0)), (PM25, 24, 0.0, (0.0, 0.0, 9.0, 0.0, 50.0)),
    (O3, 1, 0.1, None), (O3, 8, 0.3, None), (PM10, 24, NAN, None), (PM10, 8, 10.0, None),
    (NO2, 1, 5000.0, (5000.0, 1250.0, 2049.0, 301.0, 500.0)),
])
def test_the_line_of_the_table(
    row: int, average_h: int, conc: float, line: tuple[float, ...] | None
) -> None:
    assert segment(row, average_h, conc) == line


def test_a_station_names_its_cause() -> None:
    town = Town([row("d", "a/s")])
    town.take(Reading("d", name, START + 60 * k, value)
              for k in range(720) for name, value in (("pm25", 40.0), ("no2", 20.0)))
    end = START + 12 * 3600
    points = town.tick(end + 100)
    account = account_of(town, "air.us_aqi", end)
    assert account.steps[-1].found == {
        "index": value_of(points, "air.us_aqi", end), "because_of": "pm25"}
    assert account.coverage.had == account.coverage.owed
