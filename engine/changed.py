"""Panes that changed since the last tick, as families ask for them."""

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]


class Changed:
    """Panes that changed, by level; each family asks for the levels that it reads.

    rows: int32[k, 3], level, slot, index, as `Panes.take_touched` and `Registers.take_changed`.
    """

    def __init__(self, rows: npt.NDArray[np.int32]) -> None:
        levels = rows[:, 0]
        self._of = {level: rows[levels == level] for level in np.unique(levels).tolist()}
        self._none = rows[:0]

    def of(self, level: int) -> npt.NDArray[np.int32]:
        """The rows of one level."""
        rows: npt.NDArray[np.int32] = self._of.get(level, self._none)
        return rows


def of_level(
    changed: Changed, level: int, member_of: npt.NDArray[np.int32]
) -> tuple[Integers, Integers]:
    """Members and pane indices of the changed panes of one level; non-members are left out."""
    rows = changed.of(level)
    members = member_of[rows[:, 1]].astype(np.int64)
    known = members >= 0
    return members[known], rows[known, 2].astype(np.int64)
