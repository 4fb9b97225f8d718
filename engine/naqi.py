"""India's National Air Quality Index: of one concentration, and of a place.

Standard: Central Pollution Control Board, National Air Quality Index, October 2014. Means of 24
hours, of 8 hours for CO and O3 (from 209 µg/m³ on O3 goes by the hour), in µg/m³, CO in mg/m³.
The concentration is rounded to the resolution of the table, the index to an integer, halves
upwards. The interpolation takes the lower limits as printed: 31 µg/m³ of PM2.5 is 51. A mean of 24
hours needs 16 of them.
"""

import numpy as np
import numpy.typing as npt

from engine.kernel import kernel
from engine.pollutants import CO, O3, PM10, PM25

Floats = npt.NDArray[np.float64]

NH3, PB = 6, 7
"""Rows beyond those of `engine.us_aqi`."""
POLLUTANTS_MIN = 3
INDEX_MAX = 500.0

_INDEX_LOW = np.array([0.0, 51.0, 101.0, 201.0, 301.0, 401.0])
_INDEX_HIGH = np.array([50.0, 100.0, 200.0, 300.0, 400.0, 500.0])
_STEPS = np.array([1.0, 1.0, 1.0, 10.0, 1.0, 1.0, 1.0, 10.0])
UPPERS = np.array([
    [30, 60, 90, 120, 250, 500],           # PM2.5
    [50, 100, 250, 350, 430, 600],         # PM10
    [50, 100, 168, 208, 748, 1000],        # O3
    [10, 20, 100, 170, 340, 500],          # CO, 0.1 mg/m³
    [40, 80, 380, 800, 1600, 2400],        # SO2
    [40, 80, 180, 280, 400, 600],          # NO2
    [200, 400, 800, 1200, 1800, 2400],     # NH3
    [5, 10, 20, 30, 35, 50],               # Pb, 0.1 µg/m³
], dtype=np.float64)
"""Upper limits in steps of the table; those of the last level are in common use, not CPCB's."""
_PB_SATISFACTORY_FROM = 5.0
"""The table prints 0.5-1 after 0-0.5: the one lower limit that is not a step above the last."""
_O3_HOURLY = 4
"""From this level on the table of ozone is of one hour."""
_GUARD = 1e-6


@kernel("float64(int64, int64, float64)")
def naqi(pollutant: int, average_h: int, conc: float) -> float:
    """Index of one concentration, at most 500; below zero counts as zero.

    pollutant: a row of `engine.us_aqi`, or NH3, PB. average_h: 24, of O3 and CO 8; of O3 also 1,
    which counts from 209 µg/m³ on. NaN for NaN and where the table has nothing. Cost: at most 6
    comparisons.
    """
    hourly = pollutant == O3 and average_h == 1
    usual = 8 if pollutant in (O3, CO) else 24
    if np.isnan(conc) or not (hourly or average_h == usual):
        return np.nan
    steps = max(np.floor(conc * _STEPS[pollutant] + 0.5 + _GUARD), 0.0)
    level = 0
    while level < 5 and steps > UPPERS[pollutant, level]:
        level += 1
    if pollutant == O3 and hourly != (level >= _O3_HOURLY):
        return np.nan
    low = UPPERS[pollutant, level - 1] + 1.0 if level > 0 else 0.0
    if pollutant == PB and level == 1:
        low = _PB_SATISFACTORY_FROM
    rise = (_INDEX_HIGH[level] - _INDEX_LOW[level]) * (steps - low)
    index = np.floor(rise / (UPPERS[pollutant, level] - low) + _INDEX_LOW[level] + 0.5)
    return float(min(index, INDEX_MAX))


@kernel("float64(float64[::1])")
def naqi_overall(indices: Floats) -> float:
    """The worst of the sub-indices (float64[8], NaN missing): three needed, one of them a PM."""
    count = 0
    worst = 0.0
    for value in indices:
        if not np.isnan(value):
            count += 1
            worst = max(worst, value)
    particles = not (np.isnan(indices[PM25]) and np.isnan(indices[PM10]))
    return worst if particles and count >= POLLUTANTS_MIN else np.nan
