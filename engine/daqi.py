"""UK Daily Air Quality Index: the index of one concentration, and of a station's hours.

Standard: COMEAP 2011 review, as put into effect by Defra in January 2012 and April 2013. O3 as
running 8-h mean, NO2 as mean of the hour, SO2 of 15 minutes, particles as running 24-h mean, in
µg/m³ at 20 °C, 101.3 kPa, rounded half up to an integer; the index is 1 (best) to 10.
"""

import numpy as np
import numpy.typing as npt

from engine.completeness import enough
from engine.eaqi import whole
from engine.kernel import kernel
from engine.pollutants import NO2, O3, PM10, PM25, SO2
from engine.us_aqi import hours_mean

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

PARTS = (PM25, PM10, O3, SO2, NO2)
"""Pollutants of the index, in the order of its columns."""
AVERAGES_MIN = {PM25: 1440, PM10: 1440, O3: 480, SO2: 15, NO2: 60}
"""Minutes of the mean that each pollutant is held by."""

_NO = np.nan
UPPERS = np.array([
    [11, 23, 35, 41, 47, 53, 58, 64, 70],            # PM2.5
    [16, 33, 50, 58, 66, 75, 83, 91, 100],           # PM10
    [33, 66, 100, 120, 140, 160, 187, 213, 240],     # O3
    [_NO, _NO, _NO, _NO, _NO, _NO, _NO, _NO, _NO],   # CO is no part of the index
    [88, 177, 266, 354, 443, 532, 710, 887, 1064],   # SO2
    [67, 134, 200, 267, 334, 400, 467, 534, 600],    # NO2
])
"""Upper limits of index 1 to 9 in µg/m³, [pollutant, index - 1]; above the last one it is 10."""


@kernel("float64(int64, float64)")
def daqi(pollutant: int, conc: float) -> float:
    """Index 1..10 of one concentration in µg/m³; NaN for NaN and CO.

    pollutant: a row of `engine.us_aqi`. Cost: at most 9 comparisons.
    """
    value = whole(conc)
    if np.isnan(value) or np.isnan(UPPERS[pollutant, 0]):
        return np.nan
    for i in range(9):
        if value <= UPPERS[pollutant, i]:
            return float(i + 1)
    return 10.0


@kernel("void(float64[:, :, ::1], float64[:, ::1], int64[::1], float64[:, ::1])")
def station_daqi(conc: Floats, so2: Floats, hours: Integers, out: Floats) -> None:
    """The highest index of each station's newest hours, one of them or those of a day.

    conc: float64[k, 6, h + 23], hourly means in µg/m³ (EU convention), rows PM25 … NO2 of
    `engine.us_aqi`, newest first, NaN missing. so2: float64[k, h], the highest 15-min mean of
    each hour, likewise. hours: int64[k], how many of the h hours count. out: float64[k, 6]:
    overall, then the pollutants as `PARTS`; overall is the highest that there is. A mean needs
    75 % of its hours, a highest one 75 % of the hours. Cost: about 60 additions an hour.
    """
    valid = np.zeros(6, np.int64)
    found = np.empty(6)
    for k in range(conc.shape[0]):
        out[k, :] = np.nan
        valid[:] = 0
        for i in range(hours[k]):
            found[1] = daqi(PM25, hours_mean(conc[k, PM25], i, 24))
            found[2] = daqi(PM10, hours_mean(conc[k, PM10], i, 24))
            found[3] = daqi(O3, hours_mean(conc[k, O3], i, 8))
            found[4] = daqi(SO2, so2[k, i])
            found[5] = daqi(NO2, conc[k, NO2, i])
            found[0] = np.nan
            for part in range(1, 6):
                if not np.isnan(found[part]) and not found[0] >= found[part]:
                    found[0] = found[part]
            for column in range(6):
                if not np.isnan(found[column]):
                    valid[column] += 1
                    if not out[k, column] >= found[column]:
                        out[k, column] = found[column]
        for column in range(6):
            if not enough(valid[column], hours[k]):
                out[k, column] = np.nan
