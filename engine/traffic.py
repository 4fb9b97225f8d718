"""Traffic: travel time index of a road segment, its daily peaks, and its free-flow speed.

The free-flow speed of a segment is frozen each day at 03:00 local time from the 28 days before
(FHWA Urban Congestion Report), so that an indicator of the past does not drift. Readings that came
late correct, at the next 03:00, the frozen days that look back on them.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from edge.quantities import INDEX
from engine.calendar import clock_min, is_weekend
from engine.catalogue import POSITION
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
    ranges,
)
from engine.panes import FINE, FIVE, HORIZON_DAYS, LENGTHS, NEVER_MIN, Panes, kernel
from engine.registry import Registry
from engine.travel_time import FFS_POSTED, FFS_UNKNOWN, free_flow, peak_tti

HISTORY_DAYS = 28
BINS_A_DAY_MAX = 192
FROZEN_DAYS = 16
AHEAD_MIN = 6
"""Readings may be this far ahead of the clock: so far the 5-minute ring may have moved on."""
FREEZE_HOUR = 3
"""A segment's traffic day begins at this hour of its clock, with a new free-flow speed."""
CHUNK = 1024
"""Segments whose history is unpacked at once."""
WEEKDAY_OFF_PEAK = ((540, 960), (1140, 1320))
WEEKEND_OFF_PEAK = ((360, 1320),)
PEAKS = ((360, 540), (960, 1140))
PEAK_BINS = 36
DIGITS = 9
"""Of the index: speeds are kept by their slowness in 10^-12, and 1.5 must come out as 1.5."""


@kernel(nb.void(
    nb.int32[:, ::1], nb.int64, nb.int32[::1], nb.int64[::1], nb.int64[::1],
    nb.from_dtype(FINE)[:, ::1], nb.float64[:, ::1], nb.float64[:, ::1], nb.int32[:, ::1],
    nb.float64[:, ::1],
))
def gather_bins(
    table: Any, devices: int, rows: Any, members: Any, first: Any, five: Any, speeds: Any,
    vehicles: Any, readings: Any, coverage: Any,
) -> None:
    """Space-mean speed and volume of consecutive 5-minute bins.

    table: int32[m, 2 * devices], speed slots then count slots. rows: int32[series], row in
    `five` or -1. members, first: int64[k], first local bin number. five: FINE[row, bins].
    speeds: float64[k, b], km/h, harmonic over the readings, NaN under 4 of 5 minutes or when a
    counter saw no vehicle. vehicles: float64[k, b], scaled to the whole bin, NaN without a
    counter. readings: int32[k, b]. coverage: float64[k, b]. Cost: k * b * devices.
    """
    length = five.shape[1]
    for k in range(members.shape[0]):
        for b in range(speeds.shape[1]):
            index = first[k] + b
            samples = 0
            slowness = 0
            covered = 0
            counted = 0.0
            counters = 0
            for j in range(2 * devices):
                slot = table[members[k], j]
                if slot < 0:
                    continue
                pane = five[rows[slot], index % length]
                if pane.tag != index or pane.n == 0:
                    continue
                minutes = 0
                for i in range(5):
                    minutes += (pane.covered >> nb.uint64(i)) & nb.uint64(1)
                if j < devices:
                    samples += pane.n
                    slowness += pane.sum
                    covered = max(covered, minutes)
                elif minutes > 0:
                    counted += pane.sum / 1e6 * 5.0 / minutes
                    counters += 1
            readings[k, b] = samples
            coverage[k, b] = covered / 5.0
            vehicles[k, b] = counted if counters > 0 else np.nan
            speeds[k, b] = np.nan
            if covered >= 4 and slowness > 0 and not (counters > 0 and counted == 0.0):
                speeds[k, b] = samples * 1e12 / slowness


