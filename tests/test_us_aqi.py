"""US AQI: edges of every breakpoint, truncation and rounding, pollutant rules, monotonicity."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.pollutants import CO, NO2, O3, PM10, PM25, SO2
from engine.us_aqi import day_aqi, o3_index, so2_index, station_aqi, sub_index
from tests import reference

NAN = math.nan
EDGES = [
    (reference.POLLUTANTS.index(name), hours, resolution, index, row)
    for (name, hours), (resolution, rows) in reference.TABLES.items()
    for index, row in zip(reference.RANGES, rows, strict=True) if row is not None
]


def now(**hours: float | list[float]) -> npt.NDArray[np.float64]:
    """`station_aqi` of one station; hours newest first, one number stands for all 24."""
    means = np.full((1, 6, 24), NAN)
    for name, values in hours.items():
        row = means[0, globals()[name]]
        if isinstance(values, list):
            row[:len(values)] = values
        else:
            row[:] = values
    out = np.zeros((1, 9))
    station_aqi(means, out)
    return out[0]


def day(**hours: float | list[float]) -> npt.NDArray[np.float64]:
    """`day_aqi` of one station; 7 hours before midnight, then 24."""
    means = np.full((1, 6, 31), NAN)
    for name, values in hours.items():
        means[0, globals()[name]] = values
    out = np.zeros((1, 7))
    day_aqi(means, out)
    return out[0]


@pytest.mark.parametrize(("pollutant", "hours", "resolution", "index", "row"), EDGES)
def test_both_ends_of_each_row(
    pollutant: int, hours: int, resolution: str, index: tuple[int, int], row: tuple[str, str]
) -> None:
    low, high = (float(text) for text in row)
    assert sub_index(pollutant, hours, low) == index[0]
    assert sub_index(pollutant, hours, high) == index[1]
    just_under_next = high + 0.99 * float(resolution)
    if index[1] < 500:
        assert sub_index(pollutant, hours, just_under_next) == index[1]
    # A value short of its own row by binary dust belongs to the row all the same.
    assert sub_index(pollutant, hours, math.nextafter(low, -math.inf)) == index[0]


def test_a_mean_is_not_cut_by_binary_dust() -> None:
    naive = sum([9.1] * 24) / 24
    assert naive < 9.1
    assert sub_index(PM25, 24, naive) == 51
    naive = sum([35.4] * 24) / 24
    assert naive < 35.4
    assert sub_index(PM25, 24, naive) == 100
    for tenths in range(0, 3300):
        grid = tenths / 10
        assert sub_index(PM25, 24, sum([grid] * 24) / 24) == sub_index(PM25, 24, grid)


def test_ozone_in_ppb_is_cut_like_ozone_in_ppm() -> None:
    for thousandths in range(1, 200):
        mean = sum([float(thousandths)] * 8) / 8
        assert o3_index(mean, NAN) == sub_index(O3, 8, float(f"0.{thousandths:03d}"))


def test_one_half_is_rounded_up() -> None:
    assert sub_index(CO, 8, 1.1) == 13
    assert sub_index(CO, 8, 3.3) == 38


def test_above_the_table_the_top_segment_goes_on() -> None:
    assert sub_index(PM25, 24, 400) == 649
    assert sub_index(PM25, 24, 1000) == 1844
    assert sub_index(NO2, 1, 2100) > 500


@pytest.mark.parametrize(("pollutant", "hours", "conc"), [
    (PM25, 24, NAN), (PM25, 1, 10.0), (CO, 1, 1.0), (NO2, 24, 10.0), (-1, 24, 1.0), (6, 1, 1.0),
    (O3, 1, 0.1249), (O3, 8, 0.201), (SO2, 24, 304.9),
])
def test_undefined_is_nan(pollutant: int, hours: int, conc: float) -> None:
    assert math.isnan(sub_index(pollutant, hours, conc))


@pytest.mark.parametrize(("pollutant", "hours", "low", "high"), [
    (PM25, 24, -5, 1000), (PM10, 24, -5, 2000), (O3, 8, -0.01, 0.2009), (O3, 1, 0.125, 1),
    (CO, 8, -1, 100), (SO2, 1, -5, 2000), (SO2, 24, 305, 2000), (NO2, 1, -5, 2500),
])
@given(data=st.data())
def test_more_is_never_a_lower_index(
    pollutant: int, hours: int, low: float, high: float, data: st.DataObject
) -> None:
    first, second = sorted(data.draw(st.tuples(st.floats(low, high), st.floats(low, high))))
    assert sub_index(pollutant, hours, first) <= sub_index(pollutant, hours, second)


@given(st.lists(st.one_of(st.none(), st.floats(0, 500)), min_size=24, max_size=24),
       st.sampled_from(["CO", "NO2", "SO2"]), st.floats(0, 50))
def test_a_station_with_more_of_a_gas_has_no_lower_index(
    hours: list[float | None], gas: str, more: float
) -> None:
    values = [NAN if hour is None else hour for hour in hours]
    before, after = now(**{gas: values}), now(**{gas: [hour + more for hour in values]})
    assert not after[0] < before[0]
    assert np.array_equal(np.isnan(before), np.isnan(after))


def test_published_trio() -> None:
    """EPA's worked example: O3 0.078 ppm, PM2.5 35.9, CO 8.4: 126, ozone."""
    out = now(O3=78.0, PM25=35.9, CO=8.4)
    assert list(out[:5]) == [126, 102, pytest.approx(NAN, nan_ok=True), 126, 90]


