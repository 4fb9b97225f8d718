"""Traffic: travel time index of a road segment, its daily peaks, and its free-flow speed.

The free-flow speed of a segment is frozen each day at 03:00 local time from the 28 days before
(FHWA Urban Congestion Report), so that an indicator of the past does not drift. Readings that came
late correct, at the next 03:00, the frozen days that look back on them.
"""

import numpy as np
import numpy.typing as npt

from edge.quantities import INDEX
from engine.calendar import clock_min, is_weekend
from engine.catalogue import POSITION
from engine.changed import Reaching, of_level
from engine.density import bin_density
from engine.family import (
    NO_WINDOW,
    NOT_MEASURED,
    Bools,
    Cadence,
    CivilDays,
    Floats,
    Integers,
    Members,
    Result,
    Slots,
    anywhere,
    blank,
    ranges,
)
from engine.panes import FIVE, HORIZON_DAYS, LENGTHS, NEVER_MIN, Panes
from engine.registry import Registry
from engine.road_bins import COUNT, OCCUPANCY, SPEED, Bins, bins_of, pairs_of
from engine.road_rows import RoadRows, Roads
from engine.travel_time import FFS_POSTED, FFS_UNKNOWN, free_flow, peak_tti

INPUTS = ("speed", "count", "occupancy")
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
        """Free-flow speed that held on each traffic day, km/h; the posted limit before any.

        posted: float64[k], of each member then.
        """
        column = day % FROZEN_DAYS
        held: npt.NDArray[np.bool_] = self.day[members, column] == day
        speeds = np.where(held, self.speed[members, column], posted)
        return np.where(speeds > 0, speeds, np.nan)

    def method_at(self, members: Integers, day: Integers, posted: Floats) -> npt.NDArray[np.int8]:
        """How the speed of `at` came about: one of the FFS_ constants."""
        column = day % FROZEN_DAYS
        before = np.where(posted > 0, FFS_POSTED, FFS_UNKNOWN)
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
            free_flow(speeds, posted[some], out, method)
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
    """Road segments: the members that the traffic families share.

    By member: pair as `pairs_of`.
    """

    def __init__(self) -> None:
        self.members = Members(tuple(INDEX[name] for name in INPUTS))
        self.pair = np.zeros((0, 1), np.int32)
        self._rows = RoadRows()
        self.free = FreeFlow()
        self._version = -1

    def enrol(self, registry: Registry) -> None:
        """Take in new segments and what the places file says of them."""
        if registry.version == self._version:
            return
        self._version = registry.version
        members = self.members
        members.enrol(registry, registry.stations_with(INPUTS))
        self.pair = pairs_of(members.table, members.devices, registry)
        self._rows.load(registry, members.places)
        self.free.fit(len(members.places))

    def roads(self, members: Integers, minute: Integers) -> Roads:
        """What the places file says of each member at each Unix minute."""
        return self._rows.at(members, minute)

    def posted_on(self, members: Integers, day: int) -> Floats:
        """Posted limit of each member at the beginning of a traffic day: what its free-flow
        speed is held to, float64[k], km/h, 0 unknown."""
        bins = self.first_bin(members, day, 60 * FREEZE_HOUR)
        return self.roads(members, bins * 5 - self.members.shift[members]).posted

    def bins(self, members: Integers, first: Integers, count: int, panes: Panes) -> Bins:
        """`count` bins of each member from the local bin `first` on."""
        table = self.members
        return bins_of(
            table.table, self.pair, table.registry, members, first, count, panes
        )

    def has(
        self, members: Integers, start_min: Integers, end_min: Integers, panes: Panes
    ) -> Bools:
        """bool[k, 3]: whether speed, count, occupancy are measured in windows."""
        live = self.members.live(members, start_min, end_min, panes)
        return anywhere(live.reshape(len(members), len(INPUTS), self.members.devices), 2)

    def first_bin(self, members: Integers, day: int, clock: int) -> Integers:
        """Local number of the bin in which the clock of each member shows `clock` on `day`."""
        starts = np.array([clock_min(tz, day, clock) for tz in self.members.zones], np.int64)
        bins: Integers = (starts[self.members.zone[members]] + self.members.shift[members]) // 5
        return bins

    def bounds_of_days(self, members: Integers, days: Integers) -> tuple[Integers, Integers]:
        """First local bin of traffic days and of those after them."""
        first, last = (
            np.array([
                self.first_bin(members[k : k + 1], day + more, 60 * FREEZE_HOUR)[0]
                for k, day in enumerate(days.tolist())
            ], np.int64)
            for more in (0, 1)
        )
        return first, last

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
            parts.append(self.free.freeze(
                rows, np.full(len(rows), day, np.int64), self.posted_on(rows, day)
            ))
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
                    np.floor(self.bins(rows, bins, count, panes).speeds * 100 + 0.5), nan=0.0
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
    """Travel time index, speed, flow, occupancy and density of each 5-minute bin.

    The weight of an area is vehicle kilometres travelled.
    """

    indicators = tuple(POSITION[f"traffic.{name}"] for name in (
        "tti", "speed", "flow", "flow_lane", "occupancy", "density",
    ))
    minutes = 5

    def __init__(self, segments: Segments) -> None:
        super().__init__(segments.members)
        self._segments = segments

    def enrol(self, registry: Registry) -> None:
        """Take in new segments."""
        self._segments.enrol(registry)

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The bin."""
        return of_level(changed, FIVE, member_of)

    def of_days(self, members: Integers, days: Integers) -> tuple[Integers, Integers]:
        """All bins of traffic days, which begin and end at 03:00."""
        first, last = self._segments.bounds_of_days(members, days)
        return ranges(members, first, last - first)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a segment and bin."""
        segments = self._segments
        result = blank(len(members), 6)
        bins = segments.bins(members, windows, 1, panes)
        speed, vehicles = bins.speeds[:, 0], bins.all_vehicles[:, 0]
        start = self.end_min(members, windows - 1)
        roads = segments.roads(members, start)
        occupancy, lanes = bins.occupancy[:, 0], roads.lanes
        free = segments.free.at(members, segments.traffic_day(members, start), roads.posted)
        flow, density = np.empty(len(members)), np.empty((len(members), 2))
        bin_density(speed, vehicles, occupancy, lanes, roads.g_m, flow, density)
        there = segments.has(members, start, start + self.minutes, panes)
        by_flow = there[:, SPEED] & there[:, COUNT] & (lanes > 0)
        values = (
            free / speed, speed, flow, flow / np.maximum(lanes, 1.0), occupancy,
            np.where(np.isnan(density[:, 0]), density[:, 1], density[:, 0]),
        )
        source = np.array([SPEED, SPEED, COUNT, COUNT, OCCUPANCY, OCCUPANCY])
        result.value[:] = np.round(np.stack(values, axis=1), DIGITS)
        result.cov[:], result.n[:] = bins.coverage[:, 0, source], bins.readings[:, 0, source]
        result.cov[by_flow, 5] = bins.coverage[by_flow, 0, :2].min(axis=1)
        result.n[by_flow, 5] = bins.readings[by_flow, 0, COUNT]
        there = there[:, source]
        there[:, 3] &= lanes > 0
        there[:, 5] |= by_flow
        result.n[~there] = NOT_MEASURED
        volume = np.nan_to_num(bins.vehicles[:, 0], nan=1.0)
        result.weight = volume * roads.length_km
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
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The day."""
        members, bins = of_level(changed, FIVE, member_of)
        minute = bins * 5 - self.members.shift[members]
        return members, self.members.civil_days(members, minute)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a segment and day; its weight is that of both peaks."""
        segments = self._segments
        result = blank(len(members), 2)
        ends = self.end_min(members, windows - 1), self.end_min(members, windows)
        roads = segments.roads(members, ends[0])
        free = segments.free.at(members, windows, roads.posted)
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
            speeds = np.hstack([part.speeds for part in parts])
            vehicles = np.hstack([part.vehicles for part in parts])
            out = np.empty((len(rows), 2))
            peak_tti(speeds, peak, free[rows], out)
            result.value[rows, 0], result.cov[rows, 0] = np.round(out[:, 0], DIGITS), out[:, 1]
            result.n[rows, 0] = sum(part.readings[:, :, SPEED].sum(axis=1) for part in parts)
            volume = np.nan_to_num(vehicles, nan=1.0).sum(axis=1)
            result.weight[rows] = np.maximum(volume, 1.0) * roads.length_km[rows]
        result.n[~segments.has(members, *ends, panes)[:, SPEED]] = NOT_MEASURED
        return result
