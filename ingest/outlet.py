"""What a line needs of the outlets, and an outlet that gathers while the archive is replayed.

A restart says again what a day of ticks said: written tick by tick, the store would take longer
than everything else. First closings of many ticks are therefore written as one; a restatement
looks at what stands in the store, so all that was said before is handed on first.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from engine.points import Points, concatenate
from engine.vitals import Vitals
from ingest.late_rows import Told
from ingest.messages import Event

GATHERED_MAX = 20_000
"""Points that wait to be written together."""

Known = int | npt.NDArray[np.int64]
"""When points became known, Unix ms: of all of them, or of each."""


class Outlet(Protocol):
    """Where points go; calls come in the order of time."""

    def points(self, points: Points, vitals: Vitals, known_ms: Known) -> None:
        """Points of a tick, or of several; rewriting the same is harmless."""

    def restated(self, vitals: Vitals) -> None:
        """A minute has passed: say which late readings restated closed windows."""

    def events(self, events: Sequence[Event], vitals: Vitals) -> None:
        """Events that devices reported."""

    def placed_anew(self, told: Told, vitals: Vitals) -> None:
        """Rows of the places file that were added late have restated points."""

    def places(self, vitals: Vitals) -> None:
        """The places file changed."""


class Gathering:
    """Hands points on in fewer and larger calls, in the same order as everything else."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._points: list[Points] = []
        self._known: list[npt.NDArray[np.int64]] = []
        self._count = 0

    def points(self, points: Points, vitals: Vitals, known_ms: Known) -> None:
        """Keep them; hand all on if there are many, or if one replaces an earlier one."""
        self._points.append(points)
        self._known.append(np.full(len(points), known_ms, np.int64))
        self._count += len(points)
        if self._count >= GATHERED_MAX or int(points.rev.max(initial=0)) > 1:
            self.hand_on(vitals)

    def hand_on(self, vitals: Vitals) -> None:
        """Pass on what was kept."""
        points, known_ms = self._points, self._known
        self._points, self._known, self._count = [], [], 0
        if points:
            self._outlet.points(concatenate(points), vitals, np.concatenate(known_ms))

    def restated(self, vitals: Vitals) -> None:
        """First closings restate nothing, so those that are kept may wait."""
        self._outlet.restated(vitals)

    def events(self, events: Sequence[Event], vitals: Vitals) -> None:
        """Pass on."""
        self._outlet.events(events, vitals)

    def placed_anew(self, told: Told, vitals: Vitals) -> None:
        """Pass on, behind the points that these replace."""
        self.hand_on(vitals)
        self._outlet.placed_anew(told, vitals)

    def places(self, vitals: Vitals) -> None:
        """Pass on; a place that becomes private must find its points to forget them."""
        self.hand_on(vitals)
        self._outlet.places(vitals)
