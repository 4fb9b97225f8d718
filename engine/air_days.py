"""What a day of hourly means comes to, and what a year of such days does.

WHO 2021: means of 24 hours from 18 of them, of CO and O3 as the standard words them; days above a
guideline level. Annual means are those of the hours, over the last 365 days.
"""

import numpy as np
import numpy.typing as npt

from engine.kernel import kernel
from engine.pollutants import CO, NO2, O3, PM10, PM25, SO2
from engine.us_aqi import hours_mean

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

YEAR_PARTS = (PM25, PM10, O3, SO2, NO2)
"""Pollutants of annual means."""
DAY_PARTS = (PM25, PM10, O3, SO2, NO2, CO)
"""Pollutants of daily levels: O3 by its largest running 8-h mean, the others by 24 hours."""
SUM, HOURS, CO_MEAN, O3_HIGH = 0, 5, 10, 11
DAY_COLUMNS = 12
"""What is kept of a day: sums of the hourly means of `YEAR_PARTS`, hours of each, the mean of CO,
the largest running 8-h mean of O3."""
HOURS_MIN = 18
YEAR_DAYS = 365
YEAR_HOURS = YEAR_DAYS * 24


@kernel("float64(float64, float64)")
def who_ratio(conc: float, limit: float) -> float:
    """How many times the level the concentration is, to 1e-9; 1 and less meets it. NaN for NaN.

    Below zero counts as zero. To a billionth, so that the dust of a mean does not exceed a level.
    Cost: O(1).
    """
    if np.isnan(conc):
        return np.nan
    return float(np.floor(max(conc, 0.0) / limit * 1e9 + 0.5) / 1e9)


@kernel("float64(float64[::1], int64)")
def mean_of_day(means: Floats, hours: int) -> float:
    """The mean of a day, NaN with fewer than 18 hours; as `highest_8h`. Cost: hours."""
    total = 0.0
    valid = 0.0
    for i in range(hours):
        if not np.isnan(means[i]):
            total += means[i]
            valid += 1.0
    return total / valid if valid >= HOURS_MIN else np.nan


@kernel("float64(float64[::1], int64)")
def highest_8h(means: Floats, hours: int) -> float:
    """The largest running 8-h mean that ends in a day, NaN with fewer than 18 of them.

    means: float64[h + 7], hourly means, newest first. hours: of the day. Cost: 8 * hours.
    """
    ended = 0
    high = 0.0
    for i in range(hours):
        running = hours_mean(means, i, 8)
        if not np.isnan(running):
            ended += 1
            high = max(high, running)
    return high if ended >= HOURS_MIN else np.nan


@kernel("void(float64[:, :, ::1], int64[::1], float64[:, ::1])")
def day_row(means: Floats, hours: Integers, out: Floats) -> None:
    """What is kept of each station's day.

    means: float64[k, 6, h + 7], hourly means in canonical units, newest first, NaN missing.
    hours: int64[k], hours of the day, 23 to 25. out: float64[k, 12], `DAY_COLUMNS`; NaN where
    fewer than 18 hours, or 18 running means, are there. Cost: about 300 additions a station.
    """
    for k in range(means.shape[0]):
        for column, part in enumerate(YEAR_PARTS):
            total = 0.0
            valid = 0.0
            for i in range(hours[k] - 1, -1, -1):
                if not np.isnan(means[k, part, i]):
                    total += means[k, part, i]
                    valid += 1.0
            out[k, SUM + column] = total
            out[k, HOURS + column] = valid
        out[k, CO_MEAN] = mean_of_day(means[k, CO], hours[k])
        out[k, O3_HIGH] = highest_8h(means[k, O3], hours[k])


@kernel("float64(float64[::1], int64)")
def day_value(row: Floats, column: int) -> float:
    """The daily value of `DAY_PARTS[column]` from a row of `day_row`, canonical unit. O(1)."""
    if DAY_PARTS[column] == CO:
        return float(row[CO_MEAN])
    if DAY_PARTS[column] == O3:
        return float(row[O3_HIGH])
    hours = row[HOURS + column]
    return float(row[SUM + column] / hours) if hours >= HOURS_MIN else np.nan


@kernel("void(float64[:, ::1], float64[:, ::1])")
def day_values(rows: Floats, out: Floats) -> None:
    """`day_value` of all: rows float64[k, 12], out float64[k, 6]."""
    for k in range(rows.shape[0]):
        for column in range(6):
            out[k, column] = day_value(rows[k], column)


@kernel(
    "void(int64[:, ::1], float64[:, :, ::1], int64[::1], int64[::1], int64[::1], float64[::1], "
    "float64[::1], float64[:, ::1], float64[:, ::1], int64[:, ::1], int64[:, ::1])")
def year_sums(
    day: Integers, kept: Floats, rows: Integers, last: Integers, since: Integers, factors: Floats,
    levels: Floats, sums: Floats, hours: Floats, known: Integers, above: Integers,
) -> None:
    """The year up to a day, and the days since a day that are above levels.

    day: int64[members, d], kept: float64[members, d, 12], as in `engine.daybook.DayBook`. rows,
    last, since: int64[k], member, the day, the first day that is counted. factors, levels:
    float64[6], of `DAY_PARTS`: from canonical units, and in those of the levels. Out: sums, hours:
    float64[k, 5], of the last 365 days in the order of the calendar. known, above: int64[k, 6],
    days with a value, days above its level. Cost: k * 365 * 12.
    """
    length = day.shape[1]
    for k in range(rows.shape[0]):
        sums[k, :] = 0.0
        hours[k, :] = 0.0
        known[k, :] = 0
        above[k, :] = 0
        for d in range(min(last[k] - YEAR_DAYS + 1, since[k]), last[k] + 1):
            column = d % length
            if day[rows[k], column] != d:
                continue
            row = kept[rows[k], column]
            if d > last[k] - YEAR_DAYS:
                for part in range(5):
                    sums[k, part] += row[SUM + part]
                    hours[k, part] += row[HOURS + part]
            if d >= since[k]:
                for part in range(6):
                    value = day_value(row, part)
                    if not np.isnan(value):
                        known[k, part] += 1
                        if who_ratio(value * factors[part], levels[part]) > 1.0:
                            above[k, part] += 1
