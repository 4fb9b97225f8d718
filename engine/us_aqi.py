"""US EPA air quality index: of one concentration, of a station now, and of a calendar day.

Standard: 40 CFR Part 58 Appendix G as revised by 89 FR 16202 (effective 2024-05-06); Technical
Assistance Document EPA-454/B-24-002. The concentration is cut to its reporting resolution, the
index is rounded, one half upwards. Above the last breakpoint the top segment goes on, without a
cap at 500. Everything is computed in whole reporting steps, so that no binary dust decides
between two levels.
"""

import numpy as np
import numpy.typing as npt

from engine.completeness import enough
from engine.kernel import inner, kernel
from engine.nowcast import nowcast_pm, report, truncated_steps
from engine.pollutants import CO, NO2, O3, PM10, PM25, SO2

Floats = npt.NDArray[np.float64]

_INDEX_LOW = np.array([0.0, 51.0, 101.0, 151.0, 201.0, 301.0])
_INDEX_HIGH = np.array([50.0, 100.0, 150.0, 200.0, 300.0, 500.0])

_UPPERS = np.array([
    [90.0, 354.0, 554.0, 1254.0, 2254.0, 3254.0],  # PM2.5, 24 h, 0.1 µg/m3
    [54.0, 154.0, 254.0, 354.0, 424.0, 604.0],     # PM10, 24 h, 1 µg/m3
    [54.0, 70.0, 85.0, 105.0, 200.0, np.inf],      # O3, 8 h, 0.001 ppm
    [-1.0, 124.0, 164.0, 204.0, 404.0, 604.0],     # O3, 1 h, 0.001 ppm
    [44.0, 94.0, 124.0, 154.0, 304.0, 504.0],      # CO, 8 h, 0.1 ppm
    [35.0, 75.0, 185.0, 304.0, np.inf, np.inf],    # SO2, 1 h, 1 ppb
    [-1.0, -1.0, -1.0, 304.0, 604.0, 1004.0],      # SO2, 24 h, 1 ppb
    [53.0, 100.0, 360.0, 649.0, 1249.0, 2049.0],   # NO2, 1 h, 1 ppb
])
"""Upper breakpoints in reporting steps; a segment begins one step above the one below it."""
_FIRST = np.array([0, 0, 0, 2, 0, 0, 4, 0])
_LAST = np.array([5, 5, 4, 5, 5, 3, 5, 5])
_STEPS = np.array([10.0, 1.0, 1000.0, 1000.0, 10.0, 1.0, 1.0, 1.0])

SO2_24H_FROM_PPB = 305.0
AVERAGES_H = (12, 12, 8, 8, 24, 1)
"""Hours that the index of each pollutant now looks back on, as its coverage counts them."""


@kernel("int64(int64, int64)")
def _table(pollutant: int, average_h: int) -> int:
    """Row of the breakpoint table, -1 where the standard has none."""
    row = -1
    if pollutant in (PM25, PM10) and average_h == 24:
        row = pollutant
    elif pollutant == O3 and average_h in (8, 1):
        row = 2 if average_h == 8 else 3
    elif pollutant == CO and average_h == 8:
        row = 4
    elif pollutant == SO2 and average_h in (1, 24):
        row = 5 if average_h == 1 else 6
    elif pollutant == NO2 and average_h == 1:
        row = 7
    return row


@kernel("float64(int64, int64, float64)")
def sub_index(pollutant: int, average_h: int, conc: float) -> float:
    """Index of one concentration; `conc` in µg/m3 (PM), **ppm** (O3, CO) or ppb (SO2, NO2).

    `average_h` chooses the table: 24 for PM, 8 or 1 for O3, 8 for CO, 1 or 24 for SO2, 1 for
    NO2. Below zero counts as zero. NaN for NaN and where the standard defines nothing: another
    average, O3 of 1 h below 0.125 ppm, O3 of 8 h above 0.200 ppm, SO2 of 24 h below 305 ppb.
    SO2 of 1 h gives at most 200. Cost: at most 6 comparisons.
    """
    row = _table(pollutant, average_h)
    if row < 0 or np.isnan(conc):
        return np.nan
    steps = truncated_steps(conc, _STEPS[row])
    first = _FIRST[row]
    last = _LAST[row]
    if first > 0 and steps <= _UPPERS[row, first - 1]:
        return np.nan
    if last < 5 and steps > _UPPERS[row, last]:
        return 200.0 if pollutant == SO2 else np.nan
    level = first
    while level < last and steps > _UPPERS[row, level]:
        level += 1
    low = _UPPERS[row, level - 1] + 1.0 if level > 0 else 0.0
    rise = (_INDEX_HIGH[level] - _INDEX_LOW[level]) * (steps - low)
    # Multiplied before divided: a true half is exact, and nothing else comes within 1e-4 of it.
    return float(np.floor(rise / (_UPPERS[row, level] - low) + _INDEX_LOW[level] + 0.5))


def segment(pollutant: int, average_h: int, conc: float) -> tuple[float, ...] | None:
    """The line of `sub_index`: C as cut, C low and high, index low and high; None without one.

    Concentrations in the unit of the table (`conc` as in `sub_index`), for people to follow.
    """
    row = int(_table(pollutant, average_h))
    if row < 0 or np.isnan(sub_index(pollutant, average_h, conc)):
        return None
    steps = truncated_steps(conc, _STEPS[row])
    level = min(int(np.searchsorted(_UPPERS[row, :_LAST[row]], steps)), int(_LAST[row]))
    low = _UPPERS[row, level - 1] + 1.0 if level > 0 else 0.0
    ends = (steps, low, _UPPERS[row, level])
    return (*(float(end / _STEPS[row]) for end in ends), _INDEX_LOW[level], _INDEX_HIGH[level])


