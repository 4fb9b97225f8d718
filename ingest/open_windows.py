"""Windows in progress, computed a part at a time between two batches.

In a city of 1,000 stations they take 50 ms of the processor, and while that was one piece of work
nothing was taken in. Each family is computed by itself; their points go to the outlets together.
"""

import math
import time
from collections.abc import Iterator

from engine.points import Points, concatenate
from engine.private import public
from ingest.line import Line
from ingest.outlets import Outlets

SHARE = 0.25
"""Windows in progress are computed every `open_every_s`, or as rarely as makes them take no more
than this share of a processor: in a city of 100,000 series they take a second."""
PART_S = 0.003
"""So long at once, or one family if that takes longer."""


class OpenWindows:
    """Of one line. Nothing is lost with a round that is dropped but one look at the windows."""

    def __init__(self, line: Line, outlets: Outlets) -> None:
        self._line = line
        self._outlets = outlets
        self._every_s = self._begins_s = 0.0
        self._families: Iterator[Points] | None = None
        self._parts: list[Points] = []
        self._took_s = 0.0

    def begin(self, now_s: float, every_s: float) -> None:
        """Begin a round after a tick, which has folded what came, if it is time for one."""
        self._every_s = every_s
        if self._families is None and now_s >= self._begins_s and self._outlets.takes_open:
            self._families = self._line.vitals.open_windows()
            self._took_s = 0.0

    def step(self, now_s: float) -> None:
        """Do a part of the round that has begun."""
        if self._families is not None and self._part(self._families, PART_S):
            took_s = self._took_s + self._outlets.open_s
            self._begins_s = now_s + max(self._every_s, took_s / SHARE)

    def finish(self) -> None:
        """Do what is left of a round that has begun."""
        if self._families is not None:
            self._part(self._families, math.inf)

    def drop(self) -> None:
        """Forget the round: the places have changed, and a group may be none any more."""
        self._families, self._parts = None, []

    def _part(self, families: Iterator[Points], seconds: float) -> bool:
        """Compute families for so long; True if they were the last."""
        begun = time.thread_time()
        while (points := next(families, None)) is not None:
            self._parts.append(points)
            if time.thread_time() >= begun + seconds:
                break
        if points is None:
            vitals = self._line.vitals
            told = public(concatenate(self._parts), vitals.registry)
            self.drop()
            if len(told):
                self._outlets.points(told, vitals, vitals.now_ns // 1_000_000)
        self._took_s += time.thread_time() - begun
        return points is None