class FreeFlow:
    """Frozen free-flow speeds of all segments, and the off-peak bins they come from.

    bins: uint16[m, 28, 192], 0.01 km/h, 0 absent; the row of a day is day % 28, where
    `bins_day` (int64) is that day. By day % 16, where `day` (int64[m, 16]) is that day: speed:
    float64[m, 16], km/h, NaN unknown; used: int32, bins behind it; method: int8, one of the
    FFS_ constants. frozen: int64[m], latest day that has one, 0 none.
    """

    COLUMNS = ("bins", "bins_day", "speed", "day", "used", "method", "frozen")

    def __init__(self) -> None:
        self.bins = np.zeros((0, HISTORY_DAYS, BINS_A_DAY_MAX), np.uint16)
        self.bins_day = np.zeros((0, HISTORY_DAYS), np.int64)
        self.speed = np.zeros((0, FROZEN_DAYS))
        self.day = np.zeros((0, FROZEN_DAYS), np.int64)
        self.used = np.zeros((0, FROZEN_DAYS), np.int32)
        self.method = np.zeros((0, FROZEN_DAYS), np.int8)
        self.frozen = np.zeros(0, np.int64)

    def fit(self, count: int) -> None:
        """Make room for `count` segments."""
        more = count - len(self.frozen)
        for name in self.COLUMNS:
            old = getattr(self, name)
            setattr(self, name, np.concatenate([old, np.zeros((more, *old.shape[1:]), old.dtype)]))

    def at(self, members: Integers, day: Integers, posted: Floats) -> Floats:
        """Free-flow speed that held on each traffic day, km/h; the posted limit before any."""
        column = day % FROZEN_DAYS
        held: npt.NDArray[np.bool_] = self.day[members, column] == day
        speeds = np.where(held, self.speed[members, column], posted[members])
        return np.where(speeds > 0, speeds, np.nan)

    def method_at(self, members: Integers, day: Integers, posted: Floats) -> npt.NDArray[np.int8]:
        """How the speed of `at` came about: one of the FFS_ constants."""
        column = day % FROZEN_DAYS
        before = np.where(posted[members] > 0, FFS_POSTED, FFS_UNKNOWN)
        held = self.day[members, column] == day
        return np.where(held, self.method[members, column], before).astype(np.int8)

    def freeze(
        self, members: Integers, day: Integers, posted: Floats
    ) -> tuple[Integers, Integers, Bools]:
        """Freeze the speed of each member for one day from the 28 days before it.

        Returns those that are not as they were, and whether the speed is another.
        """
        column = day % FROZEN_DAYS
        before, known = self.at(members, day, posted), self.day[members, column] == day
        used = self.used[members, column]
        for first in range(0, len(members), CHUNK):
            some = slice(first, first + CHUNK)
            rows = members[some]
            speeds = self._history(rows, day[some])
            out, method = np.empty(len(rows)), np.empty(len(rows), np.int8)
            free_flow(speeds, posted[rows], out, method)
            self.speed[rows, column[some]] = out
            self.method[rows, column[some]] = method
            self.day[rows, column[some]] = day[some]
            self.used[rows, column[some]] = (speeds > 0).sum(axis=1)
            self.frozen[rows] = np.maximum(self.frozen[rows], day[some])
        after = self.at(members, day, posted)
        moved = (after != before) & ~(np.isnan(after) & np.isnan(before))
        other = moved | ~known | (self.used[members, column] != used)
        return members[other], day[other], moved[other]

    def _history(self, members: Integers, today: Integers) -> Floats:
        """Off-peak speeds of the 28 days before `today`: float64[k, 28 * 192], NaN absent."""
        kept = self.bins[members].astype(np.float64) / 100.0
        days = self.bins_day[members]
        recent = (days < today[:, None]) & (days >= today[:, None] - HISTORY_DAYS)
        kept[~recent] = np.nan
        kept[kept == 0.0] = np.nan
        return kept.reshape(len(members), -1)


