"""Windows: when the windows of a family close, which are restated, and the points of each.

A window closes by event time, once every series that feeds it has delivered up to its end, or by
the wall clock, `grace` after its end, so that a sensor that dies still publishes its last window.
Readings later than that restate it: the same computation on the panes as they are now.

A member's windows begin with that of its first reading. A reading older than the first one known
extends them into the past, so that the points that there are, too, follow from the readings and
not from the order in which they came.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

from engine.areas import RULES, area_stats, members_of_areas
from engine.calendar import EPOCH_DAY
from engine.catalogue import INDICATORS
from engine.family import (
    NO_WINDOW,
    NOT_MEASURED,
    Bools,
    Family,
    Floats,
    Integers,
    Plain,
    Result,
    anywhere,
    ranges,
)
from engine.levels import fill, level_of
from engine.panes import NEVER_MIN, Panes
from engine.points import NONE, Points, PointState, concatenate, empty
from engine.private import Areas, veil
from engine.registry import Registry

DAY_CADENCE_S = 86_400
CATCH_UP_MAX = 9 * 1440
"""Windows that one member may close at once; a longer stop leaves the older ones unwritten."""

Kind = Literal["open", "closing", "restated"]
STATE_OF = {
    "open": PointState.OPEN, "closing": PointState.CLOSED, "restated": PointState.CLOSED,
}

_NONE = np.iinfo(np.int64).min
_WINDOW_BITS = 32


class Windows:
    """The windows of one family: what is closed, what waits to be restated.

    closed, first: int64[members], latest closed window and first one, `_NONE` before the first
    reading. area_closed: the same for all areas together; windows of areas are numbered by the
    minute of their end, of daily families by the day. area_first: by place row. revisions,
    area_revisions: of windows restated, by (member or place, window).
    """

    def __init__(self, family: Family) -> None:
        self.family = family
        entries = [INDICATORS[i] for i in family.indicators]
        self.daily = entries[0].cadence_s == DAY_CADENCE_S
        self.step_min = entries[0].cadence_s // 60
        self.closed: Integers = np.zeros(0, np.int64)
        self.first: Integers = np.zeros(0, np.int64)
        self.area_closed = _NONE
        self.area_first: dict[int, int] = {}
        self.revisions: dict[tuple[int, int], int] = {}
        self.area_revisions: dict[tuple[int, int], int] = {}
        self.late: Integers = np.zeros(0, np.int64)
        self.open: Bools = np.zeros(0, np.bool_)
        self._rules = np.array([RULES[entry.area] for entry in entries], np.int64)
        self._over = np.array(
            [100 if entry.over_level is None else entry.over_level for entry in entries], np.int64
        )
        self._own = getattr(type(family), "area", None) is not Plain.area
        self._areas: list[int] = []
        self._starts = np.zeros(1, np.int64)
        self._of_area = np.zeros(0, np.int64)
        self._member_of: npt.NDArray[np.int32] = np.zeros(0, np.int32)

    def enrol(self, registry: Registry) -> None:
        """Take in new members and series."""
        self.family.enrol(registry)
        places = self.family.members.places
        parents = [registry.parents(place) for place in places]
        keys = [registry.keys[place] for place in places]
        self._areas, self._starts, self._of_area = members_of_areas(keys, parents)
        table = self.family.members.table
        self._member_of = np.full(len(registry.series), -1, np.int32)
        member, column = np.nonzero(table >= 0)
        self._member_of[table[member, column]] = member
        more = len(places) - len(self.closed)
        self.closed = np.concatenate([self.closed, np.full(more, _NONE)])
        self.first = np.concatenate([self.first, np.full(more, _NONE)])
        self.open = np.concatenate([self.open, np.zeros(more, np.bool_)])

    def begin(self, first_min: Integers) -> None:
        """Members that have had a reading begin with the window of their first one."""
        waiting = np.nonzero(self.closed == _NONE)[0].astype(np.int64)
        if not len(waiting):
            return
        table = self.family.members.table[waiting]
        first = np.where(table >= 0, first_min[np.maximum(table, 0)], NEVER_MIN).min(axis=1)
        heard = first < NEVER_MIN
        started = waiting[heard]
        self.first[started] = self.family.ordinal(started, first[heard])
        self.closed[started] = self.first[started] - 1
        if self.area_closed == _NONE and len(started):
            self.area_closed = self._closed_by_all()

    def widen(self, slots: npt.NDArray[np.int32], old_min: Integers, new_min: Integers) -> None:
        """Series whose first reading is older than known: all windows since then are said anew.

        slots: int32[k]. old_min, new_min: int64[k], Unix minute of the first reading.
        """
        members = self._member_of[slots].astype(np.int64)
        known = members >= 0
        known[known] = self.closed[members[known]] != _NONE
        members, old_min, new_min = members[known], old_min[known], new_min[known]
        first = self.family.ordinal(members, new_min)
        before = self.family.ordinal(members, np.minimum(old_min, new_min + (1 << 24)))
        before += self.family.back - 1
        last = np.minimum(
            np.where(old_min < NEVER_MIN, before, NEVER_MIN), self.closed[members]
        )
        self._add_late(*ranges(members, first, np.maximum(last - first + 1, 0)))

    def note(self, changed: npt.NDArray[np.int32]) -> None:
        """Remember which windows the changed panes feed: closed ones to restate, open ones."""
        members, windows = self.family.touched(changed, self._member_of)
        if not len(members):
            return
        late = windows <= self.closed[members]
        self._add_late(members[late], windows[late])
        self.open[members[~late]] = True

    def say_anew(self, members: Integers, windows: Integers) -> None:
        """Restate those of the windows that are closed: what they are held against has changed."""
        late = windows <= self.closed[members]
        self._add_late(members[late], windows[late])

    def _add_late(self, members: Integers, windows: Integers) -> None:
        if len(members):
            keys = (members << _WINDOW_BITS) + windows
            self.late = np.unique(np.concatenate([self.late, keys]))

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
        table = self.family.members.table[started]
        delivered = np.where(table >= 0, watermark_min[np.maximum(table, 0)], NEVER_MIN)
        patience = self.family.patience_min(started, now_min)
        upto = np.clip(delivered.min(axis=1), wall_min - patience, now_min)
        ready = self.family.ordinal(started, upto) - 1
        before = np.maximum(self.closed[started], ready - CATCH_UP_MAX)
        members, windows = ranges(started, before + 1, np.maximum(ready - before, 0))
        self.closed[started] = np.maximum(before, ready)
        order = np.argsort(windows, kind="stable")
        return members[order], windows[order]

    def started(self) -> Integers:
        """Members that have had a reading."""
        return np.nonzero(self.closed != _NONE)[0].astype(np.int64)

    def take_late(self, final_min: int) -> tuple[Integers, Integers]:
        """Closed windows to say anew, each once, by member and oldest first; no final ones."""
        keys, self.late = self.late, np.zeros(0, np.int64)
        return self.not_final(keys >> _WINDOW_BITS, keys & ((1 << _WINDOW_BITS) - 1), final_min)

    def not_final(
        self, members: Integers, windows: Integers, final_min: int
    ) -> tuple[Integers, Integers]:
        """Those of the windows that end after `final_min`, Unix minute."""
        kept = self.family.end_min(members, windows) > final_min
        return members[kept], windows[kept]

    def take_open(self, now_min: int) -> tuple[Integers, Integers]:
        """The windows in progress of members that had readings since the last call."""
        members = np.nonzero(self.open)[0].astype(np.int64)
        self.open[:] = False
        windows = self.family.ordinal(members, np.full(len(members), now_min, np.int64))
        fresh = windows > self.closed[members]
        return members[fresh], windows[fresh]

    def _present(self, members: Integers, windows: Integers, panes: Panes) -> Bools:
        start = self.family.end_min(members, windows - 1)
        end = self.family.end_min(members, windows)
        there = anywhere(self.family.members.live(members, start, end, panes), 1)
        return np.logical_and(there, end > start)  # a day that the zone left out is none

    def station_points(
        self, members: Integers, windows: Integers, now_min: int, panes: Panes, kind: Kind
    ) -> Points:
        """Compute windows and lay them out as points of stations; retired ones have none."""
        if not len(members):
            return NONE
        for there in (self.family.speaks, self._present):
            some = there(members, windows, panes)
            members, windows = members[some], windows[some]
        result = self.family.compute(members, windows, now_min, panes)
        said = np.logical_and(result.n >= 0, ~result.between[:, None])
        some = anywhere(said, 1)
        revisions = np.zeros(len(members), np.int32)
        revisions[some] = self._revise(members[some], windows[some], kind)
        places = np.array(self.family.members.places, np.int32)[members]
        end_s = self.family.end_min(members, windows) * 60
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
            parts.append(points.take(said[:, i]))
        return concatenate(parts)

    def _revise(
        self, members: Integers, windows: Integers, kind: Kind
    ) -> npt.NDArray[np.int32]:
        """Revision of each window: 0 open, 1 at closing, one more at each restatement."""
        if kind != "restated":
            return np.full(len(members), int(kind == "closing"), np.int32)
        out = np.ones(len(members), np.int32)
        for k in np.nonzero(windows >= self.first[members])[0].tolist():
            key = (int(members[k]), int(windows[k]))
            self.revisions[key] = out[k] = self.revisions.get(key, 1) + 1
        np.minimum.at(self.first, members, windows)
        return out

    def area_windows(self) -> Integers:
        """Windows of areas that all members closed since the last call; marks them."""
        if self.area_closed == _NONE:
            return np.zeros(0, np.int64)
        upto, step = self._closed_by_all(), 1 if self.daily else self.step_min
        first = max(self.area_closed, upto - CATCH_UP_MAX * step) + step
        windows = np.arange(first, upto + 1, step, dtype=np.int64)
        if len(windows):
            self.area_closed = int(windows[-1])
        return windows

    def _closed_by_all(self) -> int:
        started = self.started()
        return int(self.area_keys(started, self.closed[started]).min())

    def area_keys(self, members: Integers, windows: Integers) -> Integers:
        """The area windows that contain windows of members."""
        return windows if self.daily else self.family.end_min(members, windows)

    def area_of(self, members: Integers, windows: Integers) -> Integers:
        """Closed area windows that contain windows of members, each once."""
        keys = np.unique(self.area_keys(members, windows))
        return keys[keys <= self.area_closed]

    def area_points(self, windows: Integers, now_min: int, panes: Panes, kind: Kind) -> Points:
        """Roll up all members at each area window."""
        size = len(self.family.members.places)
        windows = self._spoken(windows, panes)
        if not size or not len(windows):
            return NONE
        members, keys, ordinals = self._everywhere(windows)
        ends = self.family.end_min(members, ordinals)
        result = self.family.compute(members, ordinals, now_min, panes)
        there = self._present(members, ordinals, panes)
        if not self.daily:
            there &= ends == keys
        shape = (len(windows), size, result.n.shape[1])
        present = np.logical_and(there[:, None], result.n != NOT_MEASURED).reshape(shape)
        no_window = (result.n == NO_WINDOW).reshape(shape)
        stats, said = veil(
            self.family.members.registry, self.family.members.places,
            Areas(self._areas, self._starts, self._of_area, self._rules, self._own), result,
            present, kind, lambda mask: self._stats(result, mask),
            lambda mask: self._said(mask, no_window),
        )
        self._own_rule(stats, said, windows, now_min, panes)
        end_s = self._area_ends(np.where(there, ends, 0).reshape(shape[:2])) * 60
        return self._area_layout(stats, windows, end_s, said, kind)

    def _everywhere(self, windows: Integers) -> tuple[Integers, Integers, Integers]:
        """Every member at each area window: members, area windows, the members' own windows."""
        size = len(self.family.members.places)
        members = np.tile(np.arange(size, dtype=np.int64), len(windows))
        keys = np.repeat(windows, size)
        return members, keys, keys if self.daily else self.family.ordinal(members, keys - 1)

    def _spoken(self, windows: Integers, panes: Panes) -> Integers:
        """The area windows in which any member has something new to say."""
        members, _, ordinals = self._everywhere(windows)
        speaks = self.family.speaks(members, ordinals, panes)
        shape = (len(windows), len(self.family.members.places))
        return windows[anywhere(speaks.reshape(shape), 1)]

    def _stats(self, result: Result, present: Bools) -> Floats:
        shape = present.shape
        values = np.where(result.n < 0, np.nan, result.value)
        levels = np.stack([
            level_of(indicator, np.ascontiguousarray(values[:, i]))
            for i, indicator in enumerate(self.family.indicators)
        ], axis=1).reshape(shape)
        out = np.empty((shape[0], len(self._areas), shape[2], 7))
        area_stats(
            values.reshape(shape), np.clip(result.cov, 0, 1).reshape(shape),
            result.weight.reshape(shape[:2]), levels, present, self._starts, self._of_area,
            self._rules, self._over, out,
        )
        return out

    def _own_rule(
        self, stats: Floats, said: Bools, windows: Integers, now_min: int, panes: Panes
    ) -> None:
        for e, window in enumerate(windows.tolist()):
            for a, place in enumerate(self._areas):
                members = self._of_area[self._starts[a] : self._starts[a + 1]]
                if not said[e, a].any():
                    continue
                own = self.family.area(place, members, window, now_min, panes)
                if own is None:
                    return
                stats[e, a, :, 0], stats[e, a, :, 4] = own

    def _said(self, present: Bools, no_window: Bools) -> Bools:
        """bool[e, a, i]: areas with members there, none of them between two of its windows."""
        said = np.zeros((len(present), len(self._areas), present.shape[2]), np.bool_)
        for a in range(len(self._areas)):
            members = self._of_area[self._starts[a] : self._starts[a + 1]]
            there = present[:, members]
            said[:, a] = there.any(axis=1) & ~(there & no_window[:, members]).any(axis=1)
        return said

    def _area_ends(self, ends: Integers) -> Integers:
        """int64[e, a]: where an area has several zones, the end of its latest member."""
        return np.stack([
            ends[:, self._of_area[self._starts[a] : self._starts[a + 1]]].max(axis=1)
            for a in range(len(self._areas))
        ], axis=1)

    def _area_layout(
        self, stats: Floats, windows: Integers, end_s: Integers, said: Bools, kind: Kind
    ) -> Points:
        row, area = np.nonzero(said.any(axis=2))
        place = np.array(self._areas, np.int32)[area]
        revisions = self._revise_areas(place.tolist(), windows[row].tolist(), kind)
        parts = []
        for i, indicator in enumerate(self.family.indicators):
            points = empty(len(place))
            flat = stats[row, area, i]
            points.indicator[:] = indicator
            points.place[:] = place
            points.end_s[:] = end_s[row, area]
            fill(points, indicator, np.ascontiguousarray(flat[:, 0]))
            points.p50[:], points.p95[:], points.max[:] = flat[:, 1], flat[:, 2], flat[:, 3]
            points.cov[:] = flat[:, 4]
            points.n[:] = flat[:, 5]
            points.over[:] = flat[:, 6]
            points.rev[:] = revisions
            points.state[:] = STATE_OF[kind]
            parts.append(points.take(said[row, area, i]))
        return concatenate(parts)

    def _revise_areas(
        self, places: list[int], windows: list[int], kind: Kind
    ) -> npt.NDArray[np.int32]:
        """As `_revise`, for areas by their place row."""
        if kind == "open":
            return np.zeros(len(places), np.int32)
        out = np.ones(len(places), np.int32)
        first = dict(self.area_first)
        for k, (place, window) in enumerate(zip(places, windows, strict=True)):
            if kind == "restated" and window >= first.get(place, NEVER_MIN):
                key = (place, window)
                self.area_revisions[key] = out[k] = self.area_revisions.get(key, 1) + 1
            self.area_first[place] = min(self.area_first.get(place, NEVER_MIN), window)
        return out

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