@kernel("float64(float64[::1], int64, int64)")
def hours_mean(hours: Floats, first: int, count: int) -> float:
    """Mean of `count` hours from `first` on, below zero as zero; NaN under 75 % of them."""
    total = 0.0
    valid = 0
    for i in range(first, first + count):
        if not np.isnan(hours[i]):
            total += max(hours[i], 0.0)
            valid += 1
    return total / valid if enough(valid, count) else np.nan


@kernel("float64(float64, float64)")
def o3_index(mean_8h_ppb: float, mean_1h_ppb: float) -> float:
    """The larger of the 8-h and, from 0.125 ppm on, the 1-h index; NaN where neither is."""
    of_8h = sub_index(O3, 8, mean_8h_ppb / 1000.0)
    of_1h = sub_index(O3, 1, mean_1h_ppb / 1000.0)
    if np.isnan(of_8h) or of_1h > of_8h:
        return float(of_1h)
    return float(of_8h)


@kernel("float64(float64, float64)")
def so2_index(mean_1h_ppb: float, mean_24h_ppb: float) -> float:
    """The 1-h index up to 200; from 305 ppb the 24-h index, or 200 where that has none."""
    if truncated_steps(mean_1h_ppb, 1.0) >= SO2_24H_FROM_PPB:
        of_24h = sub_index(SO2, 24, mean_24h_ppb)
        if not np.isnan(of_24h):
            return float(of_24h)
    return float(sub_index(SO2, 1, mean_1h_ppb))


@kernel("float64(float64[::1])")
def overall(indices: Floats) -> float:
    """The largest of the sub-indices that are there, NaN if none is. Cost: one pass."""
    worst = np.nan
    for value in indices:
        if not np.isnan(value) and not worst >= value:
            worst = value
    return worst


@kernel("void(float64[:, :, ::1], float64[:, ::1])")
def station_aqi(means: Floats, out: Floats) -> None:
    """The index of each station now: PM by NowCast, gases by their newest 1 h and 8 h.

    means: float64[k, 6, 24], hourly means in canonical units, pollutants in the order PM25 …
    NO2, newest hour first, NaN where the hour is missing or has under 45 minutes.
    out: float64[k, 9]: overall, the six sub-indices in the order of the pollutants, NowCast
    PM2.5 and PM10 as reported (µg/m3); NaN where data are insufficient or none is defined.
    Cost: about 100 additions a station.
    """
    for k in range(means.shape[0]):
        gas = means[k]
        out[k, 7] = report(nowcast_pm(gas[PM25, :12]), 10.0)
        out[k, 8] = report(nowcast_pm(gas[PM10, :12]), 1.0)
        out[k, 1] = sub_index(PM25, 24, out[k, 7])
        out[k, 2] = sub_index(PM10, 24, out[k, 8])
        out[k, 3] = o3_index(hours_mean(gas[O3], 0, 8), gas[O3, 0])
        out[k, 4] = sub_index(CO, 8, hours_mean(gas[CO], 0, 8))
        out[k, 5] = so2_index(gas[SO2, 0], hours_mean(gas[SO2], 0, 24))
        out[k, 6] = sub_index(NO2, 1, gas[NO2, 0])
        out[k, 0] = overall(out[k, 1:7])


@inner
def _max_1h(hours: Floats) -> float:
    """Largest of the day's 24 hours (7 … 30); NaN with fewer than 18 of them."""
    valid = 0
    high = 0.0
    for i in range(7, 31):
        if not np.isnan(hours[i]):
            valid += 1
            high = max(high, hours[i])
    return high if enough(valid, 24) else np.nan


@inner
def _max_8h(hours: Floats) -> float:
    """Largest running 8-h mean that ends in the day; NaN with fewer than 18 of the 24."""
    valid = 0
    high = 0.0
    for last in range(7, 31):
        mean = hours_mean(hours, last - 7, 8)
        if not np.isnan(mean):
            valid += 1
            high = max(high, mean)
    return high if enough(valid, 24) else np.nan


@kernel("void(float64[:, :, ::1], float64[:, ::1])")
def day_aqi(hours: Floats, out: Floats) -> None:
    """The index of a calendar day in local standard time.

    hours: float64[k, 6, 31], hourly means in canonical units, oldest first: the 7 hours before
    midnight, then the 24 of the day; NaN where missing. out: float64[k, 7]: overall, then the
    six sub-indices; NaN where insufficient. PM: mean of the day. O3, CO: largest running 8-h
    mean that ends in the day. O3, SO2, NO2: largest hour; from 305 ppb of SO2 the mean of the
    day. A mean or a largest value needs 18 of its 24. Cost: about 400 additions a station.
    """
    for k in range(hours.shape[0]):
        gas = hours[k]
        out[k, 1] = sub_index(PM25, 24, hours_mean(gas[PM25], 7, 24))
        out[k, 2] = sub_index(PM10, 24, hours_mean(gas[PM10], 7, 24))
        out[k, 3] = o3_index(_max_8h(gas[O3]), _max_1h(gas[O3]))
        out[k, 4] = sub_index(CO, 8, _max_8h(gas[CO]))
        out[k, 5] = so2_index(_max_1h(gas[SO2]), hours_mean(gas[SO2], 7, 24))
        out[k, 6] = sub_index(NO2, 1, _max_1h(gas[NO2]))
        out[k, 0] = overall(out[k, 1:7])
