"""Energy: 15-minute demand in aligned blocks and sliding each minute, and the month's peak.

The demand of a place is the sum over its power series (phases, feeders): with one of them
insufficient, so is the place.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from edge.quantities import INDEX
from engine.areas import SUM_SHARE_MIN
from engine.calendar import month_start
from engine.catalogue import POSITION
from engine.demand import mean_demand
from engine.family import (
    NO_WINDOW,
    Bools,
    Cadence,
    CivilDays,
    Floats,
    Integers,
    Members,
    Result,
    Slots,
    blank,
    of_level,
    spread,
)
from engine.panes import FINE, MINUTE, ONE, QUARTER, Panes, kernel
from engine.registry import Registry

BLOCK_MIN = 15
PEAK_DAYS = 40
BLOCKS_A_DAY_MAX = 100
CHUNK = 256
"""Meters of which the blocks of a day are gathered at once."""


@kernel(nb.void(
    nb.int32[::1], nb.int32[::1], nb.int64[::1], nb.from_dtype(FINE)[:, ::1],
    nb.int64[:, ::1], nb.int32[:, ::1], nb.boolean[:, ::1],
))
def gather_blocks(
    slots: Any, rows: Any, windows: Any, quarter: Any, sums: Any, counts: Any, covered: Any
) -> None:
    """One aligned block of each series, in the form of `mean_demand`.

    slots: int32[k]. rows: int32[series], row in `quarter`. windows: int64[k], local block
    numbers. quarter: FINE[row, blocks]. sums: int64[k, 15], 1e-6 kW, the block in column 0.
    counts: int32[k, 15] likewise. covered: bool[k, 15]. Cost: k.
    """
    length = quarter.shape[1]
    for k in range(slots.shape[0]):
        sums[k, :] = 0
        counts[k, :] = 0
        covered[k, :] = False
        pane = quarter[rows[slots[k]], windows[k] % length]
        if pane.tag != windows[k]:
            continue
        sums[k, 0] = pane.sum
        counts[k, 0] = pane.n
        for i in range(15):
            covered[k, i] = (pane.covered >> nb.uint64(i)) & nb.uint64(1)


@kernel(nb.void(
    nb.int32[::1], nb.int64[::1], nb.int64[::1], nb.from_dtype(MINUTE)[:, ::1],
    nb.int64[:, ::1], nb.int32[:, ::1], nb.boolean[:, ::1], nb.boolean[::1],
))
def gather_minutes(
    slots: Any, windows: Any, spans: Any, minutes: Any, sums: Any, counts: Any, covered: Any,
    lost: Any,
) -> None:
    """The 15 minutes up to and with each window minute, in the form of `mean_demand`.

    slots: int32[k]. windows: int64[k], Unix minutes. spans: int64[k], minutes that a reading
    stands for. minutes: MINUTE[series, 64]. Outputs as `gather_blocks`, and lost: bool[k], a
    minute that is asked for has made room for a newer one. Cost: 30 * k.
    """
    for k in range(slots.shape[0]):
        sums[k, :] = 0
        counts[k, :] = 0
        covered[k, :] = False
        lost[k] = False
        first = windows[k] - 14
        for minute in range(first - min(spans[k], BLOCK_MIN) + 1, windows[k] + 1):
            pane = minutes[slots[k], minute & 63]
            if pane.tag > minute:
                lost[k] = True
            if pane.tag != minute or pane.n == 0 or pane.span > BLOCK_MIN:
                continue
            start = minute - minute % pane.span
            for m in range(max(start, first), min(start + pane.span, windows[k] + 1)):
                covered[k, m - first] = True
            if minute >= first:
                sums[k, minute - first] = pane.sum
                counts[k, minute - first] = pane.n


class Meters:
    """Places with power series: the members that all demand families share."""

    def __init__(self) -> None:
        self.members = Members((INDEX["power"],))
        self._version = -1

    def enrol(self, registry: Registry) -> None:
        """Take in new meters."""
        if registry.version != self._version:
            self._version = registry.version
            self.members.enrol(registry, registry.stations_with(("power",)))

    def flat(
        self, members: Integers, start_min: Integers, end_min: Integers, panes: Panes
    ) -> tuple[Integers, Slots]:
        """Every series that is there in each window: (row of the window, slot)."""
        row, column = np.nonzero(self.members.live(members, start_min, end_min, panes))
        return row.astype(np.int64), self.members.table[members[row], column]

    def total(
        self, count: int, row: Integers, means: Floats, counts: npt.NDArray[np.int32]
    ) -> Result:
        """Add the series of each place; one insufficient series makes the place so."""
        result = blank(count, 1)
        series = np.bincount(row, minlength=count)
        value = np.bincount(row, weights=means[:, 0], minlength=count)
        result.value[:, 0] = np.where(series > 0, value, np.nan)
        cover = np.bincount(row, weights=means[:, 1], minlength=count)
        result.cov[:, 0] = cover / np.maximum(series, 1)
        result.n[:, 0] = np.bincount(row, weights=counts.sum(axis=1), minlength=count)
        return result

    def blocks(self, members: Integers, windows: Integers, panes: Panes) -> Result:
        """Demand of aligned blocks: `Result` with one indicator."""
        start = windows * BLOCK_MIN - self.members.shift[members]
        row, slots = self.flat(members, start, start + BLOCK_MIN, panes)
        sums, counts, covered = _room(len(row))
        gather_blocks(
            slots, panes.rows[QUARTER], windows[row], panes.fine[QUARTER], sums, counts, covered
        )
        means = np.empty((len(row), 2))
        mean_demand(sums, counts, covered, means)
        return self.total(len(members), row, means, counts)


def _room(count: int) -> tuple[Integers, npt.NDArray[np.int32], Bools]:
    shape = (count, BLOCK_MIN)
    return np.empty(shape, np.int64), np.empty(shape, np.int32), np.empty(shape, np.bool_)


class DemandBlocks(Cadence):
    """Demand of clock-aligned 15-minute blocks."""

    indicators = (POSITION["energy.demand_15min"],)
    minutes = BLOCK_MIN

    def __init__(self, meters: Meters) -> None:
        super().__init__(meters.members)
        self._meters = meters

    def enrol(self, registry: Registry) -> None:
        """Take in new meters."""
        self._meters.enrol(registry)

    def touched(
        self, changed: npt.NDArray[np.int32], member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The block."""
        return of_level(changed, QUARTER, member_of)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a meter and block."""
        return self._meters.blocks(members, windows, panes)


class DemandSliding:
    """Demand of the trailing 15 minutes, each minute or, if longer, each reporting period.

    A series that reports less often stands with the 15 minutes up to its last whole period, so
    that it can be added to those that report each minute. Where that is a block it is read from
    the block, else from the minute ring: what the ring has no longer is not said anew, so a
    reading later than about 45 minutes restates blocks and peaks but not the values between.
    """

    indicators = (POSITION["energy.demand_sliding"],)

    def __init__(self, meters: Meters) -> None:
        self.members = meters.members
        self._meters = meters

    def enrol(self, registry: Registry) -> None:
        """Take in new meters."""
        self._meters.enrol(registry)

    def ordinal(self, members: Integers, minute: Integers) -> Integers:
        """The Unix minute that the 15 minutes end with."""
        return minute

    def end_min(self, members: Integers, window: Integers) -> Integers:
        """The end of that minute."""
        return window + 1

    def _spans(self, slots: Slots, minute: Integers) -> Integers:
        spans: Integers = np.minimum(
            self.members.registry.span_at(slots, minute * 60), BLOCK_MIN
        )
        return spans

    def touched(
        self, changed: npt.NDArray[np.int32], member_of: Slots
    ) -> tuple[Integers, Integers]:
        """All windows that hold the minutes a changed one stands for, and whole blocks."""
        members, blocks = of_level(changed, QUARTER, member_of)
        block_end = (blocks + 1) * BLOCK_MIN - self.members.shift[members] - 1
        rows = changed[changed[:, 0] == ONE]
        rows = rows[member_of[rows[:, 1]] >= 0]
        slid = member_of[rows[:, 1]].astype(np.int64)
        minute, shift = rows[:, 2].astype(np.int64), self.members.shift[slid]
        span = self._spans(rows[:, 1], minute)
        # From the end of its period on, until a period ends that does not look back on it.
        first = ((minute + shift) // span + 1) * span - shift - 1
        reach = span - 1 + BLOCK_MIN
        row = np.repeat(np.arange(len(rows)), reach)
        step = np.arange(len(row)) - np.repeat(np.cumsum(reach) - reach, reach)
        return (
            np.concatenate([members, slid[row]]), np.concatenate([block_end, first[row] + step])
        )

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a meter and minute."""
        count = len(members)
        row, slots = self._meters.flat(members, windows - BLOCK_MIN + 1, windows + 1, panes)
        shift = self.members.shift[members[row]]
        spans = self._spans(slots, windows[row])
        local = (windows[row] + 1 + shift) // spans * spans
        sums, counts, covered = _room(len(row))
        lost = np.zeros(len(row), np.bool_)
        whole = local % BLOCK_MIN == 0
        part = _room(int(whole.sum()))
        gather_blocks(
            slots[whole], panes.rows[QUARTER], local[whole] // BLOCK_MIN - 1,
            panes.fine[QUARTER], *part,
        )
        sums[whole], counts[whole], covered[whole] = part
        slid = ~whole
        part, gone = _room(int(slid.sum())), np.empty(int(slid.sum()), np.bool_)
        gather_minutes(
            slots[slid], (local - shift)[slid] - 1, spans[slid], panes.minutes, *part, gone
        )
        sums[slid], counts[slid], covered[slid] = part
        lost[slid] = gone
        means = np.empty((len(row), 2))
        mean_demand(sums, counts, covered, means)
        result = self._meters.total(count, row, means, counts)
        shortest = np.full(count, BLOCK_MIN)
        np.minimum.at(shortest, row, spans)
        result.between = (windows + 1 + self.members.shift[members]) % shortest != 0
        result.n[row[lost]] = NO_WINDOW
        return result


