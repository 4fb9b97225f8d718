"""What was said of windows is said anew where other rows of the places file change it.

The closed windows of the stations concerned are computed by the rows of before and by those of
now; only what differs is said, each with the next revision. What is not there any more, because a
device is said to have stood elsewhere, is withdrawn: insufficient, as no point is ever removed.
Windows that are final stay. Areas with private members are said once and never again.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edge.places import PlaceKey
from engine.area_windows import NEVER
from engine.catalogue import INDICATORS
from engine.family import Integers, ranges
from engine.neighbour_windows import NeighbourWindows
from engine.panes import HORIZON_DAYS, MINUTE_NS
from engine.points import INSUFFICIENT, NONE, Kind, Points, PointState, concatenate, empty
from engine.private import public
from engine.traffic import FROZEN_DAYS
from engine.vitals import Vitals
from engine.windows import Windows

_MEASURED = ("value", "level", "cov", "n", "p50", "p95", "max", "over")
_END_BITS = 34
WINDOWS_AT_ONCE = 1 << 18
"""Windows of stations that are computed at once."""
AREA_WINDOWS_AT_ONCE = 256
"""Windows of areas that are rolled up at once: each needs all stations of its family."""


_Whose = Callable[[npt.NDArray[np.int32]], Integers]
"""Whom points of a place are counted under: the member of a family, or the place itself."""
_Revise = Callable[[Integers, Integers, Kind], Sequence[int] | npt.NDArray[np.int32]]


class _Said(NamedTuple):
    """Points, and of each the window of its station or area."""

    points: Points
    windows: Integers


class Standing:
    """What closed windows say by the rows of now; `anew` tells what other rows make of them.

    since_min: Unix minute from which on a station gets other rows. now_min: windows that ended
    before the horizon of then are final.
    """

    def __init__(self, vitals: Vitals, since_min: dict[PlaceKey, int], now_min: int) -> None:
        self._vitals = vitals
        self._now_min = vitals.now_ns // MINUTE_NS
        self._final_min = max(self._now_min, now_min) - HORIZON_DAYS * 1440
        self._since = {key: max(since, self._final_min) for key, since in since_min.items()}
        self._said = list(self._everything())

    def anew(self) -> Points:
        """Points that differ now, restated; call it when readings and rows are those of now."""
        vitals = self._vitals
        vitals.fit()
        changed = vitals.fold()
        told = vitals.series.told_min[: len(vitals.registry.series)]
        told[:] = vitals.panes.first_min[: len(told)]
        for windows in vitals.windows:
            late = windows.late  # closed windows are said here, those in progress as ever
            windows.note(changed)
            windows.late = late
        self._refreeze()
        said = zip(vitals.windows, self._said, self._everything(), strict=True)
        return public(concatenate([
            points for windows, old, now in said for points in (
                _anew(old[0], now[0], partial(_members_of, windows), windows.revise),
                _anew(old[1], now[1], np.asarray, windows.areas.revise),
            )
        ]), vitals.registry)

    def _since_of(self, places: list[int]) -> tuple[Integers, Integers]:
        """Members whose place has other rows, and since when; of all `places` of a family."""
        keys = self._vitals.registry.keys
        found = [
            (member, self._since[keys[place]])
            for member, place in enumerate(places) if keys[place] in self._since
        ]
        members, since = np.array(found, np.int64).reshape(-1, 2).T
        return members, since

    def _concerned(self, windows: Windows) -> tuple[Integers, Integers]:
        """Closed windows, not final, of members that have other rows: by member, oldest first."""
        members, since = self._since_of(windows.family.members.places)
        if len(members) and isinstance(windows, NeighbourWindows):
            since = np.full(len(windows.closed), since.min())
            members = np.arange(len(windows.closed), dtype=np.int64)
        begun = windows.closed[members] != NEVER
        members, since = members[begun], since[begun]
        if not len(members):
            return members, members
        first = windows.family.ordinal(members, since)
        count = np.maximum(windows.closed[members] - first + 1, 0)
        return windows.not_final(*ranges(members, first, count), self._final_min)

    def _everything(self) -> Iterator[tuple[_Said, _Said]]:
        """Of each family what its stations say and what its areas say."""
        for windows in self._vitals.windows:
            concerned = self._concerned(windows)
            if not len(concerned[0]):
                yield _Said(NONE, concerned[0]), _Said(NONE, concerned[0])
                continue
            with windows.remembering():
                yield self._stations(windows, *concerned), self._areas(windows, *concerned)

    def _stations(self, windows: Windows, members: Integers, ordinals: Integers) -> _Said:
        panes = self._vitals.panes
        points = concatenate([
            windows.station_points(
                members[k : k + WINDOWS_AT_ONCE], ordinals[k : k + WINDOWS_AT_ONCE],
                self._now_min, panes, "open",
            ) for k in range(0, len(members), WINDOWS_AT_ONCE)
        ])
        own = _members_of(windows, points.place)
        return _Said(points, windows.family.ordinal(own, points.end_s // 60 - 1))

    def _areas(self, windows: Windows, members: Integers, ordinals: Integers) -> _Said:
        keys = windows.areas.containing(members, ordinals)
        step = 1 if windows.daily else AREA_WINDOWS_AT_ONCE  # a day's end does not tell the day
        parts = [
            (windows.area_points(some, self._now_min, self._vitals.panes, "open"), some)
            for some in (keys[k : k + step] for k in range(0, len(keys), step))
        ]
        days = [np.full(len(points), some[0], np.int64) for points, some in parts]
        points = concatenate([points for points, _ in parts])
        if not len(points):
            return _Said(NONE, keys[:0])
        return _Said(points, np.concatenate(days) if windows.daily else points.end_s // 60)

    def _refreeze(self) -> None:
        """Free-flow speeds of frozen days, by the posted limit that holds now."""
        segments = self._vitals.segments
        free, (members, since) = segments.free, self._since_of(segments.members.places)
        if not len(members):
            return
        first = segments.traffic_day(members, since)
        last = int(free.frozen[members].max())
        for day in range(max(int(first.min()), last - FROZEN_DAYS + 1), last + 1):
            rows = members[(first <= day) & (free.day[members, day % FROZEN_DAYS] == day)]
            free.freeze(rows, np.full(len(rows), day, np.int64), segments.posted_on(rows, day))


def settle(vitals: Vitals) -> None:
    """Bring panes, families and windows up to what was taken in, without moving the clock."""
    vitals.tick(vitals.now_ns, with_open=False)


def _anew(old: _Said, now: _Said, of: _Whose, revise: _Revise) -> Points:
    """What differs, each window with its next revision: of members, or of areas."""
    said = _different(old, now)
    if len(said.points):
        pairs, at = np.unique(
            np.stack([of(said.points.place), said.windows]), axis=1, return_inverse=True
        )
        said.points.rev[:] = np.asarray(revise(pairs[0], pairs[1], "restated"))[at.ravel()]
    return said.points


def _members_of(windows: Windows, place: npt.NDArray[np.int32]) -> Integers:
    """The member that each place is; int64[k]."""
    of = {row: member for member, row in enumerate(windows.family.members.places)}
    return np.array([of[row] for row in place.tolist()], np.int64)


def _names(points: Points) -> Integers:
    """One number for each place, indicator and window end."""
    series = points.place.astype(np.int64) * len(INDICATORS) + points.indicator
    return np.asarray((series << _END_BITS) + points.end_s)


def _different(old: _Said, now: _Said) -> _Said:
    """What is now said otherwise, and what is not said any more: insufficient."""
    before, after = _names(old.points), _names(now.points)
    order = np.argsort(before)
    same = np.isin(after, before)
    here = np.nonzero(same)[0]
    there = order[np.searchsorted(before, after[here], sorter=order)]
    for name in _MEASURED:
        mine, theirs = getattr(now.points, name)[here], getattr(old.points, name)[there]
        same[here] &= (mine == theirs) | (np.isnan(mine) & np.isnan(theirs))
    gone = ~np.isin(before, after)
    withdrawn = _withdrawn(old.points.take(gone))
    points = concatenate([withdrawn, now.points.take(~same)])
    windows = np.concatenate([old.windows[gone], now.windows[~same]])
    points.state[:] = PointState.CLOSED
    return _Said(points, windows)


def _withdrawn(said: Points) -> Points:
    """Insufficient points in place of those that are not there any more."""
    points = empty(len(said))
    points.indicator[:], points.place[:] = said.indicator, said.place
    points.end_s[:], points.level[:] = said.end_s, INSUFFICIENT
    points.over[:] = np.where(said.over < 0, -1, 0)
    return points
