"""Drift of a sensor against its neighbours: hours held against the median of those about it.

Cityvitals data quality 5.5. Of each hour d = x - m, m the median of at least three neighbours.
A sensor is off in an hour when the median of d over the seven days up to it is more than a quarter
of the median of m, and more than 5 µg/m³; it drifts when it has been off for 72 hours, or when the
line of x on m over seven days has another slope than 0.7 to 1.3.
"""

from typing import Any

import numba as nb
import numpy as np

from engine.kernel import inner, kernel

WEEK_H, LASTING_H, DAY_H = 168, 72, 24
SPAN_D = 10
"""Days that one verdict looks back on: the week up to each of the last 72 hours."""
SPAN_H = SPAN_D * DAY_H
WEEK_H_MIN = 126
"""75 % of the hours of a week, for a median, a slope or a correlation."""
NEIGHBOURS_MIN = 3
OFF_SHARE, OFF_UGM3 = 0.25, 5.0
SLOPE_LOW, SLOPE_HIGH = 0.7, 1.3
RELATED_MIN = 0.8
DUST = 1e-9
"""So that what equals a limit but for binary fractions passes it."""
COLUMNS = ("hours", "offset", "mad", "level", "slope", "off_hours", "drifts")
"""Of a week: hours with both, medians of d, of its distance from that, and of m; slope of x on m;
the last hours in a row that were off, at most 72; 1 drifts, 0 does not, NaN cannot be told."""

_f = nb.float64


@inner
def median_of(buffer: Any, count: int) -> float:
    """The median of the first values of a buffer, which it sorts; NaN of none."""
    if count == 0:
        return np.nan
    values = np.sort(buffer[:count])
    half = count // 2
    return float(values[half] if count % 2 else (values[half - 1] + values[half]) / 2.0)


@inner
def correlation(x: Any, y: Any, span: int) -> float:
    """Pearson's r of the hours of a week that both have, each `span` hours about their own mean.

    NaN under 126 such hours, or where one never moves.
    """
    count, xx, yy, xy = 0, 0.0, 0.0, 0.0
    for first in range(0, x.shape[0], span):
        here, sum_x, sum_y = 0, 0.0, 0.0
        for i in range(first, first + span):
            if not (np.isnan(x[i]) or np.isnan(y[i])):
                here, sum_x, sum_y = here + 1, sum_x + x[i], sum_y + y[i]
        count += here
        for i in range(first, first + span):
            if not (np.isnan(x[i]) or np.isnan(y[i])):
                dx, dy = x[i] - sum_x / here, y[i] - sum_y / here
                xx, yy, xy = xx + dx * dx, yy + dy * dy, xy + dx * dy
    if count < WEEK_H_MIN or not (xx > DUST and yy > DUST):
        return np.nan
    return float(xy / np.sqrt(xx * yy))


@inner
def related(x: Any, y: Any) -> bool:
    """Whether two sensors go up and down together: over the week, or within its days.

    Within the days alone, sites of one city some kilometres apart are hardly ever related (six of
    186 days of six sites of Beijing); over the week alone, a drift hides whose neighbour it is.
    """
    return bool(
        correlation(x, y, WEEK_H) > RELATED_MIN or correlation(x, y, DAY_H) > RELATED_MIN
    )


@kernel(nb.void(
    nb.int64[:, ::1], nb.boolean[:, ::1], _f[:, ::1], _f[:, ::1], nb.boolean[:, ::1], _f[:, ::1],
))
def neighbour_medians(
    near: Any, close: Any, week: Any, own: Any, taken: Any, out: Any
) -> None:
    """The median of the neighbours in each hour of a day.

    near: int64[s, 16], rows of `week` of the nearest sensors, -1 blank. close: bool[s, 16], within
    2 km. week: float64[r, 168], hourly means of the seven days up to the day, NaN missing. own:
    float64[s, 168], those of the sensor itself. taken: bool[s, 16], out: is a neighbour, close or
    related. out: float64[s, 24], NaN where fewer than three have the hour.
    Cost: s * 16 * (2 * 168 + 24).
    """
    buffer = np.empty(near.shape[1])
    first = week.shape[1] - DAY_H
    for s in range(near.shape[0]):
        for j in range(near.shape[1]):
            taken[s, j] = near[s, j] >= 0 and close[s, j]
            if near[s, j] >= 0 and not close[s, j]:
                taken[s, j] = related(own[s], week[near[s, j]])
        for hour in range(DAY_H):
            count = 0
            for j in range(near.shape[1]):
                if taken[s, j] and not np.isnan(week[near[s, j], first + hour]):
                    buffer[count] = week[near[s, j], first + hour]
                    count += 1
            out[s, hour] = median_of(buffer, count) if count >= NEIGHBOURS_MIN else np.nan