def test_completeness_of_current_values() -> None:
    assert now(CO=[NAN, NAN, 5, 5, 5, 5, 5, 5])[4] == sub_index(CO, 8, 5)
    assert math.isnan(now(CO=[NAN, NAN, NAN, 5, 5, 5, 5, 5, 5, 5])[4])
    assert math.isnan(now(NO2=[NAN, 20, 20])[6])
    assert now(NO2=[20])[6] == 19
    assert now(PM25=[NAN, 9.1, 9.1])[7] == 9.1
    assert np.isnan(now(PM25=[NAN, NAN, 9.1, 9.1])).all()
    assert np.isnan(now()).all()


def test_negative_hours_count_as_zero() -> None:
    assert now(CO=[-1.0] * 4 + [4.0] * 4)[4] == sub_index(CO, 8, 2.0)
    assert now(PM25=[-3.0] * 12)[7] == 0
    assert now(NO2=-5.0)[6] == 0


def test_ozone_reports_the_larger_average() -> None:
    assert now(O3=[70.0] * 8)[3] == 100
    assert now(O3=[164.0, *[56.571429] * 7])[3] == 150
    assert now(O3=[124.0, *[62.0] * 7])[3] == sub_index(O3, 8, 0.069)
    assert now(O3=[405.0] * 8)[3] == 301
    # 8-h ozone above the table leaves the decision to the hour, to the letter.
    assert now(O3=[130.0, *[300.0] * 7])[3] == sub_index(O3, 1, 0.130)
    assert math.isnan(now(O3=[100.0, *[300.0] * 7])[3])


def test_sulphur_dioxide_goes_beyond_200_by_its_24_hours() -> None:
    assert so2_index(304.9, 604.0) == 200
    assert so2_index(305.0, 304.9) == 200
    assert so2_index(305.0, 305.0) == 201
    assert so2_index(305.0, 604.0) == 300
    assert so2_index(305.0, NAN) == 200
    assert math.isnan(so2_index(NAN, 604.0))
    assert now(SO2=[305.0] * 17)[5] == 200
    assert now(SO2=[305.0] * 18)[5] == 201


def test_day_uses_the_calendar_day() -> None:
    before = [900.0] * 7
    assert day(PM25=before + [9.1] * 24)[1] == 51
    assert day(PM25=before + [9.1] * 18 + [NAN] * 6)[1] == 51
    assert math.isnan(day(PM25=before + [9.1] * 17 + [NAN] * 7)[1])
    assert day(NO2=before + [20.0] * 23 + [100.0])[6] == 100
    assert math.isnan(day(NO2=before + [20.0] * 17 + [NAN] * 7)[6])
    assert day(SO2=before + [305.0] + [0.0] * 23)[5] == 200
    assert day(SO2=before + [305.0] * 24)[5] == 201
    # The first running mean that ends in the day reaches 7 hours back.
    assert day(CO=[10.0] * 7 + [2.0] * 24)[4] == sub_index(CO, 8, 9.0)
    assert day(O3=[0.0] * 7 + [0.0] * 12 + [404.0] + [0.0] * 11)[3] == 300


def test_eighteen_running_means_make_a_day() -> None:
    hours = [NAN] * 7 + [4.0] * 24
    hours[7:8] = [NAN]  # running means of 6 valid hours begin 6 hours later: 18 are left
    assert day(CO=hours)[4] == sub_index(CO, 8, 4.0)
    hours[8:9] = [NAN]
    assert math.isnan(day(CO=hours)[4])
