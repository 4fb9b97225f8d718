"""Speeds of all quarters of an hour of the days of a month: what LOTTR and TTTR come from.

A day has a hundred: 14 hours from 6 to 20, 4 from 20 to 24 and up to 7 before 6, for a night in
which the clock goes back has that many. 8.3 KB a road.
"""

from typing import Any

import numba as nb
import numpy as np

from engine.family import Floats, Integers
from engine.kernel import kernel
from engine.speed_book import SpeedBook
from engine.travel_periods import LATE, PERIODS, greatest, period_ratio

BINS = 3
"""Of five minutes, in a quarter of an hour."""
BINS_MIN = 2
"""So many make a quarter: the rule takes whatever vehicle was seen, one bin would be that one."""
DAY_QUARTERS, EVENING, NIGHT = 100, 56, 72
"""Places of a day: 6 to 20 from 0 on, 20 to 24 from 56 on, 0 to 6 from 72 on."""
FIRST, LAST = (0, 16, 40, 0, 56), (16, 40, 56, 56, 100)
"""The places of each period in its days."""
OWED = (16, 24, 16, 56, 40)
DAYS_MIN = (10, 10, 10, 4, 14)
"""Days with three quarters of the quarters owed that a period needs: about half a month."""
WEEKEND, NIGHTS = 3, 4
EMPTY_KMH = 655.35
"""In place of a speed: it was measured, and no vehicle came."""
_EMPTY = 65_535


@kernel(nb.void(nb.float64[:, ::1], nb.float64[:, ::1], nb.float64[:, ::1]))
def measured_quarters(speeds: Any, vehicles: Any, out: Any) -> None:
    """Space-mean speed of quarters of an hour, of those of their bins that had a vehicle.

    speeds: float64[k, b], km/h, NaN absent. vehicles: float64[k, b], NaN not counted. out:
    float64[k, b / 3], km/h: by vehicles, of bins alike where one was not counted; `EMPTY_KMH` if
    no bin had a vehicle; NaN with fewer than two bins that have a speed or were counted empty.
    One pass.
    """
    for k in range(out.shape[0]):
        for q in range(out.shape[1]):
            first = BINS * q
            counted = True
            there = 0
            for b in range(first, first + BINS):
                if speeds[k, b] > 0.0 and np.isnan(vehicles[k, b]):
                    counted = False
            weight = 0.0
            slowness = 0.0
            for b in range(first, first + BINS):
                if vehicles[k, b] == 0.0:
                    there += 1
                elif speeds[k, b] > 0.0:
                    there += 1
                    n = vehicles[k, b] if counted else 1.0
                    weight += n
                    slowness += n / speeds[k, b]
            if there < BINS_MIN:
                out[k, q] = np.nan
            else:
                out[k, q] = weight / slowness if weight > 0.0 else EMPTY_KMH


@kernel(nb.void(
    nb.int64[:, ::1], nb.uint16[:, :, ::1], nb.int64[::1], nb.int64[::1], nb.int64[::1],
    nb.float64[:, ::1], nb.float64[:, :, ::1], nb.int64[:, :, ::1],
))
def ratios_of_days(
    day: Any, kept: Any, rows: Any, first: Any, last: Any, out: Any, ratios: Any, counts: Any
) -> None:
    """LOTTR and TTTR of some days of each road.

    day: int64[m, 40], kept: uint16[m, 40, 100], as in `QuarterBook`. rows, first, last: int64[k],
    both days inclusive. out: float64[k, 2], NaN if a period has none. ratios: float64[k, 2, 5], by
    measure and period, NaN with too few days. counts: int64[k, 5, 2], days that count and travel
    times of each period. Cost: k * days * 156, and a sort.
    """
    times = np.empty(kept.shape[1] * DAY_QUARTERS)
    for k in range(rows.shape[0]):
        ratios[k] = np.nan
        for p in range(len(PERIODS)):
            n = 0
            days = 0
            for d in range(max(first[k], last[k] - kept.shape[1] + 1), last[k] + 1):
                column = d % kept.shape[1]
                weekend = (d + 6) % 7 >= 5
                if day[rows[k], column] != d or (p != NIGHTS and weekend != (p == WEEKEND)):
                    continue
                there = 0
                found = 0
                for q in range(FIRST[p], LAST[p]):
                    speed = kept[rows[k], column, q]
                    if speed == 0:
                        continue
                    there += 1
                    if speed != _EMPTY:
                        times[n + found] = 1.0 / speed
                        found += 1
                if 4 * there >= 3 * OWED[p]:
                    n += found
                    days += 1
            counts[k, p, 0] = days
            counts[k, p, 1] = n
            if days >= DAYS_MIN[p] and n > 0:
                ordered = np.sort(times[:n])
                for measure in range(2):
                    ratios[k, measure, p] = period_ratio(ordered, LATE[measure])
        greatest(ratios[k], out[k])


class QuarterBook(SpeedBook):
    """Speeds of quarters by member and day: kept: uint16[members, 40, 100], 65535 empty."""

    def __init__(self) -> None:
        super().__init__(DAY_QUARTERS)

    def reliability(
        self, members: Integers, first: Integers, last: Integers
    ) -> tuple[Floats, Floats, Integers]:
        """LOTTR and TTTR of days first..last, and what is behind them: `ratios_of_days`."""
        self.fit(int(members.max(initial=-1)) + 1)
        out, ratios = np.empty((len(members), 2)), np.empty((len(members), 2, len(PERIODS)))
        counts = np.empty((len(members), len(PERIODS), 2), np.int64)
        ratios_of_days(self.day, self.kept, members, first, last, out, ratios, counts)
        return out, ratios, counts