@inner
def off(x: Any, m: Any, end: int, floor: float, buffer: Any, found: Any) -> int:
    """Whether the week before hour `end` is off: 1, 0, or -1 with too few hours.

    found: float64[3], out: hours, median of x - m, median of m.
    """
    count = 0
    for i in range(end - WEEK_H, end):
        if not (np.isnan(x[i]) or np.isnan(m[i])):
            buffer[0, count], buffer[1, count] = x[i] - m[i], m[i]
            count += 1
    found[0] = count
    if count < WEEK_H_MIN:
        found[1] = found[2] = np.nan
        return -1
    found[1], found[2] = median_of(buffer[0], count), median_of(buffer[1], count)
    limit = max(OFF_SHARE * found[2], floor)
    return 1 if abs(found[1]) > limit + DUST else 0


@inner
def slope_of(x: Any, m: Any) -> float:
    """Least squares of x on m over the hours that have both; NaN where m never moves."""
    count, mean_x, mean_m = 0, 0.0, 0.0
    for i in range(x.shape[0]):
        if not (np.isnan(x[i]) or np.isnan(m[i])):
            count, mean_x, mean_m = count + 1, mean_x + x[i], mean_m + m[i]
    if count == 0:
        return np.nan
    mean_x, mean_m = mean_x / count, mean_m / count
    mm, xm = 0.0, 0.0
    for i in range(x.shape[0]):
        if not (np.isnan(x[i]) or np.isnan(m[i])):
            dm = m[i] - mean_m
            mm, xm = mm + dm * dm, xm + dm * (x[i] - mean_x)
    return xm / mm if mm > DUST * count else np.nan


@kernel(nb.void(_f[:, ::1], _f[:, ::1], _f[::1], _f[:, ::1]))
def drifting(x: Any, m: Any, floor: Any, out: Any) -> None:
    """Whether sensors drift against the median of their neighbours.

    x, m: float64[s, 240], hours up to the one in question, NaN missing. floor: float64[s], 5 µg/m³
    in the unit of x. out: float64[s, 7], `COLUMNS`. Cost: a sort of 168 for each sensor, of one
    that is off up to 72.
    """
    buffer = np.empty((2, WEEK_H))
    found = np.empty(3)
    for s in range(x.shape[0]):
        out[s, :] = np.nan
        now = off(x[s], m[s], SPAN_H, floor[s], buffer, found)
        out[s, 0], out[s, 1], out[s, 3] = found[0], found[1], found[2]
        if now < 0:
            continue
        count = nb.int64(found[0])
        for i in range(count):  # the differences, sorted or not, stand in the buffer still
            buffer[1, i] = abs(buffer[0, i] - found[1])
        out[s, 2] = median_of(buffer[1], count)
        out[s, 4] = slope_of(x[s, SPAN_H - WEEK_H :], m[s, SPAN_H - WEEK_H :])
        lasting = 0
        while lasting < LASTING_H and off(
            x[s], m[s], SPAN_H - lasting, floor[s], buffer, found
        ) == 1:
            lasting += 1
        out[s, 5] = lasting
        bent = out[s, 4] < SLOPE_LOW - DUST or out[s, 4] > SLOPE_HIGH + DUST
        out[s, 6] = 1.0 if lasting == LASTING_H or bent else 0.0
