"""European Air Quality Index: the band of one concentration, and the index of a station's hour.

Edition 2024 (ETC HE Report 2024/17) is the live one: hourly means of all five pollutants. The
editions of 2019 (particles as running 24-h means, six bands) and of 2017 (five bands) are kept
for what was published by them. Concentrations in µg/m³ at 20 °C, 101.3 kPa, rounded half up to
an integer before they are looked up; the bands are 1 (best) to 6.
"""

import numpy as np
import numpy.typing as npt

from engine.kernel import kernel
from engine.pollutants import NO2, O3, PM10, PM25, SO2

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

EDITION_2024, EDITION_2019, EDITION_2017 = range(3)
BANDS = (6, 6, 5)
PARTS = (PM25, PM10, O3, SO2, NO2)
"""Pollutants of the index, in the order of its columns."""

_INF, _NO = np.inf, np.nan
UPPERS = np.array([
    [
        [5, 15, 50, 90, 140, _INF],           # PM2.5
        [15, 45, 120, 195, 270, _INF],        # PM10
        [60, 100, 120, 160, 180, _INF],       # O3
        [_NO, _NO, _NO, _NO, _NO, _NO],       # CO is no part of the index
        [20, 40, 125, 190, 275, _INF],        # SO2
        [10, 25, 60, 100, 150, _INF],         # NO2
    ],
    [
        [10, 20, 25, 50, 75, 800], [20, 40, 50, 100, 150, 1200], [50, 100, 130, 240, 380, 800],
        [_NO, _NO, _NO, _NO, _NO, _NO],
        [100, 200, 350, 500, 750, 1250], [40, 90, 120, 230, 340, 1000],
    ],
    [
        [10, 20, 25, 50, 800, _NO], [20, 35, 50, 100, 1200, _NO], [80, 120, 180, 240, 600, _NO],
        [_NO, _NO, _NO, _NO, _NO, _NO],
        [100, 200, 350, 500, 1250, _NO], [40, 100, 200, 400, 1000, _NO],
    ],
])
"""Upper limits in µg/m³, [edition, pollutant, band]; above the last one a reading is invalid."""

_GUARD = 1e-6


@kernel("float64(float64)")
def whole(conc: float) -> float:
    """Rounded half up to an integer, below zero as zero; NaN stays. Binary dust does not decide."""
    return max(np.floor(conc + 0.5 + _GUARD), 0.0) if not np.isnan(conc) else np.nan


@kernel("float64(int64, int64, float64)")
def band(edition: int, pollutant: int, conc: float) -> float:
    """Band 1..6 of one concentration in µg/m³; NaN for NaN, CO, and above the sanity cap.

    pollutant: a row of `engine.us_aqi`. Cost: at most 6 comparisons.
    """
    value = whole(conc)
    for i in range(6):
        if value <= UPPERS[edition, pollutant, i]:
            return float(i + 1)
    return np.nan


@kernel("void(float64[:, ::1], boolean[:, ::1], float64[:, ::1])")
def eaqi_hour(conc: Floats, measured: Bools, out: Floats) -> None:
    """The index of each station's hour, edition 2024.

    conc: float64[k, 6], hourly means in µg/m³ (EU convention), rows PM25 … NO2 of
    `engine.us_aqi`, NaN missing. measured: bool[k, 6], whether the station has a sensor for it.
    out: float64[k, 6]: overall, then PM2.5, PM10, O3, SO2, NO2; NaN insufficient. The overall
    index needs NO2 and one of the particles, and ozone where the station measures it. Cost: 30
    comparisons a station.
    """
    for k in range(conc.shape[0]):
        worst = np.nan
        for column, pollutant in enumerate(PARTS):
            value = band(EDITION_2024, pollutant, conc[k, pollutant])
            out[k, column + 1] = value
            if not np.isnan(value) and not worst >= value:
                worst = value
        particles = not (np.isnan(conc[k, PM25]) and np.isnan(conc[k, PM10]))
        ozone = not (measured[k, O3] and np.isnan(conc[k, O3]))
        sufficient = particles and ozone and not np.isnan(conc[k, NO2])
        out[k, 0] = worst if sufficient else np.nan

