"""Windows in progress, computed a part at a time between two batches.

In a city of 1,000 stations they take 15 ms of the processor, and while that was one piece of work
nothing was taken in. Each family is computed by itself; the points of a part go to the outlets
while the next one is computed.
"""

import math
import time
from collections.abc import Iterator

from engine.points import Points, concatenate
from engine.private import public
from ingest import pauses
from ingest.line import Line
from ingest.outlets import Outlets

PART_S = 0.012
"""So long at once, or one family if that takes longer."""


class OpenWindows:
    """Of one line. Nothing is lost with a round that is dropped but one look at the windows."""

    def __init__(self, line: Line, outlets: Outlets) -> None:
        self._line = line
        self._outlets = outlets
        self._every_s = self._per_s = self._begins_s = 0.0
        self._families: Iterator[Points] | None = None
        self._took_s = 0.0
        self._told = 0
        self._written_s = 0.0

    def is_due(self, now_s: float) -> bool:
        """True if it is time for a round; a tick comes first, which folds what came."""
        return (
            self._families is None and now_s >= self._begins_s and self._outlets.takes_open
        )

    def begin(self, every_s: float, per_s: float) -> None:
        """Begin a round, at `per_s` readings a second; the next one as `pauses.open_s` says."""
        self._every_s, self._per_s = every_s, per_s
        self._families = self._line.vitals.open_windows()
        self._took_s, self._told = 0.0, 0

    def step(self, now_s: float) -> None:
        """Do a part of the round that has begun."""
        if self._families is not None and self._part(self._families, PART_S):
            # What the thread has written since the last round ended is mostly of that round.
            before_s, self._written_s = self._written_s, self._outlets.open_s
            took_s = self._took_s + self._written_s - before_s
            self._begins_s = now_s + pauses.open_s(
                self._every_s, took_s, self._told, self._per_s)

    def finish(self) -> None:
        """Do what is left of a round that has begun."""
        if self._families is not None:
            self._part(self._families, math.inf)

    def drop(self) -> None:
        """Forget the round: the places have changed, and a group may be none any more."""
        self._families = None

    def _part(self, families: Iterator[Points], seconds: float) -> bool:
        """Compute families for so long, and tell of them; True if they were the last."""
        begun = time.thread_time()
        parts = []
        while (points := next(families, None)) is not None:
            parts.append(points)
            if time.thread_time() >= begun + seconds:
                break
        if points is None:
            self.drop()
        vitals = self._line.vitals
        if parts and len(told := public(concatenate(parts), vitals.registry)):
            self._told += self._outlets.opened(told, vitals)
        self._took_s += time.thread_time() - begun
        return points is None
