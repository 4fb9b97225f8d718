"""Windows: when the windows of a family close, which are restated, and the points of each.

A window closes by event time, once every series that feeds it has delivered up to its end, or by
the wall clock, `grace` after its end, so that a sensor that dies still publishes its last window.
Readings later than that restate it: the same computation on the panes as they are now.

A member's windows begin with that of its first reading. A reading older than the first one known
extends them into the past, so that the points that there are, too, follow from the readings and
not from the order in which they came.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from engine.area_windows import NEVER, AreaWindows, Compute
from engine.catalogue import INDICATORS
from engine.changed import LONG_AGO_MIN, Changed, Reaching
from engine.computed import Computed, keys_of, parted
from engine.family import (
    Bools,
    Family,
    Integers,
    Result,
    anywhere,
    present,
    ranges,
    speaking,
)
from engine.levels import lay_out
from engine.panes import NEVER_MIN, Panes
from engine.points import NONE, Kind, Points
from engine.registry import Registry

DAY_CADENCE_S = 86_400
CATCH_UP_MAX = 9 * 1440
"""Windows that one member may close at once; a longer stop leaves the older ones unwritten, and
counted (`left_out`): `cityvitals recompute` computes them from the archive."""


class Windows:
    """The windows of one family: what is closed, what waits to be restated.

    closed, first: int64[members], latest closed window and first one, `NEVER` before the first
    reading. revisions: of windows restated, by (member, window). areas: those of areas.
    """

    def __init__(self, family: Family) -> None:
        self.family = family
        entries = [INDICATORS[i] for i in family.indicators]
        self.daily = entries[0].cadence_s == DAY_CADENCE_S
        self.step_min = entries[0].cadence_s // 60
        self.closed: Integers = np.zeros(0, np.int64)
        self.first: Integers = np.zeros(0, np.int64)
        self.revisions: dict[tuple[int, int], int] = {}
        self.late: Integers = np.zeros(0, np.int64)
        self.open: Bools = np.zeros(0, np.bool_)
        self.areas = AreaWindows(family, entries, self.step_min)
        self.left_out = 0
        self._computed: Computed | None = None
        self._next_min = NEVER
        self._ends: Integers | None = None
        self._member_of: npt.NDArray[np.int32] = np.zeros(0, np.int32)

    def enrol(self, registry: Registry) -> None:
        """Take in new members and series."""
        self.family.enrol(registry)
        self.areas.enrol(registry)
        self._next_min, self._ends = NEVER, None
        table = self.family.members.table
        self._member_of = np.full(len(registry.series), -1, np.int32)
        member, column = np.nonzero(table >= 0)
        self._member_of[table[member, column]] = member
        more = len(self.family.members.places) - len(self.closed)
        self.closed = np.concatenate([self.closed, np.full(more, NEVER)])
        self.first = np.concatenate([self.first, np.full(more, NEVER)])
        self.open = np.concatenate([self.open, np.zeros(more, np.bool_)])

    def begin(self, first_min: Integers) -> None:
        """Members that have had a reading begin with the window of their first one."""
        waiting = np.nonzero(self.closed == NEVER)[0].astype(np.int64)
        if not len(waiting):
            return
        table = self.family.members.table[waiting]
        first = np.where(table >= 0, first_min[np.maximum(table, 0)], NEVER_MIN).min(axis=1)
        heard = first < NEVER_MIN
        started = waiting[heard]
        if not len(started):
            return
        self.first[started] = self.family.ordinal(started, first[heard])
        self.closed[started] = self.first[started] - 1
        self._next_min, self._ends = NEVER, None
        if self.areas.closed == NEVER:
            self.areas.closed = int(self.areas.keys(started, self.closed[started]).min())

    def widen(self, slots: npt.NDArray[np.int32], old_min: Integers, new_min: Integers) -> None:
        """Series whose first reading is older than known: all windows since then are said anew.

        slots: int32[k]. old_min, new_min: int64[k], Unix minute of the first reading.
        """
        members = self._member_of[slots].astype(np.int64)
        known = members >= 0
        known[known] = self.closed[members[known]] != NEVER
        members, old_min, new_min = members[known], old_min[known], new_min[known]
        first = self.family.ordinal(members, new_min)
        before = self.family.ordinal(members, np.minimum(old_min, new_min + (1 << 24)))
        before += self.family.back - 1
        last = np.minimum(
            np.where(old_min < NEVER_MIN, before, NEVER_MIN), self.closed[members]
        )
        self._add_late(*ranges(members, first, np.maximum(last - first + 1, 0)))

    def note(self, changed: Changed) -> None:
        """Remember which windows the changed panes feed: closed ones to restate, open ones."""
        if not len(self.closed):
            return
        reaching = Reaching(changed, self._closed_min()[self._member_of])
        members, windows = self.family.touched(reaching, self._member_of)
        for slots in reaching.fresh:
            fresh = self._member_of[slots]
            self.open[fresh[fresh >= 0]] = True
        if not len(members):
            return
        late = windows <= self.closed[members]
        self._add_late(members[late], windows[late])
        self.open[members[~late]] = True

    def _closed_min(self) -> Integers:
        """int64[members + 1], Unix minute up to which each has closed; the last is for nobody."""
        if self._ends is None:
            started = self.started()
            self._ends = np.full(len(self.closed) + 1, LONG_AGO_MIN)
            self._ends[started] = self.family.end_min(started, self.closed[started])
        return self._ends

    def say_anew(self, members: Integers, windows: Integers) -> None:
        """Restate those of the windows that are closed: what they are held against has changed."""
        late = windows <= self.closed[members]
        self._add_late(members[late], windows[late])

    def _add_late(self, members: Integers, windows: Integers) -> None:
        if len(members):
            keys = keys_of(members, windows)
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
            self._next_min = NEVER_MIN  # until `begin` has somebody
            return started, started
        if now_min < self._next_min:
            return started[:0], started[:0]
        table = self.family.members.table[started]
        delivered = np.where(table >= 0, watermark_min[np.maximum(table, 0)], NEVER_MIN)
        patience = self.family.patience_min(started, now_min)
        upto = np.clip(delivered.min(axis=1), wall_min - patience, now_min)
        ready = self.family.ordinal(started, upto) - 1
        before = np.maximum(self.closed[started], ready - CATCH_UP_MAX)
        self.left_out += int(np.maximum(before - self.closed[started], 0).sum())
        members, windows = ranges(started, before + 1, np.maximum(ready - before, 0))
        self.closed[started] = np.maximum(before, ready)
        self._ends = None
        # Before the next window of anybody ends there is nothing to look for.
        self._next_min = int(self.family.end_min(started, self.closed[started] + 1).min())
        order = np.argsort(windows, kind="stable")
        return members[order], windows[order]

    def quiet(self, now_min: int) -> bool:
        """True if no window can close by now and none waits to be said anew."""
        return not len(self.late) and now_min < self._next_min

    def started(self) -> Integers:
        """Members that have had a reading."""
        return np.nonzero(self.closed != NEVER)[0].astype(np.int64)

    def take_late(self, final_min: int) -> tuple[Integers, Integers]:
        """Closed windows to say anew, each once, by member and oldest first; no final ones."""
        keys, self.late = self.late, np.zeros(0, np.int64)
        return self.not_final(*parted(keys), final_min)

    def not_final(
        self, members: Integers, windows: Integers, final_min: int
    ) -> tuple[Integers, Integers]:
        """Those of the windows that end after `final_min`, Unix minute."""
        kept = self.family.end_min(members, windows) > final_min
        return members[kept], windows[kept]

    def take_open(self, now_min: int) -> tuple[Integers, Integers]:
        """The windows in progress of members that had readings since the last call."""
        members = np.nonzero(self.open)[0].astype(np.int64)
        if not len(members):
            return members, members
        self.open[:] = False
        windows = self.family.ordinal(members, np.full(len(members), now_min, np.int64))
        fresh = windows > self.closed[members]
        return members[fresh], windows[fresh]

    @contextmanager
    def remembering(self) -> Iterator[None]:
        """Meanwhile the panes stay as they are, so no window is computed twice."""
        self._computed = Computed(len(self.family.indicators))
        try:
            yield
        finally:
            self._computed = None

    def station_points(
        self, members: Integers, windows: Integers, now_min: int, panes: Panes, kind: Kind
    ) -> Points:
        """Compute windows and lay them out as points of stations; retired ones have none."""
        if not len(members):
            return NONE
        for there in (speaking, present):
            some = there(self.family, members, windows, panes)
            members, windows = members[some], windows[some]
        if not len(members):
            return NONE
        result = self._results(now_min, panes)(members, windows)
        said = np.logical_and(result.n >= 0, ~result.between[:, None])
        some = anywhere(said, 1)
        revisions = np.zeros(len(members), np.int32)
        revisions[some] = self.revise(members[some], windows[some], kind)
        places = np.array(self.family.members.places, np.int32)[members]
        end_s = self.family.end_min(members, windows) * 60
        return lay_out(
            self.family.indicators, said, places, end_s, result.value,
            np.clip(result.cov, 0.0, 1.0), result.n, revisions, kind,
        )[0]

    def _results(self, now_min: int, panes: Panes) -> Compute:
        def compute(members: Integers, windows: Integers) -> Result:
            return self.family.compute(members, windows, now_min, panes)

        computed = self._computed
        if computed is None:
            return compute
        return lambda members, windows: computed.of(members, windows, compute)

    def closed_areas(self) -> Integers:
        """Windows of areas that all members closed since the last call; marks them."""
        started = self.started()
        return self.areas.due(started, self.closed[started], CATCH_UP_MAX)

    def area_points(self, windows: Integers, now_min: int, panes: Panes, kind: Kind) -> Points:
        """Roll up all members at each area window."""
        return self.areas.points(windows, now_min, panes, kind, self._results(now_min, panes))

    def revise(
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

    def forget(self, before_min: int) -> None:
        """Drop revisions of windows that ended before the horizon: they are final."""
        self.areas.forget(before_min)
        if self.revisions:
            keys = np.array(list(self.revisions), np.int64)
            final = self.family.end_min(keys[:, 0], keys[:, 1]) < before_min
            for key in map(tuple, keys[final].tolist()):
                del self.revisions[key]
