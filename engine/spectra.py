"""How loud it was how often: histograms of sound level by series and hour, in steps of 0.1 dB.

They merge: those of the hours of a day are that of the day. An hour takes 1.8 KB, the eleven
days that are kept 475 KB a series; so a bounded number of series have them.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from edge.quantities import INDEX
from engine.batch import Batch
from engine.kernel import kernel
from engine.panes import HORIZON_DAYS, MINUTE_NS
from engine.registry import Registry
from engine.sound_levels import LEVELS, step_of

SPECTRA_MAX = 256
"""Series of sound level that have histograms; further ones have no percentile levels."""
HOURS = 24 * (HORIZON_DAYS + 3)
"""The horizon, a day that windows look back on, the present one, and one for clocks ahead."""
COUNT_MAX = np.iinfo(np.uint16).max
"""Samples of one level in one hour; beyond 18 a second no more are counted."""
LAEQ = INDEX["laeq"]

Integers = npt.NDArray[np.int64]
_i64 = nb.int64[::1]


@kernel(nb.void(
    nb.int32[::1], _i64, nb.float64[::1], nb.uint8[::1], nb.int64, nb.int32[::1],
    nb.int32[::1], nb.int32[:, ::1], nb.uint16[:, :, ::1],
))
def add_levels(
    slot: Any, time_ns: Any, value: Any, flag: Any, sign: int, row: Any, shift: Any, hour: Any,
    counts: Any,
) -> None:
    """Add readings of sound level to the histograms of their hours, or take them out (-1).

    slot: int32[k], series. time_ns: int64[k], Unix ns. value: float64[k], dB(A). flag: uint8[k],
    4 and 9 do not count. row: int32[series], -1 none. shift: int32[series]. hour: int32[rows,
    264], local hour of each place. counts: uint16[rows, 264, 901]. O(1) a reading.
    """
    for k in range(slot.shape[0]):
        r = row[slot[k]]
        if r < 0 or flag[k] == 4 or flag[k] == 9:
            continue
        index = (time_ns[k] // MINUTE_NS + shift[slot[k]]) // 60
        place = index % hour.shape[1]
        if hour[r, place] > index:
            continue
        if hour[r, place] < index:
            hour[r, place] = index
            counts[r, place, :] = 0
        step = step_of(value[k])
        if sign > 0 and counts[r, place, step] < COUNT_MAX:
            counts[r, place, step] += 1
        elif sign < 0 and counts[r, place, step] > 0:
            counts[r, place, step] -= 1


@kernel(nb.void(
    nb.int32[::1], _i64, _i64, nb.int32[::1], nb.int32[:, ::1], nb.uint16[:, :, ::1],
    nb.int64[:, ::1],
))
def merge_hours(
    slot: Any, first: Any, count: Any, row: Any, hour: Any, counts: Any, out: Any
) -> None:
    """Histogram of `count` local hours of series from `first` on.

    slot: int32[k]. first, count: int64[k]. row, hour, counts: as `add_levels`. out: int64[k,
    901]. Cost: k * count * 901.
    """
    for k in range(slot.shape[0]):
        out[k, :] = 0
        r = row[slot[k]]
        if r < 0:
            continue
        for index in range(first[k], first[k] + count[k]):
            place = index % hour.shape[1]
            if hour[r, place] == index:
                for step in range(out.shape[1]):
                    out[k, step] += counts[r, place, step]


class Spectra:
    """The histograms of all series of sound level that have a row; arrays as `add_levels`."""

    ARRAYS = ("row", "hour", "counts")

    def __init__(self) -> None:
        self.row = np.zeros(0, np.int32)
        self.hour = np.zeros((0, HOURS), np.int32)
        self.counts = np.zeros((0, HOURS, LEVELS), np.uint16)

    def fit(self, series: int) -> None:
        """Make room for `series` series."""
        more = series - len(self.row)
        if more > 0:
            self.row = np.concatenate([self.row, np.full(more, -1, np.int32)])

    def apply(self, batch: Batch, registry: Registry, sign: int = 1) -> None:
        """Add the readings of a batch that are of sound level, or take them out again."""
        sound = registry.quantity[batch.slot] == LAEQ
        if not sound.any():
            return
        self._assign(np.unique(batch.slot[sound & (self.row[batch.slot] < 0)]))
        add_levels(
            batch.slot, batch.time_ns, batch.value, batch.flag, sign, self.row, registry.shift,
            self.hour, self.counts,
        )

    def _assign(self, slots: npt.NDArray[np.int32]) -> None:
        """Give new series their rows, as long as there are any."""
        first = len(self.hour)
        slots = slots[: SPECTRA_MAX - first]
        if len(slots):
            self.row[slots] = np.arange(first, first + len(slots), dtype=np.int32)
            more = len(slots)
            self.hour = np.concatenate([self.hour, np.zeros((more, HOURS), np.int32)])
            blank = np.zeros((more, HOURS, LEVELS), np.uint16)
            self.counts = np.concatenate([self.counts, blank])

    def clear(self, slot: int, first_min: int, end_min: int, registry: Registry) -> None:
        """Forget what is known of the hours of a span (Unix minutes) of one series."""
        row, shift = self.row[slot], int(registry.shift[slot])
        if row >= 0:
            hours = np.arange((first_min + shift) // 60, (end_min + shift) // 60)
            place = hours % HOURS
            here = place[self.hour[row, place] == hours]
            self.counts[row, here] = 0

    def merged(
        self, slots: npt.NDArray[np.int32], first: Integers, count: Integers
    ) -> Integers:
        """int64[k, 901]: histograms of local hours, as `merge_hours`."""
        out = np.empty((len(slots), LEVELS), np.int64)
        merge_hours(
            np.ascontiguousarray(slots, np.int32), first, count, self.row, self.hour, self.counts,
            out,
        )
        return out

    def dump(self, series: int) -> dict[str, npt.NDArray[Any]]:
        """What a snapshot keeps, of the first `series` series."""
        return {"row": self.row[:series], "hour": self.hour, "counts": self.counts}

    def restore(self, kept: dict[str, npt.NDArray[Any]]) -> None:
        """Rebuild from `dump`."""
        for name in self.ARRAYS:
            setattr(self, name, np.ascontiguousarray(kept[name]).copy())
