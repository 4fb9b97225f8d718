"""Minutes of power, kept for the whole horizon: what sliding demand is said anew from.

The ring of 64 minutes that every series has is too short for a reading that comes hours late, so
series of power that report more often than once a block keep theirs for nine days more: 12 bytes
a minute, 190 KB a series. Sums are exact integers, so it does not matter when a reading came.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from edge.quantities import INDEX
from engine.batch import Batch
from engine.kernel import kernel
from engine.panes import HORIZON_DAYS, MINUTE, MINUTE_NS, ONE
from engine.registers import BLOCK_MIN
from engine.registry import Registry
from engine.series import period_of, span_of

POWER_SERIES_MAX = 4096
"""Series whose minutes are kept; others say values between blocks anew for 45 minutes only."""
DAY_MIN = 1440
DAYS = HORIZON_DAYS + 3
"""The horizon, a day that windows look back on, the present one, and one for clocks ahead."""
POWER = INDEX["power"]

Integers = npt.NDArray[np.int64]
_i32 = nb.int32[::1]
_i64 = nb.int64[::1]
_pages = (nb.int64[:, ::1], nb.int32[:, ::1], nb.int32[:, ::1])


@kernel(nb.void(
    _i32, _i64, nb.float64[::1], nb.uint8[::1], _i32, nb.int64, _i32, *_pages,
    nb.from_dtype(MINUTE)[::1, :], nb.int32[:, ::1],
))
def add_minutes(
    slot: Any, time_ns: Any, value: Any, flag: Any, span: Any, sign: int, row: Any, sums: Any,
    counts: Any, days: Any, minutes: Any, touched: Any,
) -> None:
    """Add readings of power to their minutes, or take them out (`sign` -1).

    slot: int32[k], series. time_ns: int64[k], Unix ns. value: float64[k], kW. flag: uint8[k], 4
    and 9 do not count. span: int32[k], minutes that a reading stands for. row: int32[series], -1
    none. sums: int64[rows, DAYS * 1440], 1e-6 kW. counts: int32 likewise. days: int32[rows,
    DAYS], the Unix day of each page. minutes, touched: as in `apply_readings`; a minute that the
    ring no longer holds is listed as changed. O(1) a reading.
    """
    for k in range(slot.shape[0]):
        s = slot[k]
        r = row[s]
        if r < 0 or flag[k] == 4 or flag[k] == 9 or span[k] >= BLOCK_MIN:
            continue
        minute = time_ns[k] // MINUTE_NS
        day = minute // DAY_MIN
        page = day % DAYS
        if days[r, page] > day:
            continue
        at = page * DAY_MIN + minute % DAY_MIN
        if days[r, page] < day:
            days[r, page] = day
            sums[r, page * DAY_MIN : (page + 1) * DAY_MIN] = 0
            counts[r, page * DAY_MIN : (page + 1) * DAY_MIN] = 0
        sums[r, at] += sign * nb.int64(np.floor(value[k] * 1e6 + 0.5))
        counts[r, at] += sign
        if minutes[s, minute & 63].tag > minute:
            last = touched[0, 0]
            if last + 1 >= touched.shape[0]:
                touched[0, 1] = 1
            elif touched[last, 0] != ONE or touched[last, 1] != s or touched[last, 2] != minute:
                touched[last + 1, 0] = ONE
                touched[last + 1, 1] = s
                touched[last + 1, 2] = minute
                touched[0, 0] = last + 1


@kernel(nb.void(
    _i32, _i64, _i32, *_pages, nb.int64[:, ::1], nb.float64[:, ::1], nb.int64[:, ::1],
    nb.int32[:, ::1], nb.boolean[:, ::1],
))
def gather_kept(
    slots: Any, windows: Any, row: Any, sums: Any, counts: Any, days: Any, since_s: Any,
    period_s: Any, out_sums: Any, out_counts: Any, covered: Any,
) -> None:
    """The 15 minutes up to and with each window minute, in the form of `mean_demand`.

    slots: int32[k], series with a row. windows: int64[k], Unix minutes. row, sums, counts, days:
    as in `add_minutes`. since_s, period_s: as in `period_of`. Outputs as those of
    `gather_minutes`. Cost: 30 * k.
    """
    for k in range(slots.shape[0]):
        s = slots[k]
        r = row[s]
        out_sums[k, :] = 0
        out_counts[k, :] = 0
        covered[k, :] = False
        first = windows[k] - BLOCK_MIN + 1
        for minute in range(first - BLOCK_MIN + 1, windows[k] + 1):
            page = minute // DAY_MIN % DAYS
            at = page * DAY_MIN + minute % DAY_MIN
            if days[r, page] != minute // DAY_MIN or counts[r, at] <= 0:
                continue
            span = span_of(period_of(s, minute * 60, since_s, period_s))
            start = minute - minute % span
            for m in range(max(start, first), min(start + span, windows[k] + 1)):
                covered[k, m - first] = True
            if minute >= first:
                out_sums[k, minute - first] = sums[r, at]
                out_counts[k, minute - first] = counts[r, at]


class PowerMinutes:
    """The minutes of all series of power that have a row; see `add_minutes` for the arrays."""

    ARRAYS = ("row", "sums", "counts", "days")

    def __init__(self) -> None:
        self.row = np.zeros(0, np.int32)
        self.sums = np.zeros((0, DAYS * DAY_MIN), np.int64)
        self.counts = np.zeros((0, DAYS * DAY_MIN), np.int32)
        self.days = np.zeros((0, DAYS), np.int32)
        self.rows = 0

    def fit(self, series: int) -> None:
        """Make room for `series` series."""
        more = series - len(self.row)
        if more > 0:
            self.row = np.concatenate([self.row, np.full(more, -1, np.int32)])

    def apply(
        self, batch: Batch, span: npt.NDArray[np.int32], registry: Registry,
        minutes: npt.NDArray[Any], touched: npt.NDArray[np.int32], sign: int = 1,
    ) -> None:
        """Add the readings of a batch that are of power, or take them out again."""
        slot = batch.slot
        if self.rows < POWER_SERIES_MAX:
            often = (registry.quantity[slot] == POWER) & (span < BLOCK_MIN)
            self._assign(np.unique(slot[often & (self.row[slot] < 0)]))
        here = np.nonzero(self.row[slot] >= 0)[0]
        if len(here):
            add_minutes(
                slot[here], batch.time_ns[here], batch.value[here], batch.flag[here], span[here],
                sign, self.row, self.sums, self.counts, self.days, minutes, touched,
            )

    def _assign(self, slots: npt.NDArray[np.int32]) -> None:
        """Give new series their rows, as long as there are any."""
        slots = slots[: POWER_SERIES_MAX - self.rows]
        needed = self.rows + len(slots)
        if needed > len(self.sums):
            room = min(max(needed, 2 * len(self.sums), 16), POWER_SERIES_MAX)
            for name in self.ARRAYS[1:]:
                old = getattr(self, name)
                grown = np.zeros((room, old.shape[1]), old.dtype)
                grown[: len(old)] = old
                setattr(self, name, grown)
        self.row[slots] = np.arange(self.rows, needed, dtype=np.int32)
        self.rows = needed

    def clear(self, slot: int, first_min: int, end_min: int) -> None:
        """Forget what is known of some minutes of one series."""
        row = self.row[slot]
        if row >= 0:
            minute = np.arange(first_min, end_min)
            page = minute // DAY_MIN % DAYS
            here = self.days[row, page] == minute // DAY_MIN
            at = (page * DAY_MIN + minute % DAY_MIN)[here]
            self.sums[row, at] = 0
            self.counts[row, at] = 0

    def gather(
        self, slots: npt.NDArray[np.int32], windows: Integers, registry: Registry,
        space: tuple[Integers, npt.NDArray[np.int32], npt.NDArray[np.bool_]],
    ) -> None:
        """Fill `space` with the minutes of windows, as `gather_kept`."""
        gather_kept(
            slots, windows, self.row, self.sums, self.counts, self.days, registry.since_s,
            registry.period_s, *space,
        )

    def dump(self, series: int) -> dict[str, npt.NDArray[Any]]:
        """What a snapshot keeps, of the first `series` series."""
        return {
            "row": self.row[:series], "sums": self.sums[: self.rows],
            "counts": self.counts[: self.rows], "days": self.days[: self.rows],
        }

    def restore(self, kept: dict[str, npt.NDArray[Any]]) -> None:
        """Rebuild from `dump`."""
        self.row, self.rows = kept["row"].copy(), len(kept["sums"])
        for name in self.ARRAYS[1:]:
            setattr(self, name, np.ascontiguousarray(kept[name]))
