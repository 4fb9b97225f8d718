"""Speeds of the days of a month, kept by hundredths: what the reliability of a road comes from.

Forty days are kept: a month, and the horizon within which days are said anew.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from engine.family import Floats, Integers

BOOK_DAYS = 40
SCALE = 100.0


class SpeedBook:
    """`bins` speeds by member and day.

    day: int64[members, 40], the ordinal of the day whose bins a place holds, 0 none. kept:
    uint16[members, 40, bins], 0.01 km/h, 0 absent.
    """

    def __init__(self, bins: int) -> None:
        self.bins = bins
        self.day: Integers = np.zeros((0, BOOK_DAYS), np.int64)
        self.kept: npt.NDArray[Any] = np.zeros((0, BOOK_DAYS, bins), np.uint16)

    def fit(self, members: int) -> None:
        """Make room for `members` members."""
        more = members - len(self.day)
        if more > 0:
            self.day = np.concatenate([self.day, np.zeros((more, BOOK_DAYS), np.int64)])
            blank = np.zeros((more, BOOK_DAYS, self.bins), np.uint16)
            self.kept = np.concatenate([self.kept, blank])

    def enter(self, members: Integers, day: int, speeds: Floats) -> None:
        """Write the bins of a day: speeds float64[k, bins], km/h, NaN absent."""
        self.fit(int(members.max(initial=-1)) + 1)
        column = day % BOOK_DAYS
        newer = self.day[members, column] <= day
        rows = members[newer]
        self.day[rows, column] = day
        cents = np.floor(np.nan_to_num(speeds[newer]) * SCALE + 0.5)
        self.kept[rows, column] = cents.astype(np.uint16)
