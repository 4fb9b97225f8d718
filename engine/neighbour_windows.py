"""Windows that look at other stations as well: all close by the clock, and a late reading of one
says those of its neighbours anew."""

import numpy as np

from engine.changed import LONG_AGO_MIN, Changed, Reaching
from engine.family import Integers
from engine.windows import Windows


class NeighbourWindows(Windows):
    """A station that has delivered does not know whether its neighbours have; the clock does."""

    def due(self, now_min: int, wall_min: int, watermark_min: Integers) -> tuple[
        Integers, Integers
    ]:
        """By the wall clock alone."""
        return super().due(wall_min, wall_min, np.zeros_like(watermark_min))

    def note(self, changed: Changed) -> None:
        """Say anew what is closed at anybody; of a window in progress nothing is told."""
        ends = self._closed_min()[:-1]
        if not len(ends):
            return
        closed_min = np.where(self._member_of >= 0, int(ends.max()), LONG_AGO_MIN)
        members, windows = self.family.touched(Reaching(changed, closed_min), self._member_of)
        late = windows <= self.closed[members]
        self._add_late(members[late], windows[late])
