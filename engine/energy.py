"""Energy: 15-minute demand in aligned blocks and sliding each minute, and the month's peak.

The demand of a place is the sum over its power series (phases, feeders): with one of them
insufficient, so is the place.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from edge.quantities import INDEX
from engine.calendar import civil_day, day_start_min, month_start
from engine.catalogue import POSITION
from engine.demand import mean_demand
from engine.family import Integers, Members, Result, Slots, blank, no_members, of_level, spread
from engine.panes import FINE, MINUTE, QUARTER, Panes, kernel
from engine.registry import Registry

BLOCK_MIN = 15
PEAK_DAYS = 40
SPAN_MAX = 15
"""A reading that stands for longer than a block says nothing of the block's own mean."""

Floats = npt.NDArray[np.float64]


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
    nb.int32[::1], nb.int64[::1], nb.from_dtype(MINUTE)[:, ::1], nb.int64[:, ::1],
    nb.int32[:, ::1], nb.boolean[:, ::1],
))
def gather_minutes(
    slots: Any, windows: Any, minutes: Any, sums: Any, counts: Any, covered: Any
) -> None:
    """The 15 minutes up to and with each window minute, in the form of `mean_demand`.

    slots: int32[k]. windows: int64[k], Unix minutes. minutes: MINUTE[series, 64]. Outputs as
    `gather_blocks`. Cost: 30 * k.
    """
    for k in range(slots.shape[0]):
        sums[k, :] = 0
        counts[k, :] = 0
        covered[k, :] = False
        first = windows[k] - 14
        for minute in range(first - SPAN_MAX, windows[k] + 1):
            pane = minutes[slots[k], minute & 63]
            if pane.tag != minute or pane.n == 0:
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
        self.members: Members = no_members((INDEX["power"],))
        self.period_at = Registry().period_at
        self._version = -1

    def enrol(self, registry: Registry) -> None:
        """Take in new meters."""
        self.period_at = registry.period_at
        if registry.version != self._version:
            self._version = registry.version
            self.members.enrol(registry, registry.stations_with(("power",)))

    def flat(self, members: Integers, windows: Integers) -> tuple[Integers, Slots, Integers]:
        """Every known series of every window: (row of the window, slot, window)."""
        table = self.members.table[members]
        row, column = np.nonzero(table >= 0)
        return row.astype(np.int64), table[row, column], windows[row]

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
        row, slots, at = self.flat(members, windows)
        sums, counts, covered, means = _room(len(row))
        gather_blocks(slots, panes.rows[QUARTER], at, panes.fine[QUARTER], sums, counts, covered)
        mean_demand(sums, counts, covered, means)
        return self.total(len(members), row, means, counts)


def _room(
    count: int,
) -> tuple[Integers, npt.NDArray[np.int32], npt.NDArray[np.bool_], Floats]:
    shape = (count, BLOCK_MIN)
    return (
        np.empty(shape, np.int64), np.empty(shape, np.int32), np.empty(shape, np.bool_),
        np.empty((count, 2)),
    )


class DemandBlocks:
    """Demand of clock-aligned 15-minute blocks."""

    indicators = (POSITION["energy.demand_15min"],)

    def __init__(self, meters: Meters) -> None:
        self._meters = meters
        self.places = meters.members.places

    def enrol(self, registry: Registry) -> None:
        self._meters.enrol(registry)

    def slots(self) -> Slots:
        return self._meters.members.table

    def ordinal(self, members: Integers, minute: Integers) -> Integers:
        return (minute + self._meters.members.shift[members]) // BLOCK_MIN

    def end_min(self, members: Integers, window: Integers) -> Integers:
        return (window + 1) * BLOCK_MIN - self._meters.members.shift[members]

    def touched(
        self, panes: npt.NDArray[np.int32], member_of: Slots
    ) -> tuple[Integers, Integers]:
        return of_level(panes, QUARTER, member_of)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        return self._meters.blocks(members, windows, panes)


class DemandSliding:
    """Demand of the trailing 15 minutes, each minute or, if longer, each reporting period.

    Windows that end with a block are that block. The others read the minute ring, so a reading
    later than about 45 minutes restates blocks and peaks but not the sliding values between.
    """

    indicators = (POSITION["energy.demand_sliding"],)

    def __init__(self, meters: Meters) -> None:
        self._meters = meters
        self.places = meters.members.places

    def enrol(self, registry: Registry) -> None:
        self._meters.enrol(registry)

    def slots(self) -> Slots:
        return self._meters.members.table

    def ordinal(self, members: Integers, minute: Integers) -> Integers:
        return minute

    def end_min(self, members: Integers, window: Integers) -> Integers:
        return window + 1

    def touched(
        self, panes: npt.NDArray[np.int32], member_of: Slots
    ) -> tuple[Integers, Integers]:
        none = np.zeros(0, np.int64)
        return none, none

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        row, slots, at = self._meters.flat(members, windows)
        sums, counts, covered, means = _room(len(row))
        local = at + 1 + self._meters.members.shift[members[row]]
        aligned = local % BLOCK_MIN == 0
        for rows, gather in ((aligned, True), (~aligned, False)):
            part = _room(int(rows.sum()))
            if gather:
                gather_blocks(
                    slots[rows], panes.rows[QUARTER], local[rows] // BLOCK_MIN - 1,
                    panes.fine[QUARTER], *part[:3],
                )
            else:
                gather_minutes(slots[rows], at[rows], panes.minutes, *part[:3])
            sums[rows], counts[rows], covered[rows] = part[:3]
        mean_demand(sums, counts, covered, means)
        result = self._meters.total(len(members), row, means, counts)
        span = np.maximum(np.rint(self._meters.period_at(slots, at * 60) / 60), 1)
        longest = np.ones(len(members))
        np.maximum.at(longest, row, span)
        result.n[local_end(windows, longest)] = -1
        return result


