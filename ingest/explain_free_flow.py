"""The free-flow speed that an explanation of traffic is held against.

It is a point of its own (`traffic.ffs`): the stored one is taken, and where there is none yet,
it is measured from the 28 days of archive before it.
"""

from pathlib import Path

import numpy as np

from engine.account import Recipe
from engine.account_traffic import day_of, hold, measure
from engine.family import CivilDays
from engine.panes import MINUTE_NS
from engine.points import INSUFFICIENT
from engine.recipes import RECIPES
from ingest.reconstruct import Reconstruction, Stop
from ingest.store import Last, Store

_KEY = "traffic.ffs"
_NOW_NS = 1 << 62


class FreeFlow:
    """Gives the segments of a reconstruction their free-flow speeds."""

    def __init__(self, archive: Path, store: Store, stop: Stop) -> None:
        self._archive = archive
        self._store = store
        self._stop = stop
        self._last: dict[tuple[str, int], Last] | None = None

    def give(
        self, built: Reconstruction, recipe: Recipe, key: str, window: int, end_min: int
    ) -> bool:
        """Set the speeds of the day of a window; True if some were measured for want of a point."""
        segments = built.vitals.segments
        members = range(len(segments.members.places))
        if recipe.free_flow == "measured":
            measure(segments, np.arange(len(members)), window, built.vitals.panes)
            return False
        missing: dict[int, list[int]] = {}
        for member in members:
            day = day_of(segments, member, key, window, end_min)
            stored = self._stored(built, member, day)
            if stored is None:
                missing.setdefault(day, []).append(member)
            else:
                hold(segments, member, day, stored)
        for day, those in missing.items():
            self._measured(built, those, day)
        return bool(missing)

    def _stored(self, built: Reconstruction, member: int, day: int) -> float | None:
        segments = built.vitals.segments
        path = built.vitals.registry.keys[segments.members.places[member]].path
        end_ms = _end_min(built, member, day) * 60_000
        closed = self._store.history(path, _KEY, end_ms, end_ms, 1)
        if closed:
            return closed[0].value if closed[0].level != INSUFFICIENT else float("nan")
        if self._last is None:
            self._last = {(row.path, row.end_ms): row for row in self._store.last()
                          if row.indicator == _KEY}
        row = self._last.get((path, end_ms))
        if row is None:
            return None
        return row.value if row.level != INSUFFICIENT else float("nan")

    def _measured(self, built: Reconstruction, members: list[int], day: int) -> None:
        recipe, registry = RECIPES[_KEY], built.vitals.registry
        segments = built.vitals.segments
        keys = [registry.keys[segments.members.places[member]] for member in members]
        other = Reconstruction(built.known, keys, recipe)
        end_min = _end_min(built, members[0], day)
        other = other.filled(
            self._archive, (end_min - recipe.back_min) * MINUTE_NS, end_min * MINUTE_NS, _NOW_NS,
            self._stop,
        )
        theirs = other.vitals.segments
        theirs.enrol(other.vitals.registry)
        everyone = np.arange(len(theirs.members.places), dtype=np.int64)
        measure(theirs, everyone, day, other.vitals.panes)
        posted = theirs.posted_on(everyone, day)
        speeds = theirs.free.at(everyone, np.full(len(everyone), day), posted)
        of_key = {
            other.vitals.registry.keys[place]: float(speed)
            for place, speed in zip(theirs.members.places, speeds, strict=True)
        }
        for member, key in zip(members, keys, strict=True):
            hold(segments, member, day, of_key.get(key, float("nan")))


def _end_min(built: Reconstruction, member: int, day: int) -> int:
    """Unix minute at which the civil day of a segment ends."""
    days = CivilDays(built.vitals.segments.members)
    row = np.array([member], np.int64)
    return int(days.end_min(row, np.array([day], np.int64))[0])
