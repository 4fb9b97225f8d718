"""Peak speeds of the days of a month, kept by hundredths: what reliability is computed from.

A day has the 72 bins of both peaks of a weekday. Forty days are kept: a month, and the horizon
within which days are said anew. 5.9 KB a road.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from engine.family import Floats, Integers
from engine.kernel import kernel
from engine.travel_reliability import reliability

BOOK_DAYS = 40
DAY_BINS = 72
DAY_BINS_MIN = 54
"""A day with three quarters of its bins counts."""
DAYS_MIN = 10
SCALE = 100.0


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


class PeakBook:
    """Peak speeds by member and day.

    day: int64[members, 40], the ordinal of the day whose bins a place holds, 0 none. kept:
    uint16[members, 40, 72], 0.01 km/h, 0 absent.
    """

    def __init__(self) -> None:
        self.day: Integers = np.zeros((0, BOOK_DAYS), np.int64)
        self.kept: npt.NDArray[Any] = np.zeros((0, BOOK_DAYS, DAY_BINS), np.uint16)

    def fit(self, members: int) -> None:
        """Make room for `members` members."""
        more = members - len(self.day)
        if more > 0:
            self.day = np.concatenate([self.day, np.zeros((more, BOOK_DAYS), np.int64)])
            blank = np.zeros((more, BOOK_DAYS, DAY_BINS), np.uint16)
            self.kept = np.concatenate([self.kept, blank])

    def enter(self, members: Integers, day: int, speeds: Floats) -> None:
        """Write the bins of a day: speeds float64[k, 72], km/h, NaN absent."""
        self.fit(int(members.max(initial=-1)) + 1)
        column = day % BOOK_DAYS
        newer = self.day[members, column] <= day
        rows = members[newer]
        self.day[rows, column] = day
        cents = np.floor(np.nan_to_num(speeds[newer]) * SCALE + 0.5)
        self.kept[rows, column] = cents.astype(np.uint16)

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
