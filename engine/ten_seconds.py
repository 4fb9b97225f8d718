"""Means of ten seconds of frequency, by series: exact sums and counts of eleven days.

What EN 50160 holds a frequency against is the mean of ten seconds, and panes begin at a minute.
A day of them takes 86 KB, the days that are kept 950 KB a series; so a bounded number of series
have them.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from edge.quantities import INDEX
from engine.batch import Batch
from engine.kernel import kernel
from engine.panes import HORIZON_DAYS, SCALE
from engine.registry import Registry

FREQUENCY = INDEX["frequency"]
FREQUENCY_MAX = 64
"""Series of frequency that are held to EN 50160: one grid has one. Of further ones nothing is."""
DAYS = HORIZON_DAYS + 3
"""The horizon, a day that windows look back on, the present one, and one for clocks ahead."""
BIN_NS = 10_000_000_000
BINS_A_DAY = 8640
BINS_A_MINUTE = 6
COUNT_MAX = np.iinfo(np.uint16).max
"""Readings of one interval; beyond 6,553 a second no more are counted."""

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_i64 = nb.int64[::1]


@kernel(nb.void(
    nb.int32[::1], _i64, nb.float64[::1], nb.uint8[::1], nb.int64, nb.int32[::1],
    nb.int32[:, ::1], nb.uint16[:, :, ::1], nb.int64[:, :, ::1],
))
def add_hertz(
    slot: Any, time_ns: Any, value: Any, flag: Any, sign: int, row: Any, day: Any, counts: Any,
    sums: Any,
) -> None:
    """Add readings of frequency to their ten seconds, or take them out again (-1).

    slot: int32[k], series. time_ns: int64[k], Unix ns. value: float64[k], Hz. flag: uint8[k], 4 and
    9 do not count. row: int32[series], -1 none. day: int32[rows, 11], Unix day of each place.
    counts: uint16[rows, 11, 8640]. sums: int64[rows, 11, 8640], 1e-6 Hz. O(1) a reading.
    """
    for k in range(slot.shape[0]):
        r = row[slot[k]]
        if r < 0 or flag[k] == 4 or flag[k] == 9:
            continue
        index = time_ns[k] // BIN_NS
        of = index // BINS_A_DAY
        place = of % day.shape[1]
        if day[r, place] > of:
            continue
        if day[r, place] < of:
            day[r, place] = of
            counts[r, place, :] = 0
            sums[r, place, :] = 0
        at = index % BINS_A_DAY
        total = nb.int64(np.floor(value[k] * SCALE + 0.5))
        if sign > 0 and counts[r, place, at] < COUNT_MAX:
            counts[r, place, at] += 1
            sums[r, place, at] += total
        elif sign < 0 and counts[r, place, at] > 0:
            counts[r, place, at] -= 1
            sums[r, place, at] -= total


class TenSeconds:
    """The ten seconds of all series of frequency that have a row; arrays as `add_hertz`."""

    ARRAYS = ("row", "day", "counts", "sums")

    def __init__(self) -> None:
        self.row = np.zeros(0, np.int32)
        self.keep(DAYS)

    def keep(self, days: int) -> None:
        """Room for so many days; before any reading."""
        self.day = np.zeros((0, days), np.int32)
        self.counts = np.zeros((0, days, BINS_A_DAY), np.uint16)
        self.sums = np.zeros((0, days, BINS_A_DAY), np.int64)

    def fit(self, series: int) -> None:
        """Make room for `series` series."""
        more = series - len(self.row)
        if more > 0:
            self.row = np.concatenate([self.row, np.full(more, -1, np.int32)])

    def apply(self, batch: Batch, registry: Registry, sign: int = 1) -> None:
        """Add the readings of a batch that are of frequency, or take them out again."""
        hertz = registry.quantity[batch.slot] == FREQUENCY
        if not hertz.any():
            return
        self._assign(np.unique(batch.slot[hertz & (self.row[batch.slot] < 0)]))
        add_hertz(
            batch.slot, batch.time_ns, batch.value, batch.flag, sign, self.row, self.day,
            self.counts, self.sums,
        )

    def _assign(self, slots: npt.NDArray[np.int32]) -> None:
        """Give new series their rows, as long as there are any."""
        first = len(self.day)
        slots = slots[: FREQUENCY_MAX - first]
        if len(slots):
            self.row[slots] = np.arange(first, first + len(slots), dtype=np.int32)
            for name in self.ARRAYS[1:]:
                kept = getattr(self, name)
                blank = np.zeros((len(slots), *kept.shape[1:]), kept.dtype)
                setattr(self, name, np.concatenate([kept, blank]))

    def clear(self, slot: int, first_min: int, end_min: int, registry: Registry) -> None:
        """Forget what is known of a span (Unix minutes) of one series."""
        row = self.row[slot]
        if row >= 0:
            place, at = self._places(row, first_min, end_min)
            self.counts[row, place, at] = 0
            self.sums[row, place, at] = 0

    def _places(self, row: int, first_min: int, end_min: int) -> tuple[Integers, Integers]:
        """Where the intervals of a span stand, as far as they are kept."""
        bins = np.arange(first_min * BINS_A_MINUTE, end_min * BINS_A_MINUTE, dtype=np.int64)
        days = bins // BINS_A_DAY
        place = days % self.day.shape[1]
        kept = self.day[row, place] == days
        return place[kept], bins[kept] % BINS_A_DAY

    def means(self, slot: int, first_min: int, end_min: int) -> Floats:
        """Hz of each ten seconds of a span that has readings."""
        row = self.row[slot]
        if row < 0:
            return np.zeros(0)
        place, at = self._places(row, first_min, end_min)
        count, total = self.counts[row, place, at], self.sums[row, place, at]
        found: Floats = total[count > 0] / (count[count > 0] * SCALE)
        return found

    def dump(self, series: int) -> dict[str, npt.NDArray[Any]]:
        """What a snapshot keeps, of the first `series` series."""
        return {"row": self.row[:series], "day": self.day, "counts": self.counts,
                "sums": self.sums}

    def restore(self, kept: dict[str, npt.NDArray[Any]]) -> None:
        """Rebuild from `dump`."""
        for name in self.ARRAYS:
            setattr(self, name, np.ascontiguousarray(kept[name]).copy())
