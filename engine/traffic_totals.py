"""What roads carry and lose: PeMS station measures of hours and days, congestion of weekdays."""

import numpy as np
import numpy.typing as npt

from engine.calendar import is_weekend
from engine.catalogue import POSITION
from engine.changed import Reaching, of_level
from engine.family import (
    NO_WINDOW,
    NOT_MEASURED,
    Cadence,
    CivilDays,
    Floats,
    Integers,
    Result,
    Shared,
    Slots,
    blank,
    ranges,
)
from engine.panes import FIVE, HOUR, Panes
from engine.road_bins import COUNT, SPEED
from engine.station_measures import (
    DELAY,
    DELAY_FREE,
    LOST,
    MEASURES,
    VH,
    VKM,
    congestion,
    excess_delay,
    station_measures,
)
from engine.traffic import DIGITS, Segments
from engine.traffic_quarters import quarter_speed
from engine.us_units import LOST_MPH, THRESHOLDS_MPH

HOUR_BINS = 12
CHUNK = 512
"""Segments of which the bins of a day are unpacked at once."""
OPEN_MIN = (360, 1320)
OPEN_BINS = 192
"""Weekdays from 6 to 22 on the clock: the hours that can be congested."""
NAMES = (
    "vmt", "vht", "q", *(f"delay_{mph}" for mph in THRESHOLDS_MPH), "delay_free",
    *(f"lost_{mph}" for mph in LOST_MPH),
)
PERSONS, PHED = len(NAMES), len(NAMES) + 1


def totals(
    segments: Segments, members: Integers, start: Integers, count: int, owed: Integers,
    day: Integers, panes: Panes,
) -> Result:
    """Measures of `count` bins from the Unix minute `start`, of which `owed` could be there, on
    traffic days: a column a name."""
    first = (start + segments.members.shift[members]) // 5
    roads = segments.roads(members, start)
    free = segments.free.at(members, day, roads.posted)
    result = blank(len(members), len(NAMES) + 2)
    for at in range(0, len(members), CHUNK):
        some = slice(at, at + CHUNK)
        rows = members[some]
        bins = segments.bins(rows, first[some], count, panes)
        out, valid = np.empty((len(rows), MEASURES)), np.empty(len(rows), np.int64)
        length, speeds, vehicles = roads.length_km[some], bins.speeds, bins.all_vehicles
        station_measures(
            speeds, vehicles, length, roads.lanes[some], roads.capacity[some], free[some], out,
            valid,
        )
        q = np.divide(out[:, VKM], out[:, VH], out=np.full(len(rows), np.nan),
                      where=out[:, VH] > 0)
        lost, delays = out[:, LOST:], out[:, DELAY : DELAY_FREE + 1]
        excess = _excess(speeds, vehicles, length, roads.posted[some])
        persons = np.stack([out[:, DELAY_FREE], excess], axis=1) * roads.occupants[some][:, None]
        columns = (out[:, [VKM, VH]], q[:, None], delays, lost, persons)
        result.value[some] = np.round(np.concatenate(columns, axis=1), DIGITS)
        result.value[some][4 * valid < 3 * owed[some]] = np.nan
        result.cov[some] = (valid / np.maximum(owed[some], 1))[:, None]
        result.n[some] = valid[:, None]
        result.weight[some] = np.maximum(out[:, VH], 1e-9)
    lanes = (roads.capacity > 0) & (roads.lanes > 0)
    result.n[~lanes, PERSONS - len(LOST_MPH) : PERSONS] = NOT_MEASURED
    result.n[roads.occupants <= 0, PERSONS:] = NOT_MEASURED
    result.n[roads.posted <= 0, PHED] = NOT_MEASURED
    return result


