"""Blocks of demand by the day, kept for a month: its peak, when it was, and the load factors.

A table has six numbers a place and day. Forty days are kept: a month, and the horizon within which
days are said anew. 1.9 KB a place, of a station or of an area.
"""

from typing import Any, NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt

from engine.completeness import enough
from engine.family import Floats, Integers
from engine.kernel import inner, kernel
from engine.load_factor import HOURS_A_BLOCK

DAY_COLUMNS = ("day", "peak_kw", "peak_end_min", "sum_kw", "complete", "blocks")
"""What is kept of a day's blocks, see `MonthPeaks`."""
PEAK_DAYS = 40


@inner
def even(sum_kw: float, valid: float, owed: float, peak_kw: float) -> float:
    """Load factor of complete blocks (kW summed, how many, of how many, the largest of them).

    NaN with fewer than 75 % of those there are, without a peak above zero, or where energy flows
    back; as `engine.load_factor.load_factor`.
    """
    hours = valid * HOURS_A_BLOCK
    if not enough(int(valid), int(owed)):
        return np.nan
    if not (peak_kw > 0.0 and hours > 0.0 and sum_kw >= 0.0):
        return np.nan
    return sum_kw * HOURS_A_BLOCK / (peak_kw * hours)


@kernel(nb.void(
    nb.float64[:, :, ::1], nb.int64[::1], nb.int64[::1], nb.int64[::1], nb.float64[:, ::1],
    nb.int64[:, ::1], nb.float64[:, ::1], nb.float64[:, ::1], nb.int32[:, ::1],
))
def take_days(
    kept: Any, rows: Any, day: Any, month: Any, demand: Any, end_min: Any, value: Any, cov: Any,
    n: Any,
) -> None:
    """Take in days, and say the four indicators of each: peak, its end, load factors.

    kept: float64[p, 6, 40], as in `MonthPeaks`. rows, day, month (first day of the month that
    holds the day): int64[k]; days of one row come oldest first. demand: float64[k, b], kW of each
    block, NaN incomplete. end_min: int64[k, b], Unix minute of its end, 0 for none that is owed.
    value, cov: float64[k, 4], n: int32[k, 4], out: kW, Unix s, of the month, of the day. Sums in
    the order of time; of equal blocks the first is the peak. Cost: k * (b + 31).
    """
    for k in range(rows.shape[0]):
        table = kept[rows[k]]
        column = day[k] % PEAK_DAYS
        table[:, column] = 0.0
        table[0, column] = day[k]
        for b in range(demand.shape[1]):
            if end_min[k, b] > 0:
                table[5, column] += 1.0
            x = demand[k, b]
            if np.isnan(x):
                continue
            if table[4, column] == 0.0 or x > table[1, column]:
                table[1, column] = x
                table[2, column] = end_min[k, b]
            table[3, column] += x
            table[4, column] += 1.0
        total = 0.0
        valid = 0.0
        owed = 0.0
        peak = -np.inf
        end = 0.0
        for d in range(max(month[k], day[k] - PEAK_DAYS + 1), day[k] + 1):
            c = d % PEAK_DAYS
            if table[0, c] != d:
                continue
            owed += table[5, c]
            total += table[3, c]
            valid += table[4, c]
            if table[4, c] > 0.0 and table[1, c] > peak:
                peak = table[1, c]
                end = table[2, c]
        value[k, :3] = np.nan
        if valid > 0.0:
            value[k, 0] = peak
            value[k, 1] = end * 60.0
            value[k, 2] = even(total, valid, owed, peak)
        value[k, 3] = even(table[3, column], table[4, column], table[5, column], table[1, column])
        cov[k, :] = table[4, column] / max(table[5, column], 1.0)
        cov[k, 2] = valid / max(owed, 1.0)
        n[k, :] = int(table[4, column])
        n[k, 2] = int(valid)


class Said(NamedTuple):
    """The four indicators of k days: value and coverage float64[k, 4], blocks int32[k, 4]."""

    value: Floats
    cov: Floats
    n: npt.NDArray[np.int32]


class MonthPeaks:
    """By place and day % 40: the day, its largest block in kW, the Unix minute at which that
    ended, the sum of its complete blocks in kW, how many they are, and how many there are."""

    def __init__(self) -> None:
        self._row_of: dict[int, int] = {}
        self.table: Floats = np.zeros((0, len(DAY_COLUMNS), PEAK_DAYS))

    def rows(self, places: list[int]) -> Integers:
        """int64[k], the row of each place; a new one is empty."""
        found = [self._row_of.setdefault(place, len(self._row_of)) for place in places]
        more = len(self._row_of) - len(self.table)
        if more > 0:
            more = max(more, len(self.table), 16)
            self.table = np.concatenate([self.table, np.zeros((more, *self.table.shape[1:]))])
        return np.array(found, np.int64)

    def take(
        self, places: list[int], day: Integers, month: Integers, demand: Floats, end_min: Integers
    ) -> Said:
        """As `take_days`, of k places."""
        count = len(places)
        rows = self.rows(places)
        said = Said(np.empty((count, 4)), np.empty((count, 4)), np.empty((count, 4), np.int32))
        take_days(
            self.table, rows, day, month, np.ascontiguousarray(demand),
            np.ascontiguousarray(end_min), *said,
        )
        return said

    def kept(self) -> dict[int, Floats]:
        """float64[6, 40] of each place."""
        return {place: self.table[row] for place, row in self._row_of.items()}

    def put(self, place: int, kept: Floats) -> None:
        """Take back what `kept` had of a place."""
        row = int(self.rows([place])[0])
        self.table[row] = kept
