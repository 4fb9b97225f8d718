"""Limit values of the EU: what a day of hourly means comes to, and what a year of such days does.

2008/50/EC Annex XI: days and hours above a limit value, each allowed so many in a calendar year.
The peak season of ozone of WHO 2021 is made of the same rows: its daily largest 8-h means.
"""

import numpy as np
import numpy.typing as npt

from engine.air_days import highest_8h, mean_of_day, who_ratio
from engine.kernel import kernel
from engine.pollutants import CO, NO2, O3, PM10, SO2

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

DAY_PARTS = (PM10, SO2, O3, CO)
"""Limits of a day: PM10 and SO2 by the mean of 24 hours, O3 and CO by the largest 8-h mean."""
HOUR_PARTS = (NO2, SO2, O3, O3)
"""Limits of an hour, and the information and the alert threshold of O3."""
ALERT = 3
DAY_LIMITS = np.array([50.0, 125.0, 120.0, 10.0])
HOUR_LIMITS = np.array([200.0, 350.0, 180.0, 240.0])
"""In µg/m³, of CO in mg/m³."""
O3_HIGH, ABOVE, KNOWN, LIMIT_COLUMNS = 2, 4, 8, 12
"""What is kept of a day: values of `DAY_PARTS`, of `HOUR_PARTS` hours above and hours known."""
MONTHS, SEASON_MONTHS, SHARE = 12, 6, 0.75


@kernel("void(float64[:, :, ::1], int64[::1], float64[::1], float64[::1], float64[:, ::1])")
def limit_row(
    means: Floats, hours: Integers, factors: Floats, limits: Floats, out: Floats
) -> None:
    """What is kept of each station's day.

    means: float64[k, 6, h + 7], hourly means in canonical units, newest first, NaN missing.
    hours: int64[k], hours of the day, 23 to 25. factors: float64[6], to the unit of the limits.
    limits: float64[4], `HOUR_LIMITS`. out: float64[k, 12], `LIMIT_COLUMNS`, values in canonical
    units; NaN where fewer than 18 hours, or 18 running means, are there. Cost: about 400
    additions a station.
    """
    for k in range(means.shape[0]):
        for column, part in enumerate(DAY_PARTS):
            out[k, column] = (
                highest_8h(means[k, part], hours[k]) if part in (O3, CO)
                else mean_of_day(means[k, part], hours[k])
            )
        for column, part in enumerate(HOUR_PARTS):
            above = 0.0
            known = 0.0
            for i in range(hours[k]):
                if not np.isnan(means[k, part, i]):
                    known += 1.0
                    if who_ratio(means[k, part, i] * factors[part], limits[column]) > 1.0:
                        above += 1.0
            out[k, ABOVE + column] = above
            out[k, KNOWN + column] = known


@kernel(
    "void(int64[:, ::1], float64[:, :, ::1], int64[::1], int64[::1], int64[::1], float64[::1], "
    "float64[::1], int64[:, ::1], int64[:, ::1])")
def limit_sums(
    day: Integers, kept: Floats, rows: Integers, last: Integers, since: Integers, factors: Floats,
    limits: Floats, known: Integers, above: Integers,
) -> None:
    """Days and hours above their limits, from a first day to a last.

    day: int64[members, d], kept: float64[members, d, 12], as in `engine.daybook.DayBook`. rows,
    last, since: int64[k]. factors, limits: float64[4], of `DAY_PARTS`. Out, int64[k, 8], days of
    `DAY_PARTS`, then hours of `HOUR_PARTS`: known, above. Cost: k * 366 * 12.
    """
    for k in range(rows.shape[0]):
        known[k, :] = 0
        above[k, :] = 0
        for d in range(since[k], last[k] + 1):
            column = d % day.shape[1]
            if day[rows[k], column] != d:
                continue
            row = kept[rows[k], column]
            for part in range(len(DAY_PARTS)):
                if not np.isnan(row[part]):
                    known[k, part] += 1
                    if who_ratio(row[part] * factors[part], limits[part]) > 1.0:
                        above[k, part] += 1
            for part in range(len(HOUR_PARTS)):
                at = len(DAY_PARTS) + part
                known[k, at] += np.int64(row[KNOWN + part])
                above[k, at] += np.int64(row[ABOVE + part])


@kernel("void(int64[:, ::1], float64[:, :, ::1], int64[::1], int64[:, ::1], float64[::1], "
      "int64[::1])")
def season(
    day: Integers, kept: Floats, rows: Integers, months: Integers, out: Floats, known: Integers
) -> None:
    """The highest mean of O3's daily largest 8-h means over six of twelve consecutive months.

    day, kept, rows as `limit_sums`. months: int64[k, 13], first days of the months, and that after
    them. out: float64[k], canonical unit; NaN without 75 % of the days of the year, and of each
    six months that count. known: int64[k], days of the twelve months with a value. Cost: k * 366.
    """
    total = np.empty(MONTHS)
    days = np.empty(MONTHS, np.int64)
    for k in range(rows.shape[0]):
        known[k] = 0
        for month in range(MONTHS):
            total[month] = 0.0
            days[month] = 0
            for d in range(months[k, month], months[k, month + 1]):
                column = d % day.shape[1]
                if day[rows[k], column] != d:
                    continue
                value = kept[rows[k], column, O3_HIGH]
                if not np.isnan(value):
                    total[month] += value
                    days[month] += 1
            known[k] += days[month]
        out[k] = np.nan
        if known[k] < SHARE * (months[k, MONTHS] - months[k, 0]):
            continue
        for first in range(MONTHS - SEASON_MONTHS + 1):
            end = first + SEASON_MONTHS
            there = days[first:end].sum()
            if there >= SHARE * (months[k, end] - months[k, first]):
                mean = total[first:end].sum() / there
                if np.isnan(out[k]) or mean > out[k]:
                    out[k] = mean
