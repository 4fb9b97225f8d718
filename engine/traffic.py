"""Traffic: travel time index of a road segment, its daily peaks, and its free-flow speed.

The free-flow speed of a segment is frozen each day at 03:00 local time from the 28 days before
(FHWA Urban Congestion Report), so that an indicator of the past does not drift.
"""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from edge.quantities import INDEX
from engine.calendar import civil_day, clock_min, day_start_min, is_weekend
from engine.catalogue import POSITION
from engine.family import Integers, Members, Result, Slots, blank, no_members, of_level
from engine.panes import FINE, FIVE, HORIZON_DAYS, Panes, kernel
from engine.registry import Registry
from engine.travel_time import free_flow, peak_tti

HISTORY_DAYS = 28
BINS_A_DAY_MAX = 192
FROZEN_DAYS = 16
FREEZE_CLOCK_MIN = 180
_WEEKDAY_OFF_PEAK = ((540, 960), (1140, 1320))
_WEEKEND_OFF_PEAK = ((360, 1320),)
_PEAKS = ((360, 540), (960, 1140))
BINS_A_DAY = 300
"""5-minute bins of the longest civil day (25 h)."""

Floats = npt.NDArray[np.float64]


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

    bins: uint16[m, 28, 192], 0.01 km/h, 0 absent; the row of a day is day % 28.
    speed: float64[m, 16], km/h, by day % 16, valid where `day` (int64) is that day.
    """

    def __init__(self) -> None:
        self.bins = np.zeros((0, HISTORY_DAYS, BINS_A_DAY_MAX), np.uint16)
        self.bins_day = np.zeros((0, HISTORY_DAYS), np.int64)
        self.speed = np.zeros((0, FROZEN_DAYS))
        self.day = np.zeros((0, FROZEN_DAYS), np.int64)
        self.used = np.zeros((0, FROZEN_DAYS), np.int32)
        self.frozen = np.zeros(0, np.int64)

    def fit(self, count: int) -> None:
        """Make room for `count` segments."""
        more = count - len(self.frozen)
        for name in ("bins", "bins_day", "speed", "day", "used", "frozen"):
            old = getattr(self, name)
            setattr(self, name, np.concatenate([old, np.zeros((more, *old.shape[1:]), old.dtype)]))

    def at(self, members: Integers, day: Integers, posted: Floats) -> Floats:
        """Free-flow speed that held on each traffic day, km/h; the posted limit before any."""
        column = day % FROZEN_DAYS
        held: npt.NDArray[np.bool_] = self.day[members, column] == day
        speeds = np.where(held, self.speed[members, column], posted[members])
        return np.where(speeds > 0, speeds, np.nan)


class Segments:
    """Road segments: the members that both traffic families share."""

    def __init__(self) -> None:
        self.members: Members = no_members((INDEX["speed"], INDEX["count"]))
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

    def civil_days(self, members: Integers, minute: Integers) -> Integers:
        """Civil day of each member at each Unix minute."""
        days = np.zeros(len(members), np.int64)
        zones = np.array(self.members.tz)[members] if len(members) else np.zeros(0, str)
        for tz in set(zones.tolist()):
            at = zones == tz
            days[at] = civil_day(tz, minute[at])
        return days

    def freeze(self, now_min: int, panes: Panes) -> None:
        """Freeze the free-flow speed of every segment whose clock has passed 03:00."""
        everyone = np.arange(len(self.members.places), dtype=np.int64)
        today = self.civil_days(everyone, np.full(len(everyone), now_min - FREEZE_CLOCK_MIN))
        due = everyone[self.free.frozen < today]
        if not len(due):
            return
        for member in due:
            last = int(today[member])
            first = max(last - HORIZON_DAYS, int(self.free.frozen[member]) - HORIZON_DAYS)
            self._collect(int(member), range(first, last), panes)
        speeds = self._history(due, today[due])
        out = np.empty(len(due))
        free_flow(speeds, self.posted[due], out, np.empty(len(due), np.int8))
        column = today[due] % FROZEN_DAYS
        self.free.speed[due, column] = out
        self.free.day[due, column] = today[due]
        self.free.used[due, column] = (speeds > 0).sum(axis=1)
        self.free.frozen[due] = today[due]

    def _collect(self, member: int, days: range, panes: Panes) -> None:
        """Copy the off-peak bins of `days` from the 5-minute ring into the history."""
        tz = self.members.tz[member]
        shift = self.members.shift[member]
        for day in days:
            row = np.zeros(BINS_A_DAY_MAX, np.uint16)
            at = 0
            spans = _WEEKEND_OFF_PEAK if is_weekend(day) else _WEEKDAY_OFF_PEAK
            for begin, end in spans:
                count = (end - begin) // 5
                first = np.array([(clock_min(tz, day, begin) + shift) // 5])
                speeds = self.bins(np.array([member]), first, count, panes)[0][0]
                cents = np.nan_to_num(np.floor(speeds * 100 + 0.5), nan=0.0)
                row[at : at + count] = cents.astype(np.uint16)
                at += count
            if row.any():
                self.free.bins[member, day % HISTORY_DAYS] = row
                self.free.bins_day[member, day % HISTORY_DAYS] = day

    def _history(self, members: Integers, today: Integers) -> Floats:
        """Off-peak speeds of the 28 days before `today`: float64[k, 28 * 192], NaN absent."""
        kept = self.free.bins[members].astype(np.float64) / 100.0
        days = self.free.bins_day[members]
        recent = (days < today[:, None]) & (days >= today[:, None] - HISTORY_DAYS)
        kept[~recent] = np.nan
        kept[kept == 0.0] = np.nan
        return kept.reshape(len(members), -1)


class TrafficBins:
    """Travel time index of each 5-minute bin; area weight is vehicle kilometres travelled."""

    indicators = (POSITION["traffic.tti"],)

    def __init__(self, segments: Segments) -> None:
        self._segments = segments
        self.places = segments.members.places

    def enrol(self, registry: Registry) -> None:
        self._segments.enrol(registry)

    def slots(self) -> Slots:
        return self._segments.members.table

    def ordinal(self, members: Integers, minute: Integers) -> Integers:
        return (minute + self._segments.members.shift[members]) // 5

    def end_min(self, members: Integers, window: Integers) -> Integers:
        return (window + 1) * 5 - self._segments.members.shift[members]

    def touched(
        self, panes: npt.NDArray[np.int32], member_of: Slots
    ) -> tuple[Integers, Integers]:
        return of_level(panes, FIVE, member_of)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        segments = self._segments
        result = blank(len(members), 1)
        speeds, vehicles, readings, coverage = segments.bins(members, windows, 1, panes)
        start = windows * 5 - segments.members.shift[members]
        day = segments.civil_days(members, start - FREEZE_CLOCK_MIN)
        free = segments.free.at(members, day, segments.posted)
        result.value[:, 0] = free / speeds[:, 0]
        result.cov[:] = coverage
        result.n[:] = readings
        volume = np.nan_to_num(vehicles[:, 0], nan=1.0)
        result.weight = volume * segments.length_km[members]
        return result


class TrafficDays:
    """Peak travel time index and free-flow speed of each civil day; weekends have no peak."""

    indicators = (POSITION["traffic.tti_peak"], POSITION["traffic.ffs"])

    def __init__(self, segments: Segments) -> None:
        self._segments = segments
        self.places = segments.members.places

    def enrol(self, registry: Registry) -> None:
        self._segments.enrol(registry)

    def slots(self) -> Slots:
        return self._segments.members.table

    def ordinal(self, members: Integers, minute: Integers) -> Integers:
        return self._segments.civil_days(members, minute)

    def end_min(self, members: Integers, window: Integers) -> Integers:
        ends = np.zeros(len(members), np.int64)
        zones = np.array(self._segments.members.tz)[members]
        for tz in set(zones.tolist()):
            at = zones == tz
            ends[at] = day_start_min(tz, window[at] + 1)
        return ends

    def touched(
        self, panes: npt.NDArray[np.int32], member_of: Slots
    ) -> tuple[Integers, Integers]:
        members, bins = of_level(panes, FIVE, member_of)
        minute = bins * 5 - self._segments.members.shift[members]
        return members, self._segments.civil_days(members, minute)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        segments = self._segments
        result = blank(len(members), 2)
        free = segments.free.at(members, windows, segments.posted)
        column = windows % FROZEN_DAYS
        held = segments.free.day[members, column] == windows
        result.value[:, 1] = np.where(held, free, np.nan)
        result.n[:, 1] = np.where(held, segments.free.used[members, column], 0)
        result.cov[:, 1] = np.minimum(result.n[:, 1] / 200.0, 1.0)
        for k, (member, day) in enumerate(zip(members.tolist(), windows.tolist(), strict=True)):
            if is_weekend(day):
                result.n[k, 0] = -1
                continue
            tz, shift = segments.members.tz[member], segments.members.shift[member]
            first = np.array([clock_min(tz, day, begin) for begin, _ in _PEAKS])
            count = (_PEAKS[0][1] - _PEAKS[0][0]) // 5
            speeds, vehicles, readings, _ = segments.bins(
                np.array([member, member]), (first + shift) // 5, count, panes
            )
            peak = np.repeat(np.array([1, 2], np.int8), count)
            out = np.empty((1, 2))
            peak_tti(speeds.reshape(1, -1), peak, free[k : k + 1], out)
            result.value[k, 0], result.cov[k, 0] = out[0]
            result.n[k, 0] = readings.sum()
            volume = np.nan_to_num(vehicles, nan=1.0).sum()
            result.weight[k] = max(volume, 1.0) * segments.length_km[member]
        return result
