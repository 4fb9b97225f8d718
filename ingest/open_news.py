"""Which points of windows in progress are news: those of which a reader would see a change.

The mean of an hour moves with every reading, far behind the digits that are shown. Said again is
an open point whose window, level, value at its digits or coverage in hundredths is another than
what was said last; its `n` is as old as that. And every point is said again each `AGAIN_S`, so that
nobody takes a value that stays as it is for one that is not computed any more: each series at a
moment of its own, or all would come at once. A closed point is always said, and exact.
"""

import numpy as np
import numpy.typing as npt

from engine.catalogue import INDICATORS
from engine.points import Points

AGAIN_S = 15
SAID = np.dtype([
    ("end_s", "i8"), ("value", "f8"), ("turn", "i4"), ("level", "i1"), ("cov", "i1"),
])
"""What was said last of a place and indicator, and in which of its turns of `AGAIN_S`; 22 bytes.
A window that ends at 0 is none."""
_WIDTH = len(INDICATORS)
_SCALE = np.array([10.0 ** entry.digits for entry in INDICATORS])


class OpenNews:
    """Remembers what was said; `take` picks what is new of it."""

    def __init__(self) -> None:
        self._said = np.zeros(0, SAID)

    def take(self, points: Points, now_s: int) -> npt.NDArray[np.bool_]:
        """bool[k]: which open points are to be said at `now_s`. They count as said from now on."""
        at = points.place.astype(np.int64) * _WIDTH + points.indicator
        now = np.empty(len(points), SAID)
        now["end_s"], now["level"] = points.end_s, points.level
        now["value"] = np.rint(points.value * _SCALE[points.indicator])
        now["turn"] = (now_s + 7 * points.place.astype(np.int64) + points.indicator) // AGAIN_S
        now["cov"] = np.nan_to_num(points.cov) * 100
        size = int(at.max(initial=-1)) + 1
        if size > len(self._said):
            more = np.zeros(max(size, 2 * len(self._said)) - len(self._said), SAID)
            self._said = np.concatenate([self._said, more])
        news: npt.NDArray[np.bool_] = now != self._said[at]
        self._said[at] = now
        return news