def _excess(speeds: Floats, vehicles: Floats, length_km: Floats, posted: Floats) -> Floats:
    """Excessive delay of quarters of an hour that have all of their bins."""
    whole = speeds.shape[1] // 3 * 3
    of_three = speeds[:, :whole].reshape(-1, 3), vehicles[:, :whole].reshape(-1, 3)
    shape = (len(speeds), whole // 3)
    out = np.empty(len(speeds))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = quarter_speed(*of_three).reshape(shape)
    excess_delay(
        np.ascontiguousarray(mean), np.ascontiguousarray(of_three[1].sum(axis=1).reshape(shape)),
        length_km, posted, out,
    )
    return out


def without_counter(
    segments: Segments, members: Integers, start: Integers, end: Integers, panes: Panes
) -> npt.NDArray[np.bool_]:
    """bool[k]: roads that lack a counter or speeds in the window."""
    has = segments.has(members, start, end, panes)
    lacks: npt.NDArray[np.bool_] = ~(has[:, SPEED] & has[:, COUNT])
    return lacks


class HourTotals(Shared[Segments], Cadence):
    """Vehicle kilometres and hours, their ratio, delay and lost productivity of each hour."""

    indicators = tuple(POSITION[f"traffic.{name}"] for name in NAMES)

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The hour."""
        return of_level(changed, HOUR, member_of)

    def of_days(self, members: Integers, days: Integers) -> tuple[Integers, Integers]:
        """All hours of traffic days, which begin and end at 03:00."""
        first, last = (b // HOUR_BINS for b in self.source.bounds_of_days(members, days))
        return ranges(members, first, last - first)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a segment and hour."""
        segments = self.source
        end = self.end_min(members, windows)
        start = end - self.minutes
        owed = np.clip(now_min - start, 5, self.minutes) // 5
        day = segments.traffic_day(members, start)
        found = totals(segments, members, start, HOUR_BINS, owed, day, panes)
        lacks = without_counter(segments, members, start, end, panes)
        found.n[lacks] = NOT_MEASURED
        return Result(
            found.value[:, :PERSONS], found.cov[:, :PERSONS],
            np.ascontiguousarray(found.n[:, :PERSONS]), found.weight, found.between,
        )


class DayTotals(Shared[Segments], CivilDays):
    """The same of each civil day, with delay in person hours where occupants are declared."""

    indicators = tuple(
        POSITION[f"traffic.{name}_day"] for name in (*NAMES, "person_delay", "phed")
    )

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The day."""
        members, bins = of_level(changed, FIVE, member_of)
        return members, self.members.civil_days(members, bins * 5 - self.members.shift[members])

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a segment and day."""
        segments = self.source
        result = blank(len(members), len(self.indicators))
        start, end = self.end_min(members, windows - 1), self.end_min(members, windows)
        length = end - start
        for minutes in np.unique(length).tolist():
            rows = np.nonzero(length == minutes)[0]
            owed = np.clip(now_min - start[rows], 5, minutes) // 5
            part = totals(
                segments, members[rows], start[rows], minutes // 5, owed, windows[rows], panes
            )
            result.value[rows], result.cov[rows], result.n[rows] = part.value, part.cov, part.n
            result.weight[rows] = part.weight
        result.n[without_counter(segments, members, start, end, panes)] = NOT_MEASURED
        return result


class CongestionDays(Shared[Segments], CivilDays):
    """Congested hours, and the share of travel in them, of weekdays from 6 to 22."""

    indicators = (POSITION["traffic.congested_hours"], POSITION["traffic.congested_travel"])

    def touched(
        self, changed: Reaching, member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The day."""
        members, bins = of_level(changed, FIVE, member_of)
        return members, self.members.civil_days(members, bins * 5 - self.members.shift[members])

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a segment and day; its weight is vehicle kilometres."""
        segments = self.source
        result = blank(len(members), 2)
        start, end = self.end_min(members, windows - 1), self.end_min(members, windows)
        roads = segments.roads(members, start)
        free = segments.free.at(members, windows, roads.posted)
        every = np.ones(OPEN_BINS, np.bool_)
        for day in np.unique(windows).tolist():
            if is_weekend(day):
                result.n[windows == day] = NO_WINDOW
                continue
            of_day = np.nonzero(windows == day)[0]
            for at in range(0, len(of_day), CHUNK):
                rows = of_day[at : at + CHUNK]
                some = members[rows]
                first = segments.first_bin(some, day, OPEN_MIN[0])
                begin = first * 5 - self.members.shift[some]
                bins = segments.bins(some, first, OPEN_BINS, panes)
                out, valid = np.empty((len(rows), 3)), np.empty(len(rows), np.int64)
                congestion(bins.speeds, bins.vehicles, every, free[rows], out, valid)
                owed = np.clip((now_min - begin) // 5, 1, OPEN_BINS)
                enough = 4 * valid >= 3 * owed
                result.value[rows] = np.where(enough[:, None], np.round(out[:, :2], DIGITS), np.nan)
                result.cov[rows] = np.minimum(valid / owed, 1.0)[:, None]
                result.n[rows] = valid[:, None]
                result.weight[rows] = np.maximum(out[:, 2], 1.0) * roads.length_km[rows]
        result.n[~segments.has(members, start, end, panes)[:, SPEED]] = NOT_MEASURED
        return result