class DemandPeaks(CivilDays):
    """Largest complete block of the calendar month so far, at the end of each civil day.

    kept: by place, of a station or of an area, three arrays by day % 40: the day, its largest
    block in kW, the Unix minute at which that block ended. An area's peak is coincident: the
    largest block of the sum over its stations.
    """

    indicators = (POSITION["energy.demand_peak"], POSITION["energy.demand_peak_at"])

    def __init__(self, meters: Meters) -> None:
        super().__init__(meters.members)
        self._meters = meters
        self.kept: dict[int, tuple[Integers, Floats, Integers]] = {}

    def enrol(self, registry: Registry) -> None:
        """Take in new meters."""
        self._meters.enrol(registry)

    def touched(
        self, changed: npt.NDArray[np.int32], member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The day, and those after it that may be of its month."""
        members, blocks = of_level(changed, QUARTER, member_of)
        minute = blocks * BLOCK_MIN - self.members.shift[members]
        days = self.members.civil_days(members, minute)
        pairs = np.unique(np.stack([members, days]), axis=1)
        return spread(pairs[0], pairs[1], 31)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a meter and day; rows of one meter must come oldest first."""
        result = blank(len(members), 2)
        for first in range(0, len(members), CHUNK):
            rows = slice(first, first + CHUNK)
            demand, end_min = self._blocks(members[rows], windows[rows], now_min, panes)
            for k, day in enumerate(windows[rows].tolist(), first):
                place = self.members.places[members[k]]
                result.value[k], result.cov[k], result.n[k] = self._peak(
                    place, day, demand[k - first], end_min[k - first]
                )
        return result

    def area(
        self, place: int, members: Integers, day: int, now_min: int, panes: Panes
    ) -> tuple[Floats, float]:
        """Coincident peak of an area on a day: (value float64[2], coverage).

        A block counts if three quarters of the meters that are there have it.
        """
        days = np.full(len(members), day, np.int64)
        first = int(self.members.day_starts(members, days).min())
        last = int(self.members.day_starts(members, days + 1).max())
        total, live, valid = np.zeros((3, (last - first) // BLOCK_MIN))
        for at in range(0, len(members), CHUNK):
            some = slice(at, at + CHUNK)
            demand, ends = self._blocks(members[some], days[some], now_min, panes)
            row, column = np.nonzero(ends)
            end, value = ends[row, column], demand[row, column]
            block = (end - first) // BLOCK_MIN - 1
            there = self.members.live(members[some][row], end - BLOCK_MIN, end, panes)
            total += np.bincount(block, np.nan_to_num(value), len(total))
            live += np.bincount(block, there.any(axis=1), len(total))
            valid += np.bincount(block, ~np.isnan(value), len(total))
        enough = (valid > 0) & (valid >= SUM_SHARE_MIN * live)
        ends = first + (np.arange(len(total)) + 1) * BLOCK_MIN
        over = ends <= now_min
        value, share, _ = self._peak(
            place, day, np.where(enough, total, np.nan)[over], ends[over]
        )
        return value, share

    def _blocks(
        self, members: Integers, days: Integers, now_min: int, panes: Panes
    ) -> tuple[Floats, Integers]:
        """Demand of the blocks of each member's day, and their ends: [k, 100], NaN and 0 blank."""
        begin = self.members.day_starts(members, days)
        end = np.minimum(self.members.day_starts(members, days + 1), now_min)
        shift = self.members.shift[members]
        ends = begin[:, None] + (np.arange(BLOCKS_A_DAY_MAX) + 1) * BLOCK_MIN
        row, column = np.nonzero(ends <= end[:, None])
        windows = (ends[row, column] + shift[row]) // BLOCK_MIN - 1
        demand = np.full(ends.shape, np.nan)
        demand[row, column] = self._meters.blocks(members[row], windows, panes).value[:, 0]
        return demand, np.where(ends <= end[:, None], ends, 0)

    def _peak(
        self, place: int, day: int, demand: Floats, end_min: Integers
    ) -> tuple[Floats, float, int]:
        """Take in a day's blocks; the month's largest up to it: (value [2], coverage, blocks)."""
        days, peaks, ends = self.kept.setdefault(place, (
            np.zeros(PEAK_DAYS, np.int64), np.zeros(PEAK_DAYS), np.zeros(PEAK_DAYS, np.int64)
        ))
        valid = int((~np.isnan(demand)).sum())
        share = valid / max(int((end_min > 0).sum()), 1)
        if valid:
            column, best = day % PEAK_DAYS, int(np.nanargmax(demand))
            days[column], peaks[column], ends[column] = day, demand[best], end_min[best]
        known = (days >= month_start(day)) & (days <= day)
        if not known.any():
            return np.full(2, np.nan), share, valid
        # Of equal blocks the first of the month is the peak.
        largest = peaks == np.max(peaks[known])
        at = ends[known & largest].min()
        return np.array([np.max(peaks[known]), at * 60.0]), share, valid