class Segments:
    """Road segments: the members that both traffic families share."""

    def __init__(self) -> None:
        self.members = Members((INDEX["speed"], INDEX["count"]))
        self.posted = np.zeros(0)
        self.length_km = np.zeros(0)
        self.free = FreeFlow()
        self._version = -1

    def enrol(self, registry: Registry) -> None:
        """Take in new segments and the latest posted limits and lengths."""
        if registry.version == self._version:
            return
        self._version = registry.version
        self.members.enrol(registry, registry.stations_with(("speed", "count")))
        rows = [registry.attributes[place] for place in self.members.places]
        self.posted = np.array([row.posted_kmh for row in rows], np.float64)
        self.length_km = np.array([row.length_km or 1.0 for row in rows], np.float64)
        self.free.fit(len(rows))

    def bins(
        self, members: Integers, first: Integers, count: int, panes: Panes
    ) -> tuple[Floats, Floats, npt.NDArray[np.int32], Floats]:
        """speeds, vehicles, readings, coverage of `gather_bins`, each [k, count]."""
        shape = (len(members), count)
        speeds, vehicles, coverage = np.empty(shape), np.empty(shape), np.empty(shape)
        readings = np.empty(shape, np.int32)
        gather_bins(
            self.members.table, self.members.devices, panes.rows[FIVE], members, first,
            panes.fine[FIVE], speeds, vehicles, readings, coverage,
        )
        return speeds, vehicles, readings, coverage

    def first_bin(self, members: Integers, day: int, clock: int) -> Integers:
        """Local number of the bin in which the clock of each member shows `clock` on `day`."""
        starts = np.array([clock_min(tz, day, clock) for tz in self.members.zones], np.int64)
        bins: Integers = (starts[self.members.zone[members]] + self.members.shift[members]) // 5
        return bins

    def traffic_day(self, members: Integers, minute: Integers) -> Integers:
        """Day of the free-flow speed that holds at each Unix minute: it changes at 03:00."""
        return self.members.civil_days(members, minute, FREEZE_HOUR)

    def freeze(self, now_min: int, panes: Panes) -> tuple[Integers, Integers, Bools]:
        """Freeze the free-flow speed of every segment whose clock has passed 03:00.

        Days that no tick fell into (a stop, a backlog) are frozen one after the other, from the
        day of the segment's first reading on. Days of the horizon are frozen anew if readings
        came late for the days before them: within it they end in what they would have been.
        Returns (members, days, whether the speed itself is another) of what is not as it was.
        """
        members = self.members
        everyone = np.arange(len(members.places), dtype=np.int64)
        today = self.traffic_day(everyone, np.full(len(everyone), now_min))
        nothing = everyone[:0], everyone[:0], np.zeros(0, np.bool_)
        if not (self.free.frozen < today).any():
            return nothing
        slots = np.maximum(members.table, 0)
        heard = np.where(members.table >= 0, panes.first_min[slots], NEVER_MIN).min(axis=1)
        some = everyone[(heard < NEVER_MIN) & (self.free.frozen < today)]
        if not len(some):
            return nothing
        begun = self.traffic_day(everyone, np.minimum(heard, now_min))
        since = np.maximum(begun, today - HORIZON_DAYS)
        stopped = self.free.frozen > 0
        since[stopped] = np.minimum(since, self.free.frozen + 1)[stopped]
        since[~stopped] = begun[~stopped]
        since = np.maximum(since, today - FROZEN_DAYS + 1)
        changed = np.full(len(everyone), NEVER_MIN)
        first, last = int(since[some].min()), int(today[some].max())
        for day in range(first - HORIZON_DAYS - 1, last):
            other = some[self._collect(some, day, now_min, panes)]
            changed[other] = np.minimum(changed[other], day)
        parts = [nothing]
        for day in range(first, last + 1):
            known = self.free.day[some, day % FROZEN_DAYS] == day
            rows = some[
                (since[some] <= day) & (day <= today[some]) & (~known | (changed[some] < day))
            ]
            parts.append(self.free.freeze(rows, np.full(len(rows), day, np.int64), self.posted))
        rows, days, moved = (np.concatenate(column) for column in zip(*parts, strict=True))
        return rows, days, moved

    def _collect(self, members: Integers, day: int, now_min: int, panes: Panes) -> Bools:
        """Copy the off-peak bins of a day from the 5-minute ring into the history.

        Bins that the ring no longer surely has stay as they were. Returns whose day is another.
        """
        changed = np.zeros(len(members), np.bool_)
        column = day % HISTORY_DAYS
        spans = WEEKEND_OFF_PEAK if is_weekend(day) else WEEKDAY_OFF_PEAK
        for first in range(0, len(members), CHUNK):
            rows = members[first : first + CHUNK]
            known = self.free.bins_day[rows, column] == day
            before = np.where(known[:, None], self.free.bins[rows, column], 0).astype(np.uint16)
            off_peak = before.copy()
            gone = (now_min + AHEAD_MIN + self.members.shift[rows]) // 5 - LENGTHS[FIVE]
            at = 0
            for begin, end in spans:
                count = (end - begin) // 5
                bins = self.first_bin(rows, day, begin)
                cents = np.nan_to_num(
                    np.floor(self.bins(rows, bins, count, panes)[0] * 100 + 0.5), nan=0.0
                ).astype(np.uint16)
                kept = bins[:, None] + np.arange(count) > gone[:, None]
                part = off_peak[:, at : at + count]
                part[kept] = cents[kept]
                at += count
            other = (off_peak != before).any(axis=1)
            self.free.bins[rows[other], column] = off_peak[other]
            self.free.bins_day[rows[other], column] = day
            changed[first : first + CHUNK] = other
        return changed


