"""Data quality of a station: completeness of each hour (Cityvitals data quality 5.4)."""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from edge.quantities import QUANTITIES
from engine.catalogue import POSITION
from engine.completeness import completeness, expected_readings
from engine.family import Cadence, Integers, Members, Result, Slots, blank, of_level
from engine.panes import COARSE, HOUR, Panes, kernel
from engine.registry import Registry


@kernel(nb.void(
    nb.int32[:, ::1], nb.int64[::1], nb.int64[::1], nb.int64[::1], nb.int64[::1],
    nb.from_dtype(COARSE)[:, ::1], nb.int64[::1], nb.int64[:, ::1], nb.float64[:, ::1],
    nb.int64[::1], nb.float64[::1],
))
def gather_counts(
    table: Any, members: Any, windows: Any, start_s: Any, end_s: Any, hours: Any,
    first_min: Any, since_s: Any, period_s: Any, counts: Any, expected: Any,
) -> None:
    """Readings had and owed by all series of a place in an hour.

    table: int32[m, inputs], slots. members, windows: int64[k]. start_s, end_s: int64[k], Unix s.
    hours: COARSE[series, 240]. first_min: int64[series]: nothing is owed in hours before that
    of the first reading. since_s: int64[series, r], period_s: float64[series, r]. counts:
    int64[k], at most what a series owes. expected: float64[k]. Cost: k * inputs * r.
    """
    length = hours.shape[1]
    for k in range(members.shape[0]):
        counts[k] = 0
        expected[k] = 0.0
        for j in range(table.shape[1]):
            slot = table[members[k], j]
            if slot < 0 or first_min[slot] * 60 >= start_s[k] + 3600:
                continue
            owed = expected_readings(start_s[k], end_s[k], since_s[slot], period_s[slot])
            expected[k] += owed
            pane = hours[slot, windows[k] % length]
            if pane.tag == windows[k]:
                counts[k] += min(pane.n, nb.int64(np.ceil(owed)))


class Completeness(Cadence):
    """Valid readings of all series of a station over those that its devices owe."""

    indicators = (POSITION["dq.completeness"],)

    def __init__(self) -> None:
        super().__init__(Members((0,)))

    def enrol(self, registry: Registry) -> None:
        """Take in all stations; the table is that of one input, of whatever quantity."""
        found = registry.stations_with(tuple(QUANTITIES))
        merged = {
            place: {0: [slot for quantity in sorted(by) for slot in by[quantity]]}
            for place, by in found.items()
        }
        self.members.enrol(registry, merged)

    def touched(
        self, changed: npt.NDArray[np.int32], member_of: Slots
    ) -> tuple[Integers, Integers]:
        """The hour."""
        return of_level(changed, HOUR, member_of)

    def compute(self, members: Integers, windows: Integers, now_min: int, panes: Panes) -> Result:
        """One row a station and hour; of an hour in progress, what is owed so far."""
        result = blank(len(members), 1)
        counts = np.zeros(len(members), np.int64)
        expected = np.zeros(len(members))
        registry = self.members.registry
        end = self.end_min(members, windows)
        gather_counts(
            self.members.table, members, windows, (end - 60) * 60,
            np.minimum(end, now_min) * 60, panes.coarse[0], panes.first_min, registry.since_s,
            registry.period_s, counts, expected,
        )
        completeness(counts, expected, result.value[:, 0])
        result.cov[:, 0] = np.nan_to_num(result.value[:, 0]) / 100
        result.n[:, 0] = counts
        result.weight = np.maximum(expected, 1e-9)
        return result
