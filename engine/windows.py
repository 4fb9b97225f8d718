"""Windows: when the windows of a family close, which are restated, and the points of each.

A window closes by event time, once every series that feeds it has delivered up to its end, or by
the wall clock, `grace` after its end, so that a sensor that dies still publishes its last window.
Readings later than that restate it: the same computation on the panes as they are now.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

from engine.areas import RULES, area_stats, members_of_areas
from engine.calendar import EPOCH_DAY
from engine.catalogue import COMPLETENESS_LEVELS, INDICATORS
from engine.family import Family, Integers, Result
from engine.levels import bands_of, levels_of
from engine.panes import Panes
from engine.points import INSUFFICIENT, NONE, Points, PointState, concatenate, empty
from engine.registry import Registry

DAY_CADENCE_S = 86_400
CATCH_UP_MAX = 9 * 1440
"""Windows that one member may close at once; a longer stop leaves the older ones unwritten."""

Kind = Literal["open", "closing", "restated"]
STATE_OF = {
    "open": PointState.OPEN, "closing": PointState.CLOSED, "restated": PointState.CLOSED,
}

NEVER_MIN = 1 << 40
"""Unix minute that stands for never: of a series without a reading."""
_NONE = np.iinfo(np.int64).min


class Windows:
    """The windows of one family: what is closed, what waits to be restated."""

    def __init__(self, family: Family) -> None:
        self.family = family
        entries = [INDICATORS[i] for i in family.indicators]
        self.daily = entries[0].cadence_s == DAY_CADENCE_S
        self.step_min = entries[0].cadence_s // 60
        self.closed: Integers = np.zeros(0, np.int64)
        self.area_closed = _NONE
        self.revisions: dict[tuple[int, int], int] = {}
        self.area_revisions: dict[tuple[int, int], int] = {}
        self._late: list[npt.NDArray[np.int64]] = []
        self._open: npt.NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._rules = np.array([RULES[entry.area] for entry in entries], np.int64)
        self._over = np.array(
            [100 if entry.over_level is None else entry.over_level for entry in entries], np.int64
        )
        self._areas: list[int] = []
        self._starts = np.zeros(1, np.int64)
        self._of_area = np.zeros(0, np.int64)
        self._member_of: npt.NDArray[np.int32] = np.zeros(0, np.int32)

    def enrol(self, registry: Registry, first_min: Integers) -> None:
        """Take in new members; a member's first window is that of its first reading."""
        self.family.enrol(registry)
        places = self.family.places
        parents = [registry.parents(place) for place in places]
        self._areas, self._starts, self._of_area = members_of_areas(places, parents)
        table = self.family.slots()
        self._member_of = np.full(len(registry.series), -1, np.int32)
        for member in range(len(places)):
            self._member_of[table[member][table[member] >= 0]] = member
        new = len(places) - len(self.closed)
        self.closed = np.concatenate([self.closed, np.full(new, _NONE)])
        self._open = np.zeros(len(places), np.bool_)
        self.begin(first_min)

    def begin(self, first_min: Integers) -> None:
        """Members that have had a reading begin with the window of their first one."""
        waiting = np.nonzero(self.closed == _NONE)[0].astype(np.int64)
        if not len(waiting):
            return
        table = self.family.slots()[waiting]
        first = np.where(table >= 0, first_min[np.maximum(table, 0)], NEVER_MIN).min(axis=1)
        heard = first < NEVER_MIN
        started = waiting[heard]
        self.closed[started] = self.family.ordinal(started, first[heard]) - 1
        if self.area_closed == _NONE and len(started):
            self.area_closed = self._closed_by_all()

    def note(self, changed: npt.NDArray[np.int32]) -> None:
        """Remember which windows the changed panes feed: closed ones to restate, open ones."""
        members, windows = self.family.touched(changed, self._member_of)
        if not len(members):
            return
        late = windows <= self.closed[members]
        if late.any():
            self._late.append(np.unique(np.stack([members[late], windows[late]]), axis=1))
        self._open[members[~late]] = True

    def due(self, now_min: int, wall_min: int, watermark_min: Integers) -> tuple[
        Integers, Integers
    ]:
        """Windows to close now, as (members, ordinals), oldest first; marks them closed.

        wall_min: what the wall clock closes up to (now - grace). watermark_min: int64[series],
        how far each series has delivered.
        """
        started = self.started()
        if not len(started):
            return started, started
        table = self.family.slots()[started]
        delivered = np.where(table >= 0, watermark_min[np.maximum(table, 0)], NEVER_MIN)
        upto = np.clip(delivered.min(axis=1), wall_min, now_min)
        ready = self.family.ordinal(started, upto) - 1
        before = np.maximum(self.closed[started], ready - CATCH_UP_MAX)
        count = np.maximum(ready - before, 0)
        members = np.repeat(started, count)
        first = np.cumsum(count) - count
        step = np.arange(len(members)) - np.repeat(first, count)
        windows = np.repeat(before, count) + 1 + step
        self.closed[started] = np.maximum(before, ready)
        order = np.argsort(windows, kind="stable")
        return members[order], windows[order]

    def started(self) -> Integers:
        """Members that have had a reading."""
        return np.nonzero(self.closed != _NONE)[0].astype(np.int64)

    def take_late(self) -> tuple[Integers, Integers]:
        """Closed windows whose panes changed since the last call, each once."""
        if not self._late:
            none = np.zeros(0, np.int64)
            return none, none
        pairs = np.unique(np.concatenate(self._late, axis=1), axis=1)
        self._late = []
        closed = pairs[1] <= self.closed[pairs[0]]
        return pairs[0][closed], pairs[1][closed]

    def pending(self) -> npt.NDArray[np.int64]:
        """Closed windows that wait to be restated, int64[2, n], for a snapshot."""
        none = np.zeros((2, 0), np.int64)
        return np.unique(np.concatenate([none, *self._late], axis=1), axis=1)

    def expect(self, pending: npt.NDArray[np.int64]) -> None:
        """Take up what `pending` gave."""
        self._late = [pending.astype(np.int64)]

    def take_open(self, now_min: int) -> tuple[Integers, Integers]:
        """The windows in progress of members that had readings since the last call."""
        members = np.nonzero(self._open)[0].astype(np.int64)
        self._open[:] = False
        windows = self.family.ordinal(members, np.full(len(members), now_min, np.int64))
        fresh = windows > self.closed[members]
        return members[fresh], windows[fresh]

    def station_points(
        self, members: Integers, windows: Integers, now_min: int, panes: Panes, kind: Kind
    ) -> Points:
        """Compute windows and lay them out as points of stations."""
        if not len(members):
            return NONE
        result = self.family.compute(members, windows, now_min, panes)
        end_s = self.family.end_min(members, windows) * 60
        places = np.array(self.family.places, np.int32)[members]
        revisions = self._revise(self.revisions, members, windows, kind)
        parts = []
        for i, indicator in enumerate(self.family.indicators):
            points = empty(len(members))
            points.indicator[:] = indicator
            points.place[:] = places
            points.end_s[:] = end_s
            fill(points, indicator, result.value[:, i])
            points.cov[:] = np.clip(result.cov[:, i], 0.0, 1.0)
            points.n[:] = result.n[:, i]
            points.rev[:] = revisions
            points.state[:] = STATE_OF[kind]
            parts.append(points.take(result.n[:, i] >= 0))
        return concatenate(parts)

    @staticmethod
    def _revise(
        kept: dict[tuple[int, int], int], rows: Integers, windows: Integers, kind: Kind
    ) -> npt.NDArray[np.int32]:
        """Revision of each point: 0 open, 1 at closing, one more at each restatement."""
        if kind == "open":
            return np.zeros(len(rows), np.int32)
        if kind == "closing":
            return np.ones(len(rows), np.int32)
        out = np.empty(len(rows), np.int32)
        for k, key in enumerate(zip(rows.tolist(), windows.tolist(), strict=True)):
            kept[key] = out[k] = kept.get(key, 1) + 1
        return out

    def area_windows(self, now_min: int) -> Integers:
        """Windows (end minute, or day for daily families) that all members closed; marks them."""
        started = self.started()
        if not len(started):
            return started
        upto, step = self._closed_by_all(), 1 if self.daily else self.step_min
        first = max(self.area_closed + step, upto - CATCH_UP_MAX * step)
        windows = np.arange(first, upto + 1, step, dtype=np.int64)
        if len(windows):
            self.area_closed = int(windows[-1])
        return windows

    def _closed_by_all(self) -> int:
        started = self.started()
        closed = self.closed[started]
        ends = closed if self.daily else self.family.end_min(started, closed)
        return int(ends.min())

    def area_of(self, members: Integers, windows: Integers) -> Integers:
        """The area windows that contain member windows, each once, closed ones only."""
        keys = windows if self.daily else self.family.end_min(members, windows)
        return np.unique(keys[keys <= self.area_closed])

    def area_points(
        self, windows: Integers, now_min: int, panes: Panes, kind: Kind
    ) -> Points:
        """Roll up all members at each area window."""
        size = len(self.family.places)
        if not size or not len(windows):
            return NONE
        members = np.tile(np.arange(size, dtype=np.int64), len(windows))
        keys = np.repeat(windows, size)
        ordinals = keys if self.daily else self.family.ordinal(members, keys - 1)
        result = self.family.compute(members, ordinals, now_min, panes)
        result.value[result.n < 0] = np.nan
        ends = self.family.end_min(members, ordinals).reshape(len(windows), size)
        if not self.daily:
            result.value[(ends.ravel() != keys), :] = np.nan
        stats = self._stats(result, len(windows))
        if hasattr(self.family, "area"):
            self._coincident(stats, windows, now_min, panes)
        skip = np.all(np.less(result.n, 0).reshape(len(windows), size, -1), axis=1)
        return self._area_layout(stats, windows, ends.max(axis=1) * 60, kind, skip)

    def _stats(self, result: Result, count: int) -> npt.NDArray[np.float64]:
        indicators = result.value.shape[1]
        shape = (count, len(self.family.places), indicators)
        levels = np.stack([
            level_of(indicator, np.ascontiguousarray(result.value[:, i]))
            for i, indicator in enumerate(self.family.indicators)
        ], axis=1).reshape(shape)
        out = np.empty((count, len(self._areas), indicators, 7))
        area_stats(
            result.value.reshape(shape), np.clip(result.cov, 0, 1).reshape(shape),
            result.weight.reshape(shape[:2]), levels, self._starts, self._of_area, self._rules,
            self._over, out,
        )
        return out

    def _coincident(
        self, stats: npt.NDArray[np.float64], windows: Integers, now_min: int, panes: Panes
    ) -> None:
        for e, day in enumerate(windows.tolist()):
            for a, place in enumerate(self._areas):
                members = self._of_area[self._starts[a] : self._starts[a + 1]]
                value, share, _ = self.family.area(  # type: ignore[attr-defined]
                    place, members, day, now_min, panes
                )
                stats[e, a, :, 0] = value
                stats[e, a, :, 4] = share

    def _area_layout(
        self, stats: npt.NDArray[np.float64], windows: Integers, end_s: Integers,
        kind: Kind, skip: npt.NDArray[np.bool_],
    ) -> Points:
        areas = np.array(self._areas, np.int32)
        place = np.tile(areas, len(windows))
        keys = np.repeat(windows, len(areas))
        revisions = self._revise(self.area_revisions, place.astype(np.int64), keys, kind)
        parts = []
        for i, indicator in enumerate(self.family.indicators):
            points = empty(len(place))
            flat = stats[:, :, i].reshape(-1, 7)
            points.indicator[:] = indicator
            points.place[:] = place
            points.end_s[:] = np.repeat(end_s, len(areas))
            fill(points, indicator, np.ascontiguousarray(flat[:, 0]))
            points.p50[:], points.p95[:], points.max[:] = flat[:, 1], flat[:, 2], flat[:, 3]
            points.cov[:] = flat[:, 4]
            points.n[:] = flat[:, 5]
            points.over[:] = flat[:, 6]
            points.rev[:] = revisions
            points.state[:] = STATE_OF[kind]
            parts.append(points.take(~np.repeat(skip[:, i], len(areas))))
        return concatenate(parts)

    def forget(self, before_min: int) -> None:
        """Drop revisions of windows that ended before the horizon: they are final."""
        limit = before_min if not self.daily else before_min // 1440 + EPOCH_DAY
        if self.area_revisions:
            self.area_revisions = {
                key: rev for key, rev in self.area_revisions.items() if key[1] >= limit
            }
        if self.revisions:
            keys = np.array(list(self.revisions), np.int64)
            final = self.family.end_min(keys[:, 0], keys[:, 1]) < before_min
            for key in map(tuple, keys[final].tolist()):
                del self.revisions[key]


def level_of(indicator: int, values: npt.NDArray[np.float64]) -> npt.NDArray[np.int8]:
    """Level of each value of an indicator: int8, -1 for NaN."""
    entry = INDICATORS[indicator]
    uppers = np.array([level.upper for level in entry.levels])
    out = np.empty(len(values), np.int8)
    (bands_of if entry.levels is COMPLETENESS_LEVELS else levels_of)(values, uppers, out)
    return out


def fill(points: Points, indicator: int, values: npt.NDArray[np.float64]) -> None:
    """Set value and level: an insufficient value is written 0 with level -1."""
    points.level[:] = level_of(indicator, np.ascontiguousarray(values))
    points.value[:] = np.where(points.level == INSUFFICIENT, 0.0, values)
