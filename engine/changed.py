"""Panes that changed since the last tick, as families ask for them."""

import numpy as np
import numpy.typing as npt

from engine.panes import ONE, PERIODS

Integers = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int32]


LONG_AGO_MIN = -(1 << 40)


class Changed:
    """Panes that changed, by level.

    rows: int32[k, 3], level, slot, index, as `Panes.take_touched` and `Registers.take_changed`.
    shift: int32[series], minutes of the grid of panes east of UTC.
    """

    def __init__(self, rows: Rows, shift: npt.NDArray[np.int32]) -> None:
        levels = rows[:, 0]
        self._of = {level: rows[levels == level] for level in np.unique(levels).tolist()}
        self._begin_min = {
            level: of[:, 2].astype(np.int64) * PERIODS[level]
            - (0 if level == ONE else shift[of[:, 1]])
            for level, of in self._of.items() if level < len(PERIODS)
        }
        self._none = rows[:0]

    def of(self, level: int) -> Rows:
        """The rows of one level."""
        rows: Rows = self._of.get(level, self._none)
        return rows

    def begin_min(self, level: int) -> Integers:
        """Unix minute at which each pane of a level begins; long ago for what is no pane."""
        long_ago = np.full(len(self.of(level)), LONG_AGO_MIN)
        begin_min: Integers = self._begin_min.get(level, long_ago)
        return begin_min


class Reaching:
    """Of changed panes those that may feed windows which are closed already.

    closed_min: int64[series], up to when the windows of a series are closed, Unix minute. What a
    pane feeds ends after the pane begins, so one that begins later feeds open windows alone.
    fresh: slots of panes that were left out for that.
    """

    def __init__(self, changed: Changed, closed_min: Integers) -> None:
        self.fresh: list[npt.NDArray[np.int32]] = []
        self._changed = changed
        self._closed_min = closed_min

    def of(self, level: int) -> Rows:
        """The rows of one level."""
        rows = self._changed.of(level)
        if not len(rows):
            return rows
        late = self._changed.begin_min(level) < self._closed_min[rows[:, 1]]
        self.fresh.append(rows[~late, 1])
        return rows[late]


def of_level(
    changed: Changed | Reaching, level: int, member_of: npt.NDArray[np.int32]
) -> tuple[Integers, Integers]:
    """Members and pane indices of the changed panes of one level; non-members are left out."""
    rows = changed.of(level)
    members = member_of[rows[:, 1]].astype(np.int64)
    known = members >= 0
    return members[known], rows[known, 2].astype(np.int64)