def local_end(windows: Integers, span: Floats) -> npt.NDArray[np.bool_]:
    """Windows that do not end with a reporting period of `span` minutes."""
    inside: npt.NDArray[np.bool_] = np.not_equal((windows + 1) % span, 0)
    return inside


class DemandPeaks:
    """Largest complete block of the calendar month so far, at the end of each civil day.

    peaks: float64[m, 40], kW, largest block of a day by day % 40, valid where `days` is that
    day; `ends`: int64[m, 40], Unix minute at which that block ended. Rows of areas follow in
    their own arrays: an area's peak is coincident, the largest block of the area's sum.
    """

    indicators = (POSITION["energy.demand_peak"], POSITION["energy.demand_peak_at"])

    def __init__(self, meters: Meters) -> None:
        self._meters = meters
        self.places = meters.members.places
        self.kept: dict[int, tuple[Integers, Floats, Integers]] = {}

    def enrol(self, registry: Registry) -> None:
        self._meters.enrol(registry)

    def slots(self) -> Slots:
        return self._meters.members.table

    def ordinal(self, members: Integers, minute: Integers) -> Integers:
        days = np.zeros(len(members), np.int64)
        for k, member in enumerate(members.tolist()):
            days[k] = civil_day(self._meters.members.tz[member], minute[k])
        return days

    def end_min(self, members: Integers, window: Integers) -> Integers:
        return np.array([
            day_start_min(self._meters.members.tz[member], day + 1)
            for member, day in zip(members.tolist(), window.tolist(), strict=True)
        ], np.int64)

    def touched(
        self, panes: npt.NDArray[np.int32], member_of: Slots
    ) -> tuple[Integers, Integers]:
        members, blocks = of_level(panes, QUARTER, member_of)
        minute = blocks * BLOCK_MIN - self._meters.members.shift[members]
        pairs = np.unique(np.stack([members, self.ordinal(members, minute)]), axis=1)
        return spread(pairs[0], pairs[1], 31)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        result = blank(len(members), 2)
        for k, (member, day) in enumerate(zip(members.tolist(), windows.tolist(), strict=True)):
            place = self.places[member]
            one = np.array([member])
            result.value[k], result.cov[k], result.n[k] = self._peak(
                place, one, int(day), now_min, panes
            )
        return result

    def area(
        self, place: int, members: Integers, day: int, now_min: int, panes: Panes
    ) -> tuple[Floats, float, int]:
        """Coincident peak of an area: (value float64[2], coverage, blocks)."""
        return self._peak(place, members, day, now_min, panes)

    def _peak(
        self, place: int, members: Integers, day: int, now_min: int, panes: Panes
    ) -> tuple[Floats, float, int]:
        """Month's largest block of the members' sum up to `day`, and when that block ended."""
        tz = self._meters.members.tz[members[0]]
        shift = int(self._meters.members.shift[members[0]])
        begin, end = day_start_min(tz, np.array([day, day + 1])).tolist()
        end = min(end, now_min)
        windows = np.arange((begin + shift) // BLOCK_MIN, (end + shift) // BLOCK_MIN)
        days, peaks, ends = self.kept.setdefault(place, (
            np.zeros(PEAK_DAYS, np.int64), np.zeros(PEAK_DAYS), np.zeros(PEAK_DAYS, np.int64)
        ))
        valid = 0
        if len(windows):
            result = self._meters.blocks(
                np.repeat(members, len(windows)), np.tile(windows, len(members)), panes
            )
            total = result.value[:, 0].reshape(len(members), -1).sum(axis=0)
            valid = int((~np.isnan(total)).sum())
            if valid:
                column, best = day % PEAK_DAYS, int(np.nanargmax(total))
                days[column], peaks[column] = day, total[best]
                ends[column] = (windows[best] + 1) * BLOCK_MIN - shift
        known = (days >= month_start(day)) & (days <= day)
        share = valid / max(len(windows), 1)
        if not known.any():
            return np.full(2, np.nan), share, valid
        best = int(np.argmax(np.where(known, peaks, -np.inf)))
        return np.array([peaks[best], ends[best] * 60.0]), share, valid