class TrafficBins(Cadence):
    """Travel time index of each 5-minute bin; area weight is vehicle kilometres travelled."""

    indicators = (POSITION["traffic.tti"],)
    minutes = 5

    def __init__(self, segments: Segments) -> None:
        super().__init__(segments.members)
        self._segments = segments

    def enrol(self, registry: Registry) -> None:
        """Take in new segments."""
        self._segments.enrol(registry)

    def touched(
        self, changed: npt.NDArray[np.int32], member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The bin."""
        return of_level(changed, FIVE, member_of)

    def of_days(self, members: Integers, days: Integers) -> tuple[Integers, Integers]:
        """All bins of traffic days, which begin and end at 03:00."""
        first, last = (
            np.array([
                self._segments.first_bin(members[k : k + 1], day + more, 60 * FREEZE_HOUR)[0]
                for k, day in enumerate(days.tolist())
            ], np.int64)
            for more in (0, 1)
        )
        return ranges(members, first, last - first)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a segment and bin."""
        segments = self._segments
        result = blank(len(members), 1)
        speeds, vehicles, readings, coverage = segments.bins(members, windows, 1, panes)
        day = segments.traffic_day(members, self.end_min(members, windows - 1))
        free = segments.free.at(members, day, segments.posted)
        result.value[:, 0] = np.round(free / speeds[:, 0], DIGITS)
        result.cov[:] = coverage
        result.n[:] = readings
        volume = np.nan_to_num(vehicles[:, 0], nan=1.0)
        result.weight = volume * segments.length_km[members]
        return result


class TrafficDays(CivilDays):
    """Peak travel time index and free-flow speed of each civil day; weekends have no peak."""

    indicators = (POSITION["traffic.tti_peak"], POSITION["traffic.ffs"])

    def __init__(self, segments: Segments) -> None:
        super().__init__(segments.members)
        self._segments = segments

    def enrol(self, registry: Registry) -> None:
        """Take in new segments."""
        self._segments.enrol(registry)

    def touched(
        self, changed: npt.NDArray[np.int32], member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The day."""
        members, bins = of_level(changed, FIVE, member_of)
        minute = bins * 5 - self.members.shift[members]
        return members, self.members.civil_days(members, minute)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a segment and day; its weight is that of both peaks."""
        segments = self._segments
        result = blank(len(members), 2)
        free = segments.free.at(members, windows, segments.posted)
        column = windows % FROZEN_DAYS
        held = segments.free.day[members, column] == windows
        result.value[:, 1] = np.where(held, free, np.nan)
        result.n[:, 1] = np.where(held, segments.free.used[members, column], 0)
        result.cov[:, 1] = np.minimum(result.n[:, 1] / 200.0, 1.0)
        peak = np.repeat(np.array([1, 2], np.int8), PEAK_BINS)
        for day in np.unique(windows).tolist():
            rows = np.nonzero(windows == day)[0]
            if is_weekend(day):
                result.n[rows, 0] = NO_WINDOW
                continue
            parts = [
                segments.bins(
                    members[rows], segments.first_bin(members[rows], day, begin), PEAK_BINS,
                    panes,
                )
                for begin, _ in PEAKS
            ]
            speeds, vehicles, readings, _ = (np.hstack(two) for two in zip(*parts, strict=True))
            out = np.empty((len(rows), 2))
            peak_tti(speeds, peak, free[rows], out)
            result.value[rows, 0], result.cov[rows, 0] = np.round(out[:, 0], DIGITS), out[:, 1]
            result.n[rows, 0] = readings.sum(axis=1)
            volume = np.nan_to_num(vehicles, nan=1.0).sum(axis=1)
            result.weight[rows] = np.maximum(volume, 1.0) * segments.length_km[members[rows]]
        return result
