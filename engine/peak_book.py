"""Peak speeds of the days of a month, kept by hundredths: what reliability is computed from.

A day has the 72 bins of both peaks of a weekday. 5.9 KB a road.
"""

from typing import Any

import numba as nb
import numpy as np

from engine.family import Floats, Integers
from engine.kernel import kernel
from engine.speed_book import SCALE, SpeedBook
from engine.travel_reliability import reliability

DAY_BINS = 72
DAY_BINS_MIN = 54
"""A day with three quarters of its bins counts."""
DAYS_MIN = 10


@kernel(nb.void(
    nb.int64[:, ::1], nb.uint16[:, :, ::1], nb.int64[::1], nb.int64[::1], nb.int64[::1],
    nb.float64[::1], nb.float64[::1], nb.float64[:, ::1], nb.int64[:, ::1],
))
def reliability_of_days(
    day: Any, kept: Any, rows: Any, first: Any, last: Any, length_km: Any, free: Any, out: Any,
    counts: Any,
) -> None:
    """Indices of the peak travel times of some days of each road.

    day: int64[m, 40], kept: uint16[m, 40, 72], as in `PeakBook`. rows, first, last: int64[k],
    both days inclusive. length_km, free (km/h, NaN unknown): float64[k]. out: float64[k, 5],
    as `reliability`, in minutes; NaN with fewer than 10 days that have 54 of their 72 bins.
    counts: int64[k, 2], days that count and bins used. Cost: k * days * 72, and a sort.
    """
    times = np.empty(kept.shape[1] * kept.shape[2])
    for k in range(rows.shape[0]):
        n = 0
        days = 0
        for d in range(max(first[k], last[k] - kept.shape[1] + 1), last[k] + 1):
            column = d % kept.shape[1]
            if day[rows[k], column] != d:
                continue
            valid = 0
            for b in range(kept.shape[2]):
                speed = kept[rows[k], column, b]
                if speed > 0:
                    times[n + valid] = 60.0 * length_km[k] * SCALE / speed
                    valid += 1
            if valid >= DAY_BINS_MIN:
                n += valid
                days += 1
        counts[k, 0] = days
        counts[k, 1] = n
        out[k, :] = np.nan
        if days >= DAYS_MIN:
            reliability(np.sort(times[:n]), 60.0 * length_km[k] / free[k], out[k])


class PeakBook(SpeedBook):
    """Peak speeds by member and day: kept: uint16[members, 40, 72]."""

    def __init__(self) -> None:
        super().__init__(DAY_BINS)

    def reliability(
        self, members: Integers, first: Integers, last: Integers, length_km: Floats, free: Floats
    ) -> tuple[Floats, Integers]:
        """Indices of days first..last, and (days, bins) behind them: `reliability_of_days`."""
        self.fit(int(members.max(initial=-1)) + 1)
        out, counts = np.empty((len(members), 5)), np.empty((len(members), 2), np.int64)
        reliability_of_days(
            self.day, self.kept, members, first, last, length_km, free, out, counts
        )
        return out, counts
