"""The windows of areas: a district and the city, rolled up from the stations of one family.

A window of an area closes when all stations have closed theirs. It is numbered by the minute of
its end, that of a family of days by the day.
"""

from collections.abc import Callable

import numpy as np

from engine.areas import RULES, area_stats, members_of_areas
from engine.calendar import EPOCH_DAY
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
    present,
    speaking,
)
from engine.indicator import Indicator
from engine.levels import lay_out, level_of
from engine.panes import NEVER_MIN, Panes
from engine.points import NONE, Kind, Points
from engine.private import Areas, veil
from engine.registry import Registry

Compute = Callable[[Integers, Integers], Result]

NEVER = np.iinfo(np.int64).min


class AreaWindows:
    """Closed windows of the areas of one family, and their points.

    closed: latest window that all areas closed, `NEVER` before the first. first: by place row,
    the first one said. revisions: of windows restated, by (place row, window).
    """

    def __init__(self, family: Family, entries: list[Indicator], step_min: int) -> None:
        self.family = family
        self.daily = step_min == 1440
        self.closed = NEVER
        self.first: dict[int, int] = {}
        self.revisions: dict[tuple[int, int], int] = {}
        self._step = 1 if self.daily else step_min
        self._rules = np.array([RULES[entry.area] for entry in entries], np.int64)
        self._over = np.array(
            [100 if entry.over_level is None else entry.over_level for entry in entries], np.int64
        )
        self._own = getattr(type(family), "area", None) is not Plain.area
        self._rated = getattr(type(family), "rated", None) is not Plain.rated
        self._choosy = getattr(type(family), "speaks", None) is not Plain.speaks
        self._places: list[int] = []
        self._starts = np.zeros(1, np.int64)
        self._members = np.zeros(0, np.int64)

    def enrol(self, registry: Registry) -> None:
        """Take in new members."""
        places = self.family.members.places
        parents = [registry.parents(place) for place in places]
        keys = [registry.keys[place] for place in places]
        self._places, self._starts, self._members = members_of_areas(keys, parents)

    def keys(self, members: Integers, windows: Integers) -> Integers:
        """The windows of areas that contain windows of members."""
        return windows if self.daily else self.family.end_min(members, windows)

    def containing(self, members: Integers, windows: Integers) -> Integers:
        """Closed windows of areas that contain windows of members, each once."""
        if not len(members):
            return windows
        keys = np.unique(self.keys(members, windows))
        return keys[keys <= self.closed]

    def due(self, members: Integers, closed: Integers, most: int) -> Integers:
        """Windows that all members closed since the last call, at most so many; marks them.

        members: those that had a reading. closed: the latest closed window of each.
        """
        if self.closed == NEVER:
            return np.zeros(0, np.int64)
        upto = int(self.keys(members, closed).min())
        first = max(self.closed, upto - most * self._step) + self._step
        windows = np.arange(first, upto + 1, self._step, dtype=np.int64)
        if len(windows):
            self.closed = int(windows[-1])
        return windows

    def points(
        self, windows: Integers, now_min: int, panes: Panes, kind: Kind, compute: Compute
    ) -> Points:
        """Roll up all members at each window; `compute` has the results of members."""
        size = len(self.family.members.places)
        if not size or not len(windows):
            return NONE
        windows = self._spoken(windows, panes)
        if not len(windows):
            return NONE
        members, keys, ordinals = self._everywhere(windows)
        ends = self.family.end_min(members, ordinals)
        result = compute(members, ordinals)
        there = present(self.family, members, ordinals, panes)
        if not self.daily:
            there &= ends == keys
        shape = (len(windows), size, result.n.shape[1])
        counted = np.logical_and(there[:, None], result.n != NOT_MEASURED).reshape(shape)
        no_window = (result.n == NO_WINDOW).reshape(shape)
        areas = Areas(self._places, self._starts, self._members, self._rules, self._own)
        stats, said = veil(
            self.family.members.registry, self.family.members.places, areas, result, counted,
            kind, lambda mask: self._stats(result, mask),
            lambda mask: areas.any(mask) & ~areas.any(mask & no_window),
        )
        if self._own:
            self._own_rule(stats, said, windows, now_min, panes)
        if self._rated:
            valued = np.logical_and(counted, ~np.isnan(result.value).reshape(shape))
            self._rate(stats, windows, anywhere(valued, 2))
        latest = np.where(there, ends, 0).reshape(shape[:2])[:, self._members]
        # Where an area has several zones, the end of its latest member.
        end_min = np.maximum.reduceat(latest, self._starts[:-1], axis=1)
        return self._layout(stats, windows, end_min * 60, said, kind)

    def _own_rule(
        self, stats: Floats, said: Bools, windows: Integers, now_min: int, panes: Panes
    ) -> None:
        for e, a in zip(*np.nonzero(anywhere(said, 2)), strict=True):
            members = self._members[self._starts[a] : self._starts[a + 1]]
            own = self.family.area(self._places[a], members, int(windows[e]), now_min, panes)
            if own is None:
                return
            stats[e, a, :, 0], stats[e, a, :, 4] = own

    def _rate(self, stats: Floats, windows: Integers, have: Bools) -> None:
        """Of areas per head: the sum is divided, and one station's part of it is no statistic."""
        for e, window in enumerate(windows.tolist()):
            for a, place in enumerate(self._places):
                members = self._members[self._starts[a] : self._starts[a + 1]]
                found = self.family.rated(place, members[have[e, members]], window)
                if found is not None:
                    stats[e, a, :, 0] *= found[0]
                    stats[e, a, :, 4] *= found[1]
        stats[:, :, :, 1:4] = np.nan

    def _everywhere(self, windows: Integers) -> tuple[Integers, Integers, Integers]:
        """Every member at each area window: members, area windows, the members' own windows."""
        size = len(self.family.members.places)
        members = np.tile(np.arange(size, dtype=np.int64), len(windows))
        keys = np.repeat(windows, size)
        return members, keys, keys if self.daily else self.family.ordinal(members, keys - 1)

    def _spoken(self, windows: Integers, panes: Panes) -> Integers:
        """The windows in which any member has something new to say."""
        if not self._choosy:
            return windows
        members, _, ordinals = self._everywhere(windows)
        speaks = speaking(self.family, members, ordinals, panes)
        return windows[anywhere(speaks.reshape(len(windows), -1), 1)]

    def _stats(self, result: Result, mask: Bools) -> Floats:
        shape = mask.shape
        values = np.where(result.n < 0, np.nan, result.value)
        levels = np.stack([
            level_of(indicator, np.ascontiguousarray(values[:, i]))
            for i, indicator in enumerate(self.family.indicators)
        ], axis=1).reshape(shape)
        out = np.empty((shape[0], len(self._places), shape[2], 7))
        area_stats(
            values.reshape(shape), np.clip(result.cov, 0, 1).reshape(shape),
            result.weight.reshape(shape[:2]), levels, mask, self._starts, self._members,
            self._rules, self._over, out,
        )
        return out

    def _layout(
        self, stats: Floats, windows: Integers, end_s: Integers, said: Bools, kind: Kind
    ) -> Points:
        row, area = np.nonzero(anywhere(said, 2))
        place = np.array(self._places, np.int64)[area]
        revisions = np.array(self.revise(place, windows[row], kind), np.int32)
        flat = stats[row, area]
        points, rows, columns = lay_out(
            self.family.indicators, said[row, area], place, end_s[row, area], flat[:, :, 0],
            flat[:, :, 4], flat[:, :, 5].astype(np.int64), revisions, kind,
        )
        for k, name in enumerate(("p50", "p95", "max"), 1):
            getattr(points, name)[:] = flat[rows, columns, k]
        points.over[:] = flat[rows, columns, 6]
        return points

    def revise(self, places: Integers, windows: Integers, kind: Kind) -> list[int]:
        """As `Windows.revise`, for areas by their place row."""
        if kind == "open":
            return [0] * len(places)
        out = [1] * len(places)
        if kind == "restated":
            for k, key in enumerate(zip(places.tolist(), windows.tolist(), strict=True)):
                if key[1] >= self.first.get(key[0], NEVER_MIN):
                    self.revisions[key] = out[k] = self.revisions.get(key, 1) + 1
        for place in np.unique(places).tolist():
            oldest = int(windows[places == place].min())
            self.first[place] = min(self.first.get(place, NEVER_MIN), oldest)
        return out

    def forget(self, before_min: int) -> None:
        """Drop revisions of windows that ended before the horizon: they are final."""
        limit = before_min // 1440 + EPOCH_DAY if self.daily else before_min
        if self.revisions:
            self.revisions = {key: n for key, n in self.revisions.items() if key[1] >= limit}
